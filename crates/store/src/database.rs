//! One way to ask either database: a text of [`crate::sql`], its parameters, a connection. What differs between the two
//! stands in [`crate::dialect`].

use crate::{StoreFault, dialect, fault::DatabaseFault};
use sqlx::{
    AssertSqlSafe, FromRow, PgConnection, PgPool, Postgres, SqlSafeStr, SqlStr, Sqlite, SqliteConnection, SqlitePool, Transaction,
    pool::PoolConnection, postgres::PgRow, sqlite::SqliteRow,
};
use std::{
    borrow::Cow,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

/// How long one statement may take before we give it up, whatever the server thinks of it. Those that are known to be long
/// (bringing a database into shape) do not come through here.
const STATEMENT: Duration = Duration::from_secs(30);

/// Connections to a database.
pub(crate) enum Pool {
    Sqlite(SqlitePool),
    Postgres(Server),
}

/// Connections to a server. One that was away at the start is used only once it was brought into shape.
#[derive(Clone)]
pub(crate) struct Server {
    pool: PgPool,
    ready: Arc<AtomicBool>,
}

impl Server {
    /// One of which it is not known whether it is in shape.
    pub(crate) fn new(pool: PgPool) -> Self {
        Self { pool, ready: Arc::default() }
    }

    /// The connections, once the database is in shape.
    pub(crate) fn usable(&self) -> Result<&PgPool, StoreFault> {
        if self.is_ready() { Ok(&self.pool) } else { Err(DatabaseFault::NotBack.into()) }
    }

    /// The connections, in shape or not.
    pub(crate) fn any(&self) -> &PgPool {
        &self.pool
    }

    /// Whether it is in shape.
    pub(crate) fn is_ready(&self) -> bool {
        self.ready.load(Ordering::Acquire)
    }

    /// It is in shape now.
    pub(crate) fn make_ready(&self) {
        self.ready.store(true, Ordering::Release);
    }
}

/// Waits for a statement, not for ever.
async fn within<T>(asked: impl Future<Output = Result<T, sqlx::Error>>) -> Result<T, StoreFault> {
    match tokio::time::timeout(STATEMENT, asked).await {
        Ok(said) => Ok(said?),
        Err(_) => Err(sqlx::Error::Io(std::io::ErrorKind::TimedOut.into()).into()),
    }
}

/// One connection, with or without a transaction. A transaction that is dropped without [`Conn::commit`] never was.
pub(crate) enum Conn {
    Sqlite(PoolConnection<Sqlite>),
    Postgres(PoolConnection<Postgres>),
    SqliteTransaction(Transaction<'static, Sqlite>),
    PostgresTransaction(Transaction<'static, Postgres>),
}

enum Either<'c> {
    Sqlite(&'c mut SqliteConnection),
    Postgres(&'c mut PgConnection),
}

impl Pool {
    /// A connection for one statement.
    pub(crate) async fn acquire(&self) -> Result<Conn, StoreFault> {
        Ok(match self {
            Self::Sqlite(pool) => Conn::Sqlite(pool.acquire().await?),
            Self::Postgres(server) => Conn::Postgres(server.usable()?.acquire().await?),
        })
    }

    /// A consistent picture for several reads.
    pub(crate) async fn begin_reading(&self) -> Result<Conn, StoreFault> {
        Ok(match self {
            Self::Sqlite(pool) => Conn::SqliteTransaction(pool.begin_with(dialect::SQLITE_BEGIN_READ).await?),
            Self::Postgres(server) => Conn::PostgresTransaction(within(server.usable()?.begin_with(dialect::POSTGRES_BEGIN_READ)).await?),
        })
    }

    /// A transaction that writes.
    pub(crate) async fn begin_writing(&self) -> Result<Conn, StoreFault> {
        Ok(match self {
            Self::Sqlite(pool) => Conn::SqliteTransaction(pool.begin_with(dialect::SQLITE_BEGIN_WRITE).await?),
            Self::Postgres(server) => Conn::PostgresTransaction(within(server.usable()?.begin_with(dialect::POSTGRES_BEGIN_WRITE)).await?),
        })
    }

    /// Ends every connection after what is under way.
    pub(crate) async fn close(&self) {
        match self {
            Self::Sqlite(pool) => pool.close().await,
            Self::Postgres(server) => server.any().close().await,
        }
    }
}

impl Conn {
    /// Makes the transaction true, on disk, before it returns.
    pub(crate) async fn commit(self) -> Result<(), StoreFault> {
        match self {
            Self::Sqlite(_) | Self::Postgres(_) => Ok(()),
            Self::SqliteTransaction(transaction) => Ok(transaction.commit().await?),
            Self::PostgresTransaction(transaction) => within(transaction.commit()).await,
        }
    }

    /// Whether this is PostgreSQL.
    pub(crate) const fn is_postgres(&self) -> bool {
        matches!(self, Self::Postgres(_) | Self::PostgresTransaction(_))
    }

    fn either(&mut self) -> Either<'_> {
        match self {
            Self::Sqlite(conn) => Either::Sqlite(conn),
            Self::Postgres(conn) => Either::Postgres(conn),
            Self::SqliteTransaction(conn) => Either::Sqlite(conn),
            Self::PostgresTransaction(conn) => Either::Postgres(conn),
        }
    }
}

/// A parameter: whole numbers, text and blobs only, which both databases hold alike.
pub(crate) enum Parameter<'q> {
    Number(Option<i64>),
    Text(Option<Cow<'q, str>>),
    Blob(Option<&'q [u8]>),
}

impl From<i64> for Parameter<'_> {
    fn from(number: i64) -> Self {
        Self::Number(Some(number))
    }
}

impl From<Option<i64>> for Parameter<'_> {
    fn from(number: Option<i64>) -> Self {
        Self::Number(number)
    }
}

impl<'q> From<&'q str> for Parameter<'q> {
    fn from(text: &'q str) -> Self {
        Self::Text(Some(storable(Cow::Borrowed(text))))
    }
}

impl From<String> for Parameter<'_> {
    fn from(text: String) -> Self {
        Self::Text(Some(storable(Cow::Owned(text))))
    }
}

impl<'q> From<Option<&'q str>> for Parameter<'q> {
    fn from(text: Option<&'q str>) -> Self {
        Self::Text(text.map(|text| storable(Cow::Borrowed(text))))
    }
}

impl From<Option<String>> for Parameter<'_> {
    fn from(text: Option<String>) -> Self {
        Self::Text(text.map(|text| storable(Cow::Owned(text))))
    }
}

impl<'q> From<&'q [u8]> for Parameter<'q> {
    fn from(blob: &'q [u8]) -> Self {
        Self::Blob(Some(blob))
    }
}

impl<'q> From<Option<&'q [u8]>> for Parameter<'q> {
    fn from(blob: Option<&'q [u8]>) -> Self {
        Self::Blob(blob)
    }
}

/// PostgreSQL keeps no NUL in a text; so that both say the same, neither does.
fn storable(text: Cow<'_, str>) -> Cow<'_, str> {
    if text.contains('\0') { Cow::Owned(text.replace('\0', "\u{FFFD}")) } else { text }
}

/// What a row can be read into, from either database.
pub(crate) trait FromEither: for<'r> FromRow<'r, SqliteRow> + for<'r> FromRow<'r, PgRow> + Send + Unpin {}
impl<T: for<'r> FromRow<'r, SqliteRow> + for<'r> FromRow<'r, PgRow> + Send + Unpin> FromEither for T {}

/// A statement and its parameters.
pub(crate) struct Query<'q> {
    text: Text,
    parameters: Vec<Parameter<'q>>,
}

/// The text of a statement, as far as it is the same for both.
enum Text {
    Whole(&'static str),
    Rows { text: &'static str, before: usize, rows: usize, columns: usize },
}

impl Text {
    /// For SQLite the placeholders of many rows have no numbers: it would look each up by walking along all others.
    fn sqlite(self) -> SqlStr {
        match self {
            Self::Whole(text) => text.into_sql_str(),
            Self::Rows { text, rows, columns, .. } => with_rows(&text.replace("$1", "?"), rows, columns, |list| list.push('?')),
        }
    }

    fn postgres(self) -> SqlStr {
        match self {
            Self::Whole(text) => text.into_sql_str(),
            Self::Rows { text, before, rows, columns } => {
                let mut number = before;
                with_rows(text, rows, columns, |list| {
                    number += 1;
                    list.push('$');
                    list.push_str(&number.to_string());
                })
            }
        }
    }
}

/// Puts the placeholders of many rows into a text. They alone are put in: the values are bound.
fn with_rows(text: &str, rows: usize, columns: usize, mut placeholder: impl FnMut(&mut String)) -> SqlStr {
    let mut list = String::with_capacity(rows * columns * 6);
    for row in 0..rows {
        list.push_str(if row == 0 { "(" } else { ", (" });
        for column in 0..columns {
            if column > 0 {
                list.push_str(", ");
            }
            placeholder(&mut list);
        }
        list.push(')');
    }
    AssertSqlSafe(text.replacen("{}", &list, 1)).into_sql_str()
}

/// A statement of [`crate::sql`].
pub(crate) const fn query<'q>(text: &'static str) -> Query<'q> {
    Query { text: Text::Whole(text), parameters: Vec::new() }
}

/// A statement of [`crate::sql`] about many rows: `{}` in it becomes the placeholders of `rows` rows, `columns` each.
pub(crate) fn query_rows<'q>(text: &'static str, rows: usize, columns: usize) -> Query<'q> {
    query_rows_after(text, 0, rows, columns)
}

/// As [`query_rows`]; so many parameters come before those of the rows, none or `$1` alone.
pub(crate) fn query_rows_after<'q>(text: &'static str, before: usize, rows: usize, columns: usize) -> Query<'q> {
    let parameters = Vec::with_capacity(before + rows * columns);
    Query { text: Text::Rows { text, before, rows, columns }, parameters }
}

macro_rules! bound {
    ($make:expr, $parameters:expr) => {{
        let mut query = $make;
        for parameter in $parameters {
            query = match parameter {
                Parameter::Number(number) => query.bind(number),
                Parameter::Text(text) => query.bind(text),
                Parameter::Blob(blob) => query.bind(blob),
            };
        }
        query
    }};
}

impl<'q> Query<'q> {
    /// The next parameter.
    pub(crate) fn bind(mut self, parameter: impl Into<Parameter<'q>>) -> Self {
        self.parameters.push(parameter.into());
        self
    }

    /// How many rows it changed.
    pub(crate) async fn execute(self, conn: &mut Conn) -> Result<u64, StoreFault> {
        Ok(match conn.either() {
            Either::Sqlite(conn) => bound!(sqlx::query::<Sqlite>(self.text.sqlite()), self.parameters).execute(conn).await?.rows_affected(),
            Either::Postgres(conn) => {
                within(bound!(sqlx::query::<Postgres>(self.text.postgres()), self.parameters).execute(conn)).await?.rows_affected()
            }
        })
    }

    /// Every row.
    pub(crate) async fn all<T: FromEither>(self, conn: &mut Conn) -> Result<Vec<T>, StoreFault> {
        Ok(match conn.either() {
            Either::Sqlite(conn) => bound!(sqlx::query_as::<Sqlite, T>(self.text.sqlite()), self.parameters).fetch_all(conn).await?,
            Either::Postgres(conn) => {
                within(bound!(sqlx::query_as::<Postgres, T>(self.text.postgres()), self.parameters).fetch_all(conn)).await?
            }
        })
    }

    /// The row, when there is one.
    pub(crate) async fn maybe<T: FromEither>(self, conn: &mut Conn) -> Result<Option<T>, StoreFault> {
        Ok(match conn.either() {
            Either::Sqlite(conn) => bound!(sqlx::query_as::<Sqlite, T>(self.text.sqlite()), self.parameters).fetch_optional(conn).await?,
            Either::Postgres(conn) => {
                within(bound!(sqlx::query_as::<Postgres, T>(self.text.postgres()), self.parameters).fetch_optional(conn)).await?
            }
        })
    }

    /// The one row.
    pub(crate) async fn one<T: FromEither>(self, conn: &mut Conn) -> Result<T, StoreFault> {
        Ok(match conn.either() {
            Either::Sqlite(conn) => bound!(sqlx::query_as::<Sqlite, T>(self.text.sqlite()), self.parameters).fetch_one(conn).await?,
            Either::Postgres(conn) => {
                within(bound!(sqlx::query_as::<Postgres, T>(self.text.postgres()), self.parameters).fetch_one(conn)).await?
            }
        })
    }
}
