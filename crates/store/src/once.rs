//! What counts once, whichever gate sees it first. No change of the feed: it says nothing that anybody did to a thing.

use crate::{Store, StoreFault, database::query, sql};
use wardgate_model::time::Time;

/// What was found of something that counts once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Once {
    /// Nobody has taken it before.
    First,
    /// Somebody has.
    Again,
}

impl Store {
    /// Whether other processes may use this store too, so that what counts once has to be on record: a server may have many, a file has
    /// one.
    #[must_use]
    pub fn is_shared(&self) -> bool {
        self.path().is_none()
    }

    /// Takes something that counts once until `ends`, in one statement: of several that ask at once, one is the first.
    ///
    /// # Errors
    /// When the database fails: then nobody knows.
    pub async fn once(&self, mark: &str, ends: Time, now: Time) -> Result<Once, StoreFault> {
        self.still_there()?;
        let take = query(sql::ONCE_TAKE).bind(mark).bind(ends.as_micros()).bind(now.as_micros());
        let taken = take.execute(&mut self.writer.acquire().await?).await?;
        Ok(if taken == 0 { Once::Again } else { Once::First })
    }

    /// Forgets what is over; gives how much.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn forget_once(&self, now: Time) -> Result<u64, StoreFault> {
        self.still_there()?;
        query(sql::ONCE_FORGET).bind(now.as_micros()).execute(&mut self.writer.acquire().await?).await
    }
}

#[cfg(test)]
mod tests;
