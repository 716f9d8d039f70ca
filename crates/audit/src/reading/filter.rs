//! Which events are wanted.

use crate::columns::{self, Row, Value};
use wardgate_model::reason::Reason;

/// Which events are wanted. Every member that is set must fit; none set: all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// Id of the identity.
    pub identity: Option<Box<str>>,
    /// Name of the API.
    pub api: Option<Box<str>>,
    /// Code of the deciding reason, `room.cause`; one that callers are told in place of others (`standing.denied`) is each of those
    /// too; or a room alone.
    pub code: Option<Box<str>>,
    /// `allow`, `slow`, `challenge` or `block`.
    pub response: Option<Box<str>>,
    /// What would have been done for the risk, where it was only watched: `slow`, `challenge`, `block`, or `any` of them.
    pub would: Option<Box<str>>,
    /// Name of an API of which requests that were allowed and only read (classes `read` and `list`) are not wanted. Who
    /// follows the log through an API of ours would otherwise read for ever that it reads.
    pub without_reads_of: Option<Box<str>>,
}

/// What a column of text holds.
pub(super) fn text<'r>(row: &'r Row<'_>, column: &str) -> Option<&'r str> {
    match row.get(columns::number(column)?)? {
        Some(Value::Text(text)) => Some(text),
        _ => None,
    }
}

/// What callers are told of a reason.
fn told(code: &str) -> Option<&'static str> {
    Reason::parse(code).map(|reason| reason.outside().code())
}

/// Whether callers are told this in place of other reasons.
pub(super) fn stands_for_others(code: &str) -> bool {
    Reason::ALL.iter().any(|reason| reason.code() != code && reason.outside().code() == code)
}

impl Filter {
    /// Whether the event is wanted.
    #[must_use]
    pub fn admits(&self, row: &Row<'_>) -> bool {
        let fits = |wanted: &Option<Box<str>>, is: Option<&str>| wanted.as_deref().is_none_or(|wanted| is == Some(wanted));
        let code = text(row, "code");
        let room = code.and_then(|code| code.split('.').next());
        fits(&self.identity, text(row, "identity"))
            && fits(&self.api, text(row, "api"))
            && (fits(&self.code, code) || fits(&self.code, room) || fits(&self.code, code.and_then(told)))
            && fits(&self.response, text(row, "response"))
            && match (self.would.as_deref(), text(row, "would")) {
                (Some("any"), would) => would.is_some(),
                _ => fits(&self.would, text(row, "would")),
            }
            && !self.is_unwanted_read(row)
    }

    fn is_unwanted_read(&self, row: &Row<'_>) -> bool {
        self.without_reads_of.is_some()
            && text(row, "api") == self.without_reads_of.as_deref()
            && matches!(text(row, "class"), Some("read" | "list"))
            && text(row, "response") == Some("allow")
    }
}
