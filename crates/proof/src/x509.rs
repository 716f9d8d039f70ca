//! X.509 (RFC 5280) and SPIFFE (X509-SVID): what a client certificate proves.
//!
//! That its holder has the private key was seen in the handshake. Here is all the rest: the path to an anchor, dates, revocation,
//! purposes, and the rules of SPIFFE. So open and resumed connections, new bundles and new revocation lists are one case: the same
//! chain is looked at again under another [`Trust`].
//!
//! A path is looked for by `webpki`, within its bounds (100 signatures, six authorities, 200,000 steps); it does not look at key
//! usage, does not tell dates and names, and knows no SPIFFE. For these the same bytes are read a second time, here.
//!
//! One [`Trust`] is one trust source: its anchors never help another. A trust domain is vouched for by its own bundle only; several
//! domains, as in federation, are several trust sources: [`spiffe_id`] says which is asked.

mod bundle;
mod certificate;
mod crls;
mod der;
pub mod names;
mod pem;
mod refusal;
mod signatures;
pub mod spiffe;
mod spiffe_bundle;

pub use bundle::{ANCHORS_MAX, BUNDLE_BYTES_MAX, BundleFault, Life, TrustBundle};
pub use crls::{CRLS_BYTES_MAX, CRLS_MAX, Crl, CrlFault, Crls};
pub use names::Names;
pub use refusal::Refusal;
pub use spiffe::{SpiffeId, SpiffeIdError, TrustDomain};
pub use spiffe_bundle::{SpiffeBundle, SpiffeBundleFault};

use aws_lc_rs::digest::{self, SHA256, digest};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use certificate::Certificate;
use der::BadDer;
use names::{NameFault, is_spiffe};
use rustls_pki_types::{CertificateDer, SignatureVerificationAlgorithm, UnixTime};
use std::{cell::RefCell, fmt::Write as _, time::Duration};
use wardgate_model::{proof::CertificateChain, time::Time};
use webpki::{
    CertRevocationList, EndEntityCert, ExpirationPolicy, KeyUsage, RevocationCheckDepth, RevocationOptions, RevocationOptionsBuilder,
    UnknownStatusPolicy, VerifiedPath,
};

/// Most bytes of a serial number that are shown; a conforming one has 20 (RFC 5280 §4.1.2.2).
const SERIAL_BYTES_MAX: usize = 32;

/// Most issuers of one name in a chain. Each of them may be the one that is meant, so every order of them is a path to try, and each
/// may cost a signature: with two that is five for an anchor, with three it were 16. Nested SPIRE servers may have one name.
const ISSUERS_OF_ONE_NAME_MAX: usize = 2;

/// Whose certificates are looked up in revocation lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Depth {
    /// Those of clients.
    Leaf,
    /// Those of clients and of every authority below the anchor.
    #[default]
    Path,
}

/// What becomes of certificates that no revocation list covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Uncovered {
    /// They are good: a list is a list of exceptions.
    #[default]
    Admitted,
    /// They are refused; without any list, all are.
    Refused,
}

/// What becomes of certificates whose revocation list is out of date.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Stale {
    /// They are refused: who keeps new lists from us must not gain by it.
    #[default]
    Refused,
    /// The old list counts.
    Admitted,
}

/// How revocation is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Revocation {
    /// Whose certificates.
    pub depth: Depth,
    /// What becomes of those that no list covers.
    pub uncovered: Uncovered,
    /// What becomes of those whose list is out of date.
    pub stale: Stale,
}

/// What one trust source vouches by.
#[derive(Debug)]
pub struct Trust {
    /// Its anchors.
    pub bundle: TrustBundle,
    /// What it revoked.
    pub crls: Crls,
    /// How that is looked at.
    pub revocation: Revocation,
    /// The trust domain whose X509-SVIDs it vouches for, and for nothing else; `None`: an authority of another kind, which vouches for
    /// no SPIFFE id.
    pub domain: Option<TrustDomain>,
}

/// A certificate that was found good.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// The SPIFFE id; there is one if the trust source is a trust domain, and only then.
    pub spiffe_id: Option<SpiffeId>,
    /// Every name in the certificate, but SPIFFE ids that the trust source does not vouch for.
    pub names: Names,
    /// Its serial number, hexadecimal.
    pub serial: Box<str>,
    /// Its thumbprint.
    pub thumbprint: Thumbprint,
    /// Its first second.
    pub not_before: Time,
    /// Its last second.
    pub not_after: Time,
    /// When this must be looked at again, although nothing of the trust source changed: something of the path ends, or a revocation
    /// list becomes stale.
    pub good_until: Time,
}

/// SHA-256 of a certificate's DER (RFC 8705 §3.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Thumbprint(pub [u8; 32]);

impl Thumbprint {
    /// The thumbprint of a certificate, DER.
    #[must_use]
    pub fn of(certificate: &[u8]) -> Self {
        Self(sized(digest(&SHA256, certificate)))
    }

    /// As it stands in `x5t#S256`: base64url without padding.
    #[must_use]
    pub fn to_base64url(self) -> String {
        URL_SAFE_NO_PAD.encode(self.0)
    }
}

/// The hash under which what was found of a chain is remembered: of every certificate, each with its length before it.
#[must_use]
pub fn chain_hash(chain: &CertificateChain) -> [u8; 32] {
    let mut context = digest::Context::new(&SHA256);
    for certificate in chain.all() {
        context.update(&u64::try_from(certificate.len()).unwrap_or(u64::MAX).to_be_bytes());
        context.update(certificate);
    }
    sized(context.finish())
}

fn sized(digest: digest::Digest) -> [u8; 32] {
    digest.as_ref().try_into().unwrap_or([0; 32])
}

/// The SPIFFE id that a leaf claims, to know which trust domain's bundle is asked; `None`: it claims none.
///
/// # Errors
/// When the leaf cannot be read, or claims an id in a way that no X509-SVID may.
pub fn spiffe_id(chain: &CertificateChain) -> Result<Option<SpiffeId>, Refusal> {
    let names = names_of(&Certificate::read(chain.leaf()).map_err(|BadDer| Refusal::Unreadable)?)?;
    if names.uris.iter().any(|uri| is_spiffe(uri)) { only_id(&names).map(Some) } else { Ok(None) }
}

/// Whether a leaf has this public key, as [`Key::subject_public_key_info`](crate::jose::jwk::Key::subject_public_key_info) has it. Nothing
/// else of the certificate is looked at: whoever knows the key believes the key (RFC 8705 §2.2).
#[must_use]
pub fn has_key(leaf: &[u8], subject_public_key_info: &[u8]) -> bool {
    let own = der::Reader::new(subject_public_key_info).value(der::SEQUENCE);
    Certificate::read(leaf).is_ok_and(|certificate| own == Ok(certificate.key))
}

/// Verifies a chain at a moment under one trust source.
///
/// # Errors
/// Says what is wrong with it; of several things, one.
pub fn verify(chain: &CertificateChain, trust: &Trust, now: Time) -> Result<Verified, Refusal> {
    let der = CertificateDer::from(chain.leaf());
    let entity = EndEntityCert::try_from(&der).map_err(|_| Refusal::Unreadable)?;
    let leaf = Certificate::read(chain.leaf()).map_err(|BadDer| Refusal::Unreadable)?;
    let mut names = names_of(&leaf)?;
    check_leaf(&leaf, now)?;
    let spiffe_id = match &trust.domain {
        Some(domain) => Some(check_svid(&leaf, &names, domain)?),
        None => {
            // Only the bundle of its trust domain vouches for a SPIFFE id (X509-SVID §5.2).
            names.uris.retain(|uri| !is_spiffe(uri));
            None
        }
    };
    let good_until = check_path(chain, (&entity, &leaf), trust, now)?.min(following(leaf.not_after));
    Ok(Verified {
        spiffe_id,
        names,
        serial: serial(leaf.serial),
        thumbprint: Thumbprint::of(chain.leaf()),
        not_before: leaf.not_before,
        not_after: leaf.not_after,
        good_until,
    })
}

fn names_of(leaf: &Certificate<'_>) -> Result<Names, Refusal> {
    leaf.names().map_err(|fault| match fault {
        NameFault::Unreadable => Refusal::Names,
        NameFault::TooMany => Refusal::TooManyNames,
    })
}

/// What holds for every client's certificate, whoever issued it.
fn check_leaf(leaf: &Certificate<'_>, now: Time) -> Result<(), Refusal> {
    if now.as_seconds() < leaf.not_before.as_seconds() {
        return Err(Refusal::NotYetValid(leaf.not_before));
    }
    if now.as_seconds() > leaf.not_after.as_seconds() {
        return Err(Refusal::Expired(leaf.not_after));
    }
    if leaf.authority {
        return Err(Refusal::Authority);
    }
    // The handshake is signed; RFC 5280 §4.2.1.9 keeps `keyCertSign` from whoever is no authority.
    if leaf.key_usage.is_some_and(|usage| !usage.signs() || usage.certifies()) {
        return Err(Refusal::KeyUsage);
    }
    if leaf.purposes.is_some_and(|purposes| !purposes.client) {
        return Err(Refusal::Purpose);
    }
    Ok(())
}

/// What holds for an X509-SVID of a workload besides (X509-SVID §2, §4, §5.2).
fn check_svid(leaf: &Certificate<'_>, names: &Names, domain: &TrustDomain) -> Result<SpiffeId, Refusal> {
    let id = only_id(names)?;
    if !id.names_workload() {
        return Err(Refusal::NoWorkload);
    }
    if id.trust_domain() != domain {
        return Err(Refusal::OtherDomain(id.trust_domain().clone()));
    }
    if !leaf.key_usage.is_some_and(|usage| usage.critical && usage.signs() && !usage.certifies() && !usage.revokes()) {
        return Err(Refusal::KeyUsage);
    }
    if leaf.purposes.is_some_and(|purposes| !purposes.client || !purposes.server) {
        return Err(Refusal::SvidPurpose);
    }
    Ok(id)
}

/// The one URI, which is a SPIFFE id (X509-SVID §2).
fn only_id(names: &Names) -> Result<SpiffeId, Refusal> {
    match &*names.uris {
        [] => Err(Refusal::NoUri),
        [uri] => SpiffeId::read(uri).map_err(Refusal::SpiffeId),
        _ => Err(Refusal::ManyUris),
    }
}

/// Looks for a path to an anchor; until when it is good.
fn check_path(
    chain: &CertificateChain,
    (entity, leaf): (&EndEntityCert<'_>, &Certificate<'_>),
    trust: &Trust,
    now: Time,
) -> Result<Time, Refusal> {
    let mut certificates = vec![leaf.clone()];
    let others = issuers(chain, &mut certificates)?;
    let seconds = u64::try_from(now.as_seconds()).unwrap_or(0);
    let algorithms = trust.crls.seen.algorithms();
    let algorithms: Vec<&dyn SignatureVerificationAlgorithm> = algorithms.iter().map(|algorithm| algorithm as _).collect();
    let lists = trust.crls.begun(&certificates, now);
    let anchors = trust.bundle.at(now);
    // What `webpki` does not look at, for every path that it would take. It hears that no path was found, we remember why.
    let spoiled = RefCell::new(None);
    let approve = |path: &VerifiedPath<'_>| {
        check_issuers(path, entity, trust, now).map_err(|refusal| {
            spoiled.replace(Some(refusal));
            webpki::Error::UnknownIssuer
        })
    };
    let found = entity.verify_for_usage(
        &algorithms,
        &anchors,
        &others,
        UnixTime::since_unix_epoch(Duration::from_secs(seconds)),
        KeyUsage::client_auth(),
        revocation(&lists, trust.revocation)?,
        Some(&approve),
    );
    let path = found.map_err(|error| match (error, spoiled.take()) {
        (webpki::Error::UnknownIssuer, Some(refusal)) => refusal,
        (webpki::Error::UnknownIssuer, None) if knew_issuer(chain, trust, now) => Refusal::AnchorTime,
        (error, _) => error.into(),
    })?;
    let mut until = following(trust.bundle.end(path.anchor(), now).unwrap_or(now));
    if crls::lists_elsewhere(&lists, leaf) {
        return Err(Refusal::Revoked);
    }
    for issuer in path.intermediate_certificates() {
        let der = issuer.der();
        let issuer = Certificate::read(&der).map_err(|BadDer| Refusal::IssuerUnreadable)?;
        if trust.revocation.depth == Depth::Path && crls::lists_elsewhere(&lists, &issuer) {
            return Err(Refusal::Revoked);
        }
        until = until.min(following(issuer.not_after));
    }
    let change = trust.crls.next_change(trust.revocation.stale, now);
    Ok(change.map_or(until, |change| until.min(change)))
}

/// What came with the leaf and may be on a path; what cannot be read is not. Whoever shows a chain must not choose how many paths
/// there are to try.
fn issuers<'a>(chain: &'a CertificateChain, read: &mut Vec<Certificate<'a>>) -> Result<Vec<CertificateDer<'a>>, Refusal> {
    let (mut readable, leaf) = (Vec::new(), read.len());
    for der in chain.others() {
        let Ok(certificate) = Certificate::read(der) else { continue };
        let of_name = read.iter().skip(leaf).filter(|other| other.subject == certificate.subject).count();
        if of_name == ISSUERS_OF_ONE_NAME_MAX {
            return Err(Refusal::TooCostly);
        }
        read.push(certificate);
        readable.push(CertificateDer::from(der));
    }
    Ok(readable)
}

/// How `webpki` is to look at revocation; `None`: there is no list, and none is needed.
fn revocation<'a>(lists: &'a [&'a CertRevocationList<'a>], rule: Revocation) -> Result<Option<RevocationOptions<'a>>, Refusal> {
    let Ok(builder) = RevocationOptionsBuilder::new(lists) else {
        return if rule.uncovered == Uncovered::Refused { Err(Refusal::UnknownRevocation) } else { Ok(None) };
    };
    let depth = match rule.depth {
        Depth::Leaf => RevocationCheckDepth::EndEntity,
        Depth::Path => RevocationCheckDepth::Chain,
    };
    let uncovered = match rule.uncovered {
        Uncovered::Admitted => UnknownStatusPolicy::Allow,
        Uncovered::Refused => UnknownStatusPolicy::Deny,
    };
    let stale = match rule.stale {
        Stale::Refused => ExpirationPolicy::Enforce,
        Stale::Admitted => ExpirationPolicy::Ignore,
    };
    Ok(Some(builder.with_depth(depth).with_status_policy(uncovered).with_expiration_policy(stale).build()))
}

/// What holds for the authorities of a path, and for who signs revocation lists that are still to come.
fn check_issuers(path: &VerifiedPath<'_>, entity: &EndEntityCert<'_>, trust: &Trust, now: Time) -> Result<(), Refusal> {
    let is_ahead = |issuer: &[u8]| trust.revocation.stale == Stale::Refused && trust.crls.is_ahead(issuer, now);
    if is_ahead(entity.issuer()) {
        return Err(Refusal::StaleRevocation);
    }
    for issuer in path.intermediate_certificates() {
        if trust.revocation.depth == Depth::Path && is_ahead(issuer.issuer()) {
            return Err(Refusal::StaleRevocation);
        }
        let der = issuer.der();
        let issuer = Certificate::read(&der).map_err(|BadDer| Refusal::IssuerUnreadable)?;
        check_issuer(&issuer, trust.domain.is_some())?;
    }
    Ok(())
}

/// An authority below the anchor: its key signs certificates (RFC 5280 §6.1.4 n). One of a trust domain says so, and if it has a
/// SPIFFE id, that names no workload (X509-SVID §3.2, §4.3).
fn check_issuer(issuer: &Certificate<'_>, of_domain: bool) -> Result<(), Refusal> {
    if !issuer.key_usage.map_or(!of_domain, certificate::KeyUsage::certifies) {
        return Err(Refusal::IssuerNotAuthority);
    }
    if of_domain {
        let names = issuer.names().map_err(|_| Refusal::IssuerUnreadable)?;
        let names_workload = |uri: &str| !SpiffeId::read(uri).is_ok_and(|id| !id.names_workload());
        if names.uris.iter().any(|uri| is_spiffe(uri) && names_workload(uri)) {
            return Err(Refusal::IssuerNotAuthority);
        }
    }
    Ok(())
}

/// Whether a certificate of the chain is of an anchor whose time is over or has not come.
fn knew_issuer(chain: &CertificateChain, trust: &Trust, now: Time) -> bool {
    chain.all().any(|der| Certificate::read(der).is_ok_and(|certificate| trust.bundle.knew(certificate.issuer, now)))
}

/// The moment after a last second.
fn following(last: Time) -> Time {
    last + Duration::from_secs(1)
}

fn serial(bytes: &[u8]) -> Box<str> {
    let mut text = String::with_capacity(bytes.len().min(SERIAL_BYTES_MAX) * 2);
    for byte in bytes.iter().take(SERIAL_BYTES_MAX) {
        let _ = write!(text, "{byte:02x}");
    }
    text.into()
}

#[cfg(test)]
mod tests;
