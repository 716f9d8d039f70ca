use crate::call::testing::{Fixture, NOW};

async fn post(fixture: &Fixture, caller: &str, path: &str, body: &str) -> String {
    fixture.ask(&format!("POST /api/v1/owners/{path} as {caller}\n\n{body}")).await
}

#[tokio::test]
async fn an_owner_departs_and_its_grace_is_only_shortened() {
    let fixture = Fixture::new().await;
    fixture.apply("a.yaml Identity/bot {\"owner\":\"cards\"}").await;
    let gone = post(&fixture, "op", "cards/depart", r#"{"grace":"10d","reason":"left"}"#).await;
    let dates = r#""departed":"2027-01-15T08:00:00Z","deputy":null,"grace_until":"2027-01-25T08:00:00Z","identities":["bot"]"#;
    let view = format!(r#"{{"accountable":"cora@example.com","attested":null,{dates},"more":false,"owner":"cards","reason":"left"}}"#);
    assert_eq!(gone, format!("200 {view}"));
    let longer = post(&fixture, "op", "cards/depart", r#"{"grace":"11d"}"#).await;
    let why = "`cards` departed before, and its grace is only ever shortened";
    assert_eq!(longer, format!("409 console.conflict: {why}"));
    let sooner = post(&fixture, "op", "cards/depart", r#"{"grace":"1d"}"#).await;
    assert!(sooner.contains(r#""grace_until":"2027-01-16T08:00:00Z""#), "{sooner}");
    let read = fixture.ask("GET /api/v1/resources/Identity?owner=cards as watcher").await;
    assert!(read.contains(r#""name":"bot""#), "{read}");
    for (body, said) in [
        (r#"{"grace":"91d"}"#, "422 console.unfit: `grace` is at most 90 days: transfer what has to live longer"),
        (r#"{"grace":"soon"}"#, "422 console.unfit: `grace`:"),
    ] {
        let refused = post(&fixture, "op", "payments/depart", body).await;
        assert!(refused.starts_with(said), "{refused}");
    }
    assert_eq!(post(&fixture, "op", "nobody/depart", "{}").await, "404 console.not_found: there is no owner `nobody`");
}

#[tokio::test]
async fn coming_back_wants_a_person_and_attesting_somebody_who_is_there() {
    let fixture = Fixture::signed_in().await;
    let there = post(&fixture, "root", "cards/return", "{}").await;
    assert_eq!(there, "409 console.conflict: the owner `cards` did not depart");
    let attested = post(&fixture, "otto", "cards/attest", r#"{"reason":"yearly"}"#).await;
    assert!(attested.contains(r#""attested":"2027-01-15T08:00:00Z""#), "{attested}");
    let other = post(&fixture, "olga", "cards/attest", "{}").await;
    assert_eq!(other, "403 console.reach: this is of the owner `cards`, the caller acts for `payments`");
    post(&fixture, "root", "cards/depart", "{}").await;
    let gone = post(&fixture, "otto", "cards/attest", "{}").await;
    assert_eq!(gone, "409 console.conflict: the owner `cards` departed: nobody is there to say so");
    let asked = post(&fixture, "root", "cards/return", "{}").await;
    assert!(asked.starts_with("202") && asked.contains(r#""needs":"person""#), "{asked}");
    let id = Fixture::member(&asked, "id");
    let machine = fixture.ask(&format!("POST /api/v1/approvals/{id}/approve as rico\n\n{{}}")).await;
    assert!(machine.starts_with("403 console.undecidable: this wants a person"), "{machine}");
    let person = fixture.ask_at(NOW, &format!("POST /api/v1/approvals/{id}/approve as rita\n\n{{}}")).await;
    assert!(person.starts_with("200"), "{person}");
    assert!(fixture.store.owner_statuses().await.unwrap().iter().all(|owner| owner.departed.is_none()));
}
