//! Room 3. Takes a [`Routed`], gives a [`Sourced`]: may this source spend our CPU?
//!
//! Why here: reading a route is cheap, proving a caller is not. No source is trusted for where it comes from (AN6); it
//! can only be refused. What the operator's files say of its address is looked up and weighed later. Refuses: sources over their pre-authentication limit, failed proofs counted dearer.

use crate::{canon, judge::Refused, route::Routed, snapshot::Snapshot};
use std::{net::IpAddr, sync::Arc};
use wardgate_abuse::Meters;
use wardgate_model::{
    atlas::{AsNumber, Country, Listing},
    facts::{Facts, SourceFacts, SourceZone},
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
    /// The country that it lies in.
    pub country: Option<Country>,
    /// Whose network it is in.
    pub network: Option<AsNumber>,
    /// The lists that it is on.
    pub listing: Option<Arc<Listing>>,
}

impl Sourced<'_> {
    /// All that is known so far.
    #[must_use]
    #[inline]
    pub fn into_facts(self) -> Facts {
        let Self { routed, address, zone, country, network, listing } = self;
        let known = routed.into_facts();
        Facts { source: SourceFacts { address, zone, country, network, listing, ..known.source }, ..known }
    }
}

/// The source of a request that has been counted.
pub(crate) fn admitted<'a>(routed: Routed<'a>, snapshot: &Snapshot) -> Sourced<'a> {
    let address = canon::address(routed.canonical.arrival.peer);
    of(routed, address, snapshot)
}

#[inline]
fn of<'a>(routed: Routed<'a>, address: IpAddr, snapshot: &Snapshot) -> Sourced<'a> {
    let atlas = snapshot.atlas();
    Sourced {
        routed,
        address,
        zone: snapshot.zone(address).cloned(),
        country: atlas.country(address),
        network: atlas.network(address),
        listing: atlas.listing(address).cloned(),
    }
}

/// Admits the source.
///
/// # Errors
/// When it is over its limit.
pub fn admit<'a>(routed: Routed<'a>, snapshot: &Snapshot, meters: &Meters, now: Time) -> Result<Sourced<'a>, Refused> {
    let address = canon::address(routed.canonical.arrival.peer);
    // Before what is known is put together: that is large, and moved once so.
    match meters.admit_source(snapshot.limits(), address, now) {
        Ok(()) => Ok(of(routed, address, snapshot)),
        Err(refusal) => {
            let facts = of(routed, address, snapshot).into_facts();
            Err(Refused::new(facts, refusal.reason).retry_after(refusal.retry_after_s))
        }
    }
}
