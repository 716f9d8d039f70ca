//! JSON logs: one object a call. Which member says what is a small table, and the operator's words go before it.

use super::{
    call::{Call, Wrong},
    clf, moment,
};
use serde::de::{DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use std::{borrow::Cow, fmt};
use wardgate_model::time::Time;

/// What a member can say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Field {
    /// When it came: RFC 3339, or a number since the epoch.
    Time,
    /// Method.
    Method,
    /// Host.
    Host,
    /// Path, or a whole URL; perhaps with a query.
    Path,
    /// Query, where it stands by itself.
    Query,
    /// Where it came from.
    Source,
    /// Who called.
    User,
    /// The public id of what the caller proved itself by.
    Key,
    /// User agent.
    Agent,
    /// Status of the answer.
    Status,
    /// Bytes of the answer.
    Bytes,
    /// Records in the answer.
    Records,
    /// Seconds that the answer told the caller to wait.
    Wait,
    /// The account that a login was for.
    Subject,
}

/// Each field, its word in `--map`, and the members that are taken for it where nobody says otherwise; of several the first in this order.
const TABLE: [(Field, &str, &[&str]); 14] = [
    (Field::Time, "time", &["time", "timestamp", "@timestamp", "ts", "datetime", "eventTime"]),
    (Field::Method, "method", &["method", "request_method", "http_method", "verb", "http.method", "http.request.method"]),
    (Field::Host, "host", &["host", "http_host", "authority", "server_name", "http.host", "url.domain"]),
    (Field::Path, "path", &["path", "uri", "request_uri", "url", "target", "http.path", "url.path", "http.url"]),
    (Field::Query, "query", &["query", "query_string", "args", "url.query"]),
    (Field::Source, "source", &["source", "client_ip", "remote_addr", "remote_ip", "ip", "source_ip", "client.ip", "source.ip"]),
    (Field::User, "user", &["user", "remote_user", "identity", "caller", "principal", "user.name", "user.id"]),
    (Field::Key, "key", &["key", "key_id", "api_key_id", "access_key_id", "credential_id"]),
    (Field::Agent, "agent", &["user_agent", "http_user_agent", "agent", "user_agent.original", "http.user_agent"]),
    (Field::Status, "status", &["status", "status_code", "response_code", "http.status", "http.status_code", "http.response.status_code"]),
    (Field::Bytes, "bytes", &["bytes", "bytes_sent", "body_bytes_sent", "size", "http.response.bytes"]),
    (Field::Records, "records", &["records", "rows"]),
    (Field::Wait, "wait", &["retry_after", "http.response.headers.retry-after"]),
    (Field::Subject, "subject", &["subject", "account", "username", "login"]),
];

/// A word of `--map` that is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MapError {
    /// No `=`.
    #[error("`{0}` is no mapping: write `time=ts`, as in `--map time=ts,method=http.method`")]
    NoPair(Box<str>),
    /// No such field.
    #[error(
        "`{0}` is nothing that a log is read for: there are time, method, host, path, query, source, user, key, agent, status, bytes, records, wait and subject"
    )]
    Unknown(Box<str>),
}

/// Which member says what, as a tree of names. Members within members are named with dots; a name that has dots itself is found too.
#[derive(Debug, Clone, Default)]
pub struct Mapping {
    root: Branch,
}

#[derive(Debug, Clone, Default)]
struct Branch {
    /// What the value says, and how soon its name is taken among those for it.
    says: Option<(Field, usize)>,
    below: Vec<(Box<str>, Branch)>,
}

impl Mapping {
    /// The usual names, and before them those of `words`: `time=ts,method=http.method`.
    ///
    /// # Errors
    /// Names the word that is wrong.
    pub fn new<'w>(words: impl IntoIterator<Item = &'w str>) -> Result<Self, MapError> {
        let mut mapping = Self::default();
        let mut said = Vec::new();
        for word in words.into_iter().flat_map(|words| words.split(',')).map(str::trim).filter(|word| !word.is_empty()) {
            let (field, name) = word.split_once('=').ok_or_else(|| MapError::NoPair(word.into()))?;
            let known = TABLE.iter().find(|(_, known, _)| *known == field).ok_or_else(|| MapError::Unknown(field.into()))?;
            mapping.add(name, known.0, 0);
            said.push(known.0);
        }
        for (field, _, names) in TABLE.iter().filter(|(field, ..)| !said.contains(field)) {
            for (at, name) in names.iter().enumerate() {
                mapping.add(name, *field, at);
            }
        }
        Ok(mapping)
    }

    fn add(&mut self, name: &str, field: Field, rank: usize) {
        self.root.at([name].into_iter()).says.get_or_insert((field, rank));
        if name.contains('.') {
            self.root.at(name.split('.')).says.get_or_insert((field, rank));
        }
    }

    /// Reads an object.
    ///
    /// # Errors
    /// Says what is missing or cannot be read.
    pub fn call<'t>(&self, bytes: &'t [u8]) -> Result<Call<'t>, Wrong> {
        let mut found = Found::default();
        let mut reader = serde_json::Deserializer::from_slice(bytes);
        Below { branch: &self.root, found: &mut found }.deserialize(&mut reader).map_err(|error| Wrong::json(&error))?;
        reader.end().map_err(|error| Wrong::json(&error))?;
        found.call()
    }
}

impl Branch {
    fn at<'n>(&mut self, mut names: impl Iterator<Item = &'n str>) -> &mut Self {
        let Some(name) = names.next() else { return self };
        let at = self.below.iter().position(|(known, _)| **known == *name).unwrap_or_else(|| {
            self.below.push((name.into(), Self::default()));
            self.below.len() - 1
        });
        #[expect(clippy::indexing_slicing, reason = "INVARIANT (at): found or pushed just above")]
        self.below[at].1.at(&mut names as &mut dyn Iterator<Item = &'n str>)
    }
}

/// A value that says something.
#[derive(Debug, Clone, PartialEq)]
enum Scalar<'t> {
    Text(Cow<'t, str>),
    Number(f64),
    Nothing,
}

/// What was found in an object.
#[derive(Debug, Default)]
struct Found<'t> {
    values: [Option<(usize, Scalar<'t>)>; TABLE.len()],
}

impl<'t> Found<'t> {
    fn put(&mut self, (field, rank): (Field, usize), value: Scalar<'t>) {
        let Some(at) = TABLE.iter().position(|(known, ..)| *known == field) else { return };
        if let Some(place) = self.values.get_mut(at)
            && value != Scalar::Nothing
            && place.as_ref().is_none_or(|(known, _)| rank < *known)
        {
            *place = Some((rank, value));
        }
    }

    fn take(&mut self, field: Field) -> Option<Scalar<'t>> {
        let at = TABLE.iter().position(|(known, ..)| *known == field)?;
        self.values.get_mut(at)?.take().map(|(_, value)| value)
    }

    fn text(&mut self, field: Field) -> Option<Cow<'t, str>> {
        match self.take(field)? {
            Scalar::Text(text) => Some(text).filter(|text| !matches!(&**text, "" | "-")),
            Scalar::Number(number) => Some(Cow::Owned(number.to_string())),
            Scalar::Nothing => None,
        }
    }

    /// A whole number that is not below zero.
    fn count(&mut self, field: Field, what: &'static str) -> Result<Option<u64>, Wrong> {
        let Some(text) = self.text(field) else { return Ok(None) };
        text.parse().map(Some).map_err(|_| Wrong::unreadable(what, &text))
    }

    fn call(mut self) -> Result<Call<'t>, Wrong> {
        let time = match self.take(Field::Time) {
            Some(Scalar::Number(number)) => moment::epoch(number).ok_or_else(|| Wrong::unreadable("the time", &number.to_string()))?,
            Some(Scalar::Text(text)) => time(&text).ok_or_else(|| Wrong::unreadable("the time", &text))?,
            Some(Scalar::Nothing) | None => return Err(Wrong::Missing("the time")),
        };
        let target = self.text(Field::Path).ok_or(Wrong::Missing("the path"))?;
        let method = self.text(Field::Method).unwrap_or(Cow::Borrowed("GET"));
        if !method.bytes().all(|byte| byte.is_ascii_graphic()) || method.len() > 32 {
            return Err(Wrong::unreadable("the method", &method));
        }
        let mut call = Call::new(time, method, "/").to(&target);
        call.host = self.text(Field::Host).unwrap_or(call.host);
        call.query = self.text(Field::Query).map(unmarked).or(call.query);
        (call.source, call.user) = (self.text(Field::Source).unwrap_or_default(), self.text(Field::User));
        (call.key, call.agent, call.subject) = (self.text(Field::Key), self.text(Field::Agent), self.text(Field::Subject));
        call.status = self.text(Field::Status).map_or(Ok(None), |status| clf::status(&status))?;
        call.bytes = self.count(Field::Bytes, "the length of the answer")?.unwrap_or_default();
        call.records = self.count(Field::Records, "the number of records")?;
        // A date counts for nothing, as at the gate: the clocks of two sides differ.
        call.wait = self.text(Field::Wait).and_then(|text| text.parse().ok());
        Ok(call)
    }
}

fn time(text: &str) -> Option<Time> {
    let digits = text.starts_with(|c: char| c.is_ascii_digit()) && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    if digits { moment::epoch(text.parse().ok()?) } else { moment::rfc3339(text).or_else(|| moment::common(text.as_bytes())) }
}

fn unmarked(query: Cow<'_, str>) -> Cow<'_, str> {
    match query {
        Cow::Borrowed(query) => Cow::Borrowed(query.strip_prefix('?').unwrap_or(query)),
        Cow::Owned(query) => Cow::Owned(query.strip_prefix('?').map(str::to_owned).unwrap_or(query)),
    }
}

/// Reads an object whose members may say something.
struct Below<'b, 'f, 't> {
    branch: &'b Branch,
    found: &'f mut Found<'t>,
}

impl<'t> DeserializeSeed<'t> for Below<'_, '_, 't> {
    type Value = ();

    fn deserialize<D: Deserializer<'t>>(self, reader: D) -> Result<(), D::Error> {
        reader.deserialize_any(self)
    }
}

impl<'t> Visitor<'t> for Below<'_, '_, 't> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<M: MapAccess<'t>>(self, mut members: M) -> Result<(), M::Error> {
        if self.branch.below.is_empty() {
            while members.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
            return Ok(());
        }
        while let Some(name) = members.next_key_seed(Text)? {
            match self.branch.below.iter().find(|(known, _)| **known == *name) {
                Some((_, branch)) => members.next_value_seed(Below { branch, found: &mut *self.found })?,
                None => drop(members.next_value::<IgnoredAny>()?),
            }
        }
        Ok(())
    }

    fn visit_borrowed_str<E>(self, text: &'t str) -> Result<(), E> {
        self.put(Scalar::Text(Cow::Borrowed(text)));
        Ok(())
    }

    fn visit_str<E>(self, text: &str) -> Result<(), E> {
        self.put(Scalar::Text(Cow::Owned(text.to_owned())));
        Ok(())
    }

    fn visit_u64<E>(self, number: u64) -> Result<(), E> {
        // Microseconds of a moment have fewer digits than a double bears.
        #[expect(clippy::cast_precision_loss, reason = "a count this large is told by its size alone")]
        self.put(Scalar::Number(number as f64));
        Ok(())
    }

    fn visit_i64<E>(self, number: i64) -> Result<(), E> {
        #[expect(clippy::cast_precision_loss, reason = "a count this large is told by its size alone")]
        self.put(Scalar::Number(number as f64));
        Ok(())
    }

    fn visit_f64<E>(self, number: f64) -> Result<(), E> {
        self.put(Scalar::Number(number));
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<S: SeqAccess<'t>>(self, mut values: S) -> Result<(), S::Error> {
        // Several addresses, the client's first, are the only lists that such logs have.
        if let Some((field, rank)) = self.branch.says
            && let Some(first) =
                values.next_element::<Cow<'t, str>>().map_err(|_| S::Error::custom("a list of something else than text"))?
        {
            self.found.put((field, rank), Scalar::Text(first));
        }
        while values.next_element::<IgnoredAny>()?.is_some() {}
        Ok(())
    }
}

impl<'t> Below<'_, '_, 't> {
    fn put(self, value: Scalar<'t>) {
        if let Some(says) = self.branch.says {
            self.found.put(says, value);
        }
    }
}

/// A text, borrowed where it stands as it is.
#[derive(Clone, Copy)]
struct Text;

impl<'t> DeserializeSeed<'t> for Text {
    type Value = Cow<'t, str>;

    fn deserialize<D: Deserializer<'t>>(self, reader: D) -> Result<Cow<'t, str>, D::Error> {
        reader.deserialize_str(self)
    }
}

impl<'t> Visitor<'t> for Text {
    type Value = Cow<'t, str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text")
    }

    fn visit_borrowed_str<E>(self, text: &'t str) -> Result<Cow<'t, str>, E> {
        Ok(Cow::Borrowed(text))
    }

    fn visit_str<E>(self, text: &str) -> Result<Cow<'t, str>, E> {
        Ok(Cow::Owned(text.to_owned()))
    }
}

/// Whether a line can be an object at all: a bracket or a comma that stands alone belongs to an array around the calls.
pub(super) fn is_around(line: &[u8]) -> bool {
    matches!(line.trim_ascii(), b"[" | b"]" | b"," | b"")
}

#[cfg(test)]
mod tests;
