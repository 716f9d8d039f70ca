//! Who outside is believed, and which of their proofs stands for which identity.

use crate::id::{SecretName, TrustName};
use ipnet::IpNet;
use std::{sync::Arc, time::Duration};

/// Somebody outside whose proofs count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrustSource {
    /// Its name.
    pub name: TrustName,
    /// What it vouches by.
    pub vouches: Vouches,
}

/// By what a trust source vouches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Vouches {
    /// Signed tokens (RFC 7519).
    Tokens(Box<Issuer>),
    /// Certificates of an authority (RFC 5280).
    Certificates(Box<Authority>),
    /// Signatures of requests by a bot that publishes its keys (Web Bot Auth).
    Signatures(Box<Bot>),
}

/// An issuer of tokens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Issuer {
    /// Its identifier: `iss` is exactly this.
    pub issuer: Box<str>,
    /// Of these its tokens name at least one in `aud`. Never empty.
    pub audiences: Box<[Box<str>]>,
    /// Where its keys are.
    pub keys: Keys,
    /// The signature algorithms (RFC 7518 §3.1) that count; empty: every one that is safe.
    pub algorithms: Box<[Box<str>]>,
    /// The claim that says which machine calls; `sub` unless said.
    pub subject_claim: Box<str>,
    /// The claim that says for which person it calls.
    pub on_behalf_of: Option<Box<str>>,
    /// How far its clock may be from ours.
    pub leeway: Duration,
    /// Longest life of a token, from `iat` to `exp`.
    pub life_max: Duration,
}

/// Where the keys of an issuer are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Keys {
    /// Where its discovery document says (OpenID Connect Discovery 1.0 §4).
    Discovered(Reach),
    /// At an address.
    At(Box<str>, Reach),
    /// Here: a JWK Set (RFC 7517 §5), as text.
    Here(Arc<str>),
    /// There are none: its tokens are opaque, and it is asked about each.
    Asked(Box<Asked>),
}

/// How an issuer is asked about its opaque tokens (RFC 7662).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// Its introspection endpoint.
    pub url: Box<str>,
    /// Our id there.
    pub client_id: Box<str>,
    /// The name of our secret there.
    pub secret: SecretName,
    /// What its tokens begin with: of several issuers that are asked the longest that fits tells which.
    pub prefix: Box<str>,
    /// For how long what it says counts without asking again: no longer than a revocation there may take to count here.
    pub remember: Duration,
    /// How far we go for it.
    pub reach: Reach,
}

/// How far we go to fetch what a trust source publishes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Reach {
    /// Networks of our own that may be reached for it; none but public addresses unless said.
    pub networks: Box<[IpNet]>,
    /// Roots that its server is verified with, PEM; those of the system unless said.
    pub roots: Option<Arc<str>>,
}

/// A bot that signs its requests and publishes its keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bot {
    /// Its origin, as its `Signature-Agent` says it: scheme, host and port. It is who it is known as.
    pub agent: Box<str>,
    /// Its directory of keys.
    pub keys: Keys,
}

impl Bot {
    /// Where a bot publishes its keys, under its origin.
    pub const DIRECTORY: &str = "/.well-known/http-message-signatures-directory";
}

/// An authority that certifies keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Authority {
    /// Its anchors: PEM, or for a trust domain its bundle (SPIFFE-Trust-Domain-and-Bundle §4).
    pub bundle: Published,
    /// What it revoked: revocation lists (RFC 5280 §5), PEM; at an address DER too.
    pub revoked: Box<[Published]>,
    /// How far we go for what is at an address.
    pub reach: Reach,
    /// The SPIFFE trust domain that it vouches for, and for no other; `None`: an authority of another kind.
    pub trust_domain: Option<Box<str>>,
    /// What must hold of the JWT-SVIDs of its trust domain; `None`: none counts.
    pub svids: Option<Svids>,
}

/// What must hold of the JWT-SVIDs of a trust domain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Svids {
    /// Of these they name at least one in `aud`. Never empty.
    pub audiences: Box<[Box<str>]>,
    /// How far the clock of who makes them may be from ours.
    pub leeway: Duration,
    /// Longest life, from `iat` to `exp`.
    pub life_max: Duration,
}

/// Stands before the SPIFFE id of a subject that JWT-SVIDs prove. Without it X509-SVIDs do: whoever catches a token must not pass
/// for who has a key.
pub const JWT_SVID: &str = "jwt:";

/// Where a document is that an authority publishes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Published {
    /// Here, as text.
    Here(Arc<str>),
    /// At an address, from where it is fetched again and again.
    At(Box<str>),
    /// At an address whose server shows an X.509-SVID (SPIFFE-Federation §5.2.2, profile `https_spiffe`).
    Spiffe(Box<SpiffeEndpoint>),
    /// At the Unix socket of this path, where an agent streams it (SPIFFE Workload API).
    Workload(Box<str>),
}

/// A bundle endpoint whose server shows an X.509-SVID.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpiffeEndpoint {
    /// Its address.
    pub url: Box<str>,
    /// The SPIFFE id that its server shows.
    pub id: Box<str>,
    /// The bundle that this is verified with before any was fetched: PEM, or JSON as it is published.
    pub bundle: Arc<str>,
}

impl Published {
    /// Its text, where it is here.
    #[must_use]
    pub fn here(&self) -> Option<Arc<str>> {
        match self {
            Self::Here(text) => Some(Arc::clone(text)),
            Self::At(_) | Self::Spiffe(_) | Self::Workload(_) => None,
        }
    }
}

/// Which proofs of a trust source stand for an identity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Binding {
    /// The trust source.
    pub trust: TrustName,
    /// The subject.
    pub subject: Subject,
    /// What the claims of a token say besides. All of it must hold.
    pub claims: Box<[Condition]>,
}

/// Whom a trust source names.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Subject {
    /// Exactly this one.
    Exactly(Box<str>),
    /// Every one that begins so: written with `*` at its end.
    Beginning(Box<str>),
}

impl Subject {
    /// Reads it as files have it: a `*` at the end stands for any rest.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        match text.strip_suffix('*') {
            Some(start) => Self::Beginning(start.into()),
            None => Self::Exactly(text.into()),
        }
    }

    /// Whether a subject is meant.
    #[must_use]
    pub fn holds(&self, subject: &str) -> bool {
        match self {
            Self::Exactly(text) => **text == *subject,
            Self::Beginning(start) => subject.starts_with(&**start),
        }
    }
}

impl std::fmt::Display for Subject {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Exactly(text) => f.write_str(text),
            Self::Beginning(start) => write!(f, "{start}*"),
        }
    }
}

/// What a claim of a token has to say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Condition {
    /// The claim's name; members of a claim that is an object follow after `.`, as in `kubernetes.io.namespace` where no
    /// claim has the longer name.
    pub claim: Box<str>,
    /// What it is, or what is among what it lists.
    pub value: ClaimValue,
}

/// A value that a claim is compared with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClaimValue {
    /// This text.
    Text(Box<str>),
    /// This whole number.
    Number(i64),
    /// This.
    Flag(bool),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_any_rest_at_the_end_alone() {
        for (text, subject, holds) in [
            ("repo:acme/ledger:*", "repo:acme/ledger:ref:refs/heads/main", true),
            ("repo:acme/ledger:*", "repo:acme/ledger", false),
            ("repo:*/ledger:main", "repo:acme/ledger:main", false),
            ("repo:*/ledger:main", "repo:*/ledger:main", true),
            ("a", "a", true),
            ("a", "ab", false),
        ] {
            let parsed = Subject::parse(text);
            assert_eq!((parsed.holds(subject), parsed.to_string()), (holds, text.to_owned()), "{text} {subject}");
        }
    }
}
