//! What Cedar's validator does not see: names that do not exist, words outside closed lists, questions about entities that
//! a request does not carry, order that cannot be folded, scopes that nothing narrows. Each would be wrong in silence.

use crate::{
    compile::{Entry, Parsed},
    fold,
    schema::{NOT_YET, Type, worded},
    source::{Names, nearest},
};
use cedar_policy::pst::{BinaryOp, Clause, EntityUID, Expr, Literal, Var};
use std::{collections::BTreeSet, sync::Arc};
use wardgate_model::{diagnostic::Diagnostic, inventory::Environment};

/// Every entity named exists. (Cedar: a missing entity is `in` nothing, so a `forbid` about it is lost.)
pub(crate) fn entities(one: &Parsed<'_>, names: &Names<'_>, diagnostics: &mut Vec<Diagnostic>) {
    if one.shipped {
        return;
    }
    for uid in one.policy.entity_literals() {
        let Some(of) = Type::parse(&uid.type_name().to_string()) else { continue };
        let name = uid.id().unescaped();
        if names.known(of, name) {
            continue;
        }
        let mend = names.nearest(of, name).map_or_else(
            || format!("declare it, or take `{uid}` out: a policy about nothing never applies"),
            |near| format!("is `{}` meant?", of.uid(&near)),
        );
        let what = format!("there is no {} `{name}`", of.as_str());
        diagnostics.push(Diagnostic::error(one.find(&uid.to_string()), "policy.unknown_entity", what).mend(mend));
    }
}

/// Everything that is seen in the conditions.
pub(crate) fn expressions(one: &Parsed<'_>, entry: &Entry, diagnostics: &mut Vec<Diagnostic>) {
    if one.shipped {
        return;
    }
    if entry.scope.everywhere() {
        let what = format!("no index narrows `{}`: every first look of every identity at every operation evaluates it", entry.name);
        diagnostics.push(
            Diagnostic::warning(one.at(0), "policy.unindexed", what)
                .mend("name a principal (`==`, `in`), a resource or actions in the scope, where it is meant for some only"),
        );
    }
    for clause in entry.body.clauses() {
        let (Clause::When(expr) | Clause::Unless(expr)) = clause;
        walk(one, expr, diagnostics);
    }
    if let Some(condition) = &entry.condition {
        not_yet(one, condition, diagnostics);
        order(one, condition, diagnostics);
    }
}

fn walk(one: &Parsed<'_>, expr: &Expr, diagnostics: &mut Vec<Diagnostic>) {
    match expr {
        Expr::BinaryOp { op: BinaryOp::Eq | BinaryOp::NotEq, left, right } => {
            word(one, left, right, diagnostics);
            word(one, right, left, diagnostics);
        }
        Expr::BinaryOp { op: BinaryOp::Contains, left, right } => {
            if let Expr::Set(items) = &**left {
                items.iter().for_each(|item| word(one, right, item, diagnostics));
            }
        }
        Expr::BinaryOp { op: BinaryOp::In | BinaryOp::HasTag | BinaryOp::GetTag, left, .. } => stranger(one, left, diagnostics),
        Expr::GetAttr { expr: of, .. } | Expr::HasAttr { expr: of, .. } | Expr::Is { expr: of, in_expr: Some(_), .. } => {
            stranger(one, of, diagnostics);
        }
        _ => {}
    }
    for part in fold::parts(expr) {
        walk(one, part, diagnostics);
    }
}

/// `principal.state == "actve"` is false for ever, and nobody would say so.
fn word(one: &Parsed<'_>, subject: &Expr, value: &Expr, diagnostics: &mut Vec<Diagnostic>) {
    let (Some((var, members)), Expr::Literal(Literal::String(value))) = (fold::path(subject), value) else { return };
    let full = format!("{}.{}", variable(var), members.join("."));
    for (path, words) in worded() {
        if path == full && !words.contains(&value.as_str()) {
            let near = nearest(value, words.iter().copied()).map_or(String::new(), |near| format!("is `{near}` meant? "));
            let what = format!("`{path}` is never `{value}`");
            let mend = format!("{near}it is one of {}", words.join(", "));
            diagnostics.push(Diagnostic::error(one.find(&format!("\"{value}\"")), "policy.word", what).mend(mend));
        }
    }
}

const fn variable(var: &Var) -> &'static str {
    match var {
        Var::Principal => "principal",
        Var::Action => "action",
        Var::Resource => "resource",
        Var::Context => "context",
    }
}

/// A request carries the entities of its own identity and operation; of another's, Cedar would know nothing.
fn stranger(one: &Parsed<'_>, expr: &Expr, diagnostics: &mut Vec<Diagnostic>) {
    if let Expr::Literal(Literal::EntityUID(uid)) = expr
        && matches!(type_of(uid), Some(Type::Identity | Type::Operation))
    {
        let what = format!("`{uid}` cannot be looked into here: a request carries only its own identity and operation");
        let mend = "ask about `principal` or `resource`; compare with a literal by `==`";
        diagnostics.push(Diagnostic::error(one.find(&uid.to_string()), "policy.other_entity", what).mend(mend));
    }
    if let Expr::IfThenElse { then_expr, else_expr, .. } = expr {
        stranger(one, then_expr, diagnostics);
        stranger(one, else_expr, diagnostics);
    }
}

fn type_of(uid: &EntityUID) -> Option<Type> {
    Type::parse(&uid.ty.to_string())
}

fn not_yet(one: &Parsed<'_>, condition: &Expr, diagnostics: &mut Vec<Diagnostic>) {
    let mut paths = Vec::new();
    fold::context_paths(condition, &mut paths);
    for path in paths {
        let full = std::iter::once("context").chain(path).collect::<Vec<_>>().join(".");
        for late in NOT_YET {
            if late == full || late.strip_prefix(&*full).is_some_and(|rest| rest.starts_with('.')) {
                let leaf = late.rsplit('.').next().unwrap_or(late);
                let what = format!("`{late}` is not known yet, and so no policy can rest on it");
                let mend = "take the condition out until this version fills it";
                diagnostics.push(Diagnostic::error(one.find(leaf), "key.not_enforced", what).mend(mend));
            }
        }
    }
}

/// Conditions do not fold past a read of the context: what is constant comes first.
fn order(one: &Parsed<'_>, condition: &Arc<Expr>, diagnostics: &mut Vec<Diagnostic>) {
    let mut conjuncts = Vec::new();
    flatten(condition, &mut conjuncts);
    let late = conjuncts.iter().skip_while(|part| fold::reads(part).is_empty()).find(|part| fold::reads(part).is_empty());
    if let Some(late) = late {
        let what = format!("the condition `{late}` is the same for every request of an identity, and stands behind one that is not");
        diagnostics.push(
            Diagnostic::warning(one.at(0), "policy.order", what)
                .mend("put conditions that do not read `context` first: they are then judged once, not on each request"),
        );
    }
}

/// `a && b && c` as its parts.
pub(crate) fn flatten<'a>(expr: &'a Arc<Expr>, into: &mut Vec<&'a Arc<Expr>>) {
    if let Expr::BinaryOp { op: BinaryOp::And, left, right } = &**expr {
        flatten(left, into);
        flatten(right, into);
    } else {
        into.push(expr);
    }
}

/// Environments that conditions name: they are among the entities of every request, so that one can look into them.
pub(crate) fn environments_named(entries: &[Entry], names: &Names<'_>) -> Box<[Arc<Environment>]> {
    fn collect<'a>(expr: &'a Expr, into: &mut BTreeSet<&'a str>) {
        if let Expr::Literal(Literal::EntityUID(uid)) = expr
            && type_of(uid) == Some(Type::Environment)
        {
            into.insert(uid.eid.as_str());
        }
        fold::parts(expr).into_iter().for_each(|part| collect(part, into));
    }
    let mut named = BTreeSet::new();
    entries.iter().filter_map(|entry| entry.condition.as_ref()).for_each(|condition| collect(condition, &mut named));
    names.environments.iter().filter(|environment| named.contains(environment.name.as_str())).cloned().collect()
}
