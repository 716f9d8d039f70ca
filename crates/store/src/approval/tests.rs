use super::{ACT_BYTES_MAX, ApprovalState, Decision, Needs, NewApproval};
use crate::world::{HOUR, NOW, World, actor, identity, on_both};
use serde_json::json;
use std::sync::Arc;
use wardgate_model::id::{ApprovalId, OwnerName};

on_both! {
    an_act_is_decided_once_and_in_time,
    what_nobody_decides_lapses,
    of_many_who_decide_at_once_one_does,
}

fn id(text: &str) -> ApprovalId {
    ApprovalId::parse(text).unwrap()
}

fn new(text: &str) -> NewApproval {
    NewApproval {
        id: id(text),
        act: json!({ "release": text }),
        summary: "release `bot`".into(),
        requester: identity("asks"),
        owner: OwnerName::parse("payments").unwrap(),
        needs: Needs::Second,
        expires: NOW + HOUR,
    }
}

#[test]
fn words_are_read_back() {
    for state in ApprovalState::ALL {
        assert_eq!(ApprovalState::parse(state.as_str()), Some(*state));
    }
    for needs in [Needs::Second, Needs::Person] {
        assert_eq!(Needs::parse(needs.as_str()), Some(needs));
    }
}

async fn an_act_is_decided_once_and_in_time(world: World) {
    let asks = actor("asks", "it is clean");
    let asked = world.store.ask_approval(&asks, new("AAAAAAAAAAAA"), NOW).await.unwrap();
    assert_eq!((asked.state, &*asked.reason, asked.created_seq), (ApprovalState::Waiting, "it is clean", 1));
    assert_eq!(asked.act, json!({ "release": "AAAAAAAAAAAA" }));
    let refused = async |new| world.store.ask_approval(&asks, new, NOW).await.unwrap_err().to_string();
    let other = NewApproval { act: json!({}), ..new("AAAAAAAAAAAA") };
    assert_eq!(refused(other).await, "approval `AAAAAAAAAAAA` is on record already: make another id");
    let late = NewApproval { expires: NOW, ..new("BBBBBBBBBBBB") };
    assert_eq!(refused(late).await, "approval `BBBBBBBBBBBB` would have lapsed on 2027-01-15T08:00:00Z");
    let large = NewApproval { act: json!("x".repeat(ACT_BYTES_MAX)), ..new("BBBBBBBBBBBB") };
    assert_eq!(refused(large).await, "approval `BBBBBBBBBBBB` has an act of 262146 bytes; 262144 can be kept: ask for less at a time");

    world.store.ask_approval(&asks, new("BBBBBBBBBBBB"), NOW).await.unwrap();
    let decide = async |key: &str, decision, now| {
        let done = world.store.decide_approval(&actor("second", "seen it"), &id(key), decision, now).await;
        done.map_or_else(|e| e.to_string(), |a| format!("{} by {} at {}", a.state, a.decider.unwrap(), a.revision))
    };
    assert_eq!(decide("AAAAAAAAAAAA", Decision::Approve, NOW).await, "approved by second at 3");
    assert_eq!(decide("AAAAAAAAAAAA", Decision::Deny, NOW).await, "approval `AAAAAAAAAAAA` is approved already");
    assert_eq!(
        decide("BBBBBBBBBBBB", Decision::Approve, NOW + HOUR).await,
        "approval `BBBBBBBBBBBB` lapsed on 2027-01-15T09:00:00Z: ask again"
    );
    assert_eq!(decide("BBBBBBBBBBBB", Decision::Deny, NOW).await, "denied by second at 4");
    assert_eq!(decide("CCCCCCCCCCCC", Decision::Deny, NOW).await, "there is no approval `CCCCCCCCCCCC`");
    let found = async |state, after, limit| {
        let found = world.store.approvals(state, after, limit).await.unwrap();
        found.iter().map(|a| &a.id.as_str()[..1]).collect::<String>()
    };
    assert_eq!(found(None, 0, 10).await, "AB");
    assert_eq!(found(None, 1, 10).await, "B");
    assert_eq!(found(None, 0, 1).await, "A");
    assert_eq!(found(Some(ApprovalState::Denied), 0, 10).await, "B");
    assert_eq!(found(Some(ApprovalState::Waiting), 0, 10).await, "");
    assert!(!world.feed().await.contains("release\":"), "what is to be done stays out of the feed");
}

async fn what_nobody_decides_lapses(world: World) {
    world.store.ask_approval(&actor("asks", ""), new("AAAAAAAAAAAA"), NOW).await.unwrap();
    assert!(world.store.lapse_approvals(NOW).await.unwrap().is_empty());
    let lapsed = world.store.lapse_approvals(NOW + HOUR).await.unwrap();
    assert_eq!((lapsed.len(), lapsed[0].state, lapsed[0].decider.as_deref()), (1, ApprovalState::Lapsed, Some("<process>")));
    assert_eq!(world.store.approval(&id("AAAAAAAAAAAA")).await.unwrap(), lapsed[0]);
    assert!(world.store.lapse_approvals(NOW + HOUR).await.unwrap().is_empty());
}

async fn of_many_who_decide_at_once_one_does(world: World) {
    world.store.ask_approval(&actor("asks", ""), new("AAAAAAAAAAAA"), NOW).await.unwrap();
    let world = Arc::new(world);
    let mut tries = tokio::task::JoinSet::new();
    for n in 0..8 {
        let world = Arc::clone(&world);
        tries.spawn(async move {
            let decision = if n % 2 == 0 { Decision::Approve } else { Decision::Deny };
            world.store.decide_approval(&actor("second", ""), &id("AAAAAAAAAAAA"), decision, NOW).await.is_ok()
        });
    }
    assert_eq!(tries.join_all().await.into_iter().filter(|done| *done).count(), 1);
    assert_eq!(world.store.last_seq().await.unwrap(), 2);
}
