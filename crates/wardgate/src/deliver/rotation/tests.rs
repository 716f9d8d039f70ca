use super::{Deliveries, start};
use crate::{
    clock,
    deliver::Settings,
    governor::ground::{Ground, on},
    usage::scene::Scene,
};
use std::sync::Arc;
use wardgate_console::{Code, Delivery, SecretRotation};
use wardgate_model::{id::SecretName, secret::Secret};
use wardgate_store::{Precondition, StoredSecret};

fn legacy() -> SecretName {
    SecretName::literal("legacy")
}

async fn put(ground: &Ground, value: &str) {
    let sealed = ground.control.material().seal(&legacy(), value.as_bytes()).unwrap();
    let put = ground.control.store().put_secret(&ground.actor(), &legacy(), &sealed, Precondition::Any, clock::now()).await.unwrap();
    ground.control.obey(put.revision).await.unwrap();
}

async fn on_record(ground: &Ground) -> StoredSecret {
    ground.control.store().secrets().await.unwrap().into_iter().find(|secret| secret.name == legacy()).unwrap()
}

/// What is in use, in clear.
async fn in_use(ground: &Ground) -> String {
    let secret = on_record(ground).await;
    let opened = ground.control.material().open_secrets(&[secret]).unwrap();
    opened[0].1.danger_expose().clone()
}

async fn rotate(deliveries: &Deliveries, ground: &Ground, value: Option<&str>, deliver: Option<Delivery>) -> Result<StoredSecret, Code> {
    let rotation = SecretRotation { name: legacy(), value: value.map(|value| Secret::new(value.to_owned())), deliver };
    deliveries.rotate(&ground.control, &ground.actor(), rotation).await.map_err(|problem| problem.code)
}

/// Shows an answer of the upstream to a request that was judged by this snapshot.
fn answered(deliveries: &Deliveries, status: u16, snapshot: u64) {
    let event = Scene::new().event(&format!("+1s caller 10.0.0.1 GET /shop/things {status}"));
    deliveries.observe(&wardgate_model::event::Event { snapshot, ..event });
}

/// Waits until so many replacements were settled and taken back.
async fn until_counted(deliveries: &Deliveries, counters: (u64, u64)) {
    while deliveries.counters() != counters {
        tokio::task::yield_now().await;
    }
}

#[test]
fn a_new_secret_is_in_use_and_the_old_one_kept_until_the_upstream_takes_it() {
    on("", async |ground| {
        put(ground, "old").await;
        let deliveries = Arc::new(Deliveries::new(Settings::default()));
        let before = ground.control.gate().snapshot().number();
        rotate(&deliveries, ground, Some("new"), None).await.unwrap();
        assert_eq!((in_use(ground).await.as_str(), on_record(ground).await.previous.is_some()), ("new", true));
        assert_eq!(rotate(&deliveries, ground, Some("newer"), None).await.unwrap_err(), Code::Conflict);

        drop(start(Arc::clone(&deliveries), Arc::clone(&ground.control), Arc::clone(&ground.log)));
        let now = ground.control.gate().snapshot().number();
        // One that may have shown the old secret, one that came to nothing, and one that tells.
        for (status, snapshot) in [(401, before), (503, now), (200, now)] {
            answered(&deliveries, status, snapshot);
        }
        until_counted(&deliveries, (1, 0)).await;
        let settled = on_record(ground).await;
        assert_eq!((in_use(ground).await.as_str(), settled.version, settled.previous), ("new", 2, None));
        // What comes later tells nothing of it.
        answered(&deliveries, 401, now + 1);
        assert_eq!(rotate(&deliveries, ground, Some("newer"), None).await.unwrap().version, 3);
    });
}

#[test]
fn what_an_earlier_run_left_is_taken_up() {
    on("", async |ground| {
        put(ground, "old").await;
        rotate(&Deliveries::new(Settings::default()), ground, Some("new"), None).await.unwrap();
        let deliveries = Arc::new(Deliveries::new(Settings::default()));
        drop(start(Arc::clone(&deliveries), Arc::clone(&ground.control), Arc::clone(&ground.log)));
        while deliveries.waiting.load(super::Ordering::Relaxed) == 0 {
            tokio::task::yield_now().await;
        }
        answered(&deliveries, 403, 1);
        until_counted(&deliveries, (0, 1)).await;
        assert_eq!(in_use(ground).await, "old");
        let findings = ground.recorded("finding");
        assert_eq!(findings[0]["finding"]["name"], "legacy");
    });
}

#[test]
fn what_cannot_be_done_changes_nothing() {
    on("", async |ground| {
        let deliveries = Deliveries::new(Settings { directory: Some("/not/there".into()), ..Settings::default() });
        assert_eq!(rotate(&deliveries, ground, Some("new"), None).await.unwrap_err(), Code::NotFound);
        put(ground, "old").await;
        let file = || Some(Delivery::File("key".into()));
        assert_eq!(rotate(&deliveries, ground, None, None).await.unwrap_err(), Code::Unfit, "nobody would know it");
        assert_eq!(rotate(&deliveries, ground, None, Some(Delivery::Vault("a".into()))).await.unwrap_err(), Code::Unfit);
        assert_eq!(rotate(&deliveries, ground, None, file()).await.unwrap_err(), Code::Conflict, "it could not be delivered");
        let secret = on_record(ground).await;
        assert_eq!((secret.version, secret.staged, secret.previous), (1, None, None));
        assert_eq!(in_use(ground).await, "old");
    });
}

#[test]
fn a_secret_that_is_made_here_is_long_and_never_the_same() {
    let (one, other) = (super::random().unwrap(), super::random().unwrap());
    assert_eq!(one.danger_expose().len(), 43);
    assert_ne!(one.danger_expose(), other.danger_expose());
}
