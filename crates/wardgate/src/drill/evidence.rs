//! What the record says of the requests of a rehearsal: how each was ruled, at which risk, by which signals.

use crate::client::{Client, query};
use serde_json::Value;
use std::{
    collections::{BTreeMap, HashMap, HashSet},
    time::Duration,
};

/// Events of a page, and pages at the most.
const PAGE: &str = "500";
const PAGES_MAX: usize = 400;
/// How often it is looked again for what is not recorded yet, and after how long.
const PATIENCE: u32 = 10;
const AGAIN: Duration = Duration::from_millis(100);

/// A signal of one request.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Told {
    pub(super) name: String,
    pub(super) weight: f64,
}

/// How one request was ruled.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Ruled {
    pub(super) response: String,
    pub(super) code: String,
    pub(super) risk: u64,
    pub(super) signals: Vec<Told>,
    /// Whether the upstream has answered, or failed to.
    pub(super) reached: bool,
    /// What would have been done, where the risk is only watched.
    pub(super) would: Option<String>,
}

/// Where the record stands.
///
/// # Errors
/// It cannot be read.
pub(super) async fn cursor(client: &Client) -> anyhow::Result<Option<String>> {
    let page = client.get(&format!("/api/v1/events{}", query(&[("limit", Some("1"))]))).await?;
    Ok(page.get("next").and_then(Value::as_str).map(str::to_owned))
}

fn ruled(event: &Value) -> Ruled {
    let text = |pointer: &str| event.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
    let signals = event.pointer("/ruling/signals").and_then(Value::as_array).into_iter().flatten();
    let told = |signal: &Value| {
        Some(Told {
            name: signal.get("name")?.as_str()?.to_owned(),
            weight: signal.get("weight").and_then(Value::as_f64).unwrap_or_default(),
        })
    };
    Ruled {
        response: text("/ruling/response").unwrap_or_default(),
        code: text("/ruling/code").unwrap_or_default(),
        risk: event.pointer("/ruling/risk").and_then(Value::as_u64).unwrap_or_default(),
        signals: signals.filter_map(told).collect(),
        reached: event.get("upstream").is_some_and(Value::is_object),
        would: text("/ruling/would"),
    }
}

/// What was recorded of these requests, by their ids. What has not been found is not in it: the record of a busy gate is long.
///
/// # Errors
/// It cannot be read.
pub(super) async fn of_requests(client: &Client, since: Option<&str>, wanted: &HashSet<&str>) -> anyhow::Result<HashMap<String, Ruled>> {
    let (mut found, mut cursor, mut patience) = (HashMap::new(), since.map(str::to_owned), PATIENCE);
    for _ in 0..PAGES_MAX {
        let page = client.get(&format!("/api/v1/events{}", query(&[("limit", Some(PAGE)), ("cursor", cursor.as_deref())]))).await?;
        let events = page.get("items").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        for event in events {
            let id = event.get("request_id").and_then(Value::as_str);
            if let Some(id) = id.filter(|id| wanted.contains(id)) {
                found.insert(id.to_owned(), ruled(event));
            }
        }
        let next = page.get("next").and_then(Value::as_str).map(str::to_owned);
        if found.len() >= wanted.len() {
            break;
        }
        // A request is recorded after it was answered.
        if events.is_empty() || next == cursor {
            let Some(less) = patience.checked_sub(1) else { break };
            patience = less;
            tokio::time::sleep(AGAIN).await;
        }
        cursor = next;
    }
    Ok(found)
}

/// The TLS fingerprints of some requests, by their ids.
///
/// # Errors
/// The record cannot be read.
pub(super) async fn fingerprints(client: &Client, identity: &str) -> anyhow::Result<BTreeMap<String, String>> {
    let page = client.get(&format!("/api/v1/events{}", query(&[("identity", Some(identity)), ("limit", Some("20"))]))).await?;
    let events = page.get("items").and_then(Value::as_array).into_iter().flatten();
    let told = |event: &Value| {
        let text = |pointer: &str| event.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
        Some((text("/request_id")?, text("/source/tls_fingerprint")?))
    };
    Ok(events.filter_map(told).collect())
}
