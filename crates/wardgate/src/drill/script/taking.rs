//! Attacks that take much: things one after the other, things without haste, whole collections, holds.

use super::{Calls, Lane, Making, Script, Side, with_bystander};
use crate::{
    clock,
    drill::{Unfit, caller::Call, canary::Plan, scenario::Scenario, target::Operation},
};
use std::time::Duration;
use wardgate_console::Habits;
use wardgate_model::api::OperationClass;

impl Making<'_> {
    /// What is gone through: things by their numbers, else the pages of a list.
    fn gone_through(&self, scenario: Scenario) -> Result<&Operation, Unfit> {
        let reading = self.target.reading();
        let things = reading.iter().find(|one| one.names_a_thing());
        let pages = reading.iter().find(|one| one.class == OperationClass::List);
        things.or(pages).copied().ok_or_else(|| scenario.lacks(&self.target.name, "neither"))
    }

    /// The calls for so many of them, in their order.
    fn through(&mut self, operation: &Operation, count: u64) -> Vec<Call> {
        let first = 100_000 + self.chance.below(800_000);
        let call = |number: u64| match operation.names_a_thing() {
            true => Call::new(&operation.method, operation.path(&(first + number).to_string())),
            false => Call::new(&operation.method, format!("{}?page={}", operation.path(""), number + 1)),
        };
        (0..count).map(call).collect()
    }

    /// What a caller uses that goes through something: that, and what else is usual.
    fn usual_with<'o>(&'o self, operation: &'o Operation, scenario: Scenario) -> Result<Vec<&'o Operation>, Unfit> {
        let mut usual = self.usual(scenario)?;
        if !usual.contains(&operation) {
            usual.push(operation);
        }
        Ok(usual)
    }
}

/// A caller goes through things one after the other.
pub(super) fn in_order(making: &mut Making<'_>) -> Result<Script, Unfit> {
    let operation = making.gone_through(Scenario::Scraping)?.clone();
    let usual: Vec<Operation> = making.usual_with(&operation, Scenario::Scraping)?.into_iter().cloned().collect();
    let usual: Vec<&Operation> = usual.iter().collect();
    let script = Script { canaries: vec![making.reader("scraper", &usual)], ..Script::default() };
    let mut script = with_bystander(making, &usual, script);
    let calls = making.through(&operation, making.strength.of(600, 200, 60));
    script.lanes.push(making.attack(0, calls));
    Ok(script)
}

/// It takes them in no order, spread over the whole time.
pub(super) fn slowly(making: &mut Making<'_>) -> Result<Script, Unfit> {
    let operation = making.gone_through(Scenario::SlowScraping)?.clone();
    let usual: Vec<Operation> = making.usual_with(&operation, Scenario::SlowScraping)?.into_iter().cloned().collect();
    let usual: Vec<&Operation> = usual.iter().collect();
    // It did little before: what is taken now is more than that, and no more than others take.
    let past = Habits { days: 14, habits: usual.iter().map(|one| making.habit(one, 10, None)).collect() };
    let scraper = Plan { past: Some(past), ..making.reader("scraper", &usual) };
    let mut script = with_bystander(making, &usual, Script { canaries: vec![scraper], ..Script::default() });
    let count = making.strength.of(400_u32, 120, 60);
    let mut calls = making.through(&operation, u64::from(count) * 40);
    making.chance.shuffle(&mut calls);
    calls.truncate(usize::try_from(count).unwrap_or(usize::MAX));
    let every = making.lasting * 4 / 5 / count;
    let lane = making.attack(0, calls);
    script.lanes.push(Lane { every, ..lane });
    script.notes.push(
        "what is taken slowly is told by days that are above those before (`drip`), which no rehearsal of minutes has: see docs/drills.md"
            .to_owned(),
    );
    Ok(script)
}

/// A thief within the container: everything that the owner shows, the thief shows too.
pub(super) fn within_the_container(making: &mut Making<'_>) -> Result<Script, Unfit> {
    let operation = making.gone_through(Scenario::ContainerTakeover)?.clone();
    let usual: Vec<Operation> = making.usual_with(&operation, Scenario::ContainerTakeover)?.into_iter().cloned().collect();
    let usual: Vec<&Operation> = usual.iter().collect();
    let owner = Plan { holds: making.holds_most(), ..making.reader("owner", &usual) };
    let mut script = with_bystander(making, &usual, Script { canaries: vec![owner], ..Script::default() });
    let lane = making.honest(Side::Owner, 0, &usual);
    script.lanes.push(lane);
    let calls = making.through(&operation, making.strength.of(600, 200, 60));
    script.lanes.push(making.attack(0, calls));
    Ok(script)
}

/// A caller that exports once a night exports again and again; another exports when it always does.
pub(super) fn whole(making: &mut Making<'_>) -> Result<Script, Unfit> {
    let scenario = Scenario::BulkExport;
    let bulk = making.target.changing(|one| one.class == OperationClass::Bulk).first().copied().cloned();
    let bulk = bulk.ok_or_else(|| scenario.lacks(&making.target.name, "none that may be used"))?;
    let usual: Vec<Operation> = making.usual(scenario)?.into_iter().cloned().collect();
    let usual: Vec<&Operation> = usual.iter().collect();
    let now = u8::try_from(clock::now().as_seconds().div_euclid(3_600).rem_euclid(24)).unwrap_or_default();
    let with_export = |making: &Making<'_>, role, hour| {
        let mut plan = Plan { holds: making.holds_most(), ..making.reader(role, &usual) };
        if let Some(past) = &mut plan.past {
            past.habits.push(making.habit(&bulk, 1, Some(vec![hour])));
        }
        if let Some((_, operations)) = plan.grants.first_mut() {
            operations.push(bulk.selector.clone());
        }
        plan
    };
    let exporter = with_export(making, "exporter", (now + 12) % 24);
    let nightly = with_export(making, "nightly", now);
    let mut script = Script { canaries: vec![exporter, nightly], ..Script::default() };
    let lane = making.honest(Side::Bystander, 1, &usual);
    script.lanes.push(lane.clone());
    let export = Call::new(&bulk.method, bulk.path("all"));
    if making.tokens {
        // Once, as ever.
        script.lanes.push(Lane { calls: Calls::Once(vec![export.clone()]), ..lane });
    } else {
        script
            .notes
            .push("an API key may not export at all (`guardrail:power`), and the API takes no tokens: nobody honest exported".to_owned());
    }
    let lane = making.attack(0, vec![export; making.strength.of(30, 12, 8)]);
    script.lanes.push(Lane { every: Duration::from_millis(50), ..lane });
    Ok(script)
}

/// A caller begins what it never brings to its end.
pub(super) fn holds(making: &mut Making<'_>) -> Result<Script, Unfit> {
    let scenario = Scenario::InventoryHolding;
    let begins = |one: &Operation| one.method == http::Method::POST && matches!(one.class, OperationClass::Write | OperationClass::Money);
    let begin = making.target.changing(begins).first().copied().cloned();
    let begin = begin.ok_or_else(|| scenario.lacks(&making.target.name, "none that may be used"))?;
    let usual: Vec<Operation> = making.usual(scenario)?.into_iter().cloned().collect();
    let usual: Vec<&Operation> = usual.iter().collect();
    // What it began it has brought to its end before.
    let finishing = making.target.finishing(&begin);
    let mut holder = making.reader("holder", &usual);
    if let Some(past) = &mut holder.past {
        past.habits.push(making.habit(&begin, 4, None));
        past.habits.extend(finishing.first().map(|finish| making.habit(finish, 4, None)));
    }
    if let Some((_, operations)) = holder.grants.first_mut() {
        operations.push(begin.selector.clone());
        operations.extend(finishing.iter().map(|finish| finish.selector.clone()));
    }
    let untold = finishing.is_empty();
    let mut script = with_bystander(making, &usual, Script { canaries: vec![holder], ..Script::default() });
    let count = making.strength.of(120, 60, 30);
    let calls =
        (0..count).map(|number| making.with_body(&begin, number, || format!("{{\"item\":\"drill-{number}\",\"quantity\":1}}"))).collect();
    script.lanes.push(making.attack(0, calls));
    if untold {
        script
            .notes
            .push(format!("no Flow says what brings to its end what `{}` begins: nothing can tell that it was not", begin.selector));
    }
    script.notes.push(format!("what `{}` has begun upstream is not undone by this rehearsal", begin.selector));
    Ok(script)
}
