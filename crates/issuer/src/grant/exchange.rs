//! Grant `token-exchange` (RFC 8693): one token for another.

use super::federation;
use crate::{
    answer::{Error, Refusal},
    exchange::Request,
};
use bytes::Bytes;
use http::Response;
use wardgate_model::facts::Facts;
use wardgate_proof::{
    entropy::Entropy,
    grant::{self, ACCESS_TOKEN},
};

/// Gives a token out.
///
/// # Errors
/// What is asked for is none, or more than there is.
pub(super) fn issue(request: &Request<'_>, facts: &Facts, entropy: &dyn Entropy) -> Result<Response<Bytes>, Refusal> {
    let bad = |why: &str| Err(Refusal::new(Error::InvalidRequest, why));
    let form = &request.form;
    let Some(subject) = form.one("subject_token") else { return bad("`subject_token` is missing") };
    match form.one("subject_token_type") {
        None => return bad("`subject_token_type` is missing"),
        Some(kind) if !grant::is_signed(kind) => {
            return bad("`subject_token_type` is `access_token`, `id_token` or `jwt`, as RFC 8693 §3 has them");
        }
        Some(_) => {}
    }
    if form.one("requested_token_type").is_some_and(|kind| kind != ACCESS_TOKEN) {
        return bad("`requested_token_type`: access tokens are given out here, and nothing else");
    }
    match (form.one("actor_token"), form.one("actor_token_type")) {
        (None, Some(_)) => return bad("`actor_token_type` stands there without `actor_token`"),
        (Some(_), None) => return bad("`actor_token_type` is missing"),
        (Some(_), Some(_)) => return bad("`actor_token`: nobody acts for another here"),
        (None, None) => {}
    }
    federation::issue(subject, Error::InvalidRequest, Some(ACCESS_TOKEN), request, facts, entropy)
}
