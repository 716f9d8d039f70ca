//! What is handed out: a fresh credential, and the entry that it is issued for.

use ipnet::IpNet;
use std::time::Duration;
use wardgate_model::{
    credential::{CredentialKind, KeyedHash, SignatureScheme},
    id::CredentialId,
    secret::Secret,
    time::Time,
};

/// A fresh credential: its text is shown once, its hash is kept.
#[derive(Debug)]
pub struct Minted {
    /// The public id within the text.
    pub id: CredentialId,
    /// The whole text.
    pub text: Secret<String>,
    /// What the text is compared with.
    pub hash: KeyedHash,
}

/// What an identity may be issued: an entry of its `credentials`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The entry's name.
    pub name: Box<str>,
    /// What kind of thing it is.
    pub kind: CredentialKind,
    /// How long one lasts; only kinds that Wardgate issues have it.
    pub expires_in: Option<Duration>,
    /// When a waiver ends that lets one live without an end of its own.
    pub waived_until: Option<Time>,
    /// Networks it may be used from; empty means any.
    pub sources: Box<[IpNet]>,
    /// What its calls are signed like, where they are.
    pub signed: Option<SignatureScheme>,
}
