//! Who may act with the tokens that an API is called with. What `serves` of an identity says counts where its owner answers for the API:
//! so somebody begins to stand behind an API when the identity says so, when it goes to such an owner, and when the API does.

use super::{Found, World, text, words};
use serde_json::Value;
use std::collections::BTreeSet;
use wardgate_model::resource::Kind;

/// An identity that says so anew, a new one too, or that goes to an owner for whom it counts.
pub(super) fn identity(name: &str, old: Option<&Value>, new: Option<&Value>, world: &World<'_, '_>, found: &mut Found) {
    let (had, has) = (words(old, "serves"), words(new, "serves"));
    for api in has.difference(&had) {
        found.second(format!("`{name}` may act with the tokens that the API `{api}` is called with"));
    }
    let Some(owner) = text(new, "owner").filter(|owner| text(old, "owner") != Some(owner)) else { return };
    for api in has.intersection(&had).filter(|api| answering(world.to_be(api)).contains(owner)) {
        found.second(told(name, api, owner));
    }
}

/// An API for which somebody else answers, or that is new.
pub(super) fn api(name: &str, old: Option<&Value>, new: Option<&Value>, world: &World<'_, '_>, found: &mut Found) {
    let (had, has) = (answering(old), answering(new));
    for (identity, owner) in world.before.serving(name).filter(|(_, owner)| has.contains(owner) && !had.contains(owner)) {
        found.second(told(identity, name, owner));
    }
}

fn told(identity: &str, api: &str, owner: &str) -> String {
    format!("`{identity}` may act with the tokens that the API `{api}` is called with: its owner `{owner}` answers for that then")
}

/// Who answers for an API.
fn answering(spec: Option<&Value>) -> BTreeSet<&str> {
    ["policy_owner", "business_owner"].into_iter().filter_map(|key| text(spec, key)).collect()
}

impl World<'_, '_> {
    /// An API as it will be.
    fn to_be(&self, api: &str) -> Option<&Value> {
        match self.changes.iter().find(|change| change.kind == Kind::Api && *change.name == *api) {
            Some(change) => change.spec.as_ref(),
            None => self.before.spec(Kind::Api, api),
        }
    }
}

#[cfg(test)]
mod tests;
