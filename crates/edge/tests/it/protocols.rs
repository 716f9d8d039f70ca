//! HTTP/2 and TLS, with `curl` as the other side.

use crate::{edge::Setup, upstream::Upstream};
use rustls::pki_types::{CertificateDer, pem::PemObject};
use std::{
    io::{ErrorKind, Read, Write},
    process::Command,
    sync::Arc,
    time::Duration,
};

/// Runs curl → `version status`, then the body.
fn curl(arguments: &[&str]) -> String {
    let output = Command::new("curl")
        .args(["--silent", "--show-error", "--max-time", "60", "--noproxy", "*", "--write-out", "\n%{http_version} %{http_code}"])
        .args(arguments)
        .output()
        .expect("curl runs");
    let text = String::from_utf8(output.stdout).expect("text");
    assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
    text
}

fn certificate() -> (rustls::ServerConfig, tempfile::NamedTempFile) {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
    let key = rustls::pki_types::PrivateKeyDer::try_from(made.signing_key.serialize_der()).expect("a key");
    let provider = std::sync::Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = rustls::ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .expect("a configuration");
    config.alpn_protocols = wardgate_edge::ALPN.iter().map(|name| name.to_vec()).collect();
    let mut file = tempfile::NamedTempFile::new().expect("a file");
    file.write_all(made.cert.pem().as_bytes()).expect("written");
    (config, file)
}

#[test]
fn http2_in_clear_text_by_prior_knowledge() {
    let upstream = Upstream::plain();
    let edge = Setup::before(&upstream).start();
    let url = |path: &str| format!("http://{}{path}", edge.public);
    assert_eq!(curl(&["--http2-prior-knowledge", &url("/x")]), "ok\n2 200");
    assert_eq!(curl(&["--http2-prior-knowledge", "--data", "hello", &url("/x")]), "ok\n2 200");
    let received = upstream.received();
    assert!(received.contains("GET /x HTTP/1.1\r\n") && received.contains("hello"), "{received}");
    assert!(received.contains("via: 2.0 wardgate-test\r\n"), "{received}");
    assert!(received.contains(&format!("x-forwarded-host: {}\r\n", edge.public)), "{received}");
    let refused = curl(&["--http2-prior-knowledge", &url("/guarded")]);
    assert!(refused.contains("\"code\":\"credential.missing\"") && refused.ends_with("2 401"), "{refused}");
    assert_eq!(
        edge.sink.told(3),
        ["rule.allowed complete 200 200", "rule.allowed complete 200 200", "credential.missing complete 401 never"]
    );
}

#[test]
fn http2_is_bounded_too() {
    let upstream = Upstream::plain();
    let edge = Setup::before(&upstream).start();
    let url = format!("http://{}/{}", edge.public, "x".repeat(9_000));
    let told = curl(&["--http2-prior-knowledge", &url]);
    assert!(told.contains("wire.target_too_long") && told.ends_with("2 414"), "{told}");
    let fields: Vec<String> = (0..101).map(|number| format!("X-{number}: 1")).collect();
    let url = format!("http://{}/", edge.public);
    let mut arguments = vec!["--http2-prior-knowledge", &*url];
    for field in &fields {
        arguments.extend(["--header", field]);
    }
    let told = curl(&arguments);
    assert!(told.contains("wire.head_too_large") && told.ends_with("2 431"), "{told}");
    assert_eq!(upstream.received(), "");
}

#[test]
fn grpc_is_refused_in_its_own_words() {
    let upstream = Upstream::plain();
    let edge = Setup::before(&upstream).start();
    let url = format!("http://{}/a.Service/Method", edge.public);
    let told = curl(&["--http2-prior-knowledge", "--include", "--header", "content-type: application/grpc", "--data", "x", &url]);
    assert!(
        told.contains("grpc-status: 3\r\n") && told.contains("content-type: application/grpc\r\n") && told.ends_with("2 200"),
        "{told}"
    );
}

#[test]
fn tls_chooses_the_protocol() {
    let upstream = Upstream::plain();
    let (config, trusted) = certificate();
    let edge = Setup { tls: Some(config), ..Setup::before(&upstream) }.start();
    let port = edge.tls.expect("a listener").port();
    let url = format!("https://localhost:{port}/x");
    let resolve = format!("localhost:{port}:127.0.0.1");
    let with = |arguments: &[&str]| {
        let mut all = vec!["--cacert", trusted.path().to_str().expect("a path"), "--resolve", &resolve];
        all.extend(arguments);
        all.push(&url);
        curl(&all)
    };
    assert_eq!(with(&["--http2"]), "ok\n2 200");
    assert_eq!(with(&["--http1.1"]), "ok\n1.1 200");
    assert_eq!(with(&["--http1.1", "--tls-max", "1.2"]), "ok\n1.1 200");
    assert!(upstream.received().contains("x-forwarded-proto: https\r\n"));
    // Clear text at a TLS door is no request.
    let mut socket = crate::edge::connect(edge.tls.expect("a listener"));
    socket.write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").expect("sent");
    let mut told = Vec::new();
    let _ = socket.read_to_end(&mut told);
    assert!(!String::from_utf8_lossy(&told).contains("HTTP"), "{told:?}");
}

#[test]
fn curl_speaks_http1_and_waits_for_100() {
    let upstream = Upstream::plain();
    let edge = Setup::before(&upstream).start();
    let url = format!("http://{}/x", edge.public);
    assert_eq!(curl(&["--header", "Expect: 100-continue", "--data", "hello", &url]), "ok\n1.1 200");
    assert!(!upstream.received().to_ascii_lowercase().contains("expect"));
}

#[test]
fn a_client_that_agrees_on_http2_and_says_nothing_is_not_waited_for() {
    let upstream = Upstream::plain();
    let (config, trusted) = certificate();
    let setup = Setup { tls: Some(config), ..Setup::before(&upstream) };
    // It bounds the handshake, too, which takes a while on a busy machine.
    let edge = setup.limits(|limits| limits.head_timeout = Duration::from_secs(3)).start();
    let mut roots = rustls::RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(trusted.path()).expect("a certificate")).expect("trusted");
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().expect("versions");
    let config = builder.with_root_certificates(roots).with_no_client_auth();
    let comes_to_nothing = |protocol: &[u8], said: &[u8]| {
        let mut config = config.clone();
        config.alpn_protocols = vec![protocol.to_vec()];
        let name = "localhost".try_into().expect("a name");
        let client = rustls::ClientConnection::new(Arc::new(config), name).expect("a client");
        let mut stream = rustls::StreamOwned::new(client, crate::edge::connect(edge.tls.expect("a listener")));
        stream.write_all(said).and_then(|()| stream.flush()).expect("sent");
        let mut told = Vec::new();
        // An error where the connection ends without a word, but never because the time is over.
        let ended = stream.read_to_end(&mut told).map_or_else(|error| error.kind(), |_| ErrorKind::UnexpectedEof);
        assert!(!matches!(ended, ErrorKind::WouldBlock | ErrorKind::TimedOut), "{ended} {told:?}");
        assert_eq!(told, b"");
    };
    std::thread::scope(|scope| {
        scope.spawn(|| comes_to_nothing(b"h2", b""));
        scope.spawn(|| comes_to_nothing(b"h2", b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"));
        scope.spawn(|| comes_to_nothing(b"http/1.1", b""));
    });
}
