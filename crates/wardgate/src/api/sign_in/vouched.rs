//! What an ID token says of a person, in our words. Takes claims that were verified, gives the person or why it is nobody here.

use crate::{config::SignIn, control::Person};
use std::collections::BTreeSet;
use wardgate_console::PERSON;
use wardgate_model::id::{IdentityId, OwnerName};
use wardgate_proof::{
    api_key::{self, Pepper},
    jose::claims::Claims,
};

/// Most groups of one person that are looked at.
const GROUPS_MAX: usize = 1_000;
/// Hexadecimal digits in the name of an identity: 96 bits.
const DIGITS: usize = 24;

/// Why somebody whom the issuer vouches for is nobody here.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Nobody {
    /// None of the groups gives a role.
    #[error("none of your groups has a role in Wardgate: ask to be put into one that `admin.sign_in.roles` names")]
    NoRole,
    /// None of the groups says for whom, and there is no default.
    #[error("none of your groups says for which Owner you act: ask for one that `admin.sign_in.owners` names")]
    NoOwner,
    /// The groups are of several owners.
    #[error("your groups are of the Owners `{0}` and `{1}`: you can act for one alone")]
    TwoOwners(OwnerName, OwnerName),
}

/// The identity of a subject of an issuer: it says of nobody who it is, and two issuers never share one.
pub(super) fn identity(pepper: &Pepper, issuer: &str, subject: &str) -> Option<IdentityId> {
    let hash = api_key::hash(pepper, &format!("sign-in person\n{}\n{issuer}\n{subject}", issuer.len()));
    let digits: String = hash.bytes().iter().map(|byte| format!("{byte:02x}")).collect();
    IdentityId::parse(&format!("{PERSON}{}", digits.get(..DIGITS)?)).ok()
}

/// The groups that a token lists; one that lists none, or not as texts, lists none.
fn groups<'a>(claims: &'a Claims, claim: &str) -> BTreeSet<&'a str> {
    match claims.at(claim) {
        Some(serde_json::Value::String(one)) => BTreeSet::from([one.as_str()]),
        Some(serde_json::Value::Array(all)) => all.iter().take(GROUPS_MAX).filter_map(|group| group.as_str()).collect(),
        _ => BTreeSet::new(),
    }
}

/// The person that a token is about.
///
/// # Errors
/// Why it is nobody here.
pub(super) fn person(claims: &Claims, id: IdentityId, settings: &SignIn) -> Result<Person, Nobody> {
    let groups = groups(claims, &settings.groups_claim);
    let roles: BTreeSet<_> = groups.iter().filter_map(|group| settings.roles.get(*group)).flatten().copied().collect();
    if roles.is_empty() {
        return Err(Nobody::NoRole);
    }
    let owners: BTreeSet<&OwnerName> = groups.iter().filter_map(|group| settings.owners.get(*group)).collect();
    let mut owners = owners.into_iter();
    let owner = match (owners.next(), owners.next()) {
        (Some(one), Some(other)) => return Err(Nobody::TwoOwners(one.clone(), other.clone())),
        (Some(one), None) => one.clone(),
        (None, _) => settings.owner.clone().ok_or(Nobody::NoOwner)?,
    };
    // An address that the issuer has not verified may be anybody's.
    let verified = claims.all().get("email_verified") == Some(&serde_json::Value::Bool(true));
    let address = claims.text("email").filter(|address| verified && address.contains('@')).map(Into::into);
    Ok(Person {
        id,
        issuer: settings.issuer.clone(),
        owner,
        environment: settings.environment.clone(),
        roles: roles.into_iter().collect(),
        address,
    })
}

#[cfg(test)]
mod tests {
    use super::{Nobody, identity, person};
    use crate::config::SignIn;
    use serde_json::{Value, json};
    use std::time::Duration;
    use wardgate_model::{
        id::{EnvironmentName, OwnerName},
        inventory::Role,
    };
    use wardgate_proof::{api_key::Pepper, jose::claims::Claims};

    fn settings(owner: Option<&'static str>) -> SignIn {
        SignIn {
            issuer: "https://id.example".into(),
            client_id: "wardgate".into(),
            client_secret: None,
            url: None,
            scopes: Box::default(),
            groups_claim: "groups".into(),
            roles: [("ops".into(), [Role::Operator].into()), ("sec".into(), [Role::Security, Role::Viewer].into())].into(),
            owners: [("blue".into(), OwnerName::literal("blue-team")), ("red".into(), OwnerName::literal("red-team"))].into(),
            owner: owner.map(OwnerName::literal),
            environment: EnvironmentName::literal("production"),
            session: Duration::from_hours(1),
            networks: Box::default(),
            roots: None,
        }
    }

    fn check(claims: Value, owner: Option<&'static str>) -> Result<String, Nobody> {
        let Value::Object(members) = claims else { panic!("no object") };
        let id = identity(&Pepper::new(&[7; 32]), "https://id.example", "ada").unwrap();
        let person = person(&Claims::of(members).unwrap(), id, &settings(owner))?;
        let roles: Vec<_> = person.roles.iter().map(|role| role.as_str()).collect();
        Ok(format!("{} {} {}", person.owner, roles.join("+"), person.address.as_deref().unwrap_or("-")))
    }

    #[test]
    fn groups_give_roles_and_nothing_else_does() {
        let said = |groups: Value| check(json!({ "groups": groups, "roles": ["admin"] }), Some("everybody"));
        assert_eq!(said(json!(["ops"])).unwrap(), "everybody operator -");
        assert_eq!(said(json!("ops")).unwrap(), "everybody operator -");
        assert_eq!(said(json!(["sec", "ops", "ops", "unknown"])).unwrap(), "everybody viewer+operator+security -");
        for none in [json!([]), json!(["Ops"]), json!(["admin"]), json!([["ops"]]), json!({ "ops": true }), json!("ops sec"), Value::Null] {
            assert_eq!(said(none.clone()), Err(Nobody::NoRole), "{none}");
        }
        assert_eq!(check(json!({ "roles": ["admin"] }), Some("everybody")), Err(Nobody::NoRole));
    }

    #[test]
    fn everybody_acts_for_one_owner() {
        let said = |groups: Value, owner| check(json!({ "groups": groups }), owner);
        assert_eq!(said(json!(["ops", "blue"]), Some("everybody")).unwrap(), "blue-team operator -");
        assert_eq!(said(json!(["ops"]), None), Err(Nobody::NoOwner));
        let two = Nobody::TwoOwners(OwnerName::literal("blue-team"), OwnerName::literal("red-team"));
        assert_eq!(said(json!(["ops", "red", "blue"]), Some("everybody")), Err(two));
    }

    #[test]
    fn an_address_counts_when_the_issuer_has_verified_it() {
        let said = |verified: Value| {
            let claims = json!({ "groups": ["ops"], "email": "ada@example.com", "email_verified": verified });
            check(claims, Some("o")).unwrap()
        };
        assert_eq!(said(json!(true)), "o operator ada@example.com");
        for not in [json!(false), json!("true"), json!(1), Value::Null] {
            assert_eq!(said(not), "o operator -");
        }
    }

    #[test]
    fn a_subject_of_an_issuer_has_one_identity_that_nobody_reads_it_from() {
        let of = |issuer: &str, subject: &str| identity(&Pepper::new(&[7; 32]), issuer, subject).unwrap().to_string();
        let name = of("https://id.example", "ada");
        assert_eq!(name, of("https://id.example", "ada"));
        assert!(name.starts_with("wardgate-person-") && name.len() == 40 && !name.contains("ada"), "{name}");
        for (issuer, subject) in
            [("https://id.example", "Ada"), ("https://id.example/", "ada"), ("https://id.example\nada", ""), ("", "ada")]
        {
            assert_ne!(name, of(issuer, subject));
        }
        assert_ne!(name, identity(&Pepper::new(&[8; 32]), "https://id.example", "ada").unwrap().to_string());
    }
}
