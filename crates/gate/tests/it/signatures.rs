//! Signed requests (RFC 9421), the judge's side: whose signature it is, and what is refused (STANDARDS §3.2, §3.4).

use bytes::Bytes;
use http::{HeaderMap, Method, Uri, Version};
use std::time::Duration;
use wardgate_gate::{Answer, Need, Step, decide, establish, establish_with, signers};
use wardgate_model::{
    facts::Facts,
    proof::ProofKind,
    reason::Reason,
    ruling::{Challenge, Response, Ruling},
    time::Time,
};
use wardgate_proof::{
    digest,
    jose::algorithm::Algorithm,
    jws::Signer,
    signature::{
        making::{Made, Making, sign},
        message::Message,
    },
};
use wardgate_testkit::world::{Asked, DAWN, ShippedLimits, TestWorld, world};

const TARGET: &str = r#""@method" "@authority" "@path""#;
const WITH_BODY: &str = r#""@method" "@authority" "@path" "content-digest""#;
const BODY: &str = r#"{"amount": 7}"#;

fn signer() -> Signer {
    Signer::load(Signer::generate_for(Algorithm::Ed25519).unwrap().danger_expose()).unwrap()
}

fn yaml(key: &Signer, shared: &Signer) -> String {
    format!(
        "\
{{kind: Owner, name: payments, spec: {{accountable: lead@example.com}}}}
---
{{kind: Environment, name: production, spec: {{production: true}}}}
---
kind: Identity
name: alpha
spec:
  type: workload
  owner: payments
  environment: production
  purpose: a
  credentials: [{{name: key-1, type: public_key, jwk: {}}}, {{name: key-2, type: public_key, jwk: {shared}, sources: [10.0.0.0/8]}}]
---
kind: Identity
name: beta
spec: {{type: workload, owner: payments, environment: production, purpose: b, credentials: [{{name: key-1, type: public_key, jwk: {shared}}}]}}
---
kind: Api
name: ledger
spec:
  policy_owner: payments
  business_owner: payments
  environment: production
  match: {{hosts: [ledger.example], path_prefix: /ledger}}
  accept: [signature, api_key]
  require: {{money: {{nonce: true}}, bulk: {{bound: true}}}}
  upstream: {{urls: ['http://127.0.0.1:9000']}}
  operations: [{{match: GET /entries, class: list}}, {{match: GET /export, class: bulk}}, {{match: POST /entries, class: write}}, {{match: POST /pay, class: money}}]
---
kind: Api
name: keys
spec:
  policy_owner: payments
  business_owner: payments
  environment: production
  match: {{hosts: [keys.example]}}
  upstream: {{urls: ['http://127.0.0.1:9000']}}
  operations: [{{match: GET /entries, class: list}}]
---
{{kind: Grant, name: all, spec: {{to: {{owner: payments}}, api: ledger, operations: [list, bulk, write, money]}}}}
",
        key.jwk(),
        shared = shared.jwk()
    )
}

struct Scene {
    world: TestWorld,
    key: Signer,
    shared: Signer,
}

/// A call, and how it is signed.
struct Call<'a> {
    line: &'a str,
    host: &'a str,
    body: &'a str,
    components: &'a str,
    nonce: Option<&'a str>,
    key_id: Option<&'a str>,
    created: Time,
}

const GET: Call<'static> =
    Call { line: "GET /ledger/entries", host: "ledger.example", body: "", components: TARGET, nonce: None, key_id: None, created: DAWN };
const POST: Call<'static> = Call { line: "POST /ledger/entries", body: BODY, components: WITH_BODY, ..GET };

impl Scene {
    fn new() -> Self {
        let (key, shared) = (signer(), signer());
        Self { world: world(&yaml(&key, &shared), "", ShippedLimits::Off).unwrap(), key, shared }
    }

    fn made(&self, by: &Signer, call: &Call<'_>) -> (String, Made) {
        let (method, target) = call.line.split_once(' ').unwrap();
        let (method, uri): (Method, Uri) = (method.parse().unwrap(), target.parse().unwrap());
        let mut text = format!("{}\nhost: {}", call.line, call.host);
        let mut headers = HeaderMap::new();
        headers.insert("host", call.host.parse().unwrap());
        if !call.body.is_empty() {
            let said = digest::of(call.body.as_bytes());
            text.push_str(&format!("\ncontent-length: {}\ncontent-digest: {said}", call.body.len()));
            headers.insert(digest::CONTENT, said.parse().unwrap());
        }
        let origin = format!("https://{}", call.host);
        let message = Message { method: method.as_str(), origin: &origin, uri: &uri, version: Version::HTTP_11, headers: &headers };
        let (key_id, nonce) = (call.key_id.unwrap_or(by.kid()), call.nonce);
        let making = Making { label: "sig1", components: call.components, created: call.created, expires: None, nonce, key_id, tag: None };
        (text, sign(by, &message, &making).unwrap())
    }

    /// As text, signed by a key.
    fn signed(&self, by: &Signer, call: &Call<'_>) -> String {
        let (text, made) = self.made(by, call);
        format!("{text}\nsignature-input: {}\nsignature: {}", made.input, made.signature)
    }

    /// Judges a request with its body, as the door does.
    fn judge(&self, text: &str, body: &str, now: Time) -> (Facts, Ruling) {
        let (world, asked) = (&self.world, Asked::parse(text).unwrap());
        let facts = match establish(&asked.arrival(now), &world.snapshot, &world.meters, now) {
            Step::Done(facts) => facts,
            Step::Wait(unproven, need) => {
                assert_eq!(need, Need::Body { limit: 1 << 20 });
                let answers = [Answer::Body(Ok(Bytes::copy_from_slice(body.as_bytes())))];
                crate::done(establish_with(&asked.arrival(now), unproven, &answers, &world.snapshot, &world.meters, now))
            }
        };
        let Step::Done(verdict) = decide(&facts, &world.snapshot, &world.meters, now) else { panic!("{text}: it waits") };
        (facts, verdict.ruling)
    }

    fn said(&self, text: &str, body: &str) -> String {
        self.judge(text, body, DAWN).1.reason().code().to_owned()
    }

    fn call(&self, call: &Call<'_>) -> String {
        self.said(&self.signed(&self.key, call), call.body)
    }
}

#[test]
fn whoever_signs_with_a_registered_key_is_known_and_bound() {
    let scene = Scene::new();
    let (facts, ruling) = scene.judge(&scene.signed(&scene.key, &GET), "", DAWN);
    assert_eq!(ruling.reason().code(), "rule.allowed");
    let caller = facts.caller.unwrap();
    let proof = caller.proof;
    assert_eq!((caller.identity.id.as_str(), proof.kind, proof.bound, proof.fresh), ("alpha", ProofKind::Signature, true, false));
    assert_eq!((&*caller.credential.unwrap().name, proof.since), ("key-1", DAWN));
    // With a query, with a body; by the whole address; over more than is wanted.
    let query = r#""@method" "@authority" "@path" "@query""#;
    assert_eq!(scene.call(&Call { line: "GET /ledger/entries?page=2", components: query, ..GET }), "rule.allowed");
    assert_eq!(scene.call(&Call { line: "GET /ledger/entries?page=3", components: r#""@method" "@target-uri""#, ..GET }), "rule.allowed");
    assert_eq!(scene.call(&Call { components: r#""@method" "@authority" "@request-target" "host""#, ..GET }), "rule.allowed");
    assert_eq!(scene.call(&Call { line: "GET /ledger/export", ..GET }), "rule.allowed", "bound");
    assert_eq!(scene.call(&POST), "rule.allowed");
    // Its key may be named as its credential is.
    let id = scene.world.snapshot.population().client("alpha").unwrap().credential(scene.key.kid()).unwrap().id;
    assert_eq!(scene.call(&Call { key_id: Some(id.as_str()), nonce: Some("by-id"), ..GET }), "rule.allowed");
}

/// STANDARDS §3.2 TEST and BOTCHED: what is required, whatever the signer chose to cover.
#[test]
fn what_does_not_cover_the_call_is_refused() {
    let scene = Scene::new();
    for (components, line) in [
        ("", "GET /ledger/entries"),
        (r#""@authority" "@path""#, "GET /ledger/entries"),
        (r#""@method" "@path""#, "GET /ledger/entries"),
        (r#""@method" "@authority""#, "GET /ledger/entries"),
        (r#""@method" "host" "@path""#, "GET /ledger/entries"),
        (TARGET, "GET /ledger/entries?page=2"),
        (TARGET, "GET /ledger/entries?"),
        (r#""@method" "@authority" "@path" "@query-param";name="page""#, "GET /ledger/entries?page=2"),
    ] {
        let left_out = if line.contains('?') { "proof.message_query" } else { "proof.message_target" };
        assert_eq!(scene.call(&Call { line, components, ..GET }), left_out, "{components} {line}");
    }
    assert_eq!(scene.call(&Call { components: TARGET, ..POST }), "proof.message_digest");
    let member = r#""@method" "@authority" "@path" "content-digest";key="sha-256""#;
    assert_eq!(scene.call(&Call { components: member, ..POST }), "proof.message_digest", "another digest could be put beside");
    // In time, with the skew of clocks.
    let at = |seconds: i64| scene.call(&Call { created: Time::from_seconds(DAWN.as_seconds() + seconds), ..GET });
    assert_eq!((&*at(-91), &*at(-90), &*at(35), &*at(36)), ("proof.message_time", "rule.allowed", "rule.allowed", "proof.message_time"));
    // Without `created`, without a key.
    let good = scene.signed(&scene.key, &GET);
    assert_eq!(scene.said(&good.replace(&format!(";created={}", DAWN.as_seconds()), ""), ""), "proof.message_time");
    assert_eq!(scene.said(&good.replace(&format!(";keyid=\"{}\"", scene.key.kid()), ""), ""), "proof.message_key");
}

#[test]
fn what_was_changed_after_it_was_signed_is_refused() {
    let scene = Scene::new();
    let query = r#""@method" "@authority" "@path" "@query""#;
    let good = scene.signed(&scene.key, &Call { line: "GET /ledger/entries?page=2", components: query, ..GET });
    assert_eq!(scene.said(&good.replacen("page=2", "page=3", 1), ""), "proof.signature");
    assert_eq!(scene.said(&good.replacen("GET /ledger/entries", "GET /ledger/export", 1), ""), "proof.signature");
    assert_eq!(scene.said(&good.replacen("GET", "POST", 1), ""), "proof.signature");
    assert_eq!(scene.said(&good.replacen("created=", "created=1;x=", 1), ""), "proof.message_time");
    // Under another name, of another key, of a key that nobody has: it all looks the same outside.
    let mut stranger = scene.signed(&signer(), &GET);
    assert_eq!(scene.said(&stranger, ""), "proof.unknown");
    stranger = scene.signed(&signer(), &Call { key_id: Some(scene.key.kid()), ..GET });
    assert_eq!(scene.said(&stranger, ""), "proof.signature");
    for reason in [Reason::ProofSignature, Reason::ProofUnknown, Reason::ProofReplayed] {
        assert_eq!(reason.outside(), Reason::ProofInvalid);
    }
    // What was signed for another service is not for us, whatever host is called.
    let elsewhere = scene.signed(&scene.key, &Call { host: "other.example", ..GET });
    assert_eq!(scene.said(&elsewhere.replacen("host: other.example", "host: ledger.example", 1), ""), "proof.signature");
    // It was good.
    assert_eq!(scene.said(&good, ""), "rule.allowed");
}

#[test]
fn what_cannot_be_read_in_one_way_is_refused() {
    let scene = Scene::new();
    let good = scene.signed(&scene.key, &GET);
    for (from, to) in [
        ("\nsignature: sig1=", "\nsignature: sig2="),
        ("\nsignature: ", "\nx-signature: "),
        ("sig1=(\"@method\"", "sig1=( \"@method\""),
        ("(\"@method\"", "(\"@method\" \"@method\""),
        ("\nsignature: sig1=", "\nsignature: sig1=:AA==:, sig1="),
        ("\nsignature-input: sig1=", "\nsignature-input: sig1=();created=1, sig1="),
    ] {
        assert_eq!(scene.said(&good.replacen(from, to, 1), ""), "credential.malformed", "{from} {to}");
    }
    // A field of that name alone is somebody else's.
    assert_eq!(scene.said("GET /ledger/entries\nhost: ledger.example\nsignature: keyId=\"a\"", ""), "credential.missing");
    // Beside another credential.
    let both = format!("{good}\nauthorization: Bearer {}", scene.world.key("alpha"));
    assert_eq!(scene.said(&both, ""), "credential.conflict");
    // Where signatures are no proof they say nothing.
    let keys = "GET /entries\nhost: keys.example\nsignature-input: sig1=()\nsignature: sig1=:AA==:";
    assert_eq!(scene.said(keys, ""), "credential.missing");
}

/// STANDARDS §3.4: the digest is covered, and the body is what it says; nothing passes by an algorithm that nobody compares.
#[test]
fn the_body_is_what_was_signed_of_it() {
    let scene = Scene::new();
    let good = scene.signed(&scene.key, &Call { nonce: Some("a"), ..POST });
    assert_eq!(scene.said(&good, r#"{"amount": 8}"#), "proof.digest");
    assert_eq!(scene.said(&good, ""), "proof.digest");
    assert_eq!(scene.said(&good, BODY), "rule.allowed", "what was refused before was not taken");
    let weak = |said: &str| {
        let line = format!("POST /ledger/entries\nhost: ledger.example\ncontent-length: {}\ncontent-digest: {said}", BODY.len());
        let (uri, mut headers) = (Uri::from_static("/ledger/entries"), HeaderMap::new());
        headers.insert(digest::CONTENT, said.parse().unwrap());
        let message = Message { method: "POST", origin: "https://ledger.example", uri: &uri, version: Version::HTTP_11, headers: &headers };
        let making =
            Making { label: "s", components: WITH_BODY, created: DAWN, expires: None, nonce: None, key_id: scene.key.kid(), tag: None };
        let made = sign(&scene.key, &message, &making).unwrap();
        scene.said(&format!("{line}\nsignature-input: {}\nsignature: {}", made.input, made.signature), BODY)
    };
    assert_eq!(weak("md5=:rL0Y20zC+Fzt72VPzMSk2A==:"), "proof.digest");
    assert_eq!(weak("unixsum=:AA==:"), "proof.digest");
    assert_eq!(weak(&digest::of(BODY.as_bytes())), "rule.allowed");
    // Who cannot sign makes nobody wait for a body.
    let stranger = scene.signed(&signer(), &POST);
    let asked = Asked::parse(&stranger).unwrap();
    let facts = crate::done(establish(&asked.arrival(DAWN), &scene.world.snapshot, &scene.world.meters, DAWN));
    assert_eq!(facts.stopped.unwrap().reason, Reason::ProofUnknown);
}

/// STANDARDS §3.2: nonce replay.
#[test]
fn a_signature_is_taken_once() {
    let scene = Scene::new();
    let plain = scene.signed(&scene.key, &GET);
    assert_eq!((&*scene.said(&plain, ""), &*scene.said(&plain, "")), ("rule.allowed", "proof.replayed"));
    assert_eq!(scene.judge(&plain, "", DAWN + Duration::from_secs(90)).1.reason().code(), "proof.replayed");
    assert_eq!(scene.judge(&plain, "", DAWN + Duration::from_secs(91)).1.reason().code(), "proof.message_time");
    // Another moment is another call, and so is another nonce; the same nonce on another call is not.
    assert_eq!(scene.call(&Call { created: DAWN + Duration::from_secs(1), ..GET }), "rule.allowed");
    assert_eq!(scene.call(&Call { nonce: Some("a"), ..GET }), "rule.allowed");
    assert_eq!(scene.call(&Call { nonce: Some("a"), line: "GET /ledger/export", ..GET }), "proof.replayed");
    // Under another label it is the same.
    let renamed = plain.replace("sig1=", "other=");
    assert_eq!(scene.said(&renamed, ""), "proof.replayed");
    // Nobody uses up the nonces of another key.
    let second = scene.signed(&scene.shared, &Call { nonce: Some("b"), key_id: Some("x"), ..GET });
    assert_eq!(scene.said(&second, ""), "proof.unknown");
    assert_eq!(scene.call(&Call { nonce: Some("b"), ..GET }), "rule.allowed");
}

#[test]
fn a_key_of_two_stands_for_neither_but_by_the_name_of_a_credential() {
    let scene = Scene::new();
    assert_eq!(scene.said(&scene.signed(&scene.shared, &GET), ""), "identity.ambiguous");
    let id = |identity: &str| scene.world.snapshot.population().client(identity).unwrap().credential(scene.shared.kid()).unwrap().id;
    let call = |identity: &str| scene.signed(&scene.shared, &Call { key_id: Some(id(identity).as_str()), ..GET });
    let (facts, ruling) = scene.judge(&call("beta"), "", DAWN);
    assert_eq!((ruling.reason(), facts.caller.unwrap().identity.id.as_str()), (Reason::RuleAllowed, "beta"));
    assert_eq!(scene.said(&call("alpha"), ""), "proof.source", "that one is bound to networks");
}

/// RFC 9421 §4.3: whoever passes it on may sign too. One of them is of a key on record.
#[test]
fn of_several_signatures_the_one_of_a_key_on_record_counts() {
    let scene = Scene::new();
    let (text, mine) = scene.made(&scene.key, &GET);
    let (_, other) = scene.made(&signer(), &GET);
    let (_, second) = scene.made(&scene.shared, &GET);
    let with = |two: &Made| {
        let (input, signature) = (two.input.replace("sig1", "proxy"), two.signature.replace("sig1", "proxy"));
        format!("{text}\nsignature-input: {}\nsignature-input: {input}\nsignature: {signature}\nsignature: {}", mine.input, mine.signature)
    };
    assert_eq!(scene.said(&with(&other), ""), "rule.allowed");
    assert_eq!(scene.said(&with(&second), ""), "credential.conflict");
}

#[test]
fn a_nonce_of_ours_shows_possession_anew() {
    let scene = Scene::new();
    let pay = Call { line: "POST /ledger/pay", ..POST };
    let (facts, ruling) = scene.judge(&scene.signed(&scene.key, &pay), BODY, DAWN);
    assert_eq!(ruling.reason(), Reason::ProofSignatureNonce);
    let wanted = signers::accept_signature(&facts, &ruling, &scene.world.snapshot, DAWN).unwrap();
    let nonce = wanted.split("nonce=\"").nth(1).unwrap().trim_end_matches('"').to_owned();
    let names = r#"sig1=("@method" "@authority" "@path" "content-digest");created"#;
    assert_eq!(wanted, format!("{names};nonce=\"{nonce}\""));
    let fresh = Call { nonce: Some(&nonce), ..pay };
    let text = scene.signed(&scene.key, &fresh);
    let (facts, ruling) = scene.judge(&text, BODY, DAWN);
    assert_eq!((ruling.reason(), facts.caller.unwrap().proof.fresh), (Reason::RuleAllowed, true));
    assert_eq!(scene.said(&text, BODY), "proof.replayed");
    // For another of its calls too, at this API alone, and not for long.
    assert_eq!(scene.call(&Call { nonce: Some(&nonce), ..GET }), "rule.allowed");
    let late = DAWN + Duration::from_secs(91);
    assert_eq!(
        scene.judge(&scene.signed(&scene.key, &Call { created: late, ..fresh }), BODY, late).1.reason(),
        Reason::ProofSignatureNonce
    );
    // What was signed without one, whatever it is that the ruling asks for: a challenge says the nonce too.
    let (facts, mut ruling) = scene.judge("GET /ledger/entries?a=1\nhost: ledger.example", "", DAWN);
    let said = |ruling: &Ruling| signers::accept_signature(&facts, ruling, &scene.world.snapshot, DAWN);
    assert_eq!(said(&ruling).as_deref(), Some(r#"sig1=("@method" "@authority" "@path" "@query");created"#));
    ruling.reasons = [Reason::RiskChallenged].into_iter().collect();
    ruling.response = Response::Challenge { kind: Challenge::Possession };
    assert!(said(&ruling).unwrap().contains(";nonce=\""));
    // Where signatures count for nothing, none is asked for.
    let (facts, ruling) = scene.judge("GET /entries\nhost: keys.example", "", DAWN);
    assert_eq!(
        (ruling.reason(), signers::accept_signature(&facts, &ruling, &scene.world.snapshot, DAWN)),
        (Reason::CredentialMissing, None)
    );
}
