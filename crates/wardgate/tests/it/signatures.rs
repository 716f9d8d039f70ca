//! Signed requests (RFC 9421) through the binary: by PyPI `http-message-signatures`, by hand with `openssl` and `curl`.

use crate::{
    gate::{Gate, Place, until},
    http,
    upstream::{Play, Upstream},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};
use wardgate_proof::{client, digest};

const WORLD: &str = "\
kind: Api
name: ledger
spec:
  policy_owner: shop-team
  business_owner: shop-team
  environment: production
  match: { path_prefix: /ledger }
  accept: [signature]
  require: { money: { nonce: true, bound: true }, bulk: { bound: true } }
  upstream: { urls: ['@UPSTREAM@'] }
  operations:
    - { match: 'GET /entries', class: list }
    - { match: 'POST /entries', class: write }
    - { match: 'GET /export', class: bulk }
    - { match: 'POST /pay', class: money }
---
kind: Grant
name: signers-work
spec: { to: { owner: shop-team }, api: ledger, operations: [list, write, bulk, money] }
";

/// What `./check` brought.
fn python() -> PathBuf {
    let binary = PathBuf::from(env!("CARGO_BIN_EXE_wardgate"));
    let path = binary.parent().and_then(Path::parent).unwrap().join("signers/bin/python");
    assert!(path.exists(), "`{}` is not there: run `./check`, which brings it", path.display());
    path
}

fn ran(arguments: &[&str]) -> Value {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/peers/signer.py");
    let done = Command::new(python()).arg(script).args(arguments).output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    serde_json::from_slice(&done.stdout).unwrap()
}

fn signer(name: &str, jwk: &Value) -> String {
    format!(
        "---\nkind: Identity\nname: {name}\nspec:\n  type: workload\n  owner: shop-team\n  environment: production\n  purpose: keeps the ledger\n  \
         credentials: [{{ name: key, type: public_key, jwk: {jwk} }}]\n"
    )
}

pub(crate) fn thumbprint(jwk: &Value) -> String {
    client::key(&jwk.to_string()).unwrap().thumbprint().to_owned()
}

/// A name of an algorithm as one of an identity.
fn identity(algorithm: &str) -> String {
    format!("by-{}", algorithm.replace('_', "-"))
}

#[test]
fn http_message_signatures_signs_with_each_algorithm() {
    let (place, upstream) = (Place::bare(), Upstream::plain());
    let keys = place.path().join("keys");
    fs::create_dir(&keys).unwrap();
    let made = ran(&["keys", &keys.to_string_lossy()]);
    let made = made.as_object().unwrap();
    assert_eq!(made.len(), 5);
    let identities: String = made.iter().map(|(name, jwk)| signer(&identity(name), jwk)).collect();
    let names: Value = made.iter().map(|(name, jwk)| (name.clone(), json!(thumbprint(jwk)))).collect::<serde_json::Map<_, _>>().into();
    place.write("keys/names.json", &names.to_string());
    place.write("resources/ledger.yaml", &format!("{}{identities}", WORLD.replace("@UPSTREAM@", &upstream.url())));
    let gate = place.serve();
    let said = ran(&["call", &gate.public.port().to_string(), &keys.to_string_lossy()]);
    for (name, way) in said.as_object().unwrap() {
        let expected = json!({
            "usual": "200", "post": "200", "again": "401 proof.invalid", "bare": "401 proof.message", "covered": "200",
            "pay": "401 proof.signature_nonce", "paid": "200",
        });
        assert_eq!(way, &expected, "{name}");
    }
    // What was for us does not reach the upstream; the digest of the body does.
    let received = upstream.received();
    assert_eq!(received.len(), 4 * made.len());
    assert!(received.iter().all(|request| request.field("signature").is_none() && request.field("signature-input").is_none()));
    assert_eq!(received.iter().filter(|request| request.field("content-digest").is_some()).count(), 2 * made.len());
    assert_eq!(gate.end().0, Some(0));
    let events = place.events();
    let proofs =
        |code: &str| events.iter().filter(|event| event["ruling"]["code"] == code).map(|event| &event["proof"]).collect::<Vec<_>>();
    assert_eq!(proofs("proof.message_target").len(), made.len(), "the record says what was left out");
    let allowed = proofs("rule.allowed");
    assert_eq!(allowed.len(), 4 * made.len());
    assert!(allowed.iter().all(|proof| proof["kind"] == "signature" && proof["bound"] == true), "{allowed:?}");
    assert_eq!(proofs("proof.replayed").len(), made.len());
    for name in made.keys() {
        assert!(events.iter().any(|event| event["identity"]["name"] == identity(name).as_str()), "{name}");
    }
}

/// A key, a base and a signature by `openssl`.
pub(crate) struct ByHand {
    directory: PathBuf,
}

impl ByHand {
    pub(crate) fn new(directory: &Path) -> Self {
        let directory = directory.to_owned();
        let done = Command::new("openssl").args(["genpkey", "-algorithm", "ed25519", "-out"]).arg(directory.join("key.pem")).status();
        assert!(done.unwrap().success());
        Self { directory }
    }

    pub(crate) fn jwk(&self) -> Value {
        let done = Command::new("openssl").args(["pkey", "-pubout", "-outform", "DER", "-in"]).arg(self.directory.join("key.pem")).output();
        let der = done.unwrap().stdout;
        let x = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(&der[der.len() - 32..]);
        json!({ "kty": "OKP", "crv": "Ed25519", "x": x })
    }

    /// The value of `Signature` over a base.
    fn signature(&self, base: &str) -> String {
        let file = self.directory.join("base");
        fs::write(&file, base).unwrap();
        let mut command = Command::new("openssl");
        command.args(["pkeyutl", "-sign", "-rawin", "-inkey"]).arg(self.directory.join("key.pem")).arg("-in").arg(&file);
        let done = command.output().unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        format!("sig1=:{}:", STANDARD.encode(done.stdout))
    }

    /// The two fields for a request, over the lines of its base.
    pub(crate) fn fields(&self, key_id: &str, lines: &[(&str, &str)], more: &str) -> [(&'static str, String); 2] {
        let names: Vec<String> = lines.iter().map(|(name, _)| format!("\"{name}\"")).collect();
        let parameters = format!("({});created={};keyid=\"{key_id}\"{more}", names.join(" "), crate::token_world::now());
        let base: String = lines.iter().map(|(name, value)| format!("\"{name}\": {value}\n")).collect();
        let signature = self.signature(&format!("{base}\"@signature-params\": {parameters}"));
        [("Signature-Input", format!("sig1={parameters}")), ("Signature", signature)]
    }
}

struct Scene {
    place: Place,
    upstream: Upstream,
    gate: Gate,
    hand: ByHand,
    key_id: String,
}

impl Scene {
    fn new() -> Self {
        let (place, upstream) = (Place::bare(), Upstream::plain());
        let hand = ByHand::new(place.path());
        let jwk = hand.jwk();
        place.write("resources/ledger.yaml", &format!("{}{}", WORLD.replace("@UPSTREAM@", &upstream.url()), signer("by-hand", &jwk)));
        let gate = place.serve();
        Self { place, upstream, gate, hand, key_id: thumbprint(&jwk) }
    }

    fn fields(&self, lines: &[(&str, &str)], more: &str) -> [(&'static str, String); 2] {
        self.hand.fields(&self.key_id, lines, more)
    }
}

/// What of the body is not what was signed reaches nobody; the whole of it does, once.
#[test]
fn a_body_is_compared_before_any_of_it_goes_on() {
    let scene = Scene::new();
    let body = "x".repeat(40_000);
    let said = digest::of(body.as_bytes());
    let lines = [("@method", "POST"), ("@authority", "gate.test"), ("@path", "/ledger/entries"), ("content-digest", &said)];
    let fields = scene.fields(&lines, "");
    let fields = [("Content-Digest", said.as_str()), (fields[0].0, fields[0].1.as_str()), (fields[1].0, fields[1].1.as_str())];
    let other = format!("{}y", &body[1..]);
    let answer = http::ask(scene.gate.public, "POST /ledger/entries", &fields, &other);
    assert_eq!(answer.said(), "401 proof.digest", "{answer:?}");
    let wanted = answer.field("accept-signature").unwrap();
    assert_eq!(wanted, r#"sig1=("@method" "@authority" "@path" "content-digest");created"#);
    assert!(scene.upstream.received().is_empty());
    // In chunks, whose number says nothing of the length.
    let mut line = http::Line::open(scene.gate.public);
    let head: String = fields.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    line.send(&format!("POST /ledger/entries HTTP/1.1\r\nHost: gate.test\r\n{head}Transfer-Encoding: chunked\r\n\r\n"));
    for piece in body.as_bytes().chunks(10_000) {
        line.send(&format!("{:x}\r\n{}\r\n", piece.len(), String::from_utf8_lossy(piece)));
    }
    line.send("0\r\n\r\n");
    assert_eq!(line.answer().unwrap().status, 200);
    assert_eq!(scene.upstream.received().len(), 1);
    assert_eq!(http::ask(scene.gate.public, "POST /ledger/entries", &fields, &body).said(), "401 proof.invalid", "it was taken");
    // Who covers no digest sends no body.
    let bare = scene.fields(&lines[..3], "");
    let bare = bare.each_ref().map(|(name, value)| (*name, value.as_str()));
    assert_eq!(http::ask(scene.gate.public, "POST /ledger/entries", &bare, "{}").said(), "401 proof.message");
    assert_eq!(scene.upstream.received().len(), 1);
}

const DOCS: &str = include_str!("../../../../docs/signatures.md");

/// The commands of docs/signatures.md, as they stand there.
#[test]
fn the_way_by_hand_of_the_docs_works() {
    let blocks: Vec<&str> = DOCS.split("```sh\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
    let [make, name, call] = <[&str; 3]>::try_from(blocks).unwrap();
    let (place, upstream) = (Place::bare(), Upstream::plain());
    let bash = |script: &str| {
        let done = Command::new("bash").args(["-ec", script]).current_dir(place.path()).output().unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        String::from_utf8(done.stdout).unwrap()
    };
    bash(make);
    let entry = bash(name);
    let jwk = entry.trim().strip_prefix("jwk: ").unwrap();
    let identity = signer("by-docs", &Value::Null).replace("jwk: null", &format!("jwk: {jwk}"));
    place.write("resources/ledger.yaml", &format!("{}{identity}", WORLD.replace("@UPSTREAM@", &upstream.url())));
    let gate = place.serve();
    let here = format!("curl -sS -o answer -w '%{{http_code}}' -H 'Host: gate.test' http://{}", gate.public);
    let call = call.replace("curl https://gate.example", &here).replace("gate.example", "gate.test");
    assert!(bash(&format!("{name}{call}")).ends_with("200"));
    assert_eq!(upstream.last().field("content-digest"), Some(&*digest::of(br#"{"amount": 7}"#)));
}

/// STANDARDS §3.3, over sockets: the directory is fetched where the trust source says, and its key counts under the bot's own address.
#[test]
fn a_bot_calls_by_the_keys_of_its_directory() {
    let (place, upstream) = (Place::bare(), Upstream::plain());
    let hand = ByHand::new(place.path());
    let (jwk, kind) = (hand.jwk(), "application/http-message-signatures-directory+json");
    let keys = json!({ "keys": [jwk] }).to_string();
    let directory = Upstream::start(move |_| {
        Play::Answer(format!("HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n\r\n{keys}", keys.len()))
    });
    let bot = |name: &str| {
        format!(
            "---\nkind: TrustSource\nname: {name}\nspec: {{ type: web_bot_auth, agent: 'https://{name}.test', jwks: '{}/directory', \
             networks: [127.0.0.0/8] }}\n---\nkind: Identity\nname: {name}\nspec:\n  type: bot\n  owner: shop-team\n  environment: production\n  \
             purpose: reads\n  credentials: [{{ name: signs, type: web_bot_auth, trust: {name} }}]\n",
            directory.url()
        )
    };
    place.write("resources/ledger.yaml", &format!("{}{}", WORLD.replace("@UPSTREAM@", &upstream.url()), bot("crawler")));
    let gate = place.serve();
    let scene = Scene { place, upstream, gate, hand, key_id: thumbprint(&jwk) };
    let call = |what: &str, agent: &str, lines: &[(&str, &str)], nonce: &str| {
        let member = "signature-agent\";key=\"sig1";
        let lines: Vec<(&str, &str)> = lines.iter().copied().chain([(member, agent)]).collect();
        let now = crate::token_world::now();
        let fields = scene.fields(&lines, &format!(";expires={};tag=\"web-bot-auth\"{nonce}", now + 60));
        let agent = format!("sig1={agent}");
        let fields = [("Signature-Agent", agent.as_str()), (fields[0].0, fields[0].1.as_str()), (fields[1].0, fields[1].1.as_str())];
        http::ask(scene.gate.public, what, &fields, "").said()
    };
    let (agent, authority) = ("\"https://crawler.test\"", ("@authority", "gate.test"));
    assert_eq!(call("GET /ledger/entries", agent, &[authority], ""), "200");
    assert_eq!(call("GET /ledger/export", agent, &[authority], ""), "403 rule.forbidden", "bound to nothing");
    let whole = [("@method", "GET"), authority, ("@path", "/ledger/export")];
    assert_eq!(call("GET /ledger/export", agent, &whole, ""), "200");
    assert_eq!(call("GET /ledger/entries", "\"https://stranger.test\"", &[authority], ""), "401 proof.invalid");
    assert_eq!(call("POST /ledger/entries", agent, &[authority], ";nonce=\"a\""), "401 proof.message");
    let whole = [("@method", "POST"), authority, ("@path", "/ledger/entries")];
    assert_eq!(call("POST /ledger/entries", agent, &whole, ";nonce=\"a\""), "200");
    assert_eq!(call("POST /ledger/entries", agent, &whole, ";nonce=\"a\""), "401 proof.invalid", "once");
    let asked = directory.received().remove(0);
    assert_eq!(asked.field("accept"), Some(kind));
    assert!(scene.upstream.received().iter().all(|request| request.field("signature-agent").is_none()));
    assert_eq!(scene.gate.end().0, Some(0));
    let events = scene.place.events();
    let known = events.iter().find(|event| event["identity"]["name"] == "crawler").unwrap();
    assert_eq!((&known["proof"]["kind"], &known["credential"]["type"]), (&json!("signature"), &json!("web_bot_auth")));
}

/// With `curl`, by HTTP/1.1 and HTTP/2: the latter does not say whether there is a body.
#[test]
fn curl_calls_with_a_signature_by_hand() {
    let scene = Scene::new();
    let call = |version: &str, fields: &[(&'static str, String); 2], more: &[&str]| {
        let mut command = Command::new("curl");
        command.args(["-sS", version, "-o", "/dev/null", "-w", "%{http_code}", "-H", "Host: gate.test"]);
        for (name, value) in fields {
            command.args(["-H", &format!("{name}: {value}")]);
        }
        let done = command.args(more).arg(format!("http://{}/ledger/entries", scene.gate.public)).output().unwrap();
        String::from_utf8(done.stdout).unwrap()
    };
    let get = |nonce: &str| {
        let lines = [("@method", "GET"), ("@authority", "gate.test"), ("@path", "/ledger/entries")];
        scene.fields(&lines, &format!(";nonce=\"{nonce}\""))
    };
    for version in ["--http1.1", "--http2-prior-knowledge"] {
        let fields = get(version);
        assert_eq!(call(version, &fields, &[]), "200", "{version}");
        assert_eq!(call(version, &fields, &[]), "401", "{version}: once");
        // What was signed as a call without a body has none.
        assert_eq!(call(version, &get(&format!("{version}-body")), &["-X", "GET", "-d", "{}"]), "401", "{version}");
    }
    assert_eq!(scene.upstream.received().len(), 2);
    // The key is taken off the record: from then on it is nobody's.
    scene.place.change("resources/ledger.yaml", "name: key, type: public_key", "name: other, type: public_key, sources: [10.0.0.0/8]");
    let mut count = 0;
    until("the key to be bound to networks", || {
        count += 1;
        (call("--http1.1", &get(&format!("later-{count}")), &[]) == "403").then_some(())
    });
}
