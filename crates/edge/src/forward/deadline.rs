//! How long a client waits, as it says itself.

use http::HeaderMap;
use std::time::Duration;

/// `grpc-timeout`: at most eight digits and a unit. What cannot be read is left to the upstream.
pub(super) fn of_grpc(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get("grpc-timeout")?.to_str().ok()?;
    let (unit, digits) = (text.chars().last()?, text.get(..text.len().checked_sub(1)?)?);
    if digits.len() > 8 || digits.is_empty() || !digits.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    let count: u64 = digits.parse().ok()?;
    match unit {
        'H' => Some(Duration::from_secs(count * 3600)),
        'M' => Some(Duration::from_secs(count * 60)),
        'S' => Some(Duration::from_secs(count)),
        'm' => Some(Duration::from_millis(count)),
        'u' => Some(Duration::from_micros(count)),
        'n' => Some(Duration::from_nanos(count)),
        _ => None,
    }
}
