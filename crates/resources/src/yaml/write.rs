//! Values as YAML 1.2, so that a person likes to read it and any reader reads the same.

use serde_json::Value;
use std::fmt::Write;

/// In which order the keys of mappings stand.
pub(crate) trait Keys {
    /// The keys in this order come first; others follow, sorted. `path` are the keys that lead here, without lists.
    fn order(&self, path: &[&str]) -> &[String];
}

/// Widest line with a mapping or list on it, in characters.
const WIDTH_MAX: usize = 120;
/// Longest key that stands before its colon, in characters (YAML 1.2.2 §7.4.2 allows 1024 with quotes and escapes).
const KEY_MAX: usize = 128;

/// Keys that come first wherever they stand.
struct First(Vec<String>);

impl Keys for First {
    fn order(&self, _path: &[&str]) -> &[String] {
        &self.0
    }
}

/// A mapping as a document of YAML: these keys come first wherever they stand, the others sorted.
#[must_use]
pub fn written(value: &Value, first: &[&str]) -> String {
    let keys = First(first.iter().map(|key| (*key).to_owned()).collect());
    let mut out = String::new();
    nested(value, 0, &mut Vec::new(), &keys, &mut out);
    out
}

/// Writes `key: value` at an indentation, with the line break.
pub(crate) fn member<'a>(key: &'a str, value: &'a Value, indent: usize, path: &mut Vec<&'a str>, keys: &dyn Keys, out: &mut String) {
    path.push(key);
    if key.chars().count() > KEY_MAX {
        let _ = writeln!(out, "{:indent$}? {}", "", scalar_text(key, Within::Block));
        let _ = write!(out, "{:indent$}:", "");
    } else {
        let _ = write!(out, "{:indent$}{}:", "", scalar_text(key, Within::Flow));
    }
    let used = out.len() - out.rfind('\n').map_or(0, |at| at + 1);
    after(value, indent, used, path, keys, out);
    path.pop();
}

/// Writes a value behind `key:` or `-`, with the line break. `used` is how much of the line is. Mappings in a list stand below
/// each other, so that a change of one is a change of one line.
fn after<'a>(value: &'a Value, indent: usize, used: usize, path: &mut Vec<&'a str>, keys: &dyn Keys, out: &mut String) {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => {
            let _ = writeln!(out, " {value}");
        }
        Value::String(text) => match block(text, indent + 2) {
            Some(block) => {
                out.push(' ');
                out.push_str(&block);
            }
            None => {
                let _ = writeln!(out, " {}", scalar_text(text, Within::Block));
            }
        },
        Value::Array(items) if items.is_empty() => out.push_str(" []\n"),
        Value::Object(members) if members.is_empty() => out.push_str(" {}\n"),
        Value::Array(_) | Value::Object(_) => {
            let mut line = String::new();
            let table = matches!(value, Value::Array(items) if items.iter().any(Value::is_object));
            if !table && flow(value, WIDTH_MAX.saturating_sub(used + 1), path, keys, &mut line) {
                let _ = writeln!(out, " {line}");
            } else {
                out.push('\n');
                nested(value, indent + 2, path, keys, out);
            }
        }
    }
}

/// Writes a list or a mapping, an item a line.
pub(crate) fn nested<'a>(value: &'a Value, indent: usize, path: &mut Vec<&'a str>, keys: &dyn Keys, out: &mut String) {
    match value {
        Value::Object(_) => {
            for (key, value) in ordered(value, path, keys) {
                member(key, value, indent, path, keys, out);
            }
        }
        Value::Array(items) => {
            for item in items {
                let _ = write!(out, "{:indent$}-", "");
                after(item, indent, indent + 1, path, keys, out);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// Writes a value on one line, unless that would be longer than `width` or hard to read.
fn flow<'a>(value: &'a Value, width: usize, path: &mut Vec<&'a str>, keys: &dyn Keys, out: &mut String) -> bool {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => {
            let _ = write!(out, "{value}");
        }
        Value::String(text) if text.contains('\n') => return false,
        Value::String(text) => out.push_str(&scalar_text(text, Within::Flow)),
        Value::Array(items) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                out.push_str(if index == 0 { "" } else { ", " });
                if !flow(item, width, path, keys, out) || out.len() > width {
                    return false;
                }
            }
            out.push(']');
        }
        Value::Object(members) if members.is_empty() => out.push_str("{}"),
        Value::Object(_) => {
            out.push_str("{ ");
            for (index, (key, value)) in ordered(value, path, keys).into_iter().enumerate() {
                if key.chars().count() > KEY_MAX {
                    return false;
                }
                let _ = write!(out, "{}{}: ", if index == 0 { "" } else { ", " }, scalar_text(key, Within::Flow));
                path.push(key);
                let fits = flow(value, width, path, keys, out) && out.len() <= width;
                path.pop();
                if !fits {
                    return false;
                }
            }
            out.push_str(" }");
        }
    }
    out.len() <= width
}

fn ordered<'a>(value: &'a Value, path: &[&str], keys: &dyn Keys) -> Vec<(&'a str, &'a Value)> {
    let Value::Object(members) = value else { return Vec::new() };
    let order = keys.order(path);
    let mut ordered: Vec<(&str, &Value)> = members.iter().map(|(key, value)| (key.as_str(), value)).collect();
    ordered.sort_unstable_by_key(|(key, _)| (order.iter().position(|known| known == key).unwrap_or(order.len()), *key));
    ordered
}

/// Around a scalar: commas and brackets end it on a line of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Within {
    /// A line of its own.
    Block,
    /// A list or a mapping on one line, or a key.
    Flow,
}

/// A text as a scalar of one line: bare where nobody could take it for anything else, in double quotes otherwise.
pub(crate) fn scalar_text(text: &str, within: Within) -> String {
    if is_bare(text, within) {
        return text.to_owned();
    }
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for c in text.chars() {
        match c {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\t' => quoted.push_str("\\t"),
            '\r' => quoted.push_str("\\r"),
            c if is_shown(c) => quoted.push(c),
            c if u32::from(c) <= 0xFFFF => {
                let _ = write!(quoted, "\\u{:04X}", u32::from(c));
            }
            c => {
                let _ = write!(quoted, "\\U{:08X}", u32::from(c));
            }
        }
    }
    quoted.push('"');
    quoted
}

/// Characters that are written as they are: printable, and no line break of anybody's.
fn is_shown(c: char) -> bool {
    let unseen = matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202f}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff0}'..='\u{ffff}');
    c == ' ' || !(c.is_control() || c.is_whitespace() || unseen || matches!(c, '\u{e0000}'..='\u{10ffff}'))
}

/// Words that a reader, perhaps one of YAML 1.1, takes for something else than text.
const WORDS: [&str; 9] = ["null", "true", "false", "yes", "no", "on", "off", "y", "n"];

fn is_bare(text: &str, within: Within) -> bool {
    let Some(first) = text.chars().next() else { return false };
    let begins = first.is_alphabetic() || matches!(first, '/' | '_') || (first.is_ascii_digit() && is_no_number(text));
    let inner = |c: char| match c {
        ',' => within == Within::Block,
        '[' | ']' | '{' | '}' | '#' | '&' | '*' | '!' | '|' | '>' | '%' | '`' | '"' | '\'' | '\\' | '?' => false,
        c => is_shown(c),
    };
    let colons = text.match_indices(':').all(|(at, _)| text.as_bytes().get(at + 1).is_some_and(|next| !matches!(next, b' ' | b',' | b'"')));
    let word = WORDS.iter().any(|word| word.eq_ignore_ascii_case(text));
    begins && !word && !text.ends_with(' ') && !text.contains("  ") && colons && text.chars().all(inner)
}

/// Whether a text that begins with a digit is neither a number nor, to readers of YAML 1.1, a time: a date, a duration, a
/// network, a rate and so on.
fn is_no_number(text: &str) -> bool {
    let rest = text.trim_start_matches(|c: char| c.is_ascii_digit());
    let date = text.len() == 10
        && text.bytes().enumerate().all(|(at, byte)| if matches!(at, 4 | 7) { byte == b'-' } else { byte.is_ascii_digit() });
    let unit = rest.starts_with(|c: char| c.is_ascii_alphabetic() && !matches!(c, 'e' | 'E' | 'x' | 'X' | 'o' | 'O' | 'b' | 'B'));
    date || unit || text.contains('/')
}

/// A text of several lines, as it stands, with the line break behind it; `None` where it has to be quoted.
fn block(text: &str, indent: usize) -> Option<String> {
    let breaks = text.len() - text.trim_end_matches('\n').len();
    let body = text.trim_end_matches('\n');
    let shown = |c: char| c == '\n' || is_shown(c);
    let lines_fit = body.split('\n').all(|line| !line.ends_with(' ') && !line.starts_with("\u{feff}"));
    if !body.contains('\n') && breaks == 0 || body.is_empty() || body.starts_with([' ', '\n']) || !lines_fit || !body.chars().all(shown) {
        return None;
    }
    let mut out = match breaks {
        0 => "|-\n".to_owned(),
        1 => "|\n".to_owned(),
        _ => "|+\n".to_owned(),
    };
    for line in body.split('\n') {
        if line.is_empty() {
            out.push('\n');
        } else {
            let _ = writeln!(out, "{:indent$}{line}", "");
        }
    }
    (1..breaks).for_each(|_| out.push('\n'));
    Some(out)
}
