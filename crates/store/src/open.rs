//! Opening the store: one file and one process, or one PostgreSQL database and as many as need it; one shape.

use crate::{
    StoreFault,
    database::{Pool, Server},
    dialect,
    fault::DatabaseFault,
};
use sqlx::{
    Connection as _,
    migrate::MigrateError,
    pool::PoolOptions,
    postgres::{PgConnectOptions, PgListener, PgPoolOptions},
    sqlite::SqlitePoolOptions,
};
use std::{
    fs::{File, OpenOptions, TryLockError},
    path::{Path, PathBuf},
    str::FromStr,
    time::Duration,
};

/// How long a caller waits for a connection to a file before it fails: other changes of this process are before it, an
/// import perhaps, and nobody can be cut off from a file.
const ACQUIRE_FILE: Duration = Duration::from_secs(10);
/// How long a caller waits for a connection to a server, making a new one included: when it is away, that is to be known.
const ACQUIRE_SERVER: Duration = Duration::from_millis(1_500);
/// How often the lock is tried, and how long the pause is.
const LOCK_TRIES: u32 = 40;
const LOCK_PAUSE: Duration = Duration::from_millis(25);
/// Connections that read at a time, of SQLite.
const READERS: u32 = 4;
/// Connections at a time, of PostgreSQL.
const CONNECTIONS: u32 = 8;

/// Where a store lives.
pub(crate) enum Home {
    /// In a file. The advisory lock is held as long as the lock file is open.
    File { path: PathBuf, mark: Mark, _lock: File },
    /// In a server; the address has no password in it.
    Server { url: String },
}

/// What tells a file from another of the same name.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Mark(u64, u64);

impl Mark {
    fn of(path: &Path) -> std::io::Result<Self> {
        #[cfg(unix)]
        {
            let found = std::fs::metadata(path)?;
            Ok(Self(std::os::unix::fs::MetadataExt::dev(&found), std::os::unix::fs::MetadataExt::ino(&found)))
        }
        #[cfg(not(unix))]
        std::fs::metadata(path).map(|_| Self(0, 0))
    }
}

/// What Wardgate remembers. Cheap to share behind an `Arc`; whoever drops the last one lets go of the lock.
pub struct Store {
    pub(crate) writer: Pool,
    pub(crate) reader: Pool,
    home: Home,
    /// The last number that this process has committed.
    pub(crate) grown: tokio::sync::watch::Sender<u64>,
    /// What hears of the changes of other processes, once somebody waits for one.
    pub(crate) listener: tokio::sync::Mutex<Option<PgListener>>,
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let home = match &self.home {
            Home::File { path, .. } => path.display().to_string(),
            Home::Server { url } => url.clone(),
        };
        f.debug_struct("Store").field("home", &home).finish_non_exhaustive()
    }
}

impl Store {
    /// Opens `sqlite:PATH` or `postgres://…` and brings it to this version's shape.
    ///
    /// A file is made (mode 0600) when it is not there, and a lock file `PATH.lock` keeps every other process out for
    /// as long as the store is open. A database of PostgreSQL must be there; any number of processes may open it. Its
    /// password is best left out of the address: `PGPASSWORD` and `~/.pgpass` are read too.
    ///
    /// # Errors
    /// An address that is not understood, a store in use elsewhere, one that cannot be used or reached, a newer shape.
    pub async fn open(url: &str) -> Result<Self, StoreFault> {
        match parse(url)? {
            Address::File(path) => Self::open_file(path).await,
            Address::Server(options) => Self::open_server(url, *options).await,
        }
    }

    async fn open_file(path: PathBuf) -> Result<Self, StoreFault> {
        let lock = lock(&path).await?;
        make_private(&path)?;
        let options = dialect::sqlite_options(&path);
        let pool = || {
            let pool = SqlitePoolOptions::new().acquire_timeout(ACQUIRE_FILE).idle_timeout(None).max_lifetime(None);
            pool.before_acquire(|conn, _| Box::pin(std::future::ready(Ok(dialect::sqlite_usable(conn)))))
        };
        // INVARIANT (one writer): a single connection, so that changes queue here and never fail busy on each other.
        let writer = pool().max_connections(1).connect_with(options.clone()).await?;
        dialect::SQLITE_MIGRATIONS.run(&writer).await.map_err(misshapen)?;
        let reader = pool().max_connections(READERS).connect_with(options.pragma("query_only", "on")).await?;
        let mark = Mark::of(&path).map_err(|source| StoreFault::File { path: path.clone(), source })?;
        Ok(Self::of(Pool::Sqlite(writer), Pool::Sqlite(reader), Home::File { path, mark, _lock: lock }))
    }

    async fn open_server(url: &str, options: PgConnectOptions) -> Result<Self, StoreFault> {
        let store = Self::of_server(url, options);
        store.come_back().await?;
        Ok(store)
    }

    fn of_server(url: &str, options: PgConnectOptions) -> Self {
        let pool: PoolOptions<sqlx::Postgres> = PgPoolOptions::new().acquire_timeout(ACQUIRE_SERVER).max_connections(CONNECTIONS);
        let pool = pool.after_connect(|conn, _| Box::pin(dialect::postgres_ready(conn)));
        let server = Server::new(pool.connect_lazy_with(dialect::postgres_options(options)));
        Self::of(Pool::Postgres(server.clone()), Pool::Postgres(server), Home::Server { url: without_password(url) })
    }

    /// A store in a server that is away: nothing can be asked of it before [`Store::come_back`] has succeeded.
    ///
    /// # Errors
    /// An address that is not understood, or that is no server's.
    pub fn open_away(url: &str) -> Result<Self, StoreFault> {
        match parse(url)? {
            Address::Server(options) => Ok(Self::of_server(url, *options)),
            Address::File(_) => {
                Err(StoreFault::Address { url: without_password(url), why: "only a server can be away when a process starts" })
            }
        }
    }

    /// Whether anything can be asked: not while it was away at the start and has not come back.
    #[must_use]
    pub fn is_back(&self) -> bool {
        match &self.writer {
            Pool::Sqlite(_) => true,
            Pool::Postgres(server) => server.is_ready(),
        }
    }

    /// Brings the database to this version's shape when that was not done yet.
    ///
    /// # Errors
    /// It is still away, or of a newer shape.
    pub async fn come_back(&self) -> Result<(), StoreFault> {
        let Pool::Postgres(server) = &self.writer else { return Ok(()) };
        if server.is_ready() {
            return Ok(());
        }
        // A connection of its own: what it is told about long statements goes with it.
        let mut conn = server.any().acquire().await?.detach();
        sqlx::query(dialect::POSTGRES_UNHURRIED).execute(&mut conn).await?;
        let shaped = dialect::POSTGRES_MIGRATIONS.run_direct(None, &mut conn, false).await.map_err(misshapen);
        // It goes away either way.
        drop(conn.close().await);
        shaped?;
        server.make_ready();
        Ok(())
    }

    fn of(writer: Pool, reader: Pool, home: Home) -> Self {
        Self { writer, reader, home, grown: tokio::sync::watch::Sender::new(0), listener: tokio::sync::Mutex::new(None) }
    }

    /// The database file; `None` on PostgreSQL.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        match &self.home {
            Home::File { path, .. } => Some(path),
            Home::Server { .. } => None,
        }
    }

    /// Whether the file that is written is the one that has the name. What is written into a file that was removed is
    /// lost, and SQLite would not say so.
    pub(crate) fn still_there(&self) -> Result<(), StoreFault> {
        match &self.home {
            Home::File { path, mark, .. } if Mark::of(path).ok() != Some(*mark) => {
                Err(StoreFault::Database(DatabaseFault::Moved { path: path.clone() }))
            }
            Home::File { .. } | Home::Server { .. } => Ok(()),
        }
    }

    /// Ends all connections after what is under way; SQLite folds its write-ahead log into the file.
    pub async fn close(self) {
        drop(self.listener);
        self.reader.close().await;
        self.writer.close().await;
    }

    /// Whether the database answers, and is the one that was opened: for readiness.
    ///
    /// # Errors
    /// When it does not.
    pub async fn ping(&self) -> Result<(), StoreFault> {
        self.beat().await.map(drop)
    }
}

/// Why a database could not be brought to this version's shape.
fn misshapen(error: MigrateError) -> StoreFault {
    match error {
        MigrateError::VersionMissing(version) | MigrateError::VersionTooNew(version, _) => DatabaseFault::Newer { version }.into(),
        MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _) => error.into(),
        error => StoreFault::Migration(error),
    }
}

/// A store's address, understood.
pub(crate) enum Address {
    File(PathBuf),
    Server(Box<PgConnectOptions>),
}

/// An address as it may be shown.
pub(crate) fn without_password(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
    let (rest, query) = rest.split_once('?').map_or((rest, ""), |(rest, _)| (rest, "?…"));
    match rest.rsplit_once('@') {
        Some((user, host)) => format!("{scheme}://{}@{host}{query}", user.split_once(':').map_or(user, |(name, _)| name)),
        None => format!("{scheme}://{rest}{query}"),
    }
}

pub(crate) fn parse(url: &str) -> Result<Address, StoreFault> {
    let refused = |why| Err(StoreFault::Address { url: without_password(url), why });
    if url.starts_with("postgres:") || url.starts_with("postgresql:") {
        return match PgConnectOptions::from_str(url) {
            Ok(options) => Ok(Address::Server(Box::new(options))),
            Err(_) => refused("use `postgres://USER@HOST:PORT/DATABASE`"),
        };
    }
    let Some(path) = url.strip_prefix("sqlite:") else {
        return refused("use `sqlite:PATH` or `postgres://USER@HOST/DATABASE`");
    };
    let path = path.strip_prefix("//").unwrap_or(path);
    if path.is_empty() || path.contains('\0') {
        return refused("a path to a file must follow `sqlite:`");
    }
    if path.starts_with(':') || path.contains('?') {
        return refused("only a path may follow `sqlite:`: no options, and nothing that lives in memory");
    }
    Ok(Address::File(PathBuf::from(path)))
}

/// The name of the lock file that belongs to a database.
fn lock_path(database: &Path) -> PathBuf {
    let mut name = database.as_os_str().to_owned();
    name.push(".lock");
    name.into()
}

pub(crate) fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

/// Takes the lock. Whoever has it may be ending right now, or a program that it started may not have let go of what it
/// inherited yet: so it is tried for a moment.
async fn lock(database: &Path) -> Result<File, StoreFault> {
    let path = lock_path(database);
    let file = private().open(&path).map_err(|source| StoreFault::File { path: path.clone(), source })?;
    for _ in 0..LOCK_TRIES {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::WouldBlock) => tokio::time::sleep(LOCK_PAUSE).await,
            Err(TryLockError::Error(source)) => return Err(StoreFault::File { path, source }),
        }
    }
    Err(StoreFault::Locked { path: database.to_owned() })
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
