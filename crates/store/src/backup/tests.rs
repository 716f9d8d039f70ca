use crate::{
    Precondition, Store,
    world::{NOW, World, actor, resource},
};
use serde_json::json;
use std::sync::Arc;

#[tokio::test]
async fn a_copy_made_during_writes_opens_and_has_a_prefix_of_the_feed() {
    let world = Arc::new(World::new().await);
    let (stop, stopped) = tokio::sync::watch::channel(false);
    let writer = {
        let world = Arc::clone(&world);
        tokio::spawn(async move {
            let mut n = 0_u32;
            while !*stopped.borrow() {
                let id = resource(&format!("Owner/o-{n}"));
                world.store.put_resource(&actor("root", ""), &id, &json!({ "n": n }), Precondition::Any, NOW).await.unwrap();
                n += 1;
            }
        })
    };
    for round in 1..=3_u64 {
        world.store.wait_change(round * 10, std::time::Duration::from_secs(60)).await.unwrap();
        let to = world.directory.path().join(format!("copy-{round}.db"));
        let copied = Store::backup(&world.url, &to).await.unwrap();
        assert!(copied.seq >= round * 10 && copied.bytes > 0);
        #[cfg(unix)]
        assert_eq!(std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(&to).unwrap().permissions()) & 0o777, 0o600);
        let copy = Store::open(&format!("sqlite:{}", to.display())).await.unwrap();
        let (there, here) = (copy.changes_since(0, 1_000).await.unwrap(), world.store.changes_since(0, 1_000).await.unwrap());
        let known = usize::try_from(copied.seq).unwrap().min(1_000);
        assert_eq!(there.len(), known);
        assert_eq!(there[..], here[..known]);
        assert_eq!(copy.resources().await.unwrap().len() as u64, copied.seq);
        // Restored, it goes on from there.
        copy.put_resource(&actor("root", ""), &resource("Owner/after"), &json!({}), Precondition::Any, NOW).await.unwrap();
        copy.close().await;
    }
    stop.send(true).unwrap();
    writer.await.unwrap();
}

#[tokio::test]
async fn what_cannot_be_copied_is_told() {
    let world = World::new().await;
    let there = world.directory.path().join("there.db");
    std::fs::write(&there, "precious").unwrap();
    let said = Store::backup(&world.url, &there).await.unwrap_err().to_string();
    assert!(said.contains("there.db") && said.contains("exists"), "{said}");
    assert_eq!(std::fs::read(&there).unwrap(), b"precious");
    let none = format!("sqlite:{}/none.db", world.directory.path().display());
    let to = world.directory.path().join("copy.db");
    let said = Store::backup(&none, &to).await.unwrap_err().to_string();
    assert!(said.starts_with("the database cannot be reached"), "{said}");
    assert!(!to.exists() && !world.directory.path().join("copy.db.part").exists(), "nothing half done");
    let said = Store::backup("postgres://wardgate:hunter2@db/x", &to).await.unwrap_err().to_string();
    assert_eq!(
        said,
        "the store's address `postgres://wardgate@db/x` is not understood: PostgreSQL is copied by its own tools: `pg_dump --format custom`"
    );
}
