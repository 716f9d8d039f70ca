//! A token for whom others vouch: the gate has let in whoever shows the token of a trust source, and that is all that is shown. What is
//! given out rests on the identity's credential of that trust source, is as old as the token, and ends no later than it.

use super::reach::Reach;
use crate::{
    answer::{Error, Refusal},
    details,
    exchange::Request,
    mint::{self, Wanted},
};
use bytes::Bytes;
use http::Response;
use wardgate_model::{credential::CredentialKind, facts::Facts};
use wardgate_proof::entropy::Entropy;

/// Gives a token out upon `text`; `bad`: what is wrong where that is not good.
///
/// # Errors
/// What is asked for is none, or more than there is; or `text` is not what the client was let in by.
pub(super) fn issue(
    text: &str,
    bad: Error,
    issued_type: Option<&'static str>,
    request: &Request<'_>,
    facts: &Facts,
    entropy: &dyn Entropy,
) -> Result<Response<Bytes>, Refusal> {
    let caller = request.caller;
    let upon = caller.credential.as_deref().filter(|credential| credential.kind == CredentialKind::Oidc);
    let Some(credential) = upon else {
        return Err(Refusal::new(bad, "show the token of a trust source and nothing else: it is what proves who asks"));
    };
    let not_taken = || Refusal::new(bad, "the token that is asked upon is not taken here");
    // Seen before, by the gate.
    let token = request.snapshot.trust().token(text, request.now).map_err(|_| not_taken())?;
    if token.ours || token.claims.at("may_act").is_some() {
        return Err(Refusal::new(bad, "the token says who may act with it: that one has to prove itself"));
    }
    let end = token.claims.expires().filter(|end| request.now < *end).ok_or_else(not_taken)?;
    let task = details::asked(request, &caller.identity.id, None)?;
    let reach = Reach::of(request, facts, caller, credential).of_task(task.as_ref()).until(end);
    let (audience, api) = reach.target()?;
    let scope = reach.scope(&audience, &api)?;
    let ends = reach.ends(&api);
    // Whoever ends it by its name ends what came of it too.
    let parents: Vec<Box<str>> = token.name().map(Into::into).into_iter().collect();
    let wanted = Wanted {
        caller,
        credential: credential.id,
        audience: &audience,
        scope: &scope,
        ends,
        actors: &[],
        parents: &parents,
        unbound: false,
        task: task.as_ref(),
        since: Some(caller.proof.since),
        issued_type,
    };
    mint::mint(&wanted, request, entropy)
}
