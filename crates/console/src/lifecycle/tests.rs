use crate::call::testing::{Fixture, HOUR, NOW};
use wardgate_model::id::OwnerName;
use wardgate_store::{Actor, Who};

async fn world() -> Fixture {
    let fixture = Fixture::signed_in().await;
    for (caller, name, owner) in [("op", "bot", "payments"), ("op", "card", "cards")] {
        let spec = format!(r#"{{"spec":{{"owner":"{owner}","team":"t"}}}}"#);
        let made = fixture.ask(&format!("PUT /api/v1/resources/Identity/{name} as {caller}\n\n{spec}")).await;
        assert!(made.starts_with("201"), "{made}");
    }
    fixture
}

async fn go(fixture: &Fixture, caller: &str, path: &str, body: &str) -> String {
    let said = fixture.ask(&format!("POST /api/v1/identities/{path} as {caller}\n\n{body}")).await;
    if said.starts_with("200") {
        let at = said.find(r#""state":""#).unwrap() + 9;
        return said[at..].split('"').next().unwrap().to_owned();
    }
    said
}

#[tokio::test]
async fn a_life_from_request_to_retirement() {
    let fixture = world().await;
    let evidence = r#"{"evidence":"ticket 1","reason":"agreed"}"#;
    let own = go(&fixture, "op", "bot/approve", evidence).await;
    assert_eq!(own, "403 console.undecidable: `op` asked for it and cannot approve it: another identity has to");
    let without = go(&fixture, "oscar", "bot/approve", "{}").await;
    assert_eq!(without, "422 console.unfit: an approval needs `evidence`: where was it agreed?");
    assert_eq!(go(&fixture, "oscar", "bot/approve", evidence).await, "approved");
    let read = fixture.ask("GET /api/v1/resources/Identity/bot as watcher").await;
    assert!(read.contains(r#""approver":"oscar""#) && read.contains(r#""evidence":"ticket 1""#), "{read}");
    let issued = fixture.ask("POST /api/v1/credentials as op\n\n{\"identity\":\"bot\"}").await;
    assert!(issued.starts_with("201"), "{issued}");
    assert_eq!(fixture.states().await, "bot active\ncard requested", "its first credential makes it active");
    assert_eq!(go(&fixture, "op", "bot/suspend", "{}").await, "suspended");
    let illegal = go(&fixture, "op", "bot/suspend", "{}").await;
    let legal = "possible are `resume`, `quarantine`, `retire`";
    assert_eq!(illegal, format!("409 console.illegal: an identity that is `suspended` cannot be asked to `suspend`: {legal}"));
    assert_eq!(go(&fixture, "op", "bot/resume", "{}").await, "active");
    assert_eq!(go(&fixture, "op", "bot/quarantine", "{}").await, "quarantined");
    assert_eq!(go(&fixture, "op", "bot/quarantine", "{}").await, "quarantined", "idempotent");
    assert!(fixture.ask("GET /api/v1/containments as watcher").await.contains(r#""kind":"identity","name":"bot""#));
    assert!(go(&fixture, "op", "bot/resume", "{}").await.starts_with("409 console.illegal"), "a release is no resumption");
    assert_eq!(go(&fixture, "op", "bot/retire", "{}").await, "retired");
    let over = go(&fixture, "op", "bot/quarantine", "{}").await;
    assert_eq!(
        over,
        "409 console.illegal: an identity that is `retired` cannot be asked to `quarantine`: that is for good, make a new one"
    );
    assert_eq!(go(&fixture, "op", "nobody/retire", "{}").await, "404 console.not_found: there is no identity `nobody`");
}

#[tokio::test]
async fn who_is_not_wanted_is_rejected_while_it_waits() {
    let fixture = world().await;
    assert_eq!(go(&fixture, "op", "card/reject", r#"{"reason":"there is one already"}"#).await, "retired");
    assert!(go(&fixture, "oscar", "card/approve", r#"{"evidence":"ticket 1"}"#).await.starts_with("409 console.illegal"), "for good");
    assert_eq!(go(&fixture, "oscar", "bot/approve", r#"{"evidence":"ticket 1"}"#).await, "approved");
    let late = go(&fixture, "op", "bot/reject", "{}").await;
    assert!(late.ends_with("possible are `quarantine`, `retire`"), "no move is named that nobody can ask for: {late}");
}

#[tokio::test]
async fn an_illegal_move_names_the_legal_ones() {
    let fixture = world().await;
    let call = fixture.call("POST /api/v1/identities/bot/resume as op\n\n{}").await;
    let response = fixture.console.answer(call, NOW).await;
    let body: serde_json::Value = serde_json::from_slice(response.body()).unwrap();
    assert_eq!(body["legal"], serde_json::json!(["approve", "reject", "quarantine", "retire"]));
}

#[tokio::test]
async fn who_may_move_whom() {
    let fixture = world().await;
    let evidence = r#"{"evidence":"ticket 1"}"#;
    let other = "403 console.reach: `card` is of the owner `cards`, the caller acts for `payments`";
    for word in ["approve", "suspend", "quarantine", "retire"] {
        assert_eq!(go(&fixture, "olga", &format!("card/{word}"), evidence).await, other);
    }
    assert_eq!(go(&fixture, "olga", "bot/approve", evidence).await, "approved");
    let admin = r#"{"spec":{"owner":"cards","roles":["security"]}}"#;
    let asked = fixture.ask(&format!("PUT /api/v1/resources/Identity/sec as hank\n\n{admin}")).await;
    fixture.ask(&format!("POST /api/v1/approvals/{}/approve as rita\n\n{{}}", Fixture::member(&asked, "id"))).await;
    let above = "403 console.reach: `sec` has the role `security`, which the caller has not";
    assert_eq!(go(&fixture, "op", "sec/approve", evidence).await, above, "nobody lets somebody stronger in");
    assert_eq!(go(&fixture, "op", "sec/quarantine", "{}").await, "quarantined", "but anybody who operates stops anybody");
}

#[tokio::test]
async fn it_goes_to_another_owner() {
    let fixture = world().await;
    let to =
        async |caller: &str, owner: &str| go(&fixture, caller, "bot/transfer", &format!(r#"{{"owner":"{owner}","reason":"moved"}}"#)).await;
    assert_eq!(to("op", "nobody").await, "422 console.unfit: there is no owner `nobody`");
    assert_eq!(to("op", "payments").await, "409 console.conflict: `bot` belongs to `payments` already");
    let own = to("olga", "cards").await;
    assert_eq!(
        own, "403 console.reach: `bot` is of the owner `cards`, the caller acts for `payments`",
        "giving away is not for one of the two"
    );
    assert_eq!(to("op", "cards").await, "requested");
    let read = fixture.ask("GET /api/v1/resources/Identity/bot as watcher").await;
    assert!(read.contains(r#""spec":{"owner":"cards"}"#), "the team was the old owner's: {read}");
    let root = Actor::new(Who::Process, "gone");
    fixture.store.depart_owner(&root, &OwnerName::literal("acme"), NOW + HOUR, NOW).await.unwrap();
    assert_eq!(to("op", "acme").await, "409 console.conflict: the owner `acme` departed: choose one who is there");
    fixture.apply("a.yaml Identity/filed {\"owner\":\"payments\"}").await;
    let filed = go(&fixture, "op", "filed/transfer", r#"{"owner":"cards"}"#).await;
    assert_eq!(filed, "409 console.conflict: resource `Identity/filed` comes from the file `a.yaml`");
}

#[tokio::test]
async fn to_leave_a_contained_owner_wants_a_person() {
    let fixture = world().await;
    let contained = fixture.ask("POST /api/v1/containments as op\n\n{\"kind\":\"owner\",\"name\":\"payments\"}").await;
    assert!(contained.starts_with("200"), "{contained}");
    let moved = go(&fixture, "op", "bot/transfer", r#"{"owner":"cards"}"#).await;
    assert!(moved.starts_with("202") && moved.contains(r#""needs":"person""#), "{moved}");
    let put = fixture.ask("PUT /api/v1/resources/Identity/bot as op\n\n{\"spec\":{\"owner\":\"cards\"}}").await;
    assert!(put.starts_with("202") && put.contains("its owner `payments` is contained"), "{put}");
    assert_eq!(go(&fixture, "op", "card/transfer", r#"{"owner":"risk"}"#).await, "requested", "others go where they like");
}

#[tokio::test]
async fn what_suspended_it_must_be_gone_before_it_goes_on() {
    let fixture = world().await;
    go(&fixture, "oscar", "bot/approve", r#"{"evidence":"ticket 1"}"#).await;
    fixture.ask("POST /api/v1/credentials as op\n\n{\"identity\":\"bot\"}").await;
    assert_eq!(go(&fixture, "op", "bot/suspend", "{}").await, "suspended");
    assert!(fixture.ask("POST /api/v1/owners/payments/depart as root\n\n{}").await.starts_with("200"));
    let stays = go(&fixture, "op", "bot/resume", "{}").await;
    let why = "`bot` belongs to the owner `payments`, who departed: transfer it first, or take the owner back";
    assert_eq!(stays, format!("409 console.conflict: {why}"));
}
