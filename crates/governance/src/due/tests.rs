use super::{Away, Due, Living, RETIRE_AFTER, Situation, Waiting, counted, due};
use crate::testing::{DAY, NOW, credential};
use proptest::prelude::*;
use wardgate_model::{
    credential::Credential,
    govern::{Contract, Exemption, Waived, Waiver},
    id::{ApprovalId, ContractName, IdentityId, OwnerName, WaiverName},
    inventory::{Identity, IdentityState},
    time::Time,
};

fn identity(name: &str, owner: &str, state: IdentityState, ends: Option<Time>) -> Identity {
    let (id, owner) = (IdentityId::parse(name).unwrap(), OwnerName::parse(owner).unwrap());
    Identity { id, owner, state, ends, ..Identity::anonymous() }
}

fn contract(owner: &str, until: Time) -> Contract {
    Contract {
        name: ContractName::parse(&format!("with-{owner}")).unwrap(),
        owner: OwnerName::parse(owner).unwrap(),
        contacts: ["ops@example.com".into()].into(),
        until,
        quota: None,
        rate: None,
        concurrency: None,
        rotation: None,
        key_life_max: None,
        drill: None,
        apis: Box::default(),
    }
}

fn waiver(identity: &str, until: Time) -> Waiver {
    Waiver {
        name: WaiverName::literal("endless"),
        waived: Waived::Identity { identity: IdentityId::parse(identity).unwrap(), credential: None },
        exempts: Exemption::Expiry,
        reason: "x".into(),
        approver: "x".into(),
        until,
    }
}

/// A world that the clock acts on: what is due is done to it.
#[derive(Debug, Clone, Default)]
struct World {
    identities: Vec<(Identity, Option<Time>)>,
    away: Vec<(OwnerName, Option<Time>)>,
    waiting: Vec<Waiting>,
    contracts: Vec<Contract>,
    waivers: Vec<Waiver>,
    credentials: Vec<(Credential, OwnerName)>,
}

impl World {
    fn due(&self, now: Time) -> Vec<Due> {
        let situation = Situation {
            identities: self.identities.iter().map(|(identity, claim_by)| Living { identity, claim_by: *claim_by }).collect(),
            away: self.away.iter().map(|(owner, grace_until)| Away { owner, grace_until: *grace_until }).collect(),
            waiting: self.waiting.clone(),
            contracts: self.contracts.iter().collect(),
            waivers: self.waivers.iter().collect(),
            credentials: self.credentials.iter().map(|(credential, owner)| (credential, owner)).collect(),
        };
        due(&situation, now)
    }

    fn act(&mut self, all: &[Due]) {
        let mut with = |id: &IdentityId, act: &dyn Fn(&mut Identity)| {
            self.identities.iter_mut().filter(|(identity, _)| identity.id == *id).for_each(|(identity, _)| act(identity));
        };
        for one in all {
            match one {
                Due::ClaimOverdue { identity } => with(identity, &|identity| identity.claim_overdue = true),
                Due::SuspendOrphan { identity, .. } | Due::SuspendEnded { identity } => {
                    with(identity, &|identity| identity.state = IdentityState::Suspended);
                }
                Due::Retire { identity } => with(identity, &|identity| identity.state = IdentityState::Retired),
                Due::EndWithContract { credential, at, .. } | Due::EndWithWaiver { credential, at, .. } => {
                    let found = self.credentials.iter_mut().filter(|(known, _)| known.id == *credential);
                    // As the store does it: only ever earlier.
                    found.for_each(|(known, _)| known.expires = Some(known.expires.map_or(*at, |end| end.min(*at))));
                }
                Due::Lapse { id } => self.waiting.retain(|waiting| waiting.approval != *id),
            }
        }
    }
}

fn said(all: &[Due]) -> String {
    all.iter().map(|one| format!("{} ({})\n", serde_json::to_string(one).unwrap(), one.reason())).collect()
}

#[test]
fn a_day_on_which_everything_is_due() {
    let mut world = World {
        identities: vec![
            (identity("unclaimed", "payments", IdentityState::Discovered, None), Some(NOW)),
            (identity("orphan", "gone", IdentityState::Active, None), None),
            (identity("orphan-asked", "gone", IdentityState::Requested, None), None),
            (identity("graced", "going", IdentityState::Active, None), None),
            (identity("ended", "payments", IdentityState::Active, Some(NOW)), None),
            (identity("long-over", "payments", IdentityState::Quarantined, Some(Time::from_seconds(NOW.as_seconds() - 30 * 86_400))), None),
            (identity("retired", "gone", IdentityState::Retired, Some(Time::from_seconds(0))), Some(NOW)),
        ],
        away: vec![(OwnerName::literal("gone"), Some(NOW)), (OwnerName::literal("going"), Some(NOW + DAY))],
        waiting: vec![
            Waiting { approval: ApprovalId::parse("AAAAAAAAAAAA").unwrap(), expires: NOW },
            Waiting { approval: ApprovalId::parse("BBBBBBBBBBBB").unwrap(), expires: NOW + DAY },
        ],
        contracts: vec![contract("acme", NOW), contract("bolt", NOW + DAY)],
        waivers: vec![waiver("endless", NOW)],
        credentials: vec![
            (credential("CCCCCCCCCCC1 partner/main api_key 10 90"), OwnerName::literal("acme")),
            (credential("CCCCCCCCCCC2 partner/main api_key 10 5"), OwnerName::literal("acme")),
            (credential("CCCCCCCCCCC3 partner/main api_key 10 90 revoked"), OwnerName::literal("acme")),
            (credential("CCCCCCCCCCC4 other/main api_key 10 90"), OwnerName::literal("bolt")),
            (credential("CCCCCCCCCCC5 endless/main api_key 10 -"), OwnerName::literal("payments")),
            (credential("CCCCCCCCCCC6 partner/x session 0 1"), OwnerName::literal("acme")),
        ],
    };
    let all = world.due(NOW);
    insta::assert_snapshot!(said(&all), @r#"
    {"due":"claim_overdue","identity":"unclaimed"} (nobody claimed it in time)
    {"due":"suspend_orphan","identity":"orphan","owner":"gone"} (its owner `gone` departed and nobody took it over in time)
    {"due":"suspend_ended","identity":"ended"} (its time is over)
    {"due":"retire","identity":"long-over"} (its time has been over for 30 days)
    {"due":"end_with_contract","credential":"CCCCCCCCCCC1","contract":"with-acme","at":"2027-01-15T08:00:00Z"} (the contract `with-acme` is over)
    {"due":"end_with_waiver","credential":"CCCCCCCCCCC5","waiver":"endless","at":"2027-01-15T08:00:00Z"} (the waiver `endless` is over)
    {"due":"lapse","approval":"AAAAAAAAAAAA"} (nobody decided in time)
    "#);
    assert_eq!(counted(&all).values().sum::<usize>(), all.len());
    world.act(&all);
    assert_eq!(world.due(NOW), [], "what is done is not due again");
}

#[test]
fn a_contract_that_follows_another_goes_on() {
    let world = World {
        contracts: vec![contract("acme", NOW), Contract { name: ContractName::literal("next"), ..contract("acme", NOW + DAY * 365) }],
        credentials: vec![(credential("CCCCCCCCCCC1 partner/main api_key 10 90"), OwnerName::literal("acme"))],
        ..World::default()
    };
    assert_eq!(world.due(NOW), []);
}

fn worlds() -> impl Strategy<Value = World> {
    let times = || prop_oneof![Just(None), (-60_i64..60).prop_map(|days| Some(Time::from_seconds(NOW.as_seconds() + days * 86_400)))];
    let owners = || prop_oneof![Just("a"), Just("b"), Just("c")];
    let identities = proptest::collection::vec((owners(), proptest::sample::select(IdentityState::ALL), times(), times()), 0..12);
    let away = proptest::collection::vec((owners(), times()), 0..3);
    let ends = proptest::collection::vec((owners(), -60_i64..60), 0..4);
    let credentials = proptest::collection::vec((owners(), 0_u32..60, proptest::option::of(1_u32..120)), 0..8);
    (identities, away, ends, credentials).prop_map(|(identities, away, ends, credentials)| {
        let day = |days: i64| Time::from_seconds(NOW.as_seconds() + days * 86_400);
        World {
            identities: identities
                .into_iter()
                .enumerate()
                .map(|(at, (owner, state, ends, claim))| (identity(&format!("i{at}"), owner, state, ends), claim))
                .collect(),
            away: away.into_iter().map(|(owner, until)| (OwnerName::literal(owner), until)).collect(),
            waiting: ends
                .iter()
                .enumerate()
                .map(|(at, (_, days))| Waiting { approval: ApprovalId::of(at as u128), expires: day(*days) })
                .collect(),
            contracts: ends.iter().map(|(owner, days)| contract(owner, day(*days))).collect(),
            waivers: ends.iter().map(|(_, days)| waiver("i1", day(*days))).collect(),
            credentials: credentials
                .into_iter()
                .enumerate()
                .map(|(at, (owner, age, life))| {
                    let life = life.map_or("-".to_owned(), |days| days.to_string());
                    (credential(&format!("CCCCCCCCCC{at:02} i{at}/main api_key {age} {life}")), OwnerName::literal(owner))
                })
                .collect(),
        }
    })
}

proptest! {
    #[test]
    fn doing_what_is_due_makes_nothing_due_again(mut world in worlds()) {
        let before = world.clone();
        let first = world.due(NOW);
        prop_assert_eq!(&first, &world.due(NOW), "the same question, the same answer");
        world.act(&first);
        prop_assert_eq!(world.due(NOW), vec![]);
        for ((was, _), (is, _)) in before.identities.iter().zip(&world.identities) {
            prop_assert!(was.state != IdentityState::Retired || is == was, "what is retired is left alone");
            prop_assert!(is.state != IdentityState::Active || was.state == IdentityState::Active, "the clock starts nothing");
            let over = is.ends.is_some_and(|ends| ends <= NOW);
            prop_assert!(!over || is.state != IdentityState::Active, "what has ended is not in use");
        }
        for ((was, _), (is, _)) in before.credentials.iter().zip(&world.credentials) {
            prop_assert!(is.expires == was.expires || was.expires.is_none_or(|end| is.expires.unwrap() < end), "ends only come earlier");
        }
        // Later nothing that was retired, suspended or ended comes to life by itself.
        let later = world.due(NOW + RETIRE_AFTER);
        world.act(&later);
        prop_assert_eq!(world.due(NOW + RETIRE_AFTER), vec![]);
    }
}
