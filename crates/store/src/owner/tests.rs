use crate::{
    Precondition,
    world::{HOUR, NOW, World, actor, on_both},
};
use wardgate_model::{id::OwnerName, time::Time};

on_both! {
    an_owner_departs_and_comes_back,
}

async fn an_owner_departs_and_comes_back(world: World) {
    let owner = OwnerName::parse("payments").unwrap();
    let by = actor("root", "left the company");
    assert_eq!(world.store.return_owner(&by, &owner, NOW).await.unwrap_err().to_string(), "owner `payments` did not depart");
    let depart = async |grace: Time, now| {
        let status = world.store.depart_owner(&by, &owner, grace, now).await.unwrap();
        (status.departed, status.grace_until, status.revision)
    };
    assert_eq!(depart(NOW + HOUR, NOW).await, (Some(NOW), Some(NOW + HOUR), 1));
    assert_eq!(depart(NOW + HOUR, NOW + HOUR).await, (Some(NOW), Some(NOW + HOUR), 1), "the same again changes nothing");
    assert_eq!(depart(NOW + HOUR * 2, NOW + HOUR).await, (Some(NOW), Some(NOW + HOUR * 2), 2), "the first date stays");
    let attested = world.store.attest_owner(&by, &owner, NOW).await.unwrap();
    assert_eq!((attested.departed, attested.attested), (Some(NOW), Some(NOW)));
    let old = world.store.return_owner_looked_at(&by, &owner, Precondition::Revision(2), NOW).await;
    assert!(old.is_err(), "it is another one than was looked at");
    let back = world.store.return_owner(&by, &owner, NOW + HOUR).await.unwrap();
    assert_eq!((back.departed, back.grace_until, back.attested), (None, None, Some(NOW)));
    let world = world.restart().await;
    assert_eq!(world.store.owner_statuses().await.unwrap(), [back]);
    let feed = world.feed().await;
    let acts: Vec<&str> = feed.lines().map(|line| line.split(' ').nth(3).unwrap()).collect();
    assert_eq!(acts, ["depart", "depart", "attest", "return"]);
}
