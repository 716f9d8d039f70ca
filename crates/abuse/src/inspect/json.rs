//! JSON (RFC 8259) to a tape of its values, in one pass and one allocation, within limits.
//!
//! Strict where parsers differ: one value and nothing behind it, every text UTF-8 and made of whole characters, no name twice in an object
//! (§4: what software makes of that is unpredictable, so what is looked at here might not be what the upstream takes).

mod read;
mod tape;

pub use tape::{Kind, Tape, Token};

/// How much JSON may be. Every one is a refusal where a rule reads the body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct JsonLimits {
    /// Containers within each other. Default 64.
    pub depth: u32,
    /// Values in all, and names. Default 200,000.
    pub values: u32,
    /// Bytes of one text, as it is written. Default 1 MiB.
    pub text_bytes: u32,
    /// Bytes of one number. Default 64.
    pub number_bytes: u32,
}

impl Default for JsonLimits {
    fn default() -> Self {
        Self { depth: 64, values: 200_000, text_bytes: 1024 * 1024, number_bytes: 64 }
    }
}

/// What is wrong with JSON, whatever it is to say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Flaw {
    /// It is no JSON.
    Syntax,
    /// It is no UTF-8, or has half a surrogate pair (RFC 8259 §8).
    Encoding,
    /// Something follows the one value.
    Trailing,
    /// A name stands twice in an object.
    Duplicate,
    /// It is nested too deeply.
    Depth,
    /// It has too many values.
    Values,
    /// One of its texts is too long.
    TextLength,
    /// One of its numbers is too long.
    NumberLength,
}

impl Flaw {
    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Syntax => "syntax",
            Self::Encoding => "encoding",
            Self::Trailing => "trailing",
            Self::Duplicate => "duplicate",
            Self::Depth => "depth",
            Self::Values => "values",
            Self::TextLength => "text_length",
            Self::NumberLength => "number_length",
        }
    }

    /// What a client is told of it.
    #[must_use]
    pub const fn said(self) -> &'static str {
        match self {
            Self::Syntax => "it is no JSON",
            Self::Encoding => "it is no UTF-8, or has half a character",
            Self::Trailing => "something follows the one value",
            Self::Duplicate => "a name stands twice in one object",
            Self::Depth => "it is nested too deeply",
            Self::Values => "it has too many values",
            Self::TextLength => "one of its texts is too long",
            Self::NumberLength => "one of its numbers is too long",
        }
    }
}

/// What is wrong with JSON, and where.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fault {
    /// What.
    pub flaw: Flaw,
    /// At which byte.
    pub at: usize,
}

/// Reads a whole body.
///
/// # Errors
/// When it is no JSON, or beyond the limits.
pub fn read<'a>(bytes: &'a [u8], limits: &JsonLimits) -> Result<Tape<'a>, Fault> {
    let text = std::str::from_utf8(bytes).map_err(|error| Fault { flaw: Flaw::Encoding, at: error.valid_up_to() })?;
    read::Reader::new(text, *limits)?.read()
}

#[cfg(test)]
mod tests;
