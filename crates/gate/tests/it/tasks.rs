//! Tasks as the gate has them: open while something is heard of them, by one word for new calls and for what is open.

use crate::tokens::{asked, called};
use serde_json::json;
use std::{sync::Arc, time::Duration};
use wardgate_gate::{
    Change, Population, Snapshot, Verdict,
    review::{self, Evidence},
    task,
    trust::{Trust, TrustedIssuer},
};
use wardgate_model::{
    api::OperationClass,
    credential::Credential,
    facts::Facts,
    grant::OperationSelector,
    id::{ApiName, CredentialId, IdentityId, PurposeName, TaskId},
    reason::Reason,
    task::{Budget, Task, TaskState},
    time::{SKEW, Time},
};
use wardgate_proof::{
    access_token::AccessToken,
    jose::{
        algorithm::Algorithms,
        jwk::{Accepting, Usage},
        key_set::KeySet,
    },
    jws::jwks,
};
use wardgate_testkit::world::{DAWN, TestWorld};

const LEASE: Duration = Duration::from_secs(60);

/// A task of `app` of which something was heard at `beat`.
fn task(beat: Time) -> Arc<Task> {
    Arc::new(Task {
        id: TaskId::literal("t-1"),
        identity: IdentityId::literal("app"),
        purpose: PurposeName::literal("settlement"),
        api: ApiName::literal("ledger"),
        operations: [OperationSelector::Class(OperationClass::List)].into(),
        resources: Box::default(),
        budget: Budget::default(),
        ends: DAWN + Duration::from_hours(1),
        lease: Some(LEASE),
        beat,
        state: TaskState::Open,
    })
}

struct World {
    world: TestWorld,
    people: Population,
    token: String,
}

/// A token of the task.
fn world() -> World {
    let (mut world, estate) = called("accept: [jwt, api_key]");
    let signer = world.snapshot.mint().signer();
    let accepting = Accepting { algorithms: Algorithms::ALL, usage: Usage::Signature };
    let keys = KeySet::parse(jwks([signer]).to_string().as_bytes(), accepting).unwrap();
    let ours = Arc::new(Trust::new(vec![TrustedIssuer::ours("https://gate.example", keys)], vec![]));
    let (identity, task_id) = (IdentityId::literal("app"), TaskId::literal("t-1"));
    let credential = world.key("app").split('_').nth(2).unwrap();
    let details = json!([{ "type": "wardgate_task", "task_id": "t-1", "operations": ["list"] }]);
    let token = AccessToken {
        issuer: "https://gate.example",
        identity: &identity,
        audience: "https://gate.example/ledger",
        scope: "list",
        credential: CredentialId::parse(credential).unwrap(),
        id: "0123456789abcdef0123456789abcdef",
        since: None,
        on_behalf_of: None,
        actors: &[],
        parents: &[],
        unbound: false,
        issued: DAWN,
        ends: DAWN + Duration::from_hours(1),
        bound_to: None,
        task: Some((&task_id, &details)),
    };
    let token = token.sign(signer).unwrap();
    let people = world.snapshot.population().clone();
    world.snapshot = Snapshot::new(2, people.clone(), estate).trusting(ours);
    World { world, people, token }
}

impl World {
    /// What stays on record whatever is told of the task.
    fn keep(&mut self, changes: [Change; 1]) {
        self.people.extend(changes);
        self.told(Change::NoTask(TaskId::literal("t-0")));
    }

    /// What is known of the task from now on.
    fn told(&mut self, change: Change) {
        let mut people = self.people.clone();
        people.extend([change]);
        let before = &self.world.snapshot;
        let next = Snapshot::new(before.number() + 1, people, Arc::clone(before.estate())).trusting(Arc::clone(before.trust()));
        self.world.snapshot = next;
    }

    fn call(&self, now: Time) -> (Facts, Verdict) {
        self.world.judge(&asked(&self.token), now).unwrap()
    }

    fn ruled(&self, now: Time) -> &'static str {
        self.call(now).1.ruling.reason().code()
    }
}

#[test]
fn a_task_lapses_by_one_word_for_new_calls_and_for_open_ones() {
    let mut world = world();
    world.told(Change::Task(task(DAWN)));
    let lapses = DAWN + (LEASE + SKEW);
    let just_before = DAWN + (LEASE + SKEW - Duration::from_micros(1));
    assert_eq!([world.ruled(DAWN), world.ruled(DAWN + LEASE), world.ruled(just_before)], ["rule.allowed"; 3]);
    assert_eq!(world.ruled(lapses), "proof.revoked");

    // What is open has with it when that is, and needs nobody's word to end then.
    let (facts, verdict) = world.call(DAWN);
    let lease = verdict.permit.unwrap().depart().lease;
    assert_eq!(lease.lapses(), Some(lapses));
    let token = world.token.clone();
    let evidence = Evidence { token: Some(&token), ..Evidence::default() };
    let review = |world: &World, now| review::review(&facts, evidence, &world.world.snapshot, now).map(drop);
    assert_eq!([review(&world, just_before), review(&world, lapses)], [Ok(()), Err(Reason::ProofRevoked)]);

    // A heartbeat is no reason to judge what is open again: it only ends later.
    let caller = facts.caller.as_ref().unwrap();
    world.told(Change::Task(task(DAWN + LEASE)));
    assert!(review::is_unchanged(&facts, &world.world.snapshot));
    assert_eq!(task::over_from(caller, &world.world.snapshot, DAWN), Some(DAWN + (LEASE + LEASE + SKEW)));
    assert_eq!((review(&world, lapses), world.ruled(lapses)), (Ok(()), "rule.allowed"));

    // On record as over: at once.
    world.told(Change::NoTask(TaskId::literal("t-1")));
    assert!(!review::is_unchanged(&facts, &world.world.snapshot));
    assert_eq!((review(&world, DAWN), world.ruled(DAWN)), (Err(Reason::ProofRevoked), "proof.revoked"));
    assert_eq!(task::over_from(caller, &world.world.snapshot, DAWN), Some(DAWN));
}

#[test]
fn a_key_that_was_made_for_a_task_is_good_for_that_alone() {
    let mut world = world();
    let id = CredentialId::parse(world.world.key("app").split('_').nth(2).unwrap()).unwrap();
    let key = Credential::clone(world.world.snapshot.credential(id.as_str()).unwrap());
    let made_for = |task: &'static str| Change::Credential(Arc::new(Credential { task: Some(TaskId::literal(task)), ..key.clone() }));
    let shown = asked(world.world.key("app"));
    let ruled = |world: &World, now| {
        let (facts, verdict) = world.world.judge(&shown, now).unwrap();
        (verdict.ruling.reason().code(), facts.purpose.map(|purpose| purpose.value.to_string()))
    };
    let purpose = || Some("settlement".to_owned());
    assert_eq!(ruled(&world, DAWN), ("rule.allowed", None), "it was made for none");
    world.keep([made_for("t-1")]);
    assert_eq!(ruled(&world, DAWN).0, "proof.revoked", "its task is not on record");
    world.told(Change::Task(task(DAWN)));
    assert_eq!(ruled(&world, DAWN), ("rule.allowed", purpose()));
    assert_eq!(ruled(&world, DAWN + (LEASE + SKEW)).0, "proof.revoked");
    // Another operation than the task's.
    let narrower = Task { operations: [OperationSelector::Class(OperationClass::Read)].into(), ..Task::clone(&task(DAWN)) };
    world.told(Change::Task(Arc::new(narrower)));
    assert_eq!(ruled(&world, DAWN), ("standing.task", purpose()));
    // What was got by it is of its task, whatever it says: of none, or of another.
    world.told(Change::Task(task(DAWN)));
    assert_eq!(world.ruled(DAWN), "rule.allowed", "of the same");
    world.keep([made_for("t-2")]);
    world.told(Change::Task(task(DAWN)));
    assert_eq!((world.ruled(DAWN), ruled(&world, DAWN).0), ("standing.task", "proof.revoked"));
}
