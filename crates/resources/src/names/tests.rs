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
        (Kind::Grant, "grant:x", false),
        (Kind::Policy, "grant:x", false),
        (Kind::Identity, "anonymous", false),
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
