//! What the HTTP/2 parser lets through, looked at again before it becomes HTTP/1 (RFC 9113 §8.2, §8.3; STANDARDS §3.1).

use super::Refusal;
use crate::limits::EdgeLimits;
use http::{HeaderMap, HeaderName, HeaderValue, header, request::Parts};
use wardgate_model::reason::Reason;

/// What belongs to one connection and has no place in HTTP/2 (§8.2.2).
const OF_A_CONNECTION: [HeaderName; 5] = [
    header::CONNECTION,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
];

/// Looks at a head again.
///
/// # Errors
/// With the reason for which it is refused, and what is wrong. A line is none: there are no lines in HTTP/2.
pub fn recheck(parts: &Parts, limits: &EdgeLimits) -> Result<(), Refusal> {
    if parts.uri.path_and_query().is_some_and(|target| target.as_str().len() > limits.target_bytes_max) {
        return refused(Reason::WireTargetTooLong, "the target is longer than it may be");
    }
    if parts.method.as_str().len() > limits.method_bytes_max {
        return refused(Reason::WireMalformed, "the method is longer than it may be");
    }
    fields(&parts.headers, limits)?;
    let wholly = parts.uri.scheme().is_some() && parts.uri.path().starts_with('/');
    let asterisk = parts.uri.path() == "*" && parts.method == http::Method::OPTIONS;
    if !(wholly || asterisk || parts.method == http::Method::CONNECT) {
        return refused(Reason::WireMalformed, "the target has no `:scheme`, or a `:path` that does not begin with a slash");
    }
    Ok(())
}

fn fields(headers: &HeaderMap, limits: &EdgeLimits) -> Result<(), Refusal> {
    if headers.len() > limits.fields_max {
        return refused(Reason::WireHeadTooLarge, "there are more header fields than may be");
    }
    let several = headers.get_all(header::CONTENT_LENGTH).iter().nth(1).is_some();
    if several || headers.get(header::CONTENT_LENGTH).is_some_and(|length| !is_number(length)) {
        return refused(Reason::WireFraming, "`content-length` is not one number");
    }
    if OF_A_CONNECTION.iter().any(|name| headers.contains_key(name)) {
        return refused(
            Reason::WireMalformed,
            "a header field of a connection, as `connection` or `transfer-encoding`, has no place in HTTP/2",
        );
    }
    if headers.get_all(header::TE).iter().any(|te| !te.as_bytes().eq_ignore_ascii_case(b"trailers")) {
        return refused(Reason::WireMalformed, "`te` may only say `trailers` in HTTP/2");
    }
    // It would be another one behind the next parser (§8.2.1).
    let padded = |value: &HeaderValue| value.as_bytes().trim_ascii().len() != value.len();
    if headers.get_all(header::AUTHORIZATION).iter().any(padded) {
        return refused(
            Reason::WireMalformed,
            "`authorization` begins or ends with white space, as where nothing stands behind its scheme",
        );
    }
    if headers.values().any(padded) {
        return refused(Reason::WireMalformed, "a header field's value begins or ends with white space");
    }
    if headers.iter().map(|(name, value)| name.as_str().len() + value.len() + 4).sum::<usize>() > limits.head_bytes_max {
        return refused(Reason::WireHeadTooLarge, "the header fields together are longer than they may be");
    }
    Ok(())
}

const fn refused(reason: Reason, detail: &'static str) -> Result<(), Refusal> {
    Err(Refusal::new(reason, detail, 0))
}

/// Digits only: a sign or white space is read differently elsewhere.
fn is_number(length: &HeaderValue) -> bool {
    let digits = length.as_bytes();
    !digits.is_empty() && digits.len() <= 18 && digits.iter().all(u8::is_ascii_digit)
}

#[cfg(test)]
mod tests;
