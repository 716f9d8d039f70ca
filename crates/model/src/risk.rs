//! Risk: how far a genuine, permitted request is from what its caller does, and what follows from that.
//!
//! [`Signal`] is the one table of what is looked at. Each request that reaches room 10 has [`Contribution`]s, which
//! [`Assessment`] adds up to 0 to 100, and a [`Plan`] says what follows.

use crate::{
    api::{OperationClass, Sensitivity},
    inventory::words,
    ruling::{Challenge, Response},
};
use smallvec::SmallVec;
use std::time::Duration;

mod containment;

pub use containment::{Containment, QUARANTINE, Steps, Told};

words! {
    /// What a signal tells of. Passing a challenge clears what tells of theft, and nothing else.
    Family {
        /// Somebody else has what the caller proves itself by.
        Theft = "theft",
        /// More is taken than usual.
        Volume = "volume",
        /// Something is done that the caller does not do.
        Behaviour = "behaviour",
        /// Something is begun again and again and not brought to its end.
        Flow = "flow",
        /// What is sent is not what the API takes.
        Content = "content",
        /// Where it comes from has a name for it.
        Source = "source",
    }
}

macro_rules! signals {
    ($($(#[$doc:meta])* $variant:ident = $name:literal, $family:ident, $unit:literal, $says:literal, $remedy:literal;)*) => {
        /// What is looked at, each under the name that events, metrics and documents have for it.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Signal {
            $($(#[$doc])* $variant,)*
        }

        impl Signal {
            /// Every signal, in the order of the documents.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// Its name.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// What it tells of.
            #[must_use]
            pub const fn family(self) -> Family {
                match self { $(Self::$variant => Family::$family,)* }
            }

            /// What its value counts.
            #[must_use]
            pub const fn unit(self) -> &'static str {
                match self { $(Self::$variant => $unit,)* }
            }

            /// What it says, for people.
            #[must_use]
            pub const fn says(self) -> &'static str {
                match self { $(Self::$variant => $says,)* }
            }

            /// What its owner does about it.
            #[must_use]
            pub const fn remedy(self) -> &'static str {
                match self { $(Self::$variant => $remedy,)* }
            }

            /// The code of a finding of which it is the heaviest part.
            #[must_use]
            pub const fn finding(self) -> &'static str {
                match self { $(Self::$variant => concat!("risk.", $name),)* }
            }

            /// Reads a name.
            #[must_use]
            pub fn parse(name: &str) -> Option<Self> {
                match name { $($name => Some(Self::$variant),)* _ => None }
            }
        }
    };
}

signals! {
    /// From where the caller has not called before.
    NewPlace = "new_place", Theft, "calls from there", "the caller has not called from this network before",
        "ask its owner whether it moved; if so give the network a `Zone` or announce it (`wardgate announce identity`), else rotate the credential";
    /// By software that the caller has not used before.
    NewSoftware = "new_software", Theft, "calls with it", "the caller has not used this software before",
        "ask its owner whether its client changed; if so announce the next change (`wardgate announce identity`), else rotate the credential";
    /// One credential, used from two places at a time.
    Shared = "shared", Theft, "places at a time", "one credential is used from several places at the same time",
        "find out who else has the credential; give each caller an identity of its own, then rotate it";
    /// Many calls in a short time.
    Rate = "rate", Volume, "per cent of the usual", "it calls far more often than it does at such an hour",
        "ask its owner what it is busy with; if that is to stay, announce it (`wardgate announce identity`) and it becomes usual within days";
    /// Much taken in a short time.
    Volume = "volume", Volume, "per cent of the usual", "it takes far more records than it does in such a time",
        "ask its owner what the records are for; give it a `Limit` or, for a job, a task with a budget";
    /// A little more than usual, for long.
    Drip = "drip", Volume, "per cent of the usual", "for days it has taken more than it used to",
        "look at what it has taken since then (`wardgate audit timeline NAME`) and ask its owner for the reason; once it stays so it becomes usual";
    /// Thing after thing.
    Enumeration = "enumeration", Volume, "things in a row", "it goes through things one after the other",
        "ask its owner why it goes through all of them; an export or a list operation serves honest callers better";
    /// Whole collections.
    Bulk = "bulk", Volume, "per cent of the usual", "it takes whole collections more often than it used to",
        "ask its owner why it exports again; stop it if nobody there did that";
    /// At an hour at which it does not call.
    OffSchedule = "off_schedule", Behaviour, "hour of the day, UTC", "it does not call at such an hour",
        "ask its owner whether the schedule has changed; if so it becomes usual within days";
    /// An operation that it has not used.
    NewOperation = "new_operation", Behaviour, "new operations", "it uses operations that it has not used before",
        "ask its owner whether it has a new version; announce releases (`wardgate announce identity`, or `api` where the API is new)";
    /// An API that it has not called.
    FanOut = "fan_out", Behaviour, "new APIs", "it goes to APIs that neither it nor its peers have called before",
        "ask its owner why it calls that API, and take the grant back if it need not";
    /// A class of operation above what it does.
    Climbing = "climbing", Behaviour, "classes", "it goes on to classes of operation that it has not used before",
        "ask its owner why it writes, deletes or exports now; take the grant back if it need not";
    /// Refused again and again.
    Refused = "refused", Behaviour, "refusals", "it is refused again and again for what it may not do",
        "grant it what it needs, or have its owner mend what asks for more";
    /// Errors, far more than usual.
    Probing = "probing", Behaviour, "per cent of its calls", "far more of its calls fail than it is used to",
        "look at the paths that failed (`wardgate audit timeline NAME`); mend the client, or stop it";
    /// It does not wait where it is told to.
    Deaf = "deaf", Behaviour, "calls too early", "it does not wait as long as it was told to",
        "have its owner honour `Retry-After`; its client retries too early";
    /// Logins that fail.
    Stuffing = "stuffing", Flow, "per cent of its logins", "it tries many accounts, and most logins fail",
        "look at the accounts that were tried; protect those where a login came through";
    /// Logins that fail, from everywhere.
    Crowd = "crowd", Flow, "per cent of logins", "far more logins fail than usual, and this one is of those",
        "nothing by itself: many sources try logins at the same time; watch the accounts where one came through";
    /// Begun and not brought to its end.
    Unfinished = "unfinished", Flow, "begun", "it begins far more than it brings to its end",
        "ask its owner why it begins what it does not finish, as holds without a purchase";
    /// Text that reads as an attack.
    Hostile = "hostile", Content, "0 to 100", "what is sent reads as an attack on what is behind",
        "look at the request (`wardgate explain`); text of people may read so now and then";
    /// Not as the API's document has it.
    Deviation = "deviation", Content, "deviations", "the request is not as the document of the API has it",
        "have its owner mend the client, or the API's owner the OpenAPI document";
    /// Listed as hostile.
    Reputation = "reputation", Source, "lists", "its address is on lists of hostile ones",
        "look whom the address belongs to; take it off your own copy of the list where it is wrong";
}

/// One signal of one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Contribution {
    /// Which signal.
    pub signal: Signal,
    /// What was measured, in its unit.
    pub value: u32,
    /// What it contributes, 1 to 100.
    pub weight: u8,
}

/// What is known of the risk of a request.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Assessment {
    /// 0 to 100.
    pub risk: u8,
    /// What it is made of, the heaviest first.
    pub parts: SmallVec<[Contribution; 4]>,
    /// Whether a good call of this identity came from the same network before; `None` where nobody is watched.
    pub place_known: Option<bool>,
}

impl Assessment {
    /// Adds contributions up: each takes its share of what those before have left of 100, so that none is counted for more
    /// than it says and several weak ones make a strong one.
    #[must_use]
    pub fn of(mut parts: SmallVec<[Contribution; 4]>) -> Self {
        parts.retain(|part| part.weight > 0);
        parts.sort_by(|a, b| b.weight.cmp(&a.weight).then(a.signal.cmp(&b.signal)));
        let left = parts.iter().fold(10_000_u32, |left, part| left * u32::from(100 - part.weight.min(100)) / 100);
        Self { risk: u8::try_from((10_000 - left) / 100).unwrap_or(100), parts, place_known: None }
    }

    /// What is left of it once possession of a key registered before was shown, just now.
    #[must_use]
    pub fn cleared(self) -> Self {
        if self.parts.iter().any(|part| part.signal.family() == Family::Theft) {
            let left = self.parts.into_iter().filter(|part| part.signal.family() != Family::Theft);
            Self { place_known: self.place_known, ..Self::of(left.collect()) }
        } else {
            self
        }
    }

    /// How much of it tells of theft, as [`Assessment::of`] would add that up.
    #[must_use]
    pub fn theft(&self) -> u8 {
        Self::of(self.parts.iter().filter(|part| part.signal.family() == Family::Theft).copied().collect()).risk
    }
}

/// What a caller can be asked to show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ladder {
    /// Possession of a key that was registered before: it shows that with each request.
    Possession,
    /// Nothing by what it has shown; there is a key on its record by which it could.
    StepUp,
    /// Nothing that a thief of its credential would not have.
    Nothing,
}

/// What follows from which risk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Plan {
    /// From this risk on a request waits.
    pub slow: u8,
    /// From this risk on its caller has to show possession of its key, where it has one.
    pub challenge: u8,
    /// From this risk on it is refused.
    pub block: u8,
    /// From this risk on its identity is quarantined; `None`: never by itself.
    pub quarantine: Option<u8>,
    /// Whether it is only recorded what would have been done.
    pub observe: bool,
}

/// The longest that a request waits for its risk.
pub const SLOW_MAX: Duration = Duration::from_secs(4);

impl Plan {
    /// What is done where nobody says otherwise, by what a leak would mean.
    #[must_use]
    pub const fn of(sensitivity: Sensitivity) -> Self {
        let (slow, challenge, block) = match sensitivity {
            Sensitivity::Low => (60, 75, 90),
            Sensitivity::Medium => (50, 65, 85),
            Sensitivity::High => (45, 60, 80),
            Sensitivity::Critical => (40, 55, 75),
        };
        Self { slow, challenge, block, quarantine: None, observe: false }
    }

    /// The same for operations that do harm: ten earlier.
    #[must_use]
    pub fn for_class(self, class: OperationClass) -> Self {
        match class {
            OperationClass::Bulk | OperationClass::Admin | OperationClass::Money | OperationClass::Delete => {
                Self { challenge: self.challenge.saturating_sub(10), block: self.block.saturating_sub(10), ..self }
            }
            OperationClass::Read | OperationClass::List | OperationClass::Write | OperationClass::Login => self,
        }
    }

    /// What follows. A caller that can show possession is asked for it as far as theft is what the risk tells of: what is left
    /// without that decides between the rest. Who has a key on record and has not used it is told to. Who can show nothing waits, and is
    /// refused as soon as others would be asked.
    #[must_use]
    pub fn response(self, assessment: &Assessment, ladder: Ladder) -> Response {
        let risk = assessment.risk;
        let slow = |risk: u8| {
            let span = u32::from(self.block.saturating_sub(self.slow).max(1));
            let over = u32::from(risk.saturating_sub(self.slow)) + 1;
            Response::Slow { delay: (SLOW_MAX * over.min(span) / span).max(Duration::from_millis(250)) }
        };
        if risk < self.slow {
            return Response::Allow;
        }
        let asked = match ladder {
            _ if assessment.theft() == 0 || risk < self.challenge => None,
            Ladder::Possession => Some(Challenge::Possession),
            Ladder::StepUp => Some(Challenge::StepUp),
            Ladder::Nothing => return Response::Block,
        };
        match asked {
            Some(kind) if assessment.clone().cleared().risk < self.block => Response::Challenge { kind },
            Some(_) => Response::Block,
            None if risk >= self.block => Response::Block,
            None => slow(risk),
        }
    }
}

#[cfg(test)]
mod tests;
