use crate::{Loaded, Sources, load};
use insta::assert_snapshot;
use std::{io, path::Path};

const WORLD: &str = "\
{kind: Owner, name: payments, spec: {accountable: lead@example.com}}
---
{kind: Environment, name: production, spec: {production: true}}
---
{kind: TrustSource, name: ci, spec: {type: oidc, issuer: 'https://ci.example', audiences: [wardgate]}}
---
{kind: TrustSource, name: mesh, spec: {type: spiffe, trust_domain: acme.example, bundle: 'file:mesh.pem'}}
---
{kind: TrustSource, name: old, spec: {type: x509_ca, bundle: 'file:mesh.pem'}}
";

fn loaded(text: &str) -> Loaded {
    let text = format!("{WORLD}---\n{text}");
    let sources = Sources { documents: vec![("r.yaml".into(), text.into_bytes())], policies: Vec::new() };
    let files = |_: &Path, path: &str| match path {
        "mesh.pem" | "keys.json" => Ok(b"text".to_vec()),
        "large" => Ok(vec![b'a'; (4 << 20) + 1]),
        _ => Err(io::Error::from(io::ErrorKind::NotFound)),
    };
    load(&sources, &files)
}

fn check(text: &str) -> String {
    loaded(text).diagnostics.iter().map(|diagnostic| format!("{diagnostic}\n")).collect()
}

fn source(spec: &str) -> String {
    check(&format!("{{kind: TrustSource, name: it, spec: {{{spec}}}}}"))
}

fn identity(name: &str, credential: &str) -> String {
    format!(
        "{{kind: Identity, name: {name}, spec: {{type: ci_job, owner: payments, environment: production, purpose: builds, credentials: [{{{credential}}}]}}}}\n"
    )
}

#[test]
fn a_trust_source_says_whose_tokens_and_certificates_count() {
    let loaded =
        loaded(&identity("a", "name: ci, type: oidc, trust: ci, subject: 'repo:acme/ledger:*', claims: {environment: production, run: 7}"));
    assert_eq!(loaded.diagnostics, []);
    let inventory = loaded.inventory.unwrap();
    assert_snapshot!(format!("{:#?}", inventory.trust.first().unwrap().vouches), @r#"
    Tokens(
        Issuer {
            issuer: "https://ci.example",
            audiences: [
                "wardgate",
            ],
            keys: Discovered(
                Reach {
                    networks: [],
                    roots: None,
                },
            ),
            algorithms: [],
            subject_claim: "sub",
            on_behalf_of: None,
            leeway: 30s,
            life_max: 86400s,
        },
    )
    "#);
    assert_snapshot!(format!("{:?}", inventory.identities.first().unwrap().credentials.first().unwrap().binding), @r#"Some(Binding { trust: TrustName("ci"), subject: Beginning("repo:acme/ledger:"), claims: [Condition { claim: "environment", value: Text("production") }, Condition { claim: "run", value: Number(7) }] })"#);
}

#[test]
fn a_trust_source_that_would_trust_too_much_is_refused() {
    assert_snapshot!(
        [
            source("type: oidc, issuer: 'https://a.example', audiences: []"),
            source("type: oidc, issuer: 'https://a.example'"),
            source("type: oidc, issuer: 'http://a.example', audiences: [a]"),
            source("type: oidc, issuer: 'https://ci.example', audiences: [other]"),
            source("type: oidc, issuer: name, audiences: [a], jwks: 'ftp://a.example'"),
            source("type: oidc, issuer: name, audiences: [a], jwks: 'file:none.json'"),
            source("type: oidc, issuer: name, audiences: [a], jwks: 'file:large'"),
            source("type: oidc, issuer: name, audiences: [a], jwks: 'file:keys.json', algorithms: [HS256, none], leeway: 2m"),
            source("type: oidc, issuer: 'https://a.example', audiences: [a], bundle: 'file:mesh.pem'"),
            source("type: spiffe, trust_domain: ACME.example, bundle: 'file:mesh.pem'"),
            source("type: spiffe, bundle: 'file:mesh.pem'"),
            source("type: spiffe, trust_domain: acme.example, bundle: 'file:mesh.pem'"),
        ]
        .concat()
    );
}

#[test]
fn a_binding_names_somebody() {
    let one = |credential: &str| check(&identity("a", credential));
    assert_eq!(one("name: m, type: x509, trust: mesh, spiffe_id: 'spiffe://acme.example/prod/*'"), "");
    assert_eq!(one("name: m, type: x509, trust: old, subject: 'dns:ledger.example'"), "");
    assert_snapshot!(
        [
            one("name: m, type: oidc, trust: none, subject: a"),
            one("name: m, type: oidc, trust: mesh, subject: a"),
            one("name: m, type: oidc, trust: ci, subject: a, claims: {groups: [a]}"),
            one("name: m, type: x509, trust: mesh, subject: 'dns:a'"),
            one("name: m, type: x509, trust: mesh, spiffe_id: 'spiffe://other.example/prod'"),
            one("name: m, type: x509, trust: mesh, spiffe_id: 'spiffe://acme.example/a/../b'"),
            one("name: m, type: x509, trust: mesh, spiffe_id: 'spiffe://acme.example/'"),
            one("name: m, type: x509, trust: old, subject: 'CN=ledger'"),
        ]
        .concat()
    );
}
