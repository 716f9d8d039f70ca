//! What reads as an attack on what is behind: SQL, commands, markup, templates and paths in the texts of a request.
//!
//! One weak signal and never a verdict: honest texts speak of such things, too. All patterns are one automaton, linear in the text; what
//! cannot hold any of them is not run through it. How well it does: `tests` beside this file, with the figures.

use super::{
    form::{self, Plus},
    json::{Kind, Tape},
};
use regex::bytes::{RegexSet, RegexSetBuilder};
use std::sync::LazyLock;

/// Longest part of one text that is looked at, in bytes.
const TEXT_BYTES_MAX: usize = 8 * 1024;
/// Bytes of one body that are looked at.
const BODY_BYTES_MAX: usize = 256 * 1024;

/// What is looked for, and how much it says. Whatever stands in an honest text now and then says less.
const PATTERNS: [(u8, &str); 18] = [
    // A condition that holds, or does not, whatever the record.
    (60, r#"\b(?:and|or|where|having|when|rlike|like|xor)\b[\s(+'"]*-?\w+['"]?[)\s]*(?:=|<>|!=|<|>|like\s*['"(]|in\s*\()"#),
    (50, r#"['"\d)]\s*\b(?:and|or)\b.{0,40}(?:=|\blike\b)"#),
    // Another query, joined, within, or behind.
    (90, r"\bunion\b[\s(]*(?:all\b|distinct\b)?[\s(]*select\b"),
    (80, r"\bselect\b.{0,80}\b(?:from|where|case|null|count|sleep|char|chr|concat|upper|hex|benchmark)\b"),
    (80, r"\(\s*select\b"),
    (90, r";\s*(?:select|insert|update|delete|drop|create|alter|exec|execute|declare|waitfor|begin|call|if|iif|shutdown|truncate)\b"),
    (80, r#"(?:^|[\s'")(;])(?:drop|insert|delete|truncate)\s+(?:table|into|from|function|database)\b"#),
    // What only an attack asks a database for.
    (
        80,
        r"\b(?:extractvalue|updatexml|benchmark|pg_sleep|sleep|randomblob|load_file|generate_series|xmltype|crypt_key|regexp_substring|make_set|group_concat|elt|convert|analyse|iif)\s*\(",
    ),
    (80, r"\b(?:dbms|utl|xp)_\w+|\bwaitfor\s+delay\b|\binformation_schema\b|\brdb\$|\bsysusers\b|\bsysibm\b"),
    (60, r"\b(?:order|group)\s+by\s+\d+"),
    (60, r#"['")]\s*(?:--|#|/\*)"#),
    // Markup and scripts.
    (70, r"<\s*/?\s*[a-z!?][^<]*|<!\[cdata|<!--"),
    (80, r"javascript\s*:|vbscript\s*:|\bon\w{3,20}\s*=|document\s*\.\s*(?:cookie|write)|alert\s*\(|expression\s*\(|\bdata:text/html"),
    // Up the tree, and what lies there.
    (90, r"(?:\.\.|0x2e0x2e|\.\.?0x2f)(?:[\\/]|0x2f|0x5c)|/\./|%00"),
    (60, r"^/\.{3,}|\.{8,}"),
    (80, r"/etc/|etc/?passwd|boot\.ini|inetpub|\bfile:|win\.ini|/web-inf/|\\\\\."),
    // Commands behind a command.
    (
        80,
        r#"[|;&$]\s*\(?\s*(?:/(?:bin|usr|etc|sbin)\b|(?:id|ls|cat|ping|dir|sleep|uname|whoami|wget|curl|nc|sh|bash|cmd|powershell|system|exec|echo)(?:[\s|;&/('"]|$))|\+dir\b|/(?:usr/)?s?bin/(?:id|ls|cat|sh|bash|sleep|ping|nc|wget|curl|uname|whoami)|\bping(?:\.exe)?\s+-n|<!--#exec|\bid\||`(?:uname|whoami|/|cat |curl |wget )"#,
    ),
    // Templates that are evaluated where they stand.
    (80, r"\{\{.{1,80}\}\}|\$\{.{1,80}\}|<%|#\{.{1,80}\}|\{%"),
];

/// Without Unicode's classes: texts are bytes here, and stay one automaton whatever is in them.
static AUTOMATON: LazyLock<Option<RegexSet>> = LazyLock::new(|| {
    let patterns = PATTERNS.iter().map(|(_, pattern)| pattern);
    RegexSetBuilder::new(patterns).case_insensitive(true).dot_matches_new_line(true).unicode(false).build().ok()
});

/// How much of a text reads as an attack, 0 to 100.
#[must_use]
pub fn of_text(text: &str) -> u8 {
    let bytes = text.as_bytes();
    let bytes = bytes.get(..TEXT_BYTES_MAX).unwrap_or(bytes);
    if is_plain(bytes) {
        return 0;
    }
    let Some(automaton) = AUTOMATON.as_ref() else { return 0 };
    let found = automaton.matches(bytes);
    found.iter().filter_map(|at| PATTERNS.get(at)).map(|(weight, _)| *weight).max().unwrap_or(0)
}

/// Bytes that stand in names, numbers and addresses: of them alone no attack is made, but of dots one after the other.
static PLAIN: [bool; 256] = plain(b'-');
/// The same, and what stands between the segments of a path.
static PLAIN_IN_PATH: [bool; 256] = plain(b'/');

const fn plain(also: u8) -> [bool; 256] {
    let mut plain = [false; 256];
    let mut byte = 0;
    while byte < 256 {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::indexing_slicing,
            reason = "INVARIANT: `byte` is below 256, and this runs at compile time"
        )]
        {
            plain[byte] = (byte as u8).is_ascii_alphanumeric()
                || matches!(byte as u8, b'_' | b'.' | b',' | b'@' | b'-' | 0x80..)
                || byte as u8 == also;
        }
        byte += 1;
    }
    plain
}

/// Whether all bytes are of a table. Nearly all texts are plain to their end: looking for the first that is not would cost more than it saves.
fn are_all(bytes: &[u8], plain: &[bool; 256]) -> bool {
    bytes.iter().fold(true, |all, byte| all & plain.get(usize::from(*byte)).copied().unwrap_or(false))
}

fn is_plain(bytes: &[u8]) -> bool {
    are_all(bytes, &PLAIN) && !bytes.windows(2).any(|pair| pair == b"..")
}

/// The same of all texts of a body: as much as the worst of them.
#[must_use]
pub fn of_tape(tape: &Tape<'_>) -> u8 {
    let (mut worst, mut left) = (0, BODY_BYTES_MAX);
    for token in tape.tokens().iter().filter(|token| matches!(token.kind(), Kind::Text | Kind::Loose)) {
        let text = tape.text(*token);
        let Some(rest) = left.checked_sub(text.len().min(TEXT_BYTES_MAX)) else { break };
        left = rest;
        worst = worst.max(of_text(&text));
    }
    worst
}

/// The same of a query: of each name and value.
#[must_use]
pub fn of_query(query: &str) -> u8 {
    form::pairs(query.as_bytes()).map(|(name, value)| of_text(&name).max(of_text(&value))).max().unwrap_or(0)
}

/// The same of a path: of each segment, as it is read behind the gate.
#[must_use]
pub fn of_path(path: &str) -> u8 {
    // Which dots may stand there has been seen to before, and a slash is where one segment ends.
    if are_all(path.as_bytes(), &PLAIN_IN_PATH) {
        return 0;
    }
    let segments = path.split('/').filter(|segment| !segment.is_empty());
    segments.map(|segment| of_text(&form::resolved(segment.as_bytes(), Plus::Plus))).max().unwrap_or(0)
}

#[cfg(test)]
mod tests;
