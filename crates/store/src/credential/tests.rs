use super::{Condition, CredentialFilter};
use crate::{
    Precondition,
    vault::Sealed,
    world::{HOUR, NOW, World, actor, credential, id, identity, on_both},
};
use std::sync::Arc;
use wardgate_model::{credential::CredentialKind, time::Time};

on_both! {
    two_keys_may_be_live_and_not_three,
    what_cannot_be_issued_is_told,
    revoking_is_idempotent_and_keeps_the_first_date,
    a_sign_in_is_kept_when_its_session_cannot_be_made,
    only_a_session_that_is_good_gets_more_time,
    credentials_are_found_by_whose_kind_and_condition,
    a_hash_stands_in_its_column_and_nowhere_else,
    a_sign_in_is_good_once_however_many_try,
    a_secret_that_is_verified_with_is_kept_sealed_and_told_nowhere,
}

async fn issue(world: &World, text: &str, now: Time) -> String {
    let done = world.store.issue_credential(&actor("root", ""), credential(text), now).await;
    done.map_or_else(|e| e.to_string(), |c| format!("{} at {}", Condition::of(&c.credential, now).as_str(), c.revision))
}

async fn two_keys_may_be_live_and_not_three(world: World) {
    assert_eq!(issue(&world, "api_key AAAAAAAAAAAA ledger/main 1", NOW).await, "live at 1");
    assert_eq!(issue(&world, "api_key BBBBBBBBBBBB ledger/main 24", NOW).await, "live at 2");
    let third = "api_key CCCCCCCCCCCC ledger/main 24";
    let full = "identity entry `ledger/main` has 2 live credentials already: revoke one first";
    assert_eq!(issue(&world, third, NOW).await, full);
    assert_eq!(issue(&world, "api_key DDDDDDDDDDDD ledger/batch 24", NOW).await, "live at 3", "another entry");
    assert_eq!(issue(&world, "session EEEEEEEEEEEE ledger/main 24", NOW).await, "live at 4", "another kind");
    assert_eq!(issue(&world, third, NOW + HOUR).await, "live at 5", "the first has expired");
    assert_eq!(issue(&world, "api_key FFFFFFFFFFFF ledger/main 24", NOW + HOUR).await, full);
    world.store.revoke_credential(&actor("root", ""), &id("BBBBBBBBBBBB"), Precondition::Any, NOW).await.unwrap();
    assert_eq!(issue(&world, "api_key FFFFFFFFFFFF ledger/main 24", NOW + HOUR).await, "live at 7");
}

async fn what_cannot_be_issued_is_told(world: World) {
    assert_eq!(issue(&world, "api_key AAAAAAAAAAAA ledger/main 1", NOW).await, "live at 1");
    let again = issue(&world, "api_key AAAAAAAAAAAA other/main 1", NOW).await;
    assert_eq!(again, "credential `AAAAAAAAAAAA` is on record already: make another id");
    let past = issue(&world, "api_key BBBBBBBBBBBB ledger/main 1", NOW + HOUR).await;
    assert_eq!(past, "credential `ledger/main` would have expired on 2027-01-15T09:00:00Z");
    let kind = issue(&world, "x509 BBBBBBBBBBBB ledger/main 1", NOW).await;
    assert_eq!(kind, "credential `ledger/main` is of the kind `x509`, which is not issued but registered");
    assert_eq!(world.store.last_seq().await.unwrap(), 1, "a refusal takes no number");
}

async fn revoking_is_idempotent_and_keeps_the_first_date(world: World) {
    issue(&world, "api_key AAAAAAAAAAAA ledger/main 1", NOW).await;
    let revoke = async |expect, now| {
        let done = world.store.revoke_credential(&actor("root", "leaked"), &id("AAAAAAAAAAAA"), expect, now).await;
        done.map_or_else(|e| e.to_string(), |c| format!("{:?} at {}", c.credential.state, c.revision))
    };
    let stale = "credential `AAAAAAAAAAAA` was changed meanwhile: read it again, then decide";
    assert_eq!(revoke(Precondition::Revision(7), NOW).await, stale);
    let revoked = format!("Revoked {{ at: {NOW:?} }} at 2");
    assert_eq!(revoke(Precondition::Revision(1), NOW).await, revoked);
    assert_eq!(revoke(Precondition::Revision(1), NOW + HOUR).await, revoked);
    let none = world.store.revoke_credential(&actor("root", ""), &id("ZZZZZZZZZZZZ"), Precondition::Any, NOW).await;
    assert_eq!(none.unwrap_err().to_string(), "there is no credential `ZZZZZZZZZZZZ`");
    let entry = r#""created":"2027-01-15T08:00:00Z","environment":"production","expires":"2027-01-15T09:00:00Z","identity":"ledger","kind":"api_key","name":"main""#;
    let live = format!(r#"{{{entry},"revoked":null,"sources":["10.0.0.0/8"],"state":"live"}}"#);
    let ended = format!(r#"{{{entry},"revoked":"2027-01-15T08:00:00Z","sources":["10.0.0.0/8"],"state":"revoked"}}"#);
    assert_eq!(
        world.feed().await,
        format!("1 root credential/AAAAAAAAAAAA issue - → {live} ()\n2 root credential/AAAAAAAAAAAA revoke {live} → {ended} (leaked)\n")
    );
}

async fn a_sign_in_is_good_once_however_many_try(world: World) {
    let world = Arc::new(world);
    issue(&world, "sign_in AAAAAAAAAAAA root/first 1", NOW).await;
    let mut tries = tokio::task::JoinSet::new();
    for n in 0..8 {
        let world = Arc::clone(&world);
        tries.spawn(async move {
            let session = credential(&format!("session SESSION0000{n} root/session 12"));
            let done = world.store.spend_sign_in(&actor("root", ""), &id("AAAAAAAAAAAA"), session, NOW).await;
            done.map_or_else(|e| e.to_string(), |_| "session".to_owned())
        });
    }
    let mut said = tries.join_all().await;
    said.sort();
    assert_eq!(said.pop().as_deref(), Some("session"));
    assert!(said.iter().all(|s| s == "credential `AAAAAAAAAAAA` was used already"), "{said:?}");
    assert_eq!(world.store.last_seq().await.unwrap(), 3);
}

async fn a_sign_in_is_kept_when_its_session_cannot_be_made(world: World) {
    issue(&world, "sign_in AAAAAAAAAAAA root/first 1", NOW).await;
    issue(&world, "session BBBBBBBBBBBB root/session 1", NOW).await;
    let spend = async |key: &str, session: &str, now| {
        let done = world.store.spend_sign_in(&actor("root", ""), &id(key), credential(session), now).await;
        done.map_or_else(|e| e.to_string(), |_| "session".to_owned())
    };
    let taken = "credential `BBBBBBBBBBBB` is on record already: make another id";
    assert_eq!(spend("AAAAAAAAAAAA", "session BBBBBBBBBBBB root/session 12", NOW).await, taken);
    assert_eq!(spend("BBBBBBBBBBBB", "session CCCCCCCCCCCC root/session 12", NOW).await, "credential `BBBBBBBBBBBB` is of another kind");
    let late = "credential `AAAAAAAAAAAA` has expired";
    assert_eq!(spend("AAAAAAAAAAAA", "session CCCCCCCCCCCC root/session 12", NOW + HOUR).await, late);
    assert_eq!(spend("AAAAAAAAAAAA", "session CCCCCCCCCCCC root/session 12", NOW).await, "session");
}

async fn only_a_session_that_is_good_gets_more_time(world: World) {
    issue(&world, "session AAAAAAAAAAAA root/session 12", NOW).await;
    issue(&world, "api_key BBBBBBBBBBBB ledger/main 1", NOW).await;
    let renew = async |key: &str, expires, now| {
        let done = world.store.renew_session(&actor("root", ""), &id(key), expires, now).await;
        done.map_or_else(|e| e.to_string(), |c| format!("until {} at {}", c.credential.expires.unwrap(), c.revision))
    };
    let further = "session `AAAAAAAAAAAA` cannot be renewed any further: sign in again";
    assert_eq!(renew("AAAAAAAAAAAA", NOW + HOUR * 12, NOW).await, further);
    assert_eq!(renew("AAAAAAAAAAAA", NOW + HOUR * 13, NOW).await, "until 2027-01-15T21:00:00Z at 3");
    assert_eq!(renew("AAAAAAAAAAAA", NOW + HOUR * 30, NOW + HOUR * 13).await, "credential `AAAAAAAAAAAA` has expired");
    assert_eq!(renew("BBBBBBBBBBBB", NOW + HOUR * 30, NOW).await, "credential `BBBBBBBBBBBB` is of another kind");
    world.store.revoke_credential(&actor("root", ""), &id("AAAAAAAAAAAA"), Precondition::Any, NOW).await.unwrap();
    assert_eq!(renew("AAAAAAAAAAAA", NOW + HOUR * 30, NOW).await, "credential `AAAAAAAAAAAA` was revoked");
}

async fn credentials_are_found_by_whose_kind_and_condition(world: World) {
    for text in [
        "api_key AAAAAAAAAAAA ledger/main 1",
        "api_key BBBBBBBBBBBB ledger/main 24",
        "api_key CCCCCCCCCCCC other/main 24",
        "sign_in DDDDDDDDDDDD root/first 24",
    ] {
        issue(&world, text, NOW).await;
    }
    let by = actor("root", "");
    world.store.revoke_credential(&by, &id("CCCCCCCCCCCC"), Precondition::Any, NOW).await.unwrap();
    world.store.spend_sign_in(&by, &id("DDDDDDDDDDDD"), credential("session EEEEEEEEEEEE root/session 12"), NOW).await.unwrap();
    let find = async |filter: CredentialFilter| {
        let found = world.store.credentials(&filter).await.unwrap();
        found.iter().map(|c| &c.credential.id.as_str()[..1]).collect::<String>()
    };
    let all = CredentialFilter::default;
    let then = NOW + HOUR;
    assert_eq!(find(all()).await, "ABCDE");
    assert_eq!(find(CredentialFilter { identity: Some(identity("ledger")), ..all() }).await, "AB");
    assert_eq!(find(CredentialFilter { kind: Some(CredentialKind::ApiKey), ..all() }).await, "ABC");
    for (condition, found) in [(Condition::Live, "BE"), (Condition::Expired, "A"), (Condition::Revoked, "C"), (Condition::Spent, "D")] {
        assert_eq!(find(CredentialFilter { condition: Some((condition, then)), ..all() }).await, found);
    }
    assert_eq!(find(CredentialFilter { after: 1, limit: Some(2), ..all() }).await, "BC");
}

async fn a_hash_stands_in_its_column_and_nowhere_else(world: World) {
    issue(&world, "api_key AAAAAAAAAAAA ledger/main 1", NOW).await;
    let by = actor("root", "");
    world.store.revoke_credential(&by, &id("AAAAAAAAAAAA"), Precondition::Any, NOW).await.unwrap();
    let hash = *credential("api_key AAAAAAAAAAAA ledger/main 1").hash.bytes();
    let hex: String = hash.iter().map(|b| format!("{b:02x}")).collect();
    let numbers = serde_json::to_string(&hash).unwrap();
    let feed = world.feed().await.to_lowercase();
    // The tail of the hash is bytes that no text has; its head is the id, which the feed does tell.
    assert!(feed.contains("aaaaaaaaaaaa") && !feed.contains("a5a5") && !feed.contains("165,165") && !feed.contains("paw"));
    assert!(!feed.contains(&hex) && !feed.contains(&numbers));
    let shown = format!("{:?}", world.store.identities_page("", 10).await.unwrap());
    assert!(shown.contains("AAAAAAAAAAAA") && !shown.contains("165, 165"), "{shown}");

    let postgres = world.is_postgres();
    let dump = world.into_dump().await;
    let wanted = if postgres { hex.into_bytes() } else { hash.to_vec() };
    let places = dump.windows(wanted.len()).filter(|window| *window == wanted).count();
    assert_eq!(places, 1, "once, in its own column; the hash is no use without the installation's secret");
}

async fn a_secret_that_is_verified_with_is_kept_sealed_and_told_nowhere(world: World) {
    let by = actor("root", "");
    let hook = |key: &str| credential(&format!("hmac {key} crm/hook 24"));
    let sealed = |byte: u8| Sealed::new([byte; 40]);
    let without = issue(&world, "hmac AAAAAAAAAAAA crm/hook 24", NOW).await;
    assert_eq!(without, "credential `crm/hook` is of the kind `hmac`: a secret is kept of the kind `hmac`, and of no other");
    let key = credential("api_key AAAAAAAAAAAA crm/main 24");
    let key = world.store.issue_sealed_credential(&by, key, sealed(7), NOW).await.unwrap_err().to_string();
    assert_eq!(key, "credential `crm/main` is of the kind `api_key`: a secret is kept of the kind `hmac`, and of no other");
    let many = world.store.issue_credentials(&by, &[hook("AAAAAAAAAAAA")], NOW).await.unwrap_err().to_string();
    assert_eq!(many, without);
    let empty = world.store.issue_sealed_credential(&by, hook("AAAAAAAAAAAA"), Sealed::new([]), NOW).await.unwrap_err().to_string();
    assert!(empty.starts_with("credential `AAAAAAAAAAAA` has 0 sealed bytes"), "{empty}");

    world.store.issue_sealed_credential(&by, hook("AAAAAAAAAAAA"), sealed(7), NOW).await.unwrap();
    let new = (hook("BBBBBBBBBBBB"), sealed(8));
    let rotated = world.store.rotate_sealed_credential(&by, &id("AAAAAAAAAAAA"), new, NOW + HOUR, NOW).await.unwrap();
    assert_eq!((rotated.old.sealed, rotated.new.sealed), (Some(sealed(7)), Some(sealed(8))));
    let third = world.store.issue_sealed_credential(&by, hook("CCCCCCCCCCCC"), sealed(9), NOW).await.unwrap_err().to_string();
    assert_eq!(third, "identity entry `crm/hook` has 2 live credentials already: revoke one first");
    let record = world.store.identity_records(&[identity("crm")]).await.unwrap().records.pop().unwrap();
    let kept: Vec<_> = record.credentials.iter().map(|one| one.sealed.clone()).collect();
    assert_eq!(kept, [Some(sealed(7)), Some(sealed(8))]);
    let line = crate::Kept::Identity(record).line();
    let crate::Kept::Identity(read) = crate::Kept::read(&line).unwrap() else { panic!("another line") };
    assert_eq!(read.credentials.iter().map(|one| one.sealed.clone()).collect::<Vec<_>>(), kept);
    assert!(!world.feed().await.contains("sealed"));
}
