//! Issuers of opaque tokens: they are asked about each (RFC 7662), and what they said counts for a short while.

use super::{REMEMBERED_MAX, Said, Standing, Token, reason};
use quick_cache::sync::Cache;
use serde_json::{Map, Value};
use std::{sync::Arc, time::Duration};
use wardgate_model::{
    id::TrustName,
    reason::Reason,
    time::Time,
    trust::{Asked, Issuer},
};
use wardgate_proof::jose::{self, expected::Expected, jwt};

/// An issuer that is asked about its opaque tokens.
#[derive(Debug)]
pub struct AskedIssuer {
    name: TrustName,
    prefix: Box<str>,
    expected: Expected,
    remember: Duration,
    answers: Cache<[u8; 32], Remembered>,
}

/// What an issuer said, and until when it is not asked again.
#[derive(Debug, Clone)]
struct Remembered {
    found: Result<Arc<Token>, Reason>,
    until: Time,
}

impl AskedIssuer {
    /// An issuer, with nothing remembered of what it said.
    #[must_use]
    pub fn new(name: &TrustName, issuer: &Issuer, asked: &Asked) -> Self {
        Self {
            name: name.clone(),
            prefix: asked.prefix.clone(),
            expected: Expected::of(issuer),
            remember: asked.remember,
            answers: Cache::new(REMEMBERED_MAX),
        }
    }

    /// The trust source.
    #[must_use]
    pub fn name(&self) -> &TrustName {
        &self.name
    }

    /// What its tokens begin with.
    #[must_use]
    pub fn prefix(&self) -> &str {
        &self.prefix
    }

    /// What it said of a token a short while ago; `None`: it is to be asked.
    ///
    /// # Errors
    /// When the token was not good.
    pub(crate) fn remembered(&self, text: &str, now: Time) -> Option<Result<Arc<Token>, Reason>> {
        let Remembered { found, .. } = self.answers.get(&jose::hash(text)).filter(|remembered| now < remembered.until)?;
        Some(found)
    }

    /// It says that a token is active, and this of it.
    ///
    /// # Errors
    /// When what it says proves nothing here: it is for others, or not in force.
    pub(crate) fn active(&self, text: &str, members: &Map<String, Value>, now: Time) -> Result<Arc<Token>, Reason> {
        let found = jwt::introspected(members.clone(), &self.expected, now).map_err(|refusal| reason(&refusal)).map(|said| {
            let said = Said { subject: said.subject, on_behalf_of: said.on_behalf_of, claims: said.claims, ends: said.ends };
            Arc::new(Token::new(text, &self.name, &self.expected, said, (None, Standing::default())))
        });
        self.remember(text, found, now)
    }

    /// It says that a token is not active. Gives why it is refused: an issuer does not tell what it took back from what it never made
    /// (§2.2), so what it said before tells, as long as that is remembered.
    pub(crate) fn inactive(&self, text: &str, now: Time) -> Reason {
        let before = self.answers.get(&jose::hash(text)).map(|remembered| remembered.found);
        let reason = match before {
            None | Some(Err(Reason::ProofUnknown)) => Reason::ProofUnknown,
            Some(Err(Reason::ProofExpired)) => Reason::ProofExpired,
            Some(Ok(token)) if token.ends <= now => Reason::ProofExpired,
            Some(Ok(_) | Err(_)) => Reason::ProofRevoked,
        };
        let found = self.remember(text, Err(reason), now);
        found.err().unwrap_or(reason)
    }

    fn remember(&self, text: &str, found: Result<Arc<Token>, Reason>, now: Time) -> Result<Arc<Token>, Reason> {
        let until = now + self.remember;
        let until = found.as_ref().map_or(until, |token| until.min(token.ends));
        self.answers.insert(jose::hash(text), Remembered { found: found.clone(), until });
        found
    }
}
