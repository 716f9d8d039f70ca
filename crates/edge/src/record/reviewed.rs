//! What came of judging a request again while it is open.

use super::{Exchange, wait::NEVER};
use crate::{
    review::{JUDGEMENT, Sight},
    watch::Tick,
};
use http::HeaderValue;
use std::cell::{Cell, OnceCell};
use wardgate_gate::{
    Lease,
    review::{Evidence, is_unchanged, review},
    task,
};
use wardgate_model::{reason::Reason, time::Time, wire::Upgrade};

/// What came of judging a request again.
#[derive(Debug, Default)]
pub(super) struct Reviewed {
    /// The snapshot that it was judged by last, beside the one that it was let in by.
    by: Cell<u64>,
    /// Why it may not go on.
    withdrawn: Cell<Option<Reason>>,
    /// When its task is over, as far as was heard of that.
    lapses: Cell<Option<Time>>,
    /// The token that it was let in by, in the field that brought it.
    token: OnceCell<HeaderValue>,
}

impl Reviewed {
    /// Why it may not go on, where a judgement said so after the one that let it in.
    pub(super) fn withdrawn(&self) -> Option<Reason> {
        self.withdrawn.get()
    }

    /// Whether it may not go on: a judgement said so, or nothing was heard of its task for too long.
    pub(super) fn is_withdrawn(&self, now: Time) -> bool {
        if self.lapses.get().is_some_and(|lapses| now >= lapses) && self.withdrawn.get().is_none() {
            self.withdrawn.set(Some(Reason::ProofRevoked));
        }
        self.withdrawn.get().is_some()
    }

    /// Keeps when its task is over.
    pub(super) fn lapses(&self, lapses: Option<Time>) {
        self.lapses.set(lapses);
    }
}

impl Exchange {
    /// Keeps the lease under which it may go to its upstream.
    ///
    /// # Errors
    /// When its task is over: it may have waited.
    pub fn let_in(&self, lease: Lease) -> Result<(), Reason> {
        self.ends.set(lease.ends().unwrap_or(NEVER));
        self.reviewed.lapses(lease.lapses());
        let _ = self.lease.set(lease);
        // It has waited since it was judged, and could not be judged again before now.
        self.thread().reviews.behind(self.snapshot.get());
        if self.reviewed.is_withdrawn(self.now()) { Err(self.stopped()) } else { Ok(()) }
    }

    /// Keeps the token that it was let in by, in the field that brought it, for as long as it is open.
    pub fn rests_on(&self, field: Option<&HeaderValue>) {
        let caller = self.facts().and_then(|facts| facts.caller.as_ref());
        if let Some(field) = field
            && caller.is_some_and(|caller| caller.token.is_some())
        {
            let mut field = field.clone();
            field.set_sensitive(true);
            let _ = self.reviewed.token.set(field);
        }
    }

    /// Judges it again, if that can turn anything. Gives what it cost.
    pub(super) fn look_again(&self, sight: &Sight<'_>) -> usize {
        let Some(facts) = self.under_way() else { return 0 };
        let judged = self.snapshot.get().max(self.reviewed.by.get());
        if judged >= sight.snapshot.number() {
            return 0;
        }
        let mut cost = 0;
        // Something may have been heard of its task, which is no reason to judge it again.
        let caller = facts.caller.as_ref();
        self.reviewed.lapses(caller.and_then(|caller| task::over_from(caller, sight.snapshot, sight.now)));
        if judged < sight.era || !is_unchanged(facts, sight.snapshot) {
            cost = JUDGEMENT;
            match review(facts, self.evidence(), sight.snapshot, sight.now) {
                Ok(ends) => self.ends.set(ends.unwrap_or(NEVER)),
                Err(reason) => {
                    self.reviewed.withdrawn.set(Some(reason));
                    self.tick(sight.now);
                }
            }
        }
        self.reviewed.by.set(sight.snapshot.number());
        cost
    }

    fn evidence(&self) -> Evidence<'_> {
        let field = self.reviewed.token.get().and_then(|field| field.to_str().ok());
        let token = field.and_then(|field| field.rsplit(' ').next());
        let upgrade = self.over.get().then_some(Upgrade::WebSocket);
        Evidence { token, certificates: self.connection.certificates().map(|chain| &**chain), upgrade }
    }
}
