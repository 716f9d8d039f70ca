use crate::{
    call::testing::{Fixture, NOW},
    world::{Away, HereStop, Stopping},
};
use wardgate_model::{contain::Containable, id::IdentityId};

async fn away() -> Fixture {
    let fixture = Fixture::new().await;
    fixture.apply("a.yaml Identity/ledger {\"owner\":\"payments\"}\na.yaml Identity/stranger {\"owner\":\"cards\"}").await;
    let why = "the database cannot be reached".into();
    *fixture.played.away.lock().unwrap() = Some(Away { since: NOW, why });
    fixture
}

async fn contain(fixture: &Fixture, caller: &str, body: &str) -> String {
    fixture.ask(&format!("POST /api/v1/containments as {caller}\n\n{body}")).await
}

#[tokio::test]
async fn a_containment_is_obeyed_without_the_store() {
    let fixture = away().await;
    let said = contain(&fixture, "op", r#"{"kind":"identity","name":"ledger","reason":"leaked"}"#).await;
    assert!(said.starts_with("200 ") && said.contains(r#""revision":0"#), "{said}");
    assert!(said.contains("obeyed here, not yet on record; other gates do not know it; it is put on record"), "{said}");
    assert!(said.contains(r#""outlives_restart":true"#), "{said}");
    let stop = HereStop {
        stopping: Stopping::Contain(Containable::Identity),
        name: "ledger".into(),
        actor: IdentityId::literal("op"),
        reason: "leaked".into(),
        at: NOW,
    };
    assert_eq!(*fixture.played.stopped.lock().unwrap(), [stop]);
    assert_eq!(fixture.states().await, "ledger active\nstranger active", "nothing is on record");
    let said = contain(&fixture, "op", r#"{"kind":"owner","name":"payments","reason":"no room"}"#).await;
    assert!(said.contains(r#""outlives_restart":false"#) && said.contains("the journal cannot be written"), "{said}");
}

#[tokio::test]
async fn whoever_may_not_stop_it_may_not_here() {
    let fixture = away().await;
    for (caller, body, said) in [
        ("olga", r#"{"kind":"identity","name":"stranger"}"#, "403 "),
        ("olga", r#"{"kind":"owner","name":"cards"}"#, "403 "),
        ("op", r#"{"kind":"identity","name":"nobody-knows"}"#, "404 "),
        ("op", r#"{"kind":"credential","name":"CCCCCCCCCCCC"}"#, "404 "),
        ("op", r#"{"kind":"token","name":"x"}"#, "422 "),
    ] {
        let answer = contain(&fixture, caller, body).await;
        assert!(answer.starts_with(said), "{body}: {answer}");
    }
    assert!(fixture.played.stopped.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_credential_is_ended_without_the_store() {
    let fixture = away().await;
    let said = fixture.ask("DELETE /api/v1/credentials/AAAAAAAAAAAA?reason=leaked as op").await;
    assert!(said.starts_with("200 ") && said.contains(r#""state":"revoked""#) && said.contains("other gates do not know it"), "{said}");
    assert_eq!(fixture.played.stopped.lock().unwrap()[0].stopping, Stopping::Revoke);
}
