//! APIs of tests, from text.

use super::known::Retired;
use http::Method;
use std::sync::Arc;
use wardgate_console::admin_api;
use wardgate_model::{
    api::{Api, Operation, OperationClass, OperationId, PathTemplate, Target, UpstreamUrl},
    id::ApiName,
};

/// An API under `/NAME` at `10.0.0.9`: a line for each operation, `CLASS METHOD TEMPLATE`, `anonymous` for a class.
pub(super) fn api(name: &str, operations: &str) -> Api {
    let (name, mut api) = (ApiName::parse(name).unwrap(), admin_api());
    let like = Arc::clone(api.operations.first().unwrap());
    let operation = |line: &str| {
        let [class, method, template] = line.split(' ').collect::<Vec<_>>().try_into().unwrap();
        let (method, template): (Method, _) = (method.parse().unwrap(), PathTemplate::parse(template).unwrap());
        Arc::new(Operation {
            id: OperationId::new(&name, &method, &template),
            method,
            template,
            class: OperationClass::parse(class).unwrap_or(OperationClass::Read),
            anonymous: class == "anonymous",
            ..Operation::clone(&like)
        })
    };
    api.operations = operations.lines().filter(|line| !line.is_empty()).map(operation).collect();
    api.path_prefix = format!("/{name}").into();
    api.upstream.target = Target::Http([UpstreamUrl { tls: false, host: "10.0.0.9".into(), port: 80 }].into());
    api.name = name;
    api
}

/// `METHOD TEMPLATE`.
pub(super) fn retired(text: &str) -> Retired {
    let (method, template) = text.split_once(' ').unwrap();
    Retired { method: method.parse().unwrap(), template: PathTemplate::parse(template).unwrap() }
}
