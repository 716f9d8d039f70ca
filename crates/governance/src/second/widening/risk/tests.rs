use crate::{
    second::{Act, needs},
    testing::{documents, proposed, record},
};

/// What it needs to say this of risk where that was said before.
fn check(kind: &str, before: &str, after: &str) -> String {
    let spec = match kind {
        "Api" => "policy_owner: payments, environment: production, upstream: { urls: [\"https://ledger.example\"] }",
        _ => "type: workload, owner: payments, environment: production, purpose: x",
    };
    let text = |said: &str| {
        let said = if said.is_empty() { String::new() } else { format!(", {said}") };
        format!("kind: {kind}\nname: one\nspec: {{ {spec}{said} }}")
    };
    let before = documents(&text(before));
    match needs(&Act::Apply { changes: proposed(&text(after)) }, &record(&before)) {
        None => "nothing".to_owned(),
        Some(needs) => format!("{}: {}", needs.needed, needs.why.join("; ")),
    }
}

#[test]
fn an_api_that_lets_more_risk_through_wants_a_second() {
    let more = "second: the API `one` lets requests of more risk through";
    assert_eq!(check("Api", "", "risk: { slow: 20, challenge: 30, block: 40 }"), "nothing");
    assert_eq!(check("Api", "", "risk: { block: 81 }"), more);
    assert_eq!(check("Api", "", "risk: { mode: observe }"), more);
    assert_eq!(check("Api", "risk: { block: 40 }", ""), more);
    assert_eq!(check("Api", "", "sensitivity: low"), more, "what is not said goes by it");
    assert_eq!(check("Api", "", "risk: { quarantine: true }"), "nothing");
    assert_eq!(check("Api", "risk: { quarantine: 90 }", "risk: { quarantine: true }"), more);
    assert_eq!(check("Api", "risk: { mode: observe }", "risk: { mode: enforce }"), "nothing");
}

#[test]
fn a_plan_that_spares_its_identity_wants_a_second() {
    let more = "second: `one` is let through with more risk";
    assert_eq!(check("Identity", "", "risk: { block: 60, quarantine: true, tell: [deputy] }"), "nothing");
    assert_eq!(check("Identity", "", "risk: { block: 76 }"), more);
    assert_eq!(check("Identity", "risk: { block: 60 }", ""), more);
    assert_eq!(check("Identity", "", "risk: { mode: observe }"), more);
    assert_eq!(check("Identity", "", "risk: { quarantine: false }"), more);
    assert_eq!(check("Identity", "risk: { quarantine: true }", "risk: { quarantine: 90 }"), "nothing");
    assert_eq!(check("Identity", "", "risk: { keep: [GET /health] }"), "second: `GET /health` stays open to `one` whatever its risk");
    assert_eq!(check("Identity", "risk: { keep: [read] }", "risk: { tell: [owner] }"), "nothing");
}
