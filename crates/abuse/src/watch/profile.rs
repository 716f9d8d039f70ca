//! What is usual for one caller. A few kilobytes, whatever it does: everything in it is bounded.

use super::{
    amount::Amount,
    flows::Courses,
    runs::Runs,
    sight::Sight,
    table::{Row, Table},
    waits::Waits,
    weights as w,
};
use smallvec::SmallVec;
use wardgate_model::{
    api::OperationClass,
    risk::{Contribution, Signal},
};

/// INVARIANT (4 KiB): what is held of an identity is no larger (AB3).
const _: () = assert!(size_of::<Profile>() <= 4_096);

pub(super) type Parts = SmallVec<[Contribution; 4]>;

/// Whole collections that are taken by one operation.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Taking {
    operation: u32,
    day: u32,
    /// How often today, and how often on the day when it was most.
    today: u16,
    most: u16,
    /// On how many days.
    days: u16,
    /// At which hours of the day.
    hours: u32,
}

/// What is usual for one caller.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Profile {
    /// Since when it is known, in minutes since the epoch.
    since: u32,
    /// Good calls.
    good: u32,
    /// When the last one was.
    last: u32,
    last_place: u32,
    /// Good calls from anywhere but our own zones.
    abroad: u32,
    /// How often a known place came between two calls from places that are not, lately; when the last time was.
    turns: u16,
    turned: u32,
    places: Table<24>,
    software: Table<10>,
    operations: Table<48>,
    apis: Table<12>,
    /// Classes of operation that it has used, a bit each, and in how many good hours it did anything.
    classes: u16,
    /// Hours of the day at which it does something.
    hours: u32,
    /// Days on which it did something.
    days: u16,
    runs: Runs,
    calls: Amount,
    records: Amount,
    takings: [Taking; 4],
    /// Calls that are not more than usual, since it could not make them before.
    credit: u32,
    /// Refusals for what it may not do: how many lately, when, and of which operations, a bit each.
    refused: u16,
    refused_at: u32,
    refused_of: u32,
    /// How far its days have been above what was to be expected, summed up: in hundredths of their usual spread.
    above: u32,
    /// The last of those days, in per cent above.
    drift: u32,
    /// A day that is over and not yet compared with its peers' days.
    over: Option<Over>,
    /// Until when what is new is announced.
    announced: u32,
    /// What it begins and brings to its end.
    courses: Courses,
    /// What it was told to wait for.
    waits: Waits,
}

/// A day of a caller that is over: what its peers' days are compared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Over {
    pub(super) day: u32,
    pub(super) sum: u32,
    pub(super) expected: u32,
    /// How far days are from that, in per cent.
    pub(super) spread: u32,
}

/// What came of learning.
#[derive(Debug, Clone, Copy)]
pub(super) struct Learned {
    /// A day is over.
    pub(super) over: Option<Over>,
    /// It is the first good call of its operation in this hour.
    pub(super) hourly: bool,
}

/// What is known besides of who is like it.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Beside {
    /// Whether its peers use the operation, and call the API.
    pub(super) peers_use: bool,
    pub(super) peers_call: bool,
    /// Whether what is new in the API was announced.
    pub(super) announced: bool,
}

const fn bit(class: OperationClass) -> u16 {
    1 << class as u16
}

impl Profile {
    /// Whether enough is known of it for anything to be unusual.
    pub(super) fn is_mature(&self, minute: u32) -> bool {
        self.since != 0 && minute.saturating_sub(self.since) >= w::LEARNING_MINUTES && self.good >= w::LEARNING_CALLS
    }

    pub(super) const fn last(&self) -> u32 {
        self.last
    }

    /// What is new is announced until then.
    pub(super) fn announce(&mut self, until: u32) {
        self.announced = self.announced.max(until);
    }

    /// How its flows go.
    pub(super) const fn courses(&mut self) -> &mut Courses {
        &mut self.courses
    }

    /// A call that came at that second is over.
    pub(super) fn came(&mut self, sight: &Sight, second: u32) {
        self.waits.came(sight.operation, second);
    }

    /// It was told to wait for so many seconds.
    pub(super) fn told_to_wait(&mut self, sight: &Sight, seconds: u32) {
        self.waits.told(sight.operation, sight.second, seconds);
    }

    /// Looks at a request, and notes that it was tried.
    pub(super) fn assess(&mut self, sight: &Sight, peers: impl FnOnce() -> Beside) -> Parts {
        let mut parts = Parts::new();
        let run = sight.counted.map_or(0, |counted| self.runs.follow(counted.of, counted.at));
        let early = self.waits.early(sight.operation, sight.second);
        let mature = self.is_mature(sight.minute);
        if mature {
            let (calls, weight) = early.unwrap_or_default();
            add(&mut parts, Signal::Deaf, calls, weight);
            let quarter = |weight: u32| if sight.minute < self.announced { weight / 4 } else { weight };
            self.whereabouts(sight, &quarter, &mut parts);
            self.in_order(run, sight, &mut parts);
            self.how_much(sight, &mut parts);
            self.whole(sight, &mut parts);
            let known = |row: Option<&Row>| row.is_some_and(|row| row.is_known(sight.minute));
            if !known(self.operations.find(sight.operation)) {
                self.what_is_new(sight, &peers(), &quarter, &mut parts);
            }
        }
        self.tried(sight);
        parts
    }

    fn tried(&mut self, sight: &Sight) {
        // A call from a known place between two of one that is not.
        if self.last_place != 0 && self.last_place != sight.place {
            let (known, minute) = (self.places.find(sight.place).is_some_and(|row| self.is_settled(row, sight.minute)), sight.minute);
            let other = self.places.find(self.last_place);
            if known && other.is_some_and(|other| !self.is_settled(other, minute) && minute.saturating_sub(other.last) <= w::TURN_MINUTES) {
                if minute.saturating_sub(self.turned) > w::YOUNG_MINUTES {
                    self.turns = 0;
                }
                (self.turns, self.turned) = (self.turns.saturating_add(1), minute);
            }
        }
        self.last_place = sight.place;
        for (key, place) in [(sight.place, true), (sight.software, false)] {
            let row = if place { self.places.tried(key, sight.minute) } else { self.software.tried(key, sight.minute) };
            if let Some(row) = row
                && row.hours == 0
            {
                row.last = sight.minute;
            }
        }
        self.operations.tried(sight.operation, sight.minute);
        self.apis.tried(sight.api, sight.minute);
    }

    /// Whether it is at home there, or works with that: what it began with counts at once.
    fn is_settled(&self, row: &Row, minute: u32) -> bool {
        let at_first = row.hours > 0 && row.first <= self.since.saturating_add(w::LEARNING_MINUTES);
        at_first || row.is_settled(minute)
    }

    /// New places, new software, one credential in two places at a time.
    fn whereabouts(&self, sight: &Sight, quarter: &dyn Fn(u32) -> u32, parts: &mut Parts) {
        let place = self.places.find(sight.place);
        let strange = place.is_none_or(|row| !self.is_settled(row, sight.minute));
        let calls = place.map_or(0, |row| u32::from(row.calls));
        let software = self.software.find(sight.software);
        let new_software = software.is_none_or(|row| !self.is_settled(row, sight.minute));
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
        if let Some(row) = place
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

    /// Thing after thing.
    fn in_order(&self, run: u16, sight: &Sight, parts: &mut Parts) {
        let usual = self.operations.find(sight.operation).map_or(0, |row| row.run);
        // Who works through hundreds of things does so through thousands at the end of a month.
        let usual = if usual >= w::LONG_USUAL { usual.saturating_mul(2) } else { usual };
        let weight = if run >= w::LONG_RUN.max(usual.saturating_mul(3)) {
            w::LONG_RUN_WEIGHT
        } else if run >= w::RUN.max(usual.saturating_mul(2)) {
            w::RUN_WEIGHT
        } else {
            return;
        };
        add(parts, Signal::Enumeration, run.into(), weight);
    }

    /// Calls and records of the last hour, beside the busiest hours of the last days.
    fn how_much(&self, sight: &Sight, parts: &mut Parts) {
        let weight = |ratio: u32| match ratio {
            0..250 => 0,
            250..400 => w::MUCH,
            400..800 => w::VERY_MUCH,
            _ => w::FAR_TOO_MUCH,
        };
        if let Some(peak) = self.calls.peak() {
            let usual = peak.saturating_add(self.credit).max(w::CALLS_FLOOR);
            let ratio = percent(self.calls.lately(sight.minute), usual);
            add(parts, Signal::Rate, ratio, weight(ratio));
        }
        let takes = matches!(sight.class, OperationClass::Read | OperationClass::List | OperationClass::Bulk);
        if let Some(peak) = self.records.peak().filter(|_| takes) {
            let usual = peak.saturating_add(self.credit.saturating_mul(10)).max(w::RECORDS_FLOOR);
            let ratio = percent(self.records.lately(sight.minute), usual);
            add(parts, Signal::Volume, ratio, weight(ratio));
        }
        if self.above >= w::DRIP_SUM {
            add(parts, Signal::Drip, 100 + self.drift, w::DRIP);
        }
    }

    /// Whole collections, and things that are done at an hour of their own.
    fn whole(&self, sight: &Sight, parts: &mut Parts) {
        if sight.class == OperationClass::Bulk
            && let Some(taking) = self.takings.iter().find(|taking| taking.operation == sight.operation && taking.days >= w::TAKEN_DAYS)
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
            if !near(taking.hours, sight.hour) {
                add(parts, Signal::OffSchedule, sight.hour % 24, w::BULK_OFF_SCHEDULE);
            }
        } else if self.days >= w::SCHEDULE_DAYS && !near(self.hours, sight.hour) {
            add(parts, Signal::OffSchedule, sight.hour % 24, w::OFF_SCHEDULE);
        }
    }

    /// An operation, an API, a class that it has not used.
    fn what_is_new(&self, sight: &Sight, beside: &Beside, quarter: &dyn Fn(u32) -> u32, parts: &mut Parts) {
        if beside.announced {
            return;
        }
        let surprise = self.operations.surprise();
        let since = sight.minute.saturating_sub(w::YOUNG_MINUTES);
        let young = self.operations.young(since, sight.minute) + u32::from(self.operations.find(sight.operation).is_none());
        let base = match young {
            0..=1 => w::NEW_OPERATION,
            2 => w::NEW_OPERATIONS,
            3..=4 => w::MANY_NEW_OPERATIONS,
            _ => w::VERY_MANY_NEW_OPERATIONS,
        };
        let base = if beside.peers_use { base / 2 } else { base };
        add(parts, Signal::NewOperation, young, quarter(base * surprise / 100));
        let called = self.apis.find(sight.api).is_some_and(|row| row.is_known(sight.minute));
        if !called && !beside.peers_call {
            let new = self.apis.young(since, sight.minute) + u32::from(self.apis.find(sight.api).is_none());
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
    }

    /// It was refused what it may not do.
    pub(super) fn refused(&mut self, sight: &Sight) {
        if sight.minute.saturating_sub(self.refused_at) > w::YOUNG_MINUTES {
            (self.refused, self.refused_of) = (0, 0);
        }
        self.refused = self.refused.saturating_add(1);
        self.refused_of |= 1 << (sight.operation % 32);
        self.refused_at = sight.minute;
    }

    /// An answer came: whether it was an error of the caller's.
    pub(super) fn answered(&mut self, sight: &Sight, error: bool) {
        if let Some(row) = self.places.find_mut(sight.place) {
            row.answered(error, sight.operation);
        }
    }

    /// A good call is over; `in_order`: it was told to be one of a run. Says whether its peers have something to learn of it.
    pub(super) fn learn(&mut self, sight: &Sight, records: u32, in_order: bool) -> Learned {
        if self.since == 0 {
            self.since = sight.minute;
        }
        self.missed(sight);
        let before = self.operations.find(sight.operation).map_or(0, |row| row.hours);
        self.good = self.good.saturating_add(1);
        self.last = sight.minute;
        if !sight.at_home {
            self.abroad = self.abroad.saturating_add(1);
        }
        for (key, at) in [(sight.place, 0), (sight.software, 1), (sight.operation, 2), (sight.api, 3)] {
            match at {
                0 => self.places.learn(key, sight.minute),
                1 => self.software.learn(key, sight.minute),
                2 => self.operations.learn(key, sight.minute),
                _ => self.apis.learn(key, sight.minute),
            }
        }
        self.classes |= bit(sight.class);
        self.hours |= 1 << (sight.hour % 24);
        if sight.class == OperationClass::Bulk {
            self.take(sight);
        }
        self.calls.turn(sight.hour).inspect(|_| self.days = self.days.saturating_add(1));
        self.calls.add(1);
        if let (Some(counted), false) = (sight.counted, in_order) {
            let length = self.runs.length(counted.of, counted.at);
            if let Some(row) = self.operations.find_mut(sight.operation) {
                row.run_today = row.run_today.max(length);
            }
        }
        let over = self.records.turn(sight.hour);
        self.records.add(records);
        let over = over.and_then(|day| {
            let (expected, spread) = day.expected?;
            Some(Over { day: day.day, sum: day.sum, expected, spread })
        });
        if over.is_some() {
            self.over = over;
        }
        let hours = self.operations.find(sight.operation).map_or(0, |row| row.hours);
        Learned { over, hourly: hours != before }
    }

    /// A day that is over, once its peers' have had the time to be so too.
    pub(super) fn due(&mut self, hour: u32) -> Option<Over> {
        self.over.take_if(|over| hour >= (over.day + 1) * 24 + w::PEERS_HOURS)
    }

    /// What it could not do while it was away, it may do now.
    fn missed(&mut self, sight: &Sight) {
        let away = sight.minute.saturating_sub(self.last) / 60;
        if self.last != 0 && away >= 1 {
            self.credit = self.calls.mean().saturating_mul(away.min(w::CREDIT_HOURS)).saturating_mul(2);
        } else if sight.hour > self.last / 60 {
            self.credit /= 2;
        }
    }

    fn take(&mut self, sight: &Sight) {
        let day = sight.hour / 24;
        let at = self.takings.iter().position(|taking| taking.operation == sight.operation);
        let at = at.or_else(|| self.takings.iter().enumerate().min_by_key(|(_, taking)| taking.days).map(|(at, _)| at));
        let Some(taking) = at.and_then(|at| self.takings.get_mut(at)) else { return };
        if taking.operation != sight.operation {
            *taking = Taking { operation: sight.operation, ..Taking::default() };
        }
        if taking.day != day {
            (taking.day, taking.today, taking.days) = (day, 0, taking.days.saturating_add(1));
        }
        taking.today = taking.today.saturating_add(1);
        taking.most = taking.most.max(taking.today);
        taking.hours |= 1 << (sight.hour % 24);
    }

    /// A day is over: how far it was above what was to be expected, beside its peers' days. `peers`: theirs, in per cent.
    pub(super) fn drift(&mut self, over: &Over, peers: u32) {
        let own = percent(over.sum, over.expected.max(1));
        let above = percent(own, peers.max(1));
        // In hundredths of how far its days usually are from what was to be expected: a cumulative sum, with some slack each day.
        let far = above.saturating_sub(100).saturating_mul(100) / over.spread.max(w::DRIP_SPREAD_MIN);
        self.above = (self.above + far.min(w::DRIP_STEP_MAX)).saturating_sub(w::DRIP_SLACK);
        self.drift = above.saturating_sub(100);
        if self.above >= w::DRIP_SUM {
            // It is not what is usual from now on.
            self.records.forget_yesterday();
        }
    }
}

/// Whether an hour, or one beside it, is among these of the day.
const fn near(hours: u32, hour: u32) -> bool {
    let at = hour % 24;
    let around = (1 << at) | (1 << ((at + 1) % 24)) | (1 << ((at + 23) % 24));
    hours & around != 0
}

fn percent(part: u32, of: u32) -> u32 {
    u32::try_from(u64::from(part) * 100 / u64::from(of.max(1))).unwrap_or(u32::MAX)
}

fn add(parts: &mut Parts, signal: Signal, value: u32, weight: u32) {
    if weight > 0 {
        parts.push(Contribution { signal, value, weight: u8::try_from(weight.min(100)).unwrap_or(100) });
    }
}

mod kept;
