use super::{Discovered, DiscoveredBy, DiscoveryFilter, DiscoveryState, SEEN_MAX, SeenSubject, SeenUnknown};
use crate::world::{HOUR, NOW, World, actor, identity, on_both};
use wardgate_model::{
    credential::KeyedHash,
    id::{ApiName, EnvironmentName, TrustName},
};

on_both! {
    an_unknown_caller_is_noted_once_and_counted,
    a_discovery_is_claimed_or_rejected_once,
    what_is_remembered_of_one_is_bounded,
}

/// `discovered-1 key payments 192.0.2.0/24 hour count`
fn seen(text: &str) -> SeenUnknown {
    let mut words = text.split(' ');
    let mut next = || words.next().unwrap();
    let (id, what, api, source) = (identity(next()), DiscoveredBy::parse(next()).unwrap(), next(), next());
    let at = NOW + HOUR * next().parse().unwrap();
    SeenUnknown {
        id,
        what,
        hash: (what == DiscoveredBy::Key).then(|| KeyedHash::new([0xA5; 32])),
        vouched: matches!(what, DiscoveredBy::Subject | DiscoveredBy::Certificate)
            .then(|| SeenSubject { trust: TrustName::literal("ci"), subject: "repo:acme/x".into() }),
        environment: Some(EnvironmentName::parse("production").unwrap()),
        apis: vec![ApiName::parse(api).unwrap()],
        sources: vec![source.into()],
        first: at,
        last: at,
        count: next().parse().unwrap(),
    }
}

async fn add(world: &World, texts: &[&str]) -> Discovered {
    let seen: Vec<_> = texts.iter().map(|text| seen(text)).collect();
    world.store.add_discoveries(&seen, NOW + HOUR * 24, NOW).await.unwrap()
}

async fn an_unknown_caller_is_noted_once_and_counted(world: World) {
    assert_eq!(add(&world, &[]).await, Discovered::default());
    let first = add(&world, &["discovered-1 key payments 192.0.2.0/24 5 2", "discovered-2 source status 198.51.100.0/24 5 1"]).await;
    assert_eq!(first, Discovered { new: 2, again: 0, dropped: 0 });
    let again = add(&world, &["discovered-1 key status 192.0.2.0/24 3 1", "discovered-1 key payments 203.0.113.0/24 9 1"]).await;
    assert_eq!(again, Discovered { new: 0, again: 2, dropped: 0 });
    let found = world.store.discovery(&identity("discovered-1")).await.unwrap();
    assert_eq!((found.count, found.first, found.last), (4, NOW + HOUR * 3, NOW + HOUR * 9));
    assert_eq!(found.apis.iter().map(ApiName::as_str).collect::<Vec<_>>(), ["payments", "status"]);
    assert_eq!(found.sources.iter().map(|s| &**s).collect::<Vec<_>>(), ["192.0.2.0/24", "203.0.113.0/24"]);
    assert_eq!((found.hash.map(|h| *h.bytes()), found.claim_by), (Some([0xA5; 32]), NOW + HOUR * 24));
    assert_eq!(world.store.last_seq().await.unwrap(), 2, "being seen again is no change");
    let feed = world.feed().await;
    assert!(feed.contains("1 <process> discovery/discovered-1 discover") && !feed.contains("165"), "{feed}");
    add(&world, &["discovered-3 subject payments 192.0.2.0/24 0 1", "discovered-4 certificate payments 192.0.2.0/24 0 1"]).await;
    for (id, what) in [("discovered-3", DiscoveredBy::Subject), ("discovered-4", DiscoveredBy::Certificate)] {
        let found = world.store.discovery(&identity(id)).await.unwrap();
        let vouched = found.vouched.map(|vouched| (vouched.trust.to_string(), vouched.subject));
        assert_eq!((found.what, found.hash.is_none(), vouched), (what, true, Some(("ci".to_owned(), "repo:acme/x".into()))));
    }
}

async fn a_discovery_is_claimed_or_rejected_once(world: World) {
    add(&world, &["discovered-1 key payments 192.0.2.0/24 0 1", "discovered-2 source payments 192.0.2.0/24 0 1"]).await;
    let by = actor("root", "that is ours");
    let claim = async |id: &str, as_: &str| {
        let done = world.store.claim_discovery(&by, &identity(id), &identity(as_), NOW).await;
        done.map_or_else(|e| e.to_string(), |d| format!("{} at {}", d.state, d.revision))
    };
    let reject = async |id: &str| {
        let done = world.store.reject_discovery(&by, &identity(id), NOW).await;
        done.map_or_else(|e| e.to_string(), |d| format!("{} at {}", d.state, d.revision))
    };
    assert_eq!(claim("discovered-1", "ledger").await, "claimed at 3");
    assert_eq!(claim("discovered-1", "ledger").await, "claimed at 3", "it was");
    assert_eq!(claim("discovered-1", "other").await, "discovery `discovered-1` is claimed already as `ledger`");
    assert_eq!(reject("discovered-1").await, "discovery `discovered-1` is claimed already as `ledger`");
    assert_eq!(reject("discovered-2").await, "rejected at 4");
    assert_eq!(reject("discovered-2").await, "rejected at 4", "it was");
    assert_eq!(claim("discovered-2", "ledger").await, "discovery `discovered-2` is rejected already");
    assert_eq!(claim("discovered-3", "ledger").await, "there is no discovery `discovered-3`");
    // Seen again, it stays what it became.
    add(&world, &["discovered-2 source payments 192.0.2.0/24 9 1"]).await;
    add(&world, &["discovered-4 source payments 192.0.2.0/24 9 1"]).await;
    let found = async |filter: DiscoveryFilter| {
        let found = world.store.discoveries(&filter).await.unwrap();
        found.iter().map(|d| format!("{} {}", d.id, d.state)).collect::<Vec<_>>().join(", ")
    };
    let all = DiscoveryFilter::default;
    assert_eq!(found(all()).await, "discovered-1 claimed, discovered-2 rejected, discovered-4 open");
    assert_eq!(found(DiscoveryFilter { after: 1, limit: Some(1), ..all() }).await, "discovered-2 rejected");
    assert_eq!(found(DiscoveryFilter { state: Some(DiscoveryState::Open), ..all() }).await, "discovered-4 open");
    assert_eq!(found(DiscoveryFilter { claim_before: Some(NOW + HOUR), ..all() }).await, "");
}

async fn what_is_remembered_of_one_is_bounded(world: World) {
    let many: Vec<String> = (0..100).map(|n| format!("discovered-1 source api{n} 192.0.{n}.0/24 0 1")).collect();
    add(&world, &many.iter().map(String::as_str).collect::<Vec<_>>()).await;
    let found = world.store.discovery(&identity("discovered-1")).await.unwrap();
    assert_eq!((found.apis.len(), found.sources.len(), found.count), (SEEN_MAX, SEEN_MAX, 100));
}
