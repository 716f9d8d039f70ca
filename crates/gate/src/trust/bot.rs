//! Bots that sign their requests, by the keys of their directories (Web Bot Auth).

use super::{Trouble, Unusable};
use std::sync::Arc;
use wardgate_model::{
    id::TrustName,
    reason::Reason,
    time::Time,
    trust::{Bot, Keys},
};
use wardgate_proof::{
    jose::{jwk::Key, key_set::KeySet},
    signature,
};

/// A bot, with its keys. INVARIANT (address and key): a key is looked for among those of the bot that the signature names, and nowhere
/// else. The same key in the directory of another is another bot's.
#[derive(Debug, Clone)]
pub struct TrustedBot {
    /// The trust source.
    pub name: TrustName,
    /// Its origin: who it is.
    pub agent: Box<str>,
    /// Its keys, under their thumbprints; `None`: they were never fetched.
    keys: Option<Arc<KeySet>>,
    /// From then on the keys are too old to be believed; `None`: they are on record here.
    good_until: Option<Time>,
    /// Whether there may be newer ones.
    is_fetched: bool,
}

impl TrustedBot {
    /// A bot with the keys that were fetched for it; those that stand here need no fetching.
    #[must_use]
    pub fn new(name: &TrustName, bot: &Bot, fetched: Option<(KeySet, Time)>) -> Self {
        let (keys, good_until) = match (&bot.keys, fetched) {
            (Keys::Here(text), _) => (Self::keys(text).ok(), None),
            (Keys::At(..), Some((keys, end))) => (Some(keys), Some(end)),
            (Keys::At(..) | Keys::Discovered(_) | Keys::Asked(_), _) => (None, None),
        };
        let is_fetched = matches!(bot.keys, Keys::At(..));
        Self { name: name.clone(), agent: bot.agent.clone(), keys: keys.map(Arc::new), good_until, is_fetched }
    }

    /// The same, with the same keys, which are good for longer.
    #[must_use]
    pub fn renewed(&self, good_until: Option<Time>) -> Self {
        Self { good_until, ..self.clone() }
    }

    /// The keys of a directory, from its document.
    ///
    /// # Errors
    /// When it is none.
    pub fn keys(text: &str) -> Result<KeySet, Unusable> {
        Ok(KeySet::parse(text.as_bytes(), signature::accepting())?.by_thumbprint())
    }

    /// A key by its thumbprint.
    ///
    /// # Errors
    /// When it has none of that name, or when newer keys could turn that.
    pub fn key(&self, thumbprint: &str, now: Time) -> Result<&Key, Trouble> {
        let sought = |kid: Option<&str>| Trouble::Keys { trust: self.name.clone(), kid: kid.map(Into::into) };
        let Some(keys) = self.keys.as_deref().filter(|_| self.is_believed(now)) else { return Err(sought(None)) };
        match keys.keys().iter().find(|key| key.thumbprint() == thumbprint) {
            Some(key) => Ok(key),
            None if self.is_fetched => Err(sought(Some(thumbprint))),
            None => Err(Reason::ProofSignature.into()),
        }
    }

    /// Whether it has keys that can be believed.
    pub(super) fn is_whole(&self, now: Time) -> bool {
        self.keys.is_some() && self.is_believed(now)
    }

    fn is_believed(&self, now: Time) -> bool {
        self.good_until.is_none_or(|end| now < end)
    }
}
