//! Who used what, from where, how often: summed up. No change of the feed: it says nothing that anybody did to a thing.

use crate::{
    Store, StoreFault,
    apply::ROWS,
    database::{query, query_rows},
    feed::unsigned,
    sql,
};
use std::collections::BTreeMap;
use wardgate_model::{
    id::{ApiName, CredentialId, IdentityId},
    time::Time,
};

/// What one credential did with one operation from one network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UsageRow {
    /// By which credential; `None`: without one on record.
    pub credential: Option<CredentialId>,
    /// By whom.
    pub identity: IdentityId,
    /// What was called.
    pub api: ApiName,
    /// Which operation of it.
    pub operation: Box<str>,
    /// From which network (a /24, or a /56 of IPv6).
    pub source: Box<str>,
    /// The first time.
    pub first: Time,
    /// The last time.
    pub last: Time,
    /// How many requests were permitted.
    pub allowed: u64,
    /// How many were refused.
    pub refused: u64,
}

/// Which usage to read. The default is all of it.
#[derive(Debug, Clone, Default)]
pub struct UsageFilter {
    /// Only this identity's.
    pub identity: Option<IdentityId>,
    /// Only this credential's.
    pub credential: Option<CredentialId>,
    /// Only of this API.
    pub api: Option<ApiName>,
    /// Only what was used at this moment or later.
    pub since: Option<Time>,
    /// At most so many, the last used first; `None`: all.
    pub limit: Option<u32>,
}

/// When a credential was used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Use {
    /// The first time.
    pub first: Time,
    /// The last time.
    pub last: Time,
    /// How many requests, permitted and refused.
    pub count: u64,
}

#[derive(sqlx::FromRow)]
struct Row {
    identity: String,
    credential: String,
    api: String,
    operation: String,
    source: String,
    first_us: i64,
    last_us: i64,
    allowed: i64,
    refused: i64,
}

impl Row {
    fn read(self) -> Result<UsageRow, StoreFault> {
        let corrupt = |why: String| StoreFault::corrupt("usage", &self.identity, why);
        let credential = match &*self.credential {
            "" => None,
            id => Some(CredentialId::parse(id).ok_or_else(|| corrupt(format!("a credential `{id}` of another form")))?),
        };
        Ok(UsageRow {
            credential,
            identity: IdentityId::parse(&self.identity).map_err(|e| corrupt(e.to_string()))?,
            api: ApiName::parse(&self.api).map_err(|e| corrupt(e.to_string()))?,
            operation: self.operation.into(),
            source: self.source.into(),
            first: Time::from_micros(self.first_us),
            last: Time::from_micros(self.last_us),
            allowed: unsigned(self.allowed),
            refused: unsigned(self.refused),
        })
    }
}

/// A count as the database keeps it.
fn count(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// Rows about the same thing become one: the database takes each thing once in a statement.
fn merged(rows: &[UsageRow]) -> Vec<UsageRow> {
    let mut sums: BTreeMap<(&str, &str, &str, &str, &str), UsageRow> = BTreeMap::new();
    for row in rows {
        let credential = row.credential.as_ref().map_or("", |id| id.as_str());
        let key = (row.identity.as_str(), credential, row.api.as_str(), &*row.operation, &*row.source);
        sums.entry(key)
            .and_modify(|sum| {
                (sum.first, sum.last) = (sum.first.min(row.first), sum.last.max(row.last));
                sum.allowed = sum.allowed.saturating_add(row.allowed);
                sum.refused = sum.refused.saturating_add(row.refused);
            })
            .or_insert_with(|| row.clone());
    }
    sums.into_values().collect()
}

impl Store {
    /// Adds to the usage on record.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn add_usage(&self, rows: &[UsageRow]) -> Result<(), StoreFault> {
        for rows in merged(rows).chunks(ROWS) {
            self.still_there()?;
            let mut conn = self.writer.begin_writing().await?;
            let mut add = query_rows(sql::USAGE_ADD, rows.len(), 9);
            for row in rows {
                add = add
                    .bind(row.identity.as_str())
                    .bind(row.credential.as_ref().map_or("", |id| id.as_str()))
                    .bind(row.api.as_str())
                    .bind(&*row.operation)
                    .bind(&*row.source)
                    .bind(row.first.as_micros())
                    .bind(row.last.as_micros())
                    .bind(count(row.allowed))
                    .bind(count(row.refused));
            }
            add.execute(&mut conn).await?;
            conn.commit().await?;
        }
        Ok(())
    }

    /// Usage that a filter lets through, the last used first.
    ///
    /// # Errors
    /// When the database fails or holds what cannot be read.
    pub async fn usage(&self, filter: &UsageFilter) -> Result<Vec<UsageRow>, StoreFault> {
        let text = match (&filter.identity, &filter.credential) {
            (_, Some(_)) => sql::USAGE_OF_CREDENTIAL,
            (Some(_), None) => sql::USAGE_OF_IDENTITY,
            (None, None) => sql::USAGE,
        };
        let rows: Vec<Row> = query(text)
            .bind(filter.identity.as_ref().map_or("", |i| i.as_str()))
            .bind(filter.credential.as_ref().map_or("", |i| i.as_str()))
            .bind(filter.api.as_ref().map_or("", |i| i.as_str()))
            .bind(filter.since.map_or(i64::MIN, Time::as_micros))
            .bind(filter.limit.map_or(i64::MAX, i64::from))
            .all(&mut self.reader.acquire().await?)
            .await?;
        rows.into_iter().map(Row::read).collect()
    }

    /// When a credential was used, and how often; `None`: it never was.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn last_use(&self, credential: &CredentialId) -> Result<Option<Use>, StoreFault> {
        let query = query(sql::USAGE_LAST).bind(credential.as_str());
        let (first, last, sum): (Option<i64>, Option<i64>, Option<i64>) = query.one(&mut self.reader.acquire().await?).await?;
        Ok(first.zip(last).map(|(first, last)| Use {
            first: Time::from_micros(first),
            last: Time::from_micros(last),
            count: unsigned(sum.unwrap_or_default()),
        }))
    }

    /// Forgets usage that ended before a moment; gives how much.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn forget_usage(&self, before: Time) -> Result<u64, StoreFault> {
        self.still_there()?;
        let mut conn = self.writer.begin_writing().await?;
        let forgotten = query(sql::USAGE_FORGET).bind(before.as_micros()).execute(&mut conn).await?;
        conn.commit().await?;
        Ok(forgotten)
    }
}

#[cfg(test)]
mod tests;
