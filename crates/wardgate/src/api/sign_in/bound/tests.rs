use super::{Begun, Binding, LIFE, cookie};
use crate::api::sign_in::command::Wish;
use http::{HeaderMap, HeaderValue, header::COOKIE};
use std::time::Duration;
use wardgate_model::time::Time;
use wardgate_proof::{api_key::Pepper, entropy::SystemEntropy};

const NOW: Time = Time::from_micros(1_800_000_000_000_000);

fn wish() -> Wish {
    Wish::read("http://127.0.0.1:4711/", &"c".repeat(43), "S256", "their-state").unwrap()
}

#[test]
fn what_comes_back_is_what_was_begun_in_this_browser_in_time() {
    let (pepper, other) = (Pepper::new(&[7; 32]), Pepper::new(&[8; 32]));
    let binding = Binding(&pepper);
    for wish in [None, Some(wish())] {
        let begun = Begun::new(wish, NOW, &SystemEntropy).unwrap();
        let (value, state) = (begun.cookie(binding), begun.state(binding));
        let back = |value: &str, state: &str, now| Begun::returned(value, state, binding, now);
        assert_eq!(back(&value, &state, NOW), Some(begun.clone()));
        assert_eq!(back(&value, &state, NOW + LIFE), None, "too late");
        assert!(back(&value, &state, NOW + (LIFE - Duration::from_micros(1))).is_some());
        assert_eq!(back(&value, &begun.nonce(binding), NOW), None, "another state");
        assert_eq!(back(&value, "", NOW), None);
        assert_eq!(Begun::returned(&value, &state, Binding(&other), NOW), None, "of another installation");
        let second = Begun::new(None, NOW, &SystemEntropy).unwrap();
        assert_eq!(back(&second.cookie(binding), &state, NOW), None, "begun in another browser");
        let (text, tag) = value.split_once('.').unwrap();
        assert_eq!(back(&format!("{}.{tag}", text.replace('a', "b").replace('M', "N")), &state, NOW), None, "written by somebody else");
    }
}

#[test]
fn everything_that_follows_is_something_else() {
    let pepper = Pepper::new(&[7; 32]);
    let binding = Binding(&pepper);
    let begun = Begun::new(None, NOW, &SystemEntropy).unwrap();
    let verifier = begun.verifier(binding).danger_expose().clone();
    let mut all = vec![begun.state(binding), begun.nonce(binding), verifier.clone(), begun.cookie(binding)];
    all.dedup();
    assert_eq!(all.len(), 4);
    assert_eq!(verifier.len(), 43, "RFC 7636 §4.1");
    assert!(!begun.cookie(binding).contains(&verifier));
}

#[test]
fn a_cookie_is_there_once() {
    let read = |fields: &[&'static str]| {
        let mut headers = HeaderMap::new();
        for field in fields {
            headers.append(COOKIE, HeaderValue::from_static(field));
        }
        cookie(&headers, "ours").map(str::to_owned)
    };
    assert_eq!(read(&["other=1; ours=2=3"]).as_deref(), Some("2=3"));
    assert_eq!(read(&["ours=1; ours=2"]), None);
    assert_eq!(read(&["ours=1", "ours=1"]), None);
    assert_eq!(read(&["other=1; theirs=ours=2"]), None);
    assert_eq!(read(&[]), None);
}
