//! What follows from which risk, once all that is said is put together: of an API, and of an identity on each API that it may call.

use super::Parts;
use crate::{
    client::{Client, ClientFault},
    commands::{
        listing::{cells, text},
        resource::path,
    },
    output::Page,
};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use wardgate_model::{
    api::{Api, OperationClass, Sensitivity},
    resource::Kind,
    risk::{Plan, QUARANTINE, Steps},
};

/// Under which name `--output json` has it.
const MEMBER: &str = "risk_plans";
/// APIs of an identity whose plans are shown.
const APIS_MAX: usize = 20;

/// The plan of an API, by its sensitivity and its own word.
fn of_api(spec: &Value) -> Plan {
    let sensitivity = spec.get("sensitivity").and_then(Value::as_str).and_then(Sensitivity::parse).unwrap_or(Sensitivity::High);
    Plan::of(sensitivity).with(&steps(spec))
}

/// What a spec says of steps.
fn steps(spec: &Value) -> Steps {
    let said = spec.get("risk").unwrap_or(&Value::Null);
    let from = |value: &Value| value.as_u64().and_then(|from| u8::try_from(from).ok());
    let number = |key: &str| said.get(key).and_then(from);
    let quarantine = said.get("quarantine").map(|value| match value {
        Value::Bool(whether) => whether.then_some(QUARANTINE),
        number => from(number),
    });
    let observe = said.get("mode").and_then(Value::as_str).map(|mode| mode == "observe");
    Steps { slow: number("slow"), challenge: number("challenge"), block: number("block"), quarantine, observe }
}

fn row(api: &str, plan: Plan) -> Value {
    let harm = plan.for_class(OperationClass::Delete);
    json!({
        "api": api,
        "slow": plan.slow,
        "challenge": plan.challenge,
        "block": plan.block,
        "harmful": { "challenge": harm.challenge, "block": harm.block },
        "quarantine": plan.quarantine,
        "mode": if plan.observe { "observe" } else { "enforce" },
    })
}

/// Adds the plan of an API.
pub(super) fn about_api(parts: &mut Parts, name: &str, resource: &Value) {
    let plan = of_api(resource.get("spec").unwrap_or(&Value::Null));
    parts.found.insert(MEMBER.to_owned(), json!([row(name, plan)]));
}

/// Adds the plans that hold for an identity where it may call: its own word comes before what the API says.
pub(super) async fn about_identity(parts: &mut Parts, client: &Client, resource: &Value) -> anyhow::Result<()> {
    let own = steps(resource.get("spec").unwrap_or(&Value::Null));
    let apis: BTreeSet<String> = parts.items("access").iter().map(|path| text(path, "api")).filter(|api| api != Api::ADMIN).collect();
    let mut rows = Vec::new();
    for api in apis.iter().take(APIS_MAX) {
        match client.get(&path(Kind::Api, Some(api))).await {
            Ok(found) => rows.push(row(api, of_api(found.get("spec").unwrap_or(&Value::Null)).with(&own))),
            Err(ClientFault::Refused(refusal)) => parts.missing.push(format!("the risk plan on `{api}`: {}", refusal.detail)),
            Err(other) => return Err(other.into()),
        }
    }
    if apis.len() > APIS_MAX {
        parts.missing.push(format!("the risk plans on {} more APIs", apis.len() - APIS_MAX));
    }
    parts.found.insert(MEMBER.to_owned(), rows.into());
    Ok(())
}

/// The table of them.
pub(super) fn show(page: &mut Page, parts: &Parts) {
    let columns = [
        ("API", "/api"),
        ("WAITS FROM", "/slow"),
        ("CHALLENGED FROM", "/challenge"),
        ("REFUSED FROM", "/block"),
        ("WHERE IT HARMS", "/harms"),
        ("QUARANTINED FROM", "/quarantine"),
        ("MODE", "/mode"),
    ];
    let rows: Vec<Value> = parts
        .items(MEMBER)
        .iter()
        .map(|row| {
            let mut row = row.clone();
            let harm = |member: &str| row.pointer(&format!("/harmful/{member}")).and_then(Value::as_u64).unwrap_or_default();
            let harms = format!("{} and {}", harm("challenge"), harm("block"));
            row.as_object_mut().and_then(|row| row.insert("harms".to_owned(), harms.into()));
            row
        })
        .collect();
    if !rows.is_empty() {
        page.rows("What follows from a risk", &columns.map(|(title, _)| title), &cells(&rows, &columns));
    }
}

#[cfg(test)]
mod tests;
