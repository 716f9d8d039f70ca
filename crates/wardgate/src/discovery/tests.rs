use super::{Discovery, NEW_MAX, OPEN_MAX};
use crate::usage::scene::{Scene, at};
use std::time::Duration;
use wardgate_model::id::IdentityId;
use wardgate_store::{Actor, DiscoveryFilter, DiscoveryState, Store, StoredDiscovery, Who};

const DAY: Duration = Duration::from_hours(24);

fn with_store(test: impl AsyncFnOnce(&Store)) {
    let directory = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", directory.path().join("wardgate.db").display());
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
        test(&Store::open(&url).await.unwrap()).await;
    });
}

async fn open(store: &Store) -> Vec<StoredDiscovery> {
    store.discoveries(&DiscoveryFilter { state: Some(DiscoveryState::Open), ..DiscoveryFilter::default() }).await.unwrap()
}

#[test]
fn what_is_seen_is_noted_counted_on_and_to_be_claimed() {
    with_store(async |store| {
        let (scene, discovery) = (Scene::new(), Discovery::default());
        discovery.observe(&scene.event("+1s key=abc 10.0.0.1 GET /old/things 200"));
        assert_eq!(discovery.note(store, 14 * DAY, at(10)).await.unwrap(), 1);
        discovery.observe(&scene.event("+12s key=abc 10.0.0.1 GET /old/things 200"));
        assert_eq!(discovery.note(store, 14 * DAY, at(20)).await.unwrap(), 0, "seen again, it is not new");
        let [noted] = &*open(store).await else { panic!("one discovery") };
        assert_eq!((noted.count, noted.first, noted.last, noted.claim_by), (2, at(1), at(12), at(10) + 14 * DAY));

        // Rejected, it stays so however often it comes.
        store.reject_discovery(&Actor::new(Who::Process, "test"), &noted.id, at(21)).await.unwrap();
        discovery.observe(&scene.event("+22s key=abc 10.0.0.1 GET /old/things 200"));
        assert_eq!(discovery.note(store, 14 * DAY, at(30)).await.unwrap(), 0);
        assert!(open(store).await.is_empty());
    });
}

#[test]
fn a_flood_is_noted_slowly_and_never_beyond_the_bound() {
    with_store(async |store| {
        let (scene, discovery) = (Scene::new(), Discovery::default());
        let mut noted = 0;
        for round in 0..2 * OPEN_MAX / NEW_MAX {
            for number in 0..2 * NEW_MAX {
                let caller = round * 2 * NEW_MAX + number;
                let network = format!("10.{}.{}.1", caller / 256, caller % 256);
                discovery.observe(&scene.event(&format!("+1s - {network} GET /old/things 200")));
            }
            let new = discovery.note(store, DAY, at(10)).await.unwrap();
            assert!(new <= NEW_MAX);
            noted += new;
        }
        assert!(noted <= OPEN_MAX && noted > NEW_MAX, "{noted}");
        assert_eq!(open(store).await.len(), noted);
        let counters = discovery.counters();
        assert_eq!((counters.noted, counters.open), (u64::try_from(noted).unwrap(), u64::try_from(noted).unwrap()));
        assert!(counters.dropped > 0);
        assert_eq!(counters.passed, counters.unattributed);
    });
}

#[test]
fn traffic_of_known_callers_is_counted_and_nothing_else() {
    let (scene, discovery) = (Scene::new(), Discovery::default());
    for line in ["+1s caller 10.0.0.1 GET /shop/things 200", "+1s - 10.0.0.1 GET /shop/status 200", "+1s - 10.0.0.1 GET /old/things 200"] {
        discovery.observe(&scene.event(line));
    }
    let counters = discovery.counters();
    assert_eq!((counters.passed, counters.unattributed), (3, 1));
    assert!(IdentityId::parse("discovered-10.0.0.0-24").is_ok());
}
