use super::IdentityRecord;
use crate::{
    Precondition,
    world::{NOW, World, actor, credential, id, identity, on_both},
};

on_both! {
    the_estate_is_everything_but_identities,
    records_are_found_by_name,
    pages_are_of_everybody_in_order,
}

fn shown(record: &IdentityRecord) -> String {
    let state = record.status.as_ref().map_or_else(|| "-".to_owned(), |s| s.state.to_string());
    let declared = if record.resource.is_some() { "declared" } else { "gone" };
    let keys: String = record.credentials.iter().map(|c| &c.credential.id.as_str()[..1]).collect();
    format!("{} {declared} {state} {keys}", record.identity)
}

async fn filled(world: &World) {
    let by = actor("root", "");
    world.apply(&["a.yaml Owner/payments {}", "a.yaml Identity/b-bot {}", "a.yaml Identity/a-bot {}", "a.yaml Zone/lan {}"]).await.unwrap();
    for text in [
        "api_key BBBBBBBBBBBB a-bot/main 24",
        "api_key AAAAAAAAAAAA a-bot/main 24",
        "session SESSIONxxxxx a-bot/session 24",
        "session TESSIONxxxxx a-bot/session 24",
        "sign_in CCCCCCCCCCCC operator/first 24",
    ] {
        world.store.issue_credential(&by, credential(text), NOW).await.unwrap();
    }
    world.store.revoke_credential(&by, &id("BBBBBBBBBBBB"), Precondition::Any, NOW).await.unwrap();
    world.store.revoke_credential(&by, &id("SESSIONxxxxx"), Precondition::Any, NOW).await.unwrap();
    // One that is not declared any more.
    world.apply(&["a.yaml Owner/payments {}", "a.yaml Identity/a-bot {}", "a.yaml Zone/lan {}"]).await.unwrap();
}

async fn the_estate_is_everything_but_identities(world: World) {
    filled(&world).await;
    let by = actor("root", "");
    world.store.contain(&by, wardgate_model::contain::Containable::Owner, "payments", NOW).await.unwrap();
    let owner = wardgate_model::id::OwnerName::parse("payments").unwrap();
    world.store.attest_owner(&by, &owner, NOW).await.unwrap();
    let estate = world.store.estate().await.unwrap();
    let names: Vec<_> = estate.resources.iter().map(|r| r.id.to_string()).collect();
    assert_eq!(names, ["Owner/payments", "Zone/lan"]);
    assert_eq!((estate.seq, estate.owners.len(), estate.containments.len(), estate.secrets.len()), (14, 1, 1, 0));
}

async fn records_are_found_by_name(world: World) {
    filled(&world).await;
    let found = world.store.identity_records(&["b-bot", "nobody", "a-bot"].map(identity)).await.unwrap();
    assert_eq!(found.seq, 12);
    let shown: Vec<_> = found.records.iter().map(shown).collect();
    assert_eq!(
        shown,
        ["a-bot declared active BAT", "b-bot gone active ", "nobody gone - "],
        "a revoked key stays, a session that is over does not"
    );
    assert!(world.store.identity_records(&[]).await.unwrap().records.is_empty());
    let many: Vec<_> = (0..500).map(|n| identity(&format!("bot-{n}"))).collect();
    assert_eq!(world.store.identity_records(&many).await.unwrap().records.len(), 500);
}

async fn pages_are_of_everybody_in_order(world: World) {
    filled(&world).await;
    let (mut seen, mut after) = (Vec::new(), String::new());
    loop {
        let page = world.store.identities_page(&after, 2).await.unwrap();
        assert!(page.records.len() <= 2);
        let Some(last) = page.records.last() else { break };
        after = last.identity.to_string();
        seen.extend(page.records.iter().map(shown));
    }
    assert_eq!(seen, ["a-bot declared active BAT", "b-bot gone active ", "operator gone - C"]);
}
