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
fn an_issuer_inside_is_asked_only_where_its_network_is_named() {
    let asked = |url: &str, more: &str| {
        source(&format!(
            "type: introspection, issuer: 'https://id.example', audiences: [wardgate], url: '{url}', client_id: gate, secret: introspect, prefix: op_{more}"
        ))
    };
    assert_snapshot!(asked("https://10.1.2.3/introspect", ""), @"
    r.yaml:11:117: warning[trust.inside]: TrustSource `it`: `url`: `10.1.2.3` is an address inside, which nothing is fetched from unless it is named: no token can be verified
      = add `networks: [10.1.2.3]` if the issuer is there
    ");
    for inside in ["http://127.0.0.1:9/i", "http://localhost/i", "https://[::1]/i", "https://192.168.1.9/i", "https://[fd00::1]/i"] {
        assert!(asked(inside, "").contains("trust.inside"), "{inside}");
    }
    assert_eq!(asked("https://10.1.2.3/introspect", ", networks: [10.0.0.0/8]"), "");
    assert_eq!(asked("https://id.example/introspect", "") + &asked("https://203.0.113.9/i", ""), "");
    assert!(asked("https://10.1.2.3/introspect", ", networks: [10.2.0.0/16]").contains("trust.inside"));
}

#[test]
fn what_an_authority_publishes_is_in_files_or_at_addresses() {
    let loaded = loaded(
        "{kind: TrustSource, name: far, spec: {type: spiffe, trust_domain: far.example, bundle: 'https://far.example/bundle.json', \
         revoked: ['file:mesh.pem', 'https://far.example/list'], audiences: [wardgate], life_max: 1h, networks: [10.0.0.0/8]}}\n",
    );
    assert_eq!(loaded.diagnostics, []);
    let inventory = loaded.inventory.unwrap();
    let far = inventory.trust.iter().find(|source| source.name.as_str() == "far").unwrap();
    assert_snapshot!(format!("{:?}", far.vouches), @r#"Certificates(Authority { bundle: At("https://far.example/bundle.json"), revoked: [Here("text"), At("https://far.example/list")], reach: Reach { networks: [10.0.0.0/8], roots: None }, trust_domain: Some("far.example"), svids: Some(Svids { audiences: ["wardgate"], leeway: 30s, life_max: 3600s }) })"#);
    assert_eq!(source("type: x509_ca, bundle: 'https://ca.example/ca.pem', revoked: ['https://ca.example/ca.crl']"), "");
    for agent in ["unix:/run/spire/agent.sock", "unix:///run/spire/agent.sock"] {
        assert_eq!(source(&format!("type: spiffe, trust_domain: b.example, bundle: '{agent}'")), "");
        assert!(source(&format!("type: x509_ca, bundle: '{agent}'")).contains("error[trust.bundle]"), "an agent speaks for trust domains");
    }
    let spiffe = "endpoint_spiffe_id: 'spiffe://b.example/server', endpoint_bundle: 'file:mesh.pem'";
    assert_eq!(source(&format!("type: spiffe, trust_domain: b.example, bundle: 'https://b.example/bundle', {spiffe}")), "");
    for bundle in ["file:mesh.pem", "http://localhost/bundle", "unix:/run/spire/agent.sock"] {
        let said = source(&format!("type: spiffe, trust_domain: b.example, bundle: '{bundle}', {spiffe}"));
        assert!(said.contains("error[trust.endpoint]"), "{bundle}: {said}");
    }
    let half = "type: spiffe, trust_domain: b.example, bundle: 'https://b.example/bundle', endpoint_spiffe_id: 'spiffe://b.example/server'";
    assert!(source(half).contains("belong together"));
    assert!(source(&format!("type: x509_ca, bundle: 'https://ca.example/ca.pem', {spiffe}")).contains("error[key.unknown]"));
    assert!(source("type: spiffe, trust_domain: b.example, bundle: 'unix:agent.sock'").contains("error[trust.bundle]"));
    assert_snapshot!(
        [
            source("type: x509_ca, bundle: 'http://ca.example/ca.pem'"),
            source("type: x509_ca, bundle: ca.pem"),
            source("type: x509_ca, bundle: 'file:mesh.pem', revoked: ['https://user@ca.example/ca.crl']"),
            source("type: x509_ca, bundle: 'file:mesh.pem', audiences: [wardgate]"),
            source("type: spiffe, trust_domain: b.example, bundle: 'file:mesh.pem', audiences: []"),
            source("type: spiffe, trust_domain: b.example, bundle: 'file:mesh.pem', leeway: 10s"),
        ]
        .concat()
    );
}

#[test]
fn a_jwt_svid_is_bound_by_its_spiffe_id() {
    let bound = |source: &str, credential: &str| {
        check(&format!(
            "{{kind: TrustSource, name: far, spec: {{type: spiffe, trust_domain: far.example, bundle: 'file:mesh.pem'{source}}}}}\n---\n{}",
            identity("a", credential)
        ))
    };
    let id = "spiffe_id: 'spiffe://far.example/prod/*'";
    assert_eq!(bound(", audiences: [wardgate]", &format!("name: t, type: oidc, trust: far, {id}")), "");
    assert_snapshot!(
        [
            bound("", &format!("name: t, type: oidc, trust: far, {id}")),
            bound(", audiences: [wardgate]", "name: t, type: oidc, trust: far, subject: 'spiffe://far.example/prod/a'"),
            bound("", &format!("name: t, type: oidc, trust: ci, {id}")),
            bound("", "name: t, type: oidc, trust: ci"),
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

#[test]
fn a_bot_is_its_origin_and_has_no_other_name() {
    for (agent, good) in [
        ("https://crawler.example", true),
        ("https://crawler.example/", true),
        ("https://crawler.example:8443", true),
        ("http://crawler.example", false),
        ("http://127.0.0.1:8080", false),
        ("https://crawler.example:443", false),
        ("https://Crawler.example", false),
        ("https://crawler.example/bots", false),
        ("https://crawler.example?a=1", false),
        ("https://a@crawler.example", false),
        ("crawler.example", false),
    ] {
        let found = source(&format!("type: web_bot_auth, agent: '{agent}'"));
        assert_eq!(found.is_empty(), good, "{agent}: {found}");
        assert_eq!(found.contains("error[trust.agent]"), !good, "{agent}: {found}");
    }
    assert!(source("type: web_bot_auth").contains("`agent`: a trust source of type `web_bot_auth` needs this key"));
    assert!(
        source("type: web_bot_auth, agent: 'https://a.example', issuer: x").contains("`issuer`: a trust source of type `web_bot_auth`")
    );
    let bot = |name: &str| format!("{{kind: TrustSource, name: {name}, spec: {{type: web_bot_auth, agent: 'https://a.example'}}}}\n---\n");
    let twice = check(&format!("{}{}", bot("one"), bot("two").trim_end_matches("\n---\n")));
    assert!(twice.contains("error[trust.same]") && twice.contains("speaks for `https://a.example` already"), "{twice}");
    let by = |credential: &str| check(&format!("{}{}", bot("bot"), identity("a", credential)));
    assert_eq!(by("name: signs, type: web_bot_auth, trust: bot"), "");
    assert!(by("name: signs, type: web_bot_auth, trust: ci").contains("does not vouch by what a credential of type `web_bot_auth` is"));
    assert!(by("name: job, type: oidc, trust: bot, subject: a").contains("does not vouch by what a credential of type `oidc` is"));
    assert!(by("name: signs, type: web_bot_auth, trust: bot, subject: a").contains("`credentials[0].subject`: a credential of type"));
    let loaded = loaded(&format!("{}{}", bot("bot"), identity("a", "name: signs, type: web_bot_auth, trust: bot")));
    let inventory = loaded.inventory.unwrap();
    let binding = inventory.identities.first().unwrap().credentials.first().unwrap().binding.clone().unwrap();
    assert_eq!((binding.trust.as_str(), binding.subject.to_string()), ("bot", "https://a.example".to_owned()));
    let bot = inventory.trust.iter().find(|source| source.name.as_str() == "bot").unwrap();
    assert!(format!("{bot:?}").contains("\"https://a.example/.well-known/http-message-signatures-directory\""), "{bot:?}");
}
