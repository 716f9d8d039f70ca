//! Nodes to typed values, going on after a fault.
//!
//! Serde's derived readers stop at the first error. Here the errors of a member are caught at its [`At`], noted with
//! place and path, and the member is left empty. INVARIANT (noted): whenever an [`At`] is empty, an error has been noted.

use super::{At, Node, Shape, Spot, node::shortened};
use crate::{
    document::mended,
    nearest::{listed, suggest},
};
use serde::{
    Deserializer,
    de::{
        DeserializeOwned, DeserializeSeed, EnumAccess, Error as _, Expected, MapAccess, SeqAccess, Unexpected, VariantAccess, Visitor,
        value::StrDeserializer,
    },
    forward_to_deserialize_any,
};
use std::{cell::RefCell, fmt};
use wardgate_model::diagnostic::{Diagnostic, Place};

/// Collects what is wrong with one document.
#[derive(Debug)]
pub(crate) struct Faults {
    place: Place,
    subject: String,
    noted: RefCell<Vec<Diagnostic>>,
}

impl Faults {
    /// A document of a file; the place is where the document begins.
    pub(crate) const fn new(place: Place) -> Self {
        Self { place, subject: String::new(), noted: RefCell::new(Vec::new()) }
    }

    /// A document with a name: every message begins with it.
    pub(crate) fn about(place: Place, subject: &str) -> Self {
        Self { place, subject: format!("{subject}: "), noted: RefCell::default() }
    }

    /// Adds a diagnostic as it is.
    pub(crate) fn push(&mut self, diagnostic: Diagnostic) {
        self.noted.get_mut().push(diagnostic);
    }

    /// The list, for readers that add to it.
    pub(crate) fn refused(&mut self) -> &mut Vec<Diagnostic> {
        self.noted.get_mut()
    }

    /// Everything that was noted.
    pub(crate) fn into_diagnostics(self) -> Vec<Diagnostic> {
        self.noted.into_inner()
    }

    /// Notes an error about this document.
    pub(crate) fn error(&self, spot: Spot, code: &'static str, what: impl fmt::Display, mend: impl Into<Option<String>>) {
        let diagnostic = Diagnostic::error(spot.of(&self.place), code, format!("{}{what}", self.subject));
        self.noted.borrow_mut().push(mended(diagnostic, mend.into()));
    }

    /// Notes a warning about this document.
    pub(crate) fn warning(&self, spot: Spot, code: &'static str, what: impl fmt::Display, mend: impl Into<Option<String>>) {
        let diagnostic = Diagnostic::warning(spot.of(&self.place), code, format!("{}{what}", self.subject));
        self.noted.borrow_mut().push(mended(diagnostic, mend.into()));
    }

    /// Types a node; `root` begins the paths in messages.
    pub(crate) fn decode<T: DeserializeOwned>(&self, node: &Node, root: &str) -> Option<T> {
        let path = Pieces { parent: None, piece: Piece::Key(root) };
        match T::deserialize(De { node: Some(node), spot: node.spot, path: &path, faults: self }) {
            Ok(value) => Some(value),
            Err(fault) => {
                self.note(fault, node.spot, &path);
                None
            }
        }
    }

    /// A place in this document.
    pub(crate) fn place(&self, spot: Spot) -> Place {
        spot.of(&self.place)
    }

    fn note(&self, fault: Fault, spot: Spot, path: &Pieces<'_>) {
        let path = fault.path.unwrap_or_else(|| path.to_string());
        let what = if path.is_empty() { fault.what } else { format!("`{path}`: {}", fault.what) };
        self.error(fault.spot.unwrap_or(spot), fault.code, what, fault.mend);
    }
}

/// The path of a node within its document.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pieces<'a> {
    parent: Option<&'a Pieces<'a>>,
    piece: Piece<'a>,
}

#[derive(Debug, Clone, Copy)]
enum Piece<'a> {
    Key(&'a str),
    Index(usize),
}

impl fmt::Display for Pieces<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut parent_is_empty = true;
        if let Some(parent) = self.parent {
            let text = parent.to_string();
            parent_is_empty = text.is_empty();
            f.write_str(&text)?;
        }
        match self.piece {
            Piece::Key(key) if parent_is_empty => f.write_str(&shortened(key)),
            Piece::Key(key) => write!(f, ".{}", shortened(key)),
            Piece::Index(index) => write!(f, "[{index}]"),
        }
    }
}

/// What is wrong, on its way to the next [`At`].
#[derive(Debug)]
pub(crate) struct Fault {
    code: &'static str,
    what: String,
    mend: Option<String>,
    spot: Option<Spot>,
    path: Option<String>,
}

impl Fault {
    fn new(code: &'static str, what: impl Into<String>) -> Self {
        Self { code, what: what.into(), mend: None, spot: None, path: None }
    }

    fn mend(mut self, mend: impl Into<String>) -> Self {
        self.mend = Some(mend.into());
        self
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)
    }
}

impl std::error::Error for Fault {}

impl serde::de::Error for Fault {
    /// The message of a value's own parser; what follows a line break is the way out.
    fn custom<T: fmt::Display>(message: T) -> Self {
        let text = message.to_string();
        match text.split_once('\n') {
            Some((what, mend)) => Self::new("value.invalid", what).mend(mend),
            None => Self::new("value.invalid", text),
        }
    }

    fn invalid_type(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::new("value.type", format!("expected {expected}, found {found}"))
    }

    fn missing_field(field: &'static str) -> Self {
        Self::new("key.missing", format!("the key `{field}` is missing"))
    }
}

/// A node, or the lack of one, being typed.
#[derive(Clone, Copy)]
struct De<'a> {
    node: Option<&'a Node>,
    spot: Spot,
    path: &'a Pieces<'a>,
    faults: &'a Faults,
}

impl<'a> De<'a> {
    /// Adds place and path to a fault that has none: the innermost node wins.
    fn locate(self, mut fault: Fault) -> Fault {
        fault.spot.get_or_insert(self.spot);
        fault.path.get_or_insert_with(|| self.path.to_string());
        fault
    }

    fn shape(self) -> Result<&'a Shape, Fault> {
        self.node.map(|node| &node.shape).ok_or_else(|| self.locate(missing()))
    }

    fn expected(self, what: impl fmt::Display) -> Fault {
        let Some(node) = self.node.filter(|node| node.shape != Shape::Null) else { return self.locate(missing()) };
        let fault = Fault::new("value.type", format!("expected {what}, found {}", node.described()));
        self.locate(fault)
    }

    fn any<'de, V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self.shape()? {
            Shape::Null => visitor.visit_unit(),
            Shape::Bool(truth) => visitor.visit_bool(*truth),
            Shape::Number(number) => match (number.as_u64(), number.as_i64(), number.as_f64()) {
                (Some(number), _, _) => visitor.visit_u64(number),
                (None, Some(number), _) => visitor.visit_i64(number),
                (None, None, number) => visitor.visit_f64(number.unwrap_or_default()),
            },
            Shape::Text(text) => visitor.visit_str(text),
            Shape::List(items) => visitor.visit_seq(Items { of: self, items, index: 0 }),
            Shape::Map(entries) => visitor.visit_map(Entries { of: self, entries, index: 0 }),
        }
    }

    fn number<'de, V: Visitor<'de>>(self, visitor: V, range: &str) -> Result<V::Value, Fault> {
        match self.shape()? {
            Shape::Number(_) => self.any(visitor).map_err(|_: Fault| self.expected(range)),
            _ => Err(self.expected(range)),
        }
    }
}

fn missing() -> Fault {
    Fault::new("key.missing", "this key is missing")
}

macro_rules! numbers {
    ($($method:ident $range:literal)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
            self.number(visitor, $range)
        }
    )*};
}

impl<'de> Deserializer<'de> for De<'_> {
    type Error = Fault;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.any(visitor).map_err(|fault| self.locate(fault))
    }

    numbers! {
        deserialize_i8 "a whole number from -128 to 127"
        deserialize_i16 "a whole number from -32768 to 32767"
        deserialize_i32 "a whole number of 32 bits"
        deserialize_i64 "a whole number of 64 bits"
        deserialize_i128 "a whole number"
        deserialize_u8 "a whole number from 0 to 255"
        deserialize_u16 "a whole number from 0 to 65535"
        deserialize_u32 "a whole number from 0 to 4294967295"
        deserialize_u64 "a whole number from 0 to 18446744073709551615"
        deserialize_u128 "a whole number, at least 0"
        deserialize_f32 "a number"
        deserialize_f64 "a number"
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self.shape()? {
            Shape::Bool(truth) => visitor.visit_bool(*truth),
            _ => Err(self.expected("`true` or `false`")),
        }
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self.shape()? {
            Shape::Text(text) => visitor.visit_str(text).map_err(|fault| self.locate(fault)),
            Shape::Bool(_) | Shape::Number(_) => Err(self.expected("text").mend("put it in quotes")),
            _ => Err(self.expected("text")),
        }
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.deserialize_str(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self.node {
            Some(node) if node.shape != Shape::Null => visitor.visit_some(self),
            _ => visitor.visit_none(),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, name: &'static str, visitor: V) -> Result<V::Value, Fault> {
        if name == At::<()>::MARK { visitor.visit_seq(AtParts { of: self, given: 0 }) } else { visitor.visit_newtype_struct(self) }
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self.shape()? {
            Shape::List(_) => self.any(visitor),
            _ => Err(self.expected("a list")),
        }
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self.shape()? {
            Shape::Map(_) => self.any(visitor),
            _ => Err(self.expected("a mapping")),
        }
    }

    /// Unknown keys are noted here; the struct sees each of its fields once, also those that are not there. Text goes
    /// to readers that know what to make of it (`identity: assertion` beside `identity: {header: …}`).
    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        match self.shape()? {
            Shape::Map(entries) => {
                for (key, _) in entries {
                    let Some(word) = key.text().filter(|word| !fields.contains(word)) else { continue };
                    let fault = Fault::new("key.unknown", "this key is not known").mend(suggest(word, fields.iter().copied()));
                    let path = Pieces { parent: Some(self.path), piece: Piece::Key(word) };
                    self.faults.note(fault, key.spot, &path);
                }
                visitor.visit_map(Fields { of: self, fields, index: 0 })
            }
            Shape::Text(text) if name.starts_with(WORD_OR) => visitor.visit_str(text).map_err(|fault| self.locate(fault)),
            _ => Err(self.expected(format_args!("a mapping with {}", listed(fields.iter().copied())))),
        }
    }

    fn deserialize_enum<V: Visitor<'de>>(self, _: &'static str, variants: &'static [&'static str], visitor: V) -> Result<V::Value, Fault> {
        let Some(word) = self.node.and_then(Node::text) else {
            return Err(self.expected(format_args!("one of {}", listed(variants.iter().copied()))));
        };
        match variants.iter().find(|variant| **variant == word) {
            Some(variant) => visitor.visit_enum(Word(variant)),
            None => {
                let what = format!("`{}` is not one of {}", shortened(word), listed(variants.iter().copied()));
                let fault = Fault::new("value.word", what);
                let near = crate::nearest::nearest(word, variants.iter().copied()).map(|near| format!("did you mean `{near}`?"));
                Err(self.locate(Fault { mend: near, ..fault }))
            }
        }
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_unit()
    }

    forward_to_deserialize_any! { char bytes byte_buf unit unit_struct tuple tuple_struct identifier }
}

/// Structs whose name begins so take a word in place of a mapping.
pub(crate) const WORD_OR: &str = "WordOr";

/// Line, column and value of an [`At`].
struct AtParts<'a> {
    of: De<'a>,
    given: u8,
}

impl<'de> SeqAccess<'de> for AtParts<'_> {
    type Error = Fault;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Fault> {
        let part = self.given;
        self.given = part.saturating_add(1);
        let number = |number: u32| serde::de::value::U32Deserializer::new(number);
        match part {
            0 => seed.deserialize(number(self.of.spot.line)).map(Some),
            1 => seed.deserialize(number(self.of.spot.column)).map(Some),
            2 => match seed.deserialize(self.of) {
                Ok(value) => Ok(Some(value)),
                Err(fault) => {
                    self.of.faults.note(fault, self.of.spot, self.of.path);
                    Ok(None)
                }
            },
            _ => Ok(None),
        }
    }
}

struct Items<'a> {
    of: De<'a>,
    items: &'a [Node],
    index: usize,
}

impl<'de> SeqAccess<'de> for Items<'_> {
    type Error = Fault;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Fault> {
        let Some(node) = self.items.get(self.index) else { return Ok(None) };
        let path = Pieces { parent: Some(self.of.path), piece: Piece::Index(self.index) };
        self.index += 1;
        seed.deserialize(De { node: Some(node), spot: node.spot, path: &path, faults: self.of.faults }).map(Some)
    }
}

/// Every entry of a mapping, for maps with keys of the operator's choice.
struct Entries<'a> {
    of: De<'a>,
    entries: &'a [(Node, Node)],
    index: usize,
}

impl<'de> MapAccess<'de> for Entries<'_> {
    type Error = Fault;

    fn next_key_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Fault> {
        let Some((key, _)) = self.entries.get(self.index) else { return Ok(None) };
        let word = key.text().unwrap_or_default();
        let path = Pieces { parent: Some(self.of.path), piece: Piece::Key(word) };
        let of = De { node: Some(key), spot: key.spot, path: &path, faults: self.of.faults };
        seed.deserialize(StrDeserializer::<Fault>::new(word)).map(Some).map_err(|fault| of.locate(fault))
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Fault> {
        let Some((key, node)) = self.entries.get(self.index) else { return Err(Fault::custom("a key has no value")) };
        self.index += 1;
        let path = Pieces { parent: Some(self.of.path), piece: Piece::Key(key.text().unwrap_or_default()) };
        seed.deserialize(De { node: Some(node), spot: node.spot, path: &path, faults: self.of.faults })
    }
}

/// Every field of a struct, whether it is there or not.
struct Fields<'a> {
    of: De<'a>,
    fields: &'static [&'static str],
    index: usize,
}

impl<'de> MapAccess<'de> for Fields<'_> {
    type Error = Fault;

    fn next_key_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Fault> {
        match self.fields.get(self.index) {
            None => Ok(None),
            Some(field) => seed.deserialize(StrDeserializer::<Fault>::new(field)).map(Some),
        }
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Fault> {
        let field = self.fields.get(self.index).copied().unwrap_or_default();
        self.index += 1;
        let node = self.of.node.and_then(|node| node.member(field));
        let path = Pieces { parent: Some(self.of.path), piece: Piece::Key(field) };
        let spot = node.map_or(self.of.spot, |node| node.spot);
        seed.deserialize(De { node, spot, path: &path, faults: self.of.faults })
    }
}

/// A word as the variant of an enum.
struct Word(&'static str);

impl<'de> EnumAccess<'de> for Word {
    type Error = Fault;
    type Variant = Self;

    fn variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<(S::Value, Self), Fault> {
        Ok((seed.deserialize(StrDeserializer::<Fault>::new(self.0))?, self))
    }
}

impl<'de> VariantAccess<'de> for Word {
    type Error = Fault;

    fn unit_variant(self) -> Result<(), Fault> {
        Ok(())
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, _: S) -> Result<S::Value, Fault> {
        Err(Fault::custom("a word has no value"))
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, _: V) -> Result<V::Value, Fault> {
        Err(Fault::custom("a word has no value"))
    }

    fn struct_variant<V: Visitor<'de>>(self, _: &'static [&'static str], _: V) -> Result<V::Value, Fault> {
        Err(Fault::custom("a word has no value"))
    }
}
