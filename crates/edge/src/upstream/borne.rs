//! What an address of an upstream bears at present, and the measurement of it.

use super::gradient::Gradient;
use std::{
    cell::RefCell,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};
use wardgate_model::{inventory::Criticality, time::Time, wire::Concurrency};

/// How many requests at a time an address gets, on one thread.
#[derive(Debug)]
pub(super) struct Borne {
    gradient: RefCell<Gradient>,
    /// The sum of all threads and addresses of the API.
    gauge: Arc<AtomicI64>,
}

impl Borne {
    pub(super) fn new(bounds: Concurrency, threads: usize, gauge: Arc<AtomicI64>) -> Self {
        let gradient = Gradient::new(bounds, threads);
        gauge.fetch_add(told(&gradient), Ordering::Relaxed);
        Self { gradient: RefCell::new(gradient), gauge }
    }

    pub(super) fn admits(&self, under_way: usize, criticality: Criticality) -> bool {
        self.gradient.borrow().admits(under_way, criticality)
    }

    pub(super) fn answered(&self, took: Duration, under_way: usize, now: Time) {
        self.change(|gradient| gradient.answered(took, under_way, now));
    }

    pub(super) fn failed(&self, now: Time) {
        self.change(|gradient| gradient.failed(now));
    }

    fn change(&self, change: impl FnOnce(&mut Gradient)) {
        let mut gradient = self.gradient.borrow_mut();
        let before = told(&gradient);
        change(&mut gradient);
        let after = told(&gradient);
        if after != before {
            self.gauge.fetch_add(after - before, Ordering::Relaxed);
        }
    }
}

impl Drop for Borne {
    fn drop(&mut self) {
        self.gauge.fetch_sub(told(&self.gradient.borrow()), Ordering::Relaxed);
    }
}

fn told(gradient: &Gradient) -> i64 {
    i64::try_from(gradient.limit()).unwrap_or(i64::MAX)
}
