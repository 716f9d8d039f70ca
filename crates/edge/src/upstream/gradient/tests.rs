use super::{Gradient, START};
use std::time::Duration;
use wardgate_model::{inventory::Criticality, time::Time, wire::Concurrency};

const BOUNDS: Concurrency = Concurrency { min: 4, max: 200 };

/// An upstream that does so many things at a time, each in `work`; whatever comes beyond waits in its queue. Whoever calls sends as many
/// requests as may go, and the clock goes on by what a round takes.
struct Simulated {
    gradient: Gradient,
    now: Time,
}

impl Simulated {
    fn new() -> Self {
        Self { gradient: Gradient::new(BOUNDS, 1), now: Time::from_seconds(1_800_000_000) }
    }

    /// Rounds of as many requests as are wanted and may go; gives the limit.
    fn rounds(&mut self, count: u32, wanted: u64, places: u64, work: Duration) -> u64 {
        for _ in 0..count {
            let sent = wanted.min(self.gradient.limit());
            let took = work * u32::try_from(sent.div_ceil(places).max(1)).unwrap();
            self.now = self.now + took.max(Duration::from_millis(100));
            for _ in 0..sent.max(10) {
                self.gradient.answered(took, usize::try_from(sent).unwrap(), self.now);
            }
        }
        self.gradient.limit()
    }
}

const WORK: Duration = Duration::from_millis(20);

#[test]
fn the_limit_follows_what_the_upstream_bears() {
    let mut upstream = Simulated::new();
    assert_eq!(upstream.gradient.limit(), u64::from(START));
    // It bears whatever comes: the limit grows to its bound and stays there.
    assert_eq!(upstream.rounds(200, 1_000, 1_000, WORK), 200);
    // Now it does 20 things at a time: about as many as two rounds of these are let go, and not all that want to.
    let held = upstream.rounds(300, 1_000, 20, WORK);
    assert!((20..=60).contains(&held), "{held}");
    // It recovers, and so does the limit.
    assert_eq!(upstream.rounds(200, 1_000, 1_000, WORK), 200);
}

#[test]
fn what_is_not_used_does_not_grow_and_nothing_falls_below_its_bound() {
    let mut upstream = Simulated::new();
    assert_eq!(upstream.rounds(500, 3, 1_000, WORK), u64::from(START), "three at a time say nothing of thirty");
    // Slow all at once, far beyond what it was at its best.
    assert_eq!(upstream.rounds(100, 1_000, 1, WORK), u64::from(BOUNDS.min));
}

/// Nobody knows whether an upstream that is slow for good could be quicker: after a few minutes this is what it is at its best.
#[test]
fn what_is_slow_for_minutes_is_how_it_is() {
    let mut upstream = Simulated::new();
    upstream.rounds(200, 1_000, 1_000, WORK);
    let slow = WORK * 20;
    assert_eq!(upstream.rounds(100, 1_000, 1_000, slow), u64::from(BOUNDS.min), "40 seconds");
    assert_eq!(upstream.rounds(1_500, 1_000, 1_000, slow), u64::from(BOUNDS.max), "ten minutes");
}

#[test]
fn failures_make_one_cut_a_window() {
    let mut upstream = Simulated::new();
    for _ in 0..100 {
        upstream.gradient.failed(upstream.now);
    }
    assert_eq!(upstream.gradient.limit(), 20, "the window is not over");
    upstream.now = upstream.now + Duration::from_secs(1);
    upstream.gradient.failed(upstream.now);
    assert_eq!(upstream.gradient.limit(), 18);
}

#[test]
fn what_can_wait_leaves_room_for_what_must_not_stop() {
    let gradient = Gradient::new(BOUNDS, 1);
    let most = |criticality| (0..100).find(|under_way| !gradient.admits(*under_way, criticality)).unwrap();
    assert_eq!([Criticality::Low, Criticality::Medium, Criticality::High, Criticality::Critical].map(most), [12, 16, 18, 20]);
    let small = Gradient::new(Concurrency { min: 1, max: 1 }, 1);
    assert!(small.admits(0, Criticality::Low) && !small.admits(1, Criticality::Critical), "one is one for everybody");
}

#[test]
fn threads_share_the_bounds() {
    let gradient = Gradient::new(Concurrency { min: 1, max: 10 }, 4);
    assert_eq!((gradient.min, gradient.max, gradient.limit()), (1_000, 3_000, 3));
}
