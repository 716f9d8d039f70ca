//! Where in the text of a document its JSON pointers (RFC 6901) lead: line and column of the key, or of the item of a list. Only asked of
//! a document that something is wrong with, so that what is right is read once and no place of it is kept.

use crate::yaml::{self, Node, Shape, Spot};
use std::collections::{HashMap, HashSet};
use wardgate_model::diagnostic::Place;

/// Where each of these pointers leads; where nothing stands there, what stands nearest above it. Pointers of which nothing is known are
/// left out, the whole document among them.
pub(super) fn of<'p>(place: &Place, text: &str, pointers: impl Iterator<Item = &'p str>) -> HashMap<&'p str, Spot> {
    let pointers: HashSet<&str> = pointers.collect();
    let found: HashMap<&str, Spot> = if pointers.is_empty() {
        HashMap::new()
    } else if text.trim_start().starts_with('{') {
        let wanted: HashSet<&str> = pointers.iter().flat_map(|pointer| above(pointer)).collect();
        json(text, &wanted)
    } else {
        let root = yaml::read_strict::<Node>(place, text).ok();
        let wanted = pointers.iter().flat_map(|pointer| above(pointer));
        wanted.filter_map(|pointer| Some((pointer, led(root.as_ref()?, pointer)?))).collect()
    };
    pointers.into_iter().filter_map(|pointer| Some((pointer, *above(pointer).find_map(|above| found.get(above))?))).collect()
}

/// A pointer and all above it but the whole document, the longest first.
fn above(pointer: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(Some(pointer), |pointer| pointer.rsplit_once('/').map(|(above, _)| above)).filter(|pointer| !pointer.is_empty())
}

fn led(root: &Node, pointer: &str) -> Option<Spot> {
    let mut node = root;
    let mut spot = None;
    for step in pointer.split('/').skip(1) {
        let name = step.replace("~1", "/").replace("~0", "~");
        match &node.shape {
            Shape::Map(entries) => {
                let (key, value) = entries.iter().find(|(key, _)| is(key, &name))?;
                (node, spot) = (value, Some(key.spot));
            }
            Shape::List(items) => {
                node = items.get(step.parse::<usize>().ok()?)?;
                spot = Some(node.spot);
            }
            Shape::Null | Shape::Bool(_) | Shape::Number(_) | Shape::Text(_) => return None,
        }
    }
    spot
}

/// Whether a key has this name: `5:` of YAML names `"5"`.
fn is(key: &Node, name: &str) -> bool {
    match &key.shape {
        Shape::Text(text) => text == name,
        Shape::Number(number) => number.to_string() == name,
        Shape::Bool(truth) => truth.to_string() == name,
        Shape::Null | Shape::List(_) | Shape::Map(_) => false,
    }
}

/// An object or an array that is not over yet.
struct Open {
    /// How long the pointer to it is.
    pointer: usize,
    /// In an array: which item is next.
    item: Option<usize>,
}

/// Goes through a text that has been read as JSON before, without recursion: what is no JSON after all ends it early.
fn json<'p>(text: &str, wanted: &HashSet<&'p str>) -> HashMap<&'p str, Spot> {
    let mut found = HashMap::new();
    let mut lines = Lines { text, at: 0, spot: Spot { line: 1, column: 1 } };
    let mut open: Vec<Open> = Vec::new();
    let mut pointer = String::new();
    let mut at = 0;
    // Whether what comes next begins a key or an item.
    let mut begins = false;
    while let Some(byte) = text.as_bytes().get(at).copied() {
        if byte.is_ascii_whitespace() {
            at += 1;
            continue;
        }
        let end = if byte == b'"' { end_of_text(text, at) } else { at + 1 };
        if begins
            && !matches!(byte, b']' | b'}')
            && let Some(inner) = open.last_mut()
        {
            begins = false;
            pointer.truncate(inner.pointer);
            pointer.push('/');
            match &mut inner.item {
                Some(item) => {
                    pointer.push_str(&item.to_string());
                    *item += 1;
                }
                None => {
                    let key = text.get(at..end).and_then(|key| serde_json::from_str::<String>(key).ok()).unwrap_or_default();
                    pointer.push_str(&super::walk::escaped(&key));
                }
            }
            if let Some(known) = wanted.get(pointer.as_str()) {
                found.insert(*known, lines.spot(at));
            }
        }
        match byte {
            b'{' | b'[' => {
                open.push(Open { pointer: pointer.len(), item: (byte == b'[').then_some(0) });
                begins = true;
            }
            b'}' | b']' => {
                let ended = open.pop();
                pointer.truncate(ended.map_or(0, |ended| ended.pointer));
                begins = false;
            }
            b',' => begins = true,
            _ => {}
        }
        at = end;
    }
    found
}

/// Where the text that begins here ends.
fn end_of_text(text: &str, begin: usize) -> usize {
    let mut at = begin + 1;
    loop {
        match text.as_bytes().get(at) {
            None => return at,
            Some(b'"') => return at + 1,
            Some(b'\\') => at += 2,
            Some(_) => at += 1,
        }
    }
}

/// Counts lines and columns up to places that come one after the other.
struct Lines<'t> {
    text: &'t str,
    at: usize,
    spot: Spot,
}

impl Lines<'_> {
    fn spot(&mut self, at: usize) -> Spot {
        for c in self.text.get(self.at..at).unwrap_or_default().chars() {
            self.spot = match c {
                '\n' => Spot { line: self.spot.line.saturating_add(1), column: 1 },
                _ => Spot { line: self.spot.line, column: self.spot.column.saturating_add(1) },
            };
        }
        self.at = self.at.max(at);
        self.spot
    }
}

#[cfg(test)]
mod tests;
