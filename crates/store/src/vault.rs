//! Sealed material, and the keys that Wardgate signs with. What comes in here is sealed already; the store could not
//! open it.

use crate::{
    Store, StoreFault,
    database::{Conn, query},
    feed::{Act, Actor, Subject, Told, Writing, signed, unsigned},
    sql,
};
use serde_json::{Value, json};
use std::{collections::BTreeMap, fmt};
use wardgate_model::time::Time;

/// Largest sealed blob, in bytes.
pub const SEALED_BYTES_MAX: usize = 64 * 1024;
/// Longest key id, in bytes (RFC 7638 thumbprints have 43).
pub const KID_BYTES_MAX: usize = 128;

/// A blob that only the holder of the master key can open.
#[derive(Clone, PartialEq, Eq)]
pub struct Sealed(Box<[u8]>);

impl Sealed {
    /// Takes a sealed blob.
    pub fn new(bytes: impl Into<Box<[u8]>>) -> Self {
        Self(bytes.into())
    }

    /// The bytes.
    #[must_use]
    pub const fn bytes(&self) -> &[u8] {
        &self.0
    }

    pub(crate) fn checked(&self, what: &'static str, name: &str) -> Result<&[u8], StoreFault> {
        let length = self.0.len();
        if length == 0 || length > SEALED_BYTES_MAX {
            return Err(StoreFault::conflict(what, name, format!("has {length} sealed bytes; 1 to {SEALED_BYTES_MAX} can be kept")));
        }
        Ok(&self.0)
    }
}

impl fmt::Debug for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sealed({} bytes)", self.0.len())
    }
}

/// What a signing key is used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SigningKeyState {
    /// Signs, and is published. At most one does.
    Signing,
    /// Signs no more; published still, for what it signed.
    Published,
    /// Neither.
    Retired,
}

impl SigningKeyState {
    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Signing => "signing",
            Self::Published => "published",
            Self::Retired => "retired",
        }
    }

    /// Reads the word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Signing, Self::Published, Self::Retired].into_iter().find(|s| s.as_str() == word)
    }
}

/// A signing key on record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredSigningKey {
    /// Its key id.
    pub kid: Box<str>,
    /// The private key.
    pub sealed: Sealed,
    /// When it was made.
    pub created: Time,
    /// What it is used for.
    pub state: SigningKeyState,
    /// The number of its last change.
    pub revision: u64,
}

#[derive(sqlx::FromRow)]
struct SigningKeyRow {
    kid: String,
    sealed: Vec<u8>,
    created_us: i64,
    state: String,
    revision: i64,
}

impl SigningKeyRow {
    fn read(self) -> Result<StoredSigningKey, StoreFault> {
        let state = SigningKeyState::parse(&self.state);
        Ok(StoredSigningKey {
            state: state.ok_or_else(|| StoreFault::corrupt("signing key", &self.kid, format!("unknown state `{}`", self.state)))?,
            kid: self.kid.into(),
            sealed: Sealed::new(self.sealed),
            created: Time::from_micros(self.created_us),
            revision: unsigned(self.revision),
        })
    }
}

pub(crate) async fn load_signing_keys(conn: &mut Conn) -> Result<Vec<StoredSigningKey>, StoreFault> {
    let rows: Vec<SigningKeyRow> = query(sql::SIGNING_KEYS).all(conn).await?;
    rows.into_iter().map(SigningKeyRow::read).collect()
}

async fn load_signing_key(conn: &mut Conn, kid: &str) -> Result<Option<StoredSigningKey>, StoreFault> {
    let row: Option<SigningKeyRow> = query(sql::SIGNING_KEY).bind(kid).maybe(conn).await?;
    row.map(SigningKeyRow::read).transpose()
}

fn told_key(created: Time, state: SigningKeyState) -> Value {
    json!({ "created": created.to_rfc3339(), "state": state.as_str() })
}

impl Store {
    /// Puts a signing key on record and makes it the one that signs; the one that did is published still. Gives the
    /// number of the change.
    ///
    /// # Errors
    /// `Conflict` for a key id on record or too long, a blob that is empty or too large.
    pub async fn put_signing_key(&self, actor: &Actor, kid: &str, sealed: &Sealed, now: Time) -> Result<u64, StoreFault> {
        let bytes = sealed.checked("signing key", kid)?;
        if kid.is_empty() || kid.len() > KID_BYTES_MAX {
            return Err(StoreFault::conflict("signing key", kid, format!("must have an id of 1 to {KID_BYTES_MAX} bytes")));
        }
        let mut writing = Writing::begin(self, now).await?;
        if load_signing_key(writing.conn(), kid).await?.is_some() {
            return Err(StoreFault::conflict("signing key", kid, "is on record already"));
        }
        let replaced = load_signing_keys(writing.conn()).await?.into_iter().find(|k| k.state == SigningKeyState::Signing);
        let seq = writing.allocate(1).await?;
        query(sql::SIGNING_KEYS_PUBLISH).bind(signed(seq)).execute(writing.conn()).await?;
        let put = query(sql::SIGNING_KEY_PUT)
            .bind(kid)
            .bind(bytes)
            .bind(now.as_micros())
            .bind(SigningKeyState::Signing.as_str())
            .bind(signed(seq));
        put.execute(writing.conn()).await?;
        let mut after = told_key(now, SigningKeyState::Signing);
        if let (Some(replaced), Some(members)) = (replaced, after.as_object_mut()) {
            members.insert("instead_of".into(), (&*replaced.kid).into());
        }
        let (subject, act, after) = (Subject::SigningKey, Act::Put, Some(after));
        writing.tell(seq, Told { who: &actor.who, reason: &actor.reason, subject, name: kid, act, before: None, after }).await?;
        writing.commit().await?;
        Ok(seq)
    }

    /// Puts a signing key on record that is published and does not sign yet. Gives the number of the change; `None`: another one waits
    /// to sign with what it is for, or it is on record already.
    ///
    /// # Errors
    /// `Conflict` for a key id that is too long, a blob that is empty or too large; when the database fails.
    pub async fn announce_signing_key(
        &self,
        actor: &Actor,
        kid: &str,
        sealed: &Sealed,
        since: Time,
        now: Time,
    ) -> Result<Option<u64>, StoreFault> {
        let bytes = sealed.checked("signing key", kid)?;
        if kid.is_empty() || kid.len() > KID_BYTES_MAX {
            return Err(StoreFault::conflict("signing key", kid, format!("must have an id of 1 to {KID_BYTES_MAX} bytes")));
        }
        let mut writing = Writing::begin(self, now).await?;
        // Several gates on one store see at once that one is due: the first to come here makes it.
        if load_signing_keys(writing.conn()).await?.iter().any(|key| key.created > since || &*key.kid == kid) {
            return Ok(None);
        }
        let seq = writing.allocate(1).await?;
        query(sql::SIGNING_KEY_PUT)
            .bind(kid)
            .bind(bytes)
            .bind(now.as_micros())
            .bind(SigningKeyState::Published.as_str())
            .bind(signed(seq))
            .execute(writing.conn())
            .await?;
        let after = Some(told_key(now, SigningKeyState::Published));
        let (subject, act) = (Subject::SigningKey, Act::Put);
        writing.tell(seq, Told { who: &actor.who, reason: &actor.reason, subject, name: kid, act, before: None, after }).await?;
        writing.commit().await?;
        Ok(Some(seq))
    }

    /// Makes a published signing key the one that signs; the one that did is published still. Gives the number of the change; `None`:
    /// it signs already.
    ///
    /// # Errors
    /// `NotFound`; `Conflict` for one that is retired.
    pub async fn promote_signing_key(&self, actor: &Actor, kid: &str, now: Time) -> Result<Option<u64>, StoreFault> {
        let mut writing = Writing::begin(self, now).await?;
        let old = load_signing_key(writing.conn(), kid).await?.ok_or_else(|| StoreFault::missing("signing key", kid))?;
        match old.state {
            SigningKeyState::Signing => return Ok(None),
            SigningKeyState::Published => {}
            SigningKeyState::Retired => return Err(StoreFault::conflict("signing key", kid, "is retired".to_owned())),
        }
        let replaced = load_signing_keys(writing.conn()).await?.into_iter().find(|k| k.state == SigningKeyState::Signing);
        let seq = writing.allocate(1).await?;
        query(sql::SIGNING_KEYS_PUBLISH).bind(signed(seq)).execute(writing.conn()).await?;
        query(sql::SIGNING_KEY_PROMOTE).bind(kid).bind(signed(seq)).execute(writing.conn()).await?;
        let before = Some(told_key(old.created, old.state));
        let mut after = told_key(old.created, SigningKeyState::Signing);
        if let (Some(replaced), Some(members)) = (replaced, after.as_object_mut()) {
            members.insert("instead_of".into(), (&*replaced.kid).into());
        }
        let (subject, act) = (Subject::SigningKey, Act::Promote);
        writing.tell(seq, Told { who: &actor.who, reason: &actor.reason, subject, name: kid, act, before, after: Some(after) }).await?;
        writing.commit().await?;
        Ok(Some(seq))
    }

    /// When each signing key was put to its present use.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn signing_keys_since(&self) -> Result<BTreeMap<Box<str>, Time>, StoreFault> {
        let rows: Vec<(String, i64)> = query(sql::SIGNING_KEYS_SINCE).all(&mut self.reader.acquire().await?).await?;
        Ok(rows.into_iter().map(|(kid, time_us)| (kid.into(), Time::from_micros(time_us))).collect())
    }

    /// Ends a signing key at once: nothing that it signed counts any more. Where it is the one that signs, the youngest that is
    /// announced signs in its place, which verifiers know already; else `next`, which nobody knows yet: a key id, and the private key.
    /// Out of use before, nothing is changed. Gives the number of its last change.
    ///
    /// # Errors
    /// `NotFound`; `Conflict` for a blob that is empty or too large.
    pub async fn revoke_signing_key(&self, actor: &Actor, kid: &str, next: (&str, &Sealed), now: Time) -> Result<u64, StoreFault> {
        let (next, sealed) = (next.0, next.1.checked("signing key", next.0)?);
        let mut writing = Writing::begin(self, now).await?;
        let old = load_signing_key(writing.conn(), kid).await?.ok_or_else(|| StoreFault::missing("signing key", kid))?;
        if old.state == SigningKeyState::Retired {
            return Ok(old.revision);
        }
        if old.state == SigningKeyState::Signing {
            let announced = load_signing_keys(writing.conn()).await?.into_iter();
            // Younger than the one that signs: it has not signed yet.
            let announced = announced.filter(|key| key.state == SigningKeyState::Published && key.created > old.created);
            let seq = writing.allocate(1).await?;
            query(sql::SIGNING_KEYS_PUBLISH).bind(signed(seq)).execute(writing.conn()).await?;
            let (successor, created, act) = match announced.max_by_key(|key| key.created) {
                Some(key) => {
                    query(sql::SIGNING_KEY_PROMOTE).bind(&*key.kid).bind(signed(seq)).execute(writing.conn()).await?;
                    (key.kid, key.created, Act::Promote)
                }
                None => {
                    let put = query(sql::SIGNING_KEY_PUT).bind(next).bind(sealed).bind(now.as_micros());
                    put.bind(SigningKeyState::Signing.as_str()).bind(signed(seq)).execute(writing.conn()).await?;
                    (next.into(), now, Act::Put)
                }
            };
            let mut after = told_key(created, SigningKeyState::Signing);
            if let Some(members) = after.as_object_mut() {
                members.insert("instead_of".into(), kid.into());
            }
            let before = (act == Act::Promote).then(|| told_key(created, SigningKeyState::Published));
            let (subject, name, after) = (Subject::SigningKey, &*successor, Some(after));
            writing.tell(seq, Told { who: &actor.who, reason: &actor.reason, subject, name, act, before, after }).await?;
        }
        let seq = writing.allocate(1).await?;
        query(sql::SIGNING_KEY_RETIRE).bind(kid).bind(signed(seq)).execute(writing.conn()).await?;
        let (before, after) = (Some(told_key(old.created, old.state)), Some(told_key(old.created, SigningKeyState::Retired)));
        let (subject, act) = (Subject::SigningKey, Act::Revoke);
        writing.tell(seq, Told { who: &actor.who, reason: &actor.reason, subject, name: kid, act, before, after }).await?;
        writing.commit().await?;
        Ok(seq)
    }

    /// Takes a signing key that signs no more out of use: it is not published either. Retired before, nothing is changed. Gives
    /// the number of its last change.
    ///
    /// # Errors
    /// `NotFound`; `Conflict` for the one that signs: without another one nothing could be signed.
    pub async fn retire_signing_key(&self, actor: &Actor, kid: &str, now: Time) -> Result<u64, StoreFault> {
        let mut writing = Writing::begin(self, now).await?;
        let old = load_signing_key(writing.conn(), kid).await?.ok_or_else(|| StoreFault::missing("signing key", kid))?;
        if old.state == SigningKeyState::Retired {
            return Ok(old.revision);
        }
        if old.state == SigningKeyState::Signing {
            return Err(StoreFault::conflict("signing key", kid, "is the one that signs: let another one sign first".to_owned()));
        }
        let seq = writing.allocate(1).await?;
        query(sql::SIGNING_KEY_RETIRE).bind(kid).bind(signed(seq)).execute(writing.conn()).await?;
        let (before, after) = (Some(told_key(old.created, old.state)), Some(told_key(old.created, SigningKeyState::Retired)));
        let (subject, act) = (Subject::SigningKey, Act::Retire);
        writing.tell(seq, Told { who: &actor.who, reason: &actor.reason, subject, name: kid, act, before, after }).await?;
        writing.commit().await?;
        Ok(seq)
    }

    /// Every signing key, sealed, oldest first.
    ///
    /// # Errors
    /// When the database fails or holds what cannot be read.
    pub async fn signing_keys(&self) -> Result<Vec<StoredSigningKey>, StoreFault> {
        load_signing_keys(&mut self.reader.acquire().await?).await
    }
}

#[cfg(test)]
mod tests;
