//! One timer per thread instead of one per request: everything with a deadline is looked at a few times a second.
//!
//! A request in the common case meets five deadlines and none of them strikes; to arm and disarm as many timers would
//! cost more than judging it.

use crate::{census::Tally, review::Sight};
use std::{
    cell::RefCell,
    rc::{Rc, Weak},
    time::Duration,
};
use wardgate_model::time::Time;

/// How often deadlines are looked at: how late they can strike.
pub const PERIOD: Duration = Duration::from_millis(50);

/// Something with a deadline.
pub trait Tick {
    /// Looks at the deadline.
    fn tick(&self, now: Time);

    /// Counts itself in, where it is an open request.
    fn tell(&self, _tally: &mut Tally) {}

    /// Has itself judged again, where it is an open request that was judged by an older snapshot. Gives what that cost.
    fn review(&self, _sight: &Sight<'_>) -> usize {
        0
    }
}

/// Everything on this thread that has a deadline.
#[derive(Default)]
pub struct Watch {
    entries: RefCell<Vec<Option<Weak<dyn Tick>>>>,
    free: RefCell<Vec<usize>>,
}

impl std::fmt::Debug for Watch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Watch({})", self.entries.borrow().len())
    }
}

/// A place in the watch, given back when dropped.
#[derive(Debug)]
pub struct Watched {
    watch: Rc<Watch>,
    at: usize,
}

impl Watch {
    /// Watches `what` until the place is dropped.
    #[must_use]
    pub fn add(self: &Rc<Self>, what: Weak<dyn Tick>) -> Watched {
        let mut entries = self.entries.borrow_mut();
        let at = match self.free.borrow_mut().pop() {
            Some(at) => at,
            None => {
                entries.push(None);
                entries.len() - 1
            }
        };
        if let Some(entry) = entries.get_mut(at) {
            *entry = Some(what);
        }
        drop(entries);
        Watched { watch: Rc::clone(self), at }
    }

    /// Looks at every deadline.
    pub fn tick(&self, now: Time) {
        self.each(|entry| entry.tick(now));
    }

    /// Counts the open requests.
    pub fn tell(&self, tally: &mut Tally) {
        self.each(|entry| entry.tell(tally));
    }

    /// How many places there are, free ones among them.
    pub(crate) fn places(&self) -> usize {
        self.entries.borrow().len()
    }

    /// Has what is in a place judged again. Gives what that cost.
    pub(crate) fn review(&self, at: usize, sight: &Sight<'_>) -> usize {
        let entry = self.entries.borrow().get(at).and_then(|entry| entry.as_ref().and_then(Weak::upgrade));
        // The borrow is over: what is cut may drop itself.
        entry.map_or(0, |entry| entry.review(sight))
    }

    fn each(&self, mut look: impl FnMut(&dyn Tick)) {
        let mut at = 0;
        loop {
            let entry = match self.entries.borrow().get(at) {
                None => return,
                Some(entry) => entry.as_ref().and_then(Weak::upgrade),
            };
            // The borrow is over: what ticks may drop itself.
            if let Some(entry) = entry {
                look(&*entry);
            }
            at += 1;
        }
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        let removed = self.watch.entries.borrow_mut().get_mut(self.at).and_then(Option::take);
        self.watch.free.borrow_mut().push(self.at);
        drop(removed);
    }
}
