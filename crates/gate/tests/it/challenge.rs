//! The challenge of a caller whose risk tells of theft, through every room: who passes it, and that a thief does not (STANDARDS §1.15).

use crate::{done, tokens};
use serde_json::{Value, json};
use std::{sync::Arc, time::Duration};
use wardgate_gate::{
    Arrival, Change, Handshake, Snapshot, Step, Verdict,
    challenge::{self, Shows},
    decide, establish,
    trust::{Trust, TrustedIssuer},
    turn_away,
};
use wardgate_model::{
    api::{Api, Doors, HostPattern, Mode},
    credential::{Credential, CredentialKind},
    facts::Facts,
    id::{ApiName, CredentialId, IdentityId},
    inventory::Identity,
    proof::{CertificateChain, HeldKey, ProofKind},
    risk::{Assessment, Contribution, Signal},
    ruling::Response,
    time::Time,
};
use wardgate_proof::{
    access_token::AccessToken,
    dpop::{Proving, prove},
    jose::{
        algorithm::Algorithms,
        base64url,
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
kind: Identity
name: ledger-ci
spec: {type: ci_job, owner: payments, environment: production, purpose: a, credentials: [{name: main, type: oidc, trust: ci, subject: ledger}]}
---
kind: Api
name: ledger
spec:
  policy_owner: payments
  business_owner: payments
  environment: production
  match: {hosts: [ledger.example]}
  accept: [jwt, api_key]
  require: {read: {nonce: true}}
  upstream: {urls: ['http://127.0.0.1:9000']}
  operations: [{match: GET /entries, class: list}, {match: 'GET /entries/{id}', class: read}]
---
kind: Api
name: stock
spec:
  policy_owner: payments
  business_owner: payments
  environment: production
  match: {hosts: [stock.example]}
  accept: [jwt, api_key]
  upstream: {urls: ['http://127.0.0.1:9000']}
  operations: [{match: GET /entries, class: list}]
---
{kind: Grant, name: stock, spec: {to: {owner: payments}, api: stock, operations: [list]}}
---
{kind: Grant, name: all, spec: {to: {owner: payments}, api: ledger, operations: [list, read]}}
";

const ISSUER: &str = "https://gate.example";

/// Theft alone: 84, which is to be challenged and is not yet to be blocked.
const THEFT: &[(Signal, u8)] = &[(Signal::NewPlace, 60), (Signal::NewSoftware, 60)];

fn signer() -> Signer {
    Signer::load(Signer::generate().unwrap().danger_expose()).unwrap()
}

fn thumbprint(key: &Signer) -> [u8; 32] {
    base64url::decode(key.kid()).unwrap().try_into().unwrap()
}

fn risk(parts: &[(Signal, u8)]) -> Assessment {
    Assessment::of(parts.iter().map(|(signal, weight)| Contribution { signal: *signal, value: 1, weight: *weight }).collect())
}

struct Scene {
    world: TestWorld,
    issuer: Signer,
    key: Signer,
}

/// What a caller has: a token and, where it is bound, the key.
struct Has<'a> {
    token: &'a str,
    key: &'a Signer,
}

impl Scene {
    fn new() -> Self {
        let issuer = signer();
        let keys = jwks([&issuer]).to_string();
        let texts = Texts { yaml: WORLD, cedar: &[], files: &[("ci.json", keys.as_bytes())], grants: &[], shipped: ShippedLimits::Off };
        Self { world: texts.world().unwrap(), issuer, key: signer() }
    }

    fn token(&self, cnf: Option<Value>) -> String {
        let now = DAWN.as_seconds();
        let mut claims = json!({ "iss": "https://ci.example", "sub": "ledger", "aud": "wardgate", "iat": now, "exp": now + 3000 });
        if let Some(cnf) = cnf {
            claims["cnf"] = cnf;
        }
        self.issuer.sign("JWT", &claims).unwrap()
    }

    fn bound(&self) -> String {
        self.token(Some(json!({ "jkt": self.key.kid() })))
    }

    fn call(&self, asked: &Asked, parts: &[(Signal, u8)], now: Time) -> (Facts, Verdict) {
        call(&self.world, &asked.arrival(now), parts, now)
    }
}

/// A request of which this is found.
fn call(world: &TestWorld, arrival: &Arrival<'_>, parts: &[(Signal, u8)], now: Time) -> (Facts, Verdict) {
    let mut facts = done(establish(arrival, &world.snapshot, &world.meters, now));
    facts.assessed = Some(Box::new(risk(parts)));
    let Step::Done(verdict) = decide(&facts, &world.snapshot, &world.meters, now) else { panic!("it is slowed") };
    (facts, verdict)
}

fn said((facts, verdict): &(Facts, Verdict)) -> String {
    let fresh = facts.caller.as_ref().is_some_and(|caller| caller.proof.fresh);
    let reason = verdict.ruling.reason().code();
    assert_eq!(verdict.permit.is_some(), verdict.ruling.forwards());
    format!("{reason}{}", if fresh { " fresh" } else { "" })
}

/// `GET` of an address with a token and a proof with a nonce.
fn proved(has: &Has<'_>, (host, path): (&str, &str), nonce: Option<&str>, now: Time) -> Asked {
    proved_at(&format!("https://{host}"), has, (host, path), nonce, now)
}

/// The same, where it is called by another name than the request has.
fn proved_at(origin: &str, has: &Has<'_>, (host, path): (&str, &str), nonce: Option<&str>, now: Time) -> Asked {
    static NUMBER: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(1);
    let id = u128::from(NUMBER.fetch_add(1, std::sync::atomic::Ordering::Relaxed)).to_be_bytes();
    let target = format!("{origin}{path}");
    let proof = prove(has.key, &Proving { method: "GET", target: &target, token: Some(has.token), nonce, id: &id, now }).unwrap();
    Asked::parse(&format!("GET {path}\nhost: {host}")).unwrap().possessed(has.token, &proof)
}

const LIST: (&str, &str) = ("ledger.example", "/entries");
const READ: (&str, &str) = ("ledger.example", "/entries/7");
const STOCK: (&str, &str) = ("stock.example", "/entries");

fn after(seconds: u64) -> Time {
    DAWN + Duration::from_secs(seconds)
}

#[test]
fn whoever_has_the_key_answers_the_challenge_and_goes_on() {
    let scene = Scene::new();
    let token = scene.bound();
    let owner = Has { token: &token, key: &scene.key };
    let challenged = scene.call(&proved(&owner, LIST, None, DAWN), THEFT, DAWN);
    assert_eq!(said(&challenged), "risk.challenged");
    let nonce = challenge::nonce(&challenged.0, &scene.world.snapshot, DAWN).unwrap();
    let passed = scene.call(&proved(&owner, LIST, Some(&nonce), DAWN), THEFT, DAWN);
    assert_eq!(said(&passed), "rule.allowed fresh");
    assert_eq!(passed.1.ruling.risk, 0, "nothing but theft was told of");
    // It counts for a minute, each time with a proof of its own.
    assert_eq!(said(&scene.call(&proved(&owner, LIST, Some(&nonce), after(60)), THEFT, after(60))), "rule.allowed fresh");
    assert_eq!(said(&scene.call(&proved(&owner, LIST, Some(&nonce), after(61)), THEFT, after(61))), "risk.challenged");
    assert_eq!(said(&scene.call(&proved(&owner, LIST, Some(&nonce), after(61)), &[], after(61))), "rule.allowed", "nothing else is lost");
}

/// Passing clears what tells of theft, and nothing else (DESIGN §3).
#[test]
fn what_tells_of_anything_but_theft_stays() {
    let scene = Scene::new();
    let token = scene.bound();
    let owner = Has { token: &token, key: &scene.key };
    let parts = [THEFT[0], THEFT[1], (Signal::Enumeration, 90)];
    let nonce = challenge::nonce(&scene.call(&proved(&owner, LIST, None, DAWN), THEFT, DAWN).0, &scene.world.snapshot, DAWN).unwrap();
    let blocked = scene.call(&proved(&owner, LIST, Some(&nonce), DAWN), &parts, DAWN);
    assert_eq!(said(&blocked), "risk.blocked fresh");
    assert_eq!(blocked.1.ruling.signals.iter().map(|part| part.signal).collect::<Vec<_>>(), [Signal::Enumeration]);
    let none = scene.call(&proved(&owner, LIST, None, DAWN), &parts, DAWN);
    assert_eq!(said(&none), "risk.blocked", "who would be refused all the same is not challenged");
}

#[test]
fn a_nonce_is_for_one_key_and_one_api() {
    let scene = Scene::new();
    let token = scene.bound();
    let owner = Has { token: &token, key: &scene.key };
    let nonces = |facts: &Facts| challenge::nonce(facts, &scene.world.snapshot, DAWN).unwrap();
    let of_ledger = nonces(&scene.call(&proved(&owner, LIST, None, DAWN), THEFT, DAWN).0);
    let of_stock = nonces(&scene.call(&proved(&owner, STOCK, None, DAWN), THEFT, DAWN).0);
    let other = signer();
    let others = scene.token(Some(json!({ "jkt": other.kid() })));
    let of_another = nonces(&scene.call(&proved(&Has { token: &others, key: &other }, LIST, None, DAWN), THEFT, DAWN).0);
    for nonce in [&*of_stock, &*of_another, "", "x", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"] {
        let asked = proved(&owner, LIST, Some(nonce), DAWN);
        // What is no answer is none: the call is judged as it would be without.
        assert_eq!(said(&scene.call(&asked, THEFT, DAWN)), "risk.challenged", "{nonce}");
        assert_eq!(said(&scene.call(&proved(&owner, LIST, Some(nonce), DAWN), &[], DAWN)), "rule.allowed", "{nonce}");
        // Where one is wanted, it is still wanted.
        assert_eq!(said(&scene.call(&proved(&owner, READ, Some(nonce), DAWN), &[], DAWN)), "proof.nonce", "{nonce}");
    }
    // That of the challenge is one, too: nobody is sent to and fro between two kinds of nonces.
    assert_eq!(said(&scene.call(&proved(&owner, READ, Some(&of_ledger), DAWN), THEFT, DAWN)), "rule.allowed fresh");
    assert_eq!(said(&scene.call(&proved(&owner, READ, Some(&of_ledger), after(61)), THEFT, after(61))), "proof.nonce");
}

/// STANDARDS §1.15: a thief with a token or a key alone fails, whatever it adds.
#[test]
fn a_stolen_bearer_or_key_passes_no_step_of_the_ladder() {
    let scene = Scene::new();
    let (bearer, thief) = (scene.token(None), signer());
    // The thief is somebody here as well: it has a nonce of its own for its own key.
    let own = scene.token(Some(json!({ "jkt": thief.kid() })));
    let own = Has { token: &own, key: &thief };
    let nonce = challenge::nonce(&scene.call(&proved(&own, LIST, None, DAWN), THEFT, DAWN).0, &scene.world.snapshot, DAWN).unwrap();
    let key = scene.world.key("ledger-ci").to_owned();
    let plain = || Asked::parse("GET /entries\nhost: ledger.example").unwrap();
    for stolen in [&bearer, &key] {
        let (facts, verdict) = scene.call(&plain().bearer(stolen), THEFT, DAWN);
        assert_eq!((verdict.ruling.reason().code(), verdict.permit.is_some()), ("risk.blocked", false));
        assert_eq!(challenge::nonce(&facts, &scene.world.snapshot, DAWN), None, "nothing that it could answer is asked of it");
        for nonce in [None, Some(&*nonce)] {
            // With a proof of the thief's own key, by either scheme.
            let shown = proved(&Has { token: stolen, key: &thief }, LIST, nonce, DAWN);
            let (facts, verdict) = scene.call(&shown, THEFT, DAWN);
            assert!(verdict.permit.is_none() && facts.stopped.is_some(), "{}", verdict.ruling.reason().code());
        }
        // On a connection with the thief's own certificate, in a handshake made after it was refused.
        let chain = Arc::new(CertificateChain::new([&b"the thief's"[..]]).unwrap());
        if let Some(caller) = &facts.caller {
            challenge::want_handshake(caller, &chain, &scene.world.snapshot, DAWN);
        }
        let handshake = Handshake { fingerprint: "w1".into(), full: Some(after(1)) };
        let asked = plain().bearer(stolen);
        let arrival = Arrival { certificates: Some(&chain), handshake: Some(&handshake), ..asked.arrival(after(2)) };
        assert_eq!(said(&call(&scene.world, &arrival, THEFT, after(2))), "risk.blocked");
    }
}

/// A token of ours that is bound to a key of whoever asked for it, got by a credential of this kind.
fn ours(kind: CredentialKind, key: &Signer, unbound: bool) -> (TestWorld, String) {
    let (mut world, estate) = tokens::called("accept: [jwt, api_key]");
    let accepting = Accepting { algorithms: Algorithms::ALL, usage: Usage::Signature };
    let keys = KeySet::parse(jwks([world.snapshot.mint().signer()]).to_string().as_bytes(), accepting).unwrap();
    let (identity, credential) = (IdentityId::literal("app"), world.key("app").split('_').nth(2).unwrap().to_owned());
    let token = AccessToken {
        issuer: ISSUER,
        identity: &identity,
        audience: "https://gate.example/ledger",
        scope: "list",
        credential: CredentialId::parse(&credential).unwrap(),
        id: "0123456789abcdef0123456789abcdef",
        since: None,
        on_behalf_of: None,
        actors: &[],
        parents: &[],
        unbound,
        issued: DAWN,
        ends: DAWN + Duration::from_hours(1),
        bound_to: Some(HeldKey::Key(thumbprint(key))),
        task: None,
    };
    let token = token.sign(world.snapshot.mint().signer()).unwrap();
    let mut people = world.snapshot.population().clone();
    let on_record: Credential = (**world.snapshot.credential(&credential).unwrap()).clone();
    people.extend([Change::Credential(Arc::new(Credential { kind, ..on_record }))]);
    let trust = Arc::new(Trust::new(vec![TrustedIssuer::ours(ISSUER, keys)], vec![]));
    world.snapshot = Snapshot::new(2, people, estate).trusting(trust);
    (world, token)
}

/// The same, had it been got by a registered key.
fn registered(mut facts: Facts) -> Facts {
    let caller = facts.caller.as_mut().unwrap();
    (caller.proof.kind, caller.proof.bound) = (ProofKind::Jwt, true);
    let credential = (**caller.credential.as_ref().unwrap()).clone();
    caller.credential = Some(Arc::new(Credential { kind: CredentialKind::PublicKey, ..credential }));
    facts
}

/// Whoever has an API key or a token that anybody may show can have a token bound to its own key: that key was not registered before.
#[test]
fn a_token_that_was_bought_with_something_stolen_answers_nothing() {
    for (kind, unbound, answers) in [
        (CredentialKind::PublicKey, false, true),
        (CredentialKind::X509, false, true),
        (CredentialKind::ApiKey, false, false),
        (CredentialKind::ForeignKey, false, false),
        (CredentialKind::Oidc, false, false),
        (CredentialKind::PublicKey, true, false),
    ] {
        let key = signer();
        let (world, token) = ours(kind, &key, unbound);
        let has = Has { token: &token, key: &key };
        let (facts, verdict) = call(&world, &proved_at(ISSUER, &has, LIST, None, DAWN).arrival(DAWN), THEFT, DAWN);
        assert_eq!(facts.stopped.map(|stopped| stopped.reason.code()), None, "{kind}");
        let nonce = challenge::nonce(&facts, &world.snapshot, DAWN);
        assert_eq!(nonce.is_some(), answers, "{kind} {unbound}");
        assert_eq!(verdict.ruling.reason().code(), if answers { "risk.challenged" } else { "risk.blocked" }, "{kind} {unbound}");
        // A nonce for the same key, by whatever way the thief came to it.
        let nonce = challenge::nonce(&registered(facts), &world.snapshot, DAWN).unwrap();
        let again = call(&world, &proved_at(ISSUER, &has, LIST, Some(&nonce), DAWN).arrival(DAWN), THEFT, DAWN);
        assert_eq!(said(&again), if answers { "rule.allowed fresh" } else { "risk.blocked" }, "{kind} {unbound}");
    }
}

/// The same with keys of these kinds on the record of its identity.
fn on_record(kind: CredentialKind, key: &Signer, registered: &[CredentialKind]) -> (TestWorld, String) {
    let (mut world, token) = ours(kind, key, false);
    let before = &world.snapshot;
    let mut people = before.population().clone();
    let identity = (**before.identity(&IdentityId::literal("app")).unwrap()).clone();
    people.extend([Change::Identity(Arc::new(Identity { registered: registered.into(), ..identity }))]);
    world.snapshot = Snapshot::new(3, people, Arc::clone(before.estate())).trusting(Arc::clone(before.trust()));
    (world, token)
}

/// DESIGN §3: whoever has shown what can be stolen, and has a key on record, is told to use that, and passes by it.
#[test]
fn who_has_a_key_on_record_is_told_to_use_it_and_passes_by_it() {
    use CredentialKind::{ApiKey, PublicKey, X509};
    let key = signer();
    let plain = |world: &TestWorld| Asked::parse("GET /entries\nhost: ledger.example").unwrap().bearer(world.key("app"));
    for (registered, code) in [(&[PublicKey][..], "risk.step_up"), (&[X509], "risk.blocked"), (&[], "risk.blocked")] {
        let (world, token) = on_record(ApiKey, &key, registered);
        let bought = Has { token: &token, key: &key };
        for asked in [plain(&world), proved_at(ISSUER, &bought, LIST, None, DAWN)] {
            let (facts, verdict) = call(&world, &asked.arrival(DAWN), THEFT, DAWN);
            assert_eq!((verdict.ruling.reason().code(), verdict.permit.is_some()), (code, false), "{registered:?}");
            assert_eq!(challenge::nonce(&facts, &world.snapshot, DAWN), None, "what it has shown answers nothing");
            let hopeless = [THEFT[0], THEFT[1], (Signal::Enumeration, 90)];
            let facts = Facts { assessed: Some(Box::new(risk(&hopeless))), ..facts };
            let Step::Done(verdict) = decide(&facts, &world.snapshot, &world.meters, DAWN) else { panic!("it is slowed") };
            assert_eq!(verdict.ruling.reason().code(), "risk.blocked", "it would be refused all the same");
            // What counts at an API is what that takes; at the token service a registered key is one to be bound to.
            let (caller, api) = (facts.caller.as_ref().unwrap(), facts.api.as_deref().unwrap());
            let at = |api: &Api| challenge::stronger(caller, api).collect::<Vec<_>>();
            assert_eq!(at(&Api { accept: [X509, PublicKey].into(), ..api.clone() }), registered);
            assert_eq!(at(&Api { accept: [ApiKey].into(), ..api.clone() }), []);
            let operations = api.operations.iter().map(|operation| (**operation).clone());
            let service = Api::ours(ApiName::literal(Api::ISSUER), (Doors::Public, HostPattern::Any), "", &[PublicKey, X509], operations);
            assert_eq!(at(&service), registered.iter().copied().filter(|kind| *kind == X509).collect::<Vec<_>>());
        }
    }
    let (world, token) = on_record(PublicKey, &key, &[PublicKey]);
    let has = Has { token: &token, key: &key };
    let (facts, verdict) = call(&world, &proved_at(ISSUER, &has, LIST, None, DAWN).arrival(DAWN), THEFT, DAWN);
    assert_eq!(verdict.ruling.reason().code(), "risk.challenged");
    let nonce = challenge::nonce(&facts, &world.snapshot, DAWN).unwrap();
    let passed = call(&world, &proved_at(ISSUER, &has, LIST, Some(&nonce), DAWN).arrival(DAWN), THEFT, DAWN);
    assert_eq!(said(&passed), "rule.allowed fresh");
}

#[test]
fn a_certificate_answers_by_a_full_handshake_that_begins_after_the_challenge() {
    let scene = Scene::new();
    let chain = Arc::new(CertificateChain::new([&b"a certificate"[..]]).unwrap());
    let print = base64url::encode(&wardgate_proof::x509::Thumbprint::of(chain.leaf()).0);
    let token = scene.token(Some(json!({ "x5t#S256": print })));
    let asked = Asked::parse("GET /entries\nhost: ledger.example").unwrap().bearer(&token);
    let ruled = |full: Option<Time>, now: Time| {
        let handshake = Handshake { fingerprint: "w1".into(), full };
        call(&scene.world, &Arrival { certificates: Some(&chain), handshake: Some(&handshake), ..asked.arrival(now) }, THEFT, now)
    };
    let challenged = ruled(Some(DAWN), after(1));
    assert_eq!(said(&challenged), "risk.challenged");
    let caller = challenged.0.caller.as_ref().unwrap();
    assert_eq!(challenge::shows(caller, challenged.0.api.as_ref().unwrap(), &scene.world.snapshot), Some(Shows::Certificate));
    assert_eq!(said(&ruled(Some(after(2)), after(3))), "risk.challenged", "nobody asked for it yet");
    challenge::want_handshake(caller, &chain, &scene.world.snapshot, after(10));
    assert_eq!(said(&ruled(Some(after(9)), after(11))), "risk.challenged", "it began before");
    assert_eq!(said(&ruled(None, after(11))), "risk.challenged", "a resumed session shows no key");
    assert_eq!(said(&ruled(Some(after(11)), after(12))), "rule.allowed fresh");
    assert_eq!(said(&ruled(Some(after(11)), after(71))), "rule.allowed fresh");
    assert_eq!(said(&ruled(Some(after(11)), after(72))), "risk.challenged", "that is no longer just now");
    // A published snapshot forgets nobody.
    assert!(!scene.world.snapshot.handshakes().is_empty());
}

#[test]
fn who_is_to_wait_and_finds_no_room_is_told_when_to_come_again() {
    let scene = Scene::new();
    let token = scene.bound();
    let owner = Has { token: &token, key: &scene.key };
    let mut facts = done(establish(&proved(&owner, LIST, None, DAWN).arrival(DAWN), &scene.world.snapshot, &scene.world.meters, DAWN));
    facts.assessed = Some(Box::new(risk(&[(Signal::Rate, 70)])));
    let decided = || decide(&facts, &scene.world.snapshot, &scene.world.meters, DAWN);
    let Step::Wait(held, wardgate_gate::Need::Delay { until }) = decided() else { panic!("it is not slowed") };
    let away = turn_away(held, until, DAWN);
    let seconds = until.since(DAWN).as_secs_f64().ceil();
    assert!((1.0..=4.0).contains(&seconds));
    assert_eq!((away.ruling.reason().code(), away.ruling.reason().row().http, away.permit.is_some()), ("risk.slowed", 429, false));
    assert_eq!((away.ruling.retry_after_s.map(|after| after as f64), away.ruling.risk), (Some(seconds), 70));
    assert_eq!(away.ruling.response, Response::Block);
    // Where rulings do not bind, nobody waits for one.
    let api = facts.api.as_deref().unwrap().clone();
    facts.api = Some(Arc::new(wardgate_model::api::Api { mode: Mode::Observe, ..api }));
    let Step::Done(verdict) = decide(&facts, &scene.world.snapshot, &scene.world.meters, DAWN) else { panic!("it is slowed") };
    assert_eq!((verdict.ruling.reason().code(), verdict.ruling.enforced, verdict.permit.is_some()), ("risk.slowed", false, true));
}
