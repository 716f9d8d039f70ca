//! What can be rehearsed: one table of attacks.

use super::Unfit;

/// What an attack is after, and by what it is measured how much of that it got.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Prey {
    /// Records in answers.
    Records,
    /// Logins that were tried.
    Logins,
    /// Things that were begun and are held.
    Holds,
    /// Acts that were done.
    Acts,
    /// Answers with something in them.
    Answers,
}

impl Prey {
    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Records => "records",
            Self::Logins => "logins",
            Self::Holds => "holds",
            Self::Acts => "acts",
            Self::Answers => "answers",
        }
    }
}

macro_rules! scenarios {
    ($($(#[$doc:meta])* $variant:ident = $slug:literal, $prey:ident, $says:literal, $needs:literal;)*) => {
        /// An attack.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Scenario { $($(#[$doc])* $variant,)* }

        impl Scenario {
            /// Every one, in the order of the documents.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// Its name on the command line.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $slug,)* }
            }

            /// What it does, in a sentence.
            #[must_use]
            pub const fn says(self) -> &'static str {
                match self { $(Self::$variant => $says,)* }
            }

            /// What it needs of the API.
            #[must_use]
            pub const fn needs(self) -> &'static str {
                match self { $(Self::$variant => $needs,)* }
            }

            /// What it is after.
            #[must_use]
            pub const fn prey(self) -> Prey {
                match self { $(Self::$variant => Prey::$prey,)* }
            }

            /// Reads a name.
            #[must_use]
            pub fn parse(slug: &str) -> Option<Self> {
                match slug { $($slug => Some(Self::$variant),)* _ => None }
            }
        }
    };
}

scenarios! {
    /// Many accounts from one place.
    Stuffing = "stuffing", Logins,
        "one source tries many made-up accounts at a login", "an operation of the class `login` with `login:`";
    /// Many accounts from many places.
    DistributedStuffing = "distributed-stuffing", Logins,
        "many sources try a few made-up accounts each at a login", "an operation of the class `login` with `login:`, and several addresses to send from";
    /// One thing after the other.
    Scraping = "scraping", Records,
        "a caller goes through things one after the other, as quickly as it can", "an operation of the class `read` with a parameter, or one of the class `list`";
    /// The same, without haste and order.
    SlowScraping = "slow-scraping", Records,
        "a caller takes things in no order, more than it used to but never quickly", "an operation of the class `read` with a parameter, or one of the class `list`";
    /// A credential elsewhere.
    TokenTheft = "token-theft", Records,
        "a stolen credential is used from elsewhere, by other software, while its owner goes on", "operations that read";
    /// One credential in two places.
    TokenSharing = "token-sharing", Records,
        "one credential is used from two places at the same time", "operations that read, and two addresses to send from";
    /// Credential, source and software of the owner.
    ContainerTakeover = "container-takeover", Records,
        "a thief within the container holds key, source and fingerprint of its owner, and goes through things", "an operation of the class `read` with a parameter, or one of the class `list`";
    /// Whole collections.
    BulkExport = "bulk-export", Records,
        "a caller that exports once a night exports again and again", "an operation of the class `bulk` (`--writes`, or named by `--operation`)";
    /// Holds without a purchase.
    InventoryHolding = "inventory-holding", Holds,
        "a caller begins again and again what it never brings to its end", "an operation that begins something (named by `--operation`, or `--writes`)";
    /// What is there?
    Probing = "probing", Answers,
        "a caller tries paths that are not there, operations it may not use, and things that do not exist", "operations that read; five or more tell most";
    /// From one API to the others.
    LateralMovement = "lateral-movement", Answers,
        "a caller of one API goes on to others that it is granted and never called", "a second API with operations that read";
    /// From reading to changing.
    PrivilegeClimbing = "privilege-climbing", Acts,
        "a caller that only reads goes on to write, delete, pay and administrate", "operations that change something (`--writes`, or named by `--operation`)";
    /// More and more of what it was granted.
    ScopeCreep = "scope-creep", Answers,
        "an integration goes on to ever more operations that it was granted and never used", "several operations that read";
}

/// How hard an attack goes about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Strength {
    /// It does not hide.
    Loud,
    /// As most do.
    #[default]
    Normal,
    /// It hides.
    Low,
}

impl Strength {
    /// Every one.
    pub const ALL: &'static [Self] = &[Self::Loud, Self::Normal, Self::Low];

    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Loud => "loud",
            Self::Normal => "normal",
            Self::Low => "low",
        }
    }

    /// Reads the word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|one| one.as_str() == word)
    }

    /// One of three.
    pub(super) const fn of<T: Copy>(self, loud: T, normal: T, low: T) -> T {
        match self {
            Self::Loud => loud,
            Self::Normal => normal,
            Self::Low => low,
        }
    }
}

impl Scenario {
    /// What is said where the API has not what it needs.
    pub(super) fn lacks(self, api: &str, what: &str) -> Unfit {
        Unfit::new(format!("`{}` needs {}: `{api}` has {what}", self.as_str(), self.needs()))
    }
}
