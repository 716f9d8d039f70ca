//! Signed webhooks, by the libraries of those who send them: npm `standardwebhooks`, `stripe` and `@octokit/webhooks-methods`.

use crate::{
    gate::{Gate, Place},
    http,
    process::curl,
    upstream::Upstream,
};
use serde_json::{Value, json};
use std::{
    path::{Path, PathBuf},
    process::Command,
};
use wardgate_model::credential::SignatureScheme;
use wardgate_proof::webhook::{self, Key};

const WORLD: &str = "\
kind: Api
name: crm
spec:
  policy_owner: shop-team
  environment: production
  match: { path_prefix: /crm }
  accept: [hmac]
  upstream: { urls: ['@UPSTREAM@'] }
  require: { money: { bound: true } }
  operations: [{ match: 'POST /events', class: write }, { match: 'POST /refunds', class: money }]
---
kind: Identity
name: crm-sender
spec:
  type: partner
  owner: shop-team
  environment: production
  purpose: tells of customers
  credentials:
    - { name: hook, type: hmac, scheme: standard_webhooks }
---
kind: Identity
name: till-sender
spec:
  type: partner
  owner: shop-team
  environment: production
  purpose: tells of payments
  credentials:
    - { name: hook, type: hmac, header: Stripe-Signature, api: crm }
---
kind: Identity
name: forge-sender
spec:
  type: partner
  owner: shop-team
  environment: production
  purpose: tells of changes
  credentials:
    - { name: hook, type: hmac, scheme: body, header: X-Hub-Signature-256 }
---
kind: Grant
name: senders-write
spec: { to: { owner: shop-team }, api: crm, operations: [write, money] }
";
const EVENT: &str = r#"{"id":"evt_1","type":"customer.created","note":"größer  than ASCII"}"#;

/// Where `./check` puts what the senders sign with.
fn modules() -> PathBuf {
    let binary = PathBuf::from(env!("CARGO_BIN_EXE_wardgate"));
    let modules = binary.parent().and_then(Path::parent).unwrap().join("senders/node_modules");
    assert!(modules.join("standardwebhooks").is_dir(), "`{}` lacks the senders: run `./check`, which brings them", modules.display());
    modules.join("of-here.js")
}

struct Scene {
    place: Place,
    upstream: Upstream,
    gate: Gate,
}

impl Scene {
    fn new() -> Self {
        let (place, upstream) = (Place::bare(), Upstream::plain());
        place.write("resources/crm.yaml", &WORLD.replace("@UPSTREAM@", &upstream.url()));
        let gate = place.serve();
        Self { place, upstream, gate }
    }

    /// A new secret of a sender: the id of its credential, and the secret.
    fn issue(&self, identity: &str, given: Option<&str>) -> (String, String) {
        let answer = self.place.manage(&self.gate, "POST /api/v1/credentials", &json!({ "identity": identity, "secret": given }));
        assert_eq!(answer.status, 201, "{answer:?}");
        let issued = answer.json();
        let text = |member: &str| issued[member].as_str().map(str::to_owned);
        assert_eq!(text("key").is_none(), given.is_some(), "a secret that was given is told to nobody");
        (text("id").unwrap(), text("key").or(given.map(str::to_owned)).unwrap())
    }

    /// What a sender prints, a line a call.
    fn send(&self, arguments: &[&str]) -> Vec<String> {
        let url = format!("http://{}/crm/events", self.gate.public);
        let mut arguments: Vec<&str> = arguments.to_vec();
        let at = arguments.iter().position(|word| matches!(*word, "standard" | "stripe" | "github")).unwrap();
        arguments.insert(at + 1, &url);
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/peers/sender.mjs");
        let done = Command::new("node").arg(script).arg(modules()).args(&arguments).output().unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        String::from_utf8(done.stdout).unwrap().lines().map(str::to_owned).collect()
    }
}

#[test]
fn senders_sign_with_their_own_libraries_and_nothing_of_it_is_taken_twice() {
    let scene = Scene::new();
    let (_, standard) = scene.issue("crm-sender", None);
    let (_, till) = scene.issue("till-sender", Some("whsec_of-the-till-which-dictates-it"));
    let (_, forge) = scene.issue("forge-sender", Some("chosen-in-the-settings-of-the-forge"));
    assert!(standard.starts_with("whsec_"));
    for (form, secret) in [("standard", &standard), ("stripe", &till), ("github", &forge)] {
        assert_eq!(scene.send(&["twice", form, secret, EVENT]), ["200 ok", "401 proof.invalid"], "{form}");
        // It came in chunks, without a length, and so it goes on.
        assert_eq!(scene.upstream.last().body, format!("{:x}\r\n{EVENT}\r\n0\r\n\r\n", EVENT.len()), "{form}: byte for byte");
        assert_eq!(scene.send(&[form, "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD", EVENT]), ["401 proof.invalid"], "{form}: another secret");
    }
    assert_eq!(scene.upstream.received().len(), 3);
    for (form, secret) in [("standard", &standard), ("stripe", &till)] {
        assert_eq!(scene.send(&[form, secret, EVENT, "301"]), ["401 proof.invalid"], "{form}: too old");
        assert_eq!(scene.send(&[form, secret, EVENT, "-330"]), ["401 proof.invalid"], "{form}: to come");
        assert_eq!(scene.send(&[form, secret, r#"{"id":"evt_2"}"#, "200"]), ["200 ok"], "{form}: a clock that is a little off");
    }
    assert_eq!(scene.upstream.received().len(), 5);
    let Scene { place, gate, .. } = scene;
    assert_eq!(gate.end().0, Some(0));
    let said = recorded(&place);
    for code in ["rule.allowed hmac crm-sender", "proof.replayed hmac till-sender", "proof.stale - nobody", "proof.unknown - nobody"] {
        assert!(said.iter().any(|one| one == code), "{code}: {said:?}");
    }
}

/// What the record says of each call: the code, the kind of proof, and whose it was.
fn recorded(place: &Place) -> Vec<String> {
    let events = place.events();
    let calls = events.iter().filter(|event| event["api"]["name"] == "crm");
    let text = |value: &Value, nothing: &str| value.as_str().unwrap_or(nothing).to_owned();
    let said = |event: &Value| {
        let (code, proof) = (text(&event["ruling"]["code"], "-"), text(&event["proof"]["kind"], "-"));
        format!("{code} {proof} {}", text(&event["identity"]["id"], "nobody"))
    };
    calls.map(said).collect()
}

#[test]
fn two_secrets_are_good_while_one_replaces_the_other_and_a_revoked_one_is_not() {
    let scene = Scene::new();
    let (old, first) = scene.issue("crm-sender", None);
    let body = json!({ "overlap": "1h", "secret": "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD" });
    let rotated = scene.place.manage(&scene.gate, &format!("POST /api/v1/credentials/{old}/rotate"), &body);
    assert_eq!(rotated.status, 201, "{rotated:?}");
    let second = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";
    assert_eq!(scene.send(&["standard", &first, EVENT]), ["200 ok"]);
    assert_eq!(scene.send(&["standard", second, EVENT]), ["200 ok"]);
    assert_eq!(scene.send(&["standard", &first, r#"{"by":"both"}"#, "0", second]), ["200 ok"]);
    scene.place.revoke(&scene.gate, &old);
    assert_eq!(scene.send(&["standard", &first, r#"{"n":4}"#]), ["401 proof.invalid"]);
    assert_eq!(scene.send(&["standard", second, r#"{"n":5}"#]), ["200 ok"]);
    let id = rotated.json()["id"].as_str().unwrap().to_owned();
    let contained =
        scene.place.manage(&scene.gate, "POST /api/v1/containments", &json!({ "kind": "credential", "name": id, "reason": "test" }));
    assert!(contained.status < 300, "{contained:?}");
    assert_eq!(scene.send(&["standard", second, r#"{"n":6}"#]), ["401 proof.invalid"]);
}

/// A call by `curl`, signed here: in HTTP/2, and as an event in either mode of CloudEvents' HTTP binding.
#[test]
fn any_body_can_be_signed_up_to_its_bound() {
    let scene = Scene::new();
    let (_, secret) = scene.issue("till-sender", None);
    let key = Key::parse(SignatureScheme::Timestamped, &secret).unwrap();
    let seconds = i64::try_from(std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap().as_secs()).unwrap();
    let call = |path: &str, body: &str, more: &[&str]| {
        let file = scene.place.path().join("body");
        std::fs::write(&file, body).unwrap();
        let signature = webhook::sign(SignatureScheme::Timestamped, &key, "", seconds, body.as_bytes());
        let (signature, data) = (format!("Stripe-Signature: {signature}"), format!("@{}", file.display()));
        let url = format!("http://{}{path}", scene.gate.public);
        let arguments = [&["-X", "POST", &url, "-H", &signature, "--data-binary", &data], more].concat();
        curl(scene.place.path(), &arguments).0
    };
    let large = "x".repeat(60 * 1024);
    assert_eq!(call("/crm/events", &large, &["--http2-prior-knowledge"]), "200");
    assert_eq!(scene.upstream.last().body, large);
    assert_eq!(call("/crm/events", &format!("{large}y"), &["-H", "Transfer-Encoding: chunked"]), "200");
    let binary = ["-H", "ce-specversion: 1.0", "-H", "ce-type: com.example.paid", "-H", "ce-id: 1", "-H", "Content-Type: application/json"];
    assert_eq!(call("/crm/events", r#"{"paid":1}"#, &binary), "200");
    assert_eq!(scene.upstream.last().field("ce-type"), Some("com.example.paid"));
    let structured = r#"{"specversion":"1.0","type":"com.example.paid","source":"/till","id":"2","data":{"paid":2}}"#;
    assert_eq!(call("/crm/events", structured, &["-H", "Content-Type: application/cloudevents+json"]), "200");
    assert_eq!(call("/crm/events", "", &[]), "200", "also none at all");
    assert_eq!(scene.upstream.received().len(), 5);
    assert_eq!(call("/crm/events", &"x".repeat(65 * 1024), &[]), "413");
    assert_eq!(call("/crm/events", &"x".repeat(65 * 1024), &["-H", "Transfer-Encoding: chunked"]), "413");
    // A secret that both sides know shows possession of nothing.
    assert_eq!(call("/crm/refunds", r#"{"refund":1}"#, &[]), "403");
    assert_eq!(scene.upstream.received().len(), 5);
    let unsigned = http::ask(scene.gate.public, "POST /crm/events", &[], EVENT);
    assert_eq!(unsigned.said(), "401 credential.missing");
}
