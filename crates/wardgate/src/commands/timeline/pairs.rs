//! Two events tell of one request where the first says that it is under way (`opened`) and the second how it ended (`closed`): a stream
//! that has gone over, and a request to an API of `audit: durable`, whose first event was on disk before it went to its upstream.
//!
//! Of a stream both are shown. Of the other the end is, which says all of it; the first only where no end is there.

use super::told::Told;
use serde_json::{Map, Value};
use std::collections::BTreeSet;
use wardgate_console::TimelineEntry;

/// The events that are shown, as they are told.
pub(super) fn told(entries: &[TimelineEntry]) -> Vec<(Told, &TimelineEntry)> {
    let ids = |of: fn(&Map<String, Value>) -> bool| -> BTreeSet<&str> {
        entries.iter().map(|entry| &entry.event).filter(|event| of(event)).filter_map(request).collect()
    };
    let ended = ids(|event| kind(event) == Some("closed"));
    let streams = ids(|event| kind(event) == Some("opened") && status(event).is_some());
    let mut shown = Vec::with_capacity(entries.len());
    for entry in entries {
        let event = &entry.event;
        let is_among = |ids: &BTreeSet<&str>| request(event).is_some_and(|id| ids.contains(id));
        let word = match kind(event) {
            Some("opened") if status(event).is_some() => Some("stream opened"),
            Some("opened") if is_among(&ended) => continue,
            Some("opened") => Some("its end is not among these"),
            Some("closed") if is_among(&streams) || status(event) == Some(101) => Some("stream closed"),
            _ => None,
        };
        let mut told = Told::of(entry);
        if let Some(word) = word {
            told.more.insert(0, word.to_owned());
        }
        shown.push((told, entry));
    }
    shown
}

fn kind(event: &Map<String, Value>) -> Option<&str> {
    event.get("kind")?.as_str()
}

fn request(event: &Map<String, Value>) -> Option<&str> {
    event.get("request_id")?.as_str()
}

fn status(event: &Map<String, Value>) -> Option<u64> {
    event.get("client_status")?.as_u64()
}
