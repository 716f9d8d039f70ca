//! What holds of every estate.

mod closed_loop;
mod determinism;
mod happenings;
mod labels;
mod policy;

use super::{Call, Estate, Fate, Scale, Tally};

/// Runs an estate to its end, with whatever somebody says of each call.
fn run(estate: &mut Estate, mut fate: impl FnMut(&Estate, &Call) -> Fate) -> Tally {
    let mut tally = Tally::default();
    while let Some(call) = estate.next() {
        let fate = fate(estate, &call);
        tally.count(estate, &call, fate);
        estate.settle(fate);
    }
    tally
}

/// A seed's small estate.
fn small(seed: u64) -> Estate {
    Estate::new(seed, Scale::SMALL)
}
