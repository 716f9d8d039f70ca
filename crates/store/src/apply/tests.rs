use super::{ROWS, ResourceChange};
use crate::{
    Actor, Origin, Precondition, StoreFault, Who,
    world::{NOW, World, actor, identity, on_both, resource},
};
use serde_json::{Value, json};
use wardgate_model::resource::Kind;

on_both! {
    all_of_them_or_none,
    a_basis_that_is_old_is_refused,
    what_was_applied_as_a_whole_is_told_from_the_rest,
    more_than_fits_into_a_statement_is_changed_too,
}

/// `Identity/bot {"owner":"payments"}`, or `Identity/bot` to remove it.
fn change(text: &str) -> ResourceChange {
    let (id, spec) = text.split_once(' ').map_or((text, None), |(id, spec)| (id, Some(spec)));
    ResourceChange { id: resource(id), spec: spec.map(|s| serde_json::from_str(s).unwrap()), expect: Precondition::Any }
}

async fn changed(world: &World, texts: &[&str], basis: Option<u64>) -> String {
    let changes: Vec<_> = texts.iter().map(|text| change(text)).collect();
    shown(world.store.change_resources(&actor("root", "why not"), &changes, basis, NOW).await)
}

fn shown(done: Result<crate::Applied, StoreFault>) -> String {
    done.map_or_else(
        |e| e.to_string(),
        |a| {
            format!(
                "created {} updated {} moved {} removed {} unchanged {} seq {}",
                a.created, a.updated, a.moved, a.removed, a.unchanged, a.seq
            )
        },
    )
}

async fn all_of_them_or_none(world: World) {
    world.apply(&["a.yaml Owner/cards {}"]).await.unwrap();
    let twice = ["Owner/payments {}", "Identity/bot {}", "Owner/payments {}"];
    for (texts, why) in [
        (&twice[..], "resource `Owner/payments` stands twice"),
        (&["Owner/payments {}", "Owner/none"], "there is no resource `Owner/none`"),
        (&["Owner/payments {}", "Owner/cards"], "resource `Owner/cards` comes from the file `a.yaml`: change it there"),
    ] {
        assert_eq!(changed(&world, texts, None).await, why);
    }
    assert_eq!((world.store.resources().await.unwrap().len(), world.store.last_seq().await.unwrap()), (1, 1));
    let made = changed(&world, &["Owner/payments {}", r#"Identity/bot {"owner":"payments"}"#], None).await;
    assert_eq!(made, "created 2 updated 0 moved 0 removed 0 unchanged 0 seq 3");
    assert_eq!(
        changed(&world, &["Owner/payments", r#"Identity/bot {"owner":"payments"}"#, "Owner/third {}"], None).await,
        "created 1 updated 0 moved 0 removed 1 unchanged 1 seq 5"
    );
    let stale = ResourceChange { expect: Precondition::Absent, ..change("Owner/third {}") };
    let said = world.store.change_resources(&actor("root", ""), &[change("Owner/fourth {}"), stale], None, NOW).await.unwrap_err();
    assert_eq!(said.to_string(), "resource `Owner/third` was changed meanwhile: read it again, then decide");
    assert_eq!(world.store.last_seq().await.unwrap(), 5);
}

async fn a_basis_that_is_old_is_refused(world: World) {
    assert!(changed(&world, &["Identity/bot {}"], Some(0)).await.starts_with("created 1"));
    let stale = "list of `resources` was changed meanwhile: read it again, then decide";
    assert_eq!(changed(&world, &["Owner/payments {}"], Some(0)).await, stale);
    // What happened to things, and is no resource, makes no basis old.
    world.store.set_claim(&actor("root", ""), &identity("bot"), crate::Claim::Overdue, NOW).await.unwrap();
    assert!(changed(&world, &["Owner/payments {}"], Some(1)).await.starts_with("created 1"));
}

async fn what_was_applied_as_a_whole_is_told_from_the_rest(world: World) {
    let apply = async |texts: &[&str]| {
        let changes: Vec<_> = texts.iter().map(|text| change(text)).collect();
        shown(world.store.apply_resources(&actor("root", ""), &changes, None, NOW).await)
    };
    let origins = async || {
        let all = world.store.resources().await.unwrap();
        all.iter().map(|r| format!("{} {}", r.id, r.origin)).collect::<Vec<_>>().join(", ")
    };
    changed(&world, &["Owner/one {}"], None).await;
    assert_eq!(apply(&["Owner/two {}"]).await, "created 1 updated 0 moved 0 removed 0 unchanged 0 seq 2");
    assert_eq!(origins().await, "Owner/one api, Owner/two apply");
    changed(&world, &[r#"Owner/two {"n":1}"#], None).await;
    assert_eq!(origins().await, "Owner/one api, Owner/two apply", "who changes one thing does not take it over");
    assert_eq!(apply(&["Owner/one {}"]).await, "created 0 updated 0 moved 1 removed 0 unchanged 0 seq 4");
    assert_eq!(apply(&["Owner/one {}"]).await, "created 0 updated 0 moved 0 removed 0 unchanged 1 seq 4");
    assert_eq!(origins().await, "Owner/one apply, Owner/two apply");
    let shipped = Actor::new(Who::Process, "first start");
    world.store.change_resources(&shipped, &[change("Owner/three {}")], None, NOW).await.unwrap();
    assert_eq!(world.store.resource(&resource("Owner/three")).await.unwrap().unwrap().origin, Origin::Shipped);
    for text in ["api", "apply", "shipped", "file:a b.yaml"] {
        assert_eq!(Origin::parse(text).unwrap().to_string(), text);
    }
}

async fn more_than_fits_into_a_statement_is_changed_too(world: World) {
    let count = ROWS * 2 + 3;
    let all = |spec: Option<Value>| -> Vec<ResourceChange> {
        let one = |n| ResourceChange { id: resource(&format!("Identity/bot-{n}")), spec: spec.clone(), expect: Precondition::Any };
        (0..count).map(one).collect()
    };
    let by = actor("root", "import");
    let change = async |spec| world.store.change_resources(&by, &all(spec), None, NOW).await.unwrap();
    assert_eq!(change(Some(json!({ "owner": "payments" }))).await.created, count);
    assert_eq!(change(Some(json!({ "owner": "payments" }))).await.unchanged, count);
    assert_eq!(change(Some(json!({ "owner": "cards" }))).await.updated, count);
    assert_eq!(world.store.statuses().await.unwrap().len(), count);
    assert_eq!(world.store.identities_of("cards", "bot-2", 5).await.unwrap().len(), 5);
    assert_eq!(world.store.identities_of("payments", "", 5).await.unwrap(), []);
    assert_eq!(change(None).await.removed, count);
    assert_eq!(world.store.resources_of(Kind::Identity, "", 5).await.unwrap(), []);
    let seqs = world.store.changes_since(0, 10_000).await.unwrap();
    let page = count.min(1_000);
    assert_eq!(seqs[..page].iter().map(|c| c.seq).collect::<Vec<_>>(), (1..=page as u64).collect::<Vec<_>>());
    assert_eq!(world.store.last_seq().await.unwrap(), 3 * count as u64);
}
