//! The samples of upstreams that verify `Wardgate-Assertion`, before a running gate: by `hyper` and `jsonwebtoken`, by PyPI `PyJWT`,
//! by npm `jose`. What came through the gate is answered; everything else gets 401.

#[path = "../../../../samples/rust/src/assertion.rs"]
mod assertion;
#[path = "../../../../samples/rust/src/keys.rs"]
mod keys;
#[path = "../../../../samples/rust/src/server.rs"]
mod server;

use crate::{
    gate::Place,
    http::{ask, bearer},
    upstream::{Play, Upstream, ok},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use std::{
    fs,
    io::{BufRead as _, BufReader, Read as _},
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex},
    thread,
};
use tempfile::TempDir;
use wardgate::clock;
use wardgate_proof::jws::{Signer, jwks};

const ISSUER: &str = "https://gate.test";
const TYP: &str = "wardgate-assertion+jwt";

/// The APIs `shop`, before a sample, and `other`, before an upstream that remembers what it was shown.
const APIS: &str = "\
kind: Api
name: shop
spec:
  policy_owner: shop-team
  environment: production
  match: { path_prefix: /shop }
  upstream: { urls: ['@SAMPLE@'] }
  operations:
    - { match: 'GET /things/{id}', class: read }
    - { match: 'POST /things', class: write }
---
kind: Api
name: other
spec:
  policy_owner: shop-team
  environment: production
  match: { path_prefix: /other }
  upstream: { urls: ['@OTHER@'] }
  operations: [{ match: 'GET /things/{id}', class: read }]
---
kind: Identity
name: caller
spec:
  type: service_account
  owner: shop-team
  environment: production
  purpose: keeps things in step
  credentials: [{ name: main, type: api_key, expires_in: 30d }]
---
kind: Grant
name: caller-works
spec: { to: { identity: caller }, api: shop, operations: [read, write] }
---
kind: Grant
name: caller-looks-elsewhere
spec: { to: { identity: caller }, api: other, operations: [read] }
";

/// Keys that are published for whoever verifies: the gate's, and one of the test's own to sign what the gate would not.
struct Published {
    server: Upstream,
    text: Arc<Mutex<String>>,
    signer: Signer,
}

impl Published {
    fn start() -> Self {
        let text = Arc::new(Mutex::new(String::new()));
        let shown = Arc::clone(&text);
        let server = Upstream::start(move |_| Play::Answer(ok(&shown.lock().unwrap())));
        Self { server, text, signer: Signer::load(Signer::generate().unwrap().danger_expose()).unwrap() }
    }

    fn url(&self) -> String {
        format!("{}/.well-known/jwks.json", self.server.url())
    }

    fn publish(&self, gate: &Value) {
        let mut all = jwks([&self.signer]);
        all["keys"].as_array_mut().unwrap().extend(gate["keys"].as_array().unwrap().iter().cloned());
        *self.text.lock().unwrap() = all.to_string();
    }
}

/// Where `./check` puts what the samples need: beside what cargo builds.
fn brought(what: &str) -> PathBuf {
    let binary = PathBuf::from(env!("CARGO_BIN_EXE_wardgate"));
    let place = binary.parent().and_then(Path::parent).unwrap().join("samples").join(what);
    assert!(place.exists(), "`{}` is missing: run `./check`, which brings it", place.display());
    place
}

fn samples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../samples")
}

/// A sample that goes on; ended when dropped.
struct Sample {
    child: Child,
    url: String,
    _folder: Option<TempDir>,
}

impl Sample {
    fn start(mut command: Command, published: &Published, folder: Option<TempDir>) -> Self {
        let command = command.env("WARDGATE_ISSUER", ISSUER).env("WARDGATE_JWKS", published.url()).env("PORT", "0").env("no_proxy", "*");
        let mut child = command.env_remove("WARDGATE_AUDIENCE").stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap();
        let (mut line, mut output) = (String::new(), BufReader::new(child.stdout.take().unwrap()));
        output.read_line(&mut line).unwrap();
        let url = line.trim().strip_prefix("listening on ").unwrap_or_else(|| panic!("{line}")).to_owned();
        // Somebody has to read what it goes on to say, or it would wait for a reader.
        thread::spawn(move || output.read_to_end(&mut Vec::new()));
        Self { child, url, _folder: folder }
    }
}

impl Drop for Sample {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What somebody could show, `claims` on top of what the gate would say.
fn shown(signer: &Signer, typ: &str, audience: &str, claims: &[(&str, Value)]) -> String {
    let now = clock::now().as_seconds();
    let mut all = json!({
        "iss": ISSUER, "aud": audience, "iat": now, "exp": now + 60, "sub": "caller", "identity": "caller", "owner": "shop-team",
        "environment": "production", "operation": "shop GET /shop/things/{id}",
    });
    for (name, value) in claims {
        match value {
            Value::Null => drop(all.as_object_mut().unwrap().remove(*name)),
            value => all[*name] = value.clone(),
        }
    }
    signer.sign(typ, &all).unwrap()
}

/// The same claims under another head, its signature as it was.
fn beheaded(token: &str, head: &Value) -> String {
    let (_, rest) = token.split_once('.').unwrap();
    format!("{}.{rest}", URL_SAFE_NO_PAD.encode(head.to_string()))
}

/// Shows a sample everything that it must not believe, and beside it what it must.
fn holds(url: &str, published: &Published) {
    let other = Upstream::plain();
    let place = Place::bare();
    place.write("resources/apis.yaml", &APIS.replace("@SAMPLE@", url).replace("@OTHER@", &other.url()));
    let gate = place.serve();
    published.publish(&ask(gate.public, "GET /.well-known/jwks.json", &[], "").json());
    let address: SocketAddr = url.strip_prefix("http://").unwrap().parse().unwrap();
    let key = bearer(&place.issue(&gate, "caller").1);
    let through = |what: &str| ask(gate.public, what, &[("Authorization", &key)], "");
    let direct = |what: &str, fields: &[(&str, &str)]| ask(address, what, fields, "").status;
    let with = |token: &str| direct("GET /shop/things/7", &[("Wardgate-Assertion", token)]);

    // Honest.
    for what in ["GET /shop/things/7", "GET /shop/things/7?a=b", "POST /shop/things"] {
        let answer = through(what);
        assert_eq!((answer.status, &answer.json()), (200, &json!({ "hello": "caller" })), "{what}: {answer:?}");
    }
    // The test's own key is believed, so that what follows is refused for what it says and for nothing else.
    let signer = &published.signer;
    let good = shown(signer, TYP, url, &[]);
    assert_eq!(with(&good), 200);

    // Past the gate.
    assert_eq!(direct("GET /shop/things/7", &[]), 401);
    assert_eq!(direct("GET /shop/things/7", &[("Authorization", &key)]), 401);
    assert_eq!(direct("GET /shop/things/7", &[("Wardgate-Assertion", &good), ("Wardgate-Assertion", &good)]), 401);
    assert_eq!(direct("POST /shop/things/7", &[("Wardgate-Assertion", &good)]), 401, "another method");
    for path in ["/shop/things", "/shop/things/", "/shop/things/7/more", "/shop/keys/7", "/Shop/things/7"] {
        assert_eq!(direct(&format!("GET {path}"), &[("Wardgate-Assertion", &good)]), 401, "another operation: {path}");
    }
    // What the gate itself signed for another API.
    assert_eq!(through("GET /other/things/7").status, 200);
    let stolen = other.last().field("wardgate-assertion").unwrap().to_owned();
    assert_eq!(with(&stolen), 401, "for another upstream");
    let now = clock::now().as_seconds();
    for (what, claims) in [
        ("another audience", ("aud", json!(other.url()))),
        ("an audience among others", ("aud", json!([url, other.url()]))),
        ("another issuer", ("iss", json!("https://elsewhere.test"))),
        ("over", ("exp", json!(now - 600))),
        ("without an end", ("exp", Value::Null)),
        ("without an issuer", ("iss", Value::Null)),
        ("without an audience", ("aud", Value::Null)),
        ("of nobody", ("sub", Value::Null)),
        ("for nothing", ("operation", Value::Null)),
        ("without a beginning", ("iat", Value::Null)),
    ] {
        assert_eq!(with(&shown(signer, TYP, url, &[claims])), 401, "{what}");
    }
    assert_eq!(with(&shown(signer, "at+jwt", url, &[])), 401, "another kind of token");
    let stranger = Signer::load(Signer::generate().unwrap().danger_expose()).unwrap();
    assert_eq!(with(&shown(&stranger, TYP, url, &[])), 401, "a key that nobody published");
    let kid = signer.jwk()["kid"].clone();
    for head in [
        json!({ "alg": "none", "typ": TYP, "kid": kid }),
        json!({ "alg": "HS256", "typ": TYP, "kid": kid }),
        json!({ "alg": "ES256", "typ": TYP, "kid": kid, "crit": ["x"], "x": 1 }),
        json!({ "alg": "ES256", "typ": TYP }),
    ] {
        assert_eq!(with(&beheaded(&good, &head)), 401, "{head}");
        let unsigned = beheaded(&good, &head).rsplit_once('.').map(|(signed, _)| format!("{signed}.")).unwrap();
        assert_eq!(with(&unsigned), 401, "{head}");
    }
    for junk in ["", ".", "..", "a.b.c", "eyJ9", &"a".repeat(12_000)] {
        assert_eq!(with(junk), 401, "{:.20}", junk);
    }
    // And the gate's own probe sees that there is no way round.
    let probed = place.manage(&gate, "POST /api/v1/probes?api=shop", &Value::Null).json();
    assert_eq!((&probed["items"][0]["state"], &probed["whole"]), (&json!("guarded"), &json!(true)), "{probed:#}");
    assert_eq!(with(&good), 200, "as before");
}

#[test]
fn rust_by_hyper_and_jsonwebtoken() {
    let published = Published::start();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let keys = keys::Keys::new(&published.url()).unwrap();
    let verifier = Arc::new(assertion::Verifier::new(ISSUER.to_owned(), url.clone(), keys));
    let serving = runtime.spawn(server::serve(listener, verifier));
    holds(&url, &published);
    assert!(!serving.is_finished());
    runtime.shutdown_background();
}

#[test]
fn keys_come_over_https_or_from_this_machine() {
    for (url, good) in [
        ("https://gate.example/.well-known/jwks.json", true),
        ("http://127.0.0.1:9000/keys", true),
        ("http://gate.example/.well-known/jwks.json", false),
        ("file:keys.json", false),
    ] {
        assert_eq!(keys::Keys::new(url).is_ok(), good, "{url}");
    }
}

#[test]
fn python_by_pyjwt() {
    let published = Published::start();
    let mut command = Command::new(brought("python/bin/python"));
    command.arg("-B").arg(samples().join("python/upstream.py"));
    let sample = Sample::start(command, &published, None);
    holds(&sample.url, &published);
}

#[test]
fn javascript_by_jose() {
    let published = Published::start();
    // Modules are looked for beside the file that names them.
    let folder = tempfile::tempdir().unwrap();
    for name in ["package.json", "assertion.mjs", "upstream.mjs"] {
        fs::copy(samples().join("javascript").join(name), folder.path().join(name)).unwrap();
    }
    std::os::unix::fs::symlink(brought("javascript/node_modules"), folder.path().join("node_modules")).unwrap();
    let mut command = Command::new("node");
    command.arg(folder.path().join("upstream.mjs"));
    let sample = Sample::start(command, &published, Some(folder));
    holds(&sample.url, &published);
}
