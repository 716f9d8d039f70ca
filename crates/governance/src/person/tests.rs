use super::{is_person, people, same};
use wardgate_model::{
    id::{IdentityId, OwnerName},
    inventory::{Identity, Owner},
};

fn owner(accountable: &str, deputy: Option<&str>) -> Owner {
    let name = OwnerName::literal("payments");
    Owner { name, accountable: accountable.into(), deputy: deputy.map(Into::into), contact: None, teams: Box::default() }
}

fn tagged(person: Option<&str>) -> Identity {
    let mut identity = Identity { id: IdentityId::literal("someone"), ..Identity::anonymous() };
    identity.tags.extend(person.map(|person| ("person".into(), person.into())));
    identity
}

#[test]
fn a_person_is_the_accountable_one_or_the_deputy() {
    let owners = [owner("lead@example.com", Some("deputy@example.com"))];
    let is = |person| is_person(&tagged(person), &owners);
    assert!(is(Some("lead@example.com")));
    assert!(is(Some(" Deputy@Example.com ")));
    assert!(!is(Some("else@example.com")));
    assert!(!is(Some("")));
    assert!(!is(None));
    assert_eq!(people(&owners[0]).collect::<Vec<_>>(), ["lead@example.com", "deputy@example.com"]);
}

#[test]
fn the_operator_is_a_person_and_nobody_is_by_an_empty_address() {
    assert!(is_person(&Identity { id: IdentityId::literal("wardgate-operator"), ..Identity::anonymous() }, &[]));
    assert!(!is_person(&tagged(Some("")), &[owner("", None)]));
    assert!(!same("", " "));
}
