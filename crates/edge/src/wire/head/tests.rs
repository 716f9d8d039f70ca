use super::{Complete, Framing, HeadReader, Progress};
use crate::limits::EdgeLimits;
use proptest::prelude::*;

/// A head as text (`\n` for CRLF, `␊` for a bare line feed, `␍` for a bare carriage return) → what is made of it.
fn check(head: &str) -> String {
    let bytes = head.replace('\n', "\r\n").replace('␊', "\n").replace('␍', "\r").into_bytes();
    match HeadReader::default().read(&bytes, &EdgeLimits::default()) {
        Ok(Progress::Partial) => "partial".into(),
        Ok(Progress::Complete(Complete { bytes: length, framing, .. })) => {
            assert_eq!(length, bytes.len(), "all of it is the head");
            match framing {
                Framing::Length(length) => format!("length {length}"),
                Framing::Chunked => "chunked".into(),
            }
        }
        Err(refusal) => format!("{}: {refusal}", refusal.reason.code()),
    }
}

#[test]
fn good_heads_are_framed() {
    assert_eq!(check("GET / HTTP/1.1\nHost: a\n\n"), "length 0");
    assert_eq!(check("\nGET / HTTP/1.1\nHost: a\n\n"), "length 0");
    assert_eq!(check("POST /x?y=[1]&z={2}|3 HTTP/1.1\nHost: a.example:8080\nContent-Length:  0012\t\n\n"), "length 12");
    assert_eq!(check("POST / HTTP/1.1\nhost:[::1]:80\nTRANSFER-ENCODING: Chunked\n\n"), "chunked");
    assert_eq!(check("GET http://A.example/x HTTP/1.1\nHost: a.EXAMPLE\n\n"), "length 0");
    assert_eq!(check("GET https://a.example HTTP/1.0\nHost: a.example\n\n"), "length 0");
    assert_eq!(check("OPTIONS * HTTP/1.1\nHost: a\nX-Empty:\n\n"), "length 0");
    assert_eq!(check("GET / HTTP/1.1\nHost: a\nX-Name: caf\u{e9}\n\n"), "length 0");
}

#[test]
fn a_head_is_waited_for() {
    for part in [
        "",
        "\n",
        "GET",
        "GET / HT",
        "GET / HTTP/1.1\n",
        "GET / HTTP/1.1\nHost: a",
        "GET / HTTP/1.1\nHost: a\n",
        "GET / HTTP/1.1\nHost: a\n␍",
    ] {
        assert_eq!(check(part), "partial", "{part:?}");
    }
}

#[test]
fn request_lines_have_one_form() {
    assert_eq!(check("GET /\n"), "wire.malformed: the request line has no version (line 1 of the head)");
    assert_eq!(check("GET  / HTTP/1.1\nHost: a\n\n"), "wire.malformed: the request line does not end in `HTTP/1.1` (line 1 of the head)");
    assert_eq!(check("GET /  HTTP/1.1\n"), "wire.malformed: the request line does not end in `HTTP/1.1` (line 1 of the head)");
    assert_eq!(check("GET / HTTP/1.1 \n"), "wire.malformed: the request line does not end in `HTTP/1.1` (line 1 of the head)");
    assert_eq!(check("GET / HTTP/2.0\n"), "wire.version: this version of HTTP is not served (line 1 of the head)");
    assert_eq!(check("GET / http/1.1\n"), "wire.malformed: the request line does not end in `HTTP/1.1` (line 1 of the head)");
    assert_eq!(check("G@T / HTTP/1.1\n"), "wire.malformed: the method is not a token (line 1 of the head)");
    assert_eq!(check("\u{16}\u{3}\u{1}"), "wire.malformed: the method is not a token (line 1 of the head)");
    assert_eq!(check(" GET / HTTP/1.1\n"), "wire.malformed: the method is not a token (line 1 of the head)");
    assert_eq!(check("\n\nGET / HTTP/1.1\n"), "wire.malformed: more than one empty line before the request line (line 1 of the head)");
    assert_eq!(check("GET / HTTP/1.1␊"), "wire.malformed: a line ends in a bare line feed (line 1 of the head)");
    for target in ["/a#b", "/a\tb", "/caf\u{e9}", "/a\u{0}b", "/<x>", "/\u{7f}"] {
        let told = check(&format!("GET {target} HTTP/1.1\n"));
        assert_eq!(told, "wire.malformed: the request target has a character that may not stand there (line 1 of the head)", "{target:?}");
    }
    for target in ["x", "ftp://a/", "a:80", "*", "http:/a"] {
        let told = check(&format!("GET {target} HTTP/1.1\n"));
        assert_eq!(
            told, "wire.malformed: the request target is neither a path nor a whole http address (line 1 of the head)",
            "{target:?}"
        );
    }
    assert_eq!(check("CONNECT a:80 HTTP/1.1\n"), "canon.method: CONNECT is not served (line 1 of the head)");
}

#[test]
fn fields_have_one_form() {
    let field = |line: &str| check(&format!("GET / HTTP/1.1\nHost: a\n{line}\n\n"));
    assert_eq!(field("X : 1"), "wire.malformed: white space before the colon of a header field (line 3 of the head)");
    assert_eq!(field("X: 1\n folded"), "wire.malformed: a header field has no colon (line 4 of the head)");
    assert_eq!(field("X: 1\n\tY: 2"), "wire.malformed: a header field is folded over two lines (line 4 of the head)");
    assert_eq!(field("X"), "wire.malformed: a header field has no colon (line 3 of the head)");
    assert_eq!(field(": 1"), "wire.malformed: the name of a header field is not a token (line 3 of the head)");
    assert_eq!(field("X(y): 1"), "wire.malformed: the name of a header field is not a token (line 3 of the head)");
    assert_eq!(field("X: a␍b"), "wire.malformed: a header field's value has a control character (line 3 of the head)");
    assert_eq!(field("X: a\u{0}b"), "wire.malformed: a header field's value has a control character (line 3 of the head)");
    assert_eq!(field("X: a␊Y: b"), "wire.malformed: a line ends in a bare line feed (line 3 of the head)");
}

#[test]
fn hosts_are_single_and_agree() {
    let host = |lines: &str| check(&format!("GET / HTTP/1.1\n{lines}\n\n"));
    assert_eq!(host("X: 1"), "canon.host: no Host field");
    assert_eq!(host("Host: a\nhOsT: a"), "canon.host: more than one Host field (line 3 of the head)");
    for bad in ["", "a b", "a/b", "u@a", "a:", "a:65536", "a:x", "[::1", "[::g]", "[::1]x", "..", ".a", "a.", "a..b", "a,b", "\u{e9}"] {
        assert_eq!(host(&format!("Host: {bad}")), "canon.host: the Host field is not a host (line 2 of the head)", "{bad:?}");
    }
    assert_eq!(check("GET http://b/ HTTP/1.1\nHost: a\n\n"), "canon.host: the Host field disagrees with the request target");
    assert_eq!(check("GET http://u@a/ HTTP/1.1\nHost: a\n\n"), "canon.host: the Host field disagrees with the request target");
}

#[test]
fn lengths_are_single_and_plain() {
    let framing = |lines: &str| check(&format!("POST / HTTP/1.1\nHost: a\n{lines}\n\n"));
    for bad in ["", "-1", "+1", "0x1", "1 1", "1,1", "1.0", "9999999999999999999", "\u{661}"] {
        let told = framing(&format!("Content-Length: {bad}"));
        assert_eq!(told, "wire.framing: the Content-Length is not a number (line 3 of the head)", "{bad:?}");
    }
    assert_eq!(framing("Content-Length: 1\nContent-Length: 1"), "wire.framing: more than one Content-Length (line 4 of the head)");
    assert_eq!(framing("Content-Length: 1\nTransfer-Encoding: chunked"), "wire.framing: both Content-Length and Transfer-Encoding");
    for bad in ["", "gzip", "chunked, gzip", "gzip, chunked", "chunked, chunked", "xchunked", "chunked;q=1", "\u{b}chunked"] {
        let told = framing(&format!("Transfer-Encoding: {bad}"));
        assert!(
            told.starts_with("wire.framing: the Transfer-Encoding is not `chunked`") || told.contains("control character"),
            "{bad:?}: {told}"
        );
    }
    let twice = framing("Transfer-Encoding: chunked\nTransfer-Encoding: chunked");
    assert_eq!(twice, "wire.framing: more than one Transfer-Encoding (line 4 of the head)");
    let old = check("POST / HTTP/1.0\nHost: a\nTransfer-Encoding: chunked\n\n");
    assert_eq!(old, "wire.framing: Transfer-Encoding in an HTTP/1.0 request");
    assert_eq!(framing("Content-Length: 1073741825"), "wire.body_too_large: the Content-Length is larger than allowed");
}

#[test]
fn sizes_are_bounded() {
    let long = "a".repeat(9_000);
    assert!(check(&format!("GET /{long}")).starts_with("wire.target_too_long"));
    assert!(check(&format!("GET /{long} HTTP/1.1\n")).starts_with("wire.target_too_long"));
    assert!(check(&format!("GET / HTTP/1.1\nHost: a\nX: {}", "x".repeat(33_000))).starts_with("wire.head_too_large"));
    assert!(check(&format!("GET / HTTP/1.1\nHost: a\n{}\n", "X: y\n".repeat(100))).starts_with("wire.head_too_large"));
    assert_eq!(check(&format!("GET / HTTP/1.1\nHost: a\n{}\n", "X: y\n".repeat(99))), "length 0");
    assert!(check(&"M".repeat(33)).starts_with("wire.malformed"));
}

proptest! {
    /// However the bytes are cut, the same is made of them; and nothing panics.
    #[test]
    fn cuts_do_not_matter(bytes in proptest::collection::vec(prop_oneof![Just(b'\r'), Just(b'\n'), Just(b' '), Just(b':'), any::<u8>()], 0..200), cut in 0_usize..200) {
        let mut head = b"GET / HTTP/1.1\r\nHost: a\r\n".to_vec();
        head.extend(bytes);
        let limits = EdgeLimits::default();
        let whole = HeadReader::default().read(&head, &limits);
        let mut reader = HeadReader::default();
        let cut = cut.min(head.len());
        let first = reader.read(&head[..cut], &limits);
        let both = if first == Ok(Progress::Partial) { reader.read(&head, &limits) } else { first };
        prop_assert_eq!(whole, both);
    }

    /// What is called good here is good to the parser under the engine, and is as long.
    #[test]
    fn the_engine_agrees(lines in proptest::collection::vec("[ -~\t]{0,20}", 0..4), target in "[!-~]{1,12}", method in "[!-~]{1,6}") {
        let head = format!("{method} {target} HTTP/1.1\r\nHost: a\r\n{}\r\n", lines.iter().map(|line| format!("{line}\r\n")).collect::<String>());
        if let Ok(Progress::Complete(complete)) = HeadReader::default().read(head.as_bytes(), &EdgeLimits::default()) {
            prop_assert!(http::Method::from_bytes(method.as_bytes()).is_ok());
            prop_assert!(target.parse::<http::Uri>().is_ok(), "{}", target);
            for line in head[..complete.bytes].lines().skip(1).filter(|line| !line.is_empty()) {
                let (name, value) = line.split_once(':').unwrap();
                prop_assert!(name.parse::<http::HeaderName>().is_ok());
                prop_assert!(http::HeaderValue::from_str(value.trim()).is_ok());
            }
        }
    }
}
