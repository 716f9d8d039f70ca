//! A copy of the database while it serves.
//!
//! To restore one on SQLite: stop the process, put the copy in the place of the database file, remove the files
//! `…-wal` and `…-shm` beside it, start. What was changed after the copy is lost: a credential that was revoked since is
//! live again, so look through the event log for revocations and containments before the doors are opened. On
//! PostgreSQL use its own tools (`pg_dump --format custom`, `pg_restore`, or point-in-time recovery).

use crate::{Store, StoreFault, dialect, feed::unsigned, open, sql};
use sqlx::{ConnectOptions, Connection};
use std::path::Path;

/// A copy that was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backup {
    /// The last change that is in it.
    pub seq: u64,
    /// How large it is, in bytes.
    pub bytes: u64,
}

impl Store {
    /// Copies the database at an address into a new file (mode 0600), as of one moment, also while another process
    /// serves from it. The copy is whole before it has its name: a copy that is interrupted leaves `to` as it was.
    ///
    /// # Errors
    /// `Address` for PostgreSQL, which has tools of its own; `File` when `to` is there already or cannot be made.
    pub async fn backup(url: &str, to: &Path) -> Result<Backup, StoreFault> {
        let open::Address::File(path) = open::parse(url)? else {
            let why = "PostgreSQL is copied by its own tools: `pg_dump --format custom`";
            return Err(StoreFault::Address { url: open::without_password(url), why });
        };
        let fault = |path: &Path, source| StoreFault::File { path: path.to_owned(), source };
        if to.try_exists().map_err(|e| fault(to, e))? {
            return Err(fault(to, std::io::ErrorKind::AlreadyExists.into()));
        }
        let mut name = to.as_os_str().to_owned();
        name.push(".part");
        let part = Path::new(&name);
        let copied = copy(&path, part).await;
        if copied.is_err() {
            // What was begun is of no use; that it cannot be removed changes nothing.
            drop(std::fs::remove_file(part));
        }
        let backup = copied?;
        std::fs::rename(part, to).map_err(|e| fault(to, e))?;
        Ok(backup)
    }
}

async fn copy(path: &Path, part: &Path) -> Result<Backup, StoreFault> {
    let fault = |source| StoreFault::File { path: part.to_owned(), source };
    // Made by us, empty: SQLite would give it the mode of its own choice.
    let file = open::private().truncate(true).open(part).map_err(fault)?;
    let mut conn = dialect::sqlite_options(path).read_only(true).connect().await?;
    let text = part.to_str().ok_or_else(|| fault(std::io::ErrorKind::InvalidFilename.into()))?;
    sqlx::query("VACUUM INTO $1").bind(text).execute(&mut conn).await?;
    conn.close().await?;
    file.sync_all().map_err(fault)?;
    let mut conn = dialect::sqlite_options(part).read_only(true).journal_mode(sqlx::sqlite::SqliteJournalMode::Delete).connect().await?;
    let (seq,): (i64,) = sqlx::query_as(sql::COUNTER).fetch_one(&mut conn).await?;
    conn.close().await?;
    Ok(Backup { seq: unsigned(seq), bytes: file.metadata().map_err(fault)?.len() })
}

#[cfg(test)]
mod tests;
