//! Random estates, and random chains of exchanges in them.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use proptest::prelude::{Strategy, any, prop, prop_assert, prop_assert_eq, proptest};
use serde_json::{Value, json};
use std::{
    collections::BTreeSet,
    fmt::Write as _,
    sync::{Arc, LazyLock},
    time::Duration,
};
use wardgate_issuer::{
    api,
    exchange::{Asked, Outcome, Terms, answer},
    place::{Endpoint, Place},
};
use wardgate_model::{facts::Facts, proof::HeldKey, time::Time};
use wardgate_proof::{
    dpop::{Proving, prove},
    entropy::{Entropy as _, SystemEntropy},
    jws::Signer,
};
use wardgate_testkit::world::{self, DAWN, ShippedLimits, TestWorld, world};

const PEOPLE: [&str; 4] = ["ann", "bob", "cid", "dora"];
const APIS: [&str; 3] = ["one", "two", "three"];
const CLASSES: [(&str, &str); 3] = [("list", "GET"), ("write", "POST"), ("delete", "DELETE")];

/// A key of each of them, to which tokens are bound.
pub(crate) static KEYS: LazyLock<[Signer; 4]> =
    LazyLock::new(|| PEOPLE.map(|_| Signer::load(Signer::generate().unwrap().danger_expose()).unwrap()));

/// When somebody asks, and of what it shows possession beside.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Beside {
    pub(crate) now: Time,
    pub(crate) holds: Option<HeldKey>,
}

/// At the beginning, and nothing.
pub(crate) const PLAIN: Beside = Beside { now: DAWN, holds: None };

/// So many seconds later.
pub(crate) fn after(seconds: u64) -> Beside {
    Beside { now: DAWN + Duration::from_secs(seconds), holds: None }
}

/// Possession of somebody's key.
pub(crate) fn holding(who: usize) -> HeldKey {
    HeldKey::Key(URL_SAFE_NO_PAD.decode(KEYS[who].kid()).unwrap().try_into().unwrap())
}

/// Who may do what: a set of classes for each identity and API; who lives in staging; which workload stands behind each API.
#[derive(Debug, Clone)]
pub(crate) struct Estate {
    pub(crate) granted: [[u8; 3]; 4],
    pub(crate) staging: [bool; 4],
    pub(crate) staged: [bool; 3],
    pub(crate) workloads: [usize; 3],
}

/// Everybody may do everything; behind each API stands another one.
pub(crate) const OPEN: Estate = Estate { granted: [[7; 3]; 4], staging: [false; 4], staged: [false; 3], workloads: [1, 2, 3] };

impl Estate {
    fn may(&self, who: usize, api: usize, class: &str) -> bool {
        let at = CLASSES.iter().position(|(name, _)| *name == class).unwrap();
        // `guardrail:environment` keeps staging from production.
        self.granted[who][api] & (1 << at) != 0 && (self.staged[api] || !self.staging[who])
    }

    pub(crate) fn world(&self) -> TestWorld {
        self.ruled("")
    }

    /// The same under policies.
    pub(crate) fn ruled(&self, cedar: &str) -> TestWorld {
        self.requiring("", cedar)
    }

    /// The same where each API wants something of proofs, by class.
    pub(crate) fn requiring(&self, require: &str, cedar: &str) -> TestWorld {
        let mut yaml = "kind: Owner\nname: team\nspec: { accountable: ann@example.com }\n---\nkind: Environment\nname: production\nspec: { production: true }\n---\nkind: Environment\nname: staging\nspec: { production: false }\n".to_owned();
        let live = |staging: bool| if staging { "staging" } else { "production" };
        for (who, (name, staging)) in PEOPLE.iter().zip(self.staging).enumerate() {
            let serves: Vec<&str> = APIS.iter().zip(self.workloads).filter(|(_, workload)| *workload == who).map(|(api, _)| *api).collect();
            let _ = write!(
                yaml,
                "---\nkind: Identity\nname: {name}\nspec: {{ type: workload, owner: team, environment: {}, purpose: testing, serves: [{}], credentials: [{{ name: main, type: api_key, expires_in: 30d }}] }}\n",
                live(staging),
                serves.join(", ")
            );
        }
        for (name, staged) in APIS.iter().zip(self.staged) {
            let operations: Vec<String> =
                CLASSES.iter().map(|(class, method)| format!("{{ match: '{method} /all', class: {class} }}")).collect();
            let _ = write!(
                yaml,
                "---\nkind: Api\nname: {name}\nspec: {{ policy_owner: team, environment: {}, match: {{ path_prefix: /{name} }}, require: {{ {require} }}, accept: [jwt, api_key], upstream: {{ urls: ['http://127.0.0.1:9'] }}, operations: [{}] }}\n",
                live(staged),
                operations.join(", ")
            );
        }
        for (who, name) in PEOPLE.iter().enumerate() {
            for (at, api) in APIS.iter().enumerate() {
                let classes: Vec<&str> = CLASSES
                    .iter()
                    .enumerate()
                    .filter(|(bit, _)| self.granted[who][at] & (1 << bit) != 0)
                    .map(|(_, (class, _))| *class)
                    .collect();
                if !classes.is_empty() {
                    let _ = write!(
                        yaml,
                        "---\nkind: Grant\nname: {name}-{api}\nspec: {{ to: {{ identity: {name} }}, api: {api}, operations: [{}] }}\n",
                        classes.join(", ")
                    );
                }
            }
        }
        world(&yaml, cedar, ShippedLimits::Off).unwrap().issuing().unwrap()
    }
}

fn estates() -> impl Strategy<Value = Estate> {
    // Most are granted much, or few chains would be long.
    let granted = prop::array::uniform4(prop::array::uniform3(prop::sample::select(vec![7_u8, 7, 7, 3, 5, 1, 0])));
    let staging = prop_oneof(&[false, false, false, true]);
    let staged = prop_oneof(&[false, false, true]);
    (granted, prop::array::uniform4(staging), prop::array::uniform3(staged), prop::array::uniform3(0..4_usize))
        .prop_map(|(granted, staging, staged, workloads)| Estate { granted, staging, staged, workloads })
}

fn prop_oneof(values: &[bool]) -> impl Strategy<Value = bool> + Clone + use<> {
    prop::sample::select(values.to_vec())
}

/// A request at an endpoint of the token service, by somebody who has shown a key.
fn asking(world: &TestWorld, who: usize, endpoint: Endpoint, beside: Beside) -> Facts {
    let asked = world::Asked::parse("GET https://gate.example/one/all").unwrap().bearer(world.key(PEOPLE[who]));
    let (facts, _) = world.judge(&asked, beside.now).unwrap();
    let service = api::api(&Place::parse("https://gate.example").unwrap());
    let at = Endpoint::ALL.iter().position(|known| *known == endpoint).unwrap();
    let mut facts = Facts { operation: Some(Arc::clone(&service.operations[at])), api: Some(Arc::new(service)), ..facts };
    assert_eq!(api::endpoint(facts.operation.as_ref().unwrap()), Some(endpoint));
    facts.caller.as_mut().unwrap().holds = beside.holds;
    facts
}

/// What is answered, to the byte.
pub(crate) fn told(world: &TestWorld, who: usize, endpoint: Endpoint, form: &str, beside: Beside) -> String {
    let facts = asking(world, who, endpoint, beside);
    let terms = Terms { life: Duration::from_mins(5) };
    match answer(Asked { facts: &facts, body: form.as_bytes() }, terms, &world.snapshot, &SystemEntropy, beside.now) {
        Outcome::Answer(answer) => String::from_utf8(answer.body().to_vec()).unwrap(),
        Outcome::End { .. } => String::new(),
    }
}

/// What is answered where it is an error, and what is recorded of that.
pub(crate) fn refused(world: &TestWorld, who: usize, form: &str, beside: Beside) -> (Value, String) {
    let facts = asking(world, who, Endpoint::Token, beside);
    let terms = Terms { life: Duration::from_mins(5) };
    match answer(Asked { facts: &facts, body: form.as_bytes() }, terms, &world.snapshot, &SystemEntropy, beside.now) {
        Outcome::Answer(answer) => {
            let effect = answer.headers()["wardgate-effect"].to_str().unwrap().to_owned();
            (serde_json::from_slice(answer.body()).unwrap(), effect)
        }
        Outcome::End { .. } => panic!("nothing is ended"),
    }
}

pub(crate) fn asked(world: &TestWorld, who: usize, form: &str, beside: Beside) -> Option<String> {
    let told: Value = serde_json::from_str(&told(world, who, Endpoint::Token, form, beside)).unwrap();
    told["access_token"].as_str().map(str::to_owned)
}

pub(crate) fn claims(token: &str) -> Value {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(token.split('.').nth(1).unwrap()).unwrap()).unwrap()
}

fn scope(claims: &Value) -> BTreeSet<String> {
    claims["scope"].as_str().unwrap().split(' ').map(str::to_owned).collect()
}

/// Everybody in `act`, outermost first.
pub(crate) fn actors(claims: &Value) -> Vec<String> {
    let acts = std::iter::successors(claims.get("act"), |act| act.get("act"));
    acts.map(|act| act["sub"].as_str().unwrap().to_owned()).collect()
}

/// Whether the gate lets a token in to the operation of a class, shown as a bearer's or with possession of somebody's key.
pub(crate) fn opens(world: &TestWorld, token: &str, api: usize, class: &str, now: Time, key: Option<usize>) -> bool {
    let method = CLASSES.iter().find(|(name, _)| *name == class).unwrap().1;
    let target = format!("https://gate.example/{}/all", APIS[api]);
    let asked = world::Asked::parse(&format!("{method} {target}")).unwrap();
    let asked = match key {
        None => asked.bearer(token),
        Some(who) => {
            let mut id = [0; 16];
            SystemEntropy.fill(&mut id).unwrap();
            let proving = Proving { method, target: &target, token: Some(token), nonce: None, id: &id, now };
            asked.possessed(token, &prove(&KEYS[who], &proving).unwrap())
        }
    };
    world.judge(&asked, now).is_some_and(|(_, verdict)| verdict.ruling.forwards())
}

pub(crate) fn resource(api: usize) -> String {
    format!("&resource=https%3A%2F%2Fgate.example%2F{}", APIS[api])
}

pub(crate) const EXCHANGE: &str = "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Atoken-exchange\
                        &subject_token_type=urn%3Aietf%3Aparams%3Aoauth%3Atoken-type%3Aaccess_token";

proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig { cases: 64, ..Default::default() })]

    /// IS1, IS4: what the gate would refuse is not given out, and no hop has more than the one before: no wider scope, no longer life, no
    /// bearer's token of one that is bound to a key.
    #[test]
    fn a_chain_only_narrows_and_what_is_given_out_opens(
        estate in estates(), first in 0..4_usize, start in 0..3_usize, bound in prop::array::uniform4(any::<bool>()),
        hops in prop::collection::vec((
            any::<bool>(), 0..4_usize, 0..3_usize, prop::sample::select(vec!["", "list", "write", "list write"]),
            prop::sample::select(vec![0_u64, 0, 0, 20, 100, 250]),
        ), 1..8),
    ) {
        let world = estate.world();
        let mut now = DAWN;
        let beside = |who: usize, now| Beside { now, holds: bound[who].then(|| holding(who)) };
        let by_key = |who: usize| bound[who].then_some(who);
        let form = format!("grant_type=client_credentials{}", resource(start));
        let Some(mut token) = asked(&world, first, &form, beside(first, now)) else { return Ok(()) };
        let mut at = start;
        for (workload, other, target, wanted, pause) in hops {
            // Mostly whoever may, sometimes whoever.
            let client = if workload { estate.workloads[at] } else { other };
            now = now + Duration::from_secs(pause);
            let before = claims(&token);
            let wanted = if wanted.is_empty() { String::new() } else { format!("&scope={}", wanted.replace(' ', "+")) };
            let form = format!("{EXCHANGE}&subject_token={token}{}{wanted}", resource(target));
            let Some(next) = asked(&world, client, &form, beside(client, now)) else { continue };
            let after = claims(&next);
            prop_assert_eq!(&after["sub"], &before["sub"]);
            prop_assert!(scope(&after).is_subset(&scope(&before)), "{} of {}", after, before);
            prop_assert!(now.as_seconds() < after["exp"].as_i64().unwrap() && after["exp"].as_i64() <= before["exp"].as_i64());
            prop_assert!(before.get("cnf").is_none() || bound[client], "{} of {}", after, before);
            prop_assert_eq!(after.get("cnf").cloned(), bound[client].then(|| json!({ "jkt": KEYS[client].kid() })));
            let (chain, was) = (actors(&after), actors(&before));
            let holder = was.first().map_or(before["sub"].as_str().unwrap(), String::as_str);
            if holder == PEOPLE[client] {
                prop_assert_eq!(&chain, &was);
            } else {
                prop_assert_eq!(PEOPLE[client], PEOPLE[estate.workloads[at]]);
                prop_assert_eq!((&*chain[0], &chain[1..]), (PEOPLE[client], &was[..]));
            }
            prop_assert!(chain.len() <= 5 && after["wardgate_parents"].as_array().unwrap().len() <= 5);
            prop_assert_eq!(estate.staging[first], estate.staging[client]);
            prop_assert_eq!(estate.staging[first], estate.staged[target]);
            for class in scope(&after) {
                prop_assert!(estate.may(first, target, &class) && estate.may(client, target, &class), "{} of {}", class, after);
            }
            for (class, _) in CLASSES {
                let open = opens(&world, &next, target, class, now, by_key(client));
                prop_assert_eq!(open, scope(&after).contains(class), "{} of {}", class, after);
                prop_assert!(!bound[client] || !opens(&world, &next, target, class, now, None), "as a bearer's: {}", after);
            }
            (token, at) = (next, target);
        }
    }
}

/// Five may act one for the other, and no sixth.
#[test]
fn a_chain_ends_at_the_fifth() {
    let world = OPEN.world();
    let mut token = asked(&world, 0, &format!("grant_type=client_credentials{}", resource(0)), PLAIN).unwrap();
    for hop in 0..5 {
        let (at, next) = (hop % 3, (hop + 1) % 3);
        token = asked(&world, OPEN.workloads[at], &format!("{EXCHANGE}&subject_token={token}{}", resource(next)), PLAIN).unwrap();
        assert_eq!(actors(&claims(&token)).len(), hop + 1);
        assert!(CLASSES.iter().all(|(class, _)| opens(&world, &token, next, class, DAWN, None)));
    }
    assert_eq!(asked(&world, OPEN.workloads[2], &format!("{EXCHANGE}&subject_token={token}{}", resource(0)), PLAIN), None);
    let inner = world.snapshot.identity(&world.identity("cid").unwrap()).unwrap();
    world.denied.stop(wardgate_gate::denied::Subject::Identity(inner.id.clone()), DAWN);
    assert!(!opens(&world, &token, 2, "list", DAWN, None), "cid has acted in it");
}
