//! What can go wrong, by who erred.

use std::path::PathBuf;

/// Who has to do something about a fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Blame {
    /// Whoever asked for the change: it cannot be done as asked.
    Operator,
    /// We, or what we run on.
    Ourselves,
}

/// Why the store did not do what it was asked to. Nothing was changed; only when a server is lost in the very moment of
/// committing ([`DatabaseFault::Gone`] on PostgreSQL) nobody can say, and reading it again tells.
#[derive(Debug, thiserror::Error)]
pub enum StoreFault {
    /// Operator: the address of the store is not understood.
    #[error("the store's address `{url}` is not understood: {why}")]
    Address {
        /// As given.
        url: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// Operator: it is not on record.
    #[error("there is no {what} `{name}`")]
    NotFound {
        /// What kind of thing.
        what: &'static str,
        /// Its name or id.
        name: String,
    },
    /// Operator: what is on record does not allow it.
    #[error("{what} `{name}` {why}")]
    Conflict {
        /// What kind of thing.
        what: &'static str,
        /// Its name or id.
        name: String,
        /// Why not, and what to do; goes on the sentence.
        why: String,
    },
    /// Operator: there are as many as there may be.
    #[error("{what} `{name}` has {max} live {of} already: revoke one first")]
    Limit {
        /// What kind of thing.
        what: &'static str,
        /// Its name.
        name: String,
        /// What there are too many of.
        of: &'static str,
        /// How many there may be.
        max: u32,
    },
    /// Operator: as many acts wait for a second person as may wait.
    #[error("{of} for a second person already")]
    Full {
        /// Whose, and how many.
        of: String,
    },
    /// Operator: somebody changed it since it was read.
    #[error("{what} `{name}` was changed meanwhile: read it again, then decide")]
    Stale {
        /// What kind of thing.
        what: &'static str,
        /// Its name.
        name: String,
    },
    /// Operator: the watched directories hold nothing any more. Taken for a mistake, never for a wish.
    #[error("no document was found, but {existing} came from files before: nothing is removed; to remove all, leave one document")]
    EmptySources {
        /// How many resources on record came from files.
        existing: usize,
    },
    /// Operator: another process serves from this store.
    #[error("the store `{}` is in use by another process: stop it, or use its management API", path.display())]
    Locked {
        /// The database file.
        path: PathBuf,
    },
    /// Ours: a file of the store cannot be made, read or locked.
    #[error("`{}`: {source}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// Ours: the database failed.
    #[error(transparent)]
    Database(#[from] DatabaseFault),
    /// Ours: the tables could not be brought to the shape that this version needs.
    #[error("the database cannot be brought to this version: {0}")]
    Migration(#[from] sqlx::migrate::MigrateError),
    /// Ours: what is stored cannot be.
    #[error("the store holds a {what} `{name}` that cannot be read: {why}")]
    Corrupt {
        /// What kind of thing.
        what: &'static str,
        /// Its name or id.
        name: String,
        /// What is wrong.
        why: String,
    },
}

/// How the database failed.
#[derive(Debug, thiserror::Error)]
pub enum DatabaseFault {
    /// Somebody else holds it, or every connection, for longer than we wait.
    #[error("the database is locked or has no connection free: {0}")]
    Busy(#[source] sqlx::Error),
    /// There is no room for more.
    #[error("the database is full: {0}")]
    Full(#[source] sqlx::Error),
    /// Its own structure is broken: restore a backup.
    #[error("the database is damaged, restore a backup: {0}")]
    Corrupt(#[source] sqlx::Error),
    /// It cannot be reached, read or written any more.
    #[error("the database cannot be reached: {0}")]
    Gone(#[source] sqlx::Error),
    /// The file is not the one that was opened: it was removed, or another was put in its place.
    #[error("the database file `{}` was removed or replaced while it was open: put it back and start again", path.display())]
    Moved {
        /// Where it was.
        path: PathBuf,
    },
    /// It was away when this process started, and is not back.
    #[error("the database was away when this process started, and is not back")]
    NotBack,
    /// A newer version of this program has used it.
    #[error("the database was brought to shape {version} by a newer version of this program: start that version, or restore a backup")]
    Newer {
        /// The number of the shape.
        version: i64,
    },
    /// Anything else.
    #[error("the database failed: {0}")]
    Other(#[source] sqlx::Error),
}

impl From<sqlx::Error> for StoreFault {
    fn from(error: sqlx::Error) -> Self {
        Self::Database(crate::dialect::meaning(error))
    }
}

impl StoreFault {
    /// Who has to do something about it.
    #[must_use]
    pub const fn blame(&self) -> Blame {
        match self {
            Self::Address { .. }
            | Self::NotFound { .. }
            | Self::Conflict { .. }
            | Self::Limit { .. }
            | Self::Full { .. }
            | Self::Stale { .. }
            | Self::EmptySources { .. }
            | Self::Locked { .. }
            | Self::Database(DatabaseFault::Newer { .. }) => Blame::Operator,
            Self::File { .. } | Self::Database(_) | Self::Migration(_) | Self::Corrupt { .. } => Blame::Ourselves,
        }
    }

    /// Whether the database itself is away: gone, locked, full, damaged. Nothing that was asked can be done then, whatever
    /// it was; asked again when the database is back, it can.
    #[must_use]
    pub const fn is_away(&self) -> bool {
        match self {
            Self::Database(fault) => match fault {
                DatabaseFault::Busy(_)
                | DatabaseFault::Full(_)
                | DatabaseFault::Corrupt(_)
                | DatabaseFault::Gone(_)
                | DatabaseFault::Moved { .. }
                | DatabaseFault::NotBack => true,
                DatabaseFault::Newer { .. } | DatabaseFault::Other(_) => false,
            },
            _ => false,
        }
    }

    /// What is wrong with a database that is away, in a few words that tell nothing of where it is.
    #[must_use]
    pub const fn away(&self) -> &'static str {
        match self {
            Self::Database(DatabaseFault::Busy(_)) => "the database is locked or has no connection free",
            Self::Database(DatabaseFault::Full(_)) => "the database is full",
            Self::Database(DatabaseFault::Corrupt(_)) => "the database is damaged",
            Self::Database(DatabaseFault::Moved { .. }) => "the database's file is not the one that was opened",
            _ => "the database cannot be reached",
        }
    }

    pub(crate) fn missing(what: &'static str, name: impl ToString) -> Self {
        Self::NotFound { what, name: name.to_string() }
    }

    pub(crate) fn conflict(what: &'static str, name: impl ToString, why: impl Into<String>) -> Self {
        Self::Conflict { what, name: name.to_string(), why: why.into() }
    }

    pub(crate) fn corrupt(what: &'static str, name: impl ToString, why: impl ToString) -> Self {
        Self::Corrupt { what, name: name.to_string(), why: why.to_string() }
    }
}

#[cfg(test)]
mod tests;
