//! Every token that is given out is made here.
//!
//! INVARIANT (no more than the gate): a token is for classes of operations of which the gate could let those in who stand behind it to at
//! least one with what they are given (`gate::prospect`, asked in `grant::reach`). What a token would not open is not in it, and where it
//! would open nothing there is none. The gate judges every use all the same: a token is never the reason why something is let in.

use crate::{
    answer::{self, Error, Refusal},
    details::Asks,
    exchange::Request,
};
use bytes::Bytes;
use http::Response;
use serde_json::json;
use std::{fmt::Write as _, time::Duration};
use wardgate_model::{
    credential::TokenBinding,
    event::{CameOf, ForTask},
    facts::Caller,
    id::{CredentialId, IdentityId},
    proof::HeldKey,
    time::Time,
};
use wardgate_proof::{
    access_token::{AccessToken, DETAILS},
    entropy::{Entropy, NoEntropy},
    jws::SignError,
};

/// Shortest life that is worth a token.
const LIFE_MIN: Duration = Duration::from_secs(1);

/// What a token is to say.
#[derive(Debug)]
pub(crate) struct Wanted<'a> {
    /// Whom it is of.
    pub(crate) caller: &'a Caller,
    /// What it rests on.
    pub(crate) credential: CredentialId,
    /// What it is for: the address of an API.
    pub(crate) audience: &'a str,
    /// Classes of operations, between spaces.
    pub(crate) scope: &'a str,
    /// From then on it is not good.
    pub(crate) ends: Time,
    /// Who acts for the caller, and by what it was proven, outermost first.
    pub(crate) actors: &'a [(IdentityId, CredentialId)],
    /// The `jti` of the tokens that it comes of, nearest first.
    pub(crate) parents: &'a [Box<str>],
    /// The task that it is of, and what of it the token is for.
    pub(crate) task: Option<&'a Asks>,
    /// Whether one of those is bound to nobody's key.
    pub(crate) unbound: bool,
    /// When the token was made that it is got upon.
    pub(crate) since: Option<Time>,
    /// Which kind of token it is, where the answer has to say so (RFC 8693 §2.2.1).
    pub(crate) issued_type: Option<&'static str>,
}

/// Makes a token, and the answer that gives it out (RFC 6749 §5.1).
///
/// # Errors
/// When it would end at once, or cannot be made.
pub(crate) fn mint(wanted: &Wanted<'_>, request: &Request<'_>, entropy: &dyn Entropy) -> Result<Response<Bytes>, Refusal> {
    let seconds = wanted.ends.as_seconds() - request.now.as_seconds();
    if wanted.ends.since(request.now) < LIFE_MIN || seconds < 1 {
        return Err(Refusal::new(Error::InvalidTarget, "what the token would rest on ends now"));
    }
    let bound_to = bound_to(wanted, request)?;
    let details = wanted.task.map(|asks| (&asks.task.id, asks.granted()));
    let id = id(entropy).map_err(|_| Refusal::new(Error::Server, "no token could be made"))?;
    let token = AccessToken {
        issuer: request.snapshot.mint().issuer(),
        identity: &wanted.caller.identity.id,
        audience: wanted.audience,
        scope: wanted.scope,
        credential: wanted.credential,
        id: &id,
        actors: wanted.actors,
        parents: wanted.parents,
        unbound: wanted.unbound,
        since: wanted.since,
        on_behalf_of: wanted.caller.on_behalf_of.as_deref(),
        issued: request.now,
        ends: wanted.ends,
        bound_to,
        task: details.as_ref().map(|(task, details)| (*task, details)),
    };
    let text = signed(&token, request)?;
    let mut body = json!({ "access_token": text, "token_type": token_type(bound_to), "expires_in": seconds, "scope": wanted.scope });
    if let (Some(issued), Some(members)) = (wanted.issued_type, body.as_object_mut()) {
        members.insert("issued_token_type".to_owned(), issued.into());
    }
    if let (Some((_, details)), Some(body)) = (&details, body.as_object_mut()) {
        // RFC 9396 §7: as granted.
        body.insert(DETAILS.to_owned(), details.clone());
    }
    let task = wanted.task.map(|asks| ForTask { task: asks.task.id.clone(), purpose: asks.task.purpose.clone() });
    Ok(answer::recorded(answer::document(&body), "issued", &id, CameOf { tokens: wanted.parents.into(), task }))
}

/// The key that the token is bound to: the one whose possession was shown by whoever asks for it. Where what it rests on allows none
/// without, there is none without.
fn bound_to(wanted: &Wanted<'_>, request: &Request<'_>) -> Result<Option<HeldKey>, Refusal> {
    let population = request.snapshot.population();
    let must = |caller: &Caller, credential: &CredentialId| {
        population.client(caller.identity.id.as_str()).is_some_and(|client| client.tokens(credential) == TokenBinding::Required)
    };
    let asking = request.caller.credential.as_ref().is_some_and(|own| must(request.caller, &own.id));
    let must = asking || must(wanted.caller, &wanted.credential);
    match request.caller.holds {
        None if must => {
            Err(Refusal::new(Error::InvalidDpopProof, "tokens of this client are bound to a key: send a proof of possession in `DPoP`"))
        }
        held => Ok(held),
    }
}

/// How a token is shown: with proofs of possession of its key, or as it is (RFC 9449 §5, RFC 8705 §3: one that is bound to a certificate
/// is shown as any other).
pub(crate) const fn token_type(bound_to: Option<HeldKey>) -> &'static str {
    match bound_to {
        Some(HeldKey::Key(_)) => "DPoP",
        Some(HeldKey::Certificate(_)) | None => "Bearer",
    }
}

/// By the key that signs tokens. It may be elsewhere, and away.
fn signed(token: &AccessToken<'_>, request: &Request<'_>) -> Result<String, Refusal> {
    let away = || Refusal::new(Error::Unavailable, "the key that signs tokens is away: try again");
    let signer = request.snapshot.mint().tokens().ok_or_else(away)?;
    token.sign(signer).map_err(|error| match error {
        // Another key signs there: what it signed opens nothing, and nobody is to have it.
        SignError::Away | SignError::Foreign => away(),
        _ => Refusal::new(Error::Server, "no token could be signed"),
    })
}

/// 128 random bits, in hexadecimal digits.
fn id(entropy: &dyn Entropy) -> Result<String, NoEntropy> {
    let mut bytes = [0_u8; 16];
    entropy.fill(&mut bytes)?;
    Ok(bytes.iter().fold(String::with_capacity(32), |mut text, byte| {
        let _infallible = write!(text, "{byte:02x}");
        text
    }))
}
