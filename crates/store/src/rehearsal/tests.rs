use crate::{
    ChangeFilter, StoreFault, Subject,
    world::{HOUR, NOW, World, actor, on_both},
};
use serde_json::{Value, json};
use wardgate_model::{id::IdentityId, time::Time};

on_both! {
    a_rehearsal_begins_once_and_ends,
    only_so_many_are_under_way,
}

async fn under_way(world: &World, now: Time) -> Vec<String> {
    let all = world.store.rehearsals().await.unwrap();
    all.iter().filter(|one| now < one.until).map(|one| format!("{} {} {}", one.identity, one.taught, one.reason)).collect()
}

async fn a_rehearsal_begins_once_and_ends(world: World) {
    let (store, id) = (&world.store, IdentityId::literal("drill-a"));
    let taught = json!({ "days": 3, "habits": [{ "per_hour": 2 }] });
    let first = store.begin_rehearsal(&actor("root", "drill"), &id, NOW + HOUR, &taught, NOW).await.unwrap();
    assert_eq!(under_way(&world, NOW).await, [format!("drill-a {taught} drill")]);
    let again = store.begin_rehearsal(&actor("root", "drill"), &id, NOW + HOUR, &taught, NOW).await;
    assert!(matches!(again, Err(StoreFault::Conflict { .. })), "{again:?}");
    assert!(under_way(&world, NOW + HOUR).await.is_empty(), "its end is exclusive");
    let ended = store.end_rehearsal(&actor("root", "over"), &id, NOW + HOUR / 2).await.unwrap();
    assert!(ended.revision > first.revision && ended.until == NOW + HOUR / 2);
    assert_eq!(store.end_rehearsal(&actor("root", "over"), &id, NOW + HOUR).await.unwrap(), ended, "once");
    assert!(under_way(&world, NOW + HOUR / 2).await.is_empty());
    let nobody = store.end_rehearsal(&actor("root", "over"), &IdentityId::literal("drill-b"), NOW).await;
    assert!(matches!(nobody, Err(StoreFault::NotFound { .. })), "{nobody:?}");
    let told = store.changes(&ChangeFilter { subject: Some(Subject::Rehearsal), limit: 9, ..ChangeFilter::default() }).await.unwrap();
    let told: Vec<_> = told.iter().map(|change| format!("{} {} {}", change.act.as_str(), change.name, change.reason)).collect();
    assert_eq!(told, ["create drill-a drill", "remove drill-a over"]);
    store.begin_rehearsal(&actor("root", "next"), &IdentityId::literal("drill-b"), NOW + HOUR * 2, &taught, NOW + HOUR).await.unwrap();
    let kept: Vec<_> = store.rehearsals().await.unwrap().into_iter().map(|one| (one.identity.to_string(), one.taught)).collect();
    assert_eq!(kept, [("drill-a".to_owned(), Value::Null), ("drill-b".to_owned(), taught)], "what is over is taught to nobody");
}

async fn only_so_many_are_under_way(world: World) {
    let store = &world.store;
    let begin = async |name: String, until, taught: Value, now| {
        store.begin_rehearsal(&actor("root", "x"), &IdentityId::parse(&name).unwrap(), until, &taught, now).await
    };
    for number in 0..super::REHEARSALS_MAX {
        begin(format!("drill-{number}"), NOW + HOUR, Value::Null, NOW).await.unwrap();
    }
    assert!(begin("drill-more".to_owned(), NOW + HOUR, Value::Null, NOW).await.is_err());
    let long = json!("x".repeat(super::TAUGHT_BYTES_MAX));
    assert!(begin("drill-long".to_owned(), NOW + HOUR * 3, long, NOW + HOUR * 2).await.is_err());
    begin("drill-more".to_owned(), NOW + HOUR * 3, Value::Null, NOW + HOUR * 2).await.unwrap();
    begin("drill-later".to_owned(), NOW + HOUR * 60, Value::Null, NOW + HOUR * 50).await.unwrap();
    assert_eq!(store.rehearsals().await.unwrap().len(), 1, "what has long been over is forgotten");
}
