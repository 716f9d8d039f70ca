use super::{STRAYS_MAX, Stray, StrayKind, StraySum};
use crate::{
    UsageRow,
    world::{HOUR, NOW, World, identity, on_both},
};
use wardgate_model::id::ApiName;

on_both! {
    what_is_merged_stands_in_the_place_of_what_was,
    the_use_of_operations_is_summed_up,
}

fn api(name: &str) -> ApiName {
    ApiName::parse(name).unwrap()
}

fn stray(operation: &str, hour: u32, seen: u64) -> Stray {
    let at = NOW + HOUR * hour;
    let sum = StraySum {
        first: at,
        last: at,
        seen,
        answered: 1,
        refused: 0,
        callers: vec!["ledger-sync".into()],
        sources: vec!["192.0.2.0/24".into()],
    };
    Stray { kind: StrayKind::Shadow, operation: operation.into(), place: "".into(), sum }
}

async fn what_is_merged_stands_in_the_place_of_what_was(world: World) {
    let store = &world.store;
    let told = async || {
        let found = store.strays(None).await.unwrap();
        let rows = found.iter().flat_map(|(api, rows)| rows.iter().map(move |row| format!("{api} {} {}", row.operation, row.sum.seen)));
        rows.collect::<Vec<_>>()
    };
    let add = async |name: &str, rows: Vec<Stray>| {
        store.merge_strays(&api(name), |before| before.into_iter().chain(rows).collect()).await.unwrap();
    };
    add("ledger", vec![stray("GET /a", 1, 2), stray("GET /b", 5, 7)]).await;
    add("orders", vec![stray("GET /a", 2, 1)]).await;
    assert_eq!(told().await, ["ledger GET /a 2", "ledger GET /b 7", "orders GET /a 1"]);
    assert_eq!(store.strays(Some(&api("orders"))).await.unwrap().into_values().next(), Some(vec![stray("GET /a", 2, 1)]), "as it was put");
    // One becomes more, one is gone, the other API stays.
    store
        .merge_strays(&api("ledger"), |before| before.into_iter().take(1).map(|row| stray(&row.operation, 6, row.sum.seen + 1)).collect())
        .await
        .unwrap();
    assert_eq!(told().await, ["ledger GET /a 3", "orders GET /a 1"]);
    let many = (0..STRAYS_MAX + 9).map(|at| stray(&format!("GET /{at}"), 9, 1)).collect();
    add("orders", many).await;
    assert_eq!(store.strays(Some(&api("orders"))).await.unwrap().into_values().next().map(|rows| rows.len()), Some(STRAYS_MAX));
    assert_eq!(store.forget_strays(NOW + HOUR * 7).await.unwrap(), 2);
}

async fn the_use_of_operations_is_summed_up(world: World) {
    assert_eq!(world.store.counted_since().await.unwrap(), None);
    let row = |who: &str, of: &str, operation: &str, hour: u32| UsageRow {
        credential: None,
        identity: identity(who),
        api: api(of),
        operation: operation.into(),
        source: "other".into(),
        first: NOW + HOUR * hour,
        last: NOW + HOUR * hour,
        allowed: 2,
        refused: 1,
    };
    let rows = [row("a", "ledger", "ledger GET /x", 3), row("b", "ledger", "ledger GET /x", 1), row("a", "orders", "orders GET /y", 2)];
    world.store.add_usage(&rows).await.unwrap();
    let used = world.store.operations_used(Some(&api("ledger"))).await.unwrap();
    let told: Vec<_> = used.iter().map(|one| (&*one.operation, one.first, one.last, one.allowed, one.refused, one.identities)).collect();
    assert_eq!(told, [("ledger GET /x", NOW + HOUR, NOW + HOUR * 3, 4, 2, 2)]);
    assert_eq!(world.store.operations_used(None).await.unwrap().len(), 2);
    assert_eq!(world.store.counted_since().await.unwrap(), Some(NOW + HOUR));
}
