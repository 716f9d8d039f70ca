//! Signed webhooks: whose signature it is, and what is refused (Standard Webhooks; STANDARDS on webhooks).

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};
use std::{net::IpAddr, sync::Arc, time::Duration};
use wardgate_gate::{Answer, Change, Hook, Need, Snapshot, Step, decide, establish, establish_with, hooks::CANDIDATES_MAX, worth_opening};
use wardgate_model::{
    credential::{Credential, CredentialKind, CredentialState, SignatureForm, SignatureScheme},
    facts::Facts,
    id::{ApiName, CredentialId, EnvironmentName, IdentityId, OwnerName},
    proof::ProofKind,
    reason::Reason,
    time::Time,
};
use wardgate_proof::webhook::{self, Key};
use wardgate_testkit::world::{Asked, DAWN, ShippedLimits, TestWorld, world};

const WORLD: &str = "\
{kind: Owner, name: payments, spec: {accountable: lead@example.com}}
---
{kind: Owner, name: sales, spec: {accountable: sales@example.com}}
---
{kind: Environment, name: production, spec: {production: true}}
---
{kind: Identity, name: alpha, spec: {type: partner, owner: payments, environment: production, purpose: a}}
---
{kind: Identity, name: beta, spec: {type: partner, owner: payments, environment: production, purpose: b}}
---
{kind: Identity, name: gamma, spec: {type: partner, owner: sales, environment: production, purpose: c}}
---
kind: Api
name: crm
spec:
  policy_owner: payments
  business_owner: payments
  environment: production
  match: {hosts: [crm.example]}
  accept: [hmac, api_key]
  upstream: {urls: ['http://127.0.0.1:9000']}
  operations: [{match: POST /events, class: write}, {match: POST /refunds, class: money}]
---
kind: Api
name: keys
spec:
  policy_owner: payments
  business_owner: payments
  environment: production
  match: {hosts: [keys.example]}
  upstream: {urls: ['http://127.0.0.1:9000']}
  operations: [{match: POST /events, class: write}]
---
{kind: Grant, name: all, spec: {to: {owner: payments}, api: crm, operations: [write, money]}}
---
{kind: Grant, name: keys, spec: {to: {owner: payments}, api: keys, operations: [write]}}
---
{kind: Grant, name: gamma, spec: {to: {identity: gamma}, api: keys, operations: [write]}}
";

const ONE: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const TWO: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";
const BODY: &str = r#"{"id":"evt_1"}"#;

fn form(scheme: SignatureScheme) -> SignatureForm {
    let beside = |name: &'static str| Some(HeaderName::from_static(name));
    let (timestamp, message) = match scheme {
        SignatureScheme::StandardWebhooks => (beside("x-timestamp"), beside("x-id")),
        SignatureScheme::Versioned => (beside("x-timestamp"), None),
        SignatureScheme::Timestamped | SignatureScheme::Body => (None, None),
    };
    let header = HeaderName::from_static("x-signature");
    SignatureForm { scheme, header, timestamp, message, api: None, tolerance: Duration::from_mins(5) }
}

/// A secret of an identity, on record since `age` ago for a day.
fn hook(n: u128, identity: &str, form: &SignatureForm, secret: &str, age: Duration) -> Arc<Hook> {
    let created = Time::from_micros(DAWN.as_micros() - i64::try_from(age.as_micros()).unwrap());
    let credential = Arc::new(Credential {
        id: CredentialId::of(n),
        identity: IdentityId::parse(identity).unwrap(),
        name: "hook".into(),
        kind: CredentialKind::Hmac,
        environment: EnvironmentName::literal("production"),
        sources: Box::default(),
        hash: None,
        binding: None,
        created,
        expires: Some(created + Duration::from_hours(24)),
        warn_from: None,
        task: None,
        state: CredentialState::Live,
    });
    let owner = if identity == "gamma" { "sales" } else { "payments" };
    let key = Key::parse(form.scheme, secret).unwrap();
    Arc::new(Hook { credential, owner: OwnerName::parse(owner).unwrap(), form: form.clone(), key })
}

fn with(world: &mut TestWorld, identity: &str, hooks: Vec<Arc<Hook>>) {
    let before = &world.snapshot;
    let mut population = before.population().clone();
    population.extend(hooks.iter().map(|hook| Change::Credential(Arc::clone(&hook.credential))));
    population.apply(Change::Hooks(IdentityId::parse(identity).unwrap(), hooks.into()));
    world.snapshot = Snapshot::new(before.number() + 1, population, Arc::clone(before.estate()));
}

fn estate(hooks: &[(&str, Arc<Hook>)]) -> TestWorld {
    let mut world = world(WORLD, "", ShippedLimits::On).unwrap();
    for name in ["alpha", "beta", "gamma"] {
        with(&mut world, name, hooks.iter().filter(|(of, _)| *of == name).map(|(_, hook)| Arc::clone(hook)).collect());
    }
    world
}

fn signed(scheme: SignatureScheme, secret: &str, seconds: i64, body: &str) -> String {
    let signature = webhook::sign(scheme, &Key::parse(scheme, secret).unwrap(), "msg_1", seconds, body.as_bytes());
    format!("POST /events\nhost: crm.example\nx-signature: {signature}\nx-timestamp: {seconds}\nx-id: msg_1")
}

/// Judges a request with its body, as the door does.
fn judge(world: &TestWorld, asked: &Asked, body: Result<&str, Reason>, now: Time) -> (Facts, String) {
    let facts = match establish(&asked.arrival(now), &world.snapshot, &world.meters, now) {
        Step::Done(facts) => facts,
        Step::Wait(unproven, Need::Body { limit }) => {
            assert_eq!(limit, 1 << 20);
            let answer = Answer::Body(body.map(|body| Bytes::copy_from_slice(body.as_bytes())));
            crate::done(establish_with(&asked.arrival(now), unproven, &[answer], &world.snapshot, &world.meters, now))
        }
        Step::Wait(_, other) => panic!("{other:?}"),
    };
    let Step::Done(verdict) = decide(&facts, &world.snapshot, &world.meters, now) else { panic!("no ruling") };
    let who = facts.caller.as_ref().map_or("nobody".to_owned(), |caller| caller.identity.id.to_string());
    let said = format!("{} {who}", verdict.ruling.reason().code());
    (facts, said)
}

fn ruled(world: &TestWorld, request: &str, body: &str, now: Time) -> String {
    judge(world, &Asked::parse(request).unwrap(), Ok(body), now).1
}

fn at(seconds: i64) -> Time {
    Time::from_seconds(DAWN.as_seconds() + seconds)
}

#[test]
fn a_signature_of_each_form_stands_for_its_sender() {
    for scheme in SignatureScheme::ALL {
        let world = estate(&[("alpha", hook(1, "alpha", &form(*scheme), ONE, Duration::ZERO))]);
        let request = signed(*scheme, ONE, DAWN.as_seconds(), BODY);
        let (facts, said) = judge(&world, &Asked::parse(&request).unwrap(), Ok(BODY), at(3));
        assert_eq!(said, "rule.allowed alpha", "{scheme}");
        let caller = facts.caller.unwrap();
        assert_eq!((caller.proof.kind, caller.proof.bound, caller.proof.age_s(at(3))), (ProofKind::Hmac, false, 3));
        assert_eq!(caller.credential.unwrap().id, CredentialId::of(1));
        // Another time, another body, another secret; each a request of its own.
        let later = |seconds| signed(*scheme, ONE, DAWN.as_seconds() + seconds, BODY);
        assert_eq!(ruled(&world, &later(1), r#"{"id":"evt_2"}"#, at(3)), "proof.unknown nobody", "{scheme}");
        assert_eq!(ruled(&world, &signed(*scheme, TWO, DAWN.as_seconds(), BODY), BODY, at(3)), "proof.unknown nobody", "{scheme}");
    }
}

#[test]
fn what_is_too_old_or_to_come_is_refused_before_its_body_is_waited_for() {
    let world = estate(&[("alpha", hook(1, "alpha", &form(SignatureScheme::Timestamped), ONE, Duration::ZERO))]);
    for (seconds, said) in
        [(0, "rule.allowed alpha"), (-300, "rule.allowed alpha"), (300, "rule.allowed alpha"), (-301, "stale"), (301, "stale")]
    {
        let request = Asked::parse(&signed(SignatureScheme::Timestamped, ONE, DAWN.as_seconds() + seconds, BODY)).unwrap();
        if said != "stale" {
            assert_eq!(judge(&world, &request, Ok(BODY), DAWN).1, said, "{seconds}");
            continue;
        }
        let Step::Done(facts) = establish(&request.arrival(DAWN), &world.snapshot, &world.meters, DAWN) else { panic!("{seconds}: waits") };
        assert_eq!(facts.stopped.unwrap().reason, Reason::ProofStale, "{seconds}");
    }
    assert_eq!((Reason::ProofStale.outside(), Reason::ProofReplayed.outside()), (Reason::ProofInvalid, Reason::ProofInvalid));
}

#[test]
fn a_signature_is_taken_once() {
    for scheme in SignatureScheme::ALL {
        let world = estate(&[("alpha", hook(1, "alpha", &form(*scheme), ONE, Duration::ZERO))]);
        let request = signed(*scheme, ONE, DAWN.as_seconds(), BODY);
        assert_eq!(ruled(&world, &request, BODY, DAWN), "rule.allowed alpha");
        assert_eq!(ruled(&world, &request, BODY, at(299)), "proof.replayed alpha", "{scheme}");
        let late = if *scheme == SignatureScheme::Body { "rule.allowed alpha" } else { "proof.stale nobody" };
        assert_eq!(ruled(&world, &request, BODY, at(301)), late, "{scheme}: only a moment in it makes it useless for ever");
        assert_eq!(world.snapshot.spent().count(), 1, "what was refused uses up no room");
    }
}

#[test]
fn what_was_taken_stays_so_in_the_next_snapshot() {
    let world = estate(&[("alpha", hook(1, "alpha", &form(SignatureScheme::Timestamped), ONE, Duration::ZERO))]);
    let next = estate(&[("alpha", hook(1, "alpha", &form(SignatureScheme::Timestamped), ONE, Duration::ZERO))]);
    let request = signed(SignatureScheme::Timestamped, ONE, DAWN.as_seconds(), BODY);
    assert_eq!(ruled(&world, &request, BODY, DAWN), "rule.allowed alpha");
    let gate = wardgate_gate::Gate::new(world.snapshot, world.meters);
    gate.publish(next.snapshot);
    assert_eq!(gate.snapshot().spent().count(), 1);
}

#[test]
fn two_secrets_are_good_while_one_replaces_the_other() {
    let day = Duration::from_hours(24);
    let timestamped = form(SignatureScheme::Timestamped);
    let old = hook(1, "alpha", &timestamped, ONE, day - Duration::from_secs(10));
    let world = estate(&[("alpha", old), ("alpha", hook(2, "alpha", &timestamped, TWO, Duration::ZERO))]);
    let by = |secret, seconds| signed(SignatureScheme::Timestamped, secret, DAWN.as_seconds() + seconds, BODY);
    assert_eq!(ruled(&world, &by(ONE, 1), BODY, at(1)), "rule.allowed alpha");
    assert_eq!(ruled(&world, &by(TWO, 1), BODY, at(1)), "rule.allowed alpha");
    assert_eq!(ruled(&world, &by(ONE, 10), BODY, at(10)), "proof.expired alpha");
    assert_eq!(ruled(&world, &by(TWO, 10), BODY, at(10)), "rule.allowed alpha");
    // A sender that signs with both is known by either.
    let signature = |secret| {
        webhook::sign(
            SignatureScheme::Timestamped,
            &Key::parse(SignatureScheme::Timestamped, secret).unwrap(),
            "",
            at(11).as_seconds(),
            BODY.as_bytes(),
        )
    };
    let two = signature(TWO).split_once(',').unwrap().1.to_owned();
    let both = format!("POST /events\nhost: crm.example\nx-signature: {},{two}", signature(ONE));
    assert_eq!(ruled(&world, &both, BODY, at(11)), "rule.allowed alpha");
}

#[test]
fn one_secret_of_two_identities_stands_for_neither() {
    let timestamped = form(SignatureScheme::Timestamped);
    let same = |n, who: &str| hook(n, who, &timestamped, ONE, Duration::ZERO);
    let world = estate(&[("alpha", same(1, "alpha")), ("beta", same(2, "beta"))]);
    let request = signed(SignatureScheme::Timestamped, ONE, DAWN.as_seconds(), BODY);
    assert_eq!(ruled(&world, &request, BODY, DAWN), "identity.ambiguous nobody");
    let twice = estate(&[("alpha", same(1, "alpha")), ("alpha", same(2, "alpha"))]);
    assert_eq!(ruled(&twice, &request, BODY, DAWN), "rule.allowed alpha");
    // One of them is over: then it is the other.
    let over = hook(1, "alpha", &timestamped, ONE, Duration::from_hours(48));
    let moved = estate(&[("alpha", over), ("beta", same(2, "beta"))]);
    assert_eq!(ruled(&moved, &request, BODY, DAWN), "rule.allowed beta");
    // One of them calls elsewhere: then it is the other.
    let elsewhere = SignatureForm { api: Some(ApiName::parse("keys").unwrap()), ..timestamped.clone() };
    let apart = estate(&[("alpha", same(1, "alpha")), ("beta", hook(2, "beta", &elsewhere, ONE, Duration::ZERO))]);
    assert_eq!(ruled(&apart, &request, BODY, DAWN), "rule.allowed alpha");
}

#[test]
fn who_may_call_an_api_is_looked_for_and_nobody_else() {
    let timestamped = form(SignatureScheme::Timestamped);
    let request = signed(SignatureScheme::Timestamped, ONE, DAWN.as_seconds(), BODY);
    // No grant on the API, and the entry does not name it: it is not even tried.
    let world = estate(&[("gamma", hook(1, "gamma", &timestamped, ONE, Duration::ZERO))]);
    assert_eq!(ruled(&world, &request, BODY, DAWN), "credential.missing nobody");
    let named = SignatureForm { api: Some(ApiName::parse("crm").unwrap()), ..timestamped.clone() };
    let world = estate(&[("gamma", hook(1, "gamma", &named, ONE, Duration::ZERO))]);
    assert_eq!(ruled(&world, &request, BODY, DAWN), "standing.no_grant gamma");
    // An API that takes no signatures looks for none.
    let world = estate(&[("alpha", hook(1, "alpha", &timestamped, ONE, Duration::ZERO))]);
    assert_eq!(ruled(&world, &request.replace("crm.example", "keys.example"), BODY, DAWN), "credential.missing nobody");
    // A signature beside a key is two credentials; without a signature the key is one.
    let key = world.key("beta").to_owned();
    assert_eq!(judge(&world, &Asked::parse(&request).unwrap().bearer(&key), Ok(BODY), DAWN).1, "credential.conflict nobody");
    let plain = Asked::parse("POST /events\nhost: crm.example").unwrap().bearer(&key);
    assert_eq!(judge(&world, &plain, Ok(BODY), DAWN).1, "rule.allowed beta");
}

#[test]
fn what_cannot_be_read_or_never_comes_is_refused() {
    let world = estate(&[("alpha", hook(1, "alpha", &form(SignatureScheme::StandardWebhooks), ONE, Duration::ZERO))]);
    let good = signed(SignatureScheme::StandardWebhooks, ONE, DAWN.as_seconds(), BODY);
    for (request, said) in [
        (good.replace("v1,", "v2,"), "credential.malformed nobody"),
        (good.replace("x-id: msg_1", "x-id: msg.1"), "credential.malformed nobody"),
        (good.replace("x-id: msg_1", "x-id: msg_1\nx-id: msg_1"), "credential.malformed nobody"),
        (good.replace("x-timestamp", "x-time"), "credential.malformed nobody"),
        (good.replace("x-id: msg_1", "x-id: msg_2"), "proof.unknown nobody"),
    ] {
        assert_eq!(ruled(&world, &request, BODY, DAWN), said, "{request}");
    }
    let asked = Asked::parse(&good).unwrap();
    assert_eq!(judge(&world, &asked, Err(Reason::WireBodyTooLarge), DAWN).1, "wire.body_too_large nobody");
    assert_eq!(judge(&world, &asked, Err(Reason::WireBodyIncomplete), DAWN).1, "wire.body_incomplete nobody");
    assert_eq!(judge(&world, &asked, Ok(BODY), DAWN).1, "rule.allowed alpha", "nothing of it was spent");
}

#[test]
fn a_wrong_signature_counts_dearer_for_its_source() {
    let world = estate(&[("alpha", hook(1, "alpha", &form(SignatureScheme::Timestamped), ONE, Duration::ZERO))]);
    let from: IpAddr = "192.0.2.7".parse().unwrap();
    let wrong = signed(SignatureScheme::Timestamped, TWO, DAWN.as_seconds(), BODY);
    let mut last = String::new();
    for _ in 0..2_000 {
        last = judge(&world, &Asked::parse(&wrong).unwrap().from(from), Ok(BODY), DAWN).1;
        if last.starts_with("source.limited") {
            break;
        }
    }
    assert_eq!(last, "source.limited nobody");
    assert_eq!(ruled(&world, &signed(SignatureScheme::Timestamped, ONE, DAWN.as_seconds(), BODY), BODY, DAWN), "rule.allowed alpha");
}

#[test]
fn so_many_secrets_are_tried_and_no_more_the_oldest_first() {
    let timestamped = form(SignatureScheme::Timestamped);
    let secret = |n: usize| format!("a-secret-of-many-{n:04}");
    let count = CANDIDATES_MAX + 4;
    // The later ones were issued earlier; one of the oldest has ended.
    let hooks: Vec<_> = (0..count)
        .map(|n| hook(n as u128 + 1, "alpha", &timestamped, &secret(n), Duration::from_mins(n as u64)))
        .chain([hook(999, "alpha", &timestamped, "a-secret-that-is-over", Duration::from_hours(48))])
        .map(|hook| ("alpha", hook))
        .collect();
    let world = estate(&hooks);
    let by = |secret: &str| signed(SignatureScheme::Timestamped, secret, DAWN.as_seconds(), BODY);
    for n in 0..count {
        let said = if n < 4 { "proof.unknown nobody" } else { "rule.allowed alpha" };
        assert_eq!(ruled(&world, &by(&secret(n)), BODY, DAWN), said, "{n}");
    }
    assert_eq!(ruled(&world, &by("a-secret-that-is-over"), BODY, DAWN), "proof.unknown nobody", "there are enough that are not over");
    let mut headers = HeaderMap::new();
    headers.insert("x-signature", HeaderValue::from_static("t=1"));
    let api = world.snapshot.apis().iter().find(|api| api.name.as_str() == "crm").unwrap();
    assert_eq!(world.snapshot.population().hooks().candidates(&headers, api, world.snapshot.granted(), DAWN).len(), CANDIDATES_MAX);
}

#[test]
fn an_identity_without_secrets_any_more_signs_nothing() {
    let timestamped = form(SignatureScheme::Timestamped);
    let mut world = estate(&[
        ("alpha", hook(1, "alpha", &timestamped, ONE, Duration::ZERO)),
        ("beta", hook(2, "beta", &timestamped, TWO, Duration::ZERO)),
    ]);
    with(&mut world, "alpha", Vec::new());
    let by = |secret| signed(SignatureScheme::Timestamped, secret, DAWN.as_seconds(), BODY);
    assert_eq!(ruled(&world, &by(ONE), BODY, DAWN), "proof.unknown nobody");
    assert_eq!(ruled(&world, &by(TWO), BODY, DAWN), "rule.allowed beta");
    with(&mut world, "beta", Vec::new());
    assert!(world.snapshot.population().hooks().is_empty());
}

#[test]
fn those_that_can_be_used_are_always_worth_opening() {
    let timestamped = form(SignatureScheme::Timestamped);
    let of = |n, age_h: u64, revoked: bool| {
        let credential = Credential::clone(&hook(n, "alpha", &timestamped, ONE, Duration::from_hours(age_h)).credential);
        Arc::new(if revoked { Credential { state: CredentialState::Revoked { at: DAWN }, ..credential } } else { credential })
    };
    // Two live ones, one of them older than several that were revoked or are over.
    let all = [
        of(1, 20, false),
        of(2, 10, true),
        of(3, 9, true),
        of(4, 8, true),
        of(5, 7, true),
        of(6, 1, false),
        of(7, 100, false),
        of(8, 200, false),
    ];
    let worth: Vec<_> = worth_opening(all.iter()).map(|credential| credential.id).collect();
    assert_eq!(worth, [6, 1, 7, 8].map(CredentialId::of));
}
