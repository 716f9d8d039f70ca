//! When to fetch: a state machine over moments, without a clock, a socket or chance of its own.
//!
//! A fetch is due on schedule, after a pause when the last one failed, and when somebody wants a key that is not there. There
//! is one at a time, and whoever wants joins it. What was fetched last stays good until its hard age, however often fetching
//! fails; then it is gone.

use std::time::Duration;
use wardgate_model::time::Time;

/// How often to fetch. All of it is finite.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rhythm {
    /// Never sooner after a success, whatever the server says of freshness.
    pub refresh_min: Duration,
    /// So long after a success when the server says nothing.
    pub refresh_usual: Duration,
    /// Never later after a success.
    pub refresh_max: Duration,
    /// First pause after a failure; it doubles with each further one.
    pub retry_min: Duration,
    /// Longest pause after failures.
    pub retry_max: Duration,
    /// In so much time one more fetch for unknown keys may be begun.
    pub want_every: Duration,
    /// So many may be begun at once, when none was for long. At least one.
    pub want_burst: u32,
    /// How long a source that looked for a key in vain causes no further fetch.
    pub barred_for: Duration,
    /// How long a key that was looked for in vain is not looked for again.
    pub absent_for: Duration,
    /// How often a file is looked at for changes.
    pub look_every: Duration,
    /// How long what was fetched last counts. Longer than `refresh_max`.
    pub hard_age: Duration,
}

impl Rhythm {
    /// The shipped one.
    pub const SHIPPED: Self = Self {
        refresh_min: Duration::from_secs(60),
        refresh_usual: Duration::from_secs(15 * 60),
        refresh_max: Duration::from_secs(24 * 3600),
        retry_min: Duration::from_secs(2),
        retry_max: Duration::from_secs(5 * 60),
        want_every: Duration::from_secs(30),
        want_burst: 4,
        barred_for: Duration::from_secs(120),
        absent_for: Duration::from_secs(60),
        look_every: Duration::from_secs(1),
        hard_age: Duration::from_secs(48 * 3600),
    };

    /// For bundles: every five minutes where nobody says otherwise (SPIFFE-Trust-Domain-and-Bundle §4.1.2).
    pub const BUNDLES: Self = Self { refresh_usual: Duration::from_secs(5 * 60), ..Self::SHIPPED };

    /// When a success is followed by the next fetch, as the server's word on freshness lies within the bounds.
    pub(crate) fn refresh(&self, fresh_for: Option<Duration>) -> Duration {
        fresh_for.unwrap_or(self.refresh_usual).min(self.refresh_max).max(self.refresh_min)
    }
}

/// How a fetch ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// With a document, which the server says to be fresh for so long.
    Fetched {
        /// As the server says.
        fresh_for: Option<Duration>,
    },
    /// In vain. The server may have asked to be left alone.
    Failed {
        /// For so long.
        retry_after: Option<Duration>,
    },
}

/// What becomes of a wish for a fetch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wish {
    /// There will be one because of it: wait for its end.
    Caused,
    /// There will be one anyhow, or there is one under way: wait for its end.
    Wait,
    /// One that began after the wish has ended: what is not there now is nowhere.
    Over(Outcome),
    /// Not before this moment.
    NotBefore(Time),
}

/// Whether a fetch gave a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It did.
    Fetched,
    /// It did not.
    Failed,
}

/// Number of a fetch: they are counted from one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Turn(u64);

/// Where a feed stands between its fetches.
#[derive(Debug, Clone)]
pub struct Pace {
    rhythm: Rhythm,
    due: Time,
    /// Nothing before it: a failure's pause.
    rest: Option<Time>,
    wanted: bool,
    /// When all fetches for unknown keys that were begun are made up for: later by `want_every` with each.
    made_up: Option<Time>,
    begun: Turn,
    ended: Turn,
    outcome: Outcome,
    failures: u32,
    good_until: Option<Time>,
}

impl Pace {
    /// Due at once.
    #[must_use]
    pub const fn new(rhythm: Rhythm, now: Time) -> Self {
        Self {
            rhythm,
            due: now,
            rest: None,
            wanted: false,
            made_up: None,
            begun: Turn(0),
            ended: Turn(0),
            outcome: Outcome::Failed,
            failures: 0,
            good_until: None,
        }
    }

    /// Until when what was fetched last counts.
    #[must_use]
    pub const fn good_until(&self) -> Option<Time> {
        self.good_until
    }

    /// How many fetches were begun.
    #[must_use]
    pub const fn begun(&self) -> u64 {
        self.begun.0
    }

    /// The last fetch that was begun: who wants something now needs a later one.
    #[must_use]
    pub const fn turn(&self) -> Turn {
        self.begun
    }

    /// Failures since the last success.
    #[must_use]
    pub const fn failures(&self) -> u32 {
        self.failures
    }

    /// How long until something is to be done, when nobody wants anything meanwhile.
    #[must_use]
    pub fn wait(&self, now: Time) -> Duration {
        let next = if self.wanted { now } else { self.due };
        let next = self.good_until.map_or(next, |end| next.min(end));
        // A clock that was set back must not make us wait for longer than any plan ever was.
        next.since(now).min(self.rhythm.refresh_max)
    }

    /// Begins a fetch when one is due or wanted.
    pub fn begin(&mut self, now: Time) -> bool {
        let set_back = self.due.since(now) > self.rhythm.refresh_max;
        let begins = self.begun == self.ended && (self.wanted || now >= self.due || set_back);
        if begins {
            self.begun.0 = self.begun.0.saturating_add(1);
            self.wanted = false;
        }
        begins
    }

    /// Makes a fetch due, as when a file was changed.
    pub const fn hasten(&mut self, now: Time) {
        self.due = now;
    }

    /// Ends the fetch under way. `chance` is any number: it spreads plans of many feeds and many processes over time.
    pub fn end(&mut self, ended: Ended, chance: u64, now: Time) {
        self.ended = self.begun;
        match ended {
            Ended::Fetched { fresh_for } => {
                let refresh = self.rhythm.refresh(fresh_for);
                // Up to a tenth sooner.
                self.due = now + refresh.saturating_sub(share(refresh / 10, chance));
                self.outcome = Outcome::Fetched;
                self.failures = 0;
                self.rest = None;
                self.good_until = Some(now + self.rhythm.hard_age);
            }
            Ended::Failed { retry_after } => {
                let doubled = self.rhythm.retry_min.saturating_mul(1_u32.checked_shl(self.failures).unwrap_or(u32::MAX));
                let pause = retry_after.map_or(doubled, |asked| asked.max(doubled)).min(self.rhythm.retry_max);
                // At least half of it.
                self.due = now + pause / 2 + share(pause / 2, chance);
                self.outcome = Outcome::Failed;
                self.failures = self.failures.saturating_add(1);
                self.rest = Some(self.due);
            }
        }
    }

    /// Whether what was fetched last has reached its hard age; from then on it is gone.
    pub fn lapse(&mut self, now: Time) -> bool {
        let over = self.good_until.is_some_and(|end| now >= end);
        if over {
            self.good_until = None;
        }
        over
    }

    /// What becomes of a wish that came when `came` was the last fetch begun, and that is looked at again after each end. Until
    /// `barred` it may join a fetch, and cause none.
    pub fn wish(&mut self, came: Turn, barred: Option<Time>, now: Time) -> Wish {
        if self.ended > came {
            return Wish::Over(self.outcome);
        }
        if self.wanted || self.begun > self.ended {
            return Wish::Wait;
        }
        let Rhythm { want_every, want_burst, retry_max, .. } = self.rhythm;
        let ahead = self.made_up.map_or(Duration::ZERO, |moment| moment.since(now));
        // A moment far ahead was written before the clock was set back.
        let ahead = if ahead > want_every.saturating_mul(want_burst.max(1)) { Duration::ZERO } else { ahead };
        let spent = ahead.saturating_sub(want_every.saturating_mul(want_burst.saturating_sub(1)));
        let rest = self.rest.filter(|until| until.since(now) <= retry_max);
        let free = rest.into_iter().chain(barred).chain(std::iter::once(now + spent)).max();
        if let Some(until) = free.filter(|until| *until > now) {
            return Wish::NotBefore(until);
        }
        self.wanted = true;
        self.made_up = Some(now + ahead + want_every);
        Wish::Caused
    }
}

/// A share of a span, by chance.
fn share(span: Duration, chance: u64) -> Duration {
    let thousandth = u32::try_from(chance % 1_001).unwrap_or(0);
    span / 1_000 * thousandth
}

#[cfg(test)]
mod tests;
