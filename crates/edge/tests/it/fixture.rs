//! The smallest world that a door can be tried on. Shared by the unit tests and the tests over sockets.

use http::Method;
use std::sync::Arc;
use wardgate_model::{
    api::{
        Api, AuditMode, Consumers, Doors, Exposure, HostPattern, Mode, Operation, OperationClass, OperationId, PathTemplate, Sensitivity,
        Target, Upstream, UpstreamIdentity, UpstreamTimeouts, UpstreamUrl,
    },
    credential::CredentialKind,
    id::{ApiName, EnvironmentName, OwnerName},
    inventory::Environment,
};

/// `METHOD /template` → an operation that anybody may use.
pub(crate) fn open(api: &ApiName, line: &str) -> Arc<Operation> {
    operation(api, line, true)
}

/// `METHOD /template` → an operation.
pub(crate) fn operation(api: &ApiName, line: &str, anonymous: bool) -> Arc<Operation> {
    let (method, template) = line.split_once(' ').expect("a method and a template");
    let method: Method = method.parse().expect("a method");
    let template = PathTemplate::parse(template).expect("a template");
    let class = if method == Method::GET { OperationClass::Read } else { OperationClass::Write };
    Arc::new(Operation {
        id: OperationId::new(api, &method, &template),
        method,
        template,
        class,
        resource: None,
        records: None,
        anonymous,
        people: false,
        query: Box::default(),
        ending: None,
        request: None,
        login: None,
        flows: Box::default(),
    })
}

/// An API of production at `url`, with operations that anybody may use and one, `GET /guarded`, that needs a key.
pub(crate) fn api(name: &'static str, url: &str) -> Api {
    let name = ApiName::literal(name);
    let url = url.strip_prefix("http://").expect("an http address");
    let (host, port) = url.rsplit_once(':').expect("a port");
    let url = UpstreamUrl { tls: false, host: host.into(), port: port.parse().expect("a port") };
    let open_ones = ["GET /", "HEAD /", "POST /", "PUT /", "GET /{x}", "POST /{x}", "HEAD /{x}", "OPTIONS /{x}", "GET /{x}/{y}"]
        .map(|line| open(&name, line));
    let guarded = [operation(&name, "GET /guarded", false)];
    Api {
        operations: guarded.into_iter().chain(open_ones).collect(),
        name,
        policy_owner: OwnerName::literal("shop"),
        business_owner: None,
        business_function: None,
        environment: Arc::new(Environment { name: EnvironmentName::literal("shared"), production: false, shared: true }),
        sensitivity: Sensitivity::Low,
        exposure: Exposure::Public,
        consumers: Consumers::Machine,
        people: None,
        hosts: Box::new([HostPattern::Any]),
        path_prefix: Box::default(),
        audit: AuditMode::BestEffort,
        mode: Mode::Enforce,
        accept: Box::new([CredentialKind::ApiKey]),
        api_key_header: None,
        upstream: Upstream {
            target: Target::Http(Box::new([url])),
            path: None,
            identity: UpstreamIdentity::Keep,
            timeouts: UpstreamTimeouts::default(),
            connections_max: 64,
            wire: wardgate_model::wire::UpstreamWire::default(),
            transactions: None,
        },
        doors: Doors::Both,
        stale_after: None,
        require: Box::default(),
        risk: wardgate_model::risk::Plan::of(Sensitivity::Low),
        inspect: wardgate_model::shape::Inspect::NOTHING,
    }
}
