use super::{UsageFilter, UsageRow, Use};
use crate::world::{HOUR, NOW, World, id, identity, on_both};
use wardgate_model::id::ApiName;

on_both! {
    usage_is_summed_up,
    more_than_fits_into_a_statement_is_summed_up_too,
}

/// `ledger AAAAAAAAAAAA payments listPayments 192.0.2.0/24 hour allowed refused`; `-` for no credential.
fn row(text: &str) -> UsageRow {
    let mut words = text.split(' ');
    let mut next = || words.next().unwrap();
    let (who, key, api, operation, source) = (next(), next(), next(), next(), next());
    let at = NOW + HOUR * next().parse().unwrap();
    UsageRow {
        credential: (key != "-").then(|| id(key)),
        identity: identity(who),
        api: ApiName::parse(api).unwrap(),
        operation: operation.into(),
        source: source.into(),
        first: at,
        last: at,
        allowed: next().parse().unwrap(),
        refused: next().parse().unwrap(),
    }
}

fn shown(row: &UsageRow) -> String {
    let hours = |t: wardgate_model::time::Time| t.since(NOW).as_secs() / 3_600;
    let key = row.credential.as_ref().map_or("-", |id| id.as_str());
    let (first, last) = (hours(row.first), hours(row.last));
    format!("{} {key} {} {} {} {first}-{last} {} {}", row.identity, row.api, row.operation, row.source, row.allowed, row.refused)
}

async fn usage_is_summed_up(world: World) {
    let add = async |rows: &[&str]| world.store.add_usage(&rows.iter().map(|text| row(text)).collect::<Vec<_>>()).await.unwrap();
    add(&[]).await;
    add(&[
        "ledger AAAAAAAAAAAA payments list 192.0.2.0/24 5 1 0",
        "ledger AAAAAAAAAAAA payments list 192.0.2.0/24 7 1 1",
        "ledger AAAAAAAAAAAA payments make 192.0.2.0/24 6 3 0",
    ])
    .await;
    add(&["ledger AAAAAAAAAAAA payments list 192.0.2.0/24 4 1 0", "anonymous - status health 198.51.100.0/24 1 9 0"]).await;
    let found = async |filter: UsageFilter| world.store.usage(&filter).await.unwrap().iter().map(shown).collect::<Vec<_>>();
    let all = UsageFilter::default;
    let (list, make) = ("ledger AAAAAAAAAAAA payments list 192.0.2.0/24 4-7 3 1", "ledger AAAAAAAAAAAA payments make 192.0.2.0/24 6-6 3 0");
    let anonymous = "anonymous - status health 198.51.100.0/24 1-1 9 0";
    assert_eq!(found(all()).await, [list, make, anonymous]);
    assert_eq!(found(UsageFilter { identity: Some(identity("anonymous")), ..all() }).await, [anonymous]);
    assert_eq!(found(UsageFilter { credential: Some(id("AAAAAAAAAAAA")), ..all() }).await, [list, make]);
    assert_eq!(found(UsageFilter { credential: Some(id("AAAAAAAAAAAA")), identity: Some(identity("other")), ..all() }).await, [""; 0]);
    assert_eq!(found(UsageFilter { api: Some(ApiName::parse("status").unwrap()), ..all() }).await, [anonymous]);
    assert_eq!(found(UsageFilter { since: Some(NOW + HOUR * 7), ..all() }).await, [list]);
    assert_eq!(found(UsageFilter { limit: Some(1), ..all() }).await, [list]);
    let used = world.store.last_use(&id("AAAAAAAAAAAA")).await.unwrap();
    assert_eq!(used, Some(Use { first: NOW + HOUR * 4, last: NOW + HOUR * 7, count: 7 }));
    assert_eq!(world.store.last_use(&id("BBBBBBBBBBBB")).await.unwrap(), None);
    assert_eq!(world.store.forget_usage(NOW + HOUR * 6).await.unwrap(), 1);
    assert_eq!(found(all()).await, [list, make]);
    assert_eq!(world.store.last_seq().await.unwrap(), 0, "no change of the feed");
}

async fn more_than_fits_into_a_statement_is_summed_up_too(world: World) {
    let rows: Vec<UsageRow> = (0..1_001).map(|n| row(&format!("ledger - payments op{n} 192.0.2.0/24 0 1 0"))).collect();
    world.store.add_usage(&rows).await.unwrap();
    world.store.add_usage(&rows).await.unwrap();
    let found = world.store.usage(&UsageFilter::default()).await.unwrap();
    assert_eq!((found.len(), found.iter().map(|r| r.allowed).sum::<u64>()), (1_001, 2_002));
}
