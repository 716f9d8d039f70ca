//! Attacks, each labelled: families, how strong, and for what they may be used.
//!
//! Families in [`tuned`] may be looked at while weights and thresholds are chosen. Those in [`held_out`] may not: what the gate makes of
//! them is measured and reported apart, and tells whether it learned attacks or learned these attacks.

pub(super) mod campaign;
mod hand;
pub(super) mod held_out;
pub(super) mod tuned;

use super::{catalogue::Operation, place::Lair, population::Member, world::Intent};
use hand::Hand;
use std::time::Duration;
use wardgate_model::time::Time;

/// Declares an enum whose variants have a word each.
macro_rules! named {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $word:literal,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum $name {
            $($(#[$vdoc])* $variant,)*
        }

        impl $name {
            /// Every one, in order.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The word for it.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word,)* }
            }

            /// Reads the word.
            #[must_use]
            pub fn parse(word: &str) -> Option<Self> {
                match word { $($word => Some(Self::$variant),)* _ => None }
            }
        }
    };
}

named! {
    /// What an attack is after, and how.
    Family {
        /// Stolen passwords are tried from a few sources, with the key of an app.
        Stuffing = "stuffing",
        /// The same from three hundred sources.
        DistributedStuffing = "distributed_stuffing",
        /// Everything that can be listed or named is read, from a few places.
        Scraping = "scraping",
        /// A caller takes a little more than it used to, for days.
        SlowScraping = "slow_scraping",
        /// The same haul, divided among several stolen keys.
        MosaicScraping = "mosaic_scraping",
        /// A stolen key or bearer token is used elsewhere.
        TokenTheft = "token_theft",
        /// One key or token is used by more machines than it was given to.
        TokenSharing = "token_sharing",
        /// The thief is in the container: holds key, source and fingerprint.
        ContainerTakeover = "container_takeover",
        /// Whole collections are taken.
        BulkExport = "bulk_export",
        /// Stock is held and never bought.
        InventoryHolding = "inventory_holding",
        /// Somebody tries what there is.
        Probing = "probing",
        /// A caller goes where neither it nor its peers have been.
        LateralMovement = "lateral_movement",
        /// A caller climbs from reading to ruling.
        PrivilegeClimbing = "privilege_climbing",
        /// A caller uses, one after the other, rights that it has and never used.
        ScopeCreep = "scope_creep",
        /// Calls that were overheard are made again as they were.
        Replay = "replay",
    }
}

named! {
    /// How strong an attack is.
    Strength {
        /// In a hurry.
        Loud = "loud",
        /// As most are.
        Normal = "normal",
        /// With patience, close to what is usual.
        Low = "low",
    }
}

named! {
    /// For what a family may be used.
    Set {
        /// Weights and thresholds may be chosen by it.
        Tuned = "tuned",
        /// It is only measured by.
        HeldOut = "held_out",
    }
}

named! {
    /// In what the take of an attack is counted.
    Measure {
        /// Records in answers.
        Records = "records",
        /// Logins tried.
        Logins = "logins",
        /// Holds placed.
        Holds = "holds",
        /// Calls that did what they were to do.
        Acts = "acts",
    }
}

/// Where an attack comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// From where its victim lives, with its victim's software.
    Own,
    /// From elsewhere.
    Elsewhere,
}

/// How an attack goes about it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pace {
    /// From one call to the next, in the mean.
    pub(super) gap: Duration,
    /// Instead of that, so many thousandths of what it has heard its victims do.
    pub(super) above_per_mille: Option<u32>,
    /// How long it goes on.
    pub(super) lasting: Duration,
    /// From where, and from how many places there.
    pub(super) lair: (Lair, u64),
}

impl Pace {
    pub(super) const fn new(gap: Duration, lasting: Duration, lair: (Lair, u64)) -> Self {
        Self { gap, above_per_mille: None, lasting, lair }
    }
}

/// A family of attacks: a row of the tables of [`tuned`] and [`held_out`].
pub(super) struct Scenario {
    pub(super) family: Family,
    pub(super) set: Set,
    pub(super) measure: Measure,
    pub(super) place: Place,
    /// Whose credential it can be made with.
    pub(super) victim: fn(&Member) -> bool,
    /// How many of them.
    pub(super) victims: usize,
    pub(super) pace: fn(Strength) -> Pace,
    /// Whether it waits until it has overheard a call of its victim.
    pub(super) overhears: bool,
    /// What it does next.
    pub(super) shot: fn(&mut Hand<'_>) -> Option<Shot>,
}

impl std::fmt::Debug for Scenario {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Scenario").field("family", &self.family).field("set", &self.set).finish_non_exhaustive()
    }
}

/// What an attack does next.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shot {
    pub(super) intent: Intent,
    /// Whether it is the very call that was overheard.
    pub(super) replays: bool,
}

impl From<Intent> for Shot {
    fn from(intent: Intent) -> Self {
        Self { intent, replays: false }
    }
}

/// Every family, those for tuning first.
pub(super) fn scenarios() -> impl Iterator<Item = &'static Scenario> {
    tuned::SCENARIOS.iter().chain(held_out::SCENARIOS)
}

/// An attack, and what came of it so far.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attack {
    /// Of which family.
    pub family: Family,
    /// How strong.
    pub strength: Strength,
    /// For what the family may be used.
    pub set: Set,
    /// From where it comes.
    pub place: Place,
    /// In what its take is counted.
    pub measure: Measure,
    /// Whose credentials it uses: places in [`super::Estate::members`].
    pub victims: Vec<u16>,
    /// When it begins.
    pub begins: Time,
    /// When it ends at the latest.
    pub ends: Time,
    /// What came of it.
    pub take: Take,
}

/// What came of an attack so far. Units are those of [`Attack::measure`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Take {
    /// Calls made.
    pub calls: u64,
    /// Of these, calls that reached the upstream.
    pub reached: u64,
    /// Units that it would have had, had each call reached the upstream.
    pub attempted: u64,
    /// Units that it got.
    pub leaked: u64,
    /// Accounts that opened.
    pub opened: u64,
    /// Challenges that it met.
    pub challenged: u64,
    /// Challenges that it could answer.
    pub answered: u64,
    /// When it made its first call.
    pub first: Option<Time>,
    /// When it was first slowed, challenged or blocked.
    pub met: Option<Time>,
    /// When it first took something, and last.
    pub took: Option<(Time, Time)>,
    /// When it gave up.
    pub gave_up: Option<Time>,
}

/// Whether an identity's proof is all that is needed to be it.
pub(super) fn can_be_stolen(member: &Member) -> bool {
    use super::call::Proof;
    matches!(member.proof, Proof::ApiKey | Proof::Jwt)
}

/// Whether an identity uses an operation.
pub(super) fn uses(member: &Member, operation: &'static Operation) -> bool {
    member.operations().iter().any(|used| std::ptr::eq(*used, operation))
}
