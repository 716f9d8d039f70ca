//! Why a token is not for a class of operations that is asked for: the client hears what is missing, the record has it with the names of
//! policies. It decides nothing: that is done by then, and here it is only told.

use super::Reach;
use crate::{
    against::Against,
    answer::{Error, Refusal},
};
use std::{collections::BTreeSet, sync::Arc};
use wardgate_gate::prospect::{Forbidden, Prospect};
use wardgate_model::{
    api::{Api, Operation, OperationClass, Require},
    reason::Reason,
};

/// As much of a scope that is none is told back.
const SHOWN_CHARACTERS_MAX: usize = 32;
/// So many policies are named.
const POLICIES_MAX: usize = 4;

/// A word that is no class of operations. Whatever somebody has put there by mistake is not told back whole, and not recorded.
pub(super) fn unknown(word: &str) -> Refusal {
    let shown: String = word.chars().take(SHOWN_CHARACTERS_MAX).collect();
    let known = OperationClass::ALL.iter().map(|class| class.as_str()).collect::<Vec<_>>().join(" ");
    Refusal::new(Error::InvalidScope, "a word of `scope` is no class of operations")
        .told(&format!("`{shown}` is no scope: there are {known}"))
        .because(Against::NoScope)
}

/// What stands in the way, for the client and for the record.
struct Why {
    against: Against,
    told: String,
    recorded: String,
}

impl Why {
    fn alike(against: Against, told: String) -> Self {
        Self { against, recorded: told.clone(), told }
    }
}

impl Reach<'_> {
    /// The refusal of a class of operations.
    pub(super) fn lacks(&self, audience: &str, api: &Arc<Api>, class: OperationClass) -> Refusal {
        let Why { against, told, recorded } = self.why(audience, api, class);
        Refusal::new(Error::InvalidScope, "the scope opens nothing here to this client").told(&told).because(against).recorded(recorded)
    }

    fn why(&self, audience: &str, api: &Arc<Api>, class: OperationClass) -> Why {
        let (name, scope) = (&api.name, class.as_str());
        let offered: Vec<&Arc<Operation>> =
            api.operations.iter().filter(|operation| operation.class == class && !operation.anonymous).collect();
        if offered.is_empty() {
            return Why::alike(Against::NoOperation, format!("the API `{name}` has no operation of the class `{scope}`"));
        }
        if self.scopes.is_some_and(|scopes| scopes.iter().all(|other| **other != *scope)) {
            return Why::alike(Against::ScopeSubject, format!("the `subject_token` is not for the scope `{scope}`"));
        }
        let wanted: Vec<&Arc<Operation>> = offered.into_iter().filter(|operation| self.wants(operation)).collect();
        if let (true, Some(asks)) = (wanted.is_empty(), self.task) {
            return Why::alike(
                Against::ScopeTask,
                format!("the task `{}`, or what is asked of it, has no operation of the class `{scope}`", asks.task.id),
            );
        }
        self.lacking(audience, api, &wanted).unwrap_or_else(|| {
            let required = |require: &&Require| require.class == class;
            if !self.worth.bound && api.require.iter().filter(required).any(|require| require.bound) {
                let told = format!(
                    "the scope `{scope}` takes a token that is bound to a key: send a proof of possession in `DPoP`, or show a certificate"
                );
                return Why::alike(Against::ScopeUnbound, told);
            }
            let now = self.request.now;
            let old = |require: &Require| require.max_age.is_some_and(|most| now.since(self.worth.since) > most);
            if api.require.iter().filter(required).any(old) {
                return Why::alike(
                    Against::ScopeAge,
                    format!("what the token would rest on is too old for the scope `{scope}` (`max_token_age`)"),
                );
            }
            if wanted.iter().all(|operation| operation.ending.is_some_and(|ending| ending.refuses(now))) {
                return Why::alike(Against::ScopeSunset, format!("nothing of the class `{scope}` is offered any more"));
            }
            self.forbidden(audience, api, &wanted)
        })
    }

    /// One of those who stand behind the token to whom nothing of it is granted, or all of it forbidden, whatever the token were.
    fn lacking(&self, audience: &str, api: &Arc<Api>, wanted: &[&Arc<Operation>]) -> Option<Why> {
        let whatever =
            |forbidden: &Forbidden| matches!(forbidden.reason, Reason::StandingNoGrant | Reason::StandingDenied | Reason::StandingFault);
        self.kept_from(audience, api, wanted, whatever)
    }

    /// What says no to every operation that the class has there.
    fn forbidden(&self, audience: &str, api: &Arc<Api>, wanted: &[&Arc<Operation>]) -> Why {
        let class = wanted.first().map_or("-", |operation| operation.class.as_str());
        let together = || Why {
            against: Against::ScopePolicy,
            told: format!("no operation of the class `{class}` is open to all who stand behind the token"),
            recorded: format!("no operation of the class `{class}` at {audience} is open to all who stand behind the token"),
        };
        self.kept_from(audience, api, wanted, |_| true).unwrap_or_else(together)
    }

    fn kept_from(&self, audience: &str, api: &Arc<Api>, wanted: &[&Arc<Operation>], counts: impl Fn(&Forbidden) -> bool) -> Option<Why> {
        let class = wanted.first()?.class;
        let caller = self.shown(audience, &[class].into());
        let prospect = Prospect { caller: &caller, asking: self.facts, snapshot: self.request.snapshot, now: self.request.now };
        // The first is the client itself. What others have is none of its business, nor who they are.
        self.parties.iter().enumerate().find_map(|(at, party)| {
            let (own, identity) = (at == 0, &party.caller.identity);
            let kept: Option<Vec<Forbidden>> =
                wanted.iter().map(|operation| prospect.forbidden(identity, api, operation).filter(&counts)).collect();
            let kept = kept?;
            let theirs = || format!("the scope `{}` is not open to whom the `subject_token` stands for", class.as_str());
            if kept.iter().all(|forbidden| forbidden.policies.is_empty()) {
                let missing = |whom: &str| {
                    format!("no grant gives {whom} the class `{}` of the API `{}`, or an operation of it", class.as_str(), api.name)
                };
                let told = if own { missing("this client") } else { theirs() };
                return Some(Why { against: Against::NotGranted, told, recorded: missing(&format!("`{}`", identity.id)) });
            }
            let policies = kept.iter().flat_map(|forbidden| forbidden.policies.iter().map(|policy| format!("`{policy}`")));
            let policies: BTreeSet<String> = policies.collect();
            let named = policies.into_iter().take(POLICIES_MAX).collect::<Vec<_>>().join(", ");
            Some(Why {
                against: Against::ScopePolicy,
                told: if own { format!("a policy keeps the scope `{}` from this client", class.as_str()) } else { theirs() },
                // Which policies there are is for the record alone.
                recorded: format!("the scope `{}` is kept from `{}` at {audience} by {named}", class.as_str(), identity.id),
            })
        })
    }
}
