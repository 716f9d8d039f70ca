//! Grant `client_credentials` (RFC 6749 §4.4): a client asks for itself.

use super::reach::Reach;
use crate::{
    answer::{Error, Refusal},
    details,
    exchange::Request,
    mint::{self, Wanted},
};
use bytes::Bytes;
use http::Response;
use wardgate_model::facts::Facts;
use wardgate_proof::entropy::Entropy;

/// `grant_type`.
pub(crate) const NAME: &str = "client_credentials";

/// Gives a token out.
///
/// # Errors
/// What the client asks for is none, or more than it has.
pub(super) fn issue(request: &Request<'_>, facts: &Facts, entropy: &dyn Entropy) -> Result<Response<Bytes>, Refusal> {
    let caller = request.caller;
    let Some(credential) = caller.credential.as_deref() else {
        return Err(Refusal::new(Error::UnauthorizedClient, "nothing is on record that a token could rest on"));
    };
    let task = details::asked(request, &caller.identity.id, None)?;
    let reach = Reach::of(request, facts, caller, credential).of_task(task.as_ref());
    let (audience, api) = reach.target()?;
    let scope = reach.scope(&audience, &api)?;
    let ends = reach.ends(&api);
    let wanted = Wanted {
        caller,
        credential: credential.id,
        audience: &audience,
        scope: &scope,
        ends,
        actors: &[],
        parents: &[],
        task: task.as_ref(),
        unbound: false,
        since: None,
        issued_type: None,
    };
    mint::mint(&wanted, request, entropy)
}
