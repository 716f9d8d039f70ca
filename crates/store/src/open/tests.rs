use super::{ACQUIRE_SERVER, Address, parse, without_password};
use crate::{
    BEAT, Precondition, Store,
    world::{NOW, World, actor, credential, id, resource, url},
};
use serde_json::json;
use std::time::Duration;
use wardgate_testkit::postgres::{Disk, Server};

#[test]
fn addresses() {
    let shown = |url| match parse(url) {
        Ok(Address::File(path)) => path.display().to_string(),
        Ok(Address::Server(options)) => format!("{}/{}", options.get_host(), options.get_database().unwrap_or("-")),
        Err(fault) => fault.to_string(),
    };
    assert_eq!(shown("postgres://wardgate:hunter2@db.example.com/inventory?sslmode=require"), "db.example.com/inventory");
    assert_eq!(shown("sqlite:wardgate.db"), "wardgate.db");
    assert_eq!(shown("sqlite://a/b.db"), "a/b.db");
    assert_eq!(shown("sqlite:///var/lib/wardgate.db"), "/var/lib/wardgate.db");
    for (url, why) in [
        ("wardgate.db", "use `sqlite:PATH` or `postgres://USER@HOST/DATABASE`"),
        ("postgres://db:port/wardgate", "use `postgres://USER@HOST:PORT/DATABASE`"),
        ("sqlite:", "a path to a file must follow `sqlite:`"),
        ("sqlite::memory:", "only a path may follow `sqlite:`: no options, and nothing that lives in memory"),
        ("sqlite:a.db?mode=ro", "only a path may follow `sqlite:`: no options, and nothing that lives in memory"),
    ] {
        assert_eq!(shown(url), format!("the store's address `{url}` is not understood: {why}"));
    }
}

#[test]
fn a_password_is_never_shown() {
    for (url, shown) in [
        ("postgres://wardgate:hun@ter2@db/inventory", "postgres://wardgate@db/inventory"),
        ("postgres://wardgate@db/inventory?password=hunter2", "postgres://wardgate@db/inventory?…"),
        ("postgres://db:port/x?password=hunter2", "postgres://db:port/x?…"),
        ("sqlite:a.db", "sqlite:a.db"),
    ] {
        assert_eq!(without_password(url), shown);
    }
    let said = parse("mysql://root:hunter2@db/x").err().unwrap().to_string();
    assert!(!said.contains("hunter2"), "{said}");
}

#[tokio::test]
async fn a_second_server_is_kept_out() {
    let world = World::new().await;
    let said = Store::open(&url(&world.directory)).await.unwrap_err().to_string();
    let path = world.store.path().unwrap().display();
    assert_eq!(said, format!("the store `{path}` is in use by another process: stop it, or use its management API"));
    world.restart().await;
}

#[cfg(unix)]
#[tokio::test]
async fn every_file_is_private() {
    use std::os::unix::fs::PermissionsExt;
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("wardgate.db");
    std::fs::write(&path, "").unwrap();
    std::fs::set_permissions(&path, PermissionsExt::from_mode(0o644)).unwrap();
    let store = Store::open(&url(&directory)).await.unwrap();
    store.issue_credential(&actor("root", ""), credential("api_key AAAAAAAAAAAA ledger/main 1"), NOW).await.unwrap();
    let mut seen: Vec<String> = std::fs::read_dir(directory.path())
        .unwrap()
        .map(|e| e.unwrap())
        .map(|e| format!("{} {:o}", e.file_name().display(), e.metadata().unwrap().permissions().mode() & 0o777))
        .collect();
    seen.sort();
    assert_eq!(seen, ["wardgate.db 600", "wardgate.db-shm 600", "wardgate.db-wal 600", "wardgate.db.lock 600"]);
}

#[tokio::test]
async fn a_directory_that_is_not_there_and_a_file_that_is_no_database_are_told() {
    let directory = tempfile::tempdir().unwrap();
    let missing = format!("sqlite:{}/no/such.db", directory.path().display());
    let said = Store::open(&missing).await.unwrap_err().to_string();
    assert!(said.contains("no/such.db.lock") && said.contains("No such file"), "{said}");

    std::fs::write(directory.path().join("wardgate.db"), "this is prose, at some length, and no database at all".repeat(40)).unwrap();
    let said = Store::open(&url(&directory)).await.unwrap_err().to_string();
    assert!(said.contains("file is not a database"), "{said}");
}

#[tokio::test]
async fn what_was_acknowledged_is_there_after_dying() {
    let mut world = World::new().await;
    let by = actor("root", "start");
    for (seq, key) in (1_u64..).zip(["AAAAAAAAAAAA", "BBBBBBBBBBBB"]) {
        let stored = world.store.issue_credential(&by, credential(&format!("api_key {key} ledger/main 1")), NOW).await.unwrap();
        assert_eq!(stored.revision, seq);
        world = world.restart().await;
        assert_eq!(world.store.last_seq().await.unwrap(), seq);
        assert_eq!(world.store.credential(&id(key)).await.unwrap().revision, seq);
    }
}

#[tokio::test]
async fn what_a_gate_rests_on_is_of_one_moment() {
    let world = World::new().await;
    world.apply(&["a.yaml Identity/ledger {}", "a.yaml Owner/payments {}"]).await.unwrap();
    let by = actor("root", "");
    world.store.issue_credential(&by, credential("api_key AAAAAAAAAAAA ledger/main 1"), NOW).await.unwrap();
    world.store.revoke_credential(&by, &id("AAAAAAAAAAAA"), Precondition::Any, NOW).await.unwrap();
    let (estate, people) = (world.store.estate().await.unwrap(), world.store.identities_page("", 10).await.unwrap());
    assert_eq!((estate.seq, estate.resources.len(), estate.secrets.len(), estate.containments.len()), (4, 1, 0, 0));
    let of_whom: Vec<_> = people.records.iter().map(|one| (one.identity.as_str(), one.status.is_some(), one.credentials.len())).collect();
    assert_eq!((people.seq, &*of_whom), (4, &[("ledger", true, 1)][..]));
    world.store.ping().await.unwrap();
    world.store.close().await;
}

#[tokio::test]
async fn a_server_that_is_away_is_known_soon_and_comes_back() {
    // What is measured on a busy machine is the machine: whoever acts is told within three seconds by what is waited for.
    assert!(ACQUIRE_SERVER <= BEAT && BEAT < Duration::from_secs(3));
    let server = Server::start(Disk::DoesNotWait).unwrap();
    let url = server.database().unwrap();
    server.crash().unwrap();
    let refused = Store::open(&url).await.unwrap_err();
    assert!(refused.is_away(), "{refused}");
    let store = Store::open_away(&url).unwrap();
    let asked = store.last_seq().await.unwrap_err();
    assert_eq!(asked.to_string(), "the database was away when this process started, and is not back");
    assert!(asked.is_away() && !store.is_back() && store.come_back().await.unwrap_err().is_away());
    server.start_again().unwrap();
    store.come_back().await.unwrap();
    assert!(store.is_back());
    store.put_resource(&actor("root", ""), &resource("Owner/a"), &json!({}), Precondition::Any, NOW).await.unwrap();
    server.crash().unwrap();
    let silent = tokio::time::timeout(BEAT * 2, store.beat()).await.expect("it is known soon").unwrap_err();
    assert!(silent.is_away(), "{silent}");
    assert!(Store::open_away("sqlite:wardgate.db").is_err());
}
