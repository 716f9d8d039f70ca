//! Credentials: the long-lived things on record by which an identity may prove itself.

use crate::{
    id::{ApiName, CredentialId, EnvironmentName, IdentityId, TaskId},
    inventory::words,
    secret::Secret,
    time::Time,
    trust::Binding,
};
use http::HeaderName;
use ipnet::IpNet;
use std::{net::IpAddr, time::Duration};

words! {
    /// What kind of thing a credential is.
    CredentialKind {
        /// An API key that Wardgate issued.
        ApiKey = "api_key",
        /// A session of the management API.
        Session = "session",
        /// The first admin credential: good for one sign-in.
        SignIn = "sign_in",
        /// A short session that the break-glass socket gave.
        BreakGlass = "break_glass",
        /// A key that Wardgate did not issue, registered when its caller was claimed.
        ForeignKey = "foreign_key",
        /// Tokens of an issuer, bound by subject and claims.
        Oidc = "oidc",
        /// A client certificate or SPIFFE id.
        X509 = "x509",
        /// A registered public key.
        PublicKey = "public_key",
        /// A shared secret for signed webhooks.
        Hmac = "hmac",
        /// Signatures of a bot, by the keys that it publishes.
        WebBotAuth = "web_bot_auth",
    }
}

/// Whether tokens that are got by a credential have to be bound to a key of whoever gets them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TokenBinding {
    /// Where whoever asks shows one.
    #[default]
    Optional,
    /// Without one there is no token (`dpop_bound_access_tokens`, RFC 9449 §5.2).
    Required,
}

words! {
    /// What a sender of webhooks signs, and how it says so. All of them are HMAC-SHA-256 over the body as it is sent.
    SignatureScheme {
        /// Standard Webhooks: `ID.TIMESTAMP.BODY`, as `v1,BASE64`; id and timestamp stand in fields beside it.
        StandardWebhooks = "standard_webhooks",
        /// `TIMESTAMP.BODY`, as `t=TIMESTAMP,v1=HEX` in one field.
        Timestamped = "timestamped",
        /// `v0:TIMESTAMP:BODY`, as `v0=HEX`; the timestamp stands in a field of its own.
        Versioned = "versioned",
        /// The body alone, as `sha256=HEX`: it does not say when it was made.
        Body = "body",
    }
}

/// Entries of signed webhooks that are looked at for one request, at the most: each has two secrets while one replaces the other.
pub const HOOKS_MAX: usize = 8;

/// How a sender signs its calls, as an entry of an identity's `credentials` declares it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignatureForm {
    /// What is signed.
    pub scheme: SignatureScheme,
    /// The field that the signature stands in.
    pub header: HeaderName,
    /// The field that the timestamp stands in, where it is one of its own.
    pub timestamp: Option<HeaderName>,
    /// The field that the id of the message stands in, where it is signed.
    pub message: Option<HeaderName>,
    /// The API that it calls; `None`: those that it is granted something on.
    pub api: Option<ApiName>,
    /// How far the timestamp may be off, either way; without one, for how long the same signature is not taken again.
    pub tolerance: Duration,
}

/// HMAC-SHA-256 of a key under the installation's own secret. Useless to whoever steals it without that secret.
/// It has no `PartialEq`: compare in constant time (`proof::api_key`).
#[derive(Clone)]
pub struct KeyedHash(Secret<[u8; 32]>);

impl KeyedHash {
    /// Wraps the 32 bytes.
    #[must_use]
    pub const fn new(bytes: [u8; 32]) -> Self {
        Self(Secret::new(bytes))
    }

    /// The bytes, for storing and for the comparison in constant time.
    #[must_use]
    pub const fn bytes(&self) -> &[u8; 32] {
        self.0.danger_expose()
    }
}

impl std::fmt::Debug for KeyedHash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("KeyedHash(…)")
    }
}

/// Whether a credential can still be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CredentialState {
    /// Can be used until it expires.
    Live,
    /// Ended by somebody.
    Revoked {
        /// When.
        at: Time,
    },
    /// Good for one use, and used.
    Spent,
}

/// A credential on record.
#[derive(Debug, Clone)]
pub struct Credential {
    /// Its public id.
    pub id: CredentialId,
    /// Whose it is. Exactly one.
    pub identity: IdentityId,
    /// The name of the entry in the identity's `credentials` that it was issued for.
    pub name: Box<str>,
    /// What kind of thing it is.
    pub kind: CredentialKind,
    /// Where it may be used.
    pub environment: EnvironmentName,
    /// Networks it may be used from; empty means any.
    pub sources: Box<[IpNet]>,
    /// What its secret is compared with; only for kinds with a secret that Wardgate issued.
    pub hash: Option<KeyedHash>,
    /// Which foreign proofs it stands for; only for kinds that others vouch for.
    pub binding: Option<Box<Binding>>,
    /// When it was issued.
    pub created: Time,
    /// When it ends by itself, the enforced end of its rotation included; `None`: never.
    pub expires: Option<Time>,
    /// From when on answers warn its user that it is to be replaced.
    pub warn_from: Option<Time>,
    /// The task that it was made for: it is good for that alone, and ends with it.
    pub task: Option<TaskId>,
    /// Whether it can still be used.
    pub state: CredentialState,
}

impl Credential {
    /// Whether `source` is among the networks it is bound to (none listed: any).
    #[must_use]
    pub fn admits(&self, source: IpAddr) -> bool {
        self.sources.is_empty() || self.sources.iter().any(|network| network.contains(&source))
    }
}
