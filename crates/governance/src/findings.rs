//! Posture: what should worry, with evidence and a way out. Takes the estate, its identities and their use; gives findings.
//!
//! Why pure: the same list comes from the API, from reports and from tests, and nothing is remembered that could be stale.
//! Codes are promises; each names its risk of the OWASP Non-Human Identities Top 10 (2025) where there is one.

mod around;
mod beside;
mod code;
mod ending;
mod misuse;
mod of;
mod risk;

pub use around::Bypass;
pub use code::Code;
pub use ending::Called;
pub use misuse::{Misuse, Misused};
pub(crate) use of::{is_lasting, is_live};
pub use risk::{Risky, Signalled};

use crate::{rotation::Rotations, surface::Line, words::words};
use serde::Serialize;
use std::{collections::HashMap, sync::Arc, time::Duration};
use wardgate_model::{
    api::Api,
    credential::Credential,
    govern::{Contract, Waiver},
    grant::Grant,
    id::{ApiName, CredentialId, IdentityId, OwnerName},
    inventory::{Identity, IdentityState, Owner},
    time::Time,
};

/// Findings that are listed; the others are counted.
pub const FINDINGS_MAX: usize = 10_000;
/// How long an owner's word that all is right counts.
pub const ATTESTED: Duration = Duration::from_hours(180 * 24);
/// Without use for so long a credential is unused.
pub const UNUSED: Duration = Duration::from_hours(90 * 24);
/// Without any use for so long a credential is one that nobody needed.
pub const NEVER_USED: Duration = Duration::from_hours(30 * 24);
/// Observing for so long is a habit.
pub const OBSERVED: Duration = Duration::from_hours(30 * 24);
/// Contained for so long is forgotten.
pub const QUARANTINED: Duration = Duration::from_hours(14 * 24);
/// How long before its end something is said to be ending.
pub const ENDING: Duration = Duration::from_hours(30 * 24);

words! {
    /// How much a finding should worry.
    Severity {
        /// When there is time.
        Low = "low",
        /// Soon.
        Medium = "medium",
        /// This week.
        High = "high",
        /// Now.
        Critical = "critical",
    }
}

/// What a finding is about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Subject {
    /// A kind of resource, or `credential`, `discovery`, `Operation`.
    pub kind: &'static str,
    /// Its name or id.
    pub name: Box<str>,
}

/// Something that should worry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What it is.
    pub code: Code,
    /// About what.
    pub subject: Subject,
    /// Who answers for it, where that is known.
    pub owner: Option<OwnerName>,
    /// How much it should worry.
    pub severity: Severity,
    /// Since when it is so, where that is known.
    #[serde(serialize_with = "crate::shown::moment_or_none")]
    pub since: Option<Time>,
    /// What was seen.
    pub evidence: String,
    /// What to do.
    pub remedy: &'static str,
    /// The risk of the OWASP Non-Human Identities Top 10 (2025), as `NHI7`.
    pub owasp: Option<&'static str>,
    /// Whether a waiver that still runs exempts from it.
    pub exempt: bool,
}

/// Findings, and how many were left out.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Findings {
    /// The most severe first; at most [`FINDINGS_MAX`].
    pub findings: Vec<Finding>,
    /// How many more there are.
    pub left_off: u64,
}

/// An owner on record, and what happened to it.
#[derive(Debug, Clone, Copy)]
pub struct Answering<'a> {
    /// The owner.
    pub owner: &'a Owner,
    /// When it departed.
    pub departed: Option<Time>,
    /// When it last said that all is right.
    pub attested: Option<Time>,
    /// When it came on record, where that is known: one that is new need not have said so yet.
    pub since: Option<Time>,
}

/// How a credential was used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Used {
    /// First.
    pub first: Time,
    /// Last.
    pub last: Time,
    /// How often.
    pub count: u64,
}

/// An identity with its credentials.
#[derive(Debug, Clone, Copy)]
pub struct Governed<'a> {
    /// The identity, its status included.
    pub identity: &'a Identity,
    /// Since when it is in its state.
    pub since: Time,
    /// Its credentials, with the dates on record.
    pub credentials: &'a [Credential],
}

/// A caller that was seen and not claimed.
#[derive(Debug, Clone, Copy)]
pub struct Unclaimed<'a> {
    /// Its name.
    pub id: &'a IdentityId,
    /// First seen.
    pub first: Time,
    /// Last seen.
    pub last: Time,
    /// How often.
    pub count: u64,
    /// Until when somebody should claim it.
    pub claim_by: Time,
}

/// Everything but identities.
#[derive(Clone, Copy)]
pub struct Estate<'a> {
    /// Owners.
    pub owners: &'a [Answering<'a>],
    /// APIs.
    pub apis: &'a [Arc<Api>],
    /// Grants.
    pub grants: &'a [Arc<Grant>],
    /// Contracts.
    pub contracts: &'a [Arc<Contract>],
    /// Waivers.
    pub waivers: &'a [Arc<Waiver>],
    /// Rules of rotation.
    pub rotations: &'a Rotations,
    /// Callers that were seen and not claimed.
    pub unclaimed: &'a [Unclaimed<'a>],
    /// Upstreams that answer whoever reaches them.
    pub bypasses: &'a [Bypass<'a>],
    /// Calls of operations that go out of use, each identity once an operation.
    pub calls: &'a [Called<'a>],
    /// Operations that are beside the documents of their APIs.
    pub beside: &'a [Line],
    /// Identities with requests of more risk than is worth a word, each once.
    pub risky: &'a [Risky<'a>],
    /// Credentials that were shown after their end, or with a proof of before.
    pub misused: &'a [Misused<'a>],
    /// Since when use is counted: nothing is called unused for longer than was looked.
    pub counted_since: Option<Time>,
    /// How a credential was used.
    pub used: &'a dyn Fn(&CredentialId) -> Option<Used>,
    /// Since when an API is as it is.
    pub api_since: &'a dyn Fn(&ApiName) -> Option<Time>,
}

impl std::fmt::Debug for Estate<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Estate").field("owners", &self.owners.len()).field("apis", &self.apis.len()).finish_non_exhaustive()
    }
}

/// All findings at `now`. Identities may be many: they are looked at one by one.
pub fn findings<'i>(estate: &Estate<'_>, identities: impl IntoIterator<Item = Governed<'i>>, now: Time) -> Findings {
    survey(estate, identities, now, |_, _| {})
}

/// The same; and `each` is told of every identity, with what was found of it, of its credentials and of its owner. None of that is
/// left out, however many findings there are in all.
pub fn survey<'i>(
    estate: &Estate<'_>,
    identities: impl IntoIterator<Item = Governed<'i>>,
    now: Time,
    mut each: impl FnMut(&Governed<'i>, &[&Finding]),
) -> Findings {
    let mut found = Collected::default();
    let index = of::Index::new(estate);
    let owners: HashMap<&OwnerName, Collected> = estate.owners.iter().map(|one| (&one.owner.name, of::owner(one, now))).collect();
    owners.values().for_each(|of_owner| found.extend(of_owner.clone()));
    of::apis(estate, &index, now, &mut found);
    around::around(estate, &mut found);
    beside::beside(estate, &mut found);
    ending::ending(estate, now, &mut found);
    of::ends(estate, &index, now, &mut found);
    for one in estate.unclaimed {
        of::unclaimed(one, now, &mut found);
    }
    let risky: HashMap<&IdentityId, &Risky<'_>> = estate.risky.iter().map(|risky| (risky.identity, risky)).collect();
    let misused = misuse::index(estate.misused);
    for governed in identities {
        let identity = governed.identity;
        let mut own = Collected::default();
        misuse::misuse(&governed, &misused, &mut own);
        of::identity(&governed, estate, &index, now, &mut own);
        if let Some(risky) = risky.get(&identity.id).filter(|_| identity.state != IdentityState::Retired) {
            risk::risky(estate, identity, risky, &mut own);
        }
        let of_owner = owners.get(&identity.owner).map_or(&[][..], |of_owner| &of_owner.list);
        each(&governed, &own.list.iter().chain(of_owner).collect::<Vec<_>>());
        found.extend(own);
    }
    found.into_findings()
}

/// Findings under way, bounded.
#[derive(Debug, Default, Clone)]
struct Collected {
    list: Vec<Finding>,
    left_off: u64,
}

impl Collected {
    fn push(&mut self, finding: Finding) {
        self.list.push(finding);
        if self.list.len() >= 2 * FINDINGS_MAX {
            self.cut();
        }
    }

    fn extend(&mut self, others: Self) {
        self.left_off = self.left_off.saturating_add(others.left_off);
        others.list.into_iter().for_each(|finding| self.push(finding));
    }

    fn cut(&mut self) {
        let order = |finding: &Finding| (std::cmp::Reverse(finding.severity), finding.code, finding.subject.clone());
        self.list.sort_by_cached_key(order);
        let over = self.list.len().saturating_sub(FINDINGS_MAX);
        self.left_off = self.left_off.saturating_add(u64::try_from(over).unwrap_or(u64::MAX));
        self.list.truncate(FINDINGS_MAX);
    }

    fn into_findings(mut self) -> Findings {
        self.cut();
        Findings { findings: self.list, left_off: self.left_off }
    }
}

#[cfg(test)]
mod tests;
