//! The two messages of an agent that we read (Protocol Buffers, `workload.proto`), as one SPIFFE bundle document.

use super::WorkloadFault;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use serde_json::{Value, json};
use wardgate_proof::{
    jose::json as strict,
    x509::{SpiffeId, TrustDomain},
};

/// What the key set of a trust domain may hold.
const BOUNDS: strict::Bounds = strict::Bounds { depth: 6, values: 8_192 };
/// `X509BundlesResponse`: lists in 1, bundles in 2.
const X509_LISTS: u64 = 1;
const X509_BUNDLES: u64 = 2;
/// `JWTBundlesResponse`: bundles in 1.
const JWT_BUNDLES: u64 = 1;

/// The bundle of a trust domain; `None`: there is none in what the agent said.
///
/// # Errors
/// When it cannot be read in one way.
pub(super) fn document(x509: &[u8], jwt: &[u8], domain: &TrustDomain) -> Result<Option<Bytes>, WorkloadFault> {
    if fields(x509)?.iter().any(|(number, list)| *number == X509_LISTS && !list.is_empty()) {
        // To leave them out would let in whom they revoke.
        return Err(WorkloadFault::Message("it has revocation lists: name them in `revoked`"));
    }
    let Some(anchors) = of(&fields(x509)?, X509_BUNDLES, domain)? else { return Ok(None) };
    let mut keys: Vec<Value> = certificates(anchors)?
        .into_iter()
        .map(|certificate| json!({ "kty": "EC", "use": "x509-svid", "x5c": [STANDARD.encode(certificate)] }))
        .collect();
    if let Some(set) = of(&fields(jwt)?, JWT_BUNDLES, domain)? {
        let mut set =
            strict::object(set, BOUNDS).map_err(|_| WorkloadFault::Message("a set of keys is no JSON that can be read in one way"))?;
        let Some(Value::Array(listed)) = set.remove("keys") else { return Err(WorkloadFault::Message("a set of keys has no list `keys`")) };
        for mut key in listed {
            // An agent's set is for JWT-SVIDs alone, and does not always say so.
            if let Some(key) = key.as_object_mut() {
                key.entry("use").or_insert_with(|| json!("jwt-svid"));
            }
            keys.push(key);
        }
    }
    Ok(Some(json!({ "keys": keys }).to_string().into()))
}

/// The entry of a map from trust domains to bundles that is of this one.
fn of<'a>(message: &[(u64, &'a [u8])], map: u64, domain: &TrustDomain) -> Result<Option<&'a [u8]>, WorkloadFault> {
    let mut found = None;
    for (_, entry) in message.iter().filter(|(number, _)| *number == map) {
        let (mut key, mut value) = (&[][..], &[][..]);
        for (number, bytes) in fields(entry)? {
            match number {
                1 => key = bytes,
                2 => value = bytes,
                _ => {}
            }
        }
        let id = std::str::from_utf8(key).ok().and_then(|key| SpiffeId::read(key).ok());
        if id.is_some_and(|id| id.trust_domain() == domain && !id.names_workload()) && found.replace(value).is_some() {
            return Err(WorkloadFault::Message("a trust domain is there twice"));
        }
    }
    Ok(found)
}

/// Every field of a message that has a length, by its number; others are passed over.
fn fields(mut message: &[u8]) -> Result<Vec<(u64, &[u8])>, WorkloadFault> {
    let mut fields = Vec::new();
    while !message.is_empty() {
        let tag = varint(&mut message)?;
        let length = match tag & 7 {
            0 => {
                varint(&mut message)?;
                continue;
            }
            1 => 8,
            2 => varint(&mut message)?,
            5 => 4,
            _ => return Err(BROKEN),
        };
        let (bytes, rest) = usize::try_from(length).ok().and_then(|length| message.split_at_checked(length)).ok_or(BROKEN)?;
        message = rest;
        if tag & 7 == 2 {
            fields.push((tag >> 3, bytes));
        }
    }
    Ok(fields)
}

const BROKEN: WorkloadFault = WorkloadFault::Message("it is no Protocol Buffers message");

fn varint(bytes: &mut &[u8]) -> Result<u64, WorkloadFault> {
    let mut value = 0_u64;
    for shift in (0..64).step_by(7) {
        let (byte, rest) = bytes.split_first().ok_or(BROKEN)?;
        *bytes = rest;
        value |= u64::from(byte & 0x7f).checked_shl(shift).unwrap_or(0);
        if byte & 0x80 == 0 {
            return Ok(value);
        }
    }
    Err(BROKEN)
}

/// Certificates in DER, one after another.
fn certificates(mut der: &[u8]) -> Result<Vec<&[u8]>, WorkloadFault> {
    const FAULT: WorkloadFault = WorkloadFault::Message("a bundle is no certificates in DER, one after another");
    let mut found = Vec::new();
    while !der.is_empty() {
        let (head, length) = match *der {
            [0x30, short @ 0..=0x7f, ..] => (2, usize::from(short)),
            [0x30, 0x81, a, ..] => (3, usize::from(a)),
            [0x30, 0x82, a, b, ..] => (4, usize::from(u16::from_be_bytes([a, b]))),
            _ => return Err(FAULT),
        };
        let (certificate, rest) = der.split_at_checked(head + length).ok_or(FAULT)?;
        found.push(certificate);
        der = rest;
    }
    Ok(found)
}

#[cfg(test)]
mod tests;
