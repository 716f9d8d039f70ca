use super::{Origin, Precondition, ResourceId};
use crate::{
    Actor, Claim, Who,
    world::{NOW, World, actor, credential, id, identity, on_both, resource},
};
use serde_json::json;
use wardgate_model::{credential::CredentialState, inventory::IdentityState, resource::Kind};

on_both! {
    files_are_the_whole_truth_for_what_came_from_them,
    an_empty_directory_removes_nothing,
    a_bad_list_changes_nothing_at_all,
    no_file_apply_or_restart_undoes_a_containment_or_a_revocation,
    what_the_api_makes_is_its_own,
}

#[test]
fn names_and_origins_are_checked() {
    assert!(ResourceId::parse(Kind::Api, "Ledger").is_err());
    assert!(ResourceId::parse(Kind::Policy, "guardrail:power").is_ok());
    for text in ["api", "shipped", "file:resources/a b.yaml"] {
        assert_eq!(Origin::parse(text).unwrap().to_string(), text);
    }
    assert_eq!(Origin::parse("ftp"), None);
}

async fn files_are_the_whole_truth_for_what_came_from_them(world: World) {
    let apply = async |documents: &[&str]| world.apply(documents).await.unwrap();
    let (owner, ledger) = (r#"a.yaml Owner/payments {"contact":"x"}"#, r#"a.yaml Identity/ledger {"owner":"payments"}"#);
    assert_eq!(apply(&[owner, ledger]).await, "created 2 updated 0 moved 0 removed 0 unchanged 0 seq 2");
    assert_eq!(apply(&[ledger, owner]).await, "created 0 updated 0 moved 0 removed 0 unchanged 2 seq 2");
    let (moved, changed) = (r#"b.yaml Owner/payments {"contact":"x"}"#, r#"a.yaml Identity/ledger {"owner":"cards"}"#);
    assert_eq!(apply(&[moved, changed]).await, "created 0 updated 1 moved 1 removed 0 unchanged 0 seq 4");
    assert_eq!(apply(&[moved]).await, "created 0 updated 0 moved 0 removed 1 unchanged 1 seq 5");
    assert_eq!(
        world.feed().await,
        r#"1 file:a.yaml Owner/payments create - → {"contact":"x"} (apply)
2 file:a.yaml Identity/ledger create - → {"owner":"payments"} (apply)
3 file:b.yaml Owner/payments move {"contact":"x"} → {"contact":"x"} (apply)
4 file:a.yaml Identity/ledger update {"owner":"payments"} → {"owner":"cards"} (apply)
5 file:a.yaml Identity/ledger remove {"owner":"cards"} → - (apply)
"#
    );
    let owner = world.store.resource(&resource("Owner/payments")).await.unwrap().unwrap();
    assert_eq!((owner.origin.to_string().as_str(), owner.revision, owner.created_seq), ("file:b.yaml", 3, 1));
}

async fn an_empty_directory_removes_nothing(world: World) {
    assert_eq!(world.apply(&[]).await.unwrap(), "created 0 updated 0 moved 0 removed 0 unchanged 0 seq 0");
    world.apply(&["a.yaml Owner/payments {}"]).await.unwrap();
    let said = world.apply(&[]).await.unwrap_err().to_string();
    assert!(said.starts_with("no document was found, but 1 came from files before"), "{said}");
    assert_eq!(world.store.resources().await.unwrap().len(), 1);
}

async fn a_bad_list_changes_nothing_at_all(world: World) {
    let twice = world.apply(&["a.yaml Owner/new {}", "a.yaml Owner/payments {}", "b.yaml Owner/payments {}"]).await;
    assert_eq!(twice.unwrap_err().to_string(), "resource `Owner/payments` stands twice, the second time in `b.yaml`");
    world.store.put_resource(&actor("root", ""), &resource("Owner/cards"), &json!({}), Precondition::Absent, NOW).await.unwrap();
    let taken = world.apply(&["a.yaml Owner/new {}", "a.yaml Owner/cards {}"]).await.unwrap_err().to_string();
    assert_eq!(taken, "resource `Owner/cards` was made by `api`, so `a.yaml` cannot declare it: remove one of the two");
    assert_eq!(world.store.resources().await.unwrap().len(), 1);
    assert_eq!(world.store.last_seq().await.unwrap(), 1);
}

async fn no_file_apply_or_restart_undoes_a_containment_or_a_revocation(world: World) {
    let (ledger, other) = ("a.yaml Identity/ledger {}", "a.yaml Identity/other {}");
    world.apply(&[ledger, other]).await.unwrap();
    let (by, who, key) = (actor("root", "leaked"), identity("ledger"), id("AAAAAAAAAAAA"));
    assert_eq!(world.store.status(&who).await.unwrap().state, IdentityState::Active);
    world.store.issue_credential(&by, credential("api_key AAAAAAAAAAAA ledger/main 24"), NOW).await.unwrap();
    world.store.revoke_credential(&by, &key, Precondition::Any, NOW).await.unwrap();
    world.store.set_identity_state(&by, &who, IdentityState::Quarantined, NOW).await.unwrap();
    world.store.set_claim(&by, &who, Claim::Overdue, NOW).await.unwrap();

    // The same again, another spec, another file, gone, back again, and a restart after each.
    let changed = r#"b.yaml Identity/ledger {"state":"active"}"#;
    let rounds: [&[&str]; 5] = [&[ledger, other], &[changed, other], &[other], &[ledger, other], &[ledger]];
    let mut world = world;
    for documents in rounds {
        world.apply(documents).await.unwrap();
        world = world.restart().await;
        let status = world.store.status(&who).await.unwrap();
        assert_eq!((status.state, status.claim, &*status.reason), (IdentityState::Quarantined, Claim::Overdue, "leaked"));
        assert_eq!(world.store.credential(&key).await.unwrap().credential.state, CredentialState::Revoked { at: NOW });
    }
}

async fn what_the_api_makes_is_its_own(world: World) {
    world.apply(&["a.yaml Identity/ledger {}"]).await.unwrap();
    let by = actor("root", "asked for");
    let put = async |name: &str, n: u32, expect| {
        let done = world.store.put_resource(&by, &resource(name), &json!({ "n": n }), expect, NOW).await;
        done.map_or_else(|e| e.to_string(), |r| format!("{} at {} since {}", r.origin, r.revision, r.created_seq))
    };
    let file = "resource `Identity/ledger` comes from the file `a.yaml`: change it there";
    let stale = "resource `Identity/bot` was changed meanwhile: read it again, then decide";
    assert_eq!(put("Identity/ledger", 1, Precondition::Any).await, file);
    assert_eq!(put("Identity/bot", 1, Precondition::Revision(1)).await, stale);
    assert_eq!(put("Identity/bot", 1, Precondition::Absent).await, "api at 2 since 2");
    assert_eq!(put("Identity/bot", 1, Precondition::Any).await, "api at 2 since 2", "unchanged");
    assert_eq!(put("Identity/bot", 2, Precondition::Absent).await, stale);
    assert_eq!(put("Identity/bot", 2, Precondition::Revision(2)).await, "api at 3 since 2");
    assert_eq!(world.store.status(&identity("bot")).await.unwrap().state, IdentityState::Requested);

    let remove = async |name: &str, expect| {
        let done = world.store.remove_resource(&by, &resource(name), expect, NOW).await;
        done.map_or_else(|e| e.to_string(), |seq| format!("removed by {seq}"))
    };
    assert_eq!(remove("Identity/ledger", Precondition::Any).await, file);
    assert_eq!(remove("Identity/none", Precondition::Any).await, "there is no resource `Identity/none`");
    assert_eq!(remove("Identity/bot", Precondition::Revision(2)).await, stale);
    assert_eq!(remove("Identity/bot", Precondition::Revision(3)).await, "removed by 4");
    assert_eq!(put("Identity/bot", 2, Precondition::Any).await, "api at 5 since 5", "a revision never repeats");

    let shipped = Actor::new(Who::Process, "first start");
    let made = world.store.put_resource(&shipped, &resource("Identity/first"), &json!({}), Precondition::Any, NOW).await.unwrap();
    assert_eq!(made.origin, Origin::Shipped);
    assert_eq!(world.store.status(&identity("first")).await.unwrap().state, IdentityState::Active);
    let names = async |after: &str| {
        let page = world.store.resources_of(Kind::Identity, after, 2).await.unwrap();
        page.iter().map(|r| r.id.name().to_owned()).collect::<Vec<_>>().join(" ")
    };
    assert_eq!((names("").await.as_str(), names("first").await.as_str()), ("bot first", "ledger"));
}
