//! Sessions: a single-use sign-in is swapped for one, it can be renewed for a while, and ended.

use crate::{
    answer::Answer,
    call::{Asked, Console},
    problem::{Code, Problem},
    sign_in::is_of_issuer,
};
use http::StatusCode;
use schemars::JsonSchema;
use serde::Serialize;
use std::{sync::Arc, time::Duration};
use wardgate_model::{
    contain::Containable,
    credential::{Credential, CredentialKind},
    time::Time,
};
use wardgate_store::{NewCredential, Precondition};

/// How long a session lasts without being renewed.
pub const SESSION: Duration = Duration::from_secs(12 * 60 * 60);
/// How long a session lasts however often it is renewed.
pub const SESSION_MAX: Duration = Duration::from_secs(7 * 24 * 60 * 60);
/// The name of the entry that sessions stand under.
pub const SESSION_NAME: &str = "session";

/// A new session.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Session {
    /// What to send as `Authorization: Bearer`. Shown once.
    token: String,
    /// Its public id.
    id: String,
    /// Whose it is.
    identity: String,
    /// When it ends, unless it is renewed (RFC 3339).
    expires: String,
}

/// When a session ends now.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct SessionEnd {
    /// Its public id.
    id: String,
    /// When it ends, unless it is renewed again (RFC 3339).
    expires: String,
}

/// Who the caller is.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Whoami {
    /// Its name.
    identity: String,
    /// What kind of machine it is.
    r#type: &'static str,
    /// Who answers for it.
    owner: String,
    /// The team within the owner.
    team: Option<String>,
    /// Where it lives.
    environment: String,
    /// What it may do in Wardgate itself.
    roles: Vec<&'static str>,
    /// Where it is in its life.
    state: &'static str,
    /// The id of the credential that was shown.
    credential: Option<String>,
    /// How it was proven.
    proof: &'static str,
    /// When the credential ends (RFC 3339).
    expires: Option<String>,
}

fn shown<'a>(asked: &'a Asked<'_>) -> Result<&'a Arc<Credential>, Problem> {
    asked.caller.credential.as_ref().ok_or_else(|| Problem::fault("a proof of a credential that is not in the facts"))
}

fn date(time: Option<Time>) -> Option<String> {
    time.map(Time::to_rfc3339)
}

pub(crate) async fn sign_in(console: &Console, asked: &Asked<'_>) -> Result<Answer, Problem> {
    let (sign_in, identity) = (shown(asked)?, &asked.caller.identity);
    let minted = console.world.mint(CredentialKind::Session, &sign_in.environment).map_err(Problem::fault)?;
    let expires = asked.now + SESSION;
    let session = NewCredential {
        id: minted.id,
        identity: identity.id.clone(),
        name: SESSION_NAME.into(),
        kind: CredentialKind::Session,
        environment: sign_in.environment.clone(),
        // Whoever may sign in from these networks only may not take the session elsewhere.
        sources: sign_in.sources.clone(),
        hash: minted.hash,
        expires,
        task: None,
    };
    let stored = console.store.spend_sign_in(&asked.actor("sign-in".into()), &sign_in.id, session, asked.now).await?;
    console.world.published(stored.revision).await;
    let answer = Session {
        token: minted.text.danger_expose().clone(),
        id: minted.id.to_string(),
        identity: identity.id.to_string(),
        expires: expires.to_rfc3339(),
    };
    Ok(Answer::json(StatusCode::CREATED, &answer))
}

pub(crate) async fn renew(console: &Console, asked: &Asked<'_>) -> Result<Answer, Problem> {
    let session = shown(asked)?;
    if is_of_issuer(&asked.caller.identity.id) {
        let detail = format!("the session of `{}` ends when it ends: who vouches for it is asked again", asked.caller.identity.id);
        return Err(Problem::new(Code::Conflict, detail).mend("sign in again: `wardgate login`"));
    }
    let expires = (asked.now + SESSION).min(session.created + SESSION_MAX);
    let stored = console.store.renew_session(&asked.actor("renewed".into()), &session.id, expires, asked.now).await?;
    console.world.published(stored.revision).await;
    Ok(Answer::json(StatusCode::OK, &SessionEnd { id: session.id.to_string(), expires: expires.to_rfc3339() }))
}

pub(crate) async fn sign_out(console: &Console, asked: &Asked<'_>) -> Result<Answer, Problem> {
    let session = shown(asked)?;
    let stored = console.store.revoke_credential(&asked.actor("sign-out".into()), &session.id, Precondition::Any, asked.now).await?;
    console.world.published_stop(stored.revision, Containable::Credential, session.id.as_str()).await;
    Ok(Answer::nothing())
}

pub(crate) fn whoami(asked: &Asked<'_>) -> Result<Answer, Problem> {
    let (identity, credential) = (&asked.caller.identity, asked.caller.credential.as_ref());
    let answer = Whoami {
        identity: identity.id.to_string(),
        r#type: identity.kind.as_str(),
        owner: identity.owner.to_string(),
        team: identity.team.as_ref().map(ToString::to_string),
        environment: identity.environment.name.to_string(),
        roles: identity.roles.iter().map(|r| r.as_str()).collect(),
        state: identity.state.as_str(),
        credential: credential.map(|c| c.id.to_string()),
        proof: asked.caller.proof.kind.as_str(),
        expires: credential.and_then(|c| date(c.expires)),
    };
    Ok(Answer::json(StatusCode::OK, &answer))
}

#[cfg(test)]
mod tests;
