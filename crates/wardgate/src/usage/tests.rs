use super::{Usage, scene::Scene};
use wardgate_store::{Store, UsageFilter};

/// A token that was not given out is nothing that somebody uses.
#[test]
fn what_the_token_service_turned_down_is_no_use_of_it() {
    let (scene, usage) = (Scene::new(), Usage::default());
    let directory = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", directory.path().join("wardgate.db").display());
    let place = wardgate_issuer::place::Place::parse("https://gate.example").unwrap();
    let told = |status: u16| {
        let mut event = scene.event("+1s caller 10.0.0.1 GET /shop/things 200");
        let service = wardgate_issuer::api::api(&place);
        event.facts.operation = service.operations.first().cloned();
        event.facts.api = Some(std::sync::Arc::new(service));
        event.outcome.client_status = Some(status);
        event
    };
    for status in [200, 400, 400] {
        usage.observe(&told(status));
    }
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
        let store = Store::open(&url).await.unwrap();
        usage.keep(&store).await.unwrap();
        let rows = store.usage(&UsageFilter::default()).await.unwrap();
        let counted: Vec<_> = rows.iter().map(|row| (row.allowed, row.refused)).collect();
        assert_eq!(counted, [(1, 2)]);
    });
}

#[test]
fn what_is_counted_is_kept_added_up_and_not_twice() {
    let (scene, usage) = (Scene::new(), Usage::default());
    let directory = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", directory.path().join("wardgate.db").display());
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
        let store = Store::open(&url).await.unwrap();
        usage.observe(&scene.event("+1s caller 10.0.0.1 GET /shop/things 200"));
        usage.observe(&scene.event("+2s caller 10.0.0.1 DELETE /shop/things/7 200"));
        usage.keep(&store).await.unwrap();
        usage.observe(&scene.event("+3s caller 10.0.0.2 GET /shop/things 200"));
        usage.keep(&store).await.unwrap();
        usage.keep(&store).await.unwrap();
        let mut rows = store.usage(&UsageFilter::default()).await.unwrap();
        rows.sort_by(|a, b| a.operation.cmp(&b.operation));
        let told: Vec<_> = rows.iter().map(|row| format!("{} {}/{}", row.operation, row.allowed, row.refused)).collect();
        assert_eq!(told, ["shop DELETE /shop/things/{id} 0/1", "shop GET /shop/things 2/0"]);
        assert_eq!(usage.counters().rows, 3);

        // The store is gone: what was counted is not.
        store.close().await;
        let reopened = Store::open(&url).await.unwrap();
        usage.observe(&scene.event("+4s caller 10.0.0.2 GET /shop/things 200"));
        usage.keep(&reopened).await.unwrap();
        assert_eq!(reopened.usage(&UsageFilter::default()).await.unwrap().iter().map(|row| row.allowed).sum::<u64>(), 3);
    });
}
