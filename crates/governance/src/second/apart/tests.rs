use super::{Armer, Behind, may_decide_behind, stand_apart};
use crate::{
    person,
    second::{Asked, Needed},
};
use std::sync::Arc;
use wardgate_model::{
    id::{IdentityId, OwnerName},
    inventory::{Identity, IdentityState, Role},
};

/// `name owner roles state person`, a line an identity.
const PEOPLE: &str = "
ann payments admin active person
adam payments security active -
rob risk security active person
rico risk security active -
cora cards admin active person
otto cards operator active -
sue security admin suspended person
wardgate-operator wardgate admin active person
";

fn identity(name: &str) -> Option<(Arc<Identity>, bool)> {
    let line = PEOPLE.lines().find(|line| line.split(' ').next() == Some(name))?;
    let [_, owner, role, state, person] = line.split(' ').collect::<Vec<_>>().try_into().unwrap();
    let identity = Identity {
        id: IdentityId::parse(name).unwrap(),
        owner: OwnerName::parse(owner).unwrap(),
        roles: [Role::parse(role).unwrap()].into(),
        state: IdentityState::parse(state).unwrap(),
        ..Identity::anonymous()
    };
    Some((Arc::new(identity), person == "person"))
}

fn armers(names: &str) -> Option<Vec<Armer<Arc<Identity>>>> {
    let armer = |name: &str| {
        let known = identity(name);
        let is_person = known.as_ref().is_some_and(|(_, person)| *person);
        Armer { id: IdentityId::parse(name).unwrap(), known: known.map(|(identity, _)| identity), is_person }
    };
    (names != "?").then(|| names.split_whitespace().map(armer).collect())
}

/// `ann < cora | rob < ann`: who asked and who armed it, who decides and who armed that.
fn check(needed: Needed, text: &str) -> String {
    let (asked, decided) = text.split_once(" | ").unwrap();
    let side = |text: &str| {
        let (of, behind) = text.split_once(" <").unwrap_or((text, ""));
        (identity(of).unwrap().0, armers(behind.trim()))
    };
    let ((requester, asked_by), (decider, decided_by)) = (side(asked), side(decided));
    let asked = Asked { requester: &requester.id, owner: &requester.owner, needed };
    let (asked_by, decided_by) = (Behind(asked_by.as_deref()), Behind(decided_by.as_deref()));
    let said = may_decide_behind(&asked, asked_by, &decider, decided_by).map_or_else(|why| why.to_string(), |()| "may".to_owned());
    // Nobody who stands behind both passes for two, whatever else holds.
    let apart = stand_apart((&requester.id, asked_by), (&decider.id, decided_by)).is_ok();
    assert!(apart || said != "may");
    said
}

#[test]
fn nobody_is_two_people() {
    let said = |text: &str| check(Needed::Second, text);
    let both = |who: &str, requester: &str, decider: &str| {
        format!(
            "`{who}` stands behind both `{requester}`, who asked for this, and `{decider}`: whoever issues a sign-in can use it, and so \
             can whoever issued the one before it"
        )
    };
    assert_eq!(said("ann | rob"), "may");
    assert_eq!(said("ann | rob < cora"), "may", "whoever armed the one that decides could decide itself");
    assert_eq!(
        said("otto < ann | rob < cora"),
        "`otto` stands behind whoever asked and `cora` behind `rob`, and both belong to the owner `cards`"
    );
    assert_eq!(said("ann | rob < ann"), both("ann", "ann", "rob"), "it issues a sign-in and agrees with itself");
    assert_eq!(said("ann < rob | rob"), both("rob", "ann", "rob"), "it asks as the one whom it armed");
    assert_eq!(said("ann < cora | rob < cora"), both("cora", "ann", "rob"), "it armed both");
    assert_eq!(said("ann | rob < cora ann"), both("ann", "ann", "rob"), "over another one");
    assert_eq!(said("ann < wardgate-operator | rob < wardgate-operator"), both("wardgate-operator", "ann", "rob"));
    assert_eq!(said("wardgate-operator | rob < wardgate-operator"), both("wardgate-operator", "wardgate-operator", "rob"));
    assert_eq!(said("wardgate-operator | rob"), "may", "handed over");
    assert_eq!(said("ann < wardgate-operator | rob"), "may");
}

#[test]
fn whoever_stands_behind_a_decision_could_make_it() {
    let said = |text: &str| check(Needed::Second, text);
    let behind = "who had a hand in the sign-in of `rob`, could not decide this itself";
    assert_eq!(said("ann | rob < otto"), format!("`otto`, {behind}: `otto` has neither the role `security` nor `admin`"));
    assert_eq!(said("ann | rob < sue"), format!("`sue`, {behind}: `sue` is not active"));
    assert_eq!(
        said("ann | rob < adam"),
        "`ann` stands behind whoever asked and `adam` behind `rob`, and both belong to the owner `payments`"
    );
    assert_eq!(said("otto | rob < rico"), "may");
    let person = "this wants a person: `rico` has no tag `person` that is the address of an accountable person or deputy";
    assert_eq!(check(Needed::Person, "otto | rob < rico"), format!("`rico`, {behind}: {person}"));
    assert_eq!(person::TAG, "person");
    let gone = "`gone`, who had a hand in the sign-in of";
    assert_eq!(said("ann | rob < gone"), format!("{gone} `rob`, is not on record any more: `rob` has to sign in anew"));
    assert_eq!(said("ann < gone | rob"), format!("{gone} `ann`, is not on record any more: `ann` has to sign in anew"));
}

#[test]
fn what_is_not_known_is_no_second_person() {
    let unknown =
        |of: &str| format!("it is not known who armed the session of `{of}`, it is older than that is kept: it has to sign in anew");
    assert_eq!(check(Needed::Second, "ann | rob <?"), unknown("rob"));
    assert_eq!(check(Needed::Second, "ann <? | rob"), unknown("ann"));
}
