//! What happens to the estate besides calls: deploys, outages, changes of APIs, of owners, of keys. A driver tells the gate those that
//! an operator would have told it of; the others it has to live with.

use super::{
    calendar::{BEGINS, Calendar, DAY, HOUR},
    call::Proof,
    chance::{Chance, mixed},
    population::Member,
    scale::Scale,
};
use std::time::Duration;
use wardgate_model::{inventory::IdentityKind, time::Time};

/// Something that happens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Happening {
    /// When it begins.
    pub from: Time,
    /// When it is over; the same moment where it has no length.
    pub until: Time,
    /// What.
    pub what: What,
    /// Whether the gate is told of it before.
    pub told: bool,
}

/// What happens. A member is a place in [`super::Estate::members`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum What {
    /// New software of an identity: other addresses, another user agent, every second time another fingerprint.
    Deploy {
        /// Whose.
        member: u16,
    },
    /// Somebody else answers for an identity from now on.
    OwnerChange {
        /// For which.
        member: u16,
        /// Who.
        to: &'static str,
    },
    /// The identity's key is replaced; until the end of it, both are used.
    KeyRotation {
        /// Whose.
        member: u16,
    },
    /// A partner's calls come from other addresses from now on.
    Move {
        /// Whose.
        member: u16,
    },
    /// A partner cannot call; after it, it catches up.
    Outage {
        /// Whose.
        member: u16,
    },
    /// Writes of an API want a parameter more; callers that do not know get 400 until they are mended.
    ApiChange {
        /// Of which API.
        api: &'static str,
    },
    /// An API has a new version, to which callers go over by and by.
    NewVersion {
        /// Of which API.
        api: &'static str,
    },
    /// The upstream of an API fails.
    Incident {
        /// Of which API.
        api: &'static str,
    },
    /// A public holiday.
    Holiday,
}

impl What {
    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Deploy { .. } => "deploy",
            Self::OwnerChange { .. } => "owner_change",
            Self::KeyRotation { .. } => "key_rotation",
            Self::Move { .. } => "move",
            Self::Outage { .. } => "outage",
            Self::ApiChange { .. } => "api_change",
            Self::NewVersion { .. } => "new_version",
            Self::Incident { .. } => "incident",
            Self::Holiday => "holiday",
        }
    }

    /// To which identity it happens, where it is one.
    #[must_use]
    pub const fn member(self) -> Option<u16> {
        match self {
            Self::Deploy { member }
            | Self::OwnerChange { member, .. }
            | Self::KeyRotation { member }
            | Self::Move { member }
            | Self::Outage { member } => Some(member),
            Self::ApiChange { .. } | Self::NewVersion { .. } | Self::Incident { .. } | Self::Holiday => None,
        }
    }
}

/// What happens to one member, in order.
#[derive(Debug, Default)]
struct Own {
    deploys: Vec<Time>,
    moves: Vec<Time>,
    rotations: Vec<(Time, Time)>,
    outages: Vec<(Time, Time)>,
}

/// All that happens, and the answers that calls need of it.
#[derive(Debug)]
pub(super) struct Happenings {
    pub(super) all: Vec<Happening>,
    own: Vec<Own>,
    incidents: Vec<(&'static str, Time, Time)>,
    changes: Vec<(&'static str, Time)>,
    version: Option<Time>,
}

/// Hours within which callers are mended after an API has changed.
const MENDED_HOURS: u64 = 30;
/// Days within which callers go over to a new version.
const GOING_OVER_DAYS: u64 = 8;

impl Happenings {
    pub(super) fn new(seed: u64, scale: Scale, calendar: Calendar, members: &[Member]) -> Self {
        let mut all = common(calendar);
        let identities = members.iter().enumerate().filter(|(_, member)| member.is_identity());
        for (at, member) in identities {
            let chance = Chance::new(seed, member.salt ^ 0xA11);
            all.extend(of_member(u16::try_from(at).unwrap_or(u16::MAX), member, scale, calendar, chance));
        }
        all.retain(|one| one.from < calendar.ends());
        all.sort_by_key(|one| (one.from, one.what.member()));
        let mut found =
            Self { own: members.iter().map(|_| Own::default()).collect(), incidents: vec![], changes: vec![], version: None, all };
        for one in &found.all {
            let own = one.what.member().and_then(|member| found.own.get_mut(usize::from(member)));
            match (one.what, own) {
                (What::Deploy { .. }, Some(own)) => own.deploys.push(one.from),
                (What::Move { .. }, Some(own)) => own.moves.push(one.from),
                (What::KeyRotation { .. }, Some(own)) => own.rotations.push((one.from, one.until)),
                (What::Outage { .. }, Some(own)) => own.outages.push((one.from, one.until)),
                (What::Incident { api }, _) => found.incidents.push((api, one.from, one.until)),
                (What::ApiChange { api }, _) => found.changes.push((api, one.from)),
                (What::NewVersion { .. }, _) => found.version = Some(one.from),
                _ => {}
            }
        }
        found
    }

    /// How often a member was deployed until now.
    pub(super) fn release(&self, member: usize, now: Time) -> u8 {
        let deploys = self.own.get(member).map_or(0, |own| own.deploys.partition_point(|at| *at <= now));
        u8::try_from(deploys).unwrap_or(u8::MAX)
    }

    /// How often a member's way out was moved until now.
    pub(super) fn moves(&self, member: usize, now: Time) -> u8 {
        let moves = self.own.get(member).map_or(0, |own| own.moves.partition_point(|at| *at <= now));
        u8::try_from(moves).unwrap_or(u8::MAX)
    }

    /// Which of its credentials a worker of a member uses: each goes over at a moment of its own while both are good.
    pub(super) fn credential(&self, member: usize, worker: u64, now: Time) -> u8 {
        let gone_over = |(from, until): &&(Time, Time)| {
            let overlap = until.since(*from).as_secs().max(1);
            *from + Duration::from_secs(mixed(worker, overlap) % overlap) <= now
        };
        let rotations = self.own.get(member).map_or(0, |own| own.rotations.iter().filter(gone_over).count());
        u8::try_from(rotations).unwrap_or(u8::MAX)
    }

    /// Until when a member cannot call; `None`: it can.
    pub(super) fn away_until(&self, member: usize, now: Time) -> Option<Time> {
        let outages = self.own.get(member).into_iter().flat_map(|own| &own.outages);
        outages.filter(|(from, until)| *from <= now && now < *until).map(|(_, until)| *until).next()
    }

    /// Whether the upstream of an API fails.
    pub(super) fn fails(&self, api: &str, now: Time) -> bool {
        self.incidents.iter().any(|(of, from, until)| *of == api && *from <= now && now < *until)
    }

    /// Whether a member does not know yet how an API has changed. Three of five were mended before.
    pub(super) fn outdated(&self, api: &str, salt: u64, now: Time) -> bool {
        let mended = |from: Time| from + HOUR * u32::try_from(mixed(salt, 30) % MENDED_HOURS).unwrap_or(0);
        mixed(salt, 31) % 5 >= 3 && self.changes.iter().any(|(of, from)| *of == api && *from <= now && now < mended(*from))
    }

    /// Whether a member has gone over to the new version.
    pub(super) fn gone_over(&self, salt: u64, now: Time) -> bool {
        let days = u32::try_from(mixed(salt, 32) % GOING_OVER_DAYS).unwrap_or(0);
        self.version.is_some_and(|from| from + DAY * days + HOUR <= now)
    }
}

/// What happens to all, or to what they call.
fn common(calendar: Calendar) -> Vec<Happening> {
    let one = |per_mille: u64, minutes: u64, what: What, told: bool| {
        let from = calendar.at(per_mille);
        Happening { from, until: from + Duration::from_mins(minutes), what, told }
    };
    let holiday = BEGINS + DAY * u32::try_from(calendar.holiday).unwrap_or(0);
    vec![
        one(305, 40, What::Incident { api: "orders" }, false),
        one(705, 15, What::Incident { api: "catalog" }, false),
        one(410, 0, What::NewVersion { api: "catalog" }, true),
        one(560, 0, What::ApiChange { api: "orders" }, true),
        one(830, 0, What::ApiChange { api: "shipping" }, false),
        Happening { from: holiday, until: holiday + DAY, what: What::Holiday, told: true },
    ]
}

fn of_member(at: u16, member: &Member, scale: Scale, calendar: Calendar, mut chance: Chance) -> Vec<Happening> {
    let mut found = Vec::new();
    let mut some = |per_mille_a_week: u64, length: Duration, what: What, told_per_mille: u64| {
        for week in 0..scale.days.div_ceil(7) {
            let happens = chance.happens(per_mille_a_week);
            let within = Duration::from_secs(chance.below(7 * 86_400));
            let told = chance.happens(told_per_mille);
            if happens {
                let from = BEGINS + DAY * (week * 7) + within;
                found.push(Happening { from, until: from + length, what, told });
            }
        }
    };
    let deploys = match member.kind {
        IdentityKind::Workload | IdentityKind::ServiceAccount | IdentityKind::AiAgent => 450,
        IdentityKind::BatchJob | IdentityKind::Bot => 150,
        IdentityKind::Partner => 60,
        IdentityKind::CiJob | IdentityKind::Legacy => 0,
    };
    let partner = member.kind == IdentityKind::Partner;
    some(deploys, Duration::ZERO, What::Deploy { member: at }, if partner { 0 } else { 700 });
    some(if member.proof == Proof::ApiKey { 60 } else { 0 }, DAY, What::KeyRotation { member: at }, 1_000);
    some(if partner { 50 } else { 0 }, Duration::ZERO, What::Move { member: at }, 300);
    some(8, Duration::ZERO, What::OwnerChange { member: at, to: "platform" }, 1_000);
    // One partner of five cannot call for some hours, and then wants to catch up.
    if partner && (3..=4).contains(&(at % 10)) {
        let from = calendar.at(300 + member.salt % 500);
        found.push(Happening { from, until: from + HOUR * 3, what: What::Outage { member: at }, told: false });
    }
    found
}
