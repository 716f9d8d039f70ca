//! The Cedar side of one identity and one operation: their entities, built from our own typed values.

use crate::schema::Type;
use cedar_policy::{Authorizer, Context, Entities, Entity, EntityUid, PolicySet, Request, Response, RestrictedExpression};
use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::Arc,
};
use wardgate_model::{
    api::{Api, Operation},
    inventory::{Environment, Identity},
};

/// Why Cedar would not take our values. None is expected; each denies.
#[derive(Debug, thiserror::Error)]
pub(crate) enum WorldFault {
    #[error("the attributes of {0} cannot be given to Cedar")]
    Attributes(EntityUid),
    #[error("the entities cannot be given to Cedar: {0}")]
    Entities(#[from] Box<cedar_policy::entities_errors::EntitiesError>),
}

/// Principal, action, resource and every entity that a policy may look into.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) principal: EntityUid,
    pub(crate) action: EntityUid,
    pub(crate) resource: EntityUid,
    pub(crate) entities: Entities,
}

impl World {
    /// `others`: environments that policies name, beside those of identity and API.
    pub(crate) fn new(identity: &Identity, api: &Api, operation: &Operation, others: &[Arc<Environment>]) -> Result<Self, WorldFault> {
        let principal = Type::Identity.uid(identity.id.as_str());
        let resource = Type::Operation.uid(operation.id.as_str());
        let mut environments: BTreeMap<&str, &Environment> = BTreeMap::new();
        for environment in others.iter().chain([&api.environment, &identity.environment]) {
            environments.insert(environment.name.as_str(), environment);
        }
        let mut all = vec![caller(principal.clone(), identity)?, called(resource.clone(), api, operation)?];
        for environment in environments.values() {
            let uid = Type::Environment.uid(environment.name.as_str());
            let attributes = HashMap::from([
                ("production".to_owned(), RestrictedExpression::new_bool(environment.production)),
                ("shared".to_owned(), RestrictedExpression::new_bool(environment.shared)),
            ]);
            all.push(Entity::new(uid.clone(), attributes, HashSet::new()).map_err(|_| WorldFault::Attributes(uid))?);
        }
        let entities = Entities::from_entities(all, None).map_err(Box::new)?;
        Ok(Self { principal, action: Type::Action.uid(operation.class.as_str()), resource, entities })
    }

    /// A world without entities, for conditions that read the context alone.
    pub(crate) fn empty() -> Self {
        Self {
            principal: Type::Identity.uid(""),
            action: Type::Action.uid(""),
            resource: Type::Operation.uid(""),
            entities: Entities::empty(),
        }
    }

    /// Cedar's own answer. Nothing is validated here: the values are typed, the policies were validated when compiled.
    pub(crate) fn ask(&self, policies: &PolicySet, context: Context) -> Option<Response> {
        let request = Request::new(self.principal.clone(), self.action.clone(), self.resource.clone(), context, None).ok()?;
        Some(Authorizer::new().is_authorized(&request, policies, &self.entities))
    }
}

fn text(value: &str) -> RestrictedExpression {
    RestrictedExpression::new_string(value.to_owned())
}

fn caller(uid: EntityUid, identity: &Identity) -> Result<Entity, WorldFault> {
    let reference = RestrictedExpression::new_entity_uid;
    let owner = Type::Owner.uid(identity.owner.as_str());
    let environment = Type::Environment.uid(identity.environment.name.as_str());
    let mut attributes = HashMap::from([
        ("type".to_owned(), text(identity.kind.as_str())),
        ("environment".to_owned(), reference(environment.clone())),
        ("owner".to_owned(), reference(owner.clone())),
        ("criticality".to_owned(), text(identity.criticality.as_str())),
        ("state".to_owned(), text(identity.state.as_str())),
        ("claim_overdue".to_owned(), RestrictedExpression::new_bool(identity.claim_overdue)),
        ("quality".to_owned(), RestrictedExpression::new_long(i64::from(identity.quality))),
    ]);
    let mut parents = HashSet::from([owner, environment]);
    if let Some(team) = &identity.team {
        let team = Type::Team.uid(team.as_str());
        attributes.insert("team".to_owned(), reference(team.clone()));
        parents.insert(team);
    }
    if let Some(function) = &identity.business_function {
        attributes.insert("business_function".to_owned(), text(function));
    }
    parents.extend(identity.roles.iter().map(|role| Type::Role.uid(role.as_str())));
    let tags = identity.tags.iter().map(|(key, value)| (key.to_string(), text(value)));
    Entity::new_with_tags(uid.clone(), attributes, parents, tags).map_err(|_| WorldFault::Attributes(uid))
}

fn called(uid: EntityUid, api: &Api, operation: &Operation) -> Result<Entity, WorldFault> {
    let reference = RestrictedExpression::new_entity_uid;
    let parent = Type::Api.uid(api.name.as_str());
    let attributes = HashMap::from([
        ("api".to_owned(), reference(parent.clone())),
        ("class".to_owned(), text(operation.class.as_str())),
        ("method".to_owned(), text(operation.method.as_str())),
        ("path".to_owned(), text(operation.template.as_str())),
        ("environment".to_owned(), reference(Type::Environment.uid(api.environment.name.as_str()))),
        ("sensitivity".to_owned(), text(api.sensitivity.as_str())),
        ("exposure".to_owned(), text(api.exposure.as_str())),
        ("owner".to_owned(), reference(Type::Owner.uid(api.policy_owner.as_str()))),
        ("anonymous".to_owned(), RestrictedExpression::new_bool(operation.anonymous)),
        ("people".to_owned(), RestrictedExpression::new_bool(operation.people)),
    ]);
    Entity::new(uid.clone(), attributes, HashSet::from([parent])).map_err(|_| WorldFault::Attributes(uid))
}
