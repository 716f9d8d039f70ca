//! A token to act with for somebody else (RFC 8693 §1.1, delegation): the client shows a token of whom it acts for, and proves itself.
//!
//! INVARIANT (a hop never widens): the new token is of the same subject; its scope is within the old one's, and of it what subject *and*
//! actor could both do at the API; it ends no later; it names the actor outermost over those before it, at most five; production and the
//! rest never meet in a chain; and it names what it came of, so that whatever ends that ends it too. Of a token of a task comes a token of
//! that task, for no more of it: its budget is one, whoever uses it.

use super::reach::Reach;
use crate::{
    against::Against,
    answer::{Error, Refusal},
    details::{self, Asks},
    exchange::Request,
    mint::{self, Wanted},
};
use bytes::Bytes;
use http::Response;
use wardgate_gate::proof::{self, Subject};
use wardgate_model::{
    credential::Credential,
    facts::{Caller, Facts},
    id::{CredentialId, IdentityId},
};
use wardgate_proof::{access_token::PARENTS_MAX, entropy::Entropy, grant::ACCESS_TOKEN, jose::claims::ACTORS_MAX};

/// Gives a token out upon `text`; `actor`: what the client shows of itself besides.
///
/// # Errors
/// When the token is not good, the client may not act with it, or asks for more than both have.
pub(super) fn issue(
    text: &str,
    actor: Option<&str>,
    request: &Request<'_>,
    facts: &Facts,
    entropy: &dyn Entropy,
) -> Result<Response<Bytes>, Refusal> {
    let Request { caller: client, snapshot, now, .. } = *request;
    let subject = proof::subject(text, snapshot, now).ok_or_else(|| refused("the `subject_token` is not taken here"))?;
    if let Some(actor) = actor {
        is_of(actor, client, request)?;
    }
    let (Some(own), Some(of_subject)) = (client.credential.as_ref(), subject.caller.credential.as_ref()) else {
        return Err(Refusal::new(Error::UnauthorizedClient, "nothing is on record that a token could rest on"));
    };
    let end = subject.token.claims.expires().filter(|end| now < *end).ok_or_else(|| refused("the `subject_token` is not taken here"))?;
    let Chain { actors: chain, handed_on } = chain(&subject, client, own, request)?;
    // Whoever acts shows a key of its own; whoever caught the token of a caller would have had to show none.
    let unbound = subject.is_unbound() || (handed_on && subject.api.is_some() && subject.token.confirmation().is_none());
    // Whoever ends one of these by its name ends what came of it too.
    let before = subject.caller.delegation.iter().flat_map(|delegation| delegation.parents.iter().cloned());
    let parents: Vec<Box<str>> = subject.token.name().map(Into::into).into_iter().chain(before).collect();
    if chain.len() > ACTORS_MAX || parents.len() > PARENTS_MAX {
        return Err(refused("five have acted already, one for the other: no more may"));
    }
    let task = within(&subject, request)?;
    let scopes = subject.api.as_ref().map(|_| &*subject.token.facts.scopes);
    let reach = Reach::of(request, facts, client, own).for_subject(&subject.caller, scopes).acted(&chain);
    let reach = reach.of_task(task.as_ref()).until(end).unbound(unbound);
    let (audience, api) = reach.target()?;
    let production = |caller: &Caller| caller.identity.environment.production;
    let here = production(client);
    if production(&subject.caller) != here || (api.environment.production != here && !api.environment.shared) {
        return Err(Refusal::new(Error::InvalidTarget, "production and what is not never act for each other").because(Against::Environment));
    }
    let scope = reach.scope(&audience, &api)?;
    let wanted = Wanted {
        caller: &subject.caller,
        credential: of_subject.id,
        audience: &audience,
        scope: &scope,
        ends: reach.ends(&api),
        actors: &chain,
        parents: &parents,
        task: task.as_ref(),
        unbound,
        since: Some(reach.since()),
        issued_type: Some(ACCESS_TOKEN),
    };
    mint::mint(&wanted, request, entropy)
}

fn refused(why: &'static str) -> Refusal {
    Refusal::new(Error::InvalidRequest, why)
}

/// Who acts in a new token, outermost first.
struct Chain {
    actors: Vec<(IdentityId, CredentialId)>,
    /// Whether it is somebody else who acts with it now.
    handed_on: bool,
}

/// Whom a token is of, or who acts with it already, may have it again, narrower; anybody else becomes the outermost, where it may.
fn chain(subject: &Subject, client: &Caller, own: &Credential, request: &Request<'_>) -> Result<Chain, Refusal> {
    let acting = subject.caller.acting();
    let actors = subject.caller.delegation.iter().flat_map(|delegation| delegation.actors.iter());
    let before = actors.map(|actor| (actor.identity.id.clone(), actor.credential.id));
    let holder = acting.map_or(&subject.caller.identity.id, |acting| &acting.identity.id);
    let handed_on = *holder != client.identity.id || subject.token.claims.at("may_act").is_some();
    if handed_on && !subject.may_be_used_by(client, request.snapshot) {
        let api = subject.api.as_ref().map_or_else(|| "no API of ours".to_owned(), |api| format!("the API `{}`", api.name));
        return Err(refused(
            "this client may not act with the `subject_token`: it does not serve the API that the token is for, or its owner does not answer for that",
        )
        .because(Against::MayNotAct)
        .recorded(format!("`{}` may not act with a token of `{}` for {api}", client.identity.id, subject.caller.identity.id)));
    }
    // To whose key it is bound changes with whoever acts; that it is bound does not.
    if subject.token.confirmation().is_some() && client.holds.is_none() {
        return Err(refused("the `subject_token` is bound to a key: what comes of it has to be bound to one too"));
    }
    if handed_on {
        return Ok(Chain { actors: std::iter::once((client.identity.id.clone(), own.id)).chain(before).collect(), handed_on });
    }
    // What the new token rests on is what the old one does: another credential would be worth as much as that, and not end it.
    let rests_on = acting.map(|acting| acting.credential.id).or(subject.caller.credential.as_ref().map(|credential| credential.id));
    if rests_on != Some(own.id) {
        return Err(refused("the `subject_token` was got by another credential of this client: prove yourself by that one"));
    }
    Ok(Chain { actors: before.collect(), handed_on })
}

/// The task that the new token is of: the old one's, and of it no more than the old one is for. Where that is of none, only whom it is of
/// brings it under a task.
fn within(subject: &Subject, request: &Request<'_>) -> Result<Option<Asks>, Refusal> {
    let (of, before) = (&subject.caller.identity.id, subject.token.task.as_deref());
    let own = *of == request.caller.identity.id && subject.caller.acting().is_none();
    if before.is_none() && !own && details::is_asked(request) {
        return Err(Refusal::new(
            Error::InvalidAuthorizationDetails,
            "the `subject_token` is of no task, and only whom it is of could bring it under one",
        ));
    }
    details::asked(request, of, before)
}

/// Whether an `actor_token` stands for the client that shows it (RFC 8693 §2.1): it says nothing that the client does not prove besides.
fn is_of(text: &str, client: &Caller, request: &Request<'_>) -> Result<(), Refusal> {
    let actor = proof::subject(text, request.snapshot, request.now);
    let own = actor.is_some_and(|actor| actor.caller.acting().is_none() && actor.caller.identity.id == client.identity.id);
    if own { Ok(()) } else { Err(refused("the `actor_token` is not taken here, or stands for somebody else than the client")) }
}
