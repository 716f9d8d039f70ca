//! Following the feed: waiting until it grows, whoever made it.

use crate::{
    Store, StoreFault, containment,
    database::{Pool, query},
    dialect,
    fault::DatabaseFault,
    feed::Writing,
    sql,
};
use sqlx::{PgPool, postgres::PgListener};
use std::time::Duration;
use wardgate_model::time::Time;

/// How long the database has to say that it is there.
pub const BEAT: Duration = Duration::from_millis(1_800);

impl Store {
    /// Waits until the feed has a change later than `since`, at most so long; gives the number of the last change,
    /// which is `since` or less when none came.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn wait_change(&self, since: u64, at_most: Duration) -> Result<u64, StoreFault> {
        // Subscribed before the feed is read: what comes between the two is not missed.
        let mut grown = self.grown.subscribe();
        let waited = tokio::time::timeout(at_most, async {
            loop {
                let last = self.last_seq().await?;
                if last > since {
                    return Ok(last);
                }
                match &self.reader {
                    Pool::Sqlite(_) => drop(grown.changed().await),
                    Pool::Postgres(server) => tokio::select! {
                        changed = grown.changed() => drop(changed),
                        heard = self.hear(server.usable()?, since) => heard?,
                    },
                }
            }
        });
        match waited.await {
            Ok(waited) => waited,
            Err(_) => self.beat().await,
        }
    }

    /// The number of the last change, soon or not at all: whoever follows asks this to know whether the database answers.
    ///
    /// # Errors
    /// When a server does not within [`BEAT`], or the file is not the one that was opened.
    pub async fn beat(&self) -> Result<u64, StoreFault> {
        self.still_there()?;
        let silent = || DatabaseFault::Gone(sqlx::Error::Io(std::io::ErrorKind::TimedOut.into()));
        match &self.reader {
            // Nobody is cut off from a file; its connections may be reading for long.
            Pool::Sqlite(_) => self.last_seq().await,
            Pool::Postgres(_) => tokio::time::timeout(BEAT, self.last_seq()).await.map_err(|_| silent())?,
        }
    }

    /// Whether a change can be written now: writes what is there already, and tells nothing.
    ///
    /// # Errors
    /// When it cannot, or its turn did not come within [`crate::STOP_WAITS`].
    pub async fn prove_writable(&self) -> Result<(), StoreFault> {
        containment::soon(Box::pin(async {
            let mut writing = Writing::begin(self, Time::from_micros(0)).await?;
            query(sql::COUNTER_TOUCH).execute(writing.conn()).await?;
            writing.commit().await
        }))
        .await
    }

    /// Returns when another process may have changed something. One waiter listens at a time and tells the others.
    async fn hear(&self, pool: &PgPool, since: u64) -> Result<(), StoreFault> {
        let mut listening = self.listener.lock().await;
        let listener = match &mut *listening {
            Some(listener) => listener,
            nobody => {
                let mut listener = PgListener::connect_with(pool).await?;
                listener.listen(dialect::POSTGRES_CHANNEL).await?;
                nobody.insert(listener)
            }
        };
        // What was told before we listened, or to whoever listened before us, was told to nobody or to all.
        if self.last_seq().await? > since {
            return Ok(());
        }
        if let Some(heard) = listener.try_recv().await? {
            let seq = heard.payload().parse().unwrap_or(0);
            self.grown.send_if_modified(|last| {
                let grew = seq > *last;
                *last = seq.max(*last);
                grew
            });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
