use super::{Folded, Known, condition, fold, reads};
use crate::{
    context::Fields,
    testing::{apis, identity},
    world::World,
};
use cedar_policy::{Policy, pst};

/// Folds a condition for an active workload reading the ledger.
fn check(text: &str) -> String {
    let policy = Policy::parse(None, format!("permit (principal, action, resource) when {{ {text} }};")).unwrap();
    let pst::Policy::Static(body) = policy.to_pst().unwrap() else { panic!("static") };
    let condition = condition(body.body().clauses()).unwrap();
    let api = &apis()[0];
    let world = World::new(&identity("a team=settlement"), api, &api.operations[1], &[]).unwrap();
    match fold(&condition, &world, &Known::nothing()) {
        Folded::Constant(value) => value.to_string(),
        Folded::Fault(why) => format!("fault: {why}"),
        Folded::Rest(rest) => format!("{} {rest}", if reads(&rest) == Fields::NONE { "reads nothing" } else { "rest" }),
    }
}

#[test]
fn constants_fold_and_the_rest_stays() {
    assert_eq!(check("principal.state == \"active\""), "true");
    assert_eq!(check("principal in Team::\"settlement\""), "true");
    assert_eq!(check("principal.state != \"active\" && context.risk > 5"), "false");
    assert_eq!(check("principal.state == \"active\" && context.risk > 5"), "rest context.risk > 5");
    assert_eq!(check("principal.state == \"active\" || context.risk > 5"), "true");
    assert_eq!(check("!(principal.state == \"retired\" || context.risk > 5) && true"), check("!(context.risk > 5)"));
    assert_eq!(check("if principal.claim_overdue then context.risk > 1 else context.risk > 2"), check("context.risk > 2"));
}

#[test]
fn trap_conditions_do_not_fold_past_a_read_of_the_context() {
    // `context.risk > 5` might fail, and a failure denies: so it must still be asked.
    assert_eq!(check("context.risk > 5 && false"), "rest (context.risk > 5) && false");
    assert_eq!(check("context.risk > 5 && true"), check("context.risk > 5"));
}

#[test]
fn trap_a_constant_error_is_a_fault_only_where_it_is_reached() {
    let overflow = "9223372036854775807 + principal.quality > 0";
    assert!(check(overflow).starts_with("fault: "), "{}", check(overflow));
    assert_eq!(check(&format!("false && {overflow}")), "false");
    assert_eq!(check(&format!("context.risk > 200 && {overflow}")).split(' ').next(), Some("rest"));
}

#[test]
fn trap_what_a_rest_reads_includes_its_has_paths() {
    let policy =
        Policy::parse(None, "permit (principal, action, resource) when { context has purpose && context has token.issuer };").unwrap();
    let pst::Policy::Static(body) = policy.to_pst().unwrap() else { panic!("static") };
    let fields = reads(&condition(body.body().clauses()).unwrap());
    assert_eq!(fields, Fields::of_path(&["purpose"]).and(Fields::of_path(&["token"])));
}
