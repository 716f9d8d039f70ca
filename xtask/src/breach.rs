//! What a check reports: where, and what is wrong there.

use std::fmt;

/// One rule broken at one place.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Breach {
    /// `path` or `path:line`, from the root of the repository; or a package.
    pub(crate) place: String,
    /// What is wrong, and what would be right.
    pub(crate) what: String,
}

impl Breach {
    /// A breach at a place that has no line.
    pub(crate) fn at(place: impl Into<String>, what: impl Into<String>) -> Self {
        Self { place: place.into(), what: what.into() }
    }

    /// A breach at a line of a file; lines count from 1.
    pub(crate) fn on_line(path: &str, line: usize, what: impl Into<String>) -> Self {
        Self { place: format!("{path}:{line}"), what: what.into() }
    }
}

impl fmt::Display for Breach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.what)
    }
}
