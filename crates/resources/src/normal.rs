//! One meaning, one text: the form in which specs are kept, wherever they come from.

use crate::{
    scalar::Wrong,
    yaml::{DEPTH_MAX, FILE_BYTES_MAX},
};
use serde_json::{Map, Value};

/// Deepest nesting of a spec: a document of a file has `kind`, `name` and `spec` around it.
pub const SPEC_DEPTH_MAX: usize = DEPTH_MAX - 2;
/// Largest spec, in bytes of its texts, keys and punctuation.
pub const SPEC_BYTES_MAX: usize = FILE_BYTES_MAX / 2;
/// Most values of a spec, those within lists and mappings counted.
pub const SPEC_VALUES_MAX: usize = 50_000;

/// Gives a spec the form that [`crate::parse`] gives to those of files: keys sorted, members without a value left out.
///
/// # Errors
/// When it is deeper than [`SPEC_DEPTH_MAX`], or larger than [`SPEC_BYTES_MAX`] or [`SPEC_VALUES_MAX`], so that no file could hold it.
pub fn normalise(value: Value) -> Result<Value, Wrong> {
    let mut room = Room { bytes: SPEC_BYTES_MAX, values: SPEC_VALUES_MAX };
    normal(value, SPEC_DEPTH_MAX, &mut room)
}

/// What may still come.
struct Room {
    bytes: usize,
    values: usize,
}

impl Room {
    fn take(&mut self, bytes: usize) -> Result<(), Wrong> {
        let left = (self.bytes.checked_sub(bytes), self.values.checked_sub(1));
        let (Some(bytes), Some(values)) = left else {
            return Err(Wrong::new(format!("it has more than {SPEC_BYTES_MAX} bytes or {SPEC_VALUES_MAX} values")));
        };
        *self = Self { bytes, values };
        Ok(())
    }
}

fn normal(value: Value, depth: usize, room: &mut Room) -> Result<Value, Wrong> {
    let deeper = || depth.checked_sub(1).ok_or_else(|| Wrong::new(format!("it is nested more than {SPEC_DEPTH_MAX} deep")));
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => room.take(8).map(|()| value),
        Value::String(text) => room.take(text.len().saturating_add(2)).map(|()| Value::String(text)),
        Value::Array(items) => {
            room.take(2)?;
            let depth = deeper()?;
            items.into_iter().map(|item| normal(item, depth, room)).collect::<Result<_, _>>().map(Value::Array)
        }
        Value::Object(members) => {
            room.take(2)?;
            let depth = deeper()?;
            let mut members: Vec<_> = members.into_iter().filter(|(_, value)| !value.is_null()).collect();
            members.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
            let mut sorted = Map::with_capacity(members.len());
            for (key, value) in members {
                room.take(key.len().saturating_add(2))?;
                let value = normal(value, depth, room)?;
                sorted.insert(key, value);
            }
            Ok(Value::Object(sorted))
        }
    }
}

#[cfg(test)]
mod tests;
