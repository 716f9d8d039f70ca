use super::{KEYS, ORDER, references};
use crate::{Document, schema};
use serde_json::json;
use wardgate_model::{diagnostic::Place, resource::Kind};

#[test]
fn kinds_never_stand_on_each_other_in_a_circle() {
    let at = |kind: Kind| ORDER.iter().position(|other| *other == kind).unwrap();
    assert_eq!(ORDER.len(), Kind::ALL.len());
    for (kind, path, named) in KEYS {
        assert!(at(*named) < at(*kind), "{kind} {path} names {named}");
    }
}

/// A key that holds the name of a resource, by its schema, is among the keys; names within an owner are not resources.
#[test]
fn every_key_that_names_a_resource_is_known() {
    fn walk(node: &serde_json::Value, root: &serde_json::Value, path: &str, found: &mut Vec<String>) {
        if let Some(target) = node["$ref"].as_str() {
            if target == "#/$defs/Name" {
                found.push(path.to_owned());
            } else {
                walk(root.pointer(&target[1..]).unwrap(), root, path, found);
            }
        }
        for either in node["anyOf"].as_array().into_iter().flatten() {
            walk(either, root, path, found);
        }
        for (name, member) in node["properties"].as_object().into_iter().flatten() {
            let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
            walk(member, root, &path, found);
        }
        if node["items"].is_object() {
            walk(&node["items"], root, &format!("{path}[]"), found);
        }
    }
    let others = [
        "Owner teams[]",
        "Identity team",
        "Api upstream.identity.secret",
        "Api upstream.identity.client_certificate",
        "TrustSource secret",
    ];
    let mut missing = Vec::new();
    for kind in Kind::ALL {
        let root = schema(*kind);
        let mut found = Vec::new();
        walk(&root["properties"]["spec"], &root, "", &mut found);
        for path in found {
            let known = KEYS.iter().any(|(of, key, _)| of == kind && *key == path);
            if !known && !others.contains(&format!("{kind} {path}").as_str()) {
                missing.push(format!("{kind} {path}"));
            }
        }
    }
    assert_eq!(missing, Vec::<String>::new());
}

#[test]
fn a_document_says_what_it_names() {
    let spec = json!({ "owner": "payments", "environment": 5, "credentials": [{ "trust": "ci" }, { "trust": "mesh" }] });
    let document = Document::new(Kind::Identity, "x", spec, Place::file("api"));
    let named: Vec<_> =
        references(&document).map(|reference| format!("{} {} {}", reference.path, reference.kind, reference.name)).collect();
    assert_eq!(named, ["owner Owner payments", "credentials[].trust TrustSource ci", "credentials[].trust TrustSource mesh"]);
}
