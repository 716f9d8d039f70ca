use super::{Blame, DatabaseFault, StoreFault};
use crate::{
    FileDocument, Precondition, Store,
    world::{NOW, World, actor, credential, id, on_both, resource},
};
use serde_json::json;
use std::io::{Seek, SeekFrom, Write};

on_both! {
    a_database_of_a_newer_program_is_left_alone,
    a_database_that_somebody_else_holds_is_told,
    an_apply_that_is_interrupted_did_nothing,
}

fn fault(done: Result<impl Sized, StoreFault>) -> DatabaseFault {
    match done {
        Ok(_) => panic!("it was done"),
        Err(StoreFault::Database(fault)) => fault,
        Err(fault) => panic!("{fault}"),
    }
}

async fn put(store: &Store, name: &str) -> Result<crate::StoredResource, StoreFault> {
    let filler = "x".repeat(8_000);
    store.put_resource(&actor("root", ""), &resource(name), &json!({ "filler": filler }), Precondition::Any, NOW).await
}

async fn a_database_of_a_newer_program_is_left_alone(world: World) {
    put(&world.store, "Owner/payments").await.unwrap();
    world
        .tamper(if world.is_postgres() {
            "INSERT INTO _sqlx_migrations (version, description, installed_on, success, checksum, execution_time) \
             VALUES (9999, 'later', now(), true, '\\x00', 0)"
        } else {
            "INSERT INTO _sqlx_migrations (version, description, installed_on, success, checksum, execution_time) \
             VALUES (9999, 'later', datetime(), 1, x'00', 0)"
        })
        .await
        .unwrap();
    let World { store, url, directory: _directory } = world;
    drop(store);
    let said = Store::open(&url).await.unwrap_err();
    assert_eq!(
        said.to_string(),
        "the database was brought to shape 9999 by a newer version of this program: start that version, or restore a backup"
    );
    assert_eq!(said.blame(), Blame::Operator);
}

async fn a_database_that_somebody_else_holds_is_told(world: World) {
    // Not through the store: as another program would.
    let holder = world.store.writer.begin_writing();
    let held = if world.is_postgres() {
        let mut conn = holder.await.unwrap();
        crate::database::query("UPDATE counter SET seq = seq").execute(&mut conn).await.unwrap();
        Err(conn)
    } else {
        drop(holder);
        let mut conn = sqlx::ConnectOptions::connect(&crate::dialect::sqlite_options(world.store.path().unwrap())).await.unwrap();
        sqlx::query("BEGIN IMMEDIATE").execute(&mut conn).await.unwrap();
        Ok(conn)
    };
    let refused = fault(put(&world.store, "Owner/payments").await);
    assert!(matches!(refused, DatabaseFault::Busy(_)), "{refused}");
    assert!(refused.to_string().starts_with("the database is locked or has no connection free: "), "{refused}");
    assert!(world.store.prove_writable().await.unwrap_err().is_away() && world.store.ping().await.is_ok());
    assert!(world.store.resources().await.unwrap().is_empty(), "what reads goes on");
    drop(held);
    put(&world.store, "Owner/payments").await.unwrap();
    let seq = world.store.last_seq().await.unwrap();
    world.store.prove_writable().await.unwrap();
    assert_eq!(world.store.last_seq().await.unwrap(), seq, "that tells nothing");
}

async fn an_apply_that_is_interrupted_did_nothing(world: World) {
    let document = |n| FileDocument { id: resource(&format!("Identity/bot-{n}")), spec: json!({}), file: "a.yaml".into() };
    let documents: Vec<_> = (0..2_000).map(document).collect();
    for turns in [1, 3, 10, 30, 100, 300] {
        let seq = world.store.last_seq().await.unwrap();
        let all = async {
            for _ in 0..turns {
                tokio::task::yield_now().await;
            }
        };
        let done = tokio::select! {
            biased;
            done = world.store.apply_files(&documents, "apply", NOW) => done.unwrap().created == documents.len(),
            () = all => false,
        };
        let there = world.store.resources().await.unwrap().len();
        assert_eq!(there, if done { documents.len() } else { 0 }, "after {turns} turns");
        assert_eq!(world.store.statuses().await.unwrap().len(), there);
        assert_eq!(world.store.last_seq().await.unwrap(), seq + there as u64);
        if done {
            break;
        }
    }
    // Nothing of it is in the way.
    put(&world.store, "Owner/payments").await.unwrap();
}

#[tokio::test]
async fn a_full_database_is_told_and_what_is_there_stays() {
    let world = World::new().await;
    put(&world.store, "Owner/first").await.unwrap();
    world.tamper("PRAGMA max_page_count = 60").await.unwrap();
    let mut made = 1;
    let full = loop {
        match put(&world.store, &format!("Owner/o-{made}")).await {
            Ok(_) => made += 1,
            refused => break fault(refused),
        }
    };
    assert!(matches!(full, DatabaseFault::Full(_)), "{full}");
    assert!(full.to_string().starts_with("the database is full: "), "{full}");
    assert_eq!(StoreFault::Database(full).blame(), Blame::Ourselves);
    assert_eq!((world.store.resources().await.unwrap().len(), world.store.last_seq().await.unwrap()), (made, made as u64));
    // As when there is room again: the connection that was refused is replaced, and with it the limit.
    put(&world.store, "Owner/after").await.unwrap();
    let world = world.restart().await;
    assert_eq!(world.store.resources().await.unwrap().len(), made + 1);
}

#[tokio::test]
async fn bytes_that_were_flipped_are_told() {
    let world = World::new().await;
    for n in 0..50 {
        put(&world.store, &format!("Owner/o-{n}")).await.unwrap();
    }
    let World { store, url, directory } = world;
    store.close().await;
    let path = directory.path().join("wardgate.db");
    let length = std::fs::metadata(&path).unwrap().len();
    let mut file = std::fs::OpenOptions::new().write(true).open(&path).unwrap();
    // The head of every page but the first: what they are is not to be told any more.
    for page in 1..length / 4_096 {
        file.seek(SeekFrom::Start(page * 4_096)).unwrap();
        file.write_all(&[0xFF; 16]).unwrap();
    }
    drop(file);
    let read = async {
        let store = Store::open(&url).await?;
        store.estate().await
    };
    let corrupt = fault(read.await);
    assert!(matches!(corrupt, DatabaseFault::Corrupt(_)), "{corrupt}");
    assert!(corrupt.to_string().starts_with("the database is damaged, restore a backup: "), "{corrupt}");
}

#[tokio::test]
async fn a_file_that_was_removed_or_replaced_takes_no_changes() {
    let world = World::new().await;
    put(&world.store, "Owner/payments").await.unwrap();
    let (path, aside) = (world.store.path().unwrap().to_owned(), world.directory.path().join("aside.db"));
    std::fs::rename(&path, &aside).unwrap();
    let gone = fault(put(&world.store, "Owner/cards").await);
    let said = format!("the database file `{}` was removed or replaced while it was open: put it back and start again", path.display());
    assert_eq!(gone.to_string(), said);
    assert_eq!(world.store.ping().await.unwrap_err().to_string(), said, "it is not ready");
    std::fs::write(&path, "another").unwrap();
    assert_eq!(fault(put(&world.store, "Owner/cards").await).to_string(), said);
    let by = actor("root", "");
    assert_eq!(world.store.add_usage(&[]).await.map_err(|e| e.to_string()), Ok(()), "nothing to write");
    let issued = world.store.issue_credential(&by, credential("api_key AAAAAAAAAAAA ledger/main 1"), NOW).await;
    assert_eq!(fault(issued).to_string(), said);
    std::fs::rename(&aside, &path).unwrap();
    put(&world.store, "Owner/cards").await.unwrap();
    assert!(world.store.credential(&id("AAAAAAAAAAAA")).await.is_err());
}

#[tokio::test]
async fn what_a_server_says_is_understood() {
    let world = World::on_postgres().await;
    for (raise, said) in [
        ("DO $$ BEGIN RAISE EXCEPTION 'no space' USING ERRCODE = '53100'; END $$", "the database is full: "),
        ("DO $$ BEGIN RAISE EXCEPTION 'bad page' USING ERRCODE = 'XX001'; END $$", "the database is damaged, restore a backup: "),
        ("DO $$ BEGIN RAISE EXCEPTION 'slots' USING ERRCODE = '53300'; END $$", "the database is locked or has no connection free: "),
        ("DO $$ BEGIN RAISE EXCEPTION 'bye' USING ERRCODE = '57P01'; END $$", "the database cannot be reached: "),
        ("SELECT nonsense", "the database failed: "),
    ] {
        let fault = world.tamper(raise).await.unwrap_err().to_string();
        assert!(fault.starts_with(said), "{fault}");
    }
    let missing = world.url.replace("/test", "/none");
    let said = Store::open(&missing).await.unwrap_err().to_string();
    assert!(said.starts_with("the database cannot be reached: ") && said.contains("does not exist"), "{said}");
}
