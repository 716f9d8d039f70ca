use super::{BEST, BY_CODE, CAUSES, COUNTED_MAX, by_severity, grade};
use crate::{
    findings::{Answering, Code, Estate, Governed, Misuse, Misused, Severity, survey},
    rotation::Rotations,
    testing::{NOW, credential, inventory},
};
use std::collections::BTreeMap;
use wardgate_model::{
    credential::Credential,
    id::{CredentialId, OwnerName},
    inventory::{Identity, Owner},
    time::Time,
};

const GROUND: &str = r#"
kind: Owner
name: payments
spec: { accountable: lead@example.com, deputy: deputy@example.com }
---
kind: Owner
name: alone
spec: { accountable: boss@example.com }
---
kind: Owner
name: gone
spec: { accountable: gone@example.com, deputy: gone2@example.com }
---
kind: Environment
name: production
spec: { production: true }
---
kind: Waiver
name: endless
spec: { for: { identity: svc, credential: legacy }, exempts: expiry, reason: x, approver: lead@example.com, until: 2027-02-05 }
---
kind: Waiver
name: unrotated
spec: { for: { identity: svc, credential: legacy }, exempts: rotation, reason: x, approver: lead@example.com, until: 2027-02-05 }
---
"#;

/// The grade of `svc` and what takes something off it, one cause a line. `owner [overdue]`, its credentials, and of which it was
/// shown after its end.
fn graded(owner: &str, credentials: &[&str], misused: Option<&str>) -> String {
    let (owner, overdue) = owner.split_once(' ').map_or((owner, false), |(owner, _)| (owner, true));
    let text = format!(
        "kind: Identity\nname: svc\nspec: {{ type: workload, owner: {owner}, environment: production, purpose: x, credentials: [{{ name: legacy, type: api_key }}] }}\n"
    );
    let there = inventory(&format!("{GROUND}{}", text.replace("owner: nobody", "owner: payments")));
    let mut identity = there.identities[0].identity.clone();
    identity.owner = OwnerName::parse(owner).unwrap();
    identity.claim_overdue = overdue;
    let credentials: Vec<Credential> = credentials.iter().map(|text| credential(text)).collect();
    let departed = |owner: &Owner| (owner.name.as_str() == "gone").then_some(Time::from_seconds(NOW.as_seconds() - 86_400));
    let owners: Vec<_> =
        there.owners.iter().map(|owner| Answering { owner, departed: departed(owner), attested: Some(NOW), since: None }).collect();
    let shown = misused.map(|id| CredentialId::parse(id).unwrap());
    let misused: Vec<_> = shown
        .iter()
        .map(|credential| Misused {
            credential,
            misuse: Misuse::Revoked,
            first: NOW,
            last: NOW,
            count: 9,
            networks: 9,
            from: "203.0.113.9".parse().unwrap(),
        })
        .collect();
    let estate = Estate {
        owners: &owners,
        apis: &[],
        grants: &[],
        contracts: &[],
        waivers: &there.waivers,
        rotations: &Rotations::compile(&[], [], there.waivers.iter().map(|one| &**one)),
        unclaimed: &[],
        bypasses: &[],
        calls: &[],
        beside: &[],
        risky: &[],
        misused: &misused,
        counted_since: None,
        used: &|_| None,
        api_since: &|_| None,
    };
    let (mut shown, governed) = (String::new(), Governed { identity: &identity, since: NOW, credentials: &credentials });
    survey(&estate, [governed], NOW, |governed, found| {
        let quality = grade(governed, found.iter().copied(), NOW);
        let parts = quality.parts.iter().map(|part| format!("\n-{} {}: {}", part.minus, part.cause, part.what));
        shown = format!("{} {}{}", quality.score, quality.letter(), parts.collect::<String>());
    });
    shown
}

#[test]
fn who_proves_possession_and_is_answered_for_has_the_best_grade() {
    assert_eq!(graded("payments", &[], None), "100 A");
    assert_eq!(graded("payments", &["AAAAAAAAAAA1 svc/main public_key 900 -"], None), "100 A");
}

#[test]
fn the_weakest_proof_counts_and_a_grade_says_why() {
    insta::assert_snapshot!(graded("payments", &["AAAAAAAAAAA1 svc/main api_key 10 90", "AAAAAAAAAAA2 svc/key public_key 10 -"], None), @"
    85 B
    -15 proof.secret: `main` is of type `api_key`
    ");
    insta::assert_snapshot!(graded("payments", &["AAAAAAAAAAA1 svc/hook hmac 10 90"], None), @"
    95 A
    -5 proof.shared_secret: `hook` is of type `hmac`
    ");
    // What is over, and what is no lasting credential, proves nothing.
    let over = ["AAAAAAAAAAA1 svc/main api_key 10 90 revoked", "AAAAAAAAAAA2 svc/other api_key 10 9", "AAAAAAAAAAA3 svc/s session 0 1"];
    assert_eq!(graded("payments", &over, None), "100 A");
}

#[test]
fn the_state_of_the_owner_counts_most() {
    insta::assert_snapshot!(graded("gone overdue", &["AAAAAAAAAAA1 svc/main api_key 10 90"], None), @"
    25 D
    -30 identity.claim_overdue: nobody claimed it in time
    -30 owner.departed: it departed at 2027-01-14T08:00:00Z
    -15 proof.secret: `main` is of type `api_key`
    ");
    insta::assert_snapshot!(graded("alone", &[], None), @"
    95 A
    -5 owner.no_deputy: `boss@example.com` answers for it alone
    ");
    insta::assert_snapshot!(graded("nobody", &[], None), @"
    60 C
    -40 identity.owner_absent: its owner `nobody` is not on record
    ");
}

#[test]
fn what_a_waiver_exempts_from_costs_nothing_and_an_old_secret_is_old_all_the_same() {
    insta::assert_snapshot!(graded("payments", &["AAAAAAAAAAA1 svc/legacy api_key 400 -"], None), @"
    75 B
    -15 proof.secret: `legacy` is of type `api_key`
    -10 credential.old: `legacy` is 400 days old
    ");
    insta::assert_snapshot!(graded("payments", &["AAAAAAAAAAA1 svc/main api_key 400 -"], None), @"
    45 D
    -20 credential.no_expiry: `main` of `svc`: it has no end
    -15 proof.secret: `main` is of type `api_key`
    -10 credential.old: `main` is 400 days old
    -10 credential.overdue: `main` of `svc`: issued at 2025-12-11T08:00:00Z, to be replaced by 2026-03-11T08:00:00Z (`shipped:rotation`)
    ");
}

#[test]
fn a_cause_counts_once_however_many_keys_it_is_true_of() {
    let many: Vec<String> = (1..=9).map(|n| format!("AAAAAAAAAAA{n} svc/k{n} api_key 100 365")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    assert_eq!(graded("payments", &many, None).lines().next(), graded("payments", &many[..1], None).lines().next());
}

#[test]
fn what_somebody_else_may_have_done_costs_little() {
    let credentials = ["AAAAAAAAAAA1 svc/main public_key 10 -", "AAAAAAAAAAA2 svc/old api_key 10 90 revoked"];
    // From nine networks it worries much, and would take 20 off.
    let shown = graded("payments", &credentials, Some("AAAAAAAAAAA2"));
    assert!(by_severity(Severity::High) > COUNTED_MAX && shown.starts_with("90 A\n-10 credential.used_after_end: "), "{shown}");
}

#[test]
fn no_grade_is_below_nothing() {
    let worst =
        ["AAAAAAAAAAA1 svc/main foreign_key 400 -", "AAAAAAAAAAA2 svc/hook hmac 400 -", "AAAAAAAAAAA3 svc/old api_key 9 90 revoked"];
    assert!(graded("gone overdue", &worst, Some("AAAAAAAAAAA3")).starts_with("0 D"));
}

/// The page has the same table.
#[test]
fn the_guide_has_the_table() {
    let page = include_str!("../../../../docs/governance.md");
    let rows: BTreeMap<&str, &str> = page
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split_once("` | "))
        .filter_map(|(cause, rest)| Some((cause, rest.split_once(" |")?.0)))
        .collect();
    let by_code = BY_CODE.map(|(code, minus)| (code.as_str(), minus));
    let severities = Severity::ALL.iter().map(|severity| (severity.as_str(), by_severity(*severity)));
    for (cause, minus) in CAUSES.map(|(cause, minus, _)| (cause, minus)).into_iter().chain(by_code).chain(severities) {
        assert_eq!(rows.get(cause), Some(&&*minus.to_string()), "`{cause}`");
    }
    assert!(page.contains(&format!("at most {COUNTED_MAX}")) && BEST == 100);
}

/// A code that the table names is one that an identity can be found by.
#[test]
fn every_code_of_the_table_is_a_code() {
    for (code, _) in BY_CODE {
        assert!(Code::ALL.contains(&code));
    }
    assert_eq!(Identity::anonymous().quality, BEST, "until it is computed");
}
