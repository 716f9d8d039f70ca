//! The token service as the gate judges it: an API in this process, recorded without fail. Who proved nothing may not use it.

use crate::place::{Endpoint, Place};
use http::Method;
use wardgate_model::{
    api::{Api, Doors, HostPattern, Operation, OperationClass, PathTemplate},
    credential::CredentialKind,
    id::ApiName,
};

/// The API of the token service at a place.
#[must_use]
pub fn api(place: &Place) -> Api {
    let (name, prefix) = (ApiName::literal(Api::ISSUER), place.prefix());
    let operations = Endpoint::ALL.into_iter().filter_map(|endpoint| {
        let template = PathTemplate::parse(&format!("{prefix}{}", endpoint.segment())).ok()?;
        let class = match endpoint {
            Endpoint::Token => OperationClass::Login,
            Endpoint::Introspection => OperationClass::Read,
            Endpoint::Revocation => OperationClass::Write,
        };
        Some(Operation::ours(&name, Method::POST, template, class))
    });
    let accept = [CredentialKind::PublicKey, CredentialKind::ApiKey, CredentialKind::X509, CredentialKind::Oidc];
    Api::ours(name.clone(), (Doors::Public, HostPattern::Exact(place.host().into())), &prefix, &accept, operations)
}

/// The endpoint that an operation of the gate's is.
#[must_use]
pub fn endpoint(operation: &Operation) -> Option<Endpoint> {
    Endpoint::ALL.into_iter().find(|endpoint| operation.template.as_str().ends_with(endpoint.segment()))
}

#[cfg(test)]
mod tests {
    use super::{Place, api, endpoint};
    use crate::place::Endpoint;

    #[test]
    fn every_endpoint_is_an_operation_that_nobody_may_use_unproven() {
        let api = api(&Place::parse("https://gate.example/eu").expect("a place"));
        assert!(api.is_issuer());
        assert!(api.operations.iter().all(|operation| !operation.anonymous && !operation.people));
        let found: Vec<_> = api.operations.iter().filter_map(|operation| endpoint(operation)).collect();
        assert_eq!(found, Endpoint::ALL);
    }
}
