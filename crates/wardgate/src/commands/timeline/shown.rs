//! A timeline for a terminal: grouped by day, a line an event, runs of the same in one.

use super::{
    pairs,
    told::{Sums, Told, Tone, flowed},
};
use crate::output::{BAD, BOLD, DIM, GOOD, NAME, STOPPED, plain, styled};
use std::fmt::Write as _;
use wardgate_console::TimelineView;

/// So many alike are a run.
const RUN: usize = 3;

/// What becomes of runs of the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Runs {
    /// One line says how many and how long.
    Folded,
    /// A line each.
    Apart,
}

/// All of it, ready to print.
pub(super) fn lines(found: &TimelineView, runs: Runs) -> String {
    let told: Vec<Told> = pairs::told(&found.entries).into_iter().map(|(told, _)| told).collect();
    let mut text = format!("{}\n", styled(BOLD, &plain(&found.subject)));
    let mut day = String::new();
    for run in told.chunk_by(|before, after| runs == Runs::Folded && after.is_like(before)) {
        let shown: &mut dyn Iterator<Item = &[Told]> = if run.len() < RUN { &mut run.chunks(1) } else { &mut std::iter::once(run) };
        for run in shown {
            let Some(first) = run.first() else { continue };
            if first.day() != day {
                day = first.day();
                let _ = writeln!(text, "\n{}", styled(BOLD, &day));
            }
            let _ = writeln!(text, "{}", line(first, run));
        }
    }
    text.push('\n');
    for (name, sum) in Sums::of(&told).lines() {
        let _ = writeln!(text, "{}  {sum}", styled(DIM, &format!("{name:<8}")));
    }
    text
}

/// One event, or a run of them.
fn line(first: &Told, run: &[Told]) -> String {
    let style = match (first.tone, first.enforced) {
        (Tone::Allow, _) => GOOD,
        (_, false) | (Tone::Other, _) => DIM,
        (Tone::Change, _) => BOLD,
        (Tone::Finding, _) => BAD,
        (Tone::Slow | Tone::Challenge | Tone::Block, _) => STOPPED,
    };
    let sum = |of: fn(&Told) -> u64| run.iter().fold(0_u64, |sum, told| sum.saturating_add(of(told)));
    let mut more = Told::words_of_run(run);
    more.extend(flowed(sum(|told| told.bytes_in), sum(|told| told.bytes_out), sum(|told| told.records)));
    let indent = if first.child { "  └ " } else { "" };
    let line = format!(
        "{}  {indent}{}  {:<44}  {}  {:<3}  {}",
        styled(DIM, &first.clock()),
        styled(NAME, &format!("{:<20}", first.who)),
        first.what,
        styled(style, &format!("{:<32}", first.ruling)),
        first.status,
        styled(DIM, &more.join(" · ")),
    );
    line.trim_end().to_owned()
}
