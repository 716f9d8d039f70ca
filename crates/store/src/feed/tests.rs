use super::{Act, ChangeFilter, Subject};
use crate::{
    database::query,
    world::{World, actor, on_both, resource},
};
use serde_json::json;
use std::sync::Arc;
use wardgate_model::resource::Kind;

on_both! {
    the_feed_can_be_narrowed_and_never_rewritten,
    a_reader_of_what_comes_next_misses_nothing_while_many_write,
}

#[test]
fn words_are_read_back() {
    for act in Act::ALL {
        assert_eq!(Act::parse(act.as_str()), Some(*act));
    }
    let own = [
        Subject::Status,
        Subject::Credential,
        Subject::Secret,
        Subject::SigningKey,
        Subject::OwnerStatus,
        Subject::Containment,
        Subject::Approval,
        Subject::Discovery,
    ];
    for subject in Kind::ALL.iter().map(|k| Subject::Resource(*k)).chain(own) {
        assert_eq!(Subject::parse(subject.as_str()), Some(subject));
    }
    assert_eq!((Act::parse("burn"), Subject::parse("identity")), (None, None));
}

async fn a_reader_of_what_comes_next_misses_nothing_while_many_write(world: World) {
    let world = Arc::new(world);
    let mut writers = tokio::task::JoinSet::new();
    for writer in 0..4 {
        let world = Arc::clone(&world);
        writers.spawn(async move {
            for n in 0..10 {
                let (id, spec) = (resource(&format!("Owner/o-{writer}-{n}")), json!({ "accountable": n }));
                world.store.put_resource(&actor("root", ""), &id, &spec, crate::Precondition::Any, crate::world::NOW).await.unwrap();
            }
        });
    }
    let mut seen = Vec::new();
    while seen.len() < 40 {
        let next = world.store.changes_since(seen.last().copied().unwrap_or(0), 3).await.unwrap();
        assert!(next.len() <= 3);
        seen.extend(next.into_iter().map(|c| c.seq));
        tokio::task::yield_now().await;
    }
    writers.join_all().await;
    assert_eq!(seen, (1..=40).collect::<Vec<u64>>());
}

async fn the_feed_can_be_narrowed_and_never_rewritten(world: World) {
    world.apply(&["a.yaml Owner/payments {}", "a.yaml Identity/payments {}", "b.yaml Identity/ledger {}"]).await.unwrap();
    let read = |subject, name: Option<&str>| ChangeFilter { since: 0, subject, name: name.map(Into::into), limit: 10 };
    let count = async |filter: ChangeFilter| world.store.changes(&filter).await.unwrap().len();
    assert_eq!(count(read(None, None)).await, 3);
    assert_eq!(count(read(Some(Subject::Resource(Kind::Identity)), None)).await, 2);
    assert_eq!(count(read(None, Some("payments"))).await, 2);
    assert_eq!(count(read(Some(Subject::Resource(Kind::Identity)), Some("payments"))).await, 1);
    for rewrite in ["UPDATE change SET actor = 'nobody'", "DELETE FROM change"] {
        let said = world.tamper(rewrite).await.unwrap_err().to_string();
        assert!(said.contains("append-only"), "{said}");
    }
    if world.is_postgres() {
        assert!(world.tamper("TRUNCATE change").await.unwrap_err().to_string().contains("append-only"));
    } else {
        let write = query("INSERT INTO counter VALUES (2, 0)").execute(&mut world.store.reader.acquire().await.unwrap()).await;
        assert!(write.is_err(), "readers cannot write");
    }
}
