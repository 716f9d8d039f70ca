//! What people do in the management API while a scene plays: one declares, another agrees.

use super::Stage;
use crate::client::{Client, ClientFault, segment};
use anyhow::{Context as _, bail};
use http::Method;
use serde_json::{Value, json};
use std::time::Duration;

/// How often something is looked at, and how many times.
const LOOK: (Duration, u32) = (Duration::from_millis(20), 750);

/// Looks until something is there.
///
/// # Errors
/// When it is not there in time.
pub(in crate::demo) async fn until<T>(what: &str, mut look: impl AsyncFnMut() -> anyhow::Result<Option<T>>) -> anyhow::Result<T> {
    let (every, times) = LOOK;
    for _ in 0..times {
        if let Some(found) = look().await? {
            return Ok(found);
        }
        tokio::time::sleep(every).await;
    }
    bail!("waited in vain for {what}")
}

impl Stage {
    /// Has the operator do something.
    ///
    /// # Errors
    /// When the management API refuses it.
    pub(in crate::demo) async fn order(&self, method: Method, path: &str, body: &Value) -> anyhow::Result<Value> {
        let body = Some(body).filter(|body| !body.is_null());
        let what = format!("{method} {path}");
        Ok(self.client().call(method, path, body).await.with_context(|| format!("`{what}` was refused"))?.body)
    }

    /// Has somebody try something; with which code the management API refuses it.
    ///
    /// # Errors
    /// When the management API cannot be reached.
    pub(in crate::demo) async fn refused(&self, who: &Client, path: &str, body: &Value) -> anyhow::Result<Option<String>> {
        match who.call(Method::POST, path, Some(body)).await {
            Ok(_) => Ok(None),
            Err(ClientFault::Refused(refusal)) => Ok(refusal.code.clone()),
            Err(fault) => Err(fault.into()),
        }
    }

    /// Declares documents; somebody of another owner agrees to what waits of them, and to these identities.
    ///
    /// # Errors
    /// When the management API refuses something of it.
    pub(in crate::demo) async fn declare(&self, documents: &Value, identities: &[&str]) -> anyhow::Result<()> {
        let documents = json!({ "documents": documents, "reason": "the tour" });
        let applied = self.order(Method::POST, "/api/v1/apply", &documents).await?;
        if applied.get("state").is_some_and(|state| state == "waiting") {
            let id = applied.get("id").and_then(Value::as_str).context("an approval without an id")?;
            let agreed = json!({ "reason": "looked at" });
            let approved = self.second().call(Method::POST, &format!("/api/v1/approvals/{id}/approve"), Some(&agreed)).await;
            approved.context("what was declared was not approved")?;
        }
        for identity in identities {
            let path = format!("/api/v1/identities/{}/approve", segment(identity));
            let agreed = json!({ "reason": "looked at", "evidence": "https://tickets.example.com/4711" });
            let approved = self.second().call(Method::POST, &path, Some(&agreed)).await;
            approved.with_context(|| format!("`{identity}` was not approved"))?;
        }
        Ok(())
    }

    /// Where an identity is in its life.
    ///
    /// # Errors
    /// When the management API does not say.
    pub(in crate::demo) async fn state(&self, identity: &str) -> anyhow::Result<String> {
        let view = self.client().get(&format!("/api/v1/resources/Identity/{}", segment(identity))).await?;
        let state = view.pointer("/status/state").and_then(Value::as_str).context("an identity without a state")?;
        Ok(state.to_owned())
    }

    /// The event of a request to an API, once it is in the log.
    ///
    /// # Errors
    /// When it does not come.
    pub(in crate::demo) async fn event(&self, api: &str, request: &str) -> anyhow::Result<Value> {
        let path = format!("/api/v1/events?api={}&limit=200", segment(api));
        until("the event of a request", async || {
            let page = self.client().get(&path).await?;
            let events = page.get("items").and_then(Value::as_array).into_iter().flatten();
            Ok(events.into_iter().find(|event| event.get("request_id").is_some_and(|id| id == request)).cloned())
        })
        .await
    }
}
