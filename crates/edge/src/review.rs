//! Open requests are judged again when the snapshot is another one (AZ9): by one thread those that it carries, at the next tick
//! and never on the way of a request.
//!
//! What cannot concern a request costs two look-ups: the estate and whose proofs count are the same, and so are its identity and
//! its credential on record. A turn does so much and no more; what is left is looked at in the next.

use crate::watch::Watch;
use std::{
    cell::{Cell, RefCell},
    sync::Arc,
};
use wardgate_gate::{Estate, Snapshot, trust::Trust};
use wardgate_model::time::Time;

/// What one turn may cost: glances, of which a judgement is [`JUDGEMENT`].
const TURN: usize = 8_192;
/// What a glance at a request costs that nothing has changed for.
pub(crate) const GLANCE: usize = 1;
/// What a judgement costs beside a glance: microseconds, ten times as many where a token or certificate is verified anew.
pub(crate) const JUDGEMENT: usize = 32;

/// What open requests are judged by now.
#[derive(Debug)]
pub struct Sight<'a> {
    /// The snapshot of now.
    pub snapshot: &'a Snapshot,
    /// The number of the first snapshot seen with this estate, in which these proofs count: who was judged by it, or a later one, is
    /// concerned only by what changed of itself.
    pub era: u64,
    /// The moment.
    pub now: Time,
}

/// How far a thread has come with its open requests.
#[derive(Debug, Default)]
pub struct Reviews {
    number: Cell<u64>,
    era: Cell<u64>,
    basis: RefCell<Option<(Arc<Estate>, Arc<Trust>)>>,
    at: Cell<usize>,
    /// Places that are to be looked at before all have been since the last change.
    left: Cell<usize>,
    /// Whether somebody was let in by an older snapshot than the last one that was looked at.
    behind: Cell<bool>,
}

impl Reviews {
    /// Looks at requests that were judged by an older snapshot, as many as fit into a turn. It goes round: a change while it is under
    /// way makes it go on for longer, and leaves nobody out.
    pub fn turn(&self, watch: &Watch, snapshot: &Snapshot, now: Time) {
        let places = watch.places();
        if self.behind.take() {
            self.left.set(places);
        }
        if self.number.replace(snapshot.number()) != snapshot.number() {
            self.left.set(places);
            let mut basis = self.basis.borrow_mut();
            let same = |(estate, trust): &(Arc<Estate>, Arc<Trust>)| {
                Arc::ptr_eq(estate, snapshot.estate()) && Arc::ptr_eq(trust, snapshot.trust())
            };
            if !basis.as_ref().is_some_and(same) {
                *basis = Some((Arc::clone(snapshot.estate()), Arc::clone(snapshot.trust())));
                self.era.set(snapshot.number());
            }
        }
        let sight = Sight { snapshot, era: self.era.get(), now };
        let mut cost = 0;
        while self.left.get() > 0 && cost < TURN {
            let at = self.at.get();
            self.at.set(if at + 1 < places { at + 1 } else { 0 });
            self.left.set(self.left.get() - 1);
            cost += GLANCE + watch.review(at, &sight);
        }
    }

    /// A request goes to its upstream that was judged by this snapshot: where others have been judged by a later one meanwhile, all are
    /// looked at once more.
    pub fn behind(&self, snapshot: u64) {
        if snapshot < self.number.get() {
            self.behind.set(true);
        }
    }
}

#[cfg(test)]
mod tests;
