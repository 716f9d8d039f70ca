use super::{Begun, REMEMBERED_BYTES_MAX, REMEMBERED_MAX, Remembered};
use crate::{answer::Answer, call::testing::NOW};
use bytes::Bytes;
use http::StatusCode;
use wardgate_model::id::IdentityId;

fn begin(remembered: &Remembered, key: &str) -> String {
    let begun = remembered.begin(&IdentityId::literal("op"), key, ("/a", &Bytes::from_static(b"{}")), NOW);
    match begun {
        Ok(Begun::New(place)) => {
            place.keep(Answer::json(StatusCode::OK, &key));
            "begun".into()
        }
        Ok(Begun::Known(answer)) => String::from_utf8(answer.into_response().into_body().to_vec()).unwrap(),
        Err(problem) => problem.code.as_str().into(),
    }
}

#[test]
fn a_request_under_way_holds_its_key_until_it_ends() {
    let remembered = Remembered::default();
    let begun = remembered.begin(&IdentityId::literal("op"), "a", ("/a", &Bytes::from_static(b"{}")), NOW).unwrap();
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
        let body = Bytes::from(vec![b' '; REMEMBERED_BYTES_MAX / 4]);
        match remembered.begin(&IdentityId::literal("op"), key, ("/a", &body), NOW) {
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
fn the_same_key_at_another_place_is_another_request() {
    let remembered = Remembered::default();
    assert_eq!(begin(&remembered, "a"), "begun");
    let elsewhere = remembered.begin(&IdentityId::literal("op"), "a", ("/b", &Bytes::from_static(b"{}")), NOW);
    assert_eq!(elsewhere.err().map(|p| p.code.as_str()), Some("console.key_reused"));
}
