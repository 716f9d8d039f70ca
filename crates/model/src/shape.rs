//! What a request for an operation has to be like, as the API's document says: its parameters and its body.

use crate::{
    inventory::words,
    schema::{NodeId, Schemas},
};
use http::HeaderName;
use std::sync::Arc;

words! {
    /// What becomes of a request that is not as its API's document says.
    Conformance {
        /// Nobody looks.
        Off = "off",
        /// It goes on, and is counted; a weak signal.
        Report = "report",
        /// It is refused.
        Enforce = "enforce",
    }
}

/// How an API has its requests inspected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Inspect {
    /// Whether they are held against its document.
    pub requests: Conformance,
    /// Whether every body that is declared to be JSON, or begins like JSON, is read, and refused where it is none or beyond the limits of JSON.
    pub json: bool,
}

impl Inspect {
    /// Nothing is inspected.
    pub const NOTHING: Self = Self { requests: Conformance::Off, json: false };
}

/// What a request for an operation has to be like.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestShape {
    /// The schemas that the rest speaks of.
    pub schemas: Arc<Schemas>,
    /// Its parameters.
    pub parameters: Box<[Parameter]>,
    /// Its body; `None`: the document says nothing of one.
    pub body: Option<BodyShape>,
}

/// A parameter of an operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parameter {
    /// Its name.
    pub name: Box<str>,
    /// Where it stands.
    pub place: ParameterPlace,
    /// Whether it must be there.
    pub required: bool,
    /// What it is like.
    pub schema: NodeId,
    /// How its value is written.
    pub form: ParameterForm,
}

/// Where a parameter stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ParameterPlace {
    /// In the path.
    Path,
    /// In the query.
    Query,
    /// In a header field.
    Header(HeaderName),
}

/// How the value of a parameter is written (OpenAPI 3.1 §4.8.12.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ParameterForm {
    /// One text.
    Single,
    /// Items, one after the other with this between them.
    Joined(char),
    /// One pair for each item, all of one name.
    Repeated,
    /// One pair for each member, as in `filter[name]=…`, or one text.
    Brackets,
    /// JSON.
    Json,
    /// In a way that is not read here: it is only looked whether it is there.
    Unread,
}

/// The body of an operation's requests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BodyShape {
    /// Whether there must be one.
    pub required: bool,
    /// What it is like, by media type in lower case, without parameters; `*/*` and `type/*` stand for several.
    pub media: Box<[(Box<str>, Option<NodeId>)]>,
}

impl BodyShape {
    /// What a body of a media type is like: the most exact entry. `None`: a body must not be of that type; `Some(None)`: it may be anything.
    #[must_use]
    pub fn of(&self, media: &str) -> Option<Option<NodeId>> {
        let fits = |range: &str| match range.strip_suffix("/*") {
            Some("*") => 1,
            Some(kind) if media.split('/').next() == Some(kind) => 2,
            Some(_) => 0,
            None if range == media => 3,
            None => 0,
        };
        let best = self.media.iter().max_by_key(|(range, _)| fits(range))?;
        (fits(&best.0) > 0).then_some(best.1)
    }
}

/// Where a request says who signs in, and how the upstream says that it was in vain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Login {
    /// Where the subject stands: a JSON pointer, whose one step names a field where the body is a form.
    pub subject: Box<str>,
    /// Status codes of answers that mean failure.
    pub failed: Box<[u16]>,
}

impl Login {
    /// Whether an answer of this status means failure.
    #[must_use]
    pub fn is_failure(&self, status: u16) -> bool {
        self.failed.contains(&status)
    }
}
