//! Whether an address in a proof is the one that is called: compared after the normalization of RFC 3986 §6.2.2 and §6.2.3, without query
//! and fragment (RFC 9449 §4.3, check 9).

use std::{borrow::Cow, fmt::Write as _};

/// Scheme, host and port of an address in their one form: lower case, no port that follows from the scheme. `None`: it has none.
#[must_use]
pub fn origin(address: &str) -> Option<Box<str>> {
    let (scheme, authority, _) = split(address)?;
    Some(written(scheme, authority)?.into())
}

/// Whether `htu` is the address of a path under an origin. The path is in its one plain form, as the judge reads it.
#[must_use]
pub fn is(htu: impl AsRef<[u8]>, origin: &str, path: &str) -> bool {
    let htu = htu.as_ref();
    // As nearly every client writes it. INVARIANT (plain): neither `?` nor `#` is in the path of a request, so there is none to cut off here.
    if htu.strip_prefix(origin.as_bytes()) == Some(path.as_bytes()) {
        return true;
    }
    std::str::from_utf8(htu).is_ok_and(|htu| is_normally(htu, origin, path))
}

fn is_normally(htu: &str, origin: &str, path: &str) -> bool {
    let end = htu.bytes().position(|byte| matches!(byte, b'?' | b'#')).unwrap_or(htu.len());
    let Some(htu) = htu.get(..end) else { return false };
    if htu.strip_prefix(origin) == Some(path) {
        return true;
    }
    let Some((scheme, authority, rest)) = split(htu) else { return false };
    let same = written(scheme, authority).is_some_and(|written| written == *origin);
    same && normal(rest).is_some_and(|rest| normal(path).is_some_and(|path| path == rest))
}

/// Scheme, authority and path.
fn split(address: &str) -> Option<(&str, &str, &str)> {
    let (scheme, rest) = address.split_once("://")?;
    let (authority, path) = rest.find('/').map_or((rest, ""), |at| rest.split_at(at));
    (!authority.is_empty()).then_some((scheme, authority, path))
}

fn written(scheme: &str, authority: &str) -> Option<String> {
    let scheme = scheme.to_ascii_lowercase();
    let usual = match &*scheme {
        "https" => "443",
        "http" => "80",
        _ => return None,
    };
    // Who names a user means something else than an address of ours.
    if authority.contains(['@', '\\', ' ']) {
        return None;
    }
    let after_host = authority.rfind(']').map_or(0, |at| at + 1);
    let (host, port) = match authority.get(after_host..)?.rfind(':') {
        Some(at) => (authority.get(..after_host + at)?, authority.get(after_host + at + 1..)?),
        None => (authority, ""),
    };
    let host = host.to_ascii_lowercase();
    if host.is_empty() {
        return None;
    }
    Some(if port.is_empty() || port == usual { format!("{scheme}://{host}") } else { format!("{scheme}://{host}:{port}") })
}

/// A path: escapes of unreserved characters resolved, the others in upper case, dot segments taken out; an empty one is `/`.
fn normal(path: &str) -> Option<Cow<'_, str>> {
    let plain = !path.is_empty() && !path.contains('%') && !path.contains("/.");
    if plain {
        return Some(Cow::Borrowed(path));
    }
    let resolved = resolved(path)?;
    let mut kept: Vec<&str> = Vec::new();
    let mut segments = resolved.split('/').skip(1).peekable();
    while let Some(segment) = segments.next() {
        let last = segments.peek().is_none();
        match segment {
            "." => {}
            ".." => drop(kept.pop()),
            _ => kept.push(segment),
        }
        if last && matches!(segment, "." | "..") {
            kept.push("");
        }
    }
    Some(Cow::Owned(format!("/{}", kept.join("/"))))
}

fn resolved(path: &str) -> Option<String> {
    let mut text = String::with_capacity(path.len());
    let mut rest = path;
    while let Some((before, after)) = rest.split_once('%') {
        text.push_str(before);
        let byte = u8::from_str_radix(after.get(..2).filter(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()))?, 16).ok()?;
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            text.push(char::from(byte));
        } else {
            let _infallible = write!(text, "%{byte:02X}");
        }
        rest = after.get(2..)?;
    }
    text.push_str(rest);
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::{is, origin};

    #[test]
    fn an_origin_has_one_form() {
        for (address, expected) in [
            ("https://gate.example/ledger", Some("https://gate.example")),
            ("HTTPS://Gate.Example:443", Some("https://gate.example")),
            ("http://gate.example:80/", Some("http://gate.example")),
            ("http://gate.example:443", Some("http://gate.example:443")),
            ("https://[::1]:8443/a", Some("https://[::1]:8443")),
            ("https://[::1]", Some("https://[::1]")),
            ("ftp://gate.example", None),
            ("gate.example/ledger", None),
            ("https://", None),
            ("https://:443/", None),
            ("https://a@gate.example", None),
        ] {
            assert_eq!(origin(address).as_deref(), expected, "{address}");
        }
    }

    /// STANDARDS §1.6: percent-case and default-port variants are accepted, other paths are not.
    #[test]
    fn addresses_are_compared_after_normalization() {
        let good = |htu: &str| is(htu, "https://gate.example", "/ledger/a%2Cb~1");
        for htu in [
            "https://gate.example/ledger/a%2Cb~1",
            "https://gate.example:443/ledger/a%2cb~1",
            "HTTPS://GATE.example/ledger/a%2Cb%7E1",
            "https://gate.example/ledger/./x/../a%2Cb~1?page=2#top",
            "https://gate.example/%6Cedger/a%2Cb~1#",
        ] {
            assert!(good(htu), "{htu}");
        }
        for htu in [
            "",
            "/ledger/a%2Cb~1",
            "http://gate.example/ledger/a%2Cb~1",
            "https://gate.example:8443/ledger/a%2Cb~1",
            "https://gate.example.evil/ledger/a%2Cb~1",
            "https://other.example/ledger/a%2Cb~1",
            "https://gate.example/ledger/a,b~1",
            "https://gate.example/ledger/a%2Cb~1/",
            "https://gate.example/Ledger/a%2Cb~1",
            "https://gate.example/ledger//a%2Cb~1",
            "https://gate.example/ledger/a%2",
            "https://gate.example/ledger/a%zz",
            "https://a@gate.example/ledger/a%2Cb~1",
            "https://gate.example@evil.example/ledger/a%2Cb~1",
            "https://gate.example?/ledger/a%2Cb~1",
            "https://gate.éxample/ledger/a%é",
        ] {
            assert!(!good(htu), "{htu}");
        }
        assert!(is("https://gate.example", "https://gate.example", "/"));
    }
}
