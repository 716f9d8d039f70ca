//! A realm export of Keycloak: an identity for each client that has a service account.

use super::{Reading, name};
use serde_json::{Value, json};
use wardgate_model::resource::Kind;

pub(super) fn read(text: &str, reading: &mut Reading<'_>) {
    let parsed: Value = match serde_json::from_str(text) {
        Ok(parsed) => parsed,
        Err(error) => {
            let line = u32::try_from(error.line()).unwrap_or(u32::MAX);
            return reading.error(line, "keycloak.syntax", format!("this is no JSON: {error}"), "export the realm, or its clients");
        }
    };
    let Some(clients) = parsed.get("clients").or(Some(&parsed)).and_then(Value::as_array) else {
        return reading.error(0, "keycloak.shape", "there is no list of clients", "export the realm, or its clients");
    };
    let realm = parsed.get("realm").and_then(Value::as_str);
    let mut off = 0_u32;
    for (at, client) in clients.iter().enumerate() {
        let is = |key: &str| client.get(key).and_then(Value::as_bool);
        let Some(id) = client.get("clientId").and_then(Value::as_str) else {
            reading.error(0, "keycloak.client", format!("`clients[{at}]` has no `clientId`"), "export the whole clients");
            continue;
        };
        // People sign in with the others; public clients and those that are off prove nothing.
        if is("serviceAccountsEnabled") != Some(true) || is("publicClient") == Some(true) {
            continue;
        }
        if is("enabled") == Some(false) {
            off += 1;
            continue;
        }
        if !one(id, realm, client, reading) {
            return;
        }
    }
    if off > 0 {
        reading.warning(0, "keycloak.disabled", format!("{off} clients that are disabled are left out"), "enable them, or leave them out");
    }
}

/// One client. `false` when there is no more room.
fn one(id: &str, realm: Option<&str>, client: &Value, reading: &mut Reading<'_>) -> bool {
    let Some(name) = name::slug(id) else {
        reading.error(0, "keycloak.name", format!("`{}` makes no name", name::short(id)), "declare it by hand");
        return true;
    };
    let attribute = |key: &str| client.get("attributes").and_then(|attributes| attributes.get(key)?.as_str());
    let owner = match attribute("owner").and_then(name::slug) {
        Some(owner) => Some(owner),
        None => reading.owner_or(id, 0),
    };
    let environment = match attribute("environment").and_then(name::slug) {
        Some(environment) => Some(environment),
        None => reading.environment_or(id, 0),
    };
    let (Some(owner), Some(environment)) = (owner, environment) else { return true };
    let said = ["description", "name"].iter().find_map(|key| client.get(key)?.as_str().map(str::trim).filter(|text| !text.is_empty()));
    let purpose = said.map_or_else(|| format!("service account of the client `{}`", name::short(id)), str::to_owned);
    let at = realm.map_or_else(|| id.to_owned(), |realm| format!("{realm}/{id}"));
    let spec = json!({
        "type": "service_account",
        "owner": owner,
        "environment": environment,
        "purpose": purpose,
        "tags": { "keycloak": at },
    });
    reading.add(Kind::Identity, &name, spec, 0)
}
