use super::{agrees, ask};
use http::{HeaderMap, HeaderName, HeaderValue, Version, header};

/// `name: value` lines → fields.
fn fields(lines: &[&'static str]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for line in lines {
        let (name, value) = line.split_once(": ").unwrap();
        headers.append(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    headers
}

/// The example of RFC 6455 §1.3.
const KEY: HeaderValue = HeaderValue::from_static("dGhlIHNhbXBsZSBub25jZQ==");

#[test]
fn an_agreement_answers_the_key() {
    let good = "sec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";
    for (lines, expected) in [
        (&["upgrade: websocket", good][..], true),
        (&["upgrade: WebSocket", good], true),
        (&["upgrade: websocket"], false),
        (&[good], false),
        (&["upgrade: websocket", "sec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOp="], false),
        (&["upgrade: h2c", good], false),
        (&["upgrade: websocket", "upgrade: h2c", good], false),
    ] {
        assert_eq!(agrees(&fields(lines), &KEY), expected, "{lines:?}");
    }
}

#[test]
fn http2_has_no_key_so_there_is_one_of_ours() {
    let mut headers = HeaderMap::new();
    headers.insert(header::SEC_WEBSOCKET_KEY, KEY);
    assert_eq!(ask(&mut headers, Version::HTTP_11, 7), Some(KEY));
    let ours = ask(&mut headers, Version::HTTP_2, 7).unwrap();
    assert_eq!(ours, "AAAAAAAAAAAAAAAAAAAABw==");
    assert_eq!(headers.get_all(header::SEC_WEBSOCKET_KEY).iter().count(), 1);
}
