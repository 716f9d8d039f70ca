//! Bots that sign their requests (Web Bot Auth), the judge's side: STANDARDS §3.3 by name.

use bytes::Bytes;
use http::{HeaderMap, Uri, Version};
use serde_json::json;
use std::time::Duration;
use wardgate_gate::{Answer, Need, Step, decide, establish, establish_with, signers};
use wardgate_model::{
    facts::Facts,
    id::TrustName,
    proof::ProofKind,
    risk::{Assessment, Contribution, Signal},
    ruling::Ruling,
    time::Time,
};
use wardgate_proof::{
    digest,
    jose::algorithm::Algorithm,
    jws::Signer,
    signature::{
        agent,
        making::{Making, sign},
        message::Message,
    },
};
use wardgate_testkit::world::{Asked, DAWN, ShippedLimits, TestWorld, world};

const WORLD: &str = "\
{kind: Owner, name: search, spec: {accountable: lead@example.com}}
---
{kind: Environment, name: production, spec: {production: true}}
---
{kind: TrustSource, name: crawler, spec: {type: web_bot_auth, agent: 'https://crawler.example'}}
---
{kind: TrustSource, name: fetcher, spec: {type: web_bot_auth, agent: 'https://fetcher.example:8443/'}}
---
kind: Identity
name: crawler
spec: {type: bot, owner: search, environment: production, purpose: a, credentials: [{name: signs, type: web_bot_auth, trust: crawler}]}
---
kind: Identity
name: by-key
spec: {type: bot, owner: search, environment: production, purpose: a, credentials: [{name: key, type: public_key, jwk: @JWK@}]}
---
kind: Api
name: pages
spec:
  policy_owner: search
  business_owner: search
  environment: production
  match: {hosts: [pages.example]}
  accept: [signature]
  require: {bulk: {bound: true}}
  upstream: {urls: ['http://127.0.0.1:9000'], upgrade: [websocket]}
  operations: [{match: GET /all, class: list}, {match: GET /export, class: bulk}, {match: POST /all, class: write}, {match: DELETE /all, class: delete}]
---
{kind: Grant, name: all, spec: {to: {owner: search}, api: pages, operations: [list, bulk, write, delete]}}
";
const AUTHORITY: &str = r#""@authority" "signature-agent";key="sig1""#;
const CALL: &str = r#""@method" "@authority" "@path" "signature-agent";key="sig1""#;
const WITH_BODY: &str = r#""@method" "@authority" "@path" "content-digest" "signature-agent";key="sig1""#;
const AGENT: &str = r#"sig1="https://crawler.example""#;
const BODY: &str = "{}";

fn signer() -> Signer {
    Signer::load(Signer::generate_for(Algorithm::Ed25519).unwrap().danger_expose()).unwrap()
}

struct Scene {
    world: TestWorld,
    key: Signer,
    own: Signer,
}

struct Call<'a> {
    line: &'a str,
    agent: &'a str,
    body: &'a str,
    components: &'a str,
    nonce: Option<&'a str>,
    expires: Option<i64>,
    tag: Option<&'a str>,
    created: Time,
}

const GET: Call<'static> = Call {
    line: "GET /all",
    agent: AGENT,
    body: "",
    components: AUTHORITY,
    nonce: None,
    expires: Some(600),
    tag: Some(agent::TAG),
    created: DAWN,
};
const POST: Call<'static> = Call { line: "POST /all", body: BODY, components: WITH_BODY, nonce: Some("n"), ..GET };

impl Scene {
    /// With the directory of the crawler fetched.
    fn new() -> Self {
        let mut scene = Self::bare();
        scene.fetch("crawler", &scene.key.jwk());
        scene
    }

    fn bare() -> Self {
        let own = signer();
        let world = world(&WORLD.replace("@JWK@", &own.jwk().to_string()), "", ShippedLimits::Off).unwrap();
        Self { world, key: signer(), own }
    }

    fn fetch(&mut self, bot: &str, jwk: &serde_json::Value) {
        let keys = json!({ "keys": [jwk] }).to_string();
        self.world.fetched(bot, &keys, DAWN + Duration::from_hours(24)).unwrap();
    }

    fn signed(&self, by: &Signer, call: &Call<'_>) -> String {
        let (method, target) = call.line.split_once(' ').unwrap();
        let uri: Uri = target.parse().unwrap();
        let (mut headers, mut text) = (HeaderMap::new(), format!("{}\nhost: pages.example", call.line));
        if !call.agent.is_empty() {
            headers.insert(agent::FIELD, call.agent.parse().unwrap());
            text.push_str(&format!("\nsignature-agent: {}", call.agent));
        }
        if !call.body.is_empty() {
            let said = digest::of(call.body.as_bytes());
            text.push_str(&format!("\ncontent-length: {}\ncontent-digest: {said}", call.body.len()));
            headers.insert(digest::CONTENT, said.parse().unwrap());
        }
        let message = Message { method, origin: "https://pages.example", uri: &uri, version: Version::HTTP_11, headers: &headers };
        let expires = call.expires.map(|seconds| Time::from_seconds(call.created.as_seconds() + seconds));
        let (label, key_id) = ("sig1", by.kid());
        let making =
            Making { label, components: call.components, created: call.created, expires, nonce: call.nonce, key_id, tag: call.tag };
        let made = sign(by, &message, &making).unwrap();
        format!("{text}\nsignature-input: {}\nsignature: {}", made.input, made.signature)
    }

    fn judge(&self, text: &str, now: Time) -> Result<(Facts, Ruling), Need> {
        let (world, asked) = (&self.world, Asked::parse(text).unwrap());
        let facts = match establish(&asked.arrival(now), &world.snapshot, &world.meters, now) {
            Step::Done(facts) => facts,
            Step::Wait(unproven, Need::Body { .. }) => {
                let answers = [Answer::Body(Ok(Bytes::from_static(BODY.as_bytes())))];
                crate::done(establish_with(&asked.arrival(now), unproven, &answers, &world.snapshot, &world.meters, now))
            }
            Step::Wait(_, need) => return Err(need),
        };
        let Step::Done(verdict) = decide(&facts, &world.snapshot, &world.meters, now) else { panic!("it waits") };
        Ok((facts, verdict.ruling))
    }

    /// The same, of a call that looks like a thief's.
    fn of_a_thief(&self, call: &Call<'_>) -> (Facts, Ruling) {
        let parts = [Signal::NewPlace, Signal::NewSoftware].map(|signal| Contribution { signal, value: 1, weight: 60 });
        let facts = self.judge(&self.signed(&self.key, call), call.created).unwrap().0;
        let facts = Facts { assessed: Some(Box::new(Assessment::of(parts.into_iter().collect()))), ..facts };
        let (snapshot, meters) = (&self.world.snapshot, &self.world.meters);
        let Step::Done(verdict) = decide(&facts, snapshot, meters, call.created) else { panic!("it waits") };
        (facts, verdict.ruling)
    }

    fn call(&self, call: &Call<'_>) -> String {
        self.said(&self.signed(&self.key, call), call.created)
    }

    fn said(&self, text: &str, now: Time) -> String {
        self.judge(text, now).unwrap().1.reason().code().to_owned()
    }
}

#[test]
fn a_bot_is_known_by_its_address_and_a_key_of_that() {
    let scene = Scene::new();
    let (facts, ruling) = scene.judge(&scene.signed(&scene.key, &GET), DAWN).unwrap();
    assert_eq!(ruling.reason().code(), "rule.allowed");
    let caller = facts.caller.unwrap();
    assert_eq!((caller.identity.id.as_str(), caller.proof.kind, caller.proof.bound), ("crawler", ProofKind::Signature, false));
    assert_eq!(scene.call(&Call { line: "GET /export", ..GET }), "rule.forbidden", "whoever catches it could do so too");
    assert_eq!(scene.call(&Call { line: "GET /export", components: CALL, ..GET }), "rule.allowed", "bound");
    // Good until it ends, for what only reads; with a nonce once.
    assert_eq!(scene.call(&GET), "rule.allowed");
    let once = scene.signed(&scene.key, &Call { nonce: Some("a"), ..GET });
    assert_eq!((&*scene.said(&once, DAWN), &*scene.said(&once, DAWN)), ("rule.allowed", "proof.replayed"));
    let whole = scene.signed(&scene.key, &Call { components: CALL, ..GET });
    assert_eq!((&*scene.said(&whole, DAWN), &*scene.said(&whole, DAWN)), ("rule.allowed", "proof.replayed"));
    // As drafts before wrote it.
    let older = Call { agent: "\"https://crawler.example\"", components: r#""@authority" "signature-agent""#, ..GET };
    assert_eq!(scene.call(&older), "rule.allowed");
    // By another writing of the same origin.
    assert_eq!(scene.call(&Call { agent: r#"sig1="https://Crawler.example:443/""#, ..GET }), "rule.allowed");
}

/// STANDARDS §3.3: covering only the authority is replayable to any path.
#[test]
fn what_does_more_than_read_covers_the_whole_call_with_a_nonce() {
    let scene = Scene::new();
    assert_eq!(scene.call(&POST), "rule.allowed");
    for (call, why) in [
        (Call { components: AUTHORITY, ..POST }, "proof.message_target"),
        (Call { components: CALL, ..POST }, "proof.message_digest"),
        (Call { nonce: None, ..POST }, "proof.message"),
        (Call { line: "DELETE /all", components: AUTHORITY, nonce: Some("d"), ..GET }, "proof.message_target"),
        (Call { line: "DELETE /all", components: CALL, nonce: None, ..GET }, "proof.message"),
        (Call { components: r#""@method" "signature-agent";key="sig1""#, ..GET }, "proof.message_target"),
        (Call { expires: None, ..GET }, "proof.message_time"),
    ] {
        assert_eq!(scene.call(&call), why, "{} {} {:?}", call.line, call.components, call.nonce);
    }
    assert_eq!(scene.call(&Call { line: "DELETE /all", components: CALL, nonce: Some("e"), ..GET }), "rule.allowed");
}

/// A GET that goes over to another protocol sends what it likes from then on: the authority alone is not enough.
#[test]
fn a_stream_is_opened_by_the_whole_call_with_a_nonce_alone() {
    const OPENS: &str = "connection: upgrade\nupgrade: websocket\nsec-websocket-version: 13\nsec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==";
    let scene = Scene::new();
    let said = |call: &Call<'_>| scene.said(&format!("{}\n{OPENS}", scene.signed(&scene.key, call)), DAWN);
    for (call, why) in [
        (Call { ..GET }, "proof.message_target"),
        (Call { nonce: Some("o"), ..GET }, "proof.message_target"),
        (Call { components: CALL, ..GET }, "proof.message"),
    ] {
        assert_eq!(said(&call), why, "{} {:?}", call.components, call.nonce);
    }
    assert_eq!(said(&Call { components: CALL, nonce: Some("p"), ..GET }), "rule.allowed");
}

/// STANDARDS §3.3, TEST: a key of bot A under the URL of bot B is unattributed; an unsigned `Signature-Agent` is ignored.
#[test]
fn a_key_counts_under_its_own_address_alone() {
    let mut scene = Scene::new();
    scene.fetch("crawler", &scene.key.jwk());
    // Another bot whose keys were never fetched: they are asked for.
    let other = Call { agent: r#"sig1="https://fetcher.example:8443""#, ..GET };
    let text = scene.signed(&scene.key, &other);
    let fetcher = TrustName::parse("fetcher").unwrap();
    assert_eq!(scene.judge(&text, DAWN).unwrap_err(), Need::Keys { trust: fetcher.clone(), kid: None });
    // Its directory has another key: the crawler's is none of it, whatever its name.
    scene.fetch("fetcher", &signer().jwk());
    let sought = Need::Keys { trust: fetcher, kid: Some(scene.key.kid().into()) };
    assert_eq!(scene.judge(&text, DAWN).unwrap_err(), sought);
    // Both publish it: nobody on record is the second.
    scene.fetch("fetcher", &scene.key.jwk());
    assert_eq!(scene.said(&text, DAWN), "proof.subject");
    for (agent, expected) in [
        (r#"sig1="https://nobody.example""#, "proof.issuer"),
        (r#"sig1="https://crawler.example";type=jwks_uri"#, "proof.issuer"),
        (r#"sig1="https://crawler.example";type=cimd"#, "proof.issuer"),
        (r#"sig1="https://crawler.example";type=later"#, "proof.message_target"),
        (r#"sig1="http://crawler.example""#, "proof.message_target"),
        ("sig1=crawler", "proof.message_target"),
    ] {
        // Whom it names nothing of is a signer like others: those have to cover the whole call, with a registered key.
        assert_eq!(scene.call(&Call { agent, ..GET }), expected, "{agent}");
    }
    let unsigned = Call { components: r#""@method" "@authority" "@path""#, ..GET };
    assert_eq!(scene.call(&unsigned), "proof.unknown", "what is not covered says nothing");
    assert_eq!(scene.call(&Call { tag: None, components: CALL, ..GET }), "proof.unknown", "nor without the tag");
    // Where its key is registered, a bot is known by that, without any directory.
    let (facts, ruling) = scene.judge(&scene.signed(&scene.own, &unsigned), DAWN).unwrap();
    assert_eq!((ruling.reason().code(), facts.caller.unwrap().identity.id.as_str()), ("rule.allowed", "by-key"));
}

/// STANDARDS §3.3: expired; the life is capped at an hour, whatever `expires` says.
#[test]
fn a_signature_of_a_bot_ends() {
    let scene = Scene::new();
    let at = |call: &Call<'_>, seconds: u64| scene.said(&scene.signed(&scene.key, call), DAWN + Duration::from_secs(seconds));
    assert_eq!((&*at(&GET, 630), &*at(&GET, 631)), ("rule.allowed", "proof.message_time"));
    let day = Call { expires: Some(86_400), ..GET };
    assert_eq!((&*at(&day, 3_630), &*at(&day, 3_631)), ("rule.allowed", "proof.message_time"));
    let mut changed = scene.signed(&scene.key, &GET);
    changed = changed.replacen("crawler.example", "crawler.example/", 1);
    assert_eq!(scene.said(&changed, DAWN), "proof.signature", "its agent is signed");
}

/// STANDARDS §1.15: it has a key that was registered before, and can show it, though it signs the authority alone as long as nobody asks.
#[test]
fn a_bot_whose_call_looks_like_a_thiefs_signs_the_whole_of_it_with_a_nonce() {
    let scene = Scene::new();
    let (facts, ruling) = scene.of_a_thief(&GET);
    assert_eq!(ruling.reason().code(), "risk.challenged");
    let wanted = signers::accept_signature(&facts, &ruling, &scene.world.snapshot, DAWN).unwrap();
    let nonce = wanted.split('"').rev().nth(3).unwrap();
    assert_eq!(wanted, format!(r#"sig1=({CALL});created;expires;nonce="{nonce}";tag="web-bot-auth""#));
    let said = |call: &Call<'_>| {
        let (facts, ruling) = scene.of_a_thief(call);
        (ruling.reason().code(), facts.caller.unwrap().proof.fresh)
    };
    assert_eq!(said(&Call { components: CALL, nonce: Some(nonce), ..GET }), ("rule.allowed", true));
    // What a thief has caught is of another call, or of before.
    assert_eq!(said(&Call { nonce: Some(nonce), ..GET }), ("risk.challenged", false), "it covers the authority alone");
    assert_eq!(said(&Call { components: CALL, nonce: Some("its-own"), ..GET }), ("risk.challenged", false));
    assert_eq!(said(&Call { components: CALL, ..GET }), ("risk.challenged", false));
    let late = DAWN + Duration::from_mins(10);
    assert_eq!(said(&Call { components: CALL, nonce: Some(nonce), created: late, ..GET }), ("risk.challenged", false), "too old");
}

#[test]
fn keys_that_were_never_fetched_are_asked_for() {
    let scene = Scene::bare();
    let need = scene.judge(&scene.signed(&scene.key, &GET), DAWN).unwrap_err();
    assert_eq!(need, Need::Keys { trust: TrustName::parse("crawler").unwrap(), kid: None });
    // And those that are too old to be believed.
    let mut scene = Scene::bare();
    let keys = json!({ "keys": [scene.key.jwk()] }).to_string();
    scene.world.fetched("crawler", &keys, DAWN).unwrap();
    assert!(scene.judge(&scene.signed(&scene.key, &GET), DAWN).is_err());
}
