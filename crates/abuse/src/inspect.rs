//! Looks at what a request says: its parameters and its body against what the API's document has, JSON against its limits, compressed
//! bodies through their coding, texts against what attacks look like.
//!
//! Pure, and bounded in memory and work: bodies are of the size that a door collects, what they inflate to is cut at [`PLAIN_BYTES_MAX`].
//! It finds; what follows from it is for room 9 to say.
//!
//! # Reading order
//!
//! [`json`] makes a tape of a body, [`form`] of parameters and forms, [`conform`] holds a tape against a schema. [`coding`] is about compressed
//! bodies, [`mod@beginning`] about what is JSON whatever it is said to be, [`hostile`] about what reads as an attack.

pub mod beginning;
pub mod coding;
pub mod conform;
pub mod form;
pub mod hostile;
pub mod json;

use beginning::{Beginning, beginning};
use coding::CodingFault;
use conform::{Miss, Rule};
use form::{Parts, Wrong};
use json::{Fault, Flaw, JsonLimits, Kind, Tape};
use std::borrow::Cow;
use wardgate_model::{
    schema::{NodeId, Schemas},
    shape::{BodyShape, ParameterPlace, RequestShape},
};

/// Largest body that is looked at once it is inflated, in bytes.
pub const PLAIN_BYTES_MAX: usize = 8 * 1024 * 1024;

/// What a media type says of how a body is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Media {
    /// JSON (RFC 8259, RFC 6839 §3.1).
    Json,
    /// Fields of a form.
    Form,
    /// Something that is not read here.
    Other,
    /// None is declared.
    Undeclared,
}

impl Media {
    /// What a declared type says.
    #[must_use]
    pub fn of(content_type: Option<&str>) -> Self {
        let Some(declared) = content_type else { return Self::Undeclared };
        let essence = declared.split(';').next().unwrap_or_default().trim();
        let ends = |suffix: &str| {
            let from = essence.len().checked_sub(suffix.len());
            from.and_then(|from| essence.get(from..)).is_some_and(|end| end.eq_ignore_ascii_case(suffix))
        };
        match essence {
            "" => Self::Undeclared,
            essence if essence.eq_ignore_ascii_case("application/json") || essence.eq_ignore_ascii_case("text/json") => Self::Json,
            _ if ends("+json") => Self::Json,
            essence if essence.eq_ignore_ascii_case("application/x-www-form-urlencoded") => Self::Form,
            _ => Self::Other,
        }
    }
}

/// What a shape says of a body of a declared type.
#[must_use]
pub fn described(body: &BodyShape, content_type: Option<&str>) -> Option<Option<NodeId>> {
    let essence = content_type.unwrap_or_default().split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    body.of(&essence)
}

/// Where a request is not as it should be, in words for its sender: never a value, only where it stands.
pub type Place = Box<str>;

/// What the head of a request told.
#[derive(Debug, Default)]
pub struct Head {
    /// In how many places it is not as the document has it.
    pub deviations: u8,
    /// The first of them.
    pub first: Option<Place>,
}

/// Holds the parameters of a request against its shape.
#[must_use]
pub fn head(shape: &RequestShape, parts: &Parts<'_>) -> Head {
    let mut head = Head::default();
    form::parameters(shape, parts, |wrong| {
        head.deviations = head.deviations.saturating_add(1);
        if head.first.is_none() {
            head.first = Some(said_of_parameter(wrong));
        }
    });
    head
}

fn said_of_parameter(Wrong { parameter, rule }: Wrong<'_>) -> Place {
    let place = match parameter.place {
        ParameterPlace::Path => "path",
        ParameterPlace::Query => "query",
        ParameterPlace::Header(_) => "header",
    };
    let said = if rule == Rule::Required { "it is required, and missing" } else { rule.said() };
    format!("parameter `{}` in the {place}: {said}", parameter.name).into()
}

/// Why a body cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unreadable {
    /// It is not what it says it is, or beyond the limits of that.
    Flawed(Place),
    /// Its content coding is not known.
    Coding,
    /// Inflated it is too large.
    TooLarge,
}

/// How a body is to be looked at.
#[derive(Debug, Clone, Copy)]
pub struct Wanted<'s> {
    /// How it is read.
    pub media: Media,
    /// Its content codings, as declared.
    pub codings: Option<&'s str>,
    /// What it is like; `None`: anything.
    pub schema: Option<(&'s Schemas, NodeId)>,
    /// Where the subject of a login stands.
    pub subject: Option<&'s str>,
}

/// What a body told.
#[derive(Debug, Default)]
pub struct Told {
    /// Where it is not as its schema has it.
    pub deviation: Option<Place>,
    /// Whom a login is for.
    pub subject: Option<String>,
    /// How much of it reads as an attack, 0 to 100.
    pub hostile: u8,
}

/// Looks at a body.
///
/// # Errors
/// When it cannot be read.
pub fn body(bytes: &[u8], wanted: &Wanted<'_>, limits: &JsonLimits) -> Result<Told, Unreadable> {
    let plain = plain(bytes, wanted.codings)?;
    let tape = match wanted.media {
        Media::Json => json::read(&plain, limits).map_err(flawed)?,
        Media::Form => {
            let anything = Schemas::default();
            let (schemas, root) = wanted.schema.unwrap_or((&anything, NodeId::new(0)));
            form::form(&plain, schemas, root).map_err(|_| Unreadable::Flawed("the body: the form has too many fields".into()))?
        }
        Media::Other | Media::Undeclared => return Ok(Told::default()),
    };
    let deviation = wanted.schema.and_then(|(schemas, root)| conform::check(&tape, 0, schemas, root).err());
    Ok(Told {
        deviation: deviation.map(|miss| said_of_value(&tape, miss)),
        subject: wanted.subject.and_then(|pointer| subject(&tape, pointer)),
        hostile: hostile::of_tape(&tape),
    })
}

/// Looks at a body that is said to be something else than JSON, or nothing at all; gives how much of it reads as an attack. Where it begins
/// like JSON, it is held to be JSON; else nothing is said of it. What does not begin like it need not be the whole.
///
/// # Errors
/// When it begins like JSON and cannot be read, or nobody can tell how it begins.
pub fn disguised(bytes: &[u8], codings: Option<&str>, limits: &JsonLimits) -> Result<u8, Unreadable> {
    let plain = plain(bytes, codings)?;
    match beginning(&plain) {
        Beginning::Json => json::read(&plain, limits).map(|tape| hostile::of_tape(&tape)).map_err(flawed),
        Beginning::Other | Beginning::Open => Ok(0),
    }
}

fn plain<'b>(bytes: &'b [u8], codings: Option<&str>) -> Result<Cow<'b, [u8]>, Unreadable> {
    coding::plain(bytes, codings, PLAIN_BYTES_MAX).map_err(|fault| match fault {
        CodingFault::Unknown => Unreadable::Coding,
        CodingFault::Broken => Unreadable::Flawed("the body: it is not what its content coding says".into()),
        CodingFault::TooLarge => Unreadable::TooLarge,
    })
}

fn flawed(Fault { flaw, at }: Fault) -> Unreadable {
    let said = match flaw {
        // How large it may be is nothing that a place in it would explain.
        Flaw::Values => format!("the body: {}", flaw.said()),
        _ => format!("the body, at byte {at}: {}", flaw.said()),
    };
    Unreadable::Flawed(said.into())
}

fn said_of_value(tape: &Tape<'_>, miss: Miss<'_>) -> Place {
    let pointer = tape.pointer_of(miss.at);
    let place: Cow<'_, str> = if pointer.is_empty() { "the body".into() } else { format!("the body at `{pointer}`").into() };
    match miss.name {
        Some(name) => format!("{place}: `{name}` is required, and missing").into(),
        None => format!("{place}: {}", miss.rule.said()).into(),
    }
}

/// The subject of a login, as it is written: a text or a number.
fn subject(tape: &Tape<'_>, pointer: &str) -> Option<String> {
    let token = tape.token(tape.at_pointer(pointer)?);
    match token.kind() {
        Kind::Text | Kind::Loose => Some(tape.text(token).into_owned()),
        Kind::Whole | Kind::Number => Some(tape.written(token).to_owned()),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
