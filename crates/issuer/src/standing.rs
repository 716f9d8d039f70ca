//! What becomes of a token: introspection (RFC 7662) and revocation (RFC 7009).
//!
//! Whether a token is good is asked of the gate, by the very rooms that would let it in. Who may not know is told what is told of a
//! token that never was (RFC 7662 §2.2).

use crate::{
    answer::{self, Error, Refusal},
    exchange::{Outcome, Request},
    mint,
};
use bytes::Bytes;
use http::Response;
use serde_json::{Value, json};
use wardgate_gate::proof::{self, Live, live};
use wardgate_model::{
    event::{CameOf, ForTask},
    facts::Caller,
    id::{PurposeName, TaskId},
    proof::HeldKey,
};
use wardgate_proof::{
    access_token::{self, DETAILS, PARENTS, TASK},
    jose::claims::{Claims, Confirmation},
};

fn text<'a>(request: &'a Request<'_>) -> Result<&'a str, Refusal> {
    request.form.one("token").ok_or_else(|| Refusal::new(Error::InvalidRequest, "`token` is missing"))
}

/// Says what a token is.
///
/// # Errors
/// When none is named.
pub(crate) fn introspect(request: &Request<'_>) -> Result<Response<Bytes>, Refusal> {
    // The gate takes it a little longer, for clocks that differ; what is told of it is what it says.
    let lasts = |live: &Live| live.token.claims.expires().is_some_and(|end| request.now < end);
    let found = live(text(request)?, request.snapshot, request.now).filter(|live| lasts(live) && may_know(request.caller, live));
    let Some(Live { token, .. }) = found else { return Ok(answer::document(&json!({ "active": false }))) };
    let claims = &token.claims;
    let bound_to = match token.confirmation() {
        Some(Confirmation::Key(key)) => Some(HeldKey::Key(key)),
        Some(Confirmation::Certificate(certificate)) => Some(HeldKey::Certificate(certificate)),
        Some(Confirmation::Other) | None => None,
    };
    let seconds = |time: Option<wardgate_model::time::Time>| time.map(wardgate_model::time::Time::as_seconds);
    let mut told = json!({
        "active": true,
        "scope": token.facts.scopes.join(" "),
        "client_id": claims.client(),
        "token_type": mint::token_type(bound_to),
        "exp": seconds(claims.expires()),
        "iat": seconds(claims.issued()),
        "sub": claims.subject(),
        "aud": token.facts.audience.first(),
        "iss": claims.issuer(),
        "jti": claims.id(),
    });
    if let Some(members) = told.as_object_mut() {
        members.extend(bound_to.map(|key| ("cnf".to_owned(), access_token::confirmation(key))));
        // RFC 9396 §9.2.
        members.extend(claims.at(DETAILS).map(|details| (DETAILS.to_owned(), details.clone())));
    }
    if let (Some(act), Some(members)) = (claims.all().get("act"), told.as_object_mut()) {
        members.insert("act".to_owned(), act.clone());
    }
    Ok(answer::document(&told))
}

/// Whom it is of, who acts with it, and the workload behind the API that it is for: that one is its audience. Anybody else would learn of
/// tokens that it is no audience of (CVE-2026-37979), others of the API's owner too.
fn may_know(caller: &Caller, live: &Live) -> bool {
    let id = &caller.identity.id;
    let own = *id == live.caller.identity.id || live.caller.acting().is_some_and(|acting| acting.identity.id == *id);
    own || proof::serves(&caller.identity, &live.api)
}

/// Ends a token. What is no token of ours, or over, is as good as ended (RFC 7009 §2.2). One that is only not taken at present, because its
/// API is away or its credential or it itself is contained, is ended all the same: it would be good again with them.
///
/// # Errors
/// When none is named, or it is another client's.
pub(crate) fn revoke(request: &Request<'_>) -> Result<Outcome, Refusal> {
    let genuine = request.snapshot.trust().token(text(request)?, request.now).ok().filter(|token| token.ours);
    let Some(token) = genuine else { return Ok(Outcome::Answer(answer::empty())) };
    // RFC 7009 §2.1: it was issued to the client that asks. Whom it is of may end it too, whoever acts with it.
    let client = request.caller.identity.id.as_str();
    if *token.subject != *client && token.claims.client() != Some(client) {
        return Err(Refusal::new(Error::UnauthorizedClient, "the token was issued to another client"));
    }
    let id = token.facts.id.clone();
    let parents = token.claims.all().get(PARENTS).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let tokens = parents.iter().filter_map(Value::as_str).map(Into::into).collect();
    let came_of = CameOf { tokens, task: for_task(&token.claims) };
    Ok(Outcome::End { then: answer::recorded(answer::empty(), "revoked", &id, came_of), token: id })
}

/// The task that a token of ours is of.
fn for_task(claims: &Claims) -> Option<ForTask> {
    let purpose = claims.at(DETAILS)?.get(0)?.get("purpose")?.as_str()?;
    Some(ForTask { task: TaskId::parse(claims.text(TASK)?).ok()?, purpose: PurposeName::parse(purpose).ok()? })
}
