//! Room 12. Takes a [`Ruled`], gives a [`Verdict`]: the ruling, and a permit where the request goes on.
//!
//! Why here: time may have passed, so liveness is checked again, against the overlay as it is *now*. This is the only
//! place where a [`Permit`] is made. Refuses: callers stopped meanwhile, upstreams whose secret is not on record.

use crate::{
    denied::Denied,
    identity::is_contained,
    judge::Verdict,
    permit::{Ends, Lease, Permit},
    rule::Ruled,
    snapshot::Snapshot,
    task,
};
use std::sync::Arc;
use wardgate_abuse::Reservation;
use wardgate_model::{facts::Caller, reason::Reason, ruling::Ruling, time::Time};

/// Why a caller that was let in is not any more. What it shows may have been ended and not itself: to the outside that must
/// not look otherwise than it does a moment later, when room 5 says so.
pub(crate) fn stopped(caller: &Caller, denied: &Denied) -> Reason {
    if denied.stops_credential(caller) { Reason::ProofRevoked } else { Reason::CommitStale }
}

/// Gives the permit, or the refusal.
#[must_use]
pub fn commit(ruled: Ruled, snapshot: &Snapshot, now: Time) -> Verdict {
    let Ruled { ruling, reservation, api, operation, caller, acting_until, sight, lapses } = ruled;
    if !ruling.forwards() {
        return Verdict { ruling, permit: None, sight };
    }
    let refuse = |ruling: Ruling, reason| Verdict {
        ruling: Ruling {
            limits: ruling.limits,
            purpose: ruling.purpose,
            risk: ruling.risk,
            signals: ruling.signals,
            place_known: ruling.place_known,
            ..Ruling::refused(reason)
        },
        permit: None,
        sight,
    };
    let Some(api) = api else { return refuse(ruling, Reason::StandingFault) };
    if let Some(caller) = caller.as_ref().filter(|caller| is_contained(caller, snapshot)) {
        return refuse(ruling, stopped(caller, snapshot.denied()));
    }
    let show = match snapshot.show(&api, operation.as_deref(), caller.as_ref(), ruling.purpose.as_ref(), now) {
        Ok(show) => show,
        Err(reason) => return refuse(ruling, reason),
    };
    let until = ruling.grant.as_ref().and_then(|grant| snapshot.end_of(grant));
    let until = [until, acting_until].into_iter().flatten().min();
    let lapses = lapses.or_else(|| task::over_from(caller.as_ref()?, snapshot, now));
    let lease = Lease::new(caller, Arc::clone(snapshot.denied()), reservation.map(Reservation::commit), Ends { until, lapses });
    let purpose = ruling.purpose.clone();
    Verdict { ruling, permit: Some(Permit::new(api, show, purpose, lease, snapshot.mint())), sight }
}
