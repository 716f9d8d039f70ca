//! Lists of hostile addresses, in the forms that they are published in: bytes → [`Networks`].
//!
//! Whoever writes such a list is a stranger. A line that says nothing we understand is counted and told with its number; a file that is
//! mostly such lines ([`BAD_SHARE`]), or has more than [`NETWORKS_MAX`] networks, is no list at all. Nothing is held of a file but its
//! networks and the first few lines that were wrong.

mod indicators;
mod lines;
mod range;

use range::Range;
use wardgate_model::{atlas::Networks, time::Time};

/// The longest file of a list, in bytes.
pub const BYTES_MAX: usize = 64 * 1024 * 1024;
/// Networks of a list.
pub const NETWORKS_MAX: usize = 2_000_000;
/// One entry in so many may be wrong; where more are, the file is no list.
pub const BAD_SHARE: u64 = 10;
/// Wrong entries that are told; more are only counted.
pub const TOLD_MAX: usize = 5;
/// The longest line that is read, in bytes.
pub const LINE_BYTES_MAX: usize = 16 * 1024;

/// How a list is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Format {
    /// A network, an address or `FIRST-LAST` a line; `#` and `;` begin a comment.
    Netset,
    /// A JSON object a line, as Spamhaus writes DROP: the member of this name is the network.
    Jsonl(Box<str>),
    /// Comma-separated values, an entry a line: the column holds an address, a network, or an address with a port.
    Csv(Column),
    /// A bundle of STIX 2.1: indicators whose pattern is about addresses and nothing else.
    Stix,
    /// Events of MISP: attributes `ip-src` and `ip-dst` that are meant for detection.
    Misp,
}

/// Which column of comma-separated values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Column {
    /// As the header names it, which may stand in a comment.
    Name(Box<str>),
    /// The how manieth, from 1 on.
    Number(usize),
}

/// An entry that says nothing we understand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wrong {
    /// Its line; in a document of JSON, the how manieth entry it is.
    pub at: u64,
    /// What is wrong with it.
    pub what: Box<str>,
}

/// What was taken of a file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Taken {
    /// The networks.
    pub networks: Networks,
    /// Entries that name one.
    pub entries: u64,
    /// Entries that tell of something else, as of a domain.
    pub others: u64,
    /// Entries that are wrong.
    pub bad: u64,
    /// The first of these.
    pub wrong: Vec<Wrong>,
}

/// Why a file is no list.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unlisted {
    /// Nothing is in it, as when somebody is about to write it.
    #[error("nothing is in it")]
    Empty,
    /// Most likely it is something else.
    #[error("{bad} of {entries} entries are wrong; {kind} {at}: {what}", kind = if *lines { "line" } else { "entry" })]
    Garbage {
        /// How many entries are.
        bad: u64,
        /// Of how many.
        entries: u64,
        /// Whether they are lines.
        lines: bool,
        /// Where the first one stands.
        at: u64,
        /// What is wrong with it.
        what: Box<str>,
    },
    /// None of what is in it is about addresses.
    #[error("none of its {entries} entries names an address")]
    Others {
        /// How many there are.
        entries: u64,
    },
    /// Too much.
    #[error("it has more than {NETWORKS_MAX} networks")]
    Many,
    /// It is no JSON.
    #[error("it is no JSON: {why}")]
    Json {
        /// Where and why.
        why: Box<str>,
    },
    /// The column is not there.
    #[error("it has no column `{column}`")]
    Column {
        /// Which.
        column: Box<str>,
    },
}

/// Reads a list; `now` says which indicators hold no more.
///
/// # Errors
/// When it is none.
pub fn read(bytes: &[u8], format: &Format, now: Time) -> Result<Taken, Unlisted> {
    if bytes.is_empty() {
        return Err(Unlisted::Empty);
    }
    let mut taking = Taking::default();
    let lines = match format {
        Format::Netset => lines::netset(bytes, &mut taking).map(|()| true),
        Format::Jsonl(member) => lines::jsonl(bytes, member, &mut taking).map(|()| true),
        Format::Csv(column) => lines::csv(bytes, column, &mut taking).map(|()| true),
        Format::Stix => indicators::read(bytes, indicators::Kind::Stix, now, &mut taking).map(|()| false),
        Format::Misp => indicators::read(bytes, indicators::Kind::Misp, now, &mut taking).map(|()| false),
    }?;
    taking.done(lines)
}

/// What is being taken of a file.
#[derive(Debug, Default)]
struct Taking {
    v4: Vec<(u32, u32)>,
    v6: Vec<(u128, u128)>,
    taken: Taken,
}

impl Taking {
    fn put(&mut self, range: Range) -> Result<(), Unlisted> {
        if self.v4.len() + self.v6.len() >= NETWORKS_MAX {
            return Err(Unlisted::Many);
        }
        self.taken.entries += 1;
        match range {
            Range::V4(first, last) => self.v4.push((first, last)),
            Range::V6(first, last) => self.v6.push((first, last)),
        }
        Ok(())
    }

    /// Puts what a text names, or says that it names nothing.
    fn put_text(&mut self, at: u64, text: &str) -> Result<(), Unlisted> {
        match Range::parse(text) {
            Some(range) => self.put(range),
            None => {
                self.wrong(at, format_args!("`{}` is no network", shown(text)));
                Ok(())
            }
        }
    }

    fn other(&mut self) {
        self.taken.others += 1;
    }

    fn wrong(&mut self, at: u64, what: std::fmt::Arguments<'_>) {
        self.taken.bad += 1;
        if self.taken.wrong.len() < TOLD_MAX {
            self.taken.wrong.push(Wrong { at, what: what.to_string().into() });
        }
    }

    fn done(self, lines: bool) -> Result<Taken, Unlisted> {
        let Taken { entries, others, bad, .. } = self.taken;
        let all = entries + others + bad;
        if let Some(first) = self.taken.wrong.first().filter(|_| bad * BAD_SHARE > all) {
            return Err(Unlisted::Garbage { bad, entries: all, lines, at: first.at, what: first.what.clone() });
        }
        if entries == 0 && others > 0 {
            return Err(Unlisted::Others { entries: all });
        }
        Ok(Taken { networks: Networks::of(self.v4, self.v6), ..self.taken })
    }
}

/// The beginning of a stranger's text, fit to be shown.
fn shown(text: &str) -> String {
    beginning(text, 40)
}

/// So many characters of a text, fit to be shown.
fn beginning(text: &str, most: usize) -> String {
    let mut shown: String = text.chars().take(most).flat_map(char::escape_debug).collect();
    if text.chars().nth(most).is_some() {
        shown.push('…');
    }
    shown
}

#[cfg(test)]
mod tests;
