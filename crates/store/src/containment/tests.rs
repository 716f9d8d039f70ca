use super::{CONTAINED_BYTES_MAX, StoredContainment, TOKEN_ENDED};
use crate::{
    Precondition, Step, Who,
    world::{HOUR, NOW, World, actor, identity, on_both, resource},
};
use serde_json::json;
use wardgate_model::{contain::Containable, inventory::IdentityState};

on_both! {
    containing_is_idempotent_and_releasing_goes_back,
    no_reason_is_lost,
    no_removal_file_apply_or_restart_undoes_a_containment,
    nobody_leaves_a_contained_owner_by_a_file_or_a_removal,
    what_is_contained_before_it_is_declared_is_born_contained,
    a_quarantine_by_a_step_is_a_containment_too,
    anything_can_be_contained,
    a_release_is_of_the_containment_that_was_looked_at,
    what_a_client_ended_stays_ended_whoever_stopped_it_besides,
    no_words_make_a_stop_the_word_of_a_client,
}

async fn state(world: &World, name: &str) -> String {
    world.store.status(&identity(name)).await.map_or_else(|e| e.to_string(), |s| s.state.to_string())
}

async fn contained(world: &World) -> String {
    let all = world.store.containments().await.unwrap();
    all.iter().map(|c| format!("{}/{} by {}", c.kind, c.name, c.actor)).collect::<Vec<_>>().join(", ")
}

async fn containing_is_idempotent_and_releasing_goes_back(world: World) {
    world.store.put_resource(&actor("asks", ""), &resource("Identity/bot"), &json!({}), Precondition::Any, NOW).await.unwrap();
    let contain = async |who: &str, now| world.store.contain(&actor(who, "leaked"), Containable::Identity, "bot", now).await.unwrap();
    let first = contain("root", NOW).await;
    assert_eq!(first, contain("other", NOW + HOUR).await, "the first date and the first actor stay");
    assert_eq!((first.revision, world.store.last_seq().await.unwrap()), (2, 3), "the containment and the state, once");
    assert_eq!((state(&world, "bot").await, contained(&world).await), ("quarantined".into(), "identity/bot by root".into()));
    let named = async |kind, names: &[&str]| world.store.containments_named(kind, names).await.unwrap();
    assert_eq!(named(Containable::Identity, &["another", "bot"]).await, [first]);
    assert_eq!((named(Containable::Task, &["bot"]).await, named(Containable::Identity, &[]).await), (Vec::new(), Vec::new()));
    let release = async || world.store.release(&actor("other", "clean"), Containable::Identity, "bot", NOW).await;
    assert_eq!(release().await.unwrap(), 5);
    assert_eq!((state(&world, "bot").await, contained(&world).await), ("requested".into(), String::new()));
    assert_eq!(release().await.unwrap_err().to_string(), "there is no containment `identity/bot`");
    let feed = world.feed().await;
    let told: Vec<&str> = feed.lines().skip(1).map(|line| line.split(' ').nth(2).unwrap()).collect();
    assert_eq!(told, ["containment/identity/bot", "status/bot", "containment/identity/bot", "status/bot"]);
}

async fn no_reason_is_lost(world: World) {
    let contain = async |who: &str, reason: &str| world.store.contain(&actor(who, reason), Containable::Token, "t", NOW).await.unwrap();
    let told = |one: &StoredContainment| format!("{} {} {}", one.actor, one.reason, one.since == NOW);
    assert_eq!(told(&contain("root", "").await), "root  true");
    assert_eq!(told(&contain("other", "seen in a log").await), "root seen in a log true", "the first gave none");
    assert_eq!(told(&contain("third", "and in a ticket").await), "root seen in a log true");
    let seq = world.store.last_seq().await.unwrap();
    assert_eq!(seq, 3, "the history has it");
    contain("third", "seen in a log").await;
    contain("third", "").await;
    assert_eq!(world.store.last_seq().await.unwrap(), seq, "nothing new is told");
}

async fn no_removal_file_apply_or_restart_undoes_a_containment(world: World) {
    let (ledger, other) = ("a.yaml Identity/ledger {}", "a.yaml Identity/other {}");
    world.apply(&[ledger, other]).await.unwrap();
    world.store.contain(&actor("root", "leaked"), Containable::Identity, "ledger", NOW).await.unwrap();
    let mut world = world;
    for documents in [&[other][..], &[ledger, other], &[r#"b.yaml Identity/ledger {"state":"active"}"#, other]] {
        world.apply(documents).await.unwrap();
        world = world.restart().await;
        assert_eq!((state(&world, "ledger").await, contained(&world).await), ("quarantined".into(), "identity/ledger by root".into()));
    }
    // Retired while contained: it stays both, and releasing it wakes nothing.
    let retire = Step { from: vec![IdentityState::Quarantined], to: IdentityState::Retired, evidence: None, claim_by: None };
    world.store.step_identity(&actor("root", ""), &identity("ledger"), &retire, NOW).await.unwrap();
    assert_eq!(contained(&world).await, "identity/ledger by root");
    world.store.release(&actor("other", ""), Containable::Identity, "ledger", NOW).await.unwrap();
    assert_eq!(state(&world, "ledger").await, "retired");
    world.store.contain(&actor("root", ""), Containable::Identity, "ledger", NOW).await.unwrap();
    assert_eq!(state(&world, "ledger").await, "retired");
}

async fn what_is_contained_before_it_is_declared_is_born_contained(world: World) {
    world.store.contain(&actor("root", "seen in an attack"), Containable::Identity, "bot", NOW).await.unwrap();
    assert_eq!(state(&world, "bot").await, "there is no identity `bot`");
    world.apply(&["a.yaml Identity/bot {}", "a.yaml Identity/other {}"]).await.unwrap();
    assert_eq!((state(&world, "bot").await, state(&world, "other").await), ("quarantined".into(), "active".into()));
    world.store.release(&actor("other", ""), Containable::Identity, "bot", NOW).await.unwrap();
    assert_eq!(state(&world, "bot").await, "active");
}

async fn a_quarantine_by_a_step_is_a_containment_too(world: World) {
    world.apply(&["a.yaml Identity/bot {}"]).await.unwrap();
    let step = async |from, to| {
        let step = Step { from: vec![from], to, evidence: None, claim_by: None };
        world.store.step_identity(&actor("root", "odd"), &identity("bot"), &step, NOW).await.unwrap();
        contained(&world).await
    };
    assert_eq!(step(IdentityState::Active, IdentityState::Quarantined).await, "identity/bot by root");
    assert_eq!(step(IdentityState::Quarantined, IdentityState::Active).await, "");
}

async fn anything_can_be_contained(world: World) {
    let contain = async |kind, name: &str| {
        let done = world.store.contain(&actor("root", "a\0b"), kind, name, NOW).await;
        done.map_or_else(|e| e.to_string(), |c| format!("{} at {}", c.kind, c.revision))
    };
    for (n, kind) in (1..).zip(Containable::ALL) {
        assert_eq!(contain(*kind, "https://issuer.example.com/a b").await, format!("{kind} at {n}"));
    }
    let found = world.store.containment(Containable::Issuer, "https://issuer.example.com/a b").await.unwrap().unwrap();
    assert_eq!((&*found.reason, found.since), ("a\u{FFFD}b", NOW));
    assert_eq!(world.store.containment(Containable::Issuer, "https://other.example.com").await.unwrap(), None);
    assert_eq!(contain(Containable::Token, "").await, "token `` must have a name of 1 to 2048 bytes");
    assert!(contain(Containable::Token, &"x".repeat(CONTAINED_BYTES_MAX + 1)).await.ends_with("must have a name of 1 to 2048 bytes"));
}

async fn nobody_leaves_a_contained_owner_by_a_file_or_a_removal(world: World) {
    let bot = |owner: &str| format!(r#"a.yaml Identity/bot {{"owner":"{owner}"}}"#);
    let gone = |owner: &str| format!(r#"a.yaml Identity/gone {{"owner":"{owner}"}}"#);
    let stays = r#"a.yaml Identity/stays {"owner":"payments"}"#;
    world.apply(&[&bot("payments"), &gone("payments"), stays]).await.unwrap();
    world.store.contain(&actor("root", "leaked"), Containable::Owner, "payments", NOW).await.unwrap();
    world.apply(&[&bot("cards"), r#"a.yaml Identity/stays {"owner":"payments","team":"x"}"#]).await.unwrap();
    world.apply(&[&bot("cards"), &gone("cards"), stays]).await.unwrap();
    assert_eq!((state(&world, "bot").await, state(&world, "gone").await), ("quarantined".into(), "quarantined".into()));
    assert_eq!(state(&world, "stays").await, "active");
    let held = contained(&world).await;
    assert!(held.contains("identity/bot by") && held.contains("identity/gone by") && !held.contains("stays"), "{held}");
    world.store.release(&actor("root", ""), Containable::Owner, "payments", NOW).await.unwrap();
    world.apply(&[&bot("cards"), &gone("payments"), stays]).await.unwrap();
    assert!(!contained(&world).await.contains("stays"), "who is in again may move");
}

async fn a_release_is_of_the_containment_that_was_looked_at(world: World) {
    world.apply(&["a.yaml Identity/bot {}"]).await.unwrap();
    let contain = async || world.store.contain(&actor("root", "leaked"), Containable::Identity, "bot", NOW).await.unwrap().revision;
    let release = async |revision| {
        let expect = Precondition::Revision(revision);
        world.store.release_looked_at(&actor("other", ""), (Containable::Identity, "bot"), expect, NOW).await.map_err(|e| e.to_string())
    };
    let first = contain().await;
    release(first).await.unwrap();
    assert_eq!(release(first).await.unwrap_err(), "there is no containment `identity/bot`");
    let again = contain().await;
    assert!(release(first).await.unwrap_err().contains("identity/bot"), "another stop");
    assert_eq!((state(&world, "bot").await, contained(&world).await), ("quarantined".into(), "identity/bot by root".into()));
    release(again).await.unwrap();
    assert_eq!(state(&world, "bot").await, "active");
}

/// RFC 7009: the client gave it back. Whoever stopped it before may change its mind, and that is not the client's word.
async fn what_a_client_ended_stays_ended_whoever_stopped_it_besides(world: World) {
    let client = || Who::Identity(identity("bot"));
    let contain = async |now| world.store.contain(&actor("root", "seen in a log"), Containable::Token, "j", now).await.unwrap();
    let release = async || world.store.release(&actor("root", "was a mistake"), Containable::Token, "j", NOW + HOUR).await;
    let stopped = contain(NOW).await;
    assert!(!stopped.is_for_good());
    let ended = world.store.end_token(client(), "j", NOW + HOUR).await.unwrap();
    assert!(ended.is_for_good() && ended.since == NOW + HOUR && ended.revision > stopped.revision, "{ended:?}");
    assert_eq!(world.store.end_token(client(), "j", NOW + HOUR + HOUR).await.unwrap(), ended, "once");
    assert_eq!(contain(NOW + HOUR).await, ended, "and a later stop changes nothing");
    assert_eq!(release().await.unwrap_err().to_string(), "token `j` was ended by its client: nobody brings it back");
    assert_eq!(contained(&world).await, "token/j by <client> bot");
    let feed = world.feed().await;
    let told: Vec<&str> = feed.lines().map(|line| line.split(' ').nth(3).unwrap()).collect();
    assert_eq!(told, ["contain", "contain"], "at no time it is let go: {feed}");
    world.store.forget_ended(&actor("process", ""), "j", NOW + HOUR).await.unwrap();
    assert_eq!(contained(&world).await, "");
    // What only an operator stopped is not forgotten.
    contain(NOW + HOUR).await;
    world.store.forget_ended(&actor("process", ""), "j", NOW + HOUR).await.unwrap();
    assert_eq!(contained(&world).await, "token/j by root");
    release().await.unwrap();
}

/// Whoever stops a token says why in any words; what follows from a client's own word does not follow from them.
async fn no_words_make_a_stop_the_word_of_a_client(world: World) {
    let stopped = world.store.contain(&actor("bot", TOKEN_ENDED), Containable::Token, "j", NOW).await.unwrap();
    assert!(!stopped.is_for_good());
    world.store.forget_ended(&actor("process", ""), "j", NOW + HOUR).await.unwrap();
    assert_eq!(contained(&world).await, "token/j by bot", "it does not end with the token");
    let ended = world.store.end_token(Who::Identity(identity("bot")), "j", NOW + HOUR).await.unwrap();
    assert!(ended.is_for_good() && ended.revision > stopped.revision, "{ended:?}");
    world.store.contain(&actor("root", TOKEN_ENDED), Containable::Token, "other", NOW).await.unwrap();
    world.store.release(&actor("root", "was a mistake"), Containable::Token, "other", NOW).await.unwrap();
    assert_eq!(contained(&world).await, "token/j by <client> bot");
}
