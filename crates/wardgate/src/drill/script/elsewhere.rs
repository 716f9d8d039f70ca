//! Attacks by what was stolen: a credential in another place, and one in two places at a time. Its owner goes on meanwhile.

use super::{Lane, Making, Script, Shows, Side, with_bystander};
use crate::drill::{
    Unfit,
    canary::{Holds, Plan},
    gateway::Software,
    scenario::Scenario,
    target::Operation,
};

/// Calls of a thief.
const fn taken(making: &Making<'_>) -> usize {
    making.strength.of(200, 80, 30)
}

/// A stolen key, and where tokens are bound to keys a stolen token: each from elsewhere and by other software. The owner of the second has moved
/// there itself, and has its key.
pub(super) fn theft(making: &mut Making<'_>) -> Result<Script, Unfit> {
    let usual: Vec<Operation> = making.usual(Scenario::TokenTheft)?.into_iter().cloned().collect();
    let usual: Vec<&Operation> = usual.iter().collect();
    let mut script = Script::default();
    if making.keys {
        let canary = script.canaries.len();
        script.canaries.push(making.reader("owner", &usual));
        let lane = making.honest(Side::Owner, canary, &usual);
        script.lanes.push(lane);
        let calls = making.by_chance(&usual, taken(making));
        let lane = making.attack(canary, calls);
        script.lanes.push(Lane { from: making.away(), software: Software::Other, ..lane });
    }
    if making.tokens {
        let canary = script.canaries.len();
        script.canaries.push(Plan { holds: Holds::Private, ..making.reader("moved", &usual) });
        let lane = making.honest(Side::Owner, canary, &usual);
        script.lanes.push(Lane { from: making.places.at(2), software: Software::Other, ..lane });
        let calls = making.by_chance(&usual, taken(making));
        let lane = making.attack(canary, calls);
        script.lanes.push(Lane { shows: Shows::Stolen(canary), from: making.away(), software: Software::Other, ..lane });
    } else {
        script.notes.push("nobody was challenged: the API takes no tokens that are bound to a key".to_owned());
    }
    Ok(with_bystander(making, &usual, script))
}

/// One credential from two places in turn.
pub(super) fn sharing(making: &mut Making<'_>) -> Result<Script, Unfit> {
    if making.places.count() < 2 {
        return Err(Scenario::TokenSharing.lacks(&making.target.name, "what it needs, but there is one address to send from (`--from`)"));
    }
    let usual: Vec<Operation> = making.usual(Scenario::TokenSharing)?.into_iter().cloned().collect();
    let usual: Vec<&Operation> = usual.iter().collect();
    let mut script = Script { canaries: vec![making.reader("owner", &usual)], ..Script::default() };
    let lane = making.honest(Side::Owner, 0, &usual);
    let every = lane.every;
    script.lanes.push(lane);
    let calls = making.by_chance(&usual, taken(making));
    let lane = making.attack(0, calls);
    // Neither more quickly nor otherwise than the owner.
    script.lanes.push(Lane { from: making.away(), every, ..lane });
    Ok(with_bystander(making, &usual, script))
}
