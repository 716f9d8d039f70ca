//! One part of a request that a signature covers (RFC 9421 §2).

mod query;

use super::{Fault, fields, message::Message};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::HeaderName;
use sfv::{BareItem, FieldType as _, Item, List, Parser};

/// Which part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// `@method`.
    Method,
    /// `@target-uri`.
    TargetUri,
    /// `@authority`.
    Authority,
    /// `@scheme`.
    Scheme,
    /// `@request-target`.
    RequestTarget,
    /// `@path`.
    Path,
    /// `@query`.
    Query,
    /// `@query-param` of this name, encoded as RFC 9421 §2.2.8 has it.
    QueryParameter(Box<str>),
    /// A field.
    Field(HeaderName, Form),
}

/// In which form a field is covered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Form {
    /// Its value as it stands there (§2.1).
    Plain,
    /// Its strict form, of a field whose structure is known (`sf`, §2.1.1).
    Strict,
    /// One member of a Dictionary (`key`, §2.1.2).
    Member(Box<str>),
    /// Each line's bytes (`bs`, §2.1.3).
    Bytes,
}

impl Part {
    /// A field as it stands there.
    #[must_use]
    pub const fn field(name: HeaderName) -> Self {
        Self::Field(name, Form::Plain)
    }

    /// Whether who covers this covers another part too.
    pub(super) fn holds(&self, other: &Self) -> bool {
        match (self, other) {
            // One member of a field says nothing of the others.
            (Self::Field(one, form), Self::Field(two, Form::Plain)) => one == two && !matches!(form, Form::Member(_)),
            (Self::TargetUri, Self::Scheme | Self::Authority | Self::Path | Self::Query) => true,
            (Self::RequestTarget, Self::Path | Self::Query) => true,
            _ => self == other,
        }
    }
}

/// A component of a signature: the part, and how it is named there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Component {
    part: Part,
    /// In its strict form, which is how it was received.
    identifier: Box<str>,
}

/// The flags and values beside a name (RFC 9421 §6.5.2).
#[derive(Debug, Default)]
struct Beside<'a> {
    sf: bool,
    bs: bool,
    key: Option<&'a str>,
    name: Option<&'a str>,
}

impl<'a> Beside<'a> {
    /// `None`: one that is not known, not of its type, or of responses and trailers alone (`req`, `tr`).
    fn read(item: &'a Item) -> Option<Self> {
        let mut read = Self::default();
        for (parameter, value) in &item.params {
            match (parameter.as_str(), value) {
                ("sf", BareItem::Boolean(true)) => read.sf = true,
                ("bs", BareItem::Boolean(true)) => read.bs = true,
                ("key", BareItem::String(text)) => read.key = Some(text.as_str()),
                ("name", BareItem::String(text)) => read.name = Some(text.as_str()),
                _ => return None,
            }
        }
        Some(read)
    }

    /// The form of a field; `None`: these do not go together.
    fn form(&self) -> Option<Form> {
        match self {
            Self { name: Some(_), .. } => None,
            Self { bs: true, sf: false, key: None, .. } => Some(Form::Bytes),
            Self { bs: true, .. } => None,
            // The value of a member is always in its strict form (§2.1.2).
            Self { key: Some(key), .. } => Some(Form::Member((*key).into())),
            Self { sf: true, .. } => Some(Form::Strict),
            Self { .. } => Some(Form::Plain),
        }
    }

    fn nothing(&self) -> bool {
        matches!(self, Self { sf: false, bs: false, key: None, name: None })
    }
}

impl Component {
    /// Reads the identifier of a component (RFC 9421 §2).
    ///
    /// # Errors
    /// When it is none, or none of a request.
    pub(super) fn read(item: &Item) -> Result<Self, Fault> {
        let identifier = item.clone().serialize();
        let unknown = || Fault::Component(identifier.as_str().into());
        let name = item.bare_item.as_string().map(sfv::StringRef::as_str).ok_or_else(unknown)?;
        let beside = Beside::read(item).ok_or_else(unknown)?;
        let part = match name.strip_prefix('@') {
            Some(derived) => derived_part(derived, &beside),
            None => field(name).and_then(|name| Some(Part::Field(name, beside.form()?))),
        };
        Ok(Self { part: part.ok_or_else(unknown)?, identifier: identifier.into() })
    }

    /// Which part it is.
    #[must_use]
    pub const fn part(&self) -> &Part {
        &self.part
    }

    /// How it is named in what is signed.
    #[must_use]
    pub fn identifier(&self) -> &str {
        &self.identifier
    }

    /// Writes its value at the end of what is signed.
    ///
    /// # Errors
    /// When the request does not have it.
    pub(super) fn value(&self, message: &Message<'_>, base: &mut String) -> Result<(), Fault> {
        let missing = || Fault::Component(self.identifier.clone());
        match &self.part {
            Part::Method => base.push_str(message.method),
            Part::Authority => base.push_str(message.authority()),
            Part::Scheme => base.push_str(message.scheme()),
            Part::RequestTarget => base.push_str(&message.target()),
            Part::Path => base.push_str(message.path()),
            Part::TargetUri => {
                base.push_str(message.origin);
                base.push_str(message.path());
                if message.query().is_some() {
                    whole_query(message, base);
                }
            }
            Part::Query => whole_query(message, base),
            Part::QueryParameter(name) => base.push_str(&query::value(message.query(), name).ok_or_else(missing)?),
            Part::Field(name, form) => base.push_str(&value(message, name, form).ok_or_else(missing)?),
        }
        Ok(())
    }
}

/// `@query` (§2.2.7): without one, `?` alone.
fn whole_query(message: &Message<'_>, base: &mut String) {
    base.push('?');
    base.push_str(message.query().unwrap_or_default());
}

/// The name of a field in lower case, as §2.1 wants it.
fn field(name: &str) -> Option<HeaderName> {
    HeaderName::from_bytes(name.as_bytes()).ok().filter(|read| read.as_str() == name)
}

fn derived_part(name: &str, beside: &Beside<'_>) -> Option<Part> {
    if name == "query-param" {
        return match beside {
            Beside { sf: false, bs: false, key: None, name: Some(name) } => query::name(name).map(Part::QueryParameter),
            _ => None,
        };
    }
    let part = match name {
        "method" => Part::Method,
        "target-uri" => Part::TargetUri,
        "authority" => Part::Authority,
        "scheme" => Part::Scheme,
        "request-target" => Part::RequestTarget,
        "path" => Part::Path,
        "query" => Part::Query,
        // `@status` is of responses, `@signature-params` is covered always and never listed.
        _ => return None,
    };
    beside.nothing().then_some(part)
}

fn value(message: &Message<'_>, name: &HeaderName, form: &Form) -> Option<String> {
    let headers = message.headers;
    if *form == Form::Bytes {
        let lines = headers.get_all(name).iter().map(|line| format!(":{}:", STANDARD.encode(fields::trimmed_bytes(line))));
        let lines: Vec<String> = lines.collect();
        return (!lines.is_empty()).then(|| lines.join(", "));
    }
    let text = fields::combined(headers, name).ok()??;
    match form {
        Form::Plain => Some(text),
        Form::Strict => strict(name, &text),
        Form::Member(key) => {
            if structure(name).is_some_and(|known| known != Structure::Dictionary) {
                return None;
            }
            fields::strict(fields::once(&text)?.get(&**key)?)
        }
        Form::Bytes => None,
    }
}

/// How a field is built (RFC 9651 §3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Structure {
    Dictionary,
    List,
    Item,
}

/// Fields of requests whose structure is known: who signs the strict form of another one gets to know that it is not (§2.1.1).
fn structure(name: &HeaderName) -> Option<Structure> {
    Some(match name.as_str() {
        "content-digest"
        | "repr-digest"
        | "want-content-digest"
        | "want-repr-digest"
        | "priority"
        | "signature"
        | "signature-agent"
        | "signature-input"
        | "accept-signature" => Structure::Dictionary,
        "cache-status" | "cdn-loop" | "client-cert-chain" | "proxy-status" => Structure::List,
        "client-cert" | "idempotency-key" => Structure::Item,
        _ => return None,
    })
}

fn strict(name: &HeaderName, text: &str) -> Option<String> {
    match structure(name)? {
        Structure::Dictionary => fields::once(text)?.serialize(),
        Structure::List => Parser::new(text).parse::<List>().ok()?.serialize(),
        Structure::Item => Some(Parser::new(text).parse::<Item>().ok()?.serialize()),
    }
}
