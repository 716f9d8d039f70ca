//! Clients of the token service that prove themselves by certificates, and tokens that are bound to these (RFC 8705), by `curl` and
//! `openssl`.

use crate::{
    gate::{Gate, Place, until},
    possession::{proof, with},
    token_world::{ASSERTION, GRANT, WORLD, assertion, claims, made},
    trust::Authority,
    upstream::Upstream,
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use rcgen::SanType;
use serde_json::{Value, json};
use std::{fs, process::Command};
use wardgate_proof::{jose::algorithm::Algorithm, jws::Signer};

const TRUST: &str = "\
---
kind: TrustSource
name: mesh
spec: { type: spiffe, trust_domain: acme.example, bundle: file:mesh.pem }
---
kind: Identity
name: meshed
spec:
  type: workload
  owner: shop-team
  environment: production
  purpose: is in the mesh
  credentials: [{ name: svid, type: x509, trust: mesh, spiffe_id: spiffe://acme.example/prod/meshed }]
---
kind: Grant
name: meshed-works
spec: { to: { identity: meshed }, api: ledger, operations: [list] }
";

pub(crate) fn run(place: &Place, program: &str, arguments: &[&str]) -> String {
    let done = Command::new(program).current_dir(place.path()).args(arguments).output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    String::from_utf8(done.stdout).unwrap()
}

/// A request by `curl`, with a certificate: the status, and what came.
pub(crate) fn ask(place: &Place, gate: &Gate, certificate: Option<(&str, &str)>, path: &str, more: &[&str]) -> (u16, String) {
    ask_at(place, gate.public.port(), certificate, path, more)
}

/// The same at another listener of the same host.
fn ask_at(place: &Place, port: u16, certificate: Option<(&str, &str)>, path: &str, more: &[&str]) -> (u16, String) {
    let (resolve, url) = (format!("gate.test:{port}:127.0.0.1"), format!("https://gate.test:{port}{path}"));
    let mut arguments = vec!["--silent", "--insecure", "--noproxy", "*", "--max-time", "60", "--write-out", "\n%{http_code}"];
    arguments.extend(["--resolve", &resolve]);
    if let Some((certificate, key)) = certificate {
        arguments.extend(["--cert", certificate, "--key", key]);
    }
    arguments.extend(more);
    arguments.push(&url);
    let out = run(place, "curl", &arguments);
    let (body, status) = out.rsplit_once('\n').unwrap();
    (status.parse().unwrap(), body.to_owned())
}

pub(crate) fn token(place: &Place, gate: &Gate, certificate: Option<(&str, &str)>, form: &str) -> (u16, Value) {
    let (status, body) = ask(place, gate, certificate, "/oauth/token", &["--data", form]);
    (status, serde_json::from_str(&body).unwrap())
}

pub(crate) fn call(place: &Place, gate: &Gate, certificate: Option<(&str, &str)>, token: &str) -> u16 {
    ask(place, gate, certificate, "/ledger/entries", &["--header", &format!("Authorization: Bearer {token}")]).0
}

/// A certificate of its own for a key.
pub(crate) fn self_sign(place: &Place, key: &str, certificate: &str) {
    run(place, "openssl", &["req", "-x509", "-key", key, "-days", "2", "-subj", "/CN=whoever", "-out", certificate]);
}

/// A listener that asks for certificates.
const ASKS: &str = "tls: { certificate: file:edge.pem, key: file:edge.key, client_certificates: request } }";

/// A gate that asks for certificates, with a client that has a registered key and one that has an X.509-SVID.
fn world() -> (Place, Gate, Upstream) {
    world_with(&format!("public_url: 'https://gate.test', {ASKS}"))
}

/// The same with other listeners.
fn world_with(listeners: &str) -> (Place, Gate, Upstream) {
    let (upstream, place, mesh) = (Upstream::plain(), Place::bare(), Authority::new());
    let ((pkcs8, client), (_, stranger)) = (made(Algorithm::Es256), made(Algorithm::Es256));
    let spiffe = |path: &str| SanType::URI(format!("spiffe://acme.example/{path}").try_into().unwrap());
    mesh.certify(place.path(), "meshed", spiffe("prod/meshed"), 7);
    mesh.certify(place.path(), "other", spiffe("prod/other"), 8);
    mesh.certify(place.path(), "edge", SanType::DnsName("gate.test".try_into().unwrap()), 9);
    Authority::new().certify(place.path(), "forged", spiffe("prod/meshed"), 7);
    place.write("resources/mesh.pem", &mesh.0.pem());
    place.write("client.key", &format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", STANDARD.encode(pkcs8)));
    self_sign(&place, "client.key", "client.pem");
    self_sign(&place, "client.key", "renewed.pem");
    self_sign(&place, "other.key", "foreign.pem");
    place.change("wardgate.yaml", "public_url: 'https://gate.test' }", listeners);
    let text = WORLD.replace("@UPSTREAM@", &upstream.url());
    let text = text.replace("@JWK@", &client.jwk().to_string()).replace("@OTHER@", &stranger.jwk().to_string());
    place.write("resources/world.yaml", &format!("{text}{TRUST}"));
    let gate = place.serve();
    (place, gate, upstream)
}

/// STANDARDS §1.5, by name.
#[test]
fn a_certificate_gets_a_token_that_is_bound_to_it() {
    let (place, gate, _upstream) = world();
    let own = Some(("client.pem", "client.key"));
    for (certificate, form) in
        [(own, format!("{GRANT}&client_id=ledger-sync")), (Some(("meshed.pem", "meshed.key")), format!("{GRANT}&client_id=meshed"))]
    {
        let (status, told) = token(&place, &gate, certificate, &form);
        assert_eq!((status, &told["token_type"]), (200, &json!("Bearer")), "{told}");
        let bound = told["access_token"].as_str().unwrap();
        let file = certificate.unwrap().0;
        let print = run(
            &place,
            "sh",
            &["-c", &format!("openssl x509 -in {file} -outform DER | openssl dgst -sha256 -binary | base64 | tr '+/' '-_' | tr -d '=\\n'")],
        );
        assert_eq!(claims(bound)["cnf"], json!({ "x5t#S256": print }));
        assert_eq!(call(&place, &gate, certificate, bound), 200);
        assert_eq!(call(&place, &gate, Some(("other.pem", "other.key")), bound), 401, "another certificate");
        assert_eq!(call(&place, &gate, None, bound), 401, "none");
    }
    // The thumbprint is the certificate's: the same key in another one is not it.
    let (_, told) = token(&place, &gate, own, &format!("{GRANT}&client_id=ledger-sync"));
    let bound = told["access_token"].as_str().unwrap();
    assert_eq!(call(&place, &gate, Some(("renewed.pem", "client.key")), bound), 401);
    // Over DPoP it is no better, with its certificate or without: nothing rests on that proof.
    let (_, key) = made(Algorithm::Es256);
    for certificate in [None, own] {
        let proof = format!("DPoP: {}", with(&key, "GET https://gate.test/ledger/entries", bound, &json!({})));
        let shown = format!("Authorization: DPoP {bound}");
        let (status, _) = ask(&place, &gate, certificate, "/ledger/entries", &["--header", &shown, "--header", &proof]);
        assert_eq!(status, 401, "{certificate:?}");
    }
    let asked = ask(&place, &gate, own, "/oauth/introspect", &["--data", &format!("client_id=ledger-sync&token={bound}")]);
    let asked: Value = serde_json::from_str(&asked.1).unwrap();
    assert_eq!((&asked["active"], &asked["cnf"]), (&json!(true), &claims(bound)["cnf"]));
    // Whoever it is that is not the client it names.
    for (certificate, client) in [
        (Some(("foreign.pem", "other.key")), "ledger-sync"),
        (Some(("client.pem", "client.key")), "stranger"),
        (Some(("client.pem", "client.key")), "meshed"),
        (Some(("meshed.pem", "meshed.key")), "ledger-sync"),
        (Some(("other.pem", "other.key")), "meshed"),
        (Some(("forged.pem", "forged.key")), "meshed"),
        (Some(("meshed.pem", "meshed.key")), "nobody"),
        (None, "meshed"),
    ] {
        let (status, told) = token(&place, &gate, certificate, &format!("{GRANT}&client_id={client}"));
        assert_eq!((status, &told["error"]), (401, &json!("invalid_client")), "{certificate:?} {client}");
    }
    // The request still says who it is (RFC 8705 §2).
    assert_eq!(token(&place, &gate, own, GRANT).0, 401);
    let said = ask(&place, &gate, None, "/.well-known/oauth-authorization-server", &[]).1;
    let said: Value = serde_json::from_str(&said).unwrap();
    assert_eq!(said["tls_client_certificate_bound_access_tokens"], true);
    let ways = said["token_endpoint_auth_methods_supported"].as_array().unwrap();
    assert!(ways.contains(&json!("tls_client_auth")) && ways.contains(&json!("self_signed_tls_client_auth")), "{said}");
}

/// The client's key, from its file.
fn own_key(place: &Place) -> Signer {
    let pem = fs::read_to_string(place.path().join("client.key")).unwrap();
    Signer::load(&STANDARD.decode(pem.lines().nth(1).unwrap()).unwrap()).unwrap()
}

/// `client_assertion` and what goes with it.
fn asserted(place: &Place) -> String {
    let signed = assertion(&own_key(place), "ledger-sync", &json!({}));
    format!("{GRANT}&client_assertion_type={ASSERTION}&client_assertion={signed}")
}

/// STANDARDS §0, §1.5, RFC 9440 §4: who has a certificate shows it in the handshake. What a header says of one is nobody's.
#[test]
fn a_certificate_in_a_header_proves_nobody_and_opens_nothing() {
    let (place, gate, _upstream) = world();
    let form = format!("{GRANT}&client_id=ledger-sync");
    let (_, told) = token(&place, &gate, Some(("client.pem", "client.key")), &form);
    let shown = format!("Authorization: Bearer {}", told["access_token"].as_str().unwrap());
    let der = run(&place, "sh", &["-c", "openssl x509 -in client.pem -outform DER | base64 | tr -d '\\n'"]);
    let print = claims(told["access_token"].as_str().unwrap())["cnf"]["x5t#S256"].as_str().unwrap().to_owned();
    let pem = fs::read_to_string(place.path().join("client.pem")).unwrap().replace('\n', "%0A").replace('+', "%2B");
    for header in [
        format!("Client-Cert: :{der}:"),
        format!("X-Client-Cert: {der}"),
        format!("X-Client-Cert: {pem}"),
        format!("X-SSL-Client-Cert: {pem}"),
        format!("SSL_CLIENT_CERT: {pem}"),
        format!("X-Forwarded-Client-Cert: Hash={print};Cert=\"{pem}\""),
        format!("X-Forwarded-Tls-Client-Cert: {der}"),
        format!("X-Client-Cert-Thumbprint: {print}"),
    ] {
        for certificate in [None, Some(("other.pem", "other.key"))] {
            let call = ask(&place, &gate, certificate, "/ledger/entries", &["--header", &shown, "--header", &header]).0;
            assert!(matches!(call, 400 | 401), "{call}: {certificate:?} {header}");
            let asked = ask(&place, &gate, certificate, "/oauth/token", &["--data", &form, "--header", &header]).0;
            assert!(matches!(asked, 400 | 401), "{asked}: {certificate:?} {header}");
        }
    }
    assert_eq!(ask(&place, &gate, Some(("client.pem", "client.key")), "/ledger/entries", &["--header", &shown]).0, 200);
}

/// RFC 8705 §3.4, RFC 9449 §5.2: a client whose tokens have to be bound gets one for its certificate, and none where it only signs.
#[test]
fn tokens_that_have_to_be_bound_are_bound_to_a_certificate_too() {
    let (place, gate, _upstream) = world();
    let own = Some(("client.pem", "client.key"));
    let jwk = own_key(&place).jwk().to_string();
    place.change("resources/world.yaml", &jwk, &format!("{jwk}, bound_tokens: true"));
    until("the setting", || (token(&place, &gate, None, &asserted(&place)).1["error"] == "invalid_dpop_proof").then_some(()));
    // The connection's certificate is a mesh's, perhaps: it counts where it is what the client is known by, and nothing else.
    assert_eq!(token(&place, &gate, own, &asserted(&place)).1["error"], "invalid_dpop_proof");
    let (status, told) = token(&place, &gate, own, &format!("{GRANT}&client_id=ledger-sync"));
    let bound = told["access_token"].as_str().unwrap();
    assert!(status == 200 && claims(bound)["cnf"]["x5t#S256"].is_string(), "{told}");
    assert_eq!((call(&place, &gate, own, bound), call(&place, &gate, None, bound)), (200, 401));
}

/// RFC 8705 §5: where another listener asks for certificates it is told of, and all that the token service takes is taken there: a proof
/// of possession for that address too.
#[test]
fn the_alias_for_certificates_is_told_and_takes_everything() {
    let plain = "tls: { certificate: file:edge.pem, key: file:edge.key } }";
    let mutual = format!("{{ name: mutual, address: '127.0.0.1:0', public_url: 'https://gate.test:9443', {ASKS}");
    let (place, gate, _upstream) = world_with(&format!("public_url: 'https://gate.test', {plain}, {mutual}"));
    let said = ask(&place, &gate, None, "/.well-known/oauth-authorization-server", &[]).1;
    let said: Value = serde_json::from_str(&said).unwrap();
    assert_eq!(said["mtls_endpoint_aliases"]["token_endpoint"], "https://gate.test:9443/oauth/token");
    assert_eq!((&said["token_endpoint"], &said["issuer"]), (&json!("https://gate.test/oauth/token"), &json!("https://gate.test")));
    assert!(said["token_endpoint_auth_methods_supported"].as_array().unwrap().contains(&json!("self_signed_tls_client_auth")));
    let heard = gate.said();
    let line = heard.lines().find(|line| line.starts_with("mutual ")).unwrap();
    let port: u16 = line.split("://").nth(1).and_then(|rest| rest.split(' ').next()?.rsplit(':').next()?.parse().ok()).unwrap();
    let (own, form) = (Some(("client.pem", "client.key")), format!("{GRANT}&client_id=ledger-sync"));
    let (status, told) = ask_at(&place, port, own, "/oauth/token", &["--data", &form]);
    assert_eq!(status, 200, "{told}");
    let told: Value = serde_json::from_str(&told).unwrap();
    let bound = told["access_token"].as_str().unwrap();
    assert_eq!(claims(bound)["iss"], "https://gate.test", "one issuer, wherever it is called");
    let shown = format!("Authorization: Bearer {bound}");
    assert_eq!(ask_at(&place, port, own, "/ledger/entries", &["--header", &shown]).0, 200);
    // The other listener asks for none, so nobody shows one there.
    assert_eq!(ask(&place, &gate, own, "/ledger/entries", &["--header", &shown]).0, 401);
    assert_eq!(token(&place, &gate, own, &form).0, 401);
    // A proof of possession for the alias is for the token service; one for an address that it has not is for nobody.
    let (_, key) = made(Algorithm::Es256);
    let asked = |address: &str, nonce: Value| {
        let proof = format!("DPoP: {}", proof(&key, &format!("POST {address}/oauth/token"), &json!({ "nonce": nonce })));
        ask_at(&place, port, None, "/oauth/token", &["--dump-header", "-", "--header", &proof, "--data", &asserted(&place)])
    };
    let (status, first) = asked("https://gate.test:9443", Value::Null);
    assert!(status == 400 && first.contains("use_dpop_nonce"), "{first}");
    let nonce = first.lines().find_map(|line| line.trim().strip_prefix("dpop-nonce: ")).unwrap();
    let (status, second) = asked("https://gate.test:9443", json!(nonce));
    assert!(status == 200 && second.contains("\"token_type\":\"DPoP\""), "{second}");
    assert_eq!(asked("https://gate.test", json!(nonce)).0, 200);
    // What is bound to a key is that key's: as a bearer's it opens nothing, on the client's own connection either.
    let told: Value = serde_json::from_str(second.lines().last().unwrap()).unwrap();
    let shown = format!("Authorization: Bearer {}", told["access_token"].as_str().unwrap());
    assert_eq!(ask_at(&place, port, own, "/ledger/entries", &["--header", &shown]).0, 401);
    let (status, wrong) = asked("https://gate.test:9444", json!(nonce));
    assert!(status == 400 && wrong.contains("invalid_dpop_proof"), "{wrong}");
}
