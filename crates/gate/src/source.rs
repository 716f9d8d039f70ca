//! Room 3. Takes a [`Routed`], gives a [`Sourced`]: may this source spend our CPU?
//!
//! Why here: reading a route is cheap, proving a caller is not. No source is trusted for where it comes from (AN6); it
//! can only be refused. Refuses: sources over their pre-authentication limit, failed proofs counted dearer.

use crate::{canon, judge::Refused, route::Routed, snapshot::Snapshot};
use std::net::IpAddr;
use wardgate_abuse::Meters;
use wardgate_model::{
    facts::{Facts, SourceZone},
    time::Time,
};

/// A request whose source may go on.
#[derive(Debug)]
pub struct Sourced<'a> {
    /// What it is for.
    pub routed: Routed<'a>,
    /// Its address.
    pub address: IpAddr,
    /// The zone that the address lies in.
    pub zone: Option<SourceZone>,
}

impl Sourced<'_> {
    /// All that is known so far.
    #[must_use]
    pub fn into_facts(self) -> Facts {
        let mut facts = self.routed.into_facts();
        facts.source.address = self.address;
        facts.source.zone = self.zone;
        facts
    }
}

/// The source of a request that has been counted.
pub(crate) fn admitted<'a>(routed: Routed<'a>, snapshot: &Snapshot) -> Sourced<'a> {
    let address = canon::address(routed.canonical.arrival.peer);
    Sourced { routed, address, zone: snapshot.zone(address).cloned() }
}

/// Admits the source.
///
/// # Errors
/// When it is over its limit.
pub fn admit<'a>(routed: Routed<'a>, snapshot: &Snapshot, meters: &Meters, now: Time) -> Result<Sourced<'a>, Refused> {
    let sourced = admitted(routed, snapshot);
    match meters.admit_source(snapshot.limits(), sourced.address, now) {
        Ok(()) => Ok(sourced),
        Err(refusal) => Err(Refused::new(sourced.into_facts(), refusal.reason).retry_after(refusal.retry_after_s)),
    }
}
