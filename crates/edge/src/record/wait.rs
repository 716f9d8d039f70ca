//! A deadline, and who waits for it.

use std::{
    cell::{Cell, RefCell},
    task::{Context, Waker},
};
use wardgate_model::time::Time;

/// "Never", as a deadline.
pub(super) const NEVER: Time = Time::from_micros(i64::MAX);

/// A deadline and who waits for it.
#[derive(Debug)]
pub(super) struct Wait {
    deadline: Cell<Time>,
    waker: RefCell<Option<Waker>>,
}

impl Wait {
    pub(super) const fn new() -> Self {
        Self { deadline: Cell::new(NEVER), waker: RefCell::new(None) }
    }

    pub(super) fn until(&self, cx: &Context<'_>, deadline: Time) {
        self.deadline.set(deadline);
        let mut waker = self.waker.borrow_mut();
        if !waker.as_ref().is_some_and(|old| old.will_wake(cx.waker())) {
            *waker = Some(cx.waker().clone());
        }
    }

    pub(super) fn clear(&self) {
        self.deadline.set(NEVER);
    }

    pub(super) fn wake(&self) {
        if let Some(waker) = self.waker.borrow_mut().take() {
            waker.wake();
        }
    }

    /// Wakes when the deadline is over; says whether it is.
    pub(super) fn strike(&self, now: Time) -> bool {
        let over = now >= self.deadline.get();
        if over {
            self.wake();
        }
        over
    }

    /// The deadline; [`NEVER`]: there is none.
    pub(super) fn deadline(&self) -> Time {
        self.deadline.get()
    }

    /// Puts the deadline off.
    pub(super) fn not_before(&self, time: Time) {
        self.deadline.set(self.deadline.get().max(time));
    }
}
