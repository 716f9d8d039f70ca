//! What is stopped. It outlives the thing: removed and made again, it is stopped still.

use crate::{
    Precondition, Store, StoreFault, Who,
    apply::ROWS,
    database::{Conn, query, query_rows_after},
    fault::DatabaseFault,
    feed::{Act, Actor, Subject, Told, Writing, signed, unsigned},
    sql, status,
};
use serde_json::{Value, json};
use std::time::Duration;
use wardgate_model::{contain::Containable, inventory::IdentityState, time::Time};

/// Longest name of something that is stopped, in bytes (an issuer is an address).
pub const CONTAINED_BYTES_MAX: usize = 2_048;
/// How long a stop waits for its turn to be written. Whoever stops something does not wait longer: it is obeyed without
/// the record then, and put on record later.
pub const STOP_WAITS: Duration = Duration::from_secs(2);

/// Why a token is ended that its client gave back.
pub const TOKEN_ENDED: &str = "revoked by its client";
/// How the record begins to say who ended such a token. Such a stop is for good, and forgotten when the token has ended by itself.
/// INVARIANT (nobody else writes this): an actor prints as an identity, which has no brackets in its name, as a file or as `<process>`.
const CLIENT: &str = "<client> ";

/// Something that is stopped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredContainment {
    /// What kind of thing it is.
    pub kind: Containable,
    /// Its name or id.
    pub name: Box<str>,
    /// Since when.
    pub since: Time,
    /// Who stopped it, as [`crate::Who`] prints it; `<client> NAME` where a token was ended by its client.
    pub actor: Box<str>,
    /// Why.
    pub reason: Box<str>,
    /// The number of the change.
    pub revision: u64,
}

impl StoredContainment {
    /// Whether it is a token that its client ended (RFC 7009): nobody releases that.
    #[must_use]
    pub fn is_for_good(&self) -> bool {
        self.kind == Containable::Token && self.actor.starts_with(CLIENT)
    }
}

#[derive(sqlx::FromRow)]
struct ContainmentRow {
    kind: String,
    name: String,
    since_us: i64,
    actor: String,
    reason: String,
    revision: i64,
}

impl ContainmentRow {
    fn read(self) -> Result<StoredContainment, StoreFault> {
        let kind = Containable::parse(&self.kind);
        Ok(StoredContainment {
            kind: kind.ok_or_else(|| StoreFault::corrupt("containment", &self.name, format!("unknown kind `{}`", self.kind)))?,
            name: self.name.into(),
            since: Time::from_micros(self.since_us),
            actor: self.actor.into(),
            reason: self.reason.into(),
            revision: unsigned(self.revision),
        })
    }
}

pub(crate) async fn load(conn: &mut Conn) -> Result<Vec<StoredContainment>, StoreFault> {
    let rows: Vec<ContainmentRow> = query(sql::CONTAINMENTS).all(conn).await?;
    rows.into_iter().map(ContainmentRow::read).collect()
}

pub(crate) async fn find(conn: &mut Conn, kind: Containable, name: &str) -> Result<Option<StoredContainment>, StoreFault> {
    let row: Option<ContainmentRow> = query(sql::CONTAINMENT).bind(kind.as_str()).bind(name).maybe(conn).await?;
    row.map(ContainmentRow::read).transpose()
}

fn told(containment: &StoredContainment) -> Value {
    json!({
        "kind": containment.kind.as_str(),
        "name": &*containment.name,
        "since": containment.since.to_rfc3339(),
        "actor": &*containment.actor,
        "reason": &*containment.reason,
    })
}

/// How the feed names it: names of different kinds are told apart.
fn feed_name(kind: Containable, name: &str) -> String {
    format!("{kind}/{name}")
}

/// Notes within a change under way that something is stopped; what is stopped already stays so, since then and by whom. A reason that was told
/// since is kept too: in the place of none, and else in the history of it.
pub(crate) async fn insert(writing: &mut Writing, actor: &Actor, kind: Containable, name: &str) -> Result<StoredContainment, StoreFault> {
    let since = writing.now;
    insert_since(writing, actor, kind, name, since).await
}

async fn insert_since(
    writing: &mut Writing,
    actor: &Actor,
    kind: Containable,
    name: &str,
    since: Time,
) -> Result<StoredContainment, StoreFault> {
    match find(writing.conn(), kind, name).await? {
        // What the process finds again and again fills no feed.
        Some(there)
            if matches!(actor.who, Who::Process) || actor.reason.is_empty() || there.reason == actor.reason || there.is_for_good() =>
        {
            Ok(there)
        }
        Some(there) if there.reason.is_empty() => {
            let told = StoredContainment { reason: actor.reason.clone(), ..there.clone() };
            put(writing, actor, Some(&there), told).await
        }
        Some(there) => {
            let seq = writing.allocate(1).await?;
            tell(writing, seq, actor, Act::Contain, (Some(&there), Some(&there))).await?;
            Ok(there)
        }
        None => {
            let new = stopped(actor, actor.who.to_string(), (kind, name), since);
            put(writing, actor, None, new).await
        }
    }
}

/// A stop that is not on record yet.
fn stopped(actor: &Actor, by: String, (kind, name): (Containable, &str), since: Time) -> StoredContainment {
    StoredContainment { kind, name: name.into(), since, actor: by.into(), reason: actor.reason.clone(), revision: 0 }
}

/// Writes a stop, in the place of another one where there is one: the feed tells of no moment without.
async fn put(
    writing: &mut Writing,
    actor: &Actor,
    before: Option<&StoredContainment>,
    new: StoredContainment,
) -> Result<StoredContainment, StoreFault> {
    let seq = writing.allocate(1).await?;
    let new = StoredContainment { revision: seq, ..new };
    if before.is_some() {
        query(sql::CONTAINMENT_REMOVE).bind(new.kind.as_str()).bind(&*new.name).execute(writing.conn()).await?;
    }
    query(sql::CONTAINMENT_PUT)
        .bind(new.kind.as_str())
        .bind(&*new.name)
        .bind(new.since.as_micros())
        .bind(&*new.actor)
        .bind(&*new.reason)
        .bind(signed(seq))
        .execute(writing.conn())
        .await?;
    tell(writing, seq, actor, Act::Contain, (before, Some(&new))).await?;
    Ok(new)
}

/// Stops something within a change under way: an identity on record goes into quarantine with it.
pub(crate) async fn stop(writing: &mut Writing, actor: &Actor, kind: Containable, name: &str) -> Result<StoredContainment, StoreFault> {
    let since = writing.now;
    stop_since(writing, actor, kind, name, since).await
}

async fn stop_since(
    writing: &mut Writing,
    actor: &Actor,
    kind: Containable,
    name: &str,
    since: Time,
) -> Result<StoredContainment, StoreFault> {
    let containment = insert_since(writing, actor, kind, name, since).await?;
    if kind == Containable::Identity
        && let Some(status) = status::find(writing.conn(), name).await?
        && status.state != IdentityState::Retired
    {
        status::shift(writing, actor, &status, IdentityState::Quarantined).await?;
    }
    Ok(containment)
}

/// Notes within a change under way that something is not stopped any more; gives the number of the change.
pub(crate) async fn delete(writing: &mut Writing, actor: &Actor, kind: Containable, name: &str) -> Result<Option<u64>, StoreFault> {
    let Some(old) = find(writing.conn(), kind, name).await? else { return Ok(None) };
    delete_this(writing, actor, &old).await.map(Some)
}

async fn delete_this(writing: &mut Writing, actor: &Actor, old: &StoredContainment) -> Result<u64, StoreFault> {
    let seq = writing.allocate(1).await?;
    query(sql::CONTAINMENT_REMOVE).bind(old.kind.as_str()).bind(&*old.name).execute(writing.conn()).await?;
    tell(writing, seq, actor, Act::Release, (Some(old), None)).await?;
    Ok(seq)
}

/// Waits for a stop to be written, but not for long. What it waits for is given boxed: it is held twice, and large.
pub(crate) async fn soon<T>(written: impl Future<Output = Result<T, StoreFault>>) -> Result<T, StoreFault> {
    let late = || DatabaseFault::Busy(sqlx::Error::PoolTimedOut);
    tokio::time::timeout(STOP_WAITS, written).await.map_err(|_| late())?
}

async fn tell(
    writing: &mut Writing,
    seq: u64,
    actor: &Actor,
    act: Act,
    (before, after): (Option<&StoredContainment>, Option<&StoredContainment>),
) -> Result<(), StoreFault> {
    let name = after.or(before).map(|c| feed_name(c.kind, &c.name)).unwrap_or_default();
    let (subject, name, before, after) = (Subject::Containment, &*name, before.map(told), after.map(told));
    writing.tell(seq, Told { who: &actor.who, reason: &actor.reason, subject, name, act, before, after }).await
}

fn named(kind: Containable, name: &str) -> Result<(), StoreFault> {
    if name.is_empty() || name.len() > CONTAINED_BYTES_MAX {
        return Err(StoreFault::conflict(kind.as_str(), name, format!("must have a name of 1 to {CONTAINED_BYTES_MAX} bytes")));
    }
    Ok(())
}

impl Store {
    /// Stops something. What is stopped already stays as it is, with its first date. An identity is put into
    /// quarantine in the same change, unless it is retired, and remembers where it was. It does not have to be on
    /// record: what comes later under that name is stopped too.
    ///
    /// # Errors
    /// `Conflict` for a name that is empty or longer than [`CONTAINED_BYTES_MAX`]; `Busy` when its turn did not come within
    /// [`STOP_WAITS`].
    pub async fn contain(&self, actor: &Actor, kind: Containable, name: &str, now: Time) -> Result<StoredContainment, StoreFault> {
        soon(Box::pin(self.contain_since(actor, kind, name, now, now))).await
    }

    /// As [`Store::contain`], of something that was stopped at `since` although it could not be put on record then. It waits
    /// for its turn.
    ///
    /// # Errors
    /// `Conflict` as there.
    pub async fn contain_since(
        &self,
        actor: &Actor,
        kind: Containable,
        name: &str,
        since: Time,
        now: Time,
    ) -> Result<StoredContainment, StoreFault> {
        named(kind, name)?;
        let mut writing = Writing::begin(self, now).await?;
        let containment = stop_since(&mut writing, actor, kind, name, since).await?;
        writing.commit().await?;
        Ok(containment)
    }

    /// Ends a token for its client, for good: where somebody had stopped it, this takes the place of that.
    ///
    /// # Errors
    /// `Conflict` and `Busy` as [`Store::contain`].
    pub async fn end_token(&self, client: Who, token: &str, now: Time) -> Result<StoredContainment, StoreFault> {
        soon(Box::pin(self.end_token_in_turn(&Actor::new(client, TOKEN_ENDED), token, now))).await
    }

    async fn end_token_in_turn(&self, client: &Actor, token: &str, now: Time) -> Result<StoredContainment, StoreFault> {
        named(Containable::Token, token)?;
        let mut writing = Writing::begin(self, now).await?;
        let before = find(writing.conn(), Containable::Token, token).await?;
        let ended = match before {
            Some(before) if before.is_for_good() => before,
            before => {
                let new = stopped(client, format!("{CLIENT}{}", client.who), (Containable::Token, token), now);
                put(&mut writing, client, before.as_ref(), new).await?
            }
        };
        writing.commit().await?;
        Ok(ended)
    }

    /// Forgets a token that its client ended, when it has ended by itself. What somebody else stopped stays.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn forget_ended(&self, actor: &Actor, token: &str, now: Time) -> Result<(), StoreFault> {
        let mut writing = Writing::begin(self, now).await?;
        if let Some(ended) = find(writing.conn(), Containable::Token, token).await?.filter(StoredContainment::is_for_good) {
            delete_this(&mut writing, actor, &ended).await?;
        }
        writing.commit().await
    }

    /// Lets something go on. An identity in quarantine goes back to where it was in the same change; a retired one
    /// stays retired. Gives the number of the last change.
    ///
    /// # Errors
    /// `NotFound` when it is not stopped; `Conflict` for a token that its client ended.
    pub async fn release(&self, actor: &Actor, kind: Containable, name: &str, now: Time) -> Result<u64, StoreFault> {
        self.release_looked_at(actor, (kind, name), Precondition::Any, now).await
    }

    /// As [`Store::release`], of the containment that was looked at: one that came after it is another stop.
    ///
    /// # Errors
    /// `NotFound` and `Conflict` as there; `Stale` when it is another one.
    pub async fn release_looked_at(
        &self,
        actor: &Actor,
        (kind, name): (Containable, &str),
        expect: Precondition,
        now: Time,
    ) -> Result<u64, StoreFault> {
        let mut writing = Writing::begin(self, now).await?;
        let there = find(writing.conn(), kind, name).await?;
        let there = there.ok_or_else(|| StoreFault::missing("containment", feed_name(kind, name)))?;
        expect.check("containment", &feed_name(kind, name), Some(there.revision))?;
        if there.is_for_good() {
            return Err(StoreFault::conflict("token", name, "was ended by its client: nobody brings it back"));
        }
        let mut seq = delete_this(&mut writing, actor, &there).await?;
        if kind == Containable::Identity
            && let Some(status) = status::find(writing.conn(), name).await?
            && status.state == IdentityState::Quarantined
        {
            // INVARIANT (a quarantine remembers): the fallback is the careful one.
            let to = status.resumes_to.unwrap_or(IdentityState::Suspended);
            seq = status::shift(&mut writing, actor, &status, to).await?.revision;
        }
        writing.commit().await?;
        Ok(seq)
    }

    /// Everything that is stopped, by kind and name.
    ///
    /// # Errors
    /// When the database fails or holds what cannot be read.
    pub async fn containments(&self) -> Result<Vec<StoredContainment>, StoreFault> {
        load(&mut self.reader.acquire().await?).await
    }

    /// Those of these names that are stopped.
    ///
    /// # Errors
    /// When the database fails or holds what cannot be read.
    pub async fn containments_named(&self, kind: Containable, names: &[&str]) -> Result<Vec<StoredContainment>, StoreFault> {
        let mut found = Vec::new();
        let mut conn = self.reader.acquire().await?;
        for names in names.chunks(ROWS) {
            let ask = query_rows_after(sql::CONTAINMENTS_NAMED, 1, names.len(), 1).bind(kind.as_str());
            let ask = names.iter().fold(ask, |ask, name| ask.bind(*name));
            for row in ask.all::<ContainmentRow>(&mut conn).await? {
                found.push(row.read()?);
            }
        }
        Ok(found)
    }

    /// Whether something is stopped.
    ///
    /// # Errors
    /// When the database fails or holds what cannot be read.
    pub async fn containment(&self, kind: Containable, name: &str) -> Result<Option<StoredContainment>, StoreFault> {
        find(&mut self.reader.acquire().await?, kind, name).await
    }
}

#[cfg(test)]
mod tests;
