//! Calls that somebody else judges: counted as those of a replay here, for the same report. So the replay of our own log, which has more to
//! judge by than a log of others, reports as theirs do.

use super::{
    callers::{Callers, OnRecord},
    replay::VERSION,
    report::{FileTold, NotUnderstood, Order, Report},
    tally::Tally,
};
use wardgate_model::{facts::Facts, ruling::Ruling};

/// What the replay of our own log does not tell.
const UNTOLD: [&str; 3] = [
    "rulings that could not be made again: they are counted as `not_replayed`, and not among the rulings here",
    "proofs and bodies: what was found of them is taken as it was recorded, signals and risk too",
    "what callers would have done had they been ruled otherwise: they come as they did",
];

/// The count.
#[derive(Debug)]
pub struct Judged {
    files: Vec<FileTold>,
    callers: Callers,
    tally: Tally,
}

impl Judged {
    /// For the calls of these files.
    #[must_use]
    pub fn new(files: Vec<FileTold>) -> Self {
        let from = files.iter().filter_map(|file| file.from).min();
        let to = files.iter().filter_map(|file| file.to).max();
        let callers = Callers::new(OnRecord::default(), super::callers::CALLERS_MAX);
        Self { files, callers, tally: Tally::new(from.zip(to)) }
    }

    /// Counts a call, and what was ruled.
    pub fn take(&mut self, facts: &Facts, ruling: &Ruling) {
        let caller = self.callers.proven(facts.caller.as_ref(), facts.source.address);
        self.tally.take(caller, facts, ruling);
    }

    /// What came of it, with the first `top` callers.
    #[must_use]
    pub fn report(self, format: &'static str, top: usize) -> Report {
        let (tally, callers) = (&self.tally, &self.callers);
        Report {
            version: VERSION,
            format,
            from: self.files.iter().filter_map(|file| file.from).min(),
            to: self.files.iter().filter_map(|file| file.to).max(),
            calls: tally.calls,
            callers: tally.callers(callers),
            not_understood: NotUnderstood { count: self.files.iter().map(|file| file.not_understood).sum(), first: Vec::new() },
            order: Order::default(),
            not_told: UNTOLD.to_vec(),
            rulings: tally.rulings(),
            reasons: tally.reasons(),
            signals: tally.signals(),
            over_time: tally.over_time(),
            identities: tally.identities(callers, top),
            apis: tally.apis(),
            learned: false,
            files: self.files,
        }
    }
}
