//! What was in vain, for a while and a bounded number of it: names of keys that were looked for, and sources that looked.

use std::{
    borrow::Borrow,
    collections::{HashMap, VecDeque},
    hash::Hash,
    time::Duration,
};
use wardgate_model::time::Time;

/// Most that are remembered; then the oldest goes.
const ABSENT_MAX: usize = 1_024;

/// What was in vain, and until when that is remembered.
#[derive(Debug)]
pub(crate) struct Absent<K> {
    until: HashMap<K, Time>,
    order: VecDeque<K>,
}

impl<K> Default for Absent<K> {
    fn default() -> Self {
        Self { until: HashMap::new(), order: VecDeque::new() }
    }
}

impl<K: Hash + Eq + Clone> Absent<K> {
    /// Until when something is remembered, if it is.
    pub(crate) fn until<Q: Hash + Eq + ?Sized>(&self, what: &Q, now: Time, for_long: Duration) -> Option<Time>
    where
        K: Borrow<Q>,
    {
        // What lies further ahead than it could have been written was written before the clock was set back.
        self.until.get(what).copied().filter(|until| *until > now && until.since(now) <= for_long)
    }

    /// Remembers something.
    pub(crate) fn add(&mut self, what: K, now: Time, for_long: Duration) {
        if self.until.insert(what.clone(), now + for_long).is_none() {
            self.order.push_back(what);
        }
        while self.order.len() > ABSENT_MAX {
            if let Some(oldest) = self.order.pop_front() {
                self.until.remove(&oldest);
            }
        }
    }

    /// Forgets something before its time.
    pub(crate) fn forget(&mut self, what: &K) {
        if self.until.remove(what).is_some() {
            self.order.retain(|other| other != what);
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
        let mut absent = Absent::<Box<str>>::default();
        let (now, long) = (Time::from_seconds(1_000), Duration::from_secs(60));
        for number in 0..ABSENT_MAX * 3 {
            absent.add(format!("k{number}").into(), now, long);
            absent.add("k-again".into(), now, long);
        }
        assert!(absent.len() <= ABSENT_MAX);
        let last = format!("k{}", ABSENT_MAX * 3 - 1);
        assert_eq!(absent.until(&*last, now, long), Some(now + long));
        assert_eq!(absent.until("k0", now, long), None);
        assert_eq!(absent.until(&*last, Time::from_seconds(1_060), long), None);
        assert_eq!(
            absent.until(&*last, Time::from_seconds(-1_000_000), long),
            None,
            "a clock that was set back makes nothing absent for long"
        );
    }
}
