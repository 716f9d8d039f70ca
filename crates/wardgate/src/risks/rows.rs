//! The counts themselves: a bounded map, no clock, no store.

use super::{KEPT, Row};
use std::collections::HashMap;
use wardgate_governance::findings::Signalled;
use wardgate_model::{
    id::IdentityId,
    ruling::{Response, Ruling},
    time::Time,
};

/// What was counted.
#[derive(Debug)]
pub(super) struct Rows {
    // INVARIANT (bounded): at most `most` rows, each with at most as many signals as there are.
    rows: HashMap<IdentityId, Row>,
    most: usize,
}

impl Rows {
    pub(super) fn new(most: usize) -> Self {
        Self { rows: HashMap::new(), most }
    }

    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }

    pub(super) fn count(&mut self, identity: &IdentityId, ruling: &Ruling, at: Time) {
        let full = self.rows.len() >= self.most;
        let row = match self.rows.get_mut(identity) {
            Some(row) => row,
            None => {
                if full {
                    self.forget_oldest();
                }
                self.rows.entry(identity.clone()).or_insert_with(|| Row {
                    identity: identity.clone(),
                    first: at,
                    last: at,
                    count: 0,
                    risk: 0,
                    answered: 0,
                    would: 0,
                    quarantined: None,
                    signals: Vec::new(),
                })
            }
        };
        row.first = row.first.min(at);
        row.last = row.last.max(at);
        row.count = row.count.saturating_add(1);
        row.risk = row.risk.max(ruling.risk);
        let answered = ruling.reason().code().starts_with("risk.") && ruling.response != Response::Allow;
        row.answered = row.answered.saturating_add(answered.into());
        row.would = row.would.saturating_add(ruling.would.is_some().into());
        for part in &ruling.signals {
            match row.signals.iter_mut().find(|one| one.signal == part.signal) {
                Some(one) => (one.count, one.weight) = (one.count.saturating_add(1), one.weight.max(part.weight)),
                None => row.signals.push(Signalled { signal: part.signal, count: 1, weight: part.weight }),
            }
        }
        row.signals.sort_by_key(|one| (std::cmp::Reverse(one.weight), one.signal));
    }

    /// The one whose last risky request is the oldest. All are looked at: it is rare, and not on a request's way.
    fn forget_oldest(&mut self) {
        let oldest = self.rows.values().min_by_key(|row| row.last).map(|row| row.identity.clone());
        if let Some(oldest) = oldest {
            self.rows.remove(&oldest);
        }
    }

    pub(super) fn quarantined(&mut self, identity: &IdentityId, at: Time) {
        if let Some(row) = self.rows.get_mut(identity) {
            row.quarantined = Some(at);
        }
    }

    /// All of them, without those who had no risky request for long.
    pub(super) fn of(&mut self, now: Time) -> Vec<Row> {
        self.rows.retain(|_, row| now.since(row.last) <= KEPT);
        let mut rows: Vec<Row> = self.rows.values().cloned().collect();
        rows.sort_by(|a, b| a.identity.cmp(&b.identity));
        rows
    }
}

#[cfg(test)]
mod tests {
    use super::Rows;
    use std::time::Duration;
    use wardgate_model::{
        id::IdentityId,
        reason::Reason,
        risk::{Contribution, Signal},
        ruling::{Response, Ruling},
        time::Time,
    };

    const DAWN: Time = Time::from_seconds(1_780_272_000);

    fn ruling(risk: u8, signal: Signal) -> Ruling {
        Ruling {
            risk,
            signals: [Contribution { signal, value: 7, weight: risk }].into_iter().collect(),
            ..Ruling::refused(Reason::RiskBlocked)
        }
    }

    fn id(name: &str) -> IdentityId {
        IdentityId::parse(name).unwrap()
    }

    #[test]
    fn what_was_seen_is_summed_up() {
        let mut rows = Rows::new(4);
        rows.count(&id("a"), &ruling(90, Signal::Rate), DAWN);
        let later = DAWN + Duration::from_secs(60);
        let watched = Ruling {
            response: Response::Allow,
            reasons: [Reason::RuleAllowed].into_iter().collect(),
            would: Some(Response::Block),
            ..ruling(95, Signal::Bulk)
        };
        rows.count(&id("a"), &watched, later);
        rows.count(&id("a"), &ruling(40, Signal::Rate), later);
        let all = rows.of(later);
        let row = all[0].shown();
        assert_eq!((row.first, row.last, row.count, row.risk, row.answered, row.would), (DAWN, later, 3, 95, 2, 1));
        let signals: Vec<_> = row.signals.iter().map(|one| (one.signal, one.count, one.weight)).collect();
        assert_eq!(signals, [(Signal::Bulk, 1, 95), (Signal::Rate, 2, 90)]);
    }

    #[test]
    fn of_too_many_the_oldest_is_forgotten_and_nobody_is_told_of_for_ever() {
        let mut rows = Rows::new(2);
        for (seconds, name) in [(3, "a"), (1, "b"), (2, "c")] {
            rows.count(&id(name), &ruling(50, Signal::Rate), DAWN + Duration::from_secs(seconds));
        }
        let names = |rows: &mut Rows, now| rows.of(now).iter().map(|row| row.identity.to_string()).collect::<Vec<_>>();
        assert_eq!(names(&mut rows, DAWN), ["a", "c"]);
        assert_eq!(names(&mut rows, DAWN + super::KEPT + Duration::from_secs(3)), ["a"]);
        assert_eq!(rows.len(), 1);
    }
}
