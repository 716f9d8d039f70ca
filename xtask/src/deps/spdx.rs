//! Licence expressions of SPDX 2.3, annex D, as far as packages use them: identifiers, `WITH`, `AND`, `OR`,
//! parentheses, and the old `MIT/Apache-2.0`, which means `OR`.

use std::fmt;

/// Deepest nesting of parentheses that is read.
const DEPTH_MAX: u8 = 16;

/// Why a text is no licence expression.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum SpdxError {
    /// It ends where a licence should stand.
    Ends,
    /// Something else stands where a licence, an operator or the end should.
    Unexpected(String),
    /// A parenthesis is not closed.
    Open,
    /// Parentheses nest too deep.
    Deep,
}

impl fmt::Display for SpdxError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ends => f.write_str("it ends where a licence should stand"),
            Self::Unexpected(word) => write!(f, "`{word}` stands in the wrong place"),
            Self::Open => f.write_str("a parenthesis is not closed"),
            Self::Deep => write!(f, "parentheses nest deeper than {DEPTH_MAX}"),
        }
    }
}

/// Whether an expression can be satisfied with licences for which `may(identifier, addition)` holds.
///
/// # Errors
/// When it is no expression.
pub(super) fn permits(expression: &str, may: &dyn Fn(&str, Option<&str>) -> bool) -> Result<bool, SpdxError> {
    let spaced = expression.replace('(', " ( ").replace(')', " ) ").replace('/', " OR ");
    let mut reader = Reader { words: spaced.split_whitespace().peekable(), may };
    let permitted = reader.alternatives(0)?;
    match reader.words.next() {
        None => Ok(permitted),
        Some(word) => Err(SpdxError::Unexpected(word.to_owned())),
    }
}

struct Reader<'a, W: Iterator<Item = &'a str>> {
    words: std::iter::Peekable<W>,
    may: &'a dyn Fn(&str, Option<&str>) -> bool,
}

impl<'a, W: Iterator<Item = &'a str>> Reader<'a, W> {
    /// `a OR b OR …`: binds least.
    fn alternatives(&mut self, depth: u8) -> Result<bool, SpdxError> {
        let mut permitted = self.conjunction(depth)?;
        while self.words.next_if_eq(&"OR").is_some() {
            permitted |= self.conjunction(depth)?;
        }
        Ok(permitted)
    }

    /// `a AND b AND …`
    fn conjunction(&mut self, depth: u8) -> Result<bool, SpdxError> {
        let mut permitted = self.licence(depth)?;
        while self.words.next_if_eq(&"AND").is_some() {
            permitted &= self.licence(depth)?;
        }
        Ok(permitted)
    }

    /// An identifier, with an addition or without; or an expression in parentheses.
    fn licence(&mut self, depth: u8) -> Result<bool, SpdxError> {
        match self.words.next() {
            None => Err(SpdxError::Ends),
            Some("(") if depth >= DEPTH_MAX => Err(SpdxError::Deep),
            Some("(") => {
                let permitted = self.alternatives(depth + 1)?;
                self.words.next_if_eq(&")").map(|_| permitted).ok_or(SpdxError::Open)
            }
            Some(word @ (")" | "AND" | "OR" | "WITH")) => Err(SpdxError::Unexpected(word.to_owned())),
            Some(identifier) => {
                let addition = match self.words.next_if_eq(&"WITH") {
                    Some(_) => Some(self.words.next().ok_or(SpdxError::Ends)?),
                    None => None,
                };
                Ok((self.may)(identifier, addition))
            }
        }
    }
}

#[cfg(test)]
mod tests;
