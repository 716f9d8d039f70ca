//! What an attacker has in hand when it decides on its next call.

use crate::estate::{
    call::Call,
    catalogue::{Operation, operations},
    chance::Chance,
    population::Member,
    upstream::Brings,
    world::Intent,
};
use wardgate_model::api::OperationClass;

/// What an attacker knows, and how far it is.
#[derive(Debug)]
pub(in crate::estate) struct Hand<'h> {
    pub(in crate::estate) victim: &'h Member,
    pub(in crate::estate) chance: &'h mut Chance,
    /// Calls that it has made.
    pub(in crate::estate) made: u64,
    /// How much of its time is over, in thousandths.
    pub(in crate::estate) over: u64,
    /// The last call of its victim that it has overheard.
    pub(in crate::estate) heard: Option<&'h Call>,
}

impl Hand<'_> {
    /// An operation on things that somebody would ask for.
    pub(in crate::estate) fn on(&mut self, operation: &'static Operation) -> Intent {
        Intent::of(operation, self.chance)
    }

    /// One of the victim's own operations that a choice allows.
    pub(in crate::estate) fn own(&mut self, choice: fn(&Operation) -> bool) -> Option<&'static Operation> {
        let own: Vec<_> = self.victim.operations().iter().copied().filter(|operation| choice(operation)).collect();
        self.chance.pick(&own).copied()
    }

    /// One of all operations that a choice allows.
    pub(in crate::estate) fn any(&mut self, choice: impl Fn(&Operation) -> bool) -> Option<&'static Operation> {
        let fit: Vec<_> = operations().filter(|operation| choice(operation)).collect();
        self.chance.pick(&fit).copied()
    }

    /// The next page of a list, or the next thing by its number: one after the other.
    pub(in crate::estate) fn in_order(&mut self, operation: &'static Operation) -> Intent {
        let made = self.made;
        let intent = self.on(operation);
        if operation.names_one() {
            return Intent { resource: Some(1 + made % operation.things), ..intent };
        }
        Intent { page: Some(1 + u32::try_from(made).unwrap_or(u32::MAX)), ..intent }
    }

    /// A thing by a number that is made up.
    pub(in crate::estate) fn guess(&mut self, operation: &'static Operation) -> Intent {
        let things = operation.things;
        let intent = self.on(operation);
        Intent { resource: intent.resource.map(|_| 1 + self.chance.below(things.saturating_mul(20))), brings: Brings::Guess, ..intent }
    }
}

/// Whether it gives something away.
pub(in crate::estate) fn reads(operation: &Operation) -> bool {
    matches!(operation.class, OperationClass::Read | OperationClass::List)
}
