//! Tokens are given out: which grant is asked for (RFC 6749 §1.3), a module for each.

mod client_credentials;
mod delegation;
mod exchange;
mod federation;
mod jwt_bearer;
mod reach;

use crate::{
    answer::{Error, Refusal},
    exchange::Request,
};
use bytes::Bytes;
use http::Response;
use wardgate_model::facts::Facts;
use wardgate_proof::{
    entropy::Entropy,
    grant::{JWT_BEARER, TOKEN_EXCHANGE},
};

/// Each grant, by the name that it has in `grant_type`.
pub(crate) const ALL: [&str; 3] = [client_credentials::NAME, TOKEN_EXCHANGE, JWT_BEARER];

/// Gives a token out.
///
/// # Errors
/// What the client asks for is none, or more than it has.
pub(crate) fn issue(request: &Request<'_>, facts: &Facts, entropy: &dyn Entropy) -> Result<Response<Bytes>, Refusal> {
    match request.form.one("grant_type") {
        Some(client_credentials::NAME) => client_credentials::issue(request, facts, entropy),
        Some(TOKEN_EXCHANGE) => exchange::issue(request, facts, entropy),
        Some(JWT_BEARER) => jwt_bearer::issue(request, facts, entropy),
        Some(_) => Err(Refusal::new(Error::UnsupportedGrantType, "`grant_type` is none that is known here")
            .told(&format!("the grants are {}", ALL.map(|name| format!("`{name}`")).join(", ")))),
        None => Err(Refusal::new(Error::InvalidRequest, "`grant_type` is missing")),
    }
}
