//! The reverse: signatures of our own, as a client makes them (RFC 9421 §3.1).

use super::{Fault, Signed, message::Message, name};
use crate::jose::signer::{SignError, Signer};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use sfv::{Dictionary, KeyRef, ListEntry, Parser};
use std::fmt::Write as _;
use wardgate_model::time::Time;

/// Why there is no signature.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotSigned {
    /// What is to be covered cannot be.
    #[error(transparent)]
    Covered(#[from] Fault),
    /// What is said of it cannot be written down.
    #[error("the parameters hold what no structured field does")]
    Parameters,
    /// The key fails.
    #[error(transparent)]
    Key(#[from] SignError),
}

/// What is signed beside the request.
#[derive(Debug, Clone, Copy)]
pub struct Making<'a> {
    /// The signature's name in both fields.
    pub label: &'a str,
    /// What it covers, as identifiers are written: `"@method" "content-digest"`.
    pub components: &'a str,
    /// When it is made.
    pub created: Time,
    /// Until when it counts.
    pub expires: Option<Time>,
    /// Its nonce.
    pub nonce: Option<&'a str>,
    /// The name of the key.
    pub key_id: &'a str,
    /// What it is for.
    pub tag: Option<&'a str>,
}

/// The values of the two fields.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Made {
    /// `Signature-Input`.
    pub input: String,
    /// `Signature`.
    pub signature: String,
}

/// Signs a request.
///
/// # Errors
/// When a component cannot be derived from it, or the key fails.
pub fn sign(signer: &Signer, message: &Message<'_>, making: &Making<'_>) -> Result<Made, NotSigned> {
    let mut text = format!("({});created={}", making.components, making.created.as_seconds());
    if let Some(expires) = making.expires {
        // Writing to a string cannot fail.
        let _infallible = write!(text, ";expires={}", expires.as_seconds());
    }
    let algorithm = name(signer.algorithm());
    for (name, value) in [("nonce", making.nonce), ("keyid", Some(making.key_id)), ("alg", algorithm), ("tag", making.tag)] {
        if let Some(value) = value {
            let value = sfv::StringRef::from_str(value).map_err(|_| NotSigned::Parameters)?;
            let _infallible = write!(text, ";{name}={}", sfv::ItemSerializer::new().bare_item(value).finish());
        }
    }
    let input = format!("{}={text}", making.label);
    let members: Dictionary = Parser::new(&input).parse().map_err(|_| NotSigned::Parameters)?;
    let key = KeyRef::from_str(making.label).map_err(|_| NotSigned::Parameters)?;
    let Some(ListEntry::InnerList(list)) = members.get(key) else { return Err(NotSigned::Parameters) };
    let base = Signed::of(making.label.into(), list, text.into(), Box::default())?.base(message)?;
    let signature = format!("{}=:{}:", making.label, STANDARD.encode(signer.sign_bytes(base.as_bytes())?));
    Ok(Made { input, signature })
}
