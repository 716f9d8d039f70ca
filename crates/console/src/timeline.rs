//! The timeline of a subject, out of the event log.

use crate::{
    answer::Answer,
    call::{Asked, Console},
    input::{malformed, shown},
    problem::Problem,
};
use http::StatusCode;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use wardgate_model::time::Time;

/// Events of the subject in one answer, at most.
pub const TIMELINE_EVENTS_MAX: u32 = 5_000;
/// Unless told.
const EVENTS: u32 = 500;

/// What is asked of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TimelineQuery {
    /// What it is of, as in `identity:NAME`.
    pub subject: String,
    /// Only what began at this moment or later.
    pub from: Option<Time>,
    /// Only what began before this moment.
    pub to: Option<Time>,
    /// At most so many events of the subject.
    pub limit: u32,
    /// Whether the first ones are wanted, where there are more; else the last.
    pub oldest: bool,
    /// Whether other calls of the same traces are wanted too.
    pub children: bool,
}

/// What the log holds about a subject.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TimelineView {
    /// What it is of, as it was understood.
    pub subject: String,
    /// The events, by time, then edge, then number.
    pub entries: Vec<TimelineEntry>,
    /// Whether there are more than were asked for.
    pub truncated: bool,
    /// Records and files that could not be read.
    pub unreadable: u64,
    /// Where the clock of an edge went back, as seen in these events.
    pub clock_back: Vec<ClockBackView>,
    /// Events that no file of the log holds, between those that were looked at: nobody can say whether they belong here.
    #[serde(default)]
    pub left_out: Vec<LeftOutView>,
}

/// Events that are in no file of a log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LeftOutView {
    /// The edge.
    pub edge: String,
    /// The number of the first.
    pub first: u64,
    /// The last.
    pub last: u64,
}

impl std::fmt::Display for LeftOutView {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { edge, first, last } = self;
        match first == last {
            true => write!(f, "left out: event {first} of `{edge}`: no file of the log holds it, or it cannot be read"),
            false => write!(f, "left out: events {first}\u{2013}{last} of `{edge}`: no file of the log holds them, or they cannot be read"),
        }
    }
}

/// One event of a timeline.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TimelineEntry {
    /// Whether it is another call of the trace of an event above it, and not the subject's own.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub child: bool,
    /// The event, in version 1.
    pub event: Map<String, Value>,
}

/// An event that ended before one that was recorded earlier.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ClockBackView {
    /// The edge.
    pub edge: String,
    /// The event's number.
    pub seq: u64,
    /// By how much, in microseconds.
    pub by_us: i64,
}

pub(crate) async fn show(console: &Console, asked: &Asked<'_>) -> Result<Answer, Problem> {
    let query = &asked.query;
    let moment = |name: &str| {
        let bad = |text: &str| malformed(format!("`{name}` is a moment as in `2027-06-30T12:00:00Z`, or a date, not `{}`", shown(text)));
        query.value(name).map(|text| Time::parse(text).ok_or_else(|| bad(text))).transpose()
    };
    let order = match query.value("order") {
        None | Some("newest") => false,
        Some("oldest") => true,
        Some(other) => return Err(malformed(format!("`order` is `newest` or `oldest`, not `{}`", shown(other)))),
    };
    let bad = |text: &str| malformed(format!("`events` is a number from 1 to {TIMELINE_EVENTS_MAX}, not `{}`", shown(text)));
    let limit = query
        .value("events")
        .map(|text| text.parse().ok().filter(|number| (1..=TIMELINE_EVENTS_MAX).contains(number)).ok_or_else(|| bad(text)));
    let wanted = TimelineQuery {
        subject: query
            .value("subject")
            .ok_or_else(|| malformed("`subject` says what the timeline is of, as in `identity:NAME`"))?
            .to_owned(),
        from: moment("from")?,
        to: moment("to")?,
        limit: limit.transpose()?.unwrap_or(EVENTS),
        oldest: order,
        children: query.flag("trace_children")?.unwrap_or(false),
    };
    if let (Some(from), Some(to)) = (wanted.from, wanted.to)
        && from >= to
    {
        return Err(malformed(format!("nothing is between `from` and `to`: `{from}` is not before `{to}`")));
    }
    Ok(Answer::json(StatusCode::OK, &console.world.timeline(wanted).await?))
}

#[cfg(test)]
pub(crate) mod tests;
