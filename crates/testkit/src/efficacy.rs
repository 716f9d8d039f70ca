//! How well abuse is told from honest work: the simulated estate, judged by the gate, with what became of whom.
//!
//! A [`Judge`] makes facts of the estate's calls and has the gate rule on them ([`mod@judge`]); [`Report`] says what came of it, by family of
//! attacks, by what the caller can prove, and for those who are honest. Whatever is measured here comes of a simulation and says so.

mod document;
pub mod judge;
mod report;

pub use document::document;
pub use judge::{Judge, Judged};
pub use report::{Outcome, Report, Row};

use crate::estate::{Estate, Scale};
use std::{
    fmt::Write as _,
    num::NonZero,
    panic,
    sync::atomic::{AtomicUsize, Ordering},
    thread,
};
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

/// Estates of these seeds, each twice: with all signals but some, and with none, which is what would have been taken with policies and
/// limits alone. On as many threads as there are processors; what comes of it does not depend on how many. `told` hears of each that is
/// done.
///
/// # Errors
/// When an estate's documents are not read.
pub fn measure(seeds: &[u64], scale: Scale, without: &[Signal], told: &(dyn Fn(&str) + Sync)) -> Result<Vec<Outcome>, String> {
    let runs: Vec<(u64, &[Signal])> = seeds.iter().flat_map(|seed| [(*seed, Signal::ALL), (*seed, without)]).collect();
    let reports = at_once(&runs, |(seed, without)| {
        let report = run(*seed, scale, without);
        told(&format!("seed {seed} {} risk", if without.len() == Signal::ALL.len() { "without" } else { "with" }));
        report
    });
    let mut reports = reports.into_iter();
    let outcome = |seed: &u64| {
        let mut next = || reports.next().unwrap_or_else(|| Err("a run is missing".to_owned()));
        Ok(Outcome { seed: *seed, free: next()?, met: next()? })
    };
    seeds.iter().map(outcome).collect()
}

/// What becomes of an estate without each signal, a line each.
///
/// # Errors
/// When the estate's documents are not read.
pub fn without_each(seed: u64, scale: Scale, told: &(dyn Fn(&str) + Sync)) -> Result<String, String> {
    let none: (&str, &[Signal]) = ("none", &[]);
    let rows: Vec<(&str, &[Signal])> =
        std::iter::once(none).chain(Signal::ALL.chunks(1).filter_map(|one| Some((one.first()?.as_str(), one)))).collect();
    let runs: Vec<(&str, &[Signal])> = std::iter::once(("all", Signal::ALL)).chain(rows.iter().copied()).collect();
    let mut reports = at_once(&runs, |(name, without)| {
        let report = run(seed, scale, without);
        told(&format!("seed {seed} without {name}"));
        report
    })
    .into_iter();
    let free = reports.next().unwrap_or_else(|| Err("a run is missing".to_owned()))?;
    let mut page = format!("{:<18}{}\n", "without", Outcome::BRIEF);
    for ((name, _), met) in rows.iter().zip(reports) {
        let outcome = Outcome { seed, free: free.clone(), met: met? };
        let _ = writeln!(page, "{name:<18}{}", outcome.brief());
    }
    Ok(page)
}

/// Does each job, on as many threads as there are processors; what came of them, in their order.
fn at_once<J: Sync, T: Send>(jobs: &[J], each: impl Fn(&J) -> T + Sync) -> Vec<T> {
    let next = AtomicUsize::new(0);
    let hands = thread::available_parallelism().map_or(1, NonZero::get).min(jobs.len());
    let work = || {
        let mine = std::iter::from_fn(|| {
            let at = next.fetch_add(1, Ordering::Relaxed);
            jobs.get(at).map(|job| (at, each(job)))
        });
        mine.collect::<Vec<_>>()
    };
    let mut done: Vec<(usize, T)> = thread::scope(|scope| {
        let hands: Vec<_> = (0..hands).map(|_| scope.spawn(work)).collect();
        hands.into_iter().flat_map(|hand| hand.join().unwrap_or_else(|told| panic::resume_unwind(told))).collect()
    });
    done.sort_by_key(|(at, _)| *at);
    done.into_iter().map(|(_, came)| came).collect()
}

#[cfg(test)]
mod tests;
