//! What a refusal is at our own token service: OAuth's own JSON (RFC 6749 §5.2), the same for whatever is wrong with a credential.

use super::{Voice, allow, quote, rate_limits};
use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header};
use std::fmt::Write as _;
use wardgate_model::{
    facts::{Facts, Upon},
    id::RequestId,
    reason::Reason,
    ruling::Ruling,
};

/// The answer.
pub(super) fn refusal(id: RequestId, ruling: &Ruling, facts: Option<&Facts>, voice: Voice) -> Response<Bytes> {
    let reason = ruling.reason().outside();
    let upon = facts.and_then(|facts| facts.stopped?.upon);
    let (status, error) = told(reason, upon);
    let mut response = Response::new(Bytes::new());
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::PRAGMA, HeaderValue::from_static("no-cache"));
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    if status == StatusCode::UNAUTHORIZED {
        // The one scheme that a client can show in `Authorization` here.
        headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Basic realm=\"wardgate\""));
    }
    if status == StatusCode::METHOD_NOT_ALLOWED {
        headers.insert(header::ALLOW, allow(facts));
    }
    if let Some(seconds) = ruling.retry_after_s.or_else(|| (status == StatusCode::SERVICE_UNAVAILABLE).then_some(1)) {
        headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    if let Some(facts) = facts {
        rate_limits(headers, ruling, facts);
    }
    let body = body(id, error, reason, upon);
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(body.len()));
    *response.status_mut() = status;
    if voice != Voice::HeadOnly {
        *response.body_mut() = Bytes::from(body);
    }
    response
}

/// Status and error code of a reason. Whoever may not come in at all is no client; who is one and may not do this is unauthorized.
///
/// Where the token that is asked upon is the proof, what is wrong with it is wrong with the request (RFC 8693 §2.2.2) or the grant
/// (RFC 7521 §4.1.1).
fn told(reason: Reason, upon: Option<Upon>) -> (StatusCode, &'static str) {
    let status = StatusCode::from_u16(reason.row().http).unwrap_or(StatusCode::BAD_REQUEST);
    match (reason.room(), status) {
        (_, StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE) => (status, "temporarily_unavailable"),
        (_, status) if status.is_server_error() => (status, "server_error"),
        // RFC 9449 §5, §8: what is wrong with the proof of possession beside the client's own.
        _ if reason == Reason::ProofPossession => (StatusCode::BAD_REQUEST, "invalid_dpop_proof"),
        _ if reason == Reason::ProofNonce => (StatusCode::BAD_REQUEST, "use_dpop_nonce"),
        _ if is_form(reason) => (StatusCode::BAD_REQUEST, "invalid_request"),
        ("credential" | "proof" | "identity", _) if upon == Some(Upon::Exchange) => (StatusCode::BAD_REQUEST, "invalid_request"),
        ("credential" | "proof" | "identity", _) if upon == Some(Upon::Assertion) => (StatusCode::BAD_REQUEST, "invalid_grant"),
        ("credential" | "proof" | "identity" | "commit", _) => (StatusCode::UNAUTHORIZED, "invalid_client"),
        ("standing" | "rule", _) => (StatusCode::BAD_REQUEST, "unauthorized_client"),
        (_, status) => (status, "invalid_request"),
    }
}

/// Whether the request itself is ill-formed, whatever it asks upon: a secret in the body, a parameter twice (RFC 6749 §5.2).
fn is_form(reason: Reason) -> bool {
    reason.room() == "credential" && reason.row().http == 400
}

fn body(id: RequestId, error: &str, reason: Reason, upon: Option<Upon>) -> String {
    let description = match error {
        // Whatever is wrong with it.
        "invalid_client" => "the client cannot be authenticated",
        "invalid_request" | "invalid_grant" if upon.is_some() && !is_form(reason) => "the token that is asked upon is not taken here",
        _ => reason.row().public,
    };
    let mut json = String::with_capacity(160);
    let _infallible = write!(json, "{{\"error\":\"{error}\",\"error_description\":");
    quote(&mut json, description);
    let _infallible = write!(json, ",\"request_id\":\"{id}\"}}");
    json
}

#[cfg(test)]
mod tests {
    use super::told;
    use wardgate_model::{facts::Upon, reason::Reason};

    /// RFC 8693 §2.2.2, RFC 7521 §4.1.1: what is asked upon is not the client's own credential.
    #[test]
    fn what_is_wrong_with_a_token_that_is_asked_upon_has_an_error_of_its_own() {
        for (reason, of_exchange, of_assertion) in [
            (Reason::ProofExpired, "400 invalid_request", "400 invalid_grant"),
            (Reason::ProofSubject, "400 invalid_request", "400 invalid_grant"),
            (Reason::CredentialNotAccepted, "400 invalid_request", "400 invalid_grant"),
            (Reason::IdentityContained, "400 invalid_request", "400 invalid_grant"),
            (Reason::CredentialMisplaced, "400 invalid_request", "400 invalid_request"),
            (Reason::CredentialMalformed, "400 invalid_request", "400 invalid_request"),
            (Reason::ProofKeysAway, "503 temporarily_unavailable", "503 temporarily_unavailable"),
            (Reason::StandingDenied, "400 unauthorized_client", "400 unauthorized_client"),
        ] {
            let said = [Upon::Exchange, Upon::Assertion].map(|upon| {
                let (status, error) = told(reason.outside(), Some(upon));
                format!("{} {error}", status.as_u16())
            });
            assert_eq!(said, [of_exchange, of_assertion], "{}", reason.code());
        }
    }

    /// RFC 6749 §5.2. Unknown, expired, revoked and contained are one.
    #[test]
    fn reasons_are_told_as_oauth_has_them() {
        for (reason, expected) in [
            (Reason::CredentialMissing, "401 invalid_client"),
            (Reason::CredentialNotAccepted, "401 invalid_client"),
            (Reason::ProofUnknown, "401 invalid_client"),
            (Reason::ProofExpired, "401 invalid_client"),
            (Reason::ProofReplayed, "401 invalid_client"),
            (Reason::ProofSource, "401 invalid_client"),
            (Reason::IdentityContained, "401 invalid_client"),
            (Reason::IdentityEnded, "401 invalid_client"),
            (Reason::CommitStale, "401 invalid_client"),
            (Reason::ProofPossession, "400 invalid_dpop_proof"),
            (Reason::ProofRepeated, "400 invalid_dpop_proof"),
            (Reason::ProofNonce, "400 use_dpop_nonce"),
            (Reason::CredentialConflict, "400 invalid_request"),
            (Reason::CredentialMalformed, "400 invalid_request"),
            (Reason::CredentialMisplaced, "400 invalid_request"),
            (Reason::WireBodyTooLarge, "413 invalid_request"),
            (Reason::RouteNoMethod, "405 invalid_request"),
            (Reason::StandingDenied, "400 unauthorized_client"),
            (Reason::RuleForbidden, "400 unauthorized_client"),
            (Reason::SourceLimited, "429 temporarily_unavailable"),
            (Reason::ReserveRate, "429 temporarily_unavailable"),
            (Reason::CommitNoRecord, "503 temporarily_unavailable"),
            (Reason::ForwardFault, "500 server_error"),
        ] {
            let (status, error) = told(reason.outside(), None);
            assert_eq!(format!("{} {error}", status.as_u16()), expected, "{}", reason.code());
        }
    }
}
