use crate::{Sources, load};
use insta::assert_snapshot;
use std::{io, path::Path};

const WORLD: &str = "\
{kind: Owner, name: payments, spec: {accountable: lead@example.com}}
---
{kind: Environment, name: production, spec: {production: true}}
---
";

/// What an entry comes to, or what is wrong with it.
fn check(entry: &str) -> String {
    let text = format!(
        "{WORLD}{{kind: Identity, name: sync, spec: {{type: workload, owner: payments, environment: production, purpose: a, credentials: [{{name: key, type: public_key{entry}}}]}}}}\n"
    );
    let sources = Sources { documents: vec![("r.yaml".into(), text.into_bytes())], policies: Vec::new() };
    let loaded = load(&sources, &|_: &Path, _: &str| Err(io::Error::from(io::ErrorKind::NotFound)));
    let said: String = loaded.diagnostics.iter().map(|diagnostic| format!("{diagnostic}\n")).collect();
    let Some(inventory) = loaded.inventory else { return said };
    format!("{said}{}\n", inventory.identities[0].credentials[0].jwk.as_deref().unwrap_or("-"))
}

#[test]
fn a_public_key_is_taken_as_it_stands() {
    assert_snapshot!(check(", jwk: {kty: OKP, crv: Ed25519, x: 11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo}, sources: [10.0.0.0/8]"),
        @r#"{"crv":"Ed25519","kty":"OKP","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#);
}

#[test]
fn what_is_no_public_key_is_refused() {
    let long = format!(", jwk: {{kty: RSA, x5c: [{}]}}", "a".repeat(9_000));
    let all = [
        "",
        ", jwk: {kty: EC, d: secret}",
        ", jwk: {kty: oct, k: secret}",
        ", jwk: {crv: P-256}",
        &long,
        ", jwk: {kty: EC}, expires_in: 30d",
    ];
    assert_snapshot!(all.map(check).concat(), @r"
    r.yaml:5:121: error[key.missing]: Identity `sync`: `credentials[0].jwk`: a credential of type `public_key` needs this key
      = add `jwk`
    r.yaml:5:156: error[credential.key]: Identity `sync`: `credentials[0].jwk`: it has the member `d` of a private key
      = make a new key pair, since this one has been written down, and name its public half alone
    r.yaml:5:156: error[credential.key]: Identity `sync`: `credentials[0].jwk`: it has the member `k` of a private key
      = make a new key pair, since this one has been written down, and name its public half alone
    r.yaml:5:156: error[credential.key]: Identity `sync`: `credentials[0].jwk`: it says no `kty`
      = write a public key as a JWK, as in `jwk: { kty: EC, crv: P-256, x: …, y: … }`
    r.yaml:5:156: error[credential.key]: Identity `sync`: `credentials[0].jwk`: it has more than 8192 bytes
      = leave out what is not the key, as certificates
    r.yaml:5:179: error[key.unknown]: Identity `sync`: `credentials[0].expires_in`: a credential of type `public_key` has no such key
      = take it out
    ");
}
