//! Room 10. Takes an [`Inspected`], gives an [`Assessed`]: signals → 0 to 100, with each contribution.
//!
//! Why here: policies read the risk, so it comes just before them. It refuses nothing itself. There are no signals yet:
//! the risk is 0, as CONTRACT says, until they are computed.

use crate::inspect::Inspected;

/// A request whose risk is known.
#[derive(Debug)]
pub struct Assessed<'f> {
    /// What was inspected.
    pub inspected: Inspected<'f>,
    /// 0 to 100.
    pub risk: u8,
}

/// Adds the signals up.
#[must_use]
pub fn assess(inspected: Inspected<'_>) -> Assessed<'_> {
    Assessed { inspected, risk: 0 }
}
