//! The keys that tokens and assertions are signed with. They are replaced by themselves; here one is ended before its time.

use crate::{
    answer::{Answer, Page},
    call::{Asked, Console},
    input,
    problem::{Code, Problem},
};
use schemars::JsonSchema;
use serde::Serialize;
use wardgate_store::{KID_BYTES_MAX, StoredSigningKey};

/// A signing key on record, without the key.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct SigningKeyView {
    /// Its key id: `kid` in tokens and in the key set.
    kid: String,
    /// `signing`, `published` (not yet, or no more) or `retired`.
    state: &'static str,
    /// When it was made (RFC 3339).
    created: String,
    /// The number of its last change.
    revision: u64,
}

impl SigningKeyView {
    fn of(key: &StoredSigningKey) -> Self {
        Self { kid: key.kid.to_string(), state: key.state.as_str(), created: key.created.to_rfc3339(), revision: key.revision }
    }
}

pub(crate) async fn list(console: &Console) -> Result<Answer, Problem> {
    let found = console.store.signing_keys().await?;
    Ok(Answer::ok(&Page { items: found.iter().map(SigningKeyView::of).collect(), next: None }))
}

pub(crate) async fn revoke(console: &Console, asked: &Asked<'_>) -> Result<Answer, Problem> {
    let kid = asked.parameter("kid")?;
    let missing = || Problem::new(Code::NotFound, format!("there is no signing key `{}`", input::shown(&kid)));
    let actor = asked.actor(input::reason(asked.query.value("reason"))?);
    if kid.len() > KID_BYTES_MAX {
        return Err(missing());
    }
    let (next, sealed) = console.world.new_signing_key().map_err(Problem::fault)?;
    let seq = console.store.revoke_signing_key(&actor, &kid, (&next, &sealed), asked.now).await?;
    tracing::warn!(kid, actor = %actor.who, "a signing key is ended: nothing that it signed counts any more");
    console.world.published(seq).await;
    let keys = console.store.signing_keys().await?;
    let key = keys.iter().find(|key| *key.kid == *kid).ok_or_else(missing)?;
    Ok(Answer::ok(&SigningKeyView::of(key)).at(seq))
}

#[cfg(test)]
mod tests;
