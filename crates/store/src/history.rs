//! What was on record at another moment, from the feed.

use crate::{
    ResourceId, Store, StoreFault,
    database::query,
    feed::{signed, unsigned},
    sql,
};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use wardgate_model::{id::IdentityId, inventory::IdentityState, resource::Kind, time::Time};

fn json(name: &str, text: &str) -> Result<Value, StoreFault> {
    serde_json::from_str(text).map_err(|e| StoreFault::corrupt("change", name, e))
}

impl Store {
    /// Every resource as it was right after the change `seq`, by kind and name.
    ///
    /// # Errors
    /// When the database fails or holds what cannot be read.
    pub async fn resources_at(&self, seq: u64) -> Result<Vec<(ResourceId, Value)>, StoreFault> {
        let mut conn = self.reader.acquire().await?;
        let rows: Vec<(String, String, String)> = query(sql::RESOURCES_AT).bind(signed(seq)).all(&mut conn).await?;
        let read = |(kind, name, spec): (String, String, String)| {
            let corrupt = |why: String| StoreFault::corrupt("change", &name, why);
            let kind = Kind::parse(&kind).ok_or_else(|| corrupt(format!("unknown kind `{kind}`")))?;
            Ok((ResourceId::parse(kind, &name).map_err(|e| corrupt(e.to_string()))?, json(&name, &spec)?))
        };
        rows.into_iter().map(read).collect()
    }

    /// The status of every identity as it was right after the change `seq`, as the feed tells it, by name.
    ///
    /// # Errors
    /// When the database fails or holds what cannot be read.
    pub async fn statuses_at(&self, seq: u64) -> Result<Vec<(IdentityId, Value)>, StoreFault> {
        let mut conn = self.reader.begin_reading().await?;
        let mut statuses = BTreeMap::new();
        // How it began is told by who declared it first.
        let born: Vec<(String, String, String)> = query(sql::STATUSES_BORN).bind(signed(seq)).all(&mut conn).await?;
        for (name, actor, reason) in born {
            let state = if actor.starts_with("file:") || actor == "<process>" { IdentityState::Active } else { IdentityState::Requested };
            statuses.insert(name, json!({ "state": state.as_str(), "claim_overdue": false, "reason": reason }));
        }
        let later: Vec<(String, String)> = query(sql::STATUSES_AT).bind(signed(seq)).all(&mut conn).await?;
        for (name, after) in later {
            let status = json(&name, &after)?;
            statuses.insert(name, status);
        }
        conn.commit().await?;
        let read = |(name, status): (String, Value)| {
            IdentityId::parse(&name).map(|id| (id, status)).map_err(|e| StoreFault::corrupt("change", &name, e))
        };
        statuses.into_iter().map(read).collect()
    }

    /// The number of the last change that was made at a moment or before; 0 when there was none.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn seq_at(&self, time: Time) -> Result<u64, StoreFault> {
        let found: Option<(i64,)> = query(sql::SEQ_AT).bind(time.as_micros()).maybe(&mut self.reader.acquire().await?).await?;
        Ok(found.map_or(0, |(seq,)| unsigned(seq)))
    }
}

#[cfg(test)]
mod tests;
