//! The fingerprint of a client's TLS software, made of its first message.
//!
//! It is made in the manner of JA4 of what rustls tells of a `ClientHello`, and is no JA4: rustls does not tell which extensions there are.
//! `w1_t13d0907h2_0a1b2c3d4e5f_60718293a4b5` is, from left to right: the version of this rule; TLS, the newest version that its cipher suites
//! are for, whether it names a host (`d`) or not (`i`), how many cipher suites and groups it offers, the first and last letter of the
//! protocol that it likes best (`00`: none); the begin of the SHA-256 of its cipher suites, sorted, for there are clients that shuffle them;
//! the same of its groups and signature schemes in its order. Values that are there to be passed over (GREASE, RFC 8701) are passed over.
//!
//! It says which library speaks, and which settings that has. It proves nothing: whoever wants to can send the same message.

use aws_lc_rs::digest::{SHA256, digest};
use rustls::server::ClientHello;
use std::{fmt::Write as _, sync::Arc};

/// How many values of a list are looked at.
const VALUES_MAX: usize = 96;
/// Bytes of a hash that are told.
const HASH_BYTES: usize = 6;
/// TLS_FALLBACK_SCSV (RFC 7507): it tells of a try before this one, and nothing of the software.
const FALLBACK: u16 = 0x5600;

/// What of a first message tells one software from another.
#[derive(Debug, Clone, Copy)]
struct Offered<'a> {
    suites: &'a [u16],
    groups: &'a [u16],
    schemes: &'a [u16],
    names_a_host: bool,
    protocol: Option<&'a [u8]>,
}

/// The fingerprint of who sends this.
#[must_use]
pub fn fingerprint(hello: &ClientHello<'_>) -> Arc<str> {
    fn numbers<T: Copy>(list: &[T]) -> Vec<u16>
    where
        u16: From<T>,
    {
        list.iter().take(VALUES_MAX).map(|value| u16::from(*value)).filter(|value| !is_grease(*value)).collect()
    }
    let mut suites = numbers(hello.cipher_suites());
    suites.retain(|suite| *suite != FALLBACK);
    suites.sort_unstable();
    let (groups, schemes) = (numbers(hello.named_groups().unwrap_or_default()), numbers(hello.signature_schemes()));
    let offered = Offered {
        suites: &suites,
        groups: &groups,
        schemes: &schemes,
        names_a_host: hello.server_name().is_some(),
        protocol: hello.alpn().and_then(|mut protocols| protocols.next()),
    };
    offered.told().into()
}

/// RFC 8701 §2: both bytes are the same, and end in `a`.
const fn is_grease(value: u16) -> bool {
    value & 0x0F0F == 0x0A0A && value >> 8 == value & 0xFF
}

impl Offered<'_> {
    fn told(&self) -> String {
        // RFC 8446 §B.4: the suites of TLS 1.3 are for no other version, and have a first byte of their own.
        let version = if self.suites.iter().any(|suite| suite >> 8 == 0x13) { "13" } else { "12" };
        let host = if self.names_a_host { 'd' } else { 'i' };
        let (first, last) = ends(self.protocol);
        let mut text = format!("w1_t{version}{host}{:02}{:02}{first}{last}_", self.suites.len(), self.groups.len());
        hash(&mut text, &[self.suites]);
        text.push('_');
        hash(&mut text, &[self.groups, self.schemes]);
        text
    }
}

fn ends(protocol: Option<&[u8]>) -> (char, char) {
    let letter = |byte: Option<&u8>| byte.filter(|byte| byte.is_ascii_alphanumeric()).map_or('9', |byte| char::from(*byte));
    protocol.map_or(('0', '0'), |name| (letter(name.first()), letter(name.last())))
}

/// The begin of the hash of lists of values.
fn hash(text: &mut String, lists: &[&[u16]]) {
    let mut bytes = Vec::with_capacity(256);
    for list in lists {
        for value in *list {
            bytes.extend_from_slice(&value.to_be_bytes());
        }
        // No value of a list: GREASE was left out.
        bytes.extend_from_slice(&[0x0A, 0x0A]);
    }
    for byte in digest(&SHA256, &bytes).as_ref().iter().take(HASH_BYTES) {
        let _ = write!(text, "{byte:02x}");
    }
}

#[cfg(test)]
mod tests;
