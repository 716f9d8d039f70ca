use super::compile;
use crate::{
    Names,
    source::{PolicySource, SOURCE_BYTES_MAX},
    testing::{diagnose, grant, source},
};
use wardgate_model::diagnostic::Place;

#[test]
fn what_is_shipped_compiles_without_a_word() {
    let compiled = compile(&[], &[], &Names::default());
    assert_eq!(compiled.diagnostics, []);
    assert_eq!(compiled.policies.expect("a set").entries.len(), 17);
}

#[test]
fn a_typing_error_is_named_where_it_stands() {
    insta::assert_snapshot!(diagnose(
        r#"@id("a")
permit (principal in Team::"settlement", action, resource)
when { principal.enviroment == resource.environment };
@id("b") permit (principal, action == Action::"raed", resource);
@id("c") permit (principal in Team::"settlement", action, resource) when { context.risk > "5" };
@id("d") permit (principal in Team::"settlement", action, resource) whn { true };
@id("e") permit (principal == ?principal, action, resource);
@id("f") permit (principal, action, resource in Api::"ledger") when { unknown("x") };"#
    ));
}

#[test]
fn names_that_do_not_exist_are_refused() {
    insta::assert_snapshot!(diagnose(
        r#"@id("a") forbid (principal in Team::"analitics", action, resource);
@id("b") forbid (principal == Identity::"gone", action, resource in Api::"ledgr");
@id("c") forbid (principal in Role::"root", action, resource == Operation::"ledger GET /entris");
@id("d") forbid (principal, action, resource in Api::"ledger") when { principal.owner == Owner::"nobody" || principal.environment == Environment::"prod" };"#
    ));
}

#[test]
fn ids_are_unique_names_and_derived_with_a_warning() {
    insta::assert_snapshot!(diagnose(
        r#"@id("a") permit (principal, action, resource in Api::"ledger");
@id("a") permit (principal, action, resource in Api::"events");
@id("grant:x") permit (principal, action, resource in Api::"events");
@id("Bad Name") permit (principal, action, resource in Api::"events");
permit (principal, action, resource in Api::"events");"#
    ));
}

#[test]
fn words_outside_closed_lists_are_refused() {
    insta::assert_snapshot!(diagnose(
        r#"@id("a") forbid (principal, action, resource in Api::"ledger") when { principal.state == "actve" };
@id("b") forbid (principal, action, resource in Api::"ledger") when { "api-key" == context.proof.kind };
@id("c") forbid (principal, action, resource in Api::"ledger") when { ["bot", "robot"].contains(principal.type) };"#
    ));
}

#[test]
fn what_cannot_be_narrowed_or_folded_is_warned_of() {
    insta::assert_snapshot!(diagnose(
        r#"@id("a") forbid (principal, action, resource) when { principal.quality < 10 };
@id("b") forbid (principal, action == Action::"bulk", resource) when { context.risk > 5 && resource.sensitivity == "high" };
@id("guardrail:unowned") forbid (principal, action, resource in Api::"ledger") when { principal.claim_overdue };"#
    ));
}

#[test]
fn what_is_not_known_yet_is_refused() {
    insta::assert_snapshot!(diagnose(r#"@id("b") forbid (principal, action, resource in Api::"ledger") unless { context.source.known };"#));
}

#[test]
fn trap_a_missing_entity_is_in_nothing_so_other_entities_are_refused() {
    insta::assert_snapshot!(diagnose(
        r#"@id("a") forbid (principal, action, resource in Api::"ledger") when { Identity::"other" in Team::"settlement" };
@id("b") forbid (principal, action, resource in Api::"ledger") when { Identity::"other".claim_overdue };
@id("c") permit (principal, action, resource in Api::"ledger") when { principal != Identity::"other" };"#
    ));
}

#[test]
fn trap_entities_stay_out_of_the_context() {
    // `context.on_behalf_of in Team::"t"` would allow with the entity missing: here it is a record, and refused.
    let text = diagnose(
        r#"@id("a") permit (principal, action, resource in Api::"ledger") when { context has on_behalf_of && context.on_behalf_of in Team::"settlement" };"#,
    );
    assert!(text.contains("error[policy.type]"), "{text}");
}

#[test]
fn trap_the_feature_for_unknowns_is_off() {
    let text = diagnose(r#"@id("a") forbid (principal, action, resource in Api::"ledger") when { unknown("x") };"#);
    assert!(text.contains("error["), "{text}");
}

#[test]
fn hostile_nesting_is_a_diagnostic() {
    for body in [
        format!("{}true{}", "(".repeat(100_000), ")".repeat(100_000)),
        format!("{}true", "true && ".repeat(50_000)),
        format!("{}true", "!".repeat(100_000)),
        format!("1 == {}1", "-".repeat(100_000)),
        format!("context{}", ".a".repeat(100_000)),
        format!("{}1", "if true then true else ".repeat(20_000)),
        format!("{}true{}", "[".repeat(100_000), "]".repeat(100_000)),
        "\"".repeat(99_999),
    ] {
        let text = diagnose(&format!("@id(\"a\") permit (principal, action, resource) when {{ {body} }};"));
        assert!(text.contains("error["), "{text}");
    }
}

#[test]
fn trees_at_the_bounds_are_taken() {
    let body = format!("{}context.risk > 1", "context.risk > 1 && ".repeat(60));
    let text = diagnose(&format!("@id(\"a\") permit (principal, action, resource in Api::\"ledger\") when {{ {body} }};"));
    assert_eq!(text, "");
    let nested = format!("{}context.risk > 1{}", "!(".repeat(20), ")".repeat(20));
    let text = diagnose(&format!("@id(\"a\") permit (principal, action, resource in Api::\"ledger\") when {{ {nested} }};"));
    assert_eq!(text, "");
}

#[test]
fn a_source_over_the_limit_is_refused() {
    let big = PolicySource { place: Place::file("big.cedar"), text: " ".repeat(SOURCE_BYTES_MAX + 1).into() };
    let compiled = compile(&[big, source("empty.cedar", "")], &[], &Names::default());
    assert!(compiled.policies.is_none());
    assert_eq!(compiled.diagnostics.iter().map(|d| d.code).collect::<Vec<_>>(), ["policy.too_large"]);
}

#[test]
fn a_grant_whose_name_is_too_long_for_a_policy_is_refused() {
    let compiled = compile(&[], &[grant(&format!("{} to=a ops=read", "g".repeat(125)))], &Names::default());
    assert!(compiled.policies.is_none());
    assert_eq!(compiled.diagnostics.iter().map(|d| d.code).collect::<Vec<_>>(), ["policy.grant_name"]);
}
