//! Where evidence goes besides its directory.

use super::KeySource;
use std::{path::PathBuf, time::Duration};
use wardgate_audit::{store::Bucket, web::Site};

/// Where evidence goes besides its directory.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outside {
    /// Second places for checkpoints.
    pub anchors: Vec<AnchorPlace>,
    /// Where sealed segments go; `None`: they stay in the directory.
    pub store: Option<StorePlace>,
}

/// A second place for checkpoints.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AnchorPlace {
    /// A file that they are appended to.
    File(PathBuf),
    /// A server that they are sent to.
    Url {
        /// Its URL.
        site: Site,
        /// The file of the authority that its certificate is from; `None`: one of the public's.
        ca: Option<PathBuf>,
    },
}

/// An object store for sealed segments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StorePlace {
    /// Which bucket.
    pub bucket: Bucket,
    /// The id of the key.
    pub access_key: AccessKey,
    /// Where the key is.
    pub secret_key: KeySource,
    /// Where the session is that belongs to a key lent for a time.
    pub session_token: Option<KeySource>,
    /// The file of the authority that its certificate is from; `None`: one of the public's.
    pub ca: Option<PathBuf>,
    /// How long after its newest event a segment stays in the directory, too.
    pub local: Duration,
}

/// The id of a key, which is no secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AccessKey {
    /// As it was typed.
    Text(String),
    /// In a file or a variable.
    Elsewhere(KeySource),
}
