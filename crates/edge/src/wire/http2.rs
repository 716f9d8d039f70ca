//! What the HTTP/2 parser lets through, looked at again before it becomes HTTP/1 (RFC 9113 §8.2, §8.3; STANDARDS §3.1).

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
/// With the reason for which it is refused.
pub fn recheck(parts: &Parts, limits: &EdgeLimits) -> Result<(), Reason> {
    if parts.uri.path_and_query().is_some_and(|target| target.as_str().len() > limits.target_bytes_max) {
        return Err(Reason::WireTargetTooLong);
    }
    if parts.method.as_str().len() > limits.method_bytes_max {
        return Err(Reason::WireMalformed);
    }
    fields(&parts.headers, limits)?;
    let wholly = parts.uri.scheme().is_some() && parts.uri.path().starts_with('/');
    let asterisk = parts.uri.path() == "*" && parts.method == http::Method::OPTIONS;
    if !(wholly || asterisk || parts.method == http::Method::CONNECT) {
        return Err(Reason::WireMalformed);
    }
    Ok(())
}

fn fields(headers: &HeaderMap, limits: &EdgeLimits) -> Result<(), Reason> {
    if headers.len() > limits.fields_max {
        return Err(Reason::WireHeadTooLarge);
    }
    let connected = OF_A_CONNECTION.iter().any(|name| headers.contains_key(name));
    let te = headers.get_all(header::TE).iter().any(|te| !te.as_bytes().eq_ignore_ascii_case(b"trailers"));
    let several = headers.get_all(header::CONTENT_LENGTH).iter().nth(1).is_some();
    if several || headers.get(header::CONTENT_LENGTH).is_some_and(|length| !is_number(length)) {
        return Err(Reason::WireFraming);
    }
    // A value that begins or ends with white space would be another one behind the next parser (§8.2.1).
    let padded = |value: &HeaderValue| value.as_bytes().trim_ascii().len() != value.len();
    let long = headers.iter().map(|(name, value)| name.as_str().len() + value.len() + 4).sum::<usize>() > limits.head_bytes_max;
    match (connected || te || headers.values().any(padded), long) {
        (true, _) => Err(Reason::WireMalformed),
        (false, true) => Err(Reason::WireHeadTooLarge),
        (false, false) => Ok(()),
    }
}

/// Digits only: a sign or white space is read differently elsewhere.
fn is_number(length: &HeaderValue) -> bool {
    let digits = length.as_bytes();
    !digits.is_empty() && digits.len() <= 18 && digits.iter().all(u8::is_ascii_digit)
}

#[cfg(test)]
mod tests;
