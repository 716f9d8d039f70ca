//! Grant `token-exchange` (RFC 8693): one token for another. Whoever shows the token of a trust source and nothing else asks for itself
//! ([`federation`]); whoever proves itself besides acts for whom the token stands for ([`delegation`]).

use super::{delegation, federation};
use crate::{
    answer::{Error, Refusal},
    exchange::Request,
};
use bytes::Bytes;
use http::Response;
use wardgate_model::{credential::CredentialKind, facts::Facts};
use wardgate_proof::{
    entropy::Entropy,
    grant::{self, ACCESS_TOKEN},
};

/// Gives a token out.
///
/// # Errors
/// What is asked for is none, or more than there is.
pub(super) fn issue(request: &Request<'_>, facts: &Facts, entropy: &dyn Entropy) -> Result<Response<Bytes>, Refusal> {
    let bad = |why: &'static str| Err(Refusal::new(Error::InvalidRequest, why));
    let form = &request.form;
    let signed = |kind: Option<&str>| kind.is_some_and(grant::is_signed);
    let Some(subject) = form.one("subject_token") else { return bad("`subject_token` is missing") };
    if !signed(form.one("subject_token_type")) {
        return bad("`subject_token_type` has to be `access_token`, `id_token` or `jwt`, as RFC 8693 section 3 has them");
    }
    if form.one("requested_token_type").is_some_and(|kind| kind != ACCESS_TOKEN) {
        return bad("`requested_token_type`: access tokens are given out here, and nothing else");
    }
    let actor = match (form.one("actor_token"), form.one("actor_token_type")) {
        (None, Some(_)) => return bad("`actor_token_type` stands there without `actor_token`"),
        (Some(_), kind) if !signed(kind) => {
            return bad("`actor_token_type` has to be `access_token`, `id_token` or `jwt`, as RFC 8693 section 3 has them");
        }
        (actor, _) => actor,
    };
    let federated = request.caller.credential.as_deref().is_some_and(|credential| credential.kind == CredentialKind::Oidc);
    if federated && actor.is_none() {
        return federation::issue(subject, Error::InvalidRequest, Some(ACCESS_TOKEN), request, facts, entropy);
    }
    delegation::issue(subject, actor, request, facts, entropy)
}
