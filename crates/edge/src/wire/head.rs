//! A request head, line by line (RFC 9112 §2–§6). Resumable: bytes that were looked at are not looked at again.

use super::Refusal;
use crate::limits::EdgeLimits;
use memchr::memchr;
use std::ops::Range;
use wardgate_model::reason::Reason;

/// How the body of a request is framed (RFC 9112 §6.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Framing {
    /// So many bytes; none at all when there is neither Content-Length nor Transfer-Encoding.
    Length(u64),
    /// `Transfer-Encoding: chunked`.
    Chunked,
}

/// A head that was read to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Complete {
    /// Its length in bytes, the empty line included.
    pub bytes: usize,
    /// How its body is framed.
    pub framing: Framing,
    /// Whether what follows may be another protocol: it asks to go over to one, and has no body.
    pub upgrade: bool,
}

/// What became of the bytes so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// More is needed.
    Partial,
    /// The head is good.
    Complete(Complete),
}

/// Longest value of Content-Length, in digits: what follows cannot overflow.
const LENGTH_DIGITS_MAX: usize = 18;

/// Reads one head. Feed it the bytes from the head's first byte on, more of them each time.
#[derive(Debug, Default, Clone)]
pub struct HeadReader {
    /// Where the current line begins.
    line: usize,
    /// Up to where a line feed was looked for.
    seen: usize,
    /// Number of the current line, from 1 (0: the request line has not come yet).
    number: u32,
    blank_line: bool,
    minor: u8,
    method: Range<usize>,
    target: Range<usize>,
    authority: Option<Range<usize>>,
    host: Option<Range<usize>>,
    length: Option<u64>,
    chunked: bool,
    upgrade: bool,
}

/// Whether `b` is a `tchar` (RFC 9110 §5.6.2).
#[must_use]
pub const fn is_token(b: u8) -> bool {
    matches!(b, b'!' | b'#' | b'$' | b'%' | b'&' | b'\'' | b'*' | b'+' | b'-' | b'.' | b'^' | b'_' | b'`' | b'|' | b'~')
        || b.is_ascii_alphanumeric()
}

/// Whether `b` may stand in a field value: visible ASCII, space, tab and obs-text (RFC 9110 §5.5).
#[must_use]
pub const fn is_value(b: u8) -> bool {
    matches!(b, b'\t' | 0x20..=0x7E | 0x80..=0xFF)
}

/// Whether `b` may stand in a request target here. Stricter than visible ASCII: no fragment, no quotes, no brackets of markup.
const fn is_target(b: u8) -> bool {
    matches!(b, 0x21..=0x7E) && !matches!(b, b'#' | b'<' | b'>' | b'"' | b'`')
}

/// Answers of [`is_token`], so that a name is judged at one load a byte.
static TOKEN: [bool; 256] = {
    let mut answers = [false; 256];
    let mut at = 0_u8;
    loop {
        #[expect(clippy::indexing_slicing, reason = "INVARIANT (const): a `u8` cannot leave a table of 256")]
        {
            answers[at as usize] = is_token(at);
        }
        if at == u8::MAX {
            break answers;
        }
        at += 1;
    }
};

fn is_token_by_table(b: u8) -> bool {
    TOKEN.get(usize::from(b)).copied().unwrap_or(false)
}

/// Whether all bytes are so. It does not leave early, so that the machine can look at many at a time: nearly every head is good.
fn all(bytes: &[u8], are: impl Fn(u8) -> bool) -> bool {
    bytes.iter().fold(true, |good, b| good & are(*b))
}

/// `bytes[range]`, or nothing where it does not lie within.
fn part(bytes: &[u8], range: Range<usize>) -> &[u8] {
    bytes.get(range).unwrap_or_default()
}

impl HeadReader {
    /// Whether not a byte has come yet.
    #[must_use]
    pub fn is_fresh(&self) -> bool {
        self.seen == 0
    }

    /// The method, as far as it was read.
    #[must_use]
    pub fn method<'a>(&self, bytes: &'a [u8]) -> &'a [u8] {
        part(bytes, self.method.clone())
    }

    /// The target, as far as it was read.
    #[must_use]
    pub fn target<'a>(&self, bytes: &'a [u8]) -> &'a [u8] {
        part(bytes, self.target.clone())
    }

    /// Reads on. `bytes` begins at the head's first byte.
    ///
    /// # Errors
    /// With what is wrong, as soon as it is certain.
    pub fn read(&mut self, bytes: &[u8], limits: &EdgeLimits) -> Result<Progress, Refusal> {
        loop {
            let Some(found) = memchr(b'\n', bytes.get(self.seen..).unwrap_or_default()) else {
                self.seen = bytes.len();
                self.partial(bytes, limits)?;
                return Ok(Progress::Partial);
            };
            let feed = self.seen + found;
            if feed >= limits.head_bytes_max {
                return Err(self.too_large());
            }
            let line = part(bytes, self.line..feed);
            let Some((b'\r', line)) = line.split_last() else {
                return Err(Refusal::new(Reason::WireMalformed, "a line ends in a bare line feed", self.number + 1));
            };
            let start = self.line;
            self.line = feed + 1;
            self.seen = feed + 1;
            if self.number == 0 {
                if line.is_empty() {
                    // RFC 9112 §2.2: one empty line before the request line is ignored; a row of them is not.
                    if self.blank_line {
                        return Err(self.malformed("more than one empty line before the request line"));
                    }
                    self.blank_line = true;
                    continue;
                }
                self.number = 1;
                self.request_line(bytes, start..start + line.len(), limits)?;
            } else if line.is_empty() {
                return self.complete(bytes, limits).map(Progress::Complete);
            } else {
                self.number += 1;
                if self.number as usize > limits.fields_max + 1 {
                    return Err(Refusal::new(Reason::WireHeadTooLarge, "too many header fields", self.number));
                }
                self.field(line, start)?;
            }
        }
    }

    /// What can be said of a line whose end has not come.
    fn partial(&self, bytes: &[u8], limits: &EdgeLimits) -> Result<(), Refusal> {
        if self.number == 0 {
            let line = bytes.get(self.line..).unwrap_or_default();
            let line = if line == b"\r" { &[] } else { line };
            let method = memchr(b' ', line).map_or(line, |space| part(line, 0..space));
            if method.len() > limits.method_bytes_max || !all(method, is_token_by_table) || (method.is_empty() && !line.is_empty()) {
                return Err(Refusal::new(Reason::WireMalformed, "the method is not a token", 1));
            }
            let rest = bytes.len().saturating_sub(self.line + method.len() + 1);
            let ended = memchr(b' ', part(line, (method.len() + 1).min(line.len())..line.len())).is_some();
            if !ended && rest > limits.target_bytes_max {
                return Err(Refusal::new(Reason::WireTargetTooLong, "the request target is too long", 1));
            }
        }
        if bytes.len() >= limits.head_bytes_max { Err(self.too_large()) } else { Ok(()) }
    }

    fn too_large(&self) -> Refusal {
        Refusal::new(Reason::WireHeadTooLarge, "the head is larger than allowed", self.number + 1)
    }

    fn malformed(&self, detail: &'static str) -> Refusal {
        Refusal::new(Reason::WireMalformed, detail, self.number.max(1))
    }

    /// `method SP request-target SP HTTP-version` (RFC 9112 §3).
    fn request_line(&mut self, bytes: &[u8], range: Range<usize>, limits: &EdgeLimits) -> Result<(), Refusal> {
        let line = part(bytes, range.clone());
        let Some(first) = memchr(b' ', line) else { return Err(self.malformed("the request line has no target")) };
        let method = part(line, 0..first);
        if method.is_empty() || method.len() > limits.method_bytes_max || !all(method, is_token_by_table) {
            return Err(self.malformed("the method is not a token"));
        }
        self.method = range.start..range.start + first;
        let rest = part(line, first + 1..line.len());
        let Some(second) = memchr(b' ', rest) else {
            return Err(if rest.len() > limits.target_bytes_max {
                Refusal::new(Reason::WireTargetTooLong, "the request target is too long", 1)
            } else {
                self.malformed("the request line has no version")
            });
        };
        let target = part(rest, 0..second);
        if target.len() > limits.target_bytes_max {
            return Err(Refusal::new(Reason::WireTargetTooLong, "the request target is too long", 1));
        }
        self.minor = self.version(part(rest, second + 1..rest.len()))?;
        if target.is_empty() || !all(target, is_target) {
            return Err(self.malformed("the request target has a character that may not stand there"));
        }
        let start = range.start + first + 1;
        self.target = start..start + second;
        if method == b"CONNECT" {
            return Err(Refusal::new(Reason::CanonMethod, "CONNECT is not served", 1));
        }
        match target.first() {
            Some(b'/') => {}
            Some(b'*') if target.len() == 1 && method == b"OPTIONS" => {}
            _ => self.absolute(target, start)?,
        }
        Ok(())
    }

    fn version(&self, version: &[u8]) -> Result<u8, Refusal> {
        match version {
            b"HTTP/1.1" => Ok(1),
            b"HTTP/1.0" => Ok(0),
            [b'H', b'T', b'T', b'P', b'/', major, b'.', minor] if major.is_ascii_digit() && minor.is_ascii_digit() => {
                Err(Refusal::new(Reason::WireVersion, "this version of HTTP is not served", 1))
            }
            _ => Err(self.malformed("the request line does not end in `HTTP/1.1`")),
        }
    }

    /// `http://authority/path` (RFC 9112 §3.2.2); other schemes are not ours.
    fn absolute(&mut self, target: &[u8], start: usize) -> Result<(), Refusal> {
        let scheme = [&b"http://"[..], b"https://"]
            .into_iter()
            .find(|scheme| target.get(..scheme.len()).is_some_and(|head| head.eq_ignore_ascii_case(scheme)));
        let Some(scheme) = scheme else {
            return Err(self.malformed("the request target is neither a path nor a whole http address"));
        };
        let rest = part(target, scheme.len()..target.len());
        let length = rest.iter().position(|b| matches!(b, b'/' | b'?')).unwrap_or(rest.len());
        let begin = start + scheme.len();
        self.authority = Some(begin..begin + length);
        Ok(())
    }

    /// `field-name ":" OWS field-value OWS` (RFC 9112 §5).
    fn field(&mut self, line: &[u8], start: usize) -> Result<(), Refusal> {
        let Some(colon) = memchr(b':', line) else { return Err(self.malformed("a header field has no colon")) };
        let name = part(line, 0..colon);
        if !all(name, is_token_by_table) || name.is_empty() {
            return Err(self.malformed(match (name.first(), name.last()) {
                (Some(b' ' | b'\t'), _) => "a header field is folded over two lines",
                (_, Some(b' ' | b'\t')) => "white space before the colon of a header field",
                _ => "the name of a header field is not a token",
            }));
        }
        let raw = part(line, colon + 1..line.len());
        if !all(raw, is_value) {
            return Err(self.malformed("a header field's value has a control character"));
        }
        // Only names that frame or address the message are looked at.
        match name.len() {
            4 if name.eq_ignore_ascii_case(b"host") => {
                let value = raw.trim_ascii();
                let lead = raw.len() - raw.trim_ascii_start().len();
                let begin = start + colon + 1 + lead;
                if self.host.replace(begin..begin + value.len()).is_some() {
                    return Err(Refusal::new(Reason::CanonHost, "more than one Host field", self.number));
                }
                if !is_host(value) {
                    return Err(Refusal::new(Reason::CanonHost, "the Host field is not a host", self.number));
                }
            }
            // `h2c` is ignored (RFC 9110 §7.8).
            7 if name.eq_ignore_ascii_case(b"upgrade") => self.upgrade |= !raw.trim_ascii().eq_ignore_ascii_case(b"h2c"),
            14 if name.eq_ignore_ascii_case(b"content-length") => self.content_length(raw.trim_ascii())?,
            17 if name.eq_ignore_ascii_case(b"transfer-encoding") => self.transfer_encoding(raw.trim_ascii())?,
            _ => {}
        }
        Ok(())
    }

    /// One Content-Length of digits only (RFC 9112 §6.3; a list of equal values is refused too: it is never needed).
    fn content_length(&mut self, value: &[u8]) -> Result<(), Refusal> {
        let framing = |detail| Refusal::new(Reason::WireFraming, detail, self.number);
        if value.is_empty() || value.len() > LENGTH_DIGITS_MAX || !value.iter().all(u8::is_ascii_digit) {
            return Err(framing("the Content-Length is not a number"));
        }
        let length = value.iter().fold(0_u64, |sum, digit| sum * 10 + u64::from(digit - b'0'));
        if self.length.is_some() {
            return Err(framing("more than one Content-Length"));
        }
        self.length = Some(length);
        Ok(())
    }

    /// Exactly one Transfer-Encoding, exactly `chunked` (RFC 9112 §6.1; other codings are not served).
    fn transfer_encoding(&mut self, value: &[u8]) -> Result<(), Refusal> {
        let framing = |detail| Refusal::new(Reason::WireFraming, detail, self.number);
        if self.chunked {
            return Err(framing("more than one Transfer-Encoding"));
        }
        if !value.eq_ignore_ascii_case(b"chunked") {
            return Err(framing("the Transfer-Encoding is not `chunked`"));
        }
        self.chunked = true;
        Ok(())
    }

    /// What only the whole head can tell.
    fn complete(&self, bytes: &[u8], limits: &EdgeLimits) -> Result<Complete, Refusal> {
        let framing = |detail| Refusal::new(Reason::WireFraming, detail, 0);
        if self.chunked && self.minor == 0 {
            return Err(framing("Transfer-Encoding in an HTTP/1.0 request"));
        }
        if self.chunked && self.length.is_some() {
            return Err(framing("both Content-Length and Transfer-Encoding"));
        }
        let Some(host) = self.host.clone() else {
            return Err(Refusal::new(Reason::CanonHost, "no Host field", 0));
        };
        if let Some(authority) = self.authority.clone() {
            let authority = part(bytes, authority);
            if !authority.eq_ignore_ascii_case(part(bytes, host)) {
                return Err(Refusal::new(Reason::CanonHost, "the Host field disagrees with the request target", 0));
            }
        }
        let length = self.length.unwrap_or(0);
        if length > limits.body_bytes_max {
            return Err(Refusal::new(Reason::WireBodyTooLarge, "the Content-Length is larger than allowed", 0));
        }
        let framing = if self.chunked { Framing::Chunked } else { Framing::Length(length) };
        Ok(Complete { bytes: self.line, framing, upgrade: self.upgrade && self.minor == 1 && framing == Framing::Length(0) })
    }
}

/// `host[:port]` (RFC 9112 §3.2): a name, an IPv4 address or a bracketed IPv6 address; no user information, not empty.
fn is_host(value: &[u8]) -> bool {
    let (inside, rest) = match value.split_first() {
        Some((b'[', inner)) => {
            let Some(close) = memchr(b']', inner) else { return false };
            let address = std::str::from_utf8(part(inner, 0..close)).unwrap_or_default();
            if address.parse::<std::net::Ipv6Addr>().is_err() {
                return false;
            }
            (&b"v6"[..], part(inner, close + 1..inner.len()))
        }
        _ => {
            let colon = memchr(b':', value).unwrap_or(value.len());
            (part(value, 0..colon), part(value, colon..value.len()))
        }
    };
    let named = !inside.is_empty()
        && inside.len() <= 253
        && inside.iter().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_'))
        && !inside.starts_with(b".")
        && !inside.ends_with(b".")
        && memchr::memmem::find(inside, b"..").is_none();
    let port = match rest.split_first() {
        None => true,
        Some((b':', digits)) => {
            (1..=5).contains(&digits.len())
                && digits.iter().all(u8::is_ascii_digit)
                && digits.iter().fold(0_u32, |sum, digit| sum * 10 + u32::from(digit - b'0')) <= 65_535
        }
        Some(_) => false,
    };
    named && port
}

#[cfg(test)]
mod tests;
