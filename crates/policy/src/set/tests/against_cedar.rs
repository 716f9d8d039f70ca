//! Property: for random policies, grants and requests, the answer is that of Cedar's own authorizer over the whole set
//! with every entity and the full context, except that any error denies.

use crate::{
    answer::Decision as Ours,
    context::{Asked, Fields},
    grants::grant_text,
    testing::{NOON, Town, facts, grant},
    world::World,
};
use cedar_policy::{Decision, Policy, PolicyId, PolicySet};
use proptest::prelude::*;

const IDENTITIES: &str = "a owner=payments team=settlement\nb owner=data env=staging team=analytics roles=viewer\nc owner=payments env=shared roles=admin,operator state=suspended\nd owner=data env=shared type=bot quality=0 overdue tags=tier:gold";

fn picked(words: &'static [&'static str]) -> impl Strategy<Value = String> {
    prop::sample::select(words).prop_map(str::to_owned)
}

fn condition() -> impl Strategy<Value = String> {
    let leaf = picked(&[
        "true",
        "principal.state == \"active\"",
        "principal.environment.shared",
        "principal.environment == resource.environment",
        "principal in Team::\"analytics\"",
        "principal has team",
        "principal.quality + 9223372036854775807 > 0",
        "resource in Api::\"ledger\"",
        "resource.class == \"read\"",
        "action in [Action::\"read\", Action::\"bulk\"]",
        "principal.hasTag(\"tier\")",
        "context.risk > 5",
        "context.risk + 9223372036854775800 > 0",
        "context has purpose",
        "(context has purpose && context.purpose == principal.type)",
        "(context has task && context.task == \"t\")",
        "context.proof.kind == \"jwt\"",
        "context.proof.age_s < 30",
        "context.source.zone == \"lan\"",
        "context.source.network.isLoopback()",
        "context.time < datetime(\"2026-06-02\")",
        "context.request.path like \"/x*\"",
        "context.actors.contains(\"b\")",
        "(context has token && context.token.scopes.contains(\"s\"))",
        "(if context.proof.bound then context.risk < 3 else principal.claim_overdue)",
    ]);
    leaf.prop_recursive(3, 12, 2, |inner| {
        prop_oneof![
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("(({a}) && ({b}))")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("(({a}) || ({b}))")),
            inner.clone().prop_map(|a| format!("!({a})")),
            (inner.clone(), inner).prop_map(|(a, b)| format!("(if ({a}) then ({b}) else ({a}))")),
        ]
    })
}

fn policy() -> impl Strategy<Value = String> {
    (
        picked(&["permit", "permit", "forbid"]),
        picked(&[
            "principal",
            "principal == Identity::\"a\"",
            "principal in Owner::\"data\"",
            "principal in Role::\"admin\"",
            "principal is Identity in Environment::\"shared\"",
            "principal is Identity",
        ]),
        picked(&["action", "action == Action::\"list\"", "action in [Action::\"read\", Action::\"bulk\"]"]),
        picked(&[
            "resource",
            "resource in Api::\"ledger\"",
            "resource == Operation::\"ledger GET /export\"",
            "resource is Operation in Api::\"events\"",
        ]),
        prop::collection::vec((picked(&["when", "unless"]), condition()), 0..3),
    )
        .prop_map(|(effect, principal, action, resource, clauses)| {
            let clauses: String = clauses.into_iter().map(|(word, condition)| format!(" {word} {{ {condition} }}")).collect();
            format!("{effect} ({principal}, {action}, {resource}){clauses};")
        })
}

fn granted() -> impl Strategy<Value = String> {
    (
        picked(&["a", "d", "owner:data", "owner:payments"]),
        picked(&["ledger", "events"]),
        picked(&["read", "list,bulk", "GET:/export", "write,GET:/entries", "list"]),
        picked(&["", "purpose=p", "purpose=bot"]),
        picked(&["", "until=2026-06-01", "until=2026-06-02", "until=2020-01-01"]),
    )
        .prop_map(|(to, api, ops, purpose, until)| format!("to={to} api={api} ops={ops} {purpose} {until}"))
}

fn request() -> impl Strategy<Value = (String, String)> {
    (
        picked(&["a", "b", "c", "d", "anonymous"]),
        picked(&[
            "ledger GET /entries",
            "ledger GET /export",
            "ledger GET /entries/{id}",
            "ledger POST /entries",
            "ledger GET /status",
            "events GET /events",
            "wardgate-admin GET /api/v1/identities",
            "wardgate-admin POST /api/v1/sessions",
        ]),
        picked(&["", "proof=jwt bound age=40", "proof=api_key", "proof=session", "proof=sign_in age=5"]),
        picked(&["", "purpose=p", "purpose=bot task=t", "purpose=workload"]),
        picked(&["", "zone=lan", "address=127.0.0.1 path=/x1", "scopes=s actors=b", "obo=h"]),
        picked(&["risk=0", "risk=6", "risk=9", "risk=60"]),
    )
        .prop_map(|(who, what, proof, purpose, source, risk)| (format!("{who} {what}"), format!("- {proof} {purpose} {source} {risk}")))
}

fn whole(policies: &[String], grants: &[String]) -> PolicySet {
    let mut set: PolicySet = crate::SHIPPED.parse().unwrap();
    for (at, text) in policies.iter().enumerate() {
        set.add(Policy::parse(Some(PolicyId::new(format!("ours{at}"))), text).unwrap()).unwrap();
    }
    for (at, text) in grants.iter().enumerate() {
        set.add(Policy::parse(Some(PolicyId::new(format!("grant{at}"))), grant_text(&grant(text))).unwrap()).unwrap();
    }
    set
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_answer_is_that_of_cedar_over_the_whole_set(
        policies in prop::collection::vec(policy(), 0..6),
        grants in prop::collection::vec(granted(), 0..4),
        requests in prop::collection::vec(request(), 1..12),
    ) {
        let grants: Vec<String> = grants.iter().enumerate().map(|(at, text)| format!("g{at} {text}")).collect();
        let text: String = policies.iter().enumerate().map(|(at, text)| format!("@id(\"p{at}\") {text}\n")).collect();
        let town = Town::new(&text, IDENTITIES, &grants.join("\n"));
        let cedar = whole(&policies, &grants);
        // Twice: the second time from memory.
        for (request, described) in requests.iter().chain(&requests) {
            let parts: Vec<&str> = request.splitn(3, ' ').collect();
            let identity = town.identity(parts[0]);
            let (api, operation) = town.operation(parts[1], parts[2]);
            let (facts, risk) = facts(&identity, described);
            let standing = town.set.standing(&identity, &api, &operation);
            let ours = town.set.rule(&standing, &facts, risk, NOON);
            // What is told of every request with this proof holds of this one.
            let foretold = town.set.foretell(&standing, &facts, NOON).is_none_or(|told| told.decision == ours.decision);
            prop_assert!(foretold, "{} {}\n{}{}", request, described, text, grants.join("\n"));
            let world = World::new(&identity, &api, &operation, &[]).unwrap();
            let theirs = world.ask(&cedar, Asked { facts: &facts, risk, now: NOON }.context(Fields::ALL).unwrap()).unwrap();
            let failed = theirs.diagnostics().errors().count() > 0;
            let allowed = theirs.decision() == Decision::Allow && !failed;
            prop_assert_eq!(ours.decision == Ours::Allow, allowed, "{} {}\n{}{}\n{:?}\n{:?}", request, described, text, grants.join("\n"), ours, theirs);
            let fault = ours.reason.code().ends_with(".fault");
            prop_assert!(!fault || failed, "a fault that is none: {:?}", ours);
        }
    }
}
