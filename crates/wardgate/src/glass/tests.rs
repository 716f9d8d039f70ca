use super::{LIFE, open, start};
use crate::{
    builtin, clock,
    governor::ground::{Ground, on},
};
use std::{
    os::unix::fs::PermissionsExt as _,
    path::PathBuf,
    sync::{Arc, atomic::Ordering},
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::UnixStream,
};
use wardgate_model::{credential::CredentialKind, id::IdentityId};
use wardgate_store::{Condition, CredentialFilter};

fn door(ground: &Ground) -> (super::Door, PathBuf) {
    let path = ground.path().join(super::FILE);
    let admin = "127.0.0.1:9080".parse().unwrap();
    (start(Arc::clone(&ground.control), Arc::clone(&ground.log), &path, admin).unwrap(), path)
}

/// How many sessions of this door are live, and how many ever were.
async fn sessions(ground: &Ground) -> (usize, usize) {
    let filter = CredentialFilter { kind: Some(CredentialKind::BreakGlass), ..CredentialFilter::default() };
    let all = ground.control.store().credentials(&filter).await.unwrap();
    let live = all.iter().filter(|stored| Condition::of(&stored.credential, clock::now()) == Condition::Live);
    (live.count(), all.len())
}

#[test]
fn the_door_gives_one_short_session_and_is_loud() {
    on("", async |ground| {
        let (door, path) = door(ground);
        assert_eq!(std::fs::symlink_metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        let before = clock::now();
        let session = open(&path, "the identity provider is down").await.unwrap();
        assert!(session.token.danger_expose().starts_with("wgb_"));
        assert_eq!(session.url, "http://127.0.0.1:9080");
        let left = session.expires.since(before);
        assert!(left <= LIFE + std::time::Duration::from_secs(1) && left + std::time::Duration::from_secs(60) > LIFE, "{left:?}");
        let id = session.token.danger_expose().split('_').nth(2).unwrap();
        assert_eq!(ground.control.gate().snapshot().credential(id).unwrap().identity, IdentityId::literal(builtin::OPERATOR));

        // A second ends the first.
        open(&path, "and again\u{7}").await.unwrap();
        assert_eq!((sessions(ground).await, door.opened().load(Ordering::Relaxed)), ((1, 2), 2));
        drop(door);
        assert!(!path.exists());

        let findings = ground.recorded("finding");
        assert_eq!(findings.len(), 2);
        assert_eq!(findings[0]["finding"]["code"], "break_glass.opened");
        assert_eq!(findings[0]["finding"]["severity"], "critical");
        assert!(findings[0]["finding"]["what"].as_str().unwrap().ends_with("opened the break-glass door: the identity provider is down"));
        let changes = ground.control.store().changes_since(0, 1_000).await.unwrap();
        let reasons: Vec<_> = changes.iter().filter(|change| change.reason.contains("break-glass by user")).collect();
        assert_eq!(reasons.len(), 3, "two issued, one revoked: {reasons:?}");
    });
}

#[test]
fn what_is_no_request_opens_nothing() {
    on("", async |ground| {
        let (door, path) = door(ground);
        let long = format!("{{\"reason\":\"{}\"}}\n", "a".repeat(5_000));
        for (sent, said) in [
            ("\n", "cannot be read"),
            ("GET / HTTP/1.1\r\n", "cannot be read"),
            ("{}\n", "missing field `reason`"),
            ("{\"reason\":\"\"}\n", "3 to 1,000"),
            ("{\"reason\":\"\\u0000 \\n\"}\n", "3 to 1,000"),
            ("{\"reason\":\"really\",\"life\":\"9d\"}\n", "unknown field `life`"),
            (&long, "cannot be read"),
        ] {
            let mut stream = UnixStream::connect(&path).await.unwrap();
            // The other side may have read enough before all is sent.
            let _enough = stream.write_all(sent.as_bytes()).await;
            let _enough = stream.shutdown().await;
            let mut answer = String::new();
            // What is too long is not read to its end: the system may tell of that before the answer.
            if stream.read_to_string(&mut answer).await.is_err() && sent.len() > 4_096 {
                continue;
            }
            assert!(answer.contains("\"error\"") && answer.contains(said), "{sent:?}: {answer}");
        }
        assert_eq!((sessions(ground).await, door.opened().load(Ordering::Relaxed)), ((0, 0), 0));
        let refused = open(&path, "x").await.unwrap_err();
        assert_eq!(refused.to_string(), "say why: a reason has 3 to 1,000 characters");
    });
}

#[test]
fn the_name_is_taken_over_from_the_dead_only() {
    on("", async |ground| {
        let path = ground.path().join(super::FILE);
        // A process that was killed leaves its socket behind.
        drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
        assert!(path.exists());
        let (_door, path) = door(ground);
        let admin = "127.0.0.1:9080".parse().unwrap();
        let second = start(Arc::clone(&ground.control), Arc::clone(&ground.log), &path, admin).unwrap_err();
        assert!(format!("{second:#}").contains("another process serves there"), "{second:#}");
        assert!(open(&path, "still there").await.is_ok());

        let file = ground.path().join("no-socket");
        std::fs::write(&file, "precious").unwrap();
        assert!(start(Arc::clone(&ground.control), Arc::clone(&ground.log), &file, admin).is_err());
        assert_eq!(std::fs::read_to_string(&file).unwrap(), "precious");
    });
}

#[test]
fn nobody_there_is_said() {
    on("", async |ground| {
        let missing = open(&ground.path().join("nowhere"), "hello").await.unwrap_err().to_string();
        assert!(missing.contains("is `wardgate serve` running, as this user?"), "{missing}");
    });
}
