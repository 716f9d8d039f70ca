//! Patterns of JSON Schema: ECMA-262 as it is written, matched in time that grows with the text alone.

use regex::{Regex, RegexBuilder};
use std::fmt::Write;

/// Largest automaton of one pattern, in bytes.
const AUTOMATON_BYTES_MAX: usize = 1 << 20;
/// Longest pattern, in bytes.
const PATTERN_BYTES_MAX: usize = 4_096;

/// A pattern: somewhere in the text there is something that fits (JSON Schema core §6.4).
#[derive(Debug, Clone)]
pub struct Pattern {
    written: Box<str>,
    automaton: Regex,
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.written == other.written
    }
}

impl Eq for Pattern {}

/// Why a pattern cannot be matched here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PatternError {
    /// It looks ahead or behind, or back at what it has matched: no automaton does that in linear time.
    #[error("it looks around, or back at what it has matched, which takes more than linear time")]
    Looks,
    /// It is none.
    #[error("it is no pattern of ECMA-262")]
    Malformed,
    /// It is too long, or its automaton would be.
    #[error("it is too large")]
    TooLarge,
}

impl Pattern {
    /// Reads a pattern of ECMA-262 (with the flag `u`).
    ///
    /// # Errors
    /// When it cannot be matched in linear time, or is none.
    pub fn parse(written: &str) -> Result<Self, PatternError> {
        if written.len() > PATTERN_BYTES_MAX {
            return Err(PatternError::TooLarge);
        }
        let ours = translated(written)?;
        let automaton = RegexBuilder::new(&ours).size_limit(AUTOMATON_BYTES_MAX).dfa_size_limit(AUTOMATON_BYTES_MAX).build();
        match automaton {
            Ok(automaton) => Ok(Self { written: written.into(), automaton }),
            Err(regex::Error::CompiledTooBig(_)) => Err(PatternError::TooLarge),
            Err(_) => Err(PatternError::Malformed),
        }
    }

    /// Whether something in the text fits.
    #[must_use]
    pub fn fits(&self, text: &str) -> bool {
        self.automaton.is_match(text)
    }

    /// As it is written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.written
    }
}

/// The same in the words of our automata, whose classes are those of Unicode and whose `.` and brackets mean something else.
fn translated(written: &str) -> Result<String, PatternError> {
    let mut ours = String::with_capacity(written.len() + 16);
    let mut rest = written.chars().peekable();
    let mut within = false;
    while let Some(c) = rest.next() {
        match c {
            '\\' => escape(&mut rest, within, &mut ours)?,
            '[' if !within => {
                within = true;
                ours.push('[');
                if rest.next_if_eq(&'^').is_some() {
                    ours.push('^');
                }
                if rest.peek() == Some(&']') {
                    // Nothing, or anything: nobody writes that and means it.
                    return Err(PatternError::Malformed);
                }
            }
            ']' if within => {
                within = false;
                ours.push(']');
            }
            // What these mean within brackets is ours alone.
            '[' | '&' | '~' if within => {
                ours.push('\\');
                ours.push(c);
            }
            '-' if within && rest.peek() == Some(&'-') => ours.push_str("\\-"),
            '.' if !within => ours.push_str("[^\\n\\r\\u{2028}\\u{2029}]"),
            '(' if !within && rest.peek() == Some(&'?') => {
                rest.next();
                match (rest.next(), rest.peek()) {
                    (Some(':'), _) => ours.push_str("(?:"),
                    (Some('<'), Some(next)) if !matches!(next, '=' | '!') => ours.push_str("(?<"),
                    _ => return Err(PatternError::Looks),
                }
            }
            '{' if !within && is_count(rest.clone()) => {
                ours.push('{');
                until_brace(&mut rest, &mut ours)?;
            }
            '{' | '}' if !within => {
                ours.push('\\');
                ours.push(c);
            }
            c => ours.push(c),
        }
    }
    if within { Err(PatternError::Malformed) } else { Ok(ours) }
}

/// Whether what follows an opening brace makes it a count: `3}`, `3,}`, `3,5}`.
fn is_count(rest: std::iter::Peekable<std::str::Chars<'_>>) -> bool {
    let text: String = rest.take_while(|c| *c != '}').take(24).collect();
    let mut parts = text.splitn(2, ',');
    let number = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    parts.next().is_some_and(number) && parts.next().is_none_or(|part| part.is_empty() || number(part))
}

/// Takes what stands before the next closing brace over as it is, and the brace.
fn until_brace(rest: &mut std::iter::Peekable<std::str::Chars<'_>>, ours: &mut String) -> Result<(), PatternError> {
    for c in rest.by_ref() {
        ours.push(c);
        if c == '}' {
            return Ok(());
        }
    }
    Err(PatternError::Malformed)
}

/// White space of ECMA-262 §12.2 and §12.3.
const SPACE: &str = "\\t\\n\\u{b}\\u{c}\\r \\u{a0}\\u{feff}\\u{2028}\\u{2029}\\p{Zs}";

fn escape(rest: &mut std::iter::Peekable<std::str::Chars<'_>>, within: bool, ours: &mut String) -> Result<(), PatternError> {
    let mut class = |negated: bool, members: &str| {
        let (open, close) = match (within, negated) {
            (true, false) => ("", ""),
            (_, true) => ("[^", "]"),
            (false, false) => ("[", "]"),
        };
        // Writing to a string cannot fail.
        let _ = write!(ours, "{open}{members}{close}");
    };
    match rest.next().ok_or(PatternError::Malformed)? {
        'd' => class(false, "0-9"),
        'D' => class(true, "0-9"),
        'w' => class(false, "0-9A-Za-z_"),
        'W' => class(true, "0-9A-Za-z_"),
        's' => class(false, SPACE),
        'S' => class(true, SPACE),
        'b' if within => ours.push_str("\\u{8}"),
        'b' => ours.push_str("(?-u:\\b)"),
        'B' if !within => ours.push_str("(?-u:\\B)"),
        '0' if !rest.peek().is_some_and(char::is_ascii_digit) => ours.push_str("\\u{0}"),
        '1'..='9' | 'k' => return Err(PatternError::Looks),
        c @ ('t' | 'n' | 'r' | 'f' | 'v') => {
            ours.push('\\');
            ours.push(c);
        }
        'c' => {
            let letter = rest.next().filter(char::is_ascii_alphabetic).ok_or(PatternError::Malformed)?;
            let _ = write!(ours, "\\u{{{:x}}}", u32::from(letter) % 32);
        }
        'x' => unit(rest, 2, ours)?,
        c @ ('u' | 'p' | 'P') if rest.peek() == Some(&'{') => {
            ours.push('\\');
            ours.push(c);
            until_brace(rest, ours)?;
        }
        'u' => unit(rest, 4, ours)?,
        c if c.is_ascii_alphanumeric() => return Err(PatternError::Malformed),
        c if c.is_ascii_punctuation() => {
            ours.push('\\');
            ours.push(c);
        }
        c => ours.push(c),
    }
    Ok(())
}

/// `\xHH` and `\uHHHH`.
fn unit(rest: &mut std::iter::Peekable<std::str::Chars<'_>>, digits: usize, ours: &mut String) -> Result<(), PatternError> {
    let hex: String = rest.by_ref().take(digits).collect();
    let value = u32::from_str_radix(&hex, 16).ok().filter(|_| hex.len() == digits).ok_or(PatternError::Malformed)?;
    // Half of a surrogate pair is no character.
    char::from_u32(value).ok_or(PatternError::Malformed)?;
    let _ = write!(ours, "\\u{{{value:x}}}");
    Ok(())
}
