//! A call as a log tells of it: what every format comes to.

use std::borrow::Cow;
use wardgate_model::time::Time;

/// What a log tells of one call. Texts are those of the line wherever they stand there as they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call<'t> {
    /// When it came.
    pub time: Time,
    /// Method, as written.
    pub method: Cow<'t, str>,
    /// Host, as written: perhaps with a port; empty where the log has none.
    pub host: Cow<'t, str>,
    /// Path, as written, without the query.
    pub path: Cow<'t, str>,
    /// Query, without `?`.
    pub query: Option<Cow<'t, str>>,
    /// Where it came from: an address or a name; empty where the log does not say.
    pub source: Cow<'t, str>,
    /// Who called, as whoever wrote the log knew them.
    pub user: Option<Cow<'t, str>>,
    /// The public id of what the caller proved itself by.
    pub key: Option<Cow<'t, str>>,
    /// The declared user agent.
    pub agent: Option<Cow<'t, str>>,
    /// The status of the answer.
    pub status: Option<u16>,
    /// Bytes of the answer.
    pub bytes: u64,
    /// Records in the answer.
    pub records: Option<u64>,
    /// For how many seconds the answer told the caller to wait (`Retry-After`).
    pub wait: Option<u64>,
    /// The account that a login was for.
    pub subject: Option<Cow<'t, str>>,
    /// For how many such calls the line stands.
    pub times: u32,
    /// What was sent and answered, where the log has it.
    pub content: Option<Box<Content<'t>>>,
}

/// The bodies of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Content<'t> {
    /// Of the request.
    pub request: Option<Body<'t>>,
    /// Of the answer.
    pub answer: Option<Body<'t>>,
}

/// A body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Body<'t> {
    /// Its media type, as declared.
    pub media: Cow<'t, str>,
    /// It, where the log has it as text.
    pub text: Option<Cow<'t, str>>,
}

impl<'t> Call<'t> {
    /// A call of which nothing else is told.
    #[must_use]
    pub fn new(time: Time, method: impl Into<Cow<'t, str>>, path: impl Into<Cow<'t, str>>) -> Self {
        Self {
            time,
            method: method.into(),
            host: Cow::Borrowed(""),
            path: path.into(),
            query: None,
            source: Cow::Borrowed(""),
            user: None,
            key: None,
            agent: None,
            status: None,
            bytes: 0,
            records: None,
            wait: None,
            subject: None,
            times: 1,
            content: None,
        }
    }

    /// With a target as requests have it (RFC 9112 §3.2): a path with a query, or a whole URL.
    #[must_use]
    pub fn to(mut self, target: &Cow<'t, str>) -> Self {
        let (host, path, query) = match target {
            Cow::Borrowed(target) => split(target, Cow::Borrowed),
            Cow::Owned(target) => split(target, |part| Cow::Owned(part.to_owned())),
        };
        if let Some(host) = host {
            self.host = host;
        }
        (self.path, self.query) = (path, query);
        self
    }
}

/// Host, path and query of a target.
fn split<'s, 't>(target: &'s str, own: impl Fn(&'s str) -> Cow<'t, str>) -> (Option<Cow<'t, str>>, Cow<'t, str>, Option<Cow<'t, str>>) {
    let rest = target.strip_prefix("https://").or_else(|| target.strip_prefix("http://"));
    let (host, target) = match rest {
        Some(rest) => {
            let end = rest.find(['/', '?']).unwrap_or(rest.len());
            let (authority, target) = rest.split_at(end);
            (Some(authority.rsplit('@').next().unwrap_or(authority)), target)
        }
        None => (None, target),
    };
    let (path, query) = match target.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (target, None),
    };
    (host.map(&own), if path.is_empty() { Cow::Borrowed("/") } else { own(path) }, query.map(&own))
}

impl<'t> Body<'t> {
    /// One of a media type; `None`: none is declared.
    pub(super) fn of(media: Option<Cow<'t, str>>, text: Option<Cow<'t, str>>) -> Option<Self> {
        media.filter(|media| !media.is_empty()).map(|media| Self { media, text })
    }
}

/// What is wrong with a line or a record, or with a whole file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Wrong {
    /// It goes on and on.
    #[error("it is longer than {0} bytes")]
    TooLong(usize),
    /// Other bytes than text.
    #[error("it is not UTF-8")]
    NotText,
    /// Something that a line of this format has is not there.
    #[error("{0} is missing")]
    Missing(&'static str),
    /// Something is there and cannot be read.
    #[error("{0} cannot be read: `{1}`")]
    Unreadable(&'static str, Box<str>),
    /// What stands in the place of the request is none.
    #[error("what stands in the place of the request is none: `{0}`")]
    NoRequest(Box<str>),
    /// It is no JSON.
    #[error("it is not JSON as wanted: {0}")]
    Json(Box<str>),
}

impl Wrong {
    /// Something that cannot be read; what stands there is cut.
    pub(super) fn unreadable(what: &'static str, text: &str) -> Self {
        Self::Unreadable(what, cut(text))
    }

    /// No request; what stands there is cut.
    pub(super) fn no_request(text: &str) -> Self {
        Self::NoRequest(cut(text))
    }

    pub(super) fn json(error: &serde_json::Error) -> Self {
        // Where it stands in the line says nobody anything: which line it is does.
        let text = error.to_string();
        Self::Json(cut(text.split(" at line ").next().unwrap_or(&text)))
    }
}

/// The begin of a text, for people.
pub(super) fn cut(text: &str) -> Box<str> {
    const CHARACTERS_MAX: usize = 80;
    match text.char_indices().nth(CHARACTERS_MAX) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()).into(),
        None => text.into(),
    }
}
