//! Who calls and who answers for it: identities, owners, environments.

use crate::{
    credential::CredentialKind,
    id::{ApiName, EnvironmentName, IdentityId, OwnerName, TeamName, TrustName, ZoneName},
    risk::Containment,
    time::Time,
};
use ipnet::IpNet;
use std::{collections::BTreeMap, sync::Arc};

/// Declares an enum whose variants have one word each in files, policies and events.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $word:literal,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
        pub enum $name {
            $($(#[$vdoc])* #[serde(rename = $word)] $variant,)*
        }

        impl $name {
            /// Every value, in order.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The word for it in files, policies and events.
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

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}
pub(crate) use words;

words! {
    /// What kind of machine an identity is.
    IdentityKind {
        /// An account that a service uses.
        ServiceAccount = "service_account",
        /// A running workload with a platform identity.
        Workload = "workload",
        /// A job of a pipeline.
        CiJob = "ci_job",
        /// A scheduled batch job.
        BatchJob = "batch_job",
        /// A partner's integration.
        Partner = "partner",
        /// A bot.
        Bot = "bot",
        /// An agent driven by a model.
        AiAgent = "ai_agent",
        /// Software that cannot change.
        Legacy = "legacy",
    }
}

words! {
    /// Where an identity is in its life.
    IdentityState {
        /// Seen in traffic, not yet claimed.
        Discovered = "discovered",
        /// Asked for, not yet approved.
        Requested = "requested",
        /// Approved, not yet in use.
        Approved = "approved",
        /// In use.
        Active = "active",
        /// Stopped for a while.
        Suspended = "suspended",
        /// Contained.
        Quarantined = "quarantined",
        /// Ended for good.
        Retired = "retired",
    }
}

words! {
    /// How much depends on an identity.
    Criticality {
        /// Can wait.
        Low = "low",
        /// Matters.
        Medium = "medium",
        /// Must not stop.
        High = "high",
        /// The business stops with it.
        Critical = "critical",
    }
}

words! {
    /// What an identity may do in Wardgate itself.
    Role {
        /// Reads everything but secrets.
        Viewer = "viewer",
        /// Issues and revokes credentials, contains.
        Operator = "operator",
        /// Acts for what its owner owns.
        Owner = "owner",
        /// Guardrails, policies, releases.
        Security = "security",
        /// Everything.
        Admin = "admin",
    }
}

/// Someone accountable: a named person and a deputy, behind a name that stays.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owner {
    /// Its name.
    pub name: OwnerName,
    /// The accountable person.
    pub accountable: Box<str>,
    /// Who stands in.
    pub deputy: Option<Box<str>>,
    /// Where to reach them.
    pub contact: Option<Box<str>>,
    /// Teams of this owner.
    pub teams: Box<[TeamName]>,
}

/// Production, staging and so on. Production and the rest never mix (`guardrail:environments`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Environment {
    /// Its name; also the second part of an API key, so at most 32 of `a-z 0-9 -`.
    pub name: EnvironmentName,
    /// Whether it is production.
    pub production: bool,
    /// Whether it stands beside every environment (shared services).
    pub shared: bool,
}

/// A place that calls come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Zone {
    /// Its name.
    pub name: ZoneName,
    /// Its networks.
    pub networks: Box<[IpNet]>,
    /// Trust sources: who is in no zone's networks, and is vouched for by one of these, calls from here.
    pub vouched: Box<[TrustName]>,
    /// The environment that lives there.
    pub environment: Option<Arc<Environment>>,
}

/// A governed non-human identity. The spec and the part of the status that a request needs.
#[derive(Debug, Clone, PartialEq)]
pub struct Identity {
    /// Its name.
    pub id: IdentityId,
    /// What kind of machine it is.
    pub kind: IdentityKind,
    /// Who answers for it.
    pub owner: OwnerName,
    /// The team within the owner.
    pub team: Option<TeamName>,
    /// Where it lives.
    pub environment: Arc<Environment>,
    /// Why it exists, in prose.
    pub purpose: Box<str>,
    /// The business function it serves.
    pub business_function: Option<Box<str>>,
    /// How much depends on it.
    pub criticality: Criticality,
    /// What it may do in Wardgate itself.
    pub roles: Box<[Role]>,
    /// Free labels, for policies and selection.
    pub tags: BTreeMap<Box<str>, Box<str>>,
    /// The APIs that it is the workload behind: where its owner answers for them it may act with the tokens that they are called with.
    pub serves: Box<[ApiName]>,
    /// Its containment plan; `None`: the plan of each API that it calls.
    pub risk: Option<Arc<Containment>>,
    /// Kinds of the keys that it has on record (`public_key`, `x509`): by these it can show more than by anything that can be copied.
    pub registered: Box<[CredentialKind]>,
    /// When it ends by itself.
    pub ends: Option<Time>,
    /// Status: where it is in its life.
    pub state: IdentityState,
    /// Status: nobody claimed it in time.
    pub claim_overdue: bool,
    /// Status: its grade, 0 to 100; 100 until computed.
    pub quality: u8,
    /// Counts changes of spec or status; whatever is remembered about an identity names the revision it rests on.
    pub revision: u64,
}

impl Identity {
    /// The name that stands for "no credential at all".
    pub const ANONYMOUS: &'static str = "anonymous";

    /// The name that stands for every person's session on an API that serves people too.
    pub const PEOPLE: &'static str = "people";

    /// Whether a name is that of a built-in identity, which has no credential and no record.
    #[must_use]
    pub fn is_built_in(name: &str) -> bool {
        matches!(name, Self::ANONYMOUS | Self::PEOPLE)
    }

    /// Whether this is what stands for people's sessions.
    #[must_use]
    pub fn is_people(&self) -> bool {
        self.id.as_str() == Self::PEOPLE
    }

    /// What stands for people's sessions: active, shared, owned by `wardgate`.
    #[must_use]
    pub fn people() -> Self {
        Self { id: IdentityId::literal(Self::PEOPLE), purpose: "people's sessions, which the upstream knows".into(), ..Self::anonymous() }
    }

    /// Whether this is the anonymous caller.
    #[must_use]
    pub fn is_anonymous(&self) -> bool {
        self.id.as_str() == Self::ANONYMOUS
    }

    /// The anonymous caller: active, shared, owned by `wardgate` (CONTRACT "Policies").
    #[must_use]
    pub fn anonymous() -> Self {
        Self {
            id: IdentityId::literal(Self::ANONYMOUS),
            kind: IdentityKind::Bot,
            owner: OwnerName::literal("wardgate"),
            team: None,
            environment: Arc::new(Environment { name: EnvironmentName::literal("shared"), production: false, shared: true }),
            purpose: "callers that show no credential".into(),
            business_function: None,
            criticality: Criticality::Low,
            roles: Box::default(),
            tags: BTreeMap::new(),
            ends: None,
            state: IdentityState::Active,
            claim_overdue: false,
            quality: 100,
            serves: Box::default(),
            risk: None,
            registered: Box::default(),
            revision: 0,
        }
    }
}
