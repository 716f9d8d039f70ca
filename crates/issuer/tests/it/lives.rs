//! How long a token lives: what the operator says, less where much depends on who calls or on what is called.

use std::{fmt::Write as _, sync::Arc, time::Duration};
use wardgate_issuer::{
    api,
    exchange::{Asked, Outcome, Terms, answer},
    place::Place,
};
use wardgate_model::facts::Facts;
use wardgate_proof::entropy::SystemEntropy;
use wardgate_testkit::world::{self, DAWN, ShippedLimits, TestWorld, world};

const DEGREES: [&str; 4] = ["low", "medium", "high", "critical"];

/// An identity of each criticality, each of which may call an API of each sensitivity.
fn estate() -> TestWorld {
    let mut yaml = "{kind: Owner, name: team, spec: {accountable: ann@example.com}}\n---\n\
                    {kind: Environment, name: production, spec: {production: true}}\n"
        .to_owned();
    for degree in DEGREES {
        let _ = write!(
            yaml,
            "---\nkind: Identity\nname: {degree}-caller\nspec: {{type: workload, owner: team, environment: production, purpose: testing, \
             criticality: {degree}, credentials: [{{name: main, type: api_key, expires_in: 30d}}]}}\n---\n\
             kind: Api\nname: {degree}-api\nspec: {{policy_owner: team, environment: production, sensitivity: {degree}, \
             match: {{path_prefix: /{degree}}}, accept: [jwt, api_key], upstream: {{urls: ['http://127.0.0.1:9']}}, \
             operations: [{{match: GET /all, class: list}}]}}\n"
        );
        for caller in DEGREES {
            let _ = write!(
                yaml,
                "---\n{{kind: Grant, name: {caller}-{degree}, spec: {{to: {{identity: {caller}-caller}}, api: {degree}-api, operations: \
                 [list]}}}}\n"
            );
        }
    }
    world(&yaml, "", ShippedLimits::Off).unwrap().issuing().unwrap()
}

/// What the token service says of the life of a token, in seconds.
fn life(world: &TestWorld, caller: &str, called: &str, terms: Terms) -> u64 {
    let target = format!("https://gate.example/{called}");
    let by_key = world::Asked::parse(&format!("GET {target}/all")).unwrap().bearer(world.key(&format!("{caller}-caller")));
    let (facts, _) = world.judge(&by_key, DAWN).unwrap();
    let service = api::api(&Place::parse("https://gate.example").unwrap());
    let facts = Facts { operation: Some(Arc::clone(&service.operations[0])), api: Some(Arc::new(service)), ..facts };
    let form = format!("grant_type=client_credentials&resource=https%3A%2F%2Fgate.example%2F{called}");
    let asked = Asked { facts: &facts, body: form.as_bytes() };
    let Outcome::Answer(answer) = answer(asked, terms, &world.snapshot, &SystemEntropy, DAWN) else { panic!("no answer to {caller}") };
    let told: serde_json::Value = serde_json::from_slice(answer.body()).unwrap();
    let token = super::binding::claims(told["access_token"].as_str().unwrap_or_else(|| panic!("{told}")));
    let lasts = token["exp"].as_u64().unwrap() - token["iat"].as_u64().unwrap();
    assert_eq!(told["expires_in"], lasts, "what is told is what it says");
    lasts
}

/// IS1: a maximum by criticality (and sensitivity), in minutes; the lower of both counts, whatever longer life the operator asks for.
#[test]
fn the_more_depends_on_caller_or_called_the_sooner_a_token_ends() {
    let world = estate();
    let table = |asked: u64| {
        let terms = Terms { life: Duration::from_mins(asked) };
        let mut table = format!("{:>8}", "");
        DEGREES.iter().for_each(|called| write!(table, " {called:>8}").unwrap());
        for caller in DEGREES {
            let _ = write!(table, "\n{caller:>8}");
            DEGREES.iter().for_each(|called| write!(table, " {:>8}", life(&world, caller, called, terms) / 60).unwrap());
        }
        table.trim_start().to_owned()
    };
    assert_eq!(
        table(60),
        "\
              low   medium     high critical
     low       60       30       15        5
  medium       30       30       15        5
    high       15       15       15        5
critical        5        5        5        5"
    );
    assert_eq!(
        table(10),
        "\
              low   medium     high critical
     low       10       10       10        5
  medium       10       10       10        5
    high       10       10       10        5
critical        5        5        5        5"
    );
}
