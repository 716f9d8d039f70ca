//! Nonces that a client has to put into its proofs (RFC 9449 §8, §9): when we gave it out, and a MAC over that, so that nothing has to be
//! remembered and every gate with the same pepper takes what another gave out.
//!
//! Each is for one [`Space`]: what the token service gave out counts at no API (§8.2, §9).

use crate::{access_token::SKEW, api_key::Pepper, jose::base64url};
use aws_lc_rs::{constant_time::verify_slices_are_equal, hmac};
use std::time::Duration;
use wardgate_model::{api::OperationClass, id::ApiName, time::Time};

/// How long a nonce counts: as long as a proof would without one, so that what was caught is not good for longer where a nonce is wanted.
/// Each answer brings the next.
pub const LIFE: Duration = Duration::from_mins(1);
/// How long one counts that answers a challenge: with the skew of clocks a minute at the most, for what it shows is to be of now.
pub const CHALLENGE_LIFE: Duration = Duration::from_secs(30);
/// INVARIANT (label): what the key is made of never changes, or gates of two versions beside each other take no nonce of each other.
const LABEL: &[u8] = b"dpop nonce\0";
const MOMENT_BYTES: usize = 8;
const TAG_BYTES: usize = 16;

/// For what a nonce counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Space<'a> {
    /// Our token service.
    TokenService,
    /// A class of operations of an API.
    Api(&'a ApiName, OperationClass),
    /// Signatures of requests to an API (RFC 9421 §5.1).
    Signatures(&'a ApiName),
    /// A challenge at an API to the key of this thumbprint, and to no other.
    Challenge(&'a ApiName, &'a [u8; 32]),
}

impl Space<'_> {
    /// How long a nonce of it counts, beside the skew of clocks between gates.
    const fn life(self) -> Duration {
        match self {
            Self::TokenService | Self::Api(..) | Self::Signatures(_) => LIFE,
            Self::Challenge(..) => CHALLENGE_LIFE,
        }
    }
}

/// What nonces are made and recognised with.
pub struct NonceKey(hmac::Key);

impl NonceKey {
    /// The same for all who share a pepper.
    #[must_use]
    pub fn of(pepper: &Pepper) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, pepper.keyed(&[LABEL]).bytes()))
    }

    /// A nonce: 32 characters of base64url.
    #[must_use]
    pub fn offer(&self, space: Space<'_>, now: Time) -> String {
        let moment = now.as_seconds().to_be_bytes();
        let mut bytes = Vec::with_capacity(MOMENT_BYTES + TAG_BYTES);
        bytes.extend_from_slice(&moment);
        bytes.extend_from_slice(self.tag(space, &moment).as_ref().get(..TAG_BYTES).unwrap_or_default());
        base64url::encode(&bytes)
    }

    /// When it was given out here, in whole seconds; `None`: it was not, or too long ago.
    #[must_use]
    pub fn made(&self, space: Space<'_>, nonce: &str, now: Time) -> Option<Time> {
        let bytes = base64url::decode(nonce)?;
        let (moment, tag) = bytes.split_first_chunk::<MOMENT_BYTES>()?;
        let expected = self.tag(space, moment);
        verify_slices_are_equal(tag, expected.as_ref().get(..TAG_BYTES)?).ok()?;
        let made = Time::from_seconds(i64::from_be_bytes(*moment));
        (made <= now + SKEW && now <= made + (space.life() + SKEW)).then_some(made)
    }

    /// The same of a nonce as a proof has it.
    #[must_use]
    pub fn shown(&self, space: Space<'_>, nonce: &[u8], now: Time) -> Option<Time> {
        self.made(space, std::str::from_utf8(nonce).ok()?, now)
    }

    fn tag(&self, space: Space<'_>, moment: &[u8; MOMENT_BYTES]) -> hmac::Tag {
        let mut context = hmac::Context::with_key(&self.0);
        context.update(moment);
        match space {
            Space::TokenService => context.update(b"token service"),
            Space::Api(api, class) => parted(&mut context, &["api", api.as_str(), class.as_str()]),
            Space::Signatures(api) => parted(&mut context, &["signatures", api.as_str()]),
            Space::Challenge(api, key) => {
                parted(&mut context, &["challenge", api.as_str()]);
                context.update(key);
            }
        }
        context.sign()
    }
}

fn parted(context: &mut hmac::Context, parts: &[&str]) {
    for part in parts {
        context.update(part.as_bytes());
        context.update(b"\0");
    }
}

impl std::fmt::Debug for NonceKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("NonceKey(…)")
    }
}
