//! A client that sends raw bytes, and what it is told.

use crate::edge::PATIENCE;
use std::{
    io::{ErrorKind, Read, Write},
    net::{Shutdown, SocketAddr, TcpStream},
};

/// Whether anything can be read from a socket: bytes, or its end.
pub(crate) fn told_anything(socket: &TcpStream) -> bool {
    socket.set_nonblocking(true).unwrap();
    let told = !matches!(socket.peek(&mut [0]), Err(error) if error.kind() == ErrorKind::WouldBlock);
    socket.set_nonblocking(false).unwrap();
    told
}

pub(crate) fn connect(address: SocketAddr) -> TcpStream {
    let socket = TcpStream::connect(address).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    socket.set_nodelay(true).unwrap();
    socket
}

pub(crate) fn raw(address: SocketAddr, bytes: impl AsRef<[u8]>) -> String {
    let mut socket = connect(address);
    // A refusal may come before all is sent.
    let _ = socket.write_all(bytes.as_ref());
    let _ = socket.shutdown(Shutdown::Write);
    let mut answer = Vec::new();
    let _ = socket.read_to_end(&mut answer);
    String::from_utf8_lossy(&answer).into_owned()
}

/// Reads one answer with a Content-Length.
pub(crate) fn answer(socket: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    let mut byte = [0; 1];
    while !bytes.ends_with(b"\r\n\r\n") {
        if socket.read(&mut byte).unwrap() == 0 {
            return String::from_utf8(bytes).unwrap();
        }
        bytes.push(byte[0]);
    }
    let head = String::from_utf8(bytes.clone()).unwrap().to_ascii_lowercase();
    let length: usize =
        head.split("content-length: ").nth(1).and_then(|rest| rest.split("\r\n").next()).map_or(0, |text| text.parse().unwrap());
    let mut body = vec![0; length];
    socket.read_exact(&mut body).unwrap();
    bytes.extend(body);
    String::from_utf8(bytes).unwrap()
}

/// The status of an answer, or `nothing`.
pub(crate) fn status(answer: &str) -> &str {
    answer.strip_prefix("HTTP/1.1 ").or(answer.strip_prefix("HTTP/1.0 ")).and_then(|rest| rest.get(..3)).unwrap_or("nothing")
}

/// `status code` of a refusal; only the status of anything else.
pub(crate) fn said(answer: &str) -> String {
    let code = answer.split("\"code\":\"").nth(1).and_then(|rest| rest.split('"').next());
    code.map_or_else(|| status(answer).to_owned(), |code| format!("{} {code}", status(answer)))
}
