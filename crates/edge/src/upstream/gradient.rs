//! How many requests at a time an address of an upstream bears, by how quickly it answers.
//!
//! What it answers in while it is well is known from its best windows of the last minutes; where a window takes much longer, requests queue
//! at the upstream, and fewer are let go to it. Nothing is sent to find out, and nothing is held back for it: an upstream that is let rest
//! becomes quick again by itself, and that renews what is known. What fails as an upstream fails under load counts as too many, too.
//!
//! It is arithmetic on whole numbers: the same answers at the same times give the same limit.

use std::time::Duration;
use wardgate_model::{inventory::Criticality, time::Time, wire::Concurrency};

/// A window has so many answers and takes so long, at least.
const ANSWERS_MIN: u32 = 10;
const WINDOW: Duration = Duration::from_millis(100);
/// After so long it is over, however few answers there were.
const WINDOW_MAX: Duration = Duration::from_secs(1);
/// Best windows are remembered by slices of time: ten of thirty seconds.
const SLICE: Duration = Duration::from_secs(30);
const SLICES: usize = 10;
/// How many times as long as at its best an answer may take, in thousandths, and this much beside, before it counts as waiting.
const TOLERANCE: u64 = 2_000;
const SLACK_US: u64 = 2_000;
/// The limit is at most halved at once, and goes a fifth of the way to where it should be.
const GRADIENT_MIN: u64 = 500;
const SMOOTHING: u64 = 5;
/// Failures count where there is more than one in so many answers: one caller alone shall not have others refused.
const FAILED_SHARE: u32 = 10;
/// With what it begins.
const START: u32 = 20;

/// The limit of an address, and what it rests on.
#[derive(Debug)]
pub(super) struct Gradient {
    /// In thousandths of a request.
    limit: u64,
    min: u64,
    max: u64,
    window: Window,
    /// The best window of each slice: its mean in microseconds.
    best: [Option<u64>; SLICES],
    slice: i64,
}

#[derive(Debug, Default)]
struct Window {
    began: Option<Time>,
    answers: u32,
    sum_us: u64,
    /// Most requests that were under way.
    most: u64,
    /// How many more failed under load.
    failed: u32,
}

impl Gradient {
    /// Within these bounds, for one of so many threads.
    pub(super) fn new(bounds: Concurrency, threads: usize) -> Self {
        let threads = u64::try_from(threads.max(1)).unwrap_or(1);
        let share = |of: u32| (u64::from(of).div_ceil(threads)).max(1) * 1_000;
        let (min, max) = (share(bounds.min), share(bounds.max.max(bounds.min)));
        Self { limit: share(START).clamp(min, max), min, max, window: Window::default(), best: [None; SLICES], slice: i64::MIN }
    }

    /// How many requests may be under way.
    pub(super) const fn limit(&self) -> u64 {
        self.limit / 1_000
    }

    /// Whether one more may go, where so many are under way. What can wait leaves room for what must not stop.
    pub(super) fn admits(&self, under_way: usize, criticality: Criticality) -> bool {
        let percent = match criticality {
            Criticality::Critical => 100,
            Criticality::High => 90,
            Criticality::Medium => 80,
            Criticality::Low => 60,
        };
        u64::try_from(under_way).unwrap_or(u64::MAX) < (self.limit() * percent / 100).max(1)
    }

    /// An answer came after so long; so many requests were under way.
    pub(super) fn answered(&mut self, took: Duration, under_way: usize, now: Time) {
        let window = &mut self.window;
        window.began.get_or_insert(now);
        window.answers += 1;
        window.sum_us = window.sum_us.saturating_add(u64::try_from(took.as_micros()).unwrap_or(u64::MAX));
        window.most = window.most.max(u64::try_from(under_way).unwrap_or(u64::MAX));
        self.turn(now);
    }

    /// A request failed as they do under load: no answer in time, no connection, 502, 503, 504. Where more than a tenth of a window do, it is cut once.
    /// That one caller comes too often (429) says nothing of all.
    pub(super) fn failed(&mut self, now: Time) {
        self.window.began.get_or_insert(now);
        self.window.failed = self.window.failed.saturating_add(1);
        self.turn(now);
    }

    /// Ends a window that is over.
    fn turn(&mut self, now: Time) {
        let Some(began) = self.window.began else { return };
        let lasted = now.since(began);
        if lasted < WINDOW || (self.window.answers < ANSWERS_MIN && lasted < WINDOW_MAX) {
            return;
        }
        let window = std::mem::take(&mut self.window);
        let next = match window.sum_us.checked_div(u64::from(window.answers)) {
            _ if window.failed * FAILED_SHARE > window.answers => self.limit * 9 / 10,
            None => return,
            Some(mean) => self.after(mean, &window, now),
        };
        self.limit = next.clamp(self.min, self.max);
    }

    /// The limit after a window of answers that took so long in the mean.
    fn after(&mut self, mean: u64, window: &Window, now: Time) -> u64 {
        let best = self.note(mean, now);
        let allowed = best.saturating_mul(TOLERANCE).saturating_add(SLACK_US * 1_000);
        let gradient = allowed.checked_div(mean.max(1)).unwrap_or(1_000).clamp(GRADIENT_MIN, 1_000);
        // A little room to grow: as much as a queue of the square root would have.
        let room = self.limit.saturating_mul(1_000).isqrt();
        let target = self.limit * gradient / 1_000 + room;
        let next = (self.limit * (SMOOTHING - 1) + target) / SMOOTHING;
        // What was not used says nothing of how much more there could be.
        if next > self.limit && window.most * 2_000 < self.limit { self.limit } else { next }
    }

    /// Notes the mean of a window; gives the best of the last minutes.
    fn note(&mut self, mean: u64, now: Time) -> u64 {
        let slice = now.as_micros().div_euclid(i64::try_from(SLICE.as_micros()).unwrap_or(i64::MAX));
        let passed = usize::try_from(slice.saturating_sub(self.slice)).unwrap_or(0).min(SLICES);
        if slice > self.slice {
            self.best.rotate_right(passed);
            self.best.iter_mut().take(passed).for_each(|best| *best = None);
            self.slice = slice;
        }
        if let Some(here) = self.best.first_mut() {
            *here = Some(here.map_or(mean, |best| best.min(mean)));
        }
        self.best.iter().flatten().copied().min().unwrap_or(mean)
    }
}

#[cfg(test)]
mod tests;
