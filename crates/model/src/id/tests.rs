use super::{ApiName, CredentialId, NameError, RequestId};
use crate::time::Time;

#[test]
fn names_follow_the_grammar() {
    for good in ["a", "ledger-sync", "9lives", "guardrail:power", "a.b_c"] {
        assert!(ApiName::parse(good).is_ok(), "{good}");
    }
    assert_eq!(ApiName::parse(""), Err(NameError::Empty));
    assert_eq!(ApiName::parse("Ledger"), Err(NameError::Character('L')));
    assert_eq!(ApiName::parse("-x"), Err(NameError::Character('-')));
    assert_eq!(ApiName::parse("x y"), Err(NameError::Character(' ')));
    assert_eq!(ApiName::parse(&"x".repeat(129)), Err(NameError::TooLong(129)));
}

#[test]
fn credential_ids_are_twelve_of_base62() {
    assert!(CredentialId::parse("0aZ9bY8cX7dW").is_some());
    assert!(CredentialId::parse("0aZ9bY8cX7d").is_none());
    assert!(CredentialId::parse("0aZ9bY8cX7d-").is_none());
}

#[test]
fn request_ids_are_uuids_of_version_seven_in_order_of_time() {
    let first = RequestId::new(Time::from_micros(1_700_000_000_000_000), u128::MAX);
    let text = first.to_string();
    assert_eq!(text.as_bytes()[14], b'7');
    assert!(matches!(text.as_bytes()[19], b'8' | b'9' | b'a' | b'b'));
    assert_eq!(RequestId::parse(&text).unwrap(), first);
    let later = RequestId::new(Time::from_micros(1_700_000_000_001_000), 0);
    assert!(first < later);
    assert_eq!(RequestId::parse("not-a-request-id"), None);
}
