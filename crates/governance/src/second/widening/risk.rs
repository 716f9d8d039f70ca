//! Who is let through with more risk than before: what an API or a containment plan answers later, milder, or not at all.

use super::{Found, text, words};
use serde_json::Value;
use wardgate_model::{
    api::Sensitivity,
    risk::{Plan, QUARANTINE, Steps},
};

/// An API against what it said before, a new one against what goes by its sensitivity.
pub(super) fn api(name: &str, old: Option<&Value>, new: &Value, found: &mut Found) {
    let (was, is) = (old.map_or_else(|| usual(new), plan), plan(new));
    let later = |from: fn(&Plan) -> u8| from(&is) > from(&was);
    // Never is later than any risk.
    let spares = is.quarantine.map_or(101, u16::from) > was.quarantine.map_or(101, u16::from);
    if later(|plan| plan.slow) || later(|plan| plan.challenge) || later(|plan| plan.block) || spares || (is.observe && !was.observe) {
        found.second(format!("the API `{name}` lets requests of more risk through"));
    }
}

/// A containment plan against the one before. It comes before what APIs say: what it begins to say has to be as strict as any of them is
/// unless it says something, and what it says no longer may have been stricter.
pub(super) fn identity(name: &str, old: Option<&Value>, new: Option<&Value>, found: &mut Found) {
    let said = |spec: Option<&Value>| steps(spec.and_then(|spec| spec.get("risk")));
    let (was, is) = (said(old), said(new));
    let strict = Plan::of(Sensitivity::Critical);
    let later = |before: Option<u8>, now: Option<u8>, strict: u8| match (before, now) {
        (None, None) => false,
        (None, Some(now)) => now > strict,
        (Some(_), None) => true,
        (Some(before), Some(now)) => now > before,
    };
    let spares = match (was.quarantine.flatten(), is.quarantine) {
        (_, None) => was.quarantine.flatten().is_some(),
        // Who is never quarantined is not either where an API says so.
        (_, Some(None)) => was.quarantine != Some(None),
        (Some(before), Some(Some(now))) => now > before,
        (None, Some(Some(_))) => false,
    };
    let milder = later(was.slow, is.slow, strict.slow)
        || later(was.challenge, is.challenge, strict.challenge)
        || later(was.block, is.block, strict.block)
        || spares
        || (is.observe != was.observe && is.observe != Some(false));
    if milder {
        found.second(format!("`{name}` is let through with more risk"));
    }
    let kept = |spec: Option<&'_ Value>| -> Vec<String> {
        words(spec.and_then(|spec| spec.get("risk")), "keep").into_iter().map(str::to_owned).collect()
    };
    let had = kept(old);
    for more in kept(new).into_iter().filter(|more| !had.contains(more)) {
        found.second(format!("`{more}` stays open to `{name}` whatever its risk"));
    }
}

fn usual(spec: &Value) -> Plan {
    Plan::of(text(Some(spec), "sensitivity").and_then(Sensitivity::parse).unwrap_or(Sensitivity::High))
}

fn plan(spec: &Value) -> Plan {
    usual(spec).with(&steps(spec.get("risk")))
}

/// The steps as they are written; what cannot be read is refused elsewhere.
fn steps(risk: Option<&Value>) -> Steps {
    let number = |value: &Value| value.as_u64().and_then(|number| u8::try_from(number).ok());
    let from = |key: &str| risk?.get(key).and_then(number);
    let quarantine = risk.and_then(|risk| risk.get("quarantine")).map(|value| match value {
        Value::Bool(whether) => whether.then_some(QUARANTINE),
        other => number(other),
    });
    Steps {
        slow: from("slow"),
        challenge: from("challenge"),
        block: from("block"),
        quarantine,
        observe: text(risk, "mode").map(|mode| mode == "observe"),
    }
}

#[cfg(test)]
mod tests;
