use super::{Control, Known};
use crate::{clock, control::tests::with_world};
use serde_json::{Value, json};
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use wardgate_gate::{Habit, Software, Taught};
use wardgate_model::{id::IdentityId, time::Time};
use wardgate_store::{Actor, Who};

const WORLD: &str = "
kind: Owner
name: shop-team
spec: { accountable: ada@example.com, deputy: bo@example.com, contact: shop@example.com }
---
kind: Environment
name: staging
spec: { production: false }
---
kind: Api
name: shop
spec:
  policy_owner: shop-team
  environment: staging
  match: { path_prefix: /shop }
  upstream: { urls: ['http://127.0.0.1:9000'] }
  operations: [{ match: 'GET /things', class: list }]
---
kind: Identity
name: drill-a
spec: { type: bot, owner: shop-team, environment: staging, purpose: a rehearsal }
---
kind: Identity
name: drill-b
spec: { type: bot, owner: shop-team, environment: staging, purpose: a rehearsal }
---
kind: Grant
name: a
spec: { to: { identity: drill-a }, api: shop, operations: [list] }
";

const HOUR: Duration = Duration::from_hours(1);

fn habits() -> Value {
    json!({ "days": 2, "habits": [{ "operation": "shop GET /shop/things", "per_hour": 1, "from": "127.0.0.1" }] })
}

async fn begin(control: &Control, name: &'static str, until: Time) {
    let actor = Actor::new(Who::Process, "test");
    control.store.begin_rehearsal(&actor, &IdentityId::literal(name), until, &habits(), clock::now()).await.unwrap();
}

fn watched(control: &Control) -> usize {
    control.gate.meters().watch().count()
}

/// Looks for a state until it is there.
async fn until(what: impl Fn() -> bool) {
    for _ in 0..12_000 {
        if what() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("it did not come about");
}

#[test]
fn a_rehearsal_is_forgotten_when_it_ends_by_itself_without_another_one() {
    with_world(WORLD, |control| async move {
        let ends = clock::now() + HOUR;
        begin(&control, "drill-a", ends).await;
        let over = Arc::new(AtomicBool::new(false));
        let now = {
            let over = Arc::clone(&over);
            move || if over.load(Ordering::Relaxed) { ends } else { clock::now() }
        };
        let follower = Arc::clone(&control);
        let running = tokio::spawn(async move { follower.follow_rehearsals_by(now).await });
        until(|| watched(&control) == 1).await;
        over.store(true, Ordering::Relaxed);
        until(|| watched(&control) == 0).await;
        running.abort();
    });
}

#[test]
fn what_the_feed_tells_is_taught_and_forgotten_and_no_snapshot_waits_for_it() {
    with_world(WORLD, |control| async move {
        begin(&control, "drill-a", clock::now() + HOUR).await;
        let seq = control.catch_up().await.unwrap();
        assert_eq!((control.published.lock().await.seq, watched(&control)), (seq, 0), "the snapshot is there though nobody teaches yet");
        let running = tokio::spawn(Arc::clone(&control).follow_rehearsals());
        until(|| watched(&control) == 1).await;
        let actor = Actor::new(Who::Process, "test");
        control.store.end_rehearsal(&actor, &IdentityId::literal("drill-a"), clock::now()).await.unwrap();
        control.catch_up().await.unwrap();
        until(|| watched(&control) == 0).await;
        running.abort();
    });
}

#[test]
fn what_is_over_is_forgotten_once_and_what_cannot_be_taught_is_tried_again() {
    with_world(WORLD, |control| async move {
        let (now, mut known) = (clock::now(), Known::default());
        begin(&control, "drill-a", now + HOUR).await;
        begin(&control, "drill-b", now + HOUR).await;
        known.take(control.store.rehearsals().await.unwrap());
        control.rehearse(&mut known, now).await;
        assert_eq!((watched(&control), known.taught.len(), known.failed.len()), (1, 1, 1), "`drill-b` may do nothing yet");
        let granted = WORLD.split("---").last().unwrap().replace("name: a", "name: b").replace("drill-a", "drill-b");
        let world = control.config().file.parent().unwrap().join("world.yaml");
        std::fs::write(world, format!("{WORLD}---{granted}")).unwrap();
        control.reload().await.unwrap();
        control.rehearse(&mut known, now).await;
        assert_eq!((watched(&control), known.taught.len(), known.is_settled()), (2, 2, false));
        control.rehearse(&mut known, now + HOUR).await;
        assert_eq!((watched(&control), known.is_settled()), (0, true));
        // Whoever has the name later is somebody else.
        let habit = Habit {
            operation: "shop GET /shop/things".into(),
            per_hour: 1,
            hours: vec![3],
            from: [127, 0, 0, 1].into(),
            software: Software::Untold,
            records: 1,
        };
        control.gate.teach(&Taught { identity: IdentityId::literal("drill-a"), days: 1, habits: vec![habit] }, now).unwrap();
        known.take(control.store.rehearsals().await.unwrap());
        control.rehearse(&mut known, now + HOUR).await;
        assert_eq!(watched(&control), 1);
    });
}
