//! What JSON is like: which kinds of value stand where, and which members objects have. Bounded: bodies were written by strangers.

use super::super::paths::is_id;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// How deep values are looked into.
const DEPTH_MAX: usize = 8;
/// Members of one object that are told apart; of more, they are names of things.
const MEMBERS_MAX: usize = 64;
/// Longest name of a member, in bytes.
const NAME_BYTES_MAX: usize = 64;
/// Items of one list that are looked at.
const ITEMS_MAX: usize = 64;
/// Shapes within one.
pub(super) const SHAPES_MAX: usize = 2_000;

const KINDS: [(u8, &str); 7] = [(1, "array"), (2, "boolean"), (4, "integer"), (8, "null"), (16, "number"), (32, "object"), (64, "string")];

/// What the values at one place are like.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Shape {
    /// How many there were.
    seen: u64,
    /// How many were objects.
    objects: u64,
    kinds: u8,
    members: BTreeMap<Box<str>, Shape>,
    /// What stands under names of things.
    named: Option<Box<Shape>>,
    items: Option<Box<Shape>>,
}

impl Shape {
    /// Of one value.
    pub(super) fn of(value: &Value) -> Self {
        let mut shape = Self::default();
        shape.see(value, 0, &mut 0);
        shape
    }

    /// Of a form: every field is a text; one that comes again is anything.
    pub(super) fn of_form<N: AsRef<str>>(names: impl Iterator<Item = N>) -> Self {
        let mut shape = Self { seen: 1, objects: 1, kinds: kind("object"), ..Self::default() };
        for name in names.take(MEMBERS_MAX) {
            let member = shape.members.entry(name.as_ref().into()).or_default();
            member.kinds = if member.seen == 0 { kind("string") } else { 0 };
            member.seen = 1;
        }
        shape.members.retain(|name, _| name.len() <= NAME_BYTES_MAX);
        shape
    }

    fn see(&mut self, value: &Value, depth: usize, shapes: &mut usize) {
        self.seen += 1;
        *shapes += 1;
        let full = |shapes: usize| depth >= DEPTH_MAX || shapes >= SHAPES_MAX;
        match value {
            Value::Null => self.kinds |= kind("null"),
            Value::Bool(_) => self.kinds |= kind("boolean"),
            Value::Number(number) if number.is_f64() => self.kinds |= kind("number"),
            Value::Number(_) => self.kinds |= kind("integer"),
            Value::String(_) => self.kinds |= kind("string"),
            Value::Array(items) => {
                self.kinds |= kind("array");
                for item in items.iter().take(ITEMS_MAX) {
                    if !full(*shapes) {
                        self.items.get_or_insert_default().see(item, depth + 1, shapes);
                    }
                }
            }
            Value::Object(members) => {
                self.kinds |= kind("object");
                self.objects += 1;
                for (name, value) in members {
                    if !full(*shapes) {
                        self.member(name).see(value, depth + 1, shapes);
                    }
                }
                self.fold();
            }
        }
    }

    fn member(&mut self, name: &str) -> &mut Self {
        if name.len() > NAME_BYTES_MAX || is_id(name) || (!self.members.contains_key(name) && self.members.len() > MEMBERS_MAX) {
            return self.named.get_or_insert_default();
        }
        self.members.entry(name.into()).or_default()
    }

    /// Too many members are names of things.
    fn fold(&mut self) {
        if self.members.len() > MEMBERS_MAX {
            for (_, member) in std::mem::take(&mut self.members) {
                self.named.get_or_insert_default().join(member, &mut { SHAPES_MAX });
            }
        }
    }

    /// Adds what other values at the same place are like, with so many shapes more.
    pub(super) fn join(&mut self, other: Self, room: &mut usize) {
        self.seen += other.seen;
        self.objects += other.objects;
        self.kinds |= other.kinds;
        let pairs = [(&mut self.named, other.named), (&mut self.items, other.items)];
        for (own, more) in pairs {
            let Some(more) = more else { continue };
            if own.is_some() || take(room) {
                own.get_or_insert_default().join(*more, room);
            }
        }
        for (name, more) in other.members {
            if self.members.contains_key(&name) || take(room) {
                self.members.entry(name).or_default().join(more, room);
            }
        }
        self.fold();
    }

    /// How many shapes it is made of.
    pub(super) fn shapes(&self) -> usize {
        let below = self.members.values().chain(self.named.as_deref()).chain(self.items.as_deref());
        1 + below.map(Self::shapes).sum::<usize>()
    }

    /// Its schema.
    pub(super) fn schema(&self) -> Value {
        let mut schema = Map::new();
        // A whole number is a number.
        let kinds = if self.kinds & kind("number") > 0 { self.kinds & !kind("integer") } else { self.kinds };
        let words: Vec<&str> = KINDS.iter().filter(|(bit, _)| kinds & bit > 0).map(|(_, word)| *word).collect();
        match *words {
            // What was never there may be anything.
            [] | ["null"] => {}
            [word] => drop(schema.insert("type".to_owned(), word.into())),
            _ => drop(schema.insert("type".to_owned(), json!(words))),
        }
        if let Some(items) = &self.items {
            schema.insert("items".to_owned(), items.schema());
        }
        if !self.members.is_empty() {
            let members: Map<String, Value> = self.members.iter().map(|(name, shape)| (name.to_string(), shape.schema())).collect();
            schema.insert("properties".to_owned(), members.into());
            let always: Vec<&str> = self.members.iter().filter(|(_, shape)| shape.seen >= self.objects).map(|(name, _)| &**name).collect();
            if !always.is_empty() {
                schema.insert("required".to_owned(), json!(always));
            }
        }
        if let Some(named) = &self.named {
            schema.insert("additionalProperties".to_owned(), named.schema());
        }
        schema.into()
    }
}

fn take(room: &mut usize) -> bool {
    let some = *room > 0;
    *room = room.saturating_sub(1);
    some
}

fn kind(word: &str) -> u8 {
    KINDS.iter().find(|(_, known)| *known == word).map_or(0, |(bit, _)| *bit)
}

#[cfg(test)]
mod tests {
    use super::{SHAPES_MAX, Shape};
    use proptest::prelude::*;
    use serde_json::{Value, json};

    fn check(values: &[Value]) -> Value {
        let mut shape = Shape::default();
        for value in values {
            shape.join(Shape::of(value), &mut { SHAPES_MAX });
        }
        shape.schema()
    }

    #[test]
    fn what_always_stands_there_is_required_and_what_differs_is_either() {
        let seen =
            [json!({ "id": 7, "name": "a", "tags": ["x"], "price": 1.5 }), json!({ "id": "b", "name": null, "price": 2, "tags": [] })];
        insta::assert_snapshot!(serde_json::to_string_pretty(&check(&seen)).unwrap(), @r#"
        {
          "type": "object",
          "properties": {
            "id": {
              "type": [
                "integer",
                "string"
              ]
            },
            "name": {
              "type": [
                "null",
                "string"
              ]
            },
            "price": {
              "type": "number"
            },
            "tags": {
              "type": "array",
              "items": {
                "type": "string"
              }
            }
          },
          "required": [
            "id",
            "name",
            "price",
            "tags"
          ]
        }
        "#);
        assert_eq!(check(&[json!({ "a": 1 }), json!([])])["required"], json!(["a"]), "of those that are objects");
        assert_eq!(check(&[json!({ "a": 1 }), json!({})]).get("required"), None);
    }

    #[test]
    fn names_of_things_are_no_members() {
        let by_id = json!({ "ord_123456": { "n": 1 }, "ord_123457": { "n": 2 } });
        assert_eq!(check(&[by_id])["additionalProperties"]["properties"]["n"]["type"], "integer");
        let words: serde_json::Map<String, Value> =
            (0..70_u32).map(|at| (format!("w{}", char::from_u32('a' as u32 + at).unwrap()), json!(true))).collect();
        assert_eq!(check(&[words.into()]), json!({ "type": "object", "additionalProperties": { "type": "boolean" } }));
    }

    #[test]
    fn what_is_deep_or_wide_ends_somewhere() {
        let deep = (0..100).fold(json!(1), |inner, _| json!({ "a": inner }));
        assert!(serde_json::to_string(&check(&[deep])).unwrap().len() < 2_000);
        let wide = |depth: u32| {
            (0..depth).fold(json!(1), |inner, at| {
                (0..20).map(|name| (format!("n{at}x{}", char::from(b'a' + name)), inner.clone())).collect::<serde_json::Map<_, _>>().into()
            })
        };
        assert!(serde_json::to_string(&check(&[wide(4)])).unwrap().len() < 200_000);
    }

    proptest! {
        #[test]
        fn a_form_has_its_fields(names in proptest::collection::vec("[a-c]", 0..6)) {
            let shape = Shape::of_form(names.iter());
            prop_assert!(names.iter().all(|name| shape.members.contains_key(name.as_str())));
        }
    }
}
