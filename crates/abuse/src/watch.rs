//! What is usual for a caller, and how far a request is from it.

use wardgate_model::{facts::Facts, risk::Assessment, ruling::Ruling, time::Time};

/// What query and body of a request told.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Payload {
    /// How much of it reads as an attack on what is behind, 0 to 100.
    pub hostile: u8,
    /// In how many places it is not as the API's document has it.
    pub deviations: u8,
    /// The account that a login is for, hashed.
    pub subject: Option<u64>,
}

/// What came of a request.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Effect {
    /// The status that the upstream answered; `None`: it was not reached, or gave none.
    pub status: Option<u16>,
    /// Records in its answer, where they were counted.
    pub records: Option<u64>,
    /// Bytes of the answer.
    pub bytes: u64,
    /// The account that a login was for, hashed.
    pub subject: Option<u64>,
}

/// What is usual for every caller.
#[derive(Debug, Default)]
pub struct Watch {}

impl Watch {
    /// How far a request is from what is usual. It counts as an attempt.
    #[must_use]
    pub fn assess(&self, _facts: &Facts, _payload: &Payload, _now: Time) -> Assessment {
        Assessment::default()
    }

    /// What came of a request: baselines learn of those that were allowed and not risky, and of no others.
    pub fn learn(&self, _facts: &Facts, _ruling: &Ruling, _effect: &Effect, _now: Time) {}
}
