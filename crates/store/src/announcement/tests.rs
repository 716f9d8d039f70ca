use crate::{
    ChangeFilter, Subject,
    world::{HOUR, NOW, World, actor, on_both},
};
use wardgate_model::{resource::Kind, time::Time};

on_both! {
    what_is_announced_counts_until_it_is_over,
    only_so_much_is_announced_at_a_time,
}

async fn counting(world: &World, now: Time) -> Vec<String> {
    let all = world.store.announcements(now).await.unwrap();
    all.iter().map(|one| format!("{} {} {}", one.kind, one.name, one.reason)).collect()
}

async fn what_is_announced_counts_until_it_is_over(world: World) {
    let store = &world.store;
    let first = store.announce(&actor("root", "deploy 1"), (Kind::Identity, "a"), NOW + HOUR, NOW).await.unwrap();
    store.announce(&actor("root", "version 2"), (Kind::Api, "a"), NOW + HOUR * 3, NOW).await.unwrap();
    assert_eq!(counting(&world, NOW).await, ["Api a version 2", "Identity a deploy 1"]);
    assert_eq!(counting(&world, NOW + HOUR).await, ["Api a version 2"], "its end is exclusive");
    let again = store.announce(&actor("root", "deploy 2"), (Kind::Identity, "a"), NOW + HOUR * 2, NOW).await.unwrap();
    assert!(again.revision > first.revision);
    assert_eq!(counting(&world, NOW + HOUR).await, ["Api a version 2", "Identity a deploy 2"], "in the place of the one before");
    let told = store.changes(&ChangeFilter { subject: Some(Subject::Announcement), limit: 9, ..ChangeFilter::default() }).await.unwrap();
    let told: Vec<_> = told.iter().map(|change| format!("{} {} {}", change.act.as_str(), change.name, change.reason)).collect();
    assert_eq!(told, ["announce Identity/a deploy 1", "announce Api/a version 2", "announce Identity/a deploy 2"]);
    assert!(store.announce(&actor("root", "no"), (Kind::Owner, "a"), NOW + HOUR, NOW).await.is_err());
}

async fn only_so_much_is_announced_at_a_time(world: World) {
    let store = &world.store;
    for number in 0..super::ANNOUNCEMENTS_MAX {
        store.announce(&actor("root", "x"), (Kind::Identity, &format!("i{number}")), NOW + HOUR, NOW).await.unwrap();
    }
    let one = (Kind::Identity, "one-more");
    assert!(store.announce(&actor("root", "x"), one, NOW + HOUR, NOW).await.is_err());
    store.announce(&actor("root", "x"), (Kind::Identity, "i7"), NOW + HOUR * 2, NOW).await.unwrap();
    store.announce(&actor("root", "x"), one, NOW + HOUR * 2, NOW + HOUR).await.unwrap();
    assert_eq!(store.announcements(NOW + HOUR).await.unwrap().len(), 2, "what is over makes room");
}
