//! The same matrix of what is shown otherwise than as a text in `Authorization`: certificates, signatures of a request and of a webhook; and of
//! what rests on a certificate or is of a task.

use crate::{
    gate::{Gate, Place},
    mutual::{ask, run, self_sign},
    signatures::{ByHand, thumbprint},
    tasks::escaped,
    token_world::{GRANT, now},
    trust::Authority,
    upstream::Upstream,
};
use rcgen::SanType;
use serde_json::{Value, json};
use std::fmt::Write as _;
use wardgate_model::credential::SignatureScheme;
use wardgate_proof::webhook::{self, Key};

const WORLD: &str = "\
kind: TrustSource
name: mesh
spec: { type: spiffe, trust_domain: acme.example, bundle: file:mesh.pem }
---
kind: Purpose
name: settlement
spec: { description: settles payments }
---
kind: Identity
name: caller
spec:
  type: workload
  owner: shop-team
  environment: production
  purpose: keeps the books
  credentials:
    - { name: key, type: public_key, jwk: @JWK@ }
    - { name: svid, type: x509, trust: mesh, spiffe_id: spiffe://acme.example/caller }
    - { name: old, type: api_key, expires_in: 30d }
---
kind: Identity
name: sender
spec:
  type: partner
  owner: shop-team
  environment: production
  purpose: tells of payments
  credentials: [{ name: hook, type: hmac, header: Stripe-Signature, api: hooks }]
";

/// APIs, and what each takes.
const APIS: [(&str, &str); 5] =
    [("tokens", "jwt"), ("keys", "api_key, jwt"), ("certificates", "x509"), ("signatures", "signature"), ("hooks", "hmac")];

fn resources(upstream: &Upstream, jwk: &Value) -> String {
    let mut text = WORLD.replace("@JWK@", &jwk.to_string());
    for (api, accept) in APIS {
        let who = if api == "hooks" { "sender" } else { "caller" };
        write!(
            text,
            "---\nkind: Api\nname: {api}\nspec:\n  policy_owner: shop-team\n  environment: production\n  match: {{ path_prefix: /{api} }}\n  \
             accept: [{accept}]\n  upstream: {{ urls: ['{}'] }}\n  operations: [{{ match: 'GET /all', class: list }}, {{ match: 'POST /all', class: write }}]\n\
             ---\nkind: Grant\nname: {who}-{api}\nspec: {{ to: {{ identity: {who} }}, api: {api}, operations: [list, write] }}\n",
            upstream.url()
        )
        .unwrap();
    }
    text
}

/// Where something is taken: method and path.
const TAKERS: [(&str, &str); 9] = [
    ("GET", "/tokens/all"),
    ("GET", "/keys/all"),
    ("GET", "/certificates/all"),
    ("GET", "/signatures/all"),
    ("POST", "/hooks/all"),
    ("POST", "/oauth/token"),
    ("GET", "/tasks"),
    ("GET", "/tasks/@TASK@"),
    ("GET", "/api/v1/openapi.json"),
];

struct World {
    place: Place,
    gate: Gate,
    task: String,
}

/// What is shown with a request: a certificate by the name of its files, and fields.
#[derive(Default)]
struct Shown {
    certificate: Option<&'static str>,
    fields: Vec<String>,
}

impl Shown {
    fn certificate(name: &'static str) -> Self {
        Self { certificate: Some(name), ..Self::default() }
    }

    fn text(text: &str) -> Self {
        Self { fields: vec![format!("Authorization: Bearer {text}")], ..Self::default() }
    }

    fn with(self, certificate: &'static str) -> Self {
        Self { certificate: Some(certificate), ..self }
    }
}

impl World {
    /// Its method, path and body.
    fn asked(&self, taker: usize) -> (&'static str, String, String) {
        let (method, path) = TAKERS[taker];
        let body = match path {
            "/oauth/token" => format!("{GRANT}&client_id=caller&resource={}", escaped("https://gate.test/tokens")),
            "/hooks/all" => r#"{"paid":1}"#.to_owned(),
            _ => String::new(),
        };
        (method, path.replace("@TASK@", &self.task), body)
    }

    fn answer(&self, taker: usize, shown: &Shown) -> (u16, String) {
        let (method, path, body) = self.asked(taker);
        let files = shown.certificate.map(|name| (format!("{name}.pem"), format!("{name}.key")));
        let certificate = files.as_ref().map(|(certificate, key)| (&**certificate, &**key));
        let mut arguments = vec!["--request", method, "--header", "Host: gate.test"];
        shown.fields.iter().for_each(|field| arguments.extend(["--header", field]));
        if method == "POST" {
            arguments.extend(["--data", &body]);
        }
        ask(&self.place, &self.gate, certificate, &path, &arguments)
    }

    fn takes(&self, taker: usize, shown: &Shown) -> bool {
        (200..300).contains(&self.answer(taker, shown).0)
    }
}

/// A gate whose one listener asks for certificates, and a caller with one of each.
fn world(hand: impl Fn(&Place) -> ByHand) -> (World, ByHand, Upstream) {
    let (upstream, place, mesh) = (Upstream::plain(), Place::bare(), Authority::new());
    let hand = hand(&place);
    let spiffe = |path: &str| SanType::URI(format!("spiffe://acme.example/{path}").try_into().unwrap());
    mesh.certify(place.path(), "vouched", spiffe("caller"), 7);
    mesh.certify(place.path(), "edge", SanType::DnsName("gate.test".try_into().unwrap()), 9);
    Authority::new().certify(place.path(), "forged", spiffe("caller"), 7);
    place.write("resources/mesh.pem", &mesh.0.pem());
    // Of its registered key, and of none.
    run(&place, "cp", &["key.pem", "registered.key"]);
    run(&place, "openssl", &["genpkey", "-algorithm", "ed25519", "-out", "nobodys.key"]);
    for name in ["registered", "nobodys"] {
        self_sign(&place, &format!("{name}.key"), &format!("{name}.pem"));
    }
    let asks = "public_url: 'https://gate.test', tls: { certificate: file:edge.pem, key: file:edge.key, client_certificates: request } }";
    place.change("wardgate.yaml", "public_url: 'https://gate.test' }", asks);
    place.write("resources/world.yaml", &resources(&upstream, &hand.jwk()));
    let gate = place.serve();
    (World { place, gate, task: String::new() }, hand, upstream)
}

fn text(told: &Value, member: &str) -> String {
    told[member].as_str().unwrap_or_else(|| panic!("{told}")).to_owned()
}

#[test]
fn what_is_shown_beside_a_request_is_taken_where_it_belongs_and_nowhere_else() {
    let (mut world, hand, _upstream) = world(|place| ByHand::new(place.path()));
    let issue = |world: &World, identity: &str| {
        let answer = world.place.manage(&world.gate, "POST /api/v1/credentials", &json!({ "identity": identity }));
        assert_eq!(answer.status, 201, "{answer:?}");
        text(&answer.json(), "key")
    };
    let (key, secret) = (issue(&world, "caller"), issue(&world, "sender"));
    let start = json!({ "purpose": "settlement", "api": "keys", "operations": ["list"], "lifetime": "15m" }).to_string();
    let by_key = format!("Authorization: Bearer {key}");
    let (status, told) = ask(&world.place, &world.gate, None, "/tasks", &["--header", &by_key, "--data", &start]);
    assert_eq!(status, 201, "{told}");
    world.task = text(&serde_json::from_str(&told).unwrap(), "task_id");
    let issued = world.place.run(&world.gate, &["credential", "issue", "caller", "--task", &world.task, "--output", "json"], "");
    let of_task = text(&issued.with(0).json(), "key");

    // Tokens that the registered key gets by its certificate: bound to that.
    let granted = |form: &str, certificate: &str| {
        let files = (format!("{certificate}.pem"), format!("{certificate}.key"));
        let (status, told) = ask(&world.place, &world.gate, Some((&files.0, &files.1)), "/oauth/token", &["--data", form]);
        assert_eq!(status, 200, "{told}");
        text(&serde_json::from_str(&told).unwrap(), "access_token")
    };
    let form = |what: &str| format!("{GRANT}&client_id=caller&{what}");
    let bound = granted(&form(&format!("resource={}", escaped("https://gate.test/tokens"))), "registered");
    let detail = json!([{ "type": "wardgate_task", "task_id": world.task }]).to_string();
    let token_of_task = granted(&form(&format!("authorization_details={}", escaped(&detail))), "registered");

    let key_id = thumbprint(&hand.jwk());
    let signed = |taker: usize| {
        let (method, path, _) = world.asked(taker);
        let lines = [("@method", method), ("@authority", "gate.test"), ("@path", &path)];
        let fields = hand.fields(&key_id, &lines, "");
        Shown { fields: fields.map(|(name, value)| format!("{name}: {value}")).into(), ..Shown::default() }
    };
    let parsed = Key::parse(SignatureScheme::Timestamped, &secret).unwrap();
    let hooked = |taker: usize| {
        let signature = webhook::sign(SignatureScheme::Timestamped, &parsed, "", now(), world.asked(taker).2.as_bytes());
        Shown { fields: vec![format!("Stripe-Signature: {signature}")], ..Shown::default() }
    };
    let check = |taker: usize, kind: &str, example: &Shown, takers: &[usize]| {
        let (method, path) = TAKERS[taker];
        let answer = world.answer(taker, example);
        let takes = (200..300).contains(&answer.0);
        assert_eq!(takes, takers.contains(&taker), "{kind}, shown to {method} {path}: {answer:?}");
    };
    for taker in 0..TAKERS.len() {
        check(taker, "nothing", &Shown::default(), &[]);
        check(taker, "a certificate that a trust source vouches for", &Shown::certificate("vouched"), &[2, 5, 6, 7]);
        check(taker, "a certificate of another authority for that name", &Shown::certificate("forged"), &[]);
        check(taker, "a certificate of its own of a registered key", &Shown::certificate("registered"), &[5]);
        check(taker, "a certificate of its own of no key on record", &Shown::certificate("nobodys"), &[]);
        check(taker, "a signature of the request", &signed(taker), &[3]);
        check(taker, "a signature of a webhook", &hooked(taker), &[4]);
        check(taker, "an API key", &Shown::text(&key), &[1, 6, 7]);
        check(taker, "a key of a task", &Shown::text(&of_task), &[1, 7]);
        check(taker, "a token that is bound to a certificate, with it", &Shown::text(&bound).with("registered"), &[0]);
        check(taker, "the same without it", &Shown::text(&bound), &[]);
        check(taker, "the same with another one", &Shown::text(&bound).with("nobodys"), &[]);
        check(taker, "a token of a task, with its certificate", &Shown::text(&token_of_task).with("registered"), &[1]);
    }
    // With its task a key of it ends, and a certificate is what it was.
    let ended = world.place.run(&world.gate, &["task", "complete", &world.task], "");
    assert_eq!(ended.status, 0, "{ended:?}");
    let left = [1, 7].map(|taker| world.takes(taker, &Shown::text(&of_task)));
    assert_eq!((left, world.takes(7, &Shown::certificate("vouched"))), ([false; 2], true));
}
