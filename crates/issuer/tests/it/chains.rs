//! Chains of exchanges, a rule of the standards each: to what the next token is bound, how long it lives, whom policies see in it, who is
//! told of it.

use crate::hops::{Beside, EXCHANGE, Estate, OPEN, PLAIN, actors, after, asked, claims, holding, opens, resource, told};
use serde_json::{Value, json};
use wardgate_issuer::place::Endpoint;
use wardgate_model::proof::HeldKey;
use wardgate_testkit::world::{DAWN, TestWorld};

const INACTIVE: &str = r#"{"active":false}"#;
const TYPED: &str = "subject_token_type=urn%3Aietf%3Aparams%3Aoauth%3Atoken-type%3Aaccess_token";
const GRANT: &str = "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Atoken-exchange";

/// A first token for an API.
fn first(world: &TestWorld, who: usize, api: usize, beside: Beside) -> String {
    asked(world, who, &format!("grant_type=client_credentials{}", resource(api)), beside).unwrap()
}

/// The next one, upon another.
fn hop(world: &TestWorld, who: usize, token: &str, api: usize, beside: Beside) -> Option<String> {
    asked(world, who, &format!("{EXCHANGE}&subject_token={token}{}", resource(api)), beside)
}

fn held(holds: HeldKey) -> Beside {
    Beside { holds: Some(holds), ..PLAIN }
}

/// STANDARDS §1.8: sender binding is re-bound to the caller's key, never dropped.
#[test]
fn what_is_bound_is_bound_again_to_whoever_acts_and_is_never_let_go() {
    let world = OPEN.world();
    for (of_first, of_next) in [(holding(0), holding(1)), (HeldKey::Certificate([1; 32]), HeldKey::Certificate([2; 32]))] {
        let token = first(&world, 0, 0, held(of_first));
        assert_eq!(hop(&world, 1, &token, 1, PLAIN), None, "who shows no key of its own gets no token that nothing binds");
        assert_eq!(hop(&world, 0, &token, 0, PLAIN), None, "whom the token is of neither");
        let next = claims(&hop(&world, 1, &token, 1, held(of_next)).unwrap());
        let expected = match of_next {
            HeldKey::Key(_) => json!({ "jkt": crate::hops::KEYS[1].kid() }),
            HeldKey::Certificate(_) => json!({ "x5t#S256": "AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI" }),
        };
        assert_eq!(next["cnf"], expected, "to the key of who acts, and not of whom it is of");
        let own = hop(&world, 0, &token, 0, held(of_next)).unwrap();
        assert_eq!(claims(&own)["cnf"], expected, "whom it is of may change its key");
    }
    // Bound to another kind of key is bound; what was not bound may be from now on.
    let token = first(&world, 0, 0, held(HeldKey::Certificate([1; 32])));
    assert!(hop(&world, 1, &token, 1, held(holding(1))).is_some());
    let token = hop(&world, 1, &first(&world, 0, 0, PLAIN), 1, held(holding(1))).unwrap();
    assert_eq!(hop(&world, 2, &token, 2, PLAIN), None);
    // It opens with the key of who acts, and with nothing else.
    for (key, open) in [(Some(1), true), (Some(0), false), (None, false)] {
        assert_eq!(opens(&world, &token, 1, "list", DAWN, key), open, "{key:?}");
    }
}

/// STANDARDS §1.8: lifetime <= subject remaining.
#[test]
fn a_hop_ends_with_what_it_came_of_and_there_is_none_once_that_is_over() {
    let world = OPEN.world();
    let token = first(&world, 0, 0, PLAIN);
    let ends = claims(&token)["exp"].clone();
    assert_eq!(ends, DAWN.as_seconds() + 300);
    let next = claims(&hop(&world, 1, &token, 1, after(200)).unwrap());
    assert_eq!((&next["exp"], &next["iat"]), (&ends, &json!(DAWN.as_seconds() + 200)));
    assert_eq!(claims(&hop(&world, 1, &token, 1, after(299)).unwrap())["exp"], ends);
    // An API takes the token for half a minute more, for clocks that differ. Nothing comes of it any more.
    for seconds in [300, 301, 329] {
        assert!(opens(&world, &token, 0, "list", after(seconds).now, None), "{seconds}");
        assert_eq!(hop(&world, 1, &token, 1, after(seconds)), None, "{seconds}");
        assert_eq!(hop(&world, 0, &token, 0, after(seconds)), None, "its own, {seconds}");
    }
    assert!(!opens(&world, &token, 0, "list", after(330).now, None));
}

/// RFC 8693 §4.1, STANDARDS §1.8, by name: a policy that names an inner actor has no effect.
#[test]
fn a_policy_that_names_an_inner_actor_has_no_effect() {
    let lists = |world: &TestWorld, token: &str, api: usize| opens(world, token, api, "list", DAWN, None);
    for (named, api, by_bob, by_cid) in
        [("ann", "two", true, true), ("bob", "three", true, true), ("bob", "two", false, false), ("cid", "three", true, false)]
    {
        let policy =
            format!("@id(\"not\") forbid (principal, action, resource in Api::\"{api}\") when {{ context.actors.contains(\"{named}\") }};");
        let world = OPEN.ruled(&policy);
        // What the gate would refuse to the outermost is not given out to begin with.
        let second = hop(&world, 1, &first(&world, 0, 0, PLAIN), 1, PLAIN);
        assert_eq!(second.is_some(), by_bob, "{named} at {api}");
        let Some(second) = second else { continue };
        assert!(lists(&world, &second, 1), "{named} at {api}");
        let third = hop(&world, 2, &second, 2, PLAIN);
        assert_eq!(third.is_some(), by_cid, "{named} at {api}");
        if let Some(third) = third {
            assert_eq!(actors(&claims(&third)), ["cid", "bob"]);
            assert!(lists(&world, &third, 2), "{named} at {api}");
        }
    }
}

/// STANDARDS §1.9, by name: introspection is byte-identical for unknown and expired. RFC 7662 §4: who is no audience of a token hears
/// that too.
#[test]
fn introspection_says_the_same_of_what_is_over_as_of_what_never_was() {
    // Dora stands behind nothing; all of them have one owner, who answers for each API.
    let world = Estate { workloads: [1, 2, 2], ..OPEN }.world();
    let token = first(&world, 0, 0, PLAIN);
    let about = |who: usize, text: &str, seconds: u64| told(&world, who, Endpoint::Introspection, &format!("token={text}"), after(seconds));
    assert_eq!(about(0, "nothing", 0), INACTIVE);
    for seconds in [0, 299] {
        for who in [0, 1] {
            let told: Value = serde_json::from_str(&about(who, &token, seconds)).unwrap();
            assert_eq!((&told["active"], &told["sub"]), (&json!(true), &json!("ann")), "{who} after {seconds} s");
        }
        for who in [2, 3] {
            assert_eq!(about(who, &token, seconds), INACTIVE, "an identity of the owner that is no party: {who}");
        }
    }
    for seconds in [300, 301, 329, 331, 100_000] {
        for who in 0..4 {
            assert_eq!(about(who, &token, seconds), INACTIVE, "{who} after {seconds} s");
        }
    }
    // Who acts hears of it, and the workload behind the API that it is for; nobody else does.
    let second = hop(&world, 1, &token, 1, PLAIN).unwrap();
    assert_eq!(serde_json::from_str::<Value>(&about(1, &second, 1)).unwrap()["act"], json!({ "sub": "bob" }));
    assert!(about(2, &second, 1).contains("\"active\":true"));
    assert_eq!(about(3, &second, 1), INACTIVE);
    assert_eq!(about(0, &format!("{token}x"), 1), INACTIVE);
}

/// CVE-2026-9704: what lacks the token that is asked upon is no request for one of the client's own.
#[test]
fn an_exchange_without_a_subject_token_gives_nothing_out() {
    let world = OPEN.world();
    let own = first(&world, 1, 0, PLAIN);
    let actor = format!("actor_token={own}&actor_token_type=urn%3Aietf%3Aparams%3Aoauth%3Atoken-type%3Aaccess_token");
    for form in [
        GRANT.to_owned(),
        format!("{GRANT}&{TYPED}"),
        format!("{GRANT}&subject_token=&{TYPED}"),
        format!("{GRANT}&{actor}"),
        format!("{GRANT}&{TYPED}&{actor}"),
        format!("{GRANT}&subject_token=&{TYPED}&{actor}"),
        format!("{GRANT}&Subject_Token={own}&{TYPED}"),
        format!("{GRANT}&subject_token={own}"),
    ] {
        let told: Value = serde_json::from_str(&told(&world, 1, Endpoint::Token, &format!("{form}{}", resource(0)), PLAIN)).unwrap();
        assert_eq!((&told["error"], told.get("access_token")), (&json!("invalid_request"), None), "{form}");
    }
}
