//! What the token service turns down is on record as that, with why; its client learns no more than before.

use crate::{
    http::Answer,
    token_world::{GRANT, assertion, made, said, world},
};
use serde_json::{Value, json};
use wardgate_proof::jose::algorithm::Algorithm;

/// A scope that is not the client's: it is said which grant is missing, and nobody has used anything.
#[test]
fn a_refused_scope_is_explained_and_no_use_of_the_service() {
    let world = world(Algorithm::Es256, "");
    let answer = world.signed("token", &format!("{GRANT}&scope=write"));
    assert_eq!(said(&answer), "400 invalid_scope");
    let why = |whom: &str| format!("no grant gives {whom} the class `write` of the API `ledger`, or an operation of it");
    assert_eq!(answer.json()["error_description"], why("this client"));
    let explained = world.place.run(&world.gate, &["explain", &answer.id(), "--output", "json"], "");
    assert_eq!(explained.status, 3, "it was refused");
    let told: Value = serde_json::from_str(&explained.out).unwrap();
    assert_eq!(told["effect"], format!("refused scope=not_granted: {}", why("`ledger-sync`")), "{told}");
    assert!(told["remedy"].as_str().unwrap().starts_with("declare a `Grant`"), "{told}");
    let page = world.place.run(&world.gate, &["explain", &answer.id()], "").out;
    assert!(page.contains("what it asked for was refused") && page.contains("refused scope=not_granted"), "{page}");
}

/// A name that nobody has, and the wrong key of one that somebody has: one answer, and two entries of the record.
#[test]
fn that_nobody_has_a_name_is_for_the_record_alone() {
    let world = world(Algorithm::Es256, "");
    let (_, other) = made(Algorithm::Es256);
    let ask = |name: &str| world.shown("token", &assertion(&other, name, &json!({})), GRANT);
    let (nobody, wrong) = (ask("ledger-snyc"), ask("ledger-sync"));
    // But for the id of the request.
    let seen = |answer: &Answer| answer.json().to_string().replace(&answer.id(), "ID");
    assert_eq!((nobody.status, seen(&nobody)), (wrong.status, seen(&wrong)));
    assert_eq!(
        (nobody.field("wardgate-reason"), nobody.field("www-authenticate")),
        (wrong.field("wardgate-reason"), wrong.field("www-authenticate"))
    );
    assert_eq!(said(&nobody), "401 invalid_client");
    let told = |id: &str| world.place.run(&world.gate, &["explain", id, "--output", "json"], "").out;
    let (nobody, wrong): (Value, Value) =
        (serde_json::from_str(&told(&nobody.id())).unwrap(), serde_json::from_str(&told(&wrong.id())).unwrap());
    assert_eq!((&nobody["ruling"]["code"], &wrong["ruling"]["code"]), (&json!("proof.unknown"), &json!("proof.signature")));
    assert!(nobody["remedy"].as_str().unwrap().starts_with("no client of the name that was given is on record"), "{nobody}");
}
