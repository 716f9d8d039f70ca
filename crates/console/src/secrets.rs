//! Upstream secrets: put in place sealed, listed by name, never shown.

use crate::{
    answer::{Answer, Page},
    call::{Asked, Console},
    input,
    problem::{Code, Problem},
};
use http::StatusCode;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use wardgate_model::{id::SecretName, secret::Secret};
use wardgate_store::StoredSecret;

/// Longest secret, in bytes.
pub const SECRET_BYTES_MAX: usize = 16 * 1024;

/// What to put in place.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PutSecretRequest {
    /// The secret: 1 to 16384 bytes, without white space at its ends.
    value: String,
    /// Why, for the feed of changes: at most 500 characters.
    reason: Option<String>,
}

/// An upstream secret on record, without the secret.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct SecretView {
    /// Its name.
    name: String,
    /// How many times it was put.
    version: u64,
    /// When it was first put (RFC 3339).
    created: String,
    /// When it was last put (RFC 3339).
    updated: String,
    /// What `If-Match` can name, in quotes.
    revision: u64,
}

impl SecretView {
    fn of(secret: &StoredSecret) -> Self {
        Self {
            name: secret.name.to_string(),
            version: secret.version,
            created: secret.created.to_rfc3339(),
            updated: secret.updated.to_rfc3339(),
            revision: secret.revision,
        }
    }
}

pub(crate) async fn list(console: &Console, asked: &Asked<'_>) -> Result<Answer, Problem> {
    let (limit, after) = (asked.query.limit()? as usize, asked.query.value("cursor").unwrap_or_default());
    let found = console.store.secrets().await?;
    let mut items: Vec<SecretView> = found.iter().filter(|s| s.name.as_str() > after).take(limit + 1).map(SecretView::of).collect();
    let more = items.len() > limit;
    items.truncate(limit);
    let next = items.last().filter(|_| more).map(|s| s.name.clone());
    Ok(Answer::json(StatusCode::OK, &Page { items, next }))
}

pub(crate) async fn put(console: &Console, asked: &Asked<'_>) -> Result<Answer, Problem> {
    let name = input::name("the name of the secret", &asked.parameter("name")?, SecretName::parse)?;
    let expect = input::precondition(&asked.call.headers)?;
    let request: PutSecretRequest = input::body(&asked.call.headers, &asked.call.body)?;
    let value = Secret::new(request.value);
    let reason = input::reason(request.reason.as_deref())?;
    check(value.danger_expose())?;
    let sealed = console.world.seal(&name, &value).map_err(Problem::fault)?;
    let stored = console.store.put_secret(&asked.actor(reason), &name, &sealed, expect, asked.now).await?;
    console.world.published(stored.revision).await;
    Ok(Answer::json(StatusCode::OK, &SecretView::of(&stored)).at(stored.revision))
}

/// Refuses what nobody means to put: nothing, far too much, the end of the line that it was copied with, or what no header
/// field can hold, which would stop every request to the upstream.
fn check(value: &str) -> Result<(), Problem> {
    let unfit = |detail: String| Err(Problem::new(Code::Unfit, detail));
    if value.is_empty() || value.len() > SECRET_BYTES_MAX {
        return unfit(format!("a secret has 1 to {SECRET_BYTES_MAX} bytes, this one has {}", value.len()));
    }
    if value.trim() != value {
        return unfit("the secret begins or ends with white space: leave it out".into());
    }
    if value.contains(char::is_control) {
        return unfit("the secret has a control character or a line end inside".into());
    }
    Ok(())
}

#[cfg(test)]
mod tests;
