use crate::{plain, upstream};
use std::{
    io::{Read, Write},
    net::{Ipv4Addr, SocketAddr, TcpStream},
};
use tokio::net::TcpListener;

const GET: &str = "GET /a?b=c HTTP/1.1\r\nhost: plain.example\r\n\r\n";
const LAST_POST: &str = "POST /a HTTP/1.1\r\nhost: plain.example\r\ncontent-length: 3\r\nconnection: close\r\n\r\nabc";

/// Starts a plain proxy before `upstream`, sends raw text to it and returns all that comes back.
async fn exchange(upstream: SocketAddr, text: String) -> String {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let proxy = tokio::spawn(plain::serve(listener, upstream));
    let client = tokio::task::spawn_blocking(move || {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.write_all(text.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    });
    let answer = client.await.unwrap();
    proxy.abort();
    answer
}

#[tokio::test]
async fn requests_are_passed_on_over_kept_connections() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let answer = upstream::Answer::of_bytes(5);
    let server = tokio::spawn(upstream::serve(listener, answer.clone()));
    // Both in one piece, as a client that pipelines sends them.
    let text = exchange(address, format!("{GET}{LAST_POST}")).await;
    assert_eq!(text.matches("HTTP/1.1 200 OK").count(), 2, "{text}");
    assert_eq!(text.matches("\r\n\r\nwwwww").count(), 2, "{text}");
    assert_eq!(answer.requests(), 2);
    server.abort();
}

#[tokio::test]
async fn no_upstream_is_a_bad_gateway() {
    // Nobody listens, and nobody else is given the port meanwhile.
    let taken = tokio::net::TcpSocket::new_v4().unwrap();
    taken.bind((Ipv4Addr::LOCALHOST, 0).into()).unwrap();
    let text = exchange(taken.local_addr().unwrap(), LAST_POST.to_owned()).await;
    assert!(text.starts_with("HTTP/1.1 502 "), "{text}");
}
