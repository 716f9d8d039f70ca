//! Room 12. Takes a [`Ruled`], gives a [`Verdict`]: the ruling, and a permit where the request goes on.
//!
//! Why here: time may have passed, so liveness is checked again, against the overlay as it is *now*. This is the only
//! place where a [`Permit`] is made. Refuses: callers stopped meanwhile, upstreams whose secret is not on record.

use crate::{
    identity::is_contained,
    judge::Verdict,
    permit::{Lease, Permit},
    rule::Ruled,
    snapshot::Snapshot,
};
use std::sync::Arc;
use wardgate_abuse::Reservation;
use wardgate_model::{reason::Reason, ruling::Ruling, time::Time};

/// Gives the permit, or the refusal.
#[must_use]
pub fn commit(ruled: Ruled, snapshot: &Snapshot, now: Time) -> Verdict {
    let Ruled { ruling, reservation, api, operation, caller, purpose } = ruled;
    if !ruling.forwards() {
        return Verdict { ruling, permit: None };
    }
    let refuse = |ruling: Ruling, reason| Verdict {
        ruling: Ruling { limits: ruling.limits, risk: ruling.risk, ..Ruling::refused(reason) },
        permit: None,
    };
    let Some(api) = api else { return refuse(ruling, Reason::StandingFault) };
    if caller.as_ref().is_some_and(|caller| is_contained(caller, snapshot)) {
        return refuse(ruling, Reason::CommitStale);
    }
    let show = match snapshot.show(&api, operation.as_deref(), caller.as_ref(), purpose.as_ref(), now) {
        Ok(show) => show,
        Err(reason) => return refuse(ruling, reason),
    };
    let lease = Lease::new(caller, Arc::clone(snapshot.denied()), reservation.map(Reservation::commit));
    Verdict { ruling, permit: Some(Permit::new(api, show, purpose, lease)) }
}
