//! What a text of policies reads: attributes, tags, entities, words. For whoever asks whether a change of something could
//! change an answer, without a world. It may say too much, never too little.

use crate::{source::SOURCE_BYTES_MAX, statement};
use cedar_policy::{Policy, PolicyId};
use serde_json::Value;
use std::collections::BTreeSet;

/// What policies read, wherever in them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Reads {
    /// The names of attributes that are read or asked for, of whatever: `principal.type`, `principal["type"]` and
    /// `context has type` all read `type`.
    pub attributes: BTreeSet<String>,
    /// The names of tags.
    pub tags: BTreeSet<String>,
    /// Whether a tag is read whose name is computed: it may be any.
    pub any_tag: bool,
    /// Entities that are named: type and id.
    pub entities: BTreeSet<(String, String)>,
}

impl Reads {
    /// Whether a tag of this name may be read.
    #[must_use]
    pub fn tag(&self, name: &str) -> bool {
        self.any_tag || self.tags.contains(name)
    }

    /// Whether an entity is named.
    #[must_use]
    pub fn entity(&self, of: &str, name: &str) -> bool {
        self.entities.contains(&(of.to_owned(), name.to_owned()))
    }

    fn expression(&mut self, node: &Value) {
        match node {
            Value::Object(members) => {
                for (operator, inside) in members {
                    self.operator(operator, inside);
                    self.expression(inside);
                }
            }
            Value::Array(all) => all.iter().for_each(|one| self.expression(one)),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }

    /// One operator of Cedar's JSON form of policies, and what stands in it.
    fn operator(&mut self, operator: &str, inside: &Value) {
        match operator {
            "." | "has" => match inside.get("attr") {
                Some(Value::String(name)) => drop(self.attributes.insert(name.clone())),
                Some(Value::Array(path)) => self.attributes.extend(path.iter().filter_map(|name| name.as_str().map(str::to_owned))),
                _ => {}
            },
            "getTag" | "hasTag" => match inside.get("right").and_then(|right| right.get("Value")).and_then(Value::as_str) {
                Some(name) => drop(self.tags.insert(name.to_owned())),
                None => self.any_tag = true,
            },
            "__entity" | "entity" | "entities" => self.entity_named(inside),
            _ => {}
        }
    }

    fn entity_named(&mut self, entity: &Value) {
        if let Value::Array(all) = entity {
            all.iter().for_each(|one| self.entity_named(one));
        }
        let word = |name: &str| entity.get(name).and_then(Value::as_str).map(str::to_owned);
        if let (Some(of), Some(id)) = (word("type"), word("id")) {
            self.entities.insert((of, id));
        }
    }
}

/// What the policies of a text read; `None` when a part of it is no policy.
#[must_use]
pub fn reads(text: &str) -> Option<Reads> {
    if text.len() > SOURCE_BYTES_MAX {
        return None;
    }
    let mut found = Reads::default();
    for statement in statement::split(text) {
        if statement.over.is_some() {
            return None;
        }
        let policy = Policy::parse(Some(PolicyId::new("policy")), statement.text).ok()?;
        found.expression(&policy.to_json().ok()?);
    }
    Some(found)
}

#[cfg(test)]
mod tests {
    use super::reads;

    /// What one condition reads, in words.
    fn check(policy: &str) -> String {
        let Some(found) = reads(policy) else { return "cannot be read".to_owned() };
        let words = |all: &std::collections::BTreeSet<String>| all.iter().cloned().collect::<Vec<_>>().join(" ");
        let entities: Vec<_> = found.entities.iter().map(|(of, id)| format!("{of}::{id}")).collect();
        let any = if found.any_tag { " *" } else { "" };
        format!("{} | {}{any} | {}", words(&found.attributes), words(&found.tags), entities.join(" "))
    }

    fn when(condition: &str) -> String {
        check(&format!("forbid (principal, action, resource) when {{ {condition} }};"))
    }

    #[test]
    fn an_attribute_is_read_however_it_is_written() {
        for condition in [
            r#"principal.type == "bot""#,
            r#"principal["type"] == "bot""#,
            "principal  . // what kind\n type == \"bot\"",
            r#"(if context.risk > 3 then principal else principal).type == "bot""#,
            r#"{ who: principal }.who.type == "bot""#,
            r#"principal["\u{74}ype"] == "bot""#,
        ] {
            let said = when(condition);
            assert!(said.split(" |").next().unwrap().split(' ').any(|name| name == "type"), "{condition}: {said}");
        }
        assert_eq!(when(r#"context.source.zone == "type""#), "source zone |  | ", "a word is no attribute");
        assert_eq!(when("principal has team && context has purpose"), "purpose team |  | ");
        let unless = check(r#"permit (principal, action, resource) unless { context.source.zone == "lan" };"#);
        assert_eq!(unless, "source zone |  | ");
    }

    #[test]
    fn tags_are_read_by_name_or_any() {
        assert_eq!(when(r#"principal.hasTag("tier") && principal.getTag("tier") == "gold""#), " | tier | ");
        assert_eq!(when(r#"principal.hasTag("ti\u{65}r")"#), " | tier | ");
        assert_eq!(when("principal.hasTag(resource.class)"), "class |  * | ");
        let found = reads(r#"forbid (principal, action, resource) when { principal.hasTag(resource.class) };"#).unwrap();
        assert!(found.tag("anything"));
    }

    #[test]
    fn entities_are_named_in_scopes_and_conditions() {
        assert_eq!(
            check(
                r#"permit (principal in Team::"a", action in [Action::"read", Action::"list"], resource in Api::"x") when { principal in Owner::"b" || [Team::"c"].contains(principal.team) };"#
            ),
            "team |  | Action::list Action::read Api::x Owner::b Team::a Team::c"
        );
        assert!(reads(r#"permit (principal == Identity::"x", action, resource);"#).unwrap().entity("Identity", "x"));
    }

    #[test]
    fn what_is_no_policy_reads_nothing_that_is_known() {
        assert_eq!(reads("permit (principal"), None);
        assert_eq!(reads("").map(|found| found == super::Reads::default()), Some(true));
    }
}
