//! Authorities that certify keys, made ready: anchors and revocation lists, and what was found good by them.

use super::Standing;
use super::{Trouble, Trust, TrustedIssuer, Unusable};
use smallvec::SmallVec;
use std::sync::Arc;
use wardgate_model::{
    id::TrustName,
    proof::CertificateChain,
    reason::Reason,
    time::Time,
    trust::{Authority, Published},
};
use wardgate_proof::{
    jose::{expected::Expected, jwt::Unverified, key_set::KeySet},
    x509::{self, Crls, Revocation, SpiffeBundle, SpiffeId, TrustBundle, TrustDomain},
};

/// An authority that certifies keys, with its anchors and revocation lists.
#[derive(Debug)]
pub struct TrustedAuthority {
    /// The trust source.
    pub name: TrustName,
    /// The trust domain that it vouches for, and for no other; `None`: an authority of another kind.
    pub domain: Option<TrustDomain>,
    /// What it vouches by; `None`: its anchors or a revocation list were never fetched, so that nobody can say whom it vouches for.
    trust: Option<Arc<x509::Trust>>,
    /// From then on something of it is too old to be believed; `None`: all of it is on record here.
    good_until: Option<Time>,
    /// What JWT-SVIDs of its trust domain are verified by, where they count.
    pub(super) svids: Option<TrustedIssuer>,
    pub(super) standing: Standing,
}

/// What was fetched for an authority of what it publishes at addresses.
#[derive(Debug, Default)]
pub struct Gathered {
    /// Its anchors, and the keys of JWT-SVIDs where it is a trust domain's.
    pub bundle: Option<(TrustBundle, Option<KeySet>)>,
    /// From then on the bundle is too old to be believed.
    pub bundle_until: Option<Time>,
    /// Its revocation lists, each document on its own; `None`: one of them is not there.
    pub revoked: Option<Vec<Arc<Crls>>>,
    /// From then on one of them is too old to be believed.
    pub revoked_until: Option<Time>,
}

impl TrustedAuthority {
    /// Reads what an authority declares, beside what was fetched for it. While something is missing it vouches for nobody.
    ///
    /// # Errors
    /// When what it declares cannot be read, or is too much with what was fetched.
    pub fn new(name: &TrustName, authority: &Authority, fetched: Gathered) -> Result<Self, Unusable> {
        let domain = authority.trust_domain.as_deref().map(TrustDomain::parse).transpose()?;
        let bundle = match &authority.bundle {
            Published::Here(text) => Some(read(text, domain.as_ref())?),
            Published::At(_) | Published::Spiffe(_) | Published::Workload(_) => fetched.bundle,
        };
        let (anchors, keys) = bundle.map_or((None, None), |(anchors, keys)| (Some(anchors), keys));
        let svids = match (&domain, &authority.svids) {
            (Some(domain), Some(svids)) => {
                if anchors.is_some() && keys.is_none() {
                    return Err(Unusable::NoKeys);
                }
                let expected = Expected::svids(domain.clone(), svids.audiences.clone(), svids.leeway, svids.life_max);
                let keys = keys.map(Arc::new);
                Some(TrustedIssuer {
                    name: name.clone(),
                    expected,
                    keys,
                    good_until: fetched.bundle_until,
                    ours: false,
                    standing: Standing::default(),
                })
            }
            (None, _) | (_, None) => None,
        };
        let here: Vec<Arc<str>> = authority.revoked.iter().filter_map(Published::here).collect();
        let elsewhere = if here.len() == authority.revoked.len() { Some(Vec::new()) } else { fetched.revoked };
        let here = Crls::parse(here.iter().map(|text| text.as_bytes()))?;
        let crls = Crls::together([&here].into_iter().chain(elsewhere.iter().flatten().map(Arc::as_ref)))?;
        let whole = anchors.filter(|_| elsewhere.is_some());
        let trust = whole.map(|bundle| x509::Trust { bundle, crls, revocation: Revocation::default(), domain: domain.clone() });
        let good_until = fetched.bundle_until.into_iter().chain(fetched.revoked_until).min();
        Ok(Self { name: name.clone(), domain, trust: trust.map(Arc::new), good_until, svids, standing: Standing::default() })
    }

    /// The same, with the same documents, which are good for longer: what was found good by it is remembered.
    #[must_use]
    pub fn renewed(&self, bundle_until: Option<Time>, revoked_until: Option<Time>) -> Self {
        Self {
            name: self.name.clone(),
            domain: self.domain.clone(),
            trust: self.trust.clone(),
            good_until: bundle_until.into_iter().chain(revoked_until).min(),
            svids: self.svids.as_ref().map(|svids| svids.renewed(bundle_until)),
            standing: self.standing.clone(),
        }
    }

    /// What it vouches by at a moment, if it can be believed then.
    fn trust(&self, now: Time) -> Option<&x509::Trust> {
        self.trust.as_deref().filter(|_| self.good_until.is_none_or(|end| now < end))
    }

    /// Whether all that it publishes can be believed at a moment.
    pub(super) fn is_whole(&self, now: Time) -> bool {
        self.trust(now).is_some() && self.svids.as_ref().is_none_or(|svids| svids.keys.is_some())
    }
}

/// The anchors in a document: certificates in PEM, or the bundle of a trust domain, which may have keys of JWT-SVIDs.
fn read(text: &str, domain: Option<&TrustDomain>) -> Result<(TrustBundle, Option<KeySet>), Unusable> {
    match domain {
        Some(domain) if text.trim_start().starts_with('{') => {
            let bundle = SpiffeBundle::parse(text.as_bytes(), domain)?;
            Ok((bundle.anchors().clone(), Some(bundle.keys().clone())))
        }
        domain => Ok((TrustBundle::parse(text.as_bytes(), domain)?, None)),
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
    /// By what it was found good.
    standing: Standing,
}

impl Trust {
    /// By what a JWT-SVID is verified: the bundle of the trust domain that its subject names, and nobody else's (JWT-SVID §4).
    pub(super) fn svids(&self, unverified: &Unverified<'_>) -> Option<&TrustedIssuer> {
        let id = SpiffeId::read(unverified.subject()?).ok()?;
        self.domains.get(id.trust_domain().as_str())?.svids.as_ref()
    }

    /// Who vouches for a chain. A SPIFFE id is a matter of its own trust domain, and of nobody else; of several other
    /// authorities the first that does, else the refusal of the one that issued it. Where none of them is said to have issued it,
    /// one whose anchors are not there yet may have.
    fn vouched(&self, chain: &CertificateChain, now: Time) -> Result<(&TrustedAuthority, x509::Verified), Trouble> {
        let refused = |refusal: &x509::Refusal| Trouble::Refused(certificate_reason(refusal));
        let away = |authority: &TrustedAuthority| Trouble::Keys { trust: authority.name.clone(), kid: None };
        if let Some(id) = x509::spiffe_id(chain).map_err(|refusal| refused(&refusal))? {
            let domain = id.trust_domain();
            let unknown = || refused(&x509::Refusal::OtherDomain(domain.clone()));
            let authority = self.domains.get(domain.as_str()).ok_or_else(unknown)?;
            let trust = authority.trust(now).ok_or_else(|| away(authority))?;
            return x509::verify(chain, trust, now).map(|verified| (authority, verified)).map_err(|refusal| refused(&refusal));
        }
        let mut trouble = None;
        for authority in &self.authorities {
            let Some(trust) = authority.trust(now) else {
                trouble.get_or_insert_with(|| away(authority));
                continue;
            };
            match x509::verify(chain, trust, now) {
                Ok(verified) => return Ok((authority, verified)),
                Err(refusal) if refusal.is_elsewhere() => {}
                Err(refusal) => trouble = Some(refused(&refusal)),
            }
        }
        Err(trouble.unwrap_or_else(|| refused(&x509::Refusal::UnknownIssuer)))
    }

    /// Verifies a chain whose leaf's key was shown in the handshake, or remembers that it did.
    ///
    /// # Errors
    /// When nobody vouches for it now.
    pub fn certificate(&self, chain: &CertificateChain, now: Time) -> Result<Arc<Certificate>, Trouble> {
        let hash = chain.hash(x509::chain_hash);
        let counts = |certificate: &Arc<Certificate>| now < certificate.good_until && self.stands(&certificate.standing);
        if let Some(certificate) = self.certificates.get(hash).filter(counts) {
            return Ok(certificate);
        }
        let (authority, verified) = self.vouched(chain, now)?;
        let subjects = match &verified.spiffe_id {
            Some(id) => SmallVec::from_elem(id.as_str().into(), 1),
            None => verified.names.subjects().collect(),
        };
        let certificate = Arc::new(Certificate {
            trust: authority.name.clone(),
            subjects,
            since: verified.not_before,
            ends: verified.good_until,
            good_until: authority.good_until.map_or(verified.good_until, |end| end.min(verified.good_until)),
            // Of other authorities the first that vouches counts: what one of them says now may be the answer of all.
            standing: if authority.domain.is_some() { authority.standing.clone() } else { self.others.clone() },
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
