use super::{CallFault, call};
use crate::bypass::plan::Wanted;
use http::Method;
use std::sync::Arc;
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader},
    net::{TcpListener, TcpSocket},
};
use wardgate_model::{api::UpstreamUrl, wire::UpstreamWire};

fn wanted() -> Wanted {
    Wanted { operation: Arc::from("shop GET /things"), retired: false, method: Method::GET, path: "/things".parse().unwrap() }
}

/// Answers one request with a text; gives what it was asked.
async fn once(answer: &'static str) -> (UpstreamUrl, tokio::task::JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = UpstreamUrl { tls: false, host: "127.0.0.1".into(), port: listener.local_addr().unwrap().port() };
    let heard = tokio::spawn(async move {
        let mut stream = BufReader::new(listener.accept().await.unwrap().0);
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") && stream.read_line(&mut head).await.unwrap() > 0 {}
        stream.write_all(answer.as_bytes()).await.unwrap();
        head
    });
    (url, heard)
}

#[tokio::test]
async fn it_comes_with_nothing_to_show() {
    let (url, heard) = once("HTTP/1.1 204 No Content\r\n\r\n").await;
    assert_eq!(call(&url, &UpstreamWire::default(), &wanted()).await.unwrap().as_u16(), 204);
    let expected = format!(
        "GET /things HTTP/1.1\r\nuser-agent: wardgate-probe\r\naccept: */*\r\nhost: {}\r\nconnection: close\r\n\r\n",
        url.authority()
    );
    assert_eq!(heard.await.unwrap(), expected, "these fields, and no other");
}

#[tokio::test]
async fn only_the_head_is_read_and_no_redirect_is_followed() {
    let (url, _heard) = once("HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n").await;
    assert_eq!(call(&url, &UpstreamWire::default(), &wanted()).await.unwrap().as_u16(), 200);
    let (url, _heard) = once("HTTP/1.1 302 Found\r\nLocation: http://169.254.169.254/\r\nContent-Length: 0\r\n\r\n").await;
    assert_eq!(call(&url, &UpstreamWire::default(), &wanted()).await.unwrap().as_u16(), 302);
}

#[tokio::test]
async fn who_is_not_there_and_who_says_nothing_are_told_apart() {
    // Nobody listens, and nobody else is given the port meanwhile.
    let taken = TcpSocket::new_v4().unwrap();
    taken.bind(([127, 0, 0, 1], 0).into()).unwrap();
    let url = UpstreamUrl { tls: false, host: "127.0.0.1".into(), port: taken.local_addr().unwrap().port() };
    assert!(matches!(call(&url, &UpstreamWire::default(), &wanted()).await, Err(CallFault::Unreachable(_))));
    let (url, _heard) = once("").await;
    assert!(matches!(call(&url, &UpstreamWire::default(), &wanted()).await, Err(CallFault::Broke(_))));
}
