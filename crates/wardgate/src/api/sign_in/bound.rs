//! What binds the two halves of a sign-in to one browser: a cookie that only this installation can write, and from which all
//! that the issuer is to repeat follows. Nothing is kept here of somebody who has only begun.

use super::command::Wish;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use http::HeaderMap;
use std::time::Duration;
use wardgate_model::{credential::KeyedHash, secret::Secret, time::Time};
use wardgate_proof::{
    api_key::{self, Pepper},
    entropy::{Entropy, NoEntropy},
};

/// How long somebody has for it.
pub(super) const LIFE: Duration = Duration::from_mins(10);
/// Longest cookie that is looked at, in bytes.
const COOKIE_BYTES_MAX: usize = 1_024;

/// A sign-in that was begun.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Begun {
    /// When.
    at: Time,
    /// What nobody can guess of it.
    random: Box<str>,
    /// The command that waits for it.
    pub(super) wish: Option<Wish>,
}

/// What keys everything here: comes from the master key, so every gate of an installation has the same.
#[derive(Clone, Copy)]
pub(super) struct Binding<'a>(pub(super) &'a Pepper);

impl Binding<'_> {
    /// 32 bytes that only the holder of the master key can say of `text`. No credential begins as a label does.
    fn of(self, label: &str, text: &str) -> String {
        URL_SAFE_NO_PAD.encode(self.hash(label, text).bytes())
    }

    fn hash(self, label: &str, text: &str) -> KeyedHash {
        api_key::hash(self.0, &format!("sign-in {label}\n{text}"))
    }

    fn holds(self, label: &str, text: &str, said: &str) -> bool {
        let said = URL_SAFE_NO_PAD.decode(said).ok().and_then(|bytes| <[u8; 32]>::try_from(bytes).ok());
        said.is_some_and(|said| api_key::same(&self.hash(label, text), &KeyedHash::new(said)))
    }
}

impl Begun {
    /// Begins one.
    ///
    /// # Errors
    /// No randomness.
    pub(super) fn new(wish: Option<Wish>, now: Time, entropy: &dyn Entropy) -> Result<Self, NoEntropy> {
        let mut random = [0; 32];
        entropy.fill(&mut random)?;
        Ok(Self { at: now, random: URL_SAFE_NO_PAD.encode(random).into(), wish })
    }

    /// All of it, in one form.
    fn text(&self) -> String {
        let wish = self.wish.as_ref().map(Wish::text).unwrap_or_default();
        format!("{} {} {wish}", self.at.as_micros(), self.random)
    }

    /// The cookie's value.
    pub(super) fn cookie(&self, binding: Binding<'_>) -> String {
        let text = self.text();
        format!("{}.{}", URL_SAFE_NO_PAD.encode(&text), binding.of("cookie", &text))
    }

    /// What the issuer has to bring back (RFC 6749 §10.12).
    pub(super) fn state(&self, binding: Binding<'_>) -> String {
        binding.of("state", &self.text())
    }

    /// What the ID token has to repeat.
    pub(super) fn nonce(&self, binding: Binding<'_>) -> String {
        binding.of("nonce", &self.text())
    }

    /// What the code is bound to (RFC 7636 §4.1): 43 characters, which no browser ever sees.
    pub(super) fn verifier(&self, binding: Binding<'_>) -> Secret<String> {
        Secret::new(binding.of("verifier", &self.text()))
    }

    /// Under which it is remembered that it came back.
    pub(super) fn mark(&self, binding: Binding<'_>) -> [u8; 32] {
        *binding.hash("mark", &self.text()).bytes()
    }

    /// The sign-in that a browser brings back: its own, in time, for the state that the issuer brought.
    pub(super) fn returned(value: &str, state: &str, binding: Binding<'_>, now: Time) -> Option<Self> {
        if value.len() > COOKIE_BYTES_MAX {
            return None;
        }
        let (text, tag) = value.split_once('.')?;
        let text = String::from_utf8(URL_SAFE_NO_PAD.decode(text).ok()?).ok()?;
        if !binding.holds("cookie", &text, tag) || !binding.holds("state", &text, state) {
            return None;
        }
        let mut parts = text.splitn(3, ' ');
        let at = Time::from_micros(parts.next()?.parse().ok()?);
        let (random, wish) = (parts.next()?.into(), parts.next()?);
        let wish = if wish.is_empty() { None } else { Some(Wish::from_text(wish)?) };
        (now < at + LIFE).then_some(Self { at, random, wish })
    }
}

/// The one cookie of a name; two of it mean nothing.
pub(super) fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let fields = headers.get_all(http::header::COOKIE).iter().filter_map(|field| field.to_str().ok());
    let pairs = fields.flat_map(|field| field.split(';')).filter_map(|pair| pair.trim().split_once('='));
    let mut found = pairs.filter(|(known, _)| *known == name).map(|(_, value)| value);
    let first = found.next()?;
    if found.next().is_some() { None } else { Some(first) }
}

#[cfg(test)]
mod tests;
