use super::{ErasureState, ErasureView};
use crate::call::testing::{Fixture, NOW};

pub(crate) fn played() -> ErasureView {
    ErasureView {
        id: "0123456789abcdef0123456789abcdef".to_owned(),
        state: ErasureState::Running,
        begun: NOW.to_rfc3339(),
        ended: None,
        events: 9,
        own: 0,
        segments: 2,
        looked_at: 1,
        failed: 0,
        outstanding: None,
        code: None,
        detail: None,
    }
}

#[tokio::test]
async fn what_is_erased_says_of_whom_and_why() {
    let fixture = Fixture::signed_in().await;
    let ask = async |body: &str| fixture.ask(&format!("POST /api/v1/audit/erasures as rosa\n\n{body}")).await;
    let begun = ask(r#"{"subject":"person:ab12","reason":"asked for"}"#).await;
    assert!(begun.starts_with("202 ") && begun.contains(r#""state":"running""#), "{begun}");
    let alone = ask(r#"{"subject":"ab12","reason":"asked for"}"#).await;
    assert!(alone.starts_with("422 console.unfit: `ab12` alone may mean many things"), "{alone}");
    let silent = ask(r#"{"subject":"person:ab12","reason":" "}"#).await;
    assert!(silent.starts_with("422 console.unfit: `reason` says why"), "{silent}");
    for malformed in [r#"{"subject":"person:ab12"}"#, r#"{"subject":1,"reason":"x"}"#, r#"{"subject":"a:b","reason":"x","now":true}"#, "x"]
    {
        assert!(ask(malformed).await.starts_with("400 console.malformed"), "{malformed}");
    }
}

/// Nor those of another identity that stands for the same person.
#[tokio::test]
async fn nobody_erases_its_own_traces() {
    let fixture = Fixture::signed_in().await;
    let ask = async |subject: &str| {
        let body = format!(r#"{{"subject":"{subject}","reason":"asked for"}}"#);
        fixture.ask(&format!("POST /api/v1/audit/erasures as rita\n\n{body}")).await
    };
    let own = || {
        let erasure = fixture.played.erased.lock().unwrap().pop().expect("an erasure");
        (erasure.actor.to_string(), erasure.own.iter().map(ToString::to_string).collect::<Vec<_>>())
    };
    for subject in ["identity:rita", " identity:rita "] {
        let refused = ask(subject).await;
        assert!(refused.starts_with("403 console.undecidable: `identity:rita` are traces of whoever asks"), "{refused}");
    }
    assert!(fixture.played.erased.lock().unwrap().is_empty());
    assert!(ask("identity:rosa").await.starts_with("202 "));
    assert_eq!(own(), ("rita".to_owned(), vec!["rita".to_owned()]));
    for (name, address) in [("rita", "rob@example.com"), ("robs-own", "Rob@example.com"), ("rosa", "pia@example.com")] {
        fixture.played.tagged.lock().unwrap().push(("person".to_owned(), name.to_owned(), address.to_owned()));
    }
    assert!(ask("identity:robs-own").await.starts_with("403 console.undecidable"));
    assert!(ask("source:192.0.2.7").await.starts_with("202 "));
    assert_eq!(own(), ("rita".to_owned(), vec!["rita".to_owned(), "robs-own".to_owned()]), "their traces are left");
}

/// What is not known to be somebody else's is left to somebody of whom it is known.
#[tokio::test]
async fn whose_session_it_is_not_known_who_armed_erases_nothing() {
    let fixture = Fixture::new().await;
    let ask = async |subject: &str| {
        fixture.ask(&format!("POST /api/v1/audit/erasures as rita\n\n{{\"subject\":\"{subject}\",\"reason\":\"asked for\"}}")).await
    };
    for subject in ["identity:rosa", "source:192.0.2.7", "person:ab12"] {
        let refused = ask(subject).await;
        assert!(refused.starts_with("403 console.undecidable: it is not known who armed the session"), "{refused}");
    }
    assert!(fixture.played.erased.lock().unwrap().is_empty());
}

#[tokio::test]
async fn how_far_it_is_can_be_asked() {
    let fixture = Fixture::signed_in().await;
    let begun = fixture.ask("POST /api/v1/audit/erasures as rosa\n\n{\"subject\":\"person:ab12\",\"reason\":\"asked for\"}").await;
    let id = Fixture::member(&begun, "id");
    let told = fixture.ask(&format!("GET /api/v1/audit/erasures/{id} as rosa")).await;
    assert!(told.starts_with("200 ") && told.contains(r#""outstanding":null"#), "{told}");
    let unknown = fixture.ask("GET /api/v1/audit/erasures/ff as rosa").await;
    assert!(unknown.starts_with("404 console.not_found: no erasure `ff` is known here"), "{unknown}");
}
