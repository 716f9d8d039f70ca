//! Where evidence goes besides its directory.

use std::path::PathBuf;
use wardgate_audit::web::Site;

/// Where evidence goes besides its directory.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outside {
    /// Second places for checkpoints.
    pub anchors: Vec<AnchorPlace>,
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
