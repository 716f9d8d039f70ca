//! Those who are alike: identities of one kind and owner. What all of them begin to do is nothing that one of them does.

use super::{profile::Over, sight::Sight, table::Table};

/// Days that are compared.
const DAYS: usize = 4;

/// What is usual among peers.
#[derive(Debug, Clone, Default)]
pub(super) struct Peers {
    operations: Table<96>,
    apis: Table<24>,
    /// Of the last days: what all of them did, what was to be expected, and how many they are.
    days: [(u32, u64, u64, u32); DAYS],
}

impl Peers {
    /// Whether they use an operation, and call an API.
    pub(super) fn know(&self, sight: &Sight) -> (bool, bool) {
        let known = |row: Option<&super::table::Row>| row.is_some_and(|row| row.is_known(sight.minute));
        (known(self.operations.find(sight.operation)), known(self.apis.find(sight.api)))
    }

    /// One of them has done something good.
    pub(super) fn learn(&mut self, sight: &Sight) {
        self.operations.tried(sight.operation, sight.minute);
        self.operations.learn(sight.operation, sight.minute);
        self.apis.tried(sight.api, sight.minute);
        self.apis.learn(sight.api, sight.minute);
    }

    /// A day of one of them is over.
    pub(super) fn day(&mut self, over: &Over) {
        let at = self.days.iter().position(|(day, ..)| *day == over.day);
        let at = at.or_else(|| self.days.iter().enumerate().min_by_key(|(_, (day, ..))| *day).map(|(at, _)| at));
        let Some(day) = at.and_then(|at| self.days.get_mut(at)) else { return };
        if day.0 != over.day {
            *day = (over.day, 0, 0, 0);
        }
        day.1 = day.1.saturating_add(over.sum.into());
        day.2 = day.2.saturating_add(over.expected.into());
        day.3 = day.3.saturating_add(1);
    }

    /// How a day was for the others of them, in per cent of what was to be expected; 100 where there are too few.
    pub(super) fn ratio(&self, own: &Over) -> u32 {
        let Some((_, sum, expected, count)) = self.days.iter().find(|(of, ..)| *of == own.day) else { return 100 };
        let (sum, expected) = (sum.saturating_sub(own.sum.into()), expected.saturating_sub(own.expected.into()));
        if *count >= 4 && expected > 0 { u32::try_from(sum.saturating_mul(100) / expected).unwrap_or(100) } else { 100 }
    }
}

mod kept;
