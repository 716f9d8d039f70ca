use crate::{
    Precondition,
    world::{HOUR, NOW, World, actor, identity, on_both, resource},
};
use serde_json::json;
use wardgate_model::{inventory::IdentityState, resource::Kind};

on_both! {
    what_was_on_record_is_read_back,
    what_is_no_resource_is_in_nobodys_way,
}

#[test]
fn kinds_alone_begin_with_a_capital_letter() {
    assert!(Kind::ALL.iter().all(|kind| kind.as_str().starts_with(|first: char| first.is_ascii_uppercase())));
}

async fn what_is_no_resource_is_in_nobodys_way(world: World) {
    let by = actor("root", "a release");
    world.store.put_resource(&by, &resource("Identity/bot"), &json!({}), Precondition::Any, NOW).await.unwrap();
    world.store.announce(&by, (Kind::Identity, "bot"), NOW + HOUR, NOW).await.unwrap();
    let all = world.store.resources_at(u64::MAX).await.unwrap();
    assert_eq!(all.iter().map(|(id, _)| id.to_string()).collect::<Vec<_>>(), ["Identity/bot"]);
}

async fn what_was_on_record_is_read_back(world: World) {
    let by = actor("root", "why not");
    let put = async |name: &str, n: u32, hours| {
        let spec = json!({ "n": n });
        world.store.put_resource(&by, &resource(name), &spec, Precondition::Any, NOW + HOUR * hours).await.unwrap()
    };
    put("Owner/payments", 1, 0).await;
    put("Identity/bot", 1, 1).await;
    world.apply(&["a.yaml Identity/filed {}"]).await.unwrap();
    put("Owner/payments", 2, 3).await;
    world.store.set_identity_state(&by, &identity("bot"), IdentityState::Suspended, NOW + HOUR * 4).await.unwrap();
    world.store.remove_resource(&by, &resource("Owner/payments"), Precondition::Any, NOW + HOUR * 5).await.unwrap();
    put("Owner/payments", 3, 6).await;

    let resources = async |seq| {
        let all = world.store.resources_at(seq).await.unwrap();
        all.iter().map(|(id, spec)| format!("{id} {}", spec["n"])).collect::<Vec<_>>().join(", ")
    };
    assert_eq!(resources(0).await, "");
    assert_eq!(resources(1).await, "Owner/payments 1");
    assert_eq!(resources(4).await, "Identity/bot 1, Identity/filed null, Owner/payments 2");
    assert_eq!(resources(6).await, "Identity/bot 1, Identity/filed null");
    assert_eq!(resources(u64::MAX).await, "Identity/bot 1, Identity/filed null, Owner/payments 3");
    let statuses = async |seq| {
        let all = world.store.statuses_at(seq).await.unwrap();
        all.iter().map(|(id, status)| format!("{id} {}", status["state"].as_str().unwrap())).collect::<Vec<_>>().join(", ")
    };
    assert_eq!(statuses(1).await, "");
    assert_eq!(statuses(4).await, "bot requested, filed active");
    assert_eq!(statuses(7).await, "bot suspended, filed active");
    // The apply was made at `NOW`, out of order: the last change that was made by then counts.
    for (hours, seq) in [(0, 3), (1, 3), (3, 4), (100, 7)] {
        assert_eq!(world.store.seq_at(NOW + HOUR * hours).await.unwrap(), seq, "{hours}");
    }
    assert_eq!(world.store.seq_at(wardgate_model::time::Time::from_seconds(0)).await.unwrap(), 0);
}
