//! What a document names: which other resources it stands on.

use crate::document::Document;
use serde_json::Value;
use wardgate_model::resource::Kind;

/// A resource that a document names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Reference<'a> {
    /// What it names.
    pub kind: Kind,
    /// By which name.
    pub name: &'a str,
    /// The path of the key within `spec`; `[]` is any item of a list.
    pub path: &'static str,
}

/// Every key whose value is the name of another resource. INVARIANT (no cycles): ordered so that a kind names only kinds
/// that come before it in [`ORDER`]; so resources never stand on each other in a circle, and nothing has to look for one.
const KEYS: &[(Kind, &str, Kind)] = &[
    (Kind::Zone, "environment", Kind::Environment),
    (Kind::Zone, "clusters[]", Kind::TrustSource),
    (Kind::Zone, "ci_providers[]", Kind::TrustSource),
    (Kind::Rotation, "select.owner", Kind::Owner),
    (Kind::Rotation, "select.environment", Kind::Environment),
    (Kind::Api, "policy_owner", Kind::Owner),
    (Kind::Api, "business_owner", Kind::Owner),
    (Kind::Api, "environment", Kind::Environment),
    (Kind::Flow, "api", Kind::Api),
    (Kind::Contract, "owner", Kind::Owner),
    (Kind::Contract, "apis[]", Kind::Api),
    (Kind::Identity, "owner", Kind::Owner),
    (Kind::Identity, "environment", Kind::Environment),
    (Kind::Identity, "serves[]", Kind::Api),
    (Kind::Identity, "credentials[].trust", Kind::TrustSource),
    (Kind::Identity, "credentials[].api", Kind::Api),
    (Kind::Waiver, "for.identity", Kind::Identity),
    (Kind::Waiver, "for.api", Kind::Api),
    (Kind::Waiver, "for.owner", Kind::Owner),
    (Kind::Grant, "to.identity", Kind::Identity),
    (Kind::Grant, "to.owner", Kind::Owner),
    (Kind::Grant, "api", Kind::Api),
    (Kind::Grant, "purpose", Kind::Purpose),
    (Kind::Grant, "contract", Kind::Contract),
    (Kind::Limit, "select.identity", Kind::Identity),
    (Kind::Limit, "select.owner", Kind::Owner),
    (Kind::Limit, "select.environment", Kind::Environment),
    (Kind::Limit, "select.api", Kind::Api),
];

/// The kinds, each after those that it names: an order in which they can be read, created and, turned round, removed.
pub const ORDER: [Kind; 15] = [
    Kind::Owner,
    Kind::Environment,
    Kind::Purpose,
    Kind::TrustSource,
    Kind::Zone,
    Kind::Rotation,
    Kind::Api,
    Kind::Flow,
    Kind::Contract,
    Kind::Identity,
    Kind::Waiver,
    Kind::Grant,
    Kind::Limit,
    Kind::Policy,
    Kind::Webhook,
];

/// What a document names, as it is written; also names that lead nowhere. Policies name what they want in their own text.
pub fn references(document: &Document) -> impl Iterator<Item = Reference<'_>> {
    let keys = KEYS.iter().filter(|(kind, ..)| *kind == document.kind);
    keys.flat_map(|(_, path, kind)| {
        let mut names = Vec::new();
        find(&document.spec, path, &mut names);
        names.into_iter().map(|name| Reference { kind: *kind, name, path })
    })
}

fn find<'a>(value: &'a Value, path: &str, names: &mut Vec<&'a str>) {
    let (step, rest) = path.split_once('.').unwrap_or((path, ""));
    let (name, each) = step.strip_suffix("[]").map_or((step, false), |name| (name, true));
    let Some(member) = value.get(name) else { return };
    let values = match member {
        Value::Array(items) if each => items.as_slice(),
        _ if each => &[],
        single => std::slice::from_ref(single),
    };
    for value in values {
        if rest.is_empty() { names.extend(value.as_str()) } else { find(value, rest, names) }
    }
}

#[cfg(test)]
mod tests;
