//! APIs that this process answers itself: the gate judges them as any other.

use super::{
    Api, AuditMode, Consumers, Doors, Exposure, HostPattern, Mode, Operation, OperationClass, OperationId, PathTemplate, Sensitivity,
    Target, Upstream, UpstreamIdentity, UpstreamTimeouts,
};
use crate::{
    credential::CredentialKind,
    id::{ApiName, EnvironmentName, OwnerName},
    inventory::Environment,
    risk::Plan,
    shape::Inspect,
    wire::UpstreamWire,
};
use http::Method;
use std::sync::Arc;

impl Api {
    /// An API that this process answers: of no one environment, critical, and recorded without fail. Its rulings always bind.
    #[must_use]
    pub fn ours(
        name: ApiName,
        (doors, host): (Doors, HostPattern),
        path_prefix: &str,
        accept: &[CredentialKind],
        operations: impl IntoIterator<Item = Operation>,
    ) -> Self {
        Self {
            name,
            policy_owner: OwnerName::literal("wardgate"),
            business_owner: None,
            business_function: None,
            environment: Arc::new(Environment { name: EnvironmentName::literal("shared"), production: false, shared: true }),
            sensitivity: Sensitivity::Critical,
            exposure: Exposure::Internal,
            consumers: Consumers::Machine,
            people: None,
            hosts: [host].into(),
            path_prefix: path_prefix.into(),
            audit: AuditMode::Required,
            mode: Mode::Enforce,
            accept: accept.into(),
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
            operations: operations.into_iter().map(Arc::new).collect(),
            doors,
            stale_after: None,
            require: Box::default(),
            risk: Plan::of(Sensitivity::Critical),
            inspect: Inspect::NOTHING,
        }
    }
}

impl Operation {
    /// An operation that nobody may use unproven, about no resource.
    #[must_use]
    pub fn ours(api: &ApiName, method: Method, template: PathTemplate, class: OperationClass) -> Self {
        Self {
            id: OperationId::new(api, &method, &template),
            method,
            template,
            class,
            resource: None,
            records: None,
            anonymous: false,
            people: false,
            query: Box::default(),
            ending: None,
            request: None,
            login: None,
            flows: Box::default(),
        }
    }
}
