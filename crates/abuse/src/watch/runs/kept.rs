//! Runs over restarts.

use super::{RUNS, Run, Runs};
use crate::watch::kept::{Kept, kept};

kept!(Run { at, turn, length, way });

/// Each under what it is of.
impl Kept for Runs {
    fn put(&self, out: &mut Vec<u8>) {
        let Self { of, runs, turn } = self;
        let mut all = [(0, Run::default()); RUNS];
        for (one, run) in all.iter_mut().zip(of.iter().copied().zip(runs.iter().copied())) {
            *one = run;
        }
        all.put(out);
        turn.put(out);
    }

    fn take(from: &mut &[u8]) -> Option<Self> {
        let all: [(u32, Run); RUNS] = Kept::take(from)?;
        Some(Self { of: all.map(|(of, _)| of), runs: all.map(|(_, run)| run), turn: Kept::take(from)? })
    }
}
