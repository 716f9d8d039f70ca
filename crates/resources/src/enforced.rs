//! What this version reads but does not enforce. Each row is refused by name, so that nothing is silently accepted.
//! The list only shrinks: a golden test holds it (`testdata/not_enforced.txt`).

use crate::yaml::{Faults, Node, Shape};
use wardgate_model::resource::Kind;

/// A kind, key or value that is parsed and not enforced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotEnforced {
    /// The kind.
    pub kind: Kind,
    /// The path of the key within `spec`; `[]` is any item of a list, any value of a mapping. Empty: the whole kind.
    pub path: &'static str,
    /// Which values.
    pub when: When,
}

/// Which values of a key are not enforced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// Any at all.
    Present,
    /// This word.
    Is(&'static str),
}

const fn row(kind: Kind, path: &'static str, when: When) -> NotEnforced {
    NotEnforced { kind, path, when }
}

/// Everything that this version reads but does not enforce.
pub const NOT_ENFORCED: &[NotEnforced] = &[
    row(Kind::Webhook, "", When::Present),
    row(Kind::Api, "upstream.identity.query", When::Present),
    row(Kind::Api, "upstream.identity.hmac", When::Present),
    row(Kind::Api, "upstream.identity.oauth", When::Present),
    row(Kind::Waiver, "exempts", When::Is("limit")),
    row(Kind::Waiver, "exempts", When::Is("review")),
    row(Kind::Waiver, "exempts", When::Is("keep")),
    row(Kind::Waiver, "exempts", When::Is("anonymous")),
    row(Kind::Waiver, "exempts", When::Is("observe")),
    row(Kind::Waiver, "exempts", When::Is("trusted_network")),
];

impl NotEnforced {
    fn holds(&self, node: &Node) -> bool {
        match (&node.shape, self.when) {
            (Shape::Null, _) => false,
            (_, When::Present) => true,
            (Shape::Text(text), When::Is(word)) => text == word,
            (_, When::Is(_)) => false,
        }
    }
}

impl std::fmt::Display for NotEnforced {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.kind)?;
        if !self.path.is_empty() {
            write!(f, " {}", self.path)?;
        }
        match self.when {
            When::Present => Ok(()),
            When::Is(word) => write!(f, ": {word}"),
        }
    }
}

/// Refuses what stands in a spec and is not enforced.
pub(crate) fn refuse(kind: Kind, spec: &Node, faults: &Faults) {
    for row in NOT_ENFORCED.iter().filter(|row| row.kind == kind) {
        if row.path.is_empty() {
            let what = format!("this version reads the kind `{kind}` but does not enforce it");
            faults.error(spec.spot, CODE, what, mend(row));
        } else {
            find(spec, row.path, &mut |node| {
                if row.holds(node) {
                    faults.error(node.spot, CODE, format!("this version reads `{}` but does not enforce it", said(row)), mend(row));
                }
            });
        }
    }
}

/// The code of these diagnostics.
pub(crate) const CODE: &str = "key.not_enforced";

fn said(row: &NotEnforced) -> String {
    row.to_string().split_once(' ').map_or_else(String::new, |(_, said)| said.to_owned())
}

fn mend(row: &NotEnforced) -> Option<String> {
    let mend = match row.when {
        When::Present if row.path.is_empty() => "take the document out until a later version enforces it",
        When::Present => "take the key out until a later version enforces it",
        When::Is(_) => "use another value until a later version enforces it",
    };
    Some(mend.to_owned())
}

/// Calls `seen` for every node at `path`.
fn find<'a>(node: &'a Node, path: &str, seen: &mut dyn FnMut(&'a Node)) {
    let (step, rest) = path.split_once('.').unwrap_or((path, ""));
    let (name, each) = step.strip_suffix("[]").map_or((step, false), |name| (name, true));
    let Some(member) = node.member(name) else { return };
    let nodes: Vec<&Node> = match &member.shape {
        Shape::List(items) if each => items.iter().collect(),
        Shape::Map(members) if each => members.iter().map(|(_, value)| value).collect(),
        _ if each => Vec::new(),
        _ => vec![member],
    };
    for node in nodes {
        if rest.is_empty() { seen(node) } else { find(node, rest, seen) }
    }
}

#[cfg(test)]
mod tests;
