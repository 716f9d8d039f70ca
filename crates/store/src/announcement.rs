//! What is announced: new software and addresses of an identity, new operations of an API. It ends by itself.

use crate::{
    Store, StoreFault,
    database::{Conn, query},
    feed::{Act, Actor, Subject, Told, Writing, signed, unsigned},
    sql,
};
use serde_json::json;
use wardgate_model::{resource::Kind, time::Time};

/// Announcements that count at a time.
pub const ANNOUNCEMENTS_MAX: usize = 1_000;

/// Something that is announced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredAnnouncement {
    /// Of what: [`Kind::Identity`] or [`Kind::Api`].
    pub kind: Kind,
    /// Its name.
    pub name: Box<str>,
    /// Since when.
    pub since: Time,
    /// Until when (exclusive).
    pub until: Time,
    /// Who announced it, as [`crate::Who`] prints it.
    pub actor: Box<str>,
    /// Why.
    pub reason: Box<str>,
    /// The number of the change.
    pub revision: u64,
}

#[derive(sqlx::FromRow)]
struct AnnouncementRow {
    kind: String,
    name: String,
    since_us: i64,
    until_us: i64,
    actor: String,
    reason: String,
    revision: i64,
}

impl AnnouncementRow {
    fn read(self) -> Result<StoredAnnouncement, StoreFault> {
        let kind = Kind::parse(&self.kind).filter(|kind| matches!(kind, Kind::Identity | Kind::Api));
        Ok(StoredAnnouncement {
            kind: kind.ok_or_else(|| StoreFault::corrupt("announcement", &self.name, format!("unknown kind `{}`", self.kind)))?,
            name: self.name.into(),
            since: Time::from_micros(self.since_us),
            until: Time::from_micros(self.until_us),
            actor: self.actor.into(),
            reason: self.reason.into(),
            revision: unsigned(self.revision),
        })
    }
}

async fn load(conn: &mut Conn, now: Time) -> Result<Vec<StoredAnnouncement>, StoreFault> {
    let rows: Vec<AnnouncementRow> = query(sql::ANNOUNCEMENTS).bind(now.as_micros()).all(conn).await?;
    rows.into_iter().map(AnnouncementRow::read).collect()
}

impl Store {
    /// Announces something until a moment, in the place of what was announced of the same before. What is over is forgotten.
    ///
    /// # Errors
    /// `Conflict` when [`ANNOUNCEMENTS_MAX`] count already, or `kind` is neither an identity nor an API.
    pub async fn announce(
        &self,
        actor: &Actor,
        (kind, name): (Kind, &str),
        until: Time,
        now: Time,
    ) -> Result<StoredAnnouncement, StoreFault> {
        let named = format!("{kind}/{name}");
        if !matches!(kind, Kind::Identity | Kind::Api) {
            return Err(StoreFault::conflict("announcement", &named, "can be of an identity or an API only".to_owned()));
        }
        let mut writing = Writing::begin(self, now).await?;
        query(sql::ANNOUNCEMENTS_FORGET).bind(now.as_micros()).execute(writing.conn()).await?;
        let there = load(writing.conn(), now).await?;
        let before = there.iter().find(|one| one.kind == kind && *one.name == *name);
        if before.is_none() && there.len() >= ANNOUNCEMENTS_MAX {
            return Err(StoreFault::conflict("announcement", &named, format!("has no room: {ANNOUNCEMENTS_MAX} count already")));
        }
        let seq = writing.allocate(1).await?;
        let new = StoredAnnouncement {
            kind,
            name: name.into(),
            since: now,
            until,
            actor: actor.who.to_string().into(),
            reason: actor.reason.clone(),
            revision: seq,
        };
        query(sql::ANNOUNCEMENT_PUT)
            .bind(kind.as_str())
            .bind(name)
            .bind(now.as_micros())
            .bind(until.as_micros())
            .bind(&*new.actor)
            .bind(&*new.reason)
            .bind(signed(seq))
            .execute(writing.conn())
            .await?;
        let told = |one: &StoredAnnouncement| json!({ "kind": one.kind.as_str(), "name": &*one.name, "until": one.until.to_rfc3339(), "actor": &*one.actor, "reason": &*one.reason });
        let (subject, act) = (Subject::Announcement, Act::Announce);
        let (before, after) = (before.map(told), Some(told(&new)));
        writing.tell(seq, Told { who: &actor.who, reason: &actor.reason, subject, name: &named, act, before, after }).await?;
        writing.commit().await?;
        Ok(new)
    }

    /// What is announced and counts at `now`, by kind and name.
    ///
    /// # Errors
    /// When the database fails or holds what cannot be read.
    pub async fn announcements(&self, now: Time) -> Result<Vec<StoredAnnouncement>, StoreFault> {
        load(&mut self.reader.acquire().await?, now).await
    }
}

#[cfg(test)]
mod tests;
