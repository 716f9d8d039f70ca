//! The tape: a row of tokens in the order in which values begin. A container knows where the next value after it stands, so that
//! any part can be gone over again, or left out, without being read again.

use std::{borrow::Cow, fmt::Write};
use wardgate_model::schema::name_hash;

/// What a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// `null`.
    Null,
    /// `true`.
    True,
    /// `false`.
    False,
    /// A number without fraction or exponent.
    Whole,
    /// Any other number.
    Number,
    /// A text.
    Text,
    /// The name of a member; its value is the next token.
    Name,
    /// An array.
    Array,
    /// An object.
    Object,
    /// A text that may be meant as a number or a truth: the value of a parameter or of a form's field.
    Loose,
    /// Something that is not read here: whatever is asked of it holds.
    Unread,
}

/// A value, or the name of one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Token {
    pub(super) start: u32,
    pub(super) end: u32,
    /// The token after all that belongs to this one; of a name, the hash.
    pub(super) next: u32,
    pub(super) kind: Kind,
    pub(super) escaped: bool,
}

impl Token {
    /// What it is.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        self.kind
    }

    /// The hash of a name.
    #[must_use]
    pub const fn hash(&self) -> u32 {
        self.next
    }
}

/// What is past the end of a tape.
const NOTHING: Token = Token { start: 0, end: 0, next: u32::MAX, kind: Kind::Unread, escaped: false };

/// The values of a body, of a form or of parameters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tape<'a> {
    pub(super) text: Cow<'a, str>,
    pub(super) tokens: Vec<Token>,
}

impl Tape<'_> {
    /// The token at a place.
    #[must_use]
    pub fn token(&self, at: u32) -> Token {
        self.tokens.get(at as usize).copied().unwrap_or(NOTHING)
    }

    /// All tokens.
    #[must_use]
    pub fn tokens(&self) -> &[Token] {
        &self.tokens
    }

    /// A token as it is written, without its quotes.
    #[must_use]
    pub fn written(&self, token: Token) -> &str {
        self.text.get(token.start as usize..token.end as usize).unwrap_or_default()
    }

    /// The text of a token, its escapes resolved.
    #[must_use]
    pub fn text(&self, token: Token) -> Cow<'_, str> {
        let written = self.written(token);
        if token.escaped { Cow::Owned(unescaped(written)) } else { Cow::Borrowed(written) }
    }

    /// The place after a value and all that belongs to it.
    #[must_use]
    pub fn after(&self, at: u32) -> u32 {
        let next = at.saturating_add(1);
        let token = self.token(at);
        match token.kind {
            Kind::Array | Kind::Object => token.next.max(next),
            Kind::Name => match self.token(next) {
                value if matches!(value.kind, Kind::Array | Kind::Object) => value.next.max(next),
                _ => next.saturating_add(1),
            },
            _ => next,
        }
    }

    /// The places of the values in a container; of an object's members, of their names.
    pub fn within(&self, at: u32) -> impl Iterator<Item = u32> + '_ {
        let token = self.token(at);
        let end = if matches!(token.kind, Kind::Array | Kind::Object) { token.next } else { 0 };
        let mut next = at.saturating_add(1);
        std::iter::from_fn(move || {
            let here = next;
            (here < end).then(|| {
                next = self.after(here);
                here
            })
        })
    }

    /// The value that a JSON pointer names (RFC 6901 §4).
    #[must_use]
    pub fn at_pointer(&self, pointer: &str) -> Option<u32> {
        let mut at = 0;
        let Some(steps) = pointer.strip_prefix('/') else { return pointer.is_empty().then_some(at) };
        for step in steps.split('/') {
            let step = step.replace("~1", "/").replace("~0", "~");
            let is_index = step == "0" || (!step.starts_with('0') && step.bytes().all(|byte| byte.is_ascii_digit()));
            at = match self.token(at).kind {
                Kind::Object => self.within(at).find(|name| self.text(self.token(*name)) == step)?.saturating_add(1),
                Kind::Array => self.within(at).nth(step.parse().ok().filter(|_| is_index)?)?,
                _ => return None,
            };
        }
        Some(at)
    }

    /// Where a value stands, as a JSON pointer, cut when it is long. Names of members are the caller's own; no value is in it.
    #[must_use]
    pub fn pointer_of(&self, at: u32) -> String {
        const BYTES_MAX: usize = 256;
        let (mut pointer, mut here) = (String::new(), 0);
        while here != at && pointer.len() <= BYTES_MAX {
            let holds = |place: &u32| at >= *place && at < self.after(*place);
            let Some((index, child)) = self.within(here).enumerate().find(|(_, place)| holds(place)) else { break };
            let token = self.token(child);
            pointer.push('/');
            if token.kind == Kind::Name {
                step(&mut pointer, &self.text(token));
                if at == child {
                    break;
                }
                here = child.saturating_add(1);
            } else {
                // Writing to a string cannot fail.
                let _ = write!(pointer, "{index}");
                here = child;
            }
        }
        if pointer.len() > BYTES_MAX {
            let cut = (0..=BYTES_MAX).rev().find(|at| pointer.is_char_boundary(*at)).unwrap_or(0);
            pointer.truncate(cut);
            pointer.push('…');
        }
        pointer
    }
}

fn step(pointer: &mut String, name: &str) {
    for c in name.chars().take(256) {
        match c {
            '~' => pointer.push_str("~0"),
            '/' => pointer.push_str("~1"),
            c if c.is_control() => pointer.push('\u{fffd}'),
            c => pointer.push(c),
        }
    }
}

impl Tape<'_> {
    /// The same with a text of its own.
    #[must_use]
    pub fn into_owned(self) -> Tape<'static> {
        Tape { text: Cow::Owned(self.text.into_owned()), tokens: self.tokens }
    }
}

/// Tapes of what is no JSON: parameters and forms.
impl Tape<'static> {
    /// A tape of nothing yet.
    #[must_use]
    pub const fn empty() -> Self {
        Self { text: Cow::Borrowed(""), tokens: Vec::new() }
    }

    /// Puts a token at the end, with its text. Gives its place.
    pub fn push(&mut self, kind: Kind, text: &str) -> u32 {
        let place = u32::try_from(self.tokens.len()).unwrap_or(u32::MAX);
        let held = self.text.to_mut();
        let start = u32::try_from(held.len()).unwrap_or(u32::MAX);
        held.push_str(text);
        let end = u32::try_from(held.len()).unwrap_or(u32::MAX);
        let next = if kind == Kind::Name { name_hash(text.as_bytes()) } else { place.saturating_add(1) };
        self.tokens.push(Token { start, end, next, kind, escaped: false });
        place
    }

    /// Ends a container: all that was put there since belongs to it.
    pub fn close(&mut self, container: u32) {
        let next = u32::try_from(self.tokens.len()).unwrap_or(u32::MAX);
        if let Some(token) = self.tokens.get_mut(container as usize) {
            token.next = next;
        }
    }
}

/// A text of JSON with its escapes resolved (RFC 8259 §7). The reader has seen that they are good.
pub(super) fn unescaped(written: &str) -> String {
    let mut text = String::with_capacity(written.len());
    let mut rest = written;
    while let Some((plain, escape)) = rest.split_once('\\') {
        text.push_str(plain);
        let mut units = escape.chars();
        match units.next() {
            Some('b') => text.push('\u{8}'),
            Some('f') => text.push('\u{c}'),
            Some('n') => text.push('\n'),
            Some('r') => text.push('\r'),
            Some('t') => text.push('\t'),
            Some('u') => {
                let (c, taken) = character(escape);
                text.push(c);
                units = escape.get(taken..).unwrap_or_default().chars();
            }
            Some(c) => text.push(c),
            None => {}
        }
        rest = units.as_str();
    }
    text.push_str(rest);
    text
}

/// The character of `uXXXX`, or of a pair of them, and the length of it.
fn character(escape: &str) -> (char, usize) {
    let unit = |from: usize| escape.get(from..from + 4).and_then(|hex| u32::from_str_radix(hex, 16).ok());
    match (unit(1), unit(7)) {
        (Some(high @ 0xd800..=0xdbff), Some(low @ 0xdc00..=0xdfff)) => {
            (char::from_u32(0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00)).unwrap_or('\u{fffd}'), 11)
        }
        (Some(unit), _) => (char::from_u32(unit).unwrap_or('\u{fffd}'), 5),
        (None, _) => ('\u{fffd}', 1),
    }
}
