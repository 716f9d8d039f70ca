use super::{Dates, Rotations, replaced_from, shipped};
use std::{sync::Arc, time::Duration};
use wardgate_model::{
    credential::{Credential, CredentialKind, CredentialState},
    govern::{Contract, Exemption, Rotation, RotationSelect, Waived, Waiver},
    id::{ContractName, CredentialId, EnvironmentName, IdentityId, OwnerName, RotationName, TrustName, WaiverName},
    inventory::{Criticality, Environment, Identity, IdentityKind},
    time::Time,
    trust::{Binding, Subject},
};

const DAY: Duration = Duration::from_hours(24);
const NOW: Time = Time::from_seconds(1_800_000_000);

fn identity(kind: IdentityKind, criticality: Criticality, owner: &'static str) -> Identity {
    let environment = Arc::new(Environment { name: EnvironmentName::literal("production"), production: true, shared: false });
    Identity {
        id: IdentityId::literal("ledger-sync"),
        kind,
        criticality,
        owner: OwnerName::literal(owner),
        environment,
        ..Identity::anonymous()
    }
}

fn credential(kind: CredentialKind, days: Option<u32>) -> Credential {
    Credential {
        id: CredentialId::parse("AAAAAAAAAAAA").unwrap(),
        identity: IdentityId::literal("ledger-sync"),
        name: "main".into(),
        kind,
        environment: EnvironmentName::literal("production"),
        sources: Box::default(),
        hash: None,
        binding: None,
        created: NOW,
        expires: days.map(|days| NOW + DAY * days),
        warn_from: None,
        task: None,
        state: CredentialState::Live,
    }
}

fn rule(name: &'static str, select: RotationSelect, every: u32, enforce: Option<u32>) -> Rotation {
    Rotation { name: RotationName::literal(name), select, every: DAY * every, warn: DAY * 14, enforce: enforce.map(|days| DAY * days) }
}

/// Days after the issue.
fn days(time: Option<Time>) -> Option<u64> {
    time.map(|time| time.since(NOW).as_secs() / 86_400)
}

fn check(rotations: &Rotations, credential: &Credential, identity: &Identity) -> String {
    let Some(schedule) = rotations.schedule(credential, identity) else { return "none".to_owned() };
    let Dates { expires, warn_from } = rotations.dates(credential, identity);
    let shown = |time| days(time).map_or_else(|| "never".to_owned(), |days| days.to_string());
    let (warn, by, refuse) =
        (days(Some(schedule.warn_from)).unwrap(), days(Some(schedule.rotate_by)).unwrap(), shown(schedule.refuse_from));
    format!("{}: warn {warn}, by {by}, refuse {refuse}; ends {}, warned from {}", schedule.rule, shown(expires), shown(warn_from))
}

#[test]
fn what_others_vouch_for_is_never_due() {
    let strict = [rule("everything", RotationSelect::default(), 30, Some(0))];
    let rotations = Rotations::compile(&strict, [], []);
    let identity = identity(IdentityKind::Workload, Criticality::Critical, "payments");
    let certificate = Credential { kind: CredentialKind::X509, created: Time::default(), ..credential(CredentialKind::ApiKey, None) };
    let binding =
        Binding { trust: TrustName::literal("mesh"), subject: Subject::Exactly("spiffe://acme.example/a".into()), claims: [].into() };
    let vouched = Credential { binding: Some(Box::new(binding)), ..certificate.clone() };
    assert!(rotations.schedule(&certificate, &identity).is_some());
    assert_eq!(rotations.schedule(&vouched, &identity), None);
    assert_eq!(rotations.dates(&vouched, &identity), Dates { expires: None, warn_from: None });
}

#[test]
fn what_ships_goes_by_criticality() {
    let rotations = Rotations::compile(&[], &[], &[]);
    let all: Vec<_> = Criticality::ALL
        .iter()
        .map(|criticality| {
            check(&rotations, &credential(CredentialKind::ApiKey, Some(365)), &identity(IdentityKind::Workload, *criticality, "a"))
        })
        .collect();
    insta::assert_snapshot!(all.join("\n"), @"
    shipped:rotation-low: warn 166, by 180, refuse never; ends 365, warned from 166
    shipped:rotation: warn 76, by 90, refuse never; ends 365, warned from 76
    shipped:rotation-high: warn 46, by 60, refuse never; ends 365, warned from 46
    shipped:rotation-critical: warn 16, by 30, refuse never; ends 365, warned from 16
    ");
    let session = credential(CredentialKind::Session, Some(1));
    assert_eq!(rotations.schedule(&session, &identity(IdentityKind::Workload, Criticality::High, "a")), None);
    assert_eq!(rotations.dates(&session, &identity(IdentityKind::Workload, Criticality::High, "a")).warn_from, None);
}

#[test]
fn the_operators_rules_come_first_and_the_most_selective_of_them() {
    let partner = RotationSelect { kind: Some(IdentityKind::Partner), ..RotationSelect::default() };
    let high = RotationSelect { criticality: Some(Criticality::High), ..partner.clone() };
    let rules = [
        rule("partners", partner.clone(), 45, Some(10)),
        rule("partners-too", partner.clone(), 40, Some(20)),
        rule("partners-high", high, 200, None),
        rule("shipped:rotation", RotationSelect { credential: Some(CredentialKind::ApiKey), ..RotationSelect::default() }, 77, None),
    ];
    let rotations = Rotations::compile(&rules, &[], &[]);
    let key = credential(CredentialKind::ApiKey, Some(365));
    let at = |kind, criticality| check(&rotations, &key, &identity(kind, criticality, "a"));
    // Of two that are as selective the stricter.
    insta::assert_snapshot!(at(IdentityKind::Partner, Criticality::Low), @"partners-too: warn 26, by 40, refuse 60; ends 60, warned from 26");
    insta::assert_snapshot!(at(IdentityKind::Partner, Criticality::High), @"partners-high: warn 186, by 200, refuse never; ends 365, warned from 186");
    // One that is replaced by name counts as the operator's, before what ships.
    insta::assert_snapshot!(at(IdentityKind::Bot, Criticality::Critical), @"shipped:rotation: warn 63, by 77, refuse never; ends 365, warned from 63");
    // The order in which rules are written makes no difference.
    let mut turned = rules.to_vec();
    turned.reverse();
    let turned = Rotations::compile(&turned, &[], &[]);
    for kind in IdentityKind::ALL {
        for criticality in Criticality::ALL {
            let identity = identity(*kind, *criticality, "a");
            assert_eq!(turned.schedule(&key, &identity), rotations.schedule(&key, &identity));
        }
    }
}

#[test]
fn a_contract_shortens_and_a_waiver_puts_off() {
    let contract = Contract {
        name: ContractName::literal("acme"),
        owner: OwnerName::literal("acme"),
        contacts: ["ops@acme.example".into()].into(),
        until: NOW + DAY * 400,
        quota: None,
        rate: None,
        concurrency: None,
        rotation: Some(DAY * 20),
        key_life_max: None,
        drill: None,
        apis: Box::default(),
    };
    let waiver = |credential: Option<&str>, until| Waiver {
        name: WaiverName::literal("later"),
        waived: Waived::Identity { identity: IdentityId::literal("ledger-sync"), credential: credential.map(Into::into) },
        exempts: Exemption::Rotation,
        reason: "they cannot before".into(),
        approver: "lead@example.com".into(),
        until: NOW + DAY * until,
    };
    let rules = [rule("all", RotationSelect::default(), 60, Some(5))];
    let (key, partner) = (credential(CredentialKind::ApiKey, Some(90)), identity(IdentityKind::Partner, Criticality::Medium, "acme"));
    let with = |waivers: &[Waiver]| check(&Rotations::compile(&rules, [&contract], waivers), &key, &partner);
    insta::assert_snapshot!(with(&[]), @"all: warn 6, by 20, refuse 25; ends 25, warned from 6");
    insta::assert_snapshot!(with(&[waiver(None, 80)]), @"all: warn 66, by 80, refuse 85; ends 85, warned from 66");
    assert_eq!(with(&[waiver(Some("other"), 80)]), with(&[]));
    assert_eq!(with(&[waiver(Some("main"), 10)]), with(&[]), "a waiver never shortens");
}

#[test]
fn the_end_of_its_own_warns_too_but_never_over_most_of_its_life() {
    let rotations = Rotations::compile(&[], &[], &[]);
    let identity = identity(IdentityKind::Workload, Criticality::Low, "a");
    let from = |days_| days(rotations.dates(&credential(CredentialKind::ApiKey, Some(days_)), &identity).warn_from);
    assert_eq!((from(8), from(100)), (Some(6), Some(86)));
    let endless = rotations.dates(&credential(CredentialKind::ApiKey, None), &identity);
    assert_eq!((endless.expires, days(endless.warn_from)), (None, Some(166)));
}

#[test]
fn a_key_warns_once_a_newer_one_is_beside_it() {
    let old = credential(CredentialKind::ApiKey, Some(2));
    let id = CredentialId::parse("BBBBBBBBBBBB").unwrap();
    let new = Credential { id, created: NOW + DAY, ..credential(CredentialKind::ApiKey, Some(31)) };
    let from = |one: &Credential, other: &Credential| days(replaced_from(one, [&old, other]));
    assert_eq!((from(&old, &new), from(&new, &new)), (Some(1), None));
    assert_eq!(from(&old, &Credential { expires: None, ..new.clone() }), Some(1));
    for other in [
        Credential { name: "other".into(), ..new.clone() },
        Credential { kind: CredentialKind::SignIn, ..new.clone() },
        Credential { state: CredentialState::Revoked { at: NOW + DAY }, ..new.clone() },
        Credential { expires: old.expires, ..new.clone() },
    ] {
        assert_eq!(from(&old, &other), None, "{other:?}");
    }
    let endless = Credential { expires: None, ..old.clone() };
    assert_eq!(from(&endless, &new), None, "two keys for two callers");
}

#[test]
fn what_ships_is_complete() {
    let rules = shipped();
    assert!(
        rules.iter().all(|rule| rule.name.as_str().starts_with("shipped:rotation") && rule.enforce.is_none() && rule.warn < rule.every)
    );
}
