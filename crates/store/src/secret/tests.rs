use crate::{
    Precondition, Sealed,
    world::{HOUR, NOW, World, actor, on_both},
};
use wardgate_model::id::SecretName;

on_both! {
    a_secret_rotates_in_versions,
    what_is_forgotten_stands_nowhere,
}

fn name() -> SecretName {
    SecretName::parse("erp").unwrap()
}

/// The secret as it is: the version in use, what lies ready, what came before.
async fn shown(world: &World) -> String {
    let secrets = world.store.secrets().await.unwrap();
    let version = |v: &Option<super::SealedVersion>| {
        v.as_ref().map_or_else(|| "-".to_owned(), |v| format!("{}={}", v.version, String::from_utf8_lossy(v.sealed.bytes())))
    };
    let shown = secrets.iter().map(|s| {
        let current = String::from_utf8_lossy(s.sealed.bytes()).into_owned();
        format!("{}={current} staged {} previous {} at {}", s.version, version(&s.staged), version(&s.previous), s.revision)
    });
    shown.collect()
}

async fn a_secret_rotates_in_versions(world: World) {
    let by = actor("root", "yearly");
    let (store, name) = (&world.store, name());
    let put = async |text: &str| store.put_secret(&by, &name, &Sealed::new(text.as_bytes()), Precondition::Any, NOW).await.unwrap();
    let stage = async |text: &str| store.stage_secret(&by, &name, &Sealed::new(text.as_bytes()), NOW).await;
    assert_eq!(stage("one").await.unwrap_err().to_string(), "there is no secret `erp`");
    put("one").await;
    let nothing = store.promote_secret(&by, &name, NOW).await.unwrap_err().to_string();
    assert_eq!(nothing, "secret `erp` has no version that lies ready: stage one first");
    assert_eq!(store.settle_secret(&by, &name, NOW).await.unwrap_err().to_string(), "secret `erp` has no version before the one in use");
    assert_eq!(store.revert_secret(&by, &name, NOW).await.unwrap_err().to_string(), "secret `erp` has no other version to go back to");
    assert!(stage("").await.unwrap_err().to_string().ends_with("has 0 sealed bytes; 1 to 65536 can be kept"));

    assert_eq!(stage("two").await.unwrap().staged_at, Some(NOW));
    assert_eq!(shown(&world).await, "1=one staged 2=two previous - at 2");
    stage("three").await.unwrap();
    assert_eq!(shown(&world).await, "1=one staged 3=three previous - at 3", "numbers only grow");
    let promoted = store.promote_secret(&by, &name, NOW + HOUR).await.unwrap();
    assert_eq!((promoted.promoted_at, promoted.updated, promoted.staged_at), (Some(NOW + HOUR), NOW + HOUR, None));
    assert_eq!(shown(&world).await, "3=three staged - previous 1=one at 4");
    store.revert_secret(&by, &name, NOW).await.unwrap();
    assert_eq!(shown(&world).await, "1=one staged - previous - at 5");
    stage("four").await.unwrap();
    store.revert_secret(&by, &name, NOW).await.unwrap();
    assert_eq!(shown(&world).await, "1=one staged - previous - at 7", "what lay ready is forgotten first");
    stage("five").await.unwrap();
    store.promote_secret(&by, &name, NOW).await.unwrap();
    store.settle_secret(&by, &name, NOW).await.unwrap();
    assert_eq!(shown(&world).await, "5=five staged - previous - at 10");
    stage("six").await.unwrap();
    put("seven").await;
    assert_eq!(shown(&world).await, "7=seven staged - previous - at 12", "put at once is put over all");
    let feed = world.feed().await;
    let acts: Vec<&str> = feed.lines().map(|line| line.split(' ').nth(3).unwrap()).collect();
    assert_eq!(acts, ["put", "stage", "stage", "promote", "revert", "stage", "revert", "stage", "promote", "settle", "stage", "put"]);
}

async fn what_is_forgotten_stands_nowhere(world: World) {
    let by = actor("root", "");
    let (first, second) = (Sealed::new(*b"material-that-was-before"), Sealed::new(*b"material-that-is-in-use"));
    world.store.put_secret(&by, &name(), &first, Precondition::Any, NOW).await.unwrap();
    world.store.stage_secret(&by, &name(), &second, NOW).await.unwrap();
    world.store.promote_secret(&by, &name(), NOW).await.unwrap();
    world.store.settle_secret(&by, &name(), NOW).await.unwrap();
    assert!(!world.feed().await.contains("material"), "not in the feed");
    if world.is_postgres() {
        return; // What a server leaves in free pages is its operator's to wipe: it is sealed.
    }
    let dump = world.into_dump().await;
    let stands = |text: &[u8]| dump.windows(text.len()).any(|window| window == text);
    assert!(stands(second.bytes()) && !stands(first.bytes()));
}
