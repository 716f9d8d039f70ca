//! Stops that this gate obeys while the store is away.

use wardgate_model::{contain::Containable, id::IdentityId, time::Time};

/// In which way something is stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Stopping {
    /// It is contained.
    Contain(Containable),
    /// A credential is ended.
    Revoke,
}

/// A stop that this gate obeys although it cannot be put on record now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HereStop {
    /// In which way.
    pub stopping: Stopping,
    /// What, by its name or id.
    pub name: Box<str>,
    /// Who stops it.
    pub actor: IdentityId,
    /// Why; may be empty.
    pub reason: Box<str>,
    /// When.
    pub at: Time,
}

/// What became of a stop that this gate obeys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Journaled {
    /// It is in the journal, on disk.
    OnDisk,
    /// The journal cannot be written: it is obeyed as long as this process runs.
    InMemory,
}
