//! The timeline of a subject, as the gate answers it.

use std::{num::NonZeroUsize, path::PathBuf};
use wardgate_audit::{
    segment::find::Order,
    timeline::{Children, Question, Subject, Timeline},
};
use wardgate_console::{Code, Problem, TimelineQuery, TimelineView};
use wardgate_model::time::Time;

/// Reads it from a log.
pub(super) async fn timeline(directory: PathBuf, query: TimelineQuery) -> Result<TimelineView, Problem> {
    let subject: Subject = query.subject.parse().map_err(|wrong| Problem::new(Code::Unfit, format!("`subject`: {wrong}")))?;
    let read = tokio::task::spawn_blocking(move || {
        let asked = question(&subject, &query);
        // The other processors are the doors'.
        wardgate_audit::timeline::timeline_by(NonZeroUsize::MIN, &[directory], &asked)
    });
    view(&read.await.map_err(Problem::fault)?.map_err(Problem::fault)?).map_err(Problem::fault)
}

/// What is asked of the log.
pub(crate) fn question<'a>(subject: &'a Subject, query: &TimelineQuery) -> Question<'a> {
    let from = query.from.map_or(i64::MIN, Time::as_micros);
    let to = query.to.map_or(i64::MAX, |to| to.as_micros().saturating_sub(1));
    Question {
        subject,
        time_us: from..=to,
        limit: usize::try_from(query.limit).unwrap_or(usize::MAX),
        order: if query.oldest { Order::Oldest } else { Order::Newest },
        children: if query.children { Children::Shown } else { Children::Left },
    }
}

/// A timeline as it is told.
///
/// # Errors
/// When an event cannot be told as JSON.
pub(crate) fn view(found: &Timeline) -> Result<TimelineView, serde_json::Error> {
    serde_json::from_value(serde_json::to_value(found)?)
}
