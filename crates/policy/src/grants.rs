//! Grants: permits named `grant:NAME`, found by scope and judged natively on typed values. The Cedar text of a grant
//! says the same; tests hold the two against each other.

use crate::{
    context::{Asked, moment},
    schema::Type,
};
use std::{collections::HashMap, fmt::Write as _, sync::Arc};
use wardgate_model::{
    api::{Api, Operation, OperationId},
    diagnostic::{Diagnostic, Place},
    grant::{Grant, GrantTo, OperationSelector},
    id::{ApiName, IdentityId, OwnerName, PolicyName},
    inventory::Identity,
};

/// Most grants in one installation.
pub const GRANTS_MAX: usize = 1_000_000;

/// A grant and the name of its permit.
#[derive(Debug)]
pub(crate) struct Entitled {
    pub(crate) grant: Arc<Grant>,
    pub(crate) policies: Arc<[PolicyName]>,
}

impl Entitled {
    /// Whether its scope alone decides.
    pub(crate) fn unconditional(&self) -> bool {
        self.grant.until.is_none() && self.grant.purpose.is_none()
    }

    pub(crate) fn in_time(&self, asked: Asked<'_>) -> bool {
        self.grant.until.is_none_or(|until| asked.now < until)
    }

    /// Covered when the request declares no purpose, or the same.
    pub(crate) fn for_purpose(&self, asked: Asked<'_>) -> bool {
        match (&self.grant.purpose, &asked.facts.purpose) {
            (Some(granted), Some(declared)) => *granted == declared.value,
            _ => true,
        }
    }

    pub(crate) fn covers(&self, asked: Asked<'_>) -> bool {
        self.in_time(asked) && self.for_purpose(asked)
    }

    pub(crate) fn selects(&self, operation: &Operation) -> bool {
        self.grant.operations.iter().any(|selector| match selector {
            OperationSelector::Class(class) => *class == operation.class,
            OperationSelector::Operation { method, template } => *method == operation.method && *template == operation.template,
        })
    }
}

/// Grants by whom they are to and by API.
#[derive(Debug, Default)]
pub(crate) struct Grants {
    by_identity: HashMap<IdentityId, HashMap<ApiName, Vec<Arc<Entitled>>>>,
    by_owner: HashMap<OwnerName, HashMap<ApiName, Vec<Arc<Entitled>>>>,
}

impl Grants {
    pub(crate) fn new(grants: &[Arc<Grant>], diagnostics: &mut Vec<Diagnostic>) -> Self {
        let mut index = Self::default();
        for grant in grants {
            let name = match PolicyName::parse(&format!("grant:{}", grant.id)) {
                Ok(name) => name,
                Err(error) => {
                    let place = Place::file(format!("Grant/{}", grant.id));
                    let what = format!("`grant:{}` is no name for a policy: {error}", grant.id);
                    diagnostics.push(Diagnostic::error(place, "policy.grant_name", what).mend("give the grant a shorter name"));
                    continue;
                }
            };
            let entitled = Arc::new(Entitled { grant: Arc::clone(grant), policies: [name].into() });
            let by_api = match &grant.to {
                GrantTo::Identity(identity) => index.by_identity.entry(identity.clone()).or_default(),
                GrantTo::Owner(owner) => index.by_owner.entry(owner.clone()).or_default(),
            };
            by_api.entry(grant.api.clone()).or_default().push(entitled);
        }
        index
    }

    /// Grants to this identity or its owner on this API, by name.
    pub(crate) fn on(&self, identity: &Identity, api: &Api) -> Vec<&Arc<Entitled>> {
        let own = self.by_identity.get(&identity.id).and_then(|by_api| by_api.get(&api.name));
        let owner = self.by_owner.get(&identity.owner).and_then(|by_api| by_api.get(&api.name));
        let mut found: Vec<_> = own.into_iter().chain(owner).flatten().collect();
        found.sort_by(|a, b| a.grant.id.cmp(&b.grant.id));
        found
    }
}

/// The permit that a grant is, as Cedar text. Its end is written to the millisecond, rounded down.
#[must_use]
pub fn grant_text(grant: &Grant) -> String {
    let to = match &grant.to {
        GrantTo::Identity(identity) => format!("principal == {}", Type::Identity.uid(identity.as_str())),
        GrantTo::Owner(owner) => format!("principal in {}", Type::Owner.uid(owner.as_str())),
    };
    let mut classes = Vec::new();
    let mut operations = Vec::new();
    for selector in &grant.operations {
        match selector {
            OperationSelector::Class(class) => classes.push(Type::Action.uid(class.as_str()).to_string()),
            OperationSelector::Operation { method, template } => {
                operations.push(Type::Operation.uid(OperationId::new(&grant.api, method, template).as_str()).to_string());
            }
        }
    }
    let (scope, covered) = match (classes.is_empty(), operations.is_empty()) {
        (false, true) => (format!("action in [{}]", classes.join(", ")), None),
        (true, _) => ("action".to_owned(), Some(format!("[{}].contains(resource)", operations.join(", ")))),
        (false, false) => {
            let either = format!("[{}].contains(action) || [{}].contains(resource)", classes.join(", "), operations.join(", "));
            ("action".to_owned(), Some(either))
        }
    };
    let mut text = format!("@id(\"grant:{}\")\npermit ({to}, {scope}, resource in {})", grant.id, Type::Api.uid(grant.api.as_str()));
    if let Some(covered) = covered {
        let _ = write!(text, "\nwhen {{ {covered} }}");
    }
    if let Some(until) = grant.until.and_then(moment) {
        let _ = write!(text, "\nwhen {{ context.time < datetime(\"{until}\") }}");
    }
    if let Some(purpose) = &grant.purpose {
        let _ = write!(text, "\nwhen {{ if context has purpose then context.purpose == \"{purpose}\" else true }}");
    }
    text.push(';');
    text
}

#[cfg(test)]
mod tests;
