use super::{Address, Client, query, segment};
use http::{Method, StatusCode};
use serde_json::json;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
};
use wardgate_model::secret::Secret;

#[test]
fn addresses_are_on_this_machine() {
    let read = |url: &str| Address::parse(url).map_or_else(|error| error.to_string(), |address| address.to_string());
    insta::assert_snapshot!(read("http://127.0.0.1:9080"), @"http://127.0.0.1:9080");
    insta::assert_snapshot!(read("http://localhost"), @"http://localhost");
    insta::assert_snapshot!(read("http://[::1]:9/"), @"http://[::1]:9");
    insta::assert_snapshot!(read("http://gate.example:9080"), @"`http://gate.example:9080` is no address of a management API: a token would cross a network in the clear: use 127.0.0.1, through a tunnel where the gate is elsewhere");
    insta::assert_snapshot!(read("http://127.0.0.1.gate.example"), @"`http://127.0.0.1.gate.example` is no address of a management API: a token would cross a network in the clear: use 127.0.0.1, through a tunnel where the gate is elsewhere");
    insta::assert_snapshot!(read("https://127.0.0.1:9080"), @"`https://127.0.0.1:9080` is no address of a management API: the admin listener speaks clear text on this machine: write `http://`");
    insta::assert_snapshot!(read("127.0.0.1:9080"), @"`127.0.0.1:9080` is no address of a management API: write `http://127.0.0.1:9080`");
    insta::assert_snapshot!(read("http://a:b@127.0.0.1"), @"`http://a:b@127.0.0.1` is no address of a management API: user and password do not belong to it");
    insta::assert_snapshot!(read("http://127.0.0.1/api"), @"`http://127.0.0.1/api` is no address of a management API: a path does not belong to it");
}

#[test]
fn paths_and_queries_are_escaped() {
    assert_eq!(segment("a/b?c=ü"), "a%2Fb%3Fc%3D%C3%BC");
    assert_eq!(query(&[("identity", Some("a b")), ("state", None), ("limit", Some("5"))]), "?identity=a%20b&limit=5");
    assert_eq!(query(&[("state", None)]), "");
}

/// Answers one request with `answer`; gives what the client made of it and what it had sent.
async fn exchange(answer: impl Into<String>) -> (Result<super::Answer, super::ClientFault>, String) {
    let answer = answer.into();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let server = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut heard = Vec::new();
        while !heard.ends_with(b"}") {
            if stream.read_buf(&mut heard).await.unwrap() == 0 {
                break;
            }
        }
        stream.write_all(answer.as_bytes()).await.unwrap();
        stream.shutdown().await.unwrap();
        String::from_utf8(heard).unwrap()
    });
    let client = Client::new(Address::parse(&url).unwrap(), Secret::new("wgs_t".into()));
    let made = client.call(Method::POST, "/api/v1/credentials", Some(&json!({"identity": "a"}))).await;
    (made, server.await.unwrap())
}

#[tokio::test]
async fn json_goes_out_and_comes_back() {
    let (made, heard) = exchange("HTTP/1.1 201 Created\r\ncontent-length: 9\r\n\r\n{\"id\":\"x\"").await;
    assert!(made.is_err(), "an answer cut short is none");
    assert!(heard.starts_with("POST /api/v1/credentials HTTP/1.1\r\n"), "{heard}");
    assert!(heard.contains("authorization: Bearer wgs_t\r\n") && heard.ends_with(r#"{"identity":"a"}"#), "{heard}");

    let (made, _) = exchange("HTTP/1.1 201 Created\r\ncontent-length: 10\r\n\r\n{\"id\":\"x\"}").await;
    let made = made.unwrap();
    assert_eq!((made.status, made.body), (StatusCode::CREATED, json!({"id": "x"})));

    let (made, _) = exchange("HTTP/1.1 204 No Content\r\n\r\n").await;
    assert_eq!(made.unwrap().body, serde_json::Value::Null);
}

#[tokio::test]
async fn refusals_are_readable() {
    let problem = json!({
        "detail": "the caller may not do this", "code": "standing.denied", "remedy": "ask for a grant", "request_id": "01-\u{1b}[2J"
    });
    let problem = problem.to_string();
    let problem = format!("HTTP/1.1 403 Forbidden\r\ncontent-length: {}\r\n\r\n{problem}", problem.len());
    let (made, _) = exchange(problem).await;
    insta::assert_snapshot!(made.unwrap_err(), @r"
    refused: the caller may not do this (403 standing.denied)
      = ask for a grant
      = request 01-\u{1b}[2J
    ");
    let (made, _) = exchange("HTTP/1.1 502 Bad Gateway\r\nwardgate-request-id: 7\r\ncontent-length: 2\r\n\r\nno").await;
    insta::assert_snapshot!(made.unwrap_err(), @r"
    refused: bad gateway (502)
      = request 7
    ");
}

#[tokio::test]
async fn strangers_and_silence_are_told_apart() {
    let (made, _) = exchange("SSH-2.0-OpenSSH_9.6\r\n").await;
    let error = made.unwrap_err().to_string();
    assert!(error.contains("is no management API"), "{error}");

    // Nobody listens, and nobody else is given the port meanwhile.
    let taken = tokio::net::TcpSocket::new_v4().unwrap();
    taken.bind(([127, 0, 0, 1], 0).into()).unwrap();
    let url = format!("http://{}", taken.local_addr().unwrap());
    let error = Client::new(Address::parse(&url).unwrap(), Secret::new("t".into())).get("/").await.unwrap_err().to_string();
    assert!(error.contains("nothing answers at") && error.contains("wardgate serve"), "{error}");
}
