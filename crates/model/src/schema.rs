//! What a JSON value has to be like: the schemas of an API's document (JSON Schema as OpenAPI 3.0 and 3.1 use it), compiled to a table of
//! nodes that refer to each other by number. So a schema that refers to itself is a circle in the table and no circle of owners.
//!
//! `resources` makes them, `abuse` holds requests against them. A keyword that is not here was told to the operator as not checked.

mod decimal;
mod pattern;

pub use decimal::Decimal;
pub use pattern::{Pattern, PatternError};

use std::sync::Arc;

/// The number of a node in its [`Schemas`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NodeId(u32);

impl NodeId {
    /// The node at this place of the table.
    #[must_use]
    pub const fn new(place: u32) -> Self {
        Self(place)
    }

    /// Its place in the table.
    #[must_use]
    pub const fn place(self) -> u32 {
        self.0
    }
}

/// The schemas of one document.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Schemas {
    nodes: Box<[Node]>,
}

impl Schemas {
    /// A table of nodes.
    #[must_use]
    pub fn new(nodes: Vec<Node>) -> Self {
        Self { nodes: nodes.into() }
    }

    /// A node; `None`: this table has none of that number.
    #[must_use]
    pub fn node(&self, id: NodeId) -> Option<&Node> {
        self.nodes.get(usize::try_from(id.0).ok()?)
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// Whether what a node describes can be of one of these types, as far as its own words and those of what it is put together from say.
    #[must_use]
    pub fn admits(&self, id: NodeId, types: Types) -> bool {
        Self::admits_among(&self.nodes, id, types)
    }

    /// The same of a table that is not whole yet.
    #[must_use]
    pub fn admits_among(nodes: &[Node], id: NodeId, types: Types) -> bool {
        admits(nodes, id, types, 8)
    }

    /// Shows what a member of an object is like, wherever what a node is put together from says something of it.
    pub fn of_member(&self, id: NodeId, name: &str, mut show: impl FnMut(NodeId)) {
        self.of_member_within(id, name, name_hash(name.as_bytes()), 8, &mut show);
    }

    fn of_member_within(&self, id: NodeId, name: &str, hash: u32, depth: u8, show: &mut dyn FnMut(NodeId)) {
        let (Some(node), Some(depth)) = (self.node(id), depth.checked_sub(1)) else { return };
        let property = node.object.as_deref().and_then(|rule| rule.members.find(name.as_bytes(), hash));
        property.and_then(|property| property.schema).into_iter().for_each(&mut *show);
        for id in node.all.iter().chain(&node.any).chain(&node.one) {
            self.of_member_within(*id, name, hash, depth, show);
        }
    }
}

fn admits(nodes: &[Node], id: NodeId, types: Types, depth: u8) -> bool {
    let Some(node) = nodes.get(id.0 as usize) else { return true };
    let Some(depth) = depth.checked_sub(1) else { return true };
    let some = |ids: &[NodeId]| ids.is_empty() || ids.iter().any(|id| admits(nodes, *id, types, depth));
    node.types.has_any(types) && node.all.iter().all(|id| admits(nodes, *id, types, depth)) && some(&node.any) && some(&node.one)
}

/// Types of JSON values, as a set. Integers are numbers, too.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Types(u8);

impl Types {
    /// None of them.
    pub const NONE: Self = Self(0);
    /// `null`.
    pub const NULL: Self = Self(1);
    /// `true` and `false`.
    pub const BOOLEAN: Self = Self(2);
    /// Numbers without a fraction, `1.0` too (JSON Schema validation §6.1.1).
    pub const INTEGER: Self = Self(4);
    /// Numbers with a fraction.
    pub const FRACTION: Self = Self(8);
    /// All numbers.
    pub const NUMBER: Self = Self(4 | 8);
    /// Texts.
    pub const STRING: Self = Self(16);
    /// Arrays.
    pub const ARRAY: Self = Self(32);
    /// Objects.
    pub const OBJECT: Self = Self(64);
    /// All of them.
    pub const ANY: Self = Self(127);

    /// The set that a word of JSON Schema stands for.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Some(match word {
            "null" => Self::NULL,
            "boolean" => Self::BOOLEAN,
            "integer" => Self::INTEGER,
            "number" => Self::NUMBER,
            "string" => Self::STRING,
            "array" => Self::ARRAY,
            "object" => Self::OBJECT,
            _ => return None,
        })
    }

    /// Those of both.
    #[must_use]
    pub const fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether the sets have something in common.
    #[must_use]
    pub const fn has_any(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }
}

/// One schema: what holds of a value. The default holds of every value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// The types that it may have (`type`).
    pub types: Types,
    /// The values that it may be (`enum`, `const`); `None`: any.
    pub literals: Option<Box<[Literal]>>,
    /// What holds where it is a number.
    pub number: Option<Box<NumberRule>>,
    /// What holds where it is a text.
    pub text: Option<Box<TextRule>>,
    /// What holds where it is an array.
    pub list: Option<Box<ListRule>>,
    /// What holds where it is an object.
    pub object: Option<Box<ObjectRule>>,
    /// All of these hold, too (`allOf`).
    pub all: Box<[NodeId]>,
    /// One at least of these holds (`anyOf`); empty: nothing is asked.
    pub any: Box<[NodeId]>,
    /// Exactly one of these holds (`oneOf`); empty: nothing is asked.
    pub one: Box<[NodeId]>,
    /// This does not hold (`not`).
    pub not: Option<NodeId>,
    /// By which member it is told which of `any` or `one` is meant.
    pub discriminator: Option<Box<Discriminator>>,
}

impl Default for Node {
    fn default() -> Self {
        Self {
            types: Types::ANY,
            literals: None,
            number: None,
            text: None,
            list: None,
            object: None,
            all: Box::default(),
            any: Box::default(),
            one: Box::default(),
            not: None,
            discriminator: None,
        }
    }
}

impl Node {
    /// What holds of no value (`false`).
    #[must_use]
    pub fn nothing() -> Self {
        Self { types: Types::NONE, ..Self::default() }
    }
}

/// A value that stands in a schema.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Literal {
    /// `null`.
    Null,
    /// `true` or `false`.
    Boolean(bool),
    /// A number.
    Number(Decimal),
    /// A text.
    Text(Box<str>),
    /// An array.
    List(Box<[Literal]>),
    /// An object.
    Object(Box<[(Box<str>, Literal)]>),
}

/// What holds of numbers.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct NumberRule {
    /// `minimum`.
    pub min: Option<Decimal>,
    /// `maximum`.
    pub max: Option<Decimal>,
    /// `exclusiveMinimum`.
    pub above: Option<Decimal>,
    /// `exclusiveMaximum`.
    pub below: Option<Decimal>,
    /// `multipleOf`.
    pub step: Option<Decimal>,
}

/// What holds of texts. Lengths are counted in characters.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TextRule {
    /// `minLength`.
    pub min: u32,
    /// `maxLength`.
    pub max: Option<u32>,
    /// `pattern`.
    pub pattern: Option<Pattern>,
    /// `format`, where it is one of those that are checked.
    pub format: Option<Format>,
}

/// The formats that are checked; all others say only what is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// A date (RFC 3339 §5.6 `full-date`).
    Date,
    /// A moment (RFC 3339 §5.6 `date-time`).
    DateTime,
    /// A UUID (RFC 9562 §4).
    Uuid,
    /// An IPv4 address, dotted.
    Ipv4,
    /// An IPv6 address (RFC 4291 §2.2).
    Ipv6,
}

/// What holds of arrays.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ListRule {
    /// What the first items are like, one by one (`prefixItems`).
    pub first: Box<[NodeId]>,
    /// What all others are like (`items`); `None`: anything.
    pub rest: Option<NodeId>,
    /// `minItems`.
    pub min: u32,
    /// `maxItems`.
    pub max: Option<u32>,
    /// Whether no two items are the same (`uniqueItems`).
    pub unique: bool,
}

/// What holds of objects.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ObjectRule {
    /// The members that have a name.
    pub members: Properties,
    /// What members are like whose names fit (`patternProperties`).
    pub patterns: Box<[(Pattern, NodeId)]>,
    /// What the others are like (`additionalProperties`); `None`: anything.
    pub others: Option<NodeId>,
    /// What names are like (`propertyNames`).
    pub names: Option<NodeId>,
    /// `minProperties`.
    pub min: u32,
    /// `maxProperties`.
    pub max: Option<u32>,
}

/// A member that a schema speaks of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Property {
    hash: u32,
    /// Its name.
    pub name: Box<str>,
    /// What it is like; `None`: it is only required, and for all else one of the others.
    pub schema: Option<NodeId>,
    /// Whether it must be there.
    pub required: bool,
}

impl Property {
    /// A member.
    #[must_use]
    pub fn new(name: &str, schema: Option<NodeId>, required: bool) -> Self {
        Self { hash: name_hash(name.as_bytes()), name: name.into(), schema, required }
    }
}

/// The members that a schema speaks of, by the hash of their names ([`name_hash`]).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Properties {
    sorted: Box<[Property]>,
    required: u32,
}

impl Properties {
    /// Members, each once.
    #[must_use]
    pub fn of(mut properties: Vec<Property>) -> Self {
        properties.sort_by(|one, other| (one.hash, &one.name).cmp(&(other.hash, &other.name)));
        let required = u32::try_from(properties.iter().filter(|property| property.required).count()).unwrap_or(u32::MAX);
        Self { sorted: properties.into(), required }
    }

    /// All of them.
    #[must_use]
    pub fn all(&self) -> &[Property] {
        &self.sorted
    }

    /// How many of them are required.
    #[must_use]
    pub const fn required(&self) -> u32 {
        self.required
    }

    /// The member of this name, whose hash is `hash`.
    #[must_use]
    pub fn find(&self, name: &[u8], hash: u32) -> Option<&Property> {
        let from = self.sorted.partition_point(|property| property.hash < hash);
        let mut alike = self.sorted.get(from..)?.iter().take_while(|property| property.hash == hash);
        alike.find(|property| property.name.as_bytes() == name)
    }
}

/// By which member it is told which of several schemas is meant (OpenAPI 3.1 §4.8.25). A hint: it says which is tried first, and whose
/// faults are told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Discriminator {
    /// The member's name.
    pub name: Box<str>,
    /// Which of `any` or `one` its values stand for.
    pub mapping: Box<[(Box<str>, NodeId)]>,
}

/// A schema of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schema {
    /// The table.
    pub schemas: Arc<Schemas>,
    /// Where it begins.
    pub root: NodeId,
}

/// The hash by which names of members are looked up. Nothing rests on it being hard to meet: whoever meets it is compared byte by byte.
#[must_use]
pub fn name_hash(name: &[u8]) -> u32 {
    const FOLD: u64 = 0x9e37_79b9_7f4a_7c15;
    let mut hash = (name.len() as u64).wrapping_mul(FOLD);
    let mut chunks = name.chunks_exact(8);
    for chunk in &mut chunks {
        let mut word = [0_u8; 8];
        word.copy_from_slice(chunk);
        hash = (hash.rotate_left(23) ^ u64::from_le_bytes(word)).wrapping_mul(FOLD);
    }
    let mut last = 0_u64;
    for byte in chunks.remainder() {
        last = (last << 8) | u64::from(*byte);
    }
    hash = (hash.rotate_left(23) ^ last).wrapping_mul(FOLD);
    let [.., a, b, c, d] = hash.to_le_bytes();
    u32::from_le_bytes([a, b, c, d])
}

#[cfg(test)]
mod tests;
