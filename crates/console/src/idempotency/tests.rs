use super::{Begun, REMEMBERED_BYTES_MAX, REMEMBERED_MAX, Remembered, Same};
use crate::{answer::Answer, call::testing::NOW};
use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode, header};
use wardgate_model::id::IdentityId;

/// `POST /a?b=c 7 body`: method, path and query, `If-Match` (`-`: none), body.
fn with<T>(text: &str, then: impl FnOnce(Same<'_>) -> T) -> T {
    let [method, target, tag, body] = text.splitn(4, ' ').collect::<Vec<_>>().try_into().unwrap();
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let mut headers = HeaderMap::new();
    if tag != "-" {
        headers.insert(header::IF_MATCH, tag.parse().unwrap());
    }
    let (method, body): (Method, Bytes) = (method.parse().unwrap(), body.to_owned().into());
    then(Same { method: &method, path, query, headers: &headers, body: &body })
}

fn begin(remembered: &Remembered, key: &str) -> String {
    begin_at(remembered, key, "POST /a - {}")
}

fn begin_at(remembered: &Remembered, key: &str, request: &str) -> String {
    match with(request, |same| remembered.begin(&IdentityId::literal("op"), key, same, NOW)) {
        Ok(Begun::New(place)) => {
            place.keep(Answer::json(StatusCode::OK, &key));
            "begun".into()
        }
        Ok(Begun::Known(answer)) => String::from_utf8(answer.into_response().into_body().to_vec()).unwrap(),
        Err(problem) if problem.code == crate::problem::Code::KeyReused => problem.detail,
        Err(problem) => problem.code.as_str().into(),
    }
}

#[test]
fn a_request_under_way_holds_its_key_until_it_ends() {
    let remembered = Remembered::default();
    let begun = with("POST /a - {}", |same| remembered.begin(&IdentityId::literal("op"), "a", same, NOW)).unwrap();
    assert!(matches!(begun, Begun::New(_)));
    assert_eq!(begin(&remembered, "a"), "console.in_progress");
    drop(begun);
    assert_eq!(begin(&remembered, "a"), "begun");
    assert_eq!(begin(&remembered, "a"), r#""a""#);
}

#[test]
fn memory_is_bounded() {
    let remembered = Remembered::default();
    for n in 0..=REMEMBERED_MAX {
        assert_eq!(begin(&remembered, &n.to_string()), "begun");
    }
    assert_eq!(remembered.entries().len(), REMEMBERED_MAX);
    assert_eq!(begin(&remembered, "1"), r#""1""#, "still there");
    assert_eq!(begin(&remembered, "0"), "begun", "the oldest went");
    let large = |key: &str| {
        let body = " ".repeat(REMEMBERED_BYTES_MAX / 4);
        match with(&format!("POST /a - {body}"), |same| remembered.begin(&IdentityId::literal("op"), key, same, NOW)) {
            Ok(Begun::New(place)) => place.keep(Answer::json(StatusCode::OK, &"large")),
            _ => panic!("{key}"),
        }
    };
    ["l1", "l2", "l3", "l4", "l5"].into_iter().for_each(large);
    let held: usize = remembered.entries().iter().map(super::Entry::bytes).sum();
    assert!(held <= REMEMBERED_BYTES_MAX, "{held}");
    assert_eq!(begin(&remembered, "2"), "begun", "they made room");
}

#[test]
fn the_same_key_for_another_request_is_refused() {
    let remembered = Remembered::default();
    let said = |request: &str| begin_at(&remembered, "a", request);
    assert_eq!(said("POST /a?reason=x 7 {}"), "begun");
    let other = |part: &str| format!("the {part} is another than that of the first request with this key");
    assert_eq!(said("DELETE /a?reason=x 7 {}"), other("method"));
    assert_eq!(said("POST /b?reason=x 7 {}"), other("path"));
    assert_eq!(said("POST /a?reason=y 7 {}"), other("query"));
    assert_eq!(said("POST /a?reason=x 8 {}"), other("precondition"));
    assert_eq!(said("POST /a?reason=x - {}"), other("precondition"));
    assert_eq!(said("POST /a?reason=x 7 {} "), other("body"));
    assert_eq!(said("POST /a?reason=x 7 {}"), r#""a""#);
}
