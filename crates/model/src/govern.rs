//! How identities are governed: contracts with partners, waivers, the rotation of credentials.

use crate::{
    credential::CredentialKind,
    id::{ApiName, ContractName, EnvironmentName, IdentityId, OwnerName, RotationName, WaiverName},
    inventory::{Criticality, IdentityKind, words},
    limit::{Quota, Rate},
    time::Time,
};
use std::time::Duration;

/// What was agreed with a partner. When it ends, the access that rests on it ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contract {
    /// Its name.
    pub name: ContractName,
    /// The partner.
    pub owner: OwnerName,
    /// Whom to reach there. Never empty.
    pub contacts: Box<[Box<str>]>,
    /// When it ends (exclusive).
    pub until: Time,
    /// Requests in a calendar window, of all identities of the partner together.
    pub quota: Option<Quota>,
    /// So many in a time, of all of them together.
    pub rate: Option<Rate>,
    /// Requests at a time, of all of them together.
    pub concurrency: Option<u32>,
    /// How often its credentials are replaced.
    pub rotation: Option<Duration>,
    /// Longest life of a key that is issued under it.
    pub key_life_max: Option<Duration>,
    /// How often revocation is rehearsed.
    pub drill: Option<Duration>,
    /// The APIs that it is about; empty: any that is granted.
    pub apis: Box<[ApiName]>,
}

words! {
    /// What a waiver exempts from.
    Exemption {
        /// A key that has no end of its own.
        Expiry = "expiry",
        /// Being replaced on a cadence.
        Rotation = "rotation",
        /// Limits.
        Limit = "limit",
        /// Reviews.
        Review = "review",
        /// An upstream that keeps its callers' credentials.
        Keep = "keep",
        /// Operations without a caller.
        Anonymous = "anonymous",
        /// Observing for long.
        Observe = "observe",
        /// A network that is trusted.
        TrustedNetwork = "trusted_network",
    }
}

/// What a waiver is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Waived {
    /// An identity, or one entry of its `credentials`.
    Identity {
        /// Which.
        identity: IdentityId,
        /// The entry; `None`: all of them.
        credential: Option<Box<str>>,
    },
    /// An API.
    Api(ApiName),
    /// Every identity of an owner.
    Owner(OwnerName),
}

/// An exemption by name, with a reason, an approver and an end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiver {
    /// Its name.
    pub name: WaiverName,
    /// What is exempted.
    pub waived: Waived,
    /// From what.
    pub exempts: Exemption,
    /// Why.
    pub reason: Box<str>,
    /// Who approved it.
    pub approver: Box<str>,
    /// When it ends (exclusive).
    pub until: Time,
}

/// Which credentials a rule of rotation is about. Every member that is set must fit.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RotationSelect {
    /// Credentials of this kind.
    pub credential: Option<CredentialKind>,
    /// Of identities of this kind.
    pub kind: Option<IdentityKind>,
    /// Of identities so critical.
    pub criticality: Option<Criticality>,
    /// Of identities of this owner.
    pub owner: Option<OwnerName>,
    /// Of identities of this environment.
    pub environment: Option<EnvironmentName>,
}

/// How often credentials are replaced, and what happens when they are not. The rule with the most members set wins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rotation {
    /// Its name.
    pub name: RotationName,
    /// Which credentials.
    pub select: RotationSelect,
    /// How old one may become.
    pub every: Duration,
    /// How long before that its users are warned.
    pub warn: Duration,
    /// How long after that it is refused; `None`: never.
    pub enforce: Option<Duration>,
}
