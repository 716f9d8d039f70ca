//! Attacks that reach for more than their caller does: what is there, other APIs, other classes, ever more operations.

use super::{Making, Script, with_bystander};
use crate::drill::{
    Unfit,
    caller::Call,
    canary::Plan,
    scenario::Scenario,
    target::{Operation, Target},
};
use http::Method;
use wardgate_model::api::OperationClass;

/// Paths that are tried because they are often there.
const TRIED: [&str; 16] = [
    "/admin",
    "/.env",
    "/debug",
    "/internal",
    "/backup",
    "/config",
    "/v2",
    "/users/1",
    "/metrics",
    "/status",
    "/console",
    "/graphql",
    "/.git/config",
    "/actuator",
    "/api-docs",
    "/export.csv",
];
/// Names of things that do not exist.
const ODD: [&str; 6] = ["0", "999999999", "null", "x", "test", "latest"];
/// Classes, in the order in which a thief climbs.
const CLIMB: [OperationClass; 5] =
    [OperationClass::Write, OperationClass::Delete, OperationClass::Money, OperationClass::Admin, OperationClass::Bulk];

fn owned(operations: &[&Operation]) -> Vec<Operation> {
    operations.iter().map(|one| (*one).clone()).collect()
}

/// Granted everything that reads, with a past of only the usual.
fn broad(making: &Making<'_>, role: &'static str, usual: &[&Operation]) -> Plan {
    let granted = making.target.reading().iter().map(|one| one.selector.clone()).collect();
    Plan { grants: vec![(making.target.name.clone(), granted)], ..making.reader(role, usual) }
}

/// Paths that are not there, operations that it may not use, things that do not exist.
pub(super) fn probing(making: &mut Making<'_>) -> Result<Script, Unfit> {
    let usual = owned(&making.usual(Scenario::Probing)?);
    let usual: Vec<&Operation> = usual.iter().collect();
    let reading = owned(&making.target.reading());
    let prober = broad(making, "prober", &usual);
    let mut script = with_bystander(making, &usual, Script { canaries: vec![prober], ..Script::default() });
    let prefix = &making.target.prefix;
    let mut calls: Vec<Call> = TRIED.iter().map(|path| Call::new(&Method::GET, format!("{prefix}{path}"))).collect();
    for odd in ODD {
        calls.extend(reading.iter().filter(|one| one.names_a_thing()).map(|one| Call::new(&one.method, one.path(odd))));
    }
    // Where nothing is named by a parameter, lists are asked for what they do not have.
    calls.extend(
        reading.iter().filter(|one| !one.names_a_thing()).map(|one| Call::new(&one.method, format!("{}?page=999999", one.path("")))),
    );
    making.chance.shuffle(&mut calls);
    let count = making.strength.of(300, 120, 60);
    let calls = calls.iter().cycle().take(count).cloned().collect();
    script.lanes.push(making.attack(0, calls));
    Ok(script)
}

/// Other APIs that it is granted and never called.
pub(super) fn sideways(making: &mut Making<'_>) -> Result<Script, Unfit> {
    let scenario = Scenario::LateralMovement;
    let usual = owned(&making.usual(scenario)?);
    let usual: Vec<&Operation> = usual.iter().collect();
    let others: Vec<&Target> = making.others.iter().filter(|other| !other.reading().is_empty()).collect();
    if others.is_empty() {
        return Err(scenario.lacks(&making.target.name, "no other beside it that a canary of its environment may call (`--also`)"));
    }
    let mut mover = making.reader("mover", &usual);
    for other in &others {
        mover.grants.push((other.name.clone(), other.reading().iter().map(|one| one.selector.clone()).collect()));
    }
    let reached: Vec<Operation> = others.iter().flat_map(|other| owned(&other.reading())).collect();
    let mut script = with_bystander(making, &usual, Script { canaries: vec![mover], ..Script::default() });
    let count = making.strength.of(120, 60, 30);
    let calls = making.by_chance(&reached.iter().collect::<Vec<_>>(), count);
    script.lanes.push(making.attack(0, calls));
    Ok(script)
}

/// From reading to changing. Its grant is as broad as too many are.
pub(super) fn upwards(making: &mut Making<'_>) -> Result<Script, Unfit> {
    let scenario = Scenario::PrivilegeClimbing;
    let usual = owned(&making.usual(scenario)?);
    let usual: Vec<&Operation> = usual.iter().collect();
    let mut changing = owned(&making.target.changing(|_| true));
    changing.sort_by_key(|one| CLIMB.iter().position(|class| *class == one.class));
    if changing.is_empty() {
        return Err(scenario.lacks(&making.target.name, "none that may be used"));
    }
    let mut climber = Plan { holds: making.holds_most(), ..making.reader("climber", &usual) };
    if let Some((_, operations)) = climber.grants.first_mut() {
        operations.extend(changing.iter().map(|one| one.selector.clone()));
    }
    let mut script = with_bystander(making, &usual, Script { canaries: vec![climber], ..Script::default() });
    let count = making.strength.of(60, 30, 15);
    let calls = changing.iter().cycle().take(count).enumerate();
    let calls = calls.map(|(number, one)| making.with_body(one, number, || "{}".to_owned())).collect();
    script.lanes.push(making.attack(0, calls));
    script.notes.push("what came through has changed something upstream, and is not undone by this rehearsal".to_owned());
    Ok(script)
}

/// Ever more of what it was granted and never used.
pub(super) fn ever_more(making: &mut Making<'_>) -> Result<Script, Unfit> {
    let scenario = Scenario::ScopeCreep;
    let reading = owned(&making.target.reading());
    let (used, unused) = reading.split_at(reading.len().min(1));
    if unused.len() < 2 {
        return Err(scenario.lacks(&making.target.name, "too few"));
    }
    let used: Vec<&Operation> = used.iter().collect();
    let creeper = broad(making, "creeper", &used);
    let mut script = with_bystander(making, &used, Script { canaries: vec![creeper], ..Script::default() });
    let count = making.strength.of(150, 80, 40);
    let calls = making.by_chance(&unused.iter().collect::<Vec<_>>(), count);
    script.lanes.push(making.attack(0, calls));
    Ok(script)
}
