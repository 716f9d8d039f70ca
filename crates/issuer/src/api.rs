//! The token service as the gate judges it: an API in this process, recorded without fail. Who proved nothing may not use it.

use crate::place::{Endpoint, Place};
use http::Method;
use std::sync::Arc;
use wardgate_model::{
    api::{
        Api, AuditMode, Consumers, Doors, Exposure, HostPattern, Mode, Operation, OperationClass, OperationId, PathTemplate, Sensitivity,
        Target, Upstream, UpstreamIdentity, UpstreamTimeouts,
    },
    credential::CredentialKind,
    id::{ApiName, EnvironmentName, OwnerName},
    inventory::Environment,
    wire::UpstreamWire,
};

/// The API of the token service at a place.
#[must_use]
pub fn api(place: &Place) -> Api {
    let shared = Environment { name: EnvironmentName::literal("shared"), production: false, shared: true };
    let prefix = place.prefix();
    Api {
        name: ApiName::literal(Api::ISSUER),
        policy_owner: OwnerName::literal("wardgate"),
        business_owner: None,
        business_function: None,
        environment: Arc::new(shared),
        sensitivity: Sensitivity::Critical,
        exposure: Exposure::Internal,
        consumers: Consumers::Machine,
        people: None,
        hosts: [HostPattern::Exact(place.host().into())].into(),
        audit: AuditMode::Required,
        mode: Mode::Enforce,
        accept: [CredentialKind::PublicKey, CredentialKind::ApiKey, CredentialKind::X509, CredentialKind::Oidc].into(),
        api_key_header: None,
        upstream: Upstream {
            target: Target::InProcess,
            path: None,
            identity: UpstreamIdentity::Assertion,
            timeouts: UpstreamTimeouts::default(),
            connections_max: 64,
            wire: UpstreamWire::default(),
            transactions: None,
        },
        operations: Endpoint::ALL.into_iter().filter_map(|endpoint| operation(&prefix, endpoint).map(Arc::new)).collect(),
        path_prefix: prefix.into(),
        doors: Doors::Public,
        stale_after: None,
        require: Box::default(),
    }
}

fn operation(prefix: &str, endpoint: Endpoint) -> Option<Operation> {
    let (name, template) = (ApiName::literal(Api::ISSUER), PathTemplate::parse(&format!("{prefix}{}", endpoint.segment())).ok()?);
    Some(Operation {
        id: OperationId::new(&name, &Method::POST, &template),
        method: Method::POST,
        template,
        class: match endpoint {
            Endpoint::Token => OperationClass::Login,
            Endpoint::Introspection => OperationClass::Read,
            Endpoint::Revocation => OperationClass::Write,
        },
        resource: None,
        records: None,
        anonymous: false,
        people: false,
        query: Box::default(),
        ending: None,
    })
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
