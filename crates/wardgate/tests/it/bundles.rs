//! Trust material by URL, through the binary: the bundle of a trust domain and its revocation lists, fetched from a server.

use crate::{
    gate::{Place, until},
    http::{self, bearer},
    trust::{Authority, Client, world},
    upstream::Upstream,
};
use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use rcgen::{KeyPair, SanType, SigningKey as _};
use serde_json::json;
use std::{
    collections::HashMap,
    io::{BufRead as _, BufReader, Write as _},
    net::{SocketAddr, TcpListener},
    sync::{Arc, Mutex},
    thread,
    time::{SystemTime, UNIX_EPOCH},
};

/// A server of documents, which a test changes while it runs. What is not there is 404.
struct Publisher {
    address: SocketAddr,
    documents: Arc<Mutex<HashMap<String, Vec<u8>>>>,
}

impl Publisher {
    fn start() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let publisher = Self { address: listener.local_addr().unwrap(), documents: Arc::default() };
        let documents = Arc::clone(&publisher.documents);
        thread::spawn(move || {
            for socket in listener.incoming() {
                let mut socket = BufReader::new(socket.unwrap());
                let (mut first, mut line) = (String::new(), String::new());
                // Whoever goes away before its end needs no answer.
                let _ = socket.read_line(&mut first);
                while socket.read_line(&mut line).is_ok_and(|read| read > 2) {
                    line.clear();
                }
                let path = first.split(' ').nth(1).unwrap_or_default().to_owned();
                let document = documents.lock().unwrap().get(&path).cloned();
                let status = if document.is_some() { "200 OK" } else { "404 Not Found" };
                let body = document.unwrap_or_default();
                let head = format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
                let _ = socket.get_mut().write_all(&[head.as_bytes(), &body].concat());
            }
        });
        publisher
    }

    fn publish(&self, path: &str, document: impl Into<Vec<u8>>) {
        self.documents.lock().unwrap().insert(path.to_owned(), document.into());
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }
}

/// What DER is in a PEM.
fn der(pem: &str) -> Vec<u8> {
    let inner: String = pem.lines().filter(|line| !line.starts_with("-----")).collect();
    STANDARD.decode(inner).unwrap()
}

/// The bundle of the trust domain: an authority of X509-SVIDs and a key of JWT-SVIDs.
fn bundle(sequence: u64, mesh: Option<&Authority>, (kid, signer): (&str, &KeyPair)) -> String {
    let x509 = mesh.map(|mesh| json!({ "kty": "EC", "use": "x509-svid", "x5c": [STANDARD.encode(der(&mesh.0.pem()))] }));
    let (x, y) = signer.public_key_raw()[1..].split_at(32);
    let [x, y] = [x, y].map(|part| URL_SAFE_NO_PAD.encode(part));
    let jwt = json!({ "kty": "EC", "use": "jwt-svid", "kid": kid, "crv": "P-256", "x": x, "y": y });
    let keys: Vec<_> = x509.into_iter().chain([jwt]).collect();
    json!({ "keys": keys, "spiffe_sequence": sequence, "spiffe_refresh_hint": 3600 }).to_string()
}

/// A JWT-SVID for us.
fn svid((kid, signer): (&str, &KeyPair), subject: &str) -> String {
    #[expect(clippy::disallowed_methods, reason = "a token is for now")]
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let part = |value: &serde_json::Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let claims = json!({ "sub": subject, "aud": ["wardgate"], "iat": now, "exp": now + 300 });
    let signed = format!("{}.{}", part(&json!({ "alg": "ES256", "kid": kid })), part(&claims));
    let signature = fixed(&signer.sign(signed.as_bytes()).unwrap());
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
}

/// An ECDSA signature as JOSE has it (RFC 7518 §3.4), from DER.
fn fixed(der: &[u8]) -> Vec<u8> {
    let first = usize::from(der[3]);
    let (r, s) = (&der[4..4 + first], &der[6 + first..]);
    [r, s]
        .into_iter()
        .flat_map(|number| {
            let plain: Vec<u8> = number.iter().copied().skip_while(|byte| *byte == 0).collect();
            [vec![0; 32 - plain.len()], plain].concat()
        })
        .collect()
}

const ID: &str = "spiffe://acme.example/prod/ledger";

#[test]
fn a_bundle_and_revocation_lists_are_fetched_and_obeyed_on_open_connections() {
    let (upstream, place, publisher) = (Upstream::plain(), Place::bare(), Publisher::start());
    let (mesh, signer) = (Authority::new(), KeyPair::generate().unwrap());
    let name = |path: &str| SanType::URI(format!("spiffe://acme.example/{path}").try_into().unwrap());
    mesh.certify(place.path(), "workload", name("prod/ledger"), 7);
    mesh.certify(place.path(), "other", name("prod/other"), 8);
    mesh.certify(place.path(), "edge", SanType::DnsName("localhost".try_into().unwrap()), 9);
    place.change(
        "wardgate.yaml",
        "public_url: 'https://gate.test' }",
        "public_url: 'https://gate.test', tls: { certificate: file:edge.pem, key: file:edge.key, client_certificates: request } }",
    );
    publisher.publish("/bundle", bundle(1, Some(&mesh), ("j1", &signer)));
    let trust = format!(
        "kind: TrustSource\nname: mesh\nspec: {{ type: spiffe, trust_domain: acme.example, bundle: '{}', revoked: ['{}'], audiences: [wardgate], networks: [127.0.0.0/8] }}\n",
        publisher.url("/bundle"),
        publisher.url("/list"),
    );
    let credentials = format!("type: x509, trust: mesh, spiffe_id: '{ID}' }}, {{ name: token, type: oidc, trust: mesh, spiffe_id: '{ID}'");
    world(&place, &upstream, "x509, jwt", &credentials, &trust);
    let gate = place.serve();
    let open = |certificate: &str| Client::open(place.path(), gate.public, certificate);

    // Without the list nobody can say whom the domain took back: it vouches for no certificate, and operators read why.
    let mut stolen = open("workload");
    let told = until("the failure", || Some(http::ask(gate.admin, "GET /readyz", &[], "")).filter(|told| told.body.contains("404")));
    assert_eq!(told.status, 200, "others are served");
    let line =
        format!("trust source `mesh`: the revocations from `{}` were never fetched: it answered 404 Not Found", publisher.url("/list"));
    assert!(told.body.lines().any(|told| told == line), "{told:?}");
    assert_eq!(stolen.ask(), "503 proof.keys_away");
    // DER, as authorities publish it.
    publisher.publish("/list", der(&mesh.revoked(None, 1)));
    until("the list", || (stolen.ask() == "200").then_some(()));
    assert_eq!(open("other").ask(), "401 proof.invalid", "a genuine certificate of nobody on record");
    assert_eq!(http::ask(gate.admin, "GET /readyz", &[], "").body, "ready\n");
    assert_eq!(gate.metric("wardgate_trust_keys{trust=\"mesh\"}"), Some(2));
    assert_eq!(gate.metric("wardgate_trust_revocation_lists{trust=\"mesh\"}"), Some(1));

    // Another list is named, and it revokes: the connection that was open before is refused at its next request.
    publisher.publish("/newer", mesh.revoked(Some(7), 2));
    place.change("resources/ledger.yaml", &publisher.url("/list"), &publisher.url("/newer"));
    until("the revocation", || (open("workload").ask() == "401 proof.invalid").then_some(()));
    assert_eq!(stolen.ask(), "401 proof.invalid", "the connection that was open before");
    let revoked = |events: &[serde_json::Value]| events.iter().any(|event| event["ruling"]["code"] == "proof.revoked");
    until("the events", || Some(place.events()).filter(|events| revoked(events)));
}

#[test]
fn a_domain_s_tokens_end_with_the_bundle_that_vouched_for_them() {
    let (upstream, place, publisher) = (Upstream::plain(), Place::bare(), Publisher::start());
    let (first, second) = (KeyPair::generate().unwrap(), KeyPair::generate().unwrap());
    let (first, second) = (("j1", &first), ("j2", &second));
    publisher.publish("/bundle", bundle(1, None, first));
    let trust = format!(
        "kind: TrustSource\nname: mesh\nspec: {{ type: spiffe, trust_domain: acme.example, bundle: '{}', audiences: [wardgate], networks: [127.0.0.0/8] }}\n",
        publisher.url("/bundle"),
    );
    world(&place, &upstream, "jwt", &format!("type: oidc, trust: mesh, spiffe_id: '{ID}'"), &trust);
    let gate = place.serve();
    let list = |token: &str| http::ask(gate.public, "GET /ledger/entries", &[("Authorization", &bearer(token))], "").said();
    let token = svid(first, ID);
    assert_eq!(list(&token), "200", "the first request waits for the first fetch");
    assert_eq!(list(&svid(first, "spiffe://acme.example/prod/other")), "401 proof.invalid", "nobody on record");
    assert_eq!(list(&svid(("j1", second.1), ID)), "401 proof.invalid", "another key of the same name");
    let event = until("the event", || place.events().into_iter().find(|event| event["ruling"]["code"] == "rule.allowed"));
    assert_eq!((&event["proof"]["kind"], &event["proof"]["bound"]), (&"jwt".into(), &false.into()));
    assert_eq!(event["token"]["issuer"], "spiffe://acme.example");
    // The domain changes its key: a token by the new one waits for it, and what the old one signed is worth nothing from then on.
    publisher.publish("/bundle", bundle(2, None, second));
    assert_eq!(list(&svid(second, ID)), "200");
    // An older bundle brings nothing back: it is a failed fetch.
    publisher.publish("/bundle", bundle(1, None, first));
    assert_eq!(list(&svid(("j3", second.1), ID)), "503 proof.keys_away");
    assert_eq!(gate.metric("wardgate_trust_failing{trust=\"mesh\"}"), Some(1));
    assert_eq!(list(&svid(second, ID)), "200", "the last good one counts");
    publisher.publish("/bundle", bundle(2, None, second));
    until("the refusal", || (list(&token) == "401 proof.invalid").then_some(()));
}
