use super::{Query, body, idempotency_key, precondition, reason};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};
use serde::Deserialize;

fn headers(fields: &str) -> HeaderMap {
    let pairs = fields.lines().map(|line| line.split_once(": ").unwrap());
    let mut map = HeaderMap::new();
    for (name, value) in pairs {
        map.append(name.parse::<HeaderName>().unwrap(), HeaderValue::from_bytes(value.as_bytes()).unwrap());
    }
    map
}

#[test]
fn queries() {
    let read = |text: &str| {
        let query = Query::read(Some(text), ["name", "limit", "cursor", "identity"].into_iter());
        query.map_or_else(
            |p| p.detail,
            |q| format!("{:?} {:?} {:?}", q.value("name"), q.limit().map_err(|p| p.detail), q.cursor().map_err(|p| p.detail)),
        )
    };
    assert_eq!(read(""), "None Ok(100) Ok(0)");
    assert_eq!(read("name=a%20b+c%C3%A9&limit=500&cursor=7&"), r#"Some("a b cé") Ok(500) Ok(7)"#);
    assert_eq!(read("name="), "None Ok(100) Ok(0)");
    assert_eq!(read("limit=501"), r#"None Err("`limit` is a number from 1 to 500, not `501`") Ok(0)"#);
    assert_eq!(
        read("limit=0&cursor=-1"),
        r#"None Err("`limit` is a number from 1 to 500, not `0`") Err("`-1` is no cursor of this list")"#
    );
    for (text, said) in [
        ("nam%65=a&name=b", "the query parameter `name` stands twice"),
        ("other=1", "the query parameter `other` is not known here"),
        ("name=%", "`name=%` in the query is not percent-encoded UTF-8"),
        ("name=%4", "`name=%4` in the query is not percent-encoded UTF-8"),
        ("name=%ff", "`name=%ff` in the query is not percent-encoded UTF-8"),
        ("name=%+1", "`name=%+1` in the query is not percent-encoded UTF-8"),
    ] {
        assert_eq!(read(text), said, "{text}");
    }
    let many = "a=1&".repeat(40);
    assert_eq!(read(&many), "the query parameter `a` is not known here");
}

#[test]
fn bodies() {
    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Order {
        #[expect(dead_code, reason = "shown by Debug")]
        number: u32,
    }
    let json = headers("content-type: application/json; charset=utf-8");
    let read = |text: &str| body::<Order>(&json, &Bytes::copy_from_slice(text.as_bytes())).map_or_else(|p| p.detail, |o| format!("{o:?}"));
    assert_eq!(read(r#"{"number":1}"#), "Order { number: 1 }");
    assert_eq!(read(r#"{"number":1,"number":2}"#), "the body: duplicate field `number` at line 1 column 20");
    assert_eq!(read(r#"{"number":1,"other":2}"#), "the body: unknown field `other`, expected `number` at line 1 column 19");
    assert_eq!(read("{}"), "the body: missing field `number` at line 1 column 2");
    assert_eq!(read(r#"{"number":"hunter2"}"#), "the body: a member is of the wrong type at line 1 column 19", "values are not repeated");
    assert_eq!(read(r#"{"number":1"#), "the body: it ends too early at line 1 column 11");
    assert_eq!(read(r#"{"number":1} x"#), "the body: it is not JSON at line 1 column 14");
    for no_object in ["[1]", "1", "", " null", &"[".repeat(100_000)] {
        assert_eq!(read(no_object), "the body: it is no JSON object");
    }
    let long = read(&format!(r#"{{"number":1,"\u001b[31m{}":2}}"#, "x".repeat(100_000)));
    assert!(long.starts_with("the body: unknown field `[31mxxx") && long.len() < 300, "cut, and no escapes for the terminal: {long}");
    let form = body::<Order>(&headers("content-type: text/plain"), &Bytes::from_static(b"{}")).unwrap_err();
    assert_eq!((form.code.as_str(), &*form.detail), ("console.media_type", "the body is `text/plain`, not `application/json`"));
}

#[test]
fn preconditions() {
    let read = |fields: &str| precondition(&headers(fields)).map_or_else(|p| p.detail, |p| format!("{p:?}"));
    assert_eq!(read(""), "Any");
    assert_eq!(read("if-match: \"7\""), "Revision(7)");
    assert_eq!(read("if-none-match: *"), "Absent");
    assert_eq!(read("if-match: W/\"7\""), "`If-Match: W/\"7\"` is no `ETag` of this API");
    assert_eq!(read("if-match: *"), "`If-Match: *` is no `ETag` of this API");
    assert_eq!(read("if-match: \"7\"\nif-match: \"8\""), "the field `if-match` stands twice");
    assert_eq!(read("if-none-match: \"7\""), "`If-None-Match` is served with `*` only");
    assert_eq!(read("if-match: \"7\"\nif-none-match: *"), "`If-Match` and `If-None-Match` together make no sense");
}

#[test]
fn idempotency_keys_and_reasons() {
    let read = |fields: &str| idempotency_key(&headers(fields)).map_or_else(|p| p.detail, |k| format!("{k:?}"));
    let refused = "an `Idempotency-Key` has 1 to 64 visible characters";
    assert_eq!(read(""), "None");
    assert_eq!(read("idempotency-key: 8e03978e-40d5"), r#"Some("8e03978e-40d5")"#);
    assert_eq!(read("idempotency-key: \"8e03978e-40d5\""), r#"Some("8e03978e-40d5")"#);
    assert_eq!(read("idempotency-key: a b"), refused);
    assert_eq!(read("idempotency-key: \"\""), refused);
    assert_eq!(read(&format!("idempotency-key: {}", "k".repeat(65))), refused);
    assert_eq!(reason(Some("leaked in a ticket")).map(String::from), Ok("leaked in a ticket".to_owned()));
    assert!(reason(Some("two\nlines")).is_err() && reason(Some(&"é".repeat(501))).is_err() && reason(Some(&"é".repeat(500))).is_ok());
}
