//! For how long an answer may be kept, as its server says (RFC 9111 §4.2, §5.2.2).

use http::{HeaderMap, header};
use std::time::Duration;

/// How long the server says that its answer stays fresh, from now on; `None` when it says nothing that can be read.
///
/// `no-store` and `no-cache` are zero: whoever keeps it nevertheless keeps it for as short as it ever does.
#[must_use]
pub fn fresh_for(headers: &HeaderMap) -> Option<Duration> {
    let mut life: Option<u64> = None;
    for value in headers.get_all(header::CACHE_CONTROL) {
        for directive in value.to_str().ok()?.split(',') {
            let (name, argument) = directive.split_once('=').map_or((directive, None), |(name, argument)| (name, Some(argument)));
            let name = name.trim();
            if name.eq_ignore_ascii_case("no-store") || name.eq_ignore_ascii_case("no-cache") {
                return Some(Duration::ZERO);
            }
            if name.eq_ignore_ascii_case("max-age") {
                // §4.2.1: of several the shortest, of an unreadable one nothing.
                let said = seconds(argument.unwrap_or_default().trim().trim_matches('"'));
                life = Some(life.unwrap_or(u64::MAX).min(said));
            }
        }
    }
    let age = headers.get(header::AGE).and_then(|age| age.to_str().ok()).map_or(0, |age| seconds(age.trim()));
    life.map(|life| Duration::from_secs(life.saturating_sub(age)))
}

/// How long the server asks to be left alone (RFC 9110 §10.2.3), where it says so in seconds.
#[must_use]
pub fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim();
    let plain = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    plain.then(|| Duration::from_secs(seconds(text)))
}

/// Digits as seconds; too many are very long, anything else is zero. Never more than about 68 years (RFC 9111 §1.2.2).
fn seconds(text: &str) -> u64 {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let longest = u64::from(u32::MAX / 2);
    if digits { text.parse().unwrap_or(longest).min(longest) } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::{fresh_for, retry_after};
    use http::{HeaderMap, HeaderName, HeaderValue};
    use std::time::Duration;

    fn headers(lines: &[&str]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for line in lines {
            let (name, value) = line.split_once(": ").expect("a header");
            headers.append(name.parse::<HeaderName>().expect("a name"), HeaderValue::from_str(value).expect("a value"));
        }
        headers
    }

    #[test]
    fn freshness_is_read_as_caches_read_it() {
        for (lines, seconds) in [
            (&[] as &[&str], None),
            (&["cache-control: public"], None),
            (&["cache-control: public, max-age=300"], Some(300)),
            (&["cache-control: MAX-AGE=\"300\""], Some(300)),
            (&["cache-control: max-age=300", "age: 100"], Some(200)),
            (&["cache-control: max-age=300", "age: 400"], Some(0)),
            (&["cache-control: max-age=300, max-age=20"], Some(20)),
            (&["cache-control: max-age=300", "cache-control: no-cache"], Some(0)),
            (&["cache-control: max-age=300, no-store"], Some(0)),
            (&["cache-control: max-age=-1"], Some(0)),
            (&["cache-control: max-age=soon"], Some(0)),
            (&["cache-control: max-age"], Some(0)),
            (&["cache-control: max-age=99999999999999999999999"], Some(2_147_483_647)),
            (&["cache-control: max-age=10", "age: x"], Some(10)),
        ] {
            assert_eq!(fresh_for(&headers(lines)), seconds.map(Duration::from_secs), "{lines:?}");
        }
    }

    #[test]
    fn a_server_may_ask_for_rest_in_seconds() {
        for (line, seconds) in
            [("retry-after: 120", Some(120)), ("retry-after: Fri, 31 Dec 1999 23:59:59 GMT", None), ("retry-after: -1", None)]
        {
            assert_eq!(retry_after(&headers(&[line])), seconds.map(Duration::from_secs), "{line}");
        }
        assert_eq!(retry_after(&headers(&[])), None);
    }
}
