//! What is left of a condition once identity and operation are known.
//!
//! Takes Cedar's tree of a condition, gives a constant, a fault or a smaller condition. Folds only where Cedar itself
//! would not have gone on: `false && x` is false, but `x && false` stays, since `x` may fail, and a failure denies.
//! (Cedar's own partial evaluator type-checks every policy again on each call and is experimental; this is not.)

use crate::{context::Fields, world::World};
use cedar_policy::{
    Context, Decision, Policy, PolicySet,
    pst::{
        ActionConstraint, BinaryOp, Clause, Effect, Expr, Literal, PrincipalConstraint, ResourceConstraint, StaticPolicy, Template,
        UnaryOp, Var,
    },
};
use std::sync::Arc;

/// What a condition came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Folded {
    /// The same whatever the request.
    Constant(bool),
    /// It cannot be evaluated, whatever the request.
    Fault(String),
    /// This must be asked of each request.
    Rest(Arc<Expr>),
}

/// What is known of a request already.
#[derive(Debug)]
pub(crate) struct Known {
    /// Which fields.
    pub(crate) fields: Fields,
    /// Their values.
    pub(crate) context: Context,
}

impl Known {
    /// Nothing is.
    pub(crate) fn nothing() -> Self {
        Self { fields: Fields::NONE, context: Context::empty() }
    }
}

/// All clauses as one condition: `when a unless b` is `a && !b`, in the order written.
pub(crate) fn condition(clauses: &[Clause]) -> Option<Arc<Expr>> {
    clauses
        .iter()
        .map(|clause| match clause {
            Clause::When(expr) => Arc::clone(expr),
            Clause::Unless(expr) => not(Arc::clone(expr)),
        })
        .reduce(|left, right| join(BinaryOp::And, left, right))
}

/// Folds a condition in a world, as far as it is known what is asked.
pub(crate) fn fold(expr: &Arc<Expr>, world: &World, known: &Known) -> Folded {
    if reads(expr).is_within(known.fields) {
        return evaluate(expr, world, known);
    }
    match &**expr {
        Expr::BinaryOp { op: BinaryOp::And, left, right } => match fold(left, world, known) {
            Folded::Constant(true) => fold(right, world, known),
            Folded::Rest(left) => junction(BinaryOp::And, left, right, world, known),
            done => done,
        },
        Expr::BinaryOp { op: BinaryOp::Or, left, right } => match fold(left, world, known) {
            Folded::Constant(false) => fold(right, world, known),
            Folded::Rest(left) => junction(BinaryOp::Or, left, right, world, known),
            done => done,
        },
        Expr::UnaryOp { op: UnaryOp::Not, expr } => match fold(expr, world, known) {
            Folded::Constant(value) => Folded::Constant(!value),
            Folded::Rest(rest) => Folded::Rest(not(rest)),
            fault => fault,
        },
        Expr::IfThenElse { cond, then_expr, else_expr } => match fold(cond, world, known) {
            Folded::Constant(true) => fold(then_expr, world, known),
            Folded::Constant(false) => fold(else_expr, world, known),
            Folded::Rest(cond) => {
                Folded::Rest(Arc::new(Expr::IfThenElse { cond, then_expr: Arc::clone(then_expr), else_expr: Arc::clone(else_expr) }))
            }
            fault => fault,
        },
        _ => Folded::Rest(Arc::clone(expr)),
    }
}

/// Whether a condition can only come to `wanted`, or fail, whatever else is asked: of a `forbid`, both refuse.
pub(crate) fn is_certain(expr: &Arc<Expr>, wanted: bool, world: &World, known: &Known) -> bool {
    let certain = |expr: &Arc<Expr>, wanted: bool| is_certain(expr, wanted, world, known);
    match &**expr {
        Expr::UnaryOp { op: UnaryOp::Not, expr } => certain(expr, !wanted),
        // Both sides have to be true, and one that is false is enough.
        Expr::BinaryOp { op: BinaryOp::And, left, right } if wanted => certain(left, true) && certain(right, true),
        Expr::BinaryOp { op: BinaryOp::And, left, right } => certain(left, false) || certain(right, false),
        Expr::BinaryOp { op: BinaryOp::Or, left, right } if wanted => certain(left, true) || certain(right, true),
        Expr::BinaryOp { op: BinaryOp::Or, left, right } => certain(left, false) && certain(right, false),
        _ => match fold(expr, world, known) {
            Folded::Constant(value) => value == wanted,
            Folded::Fault(_) => true,
            Folded::Rest(_) => false,
        },
    }
}

/// `left op right` with `left` still open: `right` may shrink, and may vanish where it changes nothing.
fn junction(op: BinaryOp, left: Arc<Expr>, right: &Arc<Expr>, world: &World, known: &Known) -> Folded {
    let neutral = op == BinaryOp::And;
    Folded::Rest(match fold(right, world, known) {
        Folded::Constant(value) if value == neutral => left,
        Folded::Constant(value) => join(op, left, Arc::new(Expr::Literal(Literal::Bool(value)))),
        Folded::Rest(rest) => join(op, left, rest),
        Folded::Fault(_) => join(op, left, Arc::clone(right)),
    })
}

fn evaluate(expr: &Arc<Expr>, world: &World, known: &Known) -> Folded {
    if let Expr::Literal(Literal::Bool(value)) = &**expr {
        return Folded::Constant(*value);
    }
    let asked = policy("condition", Effect::Permit, Arc::clone(expr)).and_then(|policy| {
        let policies = PolicySet::from_policies([policy]).ok()?;
        world.ask(&policies, known.context.clone())
    });
    let Some(response) = asked else { return Folded::Fault("the condition cannot be given to Cedar".to_owned()) };
    match response.diagnostics().errors().next() {
        Some(error) => Folded::Fault(error.to_string()),
        None => Folded::Constant(response.decision() == Decision::Allow),
    }
}

/// A policy for every principal, action and resource, with this condition.
pub(crate) fn policy(name: &str, effect: Effect, condition: Arc<Expr>) -> Option<Policy> {
    let body = Template::new(name, effect, PrincipalConstraint::Any, ActionConstraint::Any, ResourceConstraint::Any)
        .try_with_clauses([Clause::When(condition)])
        .ok()?;
    Policy::from_pst(cedar_policy::pst::Policy::Static(StaticPolicy::try_from(body).ok()?)).ok()
}

fn not(expr: Arc<Expr>) -> Arc<Expr> {
    Arc::new(Expr::UnaryOp { op: UnaryOp::Not, expr })
}

fn join(op: BinaryOp, left: Arc<Expr>, right: Arc<Expr>) -> Arc<Expr> {
    Arc::new(Expr::BinaryOp { op, left, right })
}

/// Every direct part of an expression. A node of a kind that we do not know has none: see [`opaque`].
pub(crate) fn parts(expr: &Expr) -> Vec<&Arc<Expr>> {
    match expr {
        Expr::UnaryOp { expr, .. } | Expr::GetAttr { expr, .. } | Expr::HasAttr { expr, .. } | Expr::Like { expr, .. } => vec![expr],
        Expr::BinaryOp { left, right, .. } => vec![left, right],
        Expr::Is { expr, in_expr, .. } => [expr].into_iter().chain(in_expr).collect(),
        Expr::IfThenElse { cond, then_expr, else_expr } => vec![cond, then_expr, else_expr],
        Expr::Set(items) => items.iter().collect(),
        Expr::Record(members) => members.values().collect(),
        _ => Vec::new(),
    }
}

/// Whether we do not know what the node reads; then it reads everything.
fn opaque(expr: &Expr) -> bool {
    !matches!(
        expr,
        Expr::Literal(_)
            | Expr::Var(_)
            | Expr::UnaryOp { .. }
            | Expr::BinaryOp { .. }
            | Expr::GetAttr { .. }
            | Expr::HasAttr { .. }
            | Expr::Like { .. }
            | Expr::Is { .. }
            | Expr::IfThenElse { .. }
            | Expr::Set(_)
            | Expr::Record(_)
    )
}

/// `principal.environment.shared` as its variable and members; `None` when it is no such path.
pub(crate) fn path(expr: &Expr) -> Option<(&Var, Vec<&str>)> {
    match expr {
        Expr::Var(var) => Some((var, Vec::new())),
        Expr::GetAttr { expr, attr } => {
            let (var, mut members) = path(expr)?;
            members.push(attr.as_str());
            Some((var, members))
        }
        _ => None,
    }
}

/// The paths of the context that an expression reads, `has` included.
pub(crate) fn context_paths<'a>(expr: &'a Expr, found: &mut Vec<Vec<&'a str>>) {
    if opaque(expr) {
        found.push(Vec::new());
    }
    if let Some((Var::Context, members)) = path(expr) {
        found.push(members);
        return;
    }
    if let Expr::HasAttr { expr: of, attrs } = expr
        && let Some((Var::Context, mut members)) = path(of)
    {
        members.extend(attrs.iter().map(|attr| attr.as_str()));
        found.push(members);
        return;
    }
    for part in parts(expr) {
        context_paths(part, found);
    }
}

/// The fields of the context that an expression reads.
pub(crate) fn reads(expr: &Expr) -> Fields {
    let mut paths = Vec::new();
    context_paths(expr, &mut paths);
    paths.iter().fold(Fields::NONE, |fields, path| fields.and(Fields::of_path(path)))
}

/// Whether an expression speaks of principal, action or resource.
pub(crate) fn open(expr: &Expr) -> bool {
    opaque(expr)
        || matches!(expr, Expr::Var(Var::Principal | Var::Action | Var::Resource))
        || parts(expr).into_iter().any(|part| open(part))
}

#[cfg(test)]
mod tests;
