//! The feed, read for one question: what stopped somebody, or what was touched at all.

use crate::{
    Store, StoreFault,
    database::query,
    feed::{Act, CHANGES_MAX, Change, ChangeRow, Subject, signed, unsigned},
    sql,
};
use wardgate_model::id::IdentityId;

/// Rows of [`Store::touched_since`] read at a time.
pub const TOUCHED_MAX: u32 = 10_000;

/// What a change was about, without what it was and is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Touched {
    /// The number of the change.
    pub seq: u64,
    /// About what.
    pub subject: Subject,
    /// The name or id of it.
    pub name: Box<str>,
    /// What was done.
    pub act: Act,
    /// Whose it is, when it is a credential on record.
    pub identity: Option<IdentityId>,
}

#[derive(sqlx::FromRow)]
struct TouchedRow {
    seq: i64,
    subject: String,
    name: String,
    act: String,
    identity: Option<String>,
}

impl TouchedRow {
    fn read(self) -> Result<Touched, StoreFault> {
        let corrupt = |why: String| StoreFault::corrupt("change", self.seq, why);
        let identity = self.identity.as_deref().map(IdentityId::parse).transpose();
        Ok(Touched {
            seq: unsigned(self.seq),
            subject: Subject::parse(&self.subject).ok_or_else(|| corrupt(format!("unknown subject `{}`", self.subject)))?,
            name: self.name.as_str().into(),
            act: Act::parse(&self.act).ok_or_else(|| corrupt(format!("unknown act `{}`", self.act)))?,
            identity: identity.map_err(|e| corrupt(e.to_string()))?,
        })
    }
}

impl Store {
    /// The next changes after `seq` that may have stopped or released somebody, oldest first: of the state of identities,
    /// of containments, and credentials that were ended. They are found by an index of their own, however much was
    /// imported in between.
    ///
    /// # Errors
    /// When the database fails or holds what cannot be read.
    pub async fn stops_since(&self, seq: u64, limit: u32) -> Result<Vec<Change>, StoreFault> {
        let page = query(sql::STOPS_SINCE).bind(signed(seq)).bind(i64::from(limit.min(CHANGES_MAX)));
        let rows: Vec<ChangeRow> = page.all(&mut self.reader.acquire().await?).await?;
        rows.into_iter().map(ChangeRow::read).collect()
    }

    /// What was touched after `seq`, oldest first, at most `limit` (and [`TOUCHED_MAX`]).
    ///
    /// # Errors
    /// When the database fails or holds what cannot be read.
    pub async fn touched_since(&self, seq: u64, limit: u32) -> Result<Vec<Touched>, StoreFault> {
        let page = query(sql::TOUCHED_SINCE).bind(signed(seq)).bind(i64::from(limit.min(TOUCHED_MAX)));
        let rows: Vec<TouchedRow> = page.all(&mut self.reader.acquire().await?).await?;
        rows.into_iter().map(TouchedRow::read).collect()
    }
}

#[cfg(test)]
mod tests;
