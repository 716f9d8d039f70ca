//! Policies by scope, so that the cost of a first look does not grow with policies about somebody else.

use crate::schema::Type;
use cedar_policy::pst::{ActionConstraint, EntityOrSlot, EntityType, EntityUID, PrincipalConstraint, ResourceConstraint, Template};
use std::collections::HashMap;
use wardgate_model::{
    api::{Api, Operation, OperationClass},
    inventory::Identity,
};

/// What one side of a scope asks for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Side {
    /// Anything.
    Any,
    /// The entity itself, or something within it.
    Of(Type, Box<str>),
    /// Nothing that a request can have.
    Never,
}

/// A policy's scope.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Scope {
    pub(crate) principal: Side,
    pub(crate) resource: Side,
    /// One bit a class.
    pub(crate) classes: u8,
}

const ANY_CLASS: u8 = u8::MAX;

fn bit(class: OperationClass) -> u8 {
    1 << class as u8
}

impl Scope {
    pub(crate) fn of(policy: &Template) -> Self {
        let principal = match &policy.principal {
            PrincipalConstraint::Any => Side::Any,
            PrincipalConstraint::Eq(entity) => exactly(entity, Type::Identity),
            PrincipalConstraint::In(entity) => within(entity),
            PrincipalConstraint::Is(of) => kind(of, Type::Identity, Side::Any),
            PrincipalConstraint::IsIn(of, entity) => kind(of, Type::Identity, within(entity)),
        };
        let resource = match &policy.resource {
            ResourceConstraint::Any => Side::Any,
            ResourceConstraint::Eq(entity) => exactly(entity, Type::Operation),
            ResourceConstraint::In(entity) => within(entity),
            ResourceConstraint::Is(of) => kind(of, Type::Operation, Side::Any),
            ResourceConstraint::IsIn(of, entity) => kind(of, Type::Operation, within(entity)),
        };
        let classes = match &policy.action {
            ActionConstraint::Any => ANY_CLASS,
            ActionConstraint::Eq(action) => class(action),
            ActionConstraint::In(actions) => actions.iter().map(class).fold(0, |all, one| all | one),
        };
        Self { principal, resource, classes }
    }

    /// Whether every request has to look at the policy.
    pub(crate) fn everywhere(&self) -> bool {
        self.principal == Side::Any && self.resource == Side::Any && self.classes == ANY_CLASS
    }
}

fn class(action: &EntityUID) -> u8 {
    if action.ty.to_string() == Type::Action.as_str() { OperationClass::parse(&action.eid).map_or(0, bit) } else { 0 }
}

fn within(entity: &EntityOrSlot) -> Side {
    let EntityOrSlot::Entity(entity) = entity else { return Side::Never };
    Type::parse(&entity.ty.to_string()).map_or(Side::Never, |of| Side::Of(of, entity.eid.as_str().into()))
}

fn exactly(entity: &EntityOrSlot, of: Type) -> Side {
    match within(entity) {
        Side::Of(found, name) if found == of => Side::Of(found, name),
        _ => Side::Never,
    }
}

fn kind(named: &EntityType, of: Type, side: Side) -> Side {
    if named.to_string() == of.as_str() { side } else { Side::Never }
}

/// Positions of policies by the resource side of their scope.
#[derive(Debug, Default)]
struct ByResource {
    any: Vec<u32>,
    of: HashMap<(Type, Box<str>), Vec<u32>>,
}

/// Positions of policies by scope.
#[derive(Debug, Default)]
pub(crate) struct Index {
    /// Neither principal nor resource narrows: by class.
    by_class: [Vec<u32>; 8],
    /// Any principal, a resource.
    any: HashMap<(Type, Box<str>), Vec<u32>>,
    /// A principal.
    of: HashMap<(Type, Box<str>), ByResource>,
}

impl Index {
    pub(crate) fn insert(&mut self, scope: &Scope, position: u32) {
        match (&scope.principal, &scope.resource) {
            (Side::Never, _) | (_, Side::Never) => {}
            (Side::Any, Side::Any) => {
                for (class, list) in OperationClass::ALL.iter().zip(&mut self.by_class) {
                    if scope.classes & bit(*class) != 0 {
                        list.push(position);
                    }
                }
            }
            (Side::Any, Side::Of(of, name)) => self.any.entry((*of, name.clone())).or_default().push(position),
            (Side::Of(of, name), resource) => {
                let principal = self.of.entry((*of, name.clone())).or_default();
                match resource {
                    Side::Of(of, name) => principal.of.entry((*of, name.clone())).or_default().push(position),
                    _ => principal.any.push(position),
                }
            }
        }
    }

    /// Positions of every policy whose principal and resource side match, in order; classes other than the
    /// operation's may be among them.
    pub(crate) fn candidates(&self, identity: &Identity, api: &Api, operation: &Operation) -> Vec<u32> {
        let resources: [(Type, Box<str>); 2] = [(Type::Operation, operation.id.as_str().into()), (Type::Api, api.name.as_str().into())];
        let mut principals: Vec<(Type, Box<str>)> = vec![
            (Type::Identity, identity.id.as_str().into()),
            (Type::Owner, identity.owner.as_str().into()),
            (Type::Environment, identity.environment.name.as_str().into()),
        ];
        principals.extend(identity.team.iter().map(|team| (Type::Team, team.as_str().into())));
        principals.extend(identity.roles.iter().map(|role| (Type::Role, role.as_str().into())));
        let mut found: Vec<u32> = self.by_class.get(operation.class as usize).into_iter().flatten().copied().collect();
        for resource in &resources {
            found.extend(self.any.get(resource).into_iter().flatten());
        }
        for by_resource in principals.iter().filter_map(|principal| self.of.get(principal)) {
            found.extend(&by_resource.any);
            for resource in &resources {
                found.extend(by_resource.of.get(resource).into_iter().flatten());
            }
        }
        found.sort_unstable();
        found.dedup();
        found
    }
}

/// Whether the scope's action side takes the class.
pub(crate) fn takes(scope: &Scope, class: OperationClass) -> bool {
    scope.classes & bit(class) != 0
}
