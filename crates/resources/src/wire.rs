//! The words of HTTP inside values: hosts, path prefixes, upstream addresses, networks, headers, `METHOD /path`.

use crate::{
    scalar::{self, Wrong},
    yaml::shortened,
};
use http::{HeaderName, Method};
use ipnet::IpNet;
use std::net::{IpAddr, Ipv6Addr};
use wardgate_model::api::{HostPattern, OperationClass, PathTemplate, UpstreamUrl};

/// Longest host, in bytes (RFC 1035 §2.3.4).
const HOST_BYTES_MAX: usize = 253;
/// Longest name of a trust domain, in bytes.
const TRUST_DOMAIN_BYTES_MAX: usize = 255;
/// Longest path template, in bytes.
const TEMPLATE_BYTES_MAX: usize = 2048;

/// Reads a host to answer for: lower case, no port; `*` for any. IPv6 addresses stand in brackets.
///
/// # Errors
/// Upper case, a port, a scheme, characters outside DNS names, an international name not in its ASCII form, a wildcard within a name.
pub fn host(text: &str) -> Result<HostPattern, Wrong> {
    if text == "*" {
        return Ok(HostPattern::Any);
    }
    if text.contains('*') {
        return Err(Wrong::new(format!("`{text}` has a wildcard")).mend("name each host, or write `*` for any"));
    }
    if let Some(inner) = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        return match inner.parse::<Ipv6Addr>() {
            Ok(address) if address.to_string() == inner => Ok(HostPattern::Exact(text.into())),
            Ok(address) => Err(Wrong::new(format!("`{text}` has a shorter form")).mend(format!("write `[{address}]`"))),
            Err(_) => Err(Wrong::new(format!("`{text}` is no IPv6 address"))),
        };
    }
    dns(text).map(|()| HostPattern::Exact(text.into()))
}

/// Checks a DNS name or IPv4 address: lower case, labels of letters, digits, `-` and `_`.
fn dns(text: &str) -> Result<(), Wrong> {
    if text.is_empty() {
        return Err(Wrong::new("a host must not be empty"));
    }
    if let Some((_, rest)) = text.split_once("://") {
        return Err(Wrong::new(format!("`{text}` has a scheme")).mend(format!("write `{}`", rest.split('/').next().unwrap_or_default())));
    }
    if !text.is_ascii() {
        let mend = "write the name in its ASCII form, which begins with `xn--`";
        return Err(Wrong::new(format!("`{text}` has letters outside ASCII")).mend(mend));
    }
    if text.parse::<Ipv6Addr>().is_ok() {
        return Err(Wrong::new(format!("the IPv6 address `{text}` has no brackets")).mend(format!("write `[{text}]`")));
    }
    if let Some((name, _)) = text.split_once(':') {
        return Err(Wrong::new(format!("`{text}` has a port")).mend(format!("write `{name}`: a host stands for all its ports")));
    }
    if text.len() > HOST_BYTES_MAX {
        return Err(Wrong::new(format!("a host has at most {HOST_BYTES_MAX} bytes")));
    }
    if text.bytes().any(|byte| byte.is_ascii_uppercase()) {
        return Err(Wrong::new(format!("`{text}` has upper-case letters")).mend(format!("write `{}`", text.to_ascii_lowercase())));
    }
    for label in text.split('.') {
        let inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'_');
        let hyphen = label.starts_with('-') || label.ends_with('-');
        if label.is_empty() || label.len() > 63 || hyphen || !label.bytes().all(inner) {
            return Err(
                Wrong::new(format!("`{text}` is no host name: `{label}` is no label of one")).mend("write a name such as `ledger.example`")
            );
        }
    }
    let numeric = text.rsplit('.').next().is_some_and(|last| last.bytes().all(|byte| byte.is_ascii_digit()));
    if numeric && text.parse::<std::net::Ipv4Addr>().is_err() {
        return Err(Wrong::new(format!("`{text}` is no IPv4 address")));
    }
    Ok(())
}

/// Reads a path prefix: `/ledger`, whole segments, canonical. `/` is the empty prefix.
///
/// # Errors
/// No slash in front, one behind, empty or dot segments, and characters that a canonical path does not have.
pub fn path_prefix(text: &str) -> Result<Box<str>, Wrong> {
    if text == "/" {
        return Ok(Box::default());
    }
    if text.len() > 1 && text.ends_with('/') {
        return Err(Wrong::new(format!("`{text}` ends with a slash")).mend(format!("write `{}`", text.trim_end_matches('/'))));
    }
    if text.contains(['{', '}']) {
        return Err(Wrong::new(format!("`{text}` has a parameter")).mend("a prefix is literal; parameters stand in `operations`"));
    }
    canonical(text)?;
    if text.split('/').skip(1).any(str::is_empty) {
        return Err(Wrong::new(format!("`{text}` has an empty segment")));
    }
    Ok(text.into())
}

/// Checks that a path is written as the gate will see it (RFC 3986 §6.2.2): nothing that normalisation would change.
fn canonical(text: &str) -> Result<(), Wrong> {
    if !text.starts_with('/') {
        return Err(Wrong::new(format!("`{text}` does not begin with a slash")).mend(format!("write `/{text}`")));
    }
    if text.len() > TEMPLATE_BYTES_MAX {
        return Err(Wrong::new(format!("a path has at most {TEMPLATE_BYTES_MAX} bytes")));
    }
    if text.contains(['?', '#']) {
        return Err(Wrong::new(format!("`{text}` has more than a path")).mend("leave out what follows `?` or `#`"));
    }
    if let Some(c) = text.chars().find(|c| !matches!(c, '!'..='~') || matches!(c, '\\' | '"' | '<' | '>' | '^' | '`' | '|')) {
        return Err(Wrong::new(format!("the character {c:?} may not stand in a path")).mend("write it as `%` and two hexadecimal digits"));
    }
    if text.split('/').any(|segment| segment == "." || segment == "..") {
        return Err(Wrong::new(format!("`{text}` has a dot segment")));
    }
    for (at, _) in text.match_indices('%') {
        let digits = text.get(at + 1..at + 3).unwrap_or_default();
        let hex = digits.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'A'..=b'F'));
        let Some(byte) = u8::from_str_radix(digits, 16).ok().filter(|_| hex && digits.len() == 2) else {
            let what = format!("`%{digits}` in `{text}` is no escape");
            return Err(Wrong::new(what).mend("write two upper-case hexadecimal digits after `%`"));
        };
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~' | b'/' | b'\\' | 0) {
            let what =
                format!("`%{digits}` in `{text}` stands for `{}`, which is never escaped in a path", char::from(byte).escape_default());
            return Err(Wrong::new(what));
        }
    }
    Ok(())
}

/// Reads a path template: `/entries/{id}`.
///
/// # Errors
/// A path that is not canonical, an empty segment that is not the last, braces that make no parameter.
pub fn template(text: &str) -> Result<PathTemplate, Wrong> {
    canonical(text)?;
    let template = PathTemplate::parse(text).map_err(|error| Wrong::new(error.to_string()))?;
    let inner = text.strip_suffix('/').unwrap_or(text);
    if inner.split('/').skip(1).any(str::is_empty) {
        return Err(Wrong::new(format!("`{text}` has an empty segment")));
    }
    Ok(template)
}

/// An operation as written: `GET /entries/{id}`, relative to the API's prefix.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Match {
    /// The method.
    pub method: Method,
    /// The template.
    pub template: PathTemplate,
}

/// Reads `METHOD /path`.
///
/// # Errors
/// No blank between the two, a method outside RFC 9110 token syntax or in lower case, a path that is no template.
pub fn operation(text: &str) -> Result<Match, Wrong> {
    const MEND: &str = "write an operation as in `GET /entries/{id}`";
    let halves = text.split_once(' ').filter(|(_, path)| !path.contains(' '));
    let (word, path) = halves.ok_or_else(|| Wrong::new(format!("`{text}` is no operation")).mend(MEND))?;
    let method = Method::from_bytes(word.as_bytes()).map_err(|_| Wrong::new(format!("`{word}` is no method")).mend(MEND))?;
    if word.bytes().any(|byte| byte.is_ascii_lowercase()) {
        return Err(Wrong::new(format!("the method `{word}` is not in upper case")).mend(format!("write `{}`", word.to_ascii_uppercase())));
    }
    if method == Method::CONNECT {
        return Err(Wrong::new("`CONNECT` has no path and is never forwarded"));
    }
    Ok(Match { method, template: template(path)? })
}

/// What a grant covers, as written: a class or one operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Selector {
    /// Every operation of the class.
    Class(OperationClass),
    /// This one.
    Operation(Match),
}

/// Reads `read` or `GET /export`.
///
/// # Errors
/// A word that is no class, or what [`operation`] says.
pub fn selector(text: &str) -> Result<Selector, Wrong> {
    if text.contains([' ', '/']) {
        return operation(text).map(Selector::Operation);
    }
    OperationClass::parse(text).map(Selector::Class).ok_or_else(|| {
        let words: Vec<_> = OperationClass::ALL.iter().map(|class| class.as_str()).collect();
        let mend = format!("{}; or an operation as in `GET /export`", crate::nearest::suggest(text, words));
        Wrong::new(format!("`{text}` is no class of operations")).mend(mend)
    })
}

/// Reads `http://host[:port]` or `https://host[:port]`.
///
/// # Errors
/// Another scheme, user information, a path, a query, no host, a port that is none.
pub fn upstream(text: &str) -> Result<UpstreamUrl, Wrong> {
    const MEND: &str = "write an address as in `http://127.0.0.1:9000`";
    let (scheme, rest) = text.split_once("://").ok_or_else(|| Wrong::new(format!("`{text}` has no scheme")).mend(MEND))?;
    let tls = match scheme {
        "http" => false,
        "https" => true,
        other => return Err(Wrong::new(format!("the scheme `{other}` is not spoken")).mend(MEND)),
    };
    if rest.contains('@') {
        return Err(Wrong::new("an address must not hold user information").mend("use `identity: {basic: USER, secret: NAME}`"));
    }
    if let Some(at) = rest.find(['/', '?', '#']) {
        let (authority, tail) = rest.split_at(at);
        let mend = format!("write `{scheme}://{authority}`; a path goes to `upstream.path`");
        return Err(Wrong::new(format!("`{text}` goes on after the host with `{tail}`")).mend(mend));
    }
    let (name, port) = match rest.rsplit_once(':').filter(|(_, port)| !port.contains(']')) {
        Some((name, port)) => (name, Some(port)),
        None => (rest, None),
    };
    let port = match port {
        None if tls => 443,
        None => 80,
        Some(digits) => digits
            .parse()
            .ok()
            .filter(|port| *port != 0 && digits.bytes().all(|byte| byte.is_ascii_digit()))
            .ok_or_else(|| Wrong::new(format!("`{digits}` in `{text}` is no port")).mend("a port is a number from 1 to 65535"))?,
    };
    match host(name).map_err(|wrong| if wrong.mend.is_some() { wrong } else { wrong.mend(MEND) })? {
        HostPattern::Any => Err(Wrong::new("an upstream needs a host").mend(MEND)),
        HostPattern::Exact(name) => {
            let bare = name.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).map_or_else(|| name.clone(), Into::into);
            Ok(UpstreamUrl { tls, host: bare, port })
        }
    }
}

/// Reads a trust domain: a name, or a URI where it has a colon (RFC 7519 §2, StringOrURI).
///
/// # Errors
/// Nothing, too long, or characters that stand in neither.
pub fn trust_domain(text: &str) -> Result<Box<str>, Wrong> {
    let fits = |byte: u8| byte.is_ascii_graphic() && !b"\"<>\\^`{|}".contains(&byte);
    let scheme = text.split_once(':').map(|(scheme, _)| scheme);
    let named = |scheme: &str| {
        let mut bytes = scheme.bytes();
        bytes.next().is_some_and(|first| first.is_ascii_alphabetic())
            && bytes.all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
    };
    if (1..=TRUST_DOMAIN_BYTES_MAX).contains(&text.len()) && text.bytes().all(fits) && scheme.is_none_or(named) {
        return Ok(text.into());
    }
    Err(Wrong::new(format!("`{}` is no trust domain", shortened(text))).mend("write a name or a URI, as in `acme.example`"))
}

/// Reads a network `10.0.0.0/8`, or one address.
///
/// # Errors
/// Neither of these, bits set behind the prefix, or an IPv4 address dressed as IPv6.
pub fn network(text: &str) -> Result<IpNet, Wrong> {
    let net = match text.parse::<IpAddr>() {
        Ok(address) => IpNet::from(address),
        Err(_) => {
            text.parse::<IpNet>().map_err(|_| Wrong::new(format!("`{text}` is no network")).mend("write a network as in `10.0.0.0/8`"))?
        }
    };
    if let IpAddr::V6(address) = net.addr()
        && let Some(v4) = address.to_ipv4_mapped()
    {
        let mend = format!("write the IPv4 network, which begins with `{v4}`");
        return Err(Wrong::new(format!("`{text}` is an IPv4 network written as IPv6")).mend(mend));
    }
    if net.addr() != net.network() {
        return Err(Wrong::new(format!("`{text}` has bits set behind its prefix")).mend(format!("write `{}`", net.trunc())));
    }
    Ok(net)
}

/// Headers that carry the message itself or the trust between hops: none of them can carry a secret.
const RESERVED_HEADERS: [&str; 14] = [
    "host",
    "content-length",
    "transfer-encoding",
    "connection",
    "keep-alive",
    "te",
    "trailer",
    "upgrade",
    "proxy-connection",
    "forwarded",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-proto",
    "via",
];

/// Reads the name of a header that carries a key or a secret.
///
/// # Errors
/// No token (RFC 9110 §5.1), or a header that has another office.
pub fn header(text: &str) -> Result<HeaderName, Wrong> {
    let name = HeaderName::from_bytes(text.as_bytes())
        .map_err(|_| Wrong::new(format!("`{text}` is no header name")).mend("write a name as in `X-Api-Key`"))?;
    if RESERVED_HEADERS.contains(&name.as_str()) || name.as_str().starts_with("wardgate-") {
        return Err(Wrong::new(format!("the header `{text}` has another office")).mend("use a header of its own, as in `X-Api-Key`"));
    }
    if text.contains('_') {
        return Err(Wrong::new(format!("`{text}` has an underscore, which servers take for a hyphen"))
            .mend(format!("write `{}`", text.replace('_', "-"))));
    }
    Ok(name)
}

/// Reads `path.id`: the path parameter that names the resource acted on.
///
/// # Errors
/// Anything that does not begin with `path.` and go on with a name.
pub fn path_parameter(text: &str) -> Result<Box<str>, Wrong> {
    match text.strip_prefix("path.") {
        Some(name) if !name.is_empty() && !name.contains(['{', '}', '/']) => Ok(name.into()),
        _ => Err(Wrong::new(format!("`{text}` names no path parameter")).mend("write it as in `path.id`")),
    }
}

/// Steps of a JSON pointer at the most: answers are read no deeper.
const POINTER_STEPS_MAX: usize = 127;

/// Reads a JSON pointer (RFC 6901 §3), as in `/items`; the empty one is the whole text.
///
/// # Errors
/// What is none, is longer than prose may be, or has more than 127 steps.
pub fn pointer(text: &str) -> Result<Box<str>, Wrong> {
    let escapes = text.match_indices('~').all(|(at, _)| matches!(text.as_bytes().get(at + 1), Some(b'0' | b'1')));
    let bounded = text.len() <= scalar::PROSE_BYTES_MAX && text.matches('/').count() <= POINTER_STEPS_MAX;
    if (text.is_empty() || text.starts_with('/')) && escapes && bounded {
        Ok(text.into())
    } else {
        Err(Wrong::new(format!("`{}` is no JSON pointer", shortened(text))).mend("write a pointer as in `/items`"))
    }
}

#[cfg(test)]
mod tests;
