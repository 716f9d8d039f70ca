use crate::{
    NewCredential, Precondition, Step,
    apply::ROWS,
    world::{NOW, World, actor, credential, identity, on_both, resource},
};
use serde_json::json;
use wardgate_model::inventory::IdentityState;

on_both! {
    many_are_issued_as_one_is,
    all_of_them_or_none,
}

fn list(texts: &[&str]) -> Vec<NewCredential> {
    texts.iter().map(|text| credential(text)).collect()
}

async fn many_are_issued_as_one_is(world: World) {
    let by = actor("root", "fleet");
    world.store.put_resource(&by, &resource("Identity/bot-0"), &json!({}), Precondition::Any, NOW).await.unwrap();
    let approve = Step { from: vec![IdentityState::Requested], to: IdentityState::Approved, evidence: None, claim_by: None };
    world.store.step_identity(&by, &identity("bot-0"), &approve, NOW).await.unwrap();
    let texts: Vec<String> = (0..ROWS + 5).map(|n| format!("api_key KEY{n:09} bot-{}/main 24", n / 2)).collect();
    let seq = world.store.issue_credentials(&by, &list(&texts.iter().map(String::as_str).collect::<Vec<_>>()), NOW).await.unwrap();
    assert_eq!(seq, 2 + ROWS as u64 + 5 + 1, "and the first identity is in use");
    assert_eq!(world.store.status(&identity("bot-0")).await.unwrap().state, IdentityState::Active);
    let all = world.store.credentials(&crate::CredentialFilter::default()).await.unwrap();
    assert_eq!(all.len(), ROWS + 5);
    let one = world.store.credential(&all[7].credential.id).await.unwrap();
    assert_eq!((one.credential.identity.as_str(), one.revision, one.created_seq), ("bot-3", 10, 10));
    let feed = world.feed().await;
    assert!(feed.lines().nth(9).unwrap().starts_with("10 root credential/KEY000000007 issue - → {\"created\""), "{feed}");
}

async fn all_of_them_or_none(world: World) {
    let issue = async |texts: &[&str]| {
        let done = world.store.issue_credentials(&actor("root", ""), &list(texts), NOW).await;
        done.map_or_else(|e| e.to_string(), |seq| format!("up to {seq}"))
    };
    assert_eq!(issue(&[]).await, "up to 0");
    assert_eq!(issue(&["api_key AAAAAAAAAAAA bot/main 24"]).await, "up to 1");
    let third = ["api_key BBBBBBBBBBBB bot/main 24", "api_key CCCCCCCCCCCC bot/main 24"];
    assert_eq!(issue(&third).await, "identity entry `bot/main` has 2 live credentials already: revoke one first");
    let twice = ["api_key BBBBBBBBBBBB a/main 24", "api_key BBBBBBBBBBBB b/main 24"];
    let said = "list of `credentials` has an id twice, or one that is on record already: make others";
    assert_eq!(issue(&twice).await, said);
    assert_eq!(issue(&["api_key AAAAAAAAAAAA other/main 24"]).await, said);
    assert_eq!(
        issue(&["x509 DDDDDDDDDDDD bot/main 24"]).await,
        "credential `bot/main` is of the kind `x509`, which is not issued but registered"
    );
    assert_eq!(
        (world.store.last_seq().await.unwrap(), world.store.credentials(&crate::CredentialFilter::default()).await.unwrap().len()),
        (1, 1)
    );
}
