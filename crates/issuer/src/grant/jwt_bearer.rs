//! Grant `jwt-bearer` (RFC 7523 §2.1): a workload asks upon what others vouch for. The same as an exchange, by its older name.

use super::federation;
use crate::{
    answer::{Error, Refusal},
    exchange::Request,
};
use bytes::Bytes;
use http::Response;
use wardgate_model::facts::Facts;
use wardgate_proof::entropy::Entropy;

/// Gives a token out.
///
/// # Errors
/// What is asked for is none, or more than there is.
pub(super) fn issue(request: &Request<'_>, facts: &Facts, entropy: &dyn Entropy) -> Result<Response<Bytes>, Refusal> {
    let Some(text) = request.form.one("assertion") else {
        return Err(Refusal::new(Error::InvalidRequest, "`assertion` is missing"));
    };
    federation::issue(text, Error::InvalidGrant, None, request, facts, entropy)
}
