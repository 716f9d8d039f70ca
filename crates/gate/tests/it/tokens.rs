//! Tokens of trust sources: whom they stand for, and what is refused (RFC 8725, STANDARDS §1.5, §1.12).

use std::{net::IpAddr, sync::Arc, time::Duration};
use wardgate_gate::{
    Answer, Estate, KeysAnswer, Need, Snapshot, Step, Verdict, decide,
    denied::Subject,
    establish, establish_with,
    trust::{Trust, TrustedIssuer},
};
use wardgate_model::{
    facts::{Facts, Unknown},
    id::{ApiName, CredentialId, IdentityId, TrustName},
    time::Time,
};
use wardgate_proof::{
    access_token::AccessToken,
    api_key,
    jose::{
        algorithm::Algorithms,
        jwk::{Accepting, Usage},
        key_set::KeySet,
    },
    jws::{Signer, jwks},
};
use wardgate_testkit::world::{Asked, DAWN, ShippedLimits, TestWorld, Texts};

const WORLD: &str = "\
{kind: Owner, name: payments, spec: {accountable: lead@example.com}}
---
{kind: Environment, name: production, spec: {production: true}}
---
{kind: TrustSource, name: ci, spec: {type: oidc, issuer: 'https://ci.example', audiences: [wardgate], jwks: 'file:ci.json'}}
---
{kind: TrustSource, name: far, spec: {type: oidc, issuer: 'https://far.example', audiences: [wardgate], on_behalf_of: sub, subject_claim: azp}}
---
kind: Identity
name: ledger-ci
spec:
  {type: ci_job, owner: payments, environment: production, purpose: builds,
   credentials: [{name: main, type: oidc, trust: ci, subject: 'repo:acme/ledger:*', claims: {environment: production}}]}
---
kind: Identity
name: bound
spec:
  {type: ci_job, owner: payments, environment: production, purpose: builds,
   credentials: [{name: main, type: oidc, trust: ci, subject: 'bound', sources: [10.0.0.0/8]}]}
---
kind: Identity
name: one
spec: {type: ci_job, owner: payments, environment: production, purpose: a, credentials: [{name: a, type: oidc, trust: ci, subject: both, claims: {a: 1}}]}
---
kind: Identity
name: other
spec: {type: ci_job, owner: payments, environment: production, purpose: b, credentials: [{name: b, type: oidc, trust: ci, subject: both, claims: {a: 2}}]}
---
kind: Identity
name: app
spec: {type: service_account, owner: payments, environment: production, purpose: b, credentials: [{name: b, type: oidc, trust: far, subject: app}]}
---
kind: Api
name: ledger
spec:
  policy_owner: payments
  business_owner: payments
  environment: production
  match: {hosts: [ledger.example]}
  accept: [jwt]
  upstream: {urls: ['http://127.0.0.1:9000']}
  operations: [{match: GET /entries, class: list}]
---
kind: Api
name: old
spec:
  policy_owner: payments
  business_owner: payments
  environment: production
  match: {hosts: [old.example]}
  upstream: {urls: ['http://127.0.0.1:9000']}
  operations: [{match: GET /entries, class: list}]
---
{kind: Grant, name: all, spec: {to: {owner: payments}, api: ledger, operations: [list]}}
";

fn signer() -> Signer {
    Signer::load(Signer::generate().unwrap().danger_expose()).unwrap()
}

fn estate(ci: &Signer) -> TestWorld {
    limited_estate(ci, "")
}

fn limited_estate(ci: &Signer, limit: &str) -> TestWorld {
    let keys = jwks([ci]).to_string();
    Texts { yaml: &format!("{WORLD}{limit}"), cedar: &[], files: &[("ci.json", keys.as_bytes())], grants: &[], shipped: ShippedLimits::Off }
        .world()
        .unwrap()
}

/// A token with the claims of `changes` over those of a good one.
fn token(signer: &Signer, changes: serde_json::Value) -> String {
    let now = DAWN.as_seconds();
    let mut claims = serde_json::json!({
        "iss": "https://ci.example", "sub": "repo:acme/ledger:ref:refs/heads/main", "aud": "wardgate", "environment": "production",
        "iat": now, "exp": now + 300, "jti": "1", "scope": "a b",
    });
    for (name, value) in changes.as_object().unwrap() {
        claims[name] = value.clone();
    }
    signer.sign("JWT", &claims).unwrap()
}

pub(crate) fn asked(token: &str) -> Asked {
    Asked::parse("GET /entries\nhost: ledger.example").unwrap().bearer(token)
}

fn said((facts, verdict): &(Facts, Verdict)) -> String {
    let identity = facts.caller.as_ref().map_or("nobody", |caller| caller.identity.id.as_str());
    format!("{} {identity}", verdict.ruling.reason().code())
}

fn ruled(world: &TestWorld, token: &str, now: Time) -> String {
    said(&world.judge(&asked(token), now).unwrap())
}

/// The network counts first; where no zone has it, who vouches for the caller does.
#[test]
fn who_vouches_for_a_caller_says_from_which_zone_it_comes_where_no_network_does() {
    let ci = signer();
    let zones = "---\n{kind: Environment, name: staging, spec: {}}\n---\n{kind: Zone, name: runners, spec: {ci_providers: [ci], environment: staging}}\n---\n{kind: Zone, name: office, spec: {networks: [10.0.0.0/8]}}\n";
    let world = limited_estate(&ci, zones);
    let good = token(&ci, serde_json::json!({}));
    let from = |asked: Asked, address: &str| {
        let (facts, _) = world.judge(&asked.from(address.parse().unwrap()), DAWN).unwrap();
        let zone = facts.source.zone.map(|zone| (zone.name.to_string(), zone.environment.map(|environment| environment.name.to_string())));
        zone.unwrap_or_default()
    };
    assert_eq!(from(asked(&good), "192.0.2.7"), ("runners".to_owned(), Some("staging".to_owned())));
    assert_eq!(from(asked(&good), "10.1.2.3"), ("office".to_owned(), None));
    // A token that is refused vouches for nobody.
    assert_eq!(from(asked(&token(&ci, serde_json::json!({ "aud": "other" }))), "192.0.2.7"), (String::new(), None));
    assert_eq!(from(Asked::parse("GET /entries\nhost: ledger.example").unwrap(), "192.0.2.7"), (String::new(), None));
    // What is open is judged again in the same zone.
    let (facts, verdict) = world.judge(&asked(&good).from([192, 0, 2, 7].into()), DAWN).unwrap();
    assert!(verdict.permit.is_some());
    let evidence = wardgate_gate::review::Evidence { token: Some(&good), ..Default::default() };
    assert!(wardgate_gate::review::review(&facts, evidence, &world.snapshot, DAWN).is_ok());
}

#[test]
fn a_token_stands_for_the_one_identity_that_its_subject_and_claims_name() {
    let ci = signer();
    let world = estate(&ci);
    let good = token(&ci, serde_json::json!({}));
    for round in ["verified", "remembered"] {
        let (facts, verdict) = world.judge(&asked(&good), DAWN + Duration::from_secs(5)).unwrap();
        let caller = facts.caller.as_ref().unwrap();
        assert_eq!(said(&(facts.clone(), verdict)), "rule.allowed ledger-ci", "{round}");
        let token = caller.token.as_ref().unwrap();
        assert_eq!((&*token.issuer, token.scopes.len(), caller.proof.age_s(DAWN + Duration::from_secs(5))), ("https://ci.example", 2, 5));
        assert_eq!(caller.credential.as_ref().unwrap().id, api_key::declared_id("ledger-ci", "ci", "repo:acme/ledger:*"));
    }
    for (changes, expected) in [
        (serde_json::json!({ "sub": "repo:acme/other:main" }), "proof.subject nobody"),
        (serde_json::json!({ "environment": "staging" }), "proof.subject nobody"),
        (serde_json::json!({ "environment": ["production"] }), "rule.allowed ledger-ci"),
        (serde_json::json!({ "sub": "both", "a": 1 }), "rule.allowed one"),
        (serde_json::json!({ "sub": "both", "a": [1, 2] }), "identity.ambiguous nobody"),
        (serde_json::json!({ "sub": "bound" }), "proof.source bound"),
        (serde_json::json!({ "aud": "other" }), "proof.claims nobody"),
        (serde_json::json!({ "aud": ["other", "wardgate"] }), "rule.allowed ledger-ci"),
        (serde_json::json!({ "iss": "https://nobody.example" }), "proof.issuer nobody"),
        (serde_json::json!({ "iss": "https://ci.example/" }), "proof.issuer nobody"),
        (serde_json::json!({ "exp": DAWN.as_seconds() - 60 }), "proof.expired nobody"),
        (serde_json::json!({ "nbf": DAWN.as_seconds() + 120 }), "proof.claims nobody"),
        (serde_json::json!({ "exp": DAWN.as_seconds() + 100 * 86_400 }), "proof.claims nobody"),
        (serde_json::json!({ "cnf": { "jkt": "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I" } }), "proof.binding nobody"),
        // Nobody here knows who acts (RFC 8693 §4.1): not to be asked for, recorded or stopped.
        (serde_json::json!({ "act": { "sub": "somebody" } }), "proof.claims nobody"),
        (serde_json::json!({ "act": { "sub": "ledger-ci", "iss": "https://gate.example" } }), "proof.claims nobody"),
        (serde_json::json!({ "act": {} }), "proof.claims nobody"),
        (serde_json::json!({ "act": null }), "proof.claims nobody"),
        // Who may act says nothing of who does.
        (serde_json::json!({ "may_act": { "sub": "somebody" } }), "rule.allowed ledger-ci"),
    ] {
        assert_eq!(ruled(&world, &token(&ci, changes.clone()), DAWN), expected, "{changes}");
    }
    let from = asked(&token(&ci, serde_json::json!({ "sub": "bound" }))).from(IpAddr::from([10, 1, 1, 1]));
    assert_eq!(said(&world.judge(&from, DAWN).unwrap()), "rule.allowed bound");
    assert_eq!(ruled(&world, &token(&ci, serde_json::json!({})).replacen("ey", "ex", 1), DAWN), "proof.unknown nobody");
    let elsewhere = Asked::parse("GET /entries\nhost: old.example").unwrap().bearer(&good);
    assert_eq!(said(&world.judge(&elsewhere, DAWN).unwrap()), "proof.unknown nobody", "an API that takes no tokens");
}

#[test]
fn what_is_remembered_ends_with_the_token_its_keys_and_its_credential() {
    let ci = signer();
    let mut world = estate(&ci);
    let good = token(&ci, serde_json::json!({}));
    let (_, verdict) = world.judge(&asked(&good), DAWN).unwrap();
    let lease = verdict.permit.unwrap().depart().lease;
    assert_eq!(lease.ends(), Some(DAWN + Duration::from_secs(330)), "an open stream ends with the token, skew included");
    assert_eq!(ruled(&world, &good, DAWN + Duration::from_secs(329)), "rule.allowed ledger-ci");
    assert_eq!(ruled(&world, &good, DAWN + Duration::from_secs(330)), "proof.expired ledger-ci", "the record says whose it was");
    world.denied.stop(Subject::Credential(api_key::declared_id("ledger-ci", "ci", "repo:acme/ledger:*")), DAWN);
    assert_eq!(ruled(&world, &good, DAWN), "proof.revoked ledger-ci");
    assert!(!lease.is_live());
    // Keys that are gone take with them what they proved.
    let mut far = estate(&ci);
    let theirs = token(&ci, serde_json::json!({ "iss": "https://far.example", "azp": "app" }));
    far.fetched("far", &jwks([&ci]).to_string(), DAWN + Duration::from_secs(60)).unwrap();
    assert_eq!(ruled(&far, &theirs, DAWN), "rule.allowed app");
    let late = far.judge(&asked(&theirs), DAWN + Duration::from_secs(60));
    assert!(late.is_none(), "what was found with keys that are too old by now is found anew, whether or not anybody says that they are");
    far.fetched("far", &jwks([&signer()]).to_string(), DAWN + Duration::from_secs(60)).unwrap();
    assert!(far.judge(&asked(&theirs), DAWN).is_none(), "newer keys are asked for");
    world.fetched("far", &jwks([&ci]).to_string(), DAWN).unwrap();
    assert!(world.judge(&asked(&theirs), DAWN).is_none(), "keys too old to be believed are none");
}

#[test]
fn a_trust_source_that_is_stopped_vouches_for_nobody() {
    let ci = signer();
    let world = estate(&ci);
    let (good, unknown) = (token(&ci, serde_json::json!({})), token(&ci, serde_json::json!({ "sub": "repo:acme/other:main" })));
    let (_, verdict) = world.judge(&asked(&good), DAWN).unwrap();
    let lease = verdict.permit.unwrap().depart().lease;
    world.denied.stop(Subject::Issuer(TrustName::literal("far")), DAWN);
    assert!(lease.is_live() && ruled(&world, &good, DAWN) == "rule.allowed ledger-ci", "another one");
    world.denied.stop(Subject::Issuer(TrustName::literal("ci")), DAWN);
    assert!(!lease.is_live(), "an open stream is cut");
    assert_eq!([ruled(&world, &good, DAWN), ruled(&world, &unknown, DAWN)], ["proof.revoked ledger-ci", "proof.revoked nobody"]);
    let shown = |token: &str| world.judge(&asked(token), DAWN).unwrap().0.unknown;
    assert!(shown(&unknown).is_none(), "of a stopped trust source nobody is discovered");
    world.denied.release(&Subject::Issuer(TrustName::literal("ci")));
    assert_eq!(ruled(&world, &good, DAWN), "rule.allowed ledger-ci");
    let Some(Unknown::Subject { trust, subject, .. }) = shown(&unknown).map(|shown| *shown) else { panic!("a subject") };
    assert_eq!((trust.as_str(), &*subject), ("ci", "repo:acme/other:main"));
    assert!(shown(&good).is_none());
}

#[test]
fn missing_keys_are_asked_for_once_and_then_refused() {
    let (ci, far) = (signer(), signer());
    let mut world = estate(&ci);
    let theirs = token(&far, serde_json::json!({ "iss": "https://far.example", "azp": "app", "sub": "person-7" }));
    let request = asked(&theirs);
    let arrival = request.arrival(DAWN);
    let wait = |world: &TestWorld| match establish(&arrival, &world.snapshot, &world.meters, DAWN) {
        Step::Wait(unproven, Need::Keys { trust, kid }) => (unproven, trust.to_string(), kid.map(|kid| kid.to_string())),
        other => panic!("{other:?}"),
    };
    let (unproven, trust, kid) = wait(&world);
    assert_eq!((trust.as_str(), kid), ("far", None), "whatever keys there are");
    let again = |world: &TestWorld, unproven, asked| {
        crate::done(establish_with(&arrival, unproven, &[Answer::Keys(asked)], &world.snapshot, &world.meters, DAWN))
    };
    let stopped = |facts: Facts| facts.stopped.map(|stopped| (stopped.reason.code(), stopped.retry_after_s)).unwrap();
    assert_eq!(stopped(again(&world, unproven, KeysAnswer::Silent)), ("proof.keys_away", Some(5)));
    world.fetched("far", &jwks([&ci]).to_string(), DAWN + Duration::from_secs(60)).unwrap();
    let (unproven, _, kid) = wait(&world);
    assert_eq!(kid.as_deref(), Some(far.kid()));
    assert_eq!(stopped(again(&world, unproven, KeysAnswer::Answered)), ("proof.signature", None));
    let (unproven, ..) = wait(&world);
    assert_eq!(stopped(again(&world, unproven, KeysAnswer::NotBefore(DAWN + Duration::from_secs(7)))), ("proof.keys_away", Some(8)));
    let (unproven, ..) = wait(&world);
    world.fetched("far", &jwks([&ci, &far]).to_string(), DAWN + Duration::from_secs(60)).unwrap();
    let facts = again(&world, unproven, KeysAnswer::Answered);
    let caller = facts.caller.as_ref().unwrap();
    assert_eq!(caller.identity.id.as_str(), "app");
    let person = caller.on_behalf_of.as_deref().unwrap();
    assert!(person.len() == 22 && !person.contains("person"), "{person}");
    let Step::Done(verdict) = decide(&facts, &world.snapshot, &world.meters, DAWN) else { panic!("a ruling") };
    assert!(verdict.permit.is_some());
}

#[test]
fn an_api_says_what_a_class_of_operations_wants_besides() {
    let ci = signer();
    let keys = jwks([&ci]).to_string();
    let wanting = |require: &str| {
        let yaml = WORLD.replacen("accept: [jwt]", &format!("accept: [jwt]\n  require: {{ list: {{ {require} }} }}"), 1);
        Texts { yaml: &yaml, cedar: &[], files: &[("ci.json", keys.as_bytes())], grants: &[], shipped: ShippedLimits::Off }.world().unwrap()
    };
    let token = token(&ci, serde_json::json!({}));
    let at = |world: &TestWorld, seconds: u64| ruled(world, &token, DAWN + Duration::from_secs(seconds));
    let aged = wanting("max_token_age: 2m");
    assert_eq!([at(&aged, 120), at(&aged, 121)], ["rule.allowed ledger-ci", "rule.forbidden ledger-ci"]);
    assert_eq!(at(&wanting("bound: true"), 0), "rule.unbound ledger-ci");
    assert_eq!(at(&wanting("bound: true, max_token_age: 1s"), 100), "rule.unbound ledger-ci");
    assert_eq!(at(&wanting("purpose: true"), 0), "rule.forbidden ledger-ci");
    assert_eq!(at(&wanting("bound: false"), 0), "rule.allowed ledger-ci");
    let (_, verdict) = aged.judge(&asked(&token), DAWN + Duration::from_secs(200)).unwrap();
    assert_eq!(verdict.ruling.policies.iter().map(ToString::to_string).collect::<Vec<_>>(), ["require:ledger:list"]);
}

#[test]
fn an_expired_token_that_nobody_has_seen_good_costs_its_source_as_any_failed_proof() {
    let ci = signer();
    let world = limited_estate(&ci, "---\n{kind: Limit, name: each-source, spec: {per: source, rate: 1/s, burst: 30}}\n");
    let late = DAWN + Duration::from_secs(330);
    let good = token(&ci, serde_json::json!({ "exp": DAWN.as_seconds() + 1000 }));
    let ended = token(&ci, serde_json::json!({}));
    let ask = |text: &str, last: u8, now: Time| said(&world.judge(&asked(text).from(IpAddr::from([10, 1, 1, last])), now).unwrap());
    let until_limited = |text: &str, last: u8, said: &str| (0..).take_while(|_| ask(text, last, late) == said).count();
    assert_eq!(ask(&ended, 1, DAWN), "rule.allowed ledger-ci");
    assert_eq!(until_limited(&ended, 1, "proof.expired ledger-ci"), 30, "it was good here once");
    let made_up = token(&signer(), serde_json::json!({ "jti": "2" }));
    assert_eq!(ask(&made_up, 2, late), "proof.expired nobody");
    assert_eq!(ask(&good, 2, late), "rule.allowed ledger-ci", "one does no harm");
    assert_eq!(until_limited(&made_up, 3, "proof.expired nobody"), 3);
    assert_eq!(ask(&good, 3, late), "source.limited nobody");
}

/// The estate in which `ledger` accepts this, called by an address.
pub(crate) fn called(accept: &str) -> (TestWorld, Arc<Estate>) {
    let (keys, yaml) = (jwks([&signer()]).to_string(), WORLD.replace("accept: [jwt]", accept));
    let texts = |yaml: &str| {
        let files: &[(&str, &[u8])] = &[("ci.json", keys.as_bytes())];
        Texts { yaml, cedar: &[], files, grants: &[], shipped: ShippedLimits::Off }.world().unwrap()
    };
    let TestWorld { snapshot, .. } = texts(&yaml);
    let estate = Arc::clone(snapshot.estate());
    drop(snapshot);
    let address = ("https://gate.example/ledger".into(), ApiName::literal("ledger"));
    (texts(&yaml), Arc::new(Arc::try_unwrap(estate).unwrap().addressed([address])))
}

/// A key opens nothing by being swapped for a token, and what is open by one is judged as the token is.
#[test]
fn a_token_of_ours_opens_what_its_key_may_and_no_other_change_ends_what_is_open() {
    let (mut world, both) = called("accept: [jwt, api_key]");
    let signer = world.snapshot.mint().signer();
    let algorithms = Accepting { algorithms: Algorithms::ALL, usage: Usage::Signature };
    let published = |keys: &serde_json::Value| {
        TrustedIssuer::ours("https://gate.example", KeySet::parse(keys.to_string().as_bytes(), algorithms).unwrap())
    };
    let (ours, others) = (published(&jwks([signer])), published(&jwks([&self::signer()])));
    let (identity, credential) = (IdentityId::literal("app"), world.key("app").split('_').nth(2).unwrap());
    let token = AccessToken {
        issuer: "https://gate.example",
        identity: &identity,
        audience: "https://gate.example/ledger",
        scope: "list",
        credential: CredentialId::parse(credential).unwrap(),
        id: "0123456789abcdef0123456789abcdef",
        since: None,
        on_behalf_of: None,
        actors: &[],
        parents: &[],
        unbound: false,
        issued: DAWN,
        ends: DAWN + Duration::from_secs(300),
        bound_to: None,
        task: None,
    };
    let token = token.sign(signer).unwrap();
    let people = world.snapshot.population().clone();
    let (ours, others) = (Arc::new(Trust::new(vec![ours], vec![])), Arc::new(Trust::new(vec![others], vec![])));
    let with = |estate: &Arc<Estate>, trust: &Arc<Trust>| Snapshot::new(2, people.clone(), Arc::clone(estate)).trusting(Arc::clone(trust));
    world.snapshot = with(&both, &ours);
    assert_eq!(ruled(&world, &token, DAWN), "rule.allowed app");
    let (facts, _) = world.judge(&asked(&token), DAWN).unwrap();
    let evidence = wardgate_gate::review::Evidence { token: Some(&token), ..Default::default() };
    let review = |snapshot: &Snapshot| match wardgate_gate::review::review(&facts, evidence, snapshot, DAWN) {
        Ok(_) => "goes on",
        Err(reason) => reason.code(),
    };
    assert_eq!(review(&with(&called("accept: [jwt, api_key]").1, &ours)), "goes on");
    assert_eq!(review(&with(&both, &others)), "proof.signature");
    for accept in ["accept: [jwt]", "accept: [api_key]"] {
        world.snapshot = with(&called(accept).1, &ours);
        assert_eq!(review(&world.snapshot), "credential.not_accepted", "{accept}");
        assert!(world.judge(&asked(&token), DAWN).unwrap().1.permit.is_none(), "{accept}");
    }
}
