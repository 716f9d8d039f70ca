//! What the tests of this crate share: resources from the text of their documents.

use crate::second::{Proposed, Record};
use std::time::Duration;
use wardgate_model::{
    credential::{Credential, CredentialKind, CredentialState},
    id::{CredentialId, EnvironmentName, IdentityId},
    time::Time,
};
use wardgate_resources::{Document, Inventory, Sources};

pub(crate) const DAY: Duration = Duration::from_hours(24);
/// 2027-01-15T08:00:00Z.
pub(crate) const NOW: Time = Time::from_seconds(1_800_000_000);

/// Documents as an operator writes them.
pub(crate) fn documents(yaml: &str) -> Vec<Document> {
    if yaml.trim().is_empty() {
        return Vec::new();
    }
    let parsed = wardgate_resources::parse(&Sources { documents: vec![("test.yaml".into(), yaml.into())], policies: Vec::new() });
    assert!(parsed.diagnostics.is_empty(), "{:#?}", parsed.diagnostics);
    parsed.documents
}

/// Documents with every reference resolved.
pub(crate) fn inventory(yaml: &str) -> Inventory {
    let none = |_: &std::path::Path, path: &str| Err(std::io::Error::other(format!("there is no `{path}`")));
    let resolved = wardgate_resources::resolve(&documents(yaml), &none);
    let errors: Vec<_> = resolved.diagnostics.iter().filter(|found| found.is_error()).map(ToString::to_string).collect();
    resolved.inventory.unwrap_or_else(|| panic!("{}", errors.join("\n")))
}

pub(crate) fn record(documents: &[Document]) -> Record<'_> {
    documents.iter().map(|document| (document.kind, document.name.as_str(), &document.spec)).collect()
}

/// What the documents want; a spec of `{ gone: true }` takes a resource away.
pub(crate) fn proposed(yaml: &str) -> Vec<Proposed> {
    let proposed = documents(yaml).into_iter().map(|document| {
        let gone = document.spec.get("gone").is_some();
        Proposed { kind: document.kind, name: document.name.into(), spec: (!gone).then_some(document.spec) }
    });
    proposed.collect()
}

/// `AAAAAAAAAAAA ledger-sync/main api_key 10 90`: id, identity and entry, kind, days since its issue, days from its issue to
/// its end (`-`: none), and `revoked`.
pub(crate) fn credential(text: &str) -> Credential {
    let parts: Vec<&str> = text.split(' ').collect();
    let (identity, name) = parts[1].split_once('/').unwrap();
    let created = Time::from_micros(NOW.as_micros() - i64::try_from((DAY * parts[3].parse().unwrap()).as_micros()).unwrap());
    Credential {
        id: CredentialId::parse(parts[0]).unwrap(),
        identity: IdentityId::parse(identity).unwrap(),
        name: name.into(),
        kind: CredentialKind::parse(parts[2]).unwrap(),
        environment: EnvironmentName::literal("production"),
        sources: Box::default(),
        hash: None,
        binding: None,
        created,
        expires: (parts[4] != "-").then(|| created + DAY * parts[4].parse().unwrap()),
        warn_from: None,
        task: None,
        state: if parts.get(5) == Some(&"revoked") { CredentialState::Revoked { at: NOW } } else { CredentialState::Live },
    }
}
