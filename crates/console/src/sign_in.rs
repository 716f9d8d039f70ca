//! The paths at which people sign in, as the gate judges them: the only ones beside probes that answer without a credential.
//! What happens there is the business of the process that serves them; here is what is known of it everywhere else.

use crate::operations::admin_api;
use http::Method;
use std::sync::Arc;
use wardgate_model::{
    api::{Api, Operation, OperationClass, OperationId, PathTemplate},
    id::{ApiName, IdentityId},
};

/// The name of the API.
pub const SIGN_IN_API: &str = "wardgate-sign-in";
/// Whole segments that its paths begin with.
pub const SIGN_IN_PREFIX: &str = "/sign-in";
/// The name of the entry that sessions of people stand under who signed in at an issuer.
pub const PERSON_SESSION: &str = "person";
/// What the names of their identities begin with. No document can declare one: such names are Wardgate's own.
pub const PERSON: &str = "wardgate-person-";

/// Whether an identity is a person who signs in at an issuer. It has no other way in: who vouches for it says at each sign-in
/// whether it still may.
#[must_use]
pub fn is_of_issuer(identity: &IdentityId) -> bool {
    identity.as_str().starts_with(PERSON)
}

/// A step of signing in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SignInStep {
    /// The page that says what is about to happen.
    Page,
    /// Off to the issuer.
    Start,
    /// Back from the issuer.
    Callback,
    /// A command swaps its code for a session.
    Swap,
}

impl SignInStep {
    /// Every step.
    pub const ALL: &'static [Self] = &[Self::Page, Self::Start, Self::Callback, Self::Swap];

    /// Where it is.
    #[must_use]
    pub const fn path(self) -> &'static str {
        match self {
            Self::Page => SIGN_IN_PREFIX,
            Self::Start => "/sign-in/start",
            Self::Callback => "/sign-in/callback",
            Self::Swap => "/sign-in/session",
        }
    }

    /// The method.
    #[must_use]
    pub const fn method(self) -> Method {
        match self {
            Self::Page | Self::Start | Self::Callback => Method::GET,
            Self::Swap => Method::POST,
        }
    }

    /// The step that an operation of the gate's is.
    #[must_use]
    pub fn of(operation: &Operation) -> Option<Self> {
        let fits = |step: &Self| step.method() == operation.method && step.path() == operation.template.as_str();
        Self::ALL.iter().copied().find(fits)
    }

    fn operation(self) -> Option<Operation> {
        let (method, template) = (self.method(), PathTemplate::parse(self.path()).ok()?);
        let id = OperationId::new(&ApiName::literal(SIGN_IN_API), &method, &template);
        // In all else it is as `POST /api/v1/sessions` is.
        let like = admin_api().operations.iter().find(|operation| operation.class == OperationClass::Login).cloned()?;
        Some(Operation { id, method, template, anonymous: true, resource: None, query: Box::default(), ..(*like).clone() })
    }
}

/// The paths at which people sign in, as the gate judges them: on the admin door, for everybody, recorded without fail.
#[must_use]
pub fn sign_in_api() -> Api {
    Api {
        name: ApiName::literal(SIGN_IN_API),
        path_prefix: SIGN_IN_PREFIX.into(),
        accept: Box::default(),
        operations: SignInStep::ALL.iter().filter_map(|step| step.operation().map(Arc::new)).collect(),
        ..admin_api()
    }
}

#[cfg(test)]
mod tests {
    use super::{SignInStep, sign_in_api};

    #[test]
    fn every_step_is_an_operation_that_everybody_may_use() {
        let api = sign_in_api();
        assert_eq!(api.operations.len(), SignInStep::ALL.len());
        assert!(api.operations.iter().all(|operation| operation.anonymous));
        let steps: Vec<_> = api.operations.iter().filter_map(|operation| SignInStep::of(operation)).collect();
        assert_eq!(steps, SignInStep::ALL);
    }
}
