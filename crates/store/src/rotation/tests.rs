use crate::{
    Condition, CredentialFilter, Precondition,
    world::{HOUR, NOW, World, actor, credential, id, on_both},
};

on_both! {
    the_new_one_is_there_before_the_old_one_ends,
    an_end_is_only_ever_brought_forward,
}

async fn the_new_one_is_there_before_the_old_one_ends(world: World) {
    let by = actor("root", "cadence");
    world.store.issue_credential(&by, credential("api_key AAAAAAAAAAAA ledger/main 24"), NOW).await.unwrap();
    let rotate = async |old: &str, new: &str, hours, now| {
        let done = world.store.rotate_credential(&by, &id(old), credential(new), NOW + HOUR * hours, now).await;
        done.map_or_else(|e| e.to_string(), |r| format!("old until {}, new at {}", r.old.credential.expires.unwrap(), r.new.revision))
    };
    let done = rotate("AAAAAAAAAAAA", "api_key BBBBBBBBBBBB ledger/main 48", 1, NOW).await;
    assert_eq!(done, "old until 2027-01-15T09:00:00Z, new at 3");
    let third = "api_key CCCCCCCCCCCC ledger/main 48";
    let full = "identity entry `ledger/main` has 2 live credentials already: revoke one first";
    assert_eq!(rotate("BBBBBBBBBBBB", third, 30, NOW).await, full, "two overlap, not three");
    assert_eq!(world.store.last_seq().await.unwrap(), 3, "neither or both");
    assert_eq!(rotate("AAAAAAAAAAAA", third, 30, NOW + HOUR).await, "credential `AAAAAAAAAAAA` has expired");
    assert_eq!(
        rotate("BBBBBBBBBBBB", "api_key CCCCCCCCCCCC other/main 48", 30, NOW).await,
        "credential `BBBBBBBBBBBB` is `ledger`'s, the new one would be `other`'s"
    );
    let none = rotate("ZZZZZZZZZZZZ", third, 30, NOW).await;
    assert_eq!(none, "there is no credential `ZZZZZZZZZZZZ`");
    assert_eq!(rotate("BBBBBBBBBBBB", third, 100, NOW + HOUR).await, "old until 2027-01-17T08:00:00Z, new at 5", "never later");
    // An old one that ends at once makes room for the new one.
    world.store.revoke_credential(&by, &id("AAAAAAAAAAAA"), Precondition::Any, NOW).await.unwrap();
    assert_eq!(
        rotate("CCCCCCCCCCCC", "api_key DDDDDDDDDDDD ledger/main 72", 0, NOW + HOUR).await,
        "old until 2027-01-15T08:00:00Z, new at 8"
    );
    let live = CredentialFilter { condition: Some((Condition::Live, NOW + HOUR)), ..CredentialFilter::default() };
    let live = world.store.credentials(&live).await.unwrap();
    assert_eq!(live.iter().map(|c| &c.credential.id.as_str()[..1]).collect::<String>(), "BD");
}

async fn an_end_is_only_ever_brought_forward(world: World) {
    let by = actor("root", "contract ended");
    world.store.issue_credential(&by, credential("api_key AAAAAAAAAAAA ledger/main 24"), NOW).await.unwrap();
    let end = async |hours, now| {
        let done = world.store.end_credential_at(&by, &id("AAAAAAAAAAAA"), NOW + HOUR * hours, now).await;
        done.map_or_else(|e| e.to_string(), |c| format!("until {} at {}", c.credential.expires.unwrap(), c.revision))
    };
    assert_eq!(end(48, NOW).await, "until 2027-01-16T08:00:00Z at 1", "it ends before");
    assert_eq!(end(2, NOW).await, "until 2027-01-15T10:00:00Z at 2");
    assert_eq!(end(2, NOW).await, "until 2027-01-15T10:00:00Z at 2", "it does");
    assert_eq!(world.store.credential(&id("AAAAAAAAAAAA")).await.unwrap().credential.expires, Some(NOW + HOUR * 2));
    assert_eq!(end(1, NOW + HOUR * 2).await, "credential `AAAAAAAAAAAA` has expired");
    let feed = world.feed().await;
    assert!(feed.contains("2 root credential/AAAAAAAAAAAA shorten"), "{feed}");
}
