//! Bodies that the judge has to see, because they are signed.

use crate::{
    edge::{Running, Setup, answer, said},
    upstream::Upstream,
};
use http::HeaderName;
use std::{io::Write, net::TcpStream, time::Duration};
use wardgate_edge::Proxies;
use wardgate_model::{
    credential::{CredentialKind, SignatureForm, SignatureScheme},
    id::ApiName,
};

fn signing(upstream: &Upstream) -> Setup {
    let setup = Setup::before(upstream).one_thread().api(|api| api.accept = [CredentialKind::Hmac].into());
    Setup { proxies: Proxies::new(["127.0.0.0/8".parse().unwrap()]), ..setup }
}

fn form() -> SignatureForm {
    SignatureForm {
        scheme: SignatureScheme::Body,
        header: HeaderName::from_static("x-signature"),
        timestamp: None,
        message: None,
        api: Some(ApiName::literal("orders")),
        tolerance: Duration::from_mins(5),
    }
}

fn head(from: &str) -> String {
    let signature = "0".repeat(64);
    format!(
        "POST /x HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: {from}\r\nX-Signature: sha256={signature}\r\nExpect: 100-continue\r\n\
         Transfer-Encoding: chunked\r\n\r\n"
    )
}

/// Sends the head of a request that shows a signature, and waits until its body is waited for.
fn begun(edge: &Running, from: &str) -> TcpStream {
    let mut socket = edge.connect();
    socket.write_all(head(from).as_bytes()).unwrap();
    let told = answer(&mut socket);
    assert!(told.starts_with("HTTP/1.1 100"), "{told}");
    socket
}

#[test]
fn one_source_does_not_take_all_places_to_collect_bodies() {
    let upstream = Upstream::plain();
    let edge = signing(&upstream).limits(|limits| limits.collecting_max = 4).start();
    edge.sign(Some(&form()));
    let waiting = [begun(&edge, "198.51.100.7"), begun(&edge, "198.51.100.7")];
    assert_eq!(said(&edge.raw(format!("{}0\r\n\r\n", head("198.51.100.7")))), "503 commit.busy");
    let other = begun(&edge, "198.51.100.8");
    drop((waiting, other));
}

#[test]
fn a_body_that_takes_too_long_is_given_up() {
    let upstream = Upstream::plain();
    let edge = signing(&upstream).limits(|limits| limits.collecting = Duration::from_millis(50)).start();
    edge.sign(Some(&form()));
    let mut socket = begun(&edge, "198.51.100.7");
    let told = answer(&mut socket);
    assert_eq!(said(&told), "408 wire.timeout");
    assert!(told.to_ascii_lowercase().contains("connection: close"), "what comes yet is the rest of the body: {told}");
    assert_eq!(upstream.received(), "");
}

#[test]
fn a_body_that_is_lost_is_not_forwarded_as_none() {
    let upstream = Upstream::plain();
    let edge = signing(&upstream).limits(|limits| limits.collected_bytes_max = 10).start();
    edge.sign(Some(&form()));
    let mut socket = begun(&edge, "198.51.100.7");
    // Nobody signs here any more: so it is what everybody may send.
    edge.sign(None);
    socket.write_all(b"b\r\n12345678901\r\n0\r\n\r\n").unwrap();
    assert_eq!(said(&answer(&mut socket)), "413 wire.body_too_large");
    assert_eq!(upstream.received(), "");
}
