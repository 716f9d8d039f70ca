//! Header hygiene, in the order that STANDARDS §3.1 asks for: first what `Connection` names, then what ends at every hop,
//! then what claims trust, and only then our own (CVE-2021-32813, CVE-2024-45410: the other way round a client takes our
//! fields off).

use http::{HeaderMap, HeaderName, HeaderValue, header};
use smallvec::SmallVec;
use wardgate_gate::{Show, credential, signers};
use wardgate_model::api::Api;

/// `Wardgate-Request-Id`.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("wardgate-request-id");
/// `Wardgate-Reason`: the code of a refusal, in the head of refusals of ours and nowhere else. So whoever is refused can tell the gate from the
/// API. What breaks off under way does not have it, nor what a service of our own answers.
pub const REASON: HeaderName = HeaderName::from_static("wardgate-reason");
/// `Wardgate-Assertion`.
pub const ASSERTION: HeaderName = HeaderName::from_static("wardgate-assertion");
/// `Wardgate-Effect`.
pub const EFFECT: HeaderName = HeaderName::from_static("wardgate-effect");
/// `Wardgate-Purpose`.
pub const PURPOSE: HeaderName = HeaderName::from_static("wardgate-purpose");
/// `Txn-Token` (draft-ietf-oauth-transaction-tokens).
pub const TRANSACTION: HeaderName = HeaderName::from_static("txn-token");
const FORWARDED: HeaderName = HeaderName::from_static("forwarded");
const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const X_FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
const TRACESTATE: HeaderName = HeaderName::from_static("tracestate");
/// What asks for a difference in place of the whole (RFC 3229 §10.5.3).
const A_IM: HeaderName = HeaderName::from_static("a-im");
/// Most bytes of `Wardgate-Effect` that are recorded.
const EFFECT_BYTES_MAX: usize = 256;

/// Whether a field ends at this hop (RFC 9110 §7.6.1, and the customary ones).
fn is_hop_by_hop(name: &str) -> bool {
    matches!(
        name,
        "connection"
            | "proxy-connection"
            | "keep-alive"
            | "te"
            | "trailer"
            | "transfer-encoding"
            | "upgrade"
            | "proxy-authenticate"
            | "proxy-authorization"
            | "proxy-authentication-info"
            | "http2-settings"
    )
}

/// Whether a name begins as another does, where `_` counts as `-`: many upstreams read both as one.
fn begins_as(name: &str, prefix: &str) -> bool {
    name.len() >= prefix.len() && name.bytes().zip(prefix.bytes()).all(|(ours, theirs)| ours == theirs || (ours == b'_' && theirs == b'-'))
}

/// Whether a field would be taken for another by upstreams that read `_` as `-`.
fn poses_as(name: &str, other: &HeaderName) -> bool {
    let other = other.as_str();
    name.len() == other.len() && name != other && begins_as(name, other)
}

/// Whether a field of a request claims what only we may say: who calls, from where, or that another request is meant than the
/// one that was judged.
fn claims_trust(name: &str) -> bool {
    let begins = |prefix: &str| begins_as(name, prefix);
    let is = |whole: &str| name.len() == whole.len() && begins(whole);
    match name.as_bytes().first() {
        Some(b'w') => begins("wardgate-"),
        Some(b'f') => is("forwarded"),
        Some(b'c') => begins("client-cert"),
        Some(b'x') => {
            begins("x-forwarded-")
                || is("x-forwarded")
                || is("x-real-ip")
                || begins("x-client-cert")
                || begins("x-ssl-")
                || begins("x-envoy-")
                || begins("x-wardgate-")
                || begins("x-original-")
                || is("x-rewrite-url")
                || begins("x-http-method")
                || is("x-method-override")
        }
        _ => false,
    }
}

/// Whether a field would be taken for a transaction token.
fn is_transaction(name: &str) -> bool {
    name.len() == TRANSACTION.as_str().len() && begins_as(name, TRANSACTION.as_str())
}

/// What a trip to the upstream needs, made once per connection or request.
#[derive(Debug)]
pub struct Trip<'a> {
    /// The API.
    pub api: &'a Api,
    /// What the upstream is shown.
    pub show: Show,
    /// The purpose on which the ruling rests, for the upstream to know.
    pub purpose: Option<HeaderValue>,
    /// The transaction token of the request, where the API's upstream gets one.
    pub transaction: Option<HeaderValue>,
    /// `Via` of ours: `1.1 <name>`.
    pub via: &'a HeaderValue,
    /// The client's address.
    pub client: &'a HeaderValue,
    /// `Forwarded` of ours.
    pub forwarded: &'a HeaderValue,
    /// The host that the client called.
    pub client_host: &'a HeaderValue,
    /// Whether it called by TLS.
    pub tls: bool,
    /// The upstream's authority.
    pub upstream_host: &'a HeaderValue,
    /// The request's id.
    pub id: &'a HeaderValue,
    /// Whether its trace context is valid.
    pub traced: bool,
    /// Whether the records of the answer are charged: it is to be whole, and readable here.
    pub counted: bool,
}

/// Takes off every field of which `doomed` says so, and those that `Connection` names.
fn strip(headers: &mut HeaderMap, doomed: impl Fn(&HeaderName, &HeaderValue) -> bool) {
    let mut gone: SmallVec<[HeaderName; 8]> = SmallVec::new();
    // INVARIANT (order): fields that `Connection` names go before anything of ours is there to be named.
    for value in headers.get_all(header::CONNECTION) {
        for name in value.as_bytes().split(|b| *b == b',').map(<[u8]>::trim_ascii) {
            // `close` and `keep-alive` name no field; `host` frames the message and stays.
            if let Ok(name) = HeaderName::from_bytes(name)
                && name != header::HOST
                && name != header::CONTENT_LENGTH
            {
                gone.push(name);
            }
        }
    }
    gone.extend(headers.iter().filter(|(name, value)| is_hop_by_hop(name.as_str()) || doomed(name, value)).map(|(name, _)| name.clone()));
    for name in gone {
        headers.remove(name);
    }
}

/// Makes a client's fields into those that the upstream gets.
///
/// `Host` becomes the upstream's own authority; the one that the client called is in `X-Forwarded-Host` and `Forwarded`.
pub fn towards_upstream(headers: &mut HeaderMap, trip: Trip<'_>) {
    let secret = match &trip.show {
        Show::Secret { name, .. } => Some(name),
        Show::Assertion(_) | Show::Certificate(_) | Show::Keep | Show::Nothing | Show::Caller => None,
    };
    let key = trip.api.api_key_header.as_ref();
    let own = !matches!(trip.show, Show::Keep);
    let signed = own && signers::takes(trip.api);
    let transactions = trip.api.upstream.transactions.is_some();
    // One pass: each look-up in the map costs as much as looking at a few names.
    strip(headers, |name, value| {
        let text = name.as_str();
        claims_trust(text)
            // Where it is ours to say, what anybody else says there is nothing.
            || (transactions && is_transaction(text))
            || [secret, key].into_iter().flatten().any(|credential| poses_as(text, credential))
            || name == header::EXPECT
            // A key of ours elsewhere is refused; where `mode: observe` lets it go on, it goes on without.
            || (own && (name == header::AUTHORIZATION || name == credential::POSSESSION || key == Some(name) || credential::holds_key(value.as_bytes())))
            // It was for us, over fields that the upstream gets to see otherwise.
            || (signed && signers::is_field(name))
            || (!trip.traced && (*name == TRACEPARENT || *name == TRACESTATE))
    });
    join_cookies(headers);
    if trip.counted {
        for partial in [header::RANGE, header::IF_RANGE, A_IM] {
            headers.remove(partial);
        }
        headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    }
    match trip.show {
        Show::Assertion(value) => {
            headers.insert(ASSERTION, value);
        }
        Show::Secret { name, value } => {
            headers.insert(name, value);
        }
        Show::Certificate(_) | Show::Keep | Show::Nothing | Show::Caller => {}
    }
    if let Some(purpose) = trip.purpose {
        headers.insert(PURPOSE, purpose);
    }
    if let Some(transaction) = trip.transaction {
        headers.insert(TRANSACTION, transaction);
    }
    headers.append(header::VIA, trip.via.clone());
    headers.insert(FORWARDED, trip.forwarded.clone());
    headers.insert(X_FORWARDED_FOR, trip.client.clone());
    headers.insert(X_FORWARDED_HOST, trip.client_host.clone());
    headers.insert(X_FORWARDED_PROTO, HeaderValue::from_static(if trip.tls { "https" } else { "http" }));
    headers.insert(REQUEST_ID, trip.id.clone());
    headers.insert(header::HOST, trip.upstream_host.clone());
}

/// HTTP/2 clients may send cookies in several fields; outside HTTP/2 they are one (RFC 9113 §8.2.3).
fn join_cookies(headers: &mut HeaderMap) {
    if headers.get_all(header::COOKIE).iter().nth(1).is_none() {
        return;
    }
    let all: Vec<&[u8]> = headers.get_all(header::COOKIE).iter().map(HeaderValue::as_bytes).collect();
    if let Ok(joined) = HeaderValue::from_bytes(&all.join(&b"; "[..])) {
        headers.insert(header::COOKIE, joined);
    }
}

/// Makes an upstream's fields into those that the client gets. Gives what `Wardgate-Effect` said.
pub fn towards_client(headers: &mut HeaderMap) -> Option<Box<str>> {
    let effect = headers.get(EFFECT).and_then(|value| value.to_str().ok()).map(|text| text.chars().take(EFFECT_BYTES_MAX).collect());
    strip(headers, |name, _| name.as_str().starts_with("wardgate-") || name.as_str().starts_with("wardgate_"));
    effect
}

/// The trailers of gRPC (its HTTP/2 transport mapping, "Responses").
const GRPC_TRAILERS: [HeaderName; 3] =
    [HeaderName::from_static("grpc-status"), HeaderName::from_static("grpc-message"), HeaderName::from_static("grpc-status-details-bin")];

/// Whether a trailer may be allowed: it does not frame, route, prove or claim trust, nor say how content is read (RFC 9110 §6.5.1).
#[must_use]
pub fn may_trail(name: &HeaderName) -> bool {
    let text = name.as_str();
    !is_hop_by_hop(text)
        && !claims_trust(text)
        && !begins_as(text, "wardgate-")
        && !is_transaction(text)
        && ![
            header::HOST,
            header::CONTENT_LENGTH,
            header::CONTENT_TYPE,
            header::CONTENT_ENCODING,
            header::CONTENT_RANGE,
            header::AUTHORIZATION,
            header::COOKIE,
            header::SET_COOKIE,
            header::CACHE_CONTROL,
            header::EXPECT,
            header::MAX_FORWARDS,
            header::RANGE,
            header::VIA,
        ]
        .contains(name)
}

/// Trailers that go on: those of gRPC, and `allowed` ones (STANDARDS §3.1). Gives how many did not.
#[must_use]
pub fn trailers(mut trailers: HeaderMap, allowed: &[HeaderName]) -> (HeaderMap, usize) {
    let before = trailers.len();
    strip(&mut trailers, |name, value| {
        !(GRPC_TRAILERS.contains(name) || (allowed.contains(name) && may_trail(name))) || credential::holds_key(value.as_bytes())
    });
    let dropped = before - trailers.len();
    (trailers, dropped)
}

/// `Forwarded` (RFC 7239 §4): an IPv6 address and a host with a port need quotes.
#[must_use]
pub fn forwarded(client: std::net::IpAddr, host: &str, tls: bool) -> String {
    let proto = if tls { "https" } else { "http" };
    let host = if host.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_')) {
        host.to_owned()
    } else {
        format!("\"{}\"", host.replace(['"', '\\'], ""))
    };
    match client {
        std::net::IpAddr::V4(client) => format!("for={client};host={host};proto={proto}"),
        std::net::IpAddr::V6(client) => format!("for=\"[{client}]\";host={host};proto={proto}"),
    }
}

#[cfg(test)]
mod tests;
