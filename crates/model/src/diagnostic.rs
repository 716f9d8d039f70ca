//! What is wrong with the operator's input: where, what, and a way out. Always all of them at once.

use crate::inventory::words;
use std::{fmt, path::Path, sync::Arc};

words! {
    /// How bad it is.
    Level {
        /// Worth knowing; the input is taken.
        Warning = "warning",
        /// The input is refused.
        Error = "error",
    }
}

/// A place in a file. Lines and columns begin at 1; 0 means "somewhere in it".
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The file as the operator named it.
    pub file: Arc<Path>,
    /// Line.
    pub line: u32,
    /// Column, in characters.
    pub column: u32,
}

impl Place {
    /// The file as a whole.
    pub fn file(file: impl AsRef<Path>) -> Self {
        Self { file: file.as_ref().into(), line: 0, column: 0 }
    }

    /// The same file at another position.
    #[must_use]
    pub fn at(&self, line: u32, column: u32) -> Self {
        Self { file: Arc::clone(&self.file), line, column }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.file.display())?;
        if self.line > 0 {
            write!(f, ":{}", self.line)?;
            if self.column > 0 {
                write!(f, ":{}", self.column)?;
            }
        }
        Ok(())
    }
}

/// One thing wrong with the operator's input.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Diagnostic {
    /// Where.
    pub place: Place,
    /// How bad.
    pub level: Level,
    /// A stable code for scripts: `yaml.syntax`, `resource.unknown_key`, `policy.type`, `key.not_enforced`…
    pub code: &'static str,
    /// What is wrong: lower case, no full stop, the operator's words in backticks.
    pub what: String,
    /// A way out.
    pub mend: Option<String>,
}

impl Diagnostic {
    /// An error.
    pub fn error(place: Place, code: &'static str, what: impl Into<String>) -> Self {
        Self { place, level: Level::Error, code, what: plain(what.into()), mend: None }
    }

    /// A warning.
    pub fn warning(place: Place, code: &'static str, what: impl Into<String>) -> Self {
        Self { place, level: Level::Warning, code, what: plain(what.into()), mend: None }
    }

    /// Adds a way out.
    #[must_use]
    pub fn mend(mut self, how: impl Into<String>) -> Self {
        self.mend = Some(plain(how.into()));
        self
    }

    /// Whether it refuses the input.
    #[must_use]
    pub fn is_error(&self) -> bool {
        self.level == Level::Error
    }
}

/// Control characters are written as escapes: a diagnostic quotes what nobody vouches for, and terminals obey some of them.
fn plain(text: String) -> String {
    let obeyed = |c: char| c.is_control() && !matches!(c, '\n' | '\t');
    if !text.contains(obeyed) {
        return text;
    }
    let mut plain = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if obeyed(c) { plain.extend(c.escape_default()) } else { plain.push(c) }
    }
    plain
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}[{}]: {}", self.place, self.level, self.code, self.what)?;
        if let Some(mend) = &self.mend {
            write!(f, "\n  = {mend}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
