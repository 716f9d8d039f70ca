//! How large an estate is.

/// How many days, how many identities, how many calls of each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Scale {
    /// Days.
    pub days: u32,
    /// Of the two hundred identities so many thousandths, but one of each group and proof at the least.
    pub identities_per_mille: u64,
    /// Of their calls so many thousandths.
    pub calls_per_mille: u64,
    /// Campaigns of each family and strength.
    pub attacks: u32,
}

impl Scale {
    /// Four weeks of two hundred identities: millions of calls.
    pub const FULL: Self = Self { days: 28, identities_per_mille: 1_000, calls_per_mille: 1_000, attacks: 1 };

    /// The same four weeks and identities, a fifth of the calls.
    pub const MONTH: Self = Self { calls_per_mille: 200, ..Self::FULL };

    /// One week of a hundred identities.
    pub const WEEK: Self = Self { days: 7, identities_per_mille: 500, calls_per_mille: 300, attacks: 1 };

    /// Four days of some forty identities, for tests.
    pub const SMALL: Self = Self { days: 4, identities_per_mille: 200, calls_per_mille: 100, attacks: 1 };

    /// The scales that have a name.
    pub const NAMED: &'static [(&'static str, Self)] =
        &[("full", Self::FULL), ("month", Self::MONTH), ("week", Self::WEEK), ("small", Self::SMALL)];

    /// The scale of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::NAMED.iter().find(|(named, _)| *named == name).map(|(_, scale)| *scale)
    }
}
