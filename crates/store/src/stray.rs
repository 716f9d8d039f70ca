//! Calls that are not as the document of their API has it, summed up. No change of the feed: it says nothing that anybody did to a thing.

use crate::{
    Store, StoreFault,
    apply::ROWS,
    database::{Conn, query, query_rows},
    feed::{signed, unsigned},
    sql,
};
use std::collections::{BTreeMap, HashMap, HashSet};
use wardgate_model::{id::ApiName, time::Time};

/// Rows of one API that are kept at the most.
pub const STRAYS_MAX: usize = 512;

/// In which way a call is astray.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum StrayKind {
    /// Its operation is in no document.
    Shadow,
    /// It is otherwise than the document has it.
    Drift,
    /// It is as it should be, and nobody on record made it.
    Unknown,
}

impl StrayKind {
    const ALL: [Self; 3] = [Self::Shadow, Self::Drift, Self::Unknown];

    const fn as_str(self) -> &'static str {
        match self {
            Self::Shadow => "shadow",
            Self::Drift => "drift",
            Self::Unknown => "unknown",
        }
    }
}

/// What such calls add up to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StraySum {
    /// The first.
    pub first: Time,
    /// The last.
    pub last: Time,
    /// How many.
    pub seen: u64,
    /// How many of them the upstream served.
    pub answered: u64,
    /// How many of them were refused here.
    pub refused: u64,
    /// Identities that made them; some of them, where there are many.
    pub callers: Vec<Box<str>>,
    /// Networks that they came from; some of them, where there are many.
    pub sources: Vec<Box<str>>,
}

/// Calls that are astray in one way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stray {
    /// In which.
    pub kind: StrayKind,
    /// `METHOD TEMPLATE` with the API's prefix.
    pub operation: Box<str>,
    /// What of them; empty where there is nothing to tell apart.
    pub place: Box<str>,
    /// What they add up to.
    pub sum: StraySum,
}

impl Stray {
    fn key(&self) -> (StrayKind, &str, &str) {
        (self.kind, &self.operation, &self.place)
    }
}

/// What all calls of one operation add up to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OperationUse {
    /// Of which API.
    pub api: ApiName,
    /// The operation's id; `other` where it was not told apart.
    pub operation: Box<str>,
    /// The first.
    pub first: Time,
    /// The last.
    pub last: Time,
    /// How many were permitted.
    pub allowed: u64,
    /// How many were refused.
    pub refused: u64,
    /// How many identities made them.
    pub identities: u64,
}

#[derive(sqlx::FromRow)]
struct Row {
    api: String,
    kind: String,
    operation: String,
    place: String,
    first_us: i64,
    last_us: i64,
    seen: i64,
    answered: i64,
    refused: i64,
    callers: String,
    sources: String,
}

impl Row {
    fn read(self) -> Result<(ApiName, Stray), StoreFault> {
        let corrupt = |why: String| StoreFault::corrupt("stray", &self.operation, why);
        let kind = StrayKind::ALL.into_iter().find(|kind| kind.as_str() == self.kind);
        let names = |text: &str| serde_json::from_str::<Vec<Box<str>>>(text).map_err(|error| corrupt(error.to_string()));
        let sum = StraySum {
            first: Time::from_micros(self.first_us),
            last: Time::from_micros(self.last_us),
            seen: unsigned(self.seen),
            answered: unsigned(self.answered),
            refused: unsigned(self.refused),
            callers: names(&self.callers)?,
            sources: names(&self.sources)?,
        };
        let api = ApiName::parse(&self.api).map_err(|error| corrupt(error.to_string()))?;
        let kind = kind.ok_or_else(|| corrupt(format!("unknown kind `{}`", self.kind)))?;
        Ok((api, Stray { kind, operation: self.operation.into(), place: self.place.into(), sum }))
    }
}

#[derive(sqlx::FromRow)]
struct UseRow {
    api: String,
    operation: String,
    first_us: i64,
    last_us: i64,
    allowed: i64,
    refused: i64,
    identities: i64,
}

async fn load(conn: &mut Conn, api: &str) -> Result<Vec<(ApiName, Stray)>, StoreFault> {
    let rows: Vec<Row> = query(sql::STRAYS).bind(api).all(conn).await?;
    rows.into_iter().map(Row::read).collect()
}

impl Store {
    /// What was seen astray, by API; of one API, where one is named.
    ///
    /// # Errors
    /// When the database fails or holds what cannot be read.
    pub async fn strays(&self, api: Option<&ApiName>) -> Result<BTreeMap<ApiName, Vec<Stray>>, StoreFault> {
        let mut found: BTreeMap<ApiName, Vec<Stray>> = BTreeMap::new();
        for (api, stray) in load(&mut self.reader.acquire().await?, api.map_or("", ApiName::as_str)).await? {
            found.entry(api).or_default().push(stray);
        }
        Ok(found)
    }

    /// Puts what `merge` makes of the rows of an API in their place, at most [`STRAYS_MAX`], in one transaction: of several gates none
    /// undoes what another has added.
    ///
    /// # Errors
    /// When the database fails or holds what cannot be read.
    pub async fn merge_strays(&self, api: &ApiName, merge: impl FnOnce(Vec<Stray>) -> Vec<Stray>) -> Result<(), StoreFault> {
        self.still_there()?;
        let mut conn = self.writer.begin_writing().await?;
        // Whoever merges holds this row until commit.
        query(sql::COUNTER_TOUCH).execute(&mut conn).await?;
        let before: Vec<Stray> = load(&mut conn, api.as_str()).await?.into_iter().map(|(_, stray)| stray).collect();
        let mut after = merge(before.clone());
        after.truncate(STRAYS_MAX);
        let keys: HashSet<_> = after.iter().map(Stray::key).collect();
        let known: HashMap<_, &StraySum> = before.iter().map(|stray| (stray.key(), &stray.sum)).collect();
        for gone in before.iter().filter(|stray| !keys.contains(&stray.key())) {
            let forget = query(sql::STRAY_FORGET).bind(api.as_str()).bind(gone.kind.as_str()).bind(&*gone.operation).bind(&*gone.place);
            forget.execute(&mut conn).await?;
        }
        let changed: Vec<&Stray> = after.iter().filter(|stray| known.get(&stray.key()) != Some(&&stray.sum)).collect();
        for strays in changed.chunks(ROWS) {
            let mut put = query_rows(sql::STRAYS_PUT, strays.len(), 11);
            for Stray { kind, operation, place, sum } in strays {
                let names = |names: &[Box<str>]| serde_json::to_string(names).unwrap_or_else(|_| "[]".to_owned());
                put = put
                    .bind(api.as_str())
                    .bind(kind.as_str())
                    .bind(&**operation)
                    .bind(&**place)
                    .bind(sum.first.as_micros())
                    .bind(sum.last.as_micros())
                    .bind(signed(sum.seen))
                    .bind(signed(sum.answered))
                    .bind(signed(sum.refused))
                    .bind(names(&sum.callers))
                    .bind(names(&sum.sources));
            }
            put.execute(&mut conn).await?;
        }
        conn.commit().await
    }

    /// Forgets what was last seen astray before a moment; gives how much.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn forget_strays(&self, before: Time) -> Result<u64, StoreFault> {
        self.still_there()?;
        query(sql::STRAYS_FORGET).bind(before.as_micros()).execute(&mut self.writer.acquire().await?).await
    }

    /// What the use of each operation adds up to; of one API, where one is named.
    ///
    /// # Errors
    /// When the database fails or holds what cannot be read.
    pub async fn operations_used(&self, api: Option<&ApiName>) -> Result<Vec<OperationUse>, StoreFault> {
        let asked = query(sql::USAGE_OF_OPERATIONS).bind(api.map_or("", ApiName::as_str));
        let rows: Vec<UseRow> = asked.all(&mut self.reader.acquire().await?).await?;
        let read = |row: UseRow| {
            Ok(OperationUse {
                api: ApiName::parse(&row.api).map_err(|error| StoreFault::corrupt("usage", &row.operation, error.to_string()))?,
                operation: row.operation.into(),
                first: Time::from_micros(row.first_us),
                last: Time::from_micros(row.last_us),
                allowed: unsigned(row.allowed),
                refused: unsigned(row.refused),
                identities: unsigned(row.identities),
            })
        };
        rows.into_iter().map(read).collect()
    }

    /// Since when use is counted; `None`: there was none.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn counted_since(&self) -> Result<Option<Time>, StoreFault> {
        let (first,): (Option<i64>,) = query(sql::USAGE_SINCE).one(&mut self.reader.acquire().await?).await?;
        Ok(first.map(Time::from_micros))
    }
}

#[cfg(test)]
mod tests;
