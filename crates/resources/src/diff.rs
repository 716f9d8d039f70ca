//! What differs between two specs, a line each, in the words that an operator would use for the place.

use serde_json::{Map, Value};

/// One difference.
#[derive(Debug, Clone, PartialEq)]
pub struct FieldChange {
    /// Where: `spec.credentials[main].expires_in`. Items of lists stand under their `name` or `match`, or under their number.
    pub path: String,
    /// What stood there; `None`: nothing.
    pub before: Option<Value>,
    /// What stands there now; `None`: nothing.
    pub after: Option<Value>,
}

/// What differs between two specs of one resource, in order of the paths. Without one of the two, every key of the other.
///
/// Lists whose items have names are compared name by name, their order apart; other lists as a whole.
#[must_use]
pub fn diff(before: Option<&Value>, after: Option<&Value>) -> Vec<FieldChange> {
    let mut changes = Vec::new();
    let none = Value::Object(Map::new());
    match (before, after) {
        (None, None) => {}
        (before, after) => differ(&mut "spec".to_owned(), before.unwrap_or(&none), after.unwrap_or(&none), &mut changes),
    }
    changes
}

fn differ(path: &mut String, before: &Value, after: &Value, changes: &mut Vec<FieldChange>) {
    if before == after {
        return;
    }
    match (before, after) {
        (Value::Object(before), Value::Object(after)) => {
            let mut keys: Vec<&String> = before.keys().chain(after.keys().filter(|key| !before.contains_key(*key))).collect();
            keys.sort_unstable();
            for key in keys {
                let step = if plain(key) { format!(".{key}") } else { format!(".{}", quoted(key)) };
                pair(path, &step, before.get(key), after.get(key), changes);
            }
        }
        (Value::Array(old), Value::Array(new)) => match (named(old), named(new)) {
            (Some(old), Some(new)) if old.len() + new.len() > 0 => {
                let orders = old.iter().map(|(name, _)| name).eq(new.iter().map(|(name, _)| name));
                let known = changes.len();
                for (name, value) in &old {
                    let other = new.iter().find(|(other, _)| other == name).map(|(_, value)| *value);
                    pair(path, &bracketed(name), Some(value), other, changes);
                }
                for (name, value) in new.iter().filter(|(name, _)| !old.iter().any(|(other, _)| other == name)) {
                    pair(path, &bracketed(name), None, Some(value), changes);
                }
                if !orders && changes.len() == known {
                    push(path, Some(before), Some(after), changes);
                }
            }
            _ if old.len() == new.len() && old.iter().chain(new).all(Value::is_object) => {
                for (index, (old, new)) in old.iter().zip(new).enumerate() {
                    pair(path, &format!("[{index}]"), Some(old), Some(new), changes);
                }
            }
            _ => push(path, Some(before), Some(after), changes),
        },
        _ => push(path, Some(before), Some(after), changes),
    }
}

fn pair(path: &mut String, step: &str, before: Option<&Value>, after: Option<&Value>, changes: &mut Vec<FieldChange>) {
    let length = path.len();
    path.push_str(step);
    match (before, after) {
        (Some(before), Some(after)) => differ(path, before, after, changes),
        (before, after) => push(path, before, after, changes),
    }
    path.truncate(length);
}

fn push(path: &str, before: Option<&Value>, after: Option<&Value>, changes: &mut Vec<FieldChange>) {
    changes.push(FieldChange { path: path.to_owned(), before: before.cloned(), after: after.cloned() });
}

/// More items than this are compared as one list.
const NAMED_MAX: usize = 10_000;

/// The items by `name` or `match`, when each has one of its own.
fn named(items: &[Value]) -> Option<Vec<(&str, &Value)>> {
    let named: Option<Vec<_>> = items.iter().map(|item| Some((name(item)?, item))).collect();
    let named = named.filter(|named| named.len() <= NAMED_MAX)?;
    let mut names: Vec<&str> = named.iter().map(|(name, _)| *name).collect();
    names.sort_unstable();
    names.dedup();
    (names.len() == named.len()).then_some(named)
}

fn name(item: &Value) -> Option<&str> {
    item.get("name").or_else(|| item.get("match")).and_then(Value::as_str)
}

fn plain(key: &str) -> bool {
    !key.is_empty() && key.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-'))
}

fn bracketed(name: &str) -> String {
    if name.is_empty() || name.contains(['[', ']', '"']) || name.contains(char::is_control) {
        format!("[{}]", quoted(name))
    } else {
        format!("[{name}]")
    }
}

fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

#[cfg(test)]
mod tests;
