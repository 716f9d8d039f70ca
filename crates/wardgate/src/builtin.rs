//! What is there before any file: the owner, environment and identity of Wardgate itself.

use std::{collections::BTreeMap, sync::Arc};
use wardgate_model::{
    id::{EnvironmentName, IdentityId, OwnerName},
    inventory::{Criticality, Environment, Identity, IdentityKind, IdentityState, Role},
};

/// The identity that the first admin credential belongs to.
pub const OPERATOR: &str = "wardgate-operator";
/// The name of its credentials' entry.
pub const OPERATOR_ENTRY: &str = "first";
/// The owner and the environment of Wardgate itself.
pub const OWN: &str = "wardgate";

/// The environment of Wardgate itself: it stands beside every other.
#[must_use]
pub fn environment() -> Arc<Environment> {
    Arc::new(Environment { name: EnvironmentName::literal(OWN), production: false, shared: true })
}

/// Whoever holds the first admin credential, until the installation has named its own administrators.
#[must_use]
pub fn operator() -> Identity {
    Identity {
        id: IdentityId::literal(OPERATOR),
        kind: IdentityKind::ServiceAccount,
        owner: OwnerName::literal(OWN),
        team: None,
        environment: environment(),
        purpose: "sets this installation up".into(),
        business_function: None,
        criticality: Criticality::High,
        roles: Box::new([Role::Admin]),
        tags: BTreeMap::new(),
        ends: None,
        state: IdentityState::Active,
        serves: Box::default(),
        risk: None,
        registered: Box::default(),
        claim_overdue: false,
        quality: 100,
        revision: 0,
    }
}
