//! Who is told to wait: `Retry-After` (RFC 9110 §10.2.3) of an answer, whoever said it. Whether it is heeded is a signal (`deaf`).

use crate::record::Exchange;
use http::{HeaderMap, StatusCode, header};

/// Tells the watch for how long a client was asked to stay away. A date counts for nothing: the clocks of two sides differ. Of an upstream's
/// answers those count that refuse for now: a redirection says something else by the same field.
pub(crate) fn told(exchange: &Exchange, status: StatusCode, headers: &HeaderMap, refused: bool) {
    let asks = refused || matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE);
    let Some(seconds) = headers.get(header::RETRY_AFTER).filter(|_| asks).and_then(|said| seconds(said.as_bytes())) else { return };
    if let Some(facts) = exchange.facts() {
        exchange.thread().gate.meters().watch().told_to_wait(facts, seconds, exchange.now());
    }
}

/// Digits, as a number; very many are very long.
fn seconds(said: &[u8]) -> Option<u64> {
    let digits = !said.is_empty() && said.iter().all(u8::is_ascii_digit);
    digits.then(|| said.iter().fold(0_u64, |all, digit| all.saturating_mul(10).saturating_add(u64::from(digit - b'0'))))
}

#[cfg(test)]
mod tests {
    use super::seconds;

    #[test]
    fn only_digits_are_seconds() {
        assert_eq!(seconds(b"30"), Some(30));
        assert_eq!(seconds(b"0"), Some(0));
        assert_eq!(seconds(&[b'9'; 40]), Some(u64::MAX));
        for none in ["", "-1", "1.5", "soon", "Fri, 31 Dec 1999 23:59:59 GMT"] {
            assert_eq!(seconds(none.as_bytes()), None, "{none}");
        }
    }
}
