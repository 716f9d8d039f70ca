//! Signatures of HTTP requests (RFC 9421): what a signer covers, put together again from what was received, and whose key made it.
//!
//! Nothing of a signature is believed before a key has verified it, and a signature says only as much as it covers: an empty list
//! verifies too. So whoever takes one says first what must be covered ([`Signed::covers`]) and how long ago it may have been made
//! ([`Signed::made`]); then comes the key ([`Signed::verify`]). That a body is what `Content-Digest` says is [`crate::digest`]; that it
//! was not taken before is for whoever remembers, by the [`Mark`].
//!
//! What is written otherwise than in the one strict form of RFC 9651 §4.1 is refused. RFC 9421 §2.3 has the strict form in what is signed,
//! signers sign what they sent: where both are the same, nobody can read it in two ways.
//!
//! # Reading order
//!
//! [`message`] is what is signed, [`component`] one part of it, [`fields`] reads `Signature-Input` and `Signature`; [`agent`] is who a bot
//! says that it is; [`wanted`] asks a client for a signature, [`making`] makes one.

pub mod agent;
pub mod component;
pub mod fields;
pub mod making;
pub mod message;
pub mod wanted;

use crate::{
    access_token::SKEW,
    jose::{
        algorithm::Algorithm,
        jwk::{Accepting, Key, Usage},
    },
};
use component::{Component, Part};
use fields::Unreadable;
use http::{HeaderMap, HeaderName};
use message::Message;
use sfv::{BareItem, InnerList, ListEntry};
use std::time::Duration;
use wardgate_model::time::Time;

/// `Signature-Input` (RFC 9421 §4.1).
pub const INPUT: HeaderName = HeaderName::from_static("signature-input");
/// `Signature` (RFC 9421 §4.2).
pub const SIGNATURE: HeaderName = HeaderName::from_static("signature");
/// How long ago a signature may have been made, beside the skew of clocks.
pub const AGE_MAX: Duration = Duration::from_mins(1);
/// How far ahead of us it may have been made, beside that.
pub const AHEAD_MAX: Duration = Duration::from_secs(5);
/// Signatures of one request that are looked at.
pub const SIGNATURES_MAX: usize = 4;
/// Components that one of them covers, at the most.
pub const COMPONENTS_MAX: usize = 32;
/// Longest name of a key, longest nonce, and so on, in bytes.
pub const PARAMETER_BYTES_MAX: usize = 256;
/// The last second of the year 9999: so far moments are read.
const SECONDS_MAX: i64 = 253_402_300_799;

/// Why a signature proves nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// A field cannot be read in one way.
    #[error(transparent)]
    Unreadable(#[from] Unreadable),
    /// One of the two fields names a signature that the other does not.
    #[error("`Signature` and `Signature-Input` do not name the same signatures")]
    Labels,
    /// More than [`SIGNATURES_MAX`].
    #[error("there are more than {SIGNATURES_MAX} signatures")]
    TooMany,
    /// It is no list of components, or no bytes.
    #[error("the signature `{0}` is no list of components, or no bytes")]
    Shape(Box<str>),
    /// A parameter of another type, or longer than one is.
    #[error("the parameter `{0}` is ill-formed")]
    Parameter(&'static str),
    /// A component that is not known here, that this request does not have, or that has two meanings in it.
    #[error("the component `{0}` cannot be derived from this request")]
    Component(Box<str>),
    /// The same component again.
    #[error("the component `{0}` is covered twice")]
    Twice(Box<str>),
    /// More than [`COMPONENTS_MAX`].
    #[error("more than {COMPONENTS_MAX} components are covered")]
    Wide,
    /// It does not say when it was made, or not by which key.
    #[error("it has no `{0}`")]
    Missing(&'static str),
    /// Made too long ago.
    #[error("it was made too long ago")]
    Old,
    /// Made in time to come.
    #[error("it was made in time to come")]
    Early,
    /// By its own word it is over.
    #[error("it has expired")]
    Expired,
    /// The key is for another algorithm, or for none of the registry (RFC 9421 §3.3).
    #[error("the key is not for the algorithm of the signature")]
    Algorithm,
    /// The key did not make it.
    #[error("the key did not make this signature")]
    Signature,
}

/// What a signature says of itself (RFC 9421 §2.3). What else stands there is signed, and means nothing here.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Parameters {
    /// `created`.
    pub created: Option<Time>,
    /// `expires`.
    pub expires: Option<Time>,
    /// `nonce`.
    pub nonce: Option<Box<str>>,
    /// `keyid`.
    pub key_id: Option<Box<str>>,
    /// `alg`.
    pub algorithm: Option<Box<str>>,
    /// `tag`.
    pub tag: Option<Box<str>>,
}

/// SHA-256 of what was signed: two signatures over the same are the same call, however they are written. (An ECDSA signature can be
/// written anew by anybody, so its own bytes would be no mark.)
pub type Mark = [u8; 32];

/// A signature as it was received: read, and nothing of it believed.
#[derive(Debug, Clone)]
pub struct Signed {
    label: Box<str>,
    components: Vec<Component>,
    parameters: Parameters,
    /// The value of `@signature-params`, as it was received.
    text: Box<str>,
    bytes: Box<[u8]>,
}

/// Reads all signatures of a request; none where it has neither field.
///
/// # Errors
/// When the fields cannot be read in one way, or do not belong together.
pub fn read(headers: &HeaderMap) -> Result<Vec<Signed>, Fault> {
    let (inputs, signatures) = (fields::dictionary(headers, &INPUT)?, fields::dictionary(headers, &SIGNATURE)?);
    let (Some(inputs), Some(mut signatures)) = (inputs, signatures) else {
        let neither = !headers.contains_key(INPUT) && !headers.contains_key(SIGNATURE);
        return if neither { Ok(Vec::new()) } else { Err(Fault::Labels) };
    };
    if inputs.len() > SIGNATURES_MAX {
        return Err(Fault::TooMany);
    }
    if inputs.len() != signatures.len() || inputs.is_empty() {
        return Err(Fault::Labels);
    }
    let signed = inputs.into_iter().map(|input| {
        let at = signatures.iter().position(|signature| signature.key == input.key).ok_or(Fault::Labels)?;
        let signature = signatures.swap_remove(at);
        let shape = || Fault::Shape(input.key.clone());
        let (ListEntry::InnerList(list), ListEntry::Item(item)) = (input.entry, signature.entry) else { return Err(shape()) };
        let BareItem::ByteSequence(bytes) = item.bare_item else { return Err(shape()) };
        Signed::of(input.key.clone(), &list, input.text, bytes.into())
    });
    signed.collect()
}

impl Signed {
    fn of(label: Box<str>, list: &InnerList, text: Box<str>, bytes: Box<[u8]>) -> Result<Self, Fault> {
        if list.items.len() > COMPONENTS_MAX {
            return Err(Fault::Wide);
        }
        let mut components: Vec<Component> = Vec::with_capacity(list.items.len());
        for item in &list.items {
            let component = Component::read(item)?;
            if components.iter().any(|before| before.part() == component.part()) {
                return Err(Fault::Twice(component.identifier().into()));
            }
            components.push(component);
        }
        Ok(Self { label, components, parameters: Parameters::read(&list.params)?, text, bytes })
    }

    /// Its name in both fields. It is not signed.
    #[must_use]
    pub fn label(&self) -> &str {
        &self.label
    }

    /// What it says of itself.
    #[must_use]
    pub const fn parameters(&self) -> &Parameters {
        &self.parameters
    }

    /// What it covers, in its order.
    #[must_use]
    pub fn components(&self) -> &[Component] {
        &self.components
    }

    /// Whether it covers a part of the request, by its own name or by one that says more: the target URI holds authority, path and query.
    #[must_use]
    pub fn covers(&self, part: &Part) -> bool {
        self.components.iter().any(|component| component.part().holds(part))
    }

    /// When it was made, where that is short enough ago: `(created, the end of the time in which it is taken)`. `expires` can only
    /// shorten that.
    ///
    /// # Errors
    /// When it does not say so, or is too old, to come, or over.
    pub fn made(&self, age_max: Duration, now: Time) -> Result<(Time, Time), Fault> {
        let created = self.parameters.created.ok_or(Fault::Missing("created"))?;
        if created > now + (AHEAD_MAX + SKEW) {
            return Err(Fault::Early);
        }
        let last = created + (age_max + SKEW);
        if now > last {
            return Err(Fault::Old);
        }
        let last = match self.parameters.expires {
            Some(expires) if expires < created || now > expires + SKEW => return Err(Fault::Expired),
            Some(expires) => last.min(expires + SKEW),
            None => last,
        };
        // It is taken at its end too.
        Ok((created, Time::from_micros(last.as_micros().saturating_add(1))))
    }

    /// What is signed (RFC 9421 §2.5).
    ///
    /// # Errors
    /// When a component cannot be derived from this request.
    pub fn base(&self, message: &Message<'_>) -> Result<String, Fault> {
        let mut base = String::with_capacity(256 + self.text.len());
        for component in &self.components {
            base.push_str(component.identifier());
            base.push_str(": ");
            component.value(message, &mut base)?;
            base.push('\n');
        }
        base.push_str("\"@signature-params\": ");
        base.push_str(&self.text);
        if base.is_ascii() { Ok(base) } else { Err(Fault::Component("@signature-params".into())) }
    }

    /// Whether this key made it over this request. The algorithm is the key's; where the signature names one, it is that one.
    ///
    /// # Errors
    /// When it did not.
    pub fn verify(&self, key: &Key, message: &Message<'_>) -> Result<Mark, Fault> {
        let base = self.base(message)?;
        let algorithm = name(key.algorithm()).ok_or(Fault::Algorithm)?;
        if self.parameters.algorithm.as_deref().is_some_and(|named| named != algorithm) {
            return Err(Fault::Algorithm);
        }
        if key.verifies(base.as_bytes(), &self.bytes) { Ok(crate::jose::hash(&base)) } else { Err(Fault::Signature) }
    }
}

impl Parameters {
    fn read(parameters: &sfv::Parameters) -> Result<Self, Fault> {
        let mut read = Self::default();
        for (name, value) in parameters {
            match name.as_str() {
                "created" => read.created = Some(moment("created", value)?),
                "expires" => read.expires = Some(moment("expires", value)?),
                "nonce" => read.nonce = Some(text("nonce", value)?),
                "keyid" => read.key_id = Some(text("keyid", value)?),
                "alg" => read.algorithm = Some(text("alg", value)?),
                "tag" => read.tag = Some(text("tag", value)?),
                _ => {}
            }
        }
        Ok(read)
    }
}

fn moment(name: &'static str, value: &BareItem) -> Result<Time, Fault> {
    let seconds = value.as_integer().map(i64::from).filter(|seconds| (0..=SECONDS_MAX).contains(seconds));
    seconds.map(Time::from_seconds).ok_or(Fault::Parameter(name))
}

fn text(name: &'static str, value: &BareItem) -> Result<Box<str>, Fault> {
    let text = value.as_string().map(sfv::StringRef::as_str).filter(|text| text.len() <= PARAMETER_BYTES_MAX);
    text.map(Into::into).ok_or(Fault::Parameter(name))
}

/// What keys of signers count: those whose algorithm has a name in the registry.
#[must_use]
pub fn accepting() -> Accepting {
    Accepting { algorithms: Algorithm::ALL.into_iter().filter(|algorithm| name(*algorithm).is_some()).collect(), usage: Usage::Signature }
}

/// The name of an algorithm in the registry of HTTP signatures (RFC 9421 §6.2.2). `hmac-sha256` is none of a public key, so that nobody
/// verifies with a public key as if it were a shared secret.
#[must_use]
pub const fn name(algorithm: Algorithm) -> Option<&'static str> {
    Some(match algorithm {
        Algorithm::Es256 => "ecdsa-p256-sha256",
        Algorithm::Es384 => "ecdsa-p384-sha384",
        Algorithm::Rs256 => "rsa-v1_5-sha256",
        Algorithm::Ps512 => "rsa-pss-sha512",
        Algorithm::Ed25519 => "ed25519",
        Algorithm::Es512
        | Algorithm::Rs384
        | Algorithm::Rs512
        | Algorithm::Ps256
        | Algorithm::Ps384
        | Algorithm::MlDsa44
        | Algorithm::MlDsa65
        | Algorithm::MlDsa87 => return None,
    })
}
