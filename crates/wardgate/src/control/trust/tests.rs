use crate::control::{Gathered, Loaded};
use std::fs;

/// What is said of these documents beside an owner, an environment and a trust source.
fn said(documents: &str) -> String {
    let place = tempfile::tempdir().unwrap();
    let ground = "{kind: Owner, name: o, spec: {accountable: a@example.com}}\n---\n{kind: Environment, name: e, spec: {}}\n---\n\
                  {kind: TrustSource, name: ci, spec: {type: oidc, issuer: 'https://ci.example', audiences: [a]}}\n---\n";
    fs::write(place.path().join("r.yaml"), format!("{ground}{documents}")).unwrap();
    fs::write(place.path().join("empty.json"), "{\"keys\":[]}").unwrap();
    fs::write(place.path().join("none.pem"), "nothing").unwrap();
    match Loaded::of(Gathered::read(&[place.path().to_owned()], place.path().to_owned())) {
        Ok(_) => "good".to_owned(),
        Err(found) => found.iter().map(|one| format!("{} {}\n", one.code, one.what)).collect(),
    }
}

fn identity(name: &str, rest: &str) -> String {
    format!(
        "{{kind: Identity, name: {name}, spec: {{type: ci_job, owner: o, environment: e, purpose: p, credentials: [{{name: ci, type: oidc, trust: ci, {rest}}}]}}}}\n---\n"
    )
}

#[test]
fn a_proof_that_could_be_two_identities_is_said_when_they_are_declared() {
    let both = |one: &str, other: &str| said(&format!("{}{}", identity("one", one), identity("two", other)));
    assert_eq!(both("subject: 'repo:a/x:*', claims: {env: p}", "subject: 'repo:a/x:*', claims: {env: s}"), "good");
    assert_eq!(both("subject: 'repo:a/x:*'", "subject: 'repo:a/y:*'"), "good");
    insta::assert_snapshot!(both("subject: 'repo:a/x:*'", "subject: 'repo:a/x:main'"), @r"
credential.ambiguous Identity `two`: `credentials`: a proof of `repo:a/x:main` of the TrustSource `ci` would also be `one` (`repo:a/x:*`), and so stand for neither
yaml.empty there is no document after this `---`
");
}

#[test]
fn a_subject_that_stands_for_more_than_it_seems_is_said() {
    insta::assert_snapshot!([said(&identity("one", "subject: 'repo:acme*'")), said(&identity("one", "subject: '*'"))].concat(), @r"
credential.loose Identity `one`: `credentials`: `ci`: the subject `repo:acme*`: `*` stands within a part, so that longer names match too: end the part before it with `:` or `/`, as in `repo:acme/*`
yaml.empty there is no document after this `---`
credential.loose Identity `one`: `credentials`: `ci`: the subject `*`: it names nobody in particular: give at least two parts before the `*`, as in `repo:acme/*`
yaml.empty there is no document after this `---`
");
    assert_eq!(said(&identity("one", "subject: '*', claims: {owner: 7}")), "good", "claims say whom");
}

#[test]
fn keys_and_anchors_that_cannot_be_used_are_said() {
    insta::assert_snapshot!([
        said("{kind: TrustSource, name: t, spec: {type: oidc, issuer: 'https://t.example', audiences: [a], jwks: 'file:empty.json'}}"),
        said("{kind: TrustSource, name: t, spec: {type: x509_ca, bundle: 'file:none.pem'}}"),
    ].concat(), @r"
trust.unusable TrustSource `t`: `jwks`: there is no key in it that counts
trust.unusable TrustSource `t`: `bundle`: the trust bundle has no certificate
");
}

#[test]
fn two_entries_of_an_identity_that_name_one_subject_are_one_credential() {
    let twice = "subject: s, claims: {a: 1}}, {name: other, type: oidc, trust: ci, subject: s, claims: {a: 2}";
    assert!(said(&identity("one", twice)).starts_with("credential.twice Identity `one`: `credentials`: `other`"));
}
