//! What the gate says when it refuses, read as well as it can be: RFC 9457 with CONTRACT's members.

use crate::output::plain;
use http::StatusCode;
use serde_json::Value;
use std::fmt;
use wardgate_model::{diagnostic::Level, resource::Kind};

/// Diagnostics that are kept of one answer.
const DIAGNOSTICS_MAX: usize = 1_000;

/// A refusal: RFC 9457 with the members of CONTRACT "HTTP, towards clients".
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// HTTP status.
    pub status: StatusCode,
    /// `room.cause`.
    pub code: Option<String>,
    /// What is wrong.
    pub detail: String,
    /// A way out.
    pub remedy: Option<String>,
    /// The request's id, for `wardgate explain` and `wardgate audit tail`.
    pub request_id: Option<String>,
    /// What is wrong with documents that were sent, all at once.
    pub diagnostics: Vec<Told>,
    /// The moves that are legal where the one asked for is not.
    pub legal: Vec<String>,
    /// Whose moves they are.
    pub of: Option<String>,
}

/// What the gate says is wrong with a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// How bad it is.
    pub level: Level,
    /// A stable code.
    pub code: String,
    /// What is wrong.
    pub what: String,
    /// A way out.
    pub mend: Option<String>,
    /// Where, in the gate's own words.
    pub place: Option<String>,
    /// Kind and name of the document it is about.
    pub subject: Option<(String, String)>,
}

impl std::error::Error for Refusal {}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let detail = if self.diagnostics.is_empty() { plain(&self.detail) } else { "what was sent makes no sense".to_owned() };
        write!(f, "refused: {detail}")?;
        match &self.code {
            Some(code) => write!(f, " ({} {})", self.status.as_u16(), plain(code))?,
            None => write!(f, " ({})", self.status.as_u16())?,
        }
        for told in &self.diagnostics {
            write!(f, "\n  - {}[{}] {}", told.level, plain(&told.code), plain(&told.what))?;
            if let Some(mend) = &told.mend {
                write!(f, "\n    mend: {}", plain(mend))?;
            }
        }
        let name = self.of.as_deref().map_or_else(|| "NAME".to_owned(), plain);
        for (number, one) in self.legal.iter().enumerate() {
            let head = if number == 0 { "  = from here it can:" } else { "                     " };
            write!(f, "\n{head} {}", command(&plain(one), &name))?;
        }
        if self.status == StatusCode::UNAUTHORIZED {
            f.write_str("\n  = sign in again: `wardgate sign-in`, or `wardgate sign-in --offline` when nothing is serving")?;
        } else if let Some(remedy) =
            self.remedy.as_deref().filter(|text| !text.is_empty() && self.diagnostics.is_empty() && self.legal.is_empty())
        {
            write!(f, "\n  = {}", plain(remedy))?;
        }
        if let Some(id) = &self.request_id {
            write!(f, "\n  = request {}", plain(id))?;
        }
        Ok(())
    }
}

/// The command that makes a move.
fn command(step: &str, name: &str) -> String {
    match step {
        "approve" => format!("wardgate identity approve {name} --evidence …"),
        "release" => format!("wardgate release identity {name}     what contained it; a second person must agree"),
        "resume" => format!("wardgate identity resume {name}     what suspended it"),
        "claim" => format!("wardgate identity claim {name} --as IDENTITY"),
        other => format!("wardgate identity {other} {name}"),
    }
}

impl Refusal {
    /// Reads a refusal's body; whatever is no problem document is told by its status.
    #[must_use]
    pub fn read(status: StatusCode, header: Option<&str>, body: &[u8]) -> Self {
        let document: Value = serde_json::from_slice(body).unwrap_or_default();
        let member = |name: &str| document.get(name).and_then(Value::as_str).map(str::to_owned);
        let unsaid = || status.canonical_reason().unwrap_or("no reason was given").to_lowercase();
        let words = |name: &str| document.get(name).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
        Self {
            status,
            code: member("code"),
            detail: member("detail").or_else(|| member("title")).unwrap_or_else(unsaid),
            remedy: member("remedy"),
            request_id: member("request_id").or_else(|| header.map(str::to_owned)),
            diagnostics: Told::all(&document),
            legal: words("legal").map(str::to_owned).collect(),
            of: None,
        }
    }
}

impl Told {
    /// The member `diagnostics` of a document; of a very long list the beginning.
    #[must_use]
    pub fn all(document: &Value) -> Vec<Self> {
        let list = document.get("diagnostics").and_then(Value::as_array);
        list.into_iter().flatten().take(DIAGNOSTICS_MAX).map(Self::read).collect()
    }

    fn read(value: &Value) -> Self {
        let member = |name: &str| value.get(name).and_then(Value::as_str).map(str::to_owned);
        let what = member("what").unwrap_or_else(|| value.to_string());
        let place = match value.get("place") {
            Some(Value::String(text)) => Some(text.clone()),
            Some(Value::Object(place)) => place.get("file").and_then(Value::as_str).map(str::to_owned),
            _ => member("file"),
        };
        let document = || place.as_deref().and_then(document);
        let subject = member("kind").zip(member("name")).or_else(|| subject(&what)).or_else(document);
        Self {
            level: member("level").as_deref().and_then(Level::parse).unwrap_or(Level::Error),
            code: member("code").unwrap_or_else(|| "-".to_owned()),
            what,
            mend: member("mend"),
            place,
            subject,
        }
    }

    /// The key that it is about, as messages name it after the document: ``Owner `payments`: `contact`: …``.
    #[must_use]
    pub fn key(&self) -> Option<&str> {
        let (_, rest) = self.what.split_once("`: `")?;
        rest.split_once('`').map(|(key, _)| key)
    }
}

/// `api:Owner/payments`, `Owner/payments`: a place that is a document.
fn document(place: &str) -> Option<(String, String)> {
    let (kind, name) = place.strip_prefix("api:").unwrap_or(place).split_once('/')?;
    Kind::parse(kind).map(|kind| (kind.to_string(), name.to_owned()))
}

/// ``Owner `payments`: …``: how messages about documents begin.
fn subject(what: &str) -> Option<(String, String)> {
    let (kind, rest) = what.split_once(" `")?;
    let (name, _) = rest.split_once("`:")?;
    kind.chars().all(char::is_alphanumeric).then(|| (kind.to_owned(), name.to_owned()))
}
