//! What a replay found.

use crate::output::{BAD, GOOD, STOPPED, plain, styled, table};
use serde::Serialize;
use std::collections::BTreeMap;
use wardgate_audit::event_v1::RulingV1;
use wardgate_model::ruling::Ruling;

/// Events that are named, of each sort; more are counted.
const NAMED_MAX: usize = 1_000;

/// A ruling, as far as it is compared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Compared {
    /// `allow`, `slow`, `challenge` or `block`.
    pub response: String,
    /// Code of the reason that the judge gave.
    pub code: String,
    /// The policies that decided.
    pub policies: Vec<String>,
    /// The grant that allowed it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grant: Option<String>,
    /// Whether it was binding.
    pub enforced: bool,
}

impl Compared {
    /// As it was recorded. A reason that came up after the ruling stands before the judge's own, which is the last.
    #[must_use]
    pub fn recorded(ruling: &RulingV1<'_>, grant: Option<&str>) -> Self {
        Self {
            response: ruling.response.to_string(),
            code: ruling.reasons.last().unwrap_or(&ruling.code).to_string(),
            policies: ruling.policies.iter().map(ToString::to_string).collect(),
            grant: grant.map(str::to_owned),
            enforced: ruling.enforced,
        }
    }

    /// As it is now.
    #[must_use]
    pub fn of(ruling: &Ruling) -> Self {
        Self {
            response: ruling.response.as_str().to_owned(),
            code: ruling.reasons.last().copied().unwrap_or(ruling.reason()).code().to_owned(),
            policies: ruling.policies.iter().map(ToString::to_string).collect(),
            grant: ruling.grant.as_ref().map(|grant| grant.as_str().to_owned()),
            enforced: ruling.enforced,
        }
    }

    /// In one line.
    pub(crate) fn shown(&self) -> String {
        let by = if self.policies.is_empty() { String::new() } else { format!(" by {}", self.policies.join(", ")) };
        format!("{} {}{by}{}", self.response, self.code, if self.enforced { "" } else { " (observed)" })
    }
}

/// An event whose ruling comes out otherwise.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// Id of the event.
    pub event: String,
    /// What was recorded.
    pub recorded: Compared,
    /// What the judge says now.
    pub now: Compared,
    /// What is known of why.
    pub why: String,
}

/// Events that could not be judged again, for one reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NotReplayed {
    /// How many.
    pub events: u64,
    /// The first of them.
    pub first: String,
}

/// What came of a replay.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Events that were read.
    pub events: u64,
    /// Rulings that come out as they were recorded.
    pub same: u64,
    /// Of those: refused in rooms 1 to 6, which is a fact to the judge.
    pub same_stopped: u64,
    /// Of those: let in by the judge, and then refused by the door, as is recorded.
    pub same_door: u64,
    /// Rulings that come out otherwise.
    pub different: u64,
    /// Rulings by limits that come out otherwise, where the order of requests or where the meters stood is not known exactly.
    pub uncertain: u64,
    /// Rulings that could not be made again.
    pub not_replayed: u64,
    /// Requests that never came before the judge: not understood, or broken off before.
    pub never_judged: u64,
    /// Changes, findings and ends of streams, which have no ruling of their own.
    pub without_ruling: u64,
    /// Records that could not be read.
    pub unreadable: u64,
    /// Runs of the process.
    pub runs: u64,
    /// Numbers of rulings that no event has.
    pub missing_rulings: u64,
    /// The events that come out otherwise.
    pub differences: Vec<Difference>,
    /// The rulings by limits that do.
    pub uncertainties: Vec<Difference>,
    /// Why rulings could not be made again.
    pub not_replayed_because: BTreeMap<String, NotReplayed>,
    /// Why requests never came before the judge.
    pub never_judged_because: BTreeMap<String, NotReplayed>,
}

impl Report {
    /// Whether every ruling came out as it was recorded.
    #[must_use]
    pub fn is_all_same(&self) -> bool {
        self.different == 0 && self.uncertain == 0 && self.not_replayed == 0 && self.unreadable == 0
    }

    pub(super) fn differs(&mut self, difference: Difference) {
        self.different += 1;
        if self.differences.len() < NAMED_MAX {
            self.differences.push(difference);
        }
    }

    pub(super) fn is_uncertain(&mut self, difference: Difference) {
        self.uncertain += 1;
        if self.uncertainties.len() < NAMED_MAX {
            self.uncertainties.push(difference);
        }
    }

    pub(super) fn not_replayed(&mut self, event: &str, why: String) {
        self.not_replayed += 1;
        count(&mut self.not_replayed_because, event, why);
    }

    pub(super) fn never_judged(&mut self, event: &str, why: String) {
        self.never_judged += 1;
        count(&mut self.never_judged_because, event, why);
    }

    /// Adds what another directory gave.
    pub(super) fn add(&mut self, other: Self) {
        let Self { events, same, same_stopped, same_door, different, uncertain, not_replayed, never_judged, .. } = other;
        self.events += events;
        self.same += same;
        self.same_stopped += same_stopped;
        self.same_door += same_door;
        self.different += different;
        self.uncertain += uncertain;
        self.not_replayed += not_replayed;
        self.never_judged += never_judged;
        self.without_ruling += other.without_ruling;
        self.unreadable += other.unreadable;
        self.runs += other.runs;
        self.missing_rulings += other.missing_rulings;
        self.differences.extend(other.differences);
        self.uncertainties.extend(other.uncertainties);
        for (mine, theirs) in
            [(&mut self.not_replayed_because, other.not_replayed_because), (&mut self.never_judged_because, other.never_judged_because)]
        {
            for (why, more) in theirs {
                mine.entry(why).and_modify(|before| before.events += more.events).or_insert(more);
            }
        }
    }

    /// For people.
    #[must_use]
    pub fn shown(&self) -> String {
        let count = |what: &str, number: u64| vec![what.to_owned(), number.to_string()];
        let mut rows = vec![
            count("events", self.events),
            count("same", self.same),
            count("  refused before the judge, which it takes as a fact", self.same_stopped),
            count("  let in by the judge, refused by the door", self.same_door),
            count("different", self.different),
            count("different, by limits whose order is not certain", self.uncertain),
            count("not replayed", self.not_replayed),
            count("never judged", self.never_judged),
            count("without a ruling", self.without_ruling),
        ];
        let others = [("unreadable", self.unreadable), ("rulings that no event has", self.missing_rulings)];
        rows.extend(others.into_iter().filter(|(_, number)| *number > 0).map(|(what, number)| count(what, number)));
        let mut text = table(&["", "events"], &rows);
        for (style, word, list) in [(BAD, "different", &self.differences), (STOPPED, "not certain", &self.uncertainties)] {
            for Difference { event, recorded, now, why } in list {
                let told = plain(&format!("{event}: recorded {}, now {} ({why})", recorded.shown(), now.shown()));
                let line = format!("{} {told}\n", styled(style, word));
                text.push_str(&line);
            }
        }
        for (what, list) in [("not replayed", &self.not_replayed_because), ("never judged", &self.never_judged_because)] {
            for (why, NotReplayed { events, first }) in list {
                text.push_str(&plain(&format!("{what}: {why}: {events}, first {first}")));
                text.push('\n');
            }
        }
        let verdict = match self.is_all_same() {
            true => styled(GOOD, "all rulings come out as they were recorded"),
            false => styled(BAD, "not every ruling comes out as it was recorded"),
        };
        text.push_str(&verdict);
        text.push('\n');
        text
    }
}

fn count(list: &mut BTreeMap<String, NotReplayed>, event: &str, why: String) {
    list.entry(why).or_insert_with(|| NotReplayed { events: 0, first: event.to_owned() }).events += 1;
}
