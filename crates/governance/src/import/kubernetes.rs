//! `kubectl get serviceaccounts -A -o json` (or yaml): an identity for each service account.

use super::{Reading, name};
use serde_json::{Value, json};
use std::path::Path;
use wardgate_model::resource::Kind;

/// Namespaces of the cluster itself.
const SYSTEM: &[&str] = &["kube-system", "kube-public", "kube-node-lease"];
/// Labels and annotations that say whose something is, the most telling first.
const OWNER: &[&str] = &["wardgate/owner", "owner", "app.kubernetes.io/owner", "team"];
const ENVIRONMENT: &[&str] = &["wardgate/environment", "environment", "env"];
const PURPOSE: &[&str] = &["wardgate/purpose", "kubernetes.io/description", "description"];

pub(super) fn read(text: &str, reading: &mut Reading<'_>) {
    let Some(list) = parse(text, reading) else { return };
    let single = [&list];
    let items: Vec<&Value> = match list.get("items").and_then(Value::as_array) {
        Some(items) => items.iter().collect(),
        None if list.get("kind").and_then(Value::as_str) == Some("ServiceAccount") => single.to_vec(),
        None => {
            let mend = "export with `kubectl get serviceaccounts -A -o json`";
            return reading.error(0, "kubernetes.shape", "this is no list of service accounts", mend);
        }
    };
    let mut system = 0_u32;
    for (at, item) in items.into_iter().enumerate() {
        let metadata = item.get("metadata").unwrap_or(&Value::Null);
        let text = |key: &str| metadata.get(key).and_then(Value::as_str);
        if item.get("kind").and_then(Value::as_str).is_some_and(|kind| kind != "ServiceAccount") {
            reading.warning(0, "kubernetes.kind", format!("`items[{at}]` is no ServiceAccount"), "it is left out");
            continue;
        }
        let (Some(namespace), Some(account)) = (text("namespace"), text("name")) else {
            reading.error(0, "kubernetes.metadata", format!("`items[{at}]` has no namespace or no name"), "export the whole objects");
            continue;
        };
        if SYSTEM.contains(&namespace) {
            system += 1;
            continue;
        }
        if !one(namespace, account, metadata, reading) {
            return;
        }
    }
    if system > 0 {
        let what = format!("{system} service accounts of the cluster itself are left out");
        reading.warning(0, "kubernetes.system", what, "declare those by hand that call an API");
    }
}

/// JSON, or YAML where it does not begin like JSON.
fn parse(text: &str, reading: &mut Reading<'_>) -> Option<Value> {
    if text.trim_start().starts_with(['{', '[']) {
        return match serde_json::from_str(text) {
            Ok(value) => Some(value),
            Err(error) => {
                let line = u32::try_from(error.line()).unwrap_or(u32::MAX);
                reading.error(line, "kubernetes.syntax", format!("this is no JSON: {error}"), "export with `-o json` again");
                None
            }
        };
    }
    match wardgate_resources::yaml::read(Path::new("kubernetes"), text.as_bytes()) {
        Ok(value) => Some(value),
        Err(diagnostics) => {
            diagnostics.into_iter().for_each(|diagnostic| reading.say(diagnostic));
            None
        }
    }
}

/// One service account. `false` when there is no more room.
fn one(namespace: &str, account: &str, metadata: &Value, reading: &mut Reading<'_>) -> bool {
    let full = format!("{namespace}:{account}");
    let Some(name) = name::slug(&full) else {
        reading.error(0, "kubernetes.name", format!("`{}` makes no name", name::short(&full)), "declare it by hand");
        return true;
    };
    let said = |keys: &[&str]| {
        let places = ["annotations", "labels"].map(|place| metadata.get(place));
        keys.iter().find_map(|key| places.iter().flatten().find_map(|place| place.get(key)?.as_str()))
    };
    let owner = match said(OWNER).and_then(name::slug) {
        Some(owner) => Some(owner),
        None => reading.owner_or(&full, 0),
    };
    let environment = match said(ENVIRONMENT).and_then(name::slug) {
        Some(environment) => Some(environment),
        None => reading.environment_or(&full, 0),
    };
    let (Some(owner), Some(environment)) = (owner, environment) else { return true };
    let purpose = said(PURPOSE).map_or_else(|| format!("service account `{account}` of the namespace `{namespace}`"), str::to_owned);
    let spec = json!({
        "type": "workload",
        "owner": owner,
        "environment": environment,
        "purpose": purpose,
        "tags": { "kubernetes": format!("{namespace}/{account}") },
    });
    reading.add(Kind::Identity, &name, spec, 0)
}
