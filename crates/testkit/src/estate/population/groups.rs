//! The groups of the population, a row each. Those of one group are each other's peers.

use super::NOBODY;
use crate::estate::{
    calendar::{Days, Rhythm},
    call::Proof,
    catalogue as api,
    chance::Chance,
    habit::{self, Habit, What, When},
    place::Home,
};
use std::time::Duration;
use wardgate_model::inventory::IdentityKind as Kind;

/// What those of a group have in common.
pub(super) struct Group {
    pub(super) slug: &'static str,
    pub(super) kind: Kind,
    pub(super) owners: &'static [&'static str],
    pub(super) environment: &'static str,
    pub(super) purpose: &'static str,
    pub(super) proofs: &'static [(Proof, u16)],
    pub(super) offsets: &'static [i8],
    pub(super) home: fn(u8) -> Home,
    pub(super) software: &'static [&'static str],
    pub(super) habits: fn(u64, Proof, &mut Chance) -> Vec<Habit>,
}

/// Who calls, and how many of them. Two hundred, and whoever shows nothing.
pub(super) const GROUPS: &[Group] = &[
    Group {
        slug: "storefront",
        kind: Kind::Workload,
        owners: &["commerce"],
        environment: "production",
        purpose: "serves the shop to whoever visits it",
        proofs: &[(Proof::BoundJwt, 8), (Proof::Jwt, 6)],
        offsets: &[0, 1, -5],
        home: Home::Cluster,
        software: &["storefront", "storefront-edge"],
        habits: |_, _, chance| {
            vec![
                Habit::new(When::Busy(Rhythm::Shop, chance.between(5_200_000, 7_400_000)), What::One(habit::BROWSING)),
                Habit::new(When::Busy(Rhythm::Shop, chance.between(240_000, 420_000)), What::Shop),
            ]
        },
    },
    Group {
        slug: "service",
        kind: Kind::ServiceAccount,
        owners: &["commerce", "payments", "logistics", "platform", "accounts-team"],
        environment: "production",
        purpose: "does one part of the business for the others",
        proofs: &[(Proof::ApiKey, 20), (Proof::Jwt, 8), (Proof::X509, 6)],
        offsets: &[0],
        home: Home::Cluster,
        software: &["java-http-client", "go-http-client", "okhttp", "reqwest"],
        habits: services,
    },
    Group {
        slug: "till",
        kind: Kind::Legacy,
        owners: &["commerce", "logistics"],
        environment: "production",
        purpose: "asks what is on the shelf, from software that cannot change",
        proofs: &[(Proof::ApiKey, 36)],
        offsets: &[0, 1, 2],
        home: Home::Store,
        software: &["WinHTTP-Till", "TillOS"],
        habits: |_, _, chance| vec![Habit::new(When::Busy(Rhythm::Stores, chance.between(900_000, 2_000_000)), What::One(habit::TILLS))],
    },
    Group {
        slug: "app",
        kind: Kind::Legacy,
        owners: &["commerce"],
        environment: "production",
        purpose: "is on the phones of customers; its key is in every copy",
        proofs: &[(Proof::ApiKey, 4)],
        offsets: &[0, 1],
        home: |_| Home::Consumers,
        software: &["ShopApp-Android", "ShopApp-iOS"],
        habits: |_, _, chance| {
            vec![Habit::new(When::Busy(Rhythm::Shop, chance.between(1_700_000, 2_400_000)), What::SignIn(habit::OWN_THINGS))]
        },
    },
    Group {
        slug: "partner",
        kind: Kind::Partner,
        owners: &["partners"],
        environment: "production",
        purpose: "sells what we have, elsewhere",
        proofs: &[(Proof::ApiKey, 38), (Proof::Jwt, 4), (Proof::Signature, 4)],
        offsets: &[-8, -5, 0, 1, 1, 2, 8],
        home: Home::Partner,
        software: &["python-requests", "GuzzleHttp", "axios", "Apache-HttpClient", "curl"],
        habits: partners,
    },
    Group {
        slug: "batch",
        kind: Kind::BatchJob,
        owners: &["insights", "payments"],
        environment: "production",
        purpose: "works through what a day has left behind",
        proofs: &[(Proof::ApiKey, 12), (Proof::Jwt, 6), (Proof::BoundJwt, 6)],
        offsets: &[0, 1],
        home: Home::Cluster,
        software: &["python-requests", "spark", "java-http-client"],
        habits: batches,
    },
    Group {
        slug: "pipeline",
        kind: Kind::CiJob,
        owners: &["platform", "commerce"],
        environment: "staging",
        purpose: "builds, tests and brings out what others write",
        proofs: &[(Proof::Jwt, 12), (Proof::ApiKey, 6)],
        offsets: &[0, 1, -5],
        home: |_| Home::Runners,
        software: &["curl", "go-http-client", "twine"],
        habits: |_, _, chance| {
            vec![Habit::new(
                When::Busy(Rhythm::Office, chance.between(45_000, 75_000)),
                What::Several(habit::BUILDING, (15, 70), Duration::from_millis(900)),
            )]
        },
    },
    Group {
        slug: "bot",
        kind: Kind::Bot,
        owners: &["platform", "insights"],
        environment: "production",
        purpose: "looks whether something is new, and tells people",
        proofs: &[(Proof::ApiKey, 8), (Proof::Signature, 4)],
        offsets: &[0],
        home: Home::Cloud,
        software: &["node-fetch", "python-requests"],
        habits: |nth, _, chance| {
            let (list, each) = if nth.is_multiple_of(2) { (&api::MESSAGES, &api::MESSAGE) } else { (&api::SHIPMENTS, &api::TRACKING) };
            vec![
                Habit::new(When::Every(Duration::from_secs(chance.between(60, 180))), What::Poll(list, Some(each))),
                Habit::new(When::Busy(Rhythm::Steady, 60_000), What::One(habit::TALKING)),
            ]
        },
    },
    Group {
        slug: "agent",
        kind: Kind::AiAgent,
        owners: &["insights", "commerce"],
        environment: "production",
        purpose: "answers what people ask it, with whatever it takes",
        proofs: &[(Proof::BoundJwt, 6), (Proof::Jwt, 6)],
        offsets: &[0, 1, -5, -8],
        home: Home::Cloud,
        software: &["agent-runtime", "httpx"],
        habits: |_, _, chance| {
            vec![Habit::new(
                When::Busy(Rhythm::Office, chance.between(60_000, 110_000)),
                What::Several(habit::EXPLORING, (3, 40), Duration::from_secs(4)),
            )]
        },
    },
    Group {
        slug: NOBODY,
        kind: Kind::Legacy,
        owners: &["accounts-team"],
        environment: "production",
        purpose: "people who sign in with a browser",
        proofs: &[(Proof::None, 1)],
        offsets: &[0],
        home: |_| Home::Consumers,
        software: &["Mozilla"],
        habits: |_, _, _| vec![Habit::new(When::Busy(Rhythm::Shop, 5_000_000), What::SignIn(&[]))],
    },
];

fn services(nth: u64, proof: Proof, chance: &mut Chance) -> Vec<Habit> {
    let busy = |mix, daily| Habit::new(When::Busy(Rhythm::Shop, daily), What::One(mix));
    let poll = |list, each, seconds| Habit::new(When::Every(Duration::from_secs(seconds)), What::Poll(list, Some(each)));
    let daily = chance.between(1_500_000, 4_200_000);
    // Whatever moves money or gives out keys wants more than a static key.
    let trusted = proof != Proof::ApiKey;
    match nth % 6 {
        0 if trusted => vec![busy(habit::PAYING, daily)],
        3 if trusted => vec![busy(habit::BOOKING, daily), Habit::new(When::Busy(Rhythm::Office, 90_000), What::One(habit::KEEPING_KEYS))],
        0 => vec![busy(habit::BOOKING, daily)],
        1 => vec![busy(habit::ORDERING, daily), poll(&api::ORDERS, &api::ORDER, chance.between(30, 90))],
        2 => vec![busy(habit::SHIPPING, daily)],
        3 => vec![busy(habit::TALKING, daily)],
        4 => vec![busy(habit::CARING, daily), poll(&api::CUSTOMERS, &api::CUSTOMER, chance.between(60, 300))],
        _ => vec![busy(habit::KEEPING, daily), poll(&api::FILES, &api::FILE, chance.between(60, 300))],
    }
}

fn partners(nth: u64, _: Proof, chance: &mut Chance) -> Vec<Habit> {
    let every = Duration::from_mins(chance.between(8, 40));
    let catalogue = Habit::new(When::Every(every), What::Pages(&api::PRODUCTS, Some(&api::PRODUCT), (2, 6), 40));
    let orders = Habit::new(When::Busy(Rhythm::Office, chance.between(300_000, 1_300_000)), What::One(habit::PARTNERS));
    let selling = Habit::new(When::Busy(Rhythm::Shop, chance.between(120_000, 260_000)), What::Shop);
    let prices = Habit::new(When::Every(Duration::from_mins(chance.between(3, 12))), What::Poll(&api::PRICES, None));
    match nth % 3 {
        0 => vec![catalogue, orders],
        1 => vec![catalogue, orders, selling],
        _ => vec![orders, prices],
    }
}

fn batches(nth: u64, proof: Proof, chance: &mut Chance) -> Vec<Habit> {
    let hour = u8::try_from(chance.between(0, 5)).unwrap_or(2);
    let night = |list, each, pages| Habit::new(When::At(hour, Days::All), What::Pages(list, Some(each), pages, 20));
    let mut habits = match nth % 3 {
        0 => vec![night(&api::ENTRIES, &api::ENTRY, (250, 500))],
        1 => vec![night(&api::ORDERS, &api::ORDER, (200, 450))],
        _ => vec![
            night(&api::REPORTS, &api::REPORT_ROWS, (60, 120)),
            Habit::new(When::Every(Duration::from_mins(10)), What::Poll(&api::REPORTS, Some(&api::REPORT))),
        ],
    };
    if proof != Proof::ApiKey {
        let (operation, days) = match nth % 3 {
            0 => (&api::EXPORT_LEDGER, Days::Working),
            1 => (&api::EXPORT_ORDERS, Days::All),
            _ => (&api::DUMP_REPORTS, Days::Weekly(0)),
        };
        habits.push(Habit::new(When::At(hour, days), What::Export(operation)));
    }
    habits
}
