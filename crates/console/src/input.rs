//! Reading what comes in, strictly: what is not known, or stands twice, is refused and named.

use crate::problem::{Code, Problem};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, header};
use serde::de::DeserializeOwned;
use wardgate_model::id::{IdentityId, NameError};
use wardgate_store::Precondition;

/// Longest reason, in characters.
pub(crate) const REASON_CHARACTERS_MAX: usize = 500;
/// Items on a page, unless told.
const PAGE: u32 = 100;
/// Most items on a page.
const PAGE_MAX: u32 = 500;
/// Most parameters in a query.
const PARAMETERS_MAX: usize = 32;
/// Longest message about a body, in characters.
const MESSAGE_CHARACTERS_MAX: usize = 250;
/// Longest idempotency key, in bytes.
const KEY_BYTES_MAX: usize = 64;

/// How a length of time is written.
pub(crate) const SPAN: &str = "write a length of time with its unit, as in `30m`, `12h` or `7d`";

pub(crate) fn malformed(detail: impl Into<String>) -> Problem {
    Problem::new(Code::Malformed, detail)
}

/// A name in a path, query or body.
pub(crate) fn name<T>(what: &str, text: &str, parse: impl FnOnce(&str) -> Result<T, NameError>) -> Result<T, Problem> {
    parse(text).map_err(|e| malformed(format!("{what}: {e}")))
}

/// A query, read against the parameters that an operation knows.
#[derive(Debug)]
pub(crate) struct Query(Vec<(&'static str, String)>);

impl Query {
    /// Reads a query (`application/x-www-form-urlencoded`).
    ///
    /// # Errors
    /// A parameter that is not known or stands twice; an encoding that is none.
    pub(crate) fn read(text: Option<&str>, known: impl Iterator<Item = &'static str> + Clone) -> Result<Self, Problem> {
        let mut found: Vec<(&'static str, String)> = Vec::new();
        for (at, pair) in text.unwrap_or_default().split('&').filter(|pair| !pair.is_empty()).enumerate() {
            if at >= PARAMETERS_MAX {
                return Err(malformed(format!("the query has more than {PARAMETERS_MAX} parameters")));
            }
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            let bad = || malformed(format!("`{}` in the query is not percent-encoded UTF-8", shown(pair)));
            let read = |text: &str| decoded(text, Plus::Space).ok_or_else(bad);
            let (key, value) = (read(key)?, read(value)?);
            let Some(name) = known.clone().find(|name| *name == key) else {
                return Err(malformed(format!("the query parameter `{}` is not known here", shown(&key))));
            };
            if found.iter().any(|(earlier, _)| *earlier == name) {
                return Err(malformed(format!("the query parameter `{name}` stands twice")));
            }
            found.push((name, value));
        }
        Ok(Self(found))
    }

    /// The value of a parameter; one that is empty is not there.
    pub(crate) fn value(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(key, value)| *key == name && !value.is_empty()).map(|(_, value)| value.as_str())
    }

    /// The `limit`.
    pub(crate) fn limit(&self) -> Result<u32, Problem> {
        let Some(text) = self.value("limit") else { return Ok(PAGE) };
        let number = text.parse().ok().filter(|n| (1..=PAGE_MAX).contains(n));
        number.ok_or_else(|| malformed(format!("`limit` is a number from 1 to {PAGE_MAX}, not `{}`", shown(text))))
    }

    /// The `cursor` of a list that is ordered by number; 0 without one.
    pub(crate) fn cursor(&self) -> Result<u64, Problem> {
        let Some(text) = self.value("cursor") else { return Ok(0) };
        text.parse().map_err(|_| malformed(format!("`{}` is no cursor of this list", shown(text))))
    }

    /// A parameter that is the number of a change.
    pub(crate) fn number(&self, name: &str) -> Result<Option<u64>, Problem> {
        let bad = |text: &str| malformed(format!("`{name}` is the number of a change, not `{}`", shown(text)));
        self.value(name).map(|text| text.parse().map_err(|_| bad(text))).transpose()
    }

    /// A parameter that is `true` or `false`.
    pub(crate) fn flag(&self, name: &str) -> Result<Option<bool>, Problem> {
        let bad = |text: &str| malformed(format!("`{name}` is `true` or `false`, not `{}`", shown(text)));
        self.value(name).map(|text| text.parse().map_err(|_| bad(text))).transpose()
    }

    /// The `identity`.
    pub(crate) fn identity(&self) -> Result<Option<IdentityId>, Problem> {
        self.value("identity").map(|text| name("identity", text, IdentityId::parse)).transpose()
    }
}

/// Somebody's words, cut and without control characters, so that they can stand in a message.
pub(crate) fn shown(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(64).collect()
}

/// What `+` means.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Plus {
    /// A space, as in a form.
    Space,
    /// Itself, as in a path.
    Itself,
}

/// Takes `%XX` (and in a query `+`) apart; `None`: it is not percent-encoded UTF-8.
fn decoded(text: &str, plus: Plus) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' if plus == Plus::Space => b' ',
            b'%' => {
                let mut digit = || rest.next().and_then(|b| char::from(b).to_digit(16));
                let (high, low) = (digit()?, digit()?);
                u8::try_from(high * 16 + low).ok()?
            }
            plain => plain,
        });
    }
    String::from_utf8(bytes).ok()
}

/// One segment of a path, decoded.
pub(crate) fn segment(text: &str) -> Result<String, Problem> {
    decoded(text, Plus::Itself).ok_or_else(|| malformed(format!("`{}` in the path is not percent-encoded UTF-8", shown(text))))
}

/// Reads a JSON body. The types refuse unknown members, and serde members that stand twice.
pub(crate) fn body<T: DeserializeOwned>(headers: &HeaderMap, body: &Bytes) -> Result<T, Problem> {
    let media = headers.get(header::CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or_default();
    let essence = media.split(';').next().unwrap_or_default().trim();
    if !essence.eq_ignore_ascii_case("application/json") {
        return Err(Problem::new(Code::MediaType, format!("the body is `{}`, not `application/json`", shown(essence))));
    }
    // serde would take an array for a struct, member by member.
    if body.trim_ascii_start().first() != Some(&b'{') {
        return Err(malformed("the body: it is no JSON object"));
    }
    serde_json::from_slice(body).map_err(|e| malformed(format!("the body: {}", unquoted(&e))))
}

/// What serde says, without the value it met: the value may be a secret.
fn unquoted(error: &serde_json::Error) -> String {
    let place = format!("line {} column {}", error.line(), error.column());
    let text = error.to_string();
    let told = ["unknown field", "missing field", "duplicate field"].iter().any(|beginning| text.starts_with(beginning));
    match error.classify() {
        // The name of the member is the client's own word.
        serde_json::error::Category::Data if told => text.chars().filter(|c| !c.is_control()).take(MESSAGE_CHARACTERS_MAX).collect(),
        serde_json::error::Category::Data => format!("a member is of the wrong type at {place}"),
        serde_json::error::Category::Syntax | serde_json::error::Category::Io => format!("it is not JSON at {place}"),
        serde_json::error::Category::Eof => format!("it ends too early at {place}"),
    }
}

/// Refuses a body where none is read.
pub(crate) fn no_body(body: &Bytes) -> Result<(), Problem> {
    if body.is_empty() { Ok(()) } else { Err(malformed("this operation takes no body")) }
}

/// Why, for the feed of changes.
pub(crate) fn reason(text: Option<&str>) -> Result<Box<str>, Problem> {
    let text = text.unwrap_or_default();
    if text.chars().count() > REASON_CHARACTERS_MAX || text.chars().any(char::is_control) {
        return Err(malformed(format!("a reason has at most {REASON_CHARACTERS_MAX} characters and no control characters")));
    }
    Ok(text.into())
}

/// The one value of a field, or none.
fn single<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Result<Option<&'a str>, Problem> {
    let mut values = headers.get_all(name).iter();
    let (first, second) = (values.next(), values.next());
    if second.is_some() {
        return Err(malformed(format!("the field `{name}` stands twice")));
    }
    first.map(|v| v.to_str().map_err(|_| malformed(format!("the field `{name}` is not visible ASCII")))).transpose()
}

/// What must be true for a change to be made (RFC 9110 §13.1.1, §13.1.2): one strong tag of ours, or `*`.
pub(crate) fn precondition(headers: &HeaderMap) -> Result<Precondition, Problem> {
    let (matches, none) = (single(headers, &header::IF_MATCH)?, single(headers, &header::IF_NONE_MATCH)?);
    match (matches.map(str::trim), none.map(str::trim)) {
        (None, None) => Ok(Precondition::Any),
        (None, Some("*")) => Ok(Precondition::Absent),
        (Some(tag), None) => {
            let revision = tag.strip_prefix('"').and_then(|t| t.strip_suffix('"')).and_then(|t| t.parse().ok());
            revision.map(Precondition::Revision).ok_or_else(|| malformed(format!("`If-Match: {}` is no `ETag` of this API", shown(tag))))
        }
        (None, Some(_)) => Err(malformed("`If-None-Match` is served with `*` only")),
        (Some(_), Some(_)) => Err(malformed("`If-Match` and `If-None-Match` together make no sense")),
    }
}

/// The idempotency key, bare or as a quoted string.
pub(crate) fn idempotency_key(headers: &HeaderMap) -> Result<Option<Box<str>>, Problem> {
    let Some(text) = single(headers, &HeaderName::from_static("idempotency-key"))? else { return Ok(None) };
    let key = text.strip_prefix('"').and_then(|t| t.strip_suffix('"')).unwrap_or(text);
    if key.is_empty() || key.len() > KEY_BYTES_MAX || !key.bytes().all(|b| b.is_ascii_graphic() && b != b'"') {
        return Err(malformed(format!("an `Idempotency-Key` has 1 to {KEY_BYTES_MAX} visible characters")));
    }
    Ok(Some(key.into()))
}

#[cfg(test)]
mod tests;
