//! How the operator's files of addresses are: lines of `/readyz`, and metrics.

use std::fmt::Write as _;
use wardgate_feeds::charts::{Chart, FileState};
use wardgate_model::time::Time;

/// A line for each file that is not taken as it is now. The gate goes on with what it read before: that is ready, and said.
pub(super) fn lines(states: &[FileState]) -> String {
    let mut text = String::new();
    for state in states {
        let Some(why) = &state.failure else { continue };
        let holds = state.read.map_or_else(|| "nothing is known by it".to_owned(), |read| format!("what was read {read} holds on"));
        let _infallible = writeln!(text, "source {} `{}`: {why}; {holds}", of(state.chart), state.name);
    }
    text
}

const fn of(chart: Chart) -> &'static str {
    match chart {
        Chart::List => "list",
        Chart::Country | Chart::Network => "file",
    }
}

/// What is counted of one file.
type Count = fn(&FileState, Time) -> Option<u64>;

/// Every family of them: name, kind, help, value.
const FAMILIES: [(&str, &str, &str, Count); 5] = [
    ("wardgate_source_networks", "gauge", "Networks that a file of addresses tells of.", |state, _| Some(state.networks)),
    ("wardgate_source_bad_entries", "gauge", "Entries of a file of addresses that are passed over.", |state, _| Some(state.bad)),
    (
        "wardgate_source_age_seconds",
        "gauge",
        "Seconds since what holds of a file of addresses was read; none before the first time.",
        |state, now| state.read.map(|read| now.since(read).as_secs()),
    ),
    ("wardgate_source_failing", "gauge", "1 while a file of addresses is not taken as it is now.", |state, _| {
        Some(u64::from(state.failure.is_some()))
    }),
    ("wardgate_source_failures_total", "counter", "How often a file of addresses was not taken.", |state, _| Some(state.failures)),
];

/// The metrics of all of them, in the text format of Prometheus; empty when there are none. Their names are labels: they are few, and
/// the operator's.
pub(super) fn metrics(states: &[FileState], now: Time) -> String {
    let mut text = String::new();
    for (name, kind, help, value) in FAMILIES.iter().filter(|_| !states.is_empty()) {
        let _infallible = write!(text, "# HELP {name} {help}\n# TYPE {name} {kind}\n");
        for state in states {
            if let Some(value) = value(state, now) {
                let _infallible = writeln!(text, "{name}{{file=\"{}\"}} {value}", state.name);
            }
        }
    }
    text
}

#[cfg(test)]
mod tests;
