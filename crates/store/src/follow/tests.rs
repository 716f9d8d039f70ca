use crate::{
    Store,
    world::{NOW, World, actor, on_both},
};
use std::{sync::Arc, time::Duration};
use wardgate_model::contain::Containable;

/// Longer than any test waits.
const LONG: Duration = Duration::from_secs(60);

on_both! {
    a_follower_wakes_when_the_feed_grows,
}

async fn change(store: &Store, token: &str) {
    store.contain(&actor("root", ""), Containable::Token, token, NOW).await.unwrap();
}

async fn a_follower_wakes_when_the_feed_grows(world: World) {
    assert_eq!(world.store.wait_change(0, Duration::ZERO).await.unwrap(), 0, "nothing came");
    let world = Arc::new(world);
    let waiting = |since| {
        let world = Arc::clone(&world);
        tokio::spawn(async move { world.store.wait_change(since, LONG).await.unwrap() })
    };
    let (first, same, second) = (waiting(0), waiting(0), waiting(1));
    change(&world.store, "a").await;
    assert_eq!((first.await.unwrap(), same.await.unwrap()), (1, 1));
    change(&world.store, "b").await;
    assert_eq!(second.await.unwrap(), 1 + 1);
    assert_eq!(world.store.wait_change(0, LONG).await.unwrap(), 2, "it has grown already");
}

#[tokio::test]
async fn a_follower_hears_of_another_process() {
    let world = World::on_postgres().await;
    let other = Store::open(&world.url).await.unwrap();
    let world = Arc::new(world);
    let waiting: Vec<_> = [2, 0, 1, 2]
        .map(|since| {
            let world = Arc::clone(&world);
            tokio::spawn(async move { world.store.wait_change(since, LONG).await.unwrap() })
        })
        .into();
    for token in ["a", "b", "c"] {
        change(&other, token).await;
    }
    for (waited, since) in waiting.into_iter().zip([2, 0, 1, 2]) {
        assert!(waited.await.unwrap() > since);
    }
}
