//! How many records an answer gives (AU1), counted as it passes: nothing of it is kept, and none of it waits.
//!
//! Where an operation says with a JSON pointer where its list stands, that list is counted, or the number taken that stands there. Where it
//! says nothing and its class is `list` or `bulk`, it is the list that the answer is, or the one list that the object has which the answer
//! is. Of an answer in lines (JSON Lines, RFC 7464) the texts are counted. What cannot be counted soundly is not told: an answer that is
//! compressed, broken off or no JSON, that has two such lists, or a member of the pointer's way twice.

mod json;
mod target;

use http::{HeaderMap, StatusCode, header};
use json::Json;
use target::Target;
use wardgate_gate::Course;
use wardgate_model::api::{Operation, OperationClass};

/// Numbers in an event are at most this.
const MOST: u64 = i64::MAX.unsigned_abs();

/// The records of one answer.
#[derive(Debug)]
pub struct Records(Way);

#[derive(Debug)]
enum Way {
    Json(Box<Json>),
    Texts(Texts),
}

impl Records {
    /// For an answer to a request of this operation. `None`: nothing is counted of it.
    #[must_use]
    pub fn of(operation: &Operation, status: StatusCode, headers: &HeaderMap) -> Option<Self> {
        let target = match &operation.records {
            Some(pointer) => Target::at(pointer)?,
            None if is_list(operation) => Target::only(),
            None => return None,
        };
        // Of a part, nothing says where it stands in the whole (RFC 9110 §14.4); nor does a difference say what it is one to (RFC 3229).
        let part = matches!(status, StatusCode::PARTIAL_CONTENT | StatusCode::IM_USED);
        if !status.is_success() || part || is_encoded(headers) {
            return None;
        }
        Some(Self(match kind(headers)? {
            Kind::Json => Way::Json(Box::new(Json::new(target))),
            Kind::Lines => Way::Texts(Texts::new(b'\n')),
            Kind::Sequence => Way::Texts(Texts::new(RECORD_SEPARATOR)),
        }))
    }

    /// Takes the next bytes of the answer.
    pub fn take(&mut self, bytes: &[u8]) {
        match &mut self.0 {
            Way::Json(json) => json.take(bytes),
            Way::Texts(texts) => texts.take(bytes),
        }
    }

    /// How many have passed by now, as far as is known while more comes.
    fn so_far(&self) -> u64 {
        match &self.0 {
            Way::Json(json) => json.so_far().unwrap_or(0),
            Way::Texts(texts) => texts.count,
        }
    }

    /// How many there are; `None`: that cannot be said. Of an answer that was broken off, only whole lines count.
    #[must_use]
    pub fn count(self, extent: Extent) -> Option<u64> {
        self.end(extent).told
    }

    fn end(self, extent: Extent) -> Found {
        let (told, passed) = match (self.0, extent) {
            (Way::Json(json), Extent::Whole) => json.end(),
            (Way::Json(json), Extent::Begin) => (None, json.so_far()),
            // A text that was begun has passed in part.
            (Way::Texts(texts), extent) => (Some(texts.count + texts.last(extent)), Some(texts.count + texts.last(Extent::Whole))),
        };
        Found { told: told.filter(|count| *count <= MOST), passed: passed.filter(|count| *count <= MOST) }
    }
}

/// What is known of the records in an answer while it passes.
#[derive(Debug, Default)]
pub enum Counting {
    /// There are none, or nobody wants to know.
    #[default]
    Nothing,
    /// They are counted.
    Seen(Records),
    /// There may be some, and they cannot be counted.
    Unseen,
}

/// What was found of the records in an answer, once that is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Found {
    /// How many there are; `None`: that cannot be said.
    pub told: Option<u64>,
    /// How many have passed at the most, and be it as the begin of an answer; `None`: that cannot be said.
    pub passed: Option<u64>,
}

impl Counting {
    /// For an answer to a request of this operation.
    #[must_use]
    pub fn of(operation: &Operation, status: StatusCode, headers: &HeaderMap) -> Self {
        match Records::of(operation, status, headers) {
            Some(records) => Self::Seen(records),
            None if status.is_success() => Self::unseen(operation),
            None => Self::Nothing,
        }
    }

    /// For what passes and is not read.
    #[must_use]
    pub fn unseen(operation: &Operation) -> Self {
        if operation.records.is_some() || is_list(operation) { Self::Unseen } else { Self::Nothing }
    }

    /// Takes the next bytes of the answer.
    pub fn take(&mut self, bytes: &[u8]) {
        if let Self::Seen(records) = self {
            records.take(bytes);
        }
    }

    /// How many have passed by now, after so many bytes, as far as is known while more comes; `None`: nobody will know.
    #[must_use]
    pub fn so_far(&self, bytes: u64) -> Option<u64> {
        match self {
            Self::Nothing => Some(0),
            Self::Unseen => (bytes == 0).then_some(0),
            Self::Seen(records) => Some(records.so_far()),
        }
    }

    /// Whether what passes comes to its end by itself.
    #[must_use]
    pub const fn course(&self) -> Course {
        match self {
            Self::Seen(Records(Way::Texts(_))) => Course::Open,
            Self::Nothing | Self::Unseen | Self::Seen(Records(Way::Json(_))) => Course::Ends,
        }
    }

    /// It is over, after so many bytes.
    #[must_use]
    pub fn end(self, extent: Extent, bytes: u64) -> Found {
        match self {
            Self::Nothing => Found { told: None, passed: Some(0) },
            // Where nothing has passed, no record has.
            Self::Unseen => Found { told: None, passed: (bytes == 0).then_some(0) },
            Self::Seen(records) if bytes == 0 => Found { told: records.count(extent), passed: Some(0) },
            Self::Seen(records) => records.end(extent),
        }
    }
}

/// How much of an answer has passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extent {
    /// All of it.
    Whole,
    /// It was broken off.
    Begin,
}

enum Kind {
    Json,
    Lines,
    Sequence,
}

/// What precedes each text of a sequence (RFC 7464 §2.2).
const RECORD_SEPARATOR: u8 = 0x1e;

/// Whether an answer to it is a list, whatever its document says of that.
const fn is_list(operation: &Operation) -> bool {
    matches!(operation.class, OperationClass::List | OperationClass::Bulk)
}

/// The media type, where records of it are counted.
fn kind(headers: &HeaderMap) -> Option<Kind> {
    let mut declared = headers.get_all(header::CONTENT_TYPE).iter();
    let (Some(value), None) = (declared.next(), declared.next()) else { return None };
    let essence = value.to_str().ok()?.split(';').next()?.trim().to_ascii_lowercase();
    match essence.as_str() {
        "application/json" | "text/json" => Some(Kind::Json),
        "application/x-ndjson" | "application/ndjson" | "application/jsonl" | "application/x-jsonl" => Some(Kind::Lines),
        "application/json-seq" => Some(Kind::Sequence),
        // RFC 6839 §3.1, RFC 8091.
        other if other.ends_with("+json") => Some(Kind::Json),
        other if other.ends_with("+json-seq") => Some(Kind::Sequence),
        _ => None,
    }
}

/// Whether what passes is not the text itself.
fn is_encoded(headers: &HeaderMap) -> bool {
    headers.get_all(header::CONTENT_ENCODING).iter().any(|coding| !coding.as_bytes().eq_ignore_ascii_case(b"identity"))
}

/// Texts between separators, of which those count that hold anything.
#[derive(Debug)]
struct Texts {
    separator: u8,
    count: u64,
    /// Whether nothing has come since the last separator.
    blank: bool,
}

impl Texts {
    const fn new(separator: u8) -> Self {
        Self { separator, count: 0, blank: true }
    }

    fn take(&mut self, bytes: &[u8]) {
        let mut pieces = bytes.split(|byte| *byte == self.separator).peekable();
        while let Some(piece) = pieces.next() {
            self.blank = self.blank && piece.iter().all(u8::is_ascii_whitespace);
            if pieces.peek().is_some() {
                self.count += u64::from(!self.blank);
                self.blank = true;
            }
        }
    }

    /// The last text needs no separator behind it, unless it was broken off.
    fn last(&self, extent: Extent) -> u64 {
        u64::from(extent == Extent::Whole && !self.blank)
    }
}

#[cfg(test)]
mod tests;
