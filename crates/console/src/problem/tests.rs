use super::{Code, Problem};
use wardgate_model::{id::RequestId, reason::Reason, time::Time};
use wardgate_store::StoreFault;

#[test]
fn codes_are_told_apart_from_each_other_and_from_the_gates() {
    for (at, code) in Code::ALL.iter().enumerate() {
        assert!(Code::ALL.iter().skip(at + 1).all(|other| other.as_str() != code.as_str()), "{code:?} twice");
        assert!((code.as_str().starts_with("console.") || code == &Code::Away) && Reason::parse(code.as_str()).is_none());
        assert!(code.status().is_client_error() || code.status().is_server_error());
        for text in [code.title(), code.remedy()] {
            assert!(!text.is_empty() && !text.ends_with('.') && text.starts_with(char::is_lowercase), "{text}");
        }
    }
}

#[test]
fn a_problem_is_as_rfc_9457_has_it() {
    let response = Problem::new(Code::Limit, "two are live").answer(RequestId::new(Time::from_seconds(1), 2)).into_response();
    let mut body: serde_json::Value = serde_json::from_slice(response.body()).unwrap();
    body.sort_all_objects();
    assert_eq!(
        body.to_string(),
        r#"{"code":"console.limit","detail":"two are live","instance":"urn:uuid:00000000-03e8-7000-8000-000000000002","remedy":"revoke what is not needed any more","request_id":"00000000-03e8-7000-8000-000000000002","status":409,"title":"there are as many as there may be","type":"urn:wardgate:reason:console.limit"}"#
    );
}

#[test]
fn our_own_faults_tell_the_caller_nothing() {
    let fault = StoreFault::Corrupt { what: "credential", name: "AAAAAAAAAAAA".into(), why: "a hash of 3 bytes".into() };
    let problem = Problem::from(fault);
    assert_eq!((problem.code, &*problem.detail), (Code::Fault, "something that this needs does not work at present"));
    let away = crate::world::Away { since: Time::from_seconds(1_800_000_000), why: "the database cannot be reached".into() };
    let told = problem.while_away(Some(&away));
    let since = "the database cannot be reached, since 2027-01-15T08:00:00Z";
    assert_eq!((told.code.as_str(), told.code.status().as_u16(), &*told.detail), ("store.away", 503, since));
    let missing = Problem::from(StoreFault::NotFound { what: "credential", name: "AAAAAAAAAAAA".into() });
    assert_eq!((missing.code, &*missing.detail), (Code::NotFound, "there is no credential `AAAAAAAAAAAA`"));
    assert_eq!(missing.clone().while_away(Some(&away)), missing, "what it is not to blame for is not blamed on it");
}
