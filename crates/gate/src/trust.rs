//! Whose proofs count, made ready: keys and anchors as they were last fetched, and what was found good with them.
//!
//! What was verified once is remembered until it ends, as long as what it was verified by is what it was. A new [`Trust`] remembers
//! nothing, or what the one before it found by trust sources that are the same in both: so new keys, a new revocation list or a
//! trust source that is gone are obeyed by the next request, on open connections too, and cost nobody else.

mod asked;
mod authority;
mod bot;
mod prover;
mod seen;
mod standing;
mod told;

pub use asked::AskedIssuer;
pub use authority::{Certificate, Gathered, TrustedAuthority};
pub use bot::TrustedBot;
pub(crate) use prover::Prover;
pub(crate) use told::Told;

use crate::task::OfTask;
use ahash::AHashMap;
use quick_cache::sync::Cache;
use standing::Standing;
use std::sync::{Arc, LazyLock};
use wardgate_model::{
    api::Api,
    facts::TokenFacts,
    id::TrustName,
    reason::Reason,
    time::Time,
    trust::{Issuer, JWT_SVID, Keys},
};
use wardgate_proof::{
    access_token,
    jose::{
        self,
        algorithm::{Algorithms, UnknownAlgorithm},
        base64url,
        claims::{Claims, Confirmation},
        expected::Expected,
        jwk::{Accepting, Usage},
        jwt::Unverified,
        key_set::{KeySet, SetFault},
        kind::TokenKind,
        refusal::Refusal,
    },
    x509::{BundleFault, CrlFault, SpiffeBundleFault, SpiffeIdError},
};

/// Tokens and certificates remembered at a time, over all callers.
const REMEMBERED_MAX: usize = 65_536;

/// An issuer of tokens, with its keys.
#[derive(Debug)]
pub struct TrustedIssuer {
    /// The trust source.
    pub name: TrustName,
    /// What must hold of its tokens.
    pub expected: Expected,
    /// Its keys; `None`: they were never fetched.
    pub keys: Option<Arc<KeySet>>,
    /// From then on the keys are too old to be believed; `None`: they are on record here.
    pub good_until: Option<Time>,
    /// Whether these are our own.
    ours: bool,
    standing: Standing,
}

/// Why what a trust source declares cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unusable {
    /// An algorithm that is none.
    #[error("`algorithms`: {0}")]
    Algorithms(#[from] UnknownAlgorithm),
    /// Its keys.
    #[error("`jwks`: {0}")]
    Keys(#[from] SetFault),
    /// Its trust domain.
    #[error("`trust_domain`: {0}")]
    Domain(#[from] SpiffeIdError),
    /// Its anchors.
    #[error("`bundle`: {0}")]
    Anchors(#[from] BundleFault),
    /// The bundle of its trust domain.
    #[error("`bundle`: {0}")]
    Bundle(#[from] SpiffeBundleFault),
    /// Its bundle has no keys for the JWT-SVIDs that are to count.
    #[error("`audiences`: certificates in PEM have no keys of JWT-SVIDs: `bundle` has to be the SPIFFE bundle itself, JSON")]
    NoKeys,
    /// What it revoked.
    #[error("`revoked`: {0}")]
    Revoked(#[from] CrlFault),
}

impl TrustedIssuer {
    /// An issuer with the keys that were fetched for it; those that it declares itself need no fetching.
    #[must_use]
    pub fn new(name: &TrustName, issuer: &Issuer, fetched: Option<(KeySet, Time)>) -> Self {
        let (keys, good_until) = match (&issuer.keys, fetched) {
            (Keys::Here(text), _) => (Self::keys(issuer, text).ok(), None),
            (Keys::Discovered(_) | Keys::At(..), Some((keys, end))) => (Some(keys), Some(end)),
            (Keys::Discovered(_) | Keys::At(..), None) | (Keys::Asked(_), _) => (None, None),
        };
        let (expected, keys) = (Expected::of(issuer), keys.map(Arc::new));
        Self { name: name.clone(), expected, keys, good_until, ours: false, standing: Standing::default() }
    }

    /// Our own token service, with every key whose tokens count.
    #[must_use]
    pub fn ours(issuer: &str, keys: KeySet) -> Self {
        let (name, expected) = (TrustName::literal(Api::ISSUER), access_token::expected(issuer));
        Self { name, expected, keys: Some(Arc::new(keys)), good_until: None, ours: true, standing: Standing::default() }
    }

    /// The same, with the same keys, which are good for longer: what was found good by them is remembered.
    #[must_use]
    pub fn renewed(&self, good_until: Option<Time>) -> Self {
        let Self { name, expected, keys, ours, standing, .. } = self;
        Self { name: name.clone(), expected: expected.clone(), keys: keys.clone(), good_until, ours: *ours, standing: standing.clone() }
    }

    /// The keys of an issuer, from their document.
    ///
    /// # Errors
    /// When it is none.
    pub fn keys(issuer: &Issuer, text: &str) -> Result<KeySet, Unusable> {
        let algorithms = Algorithms::parse(&issuer.algorithms)?;
        Ok(KeySet::parse(text.as_bytes(), Accepting { algorithms, usage: Usage::Signature })?)
    }
}

/// Longest name of a token that others are held to, in bytes.
const NAME_BYTES_MAX: usize = 128;

/// A genuine token.
#[derive(Debug)]
pub struct Token {
    /// Who vouches for it.
    pub trust: TrustName,
    /// Who calls, as its issuer says.
    pub subject: Box<str>,
    /// For whom it calls.
    pub on_behalf_of: Option<Box<str>>,
    /// What events and policies see of it.
    pub facts: Arc<TokenFacts>,
    /// When it was made.
    pub since: Time,
    /// From then on it is not good.
    pub ends: Time,
    /// All that it says.
    pub claims: Claims,
    /// Whether our own token service issued it: then it names a credential of ours, and no binding is looked for.
    pub ours: bool,
    /// The SHA-256 of its text in base64url, where it is bound to a key: each proof of possession says it too (RFC 9449 §4.2, `ath`).
    pub hash: Option<Box<str>>,
    /// With which key it was shown, where it is bound to one.
    pub(crate) prover: Prover,
    /// Of which task it is, where it is ours.
    pub task: Option<Arc<OfTask>>,
    /// What is asked of it with each request.
    pub(crate) told: Told,
    /// From then on the keys that it was verified with are too old to be believed, and with them what was found.
    keys_until: Option<Time>,
    /// By what it was found good.
    standing: Standing,
}

/// What is said of who shows a token.
struct Said {
    subject: Box<str>,
    on_behalf_of: Option<Box<str>>,
    claims: Claims,
    ends: Time,
}

impl Token {
    /// Its own name (`jti`), by which it can be ended; `None`: it has none that could stand in another token.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        Some(&*self.facts.id).filter(|id| !id.is_empty() && id.len() <= NAME_BYTES_MAX)
    }

    fn new(text: &str, trust: &TrustName, expected: &Expected, said: Said, (keys_until, standing): (Option<Time>, Standing)) -> Self {
        let Said { subject, on_behalf_of, claims, ends } = said;
        let facts = TokenFacts {
            id: claims.id().unwrap_or_default().into(),
            issuer: match &expected.trust_domain {
                // `iss` of a JWT-SVID says nothing.
                Some(domain) => format!("spiffe://{domain}").into(),
                None => claims.issuer().or(expected.issuer.as_deref()).unwrap_or_default().into(),
            },
            audience: claims.audiences().map(Into::into).collect(),
            scopes: claims.scopes().map(Into::into).collect(),
        };
        // A token that does not say when it was made is taken to be as old as one of its issuer can be.
        let oldest = Time::from_micros(ends.as_micros().saturating_sub(micros(expected.life_max)));
        let since = claims.issued().unwrap_or(oldest);
        let facts = Arc::new(facts);
        let is_bound = matches!(claims.confirmation(), Some(Confirmation::Key(_)));
        let hash = is_bound.then(|| base64url::encode(&jose::hash(text)).into());
        Self {
            trust: trust.clone(),
            subject,
            on_behalf_of,
            facts,
            since,
            ends,
            told: Told::of(&claims),
            claims,
            ours: false,
            task: None,
            hash,
            prover: Prover::default(),
            keys_until,
            standing,
        }
    }

    /// To what it is bound; whoever shows it must show that too.
    #[must_use]
    pub fn confirmation(&self) -> Option<Confirmation> {
        self.claims.confirmation()
    }
}

/// Why a foreign proof is not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trouble {
    /// It is refused.
    Refused(Reason),
    /// Newer keys of its issuer may turn it.
    Keys {
        /// The trust source.
        trust: TrustName,
        /// The key that is not known, where it has a name.
        kid: Option<Box<str>>,
    },
}

impl From<Reason> for Trouble {
    fn from(reason: Reason) -> Self {
        Self::Refused(reason)
    }
}

/// Everybody whose proofs count.
#[derive(Debug)]
pub struct Trust {
    issuers: AHashMap<Box<str>, TrustedIssuer>,
    domains: AHashMap<Box<str>, TrustedAuthority>,
    authorities: Vec<TrustedAuthority>,
    /// Those whose tokens begin with the most characters first.
    asked: Vec<Arc<AskedIssuer>>,
    /// By their origins.
    bots: AHashMap<Box<str>, TrustedBot>,
    /// Of all issuers and trust domains that count, in order; and of the other authorities together.
    current: Box<[Standing]>,
    others: Standing,
    tokens: Arc<Cache<seen::Seen, Arc<Token>>>,
    certificates: Arc<Cache<[u8; 32], Arc<Certificate>>>,
}

impl Trust {
    /// Nobody outside is believed.
    #[must_use]
    pub fn nobody() -> Arc<Self> {
        static NOBODY: LazyLock<Arc<Trust>> = LazyLock::new(|| Arc::new(Trust::of([], [], 0)));
        Arc::clone(&NOBODY)
    }

    /// Makes it ready, with nothing remembered.
    #[must_use]
    pub fn new(issuers: impl IntoIterator<Item = TrustedIssuer>, authorities: impl IntoIterator<Item = TrustedAuthority>) -> Self {
        Self::of(issuers, authorities, REMEMBERED_MAX)
    }

    fn of(
        issuers: impl IntoIterator<Item = TrustedIssuer>,
        authorities: impl IntoIterator<Item = TrustedAuthority>,
        remembered: usize,
    ) -> Self {
        let issuers = issuers.into_iter().filter_map(|issuer| Some((issuer.expected.issuer.clone()?, issuer)));
        let issuers: AHashMap<Box<str>, TrustedIssuer> = issuers.collect();
        let mut domains: AHashMap<Box<str>, TrustedAuthority> = AHashMap::new();
        let mut others = Vec::new();
        for authority in authorities {
            match &authority.domain {
                Some(domain) => drop(domains.insert(domain.as_str().into(), authority)),
                None => others.push(authority),
            }
        }
        let mut current = Vec::new();
        current.extend(issuers.values().map(|issuer| issuer.standing.clone()));
        for domain in domains.values() {
            current.push(domain.standing.clone());
            current.extend(domain.svids.as_ref().map(|svids| svids.standing.clone()));
        }
        current.sort();
        Self {
            issuers,
            domains,
            authorities: others,
            asked: Vec::new(),
            bots: AHashMap::new(),
            current: current.into(),
            others: Standing::default(),
            tokens: Arc::new(Cache::new(remembered)),
            certificates: Arc::new(Cache::new(remembered)),
        }
    }

    /// Remembers with `before` what it found by trust sources that both have, and nothing else of it.
    #[must_use]
    pub fn remembering(mut self, before: &Self) -> Self {
        // Where there are other issuers another one may be who a token is of, whoever it was of before.
        let same = self.issuers.len() == before.issuers.len() && self.issuers.keys().all(|issuer| before.issuers.contains_key(issuer));
        if same && !before.current.is_empty() {
            self.tokens = Arc::clone(&before.tokens);
        }
        let standings = |trust: &Self| trust.authorities.iter().map(|authority| authority.standing.clone()).collect::<Vec<_>>();
        let others = standings(&self);
        if others == standings(before) {
            self.others = before.others.clone();
        }
        if !before.current.is_empty() || !before.authorities.is_empty() {
            self.certificates = Arc::clone(&before.certificates);
        }
        self
    }

    /// Whether what something was found good by is what it was.
    fn stands(&self, standing: &Standing) -> bool {
        *standing == self.others || self.current.binary_search(standing).is_ok()
    }

    /// Whether anybody outside vouches for tokens that are signed.
    #[must_use]
    pub fn vouches_for_tokens(&self) -> bool {
        self.issuers.values().any(|issuer| !issuer.ours) || self.domains.values().any(|authority| authority.svids.is_some())
    }

    /// With issuers that are asked about their opaque tokens.
    #[must_use]
    pub fn asking<A: Into<Arc<AskedIssuer>>>(mut self, issuers: impl IntoIterator<Item = A>) -> Self {
        self.asked = issuers.into_iter().map(Into::into).collect();
        self.asked.sort_by_key(|issuer| std::cmp::Reverse(issuer.prefix().len()));
        self
    }

    /// With bots that sign their requests.
    #[must_use]
    pub fn with_bots(mut self, bots: impl IntoIterator<Item = TrustedBot>) -> Self {
        self.bots = bots.into_iter().map(|bot| (bot.agent.clone(), bot)).collect();
        self
    }

    /// The bot of an origin.
    #[must_use]
    pub fn bot(&self, origin: &str) -> Option<&TrustedBot> {
        self.bots.get(origin)
    }

    /// The issuer that is asked about this opaque token.
    #[must_use]
    pub fn asked(&self, text: &str) -> Option<&AskedIssuer> {
        self.asked.iter().map(Arc::as_ref).find(|issuer| text.starts_with(issuer.prefix()))
    }

    /// Verifies a token, or remembers that it did.
    ///
    /// # Errors
    /// When it is not genuine, not meant for us or not in force; or when newer keys could turn that.
    pub fn token(&self, text: &str, now: Time) -> Result<Arc<Token>, Trouble> {
        let shown = seen::Shown::of(text).ok_or(Reason::ProofToken)?;
        if let Some(token) = self.found(&shown, now) {
            return if now < token.ends { Ok(token) } else { Err(Reason::ProofExpired.into()) };
        }
        let unverified = Unverified::read(text).map_err(|refusal| reason(&refusal))?;
        let issuer = unverified.issuer().and_then(|issuer| self.issuers.get(issuer)).or_else(|| self.svids(&unverified));
        let issuer = issuer.ok_or(Reason::ProofIssuer)?;
        let keys_away = || Trouble::Keys { trust: issuer.name.clone(), kid: None };
        let keys = issuer.keys.as_ref().ok_or_else(keys_away)?;
        if issuer.good_until.is_some_and(|end| end <= now) {
            return Err(keys_away());
        }
        let verified = unverified.verify(keys, &issuer.expected, now).map_err(|refusal| match refusal {
            Refusal::UnknownKey { kid } => Trouble::Keys { trust: issuer.name.clone(), kid },
            other => reason(&other).into(),
        })?;
        let subject = match verified.kind {
            TokenKind::JwtSvid => format!("{JWT_SVID}{}", verified.subject).into(),
            _ => verified.subject,
        };
        let task = if issuer.ours { OfTask::of(&verified.claims).map(Arc::new) } else { None };
        let said = Said { subject, on_behalf_of: verified.on_behalf_of, claims: verified.claims, ends: verified.ends };
        let by = (issuer.good_until, issuer.standing.clone());
        let token = Arc::new(Token { ours: issuer.ours, task, ..Token::new(text, &issuer.name, &issuer.expected, said, by) });
        self.tokens.insert(shown.into(), Arc::clone(&token));
        Ok(token)
    }

    /// A token that was found genuine before, by what counts still, whether or not it is in force.
    pub(crate) fn seen(&self, text: &str, now: Time) -> Option<Arc<Token>> {
        self.found(&seen::Shown::of(text)?, now)
    }

    fn found(&self, shown: &seen::Shown<'_>, now: Time) -> Option<Arc<Token>> {
        let counts = |token: &Arc<Token>| token.keys_until.is_none_or(|end| now < end) && self.stands(&token.standing);
        self.tokens.get(shown).filter(counts)
    }

    /// Whether a token was found genuine here and is remembered, whether or not it is in force still.
    #[must_use]
    pub fn remembers(&self, text: &str) -> bool {
        seen::Shown::of(text).is_some_and(|shown| self.tokens.get(&shown).is_some())
    }

    /// Whether there are keys of a trust source that can be believed.
    #[must_use]
    pub fn has_keys(&self, trust: &TrustName, now: Time) -> bool {
        let mut issuers = self.issuers.values().filter(|issuer| issuer.name == *trust);
        let mut authorities = self.domains.values().chain(&self.authorities).filter(|authority| authority.name == *trust);
        issuers.any(|issuer| issuer.keys.is_some() && issuer.good_until.is_none_or(|end| now < end))
            || authorities.any(|authority| authority.is_whole(now))
            || self.bots.values().any(|bot| bot.name == *trust && bot.is_whole(now))
    }
}

fn micros(duration: std::time::Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}

/// What is said of a token that proves nothing.
pub(crate) fn reason(refusal: &Refusal) -> Reason {
    match refusal {
        Refusal::Expired => Reason::ProofExpired,
        Refusal::Issuer(_) | Refusal::TrustDomain(_) => Reason::ProofIssuer,
        Refusal::UnknownKey { .. } | Refusal::KeyUnclear | Refusal::Signature | Refusal::AlgorithmOfKey { .. } => Reason::ProofSignature,
        Refusal::Missing(_)
        | Refusal::Claim(_)
        | Refusal::Named(_)
        | Refusal::Forbidden(_)
        | Refusal::Audience(_)
        | Refusal::AudienceShared
        | Refusal::NotYet
        | Refusal::IssuedInFuture
        | Refusal::Life => Reason::ProofClaims,
        Refusal::TooLong
        | Refusal::Parts
        | Refusal::Encrypted
        | Refusal::Encoding(_)
        | Refusal::Json(..)
        | Refusal::Header(_)
        | Refusal::Critical
        | Refusal::Unencoded
        | Refusal::Compressed
        | Refusal::Nested
        | Refusal::HeaderMember
        | Refusal::Type(_)
        | Refusal::Unsigned
        | Refusal::Algorithm(_)
        | Refusal::AlgorithmNotAllowed(_) => Reason::ProofToken,
    }
}
