//! The estate as an operator writes it: resource documents, as text.

use super::{
    call::Proof,
    catalogue::{APIS, Api},
    place::ZONES,
    population::Member,
};
use std::fmt::Write as _;

/// Accountable persons and their deputies, by owner.
const OWNERS: &[&str] = &["commerce", "payments", "logistics", "platform", "insights", "partners", "accounts-team"];

/// Public keys of signers, a JWK a line.
const SIGNERS: &str = include_str!("testdata/signers.jsonl");

/// Resource documents, and the files that they name.
#[derive(Debug, Clone)]
pub struct Documents {
    /// The documents.
    pub yaml: String,
    /// What they name with `file:`, by that name: public keys and certificates only. Nobody has the private ones.
    pub files: &'static [(&'static str, &'static [u8])],
}

const FILES: &[(&str, &[u8])] =
    &[("tokens.json", include_bytes!("testdata/tokens.json")), ("mesh.pem", include_bytes!("testdata/mesh.pem"))];

impl Documents {
    pub(super) fn of(members: &[Member]) -> Self {
        let mut yaml = String::new();
        for owner in OWNERS {
            document(
                &mut yaml,
                "Owner",
                owner,
                &format!("{{ accountable: {owner}-lead@example.com, deputy: {owner}-deputy@example.com, contact: {owner}@example.com }}"),
            );
        }
        for (name, production) in [("production", true), ("staging", false)] {
            document(&mut yaml, "Environment", name, &format!("{{ production: {production} }}"));
        }
        for zone in ZONES {
            let environment = zone.environment.map_or_else(String::new, |environment| format!(", environment: {environment}"));
            document(&mut yaml, "Zone", zone.name, &format!("{{ networks: [{}]{environment} }}", zone.network));
        }
        let tokens = r#"{ type: oidc, issuer: "https://tokens.example", audiences: [wardgate], jwks: "file:tokens.json" }"#;
        document(&mut yaml, "TrustSource", "tokens", tokens);
        document(&mut yaml, "TrustSource", "mesh", r#"{ type: spiffe, trust_domain: estate.example, bundle: "file:mesh.pem" }"#);
        for each in APIS {
            api(&mut yaml, each);
        }
        let holds = "{ api: inventory, begin: [POST /holds], finish: [POST /purchases, \"DELETE /holds/{id}\"], within: 15m }";
        document(&mut yaml, "Flow", "holds", holds);
        // What all of an owner's identities may see: wide, as such grants are.
        for owner in OWNERS {
            let name = format!("{owner}-sees-people");
            document(
                &mut yaml,
                "Grant",
                &name,
                &format!("{{ to: {{ owner: {owner} }}, api: directory, operations: [\"GET /people\", \"GET /people/{{id}}\"] }}"),
            );
        }
        let mut signers = SIGNERS.lines();
        for member in members.iter().filter(|member| member.is_identity()) {
            identity(&mut yaml, member, &mut signers);
        }
        Self { yaml, files: FILES }
    }
}

fn document(yaml: &mut String, kind: &str, name: &str, spec: &str) {
    let _ = write!(yaml, "---\nkind: {kind}\nname: {name}\nspec: {spec}\n");
}

fn api(yaml: &mut String, api: &Api) {
    let (owner, name) = (api.owner, api.name);
    let mut spec = format!(
        "\n  policy_owner: {owner}\n  business_owner: {owner}\n  environment: {}\n  sensitivity: {}\n  \
         match: {{ path_prefix: /{name} }}\n  accept: [api_key, jwt, x509]\n  \
         upstream: {{ urls: [\"http://127.0.0.1:9000\"], identity: assertion }}\n  operations:",
        api.environment, api.sensitivity
    );
    for operation in api.operations {
        let open = if std::ptr::eq(*operation, &super::catalogue::LOGIN) { ", anonymous: true" } else { "" };
        let _ = write!(spec, "\n    - {{ match: \"{} {}\", class: {}{open} }}", operation.method, operation.template, operation.class);
    }
    document(yaml, "Api", name, &spec);
}

fn identity<'s>(yaml: &mut String, member: &Member, signers: &mut impl Iterator<Item = &'s str>) {
    let name = &member.name;
    let credential = match member.proof {
        Proof::None | Proof::ApiKey => "{ name: main, type: api_key, expires_in: 90d }".to_owned(),
        Proof::Jwt | Proof::BoundJwt => format!("{{ name: token, type: oidc, trust: tokens, subject: {name} }}"),
        Proof::X509 => format!("{{ name: mesh, type: x509, trust: mesh, spiffe_id: \"spiffe://estate.example/{name}\" }}"),
        Proof::Signature => format!("{{ name: signer, type: public_key, jwk: {} }}", signers.next().unwrap_or("{}")),
    };
    let spec = format!(
        "\n  type: {}\n  owner: {}\n  environment: {}\n  purpose: {}\n  credentials: [{credential}]",
        member.kind, member.owner, member.environment, member.purpose
    );
    document(yaml, "Identity", name, &spec);
    for (api, classes) in member.grants() {
        let words: Vec<&str> = classes.iter().map(|class| class.as_str()).collect();
        let spec = format!("{{ to: {{ identity: {name} }}, api: {api}, operations: [{}] }}", words.join(", "));
        document(yaml, "Grant", &format!("{name}-{api}"), &spec);
    }
}
