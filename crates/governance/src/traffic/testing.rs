//! What the tests of readers share.

use super::call::{Call, Wrong};

/// A call as a line of text.
pub(super) fn told(call: Result<Call<'_>, Wrong>) -> String {
    let call = match call {
        Ok(call) => call,
        Err(wrong) => return wrong.to_string(),
    };
    let mut text = format!("{} {}", call.time, call.method);
    for part in [&call.host, &call.path] {
        if !part.is_empty() {
            text.push_str(&format!(" {part}"));
        }
    }
    let beside = [("?", &call.query), (" from ", &Some(call.source.clone()).filter(|source| !source.is_empty())), (" by ", &call.user)];
    for (at, (word, part)) in beside.iter().enumerate() {
        if let Some(part) = part {
            text.push_str(&format!("{}{word}{part}", if at == 0 { " " } else { "" }));
        }
    }
    for (word, part) in [(" key ", &call.key), (" with ", &call.agent), (" for ", &call.subject)] {
        if let Some(part) = part {
            text.push_str(&format!("{word}{part}"));
        }
    }
    let status = call.status.map_or("-".to_owned(), |status| status.to_string());
    text.push_str(&format!(" → {status}, {} bytes", call.bytes));
    if let Some(records) = call.records {
        text.push_str(&format!(", {records} records"));
    }
    if call.times != 1 {
        text.push_str(&format!(", {} times", call.times));
    }
    text
}
