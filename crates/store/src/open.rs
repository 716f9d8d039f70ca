//! Opening the store: one file, one process, one shape.

use crate::{
    StoreFault,
    credential::{self, StoredCredential},
    feed,
    resource::{self, StoredResource},
    sql,
    status::{self, StoredStatus},
    vault::{self, StoredSecret, StoredSigningKey},
};
use sqlx::{
    SqlitePool,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};
use std::{
    fs::{File, OpenOptions, TryLockError},
    path::{Path, PathBuf},
    time::Duration,
};

/// How long a statement waits for the database's own lock before it fails.
const BUSY: Duration = Duration::from_secs(5);
/// How long a caller waits for a connection before it fails.
const ACQUIRE: Duration = Duration::from_secs(10);
/// Connections that read at a time.
const READERS: u32 = 4;

static MIGRATIONS: sqlx::migrate::Migrator = sqlx::migrate!("migrations/sqlite");

/// What Wardgate remembers. Cheap to share behind an `Arc`; whoever drops the last one lets go of the lock.
pub struct Store {
    /// INVARIANT (one writer): a single connection, so that changes queue here and never fail busy on each other.
    pub(crate) writer: SqlitePool,
    pub(crate) reader: SqlitePool,
    path: PathBuf,
    // The advisory lock is held as long as this file is open.
    _lock: File,
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store").field("path", &self.path).finish_non_exhaustive()
    }
}

/// Everything that a gate rests on, as of one moment of the feed.
#[derive(Debug)]
pub struct Picture {
    /// The last change that is in it. Follow the feed from here.
    pub seq: u64,
    /// Every resource.
    pub resources: Vec<StoredResource>,
    /// The status of every identity that ever was on record.
    pub statuses: Vec<StoredStatus>,
    /// Every credential, ended ones too.
    pub credentials: Vec<StoredCredential>,
    /// Every sealed upstream secret.
    pub secrets: Vec<StoredSecret>,
    /// Every sealed signing key.
    pub signing_keys: Vec<StoredSigningKey>,
}

impl Store {
    /// Opens `sqlite:PATH`, making the file (mode 0600) when it is not there, and brings it to this version's shape.
    /// A lock file `PATH.lock` keeps every other process out for as long as the store is open.
    ///
    /// # Errors
    /// An address that is not understood, a store in use elsewhere, a file that cannot be used, a newer shape.
    pub async fn open(url: &str) -> Result<Self, StoreFault> {
        let path = parse(url)?;
        let lock = lock(&path)?;
        make_private(&path)?;
        let options = SqliteConnectOptions::new()
            .filename(&path)
            .create_if_missing(false)
            .journal_mode(SqliteJournalMode::Wal)
            // A change that was acknowledged is on disk, also when the power goes.
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(BUSY)
            // What was deleted or replaced (a sealed secret) leaves no trace in free pages.
            .pragma("secure_delete", "on")
            .pragma("trusted_schema", "off");
        let pool = || SqlitePoolOptions::new().acquire_timeout(ACQUIRE).idle_timeout(None).max_lifetime(None);
        let writer = pool().max_connections(1).connect_with(options.clone()).await?;
        MIGRATIONS.run(&writer).await?;
        let reader = pool().max_connections(READERS).connect_with(options.pragma("query_only", "on")).await?;
        Ok(Self { writer, reader, path, _lock: lock })
    }

    /// The database file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Ends all connections after what is under way, and folds the write-ahead log into the file.
    pub async fn close(self) {
        self.reader.close().await;
        self.writer.close().await;
    }

    /// Reads everything that a gate rests on, as of one moment.
    ///
    /// # Errors
    /// When the database fails or holds what cannot be read.
    pub async fn picture(&self) -> Result<Picture, StoreFault> {
        let mut tx = self.reader.begin_with(sql::BEGIN_READ).await?;
        Ok(Picture {
            seq: feed::last_seq(&mut tx).await?,
            resources: resource::load(&mut tx).await?,
            statuses: status::load(&mut tx).await?,
            credentials: credential::load(&mut tx, &credential::CredentialFilter::default()).await?,
            secrets: vault::load_secrets(&mut tx).await?,
            signing_keys: vault::load_signing_keys(&mut tx).await?,
        })
    }

    /// Whether the database answers: for readiness.
    ///
    /// # Errors
    /// When it does not.
    pub async fn ping(&self) -> Result<(), StoreFault> {
        self.last_seq().await.map(drop)
    }
}

fn parse(url: &str) -> Result<PathBuf, StoreFault> {
    let refused = |why| Err(StoreFault::Address { url: url.to_owned(), why });
    let Some(path) = url.strip_prefix("sqlite:") else {
        return refused(if url.starts_with("postgres") {
            "PostgreSQL is not served by this version, use `sqlite:PATH`"
        } else {
            "use `sqlite:PATH`"
        });
    };
    let path = path.strip_prefix("//").unwrap_or(path);
    if path.is_empty() || path.contains('\0') {
        return refused("a path to a file must follow `sqlite:`");
    }
    if path.starts_with(':') || path.contains('?') {
        return refused("only a path may follow `sqlite:`: no options, and nothing that lives in memory");
    }
    Ok(PathBuf::from(path))
}

/// The name of the lock file that belongs to a database.
fn lock_path(database: &Path) -> PathBuf {
    let mut name = database.as_os_str().to_owned();
    name.push(".lock");
    name.into()
}

fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

fn lock(database: &Path) -> Result<File, StoreFault> {
    let path = lock_path(database);
    let file = private().open(&path).map_err(|source| StoreFault::File { path: path.clone(), source })?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(StoreFault::Locked { path: database.to_owned() }),
        Err(TryLockError::Error(source)) => Err(StoreFault::File { path, source }),
    }
}

/// Makes the database file before SQLite does: SQLite gives its side files the mode of the main one.
fn make_private(path: &Path) -> Result<(), StoreFault> {
    let fault = |source| StoreFault::File { path: path.to_owned(), source };
    let file = private().open(path).map_err(fault)?;
    #[cfg(unix)]
    file.set_permissions(std::os::unix::fs::PermissionsExt::from_mode(0o600)).map_err(fault)?;
    drop(file);
    Ok(())
}

#[cfg(test)]
mod tests;
