//! A value that knows where it stands.

use serde::{
    Deserialize, Deserializer,
    de::{SeqAccess, Visitor},
};
use std::{fmt, marker::PhantomData};
use wardgate_model::diagnostic::Place;

/// Line and column, from 1; 0 when not known (the value was not read from a text).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Spot {
    /// Line.
    pub line: u32,
    /// Column, in characters.
    pub column: u32,
}

impl Spot {
    /// The place in a file; the file's own place when the spot is not known.
    #[must_use]
    pub fn of(self, file: &Place) -> Place {
        if self.line == 0 { file.clone() } else { file.at(self.line, self.column) }
    }

    /// Where a text that begins at line 1, column 1 ends.
    pub(crate) fn end_of(text: &str) -> Self {
        let line = text.bytes().filter(|byte| *byte == b'\n').count() + 1;
        let column = text.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        Self { line: u32::try_from(line).unwrap_or(u32::MAX), column: u32::try_from(column).unwrap_or(u32::MAX) }
    }
}

/// A member of a document: its place and, unless it was wrong, its value. What was wrong has been noted already, so a
/// reader takes what is there and passes over what is not.
///
/// `At<T>` is a key that must be there, `Option<At<T>>` one that may.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct At<T> {
    /// Where it stands.
    pub spot: Spot,
    /// The value.
    pub value: Option<T>,
}

impl<T> At<T> {
    /// The name under which the deserialiser knows this type.
    pub(crate) const MARK: &'static str = "wardgate::At";

    /// The value, when it was right.
    pub const fn as_ref(&self) -> Option<&T> {
        self.value.as_ref()
    }

    /// The place in the file that the value was read from.
    #[must_use]
    pub fn place(&self, file: &Place) -> Place {
        self.spot.of(file)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for At<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_newtype_struct(Self::MARK, AtVisitor(PhantomData))
    }
}

struct AtVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for AtVisitor<T> {
    type Value = At<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    /// Our own deserialiser: line, column, and the value unless it was wrong.
    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<At<T>, A::Error> {
        let line = seq.next_element()?.unwrap_or_default();
        let column = seq.next_element()?.unwrap_or_default();
        Ok(At { spot: Spot { line, column }, value: seq.next_element()? })
    }

    /// Any other deserialiser: a value without a place.
    fn visit_newtype_struct<D: Deserializer<'de>>(self, deserializer: D) -> Result<At<T>, D::Error> {
        Ok(At { spot: Spot::default(), value: Some(T::deserialize(deserializer)?) })
    }
}

impl<T: schemars::JsonSchema> schemars::JsonSchema for At<T> {
    fn inline_schema() -> bool {
        T::inline_schema()
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        T::schema_name()
    }

    fn schema_id() -> std::borrow::Cow<'static, str> {
        T::schema_id()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        T::json_schema(generator)
    }
}
