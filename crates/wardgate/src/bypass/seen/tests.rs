use super::{CALLS_MAX, Place, Seen, Turn, Verdict};
use crate::bypass::{Settings, call::CallFault, testing::api};
use http::StatusCode;
use std::sync::Arc;
use wardgate_model::{id::ApiName, time::Time};

fn shop() -> ApiName {
    ApiName::literal("shop")
}

fn at(seconds: i64) -> Time {
    Time::from_seconds(1_800_000_000 + seconds)
}

fn place(operation: &str, retired: bool) -> Place {
    Place { retired, operation: format!("shop GET /shop/{operation}").into(), address: "http://10.0.0.9".into() }
}

fn status(status: u16) -> Result<StatusCode, CallFault> {
    Ok(StatusCode::from_u16(status).unwrap())
}

#[test]
fn who_asks_for_nothing_is_told_apart_from_who_refuses() {
    for (code, present, retired) in [
        (200, "answered", "answered"),
        (204, "answered", "answered"),
        (302, "answered", "answered"),
        (400, "answered", "answered"),
        (401, "refused", "refused"),
        (403, "refused", "refused"),
        (404, "answered", "refused"),
        (405, "answered", "refused"),
        (410, "answered", "refused"),
        (429, "unclear", "unclear"),
        (500, "answered", "answered"),
        (502, "unclear", "unclear"),
        (503, "unclear", "unclear"),
        (504, "unclear", "unclear"),
    ] {
        let word = |retired| match Verdict::of(retired, &status(code)) {
            Verdict::Refused(_) => "refused",
            Verdict::Answered(_) => "answered",
            Verdict::Unclear(..) => "unclear",
        };
        assert_eq!((word(false), word(true)), (present, retired), "{code}");
    }
    assert_eq!(Verdict::of(false, &Err(CallFault::Certificate)), Verdict::Refused(None));
    assert!(matches!(Verdict::of(false, &Err(CallFault::Unreachable("x".into()))), Verdict::Unclear(None, _)));
}

#[test]
fn a_finding_is_open_until_it_is_seen_to_refuse() {
    let mut seen = Seen::default();
    let mut note = |operation, code, when| seen.note(&shop(), place(operation, false), Verdict::of(false, &status(code)), at(when));
    assert_eq!(note("a", 200, 1), Some(Turn::Opened));
    assert_eq!(note("b", 200, 2), None, "one more of the same");
    assert_eq!(note("a", 503, 3), None, "nobody knows");
    assert_eq!(note("b", 401, 4), None, "the other is open still");
    assert_eq!(note("a", 204, 5), None);
    let open: Vec<_> =
        seen.open().map(|(_, place, open)| (place.operation.to_string(), open.since, open.last, open.status.as_u16())).collect();
    assert_eq!(open, [("shop GET /shop/a".to_owned(), at(1), at(5), 204)]);
    let refused = seen.note(&shop(), place("a", false), Verdict::of(false, &status(403)), at(6));
    assert_eq!((refused, seen.open().count()), (Some(Turn::Closed), 0));
    // What an API has no longer is a matter of its own.
    assert_eq!(seen.note(&shop(), place("a", true), Verdict::of(true, &status(200)), at(7)), Some(Turn::Opened));
    assert_eq!(seen.note(&shop(), place("a", true), Verdict::of(true, &status(404)), at(8)), Some(Turn::Closed));
}

#[test]
fn what_is_no_operation_any_more_is_forgotten() {
    let mut seen = Seen::default();
    for operation in ["a", "b"] {
        seen.note(&shop(), place(operation, false), Verdict::of(false, &status(200)), at(1));
    }
    let none = |_: &ApiName| Vec::new();
    seen.keep(&[Arc::new(api("shop", "list GET /shop/a\nanonymous GET /shop/b\n"))], none, &Settings::default());
    assert_eq!(seen.open().map(|(_, place, _)| place.operation.to_string()).collect::<Vec<_>>(), ["shop GET /shop/a"]);
    let except = Settings { except: [shop()].into(), ..Settings::default() };
    seen.keep(&[Arc::new(api("shop", "list GET /shop/a\n"))], none, &except);
    assert_eq!(seen.open().count(), 0);
    seen.keep(&[], none, &Settings::default());
    assert!(seen.of(&shop()).is_none());
}

#[test]
fn so_many_calls_are_remembered() {
    let mut seen = Seen::default();
    seen.note(&shop(), place("open", false), Verdict::of(false, &status(200)), at(0));
    for number in 0..CALLS_MAX + 9 {
        seen.note(&shop(), place(&number.to_string(), false), Verdict::of(false, &status(401)), at(i64::try_from(number).unwrap()));
    }
    assert_eq!(seen.of(&shop()).unwrap().calls.len(), CALLS_MAX);
    assert_eq!(seen.open().count(), 1, "what is open stays");
}
