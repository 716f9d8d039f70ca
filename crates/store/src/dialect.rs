//! Everything in which SQLite and PostgreSQL differ: how a transaction begins, what an open connection is set to, where
//! the shape is written down, and what their errors mean.

use crate::fault::DatabaseFault;
use sqlx::{
    Connection, PgConnection, SqliteConnection,
    postgres::PgConnectOptions,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous},
};
use std::{path::Path, time::Duration};

/// How long a statement waits for SQLite's own lock before it fails.
const BUSY: Duration = Duration::from_millis(1_500);
/// How many rows SQLite's thread reads ahead of us: with few, the two threads wake each other for every handful.
const ROWS_AHEAD: usize = 1_024;
/// How long a change waits for another on PostgreSQL before it fails, how long one statement may take (bringing a database
/// into shape has no such end), and how long a change may do nothing before the server ends it: a process that is cut off
/// must not hold up the others.
const POSTGRES_SETTINGS: [(&str, &str); 3] =
    [("lock_timeout", "5s"), ("statement_timeout", "30s"), ("idle_in_transaction_session_timeout", "60s")];
/// Ends the end of statements, for the rest of a connection.
pub(crate) const POSTGRES_UNHURRIED: &str = "SET statement_timeout = 0";
/// What followers of the feed listen to.
pub(crate) const POSTGRES_CHANNEL: &str = "wardgate_feed";

/// Takes the lock for writing at once: a transaction that reads first and locks later could lose.
pub(crate) const SQLITE_BEGIN_WRITE: &str = "BEGIN IMMEDIATE";
/// Every statement sees what was committed before it; the counter's row, locked first, keeps other writers out.
pub(crate) const POSTGRES_BEGIN_WRITE: &str = "BEGIN ISOLATION LEVEL READ COMMITTED";
/// One consistent picture for several reads.
pub(crate) const SQLITE_BEGIN_READ: &str = "BEGIN";
/// One consistent picture for several reads.
pub(crate) const POSTGRES_BEGIN_READ: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";
/// Locks the counter's row until the end of the transaction. SQLite has locked the whole database by then.
pub(crate) const POSTGRES_LOCK: &str = "SELECT seq FROM counter WHERE id = 1 FOR UPDATE";
/// Wakes whoever follows the feed, at commit.
pub(crate) const POSTGRES_NOTIFY: &str = "SELECT 1::BIGINT FROM pg_notify('wardgate_feed', $1)";

/// The shape, step by step, for SQLite.
pub(crate) static SQLITE_MIGRATIONS: sqlx::migrate::Migrator = sqlx::migrate!("migrations/sqlite");

/// The shape, step by step, for PostgreSQL.
pub(crate) static POSTGRES_MIGRATIONS: sqlx::migrate::Migrator = sqlx::migrate!("migrations/postgres");

/// How a connection to a file is opened.
pub(crate) fn sqlite_options(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(false)
        .journal_mode(SqliteJournalMode::Wal)
        // A change that was acknowledged is on disk, also when the power goes.
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .busy_timeout(BUSY)
        .row_buffer_size(ROWS_AHEAD)
        // What was deleted or replaced (a sealed secret) leaves no trace in free pages.
        .pragma("secure_delete", "on")
        .pragma("trusted_schema", "off")
}

/// Whether a connection can be used again. SQLite ends a transaction by itself when the disk is full or fails; the
/// connection then waits for ever for an end that was already, and another has to take its place.
pub(crate) fn sqlite_usable(conn: &SqliteConnection) -> bool {
    !conn.is_in_transaction()
}

/// How a connection to a server is opened.
pub(crate) fn postgres_options(options: PgConnectOptions) -> PgConnectOptions {
    options.application_name("wardgate").options(POSTGRES_SETTINGS)
}

/// A change that was acknowledged is on disk, whatever the server's default is; stronger promises stay as they are.
pub(crate) async fn postgres_ready(conn: &mut PgConnection) -> Result<(), sqlx::Error> {
    let text = "SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') IN ('off', 'local')";
    sqlx::query(text).execute(conn).await.map(drop)
}

/// What an error of either database means.
pub(crate) fn meaning(error: sqlx::Error) -> DatabaseFault {
    match &error {
        sqlx::Error::Database(said) => {
            let code = said.code().unwrap_or_default().into_owned();
            let is_sqlite = said.try_downcast_ref::<sqlx::sqlite::SqliteError>().is_some();
            if is_sqlite { sqlite(&code, error) } else { postgres(&code, error) }
        }
        sqlx::Error::PoolTimedOut => DatabaseFault::Busy(error),
        sqlx::Error::Io(_) | sqlx::Error::Tls(_) | sqlx::Error::Protocol(_) | sqlx::Error::PoolClosed | sqlx::Error::WorkerCrashed => {
            DatabaseFault::Gone(error)
        }
        _ => DatabaseFault::Other(error),
    }
}

/// SQLite's extended result codes; the low byte is the primary one (<https://www.sqlite.org/rescode.html>).
fn sqlite(code: &str, error: sqlx::Error) -> DatabaseFault {
    match code.parse::<u32>().unwrap_or(0) & 0xFF {
        5 | 6 => DatabaseFault::Busy(error),
        13 => DatabaseFault::Full(error),
        11 | 26 => DatabaseFault::Corrupt(error),
        8 | 10 | 14 => DatabaseFault::Gone(error),
        _ => DatabaseFault::Other(error),
    }
}

/// PostgreSQL's SQLSTATE (<https://www.postgresql.org/docs/current/errcodes-appendix.html>).
fn postgres(code: &str, error: sqlx::Error) -> DatabaseFault {
    match code {
        "53100" => DatabaseFault::Full(error),
        "53300" | "55P03" | "57014" => DatabaseFault::Busy(error),
        "XX001" | "XX002" => DatabaseFault::Corrupt(error),
        // A server that only reads: another has taken over, or will.
        "25006" => DatabaseFault::Gone(error),
        code if code.starts_with("08") || code.starts_with("57P") || code.starts_with("28") || code == "3D000" => {
            DatabaseFault::Gone(error)
        }
        _ => DatabaseFault::Other(error),
    }
}
