//! Documents to the text of files: what [`crate::parse`] reads again.

use crate::{
    document::Document,
    reference::ORDER,
    schema::schema,
    yaml::{
        Keys,
        write::{Within, member, scalar_text},
    },
};
use serde_json::Value;
use std::{collections::HashMap, fmt::Write};
use wardgate_model::resource::Kind;

/// The documents as YAML: a kind after those that it names, by name within a kind; keys as the reference has them.
///
/// [`crate::parse`] gives the same documents back for every spec that is in the form of [`crate::normalise`].
#[must_use]
pub fn to_yaml(documents: &[Document]) -> String {
    let mut sorted: Vec<&Document> = documents.iter().collect();
    sorted.sort_by_key(|document| (rank(document.kind), document.name.as_str()));
    let mut orders: HashMap<Kind, Orders> = HashMap::new();
    let mut out = String::new();
    for document in sorted {
        if !out.is_empty() {
            out.push_str("---\n");
        }
        let _ = writeln!(out, "kind: {}\nname: {}", document.kind, scalar_text(&document.name, Within::Block));
        let keys = orders.entry(document.kind).or_insert_with(|| Orders::of(document.kind));
        member("spec", &document.spec, 0, &mut Vec::new(), keys, &mut out);
    }
    out
}

fn rank(kind: Kind) -> usize {
    ORDER.iter().position(|other| *other == kind).unwrap_or(ORDER.len())
}

/// The keys of every mapping of a kind, in the order of its schema; by the keys that lead to it.
struct Orders(HashMap<String, Vec<String>>);

impl Orders {
    fn of(kind: Kind) -> Self {
        let root = schema(kind);
        let mut orders = HashMap::new();
        if let Some(spec) = root.pointer("/properties/spec") {
            walk(spec, &root, "/spec", 0, &mut orders);
        }
        Self(orders)
    }
}

impl Keys for Orders {
    fn order(&self, path: &[&str]) -> &[String] {
        let path: String = path.iter().flat_map(|key| ["/", key]).collect();
        self.0.get(&path).map_or(&[], Vec::as_slice)
    }
}

/// Schemas refer to each other no deeper than this.
const DEPTH_MAX: usize = 16;

fn walk(node: &Value, root: &Value, path: &str, depth: usize, orders: &mut HashMap<String, Vec<String>>) {
    if depth > DEPTH_MAX {
        return;
    }
    if let Some(target) = node.get("$ref").and_then(Value::as_str).and_then(|target| root.pointer(target.strip_prefix('#')?)) {
        walk(target, root, path, depth + 1, orders);
    }
    for either in node.get("anyOf").and_then(Value::as_array).into_iter().flatten() {
        walk(either, root, path, depth + 1, orders);
    }
    if let Some(items) = node.get("items") {
        walk(items, root, path, depth + 1, orders);
    }
    let Some(members) = node.get("properties").and_then(Value::as_object) else { return };
    orders.entry(path.to_owned()).or_insert_with(|| members.keys().cloned().collect());
    for (key, member) in members {
        walk(member, root, &format!("{path}/{key}"), depth + 1, orders);
    }
}

#[cfg(test)]
mod tests;
