//! Clients of the token service that prove themselves by certificates, and tokens that are bound to these (RFC 8705), by `curl` and
//! `openssl`.

use crate::{
    gate::{Gate, Place},
    token_world::{GRANT, WORLD, claims, made},
    trust::Authority,
    upstream::Upstream,
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use rcgen::SanType;
use serde_json::{Value, json};
use std::process::Command;
use wardgate_proof::jose::algorithm::Algorithm;

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

fn run(place: &Place, program: &str, arguments: &[&str]) -> String {
    let done = Command::new(program).current_dir(place.path()).args(arguments).output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    String::from_utf8(done.stdout).unwrap()
}

/// A request by `curl`, with a certificate: the status, and what came.
fn ask(place: &Place, gate: &Gate, certificate: Option<(&str, &str)>, path: &str, more: &[&str]) -> (u16, String) {
    let port = gate.public.port();
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

fn token(place: &Place, gate: &Gate, certificate: Option<(&str, &str)>, form: &str) -> (u16, Value) {
    let (status, body) = ask(place, gate, certificate, "/oauth/token", &["--data", form]);
    (status, serde_json::from_str(&body).unwrap())
}

fn call(place: &Place, gate: &Gate, certificate: Option<(&str, &str)>, token: &str) -> u16 {
    ask(place, gate, certificate, "/ledger/entries", &["--header", &format!("Authorization: Bearer {token}")]).0
}

/// A certificate of its own for a key.
fn self_sign(place: &Place, key: &str, certificate: &str) {
    run(place, "openssl", &["req", "-x509", "-key", key, "-days", "2", "-subj", "/CN=whoever", "-out", certificate]);
}

/// A gate that asks for certificates, with a client that has a registered key and one that has an X.509-SVID.
fn world() -> (Place, Gate, Upstream) {
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
    place.change(
        "wardgate.yaml",
        "public_url: 'https://gate.test' }",
        "public_url: 'https://gate.test', tls: { certificate: file:edge.pem, key: file:edge.key, client_certificates: request } }",
    );
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
