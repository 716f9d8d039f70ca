//! Two control processes write at once to one PostgreSQL; whoever reads the feed misses nothing.

use crate::replay;
use serde_json::json;
use std::{
    process::{Command, Stdio},
    time::Duration,
};
use wardgate_model::{resource::Kind, time::Time};
use wardgate_store::{Actor, Precondition, ResourceId, Store, Who};
use wardgate_testkit::postgres;

const CHILD: &str = "WARDGATE_TEST_CONTROL";
const EACH: u64 = 1_500;
const WRITERS: u64 = 2;

/// The child: so many changes. A plain run has nothing to do here.
#[tokio::test]
async fn writer() {
    let Some(child) = std::env::var_os(CHILD).and_then(|u| u.into_string().ok()) else { return };
    let (name, url) = child.split_once(' ').unwrap();
    let store = Store::open(url).await.unwrap();
    let (actor, now) = (Actor::new(Who::Process, name), Time::from_seconds(1_800_000_000));
    for n in 0..EACH {
        let id = ResourceId::parse(Kind::Owner, &format!("{name}-{n}")).unwrap();
        store.put_resource(&actor, &id, &json!({ "n": n }), Precondition::Absent, now).await.unwrap();
        // Nobody gets ahead before all have begun: their changes are to lie among each other.
        while n == 0 && store.last_seq().await.unwrap() < WRITERS {
            store.wait_change(WRITERS - 1, Duration::from_secs(60)).await.unwrap();
        }
    }
}

async fn follow(url: String) -> Vec<u64> {
    let store = Store::open(&url).await.unwrap();
    let mut seen: Vec<u64> = Vec::new();
    while (seen.len() as u64) < EACH * WRITERS {
        let last = seen.last().copied().unwrap_or(0);
        let there = store.wait_change(last, Duration::from_secs(60)).await.unwrap();
        assert!(there > last, "nothing came after {last}");
        seen.extend(store.changes_since(last, 100).await.unwrap().iter().map(|c| c.seq));
    }
    seen
}

#[tokio::test]
async fn readers_see_every_change_of_two_processes_in_order() {
    let url = postgres::shared().and_then(postgres::Server::database).unwrap();
    // The shape is brought by whoever comes first, while the others wait.
    let readers: Vec<_> = (0..3).map(|_| tokio::spawn(follow(url.clone()))).collect();
    let writers: Vec<_> = (0..WRITERS)
        .map(|n| {
            Command::new(std::env::current_exe().unwrap())
                .args(["--exact", "processes::writer", "--test-threads", "1"])
                .env(CHILD, format!("w{n} {url}"))
                .stdout(Stdio::null())
                .spawn()
                .unwrap()
        })
        .collect();
    for reader in readers {
        assert_eq!(reader.await.unwrap(), (1..=EACH * WRITERS).collect::<Vec<_>>());
    }
    for mut writer in writers {
        assert!(writer.wait().unwrap().success());
    }
    let store = Store::open(&url).await.unwrap();
    assert_eq!(replay::check(&store).await, EACH * WRITERS);
    // Both wrote at once: their changes lie among each other.
    let feed = replay::feed(&store).await;
    let turns = feed.windows(2).filter(|pair| pair[0].reason != pair[1].reason).count();
    assert!(turns > 10, "{turns}");
}
