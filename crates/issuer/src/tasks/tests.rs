use super::api;
use crate::place::Place;

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
