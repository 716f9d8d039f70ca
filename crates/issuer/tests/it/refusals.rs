//! What a refused client is told, and what is recorded of it.

use super::hops::{Beside, EXCHANGE, Estate, OPEN, PLAIN, asked, holding, refused, resource};
use wardgate_testkit::world::TestWorld;

/// The answer's `error_description`, and the effect.
fn scope(world: &TestWorld, who: usize, api: usize, scope: &str) -> (String, String) {
    let form = format!("grant_type=client_credentials{}&scope={scope}", resource(api));
    let (said, effect) = refused(world, who, &form, PLAIN);
    assert_eq!(said["error"], "invalid_scope", "{said}");
    (said["error_description"].as_str().unwrap().to_owned(), effect)
}

/// Ann may list and delete, and nothing else, at `one`; bob is of staging.
fn estate() -> Estate {
    let mut granted = [[7; 3]; 4];
    granted[0][0] = 5;
    Estate { granted, ..OPEN }
}

/// A word of no meaning, a class that no operation has, one that is not granted, and one that wants another token: each is said as what it is.
#[test]
fn why_a_scope_opens_nothing_is_told() {
    let world = estate().world();
    let (told, effect) = scope(&world, 0, 0, "s3cret-of-somebody");
    assert_eq!(told, "`s3cret-of-somebody` is no scope: there are read list write delete bulk admin login money");
    assert_eq!(effect, "refused scope=unknown: a word of `scope` is no class of operations", "what a client wrote is not recorded");
    let (told, effect) = scope(&world, 0, 0, "money");
    assert_eq!(told, "the API `one` has no operation of the class `money`");
    assert_eq!(effect, "refused scope=no_operation: the API `one` has no operation of the class `money`");
    let (told, effect) = scope(&world, 0, 0, "write");
    assert_eq!(told, "no grant gives this client the class `write` of the API `one`, or an operation of it");
    assert_eq!(effect, format!("refused scope=not_granted: {}", told.replace("this client", "`ann`")));
}

/// Which policies there are is for the record alone.
#[test]
fn what_a_policy_keeps_is_on_record_by_its_name() {
    let world = estate().ruled("@id(\"no-deletes\") forbid (principal, action == Action::\"delete\", resource);");
    let (told, effect) = scope(&world, 0, 0, "delete");
    assert_eq!(told, "a policy keeps the scope `delete` from this client");
    assert!(
        effect.starts_with("refused scope=policy: the scope `delete` is kept from `ann` at ") && effect.contains("no-deletes"),
        "{effect}"
    );
}

#[test]
fn a_class_that_is_kept_for_bound_tokens_says_so() {
    let world = estate().requiring("delete: { bound: true }", "");
    let (told, effect) = scope(&world, 0, 0, "delete");
    assert_eq!(
        told,
        "the scope `delete` takes a token that is bound to a key: send a proof of possession in `DPoP`, or show a certificate"
    );
    assert_eq!(effect, format!("refused scope=unbound: {told}"));
    let form = format!("grant_type=client_credentials{}&scope=delete", resource(0));
    assert!(asked(&world, 0, &form, Beside { holds: Some(holding(0)), ..PLAIN }).is_some(), "and with one it is given out");
}

#[test]
fn who_may_not_act_is_on_record_with_the_api_it_does_not_serve() {
    let world = OPEN.world();
    let token = asked(&world, 0, &format!("grant_type=client_credentials{}", resource(0)), PLAIN).unwrap();
    let form = format!("{EXCHANGE}&subject_token={token}{}", resource(1));
    // Behind `one` stands bob.
    let (said, effect) = refused(&world, 3, &form, PLAIN);
    assert_eq!(said["error"], "invalid_request", "{said}");
    assert_eq!(effect, "refused subject=may_not_act: `dora` may not act with a token of `ann` for the API `one`");
    assert!(asked(&world, 1, &form, PLAIN).is_some(), "who serves it may");
    // Ann's token for `one` is for what she may do there; of that nothing is open to bob at `two`.
    let mut granted = OPEN.granted;
    granted[1][1] = 1;
    let less = Estate { granted, ..OPEN }.world();
    let narrow = asked(&less, 0, &format!("grant_type=client_credentials{}&scope=write", resource(0)), PLAIN).unwrap();
    let (said, effect) = refused(&less, 1, &format!("{EXCHANGE}&subject_token={narrow}{}", resource(1)), PLAIN);
    assert_eq!((&*effect, &said["error"]), ("refused target=subject", &"invalid_target".into()));
    // Any other refusal has its error and its sentence.
    let (said, effect) = refused(&world, 0, "grant_type=password", PLAIN);
    assert_eq!(said["error"], "unsupported_grant_type");
    assert_eq!(effect, "refused error=unsupported_grant_type: `grant_type` is none that is known here");
}
