//! Typed names and ids. A name is checked once, at the border; inside it is right.

use std::{borrow::Borrow, fmt, sync::Arc};

/// Longest name of a resource, in bytes.
pub const NAME_BYTES_MAX: usize = 128;

/// Why a text is no name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// Nothing was given.
    #[error("a name must not be empty")]
    Empty,
    /// Longer than [`NAME_BYTES_MAX`].
    #[error("a name has at most {NAME_BYTES_MAX} bytes, this one has {0}")]
    TooLong(usize),
    /// A character outside the grammar.
    #[error("`{0}` may not stand in a name: use a-z, 0-9, `.`, `_`, `:` and `-`, beginning with a letter or digit")]
    Character(char),
}

fn check(text: &str) -> Result<(), NameError> {
    if text.is_empty() {
        return Err(NameError::Empty);
    }
    if text.len() > NAME_BYTES_MAX {
        return Err(NameError::TooLong(text.len()));
    }
    for (at, c) in text.chars().enumerate() {
        let inner = matches!(c, 'a'..='z' | '0'..='9' | '.' | '_' | ':' | '-');
        let first = matches!(c, 'a'..='z' | '0'..='9');
        if !(if at == 0 { first } else { inner }) {
            return Err(NameError::Character(c));
        }
    }
    Ok(())
}

macro_rules! names {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(Arc<str>);

        impl $name {
            /// Checks the grammar: 1 to 128 bytes of `a-z 0-9 . _ : -`, beginning with a letter or digit.
            ///
            /// # Errors
            /// Says which character or length is wrong.
            pub fn parse(text: &str) -> Result<Self, NameError> {
                check(text).map(|()| Self(text.into()))
            }

            /// The name as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }

            /// A name written in this project's own source, checked by a test rather than at run time.
            #[must_use]
            pub fn literal(text: &'static str) -> Self {
                debug_assert!(check(text).is_ok(), "`{text}` is no name");
                Self(text.into())
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({:?})", stringify!($name), &*self.0)
            }
        }

        impl Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
                Self::parse(&text).map_err(serde::de::Error::custom)
            }
        }
    )*};
}

names! {
    /// The name of an identity.
    IdentityId;
    /// The name of an owner.
    OwnerName;
    /// The name of a team within an owner.
    TeamName;
    /// The name of an environment.
    EnvironmentName;
    /// The name of an API.
    ApiName;
    /// The name of a grant.
    GrantId;
    /// The name of a limit.
    LimitName;
    /// The id of a policy (`@id` of a Cedar policy, or `grant:NAME`).
    PolicyName;
    /// The name of an upstream secret.
    SecretName;
    /// The name of a zone.
    ZoneName;
    /// The name of a flow.
    FlowName;
    /// The name of a registered purpose.
    PurposeName;
    /// The name of a trust source.
    TrustName;
    /// The id of a task.
    TaskId;
    /// The name of a contract.
    ContractName;
    /// The name of a waiver.
    WaiverName;
    /// The name of a rule of rotation.
    RotationName;
}

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        // INVARIANT (base62): every byte is one of `0-9A-Za-z`.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub struct $name([u8; CODE_CHARACTERS]);

        impl $name {
            /// Length, in characters.
            pub const CHARACTERS: usize = CODE_CHARACTERS;

            /// Twelve characters of base62 (`0-9A-Za-z`), or `None`.
            #[must_use]
            pub fn parse(text: &str) -> Option<Self> {
                let bytes: [u8; CODE_CHARACTERS] = text.as_bytes().try_into().ok()?;
                bytes.iter().all(u8::is_ascii_alphanumeric).then_some(Self(bytes))
            }

            /// The twelve characters that stand for a number: its low 71 bits, as it were.
            #[must_use]
            pub fn of(mut number: u128) -> Self {
                let mut bytes = [b'0'; CODE_CHARACTERS];
                for slot in bytes.iter_mut().rev() {
                    let digit = usize::try_from(number % 62).unwrap_or_default();
                    *slot = BASE62.get(digit).copied().unwrap_or(b'0');
                    number /= 62;
                }
                Self(bytes)
            }

            /// The id as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                std::str::from_utf8(&self.0).unwrap_or_default()
            }
        }

        impl std::hash::Hash for $name {
            // As `str` does it: see `Borrow`.
            fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
                self.as_str().hash(state);
            }
        }

        impl Borrow<str> for $name {
            fn borrow(&self) -> &str {
                self.as_str()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({:?})", stringify!($name), self.as_str())
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }
    )*};
}

/// Length of an id that is a code, in characters.
const CODE_CHARACTERS: usize = 12;
/// The digits of base62, in their order.
const BASE62: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

codes! {
    /// The public part of a credential: 12 characters of base62.
    CredentialId;
    /// The id of an act that waits for a second person.
    ApprovalId;
}

/// The id of one request: 128 bits, ordered by time, printed as a UUID of version 7 (RFC 9562 §5.7).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RequestId(u128);

impl RequestId {
    /// Makes an id from the time of arrival and 74 bits of `entropy` (the rest of it is not used).
    #[must_use]
    pub fn new(now: crate::time::Time, entropy: u128) -> Self {
        let millis = u128::try_from(now.as_micros().max(0) / 1000).unwrap_or(0) & 0xFFFF_FFFF_FFFF;
        let random_a = (entropy >> 62) & 0x0FFF;
        let random_b = entropy & 0x3FFF_FFFF_FFFF_FFFF;
        Self((millis << 80) | (0x7 << 76) | (random_a << 64) | (0b10 << 62) | random_b)
    }

    /// Reads the form that [`fmt::Display`] writes.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let dashes = [8, 13, 18, 23];
        if text.len() != 36 || !text.is_ascii() {
            return None;
        }
        let mut value = 0_u128;
        for (at, c) in text.chars().enumerate() {
            if dashes.contains(&at) {
                if c != '-' {
                    return None;
                }
            } else {
                value = (value << 4) | u128::from(c.to_digit(16)?);
            }
        }
        Some(Self(value))
    }
}

/// Which digit stands at each place of a UUID's text; 32, which is none, where a dash does.
const PLACES: [u8; 36] =
    [0, 1, 2, 3, 4, 5, 6, 7, 32, 8, 9, 10, 11, 32, 12, 13, 14, 15, 32, 16, 17, 18, 19, 32, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31];

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // All digits, then all places, and neither with a branch: every event and every answer names its request.
        let mut digits = [0_u8; 32];
        for (pair, byte) in digits.chunks_exact_mut(2).zip(self.0.to_be_bytes()) {
            for (digit, nibble) in pair.iter_mut().zip([byte >> 4, byte & 0xF]) {
                *digit = nibble + if nibble < 10 { b'0' } else { b'a' - 10 };
            }
        }
        let text = PLACES.map(|place| digits.get(usize::from(place)).copied().unwrap_or(b'-'));
        f.write_str(std::str::from_utf8(&text).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests;
