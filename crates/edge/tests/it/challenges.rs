//! What a door says to whom it challenges, and who passes: signals by the real watch, which has known the caller elsewhere for weeks.

use crate::{
    edge::{Running, Setup, now, said},
    upstream::Upstream,
};
use http::{HeaderMap, Uri};
use serde_json::{Value, json};
use std::{
    io::{BufRead as _, BufReader, Write as _},
    path::Path,
    process::{Command, Stdio},
    sync::Arc,
    time::Duration,
};
use wardgate_abuse::watch::{Effect, Payload};
use wardgate_gate::trust::{Trust, TrustedBot, TrustedIssuer};
use wardgate_model::{
    api::Api,
    credential::CredentialKind,
    event::Event,
    id::TrustName,
    time::Time,
    trust::{Binding, Bot, Issuer, Keys, Subject},
};
use wardgate_proof::{
    dpop::{Proving, prove},
    jose::algorithm::Algorithm,
    jws::{Signer, jwks},
    signature::{
        agent,
        making::{Making, sign},
        message::Message,
    },
};

/// Hours for which the caller was elsewhere.
const HOURS: u64 = 600;

/// Lets the watch know the caller of this call from elsewhere and by other software: the next call from here looks like a thief's.
pub(crate) fn known_elsewhere(edge: &Running, call: &Event) {
    let watch = edge.gate().meters().watch();
    let mut facts = call.facts.clone();
    facts.source.address = "203.0.113.7".parse().unwrap();
    (facts.source.tls, facts.source.user_agent) = (Some("w1_other".into()), Some("other/1".into()));
    let effect = Effect { status: Some(200), bytes: 10, ..Effect::default() };
    let since = now().as_micros() - i64::try_from(Duration::from_hours(HOURS + 1).as_micros()).unwrap();
    for hour in 0..HOURS {
        let then = Time::from_micros(since) + Duration::from_hours(hour);
        let _ = watch.assess(&facts, &Payload::default(), then);
        watch.learn(&facts, &call.ruling, &effect, then);
    }
}

fn signer() -> Signer {
    Signer::load(Signer::generate().unwrap().danger_expose()).unwrap()
}

/// Who takes tokens of `ci` and keys.
fn setup(upstream: &Upstream, ci: &Signer) -> Setup {
    let issuer = Issuer {
        issuer: "https://ci.example".into(),
        audiences: ["wardgate".into()].into(),
        keys: Keys::Here(jwks([ci]).to_string().into()),
        algorithms: Box::default(),
        subject_claim: "sub".into(),
        on_behalf_of: None,
        leeway: Duration::from_secs(30),
        life_max: Duration::from_secs(3600),
    };
    let trust = Arc::new(Trust::new([TrustedIssuer::new(&TrustName::literal("ci"), &issuer, None)], []));
    Setup { trust, ..Setup::before(upstream) }.api(|api| api.accept = [CredentialKind::Oidc, CredentialKind::ApiKey].into()).on_record(
        |credential, limit| {
            limit.rate = None;
            credential.kind = CredentialKind::Oidc;
            credential.hash = None;
            let subject = Subject::Exactly("job".into());
            credential.binding = Some(Box::new(Binding { trust: TrustName::literal("ci"), subject, claims: [].into() }));
        },
    )
}

fn token(ci: &Signer, cnf: Option<&str>) -> String {
    let seconds = now().as_micros() / 1_000_000;
    let mut claims = json!({ "iss": "https://ci.example", "sub": "job", "aud": "wardgate", "iat": seconds, "exp": seconds + 600 });
    if let Some(thumbprint) = cnf {
        claims["cnf"] = json!({ "jkt": thumbprint });
    }
    ci.sign("JWT", &claims).unwrap()
}

fn plain(fields: &str) -> String {
    format!("GET /guarded HTTP/1.1\r\nHost: gate.example\r\n{fields}\r\n")
}

/// A call with a proof of this key.
fn proved(token: &str, key: &Signer, nonce: Option<&str>) -> String {
    static COUNT: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(1);
    let id = u128::from(COUNT.fetch_add(1, std::sync::atomic::Ordering::Relaxed)).to_be_bytes();
    let target = "https://gate.example/guarded";
    let proof = prove(key, &Proving { method: "GET", target, token: Some(token), nonce, id: &id, now: now() }).unwrap();
    plain(&format!("Authorization: DPoP {token}\r\nDPoP: {proof}\r\n"))
}

fn field<'a>(answer: &'a str, name: &str) -> Vec<&'a str> {
    let head = answer.split("\r\n\r\n").next().unwrap();
    let fields = head.split("\r\n").filter_map(|line| line.split_once(": "));
    fields.filter(|(field, _)| field.eq_ignore_ascii_case(name)).map(|(_, value)| value).collect()
}

/// The doors, whose watch knows this caller from elsewhere.
fn watching(upstream: &Upstream, ci: &Signer) -> Running {
    watching_at(upstream, ci, |_| {})
}

fn watching_at(upstream: &Upstream, ci: &Signer, api: fn(&mut Api)) -> Running {
    let key = signer();
    let before = setup(upstream, ci).api(api).start();
    assert_eq!(said(&before.raw(proved(&token(ci, Some(key.kid())), &key, None))), "200");
    let edge = setup(upstream, ci).api(api).start();
    known_elsewhere(&edge, &before.sink.wait(1)[0]);
    edge
}

#[test]
fn whoever_has_the_key_passes_in_one_round_trip() {
    let (upstream, ci, key) = (Upstream::plain(), signer(), signer());
    let edge = watching(&upstream, &ci);
    let token = token(&ci, Some(key.kid()));
    let challenged = edge.raw(proved(&token, &key, None));
    assert_eq!(said(&challenged), "401 risk.challenged");
    let [challenge] = field(&challenged, "www-authenticate")[..] else { panic!("{challenged}") };
    assert!(
        challenge.starts_with("DPoP ") && challenge.contains("error=\"use_dpop_nonce\"") && challenge.contains("algs=\""),
        "{challenge}"
    );
    let [nonce] = field(&challenged, "dpop-nonce")[..] else { panic!("{challenged}") };
    let passed = edge.raw(proved(&token, &key, Some(nonce)));
    assert_eq!(said(&passed), "200");
    // The next one is there before the last is over.
    let [next] = field(&passed, "dpop-nonce")[..] else { panic!("{passed}") };
    assert_eq!(said(&edge.raw(proved(&token, &key, Some(next)))), "200");
    let events = edge.sink.wait(3);
    let told: Vec<_> = events.iter().map(|event| (event.ruling.response.as_str(), event.ruling.risk > 60)).collect();
    assert_eq!(told, [("challenge", true), ("allow", false), ("allow", false)], "what tells of theft is cleared");
}

/// STANDARDS §1.15, over a socket: a thief has the token and no key, or a key of its own.
#[test]
fn a_thief_of_a_bearer_is_refused_whatever_it_adds() {
    let (upstream, ci, key) = (Upstream::plain(), signer(), signer());
    let edge = watching(&upstream, &ci);
    let before = upstream.received().len();
    let stolen = token(&ci, None);
    let own = token(&ci, Some(key.kid()));
    let challenged = edge.raw(proved(&own, &key, None));
    let nonce = field(&challenged, "dpop-nonce")[0];
    let refused = edge.raw(plain(&format!("Authorization: Bearer {stolen}\r\n")));
    assert_eq!(said(&refused), "403 risk.blocked");
    let [challenge] = field(&refused, "www-authenticate")[..] else { panic!("{refused}") };
    assert!(challenge.starts_with("DPoP ") && !challenge.contains("error="), "how to be one that can answer: {challenge}");
    assert!(field(&refused, "dpop-nonce").is_empty(), "there is nothing that it could answer");
    for nonce in [None, Some(nonce)] {
        assert_eq!(said(&edge.raw(proved(&stolen, &key, nonce))), "401 proof.invalid");
    }
    assert_eq!(said(&edge.raw(plain(&format!("Authorization: Bearer {stolen}\r\n")))), "403 risk.blocked");
    assert_eq!(upstream.received().len(), before, "nothing of it went on");
}

#[test]
fn who_has_a_stronger_key_on_record_is_told_how_to_show_it() {
    let (upstream, ci) = (Upstream::plain(), signer());
    let mut edge = watching_at(&upstream, &ci, |api| api.accept = [CredentialKind::Oidc, CredentialKind::X509].into());
    let weak = plain(&format!("Authorization: Bearer {}\r\n", token(&ci, None)));
    edge.change_caller(|file| file.identity.registered = [CredentialKind::PublicKey].into());
    let refused = edge.raw(&weak);
    assert_eq!(said(&refused), "401 risk.step_up");
    let [challenge] = field(&refused, "www-authenticate")[..] else { panic!("{refused}") };
    assert!(challenge.starts_with("DPoP ") && challenge.contains("algs=\"") && !challenge.contains("error="), "{challenge}");
    assert!(field(&refused, "dpop-nonce").is_empty(), "there is nothing that what it has could answer");
    let remedy = |answer: &str| serde_json::from_str::<Value>(answer.split("\r\n\r\n").nth(1).unwrap()).unwrap()["remedy"].clone();
    assert_eq!(remedy(&refused), "get a token that is bound to your registered key, and show possession of that with each call (DPoP)");
    edge.change_caller(|file| file.identity.registered = [CredentialKind::X509].into());
    let refused = edge.raw(&weak);
    assert_eq!(said(&refused), "401 risk.step_up");
    assert_eq!(remedy(&refused), "show the client certificate that is on your record");
    let [challenge] = field(&refused, "www-authenticate")[..] else { panic!("{refused}") };
    assert!(challenge.starts_with("Bearer ") && !challenge.contains("error="), "every 401 has one: {challenge}");
}

#[test]
fn oauth4webapi_answers_the_challenge_without_new_code() {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap();
    let modules = target.join("clients/node_modules");
    assert!(modules.is_dir(), "`{}` is missing: run `./check`, which brings it", modules.display());
    let (upstream, ci) = (Upstream::plain(), signer());
    let edge = watching(&upstream, &ci);
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/peers/challenged.mjs");
    let mut command = Command::new("node");
    command.arg(script).arg(modules.join("of-here.js")).arg(edge.public.port().to_string());
    let mut client = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(client.stdout.take().unwrap()).lines();
    let mut line = || lines.next().unwrap().unwrap();
    let token = token(&ci, Some(&line()));
    writeln!(client.stdin.take().unwrap(), "{token}").unwrap();
    assert_eq!(line(), "200 200 200, asked for a nonce 1 times");
    assert!(client.wait().unwrap().success());
    let codes: Vec<_> = edge.sink.wait(4).iter().map(|event| event.ruling.reason().code()).collect();
    assert_eq!(codes, ["risk.challenged", "rule.allowed", "rule.allowed", "rule.allowed"]);
}

/// What a client reads of the challenge beside its fields.
#[test]
fn a_challenge_is_told_as_a_problem() {
    let (upstream, ci, key) = (Upstream::plain(), signer(), signer());
    let edge = watching(&upstream, &ci);
    let challenged = edge.raw(proved(&token(&ci, Some(key.kid())), &key, None));
    let problem: Value = serde_json::from_str(challenged.split("\r\n\r\n").nth(1).unwrap()).unwrap();
    assert_eq!((&problem["status"], &problem["code"]), (&json!(401), &json!("risk.challenged")));
    assert!(!challenged.to_ascii_lowercase().contains("set-cookie") && field(&challenged, "location").is_empty(), "nothing for a browser");
}

/// A call as bots of directories sign them: the authority and who they are, or all that `Accept-Signature` names.
fn signed(key: &Signer, components: &str, nonce: Option<&str>) -> String {
    const AGENT: &str = "sig1=\"https://crawler.example\"";
    let headers = HeaderMap::from_iter([(agent::FIELD, AGENT.parse().unwrap())]);
    let uri: Uri = "/guarded".parse().unwrap();
    let message = Message { method: "GET", origin: "https://gate.example", uri: &uri, version: http::Version::HTTP_11, headers: &headers };
    let expires = Some(now() + Duration::from_mins(5));
    let making = Making { label: "sig1", components, created: now(), expires, nonce, key_id: key.kid(), tag: Some(agent::TAG) };
    let made = sign(key, &message, &making).unwrap();
    plain(&format!("Signature-Agent: {AGENT}\r\nSignature-Input: {}\r\nSignature: {}\r\n", made.input, made.signature))
}

/// Web Bot Auth: what most bots sign is good for every path and whoever catches it, so it shows nothing; their key does.
#[test]
fn a_bot_that_signs_the_authority_alone_answers_with_its_key() {
    const USUAL: &str = "\"@authority\" \"signature-agent\";key=\"sig1\"";
    let (upstream, key) = (Upstream::plain(), Signer::load(Signer::generate_for(Algorithm::Ed25519).unwrap().danger_expose()).unwrap());
    let crawler = TrustName::literal("crawler");
    let start = || {
        let agent: Box<str> = "https://crawler.example".into();
        let bot = Bot { agent: agent.clone(), keys: Keys::Here(jwks([&key]).to_string().into()) };
        let trust = Arc::new(Trust::new([], []).with_bots([TrustedBot::new(&crawler, &bot, None)]));
        let binding = Binding { trust: crawler.clone(), subject: Subject::Exactly(agent), claims: [].into() };
        let setup = Setup { trust, ..Setup::before(&upstream) }.api(|api| api.accept = [CredentialKind::PublicKey].into());
        let on_record = setup.on_record(|credential, limit| {
            limit.rate = None;
            (credential.kind, credential.hash) = (CredentialKind::WebBotAuth, None);
            credential.binding = Some(Box::new(binding));
        });
        on_record.start()
    };
    let before = start();
    assert_eq!(said(&before.raw(signed(&key, USUAL, None))), "200");
    let edge = start();
    known_elsewhere(&edge, &before.sink.wait(1)[0]);
    let caught = signed(&key, USUAL, None);
    let challenged = edge.raw(&caught);
    assert_eq!(said(&challenged), "401 risk.challenged");
    let [wanted] = field(&challenged, "accept-signature")[..] else { panic!("{challenged}") };
    // A signer that knows nothing of this gate: it covers what is named, with the nonce.
    let components = wanted.split_once('(').and_then(|(_, rest)| rest.split_once(')')).unwrap().0;
    let nonce = wanted.split_once("nonce=\"").and_then(|(_, rest)| rest.split_once('"')).unwrap().0;
    assert!(wanted.ends_with(";tag=\"web-bot-auth\"") && components.ends_with(USUAL.split_once(' ').unwrap().1), "{wanted}");
    assert_eq!(said(&edge.raw(signed(&key, components, Some(nonce)))), "200");
    assert_eq!(said(&edge.raw(&caught)), "401 risk.challenged", "what was caught answers nothing");
    assert_eq!(upstream.received().matches("GET /guarded").count(), 2);
}
