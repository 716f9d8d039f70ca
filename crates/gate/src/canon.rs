//! Room 1. Takes an [`Arrival`], gives a [`Canonical`]: exactly one meaning, or a refusal.
//!
//! Why here: every later room, and the upstream, must read the same request. Refuses: a missing, doubled or invalid
//! Host (RFC 9112 §3.2), an authority that disagrees with it (RFC 9113 §8.3.1), paths with dot segments, empty
//! segments, encoded separators or malformed escapes (RFC 3986 §6.2.2), CONNECT and TRACE (RFC 9110 §9.3.6, §9.3.8),
//! upgrades to anything but WebSocket, requests that have been here before (RFC 9110 §7.6.3). Fields of ours are read here and nowhere else;
//! the door takes them off afterwards.

use crate::{
    arrival::Arrival,
    judge::{Refused, blank},
};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Version, header};
use std::{borrow::Cow, net::IpAddr};
use wardgate_model::{
    facts::{Basis, ContentFacts, Facts, Purpose, RequestFacts, SourceFacts, Trace},
    id::PurposeName,
    reason::Reason,
    wire::Upgrade,
};
use wardgate_proof::jose;

/// Longest user agent that is recorded, in bytes.
const USER_AGENT_BYTES_MAX: usize = 256;

/// A request with one meaning.
#[derive(Debug)]
pub struct Canonical<'a> {
    /// What arrived.
    pub arrival: &'a Arrival<'a>,
    /// What it asks for.
    pub request: RequestFacts,
    /// What it wants to go over to.
    pub upgrade: Option<Upgrade>,
    /// The purpose that it declares.
    pub purpose: Option<Purpose>,
    /// Its trace context, when valid.
    pub trace: Option<Trace>,
    /// Its user agent, cut.
    pub user_agent: Option<Box<str>>,
}

impl Canonical<'_> {
    /// All that is known so far.
    #[must_use]
    #[inline]
    pub fn into_facts(self) -> Facts {
        let Self { arrival, request, upgrade: _, purpose, trace, user_agent } = self;
        let blank = blank(arrival, request);
        Facts { trace, purpose, source: SourceFacts { user_agent, ..blank.source }, ..blank }
    }
}

/// Reads the one meaning of a request. It is large, and goes through five rooms more: so it stands in one place from here on.
///
/// # Errors
/// With the reason, and the method and raw path for the record, where it has none or several.
pub fn read<'a>(arrival: &'a Arrival<'a>) -> Result<Box<Canonical<'a>>, Refused> {
    let headers = arrival.headers;
    let mut request = RequestFacts {
        method: arrival.method.clone(),
        host: Box::default(),
        path: Box::default(),
        query: arrival.uri.query().map(Into::into),
        content_type: None,
        length: None,
        retry: None,
        content: ContentFacts::default(),
    };
    let refuse = |request: RequestFacts, reason| {
        let mut request = request;
        if request.path.is_empty() {
            request.path = arrival.uri.path().chars().take(256).collect();
        }
        Err(Refused::new(blank(arrival, request), reason))
    };
    if matches!(*arrival.method, Method::CONNECT | Method::TRACE) {
        return refuse(request, Reason::CanonMethod);
    }
    let head = Head::of(headers);
    match host(arrival, head.host) {
        Some(name) => request.host = name,
        None => return refuse(request, Reason::CanonHost),
    }
    match path(arrival.uri.path()) {
        Some(canonical) => request.path = canonical.into_owned().into_boxed_str(),
        None => return refuse(request, Reason::CanonPath),
    }
    let wants = head.upgrade || arrival.protocol.is_some();
    let Ok(upgrade) = (if wants { upgrade(arrival.method, arrival.version, headers, arrival.protocol) } else { Ok(None) }) else {
        return refuse(request, Reason::CanonUpgrade);
    };
    if head.via && passed_here_before(headers, arrival.via) {
        return refuse(request, Reason::CanonLoop);
    }
    let Fields { content_type, length, purpose, trace, user_agent } = match Fields::read(&head) {
        Ok(fields) => fields,
        Err(Unreadable) => return refuse(request, Reason::CanonHeader),
    };
    (request.content_type, request.length) = (content_type, length);
    request.retry = head.retry.single().ok().flatten().filter(|key| !key.is_empty()).map(|key| retry(&request, key));
    Ok(Box::new(Canonical { arrival, request, upgrade, purpose, trace, user_agent }))
}

/// The same only for the same call under the same key (draft-ietf-httpapi-idempotency-key-header).
fn retry(request: &RequestFacts, key: &str) -> [u8; 32] {
    // No part holds a line feed, so no two requests read the same.
    let query = request.query.as_deref().map_or_else(String::new, |query| format!("?{query}"));
    jose::hash(&format!("{} {}\n{}{query}\n{key}", request.method, request.host, request.path))
}

/// A field that must be single is repeated or unreadable.
struct Unreadable;

/// A field of a name.
#[derive(Debug, Clone, Copy, Default)]
struct Field<'a> {
    first: Option<&'a HeaderValue>,
    repeated: bool,
}

impl<'a> Field<'a> {
    fn add(&mut self, value: &'a HeaderValue) {
        match self.first {
            None => self.first = Some(value),
            Some(_) => self.repeated = true,
        }
    }

    /// Its text, where it is there and must be there once.
    fn single(self) -> Result<Option<&'a str>, Unreadable> {
        match self {
            Self { first: None, .. } => Ok(None),
            Self { first: Some(value), repeated: false } => value.to_str().map(Some).map_err(|_| Unreadable),
            Self { first: Some(_), repeated: true } => Err(Unreadable),
        }
    }
}

/// What this room reads of a head. Going through all fields once is cheaper than looking for each name.
#[derive(Debug, Clone, Copy, Default)]
struct Head<'a> {
    host: Field<'a>,
    length: Field<'a>,
    /// `Idempotency-Key`, which is the upstream's to judge.
    retry: Field<'a>,
    content_type: Field<'a>,
    purpose: Field<'a>,
    traceparent: Field<'a>,
    user_agent: Field<'a>,
    /// Whether there is such a field.
    upgrade: bool,
    /// Whether there is such a field.
    via: bool,
}

impl<'a> Head<'a> {
    fn of(headers: &'a HeaderMap) -> Self {
        let mut head = Self::default();
        for (name, value) in headers {
            // `HeaderName` is lower case.
            match name.as_str() {
                "host" => head.host.add(value),
                "content-length" => head.length.add(value),
                "idempotency-key" => head.retry.add(value),
                "content-type" => head.content_type.add(value),
                "wardgate-purpose" => head.purpose.add(value),
                "traceparent" => head.traceparent.add(value),
                "user-agent" => head.user_agent.add(value),
                "upgrade" => head.upgrade = true,
                "via" => head.via = true,
                _ => {}
            }
        }
        head
    }
}

struct Fields {
    content_type: Option<Box<str>>,
    length: Option<u64>,
    purpose: Option<Purpose>,
    trace: Option<Trace>,
    user_agent: Option<Box<str>>,
}

impl Fields {
    fn read(head: &Head<'_>) -> Result<Self, Unreadable> {
        let length = match head.length.single()? {
            None => None,
            Some(digits) => Some(digits.parse().map_err(|_| Unreadable)?),
        };
        let purpose = match head.purpose.single()? {
            None => None,
            Some(name) => {
                let value = PurposeName::parse(name).map_err(|_| Unreadable)?;
                Some(Purpose { value, basis: Basis::Declared })
            }
        };
        let user_agent = head.user_agent.first.and_then(|value| value.to_str().ok());
        Ok(Self {
            content_type: head.content_type.single()?.map(Into::into),
            length,
            purpose,
            // W3C Trace Context §3.2: an invalid traceparent is as none.
            trace: head.traceparent.single().ok().flatten().and_then(traceparent),
            // `to_str` gave visible ASCII and tabs, so any byte is a place to cut.
            user_agent: user_agent.and_then(|text| text.get(..text.len().min(USER_AGENT_BYTES_MAX))).map(Into::into),
        })
    }
}

/// The host in lower case, without its port; Host and authority must agree where both are there.
fn host(arrival: &Arrival<'_>, field: Field<'_>) -> Option<Box<str>> {
    let field = field.single().ok()?;
    let authority = arrival.uri.authority().map(http::uri::Authority::as_str);
    match (field, authority) {
        (None, None) => None,
        (Some(one), None) | (None, Some(one)) => host_name(one),
        (Some(field), Some(authority)) => (field.eq_ignore_ascii_case(authority)).then(|| host_name(field)).flatten(),
    }
}

/// `host[:port]` → the host in lower case. RFC 3986 §3.2.2, without user information and percent escapes.
#[must_use]
pub fn host_name(text: &str) -> Option<Box<str>> {
    let (name, port) = match text.strip_prefix('[') {
        Some(rest) => {
            let (inside, port) = rest.split_once(']')?;
            inside.parse::<std::net::Ipv6Addr>().ok()?;
            (inside, port)
        }
        // By bytes here as below: for texts of this length that is a third of what looking for characters costs.
        None => text.bytes().position(|byte| byte == b':').and_then(|at| text.split_at_checked(at)).unwrap_or((text, "")),
    };
    let port_good =
        port.is_empty() || port.strip_prefix(':').is_some_and(|digits| digits.parse::<u16>().is_ok() && !digits.starts_with('+'));
    // A dot stands between two labels (RFC 1123 §2.1): not first, not last, not beside another.
    let (mut before, mut good) = (b'.', name.len() <= 253);
    for byte in name.bytes() {
        good &= matches!(byte, b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b':' | b'.') && (byte != b'.' || before != b'.');
        before = byte;
    }
    let name_good = good && before != b'.';
    (port_good && name_good).then(|| name.to_ascii_lowercase().into_boxed_str())
}

/// The one plain form of a path, or `None` where it has several meanings.
///
/// Escapes of unreserved characters are resolved and the rest written in upper case, once (RFC 3986 §6.2.2.1–2).
/// Refused: dot segments also when escaped or followed by `;`, empty segments but a last one, `\`, `%2F`, `%5C`, `%00`
/// and other escaped control characters, broken escapes, escapes that are not UTF-8, anything but visible ASCII.
#[must_use]
pub fn path(raw: &str) -> Option<Cow<'_, str>> {
    let rest = raw.strip_prefix('/')?;
    let (mut before, mut plain, mut simple) = (b'/', true, true);
    for byte in rest.bytes() {
        plain &= matches!(
            byte,
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'-' | b'_' | b'.' | b'~' | b':' | b'@' | b',' | b'='
        );
        simple &= before != b'/' || !matches!(byte, b'/' | b'.');
        before = byte;
    }
    // No segment is empty but the last, none begins with a dot, and there is no `;`: nearly every path.
    if plain && simple {
        return Some(Cow::Borrowed(raw));
    }
    let text = if plain { Cow::Borrowed(raw) } else { Cow::Owned(resolve_escapes(raw)?) };
    // By bytes: for texts of this length that is a third of what splitting by characters costs.
    let mut segments = text.as_bytes().get(1..)?.split(|byte| *byte == b'/').peekable();
    while let Some(segment) = segments.next() {
        let last = segments.peek().is_none();
        let name = segment.split(|byte| *byte == b';').next().unwrap_or_default();
        if (segment.is_empty() && !last) || matches!(name, b"." | b"..") || (name.is_empty() && !segment.is_empty()) {
            return None;
        }
    }
    Some(text)
}

fn resolve_escapes(raw: &str) -> Option<String> {
    let mut canonical = String::with_capacity(raw.len());
    let mut decoded = Vec::new();
    let mut bytes = raw.bytes();
    while let Some(byte) = bytes.next() {
        match byte {
            b'%' => {
                let high = char::from(bytes.next()?).to_digit(16)?;
                let low = char::from(bytes.next()?).to_digit(16)?;
                let value = u8::try_from(high * 16 + low).ok()?;
                if value < 0x20 || matches!(value, b'/' | b'\\' | 0x7F | b'%') {
                    return None;
                }
                decoded.push(value);
                if value.is_ascii_alphanumeric() || matches!(value, b'-' | b'.' | b'_' | b'~') {
                    canonical.push(char::from(value));
                } else {
                    canonical.push('%');
                    for digit in [high, low] {
                        canonical.push(char::from_digit(digit, 16)?.to_ascii_uppercase());
                    }
                }
            }
            0x21..=0x7E if !matches!(byte, b'\\' | b'#' | b'?' | b'"' | b'<' | b'>' | b'^' | b'`' | b'{' | b'|' | b'}') => {
                decoded.push(byte);
                canonical.push(char::from(byte));
            }
            _ => return None,
        }
    }
    // An escaped `;` after dots is a dot segment to those that read parameters off before they unescape.
    let dots = canonical.split('/').any(|segment| {
        let head = segment.split("%3B").next().unwrap_or_default();
        matches!(head, "." | "..") && segment != head
    });
    (std::str::from_utf8(&decoded).is_ok() && !dots).then_some(canonical)
}

/// Why a request for another protocol is not one that could be granted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this protocol upgrade is not served")]
pub struct NoUpgrade;

/// What a request wants to go over to, if anything. `h2c` may be ignored (RFC 9110 §7.8); the opening of a WebSocket is
/// read strictly (RFC 6455 §4.2.1), and as an extended CONNECT, which `protocol` tells of (RFC 8441 §5); all else would leave the
/// rooms behind. Whether the API allows it is for the next room.
///
/// # Errors
/// When it is none of these.
pub fn upgrade(method: &Method, version: Version, headers: &HeaderMap, protocol: Option<&str>) -> Result<Option<Upgrade>, NoUpgrade> {
    let mut wanted = headers.get_all(header::UPGRADE).iter().filter(|value| !value.as_bytes().eq_ignore_ascii_case(b"h2c"));
    let (wanted, more) = (wanted.next(), wanted.next());
    let one = |name: &HeaderName, good: &dyn Fn(&[u8]) -> bool| {
        let mut values = headers.get_all(name).iter();
        values.next().is_some_and(|value| good(value.as_bytes())) && values.next().is_none()
    };
    let thirteen = |value: &[u8]| value == b"13";
    let bare = !headers.contains_key(header::CONTENT_LENGTH) && !headers.contains_key(header::TRANSFER_ENCODING);
    let opens = match (protocol, wanted, more) {
        (None, None, _) => return Ok(None),
        (Some(protocol), None, _) => {
            version == Version::HTTP_2 && protocol == Upgrade::WebSocket.as_str() && one(&header::SEC_WEBSOCKET_VERSION, &thirteen)
        }
        (None, Some(wanted), None) => {
            // 16 bytes in base64.
            let key = |value: &[u8]| value.len() == 24 && value.ends_with(b"==");
            version == Version::HTTP_11
                && wanted.as_bytes().eq_ignore_ascii_case(Upgrade::WebSocket.as_str().as_bytes())
                && headers.get_all(header::CONNECTION).iter().any(names_upgrade)
                && one(&header::SEC_WEBSOCKET_KEY, &key)
                && one(&header::SEC_WEBSOCKET_VERSION, &thirteen)
        }
        _ => false,
    };
    if opens && bare && *method == Method::GET { Ok(Some(Upgrade::WebSocket)) } else { Err(NoUpgrade) }
}

fn names_upgrade(connection: &HeaderValue) -> bool {
    connection.as_bytes().split(|b| *b == b',').any(|name| name.trim_ascii().eq_ignore_ascii_case(b"upgrade"))
}

fn passed_here_before(headers: &HeaderMap, own: &str) -> bool {
    let hops = headers.get_all(header::VIA).iter().filter_map(|value| value.to_str().ok());
    hops.flat_map(|line| line.split(',')).any(|hop| hop.split_whitespace().nth(1) == Some(own))
}

/// W3C Trace Context §3.2.2: `00-<32 hex>-<16 hex>-<2 hex>` in lower case, ids not zero; higher versions by the same prefix.
fn traceparent(text: &str) -> Option<Trace> {
    let lower = |part: &str| part.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    let mut parts = text.splitn(5, '-');
    let (version, id, span, flags) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let sizes = version.len() == 2 && id.len() == 32 && span.len() == 16 && flags.len() == 2;
    let extra = parts.next().is_some();
    if !sizes || ![version, id, span, flags].into_iter().all(lower) || version == "ff" || (version == "00" && extra) {
        return None;
    }
    let trace = Trace {
        id: u128::from_str_radix(id, 16).ok()?,
        span: u64::from_str_radix(span, 16).ok()?,
        flags: u8::from_str_radix(flags, 16).ok()?,
    };
    (trace.id != 0 && trace.span != 0).then_some(trace)
}

/// IPv4-mapped IPv6 addresses are the IPv4 addresses they stand for (RFC 4291 §2.5.5.2).
#[must_use]
pub fn address(peer: IpAddr) -> IpAddr {
    peer.to_canonical()
}

#[cfg(test)]
mod tests;
