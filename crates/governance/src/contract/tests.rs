use super::{Kept, compliance, may_issue};
use crate::testing::{DAY, NOW, credential};
use std::{fmt::Write as _, sync::Arc, time::Duration};
use wardgate_model::{
    api::OperationClass,
    govern::Contract,
    grant::{Grant, GrantTo, OperationSelector},
    id::{ApiName, ContractName, GrantId, IdentityId, OwnerName},
    inventory::{Identity, IdentityKind, IdentityState},
    time::Time,
};

fn partner() -> Identity {
    let (id, owner) = (IdentityId::literal("acme-sync"), OwnerName::literal("acme"));
    Identity { id, owner, kind: IdentityKind::Partner, state: IdentityState::Active, ..Identity::anonymous() }
}

fn contract(until: Time) -> Contract {
    Contract {
        name: ContractName::literal("acme-2027"),
        owner: OwnerName::literal("acme"),
        contacts: ["ops@acme.example".into()].into(),
        until,
        quota: None,
        rate: None,
        concurrency: None,
        rotation: Some(DAY * 30),
        key_life_max: Some(DAY * 90),
        drill: None,
        apis: [ApiName::literal("ledger")].into(),
    }
}

fn check(identity: &Identity, departed: bool, contracts: &[Contract], life: Option<Duration>) -> String {
    match may_issue(identity, departed, contracts, life, None, NOW) {
        Ok(end) => end.map_or_else(|| "no end".to_owned(), |end| format!("for {} days", end.since(NOW).as_secs() / 86_400)),
        Err(why) => why.to_string(),
    }
}

#[test]
fn a_credential_ends_with_what_it_rests_on() {
    let (identity, far) = (partner(), contract(NOW + DAY * 400));
    let life = Some(DAY * 60);
    assert_eq!(check(&identity, false, &[], life), "for 60 days");
    assert_eq!(check(&identity, false, std::slice::from_ref(&far), life), "for 60 days");
    assert_eq!(check(&identity, false, &[contract(NOW + DAY * 20)], life), "for 20 days");
    assert_eq!(check(&identity, false, &[contract(NOW), far], life), "for 60 days", "one that follows another counts");
    assert_eq!(check(&Identity { ends: Some(NOW + DAY * 3), ..identity.clone() }, false, &[], life), "for 3 days");
    assert_eq!(check(&identity, false, &[], None), "no end");
    assert_eq!(may_issue(&identity, false, &[], None, Some(NOW + DAY), NOW), Ok(Some(NOW + DAY)));
}

#[test]
fn nothing_is_issued_without_what_it_rests_on() {
    let (identity, life) = (partner(), Some(DAY * 60));
    let mut said = String::new();
    for state in IdentityState::ALL {
        writeln!(said, "{}", check(&Identity { state: *state, ..identity.clone() }, false, &[], life)).unwrap();
    }
    let others = [
        check(&identity, true, &[], life),
        check(&Identity { claim_overdue: true, ..identity.clone() }, false, &[], life),
        check(&Identity { purpose: " ".into(), ..identity.clone() }, false, &[], life),
        check(&Identity { ends: Some(NOW), ..identity.clone() }, false, &[], life),
        check(&identity, false, &[contract(NOW)], life),
        check(&identity, false, &[contract(NOW + DAY)], Some(DAY * 365)),
    ];
    said.push_str(&others.join("\n"));
    insta::assert_snapshot!(said, @"
    `acme-sync` is `discovered`: credentials are issued to approved and active identities
    `acme-sync` is `requested`: credentials are issued to approved and active identities
    for 60 days
    for 60 days
    `acme-sync` is `suspended`: credentials are issued to approved and active identities
    `acme-sync` is `quarantined`: credentials are issued to approved and active identities
    `acme-sync` is `retired`: credentials are issued to approved and active identities
    the owner `acme` departed: transfer the identity first
    `acme-sync` was not claimed in time: an owner has to claim it first
    `acme-sync` has no purpose: say what it is for first
    `acme-sync` ended at 2027-01-15T08:00:00Z
    the contract `acme-2027` with `acme` ended at 2027-01-15T08:00:00Z: agree on a new one first
    the contract `acme-2027` allows keys to live for 90 days at most, this one would for 365
    ");
}

#[test]
fn a_contract_is_held_against_what_is_there() {
    let identity = partner();
    let credentials = [
        credential("AAAAAAAAAAA1 acme-sync/main api_key 10 90"),
        credential("AAAAAAAAAAA2 acme-sync/main api_key 40 90"),
        credential("AAAAAAAAAAA3 acme-sync/main api_key 5 365"),
        credential("AAAAAAAAAAA4 acme-sync/main api_key 99 365 revoked"),
    ];
    let grant = |id: &'static str, to: GrantTo, api: &'static str| {
        let operations = [OperationSelector::Class(OperationClass::Read)].into();
        Arc::new(Grant { id: GrantId::literal(id), to, api: ApiName::literal(api), operations, purpose: None, until: None, approver: None })
    };
    let grants = [
        grant("in", GrantTo::Identity(IdentityId::literal("acme-sync")), "ledger"),
        grant("out", GrantTo::Owner(OwnerName::literal("acme")), "payroll"),
        grant("others", GrantTo::Identity(IdentityId::literal("else")), "payroll"),
    ];
    let (credentials, identities): (Vec<_>, _) = (credentials.iter().collect(), [&identity]);
    let kept = |owner_departed| Kept { owner_departed, identities: &identities, credentials: &credentials, grants: &grants };
    let said = |until, departed| -> String {
        let lines = compliance(&contract(until), &kept(departed), NOW);
        lines
            .iter()
            .map(|line| format!("{} {}: {} {:?}\n", line.about, if line.kept { "kept" } else { "broken" }, line.said, line.breaches))
            .collect()
    };
    insta::assert_snapshot!(said(NOW + DAY, false), @r#"
    end kept: it ends at 2027-01-16T08:00:00Z []
    owner kept: the owner is there []
    contacts kept: 1 contacts are named []
    rotation broken: keys are replaced every 30 days ["AAAAAAAAAAA2"]
    key_life_max broken: keys live for 90 days at most ["AAAAAAAAAAA3"]
    apis broken: 1 APIs are covered ["out"]
    "#);
    insta::assert_snapshot!(said(NOW, true).lines().take(2).collect::<Vec<_>>().join("\n"), @"
    end broken: it ended at 2027-01-15T08:00:00Z, and 3 keys are still live []
    owner broken: the owner departed []
    ");
}
