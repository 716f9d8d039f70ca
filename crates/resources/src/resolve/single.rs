//! One identity against an inventory that is resolved already: the way of a million identities, a few microseconds each.

use super::{
    identity,
    known::{Grounds, SEARCHED_MAX, Standing, nowhere},
};
use crate::{
    document::{Document, tidy},
    enforced,
    inventory::{IdentitySpec, Inventory},
    names,
    nearest::nearest,
    raw::{Name, RawIdentity},
    yaml::{At, Faults, Spot},
};
use std::{sync::Arc, time::Duration};
use wardgate_model::{
    diagnostic::Diagnostic,
    govern::{Exemption, Waived},
    id::{ContractName, EnvironmentName, OwnerName},
    inventory::{Environment, Owner},
    resource::Kind,
    time::Time,
    trust::TrustSource,
};

/// Types the document of one identity and resolves it against an inventory. Names of owner, environment and team are
/// the inventory's own, shared and not copied.
///
/// # Errors
/// Everything that is wrong with it, as [`crate::resolve`] says it; also when it is no identity.
pub fn resolve_identity(document: &Document, inventory: &Inventory) -> Result<IdentitySpec, Vec<Diagnostic>> {
    resolve_standing(document, inventory, Standing::Declared).map(|recorded| recorded.spec)
}

/// An identity that was taken long ago, and what of it does not fit any more.
#[derive(Debug, Clone, PartialEq)]
pub struct RecordedIdentity {
    /// The identity. An entry of its `credentials` that has no end and no waiver any more is left out, one that lives longer
    /// than a contract allows is shortened: what is issued from now on is bounded, what was issued stays what it is.
    pub spec: IdentitySpec,
    /// What does not fit any more.
    pub warnings: Vec<Diagnostic>,
}

/// As [`resolve_identity`], for an identity that was right when it was taken: a waiver or a team that is gone since, and a
/// contract that came, are warnings. So a change of something else never takes away who is at work.
///
/// # Errors
/// Everything that is wrong with it in itself, and an owner or environment that is gone.
pub fn resolve_recorded(document: &Document, inventory: &Inventory) -> Result<RecordedIdentity, Vec<Diagnostic>> {
    resolve_standing(document, inventory, Standing::Recorded)
}

fn resolve_standing(document: &Document, inventory: &Inventory, standing: Standing) -> Result<RecordedIdentity, Vec<Diagnostic>> {
    let faults = Faults::about(document.place.clone(), &document.subject());
    let here = Spot { line: document.place.line, column: document.place.column };
    if document.kind != Kind::Identity {
        faults.error(here, "resource.kind", "this is no Identity", None);
        return Err(faults.into_diagnostics());
    }
    if let Err(wrong) = names::check(document.kind, &document.name) {
        faults.error(here, "resource.name", wrong.what, wrong.mend);
    }
    let node = document.node();
    enforced::refuse(document.kind, &node, &faults);
    let raw: Option<RawIdentity> = faults.decode(&node, "");
    let spec = raw.and_then(|raw| identity::identity(&document.name, &raw, &Resolved { inventory, standing }, &faults));
    let diagnostics = faults.into_diagnostics();
    match spec {
        Some(spec) if !diagnostics.iter().any(Diagnostic::is_error) => Ok(RecordedIdentity { spec, warnings: diagnostics }),
        _ => Err(tidy(diagnostics)),
    }
}

/// An inventory that an identity is resolved against. INVARIANT (sorted): each of its lists is ordered by name.
struct Resolved<'a> {
    inventory: &'a Inventory,
    standing: Standing,
}

/// The item of this name.
fn find<'a, T>(items: &'a [T], name: &str, key: impl Fn(&'a T) -> &'a str) -> Option<&'a T> {
    items.binary_search_by(|item| key(item).cmp(name)).ok().and_then(|at| items.get(at))
}

/// The name that was probably meant.
fn near<'a>(names: impl ExactSizeIterator<Item = &'a str>, name: &str) -> Option<&'a str> {
    if names.len() > SEARCHED_MAX { None } else { nearest(name, names) }
}

impl Grounds for Resolved<'_> {
    fn standing(&self) -> Standing {
        self.standing
    }

    fn owner(&self, at: &At<Name<OwnerName>>, key: &str, faults: &Faults) -> Option<OwnerName> {
        let name = at.value.as_ref()?.0.as_str();
        let owners = &self.inventory.owners;
        let found = find(owners, name, |owner| owner.name.as_str());
        if found.is_none() {
            let near = near(owners.iter().map(|owner| owner.name.as_str()), name);
            nowhere(Kind::Owner, name, near, at.spot, key, faults);
        }
        found.map(|owner| owner.name.clone())
    }

    fn environment(&self, at: &At<Name<EnvironmentName>>, key: &str, faults: &Faults) -> Option<Arc<Environment>> {
        let name = at.value.as_ref()?.0.as_str();
        let environments = &self.inventory.environments;
        let found = find(environments, name, |environment| environment.name.as_str());
        if found.is_none() {
            let near = near(environments.iter().map(|environment| environment.name.as_str()), name);
            nowhere(Kind::Environment, name, near, at.spot, key, faults);
        }
        found.map(Arc::clone)
    }

    fn trust(&self, name: &str, spot: Spot, key: &str, faults: &Faults) -> Option<&TrustSource> {
        let sources = &self.inventory.trust;
        let found = find(sources, name, |source| source.name.as_str());
        if found.is_none() && self.standing == Standing::Declared {
            let near = near(sources.iter().map(|source| source.name.as_str()), name);
            nowhere(Kind::TrustSource, name, near, spot, key, faults);
        } else if found.is_none() {
            faults.warning(spot, "reference.unknown", format_args!("`{key}`: there is no TrustSource `{name}` any more"), None);
        }
        found.map(|source| &**source)
    }

    fn api(&self, name: &str, spot: Spot, key: &str, faults: &Faults) {
        let apis = &self.inventory.apis;
        match (find(apis, name, |api| api.name.as_str()), self.standing) {
            (Some(_), _) => {}
            (None, Standing::Declared) => {
                let near = near(apis.iter().map(|api| api.name.as_str()), name);
                nowhere(Kind::Api, name, near, spot, key, faults);
            }
            (None, Standing::Recorded) => {
                faults.warning(spot, "reference.unknown", format_args!("`{key}`: there is no Api `{name}` any more"), None);
            }
        }
    }

    fn described(&self, owner: &OwnerName) -> Option<&Owner> {
        find(&self.inventory.owners, owner.as_str(), |owner| owner.name.as_str())
    }

    fn waived_until(&self, identity: &str, credential: &str) -> Option<Time> {
        let waivers = self.inventory.waivers.iter().filter(|waiver| waiver.exempts == Exemption::Expiry);
        let ends = waivers.filter(|waiver| match &waiver.waived {
            Waived::Identity { identity: whose, credential: Some(entry) } => whose.as_str() == identity && **entry == *credential,
            Waived::Identity { credential: None, .. } | Waived::Api(_) | Waived::Owner(_) => false,
        });
        ends.map(|waiver| waiver.until).max()
    }

    fn key_life_max(&self, owner: &OwnerName) -> Option<(ContractName, Duration)> {
        let contracts = self.inventory.contracts.iter().filter(|contract| contract.owner == *owner);
        contracts.filter_map(|contract| Some((contract.name.clone(), contract.key_life_max?))).min_by_key(|(_, life)| *life)
    }
}

#[cfg(test)]
mod tests;
