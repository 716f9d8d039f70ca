use super::recheck;
use crate::limits::EdgeLimits;
use http::Request;

/// `METHOD URI`, then `name: value` lines → `good` or the reason.
fn check(text: &str) -> &'static str {
    let mut lines = text.lines();
    let (method, uri) = lines.next().unwrap().split_once(' ').unwrap();
    let mut builder = Request::builder().method(method).uri(uri);
    for line in lines {
        let (name, value) = line.split_once(':').unwrap();
        builder = builder.header(name, value);
    }
    let (parts, ()) = builder.body(()).unwrap().into_parts();
    recheck(&parts, &EdgeLimits::default()).map_or_else(|refusal| refusal.reason.code(), |()| "good")
}

#[test]
fn what_would_change_its_meaning_as_http1_is_refused() {
    for (head, expected) in [
        ("GET http://a/\nx:1\nte:trailers", "good"),
        ("GET http://a/\nx:", "good"),
        ("OPTIONS http://a/", "good"),
        ("GET http://a/\nte:trailers, deflate", "wire.malformed"),
        ("GET http://a/\nte:deflate", "wire.malformed"),
        ("GET http://a/\nconnection:close", "wire.malformed"),
        ("GET http://a/\nkeep-alive:1", "wire.malformed"),
        ("GET http://a/\nproxy-connection:close", "wire.malformed"),
        ("GET http://a/\ntransfer-encoding:chunked", "wire.malformed"),
        ("GET http://a/\nupgrade:websocket", "wire.malformed"),
        ("GET http://a/\nx: 1", "wire.malformed"),
        ("GET http://a/\nx:1\t", "wire.malformed"),
        ("POST http://a/\ncontent-length:5", "good"),
        ("POST http://a/\ncontent-length:5\ncontent-length:5", "wire.framing"),
        ("POST http://a/\ncontent-length:+5", "wire.framing"),
        ("POST http://a/\ncontent-length:5,5", "wire.framing"),
        ("POST http://a/\ncontent-length:", "wire.framing"),
        ("POST http://a/\ncontent-length:9999999999999999999", "wire.framing"),
        ("GET *", "wire.malformed"),
        ("GET /", "wire.malformed"),
        ("ABCDEFGHIJKLMNOPQRSTUVWXYZABCDEFG http://a/", "wire.malformed"),
    ] {
        assert_eq!(check(head), expected, "{head}");
    }
    assert_eq!(check(&format!("GET http://a/{}", "x".repeat(9_000))), "wire.target_too_long");
    assert_eq!(check(&format!("GET http://a/\nx:{}", "x".repeat(40_000))), "wire.head_too_large");
    assert_eq!(check(&format!("GET http://a/{}", "\nx:1".repeat(101))), "wire.head_too_large");
}

/// A key that was never filled in: `curl -H "Authorization: Bearer $KEY"`.
#[test]
fn a_scheme_with_nothing_behind_it_is_said_to_be_that() {
    let request = Request::builder().uri("http://a/").header("authorization", "Bearer ").body(()).unwrap();
    let refusal = recheck(&request.into_parts().0, &EdgeLimits::default()).unwrap_err();
    let expected = "`authorization` begins or ends with white space, as where nothing stands behind its scheme";
    assert_eq!((refusal.reason.code(), refusal.detail, refusal.line), ("wire.malformed", expected, 0));
}
