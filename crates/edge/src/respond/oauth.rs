//! What a refusal is at our own token service: OAuth's own JSON (RFC 6749 §5.2), the same for whatever is wrong with a credential.

use super::{Voice, allow, quote, rate_limits};
use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header};
use std::fmt::Write as _;
use wardgate_model::{facts::Facts, id::RequestId, reason::Reason, ruling::Ruling};

/// The answer.
pub(super) fn refusal(id: RequestId, ruling: &Ruling, facts: Option<&Facts>, voice: Voice) -> Response<Bytes> {
    let reason = ruling.reason().outside();
    let (status, error) = told(reason);
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
    let body = body(id, error, reason);
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(body.len()));
    *response.status_mut() = status;
    if voice != Voice::HeadOnly {
        *response.body_mut() = Bytes::from(body);
    }
    response
}

/// Status and error code of a reason. Whoever may not come in at all is no client; who is one and may not do this is unauthorized.
fn told(reason: Reason) -> (StatusCode, &'static str) {
    let status = StatusCode::from_u16(reason.row().http).unwrap_or(StatusCode::BAD_REQUEST);
    match (reason.room(), status) {
        (_, StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE) => (status, "temporarily_unavailable"),
        (_, status) if status.is_server_error() => (status, "server_error"),
        ("credential", StatusCode::BAD_REQUEST) => (StatusCode::BAD_REQUEST, "invalid_request"),
        ("credential" | "proof" | "identity" | "commit", _) => (StatusCode::UNAUTHORIZED, "invalid_client"),
        ("standing" | "rule", _) => (StatusCode::BAD_REQUEST, "unauthorized_client"),
        (_, status) => (status, "invalid_request"),
    }
}

fn body(id: RequestId, error: &str, reason: Reason) -> String {
    let description = match error {
        // Whatever is wrong with it.
        "invalid_client" => "the client cannot be authenticated",
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
    use wardgate_model::reason::Reason;

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
            let (status, error) = told(reason.outside());
            assert_eq!(format!("{} {error}", status.as_u16()), expected, "{}", reason.code());
        }
    }
}
