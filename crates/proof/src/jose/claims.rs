//! What a token says (RFC 7519 §4): every registered claim has its type, whoever reads it later.
//!
//! Checked once, when it is read: a number that is text, a time beyond the year 9999, an empty subject are refused there, so
//! that no later rule skips a claim because it looks odd (CVE-2026-25537).

use super::{
    base64url, json,
    refusal::{Part, Refusal},
};
use serde_json::{Map, Number, Value};
use wardgate_model::time::Time;

/// Longest `iss` and `sub`, in bytes: that of a SPIFFE id.
pub const NAME_BYTES_MAX: usize = 2_048;
/// Most values of `aud`.
const AUDIENCES_MAX: usize = 32;
/// Most actors behind each other (STANDARDS §1.8).
pub const ACTORS_MAX: usize = 5;
/// The last second of the year 9999.
const SECONDS_MAX: i64 = 253_402_300_799;
/// What claims may hold.
const BOUNDS: json::Bounds = json::Bounds { depth: 12, values: 1_024 };

/// The claims of a token.
#[derive(Debug, Clone, PartialEq)]
pub struct Claims {
    // INVARIANT (typed): `read` has checked the type of every registered claim in here.
    members: Map<String, Value>,
    expires: Option<Time>,
    not_before: Option<Time>,
    issued: Option<Time>,
    confirmation: Option<Confirmation>,
}

/// Whom a token is bound to (RFC 7800 §3.1): who shows it must also show this.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Confirmation {
    /// A client certificate: the SHA-256 of its DER (RFC 8705 §3.1, `x5t#S256`).
    Certificate([u8; 32]),
    /// A key: its SHA-256 thumbprint (RFC 9449 §6.1, `jkt`).
    Key([u8; 32]),
    /// Something that is not known here, or several things. Whoever checks possession must refuse such a token.
    Other,
}

/// Who acts for the subject (RFC 8693 §4.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Actor<'a> {
    /// `sub`.
    pub subject: &'a str,
    /// `iss`, where it is another's.
    pub issuer: Option<&'a str>,
}

impl Claims {
    /// Reads them.
    ///
    /// # Errors
    /// When they cannot be read in one way, or a registered claim has not its type.
    pub fn read(payload: &[u8]) -> Result<Self, Refusal> {
        Self::of(json::object(payload, BOUNDS).map_err(|fault| Refusal::Json(Part::Claims, fault))?)
    }

    /// Takes them from an object that has been read: what an issuer says of a token (RFC 7662 §2.2).
    ///
    /// # Errors
    /// When a registered claim has not its type.
    pub fn of(members: Map<String, Value>) -> Result<Self, Refusal> {
        for name in ["iss", "sub"] {
            check_text(&members, name, NAME_BYTES_MAX)?;
        }
        for name in ["jti", "client_id", "azp"] {
            check_text(&members, name, NAME_BYTES_MAX)?;
        }
        check_audiences(&members)?;
        check_scope(&members)?;
        check_actors(&members)?;
        let time = |name| members.get(name).map(|value| value.as_number().and_then(time).ok_or(Refusal::Claim(name))).transpose();
        let (expires, not_before, issued) = (time("exp")?, time("nbf")?, time("iat")?);
        let confirmation = members.get("cnf").map(confirmation).transpose()?;
        Ok(Self { members, expires, not_before, issued, confirmation })
    }

    /// All of them.
    #[must_use]
    pub const fn all(&self) -> &Map<String, Value> {
        &self.members
    }

    /// A claim that is text. `None` also where it is something else.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&str> {
        self.members.get(name).and_then(Value::as_str)
    }

    /// `iss`.
    #[must_use]
    pub fn issuer(&self) -> Option<&str> {
        self.text("iss")
    }

    /// `sub`.
    #[must_use]
    pub fn subject(&self) -> Option<&str> {
        self.text("sub")
    }

    /// `jti`.
    #[must_use]
    pub fn id(&self) -> Option<&str> {
        self.text("jti")
    }

    /// The OAuth client: `client_id` (RFC 8693 §4.3), else `azp` (OpenID Connect Core §2).
    #[must_use]
    pub fn client(&self) -> Option<&str> {
        self.text("client_id").or_else(|| self.text("azp"))
    }

    /// `aud`: one text is a list of one (RFC 7519 §4.1.3).
    pub fn audiences(&self) -> impl Iterator<Item = &str> {
        listed(self.members.get("aud"))
    }

    /// `scope`: words between spaces (RFC 8693 §4.2), or a list of words, as some issuers write it.
    pub fn scopes(&self) -> impl Iterator<Item = &str> {
        listed(self.members.get("scope")).flat_map(|words| words.split(' ')).filter(|word| !word.is_empty())
    }

    /// `exp`.
    #[must_use]
    pub const fn expires(&self) -> Option<Time> {
        self.expires
    }

    /// `nbf`.
    #[must_use]
    pub const fn not_before(&self) -> Option<Time> {
        self.not_before
    }

    /// `iat`.
    #[must_use]
    pub const fn issued(&self) -> Option<Time> {
        self.issued
    }

    /// `auth_time`: when what it was got by was made (OpenID Connect Core §2, RFC 9068 §2.2.1).
    #[must_use]
    pub fn authenticated(&self) -> Option<Time> {
        self.members.get("auth_time").and_then(|value| value.as_number().and_then(time))
    }

    /// `cnf`. `None`: whoever holds the token may use it.
    #[must_use]
    pub const fn confirmation(&self) -> Option<Confirmation> {
        self.confirmation
    }

    /// `act`, the current actor first; at most [`ACTORS_MAX`]. Access is a matter of the first alone (RFC 8693 §4.1).
    pub fn actors(&self) -> impl Iterator<Item = Actor<'_>> {
        let acts = std::iter::successors(self.members.get("act"), |act| act.get("act")).take(ACTORS_MAX);
        acts.filter_map(|act| {
            let subject = act.get("sub")?.as_str()?;
            Some(Actor { subject, issuer: act.get("iss").and_then(Value::as_str) })
        })
    }

    /// The value that a path leads to: see [`find`].
    #[must_use]
    pub fn at(&self, path: &str) -> Option<&Value> {
        find(&self.members, path)
    }
}

/// The value that a path leads to.
///
/// A path that begins with `/` is a JSON pointer (RFC 6901). Another one is the name of a member; where there is none of that
/// name, it is the name of an object and after a dot a path in it, the longest name that is there first:
/// `kubernetes.io.namespace` is `namespace` in `kubernetes.io`.
#[must_use]
pub fn find<'a>(members: &'a Map<String, Value>, path: &str) -> Option<&'a Value> {
    if let Some(pointer) = path.strip_prefix('/') {
        let (first, rest) = pointer.find('/').map_or((pointer, ""), |at| pointer.split_at(at));
        return members.get(&first.replace("~1", "/").replace("~0", "~"))?.pointer(rest);
    }
    if let Some(value) = members.get(path) {
        return Some(value);
    }
    let (name, rest) = path.rmatch_indices('.').find_map(|(at, _)| {
        let (name, rest) = path.split_at(at);
        members.get(name).and_then(Value::as_object).map(|within| (within, rest))
    })?;
    find(name, rest.strip_prefix('.')?)
}

fn listed(value: Option<&Value>) -> impl Iterator<Item = &str> {
    let (one, list) = match value {
        Some(Value::String(one)) => (Some(one.as_str()), &[][..]),
        Some(Value::Array(list)) => (None, list.as_slice()),
        _ => (None, &[][..]),
    };
    one.into_iter().chain(list.iter().filter_map(Value::as_str))
}

/// RFC 7519 §2, StringOrURI: text, and never empty.
fn check_text(members: &Map<String, Value>, name: &'static str, bytes_max: usize) -> Result<(), Refusal> {
    match members.get(name) {
        None => Ok(()),
        Some(Value::String(text)) if !text.is_empty() && text.len() <= bytes_max => Ok(()),
        Some(_) => Err(Refusal::Claim(name)),
    }
}

fn check_audiences(members: &Map<String, Value>) -> Result<(), Refusal> {
    let named = |value: &Value| value.as_str().is_some_and(|text| !text.is_empty());
    match members.get("aud") {
        None => Ok(()),
        Some(Value::Array(list)) if !list.is_empty() && list.len() <= AUDIENCES_MAX && list.iter().all(named) => Ok(()),
        Some(one @ Value::String(_)) if named(one) => Ok(()),
        Some(_) => Err(Refusal::Claim("aud")),
    }
}

fn check_scope(members: &Map<String, Value>) -> Result<(), Refusal> {
    match members.get("scope") {
        None | Some(Value::String(_)) => Ok(()),
        Some(Value::Array(list)) if list.iter().all(Value::is_string) => Ok(()),
        Some(_) => Err(Refusal::Claim("scope")),
    }
}

fn check_actors(members: &Map<String, Value>) -> Result<(), Refusal> {
    let mut act = members.get("act");
    for _ in 0..ACTORS_MAX {
        let Some(actor) = act else { return Ok(()) };
        let actor = actor.as_object().ok_or(Refusal::Claim("act"))?;
        if actor.get("sub").and_then(Value::as_str).is_none_or(|sub| sub.is_empty() || sub.len() > NAME_BYTES_MAX) {
            return Err(Refusal::Claim("act"));
        }
        if actor.get("iss").is_some_and(|iss| !iss.is_string()) {
            return Err(Refusal::Claim("act"));
        }
        act = actor.get("act");
    }
    if act.is_none() { Ok(()) } else { Err(Refusal::Claim("act")) }
}

/// RFC 7519 §2, NumericDate: seconds since the epoch, fractions allowed, and nothing but a number.
pub(crate) fn time(number: &Number) -> Option<Time> {
    if let Some(seconds) = number.as_i64() {
        return (0..=SECONDS_MAX).contains(&seconds).then(|| Time::from_seconds(seconds));
    }
    let seconds = number.as_f64()?;
    #[expect(clippy::cast_precision_loss, reason = "the bound lies far below 2^52")]
    let in_range = (0.0..=SECONDS_MAX as f64).contains(&seconds);
    #[expect(
        clippy::cast_possible_truncation,
        reason = "in range: microseconds of the year 9999 lie below 2^63, parts of one do not count"
    )]
    in_range.then(|| Time::from_micros((seconds * 1e6) as i64))
}

/// RFC 7800 §3.1 as RFC 8705 §3.1 and RFC 9449 §6.1 use it.
fn confirmation(value: &Value) -> Result<Confirmation, Refusal> {
    let members = value.as_object().ok_or(Refusal::Claim("cnf"))?;
    let hash = |value: &Value| -> Option<[u8; 32]> { base64url::decode(value.as_str()?)?.try_into().ok() };
    let mut methods = members.iter();
    match (methods.next(), methods.next()) {
        (Some((name, value)), None) if name == "x5t#S256" => hash(value).map(Confirmation::Certificate).ok_or(Refusal::Claim("cnf")),
        (Some((name, value)), None) if name == "jkt" => hash(value).map(Confirmation::Key).ok_or(Refusal::Claim("cnf")),
        _ => Ok(Confirmation::Other),
    }
}
