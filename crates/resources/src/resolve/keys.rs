//! Entries of `credentials` that are registered public keys (RFC 7517): what can be told of one without verifying anything.

use super::{items, value};
use crate::{
    raw::{CredentialWord, RawCredential, RawIdentity},
    yaml::Faults,
};
use serde_json::{Map, Value};
use std::sync::Arc;
use wardgate_model::diagnostic::Place;

/// Members of a private or symmetric key (RFC 7518 §6): a file that holds one has given it away.
const PRIVATE: [&str; 9] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k", "priv"];
/// Longest key, in bytes.
const BYTES_MAX: usize = 8 * 1024;

/// The key of an entry, as its JSON text; `None` for other types, and for a wrong one.
pub(super) fn registered(raw: &RawCredential, word: CredentialWord, index: usize, faults: &Faults) -> Option<Arc<str>> {
    if word != CredentialWord::PublicKey {
        return None;
    }
    let at = raw.jwk.as_ref()?;
    let members: Map<String, Value> = value(Some(at))?.iter().map(|(name, value)| (name.clone(), value.clone())).collect();
    let wrong = |what: &str, mend: &str| {
        faults.error(at.spot, "credential.key", format_args!("`credentials[{index}].jwk`: {what}"), mend.to_owned());
    };
    if let Some(private) = PRIVATE.iter().find(|name| members.contains_key(**name)) {
        wrong(
            &format!("it has the member `{private}` of a private key"),
            "make a new key pair, since this one has been written down, and name its public half alone",
        );
        return None;
    }
    if members.get("kty").and_then(Value::as_str).is_none() {
        wrong("it says no `kty`", "write a public key as a JWK, as in `jwk: { kty: EC, crv: P-256, x: …, y: … }`");
        return None;
    }
    let text = Value::Object(members).to_string();
    if text.len() > BYTES_MAX {
        wrong(&format!("it has more than {BYTES_MAX} bytes"), "leave out what is not the key, as certificates");
        return None;
    }
    Some(text.into())
}

/// Where the keys of an identity stand, by the names of its entries: what is wrong with one is found where its signatures are verified.
pub(super) fn places(raw: &RawIdentity, faults: &Faults) -> Vec<(Box<str>, Place)> {
    let place = |entry: &RawCredential| Some((value(Some(&entry.name))?.0.clone(), faults.place(entry.jwk.as_ref()?.spot)));
    items(raw.credentials.as_ref()).filter_map(|(entry, _)| place(entry)).collect()
}

#[cfg(test)]
mod tests;
