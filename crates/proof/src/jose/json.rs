//! JSON of strangers: one object, every member named once, bounded in depth and number.
//!
//! RFC 7515 §4 and RFC 7519 §4 leave it to the reader whether the last of two members of one name counts. Two readers that
//! choose differently see two tokens in one, so here it is refused, at every depth (RFC 8725 §3.8 in spirit, STANDARDS §0).

use super::refusal::Shown;
use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value, map::Entry};
use std::{cell::Cell, fmt};

/// How much an object may hold.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// Levels of objects and arrays, the outermost included.
    pub depth: u8,
    /// Values of all levels together.
    pub values: u32,
}

/// Why bytes are no object that can be read in one way.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum JsonFault {
    /// No JSON (RFC 8259), or no UTF-8, or more after it.
    #[error("no JSON")]
    Grammar,
    /// JSON, but no object.
    #[error("JSON, but no object")]
    NotObject,
    /// A member is there twice.
    #[error("the member `{0}` is there twice")]
    Duplicate(Shown),
    /// Nested too deeply.
    #[error("nested too deeply")]
    Depth,
    /// Too many values.
    #[error("too many values")]
    Count,
}

/// Reads one object.
///
/// # Errors
/// Says what is wrong.
pub fn object(bytes: &[u8], bounds: Bounds) -> Result<Map<String, Value>, JsonFault> {
    match value(bytes, bounds)? {
        Value::Object(members) => Ok(members),
        _ => Err(JsonFault::NotObject),
    }
}

/// Reads one value of any kind, as strictly.
///
/// # Errors
/// Says what is wrong; never [`JsonFault::NotObject`].
pub fn value(bytes: &[u8], bounds: Bounds) -> Result<Value, JsonFault> {
    let (left, fault) = (Cell::new(bounds.values), Cell::new(None));
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let read = Reader { left: &left, fault: &fault, depth: bounds.depth }.deserialize(&mut deserializer);
    let read = read.and_then(|value| deserializer.end().map(|()| value));
    match (read, fault.take()) {
        (_, Some(fault)) => Err(fault),
        (Ok(value), None) => Ok(value),
        (Err(_), None) => Err(JsonFault::Grammar),
    }
}

/// Reads a value, itself the seed of the values within.
#[derive(Clone, Copy)]
struct Reader<'a> {
    left: &'a Cell<u32>,
    fault: &'a Cell<Option<JsonFault>>,
    depth: u8,
}

impl Reader<'_> {
    fn refuse<E: serde::de::Error>(self, fault: JsonFault) -> E {
        self.fault.set(Some(fault));
        E::custom("refused")
    }

    /// The reader of what is within.
    fn within<E: serde::de::Error>(self) -> Result<Self, E> {
        match self.depth.checked_sub(1) {
            Some(depth) => Ok(Self { depth, ..self }),
            None => Err(self.refuse(JsonFault::Depth)),
        }
    }
}

impl<'de> DeserializeSeed<'de> for Reader<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        let Some(left) = self.left.get().checked_sub(1) else { return Err(self.refuse(JsonFault::Count)) };
        self.left.set(left);
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Reader<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Value, E> {
        Number::from_f64(value).map(Value::Number).ok_or_else(|| E::custom("no number"))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut values: A) -> Result<Value, A::Error> {
        let within = self.within()?;
        let mut list = Vec::new();
        while let Some(value) = values.next_element_seed(within)? {
            list.push(value);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let within = self.within()?;
        let mut object = Map::new();
        while let Some(name) = members.next_key::<String>()? {
            match object.entry(name) {
                Entry::Vacant(place) => {
                    place.insert(members.next_value_seed(within)?);
                }
                Entry::Occupied(before) => return Err(self.refuse(JsonFault::Duplicate(Shown::of(before.key())))),
            }
        }
        Ok(Value::Object(object))
    }
}

#[cfg(test)]
mod tests;
