//! A caller that has been here for two weeks: what its calls are held against, and what is learned of them.

use crate::world::Scene;
use std::{
    net::{IpAddr, Ipv4Addr},
    sync::Arc,
};
use wardgate_abuse::watch::Payload;
use wardgate_gate::{Effect, Gate, Habit, Meters, Snapshot, Software, Step, Taught, decide};
use wardgate_model::{facts::Facts, id::IdentityId, time::Time};
use wardgate_testkit::world::DAWN;

/// Calls of the operation that is measured, in each of its hours: as many as are measured are nothing unusual.
const BUSY: u32 = 1_000;
/// What it does beside, all day, each from an address of its own.
const BESIDE: [&str; 8] = [
    "GET /ledger/entries",
    "POST /ledger/entries",
    "PUT /ledger/entries/{id}",
    "DELETE /ledger/entries/{id}",
    "GET /ledger/reports",
    "GET /ledger/balances",
    "GET /ledger/balances/{account}",
    "POST /ledger/keys",
];

impl Scene {
    /// Teaches its caller what it did in the two weeks before.
    pub(crate) fn grow(&self, from: IpAddr) -> Result<(), String> {
        let habit = |operation: &str, from: IpAddr, per_hour: u32, hours: Vec<u8>| Habit {
            operation: format!("ledger {operation}").into(),
            per_hour,
            hours,
            from,
            software: Software::Agent("ledger-sync/3.0".into()),
            records: 1,
        };
        let elsewhere = |at: u8| IpAddr::from(Ipv4Addr::new(198, 18, at, 1));
        let beside = (0..).zip(BESIDE).map(|(at, operation)| habit(operation, elsewhere(at), 4, (0..24).collect()));
        let habits = beside.chain([habit("GET /ledger/entries/{id}", from, BUSY, vec![0, 1])]).collect();
        let before = &self.world.snapshot;
        let again = Snapshot::new(before.number(), before.population().clone(), Arc::clone(before.estate()));
        let gate = Gate::new(again, self.world.meters.clone());
        let taught = Taught { identity: IdentityId::literal("ledger-sync"), days: 14, habits };
        gate.teach(&taught, DAWN).map(|_| ()).map_err(|error| error.to_string())
    }

    /// Whether its caller is still known, so that nothing is said of its request and something of the same from elsewhere.
    pub(crate) fn is_grown(&self, facts: &Facts, now: Time) -> Result<(), String> {
        let risk = |facts: &Facts| self.world.meters.watch().assess(facts, &Payload::default(), now).risk;
        let mut strange = facts.clone();
        strange.source.address = IpAddr::from(Ipv4Addr::new(192, 0, 2, 9));
        match (risk(facts), risk(&strange)) {
            (0, 1..) => Ok(()),
            (usual, strange) => Err(format!("risk is {usual} where it was to be 0, and {strange} from a strange address")),
        }
    }

    /// The same facts, about another thing: those that an honest caller asks for come in no order.
    pub(crate) fn another(&self, number: u32) -> Result<Facts, String> {
        let mut facts = self.established()?;
        let thing = number.wrapping_mul(0x9E37_79B9) >> 8;
        facts.request.path = format!("/ledger/entries/{thing}").into();
        facts.resource = Some(thing.to_string().into());
        Ok(facts)
    }
}

/// Rooms 7 to 12, and what is learned once the answer is there.
pub(crate) fn learning(facts: &Facts, snapshot: &Snapshot, meters: &Meters, now: Time) {
    if let Step::Done(verdict) = decide(facts, snapshot, meters, now) {
        let effect = Effect { status: Some(200), records: Some(1), bytes: 400, subject: None };
        match verdict.sight {
            Some(sight) => meters.watch().learn_seen(&sight.at(now), facts, &verdict.ruling, &effect),
            None => meters.watch().learn(facts, &verdict.ruling, &effect, now),
        }
    }
}
