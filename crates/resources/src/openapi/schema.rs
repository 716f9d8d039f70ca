//! Schemas of a document to a table of nodes. OpenAPI 3.0 has a dialect of JSON Schema of its own (§4.7.24 there), 3.1 has JSON Schema 2020-12.
//!
//! References within the document are followed, each once; nothing is ever fetched. What is not compiled is kept for one warning a keyword,
//! and is not checked.

use super::{circle, keywords, walk::escaped};
use serde_json::{Map, Value};
use std::collections::{BTreeMap, HashMap, HashSet};
use wardgate_model::schema::{
    Decimal, Discriminator, Format, ListRule, Literal, Node, NodeId, NumberRule, ObjectRule, Pattern, Properties, Property, Schemas,
    TextRule, Types,
};

/// Nodes of one document.
const NODES_MAX: usize = 400_000;
/// Schemas within each other.
const DEPTH_MAX: usize = 64;
/// Keywords that say something of values, and are not compiled.
const UNCHECKED: [&str; 14] = [
    "if",
    "then",
    "else",
    "contains",
    "minContains",
    "maxContains",
    "dependentRequired",
    "dependentSchemas",
    "dependencies",
    "additionalItems",
    "unevaluatedProperties",
    "unevaluatedItems",
    "$dynamicRef",
    "$recursiveRef",
];

/// Which words a schema is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dialect {
    /// OpenAPI 3.0.
    Three,
    /// OpenAPI 3.1: JSON Schema 2020-12.
    JsonSchema,
}

/// What is not checked: by what it is, where it was met first, and how often.
pub(super) type Unchecked = BTreeMap<String, (String, usize)>;

pub(super) struct Compiler<'a> {
    document: &'a Value,
    dialect: Dialect,
    nodes: Vec<Node>,
    known: HashMap<&'a str, NodeId>,
    unchecked: Unchecked,
}

impl<'a> Compiler<'a> {
    pub(super) fn new(document: &'a Value) -> Self {
        let new = document.get("openapi").and_then(Value::as_str).is_some_and(|version| version.starts_with("3.1."));
        let dialect = if new { Dialect::JsonSchema } else { Dialect::Three };
        Self { document, dialect, nodes: Vec::new(), known: HashMap::new(), unchecked: Unchecked::new() }
    }

    pub(super) fn finish(mut self) -> (Schemas, Unchecked) {
        let circles = circle::opened(&mut self.nodes);
        let mut targets: Vec<&str> =
            self.known.iter().filter(|(_, id)| circles.contains(*id)).map(|(target, _)| target.trim_start_matches('#')).collect();
        targets.sort_unstable();
        targets.into_iter().for_each(|target| self.leave(keywords::ITSELF, target));
        (Schemas::new(self.nodes), self.unchecked)
    }

    /// Whether values of these types may come of a node that is compiled.
    pub(super) fn admits(&self, id: NodeId, types: Types) -> bool {
        // The table is not whole yet; what is asked for is.
        Schemas::admits_among(&self.nodes, id, types)
    }

    /// Keeps in mind that something is not checked.
    pub(super) fn leave(&mut self, what: impl Into<String>, pointer: &str) {
        self.unchecked.entry(what.into()).or_insert_with(|| (pointer.to_owned(), 0)).1 += 1;
    }

    /// Keeps a node.
    pub(super) fn keep(&mut self, node: Node) -> NodeId {
        self.push(node)
    }

    fn push(&mut self, node: Node) -> NodeId {
        let id = NodeId::new(u32::try_from(self.nodes.len()).unwrap_or(u32::MAX));
        self.nodes.push(node);
        id
    }

    /// A schema, as a node.
    pub(super) fn schema(&mut self, schema: &'a Value, pointer: &str, depth: usize) -> NodeId {
        if depth >= DEPTH_MAX || self.nodes.len() >= NODES_MAX {
            self.leave("a schema that is too deep or too large", pointer);
            return self.push(Node::default());
        }
        match schema {
            Value::Bool(false) => self.push(Node::nothing()),
            Value::Object(members) => {
                let said_beside = members.keys().any(|key| key != "$ref" && !is_annotation(key));
                match members.get("$ref").and_then(Value::as_str) {
                    Some(target) if !said_beside || self.dialect == Dialect::Three => self.referenced(target, pointer, depth),
                    _ => {
                        let node = self.node(members, pointer, depth);
                        self.push(node)
                    }
                }
            }
            Value::Bool(true) => self.push(Node::default()),
            _ => {
                self.leave("what should be a schema and is none", pointer);
                self.push(Node::default())
            }
        }
    }

    /// What a reference leads to, each compiled once; so a schema may refer to itself.
    fn referenced(&mut self, target: &'a str, pointer: &str, depth: usize) -> NodeId {
        if let Some(id) = self.known.get(target) {
            return *id;
        }
        let found = target.strip_prefix('#').filter(|target| target.is_empty() || target.starts_with('/'));
        // A pointer in a fragment has its escapes resolved first (RFC 6901 §6).
        let found = found.and_then(|target| self.document.pointer(target).or_else(|| self.document.pointer(&unescaped(target))));
        let id = self.push(Node::default());
        match found {
            Some(schema) => {
                self.known.insert(target, id);
                // How deep it lies is told by how deep it is met, and a circle is met once.
                let whole = self.schema(schema, target.trim_start_matches('#'), depth + 1);
                if let Some(slot) = usize_of(id).and_then(|at| self.nodes.get_mut(at)) {
                    slot.all = [whole].into();
                }
            }
            None => self.leave("a reference that leads nowhere in the document", pointer),
        }
        id
    }

    fn node(&mut self, schema: &'a Map<String, Value>, pointer: &str, depth: usize) -> Node {
        for keyword in UNCHECKED {
            if schema.get(keyword).is_some_and(|value| *value != Value::Bool(true) || !keyword.starts_with("unevaluated")) {
                self.leave(format!("`{keyword}`"), pointer);
            }
        }
        keywords::mistyped(schema, self.dialect, pointer, |what, pointer| self.leave(what, &pointer));
        let nullable = self.dialect == Dialect::Three && schema.get("nullable") == Some(&Value::Bool(true));
        let mut node = Node {
            types: self.types(schema, nullable, pointer),
            literals: literals(schema, nullable),
            number: self.number(schema).map(Box::new),
            text: self.text(schema, pointer).map(Box::new),
            list: self.list(schema, pointer, depth).map(Box::new),
            object: self.object(schema, pointer, depth).map(Box::new),
            all: self.several(schema, "allOf", pointer, depth),
            any: self.several(schema, "anyOf", pointer, depth),
            one: self.several(schema, "oneOf", pointer, depth),
            not: None,
            discriminator: None,
        };
        if let Some(not) = schema.get("not") {
            node.not = Some(self.schema(not, &format!("{pointer}/not"), depth + 1));
        }
        if let (Dialect::JsonSchema, Some(target)) = (self.dialect, schema.get("$ref").and_then(Value::as_str)) {
            let target = self.referenced(target, pointer, depth);
            node.all = node.all.iter().copied().chain([target]).collect();
        }
        node.discriminator = self.discriminator(schema, &node).map(Box::new);
        if nullable && !schema.contains_key("type") && !(node.all.is_empty() && node.any.is_empty() && node.one.is_empty()) {
            // Many mean by it that what they refer to may be absent.
            let (null, whole) = (self.push(Node { types: Types::NULL, ..Node::default() }), self.push(node));
            return Node { any: [null, whole].into(), ..Node::default() };
        }
        node
    }

    fn types(&mut self, schema: &Map<String, Value>, nullable: bool, pointer: &str) -> Types {
        let words: Vec<&Value> = match schema.get("type") {
            None => return Types::ANY,
            Some(Value::Array(words)) => words.iter().collect(),
            Some(word) => vec![word],
        };
        let mut types = if nullable { Types::NULL } else { Types::NONE };
        for word in words {
            match word.as_str().and_then(Types::parse) {
                Some(one) => types = types.or(one),
                None => {
                    self.leave("a `type` that is none", &format!("{pointer}/type"));
                    return Types::ANY;
                }
            }
        }
        types
    }

    fn number(&self, schema: &Map<String, Value>) -> Option<NumberRule> {
        let decimal = |key: &str| schema.get(key).and_then(decimal);
        let is = |key: &str| schema.get(key) == Some(&Value::Bool(true));
        let mut rule = NumberRule {
            min: decimal("minimum"),
            max: decimal("maximum"),
            above: decimal("exclusiveMinimum"),
            below: decimal("exclusiveMaximum"),
            step: decimal("multipleOf"),
        };
        if self.dialect == Dialect::Three {
            if is("exclusiveMinimum") {
                rule.above = rule.min.take();
            }
            if is("exclusiveMaximum") {
                rule.below = rule.max.take();
            }
        }
        let span = match (schema.get("format").and_then(Value::as_str), schema.get("type").and_then(Value::as_str)) {
            (Some("int32"), Some("integer")) => Some((i64::from(i32::MIN), i64::from(i32::MAX))),
            (Some("int64"), Some("integer")) => Some((i64::MIN, i64::MAX)),
            _ => None,
        };
        if let Some((min, max)) = span {
            let (min, max) = (Decimal::whole(min), Decimal::whole(max));
            rule.min = Some(rule.min.map_or(min, |own| own.max(min)));
            rule.max = Some(rule.max.map_or(max, |own| own.min(max)));
        }
        (rule != NumberRule::default()).then_some(rule)
    }

    fn text(&mut self, schema: &'a Map<String, Value>, pointer: &str) -> Option<TextRule> {
        let format = match schema.get("format").and_then(Value::as_str) {
            Some("date") => Some(Format::Date),
            Some("date-time") => Some(Format::DateTime),
            Some("uuid") => Some(Format::Uuid),
            Some("ipv4") => Some(Format::Ipv4),
            Some("ipv6") => Some(Format::Ipv6),
            _ => None,
        };
        let pattern = schema.get("pattern").and_then(Value::as_str).and_then(|written| match Pattern::parse(written) {
            Ok(pattern) => Some(pattern),
            Err(error) => {
                self.leave(format!("a `pattern`: {error}"), &format!("{pointer}/pattern"));
                None
            }
        });
        let rule = TextRule { min: count(schema, "minLength").unwrap_or(0), max: count(schema, "maxLength"), pattern, format };
        (rule != TextRule::default()).then_some(rule)
    }

    fn list(&mut self, schema: &'a Map<String, Value>, pointer: &str, depth: usize) -> Option<ListRule> {
        let rest = match schema.get("items") {
            Some(Value::Array(_)) => {
                self.leave("`items` that is a list", pointer);
                None
            }
            Some(items) => Some(self.schema(items, &format!("{pointer}/items"), depth + 1)),
            None => None,
        };
        let rule = ListRule {
            first: self.several(schema, "prefixItems", pointer, depth),
            rest,
            min: count(schema, "minItems").unwrap_or(0),
            max: count(schema, "maxItems"),
            unique: schema.get("uniqueItems") == Some(&Value::Bool(true)),
        };
        (rule != ListRule::default()).then_some(rule)
    }

    fn object(&mut self, schema: &'a Map<String, Value>, pointer: &str, depth: usize) -> Option<ObjectRule> {
        let required: HashSet<&str> =
            schema.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect();
        let described = schema.get("properties").and_then(Value::as_object);
        let mut properties = Vec::new();
        for (name, member) in described.into_iter().flatten() {
            let at = format!("{pointer}/properties/{}", escaped(name));
            let id = self.schema(member, &at, depth + 1);
            // What only answers have is not asked of a request (OpenAPI 3.0 §4.7.24.2).
            let required = required.contains(name.as_str()) && !self.is_read_only(member);
            properties.push(Property::new(name, Some(id), required));
        }
        let bare = required.iter().filter(|name| described.is_none_or(|members| !members.contains_key(**name)));
        properties.extend(bare.map(|name| Property::new(name, None, true)));
        let mut patterns = Vec::new();
        for (written, member) in schema.get("patternProperties").and_then(Value::as_object).into_iter().flatten() {
            let at = format!("{pointer}/patternProperties/{}", escaped(written));
            match Pattern::parse(written) {
                Ok(pattern) => patterns.push((pattern, self.schema(member, &at, depth + 1))),
                Err(error) => self.leave(format!("a `patternProperties`: {error}"), &at),
            }
        }
        let unread = patterns.len() < schema.get("patternProperties").and_then(Value::as_object).map_or(0, Map::len);
        // Where nobody knows which members have been described already, none can be one of the others.
        let others = schema.get("additionalProperties").filter(|others| **others != Value::Bool(true) && !unread);
        let rule = ObjectRule {
            patterns: patterns.into(),
            others: others.map(|others| self.schema(others, &format!("{pointer}/additionalProperties"), depth + 1)),
            names: schema.get("propertyNames").map(|names| self.schema(names, &format!("{pointer}/propertyNames"), depth + 1)),
            min: count(schema, "minProperties").unwrap_or(0),
            max: count(schema, "maxProperties"),
            members: Properties::of(properties),
        };
        (rule != ObjectRule::default()).then_some(rule)
    }

    fn is_read_only(&self, schema: &Value) -> bool {
        let says = |schema: &Value| schema.get("readOnly") == Some(&Value::Bool(true));
        let target = schema.get("$ref").and_then(Value::as_str).and_then(|target| self.document.pointer(target.strip_prefix('#')?));
        says(schema) || target.is_some_and(says)
    }

    fn several(&mut self, schema: &'a Map<String, Value>, keyword: &str, pointer: &str, depth: usize) -> Box<[NodeId]> {
        let Some(Value::Array(schemas)) = schema.get(keyword) else { return Box::default() };
        schemas.iter().enumerate().map(|(at, schema)| self.schema(schema, &format!("{pointer}/{keyword}/{at}"), depth + 1)).collect()
    }

    /// Which of the alternatives a value stands for: as the mapping says, else by the name of the schema (OpenAPI 3.1 §4.8.25).
    fn discriminator(&self, schema: &'a Map<String, Value>, node: &Node) -> Option<Discriminator> {
        let said = schema.get("discriminator")?.as_object()?;
        let name = said.get("propertyName")?.as_str()?;
        let mut mapping: Vec<(Box<str>, NodeId)> = Vec::new();
        for (value, target) in said.get("mapping").and_then(Value::as_object).into_iter().flatten() {
            let Some(target) = target.as_str() else { continue };
            let named = format!("#/components/schemas/{target}");
            if let Some(id) = self.known.get(target).or_else(|| self.known.get(named.as_str())) {
                mapping.push((value.as_str().into(), *id));
            }
        }
        for keyword in ["oneOf", "anyOf"] {
            let ids = if keyword == "oneOf" { &node.one } else { &node.any };
            let alternatives = schema.get(keyword).and_then(Value::as_array).into_iter().flatten();
            for (alternative, id) in alternatives.zip(ids) {
                let named = alternative.get("$ref").and_then(Value::as_str).and_then(|target| target.rsplit('/').next());
                if let Some(named) = named.filter(|named| !mapping.iter().any(|(value, _)| **value == **named)) {
                    mapping.push((named.into(), *id));
                }
            }
        }
        (!mapping.is_empty()).then(|| Discriminator { name: name.into(), mapping: mapping.into() })
    }
}

fn usize_of(id: NodeId) -> Option<usize> {
    usize::try_from(id.place()).ok()
}

/// Keywords that say nothing of values.
fn is_annotation(key: &str) -> bool {
    matches!(
        key,
        "description" | "summary" | "title" | "example" | "examples" | "default" | "deprecated" | "readOnly" | "writeOnly" | "$comment"
    ) || key.starts_with("x-")
}

fn count(schema: &Map<String, Value>, keyword: &str) -> Option<u32> {
    schema.get(keyword)?.as_u64().map(|count| u32::try_from(count).unwrap_or(u32::MAX))
}

pub(super) fn decimal(value: &Value) -> Option<Decimal> {
    value.as_number().and_then(|number| Decimal::parse(number.to_string().as_bytes()))
}

fn literals(schema: &Map<String, Value>, nullable: bool) -> Option<Box<[Literal]>> {
    let listed = schema.get("enum").and_then(Value::as_array).map(|values| values.iter().filter_map(literal).collect::<Vec<_>>());
    let constant = schema.get("const").and_then(literal).map(|literal| vec![literal]);
    let mut literals = match (listed, constant) {
        (Some(listed), Some(constant)) => constant.into_iter().filter(|literal| listed.contains(literal)).collect(),
        (listed, constant) => listed.or(constant)?,
    };
    if nullable && !literals.contains(&Literal::Null) {
        literals.push(Literal::Null);
    }
    Some(literals.into())
}

fn literal(value: &Value) -> Option<Literal> {
    Some(match value {
        Value::Null => Literal::Null,
        Value::Bool(truth) => Literal::Boolean(*truth),
        Value::Number(_) => Literal::Number(decimal(value)?),
        Value::String(text) => Literal::Text(text.as_str().into()),
        Value::Array(items) => Literal::List(items.iter().map(literal).collect::<Option<_>>()?),
        Value::Object(members) => {
            let members = members.iter().map(|(name, value)| Some((name.as_str().into(), literal(value)?)));
            Literal::Object(members.collect::<Option<_>>()?)
        }
    })
}

/// A fragment with its percent-escapes resolved.
fn unescaped(fragment: &str) -> String {
    let mut plain = Vec::with_capacity(fragment.len());
    let mut rest = fragment.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let code = after.get(..2).filter(|_| *first == b'%').and_then(|hex| u8::from_str_radix(std::str::from_utf8(hex).ok()?, 16).ok());
        plain.push(code.unwrap_or(*first));
        rest = if code.is_some() { after.get(2..).unwrap_or_default() } else { after };
    }
    String::from_utf8_lossy(&plain).into_owned()
}
