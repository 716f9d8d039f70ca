//! A tree of nodes that know their place: what both YAML and stored JSON become before they are typed.

use super::{Chunk, DEPTH_MAX, FILE_BYTES_MAX, Spot};
use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, SeqAccess, Visitor},
};
use serde_json::{Map, Number, Value};
use serde_saphyr::{
    Location, Options, Spanned,
    options::{DuplicateKeyPolicy, MergeKeyPolicy},
};
use std::fmt;
use wardgate_model::diagnostic::{Diagnostic, Place};

/// A node and its place.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Node {
    /// Where it begins.
    pub(crate) spot: Spot,
    /// What it is.
    pub(crate) shape: Shape,
}

/// What a node can be. Keys stand in the order of the text, repeated ones included.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Shape {
    Null,
    Bool(bool),
    Number(Number),
    Text(String),
    List(Vec<Node>),
    Map(Vec<(Node, Node)>),
}

impl Node {
    pub(crate) const fn new(spot: Spot, shape: Shape) -> Self {
        Self { spot, shape }
    }

    /// Reads one document. `refused` is told of keys that are repeated or no text.
    pub(crate) fn read(place: &Place, chunk: &Chunk<'_>, refused: &mut Vec<Diagnostic>) -> Result<Self, Box<Diagnostic>> {
        let mut node: Self =
            serde_saphyr::from_str_with_options(chunk.text, options()).map_err(|error| Box::new(syntax(place, chunk, &error)))?;
        node.settle(place, chunk.line.saturating_sub(1), refused);
        Ok(node)
    }

    /// Moves the lines of a document to where it stands in its file, and takes keys out that cannot stay.
    fn settle(&mut self, place: &Place, lines: u32, refused: &mut Vec<Diagnostic>) {
        self.spot.line = self.spot.line.saturating_add(lines);
        match &mut self.shape {
            Shape::Null | Shape::Bool(_) | Shape::Number(_) | Shape::Text(_) => {}
            Shape::List(items) => items.iter_mut().for_each(|item| item.settle(place, lines, refused)),
            Shape::Map(entries) => {
                for (key, value) in entries.iter_mut() {
                    key.settle(place, lines, refused);
                    value.settle(place, lines, refused);
                }
                drop_bad_keys(place, entries, refused);
            }
        }
    }

    /// The same tree from JSON. Every node stands where `spots` says, in the order of [`Self::spots`], or else nowhere.
    pub(crate) fn from_json(value: &Value, spots: &mut dyn Iterator<Item = Spot>) -> Self {
        let spot = spots.next().unwrap_or_default();
        let shape = match value {
            Value::Null => Shape::Null,
            Value::Bool(truth) => Shape::Bool(*truth),
            Value::Number(number) => Shape::Number(number.clone()),
            Value::String(text) => Shape::Text(text.clone()),
            Value::Array(items) => Shape::List(items.iter().map(|item| Self::from_json(item, spots)).collect()),
            Value::Object(members) => {
                let mut entries = Vec::with_capacity(members.len());
                for (key, value) in members {
                    let key = Self::new(spots.next().unwrap_or_default(), Shape::Text(key.clone()));
                    entries.push((key, Self::from_json(value, spots)));
                }
                Shape::Map(entries)
            }
        };
        Self { spot, shape }
    }

    /// The tree as JSON: keys sorted, members without a value left out, so that one meaning has one text.
    pub(crate) fn to_json(&self) -> Value {
        match &self.shape {
            Shape::Null => Value::Null,
            Shape::Bool(truth) => Value::Bool(*truth),
            Shape::Number(number) => Value::Number(number.clone()),
            Shape::Text(text) => Value::String(text.clone()),
            Shape::List(items) => Value::Array(items.iter().map(Self::to_json).collect()),
            Shape::Map(_) => {
                let mut members = Map::new();
                for (key, value) in self.sorted() {
                    members.insert(key.text().unwrap_or_default().to_owned(), value.to_json());
                }
                Value::Object(members)
            }
        }
    }

    /// The places of keys and values, in the order in which [`Self::to_json`] has them.
    pub(crate) fn spots(&self, spots: &mut Vec<Spot>) {
        spots.push(self.spot);
        match &self.shape {
            Shape::Null | Shape::Bool(_) | Shape::Number(_) | Shape::Text(_) => {}
            Shape::List(items) => items.iter().for_each(|item| item.spots(spots)),
            Shape::Map(_) => {
                for (key, value) in self.sorted() {
                    spots.push(key.spot);
                    value.spots(spots);
                }
            }
        }
    }

    /// The entries that have a value, by key.
    fn sorted(&self) -> Vec<(&Self, &Self)> {
        let Shape::Map(entries) = &self.shape else { return Vec::new() };
        let mut sorted: Vec<_> = entries.iter().filter(|(_, value)| value.shape != Shape::Null).map(|(key, value)| (key, value)).collect();
        sorted.sort_by_key(|(key, _)| key.text());
        sorted
    }

    /// The text, if it is one.
    pub(crate) fn text(&self) -> Option<&str> {
        match &self.shape {
            Shape::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The member of a mapping.
    pub(crate) fn member(&self, name: &str) -> Option<&Self> {
        match &self.shape {
            Shape::Map(entries) => entries.iter().find(|(key, _)| key.text() == Some(name)).map(|(_, value)| value),
            _ => None,
        }
    }

    /// What it is, for a message.
    pub(crate) fn described(&self) -> String {
        match &self.shape {
            Shape::Null => "nothing".into(),
            Shape::Bool(truth) => format!("`{truth}`"),
            Shape::Number(number) => format!("the number `{number}`"),
            Shape::Text(text) => format!("the text `{}`", shortened(text)),
            Shape::List(_) => "a list".into(),
            Shape::Map(_) => "a mapping".into(),
        }
    }
}

/// The operator's words, cut where a message would drown in them.
pub(crate) fn shortened(text: &str) -> String {
    const CHARACTERS_MAX: usize = 80;
    let clean = |c: char| if c.is_control() { '\u{fffd}' } else { c };
    match text.char_indices().nth(CHARACTERS_MAX) {
        None => text.chars().map(clean).collect(),
        Some((end, _)) => text.get(..end).unwrap_or_default().chars().map(clean).chain(['…']).collect(),
    }
}

fn drop_bad_keys(place: &Place, entries: &mut Vec<(Node, Node)>, refused: &mut Vec<Diagnostic>) {
    let mut seen = std::collections::HashMap::<String, Spot>::new();
    entries.retain(|(key, _)| {
        let Some(name) = key.text() else {
            let what = format!("a key must be text, not {}", key.described());
            refused.push(Diagnostic::error(key.spot.of(place), "yaml.key", what).mend("write the key in quotes"));
            return false;
        };
        match seen.insert(name.to_owned(), key.spot) {
            None => true,
            Some(first) => {
                let what = format!("the key `{}` stands twice", shortened(name));
                let mend = format!("keep one; the first stands in line {}", first.line);
                refused.push(Diagnostic::error(key.spot.of(place), "yaml.duplicate_key", what).mend(mend));
                seen.insert(name.to_owned(), first);
                false
            }
        }
    });
}

/// Budgets and the strict reading of YAML 1.2: `yes` is text, `<<` is refused.
pub(crate) fn options() -> Options {
    serde_saphyr::options! {
        budget: serde_saphyr::budget! {
            max_depth: DEPTH_MAX,
            max_events: 500_000,
            max_nodes: 250_000,
            max_aliases: 1_000,
            max_anchors: 1_000,
            max_documents: 1,
            max_total_scalar_bytes: FILE_BYTES_MAX,
            flow_nesting_limit: DEPTH_MAX,
            max_buffered_comment_events: 100_000,
        },
        alias_limits: serde_saphyr::alias_limits! { max_total_replayed_events: 100_000, max_replay_stack_depth: 16 },
        duplicate_keys: DuplicateKeyPolicy::PassThrough,
        merge_keys: MergeKeyPolicy::Error,
        strict_booleans: true,
        with_snippet: false,
    }
}

/// Deepest nesting of a large text. The reader is recursive: an unoptimised build needs about 25 KiB of stack a level.
const STRICT_DEPTH_MAX: usize = 40;

/// Reads a whole text, large but flat, whose type refuses repeated keys itself.
pub(crate) fn read_strict<T: serde::de::DeserializeOwned>(place: &Place, text: &str) -> Result<T, Box<Diagnostic>> {
    let mut options = options();
    options.budget = serde_saphyr::budget! {
        max_depth: STRICT_DEPTH_MAX,
        max_events: 8_000_000,
        max_nodes: 4_000_000,
        max_aliases: 10_000,
        max_anchors: 10_000,
        max_documents: 1,
        max_total_scalar_bytes: text.len(),
        flow_nesting_limit: STRICT_DEPTH_MAX,
        max_buffered_comment_events: 100_000,
    };
    let chunk = Chunk { text, line: 1, marked: false };
    serde_saphyr::from_str_with_options(text, options).map_err(|error| Box::new(syntax(place, &chunk, &error)))
}

fn syntax(place: &Place, chunk: &Chunk<'_>, error: &serde_saphyr::Error) -> Diagnostic {
    let at = match error.location() {
        Some(location) => {
            let spot = spot(location);
            place.at(spot.line.saturating_add(chunk.line).saturating_sub(1), spot.column)
        }
        None => place.at(chunk.line, 1),
    };
    let said = error.without_snippet().render_with_formatter(&serde_saphyr::UserMessageFormatter);
    let said = said.strip_prefix("error: ").unwrap_or(&said);
    let said = said.rsplit_once(" at line ").map_or(said, |(said, _)| said);
    let said = said.lines().next().unwrap_or_default().trim_end_matches(['.', ':']);
    let budget =
        matches!(error.without_snippet(), serde_saphyr::Error::Budget { .. } | serde_saphyr::Error::AliasReplayLimitExceeded { .. });
    // Aliases wrap the error of what they stand for, and the scanner has limits of its own; both only say so in words.
    let budget = budget || ["YAML document too large", "recursion limit"].iter().any(|words| said.starts_with(words));
    match () {
        () if budget => Diagnostic::error(at, "yaml.budget", "the document is larger or deeper than is read, its aliases counted")
            .mend("write it out in smaller documents, without nested aliases"),
        () if has_tab(chunk) => Diagnostic::error(at, "yaml.syntax", said).mend("indent with spaces: YAML knows no tabs there"),
        () => Diagnostic::error(at, "yaml.syntax", said),
    }
}

fn has_tab(chunk: &Chunk<'_>) -> bool {
    chunk.text.lines().any(|line| line.chars().take_while(|c| c.is_whitespace()).any(|c| c == '\t'))
}

fn spot(location: Location) -> Spot {
    Spot { line: u32::try_from(location.line()).unwrap_or(u32::MAX), column: u32::try_from(location.column()).unwrap_or(u32::MAX) }
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let spanned = Spanned::<Shape>::deserialize(deserializer)?;
        Ok(Self { spot: spot(spanned.referenced), shape: spanned.value })
    }
}

impl<'de> Deserialize<'de> for Shape {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ShapeVisitor)
    }
}

struct ShapeVisitor;

impl<'de> Visitor<'de> for ShapeVisitor {
    type Value = Shape;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<Shape, E> {
        Ok(Shape::Null)
    }

    fn visit_bool<E>(self, truth: bool) -> Result<Shape, E> {
        Ok(Shape::Bool(truth))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Shape, E> {
        Ok(Shape::Number(number.into()))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Shape, E> {
        Ok(Shape::Number(number.into()))
    }

    fn visit_f64<E: serde::de::Error>(self, number: f64) -> Result<Shape, E> {
        Number::from_f64(number).map(Shape::Number).ok_or_else(|| E::custom("a number must be finite"))
    }

    fn visit_str<E>(self, text: &str) -> Result<Shape, E> {
        Ok(Shape::Text(text.to_owned()))
    }

    fn visit_string<E>(self, text: String) -> Result<Shape, E> {
        Ok(Shape::Text(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Shape, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = seq.next_element()? {
            items.push(item);
        }
        Ok(Shape::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Shape, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = map.next_entry()? {
            entries.push(entry);
        }
        Ok(Shape::Map(entries))
    }

    fn visit_bytes<E: serde::de::Error>(self, _: &[u8]) -> Result<Shape, E> {
        Err(E::custom("binary values are not read"))
    }
}
