//! How well abuse is told from honest work: the simulated estate, judged by the gate, with what became of whom.
//!
//! A [`Judge`] makes facts of the estate's calls and has the gate rule on them ([`mod@judge`]); [`Report`] says what came of it, by family of
//! attacks, by what the caller can prove, and for those who are honest. Whatever is measured here comes of a simulation and says so.

pub mod judge;
mod report;

pub use judge::{Judge, Judged};
pub use report::{Outcome, Report, Row};

use crate::estate::{Estate, Scale};
use std::fmt::Write as _;
use wardgate_model::risk::Signal;

/// Judges a whole estate, without some of the signals.
///
/// # Errors
/// When the estate's documents are not read.
pub fn run(seed: u64, scale: Scale, without: &[Signal]) -> Result<Report, String> {
    let mut estate = Estate::new(seed, scale);
    let mut judge = Judge::new(&estate, without)?;
    let mut report = Report::new(&estate);
    while let Some(call) = estate.next() {
        let judged = judge.judge(&estate, &call)?;
        report.count(&call, &judged);
        estate.settle(judged.fate);
    }
    report.end(&estate);
    Ok(report)
}

/// What becomes of an estate without each signal, a line each.
///
/// # Errors
/// When the estate's documents are not read.
pub fn without_each(seed: u64, scale: Scale) -> Result<String, String> {
    let free = run(seed, scale, Signal::ALL)?;
    let mut page = format!("\nWITHOUT ONE SIGNAL, NORMAL STRENGTH\n{:<18}{}\n", "without", Outcome::BRIEF);
    let rows = std::iter::once(None).chain(Signal::ALL.iter().copied().map(Some));
    for without in rows {
        let met = run(seed, scale, without.as_slice())?;
        let outcome = Outcome { seed, free: free.clone(), met };
        let _ = writeln!(page, "{:<18}{}", without.map_or("-", Signal::as_str), outcome.brief());
    }
    Ok(page)
}

/// The same, beside what would have been taken with policies and limits alone.
///
/// # Errors
/// When the estate's documents are not read.
pub fn measure(seed: u64, scale: Scale) -> Result<Outcome, String> {
    Ok(Outcome { seed, free: run(seed, scale, Signal::ALL)?, met: run(seed, scale, &[])? })
}

/// The same with one signal alone: what it finds where nothing else tells.
///
/// # Errors
/// When the estate's documents are not read.
pub fn alone(seed: u64, scale: Scale, signal: Signal) -> Result<Outcome, String> {
    let others: Vec<Signal> = Signal::ALL.iter().copied().filter(|other| *other != signal).collect();
    Ok(Outcome { seed, free: run(seed, scale, Signal::ALL)?, met: run(seed, scale, &others)? })
}
