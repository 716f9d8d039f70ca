//! Whose proofs count, made ready: keys and anchors as they were last fetched, and what was found good with them.
//!
//! What was verified once is remembered by its hash until it ends. A new [`Trust`] remembers nothing: so new keys, a new
//! revocation list or a trust source that is gone are obeyed by the next request, on open connections too.

use ahash::AHashMap;
use quick_cache::sync::Cache;
use smallvec::SmallVec;
use std::sync::{Arc, LazyLock};
use wardgate_model::{
    facts::TokenFacts,
    id::TrustName,
    proof::CertificateChain,
    reason::Reason,
    time::Time,
    trust::{Authority, Issuer, Keys},
};
use wardgate_proof::{
    jose::{
        self,
        algorithm::{Algorithms, UnknownAlgorithm},
        claims::{Claims, Confirmation},
        expected::Expected,
        jwk::{Accepting, Usage},
        jwt::Unverified,
        key_set::{KeySet, SetFault},
        refusal::Refusal,
    },
    x509::{self, BundleFault, CrlFault, Crls, Revocation, SpiffeIdError, TrustBundle, TrustDomain},
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
    pub keys: Option<KeySet>,
    /// From then on the keys are too old to be believed; `None`: they are on record here.
    pub good_until: Option<Time>,
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
            (Keys::Discovered(_) | Keys::At(..), None) => (None, None),
        };
        Self { name: name.clone(), expected: Expected::of(issuer), keys, good_until }
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

/// An authority that certifies keys, with its anchors and revocation lists.
#[derive(Debug)]
pub struct TrustedAuthority {
    /// The trust source.
    pub name: TrustName,
    /// What it vouches by.
    pub trust: x509::Trust,
}

impl TrustedAuthority {
    /// Reads what an authority declares.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn new(name: &TrustName, authority: &Authority) -> Result<Self, Unusable> {
        let domain = authority.trust_domain.as_deref().map(TrustDomain::parse).transpose()?;
        let bundle = TrustBundle::parse(authority.anchors.as_bytes(), domain.as_ref())?;
        let crls = Crls::parse(authority.revoked.iter().map(|text| text.as_bytes()))?;
        Ok(Self { name: name.clone(), trust: x509::Trust { bundle, crls, revocation: Revocation::default(), domain } })
    }
}

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
    /// From then on the keys that it was verified with are too old to be believed, and with them what was found.
    keys_until: Option<Time>,
}

impl Token {
    /// To what it is bound; whoever shows it must show that too.
    #[must_use]
    pub fn confirmation(&self) -> Option<Confirmation> {
        self.claims.confirmation()
    }
}

/// A genuine certificate.
#[derive(Debug)]
pub struct Certificate {
    /// Who vouches for it.
    pub trust: TrustName,
    /// Whom it names, as bindings say it: a SPIFFE id, else `dns:…`, `uri:…`, `email:…`, `ip:…`.
    pub subjects: SmallVec<[Box<str>; 1]>,
    /// Its first second.
    pub since: Time,
    /// From then on it is not good.
    pub ends: Time,
    /// From then on it has to be looked at again.
    good_until: Time,
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
    tokens: Cache<[u8; 32], Arc<Token>>,
    certificates: Cache<[u8; 32], Arc<Certificate>>,
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
        let mut domains = AHashMap::new();
        let mut others = Vec::new();
        for authority in authorities {
            match &authority.trust.domain {
                Some(domain) => drop(domains.insert(domain.as_str().into(), authority)),
                None => others.push(authority),
            }
        }
        Self {
            issuers: issuers.collect(),
            domains,
            authorities: others,
            tokens: Cache::new(remembered),
            certificates: Cache::new(remembered),
        }
    }

    /// Verifies a token, or remembers that it did.
    ///
    /// # Errors
    /// When it is not genuine, not meant for us or not in force; or when newer keys could turn that.
    pub fn token(&self, text: &str, now: Time) -> Result<Arc<Token>, Trouble> {
        let hash = jose::hash(text);
        if let Some(token) = self.tokens.get(&hash).filter(|token| token.keys_until.is_none_or(|end| now < end)) {
            return if now < token.ends { Ok(token) } else { Err(Reason::ProofExpired.into()) };
        }
        let unverified = Unverified::read(text).map_err(|refusal| reason(&refusal))?;
        let issuer = unverified.issuer().and_then(|issuer| self.issuers.get(issuer)).ok_or(Reason::ProofIssuer)?;
        let keys_away = || Trouble::Keys { trust: issuer.name.clone(), kid: None };
        let keys = issuer.keys.as_ref().ok_or_else(keys_away)?;
        if issuer.good_until.is_some_and(|end| end <= now) {
            return Err(keys_away());
        }
        let verified = unverified.verify(keys, &issuer.expected, now).map_err(|refusal| match refusal {
            Refusal::UnknownKey { kid } => Trouble::Keys { trust: issuer.name.clone(), kid },
            other => reason(&other).into(),
        })?;
        let claims = verified.claims;
        let facts = TokenFacts {
            id: claims.id().unwrap_or_default().into(),
            issuer: claims.issuer().unwrap_or_default().into(),
            audience: claims.audiences().map(Into::into).collect(),
            scopes: claims.scopes().map(Into::into).collect(),
        };
        // A token that does not say when it was made is taken to be as old as one of its issuer can be.
        let oldest = Time::from_micros(verified.ends.as_micros().saturating_sub(micros(issuer.expected.life_max)));
        let token = Arc::new(Token {
            trust: issuer.name.clone(),
            subject: verified.subject,
            on_behalf_of: verified.on_behalf_of,
            facts: Arc::new(facts),
            since: claims.issued().unwrap_or(oldest),
            ends: verified.ends,
            claims,
            keys_until: issuer.good_until,
        });
        self.tokens.insert(hash, Arc::clone(&token));
        Ok(token)
    }

    /// Whether there are keys of a trust source that can be believed.
    #[must_use]
    pub fn has_keys(&self, trust: &TrustName, now: Time) -> bool {
        let issuer = self.issuers.values().find(|issuer| issuer.name == *trust);
        issuer.is_some_and(|issuer| issuer.keys.is_some() && issuer.good_until.is_none_or(|end| now < end))
    }

    /// Who vouches for a chain. A SPIFFE id is a matter of its own trust domain, and of nobody else; of several other
    /// authorities the first that does, else the refusal of the one that issued it.
    fn vouched(&self, chain: &CertificateChain, now: Time) -> Result<(&TrustedAuthority, x509::Verified), x509::Refusal> {
        let verify = |authority: &'_ TrustedAuthority| x509::verify(chain, &authority.trust, now);
        if let Some(id) = x509::spiffe_id(chain)? {
            let domain = id.trust_domain();
            let authority = self.domains.get(domain.as_str()).ok_or_else(|| x509::Refusal::OtherDomain(domain.clone()))?;
            return verify(authority).map(|verified| (authority, verified));
        }
        let mut refused = x509::Refusal::UnknownIssuer;
        for authority in &self.authorities {
            match verify(authority) {
                Ok(verified) => return Ok((authority, verified)),
                Err(refusal) if refusal.is_elsewhere() => {}
                Err(refusal) => refused = refusal,
            }
        }
        Err(refused)
    }

    /// Verifies a chain whose leaf's key was shown in the handshake, or remembers that it did.
    ///
    /// # Errors
    /// When nobody vouches for it now.
    pub fn certificate(&self, chain: &CertificateChain, now: Time) -> Result<Arc<Certificate>, Trouble> {
        let hash = chain.hash(x509::chain_hash);
        if let Some(certificate) = self.certificates.get(hash).filter(|certificate| now < certificate.good_until) {
            return Ok(certificate);
        }
        let (authority, verified) = self.vouched(chain, now).map_err(|refusal| certificate_reason(&refusal))?;
        let subjects = match &verified.spiffe_id {
            Some(id) => SmallVec::from_elem(id.as_str().into(), 1),
            None => verified.names.subjects().collect(),
        };
        let certificate = Arc::new(Certificate {
            trust: authority.name.clone(),
            subjects,
            since: verified.not_before,
            ends: verified.good_until,
            good_until: verified.good_until,
        });
        self.certificates.insert(*hash, Arc::clone(&certificate));
        Ok(certificate)
    }
}

/// What is said of a certificate that proves nothing.
fn certificate_reason(refusal: &x509::Refusal) -> Reason {
    use x509::Refusal as R;
    match refusal {
        R::Expired(_) | R::NotYetValid(_) => Reason::ProofExpired,
        R::Revoked => Reason::ProofRevoked,
        R::UnknownIssuer | R::OtherDomain(_) | R::Signature => Reason::ProofIssuer,
        R::StaleRevocation | R::UnknownRevocation | R::RevocationSignature => Reason::ProofKeysAway,
        _ => Reason::ProofCertificate,
    }
}

fn micros(duration: std::time::Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}

/// What is said of a token that proves nothing.
fn reason(refusal: &Refusal) -> Reason {
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
