//! Many credentials at once: taking over what another system issued, or a whole fleet's.

use crate::{
    Store, StoreFault,
    apply::ROWS,
    arming,
    credential::{self, NewCredential, live_max},
    database::{query, query_rows},
    feed::{Act, Actor, Subject, Told, Writing, signed},
    sql,
    status::{self, StatusRow},
    vault::Sealed,
};
use serde_json::Value;
use std::collections::{BTreeSet, HashMap};
use wardgate_model::{
    credential::{Credential, CredentialKind},
    inventory::IdentityState,
    time::Time,
};

/// How many are live for an entry of an identity, of one kind.
type Live = HashMap<(String, String, CredentialKind), i64>;

/// How many credentials of these identities are live now.
async fn live(writing: &mut Writing, identities: &BTreeSet<&str>) -> Result<Live, StoreFault> {
    let mut ask = query_rows(sql::CREDENTIALS_LIVE_OF, identities.len(), 1);
    for identity in identities {
        ask = ask.bind(*identity);
    }
    let rows: Vec<(String, String, String, i64)> = ask.all(writing.conn()).await?;
    let now = writing.now.as_micros();
    let mut live = Live::new();
    for (identity, name, kind, expires) in rows {
        if let Some(kind) = CredentialKind::parse(&kind)
            && expires > now
        {
            *live.entry((identity, name, kind)).or_default() += 1;
        }
    }
    Ok(live)
}

/// How many like it may be live at a time, if it can be issued at all.
pub(crate) fn issuable(new: &NewCredential, sealed: Option<&Sealed>, now: Time) -> Result<u32, StoreFault> {
    let refused = |why| Err(StoreFault::conflict("credential", format!("{}/{}", new.identity, new.name), why));
    let Some(max) = live_max(new.kind) else {
        return refused(format!("is of the kind `{}`, which is not issued but registered", new.kind));
    };
    if (new.kind == CredentialKind::Hmac) != sealed.is_some() {
        return refused(format!("is of the kind `{}`: a secret is kept of the kind `{}`, and of no other", new.kind, CredentialKind::Hmac));
    }
    if new.expires <= now {
        return refused(format!("would have expired on {}", new.expires));
    }
    Ok(max)
}

/// Checks what [`Store::issue_credential`] checks, and counts the new one among the live ones.
fn check(live: &mut Live, new: &NewCredential, now: Time) -> Result<(), StoreFault> {
    let entry = || format!("{}/{}", new.identity, new.name);
    if new.task.is_some() {
        return Err(StoreFault::conflict("credential", entry(), "is for a task: such ones are issued one by one"));
    }
    let max = issuable(new, None, now)?;
    let count = live.entry((new.identity.to_string(), new.name.to_string(), new.kind)).or_default();
    if *count >= i64::from(max) {
        return Err(StoreFault::Limit { what: "identity entry", name: entry(), of: "credentials", max });
    }
    *count += 1;
    Ok(())
}

/// Puts one statement's worth of credentials on record within a change under way.
async fn put(writing: &mut Writing, actor: &Actor, chunk: &[NewCredential]) -> Result<(), StoreFault> {
    let identities: BTreeSet<&str> = chunk.iter().map(|new| new.identity.as_str()).collect();
    let mut live = live(writing, &identities).await?;
    let now = writing.now;
    chunk.iter().try_for_each(|new| check(&mut live, new, now))?;
    let first = writing.allocate(u32::try_from(chunk.len()).unwrap_or(u32::MAX)).await?;
    let mut insert = query_rows(sql::CREDENTIALS_ISSUE, chunk.len(), 14);
    let mut armed = Vec::with_capacity(chunk.len());
    for new in chunk {
        armed.push(arming::armed(writing.conn(), actor, &new.identity).await?.text());
    }
    for ((seq, new), armed_by) in (first..).zip(chunk).zip(armed) {
        let sources = Value::from(new.sources.iter().map(ToString::to_string).collect::<Vec<_>>());
        insert = insert.bind(new.id.as_str()).bind(new.identity.as_str()).bind(&*new.name).bind(new.kind.as_str());
        insert = insert.bind(new.environment.as_str()).bind(sources.to_string()).bind(new.hash.bytes().as_slice());
        insert = insert.bind(now.as_micros()).bind(new.expires.as_micros()).bind("live").bind(None::<i64>);
        insert = insert.bind(signed(seq)).bind(signed(seq)).bind(armed_by);
    }
    if insert.execute(writing.conn()).await? != chunk.len() as u64 {
        return Err(StoreFault::conflict("list of", "credentials", "has an id twice, or one that is on record already: make others"));
    }
    let all: Vec<Credential> = chunk.iter().map(|new| credential::live(new.clone(), now)).collect();
    let told = all.iter().map(|credential| Told {
        who: &actor.who,
        reason: &actor.reason,
        subject: Subject::Credential,
        name: credential.id.as_str(),
        act: Act::Issue,
        before: None,
        after: Some(credential::told(credential)),
    });
    writing.tell_all((first..).zip(told).collect::<Vec<_>>().into_iter()).await?;
    let ask = query_rows(sql::STATUSES_NAMED, identities.len(), 1);
    let statuses: Vec<StatusRow> = identities.iter().fold(ask, |ask, name| ask.bind(*name)).all(writing.conn()).await?;
    for status in status::read(statuses)?.iter().filter(|status| status.state == IdentityState::Approved) {
        status::shift(writing, actor, status, IdentityState::Active).await?;
    }
    Ok(())
}

impl Store {
    /// Puts many credentials on record, as [`Store::issue_credential`] does with one: all of them or none. With very
    /// many, cut them into pieces as [`crate::Pace`] says. Gives the number of the last change.
    ///
    /// # Errors
    /// What [`Store::issue_credential`] says of any of them; `Conflict` when an id stands twice.
    pub async fn issue_credentials(&self, actor: &Actor, new: &[NewCredential], now: Time) -> Result<u64, StoreFault> {
        let mut writing = Writing::begin(self, now).await?;
        for chunk in new.chunks(ROWS) {
            put(&mut writing, actor, chunk).await?;
        }
        let (seq,): (i64,) = query(sql::COUNTER).one(writing.conn()).await?;
        writing.commit().await?;
        Ok(crate::feed::unsigned(seq))
    }
}

#[cfg(test)]
mod tests;
