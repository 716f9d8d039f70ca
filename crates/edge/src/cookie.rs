//! A session that a browser keeps in a cookie. Takes the fields of a request, writes the session where rooms look for it.
//!
//! Why here: to the rooms a session is a session. Browsers send cookies whoever asks them to, so a cookie counts only in a
//! request that no other site can have caused; in any other it is no credential at all (RFC 6265bis §8.2).
//!
//! INVARIANT (same origin): nothing that another site caused is done in somebody's name.

use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, header};
use wardgate_model::facts::Door;

/// The cookie's name: the prefix binds it to TLS and to this host alone (RFC 6265bis §4.1.3.2).
pub const SESSION: &str = "__Host-wardgate-session";
/// The field that a page of ours sets on what changes something: another site cannot without being asked first.
pub const CSRF: HeaderName = HeaderName::from_static("wardgate-csrf");
/// Longest session that is looked at, in bytes.
const SESSION_BYTES_MAX: usize = 256;
/// Where cookies count.
const PREFIX: &str = "/api/v1/";

/// Puts the session of a cookie where a program would have put it, if it counts. A credential that is shown otherwise stays
/// alone.
pub(crate) fn read<B>(door: Door, request: &mut Request<B>) {
    if door != Door::Admin || !request.headers().contains_key(header::COOKIE) {
        return;
    }
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    taken(&method, &path, request.headers_mut());
}

fn taken(method: &Method, path: &str, headers: &mut HeaderMap) {
    if !path.starts_with(PREFIX) || headers.contains_key(header::AUTHORIZATION) {
        return;
    }
    if !counts(method, headers) {
        return;
    }
    let Some(mut value) = session(headers).and_then(|session| HeaderValue::from_str(&format!("Bearer {session}")).ok()) else { return };
    value.set_sensitive(true);
    headers.insert(header::AUTHORIZATION, value);
}

/// Whether no other site can have caused this request.
fn counts(method: &Method, headers: &HeaderMap) -> bool {
    let one = |name: &HeaderName| {
        let mut values = headers.get_all(name).iter();
        values.next().filter(|_| values.next().is_none()).and_then(|value| value.to_str().ok())
    };
    let site = HeaderName::from_static("sec-fetch-site");
    let same_origin = match (headers.contains_key(&site), headers.contains_key(header::ORIGIN)) {
        (true, _) => one(&site) == Some("same-origin"),
        // A browser that does not say so says at least which origin a change comes from.
        (false, true) => one(&header::ORIGIN)
            .zip(one(&header::HOST))
            .is_some_and(|(origin, host)| origin.strip_prefix("https://").is_some_and(|authority| authority.eq_ignore_ascii_case(host))),
        (false, false) => false,
    };
    let reads = matches!(*method, Method::GET | Method::HEAD);
    same_origin && (reads || one(&CSRF) == Some("1"))
}

/// The session, if there is exactly one.
fn session(headers: &HeaderMap) -> Option<&str> {
    let fields = headers.get_all(header::COOKIE).iter().filter_map(|field| field.to_str().ok());
    let pairs = fields.flat_map(|field| field.split(';')).filter_map(|pair| pair.trim_matches(' ').split_once('='));
    let mut found = pairs.filter(|(name, _)| *name == SESSION).map(|(_, value)| value);
    let session = found.next().filter(|_| found.next().is_none())?;
    let plain = session.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'));
    (plain && session.starts_with("wgs_") && session.len() <= SESSION_BYTES_MAX).then_some(session)
}

#[cfg(test)]
mod tests {
    use super::{SESSION, taken};
    use http::{HeaderMap, HeaderValue, Method, header::AUTHORIZATION};

    const COOKIE: &str = "cookie: a=b; __Host-wardgate-session=wgs_x_y";

    fn check(request: &str, fields: &[&'static str]) -> Option<String> {
        let (method, path) = request.split_once(' ').unwrap();
        let mut headers = HeaderMap::new();
        for field in fields {
            let (name, value) = field.split_once(": ").unwrap();
            headers.append(name.parse::<http::HeaderName>().unwrap(), HeaderValue::from_static(value));
        }
        taken(&method.parse::<Method>().unwrap(), path, &mut headers);
        headers.get(AUTHORIZATION).map(|value| value.to_str().unwrap().to_owned())
    }

    #[test]
    fn a_cookie_counts_where_no_other_site_can_have_caused_it() {
        let session = Some("Bearer wgs_x_y".to_owned());
        let (same, csrf) = ("sec-fetch-site: same-origin", "wardgate-csrf: 1");
        assert!(COOKIE.contains(SESSION));
        assert_eq!(check("GET /api/v1/whoami", &[COOKIE, same]), session);
        assert_eq!(check("POST /api/v1/apply", &[COOKIE, same, csrf]), session);
        let (host, origin) = ("host: gate.example", "origin: https://gate.example");
        assert_eq!(check("DELETE /api/v1/x", &[COOKIE, host, origin, csrf]), session, "an older browser");
        for (request, fields) in [
            ("GET /api/v1/whoami", &[COOKIE][..]),
            ("GET /api/v1/whoami", &[COOKIE, "sec-fetch-site: cross-site"]),
            ("GET /api/v1/whoami", &[COOKIE, "sec-fetch-site: same-site"]),
            ("GET /api/v1/whoami", &[COOKIE, "sec-fetch-site: none"]),
            ("GET /api/v1/whoami", &[COOKIE, same, "sec-fetch-site: cross-site"]),
            ("POST /api/v1/apply", &[COOKIE, same]),
            ("POST /api/v1/apply", &[COOKIE, same, "wardgate-csrf: 0"]),
            ("POST /api/v1/apply", &[COOKIE, csrf]),
            ("POST /api/v1/apply", &[COOKIE, csrf, "sec-fetch-site: cross-site", host, origin]),
            ("POST /api/v1/apply", &[COOKIE, csrf, host, "origin: https://gate.example.evil"]),
            ("POST /api/v1/apply", &[COOKIE, csrf, host, "origin: http://gate.example"]),
            ("POST /api/v1/apply", &[COOKIE, csrf, host, "origin: null"]),
            ("GET /other", &[COOKIE, same]),
            ("GET /api/v1/whoami", &["cookie: wardgate-session=wgs_x_y", same]),
            ("GET /api/v1/whoami", &[COOKIE, COOKIE, same]),
            ("GET /api/v1/whoami", &["cookie: __Host-wardgate-session=wga_x_y", same]),
            ("GET /api/v1/whoami", &["cookie: __Host-wardgate-session=wgs x", same]),
        ] {
            assert_eq!(check(request, fields), None, "{request} {fields:?}");
        }
        let shown = "authorization: Bearer other";
        assert_eq!(check("GET /api/v1/whoami", &[COOKIE, same, shown]).as_deref(), Some("Bearer other"), "what is shown stays alone");
    }
}
