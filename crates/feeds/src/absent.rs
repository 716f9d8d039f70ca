//! Names of keys that were looked for in vain, for a while and a bounded number of them.

use std::{
    collections::{HashMap, VecDeque},
    time::Duration,
};
use wardgate_model::time::Time;

/// Most names that are remembered; then the oldest goes.
const ABSENT_MAX: usize = 1_024;

/// Names that were looked for in vain.
#[derive(Debug, Default)]
pub(crate) struct Absent {
    until: HashMap<Box<str>, Time>,
    order: VecDeque<Box<str>>,
}

impl Absent {
    /// Whether a name was looked for in vain not long ago.
    pub(crate) fn holds(&self, name: &str, now: Time, for_long: Duration) -> bool {
        // What lies further ahead than it could have been written was written before the clock was set back.
        self.until.get(name).is_some_and(|until| *until > now && until.since(now) <= for_long)
    }

    /// Remembers a name.
    pub(crate) fn add(&mut self, name: &str, now: Time, for_long: Duration) {
        if self.until.insert(name.into(), now + for_long).is_none() {
            self.order.push_back(name.into());
        }
        while self.order.len() > ABSENT_MAX {
            if let Some(oldest) = self.order.pop_front() {
                self.until.remove(&oldest);
            }
        }
    }

    #[cfg(test)]
    fn len(&self) -> usize {
        self.until.len().max(self.order.len())
    }
}

#[cfg(test)]
mod tests {
    use super::{ABSENT_MAX, Absent};
    use std::time::Duration;
    use wardgate_model::time::Time;

    #[test]
    fn it_remembers_for_a_while_and_a_bounded_number() {
        let mut absent = Absent::default();
        let (now, long) = (Time::from_seconds(1_000), Duration::from_secs(60));
        for number in 0..ABSENT_MAX * 3 {
            absent.add(&format!("k{number}"), now, long);
            absent.add("k-again", now, long);
        }
        assert!(absent.len() <= ABSENT_MAX);
        let last = format!("k{}", ABSENT_MAX * 3 - 1);
        assert!(absent.holds(&last, now, long));
        assert!(!absent.holds("k0", now, long));
        assert!(!absent.holds(&last, Time::from_seconds(1_060), long));
        assert!(!absent.holds(&last, Time::from_seconds(-1_000_000), long), "a clock that was set back makes nothing absent for long");
    }
}
