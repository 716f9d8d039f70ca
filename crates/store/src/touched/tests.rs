use crate::world::{NOW, World, actor, credential, id, identity};
use wardgate_model::contain::Containable;

#[tokio::test]
async fn stops_are_found_behind_whatever_else_happened() {
    let world = World::new().await;
    world.apply(&[r#"a.yaml Identity/ledger {"owner":"payments"}"#, r#"a.yaml Owner/payments {}"#]).await.unwrap();
    let store = &world.store;
    let by = actor("op", "leaked");
    let issued = store.issue_credential(&by, credential("api_key AAAAAAAAAAAA ledger/main 24"), NOW).await.unwrap();
    let revoked = store.revoke_credential(&by, &id("AAAAAAAAAAAA"), crate::Precondition::Any, NOW).await.unwrap();
    store.contain(&by, Containable::Identity, "ledger", NOW).await.unwrap();

    let told = |changes: Vec<crate::Change>| {
        changes.iter().map(|c| format!("{} {}/{} {}", c.seq, c.subject.as_str(), c.name, c.act.as_str())).collect::<Vec<_>>()
    };
    let stops = told(store.stops_since(0, 10).await.unwrap());
    assert_eq!(stops, ["4 credential/AAAAAAAAAAAA revoke", "5 containment/identity/ledger contain", "6 status/ledger state"]);
    assert_eq!(told(store.stops_since(revoked.revision, 1).await.unwrap()), ["5 containment/identity/ledger contain"]);

    let touched = store.touched_since(0, 10).await.unwrap();
    assert_eq!(touched.len(), 6);
    let key = touched.iter().find(|touched| touched.seq == issued.revision).unwrap();
    assert_eq!((&*key.name, key.identity.clone()), ("AAAAAAAAAAAA", Some(identity("ledger"))));
    assert!(touched.iter().all(|touched| touched.identity.is_none() || touched.name.starts_with("AAAA")));
}
