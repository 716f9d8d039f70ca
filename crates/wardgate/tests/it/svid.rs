//! Workloads of a trust domain at the token service: by a JWT-SVID that is asked upon, and by an X.509-SVID on the connection.

use crate::{
    gate::{Gate, Place},
    mutual::{ask, call, run, token},
    token_world::{GRANT, ISSUER, claims, made, now},
    trust::Authority,
    upstream::Upstream,
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use rcgen::SanType;
use serde_json::{Value, json};
use wardgate_proof::{jose::algorithm::Algorithm, jws::Signer};

const EXCHANGE: &str = "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Atoken-exchange";
const BEARER: &str = "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer";
const KIND: &str = "urn%3Aietf%3Aparams%3Aoauth%3Atoken-type%3A";
const ID: &str = "spiffe://acme.example/prod/meshed";

const WORLD: &str = "\
kind: TrustSource
name: mesh
spec: { type: spiffe, trust_domain: acme.example, bundle: file:mesh.json, audiences: ['https://gate.test', 'https://other.test'] }
---
kind: Api
name: ledger
spec:
  policy_owner: shop-team
  business_owner: shop-team
  environment: production
  match: { path_prefix: /ledger }
  accept: [jwt]
  upstream: { urls: ['@UPSTREAM@'] }
  operations: [{ match: 'GET /entries', class: list }]
---
kind: Identity
name: meshed
spec:
  type: workload
  owner: shop-team
  environment: production
  purpose: is in the mesh
  credentials:
    - { name: certificate, type: x509, trust: mesh, spiffe_id: 'spiffe://acme.example/prod/meshed' }
    - { name: token, type: oidc, trust: mesh, spiffe_id: 'spiffe://acme.example/prod/meshed' }
---
kind: Grant
name: meshed-works
spec: { to: { identity: meshed }, api: ledger, operations: [list] }
";

/// A trust domain with two workloads, one of them on record.
struct Domain {
    place: Place,
    gate: Gate,
    signer: Signer,
    _upstream: Upstream,
}

type Shown<'a> = Option<(&'a str, &'a str)>;

const MESHED: Shown<'static> = Some(("meshed.pem", "meshed.key"));
const OTHER: Shown<'static> = Some(("other.pem", "other.key"));

fn domain() -> Domain {
    let (upstream, place, mesh) = (Upstream::plain(), Place::bare(), Authority::new());
    let (_, signer) = made(Algorithm::Es256);
    let spiffe = |path: &str| SanType::URI(format!("spiffe://acme.example/{path}").try_into().unwrap());
    mesh.certify(place.path(), "meshed", spiffe("prod/meshed"), 7);
    mesh.certify(place.path(), "other", spiffe("prod/other"), 8);
    mesh.certify(place.path(), "edge", SanType::DnsName("gate.test".try_into().unwrap()), 9);
    let pem: String = mesh.0.pem().lines().filter(|line| !line.starts_with("-----")).collect();
    let authority = json!({ "kty": "EC", "use": "x509-svid", "x5c": [STANDARD.encode(STANDARD.decode(pem).unwrap())] });
    let mut key = signer.jwk();
    key["use"] = json!("jwt-svid");
    place.write("resources/mesh.json", &json!({ "keys": [authority, key] }).to_string());
    place.change(
        "wardgate.yaml",
        "public_url: 'https://gate.test' }",
        "public_url: 'https://gate.test', tls: { certificate: file:edge.pem, key: file:edge.key, client_certificates: request } }",
    );
    place.write("resources/world.yaml", &WORLD.replace("@UPSTREAM@", &upstream.url()));
    let gate = place.serve();
    Domain { place, gate, signer, _upstream: upstream }
}

impl Domain {
    fn svid(&self, change: &Value) -> String {
        svid(&self.signer, change)
    }

    fn asked(&self, certificate: Shown<'_>, form: &str) -> (u16, Value) {
        token(&self.place, &self.gate, certificate, form)
    }

    fn exchanged(&self, certificate: Shown<'_>, svid: &str, more: &str) -> (u16, Value) {
        self.asked(certificate, &format!("{EXCHANGE}&subject_token_type={KIND}jwt&subject_token={svid}{more}"))
    }

    fn called(&self, certificate: Shown<'_>, told: &Value) -> u16 {
        call(&self.place, &self.gate, certificate, told["access_token"].as_str().unwrap())
    }
}

/// A JWT-SVID with the claims of `change` over those of a good one.
fn svid(signer: &Signer, change: &Value) -> String {
    let mut claims = json!({ "sub": ID, "aud": [ISSUER], "iat": now() - 5, "exp": now() + 200 });
    for (name, value) in change.as_object().unwrap() {
        claims[name] = value.clone();
    }
    signer.sign("JWT", &claims).unwrap()
}

fn error(answer: &(u16, Value)) -> String {
    format!("{} {}", answer.0, answer.1["error"].as_str().unwrap_or_default())
}

/// STANDARDS §1.8: what a SPIFFE workload has is enough.
#[test]
fn a_jwt_svid_is_swapped_for_a_token() {
    let domain = domain();
    let told = domain.exchanged(None, &domain.svid(&json!({})), "");
    assert_eq!((told.0, &told.1["scope"], &told.1["token_type"]), (200, &json!("list"), &json!("Bearer")), "{told:?}");
    let says = claims(told.1["access_token"].as_str().unwrap());
    assert_eq!((&says["sub"], says.get("cnf")), (&json!("meshed"), None));
    // It ends with what it was got upon.
    assert!((150..=200).contains(&told.1["expires_in"].as_i64().unwrap()), "{told:?}");
    assert_eq!(domain.called(None, &told.1), 200);
    let by_older_name = domain.asked(None, &format!("{BEARER}&assertion={}", domain.svid(&json!({}))));
    assert_eq!(domain.called(None, &by_older_name.1), 200);
    for change in [
        json!({ "aud": ["https://other.test"] }),
        json!({ "aud": [ISSUER, "https://other.test"] }),
        json!({ "sub": "spiffe://acme.example/prod/other" }),
        json!({ "sub": "spiffe://elsewhere.example/prod/meshed" }),
        json!({ "sub": "meshed" }),
        json!({ "iat": now() - 900, "exp": now() - 600 }),
    ] {
        assert_eq!(error(&domain.exchanged(None, &domain.svid(&change), "")), "400 invalid_request", "{change}");
    }
    let (_, another) = made(Algorithm::Es256);
    assert_eq!(error(&domain.exchanged(None, &svid(&another, &json!({})), "")), "400 invalid_request", "another key");
    let contained = json!({ "kind": "issuer", "name": "mesh", "reason": "test" });
    assert_eq!(domain.place.manage(&domain.gate, "POST /api/v1/containments", &contained).status, 200);
    assert_eq!(domain.called(None, &told.1), 401);
    assert_eq!(error(&domain.exchanged(None, &domain.svid(&json!({})), "")), "400 invalid_request");
}

/// A mesh shows its certificate on every connection, whatever is asked for over it.
#[test]
fn a_certificate_of_the_connection_stands_back_where_what_is_asked_upon_is_the_proof() {
    let domain = domain();
    let named = "&client_id=meshed";
    // By the certificate itself, without a word more.
    let own = domain.asked(MESHED, &format!("{GRANT}{named}"));
    assert_eq!(own.0, 200, "{own:?}");
    let bound = own.1["access_token"].as_str().unwrap();
    let print = "openssl x509 -in meshed.pem -outform DER | openssl dgst -sha256 -binary | base64 | tr '+/' '-_' | tr -d '=\\n'";
    assert_eq!(claims(bound)["cnf"], json!({ "x5t#S256": run(&domain.place, "sh", &["-c", print]) }));
    assert_eq!((domain.called(MESHED, &own.1), domain.called(OTHER, &own.1), domain.called(None, &own.1)), (200, 401, 401));
    // The certificate is of somebody else, and says nothing here.
    for certificate in [None, MESHED, OTHER] {
        for form in [
            format!("{EXCHANGE}&subject_token_type={KIND}jwt&subject_token={}{named}", domain.svid(&json!({}))),
            format!("{BEARER}&assertion={}{named}", domain.svid(&json!({}))),
        ] {
            let told = domain.asked(certificate, &form);
            assert_eq!(told.0, 200, "{certificate:?} {told:?}");
            assert_eq!(domain.called(None, &told.1), 200, "{certificate:?}");
        }
    }
    // A token of ours is no proof, so the certificate is: whose it is has it again, bound to the same.
    let again = domain.exchanged(MESHED, bound, named);
    assert_eq!(again.0, 200, "{again:?}");
    assert_eq!((domain.called(MESHED, &again.1), domain.called(None, &again.1)), (200, 401));
    assert_ne!(domain.exchanged(OTHER, bound, named).0, 200);
    assert_eq!(error(&domain.exchanged(None, bound, named)), "400 invalid_request");
    // The token names who may act with it: that one proves itself, and its certificate does.
    let handed = domain.svid(&json!({ "may_act": { "sub": ID } }));
    assert_eq!(error(&domain.exchanged(None, &handed, named)), "400 invalid_request");
    let (status, told) = domain.exchanged(MESHED, &handed, named);
    assert_eq!(status, 200, "{told}");
    let said = ask(&domain.place, &domain.gate, None, "/.well-known/oauth-authorization-server", &[]).1;
    let said: Value = serde_json::from_str(&said).unwrap();
    assert!(said["token_endpoint_auth_methods_supported"].as_array().unwrap().contains(&json!("none")), "{said}");
}
