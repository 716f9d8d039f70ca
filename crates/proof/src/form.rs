//! A body of `application/x-www-form-urlencoded`, read in one way or not at all (RFC 6749 appendix B, RFC 6749 §3.2).
//!
//! Whoever authenticates and whoever answers read the same text by this; a parameter that stands there twice is never chosen from.

use std::borrow::Cow;

/// Longest body, in bytes.
pub const FORM_BYTES_MAX: usize = 64 * 1024;
/// Most parameters.
pub const PARAMETERS_MAX: usize = 64;

/// Why a body is no form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FormFault {
    /// Longer than [`FORM_BYTES_MAX`].
    #[error("the form has more than {FORM_BYTES_MAX} bytes")]
    TooLong,
    /// More than [`PARAMETERS_MAX`].
    #[error("the form has more than {PARAMETERS_MAX} parameters")]
    TooMany,
    /// An escape that is none, no UTF-8, or a control character.
    #[error("the form cannot be read: use UTF-8 without control characters, escaped as in `%2F`")]
    Encoding,
}

/// What a form says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Form<'a> {
    pairs: Vec<(Cow<'a, str>, Cow<'a, str>)>,
}

impl<'a> Form<'a> {
    /// Reads a body.
    ///
    /// # Errors
    /// When it cannot be read in one way.
    pub fn read(body: &'a [u8]) -> Result<Self, FormFault> {
        if body.len() > FORM_BYTES_MAX {
            return Err(FormFault::TooLong);
        }
        let text = std::str::from_utf8(body).map_err(|_| FormFault::Encoding)?;
        let mut pairs = Vec::new();
        for pair in text.split('&').filter(|pair| !pair.is_empty()) {
            if pairs.len() == PARAMETERS_MAX {
                return Err(FormFault::TooMany);
            }
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            pairs.push((decoded(name)?, decoded(value)?));
        }
        Ok(Self { pairs })
    }

    /// The first parameter that stands there twice; those of `but` may.
    #[must_use]
    pub fn repeated(&self, but: &[&str]) -> Option<&str> {
        let twice = |at: usize, name: &str| self.pairs.iter().skip(at + 1).any(|(other, _)| other == name);
        let mut once = self.pairs.iter().enumerate().filter(|(_, (name, _))| !but.contains(&&**name));
        once.find(|(at, (name, _))| twice(*at, name)).map(|(_, (name, _))| &**name)
    }

    /// A parameter. One without a value is as one that is not there (RFC 6749 §3.2).
    #[must_use]
    pub fn one(&self, name: &str) -> Option<&str> {
        self.all(name).next()
    }

    /// All values of a parameter.
    pub fn all<'s>(&'s self, name: &str) -> impl Iterator<Item = &'s str> {
        self.pairs.iter().filter(move |(own, value)| own == name && !value.is_empty()).map(|(_, value)| &**value)
    }

    /// Every value, whatever its name.
    pub fn values(&self) -> impl Iterator<Item = &str> {
        self.pairs.iter().map(|(_, value)| &**value)
    }
}

/// A name or value with its escapes resolved.
///
/// # Errors
/// When an escape is none, or what comes out is no text.
pub fn decoded(text: &str) -> Result<Cow<'_, str>, FormFault> {
    let plain = if text.bytes().any(|byte| matches!(byte, b'%' | b'+')) {
        let mut bytes = Vec::with_capacity(text.len());
        let mut rest = text.bytes();
        while let Some(byte) = rest.next() {
            let digit = |byte: Option<u8>| byte.and_then(|byte| char::from(byte).to_digit(16)).and_then(|digit| u8::try_from(digit).ok());
            bytes.push(match byte {
                b'+' => b' ',
                b'%' => match (digit(rest.next()), digit(rest.next())) {
                    (Some(high), Some(low)) => high << 4 | low,
                    _ => return Err(FormFault::Encoding),
                },
                other => other,
            });
        }
        Cow::Owned(String::from_utf8(bytes).map_err(|_| FormFault::Encoding)?)
    } else {
        Cow::Borrowed(text)
    };
    if plain.chars().any(char::is_control) { Err(FormFault::Encoding) } else { Ok(plain) }
}

#[cfg(test)]
mod tests;
