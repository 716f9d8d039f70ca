//! Access logs of web servers: Apache's common and combined format, which most others write too.
//!
//! `host ident user [17/May/2015:10:05:03 +0000] "GET /path HTTP/1.1" 200 123`, in the combined format with `"referer" "user agent"`
//! behind. A virtual host in front (`vhost_combined`) is read as the host. What stands behind is passed over.

use super::{
    call::{Call, Wrong},
    moment,
};
use std::borrow::Cow;

/// How much a line tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Detail {
    /// As far as the bytes of the answer.
    Common,
    /// Referer and user agent too.
    Combined,
}

/// Reads a line.
///
/// # Errors
/// Says what of it cannot be read.
pub fn line(bytes: &[u8], detail: Detail) -> Result<Call<'_>, Wrong> {
    let text = std::str::from_utf8(bytes).map_err(|_| Wrong::NotText)?;
    let open = memchr::memchr(b'[', bytes).ok_or(Wrong::Missing("the time in brackets"))?;
    let (who, rest) = text.split_at(open);
    let rest = rest.get(1..).unwrap_or_default();
    let (moment, rest) = rest.split_once(']').ok_or(Wrong::Missing("the time in brackets"))?;
    let time = moment::common(moment.as_bytes()).ok_or_else(|| Wrong::unreadable("the time", moment))?;
    let (vhost, source, user) = called_by(who.trim_end_matches(' '))?;
    let (request, rest) = quoted(rest).ok_or(Wrong::Missing("the request in quotes"))?;
    let (method, target) = request_line(request).ok_or_else(|| Wrong::no_request(request))?;
    let mut parts = rest.trim_start_matches(' ').splitn(3, ' ');
    let status = status(parts.next().unwrap_or_default())?;
    let bytes = match parts.next() {
        None | Some("") => return Err(Wrong::Missing("the length of the answer")),
        Some("-") => 0,
        Some(number) => number.parse().map_err(|_| Wrong::unreadable("the length of the answer", number))?,
    };
    let mut call = Call::new(time, method, "/").to(&Cow::Borrowed(target));
    if let (Some(vhost), "") = (vhost, &*call.host) {
        call.host = Cow::Borrowed(vhost);
    }
    // Of a request that was answered with 401 the name was claimed and not proven.
    let proven = status != Some(401);
    call.user = user.filter(|user| proven && !matches!(*user, "" | "-" | "\"\"")).map(unescaped);
    (call.source, call.status, call.bytes) = (Cow::Borrowed(source), status, bytes);
    if detail == Detail::Combined {
        let (_, rest) = parts.next().and_then(quoted).ok_or(Wrong::Missing("the referer in quotes"))?;
        let (agent, _) = quoted(rest).ok_or(Wrong::Missing("the user agent in quotes"))?;
        call.agent = Some(agent).filter(|agent| !matches!(*agent, "" | "-")).map(unescaped);
    }
    Ok(call)
}

/// Virtual host, source and user: `host ident user`, perhaps with a virtual host in front. A user's name may have spaces in it.
fn called_by(text: &str) -> Result<(Option<&str>, &str, Option<&str>), Wrong> {
    let (first, rest) = text.split_once(' ').ok_or(Wrong::Missing("who called"))?;
    let (second, rest) = rest.split_once(' ').ok_or(Wrong::Missing("who called"))?;
    let is_address = |text: &str| text.parse::<std::net::IpAddr>().is_ok();
    if is_address(second)
        && !is_address(first)
        && let Some((_ident, user)) = rest.split_once(' ')
    {
        return Ok((Some(first), second, Some(user)));
    }
    Ok((None, first, Some(rest)))
}

/// What stands in quotes next, and what comes behind. A quote behind a backslash is none.
fn quoted(text: &str) -> Option<(&str, &str)> {
    let text = text.trim_start_matches(' ').strip_prefix('"')?;
    let bytes = text.as_bytes();
    let mut from = 0;
    loop {
        let at = from + memchr::memchr(b'"', bytes.get(from..)?)?;
        let slashes = bytes.get(..at)?.iter().rev().take_while(|byte| **byte == b'\\').count();
        if slashes % 2 == 0 {
            return Some((text.get(..at)?, text.get(at + 1..)?));
        }
        from = at + 1;
    }
}

/// Method and target of `GET /path HTTP/1.1`; HTTP/0.9 says no version.
fn request_line(text: &str) -> Option<(&str, &str)> {
    let (method, rest) = text.split_once(' ')?;
    let target = match rest.rsplit_once(' ') {
        Some((target, version)) if version.starts_with("HTTP/") => target,
        _ => rest,
    };
    // RFC 9110 §9.1: a token.
    let token = |byte: &u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte);
    let fits = (1..=32).contains(&method.len()) && method.as_bytes().iter().all(token);
    (fits && (target.starts_with(['/', '*']) || target.contains("://"))).then_some((method, target))
}

/// A status; `-`: there was none.
pub(super) fn status(text: &str) -> Result<Option<u16>, Wrong> {
    match text {
        "" => Err(Wrong::Missing("the status")),
        "-" | "000" | "0" => Ok(None),
        text => match text.parse() {
            // RFC 9110 §15: what is beyond is none.
            Ok(status @ 100..=599) => Ok(Some(status)),
            _ => Err(Wrong::unreadable("the status", text)),
        },
    }
}

/// Text without the backslashes that servers write before quotes, and instead of bytes. What would not be text stays as written.
fn unescaped(text: &str) -> Cow<'_, str> {
    if !text.contains('\\') {
        return Cow::Borrowed(text);
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'\\' {
            bytes.push(byte);
            continue;
        }
        match rest.next() {
            Some(b'n') => bytes.push(b'\n'),
            Some(b'r') => bytes.push(b'\r'),
            Some(b't') => bytes.push(b'\t'),
            Some(b'x') => {
                let digit = |byte: Option<u8>| char::from(byte.unwrap_or_default()).to_digit(16);
                let (Some(high), Some(low)) = (digit(rest.next()), digit(rest.next())) else { return Cow::Borrowed(text) };
                bytes.push(u8::try_from(high * 16 + low).unwrap_or_default());
            }
            Some(byte) => bytes.push(byte),
            None => bytes.push(b'\\'),
        }
    }
    String::from_utf8(bytes).map_or(Cow::Borrowed(text), Cow::Owned)
}

#[cfg(test)]
mod tests;
