//! What of a request is unusual for its caller: every signal that a profile tells.

use super::{Beside, Parts, Profile, Rows, bit, percent};
use crate::watch::{part as add, sight::Sight, table::Row, weights as w};
use wardgate_model::{api::OperationClass, risk::Signal};

impl Profile {
    /// Everything that is, of who is known for long enough. Says whether its owner is told of what is new, however little that weighs.
    pub(super) fn unusual(&self, sight: &Sight, rows: &Rows, run: u16, peers: impl FnOnce() -> Beside, parts: &mut Parts) -> bool {
        let (calls, weight) = self.waits.early(sight.operation, sight.second).unwrap_or_default();
        add(parts, Signal::Deaf, calls, weight);
        let quarter = |weight: u32| if sight.minute < self.announced { weight / 4 } else { weight };
        let operation = self.operations.row(rows.operation);
        self.whereabouts(sight, rows, &quarter, parts);
        self.probes(rows, parts);
        in_order(run, sight.class, operation, parts);
        self.how_much(sight, parts);
        self.whole(sight, parts);
        let new = !operation.is_some_and(|row| row.is_known(sight.minute));
        new && self.what_is_new(sight, operation, &peers(), &quarter, parts)
    }

    /// New places, new software, one credential in two places at a time.
    fn whereabouts(&self, sight: &Sight, rows: &Rows, quarter: &dyn Fn(u32) -> u32, parts: &mut Parts) {
        let (place, software) = (self.places.row(rows.place), self.software.row(rows.software));
        let strange = place.is_none_or(|row| !self.is_settled(row, sight.minute));
        let new_software = software.is_none_or(|row| !self.is_settled(row, sight.minute));
        if !strange && !new_software {
            return;
        }
        let calls = place.map_or(0, |row| u32::from(row.calls));
        let both = strange && new_software && calls.max(software.map_or(0, |row| u32::from(row.calls))) < w::FEW_CALLS;
        let (where_from, by_what) = (self.places.surprise(), self.software.surprise());
        if strange {
            let since = sight.minute.saturating_sub(w::YOUNG_MINUTES);
            let weight = if self.abroad == 0 && !sight.at_home {
                w::ABROAD
            } else if both {
                w::NEW_BOTH
            } else if self.places.young(since, sight.minute) >= w::MANY_PLACES {
                w::NEW_PLACES
            } else if calls < w::FEW_CALLS {
                w::NEW_PLACE
            } else {
                w::YOUNG_PLACE
            };
            // Never to have left home in so many calls says more than how often a place is new.
            let surprise = if weight == w::ABROAD { where_from.max(self.good.min(200) / 2) } else { where_from };
            add(parts, Signal::NewPlace, calls, quarter(weight * surprise / 100));
            let lately = sight.minute.saturating_sub(self.turned) <= w::YOUNG_MINUTES;
            let turns = if lately { u32::from(self.turns) } else { 0 };
            if turns >= w::TURNS {
                add(parts, Signal::Shared, 1 + turns, w::SHARED * where_from / 100);
            }
        }
        if new_software {
            let calls = software.map_or(0, |row| u32::from(row.calls));
            let weight = if both {
                w::NEW_BOTH * where_from / 100
            } else if calls < w::FEW_CALLS {
                w::NEW_SOFTWARE
            } else {
                w::YOUNG_SOFTWARE
            };
            add(parts, Signal::NewSoftware, calls, quarter(weight * by_what / 100));
        }
    }

    /// Errors of its own, again and again.
    fn probes(&self, rows: &Rows, parts: &mut Parts) {
        if let Some(row) = self.places.row(rows.place)
            && row.answers >= w::PROBED_ANSWERS
            && row.spread.count_ones() >= w::PROBED_SPREAD
        {
            let share = u32::from(row.errors) * 100 / u32::from(row.answers).max(1);
            add(
                parts,
                Signal::Probing,
                share,
                if share >= 75 {
                    w::PROBING
                } else if share >= 50 {
                    w::PROBING_SOME
                } else {
                    0
                },
            );
        }
    }

    /// Calls and records of the last hour, beside the busiest hours of the last days.
    fn how_much(&self, sight: &Sight, parts: &mut Parts) {
        let weight = |ratio: u32| match ratio {
            0..w::MUCH_FROM => 0,
            w::MUCH_FROM..400 => w::MUCH,
            400..800 => w::VERY_MUCH,
            _ => w::FAR_TOO_MUCH,
        };
        let calls = self.calls.lately(sight.minute);
        if is_much(calls, w::CALLS_FLOOR)
            && let Some(peak) = self.calls.peak()
        {
            let ratio = percent(calls, peak.saturating_add(self.credit).max(w::CALLS_FLOOR));
            add(parts, Signal::Rate, ratio, weight(ratio));
        }
        let takes = matches!(sight.class, OperationClass::Read | OperationClass::List | OperationClass::Bulk);
        let records = if takes { self.records.lately(sight.minute) } else { 0 };
        if is_much(records, w::RECORDS_FLOOR)
            && let Some(peak) = self.records.peak()
        {
            let ratio = percent(records, peak.saturating_add(self.credit.saturating_mul(10)).max(w::RECORDS_FLOOR));
            add(parts, Signal::Volume, ratio, weight(ratio));
        }
        if self.above >= w::DRIP_SUM {
            add(parts, Signal::Drip, 100 + self.drift, w::DRIP);
        }
    }

    /// Whole collections, and things that are done at an hour of their own.
    fn whole(&self, sight: &Sight, parts: &mut Parts) {
        if sight.class == OperationClass::Bulk
            && let Some(taking) = self.takings.iter().find(|taking| taking.operation == sight.operation && taking.is_known(sight.hour / 24))
        {
            let today = if taking.day == sight.hour / 24 { taking.today } else { 0 };
            let ratio = (u32::from(today) + 1) * 100 / u32::from(taking.most).max(1);
            add(
                parts,
                Signal::Bulk,
                ratio,
                if ratio > 200 {
                    w::BULK_AGAIN
                } else if ratio > 100 {
                    w::BULK
                } else {
                    0
                },
            );
            if !taking.is_on_schedule(sight) {
                add(parts, Signal::OffSchedule, sight.hour % 24, w::BULK_OFF_SCHEDULE);
            }
        } else if self.days >= w::SCHEDULE_DAYS && !near(self.hours, sight.hour) {
            add(parts, Signal::OffSchedule, sight.hour % 24, w::OFF_SCHEDULE);
        }
    }

    /// An operation, an API, a class that it has not used.
    fn what_is_new(
        &self,
        sight: &Sight,
        operation: Option<&Row>,
        beside: &Beside,
        quarter: &dyn Fn(u32) -> u32,
        parts: &mut Parts,
    ) -> bool {
        if beside.announced {
            return false;
        }
        let surprise = self.operations.surprise();
        let since = sight.minute.saturating_sub(w::YOUNG_MINUTES);
        // It belongs to what is new, however often it was tried before.
        let unused = operation.is_none_or(|row| row.hours == 0);
        let young = self.operations.young(since, sight.minute) + u32::from(operation.is_none_or(|row| row.hours == 0 && row.first < since));
        let base = match young {
            0..=1 => w::NEW_OPERATION,
            2 => w::NEW_OPERATIONS,
            3..=4 => w::MANY_NEW_OPERATIONS,
            _ => w::VERY_MANY_NEW_OPERATIONS,
        };
        let base = if beside.peers_use { base / 2 } else { base };
        let lately = self.new_lately(sight.minute) + u32::from(unused);
        let enough = if beside.peers_use { w::MANY_LATELY } else { w::SEVERAL_LATELY };
        let base = if lately >= enough { base.max(w::NEW_LATELY) } else { base };
        let (new, told) = self.is_told(sight.minute, operation, beside);
        add(parts, Signal::NewOperation, young.max(lately).max(new), quarter(base * surprise / 100));
        let api = self.apis.find(sight.api);
        let called = api.is_some_and(|row| row.is_known(sight.minute));
        if !called && !beside.peers_call {
            let new = self.apis.young(since, sight.minute) + u32::from(api.is_none());
            add(parts, Signal::FanOut, new, quarter(w::FAN_OUT * self.apis.surprise() / 100));
        }
        if self.classes & bit(sight.class) == 0 {
            let weight = match sight.class {
                OperationClass::Read | OperationClass::List | OperationClass::Login => w::OTHER_CLASS,
                OperationClass::Write => w::CLIMBING,
                OperationClass::Delete | OperationClass::Money | OperationClass::Admin | OperationClass::Bulk => w::CLIMBING_HIGH,
            };
            add(parts, Signal::Climbing, self.classes.count_ones(), quarter(weight * surprise / 100));
        }
        if sight.minute.saturating_sub(self.refused_at) <= w::YOUNG_MINUTES {
            let kinds = self.refused_of.count_ones();
            let weight = if kinds >= w::REFUSED_MANY {
                w::REFUSED_OF_MANY
            } else if kinds >= w::REFUSED_SOME {
                w::REFUSED_OF_SOME
            } else {
                0
            };
            add(parts, Signal::Refused, self.refused.into(), weight);
        }
        surprise >= w::TOLD_SURPRISE && sight.minute >= self.announced && told
    }
}

/// Thing after thing.
fn in_order(run: u16, class: OperationClass, operation: Option<&Row>, parts: &mut Parts) {
    if run < w::RUN {
        return;
    }
    let usual = operation.map_or(0, |row| row.run);
    // Who works through hundreds of things does so through thousands at the end of a month.
    let usual = if usual >= w::LONG_USUAL { usual.saturating_mul(2) } else { usual };
    let long = if class == OperationClass::List { w::LONG_RUN } else { w::LONG_RUN_OF_THINGS };
    let weight = if run >= long.max(usual.saturating_mul(3)) {
        w::LONG_RUN_WEIGHT
    } else if run >= w::RUN.max(usual.saturating_mul(2)) {
        w::RUN_WEIGHT
    } else {
        return;
    };
    add(parts, Signal::Enumeration, run.into(), weight);
}

/// Whether so much is far more than the least that is ever called usual: if not, what is usual need not be looked for.
fn is_much(lately: u32, floor: u32) -> bool {
    percent(lately, floor) >= w::MUCH_FROM
}

/// Whether an hour, or one beside it, is among these of the day.
const fn near(hours: u32, hour: u32) -> bool {
    let at = hour % 24;
    let around = (1 << at) | (1 << ((at + 1) % 24)) | (1 << ((at + 23) % 24));
    hours & around != 0
}
