use super::{SEALED_BYTES_MAX, Sealed, SigningKeyState};
use crate::{
    Precondition,
    world::{HOUR, NOW, World, actor, on_both},
};
use wardgate_model::id::SecretName;

on_both! {
    a_secret_is_put_and_replaced,
    one_key_signs_and_those_before_it_are_published_still,
    a_key_is_announced_before_it_signs_and_once_by_whoever_comes_first,
    a_signing_key_is_ended_at_once_and_another_one_signs,
}

const MATERIAL: &[u8] = b"sealed-material-0123456789";

async fn a_secret_is_put_and_replaced(world: World) {
    let name = SecretName::parse("erp").unwrap();
    let put = async |sealed: &[u8], expect, now| {
        let done = world.store.put_secret(&actor("root", "rotated"), &name, &Sealed::new(sealed), expect, now).await;
        done.map_or_else(|e| e.to_string(), |s| format!("version {} at {}", s.version, s.revision))
    };
    assert_eq!(put(MATERIAL, Precondition::Absent, NOW).await, "version 1 at 1");
    let stale = "secret `erp` was changed meanwhile: read it again, then decide";
    assert_eq!(put(b"second", Precondition::Absent, NOW).await, stale);
    assert_eq!(put(b"second", Precondition::Revision(1), NOW + HOUR).await, "version 2 at 2");
    assert_eq!(put(b"", Precondition::Any, NOW).await, "secret `erp` has 0 sealed bytes; 1 to 65536 can be kept");
    let large = put(&vec![7; SEALED_BYTES_MAX + 1], Precondition::Any, NOW).await;
    assert_eq!(large, "secret `erp` has 65537 sealed bytes; 1 to 65536 can be kept");
    let kept = world.store.secrets().await.unwrap();
    assert_eq!((kept.len(), kept[0].sealed.bytes(), kept[0].created, kept[0].updated), (1, &b"second"[..], NOW, NOW + HOUR));
    assert_eq!(
        world.feed().await,
        r#"1 root secret/erp put - → {"created":"2027-01-15T08:00:00Z","updated":"2027-01-15T08:00:00Z","version":1} (rotated)
2 root secret/erp put {"created":"2027-01-15T08:00:00Z","updated":"2027-01-15T08:00:00Z","version":1} → {"created":"2027-01-15T08:00:00Z","updated":"2027-01-15T09:00:00Z","version":2} (rotated)
"#
    );
    assert_eq!(format!("{:?}", kept[0].sealed), "Sealed(6 bytes)");

    // What was replaced is wiped from the file, not only unlinked.
    let dump = world.into_dump().await;
    let stands = |text: &[u8]| dump.windows(text.len()).any(|window| window == text);
    assert!(stands(b"second") && !stands(MATERIAL));
}

async fn a_signing_key_is_ended_at_once_and_another_one_signs(world: World) {
    let (by, sealed) = (actor("root", "leaked"), Sealed::new(MATERIAL));
    let keys = async || {
        let keys = world.store.signing_keys().await.unwrap();
        keys.iter().map(|k| format!("{} {}", k.kid, k.state.as_str())).collect::<Vec<_>>().join(", ")
    };
    world.store.put_signing_key(&by, "one", &sealed, NOW).await.unwrap();
    let revoke = async |kid: &str, next: &str, at| world.store.revoke_signing_key(&by, kid, (next, &sealed), at).await;
    assert_eq!(revoke("six", "x", NOW).await.unwrap_err().to_string(), "there is no signing key `six`");
    assert!(world.store.retire_signing_key(&by, "one", NOW).await.unwrap_err().to_string().contains("is the one that signs"));
    // Nothing is announced: the new one signs. Once more is nothing more.
    assert_eq!(revoke("one", "two", NOW + HOUR).await.unwrap(), 3);
    assert_eq!(revoke("one", "x", NOW + HOUR).await.unwrap(), 3);
    assert_eq!(keys().await, "one retired, two signing");
    // What is announced is known to verifiers, and goes before one that nobody knows.
    world.store.announce_signing_key(&by, "three", &sealed, NOW + HOUR, NOW + HOUR * 2).await.unwrap();
    assert_eq!(revoke("two", "x", NOW + HOUR * 3).await.unwrap(), 6);
    assert_eq!(keys().await, "one retired, two retired, three signing");
    let feed = world.feed().await;
    for told in [
        r#"2 root signing_key/two put - → {"created":"2027-01-15T09:00:00Z","instead_of":"one","state":"signing"} (leaked)"#,
        r#"3 root signing_key/one revoke {"created":"2027-01-15T08:00:00Z","state":"signing"} → {"created":"2027-01-15T08:00:00Z","state":"retired"} (leaked)"#,
        r#"5 root signing_key/three promote {"created":"2027-01-15T10:00:00Z","state":"published"} → {"created":"2027-01-15T10:00:00Z","instead_of":"two","state":"signing"} (leaked)"#,
    ] {
        assert!(feed.contains(told), "{told}: {feed}");
    }
}

async fn one_key_signs_and_those_before_it_are_published_still(world: World) {
    let by = actor("root", "");
    let put = async |kid: &str| world.store.put_signing_key(&by, kid, &Sealed::new(MATERIAL), NOW).await.map_err(|e| e.to_string());
    let keys = async || {
        let keys = world.store.signing_keys().await.unwrap();
        keys.iter().map(|k| format!("{} {}", k.kid, k.state.as_str())).collect::<Vec<_>>().join(", ")
    };
    assert_eq!((put("one").await, put("two").await), (Ok(1), Ok(2)));
    assert_eq!(keys().await, "one published, two signing");
    assert_eq!(put("one").await.unwrap_err(), "signing key `one` is on record already");
    assert_eq!(world.store.retire_signing_key(&by, "one", NOW).await.unwrap(), 3);
    assert_eq!(world.store.retire_signing_key(&by, "one", NOW).await.unwrap(), 3, "it was");
    assert_eq!(keys().await, "one retired, two signing");
    assert_eq!(world.store.retire_signing_key(&by, "six", NOW).await.unwrap_err().to_string(), "there is no signing key `six`");
    assert_eq!(
        world.feed().await,
        r#"1 root signing_key/one put - → {"created":"2027-01-15T08:00:00Z","state":"signing"} ()
2 root signing_key/two put - → {"created":"2027-01-15T08:00:00Z","instead_of":"one","state":"signing"} ()
3 root signing_key/one retire {"created":"2027-01-15T08:00:00Z","state":"published"} → {"created":"2027-01-15T08:00:00Z","state":"retired"} ()
"#
    );
    for state in [SigningKeyState::Signing, SigningKeyState::Published, SigningKeyState::Retired] {
        assert_eq!(SigningKeyState::parse(state.as_str()), Some(state));
    }
}

async fn a_key_is_announced_before_it_signs_and_once_by_whoever_comes_first(world: World) {
    let (by, sealed) = (actor("root", "rotation"), Sealed::new(MATERIAL));
    let keys = async || {
        let keys = world.store.signing_keys().await.unwrap();
        keys.iter().map(|k| format!("{} {}", k.kid, k.state.as_str())).collect::<Vec<_>>().join(", ")
    };
    assert_eq!(world.store.put_signing_key(&by, "one", &sealed, NOW).await.unwrap(), 1);
    let announce = async |kid: &str| world.store.announce_signing_key(&by, kid, &sealed, NOW, NOW + HOUR).await.unwrap();
    // Both of two gates see that one is due.
    assert_eq!((announce("two").await, announce("three").await), (Some(2), None));
    assert_eq!(keys().await, "one signing, two published");
    assert_eq!(world.store.signing_keys_since().await.unwrap()["two"], NOW + HOUR);
    let promote = async |kid: &str| world.store.promote_signing_key(&by, kid, NOW + HOUR + HOUR).await;
    assert_eq!((promote("two").await.unwrap(), promote("two").await.unwrap()), (Some(3), None));
    assert_eq!(keys().await, "one published, two signing");
    let since = world.store.signing_keys_since().await.unwrap();
    assert_eq!((since["one"], since["two"]), (NOW + HOUR + HOUR, NOW + HOUR + HOUR));
    assert_eq!(promote("six").await.unwrap_err().to_string(), "there is no signing key `six`");
    world.store.retire_signing_key(&by, "one", NOW).await.unwrap();
    assert_eq!(promote("one").await.unwrap_err().to_string(), "signing key `one` is retired");
}
