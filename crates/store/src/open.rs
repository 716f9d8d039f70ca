//! Opening the store: one file and one process, or one PostgreSQL database and as many as need it; one shape.

use crate::{
    StoreFault,
    credential::{self, StoredCredential},
    database::Pool,
    dialect,
    fault::DatabaseFault,
    feed,
    resource::{self, StoredResource},
    secret::{self, StoredSecret},
    status::{self, StoredStatus},
    vault::{self, StoredSigningKey},
};
use sqlx::{
    Database,
    migrate::{Migrate, MigrateError, Migrator},
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

/// How long a caller waits for a connection before it fails.
const ACQUIRE: Duration = Duration::from_secs(10);
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

/// Everything that a gate rests on, as of one moment of the feed. Small installations only: it holds every identity.
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
            let pool = SqlitePoolOptions::new().acquire_timeout(ACQUIRE).idle_timeout(None).max_lifetime(None);
            pool.before_acquire(|conn, _| Box::pin(std::future::ready(Ok(dialect::sqlite_usable(conn)))))
        };
        // INVARIANT (one writer): a single connection, so that changes queue here and never fail busy on each other.
        let writer = pool().max_connections(1).connect_with(options.clone()).await?;
        shape(&dialect::SQLITE_MIGRATIONS, &writer).await?;
        let reader = pool().max_connections(READERS).connect_with(options.pragma("query_only", "on")).await?;
        let mark = Mark::of(&path).map_err(|source| StoreFault::File { path: path.clone(), source })?;
        Ok(Self::of(Pool::Sqlite(writer), Pool::Sqlite(reader), Home::File { path, mark, _lock: lock }))
    }

    async fn open_server(url: &str, options: PgConnectOptions) -> Result<Self, StoreFault> {
        let pool: PoolOptions<sqlx::Postgres> = PgPoolOptions::new().acquire_timeout(ACQUIRE).max_connections(CONNECTIONS);
        let pool = pool.after_connect(|conn, _| Box::pin(dialect::postgres_ready(conn)));
        let pool = pool.connect_with(dialect::postgres_options(options)).await?;
        shape(&dialect::POSTGRES_MIGRATIONS, &pool).await?;
        Ok(Self::of(Pool::Postgres(pool.clone()), Pool::Postgres(pool), Home::Server { url: without_password(url) }))
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

    /// Reads everything that a gate rests on, as of one moment.
    ///
    /// # Errors
    /// When the database fails or holds what cannot be read.
    pub async fn picture(&self) -> Result<Picture, StoreFault> {
        let mut conn = self.reader.begin_reading().await?;
        let picture = Picture {
            seq: feed::last_seq(&mut conn).await?,
            resources: resource::load(&mut conn).await?,
            statuses: status::load(&mut conn).await?,
            credentials: credential::load(&mut conn, &credential::CredentialFilter::default()).await?,
            secrets: secret::load(&mut conn).await?,
            signing_keys: vault::load_signing_keys(&mut conn).await?,
        };
        conn.commit().await?;
        Ok(picture)
    }

    /// Whether the database answers, and is the one that was opened: for readiness.
    ///
    /// # Errors
    /// When it does not.
    pub async fn ping(&self) -> Result<(), StoreFault> {
        self.still_there()?;
        self.last_seq().await.map(drop)
    }
}

/// Brings a database to this version's shape.
async fn shape<DB: Database>(migrations: &Migrator, pool: &sqlx::Pool<DB>) -> Result<(), StoreFault>
where
    DB::Connection: Migrate,
{
    migrations.run(pool).await.map_err(|error| match error {
        MigrateError::VersionMissing(version) | MigrateError::VersionTooNew(version, _) => DatabaseFault::Newer { version }.into(),
        MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _) => error.into(),
        error => StoreFault::Migration(error),
    })
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
