//! One file of policies, cut into its statements, each with its place: so that every statement is judged by itself
//! and all diagnostics come at once. Bounds nesting before Cedar's recursive passes see it.

use wardgate_model::diagnostic::Place;

/// Brackets within brackets.
pub(crate) const NESTING_MAX: u32 = 24;
/// Joining operators (`&&`, `||`, `+`, `-`, `*`, `if`) in one statement: each may be a level of the tree.
pub(crate) const OPERATORS_MAX: u32 = 64;
/// Members (`a.b.c`) in a row.
pub(crate) const MEMBERS_MAX: u32 = 32;

/// One statement: `permit (…) when {…};`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Statement<'a> {
    /// Its first byte in the file.
    pub(crate) start: usize,
    /// Its text, the semicolon included.
    pub(crate) text: &'a str,
    /// Where it grows over a bound, and which.
    pub(crate) over: Option<(usize, &'static str)>,
}

#[derive(Default)]
struct Measure {
    nesting: u32,
    operators: u32,
    members: u32,
    over: Option<(usize, &'static str)>,
}

impl Measure {
    fn exceed(&mut self, at: usize, what: &'static str) {
        self.over.get_or_insert((at, what));
    }

    fn byte(&mut self, at: usize, byte: u8) {
        match byte {
            b'(' | b'[' | b'{' => {
                self.nesting += 1;
                if self.nesting > NESTING_MAX {
                    self.exceed(at, "brackets are nested deeper than 24 levels");
                }
            }
            b')' | b']' | b'}' => self.nesting = self.nesting.saturating_sub(1),
            b'.' => {
                self.members += 1;
                if self.members > MEMBERS_MAX {
                    self.exceed(at, "more than 32 members in a row");
                }
            }
            b',' => self.members = 0,
            b'&' | b'|' | b'+' | b'-' | b'*' => self.join(at),
            _ => {}
        }
    }

    fn join(&mut self, at: usize) {
        self.members = 0;
        self.operators += 1;
        // `&&` and `||` count twice, once a byte.
        if self.operators > OPERATORS_MAX * 2 {
            self.exceed(at, "more than 64 joined conditions in one policy");
        }
    }
}

/// Cuts `text` at the semicolons that stand outside strings and comments.
pub(crate) fn split(text: &str) -> Vec<Statement<'_>> {
    let mut found = Vec::new();
    let mut start: Option<usize> = None;
    let mut measure = Measure::default();
    let mut bytes = text.bytes().enumerate().peekable();
    let mut before = b' ';
    while let Some((at, byte)) = bytes.next() {
        match byte {
            b'/' if bytes.peek().is_some_and(|(_, next)| *next == b'/') => {
                while bytes.next_if(|(_, next)| *next != b'\n').is_some() {}
                continue;
            }
            _ if byte.is_ascii_whitespace() => {
                before = byte;
                continue;
            }
            _ => {}
        }
        let begin = *start.get_or_insert(at);
        match byte {
            b'"' => {
                while let Some((_, inner)) = bytes.next() {
                    match inner {
                        b'\\' => drop(bytes.next()),
                        b'"' => break,
                        _ => {}
                    }
                }
            }
            b';' => {
                found.push(Statement { start: begin, text: text.get(begin..=at).unwrap_or_default(), over: measure.over });
                start = None;
                measure = Measure::default();
            }
            b'i' if !before.is_ascii_alphanumeric() && before != b'_' && bytes.peek().is_some_and(|(_, next)| *next == b'f') => {
                measure.join(at);
                measure.join(at);
            }
            _ => measure.byte(at, byte),
        }
        before = byte;
    }
    if let Some(begin) = start {
        found.push(Statement { start: begin, text: text.get(begin..).unwrap_or_default(), over: measure.over });
    }
    found
}

/// Where the lines of a text begin, so that places are found without reading it again.
#[derive(Debug, Clone)]
pub(crate) struct Lines(Vec<usize>);

impl Lines {
    pub(crate) fn of(text: &str) -> Self {
        Self(std::iter::once(0).chain(text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(at, _)| at + 1)).collect())
    }

    /// The place of the byte at `offset` of `text`. `base` is the file; a line in it is where the text begins.
    pub(crate) fn place(&self, base: &Place, text: &str, offset: usize) -> Place {
        let mut end = offset.min(text.len());
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        let lines = self.0.partition_point(|start| *start <= end).saturating_sub(1);
        let start = self.0.get(lines).copied().unwrap_or(0);
        let column = text.get(start..end).unwrap_or_default().chars().count();
        let number = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        base.at(number(lines).saturating_add(base.line.max(1)), number(column).saturating_add(1))
    }
}

#[cfg(test)]
mod tests;
