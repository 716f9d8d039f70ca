//! Upstream secrets: put in place sealed, listed by name, never shown.

use crate::{
    answer::{Answer, Page},
    call::{Asked, Console},
    input,
    problem::{Code, Problem},
    world::{Delivery, SecretRotation},
};
use http::StatusCode;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use wardgate_model::{
    id::SecretName,
    secret::{Secret, is_writable},
    time::Time,
};
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

/// How a secret is replaced without a failed request.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RotateSecretRequest {
    /// The new secret; without it a random one is made.
    value: Option<String>,
    /// Where it is brought before it is used; without it the upstream has it already.
    deliver: Option<DeliverTo>,
    /// Why, for the feed of changes: at most 500 characters.
    #[schemars(length(max = 500))]
    reason: Option<String>,
}

/// Where a secret is brought: one of these. Each names what the operator has configured.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum DeliverTo {
    /// A file of this name, in the directory for delivered secrets.
    File(String),
    /// The manifest of a Kubernetes Secret, `NAMESPACE/NAME`.
    Kubernetes(String),
    /// A path in the configured Vault.
    Vault(String),
    /// The configured command of this name.
    Command(String),
}

impl From<DeliverTo> for Delivery {
    fn from(to: DeliverTo) -> Self {
        match to {
            DeliverTo::File(name) => Self::File(name.into()),
            DeliverTo::Kubernetes(name) => Self::Kubernetes(name.into()),
            DeliverTo::Vault(path) => Self::Vault(path.into()),
            DeliverTo::Command(name) => Self::Command(name.into()),
        }
    }
}

/// An upstream secret on record, without the secret.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct SecretView {
    /// Its name.
    name: String,
    /// The version in use.
    version: u64,
    /// The version that lies ready.
    staged: Option<u64>,
    /// The version before, until the one in use is seen to work.
    previous: Option<u64>,
    /// When it was first put (RFC 3339).
    created: String,
    /// When another version was last put into use (RFC 3339).
    updated: String,
    /// When the version in use took over from the one before (RFC 3339).
    promoted: Option<String>,
    /// What `If-Match` can name, in quotes.
    revision: u64,
}

impl SecretView {
    fn of(secret: &StoredSecret) -> Self {
        Self {
            name: secret.name.to_string(),
            version: secret.version,
            staged: secret.staged.as_ref().map(|staged| staged.version),
            previous: secret.previous.as_ref().map(|previous| previous.version),
            created: secret.created.to_rfc3339(),
            updated: secret.updated.to_rfc3339(),
            promoted: secret.promoted_at.map(Time::to_rfc3339),
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

pub(crate) async fn rotate(console: &Console, asked: &Asked<'_>) -> Result<Answer, Problem> {
    let name = input::name("the name of the secret", &asked.parameter("name")?, SecretName::parse)?;
    let request: RotateSecretRequest = input::body(&asked.call.headers, &asked.call.body)?;
    let value = request.value.map(Secret::new);
    let actor = asked.actor(input::reason(request.reason.as_deref())?);
    value.as_ref().map_or(Ok(()), |value| check(value.danger_expose()))?;
    if value.is_none() && request.deliver.is_none() {
        let detail = "without `value` a random secret is made, and nothing says how the upstream gets it";
        let remedy = "give `deliver` (`--deliver HOW=WHERE`), or the `value` that the upstream knows already (`--file`)";
        return Err(Problem::new(Code::Unfit, detail).mend(remedy));
    }
    let rotation = SecretRotation { name, value, deliver: request.deliver.map(Delivery::from) };
    let stored = console.world.rotate_secret(&actor, rotation, asked.now).await?;
    console.world.published(stored.revision).await;
    Ok(Answer::ok(&SecretView::of(&stored)).at(stored.revision))
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
    if !is_writable(value) {
        return unfit("the secret has a control character or a line end inside".into());
    }
    lacks(value).map_or(Ok(()), unfit)
}

/// What a client certificate lacks. Only that is written in several lines: no header field holds it, so without its other half it
/// serves for nothing, and every request to the upstream that wants it would fail.
fn lacks(value: &str) -> Option<String> {
    if !value.starts_with("-----BEGIN ") {
        return None;
    }
    let begins: Vec<&str> = value.lines().filter_map(|line| line.trim().strip_prefix("-----BEGIN ")?.strip_suffix("-----")).collect();
    let count = |wanted: fn(&str) -> bool| begins.iter().filter(|label| wanted(label)).count();
    let certificates = count(|label| label == "CERTIFICATE");
    let (keys, encrypted) = (count(|label| label.ends_with("PRIVATE KEY")), count(|label| label == "ENCRYPTED PRIVATE KEY"));
    let lacks = match (certificates, keys) {
        (_, _) if encrypted > 0 => "its private key is encrypted: nobody is here to type the password; put the key in clear, it is sealed",
        (0, 0) => "it has neither a certificate nor a private key",
        (_, 0) => "it has no private key: put the chain and its key together, `cat chain.pem key.pem`",
        (0, _) => "it has no certificate: put the chain and its key together, `cat chain.pem key.pem`",
        (_, 1) => return None,
        (_, _) => "it has more than one private key",
    };
    Some(format!("a PEM secret is a client certificate: {lacks}"))
}

#[cfg(test)]
mod tests;
