//! Each trap that was seen in Cedar, by name. (Those of the condition folder, the context and the checks are beside them.)

use crate::testing::{NOON, Town, facts, show};

const PERMIT: &str = r#"@id("all") permit (principal, action, resource in Api::"ledger");"#;

#[test]
fn trap_a_forbid_that_errors_would_be_skipped_so_any_error_denies() {
    // Cedar alone: the forbid overflows, is skipped, and the permit allows. Overflow passes strict validation.
    let town = Town::new(
        &format!(
            r#"{PERMIT} @id("odd") forbid (principal, action, resource in Api::"ledger") when {{ context.risk + 9223372036854775807 > 0 }};"#
        ),
        "a",
        "",
    );
    insta::assert_snapshot!(town.table("a ledger GET /entries risk=1\na ledger GET /entries risk=0"), @"
    a ledger GET /entries risk=1: deny rule.fault odd
    a ledger GET /entries risk=0: deny rule.forbidden odd
    ");
}

#[test]
fn trap_a_constant_error_denies_too() {
    for effect in ["forbid", "permit"] {
        let town = Town::new(
            &format!(
                r#"{PERMIT} @id("odd") {effect} (principal, action, resource in Api::"ledger") when {{ principal.quality + 9223372036854775807 > 0 }};"#
            ),
            "a\nb quality=0",
            "",
        );
        assert_eq!(show(&town.ask("a ledger GET /entries")), "deny standing.fault odd", "{effect}");
        let other = if effect == "forbid" { "deny standing.denied odd" } else { "allow rule.allowed all odd" };
        assert_eq!(show(&town.ask("b ledger GET /entries")), other, "{effect}");
    }
}

#[test]
fn trap_an_error_behind_what_cannot_be_folded_denies() {
    let town = Town::new(
        &format!(
            r#"{PERMIT} @id("odd") forbid (principal, action, resource in Api::"ledger") when {{ context.risk > 5 && principal.quality + 9223372036854775807 > 0 }};"#
        ),
        "a",
        "",
    );
    insta::assert_snapshot!(town.table("a ledger GET /entries risk=5\na ledger GET /entries risk=6"), @"
    a ledger GET /entries risk=5: allow rule.allowed all
    a ledger GET /entries risk=6: deny rule.fault odd
    ");
}

#[test]
fn trap_an_erroring_permit_denies_even_beside_a_grant() {
    let town = Town::new(
        r#"@id("odd") permit (principal, action, resource in Api::"ledger") when { context.risk + 9223372036854775807 > 0 };"#,
        "a",
        "g to=a ops=list",
    );
    insta::assert_snapshot!(town.table("a ledger GET /entries risk=1\na ledger GET /entries risk=0"), @"
    a ledger GET /entries risk=1: deny rule.fault odd
    a ledger GET /entries risk=0: allow rule.allowed grant:g
    ");
}

#[test]
fn trap_has_of_something_left_out_of_a_narrow_context_would_be_false() {
    let town = Town::new(
        &format!(
            r#"{PERMIT} @id("no-agents") forbid (principal, action, resource in Api::"ledger") when {{ context has on_behalf_of }};
               @id("no-tokens") forbid (principal, action, resource in Api::"ledger") when {{ context has token.issuer }};
               @id("tasks") forbid (principal, action == Action::"write", resource in Api::"ledger") unless {{ context has task }};"#
        ),
        "a",
        "",
    );
    insta::assert_snapshot!(
        town.table("a ledger GET /entries\na ledger GET /entries obo=someone\na ledger GET /entries scopes=x\na ledger POST /entries\na ledger POST /entries task=t"),
        @"
    a ledger GET /entries: allow rule.allowed all
    a ledger GET /entries obo=someone: deny rule.forbidden no-agents
    a ledger GET /entries scopes=x: deny rule.forbidden no-tokens
    a ledger POST /entries: deny rule.forbidden tasks
    a ledger POST /entries task=t: allow rule.allowed all
    "
    );
}

#[test]
fn trap_what_is_constantly_permitted_is_not_lost_beside_what_is_left() {
    let town = Town::new(
        &format!(r#"{PERMIT} @id("risky") forbid (principal, action, resource in Api::"ledger") when {{ context.risk > 50 }};"#),
        "a",
        "",
    );
    insta::assert_snapshot!(town.table("a ledger GET /entries risk=50\na ledger GET /entries risk=51"), @"
    a ledger GET /entries risk=50: allow rule.allowed all
    a ledger GET /entries risk=51: deny rule.forbidden risky
    ");
}

#[test]
fn trap_answers_are_remembered_by_their_values_in_full() {
    let town = Town::new(
        r#"@id("one") permit (principal, action, resource in Api::"ledger") when { context has purpose && context has task && context.purpose == "ab" && context.task == "c" };"#,
        "a",
        "",
    );
    // Twice: the second time from memory.
    insta::allow_duplicates! { for _ in 0..2 {
        insta::assert_snapshot!(town.table("a ledger GET /entries purpose=ab task=c\na ledger GET /entries purpose=a task=bc\na ledger GET /entries purpose=abc\na ledger GET /entries task=abc"), @"
        a ledger GET /entries purpose=ab task=c: allow rule.allowed one
        a ledger GET /entries purpose=a task=bc: deny rule.not_permitted
        a ledger GET /entries purpose=abc: deny rule.not_permitted
        a ledger GET /entries task=abc: deny rule.not_permitted
        ");
    } }
    assert_eq!(town.set.answers.len(), 4);
}

#[test]
fn trap_path_address_and_time_are_never_remembered() {
    let town = Town::new(
        r#"@id("one") permit (principal, action, resource in Api::"ledger") when { context.source.network.isInRange(ip("10.0.0.0/8")) && context.request.path like "/entries*" && context.proof.age_s < 60 };"#,
        "a",
        "",
    );
    insta::assert_snapshot!(town.table("a ledger GET /entries path=/entries\na ledger GET /entries path=/entries address=11.0.0.1\na ledger GET /entries path=/x\na ledger GET /entries path=/entries proof=jwt age=60\na ledger GET /entries path=/entries address=::1"), @"
    a ledger GET /entries path=/entries: allow rule.allowed one
    a ledger GET /entries path=/entries address=11.0.0.1: deny rule.not_permitted
    a ledger GET /entries path=/x: deny rule.not_permitted
    a ledger GET /entries path=/entries proof=jwt age=60: deny rule.not_permitted
    a ledger GET /entries path=/entries address=::1: deny rule.not_permitted
    ");
    assert_eq!(town.set.answers.len(), 0);
}

#[test]
fn trap_policies_are_named_by_their_id_and_not_by_its_display() {
    let town =
        Town::new(r#"@id("team_a:read-all.v2") permit (principal, action, resource in Api::"ledger") when { context.risk < 5 };"#, "a", "");
    assert_eq!(show(&town.ask("a ledger GET /entries")), "allow rule.allowed team_a:read-all.v2");
}

#[test]
fn trap_little_stack_is_an_evaluation_error_and_denies() {
    // Cedar gives up below about 100 KiB of stack: on such a thread a forbid that cannot be evaluated must not be lost.
    let town = Town::new(
        &format!(r#"{PERMIT} @id("risky") forbid (principal, action, resource in Api::"ledger") when {{ context.risk > 50 }};"#),
        "a",
        "",
    );
    let a = town.identity("a");
    let (api, operation) = town.operation("ledger", "GET /entries");
    let standing = town.set.standing(&a, &api, &operation);
    let (facts, _) = facts(&a, "-");
    let answer = std::thread::scope(|scope| {
        let narrow = std::thread::Builder::new().stack_size(96 * 1024);
        narrow.spawn_scoped(scope, || town.set.rule(&standing, &facts, 7, NOON)).unwrap().join().unwrap()
    });
    assert_eq!(show(&answer), "deny rule.fault risky");
}
