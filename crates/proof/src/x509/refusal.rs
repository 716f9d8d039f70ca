//! Why a chain of certificates proves nothing.

use super::spiffe::{SpiffeIdError, TrustDomain};
use wardgate_model::time::Time;

macro_rules! refusals {
    ($($(#[$doc:meta])* $name:ident $(($($field:ident: $type:ty),*))? = $code:literal, $text:literal;)*) => {
        /// Why a chain of certificates proves nothing. It holds no text of whoever showed the chain but the name of a trust domain, which
        /// is short and of few characters.
        #[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
        pub enum Refusal {$(
            $(#[$doc])*
            #[error($text)]
            $name $(($($type),*))?,
        )*}

        impl Refusal {
            /// The code of every refusal: what records and metrics call it.
            pub const CODES: &[&'static str] = &[$($code),*];

            /// What records and metrics call it.
            #[must_use]
            pub const fn code(&self) -> &'static str {
                match self {$(
                    Self::$name $(($(refusals!(ignore $field)),*))? => $code,
                )*}
            }
        }
    };
    (ignore $field:ident) => { _ };
}

refusals! {
    /// The leaf cannot be read, is not of version 3, or has an extension that must be understood and is not.
    Unreadable = "unreadable", "the client certificate cannot be read";
    /// Its alternative names cannot be read.
    Names = "names", "the alternative names of the client certificate cannot be read";
    /// It has too many alternative names.
    TooManyNames = "too_many_names", "the client certificate has too many alternative names";
    /// Its time has not come.
    NotYetValid(at: Time) = "not_yet_valid", "the client certificate is not valid before {0}";
    /// Its time is over.
    Expired(at: Time) = "expired", "the client certificate was valid until {0}";
    /// It is that of an authority.
    Authority = "authority", "the client certificate is that of a certificate authority";
    /// Its key is for something else.
    KeyUsage = "key_usage", "the key usage of the client certificate is not that of a client";
    /// Its key is for something else than TLS clients.
    Purpose = "purpose", "the extended key usage of the client certificate, or of an issuer, does not allow TLS clients";
    /// It has purposes, and they are not both that an SVID has then.
    SvidPurpose = "svid_purpose", "the extended key usage of an SVID that has one allows TLS servers and TLS clients both";
    /// It has no SPIFFE id.
    NoUri = "no_uri", "the client certificate names no URI, and so no SPIFFE id";
    /// It has several URIs, of whatever kind.
    ManyUris = "many_uris", "the client certificate names more than one URI";
    /// Its URI is no SPIFFE id.
    SpiffeId(why: SpiffeIdError) = "spiffe_id", "the URI of the client certificate is no SPIFFE id: {0}";
    /// Its SPIFFE id is that of a trust domain.
    NoWorkload = "no_workload", "the SPIFFE id of the client certificate names no workload";
    /// It is of a trust domain that this trust source does not vouch for, or that nobody vouches for.
    OtherDomain(domain: TrustDomain) = "other_domain", "nothing here vouches for the trust domain `{0}`";
    /// No path leads to an anchor; what is self-signed has none.
    UnknownIssuer = "unknown_issuer", "the client certificate is of no authority that is trusted here";
    /// The only path leads to an anchor whose time has not come or is over.
    AnchorTime = "anchor_time", "the trust anchor of the client certificate is not valid now";
    /// A certificate that came with the leaf cannot be read.
    IssuerUnreadable = "issuer_unreadable", "a certificate of an issuer cannot be read";
    /// A certificate on the way to an anchor is not valid now.
    IssuerTime = "issuer_time", "the certificate of an issuer is not valid now";
    /// What is on the way to an anchor may not issue certificates.
    IssuerNotAuthority = "issuer_not_authority", "the certificate of an issuer may not issue certificates";
    /// There are more authorities on the way to an anchor than one of them allows.
    PathLength = "path_length", "an authority allows fewer authorities below it";
    /// An authority may not name whom the certificate names. URI constraints allow nothing here.
    NameConstraint = "name_constraint", "an authority may not certify the names in the client certificate";
    /// A certificate was not signed by its issuer.
    Signature = "signature", "a signature in the chain is wrong";
    /// A certificate is signed in a way that is not safe or not known.
    Algorithm = "algorithm", "a certificate is signed with an algorithm that is not accepted";
    /// Looking for a path took more work than anybody may ask for.
    TooCostly = "too_costly", "the chain takes too much work to verify";
    /// It, or the certificate of an issuer, was revoked.
    Revoked = "revoked", "the client certificate, or that of an issuer, was revoked";
    /// The revocation list that counts is out of date, or not yet of it.
    StaleRevocation = "stale_revocation", "the revocation list of an issuer is out of date";
    /// No revocation list says anything of a certificate of the path.
    UnknownRevocation = "unknown_revocation", "no revocation list covers the client certificate";
    /// The revocation list that counts is not signed by the issuer.
    RevocationSignature = "revocation_signature", "the revocation list of an issuer is not signed by it";
}

impl Refusal {
    /// Whether another trust source may still vouch for the chain: nothing of this one has issued it. Whoever asks several says the
    /// refusal that is not so, if there is one.
    #[must_use]
    pub const fn is_elsewhere(&self) -> bool {
        matches!(self, Self::UnknownIssuer | Self::Signature | Self::OtherDomain(_))
    }
}

/// What `webpki` found wrong on the way to an anchor.
impl From<webpki::Error> for Refusal {
    fn from(error: webpki::Error) -> Self {
        use webpki::Error as E;
        match error {
            E::CertExpired { .. } | E::CertNotValidYet { .. } | E::InvalidCertValidity => Self::IssuerTime,
            E::CertRevoked => Self::Revoked,
            E::CrlExpired { .. } => Self::StaleRevocation,
            E::UnknownRevocationStatus => Self::UnknownRevocation,
            E::InvalidCrlSignatureForPublicKey
            | E::IssuerNotCrlSigner
            | E::UnsupportedCrlSignatureAlgorithmContext(_)
            | E::UnsupportedCrlSignatureAlgorithmForPublicKeyContext(_) => Self::RevocationSignature,
            E::CaUsedAsEndEntity => Self::Authority,
            E::EndEntityUsedAsCa => Self::IssuerNotAuthority,
            E::RequiredEkuNotFoundContext(_) | E::EmptyEkuExtension => Self::Purpose,
            E::PathLenConstraintViolated => Self::PathLength,
            E::NameConstraintViolation | E::InvalidNetworkMaskConstraint | E::MalformedNameConstraint => Self::NameConstraint,
            E::InvalidSignatureForPublicKey => Self::Signature,
            E::SignatureAlgorithmMismatch
            | E::UnsupportedSignatureAlgorithmContext(_)
            | E::UnsupportedSignatureAlgorithmForPublicKeyContext(_) => Self::Algorithm,
            E::UnknownIssuer | E::CertDistrusted => Self::UnknownIssuer,
            E::MaximumNameConstraintComparisonsExceeded
            | E::MaximumPathBuildCallsExceeded
            | E::MaximumPathDepthExceeded
            | E::MaximumSignatureChecksExceeded => Self::TooCostly,
            // Whatever else is wrong, or will be found wrong by later versions, is wrong with how something was written.
            _ => Self::IssuerUnreadable,
        }
    }
}
