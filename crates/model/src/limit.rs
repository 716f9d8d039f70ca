//! Limits: how much of what, for whom, over which time.

use crate::{
    api::OperationClass,
    facts::Lane,
    id::{ApiName, EnvironmentName, IdentityId, LimitName, OwnerName},
    inventory::{IdentityKind, words},
};
use std::{num::NonZeroU64, time::Duration};

words! {
    /// What each has a meter of its own.
    Per {
        /// Every identity.
        Identity = "identity",
        /// Every credential.
        Credential = "credential",
        /// Every operation.
        Operation = "operation",
        /// Every API.
        Api = "api",
        /// Every owner.
        Owner = "owner",
        /// Every source address (IPv6: every /64).
        Source = "source",
        /// Every person, apart for each identity that calls on their behalf; in the people's lane every session. Requests that
        /// name nobody are not counted.
        Person = "person",
    }
}

words! {
    /// A calendar window, in UTC.
    Window {
        /// From second 0 to 59.
        Minute = "minute",
        /// From minute 0 to 59.
        Hour = "hour",
        /// From 00:00 to 24:00 UTC.
        Day = "day",
        /// From the first of a month to the next, UTC.
        Month = "month",
    }
}

/// Which requests a limit counts. Every member that is set must fit; none set: all requests.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Select {
    /// Identities of this kind.
    pub kind: Option<IdentityKind>,
    /// This identity.
    pub identity: Option<IdentityId>,
    /// Identities of this owner.
    pub owner: Option<OwnerName>,
    /// Identities of this environment.
    pub environment: Option<EnvironmentName>,
    /// Requests to this API.
    pub api: Option<ApiName>,
    /// Operations of this class.
    pub class: Option<OperationClass>,
    /// This operation, as `METHOD /full/template`.
    pub operation: Option<Box<str>>,
    /// Only callers without a credential (`true`), only those with one (`false`).
    pub anonymous: Option<bool>,
    /// Requests of this lane.
    pub lane: Option<Lane>,
}

impl Select {
    /// The lane of all requests that it counts, where that is one.
    #[must_use]
    pub fn lane(&self) -> Option<Lane> {
        self.lane.or(self.anonymous.map(|anonymous| if anonymous { Lane::Anonymous } else { Lane::Machine }))
    }
}

/// So many in a time, evenly, with a burst on top.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// How many.
    pub count: NonZeroU64,
    /// In which time.
    pub period: Duration,
    /// How many at once after a rest; at least 1.
    pub burst: NonZeroU64,
}

/// So many in a calendar window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quota {
    /// How many (requests, or bytes).
    pub count: NonZeroU64,
    /// Over which window.
    pub window: Window,
}

/// A limit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limit {
    /// Its name. A file that uses the name of a shipped limit replaces it.
    pub name: LimitName,
    /// Which requests it counts.
    pub select: Select,
    /// What has a meter of its own.
    pub per: Per,
    /// Rate and burst.
    pub rate: Option<Rate>,
    /// Requests in a calendar window.
    pub quota: Option<Quota>,
    /// Requests at a time.
    pub concurrency: Option<u32>,
    /// Bytes of bodies, both ways together, in a calendar window.
    pub bytes: Option<Quota>,
}
