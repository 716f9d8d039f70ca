//! What is told of an event in a line, and of all of them at the end. The words are made harmless for a terminal here; a page
//! escapes them besides.

use crate::output::plain;
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};
use wardgate_console::TimelineEntry;
use wardgate_model::time::Time;

/// How an event stands out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Tone {
    Allow,
    Slow,
    Challenge,
    Block,
    Change,
    Finding,
    Other,
}

impl Tone {
    pub(super) const ALL: [Self; 7] = [Self::Allow, Self::Slow, Self::Challenge, Self::Block, Self::Change, Self::Finding, Self::Other];

    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Slow => "slow",
            Self::Challenge => "challenge",
            Self::Block => "block",
            Self::Change => "change",
            Self::Finding => "finding",
            Self::Other => "other",
        }
    }
}

/// An event as it is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Told {
    pub(super) time_us: i64,
    pub(super) child: bool,
    pub(super) tone: Tone,
    /// Whether the ruling was binding.
    pub(super) enforced: bool,
    /// Who: an identity, whoever changed something.
    pub(super) who: String,
    /// What: an operation, a path, a change.
    pub(super) what: String,
    /// The ruling and its code; of a change, why.
    pub(super) ruling: String,
    /// The status that the client was sent.
    pub(super) status: String,
    pub(super) bytes_in: u64,
    pub(super) bytes_out: u64,
    pub(super) records: u64,
    /// What else is worth a word, and is the same throughout a run: how it ended, what would have been done.
    pub(super) more: Vec<String>,
    pub(super) source: Option<String>,
    pub(super) credential: Option<String>,
    pub(super) resource: Option<String>,
    /// What came of it: the effect that was declared, the token that it came of.
    pub(super) came: Vec<String>,
}

/// A pause of so long ends a run, in microseconds: ten minutes.
const PAUSE_US: i64 = 10 * 60 * 1_000_000;

/// Different effects that are told of a run.
const RUN_EFFECTS: usize = 3;

fn text(event: &Map<String, Value>, path: &[&str]) -> Option<String> {
    let (first, rest) = path.split_first()?;
    rest.iter().try_fold(event.get(*first)?, |value, name| value.get(name))?.as_str().map(plain)
}

fn number(event: &Map<String, Value>, path: &[&str]) -> u64 {
    let Some((first, rest)) = path.split_first() else { return 0 };
    let value = event.get(*first).and_then(|value| rest.iter().try_fold(value, |value, name| value.get(name)));
    value.and_then(Value::as_u64).unwrap_or(0)
}

impl Told {
    pub(super) fn of(entry: &TimelineEntry) -> Self {
        let event = &entry.event;
        let text = |path: &[&str]| text(event, path);
        let mut told = Self {
            time_us: event.get("time_us").and_then(Value::as_i64).unwrap_or(0),
            child: entry.child,
            tone: Tone::Other,
            enforced: true,
            who: text(&["identity", "name"]).or_else(|| text(&["identity", "id"])).unwrap_or_else(|| "-".to_owned()),
            what: String::new(),
            ruling: String::new(),
            status: match number(event, &["client_status"]) {
                0 => String::new(),
                status => status.to_string(),
            },
            bytes_in: number(event, &["upstream", "bytes_in"]),
            bytes_out: number(event, &["upstream", "bytes_out"]),
            records: number(event, &["upstream", "records"]),
            more: Vec::new(),
            source: text(&["source", "address"]),
            credential: text(&["credential", "id"]),
            resource: text(&["resource"]),
            came: Vec::new(),
        };
        told.more.extend(
            event.get("erased").and_then(Value::as_bool).filter(|erased| *erased).map(|_| "what tells of persons was erased".to_owned()),
        );
        if event.contains_key("change") {
            told.change(event);
        } else if event.contains_key("finding") {
            told.finding(event);
        } else {
            told.request(event);
        }
        told
    }

    fn change(&mut self, event: &Map<String, Value>) {
        let part = |name| text(event, &["change", name]).unwrap_or_default();
        self.tone = Tone::Change;
        self.who = part("actor");
        self.what = format!("{} {} {}", part("what"), part("kind"), part("name"));
        self.ruling = part("reason");
    }

    fn finding(&mut self, event: &Map<String, Value>) {
        let part = |name| text(event, &["finding", name]).unwrap_or_default();
        self.tone = Tone::Finding;
        self.who = format!("{} {}", part("kind"), part("name"));
        self.what = format!("{} ({})", part("code"), part("severity"));
        self.ruling = part("what");
    }

    fn request(&mut self, event: &Map<String, Value>) {
        let part = |path: &[&str]| text(event, path);
        let kind = part(&["kind"]).unwrap_or_default();
        let target = [part(&["method"]), part(&["path"])].into_iter().flatten().collect::<Vec<_>>().join(" ");
        self.what = part(&["operation"]).or_else(|| Some(target).filter(|target| !target.is_empty())).unwrap_or_else(|| kind.clone());
        let response = part(&["ruling", "response"]).unwrap_or_default();
        self.enforced = event.get("ruling").and_then(|ruling| ruling.get("enforced")).and_then(Value::as_bool).unwrap_or(true);
        self.tone = Tone::ALL.into_iter().take(4).find(|tone| tone.word() == response).unwrap_or(Tone::Other);
        let observed = if self.enforced { "" } else { " (observed)" };
        self.ruling = format!("{response}{observed} {}", part(&["ruling", "code"]).unwrap_or_default()).trim().to_owned();
        self.more.extend(part(&["ruling", "would"]).map(|would| format!("for its risk it would have been: {would}")));
        self.more.extend(part(&["ending"]).filter(|ending| ending != "complete"));
        let of = event.get("token_parents").and_then(|parents| parents.get(0)).and_then(Value::as_str).map(plain);
        self.came.extend(part(&["effect"]).map(|effect| format!("effect: {effect}")));
        self.came.extend(of.map(|parent| format!("token came of {parent}")));
    }

    /// Whether it is one of a run with the one before: same caller, credential and source, operation, ruling and status, and no
    /// long pause between them.
    pub(super) fn is_like(&self, before: &Self) -> bool {
        !matches!(self.tone, Tone::Change | Tone::Finding)
            && (self.tone, self.child, self.enforced) == (before.tone, before.child, before.enforced)
            && (&self.who, &self.what, &self.ruling, &self.status) == (&before.who, &before.what, &before.ruling, &before.status)
            && (&self.source, &self.credential, &self.more) == (&before.source, &before.credential, &before.more)
            && self.time_us.saturating_sub(before.time_us) <= PAUSE_US
            && self.day() == before.day()
    }

    /// What is worth a word of this one.
    pub(super) fn words(&self) -> Vec<String> {
        let resource = self.resource.iter().map(|resource| format!("resource {resource}"));
        self.more.iter().cloned().chain(resource).chain(self.from()).chain(self.came.iter().cloned()).collect()
    }

    /// What is worth a word of a run: what its events share, and how many different ones there are of what they do not.
    pub(super) fn words_of_run(run: &[Self]) -> Vec<String> {
        let [first, .., last] = run else { return run.iter().flat_map(Self::words).collect() };
        let resources: BTreeSet<String> = run.iter().filter_map(|told| told.resource.clone()).collect();
        let resources = match resources.first() {
            None => None,
            Some(one) if resources.len() == 1 => Some(format!("resource {one}")),
            Some(_) => Some(format!("resources {}", listed(&resources))),
        };
        let came: BTreeSet<String> = run.iter().flat_map(|told| told.came.iter().cloned()).collect();
        let mut words = vec![format!("× {} until {}", run.len(), last.clock())];
        words.extend(first.more.iter().cloned().chain(resources).chain(first.from()));
        words.extend(came.iter().take(RUN_EFFECTS).cloned());
        words.extend(came.len().checked_sub(RUN_EFFECTS).filter(|more| *more > 0).map(|more| format!("and {more} more (`--all`)")));
        words
    }

    fn from(&self) -> Option<String> {
        self.source.as_ref().map(|source| format!("from {source}"))
    }

    /// `2026-11-01`.
    pub(super) fn day(&self) -> String {
        let moment = Time::from_micros(self.time_us).to_rfc3339();
        moment.split_once('T').map_or_else(|| moment.clone(), |(day, _)| day.to_owned())
    }

    /// `08:00:01.123`, in UTC.
    pub(super) fn clock(&self) -> String {
        let moment = Time::from_micros(self.time_us).to_rfc3339();
        let clock = moment.split_once('T').map_or("", |(_, clock)| clock.trim_end_matches('Z'));
        format!("{clock}.{:03}", self.time_us.rem_euclid(1_000_000) / 1000)
    }
}

/// What flowed: `1.2 kB, 20 records`.
pub(super) fn flowed(bytes_in: u64, bytes_out: u64, records: u64) -> Option<String> {
    let parts = [
        (bytes_in > 0).then(|| format!("{} in", bytes(bytes_in))),
        (bytes_out > 0).then(|| format!("{} out", bytes(bytes_out))),
        (records > 0).then(|| crate::output::number(records, "record")),
    ];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    (!parts.is_empty()).then(|| parts.join(", "))
}

/// `999 B`, `1.2 kB`, `3.4 MB`…
pub(super) fn bytes(count: u64) -> String {
    let mut unit = 1_u64;
    for name in ["B", "kB", "MB", "GB"] {
        if count < unit.saturating_mul(1000) {
            return if unit == 1 { format!("{count} B") } else { format!("{}.{} {name}", count / unit, count % unit * 10 / unit) };
        }
        unit = unit.saturating_mul(1000);
    }
    format!("{}.{} TB", count / unit, count % unit * 10 / unit)
}

/// What all of them come to. Children count for nothing here.
#[derive(Debug, Default)]
pub(super) struct Sums {
    pub(super) events: u64,
    pub(super) children: u64,
    /// How many of each sort.
    pub(super) tones: BTreeMap<Tone, u64>,
    /// Of those, rulings that were not binding.
    pub(super) observed: u64,
    pub(super) bytes_in: u64,
    pub(super) bytes_out: u64,
    pub(super) records: u64,
    pub(super) sources: BTreeSet<String>,
    pub(super) callers: BTreeSet<String>,
    pub(super) first: Option<(String, String)>,
    pub(super) last: Option<(String, String)>,
}

impl Sums {
    pub(super) fn of(all: &[Told]) -> Self {
        let mut sums = Self::default();
        for told in all {
            if told.child {
                sums.children += 1;
                continue;
            }
            sums.events += 1;
            *sums.tones.entry(told.tone).or_default() += 1;
            sums.observed += u64::from(!told.enforced);
            sums.bytes_in = sums.bytes_in.saturating_add(told.bytes_in);
            sums.bytes_out = sums.bytes_out.saturating_add(told.bytes_out);
            sums.records = sums.records.saturating_add(told.records);
            sums.sources.extend(told.source.clone());
            if !matches!(told.tone, Tone::Change | Tone::Finding) && told.who != "-" {
                sums.callers.insert(told.who.clone());
            }
            let moment = (told.day(), told.clock());
            sums.first.get_or_insert_with(|| moment.clone());
            sums.last = Some(moment);
        }
        sums
    }

    /// Name and text of each line of it.
    pub(super) fn lines(&self) -> Vec<(&'static str, String)> {
        let moment = |moment: &Option<(String, String)>| moment.as_ref().map_or_else(String::new, |(day, clock)| format!("{day}T{clock}Z"));
        let tones: Vec<String> = self.tones.iter().map(|(tone, count)| format!("{count} {}", tone.word())).collect();
        let observed = if self.observed > 0 { format!(" ({} only observed)", self.observed) } else { String::new() };
        let children = if self.children > 0 { format!(", and {} other calls of their traces", self.children) } else { String::new() };
        vec![
            ("events", format!("{}: {}{observed}{children}", self.events, tones.join(", "))),
            ("span", format!("{} to {}", moment(&self.first), moment(&self.last))),
            ("flow", flowed(self.bytes_in, self.bytes_out, self.records).unwrap_or_else(|| "nothing".to_owned())),
            ("callers", listed(&self.callers)),
            ("sources", listed(&self.sources)),
        ]
    }
}

/// The first few of them, and how many there are.
fn listed(names: &BTreeSet<String>) -> String {
    const SHOWN: usize = 8;
    let first: Vec<&str> = names.iter().take(SHOWN).map(String::as_str).collect();
    match names.len().checked_sub(SHOWN) {
        Some(more) if more > 0 => format!("{}: {} and {more} more", names.len(), first.join(", ")),
        _ if first.is_empty() => "none".to_owned(),
        _ => format!("{}: {}", names.len(), first.join(", ")),
    }
}
