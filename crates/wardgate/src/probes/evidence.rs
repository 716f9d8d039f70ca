//! Where evidence does not come that should, is not kept as it should be, or may lack something: lines of `/readyz`, and metrics. The gate
//! serves all the same.

use crate::{output::number, run::Before};
use std::fmt::Write as _;
use wardgate_audit::sink::Counters;

/// A line for each trouble.
pub(super) fn lines(log: &Counters) -> String {
    let mut text = String::new();
    if log.anchors_behind > 0 {
        let behind = number(log.anchors_behind as u64, "anchor");
        let _infallible = writeln!(text, "warning: {behind} of `audit.anchor` did not take the newest checkpoint of the event log");
    }
    if log.seal_failing {
        text.push_str("warning: the event log is written and cannot be sealed or signed: the log of the process says why\n");
    }
    if log.clock_doubted {
        text.push_str(
            "warning: the clock is more than two days ahead of the newest event before the start: nothing of the event log is retired by it; is it right?\n",
        );
    }
    text
}

/// The families, as text.
pub(super) fn metrics(log: &Counters, before: Before) -> String {
    let mut text = String::new();
    for (name, help, value) in [
        ("wardgate_audit_seal_failing", "1 while the event log cannot be sealed or signed.", log.seal_failing),
        ("wardgate_audit_clock_doubted", "1 while the clock is so far ahead that nothing is retired by it.", log.clock_doubted),
        (
            "wardgate_audit_after_crash",
            "1 where the run before this one did not end by itself, so that up to a window of events may be missing.",
            before == Before::Crashed,
        ),
    ] {
        let _infallible = write!(text, "# HELP {name} {help}\n# TYPE {name} gauge\n{name} {}\n", u64::from(value));
    }
    text
}

#[cfg(test)]
mod tests;
