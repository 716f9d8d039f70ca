//! Every way that is known to make two readers of HTTP/1.1 disagree, as raw bytes: told so, recorded, and nothing of it reaches the
//! upstream. And whatever was tried, the next request over the same connections to the upstream gets its own answer.

use crate::{
    edge::{Setup, answer, said},
    upstream::{Play, Upstream, ok},
};
use std::io::Write;

/// A case: its name, its bytes, what is told.
type Case = (String, Vec<u8>, &'static str);

const MALFORMED: &str = "400 wire.malformed";
const FRAMING: &str = "400 wire.framing";
const HOST: &str = "400 canon.host";
const PATH: &str = "400 canon.path";

fn get(line: &str) -> Vec<u8> {
    format!("{line}\r\nHost: a\r\n\r\n").into_bytes()
}

fn with(field: &[u8]) -> Vec<u8> {
    [b"GET /x HTTP/1.1\r\nHost: a\r\n", field, b"\r\n\r\n"].concat()
}

fn post(fields: &str, body: &str) -> Vec<u8> {
    format!("POST /x HTTP/1.1\r\nHost: a\r\n{fields}\r\n{body}").into_bytes()
}

fn chunked(body: &str) -> Vec<u8> {
    post("Transfer-Encoding: chunked\r\n", body)
}

fn named(group: &str, told: &'static str, cases: impl IntoIterator<Item = Vec<u8>>) -> Vec<Case> {
    cases.into_iter().map(|bytes| (format!("{group}: {}", bytes.escape_ascii()), bytes, told)).collect()
}

/// Bytes that may stand neither in a name nor in a value: everything below space but the tab, and DEL (RFC 9110 §5.5). What ends a
/// line is tried apart.
fn controls() -> impl Iterator<Item = u8> {
    (0..0x20).chain([0x7F]).filter(|byte| !matches!(byte, b'\t' | b'\n' | b'\r'))
}

fn lines() -> Vec<Case> {
    let targets = [
        "x",
        "*",
        "?x",
        "//",
        "ftp://a/x",
        "a:80",
        "http:/x",
        "/x#y",
        "/<x>",
        "/\"x\"",
        "/`x`",
        "/\u{e9}",
        "/x y",
        "/x\ty",
        "\\x",
        "/x\u{b}y",
    ];
    let versions = [
        "",
        "HTTP/1",
        "HTTP/1.",
        "HTTP/1.1 ",
        " HTTP/1.1",
        "HTTP/1.1x",
        "HTTP/11",
        "HTTP/+1.1",
        "HTTP/1,1",
        "http/1.1",
        "HTTPS/1.1",
        "ICY/1.1",
    ];
    let methods = ["", " ", "G T", "G@T", "G(T)", "G/T", "G,T", "G:T", "G\"T", "GE\u{e9}T", "ABCDEFGHIJKLMNOPQRSTUVWXYZABCDEFGH"];
    let mut cases =
        named("target", MALFORMED, targets.iter().filter(|target| **target != "//").map(|target| get(&format!("GET {target} HTTP/1.1"))));
    cases.extend(named("version", MALFORMED, versions.map(|version| get(&format!("GET /x {version}")))));
    cases.extend(named(
        "another version",
        "505 wire.version",
        ["0.9", "1.2", "2.0", "3.0", "9.9"].map(|version| get(&format!("GET /x HTTP/{version}"))),
    ));
    cases.extend(named("method", MALFORMED, methods.map(|method| get(&format!("{method} /x HTTP/1.1")))));
    cases.extend(named(
        "control in the target",
        MALFORMED,
        controls().map(|byte| get("GET /x?y HTTP/1.1").iter().map(|b| if *b == b'?' { byte } else { *b }).collect()),
    ));
    cases.extend(named(
        "not served",
        "405 canon.method",
        ["CONNECT a:80", "CONNECT /x", "TRACE /x"].map(|line| get(&format!("{line} HTTP/1.1"))),
    ));
    cases.extend(named(
        "nothing before it",
        MALFORMED,
        ["\r\n\r\nGET /x HTTP/1.1", "\nGET /x HTTP/1.1", " GET /x HTTP/1.1", "\0GET /x HTTP/1.1"].map(get),
    ));
    cases
}

fn paths() -> Vec<Case> {
    let paths = [
        "//",
        "/x//y",
        "/./x",
        "/../x",
        "/x/..",
        "/x/../y",
        "/x/%2e%2e/y",
        "/x/%2E./y",
        "/x/.%2e",
        "/%2e/x",
        "/x%2fy",
        "/x%2Fy",
        "/x%5cy",
        "/x%00",
        "/x%0a",
        "/x%0d%0ay",
        "/x%7f",
        "/x%",
        "/x%2",
        "/x%zz",
        "/x%c0%af",
        "/x%e9",
        "/..;/x",
        "/x/..;a/y",
        "/x/.;/y",
        "/x/..%3b/y",
        "/;x",
        "/x/%252e%252e/y",
        "/x^y",
        "/x|y",
        "/{x}",
    ];
    // A backslash and braces are refused by the judge, who sees the whole path.
    named("path", PATH, paths.map(|path| get(&format!("GET {path} HTTP/1.1"))))
}

fn fields() -> Vec<Case> {
    let mut cases = named("control in a value", MALFORMED, controls().map(|byte| with(&[b"X: a", &[byte][..], b"b"].concat())));
    cases.extend(named("control in a name", MALFORMED, controls().map(|byte| with(&[b"X", &[byte][..], b"Y: 1"].concat()))));
    let names = [
        " X: 1",
        "\tX: 1",
        "X : 1",
        "X\t: 1",
        ": 1",
        "X",
        "X Y: 1",
        "X(1): 1",
        "X/1: 1",
        "X@1: 1",
        "X=1: 1",
        "{X}: 1",
        "\u{e9}: 1",
        "X;1: 1",
        "\"X\": 1",
        "X,Y: 1",
    ];
    cases.extend(named("name", MALFORMED, names.map(|field| with(field.as_bytes()))));
    let ends =
        ["X: 1\n", "X: 1\nY: 2", "X: 1\r", "X: 1\rY: 2", "X: a\r\r\nY: 2", "X: 1\r\n folded", "X: 1\r\n\tfolded: 2", "X: 1\r\n \r\nY: 2"];
    cases.extend(named("end of a line", MALFORMED, ends.map(|field| with(field.as_bytes()))));
    // CVE-2025-22871 and many before it: a bare line feed as the end of a line, of a head.
    let feeds = [
        "GET /x HTTP/1.1\nHost: a\n\n",
        "GET /x HTTP/1.1\r\nHost: a\n\n",
        "GET /x HTTP/1.1\r\nHost: a\r\n\n",
        "GET /x HTTP/1.1\nHost: a\r\n\r\n",
        "GET /x HTTP/1.1\r\nHost: a\r\r\n\r\n",
    ];
    cases.extend(named("line feeds", MALFORMED, feeds.map(|head| head.as_bytes().to_vec())));
    cases
}

fn hosts() -> Vec<Case> {
    let hosts = [
        "", " ", "a b", "a,b", "a/b", "a?b", "a#b", "u@a", "a:x", "a:99999", "a:-1", "a:80:80", "[::1", "::1", "[a]", "a..b", ".a",
        "\u{e9}", "a%62", "a\\b", "*",
    ];
    let mut cases = named(
        "host",
        HOST,
        hosts.iter().filter(|host| !matches!(**host, "*")).map(|host| format!("GET /x HTTP/1.1\r\nHost: {host}\r\n\r\n").into_bytes()),
    );
    let heads = [
        "GET /x HTTP/1.1\r\n\r\n",
        "GET /x HTTP/1.0\r\n\r\n",
        "GET /x HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n",
        "GET /x HTTP/1.1\r\nHost: a\r\nhOsT: b\r\n\r\n",
        "GET http://b/x HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET http://a:80/x HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET http:///x HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET http://u@a/x HTTP/1.1\r\nHost: a\r\n\r\n",
    ];
    cases.extend(named("hosts", HOST, heads.map(|head| head.as_bytes().to_vec())));
    cases
}

fn lengths() -> Vec<Case> {
    let lengths = [
        "",
        "-1",
        "+2",
        "0x2",
        "2.0",
        "2,2",
        "2, 2",
        "2;",
        "2 2",
        "two",
        "\u{662}",
        "1e1",
        "99999999999999999999",
        "2\t2",
        "\"2\"",
        "0b10",
        "2_0",
    ];
    let mut cases = named("length", FRAMING, lengths.map(|length| post(&format!("Content-Length: {length}\r\n"), "ab")));
    let both = [
        "Content-Length: 2\r\nContent-Length: 2\r\n",
        "Content-Length: 2\r\nContent-Length: 3\r\n",
        "Content-Length: 2\r\ncontent-length: 2\r\n",
        // CVE-2021-21299: TE and CL, in each order and case.
        "Content-Length: 2\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: 2\r\n",
        "transfer-encoding: Chunked\r\nCONTENT-LENGTH: 2\r\n",
        "Content-Length: 0\r\nTransfer-Encoding: chunked\r\n",
    ];
    cases.extend(named("two lengths", FRAMING, both.map(|fields| post(fields, "0\r\n\r\n"))));
    let codings = [
        "",
        "chunked,",
        ",chunked",
        "chunked, chunked",
        "gzip",
        "gzip, chunked",
        "chunked, gzip",
        "identity",
        "identity, chunked",
        "xchunked",
        "chunkedx",
        "chunk",
        "\"chunked\"",
        "chunked;q=1",
        "chunked\t,",
        "x",
        "CHUNKED, identity",
    ];
    cases.extend(named("coding", FRAMING, codings.map(|coding| post(&format!("Transfer-Encoding: {coding}\r\n"), "0\r\n\r\n"))));
    let several =
        ["Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", "Transfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n"];
    cases.extend(named("codings", FRAMING, several.map(|fields| post(fields, "0\r\n\r\n"))));
    // CVE-2026-2835.
    let old = b"POST /x HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n".to_vec();
    cases.extend(named("coding of HTTP/1.0", FRAMING, [old]));
    let disguised = [
        "Transfer-Encoding : chunked\r\n",
        " Transfer-Encoding: chunked\r\n",
        "Transfer-Encoding\0: chunked\r\n",
        "Transfer-Encoding: chunked\u{b}\r\n",
        "X: y\nTransfer-Encoding: chunked\r\n",
        "X: y\rTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding:\r\n chunked\r\n",
    ];
    let told = |fields: &str| if fields.starts_with("Transfer-Encoding:\r") { FRAMING } else { MALFORMED };
    cases.extend(disguised.iter().flat_map(|fields| named("disguised coding", told(fields), [post(fields, "0\r\n\r\n")])));
    cases
}

fn chunks() -> Vec<Case> {
    // CVE-2021-32715 (a sign), CVE-2025-55315 (line feeds in extensions), and sizes that others read otherwise.
    let bodies = [
        "0x2\r\nab\r\n0\r\n\r\n",
        "+2\r\nab\r\n0\r\n\r\n",
        "-2\r\nab\r\n0\r\n\r\n",
        " 2\r\nab\r\n0\r\n\r\n",
        "2 \r\nab\r\n0\r\n\r\n",
        "2\t\r\nab\r\n0\r\n\r\n",
        "g\r\nab\r\n0\r\n\r\n",
        "\r\nab\r\n0\r\n\r\n",
        "2\nab\r\n0\r\n\r\n",
        "2\rab\r\n0\r\n\r\n",
        "2;a\nab\r\n0\r\n\r\n",
        "2;a\rb\r\nab\r\n0\r\n\r\n",
        "2;\0\r\nab\r\n0\r\n\r\n",
        "2\r\nab\n0\r\n\r\n",
        "2\r\nabc\r\n0\r\n\r\n",
        "2\r\nab0\r\n\r\n",
        "2\r\nab\r0\r\n\r\n",
        "00000000000000002\r\nab\r\n0\r\n\r\n",
        "2_\r\nab\r\n0\r\n\r\n",
        "2.0\r\nab\r\n0\r\n\r\n",
        "2,\r\nab\r\n0\r\n\r\n",
        "\u{ff12}\r\nab\r\n0\r\n\r\n",
        "0\n\n",
        "0\r\n\n",
        "0\r\nX : 1\r\n\r\n",
        "0\r\n X: 1\r\n\r\n",
        "0\r\nX\r\n\r\n",
        "0\r\nX: 1\n\r\n",
        "0\r\nX: \0\r\n\r\n",
        "0\r\nContent-Length : 5\r\n\r\n",
        "0\r\n: 1\r\n\r\n",
    ];
    named("chunks", FRAMING, bodies.map(chunked))
}

fn sizes() -> Vec<Case> {
    let long = |count: usize| "x".repeat(count);
    let mut cases =
        named("long target", "414 wire.target_too_long", [8_300, 20_000].map(|count| get(&format!("GET /{} HTTP/1.1", long(count)))));
    let heads = [
        format!("X: {}", long(33_000)),
        format!("{}: 1", long(33_000)),
        "X: 1\r\n".repeat(120) + "Y: 1",
        "X: 1\r\n".repeat(6_000) + "Y: 1",
    ];
    cases.extend(named("large head", "431 wire.head_too_large", heads.map(|head| with(head.as_bytes()))));
    cases.extend(named(
        "large body",
        "413 wire.body_too_large",
        [post("Content-Length: 999999999999999999\r\n", "x"), chunked("ffffffffffffffff\r\nx"), chunked("7fffffffffffffff\r\nx")],
    ));
    cases
}

fn cases() -> Vec<Case> {
    [lines(), paths(), fields(), hosts(), lengths(), chunks(), sizes()].concat()
}

#[test]
fn more_than_two_hundred_ways_to_be_misread_reach_nothing() {
    let upstream = Upstream::plain();
    let edge = Setup::before(&upstream).start();
    let cases = cases();
    assert!(cases.len() >= 200, "{}", cases.len());
    let mut wrong = Vec::new();
    for (count, (name, bytes, expected)) in cases.iter().enumerate() {
        let told = said(&edge.raw(bytes));
        if told != *expected {
            wrong.push(format!("{} → {told}, not {expected}", &name[..name.len().min(120)]));
        }
        let events = edge.sink.wait(count + 1);
        if events.len() != count + 1 || !told.ends_with(events[count].ruling.reason().outside().code()) {
            wrong.push(format!("{} left {} events", &name[..name.len().min(120)], events.len() - count));
            break;
        }
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
    assert_eq!(upstream.received(), "");
    assert_eq!(upstream.connections(), 0);
}

/// An upstream that answers each request with the path that it asked for.
fn mirror() -> Upstream {
    Upstream::start(|head| Play::Answer(ok(head.split(' ').nth(1).unwrap_or_default())))
}

#[test]
fn whatever_was_tried_the_next_request_gets_its_own_answer() {
    let upstream = mirror();
    let edge = Setup::before(&upstream).start();
    // What is passed on although it is unusual goes before, so that connections are there to be poisoned.
    let unusual = [
        "GET /u1?a=\"b HTTP/1.1\r\nHost: a\r\n\r\n".replace('"', "%22"),
        "POST /u2 HTTP/1.1\r\nHost: a\r\nContent-Length: 22\r\n\r\nGET /stolen HTTP/1.1\r\n".to_owned(),
        "POST /u3 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n16\r\nGET /stolen HTTP/1.1\r\n\r\n0\r\n\r\n".to_owned(),
        "GET /u4 HTTP/1.1\r\nHost: a\r\nContent-Length: 22\r\n\r\nGET /stolen HTTP/1.1\r\n".to_owned(),
        "HEAD /u5 HTTP/1.1\r\nHost: a\r\n\r\n".to_owned(),
        "GET /u6 HTTP/1.1\r\nHost: a\r\nConnection: close, Host, Content-Length\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n\r\n"
            .to_owned(),
        "POST /u7 HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\nok".to_owned(),
        "POST /u8 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2;x=\"y z\"\r\nok\r\n0\r\nContent-Length: 5\r\n\r\n".to_owned(),
    ];
    let mut all: Vec<Vec<u8>> = unusual.iter().map(|text| text.as_bytes().to_vec()).collect();
    all.extend(cases().into_iter().map(|(_, bytes, _)| bytes));
    for (number, bytes) in all.iter().enumerate() {
        // Half of a body, then nothing: the connection to the upstream is in the middle of a request.
        let mut broken = edge.connect();
        broken.write_all(b"POST /broken HTTP/1.1\r\nHost: a\r\nContent-Length: 50\r\n\r\nhalf").unwrap();
        drop(broken);
        edge.raw(bytes);
        let mut socket = edge.connect();
        for turn in 0..2 {
            let path = format!("/m{number}-{turn}");
            socket.write_all(format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n").as_bytes()).unwrap();
            let told = answer(&mut socket);
            assert!(said(&told) == "200" && told.ends_with(&path), "after {}: {told}", bytes.escape_ascii());
        }
    }
    let received = upstream.received();
    assert!(received.matches("GET /m").count() == all.len() * 2 && !received.contains("\r\n\r\nGET /stolen HTTP/1.1\r\nvia"), "smuggled");
}
