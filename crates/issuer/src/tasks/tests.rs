use super::api;
use crate::{details, place::Place};
use http::Method;
use wardgate_model::{
    api::{Api, Doors, HostPattern, Operation, OperationClass, PathTemplate},
    id::ApiName,
};

#[test]
fn every_operation_needs_a_proof_and_says_what_it_is() {
    let api = api(&Place::parse("https://gate.example/eu").expect("a place"));
    assert!(api.is_tasks() && api.operations.iter().all(|operation| !operation.anonymous && !operation.people));
    let told: Vec<String> =
        api.operations.iter().map(|operation| format!("{} {}", operation.method, operation.template.as_str())).collect();
    assert_eq!(
        told,
        [
            "POST /eu/tasks",
            "GET /eu/tasks",
            "GET /eu/tasks/{task}",
            "POST /eu/tasks/{task}/complete",
            "POST /eu/tasks/{task}/fail",
            "POST /eu/tasks/{task}/heartbeat",
        ]
    );
}

#[test]
fn operations_are_named_as_grants_name_them() {
    let (name, template) = (ApiName::literal("orders"), |text| PathTemplate::parse(text).expect("a template"));
    let operations = ["/orders", "/orders/{id}"].map(|path| Operation::ours(&name, Method::GET, template(path), OperationClass::Read));
    let api = Api::ours(name.clone(), (Doors::Public, HostPattern::Any), "/orders", &[], operations);
    let selected = |text| details::select(text, &api).map(|selector| selector.to_string());
    for (text, full) in [("GET /", "GET /orders"), ("GET /orders", "GET /orders"), ("GET /{id}", "GET /orders/{id}"), ("read", "read")] {
        assert_eq!(selected(text).as_deref(), Some(full), "{text}");
    }
    assert_eq!(selected("GET /other"), None);
}
