//! The timeline of a subject: requests, changes, findings, rulings and effects that belong to it, from one log or several, in
//! one order.
//!
//! Within an edge the newest are those with the greatest numbers; all are shown by time, then edge, then number. Where a clock
//! went back that is not the order in which things happened: it is said.

mod gathered;
mod subject;

pub use subject::{NoSubject, SUBJECT_BYTES_MAX, Subject};

use crate::{
    event_v1::EventV1,
    hands,
    reading::ReadError,
    segment::find::{Order, Predicate, Wanted},
};
use gathered::Gathered;
use serde::Serialize;
use std::{
    collections::{BTreeMap, BTreeSet},
    num::NonZeroUsize,
    ops::RangeInclusive,
    path::Path,
};

/// Traces whose other calls are looked for at most.
pub const TRACES_MAX: usize = 64;
/// Other calls of the same traces at most.
pub const CHILDREN_MAX: usize = 1000;
/// How long before and after a subject's events other calls of their traces are looked for: 15 minutes, in microseconds.
const AROUND_US: i64 = 15 * 60 * 1_000_000;
/// By so much the end of an event may lie before that of the one before it, in microseconds: many threads write.
const JITTER_US: i64 = 2_000_000;

/// What is asked of the logs.
#[derive(Debug, Clone)]
pub struct Question<'a> {
    /// What it is of.
    pub subject: &'a Subject,
    /// Between which times, in microseconds since 1970.
    pub time_us: RangeInclusive<i64>,
    /// At most so many events of the subject.
    pub limit: usize,
    /// Which of them, where there are more. They are shown the oldest first in any case.
    pub order: Order,
    /// Whether other calls of the same traces are looked for too.
    pub children: Children,
}

/// Whether other calls of the same traces are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Children {
    /// Those that others made, below the event that they belong to.
    Shown,
    /// They are not looked for.
    Left,
}

/// What was found.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Timeline {
    /// What it is of, as it was understood.
    pub subject: String,
    /// The events, in their order.
    pub entries: Vec<Entry>,
    /// Whether there are more than were asked for.
    pub truncated: bool,
    /// Records and files that could not be read.
    pub unreadable: u64,
    /// Where the clock of an edge went back, as seen in these events.
    pub clock_back: Vec<ClockBack>,
    /// Events that no file holds, or whose file cannot be read, between those that were looked at: nobody can say whether they belong here.
    pub left_out: Vec<LeftOut>,
}

/// Events that are in no file of a log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LeftOut {
    /// The edge.
    pub edge: String,
    /// The number of the first.
    pub first: u64,
    /// The last.
    pub last: u64,
}

/// One event of a timeline.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Entry {
    /// Whether it is not the subject's own, but another call of the trace of the event above it.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub child: bool,
    /// The event, in version 1.
    pub event: EventV1<'static>,
}

/// An event that ended before one that was recorded earlier.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ClockBack {
    /// The edge.
    pub edge: String,
    /// The event's number.
    pub seq: u64,
    /// By how much, in microseconds.
    pub by_us: i64,
}

/// Reads the timeline of a subject out of the logs of one edge or several, with all processors of the machine.
///
/// # Errors
/// When a directory or a tail cannot be read. What is damaged is passed over and counted.
pub fn timeline<P: AsRef<Path>>(directories: &[P], asked: &Question<'_>) -> Result<Timeline, ReadError> {
    timeline_by(hands::all(), directories, asked)
}

/// As [`timeline`], with so many segments looked into at the same time, at most 16. One takes no thread but that of the caller: so a
/// process that has other things to do keeps its processors for them.
///
/// # Errors
/// As [`timeline`].
pub fn timeline_by<P: AsRef<Path>>(hands: NonZeroUsize, directories: &[P], asked: &Question<'_>) -> Result<Timeline, ReadError> {
    let mut found = Timeline { subject: asked.subject.to_string(), ..Timeline::default() };
    let mut events = Vec::new();
    let wanted = Wanted {
        either: asked.subject.predicates(),
        time_us: asked.time_us.clone(),
        order: asked.order,
        // One more than is shown says that there are more.
        limit: asked.limit.saturating_add(1),
        ..Wanted::default()
    };
    for directory in directories {
        let mut gathered = Gathered::default();
        gathered.gather(hands, directory.as_ref(), &wanted)?;
        found.unreadable += gathered.unreadable;
        found.clock_back.append(&mut clock_back(&gathered.events));
        found.left_out.append(&mut gathered.left_out());
        events.append(&mut gathered.events);
    }
    in_order(&mut events);
    // A log that was named twice counts once.
    found.left_out.sort_by(|a, b| (&a.edge, a.first, a.last).cmp(&(&b.edge, b.first, b.last)));
    found.left_out.dedup();
    if events.len() > asked.limit {
        found.truncated = true;
        match asked.order {
            Order::Oldest => events.truncate(asked.limit),
            Order::Newest => drop(events.drain(..events.len() - asked.limit)),
        }
    }
    let mut children = Vec::new();
    if asked.children == Children::Shown {
        children = calls_of_traces(hands, directories, &events, &mut found)?;
    }
    found.entries = woven(events, children);
    Ok(found)
}

/// By time, edge and number; each once, also where a log was named twice.
fn in_order(events: &mut Vec<EventV1<'static>>) {
    events.sort_by(|a, b| (a.time_us, &a.edge, a.seq).cmp(&(b.time_us, &b.edge, b.seq)));
    events.dedup_by(|a, b| (a.time_us, a.seq) == (b.time_us, b.seq) && a.edge == b.edge);
}

/// Where the clock went back between events of one log. A request is recorded when it is over, so its end counts.
fn clock_back(events: &[EventV1<'static>]) -> Vec<ClockBack> {
    let mut by_number: Vec<&EventV1<'static>> = events.iter().collect();
    by_number.sort_by_key(|event| event.seq);
    let end = |event: &EventV1<'_>| event.time_us.saturating_add(event.duration_us.and_then(|took| i64::try_from(took).ok()).unwrap_or(0));
    let back = |pair: &[&EventV1<'static>]| {
        let [before, after] = pair else { return None };
        let by_us = end(before).saturating_sub(end(after));
        (by_us > JITTER_US && before.edge == after.edge).then(|| ClockBack { edge: after.edge.to_string(), seq: after.seq, by_us })
    };
    by_number.windows(2).filter_map(back).collect()
}

/// Events of other callers in the traces of these.
fn calls_of_traces<P: AsRef<Path>>(
    hands: NonZeroUsize,
    directories: &[P],
    events: &[EventV1<'static>],
    found: &mut Timeline,
) -> Result<Vec<EventV1<'static>>, ReadError> {
    let traces: BTreeSet<&str> = events.iter().filter_map(|event| event.trace_id.as_deref()).collect();
    found.truncated |= traces.len() > TRACES_MAX;
    let traced = |event: &&EventV1<'static>| event.trace_id.is_some();
    let (Some(first), Some(last)) = (events.iter().find(traced), events.iter().rev().find(traced)) else { return Ok(Vec::new()) };
    let wanted = Wanted {
        either: traces.iter().take(TRACES_MAX).filter_map(|trace| Some(vec![Predicate::text("trace_id", trace)?])).collect(),
        time_us: first.time_us.saturating_sub(AROUND_US)..=last.time_us.saturating_add(AROUND_US),
        limit: CHILDREN_MAX.saturating_add(events.len()),
        ..Wanted::default()
    };
    let own: BTreeSet<(&str, u64)> = events.iter().map(|event| (&*event.edge, event.seq)).collect();
    let mut children = Vec::new();
    for directory in directories {
        let mut gathered = Gathered::default();
        gathered.gather(hands, directory.as_ref(), &wanted)?;
        children.extend(gathered.events.into_iter().filter(|event| !own.contains(&(&*event.edge, event.seq))));
    }
    in_order(&mut children);
    found.truncated |= children.len() > CHILDREN_MAX;
    children.truncate(CHILDREN_MAX);
    Ok(children)
}

/// Each child below the last event of its trace that began before it, else below the first.
fn woven(events: Vec<EventV1<'static>>, children: Vec<EventV1<'static>>) -> Vec<Entry> {
    let mut places: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for (at, event) in events.iter().enumerate().filter(|_| !children.is_empty()) {
        if let Some(trace) = &event.trace_id {
            places.entry(trace.to_string()).or_default().push(at);
        }
    }
    let mut below: BTreeMap<usize, Vec<EventV1<'static>>> = BTreeMap::new();
    for child in children {
        let Some(of_trace) = child.trace_id.as_deref().and_then(|trace| places.get(trace)) else { continue };
        let began = |at: &&usize| events.get(**at).is_some_and(|event| event.time_us <= child.time_us);
        if let Some(at) = of_trace.iter().rev().find(began).or_else(|| of_trace.first()) {
            below.entry(*at).or_default().push(child);
        }
    }
    let mut entries = Vec::with_capacity(events.len());
    for (at, event) in events.into_iter().enumerate() {
        entries.push(Entry { child: false, event });
        entries.extend(below.remove(&at).into_iter().flatten().map(|event| Entry { child: true, event }));
    }
    entries
}

#[cfg(test)]
mod tests;
