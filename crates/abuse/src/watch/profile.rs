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
use wardgate_model::{api::OperationClass, risk::Contribution};

/// INVARIANT (4 KiB): what is held of an identity is no larger (AB3).
const _: () = assert!(size_of::<Profile>() <= 4_096);

pub(super) type Parts = SmallVec<[Contribution; 4]>;

mod taking;

use taking::Taking;

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

/// What came of looking at a request, besides what is unusual of it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Looked {
    /// Whether a good one came from that place before.
    pub(super) place_known: bool,
    /// Whether its owner is told of what is new, however little that weighs.
    pub(super) tells: bool,
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

/// The rows in which a profile has what a request names; `None`: it has it not. Looked for once, and asked for again and again.
#[derive(Debug, Clone, Copy)]
struct Rows {
    place: Option<usize>,
    software: Option<usize>,
    operation: Option<usize>,
}

impl Rows {
    fn of(profile: &Profile, sight: &Sight) -> Self {
        Self {
            place: profile.places.position(sight.place),
            software: profile.software.position(sight.software),
            operation: profile.operations.position(sight.operation),
        }
    }
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
    pub(super) fn assess(&mut self, sight: &Sight, peers: impl FnOnce() -> Beside, parts: &mut Parts) -> Looked {
        let run = sight.counted.map_or(0, |counted| self.runs.follow(counted.of, counted.at));
        let rows = Rows::of(self, sight);
        let tells = self.is_mature(sight.minute) && self.unusual(sight, &rows, run, peers, parts);
        let place_known = self.places.row(rows.place).is_some_and(|row| row.calls > 0);
        self.tried(sight, &rows);
        Looked { place_known, tells }
    }

    fn tried(&mut self, sight: &Sight, rows: &Rows) {
        let minute = sight.minute;
        // A call from a known place between two of one that is not.
        if self.last_place != 0 && self.last_place != sight.place {
            let known = self.places.row(rows.place).is_some_and(|row| self.is_settled(row, minute));
            let other = self.places.find(self.last_place);
            if known && other.is_some_and(|other| !self.is_settled(other, minute) && minute.saturating_sub(other.last) <= w::TURN_MINUTES) {
                if minute.saturating_sub(self.turned) > w::YOUNG_MINUTES {
                    self.turns = 0;
                }
                (self.turns, self.turned) = (self.turns.saturating_add(1), minute);
            }
        }
        self.last_place = sight.place;
        match self.places.row_mut(rows.place) {
            Some(row) => row.tried(minute),
            None => self.places.enter(sight.place, minute),
        }
        match self.software.row_mut(rows.software) {
            Some(row) => row.tried(minute),
            None => self.software.enter(sight.software, minute),
        }
        if rows.operation.is_none() {
            self.operations.enter(sight.operation, minute);
        }
        self.apis.tried(sight.api, minute);
    }

    /// How many operations were first used lately, known by now or not, since it is no longer only learned.
    fn new_lately(&self, minute: u32) -> u32 {
        let learned = self.since.saturating_add(w::LEARNING_MINUTES);
        self.operations.first_good(minute.saturating_sub(w::LATELY_MINUTES).max(learned))
    }

    /// How many operations it first used within a month, with one that is new to it just now; and whether that is told though it is the only one
    /// today: since by now there are several, or since it becomes a habit that none of its peers has. What it does once a week belongs to what
    /// it began with.
    fn is_told(&self, minute: u32, operation: Option<&Row>, beside: &Beside) -> (u32, bool) {
        let began = self.since.saturating_add(w::BEGINS_MINUTES);
        if minute < began {
            return (0, false);
        }
        let month = self.operations.first_good(minute.saturating_sub(w::MONTH_MINUTES).max(began));
        let new = month + u32::from(operation.is_none_or(|row| row.hours == 0));
        let habit = operation.is_some_and(|row| row.hours >= w::HABIT_HOURS && row.first >= began);
        let enough = if beside.peers_use { w::MANY_IN_A_MONTH } else { w::SEVERAL_IN_A_MONTH };
        (new, habit && !beside.peers_use || new >= enough)
    }

    /// Whether it is at home there, or works with that: what it began with counts at once.
    fn is_settled(&self, row: &Row, minute: u32) -> bool {
        let at_first = row.hours > 0 && row.first <= self.since.saturating_add(w::LEARNING_MINUTES);
        at_first || row.is_settled(minute)
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

    /// A good call is over; `served`: it was not answered with an error, `in_order`: it was told to be one of a run. Says whether its peers have
    /// something to learn of it.
    pub(super) fn learn(&mut self, sight: &Sight, records: u32, served: bool, in_order: bool) -> Learned {
        if self.since == 0 {
            self.since = sight.minute;
        }
        self.missed(sight);
        self.good = self.good.saturating_add(1);
        self.last = sight.minute;
        if !sight.at_home {
            self.abroad = self.abroad.saturating_add(1);
        }
        self.places.learn(sight.place, sight.minute);
        self.software.learn(sight.software, sight.minute);
        // Where nothing was ever served of it, it was only tried: who asks for what is not there has not used it.
        let operation = if served || self.operations.find(sight.operation).is_some_and(|row| row.hours > 0) {
            self.apis.learn(sight.api, sight.minute);
            self.operations.learn(sight.operation, sight.minute)
        } else {
            None
        };
        let hourly = operation.as_ref().is_some_and(|(_, hourly)| *hourly);
        if let (Some(counted), Some((row, _)), false) = (sight.counted, operation, in_order) {
            row.run_today = row.run_today.max(self.runs.length(counted.of, counted.at));
        }
        self.classes |= bit(sight.class);
        self.hours |= 1 << (sight.hour % 24);
        if sight.class == OperationClass::Bulk {
            self.take(sight);
        }
        self.calls.turn(sight.hour).inspect(|_| self.days = self.days.saturating_add(1));
        self.calls.add(1);
        let over = self.records.turn(sight.hour);
        self.records.add(records);
        let over = over.and_then(|day| {
            let (expected, spread) = day.expected?;
            Some(Over { day: day.day, sum: day.sum, expected, spread })
        });
        if over.is_some() {
            self.over = over;
        }
        Learned { over, hourly }
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
        let at = self.takings.iter().position(|taking| taking.operation == sight.operation);
        let at = at.or_else(|| self.takings.iter().enumerate().min_by_key(|(_, taking)| taking.days()).map(|(at, _)| at));
        let Some(taking) = at.and_then(|at| self.takings.get_mut(at)) else { return };
        if taking.operation != sight.operation {
            *taking = Taking { operation: sight.operation, ..Taking::default() };
        }
        taking.learn(sight);
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

fn percent(part: u32, of: u32) -> u32 {
    u32::try_from(u64::from(part) * 100 / u64::from(of.max(1))).unwrap_or(u32::MAX)
}

mod kept;
mod unusual;
