//! What must hold of a token's claims: all that RFC 8725 §3 and RFC 7519 §4 want, with an issuer's own bounds.

use super::{
    claims::{Claims, NAME_BYTES_MAX},
    jws::Header,
    kind::TokenKind,
    refusal::{Naming, Refusal, Shown},
};
use crate::x509::{SpiffeId, TrustDomain};
use std::time::Duration;
use wardgate_model::{time::Time, trust::Issuer};

/// Furthest that clocks may be apart (STANDARDS §0, skew `S`).
pub const LEEWAY_MAX: Duration = Duration::from_secs(60);

/// What must hold of the tokens of a trust source. A value that is made once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expected {
    /// `iss`, exactly; `None` only where the keys alone say who vouches (a SPIFFE bundle).
    pub issuer: Option<Box<str>>,
    /// Of these `aud` names at least one, exactly. Where there is none, no token that names an audience is taken.
    pub audiences: Box<[Box<str>]>,
    /// Whether `aud` may name others beside us.
    pub sharing: Sharing,
    /// The kinds of tokens that are taken.
    pub kinds: Box<[TokenKind]>,
    /// The trust domain whose workloads JWT-SVIDs are about; without one none is taken.
    pub trust_domain: Option<TrustDomain>,
    /// The claim that says who calls; `sub` mostly.
    pub subject_claim: Box<str>,
    /// The claim that says for whom it calls.
    pub on_behalf_of: Option<Box<str>>,
    /// How far clocks may be apart; more than [`LEEWAY_MAX`] counts as that.
    pub leeway: Duration,
    /// Longest life, from `iat` (or from now, where it is missing) to `exp`.
    pub life_max: Duration,
}

/// Whether a token may be for others too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sharing {
    /// It may.
    Allowed,
    /// It is for us alone (RFC 7523bis: an assertion that others may show too is no proof).
    Refused,
    /// It names one audience, whichever: whether that is meant is asked where it is shown (our own tokens, RFC 8707).
    OneOfMany,
}

impl Expected {
    /// What must hold of the tokens of an issuer: plain ones (OpenID Connect, CI, Kubernetes) and access tokens.
    #[must_use]
    pub fn of(issuer: &Issuer) -> Self {
        Self {
            issuer: Some(issuer.issuer.clone()),
            audiences: issuer.audiences.clone(),
            sharing: Sharing::Allowed,
            kinds: [TokenKind::Plain, TokenKind::Access].into(),
            trust_domain: None,
            subject_claim: issuer.subject_claim.clone(),
            on_behalf_of: issuer.on_behalf_of.clone(),
            leeway: issuer.leeway,
            life_max: issuer.life_max,
        }
    }

    /// What must hold of the JWT-SVIDs of a trust domain (JWT-SVID §3, §4). Its keys are those of its bundle, and no other's:
    /// they say who vouches, so `iss` says nothing.
    #[must_use]
    pub fn svids(trust_domain: TrustDomain, audiences: Box<[Box<str>]>, leeway: Duration, life_max: Duration) -> Self {
        Self {
            issuer: None,
            audiences,
            sharing: Sharing::Allowed,
            kinds: [TokenKind::JwtSvid].into(),
            trust_domain: Some(trust_domain),
            subject_claim: "sub".into(),
            on_behalf_of: None,
            leeway,
            life_max,
        }
    }

    /// The skew that counts.
    #[must_use]
    pub fn skew(&self) -> Duration {
        self.leeway.min(LEEWAY_MAX)
    }

    /// The kind of a token, when it is one that is taken.
    ///
    /// # Errors
    /// When it is another.
    pub(super) fn kind(&self, header: &Header) -> Result<TokenKind, Refusal> {
        let kind = self.kinds.iter().copied().find(|kind| kind.accepts(header.typ()));
        let kind = kind.ok_or_else(|| Refusal::Type(header.typ().map(Shown::of)))?;
        if kind == TokenKind::JwtSvid && !header.is_bare() {
            return Err(Refusal::HeaderMember);
        }
        Ok(kind)
    }

    /// Checks claims against all of it. Gives the last moment that the token may be taken: `exp`, skew included.
    ///
    /// # Errors
    /// Says what does not hold.
    pub(super) fn check(&self, kind: TokenKind, claims: &Claims, now: Time) -> Result<Time, Refusal> {
        if let Some(missing) = kind.required().iter().find(|name| !claims.all().contains_key(**name)) {
            return Err(Refusal::Missing(missing));
        }
        if let Some(forbidden) = kind.forbidden().iter().find(|name| claims.all().contains_key(**name)) {
            return Err(Refusal::Forbidden(forbidden));
        }
        if self.issuer.is_some() {
            self.check_issuer(claims.issuer().ok_or(Refusal::Missing("iss"))?)?;
        }
        self.check_audience(kind, claims)?;
        self.check_times(claims, now)
    }

    /// Checks what an issuer says of an opaque token (RFC 7662 §2.2). Whom it is for has to be said; who issued it need not be,
    /// as the issuer itself was asked. Gives the last moment that the token may be taken.
    ///
    /// # Errors
    /// Says what does not hold.
    pub(super) fn check_introspected(&self, claims: &Claims, now: Time) -> Result<Time, Refusal> {
        if let Some(issuer) = claims.issuer() {
            self.check_issuer(issuer)?;
        }
        self.check_audience(TokenKind::Plain, claims)?;
        self.check_times(claims, now)
    }

    /// Who calls. Of a JWT-SVID it is a workload of the trust domain whose keys are asked, in the one form of a SPIFFE id.
    ///
    /// # Errors
    /// When nobody is named, or somebody of another trust domain.
    pub(super) fn subject(&self, kind: TokenKind, claims: &Claims) -> Result<Box<str>, Refusal> {
        let subject = named(claims, &self.subject_claim).map_err(|()| Refusal::Named(Naming::CallerIllFormed))?;
        let subject = subject.ok_or(Refusal::Named(Naming::NobodyCalls))?;
        if kind != TokenKind::JwtSvid {
            return Ok(subject.into());
        }
        let id = SpiffeId::read(subject).ok().filter(|id| id.names_workload() && Some(id.trust_domain()) == self.trust_domain.as_ref());
        id.map(|id| id.as_str().into()).ok_or_else(|| Refusal::TrustDomain(Shown::of(subject)))
    }

    /// For whom it calls, where a claim is to say so and does.
    ///
    /// # Errors
    /// When the claim names nobody.
    pub(super) fn on_behalf_of(&self, claims: &Claims) -> Result<Option<Box<str>>, Refusal> {
        let person = self.on_behalf_of.as_deref().map_or(Ok(None), |claim| named(claims, claim));
        person.map(|person| person.map(Into::into)).map_err(|()| Refusal::Named(Naming::PersonIllFormed))
    }

    /// RFC 8725 §3.8: exactly, code point by code point.
    fn check_issuer(&self, issuer: &str) -> Result<(), Refusal> {
        let other = self.issuer.as_deref().is_some_and(|expected| expected != issuer);
        if other { Err(Refusal::Issuer(Shown::of(issuer))) } else { Ok(()) }
    }

    /// RFC 8725 §3.9, RFC 7519 §4.1.3.
    fn check_audience(&self, kind: TokenKind, claims: &Claims) -> Result<(), Refusal> {
        if kind.forbidden().contains(&"aud") {
            return Ok(());
        }
        if self.sharing == Sharing::OneOfMany {
            let mut audiences = claims.audiences();
            return match (audiences.next(), audiences.next()) {
                (None, _) => Err(Refusal::Missing("aud")),
                (Some(_), None) => Ok(()),
                (Some(_), Some(_)) => Err(Refusal::AudienceShared),
            };
        }
        let ours = |audience: &str| self.audiences.iter().any(|ours| **ours == *audience);
        let mut audiences = claims.audiences().peekable();
        let Some(first) = audiences.peek().copied() else {
            return if kind.required().contains(&"aud") { Err(Refusal::Missing("aud")) } else { Ok(()) };
        };
        let (mut named, mut others) = (false, false);
        for audience in audiences {
            if ours(audience) { named = true } else { others = true }
        }
        match (named, others, self.sharing) {
            (false, _, _) => Err(Refusal::Audience(Shown::of(first))),
            (true, true, Sharing::Refused | Sharing::OneOfMany) => Err(Refusal::AudienceShared),
            (true, _, _) => Ok(()),
        }
    }

    /// RFC 7519 §4.1.4 to §4.1.6. What is good at the last microsecond before `exp` plus skew is not good at it.
    fn check_times(&self, claims: &Claims, now: Time) -> Result<Time, Refusal> {
        let skew = self.skew();
        if claims.issued().is_some_and(|issued| issued > now + skew) {
            return Err(Refusal::IssuedInFuture);
        }
        // A kind without `exp` is good for the longest life that is allowed, from `iat`.
        let begins = claims.issued().unwrap_or(now);
        let ends = claims.expires().unwrap_or(begins + self.life_max);
        if now >= ends + skew {
            return Err(Refusal::Expired);
        }
        if claims.not_before().is_some_and(|not_before| not_before > now + skew) {
            return Err(Refusal::NotYet);
        }
        // Without `iat` the rest of its life stands for the whole: the clock of the issuer may be ahead of ours.
        let allowed = if claims.issued().is_some() { self.life_max } else { self.life_max + skew };
        if ends < begins && claims.issued().is_some() || ends > begins + allowed {
            return Err(Refusal::Life);
        }
        Ok(ends + skew)
    }
}

/// A claim that names somebody: text, not empty, not too long.
fn named<'a>(claims: &'a Claims, path: &str) -> Result<Option<&'a str>, ()> {
    let Some(value) = claims.at(path) else { return Ok(None) };
    value.as_str().filter(|name| !name.is_empty() && name.len() <= NAME_BYTES_MAX).map(Some).ok_or(())
}
