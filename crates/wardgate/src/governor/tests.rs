use super::{
    DEEDS_MAX, Hand,
    ground::{Ground, on},
};
use std::{
    fmt::Write as _,
    sync::{Arc, atomic::AtomicU64},
    time::Duration,
};
use wardgate_model::{
    id::{IdentityId, OwnerName},
    inventory::IdentityState,
    time::Time,
};
use wardgate_store::{ApprovalState, Claim, Needs, NewApproval, Step};

const DAY: Duration = Duration::from_hours(24);
/// 2026-06-01T00:00:00Z.
const DAWN: Time = Time::from_seconds(1_780_272_000);

fn identity(name: &str, more: &str) -> String {
    format!(
        "---\nkind: Identity\nname: {name}\nspec:\n  type: partner\n  owner: shop-team\n  environment: production\n  purpose: keeps \
         things in step\n  credentials: [{{ name: main, type: api_key, expires_in: 90d }}]\n{more}"
    )
}

fn id(name: &str) -> IdentityId {
    IdentityId::parse(name).unwrap()
}

fn hand(ground: &Ground) -> Hand {
    let (control, log) = (Arc::clone(&ground.control), Arc::clone(&ground.log));
    Hand { control, log, deeds: Arc::new(AtomicU64::new(0)), scanned: Time::default() }
}

/// The state on record, once the gate knows it: what is stopped is refused at once, the snapshot that says so comes after.
async fn state(ground: &Ground, name: &str) -> IdentityState {
    let status = ground.control.store().status(&id(name)).await.unwrap();
    known(ground, name, status.state).await;
    status.state
}

async fn known(ground: &Ground, name: &str, state: IdentityState) {
    while ground.control.gate().snapshot().identity(&id(name)).unwrap().state != state {
        tokio::task::yield_now().await;
    }
}

/// Ticks twice as two processes would, with what was due at the same moment.
async fn tick(ground: &Ground, now: Time) -> (usize, usize) {
    let (mut one, mut other) = (hand(ground), hand(ground));
    (one.tick(now).await.unwrap(), other.tick(now).await.unwrap())
}

#[test]
fn a_time_bound_identity_is_suspended_at_its_end_and_retired_a_month_later() {
    on(&identity("caller", "  until: 2026-06-03\n"), async |ground| {
        assert_eq!(tick(ground, DAWN + DAY).await, (0, 0));
        assert_eq!(state(ground, "caller").await, IdentityState::Active);
        assert_eq!(tick(ground, DAWN + 2 * DAY).await, (1, 0), "the second finds it done");
        assert_eq!(state(ground, "caller").await, IdentityState::Suspended);
        assert_eq!(tick(ground, DAWN + 31 * DAY).await, (0, 0));
        assert_eq!(tick(ground, DAWN + 33 * DAY).await, (1, 0));
        assert_eq!(state(ground, "caller").await, IdentityState::Retired);
        assert_eq!(tick(ground, DAWN + 90 * DAY).await, (0, 0));
        let findings = ground.recorded("finding");
        let codes: Vec<_> = findings.iter().map(|event| event["finding"]["code"].as_str().unwrap()).collect();
        assert_eq!(codes, ["identity.ended", "identity.retired"]);
    });
}

#[test]
fn what_a_departed_owner_leaves_goes_on_for_its_grace_only() {
    on(&identity("caller", ""), async |ground| {
        let (store, owner) = (ground.control.store(), OwnerName::literal("shop-team"));
        store.depart_owner(&ground.actor(), &owner, DAWN + 14 * DAY, DAWN).await.unwrap();
        assert_eq!(tick(ground, DAWN + 13 * DAY).await, (0, 0));
        assert_eq!(tick(ground, DAWN + 14 * DAY).await, (1, 0));
        assert_eq!(state(ground, "caller").await, IdentityState::Suspended);
    });
}

#[test]
fn what_nobody_claimed_in_time_is_marked() {
    on(&identity("caller", ""), async |ground| {
        let store = ground.control.store();
        let step = Step { from: vec![IdentityState::Active], to: IdentityState::Active, evidence: None, claim_by: Some(Some(DAWN + DAY)) };
        store.step_identity(&ground.actor(), &id("caller"), &step, DAWN).await.unwrap();
        assert_eq!(tick(ground, DAWN).await, (0, 0));
        assert_eq!(tick(ground, DAWN + DAY).await, (1, 0));
        assert_eq!(store.status(&id("caller")).await.unwrap().claim, Claim::Overdue);
        assert!(ground.control.gate().snapshot().identity(&id("caller")).unwrap().claim_overdue);
    });
}

#[test]
fn when_a_contract_ends_what_was_issued_under_it_ends() {
    let contract = "---\nkind: Contract\nname: partner-2026\nspec: { owner: shop-team, until: 2026-07-01, contacts: [ops@example.com] }\n";
    on(&format!("{}{contract}", identity("caller", "")), async |ground| {
        let issued = ground.issue("caller", "AAAAAAAAAAAA", DAWN + 90 * DAY, DAWN).await;
        let end = Time::parse("2026-07-01").unwrap();
        assert_eq!(tick(ground, DAWN).await, (0, 0));
        tick(ground, end).await;
        assert_eq!(ground.control.store().credential(&issued).await.unwrap().credential.expires, Some(end));
        let snapshot = ground.control.gate().snapshot();
        assert_eq!(snapshot.credential("AAAAAAAAAAAA").unwrap().expires, Some(end));
        assert_eq!(tick(ground, end + DAY).await, (0, 0));
    });
}

#[test]
fn acts_that_nobody_decides_lapse() {
    on("", async |ground| {
        let store = ground.control.store();
        let new = |code: &str, expires: Time| NewApproval {
            id: wardgate_model::id::ApprovalId::parse(code).unwrap(),
            act: serde_json::json!({ "release": code }),
            summary: "release x".into(),
            requester: id("caller"),
            owner: OwnerName::literal("shop-team"),
            needs: Needs::Second,
            expires,
        };
        for (code, days) in [("AAAAAAAAAAAA", 1), ("BBBBBBBBBBBB", 1), ("CCCCCCCCCCCC", 9)] {
            store.ask_approval(&ground.actor(), new(code, DAWN + days * DAY), DAWN).await.unwrap();
        }
        assert_eq!(tick(ground, DAWN).await, (0, 0));
        let (one, other) = tick(ground, DAWN + DAY).await;
        assert!(one >= 1 && other == 0, "{one} {other}");
        assert_eq!(store.approvals(Some(ApprovalState::Waiting), 0, 10).await.unwrap().len(), 1);
        assert_eq!(store.approvals(Some(ApprovalState::Lapsed), 0, 10).await.unwrap().len(), 2);
    });
}

#[test]
fn a_tick_does_only_so_much_and_the_next_goes_on() {
    let mut documents = String::new();
    for number in 0..DEEDS_MAX + 7 {
        let _infallible = write!(documents, "{}", identity(&format!("caller-{number}"), "  until: 2026-06-03\n"));
    }
    on(&documents, async |ground| {
        let mut hand = hand(ground);
        assert_eq!(hand.tick(DAWN + 3 * DAY).await.unwrap(), DEEDS_MAX);
        let suspended = |snapshot: &wardgate_gate::Snapshot| {
            snapshot.population().identities().iter().filter(|identity| identity.state == IdentityState::Suspended).count()
        };
        while suspended(&ground.control.gate().snapshot()) < DEEDS_MAX {
            tokio::task::yield_now().await;
        }
        assert_eq!(hand.tick(DAWN + 3 * DAY).await.unwrap(), 7);
        assert_eq!(hand.tick(DAWN + 3 * DAY).await.unwrap(), 0);
    });
}
