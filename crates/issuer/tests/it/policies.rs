//! What is given out under random policies, held against the judge.

use super::binding::claims;
use proptest::prelude::{Strategy, any, prop, prop_assert, prop_assert_eq, proptest};
use std::{collections::BTreeSet, fmt::Write as _, sync::Arc, time::Duration};
use wardgate_issuer::{
    api,
    exchange::{Asked, Outcome, Terms, answer},
    place::Place,
};
use wardgate_model::{
    facts::Facts,
    id::{CredentialId, IdentityId},
    proof::HeldKey,
};
use wardgate_proof::{
    access_token::AccessToken,
    dpop::{Proving, prove},
    entropy::SystemEntropy,
    jose::base64url,
    jws::Signer,
};
use wardgate_testkit::world::{self, DAWN, ShippedLimits, TestWorld, world};

const CLASSES: [(&str, &str); 4] = [("list", "GET"), ("write", "POST"), ("delete", "DELETE"), ("admin", "PUT")];

/// What holds of a token wherever it is shown, and of who shows it and what is called.
const CONDITIONS: [&str; 14] = [
    "true",
    r#"context.proof.kind == "api_key""#,
    r#"context.proof.kind == "jwt""#,
    "context.proof.bound",
    "context has token",
    r#"context has token && context.token.scopes.contains("delete")"#,
    r#"context has token && context.token.scopes.containsAll(["list", "write"])"#,
    r#"context has token && context.token.issuer == "https://gate.example""#,
    r#"context has token && context.token.audience.contains("https://gate.example/shop")"#,
    r#"context.actors.contains("shop")"#,
    "context has task",
    r#"context.lane == "machine""#,
    r#"principal.type == "workload" && context.proof.bound"#,
    r#"resource.class == "write" || context.proof.kind == "jwt""#,
];

#[derive(Debug, Clone)]
struct Policy {
    permits: bool,
    unless: bool,
    class: Option<usize>,
    condition: usize,
}

#[derive(Debug, Clone)]
struct Estate {
    granted: u8,
    bound: Option<usize>,
    policies: Vec<Policy>,
}

impl Estate {
    fn world(&self) -> TestWorld {
        let words = |all: &dyn Fn(usize) -> bool| {
            let chosen: Vec<&str> = CLASSES.iter().enumerate().filter(|(at, _)| all(*at)).map(|(_, (class, _))| *class).collect();
            chosen.join(", ")
        };
        let operations: Vec<String> = CLASSES.iter().map(|(class, method)| format!("{{match: {method} /all, class: {class}}}")).collect();
        let require = self.bound.map(|at| format!("require: {{{}: {{bound: true}}}}, ", CLASSES[at].0)).unwrap_or_default();
        let mut yaml = format!(
            "{{kind: Owner, name: team, spec: {{accountable: ann@example.com}}}}\n---\n{{kind: Environment, name: production, spec: {{production: true}}}}\n---\n\
             kind: Identity\nname: shop\nspec: {{type: workload, owner: team, environment: production, purpose: testing, credentials: [{{name: main, type: api_key, expires_in: 30d}}]}}\n---\n\
             kind: Api\nname: shop\nspec: {{policy_owner: team, environment: production, match: {{path_prefix: /shop}}, accept: [jwt, api_key], {require}upstream: {{urls: ['http://127.0.0.1:9']}}, operations: [{}]}}\n",
            operations.join(", ")
        );
        let granted = words(&|at| self.granted & (1 << at) != 0);
        if !granted.is_empty() {
            let _ = write!(yaml, "---\n{{kind: Grant, name: all, spec: {{to: {{identity: shop}}, api: shop, operations: [{granted}]}}}}\n");
        }
        let mut cedar = String::new();
        for (at, Policy { permits, unless, class, condition }) in self.policies.iter().enumerate() {
            let effect = if *permits { "permit" } else { "forbid" };
            let action = class.map(|class| format!("action == Action::\"{}\"", CLASSES[class].0)).unwrap_or_else(|| "action".to_owned());
            let when = if *unless { "unless" } else { "when" };
            let _ = writeln!(cedar, "@id(\"p{at}\") {effect} (principal, {action}, resource) {when} {{ {} }};", CONDITIONS[*condition]);
        }
        world(&yaml, &cedar, ShippedLimits::Off).unwrap().issuing().unwrap()
    }
}

fn estates() -> impl Strategy<Value = Estate> {
    let policy = (any::<bool>(), any::<bool>(), prop::option::of(0..CLASSES.len()), 0..CONDITIONS.len())
        .prop_map(|(permits, unless, class, condition)| Policy { permits, unless, class, condition });
    let granted = prop::sample::select(vec![0_u8, 3, 7, 15, 15]);
    (granted, prop::option::of(0..CLASSES.len()), prop::collection::vec(policy, 0..5)).prop_map(|(granted, bound, policies)| Estate {
        granted,
        bound,
        policies,
    })
}

struct Scene {
    world: TestWorld,
    key: Signer,
    bound: bool,
}

impl Scene {
    fn holds(&self) -> Option<HeldKey> {
        self.bound.then(|| HeldKey::Key(base64url::decode(self.key.kid()).unwrap().try_into().unwrap()))
    }

    /// A token by client credentials, or the error.
    fn asks(&self, scope: &str) -> Result<String, String> {
        let by_key = world::Asked::parse("GET https://gate.example/shop/all").unwrap().bearer(self.world.key("shop"));
        let (mut facts, _) = self.world.judge(&by_key, DAWN).unwrap();
        facts.caller.as_mut().unwrap().holds = self.holds();
        let service = api::api(&Place::parse("https://gate.example").unwrap());
        let facts = Facts { operation: Some(Arc::clone(&service.operations[0])), api: Some(Arc::new(service)), ..facts };
        let scope = if scope.is_empty() { String::new() } else { format!("&scope={scope}") };
        let form = format!("grant_type=client_credentials&resource=https%3A%2F%2Fgate.example%2Fshop{scope}");
        match answer(
            Asked { facts: &facts, body: form.as_bytes() },
            Terms { life: Duration::from_mins(5) },
            &self.world.snapshot,
            &SystemEntropy,
            DAWN,
        ) {
            Outcome::Answer(answer) => {
                let told: serde_json::Value = serde_json::from_slice(answer.body()).unwrap();
                told["access_token"].as_str().map(str::to_owned).ok_or_else(|| told["error"].as_str().unwrap().to_owned())
            }
            Outcome::End { .. } => Err("ended".to_owned()),
        }
    }

    /// A token as the service would have made it, had it given one out for these classes.
    fn made(&self, scope: &str) -> String {
        let identity = IdentityId::literal("shop");
        let credential = CredentialId::parse(self.world.key("shop").split('_').nth(2).unwrap()).unwrap();
        let token = AccessToken {
            issuer: "https://gate.example",
            identity: &identity,
            audience: "https://gate.example/shop",
            scope,
            credential,
            id: "00112233445566778899aabbccddeeff",
            since: None,
            on_behalf_of: None,
            actors: &[],
            parents: &[],
            unbound: false,
            task: None,
            issued: DAWN,
            ends: DAWN + Duration::from_mins(5),
            bound_to: self.holds(),
        };
        token.sign(self.world.snapshot.mint().tokens().unwrap()).unwrap()
    }

    /// `round`: no proof is shown twice.
    fn opens(&self, token: &str, class: usize, round: u8) -> bool {
        let (method, target) = (CLASSES[class].1, "https://gate.example/shop/all");
        let asked = world::Asked::parse(&format!("{method} {target}")).unwrap();
        let asked = if self.bound {
            let proving =
                Proving { method, target, token: Some(token), nonce: None, id: &[round + u8::try_from(class).unwrap(); 16], now: DAWN };
            asked.possessed(token, &prove(&self.key, &proving).unwrap())
        } else {
            asked.bearer(token)
        };
        self.world.judge(&asked, DAWN).is_some_and(|(_, verdict)| verdict.ruling.forwards())
    }
}

fn classes(token: &str) -> BTreeSet<usize> {
    let claims = claims(token);
    let words: Vec<&str> = claims["scope"].as_str().unwrap().split(' ').collect();
    CLASSES.iter().enumerate().filter(|(_, (class, _))| words.contains(class)).map(|(at, _)| at).collect()
}

proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig { cases: 96, ..Default::default() })]

    /// Issue and gate agree, both ways: what is given out opens all that it says; and what is not, though asked for alone, would open nothing.
    #[test]
    fn what_the_gate_would_refuse_is_not_given_out_and_nothing_else_is_withheld(estate in estates(), bound: bool) {
        let key = Signer::load(Signer::generate().unwrap().danger_expose()).unwrap();
        let scene = Scene { world: estate.world(), key, bound };
        if let Ok(token) = scene.asks("") {
            for class in classes(&token) {
                prop_assert!(scene.opens(&token, class, 10), "{} of {}", CLASSES[class].0, claims(&token));
            }
        }
        for (class, (word, _)) in CLASSES.iter().enumerate() {
            match scene.asks(word) {
                Ok(token) => {
                    prop_assert_eq!(classes(&token), BTreeSet::from([class]));
                    prop_assert!(scene.opens(&token, class, 20), "{}", word);
                }
                Err(error) => {
                    prop_assert!(error == "invalid_scope" || error == "invalid_target", "{}", error);
                    prop_assert!(!scene.opens(&scene.made(word), class, 30), "{} is withheld", word);
                }
            }
        }
    }
}
