use super::check;
use wardgate_model::resource::Kind;

#[test]
fn names_of_ours_are_reserved_but_where_they_replace() {
    for (kind, name, good) in [
        (Kind::Owner, "payments", true),
        (Kind::Owner, "wardgate", false),
        (Kind::Api, "wardgate-admin", false),
        (Kind::Policy, "guardrail:power", true),
        (Kind::Policy, "wardgate-x", false),
        (Kind::Limit, "shipped:source", false),
        (Kind::Limit, "default:source", true),
        (Kind::Limit, "contract:acme", false),
        (Kind::Contract, "contract:acme", true),
        (Kind::Rotation, "shipped:rotation", true),
        (Kind::Rotation, "shipped:other", false),
        (Kind::Grant, "grant:x", false),
        (Kind::Policy, "grant:x", false),
        (Kind::Identity, "anonymous", false),
        (Kind::Identity, "people", false),
        (Kind::Owner, "anonymous", true),
        (Kind::Environment, "prod-1", true),
        (Kind::Environment, "prod.1", false),
        (Kind::Environment, "a23456789012345678901234567890123", false),
        (Kind::Owner, "", false),
        (Kind::Owner, "Ä", false),
    ] {
        assert_eq!(check(kind, name).is_ok(), good, "{kind} {name}");
    }
}

/// The limit of a contract has a name too.
#[test]
fn the_name_of_a_contract_fits_into_that_of_its_limit() {
    assert!(check(Kind::Contract, &"a".repeat(119)).is_ok());
    assert!(check(Kind::Contract, &"a".repeat(120)).is_err());
    assert!(check(Kind::Grant, &"a".repeat(128)).is_ok());
}
