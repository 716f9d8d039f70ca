//! What is begun and brought to its end: the operations of an API that belong together.

use crate::id::{ApiName, FlowName};
use std::{sync::Arc, time::Duration};

/// How long something may take at the least, and at the most: what is begun is followed for about twice as long.
pub const WITHIN: std::ops::RangeInclusive<Duration> = Duration::from_mins(1)..=Duration::from_hours(7 * 24);
/// In how many flows one operation stands at the most.
pub const FLOWS_OF_OPERATION_MAX: usize = 4;

/// Operations that begin something, and those that end it: a hold and its purchase, an order and its payment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flow {
    /// Its name.
    pub name: FlowName,
    /// Whose operations they are.
    pub api: ApiName,
    /// How long it takes at the most from the beginning to the end; within [`WITHIN`].
    pub within: Duration,
    /// So much of what is begun has to be left unfinished before anything is told of it, in per cent: 1 to 100.
    pub share: u8,
    /// So much has to be begun before anything is told of it.
    pub at_least: u32,
}

impl Flow {
    /// Which share is told of, unless said, in per cent.
    pub const SHARE: u8 = 50;
    /// How much has to be begun, unless said.
    pub const AT_LEAST: u32 = 20;
}

/// What an operation does in a flow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// It begins something.
    Begins,
    /// It brings something to its end.
    Finishes,
}

/// An operation's place in a flow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// The flow.
    pub flow: Arc<Flow>,
    /// What the operation does in it.
    pub part: Part,
}
