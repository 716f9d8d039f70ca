use super::{Claim, Step};
use crate::{
    Precondition,
    world::{HOUR, NOW, World, actor, credential, identity, on_both, resource},
};
use serde_json::json;
use wardgate_model::inventory::IdentityState;

on_both! {
    a_step_is_made_only_from_where_it_may_be,
    whoever_is_stopped_goes_back_to_where_it_was,
    a_claim_is_due_until_it_is_made,
    a_life_as_the_feed_tells_it,
    what_cannot_be_read_is_told_and_not_guessed,
}

async fn a_life_as_the_feed_tells_it(world: World) {
    world.apply(&["a.yaml Identity/ledger {}"]).await.unwrap();
    let (who, by) = (identity("ledger"), actor("root", "why not"));
    let set = async |state| {
        let done = world.store.set_identity_state(&by, &who, state, NOW).await;
        done.map_or_else(|e| e.to_string(), |s| format!("{} at {}", s.state, s.revision))
    };
    assert_eq!(set(IdentityState::Active).await, "active at 1", "it was");
    assert_eq!(set(IdentityState::Suspended).await, "suspended at 2");
    assert_eq!(set(IdentityState::Retired).await, "retired at 3");
    assert_eq!(set(IdentityState::Retired).await, "retired at 3", "it was");
    assert_eq!(set(IdentityState::Active).await, "identity `ledger` is retired, and that is for good: make a new one");
    let none = world.store.set_identity_state(&by, &identity("nobody"), IdentityState::Active, NOW).await;
    assert_eq!(none.unwrap_err().to_string(), "there is no identity `nobody`");
    assert_eq!(
        world.feed().await,
        r#"1 file:a.yaml Identity/ledger create - → {} (apply)
2 root status/ledger state {"claim_overdue":false,"reason":"apply","requester":"file:a.yaml","state":"active"} → {"claim_overdue":false,"reason":"why not","requester":"file:a.yaml","resumes_to":"active","state":"suspended"} (why not)
3 root status/ledger state {"claim_overdue":false,"reason":"why not","requester":"file:a.yaml","resumes_to":"active","state":"suspended"} → {"claim_overdue":false,"reason":"why not","requester":"file:a.yaml","state":"retired"} (why not)
"#
    );
}

async fn what_cannot_be_read_is_told_and_not_guessed(world: World) {
    world.apply(&["a.yaml Identity/ledger {}"]).await.unwrap();
    world.tamper("UPDATE status SET state = 'happy'").await.unwrap();
    let fault = world.store.statuses().await.unwrap_err();
    assert_eq!(fault.to_string(), "the store holds a status `ledger` that cannot be read: unknown state `happy`");
    assert_eq!(fault.blame(), crate::Blame::Ourselves);
}

/// `from to [evidence]`
fn step(text: &str) -> Step {
    let mut words = text.split(' ');
    let from = words.next().unwrap().split(',').map(|word| IdentityState::parse(word).unwrap()).collect();
    let to = IdentityState::parse(words.next().unwrap()).unwrap();
    Step { from, to, evidence: words.next().map(Into::into), claim_by: None }
}

/// Makes steps one after another; each is shown as where it led, and where it goes back to.
async fn steps(world: &World, texts: &[&str]) -> Vec<String> {
    let mut shown = Vec::new();
    for text in texts {
        let done = world.store.step_identity(&actor("root", "why not"), &identity("bot"), &step(text), NOW).await;
        shown.push(done.map_or_else(
            |e| e.to_string(),
            |s| {
                let back = [s.resumes_to, s.resumes_then].into_iter().flatten().map(|s| format!(" < {s}")).collect::<String>();
                format!("{}{back}", s.state)
            },
        ));
    }
    shown
}

async fn a_step_is_made_only_from_where_it_may_be(world: World) {
    world.store.put_resource(&actor("asks", ""), &resource("Identity/bot"), &json!({}), Precondition::Any, NOW).await.unwrap();
    let status = world.store.status(&identity("bot")).await.unwrap();
    assert_eq!((status.state, status.requester.as_deref(), status.approver), (IdentityState::Requested, Some("asks"), None));
    assert_eq!(
        steps(&world, &["approved active", "requested approved ticket-7", "requested,active approved"]).await,
        [
            "identity `bot` is `requested`; it can become `active` only from `approved`",
            "approved",
            "identity `bot` is `approved`; it can become `approved` only from `requested`, `active`",
        ]
    );
    let status = world.store.status(&identity("bot")).await.unwrap();
    assert_eq!((status.approver.as_deref(), &*status.evidence, &*status.reason), (Some("root"), "ticket-7", "why not"));
    // The first credential puts it into use, in the same change; the next one changes nothing.
    let by = actor("root", "first key");
    world.store.issue_credential(&by, credential("api_key AAAAAAAAAAAA bot/main 1"), NOW).await.unwrap();
    let status = world.store.status(&identity("bot")).await.unwrap();
    assert_eq!((status.state, status.revision, &*status.evidence), (IdentityState::Active, 4, "ticket-7"));
    world.store.issue_credential(&by, credential("api_key BBBBBBBBBBBB bot/main 1"), NOW).await.unwrap();
    assert_eq!(world.store.status(&identity("bot")).await.unwrap().revision, 4);
}

async fn whoever_is_stopped_goes_back_to_where_it_was(world: World) {
    world.store.put_resource(&actor("asks", ""), &resource("Identity/bot"), &json!({}), Precondition::Any, NOW).await.unwrap();
    assert_eq!(
        steps(
            &world,
            &[
                "requested suspended",
                "suspended quarantined",
                "quarantined suspended",
                "suspended requested",
                "requested quarantined",
                "quarantined suspended",
                "suspended requested",
            ]
        )
        .await,
        [
            "suspended < requested",
            "quarantined < suspended < requested",
            "suspended < requested",
            "requested",
            "quarantined < requested",
            "suspended < requested",
            "requested",
        ]
    );
}

async fn a_claim_is_due_until_it_is_made(world: World) {
    world.apply(&["a.yaml Identity/bot {}", "a.yaml Identity/other {}"]).await.unwrap();
    let until = Step { claim_by: Some(Some(NOW + HOUR)), ..step("active active") };
    let by = actor("root", "transferred");
    let status = world.store.step_identity(&by, &identity("bot"), &until, NOW).await.unwrap();
    assert_eq!(status.claim_by, Some(NOW + HOUR));
    let due = async |now| world.store.claims_due(now, 10).await.unwrap().iter().map(|s| s.identity.to_string()).collect::<Vec<_>>();
    assert!(due(NOW).await.is_empty());
    assert_eq!(due(NOW + HOUR).await, ["bot"]);
    world.store.set_claim(&by, &identity("bot"), Claim::Overdue, NOW + HOUR).await.unwrap();
    assert!(due(NOW + HOUR).await.is_empty(), "it is marked");
    let claimed = Step { claim_by: Some(None), ..until };
    let status = world.store.step_identity(&by, &identity("bot"), &claimed, NOW + HOUR).await.unwrap();
    assert_eq!((status.claim, status.claim_by), (Claim::InTime, None));
}
