use super::{
    Answering, Bypass, Called, Code, Estate, Finding, Findings, Governed, Misuse, Misused, Risky, Severity, Signalled, Unclaimed, Used,
    findings,
};
use crate::{
    rotation::Rotations,
    surface::{Line, Standing},
    testing::{NOW, credential, inventory},
};
use std::{collections::BTreeSet, fmt::Write as _};
use wardgate_model::{
    credential::Credential,
    id::{ApiName, CredentialId, IdentityId, OwnerName, TrustName},
    inventory::{Identity, IdentityState},
    risk::Signal,
    time::Time,
    trust::{Binding, Subject},
};
use wardgate_store::StraySum;

fn ago(days: i64) -> Time {
    Time::from_seconds(NOW.as_seconds() - days * 86_400)
}

const ESTATE: &str = r#"
kind: Owner
name: payments
spec: { accountable: lead@example.com, deputy: deputy@example.com }
---
kind: Owner
name: gone
spec: { accountable: gone@example.com, deputy: gone2@example.com }
---
kind: Owner
name: acme
spec: { accountable: boss@acme.example }
---
kind: Owner
name: new
spec: { accountable: new@example.com, deputy: new2@example.com }
---
kind: Environment
name: production
spec: { production: true }
---
kind: Identity
name: well
spec: { type: workload, owner: payments, environment: production, purpose: x, criticality: high, credentials: [{ name: main, type: api_key, expires_in: 90d }] }
---
kind: Identity
name: partner
spec: { type: partner, owner: acme, environment: production, purpose: x, credentials: [{ name: main, type: api_key, expires_in: 90d }] }
---
kind: Identity
name: stranger
spec: { type: partner, owner: new, environment: production, purpose: x }
---
kind: Api
name: ledger
spec:
  { policy_owner: payments, business_owner: gone, environment: production, sensitivity: high, exposure: internal, consumers: machine,
    match: { path_prefix: /ledger }, upstream: { urls: ["http://127.0.0.1:9000"], identity: keep }, accept: [api_key], mode: observe,
    operations: [{ match: "GET /entries", class: list }, { match: "GET /status", class: read, anonymous: true }, { match: "GET /version", class: read, anonymous: true }] }
---
kind: Grant
name: over
spec: { to: { identity: well }, api: ledger, operations: [list], until: 2027-01-01 }
---
kind: Grant
name: soon
spec: { to: { owner: acme }, api: ledger, operations: [list], until: 2027-02-01 }
---
kind: Contract
name: acme-2026
spec: { owner: acme, contacts: [ops@acme.example], until: 2027-01-10 }
---
kind: Waiver
name: past
spec: { for: { owner: payments }, exempts: rotation, reason: x, approver: lead@example.com, until: 2026-12-01 }
---
kind: Waiver
name: endless
spec: { for: { identity: well, credential: main }, exempts: expiry, reason: x, approver: lead@example.com, until: 2027-02-05 }
"#;

struct World {
    inventory: wardgate_resources::Inventory,
    /// State, and days in it.
    states: Vec<(&'static str, IdentityState, i64)>,
    credentials: Vec<Credential>,
    used: Vec<(&'static str, i64)>,
    counted_since: Option<Time>,
    /// Operation, whether it is retired, status.
    answered: Vec<(&'static str, bool, u16)>,
    /// Operation, by whom, days ago, how often.
    called: Vec<(&'static str, &'static str, i64, u64)>,
    /// Identity, highest risk, quarantined.
    risky: Vec<(&'static str, u8, bool)>,
    beside: Vec<Line>,
    /// Credential, how, from how many networks.
    misused: Vec<(&'static str, Misuse, usize)>,
}

impl World {
    fn new(credentials: &[&str]) -> Self {
        let credentials = credentials.iter().map(|text| credential(text)).collect();
        let inventory = inventory(ESTATE);
        let (states, used, answered, called) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        Self {
            inventory,
            states,
            credentials,
            used,
            counted_since: Some(ago(365)),
            answered,
            called,
            risky: Vec::new(),
            beside: Vec::new(),
            misused: Vec::new(),
        }
    }

    fn find(&self) -> Findings {
        let inventory = &self.inventory;
        let status = |name: &OwnerName| match name.as_str() {
            "gone" => (Some(ago(3)), None),
            "payments" => (None, Some(ago(200))),
            _ => (None, None),
        };
        let owners: Vec<_> = inventory
            .owners
            .iter()
            .map(|owner| {
                let (departed, attested) = status(&owner.name);
                Answering { owner, departed, attested, since: Some(ago(10)) }
            })
            .collect();
        let rotations = Rotations::compile(&[], inventory.contracts.iter().map(|one| &**one), inventory.waivers.iter().map(|one| &**one));
        let used = |id: &CredentialId| {
            let (_, days) = self.used.iter().find(|(known, _)| *known == id.as_str())?;
            Some(Used { first: ago(days + 1), last: ago(*days), count: 42 })
        };
        let unknown = IdentityId::literal("discovered-1");
        let unclaimed = [Unclaimed { id: &unknown, first: ago(20), last: ago(1), count: 7, claim_by: ago(6) }];
        let ledger = ApiName::literal("ledger");
        let bypass = |(at, (operation, retired, status)): (usize, &(&'static str, bool, u16))| {
            let since = ago(i64::try_from(at).unwrap() + 1);
            Bypass { api: &ledger, operation, retired: *retired, address: "http://10.0.0.9", status: *status, since, last: ago(0) }
        };
        let bypasses: Vec<_> = self.answered.iter().enumerate().map(bypass).collect();
        let callers: Vec<_> = self.called.iter().map(|(_, identity, ..)| IdentityId::parse(identity).unwrap()).collect();
        let calls = self.called.iter().zip(&callers);
        let calls: Vec<_> =
            calls.map(|((operation, _, days, count), identity)| Called { operation, identity, last: ago(*days), count: *count }).collect();
        let signals = [(Signal::Rate, 9, 80), (Signal::NewPlace, 1, 42)].map(|(signal, count, weight)| Signalled { signal, count, weight });
        let names: Vec<_> = self.risky.iter().map(|(name, ..)| IdentityId::parse(name).unwrap()).collect();
        let risky = self.risky.iter().zip(&names).map(|((_, risk, quarantined), identity)| Risky {
            identity,
            first: ago(2),
            last: ago(1),
            count: 9,
            risk: *risk,
            answered: u64::from(*risk > 80),
            would: u64::from(*risk > 55),
            quarantined: quarantined.then(|| ago(1)),
            signals: &signals,
        });
        let risky: Vec<_> = risky.collect();
        let shown: Vec<_> = self.misused.iter().map(|(id, ..)| CredentialId::parse(id).unwrap()).collect();
        let from = "203.0.113.9".parse().unwrap();
        let misused = self.misused.iter().zip(&shown).map(|((_, misuse, networks), credential)| {
            let count = u64::try_from(*networks).unwrap();
            Misused { credential, misuse: *misuse, first: ago(2), last: ago(1), count, networks: *networks, from }
        });
        let misused: Vec<_> = misused.collect();
        let estate = Estate {
            owners: &owners,
            apis: &inventory.apis,
            grants: &inventory.grants,
            contracts: &inventory.contracts,
            waivers: &inventory.waivers,
            rotations: &rotations,
            unclaimed: &unclaimed,
            bypasses: &bypasses,
            calls: &calls,
            beside: &self.beside,
            risky: &risky,
            misused: &misused,
            counted_since: self.counted_since,
            used: &used,
            api_since: &|_: &ApiName| Some(ago(45)),
        };
        let state = |name: &str| {
            self.states.iter().find(|(known, ..)| *known == name).map_or((IdentityState::Active, 1), |(_, state, days)| (*state, *days))
        };
        let identities: Vec<(Identity, Time, Vec<Credential>)> = inventory
            .identities
            .iter()
            .map(|spec| {
                let (state, days) = state(spec.identity.id.as_str());
                let own = self.credentials.iter().filter(|credential| credential.identity == spec.identity.id).cloned().collect();
                (Identity { state, ..spec.identity.clone() }, ago(days), own)
            })
            .collect();
        findings(&estate, identities.iter().map(|(identity, since, credentials)| Governed { identity, since: *since, credentials }), NOW)
    }
}

fn line(finding: &Finding) -> String {
    let mut text =
        format!("{} {} {} `{}`: {}", finding.severity, finding.code.as_str(), finding.subject.kind, finding.subject.name, finding.evidence);
    finding.since.iter().for_each(|since| write!(text, "; since {since}").unwrap());
    finding.owasp.iter().for_each(|risk| write!(text, " [{risk}]").unwrap());
    text.push_str(if finding.exempt { " (exempt)" } else { "" });
    text
}

fn lines(found: &Findings) -> String {
    found.findings.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// Those about identities and credentials, without what the estate itself gives.
fn of(world: &World, kinds: &[&str]) -> String {
    let found = world.find();
    found.findings.iter().filter(|finding| kinds.contains(&finding.subject.kind)).map(line).collect::<Vec<_>>().join("\n")
}

#[test]
fn the_posture_of_an_estate() {
    insta::assert_snapshot!(lines(&World::new(&[]).find()), @"
    high owner.departed Owner `gone`: it departed at 2027-01-12T08:00:00Z; since 2027-01-12T08:00:00Z [NHI1]
    high contract.over Contract `acme-2026`: with `acme`: it ended at 2027-01-10T00:00:00Z; since 2027-01-10T00:00:00Z [NHI3]
    high discovery.unclaimed discovery `discovered-1`: 7 calls from 2026-12-26T08:00:00Z to 2027-01-14T08:00:00Z; to be claimed by 2027-01-09T08:00:00Z; since 2027-01-09T08:00:00Z [NHI1]
    high api.keep Api `ledger`: its upstream is sent the callers' own credentials [NHI2]
    medium path.unaccountable Api `ledger`: the business owner `gone` is not there [NHI1]
    medium identity.no_contract Identity `stranger`: its owner `new` has no contract [NHI3]
    medium waiver.over Waiver `past`: from rotation: it ended at 2026-12-01T00:00:00Z; since 2026-12-01T00:00:00Z [NHI7]
    medium api.observe_long Api `ledger`: it has observed for 45 days; since 2026-12-01T08:00:00Z [NHI5]
    low owner.not_attested Owner `payments`: it last attested at 2026-06-29T08:00:00Z; since 2026-12-26T08:00:00Z [NHI1]
    low owner.no_deputy Owner `acme`: `boss@acme.example` answers for it alone [NHI1]
    low waiver.ending Waiver `endless`: from expiry: it ends at 2027-02-05T00:00:00Z
    low grant.ended Grant `over`: on `ledger`: it ended at 2027-01-01T00:00:00Z; since 2027-01-01T00:00:00Z [NHI5]
    low grant.ending Grant `soon`: on `ledger`: it ends at 2027-02-01T00:00:00Z
    low api.anonymous Api `ledger`: `ledger GET /ledger/status` and 1 more can be called without a credential [NHI4]
    ");
}

#[test]
fn credentials_by_age_and_use() {
    let mut world = World::new(&[
        "AAAAAAAAAAA1 well/main api_key 100 365",
        "AAAAAAAAAAA2 well/main api_key 40 -",
        "AAAAAAAAAAA3 partner/main api_key 85 90",
        "AAAAAAAAAAA4 partner/main foreign_key 3 -",
        "AAAAAAAAAAA5 partner/main api_key 99 365 revoked",
        "AAAAAAAAAAA6 partner/main session 0 1",
        "AAAAAAAAAAA7 stranger/main api_key 5 30",
    ]);
    world.used = vec![("AAAAAAAAAAA1", 95), ("AAAAAAAAAAA3", 1), ("AAAAAAAAAAA4", 0)];
    insta::assert_snapshot!(of(&world, &["credential"]), @"
    high credential.overdue credential `AAAAAAAAAAA1`: `main` of `well`: issued at 2026-10-07T08:00:00Z, to be replaced by 2026-12-06T08:00:00Z (`shipped:rotation-high`); since 2026-12-06T08:00:00Z [NHI7]
    high credential.no_expiry credential `AAAAAAAAAAA2`: `main` of `well`: it has no end, under the waiver `endless`; since 2026-12-06T08:00:00Z [NHI7] (exempt)
    high credential.no_expiry credential `AAAAAAAAAAA4`: `main` of `partner`: it has no end; since 2027-01-12T08:00:00Z [NHI7]
    medium credential.unused credential `AAAAAAAAAAA1`: `main` of `well`: last used at 2026-10-12T08:00:00Z; since 2026-10-12T08:00:00Z [NHI1]
    medium credential.foreign credential `AAAAAAAAAAA4`: `main` of `partner`: 42 calls, the last at 2027-01-15T08:00:00Z; since 2027-01-12T08:00:00Z [NHI7]
    low credential.expiring credential `AAAAAAAAAAA3`: `main` of `partner`: it ends at 2027-01-20T08:00:00Z
    low credential.never_used credential `AAAAAAAAAAA2`: `main` of `well`: issued at 2026-12-06T08:00:00Z, no use since 2026-12-06T08:00:00Z; since 2026-12-06T08:00:00Z [NHI1]
    ");
    // Nobody counted for long enough to say that something is unused.
    world.counted_since = Some(ago(10));
    let unused = [Code::CredentialNeverUsed.as_str()];
    assert!(world.find().findings.iter().all(|finding| !unused.contains(&finding.code.as_str())));
    world.counted_since = None;
    assert!(world.find().findings.iter().all(|finding| finding.code != Code::CredentialUnused));
}

#[test]
fn what_others_vouch_for_needs_no_end_of_its_own() {
    let mut world = World::new(&["AAAAAAAAAAA1 well/mesh x509 0 -"]);
    for credential in &mut world.credentials {
        let binding = Binding { trust: TrustName::literal("mesh"), subject: Subject::Exactly("dns:a.example".into()), claims: [].into() };
        (credential.binding, credential.created) = (Some(Box::new(binding)), Time::default());
    }
    world.used = vec![("AAAAAAAAAAA1", 1)];
    insta::assert_snapshot!(of(&world, &["credential"]), @"");
    world.used.clear();
    assert!(of(&world, &["credential"]).contains("`mesh` of `well`: vouched for by others, no use since"));
}

#[test]
fn a_public_key_is_no_secret_that_needs_an_end() {
    let mut world = World::new(&["AAAAAAAAAAA1 well/key public_key 0 -"]);
    for credential in &mut world.credentials {
        credential.created = Time::default();
    }
    world.used = vec![("AAAAAAAAAAA1", 1)];
    insta::assert_snapshot!(of(&world, &["credential"]), @"");
    world.used.clear();
    let said = of(&world, &["credential"]);
    assert!(said.contains("`key` of `well`: a public key, no use since 2026-") && !said.contains("1970"), "{said}");
}

#[test]
fn identities_by_where_they_are_in_life() {
    let mut world = World::new(&["AAAAAAAAAAA1 well/main api_key 10 90", "AAAAAAAAAAA2 partner/main api_key 10 90"]);
    world.states = vec![("well", IdentityState::Retired, 3), ("partner", IdentityState::Quarantined, 15)];
    for spec in &mut world.inventory.identities {
        let identity = &mut spec.identity;
        match identity.id.as_str() {
            "partner" => identity.claim_overdue = true,
            "stranger" => (identity.ends, identity.owner) = (Some(ago(1)), OwnerName::literal("nobody")),
            _ => {}
        }
    }
    insta::assert_snapshot!(of(&world, &["Identity", "credential"]), @"
    high identity.owner_absent Identity `stranger`: its owner `nobody` is not on record [NHI1]
    high identity.claim_overdue Identity `partner`: nobody claimed it in time [NHI1]
    high credential.orphan credential `AAAAAAAAAAA1`: `main` of `well`: its identity is retired [NHI1]
    medium identity.quarantined_long Identity `partner`: for 15 days; since 2026-12-31T08:00:00Z [NHI1]
    medium identity.no_contract Identity `stranger`: its owner `nobody` has no contract [NHI3]
    low identity.ended Identity `stranger`: its time was over at 2027-01-14T08:00:00Z; since 2027-01-14T08:00:00Z [NHI1]
    ");
}

#[test]
fn upstreams_that_answer_whoever_reaches_them() {
    let mut world = World::new(&[]);
    let found = |world: &World| of(world, &["Api"]).lines().filter(|line| line.contains("upstream.")).collect::<Vec<_>>().join("\n");
    assert_eq!(found(&world), "");
    world.answered = vec![
        ("ledger GET /ledger/entries", false, 404),
        ("ledger GET /ledger/entries/{id}", false, 200),
        ("ledger GET /ledger/old", true, 302),
    ];
    insta::assert_snapshot!(found(&world), @"
    high upstream.unguarded Api `ledger`: `ledger GET /ledger/entries/{id}` at http://10.0.0.9 answered 200 to a call with no assertion or secret, last at 2027-01-15T08:00:00Z; and 1 more; since 2027-01-13T08:00:00Z [NHI4]
    medium upstream.retired Api `ledger`: `ledger GET /ledger/old`, which the API has no longer, at http://10.0.0.9 answered 302 to a call with no assertion or secret, last at 2027-01-15T08:00:00Z; since 2027-01-12T08:00:00Z [NHI1]
    ");
    // An error in answer to nobody in particular is a step less.
    world.answered.remove(1);
    assert!(
        found(&world).starts_with("medium upstream.unguarded Api `ledger`: `ledger GET /ledger/entries` at http://10.0.0.9 answered 404")
    );
}

#[test]
fn codes_are_unique_and_each_has_a_way_out() {
    let words: BTreeSet<&str> = Code::ALL.iter().map(|code| code.as_str()).collect();
    assert_eq!(words.len(), Code::ALL.len());
    for code in Code::ALL {
        assert!(code.remedy().len() > 5 && !code.remedy().ends_with('.'), "{}", code.as_str());
        assert!(code.owasp().is_none_or(|risk| risk.starts_with("NHI")));
    }
}

#[test]
fn of_too_many_the_most_severe_are_listed() {
    let mut world = World::new(&[]);
    let spec = world.inventory.identities[0].clone();
    for at in 0..(super::FINDINGS_MAX + 2_000) {
        let mut spec = spec.clone();
        spec.identity.id = IdentityId::parse(&format!("i{at:05}")).unwrap();
        spec.identity.claim_overdue = true;
        world.inventory.identities.push(spec);
    }
    let found = world.find();
    assert_eq!(found.findings.len(), super::FINDINGS_MAX);
    assert!(found.left_off >= 2_000);
    assert!(found.findings.iter().all(|finding| finding.severity >= super::Severity::High));
    assert!(found.findings.is_sorted_by(|a, b| a.severity >= b.severity));
}

#[test]
fn who_still_calls_what_goes_out_of_use_is_named() {
    let check = |said: &str, after: &str, called: &[(&'static str, &'static str, i64, u64)]| {
        let text = ESTATE
            .replace("class: list }", &format!("class: list, {said} }}"))
            .replace("mode: observe", &format!("mode: observe, {after}"));
        let mut world = World::new(&[]);
        world.inventory = inventory(&text);
        world.called = called.to_vec();
        of(&world, &["Operation"])
    };
    let entries = "ledger GET /ledger/entries";
    let calls = [(entries, "well", 1, 40), (entries, "partner", 2, 1), (entries, "stranger", 31, 900)];
    let usual = "after_sunset: allow";
    assert_eq!(
        check("deprecated: 2026-11-01, sunset: 2027-06-30", usual, &calls),
        "low operation.deprecated Operation `ledger GET /ledger/entries`: deprecated, and gone from 2027-06-30T00:00:00Z on; called by `well` (40 times, last at \
         2027-01-14T08:00:00Z), `partner` (1 time, last at 2027-01-13T08:00:00Z); since 2026-11-01T00:00:00Z"
    );
    let past = "sunset: 2027-01-14";
    assert_eq!(
        check(past, usual, &calls),
        "medium operation.sunset Operation `ledger GET /ledger/entries`: its sunset was at 2027-01-14T00:00:00Z; called by `well` (40 times, last at \
         2027-01-14T08:00:00Z); since 2027-01-14T00:00:00Z [NHI1]"
    );
    let refused = check(past, "after_sunset: deny", &calls);
    assert!(refused.contains("its sunset was at 2027-01-14T00:00:00Z; refused since; called by `well`"), "{refused}");
    // Nobody calls, nobody did since, nothing has begun, or another operation is called.
    assert_eq!(check(past, usual, &[]), "");
    assert_eq!(check("sunset: 2027-01-15", usual, &calls), "");
    assert_eq!(check("deprecated: 2027-02-01", usual, &calls), "");
    assert_eq!(check(past, usual, &[("ledger GET /ledger/status", "well", 0, 1)]), "");
    let crowd: Vec<_> = ["a", "b", "c", "d", "e"].into_iter().map(|name| (entries, name, 0, 1)).collect();
    let crowd = check(past, usual, &crowd);
    assert!(crowd.contains("called by `a` (1 time, last at 2027-01-15T08:00:00Z), `b`") && crowd.contains("and 2 more"), "{crowd}");
}

#[test]
fn whose_requests_are_far_from_usual_has_a_finding_of_the_signal_that_told_most() {
    let mut world = World::new(&[]);
    world.risky = vec![("well", 84, false), ("partner", 31, false), ("nobody-any-more", 99, false)];
    let found = world.find();
    let found: Vec<_> = found.findings.iter().filter(|finding| finding.code == Code::Risk(Signal::Rate)).collect();
    assert_eq!(
        found.iter().map(|one| (&*one.subject.name, one.severity)).collect::<Vec<_>>(),
        [("well", Severity::High), ("partner", Severity::Low)]
    );
    assert_eq!(found[0].code.as_str(), "risk.rate");
    assert_eq!(found[0].since, Some(ago(2)));
    let said = "9 requests of risk 30 or more from 2027-01-13T08:00:00Z to 2027-01-14T08:00:00Z, the highest 84; `rate` (9 times, at most 80), \
                `new_place` (1 time, at most 42); slowed, challenged or refused 1 time; would have been 1 time, but is only watched";
    assert!(found[0].evidence.starts_with(said), "{}", found[0].evidence);
    world.risky = vec![("partner", 31, true)];
    let found = world.find();
    let one = found.findings.iter().find(|finding| finding.code == Code::Risk(Signal::Rate)).unwrap();
    assert_eq!(one.severity, Severity::High, "it is stopped");
    assert!(one.evidence.contains("; quarantined for it at 2027-01-14T08:00:00Z"), "{}", one.evidence);
}

#[test]
fn what_is_shown_after_its_end_or_twice_is_told() {
    let mut world = World::new(&["AAAAAAAAAAA1 well/main api_key 5 30 revoked", "AAAAAAAAAAA2 partner/main api_key 5 30"]);
    world.misused = vec![
        ("AAAAAAAAAAA1", Misuse::Revoked, 1),
        ("AAAAAAAAAAA2", Misuse::Replayed, 3),
        ("AAAAAAAAAAA2", Misuse::Expired, 2),
        ("AAAAAAAAAAA9", Misuse::Revoked, 1),
    ];
    let found = world.find();
    let told = found.findings.iter().filter(|one| matches!(one.code, Code::CredentialUsedAfterEnd | Code::CredentialReplayed));
    insta::assert_snapshot!(told.map(line).collect::<Vec<_>>().join("\n"), @"
    high credential.replayed credential `AAAAAAAAAAA2`: `main` of `partner`: 3 requests with a proof that was taken before from 3 networks, the last from 203.0.113.9 at 2027-01-14T08:00:00Z; all were refused; since 2027-01-13T08:00:00Z [NHI4]
    medium credential.used_after_end credential `AAAAAAAAAAA1`: `main` of `well`: 1 request after it was revoked or contained from one network, the last from 203.0.113.9 at 2027-01-14T08:00:00Z; all were refused; since 2027-01-13T08:00:00Z [NHI1]
    low credential.used_after_end credential `AAAAAAAAAAA2`: `main` of `partner`: 2 requests after it had ended from 2 networks, the last from 203.0.113.9 at 2027-01-14T08:00:00Z; all were refused; since 2027-01-13T08:00:00Z [NHI1]
    ");
}

#[test]
fn what_is_beside_its_document_is_a_finding_an_api_and_way() {
    let line = |standing, operation: &str, answered: u64, gone: bool| Line {
        api: ApiName::literal("ledger"),
        owner: OwnerName::parse("payments").unwrap(),
        standing,
        operation: operation.to_owned(),
        class: None,
        detail: "what is told".to_owned(),
        gone,
        since: None,
        sum: StraySum { first: ago(9), last: ago(1), seen: 7, answered, ..StraySum::default() },
        identities: 0,
    };
    let mut world = World::new(&[]);
    let of = |world: &World| {
        let found = world.find();
        let ours = ["api.shadow", "api.zombie", "api.unused", "api.drift"];
        found.findings.iter().filter(|one| ours.contains(&one.code.as_str())).map(self::line).collect::<Vec<_>>().join("\n")
    };
    world.beside = vec![line(Standing::Zombie, "GET /ledger/soon", 7, false)];
    assert_eq!(of(&world), "", "what is deprecated has a finding of its own");
    let shadows = ["a", "b", "c", "d"].map(|name| line(Standing::Shadow, &format!("GET /ledger/{name}"), 3, false));
    world.beside.extend(shadows);
    world.beside.extend([
        line(Standing::Zombie, "GET /ledger/old", 0, true),
        Line { since: Some(ago(100)), ..line(Standing::Unused, "GET /ledger/status", 0, false) },
        line(Standing::Drift, "GET /ledger/entries", 0, false),
    ]);
    insta::assert_snapshot!(of(&world), @"
    high api.shadow Api `ledger`: `GET /ledger/a` (what is told; called 7 times, served 3 times, last at 2027-01-14T08:00:00Z), `GET /ledger/b` (what is told; called 7 times, served 3 times, last at 2027-01-14T08:00:00Z), `GET /ledger/c` (what is told; called 7 times, served 3 times, last at 2027-01-14T08:00:00Z) and 1 more; since 2027-01-06T08:00:00Z
    low api.zombie Api `ledger`: `GET /ledger/old` (what is told; called 7 times, served 0 times, last at 2027-01-14T08:00:00Z); since 2027-01-06T08:00:00Z
    low api.unused Api `ledger`: `GET /ledger/status` (what is told); since 2026-10-07T08:00:00Z
    low api.drift Api `ledger`: `GET /ledger/entries`: what is told (7 times, last at 2027-01-14T08:00:00Z); since 2027-01-06T08:00:00Z
    ");
}

#[test]
fn each_signal_has_a_code_and_a_way_out() {
    for signal in Signal::ALL {
        let code = Code::Risk(*signal);
        assert_eq!(code.as_str(), format!("risk.{}", signal.as_str()));
        assert!(code.remedy().len() > 20 && !code.remedy().ends_with('.'), "{}", code.as_str());
    }
}
