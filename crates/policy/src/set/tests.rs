//! Answers, by table; the traps of Cedar, by name; and the whole against Cedar's own authorizer.

mod against_cedar;
mod shipped;
mod traps;

use crate::{
    answer::Standing,
    testing::{NOON, Town, facts, grant, identity, show},
};
use std::{sync::Arc, time::Duration};
use wardgate_model::time::Time;

#[test]
fn grants_permit_by_scope_purpose_and_time() {
    let town = Town::new(
        "",
        "a owner=payments\nb owner=data",
        "reads to=a ops=read,list\nbulk to=a ops=GET:/export purpose=audit\nold to=a ops=write until=2026-01-01\nall to=owner:data ops=write until=2027-01-01",
    );
    insta::assert_snapshot!(
        town.table(
            "a ledger GET /entries
             a ledger GET /entries purpose=anything
             a ledger POST /entries
             a ledger GET /export proof=jwt
             a ledger GET /export proof=jwt purpose=audit
             a ledger GET /export proof=jwt purpose=other
             a ledger GET /export proof=api_key
             b ledger POST /entries
             b ledger GET /entries"
        ),
        @"
    a ledger GET /entries: allow rule.allowed grant:reads
    a ledger GET /entries purpose=anything: allow rule.allowed grant:reads
    a ledger POST /entries: deny rule.not_permitted
    a ledger GET /export proof=jwt: allow rule.allowed grant:bulk
    a ledger GET /export proof=jwt purpose=audit: allow rule.allowed grant:bulk
    a ledger GET /export proof=jwt purpose=other: deny rule.not_permitted
    a ledger GET /export proof=api_key: deny rule.forbidden guardrail:power
    b ledger POST /entries: allow rule.allowed grant:all
    b ledger GET /entries: deny standing.no_grant
    "
    );
}

#[test]
fn an_end_is_exclusive_and_never_remembered_past_its_truth() {
    let town = Town::new("", "a", "w to=a ops=write until=2026-06-02");
    let a = town.identity("a");
    let (api, operation) = town.operation("ledger", "POST /entries");
    let standing = town.set.standing(&a, &api, &operation);
    let (facts, risk) = facts(&a, "-");
    let end = Time::parse("2026-06-02").unwrap();
    let before = Time::from_micros(end.as_micros() - 1);
    let at = |now| show(&town.set.rule(&standing, &facts, risk, now));
    assert_eq!([at(before), at(end), at(before)], ["allow rule.allowed grant:w", "deny rule.not_permitted", "allow rule.allowed grant:w"]);
}

#[test]
fn time_in_a_policy_is_evaluated_each_time() {
    let town = Town::new(
        r#"@id("until") permit (principal, action, resource in Api::"ledger") when { context.time < datetime("2026-06-02T00:00:00Z") };"#,
        "a",
        "",
    );
    let a = town.identity("a");
    let (api, operation) = town.operation("ledger", "POST /entries");
    let standing = town.set.standing(&a, &api, &operation);
    let (facts, risk) = facts(&a, "-");
    let at = |now| show(&town.set.rule(&standing, &facts, risk, now));
    assert_eq!(at(NOON), "allow rule.allowed until");
    assert_eq!(at(NOON + Duration::from_secs(86_400)), "deny rule.not_permitted");
    assert_eq!(at(NOON), "allow rule.allowed until");
}

#[test]
fn a_country_is_what_the_facts_say() {
    let town = Town::new(
        r#"@id("embargo") forbid (principal, action, resource in Api::"ledger") when { context.source.country == "XX" };
@id("home") permit (principal, action == Action::"read", resource in Api::"ledger") when { context.source.country == "DE" };"#,
        "a",
        "",
    );
    let a = town.identity("a");
    let (api, operation) = town.operation("ledger", "GET /entries/{id}");
    let standing = town.set.standing(&a, &api, &operation);
    let from = |words: &str| {
        let (facts, risk) = facts(&a, words);
        show(&town.set.rule(&standing, &facts, risk, NOON))
    };
    // Each asked twice: the second answer is a remembered one.
    for _ in 0..2 {
        assert_eq!(from("- country=DE"), "allow rule.allowed home");
        assert_eq!(from("- country=XX"), "deny rule.forbidden embargo");
        assert_eq!(from("-"), "deny rule.not_permitted");
    }
}

#[test]
fn a_grade_counts_although_nothing_else_of_the_identity_is_another() {
    let town = Town::new(
        r#"@id("worn") forbid (principal, action, resource in Api::"ledger") when { principal.quality < 60 };
@id("careful") forbid (principal, action, resource in Api::"ledger") when { context.risk > principal.quality };"#,
        "a",
        "r to=a ops=read,list",
    );
    let (api, operation) = town.operation("ledger", "GET /entries");
    let at = |quality: u8, risk: &str| {
        let a = identity(&format!("a quality={quality}"));
        let (facts, risk) = facts(&a, risk);
        show(&town.set.rule(&town.set.standing(&a, &api, &operation), &facts, risk, NOON))
    };
    // The same again after each other: what is remembered of one grade says nothing of another.
    for _ in 0..2 {
        assert_eq!(at(100, "-"), "allow rule.allowed grant:r");
        assert_eq!(at(59, "-"), "deny standing.denied worn");
        assert_eq!(at(60, "-"), "allow rule.allowed grant:r");
        assert_eq!(at(60, "- risk=61"), "deny rule.forbidden careful");
        assert_eq!(at(62, "- risk=61"), "allow rule.allowed grant:r");
    }
}

#[test]
fn a_standing_is_remembered_by_identity_revision_and_operation() {
    let town = Town::new("", "a\nb", "r to=a ops=read,list");
    let a = town.identity("a");
    let (api, operation) = town.operation("ledger", "GET /entries");
    let first = town.set.standing(&a, &api, &operation);
    assert!(Arc::ptr_eq(&first, &town.set.standing(&a, &api, &operation)));
    assert!(matches!(&*first, Standing::Allowed(allowed) if allowed.grant.as_ref().is_some_and(|grant| grant.as_str() == "r")));
    assert!(matches!(&*town.set.standing(&town.identity("b"), &api, &operation), Standing::Denied(_)));
    // A change of the identity is a new revision, and so a new standing.
    let suspended = identity("a state=suspended revision=2");
    assert!(matches!(&*town.set.standing(&suspended, &api, &operation), Standing::Denied(_)));
    let (_, other) = town.operation("ledger", "POST /entries");
    assert!(matches!(&*town.set.standing(&a, &api, &other), Standing::Denied(_)));
}

#[test]
fn programs_without_an_identity_of_their_own_are_shared() {
    let town = Town::new("", "a\nb", "x to=a ops=bulk\ny to=b ops=bulk");
    for name in ["a", "b"] {
        town.ask(&format!("{name} ledger GET /export proof=jwt"));
    }
    assert_eq!((town.set.programs.len(), town.set.answers.len()), (1, 1));
}

#[test]
fn conditions_that_compare_the_request_with_the_identity_are_its_own() {
    let town = Town::new(
        r#"@id("own") permit (principal, action, resource in Api::"ledger") when { context has purpose && context.purpose == principal.type };"#,
        "a type=bot\nb type=workload",
        "",
    );
    insta::assert_snapshot!(town.table("a ledger GET /entries purpose=bot\nb ledger GET /entries purpose=bot\nb ledger GET /entries purpose=workload"), @"
    a ledger GET /entries purpose=bot: allow rule.allowed own
    b ledger GET /entries purpose=bot: deny rule.not_permitted
    b ledger GET /entries purpose=workload: allow rule.allowed own
    ");
}

#[test]
fn ten_thousand_grants_are_found_by_scope() {
    let grants: Vec<_> = (0..10_000).map(|n| grant(&format!("g{n} to=i{n} ops=read,list"))).collect();
    let compiled = crate::compile(&[], &grants, &crate::Names::default());
    let set = compiled.policies.expect("a set");
    let town = Town::new("", "", "");
    let (api, operation) = town.operation("ledger", "GET /entries");
    let one = identity("i7777");
    assert_eq!(set.grants.on(&one, &api).len(), 1);
    let answer = set.standing(&one, &api, &operation).constant().expect("constant");
    assert_eq!(show(&answer), "allow rule.allowed grant:g7777");
}

/// What a policy says of a proof wherever it is shown is told before there is a request; what it makes of the rest is not.
#[test]
fn what_holds_of_a_proof_is_told_beforehand_and_nothing_else() {
    let town = Town::new(
        r#"@id("bound") forbid (principal, action == Action::"write", resource) unless { context has purpose && context.proof.bound };
           @id("lan") forbid (principal, action == Action::"read", resource) when { context.source.zone != "lan" && context.proof.kind == "jwt" };
           @id("token") permit (principal, action == Action::"bulk", resource) when { context has token && context.time < datetime("2030-01-01T00:00:00Z") };"#,
        "a",
        "w to=a ops=write,list\nr to=a ops=read purpose=audit",
    );
    let a = town.identity("a");
    let told = |operation: &str, request: &str| {
        let (api, operation) = town.operation("ledger", operation);
        let (facts, _) = facts(&a, request);
        let foretold = town.set.foretell(&town.set.standing(&a, &api, &operation), &facts, NOON);
        foretold.map_or_else(|| "it depends".to_owned(), |answer| show(&answer))
    };
    assert_eq!(told("GET /entries", "- proof=api_key"), "allow rule.allowed grant:w");
    // Whatever the purpose will be: without a key it is refused. The order in which a condition asks does not matter.
    assert_eq!(told("POST /entries", "- proof=jwt"), "deny rule.forbidden bound");
    assert_eq!(told("POST /entries", "- proof=jwt bound=yes"), "it depends");
    assert_eq!(told("GET /entries/{id}", "- proof=jwt"), "it depends");
    // No permit is left: neither a grant nor a policy that could still come true.
    assert_eq!(told("GET /export", "- proof=jwt"), "deny rule.not_permitted");
    assert_eq!(told("GET /export", "- proof=jwt scopes=list"), "it depends");
    assert_eq!(told("GET /export", "- proof=api_key scopes=list"), "deny rule.forbidden guardrail:power");
}
