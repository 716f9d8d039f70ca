//! How honest clients take it when something fails, when they are refused, and when they are asked for more.

use crate::estate::{
    call::{Call, Fate, Why},
    chance::Chance,
    population::Temper,
};
use std::time::Duration;

/// Longest that a client waits because it was told to.
const TOLD_MAX: Duration = Duration::from_hours(1);

/// What follows from what became of a call.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Setback {
    /// Nothing: it went well, or trying again would not help.
    None,
    /// The same again, after a while.
    Again(Duration, Why),
    /// The same again at once, with what was asked for.
    Answers,
    /// It leaves that be, and comes back later.
    GivesUp(Duration),
}

/// How often in a row it did not go well.
#[derive(Debug)]
pub(super) struct Setbacks {
    temper: Temper,
    tries: u8,
    refusals: u8,
    answered: bool,
}

impl Setbacks {
    pub(super) const fn new(temper: Temper) -> Self {
        Self { temper, tries: 0, refusals: 0, answered: false }
    }

    /// The number of this try; 0 for the first.
    pub(super) const fn tries(&self) -> u8 {
        self.tries
    }

    pub(super) fn after(&mut self, call: &Call, fate: Fate, chance: &mut Chance) -> Setback {
        match fate {
            Fate::Allowed | Fate::Slowed(_) => {
                (self.refusals, self.answered) = (0, false);
                if call.answer.status >= 500 { self.failed(chance) } else { self.well() }
            }
            Fate::Challenged if call.shown.proof.bound() && !self.answered => {
                self.answered = true;
                self.tries = self.tries.saturating_add(1);
                Setback::Answers
            }
            Fate::Challenged => self.refused(None, chance),
            Fate::Blocked(told) => self.refused(told, chance),
        }
    }

    const fn well(&mut self) -> Setback {
        self.tries = 0;
        Setback::None
    }

    /// The upstream failed.
    fn failed(&mut self, chance: &mut Chance) -> Setback {
        let (tries_max, pause) = match self.temper {
            Temper::Patient => (5, Duration::from_secs(1 << self.tries.min(6)) + Duration::from_millis(chance.below(900))),
            Temper::Stubborn => (25, Duration::from_millis(300 + chance.below(200))),
            Temper::Careless => (0, Duration::ZERO),
        };
        self.once_more(tries_max, pause, Why::Retry, Duration::from_secs(20))
    }

    /// The gate refused, and perhaps said when to come back.
    fn refused(&mut self, told: Option<Duration>, chance: &mut Chance) -> Setback {
        self.answered = false;
        self.refusals = self.refusals.saturating_add(1);
        let later = Duration::from_secs(30 << self.refusals.min(6)) + Duration::from_millis(chance.below(5_000));
        match self.temper {
            Temper::Patient => self.once_more(3, told.map_or(later, |told| told.min(TOLD_MAX)), Why::Again, later),
            Temper::Stubborn => self.once_more(10, Duration::from_secs(2), Why::Again, Duration::from_mins(5)),
            Temper::Careless => self.once_more(0, Duration::ZERO, Why::Again, later),
        }
    }

    fn once_more(&mut self, tries_max: u8, pause: Duration, why: Why, later: Duration) -> Setback {
        if self.tries < tries_max {
            self.tries += 1;
            return Setback::Again(pause, why);
        }
        self.tries = 0;
        Setback::GivesUp(later)
    }
}
