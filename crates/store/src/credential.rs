//! Credentials on record: issued once, ended once, never shown again.

use crate::{
    Store, StoreFault,
    arming::{self, Armers},
    containment,
    database::{Conn, query},
    feed::{Act, Actor, Subject, Told, Writing, signed, unsigned},
    resource::Precondition,
    sql, task,
    vault::Sealed,
};
use ipnet::IpNet;
use serde_json::{Value, json};
use wardgate_model::{
    credential::{Credential, CredentialKind, CredentialState, KeyedHash},
    id::{CredentialId, EnvironmentName, IdentityId, TaskId},
    time::Time,
};

/// How many credentials of a kind may be live at a time for one entry of an identity; `None`: the kind is not issued.
/// Two keys or secrets overlap while one replaces the other (rotation); a third would be one that nobody looks after.
#[must_use]
pub const fn live_max(kind: CredentialKind) -> Option<u32> {
    match kind {
        CredentialKind::ApiKey | CredentialKind::Hmac => Some(2),
        CredentialKind::Session => Some(32),
        CredentialKind::SignIn | CredentialKind::ForeignKey => Some(8),
        CredentialKind::BreakGlass => Some(1),
        CredentialKind::Oidc | CredentialKind::X509 | CredentialKind::PublicKey | CredentialKind::WebBotAuth => None,
    }
}

/// A credential to put on record.
#[derive(Debug, Clone)]
pub struct NewCredential {
    /// Its public id.
    pub id: CredentialId,
    /// Whose it is.
    pub identity: IdentityId,
    /// The entry in the identity's `credentials` that it is issued for.
    pub name: Box<str>,
    /// What kind of thing it is; one that [`live_max`] knows.
    pub kind: CredentialKind,
    /// Where it may be used.
    pub environment: EnvironmentName,
    /// Networks it may be used from; empty means any.
    pub sources: Box<[IpNet]>,
    /// What its secret is compared with.
    pub hash: KeyedHash,
    /// When it ends by itself.
    pub expires: Time,
    /// The task that it is made for, which has to be under way.
    pub task: Option<TaskId>,
}

/// A credential on record, and which change it is at.
#[derive(Debug, Clone)]
pub struct StoredCredential {
    /// The credential.
    pub credential: Credential,
    /// Its secret, sealed; only of a kind that is verified with it.
    pub sealed: Option<Sealed>,
    /// The number of its last change.
    pub revision: u64,
    /// The number of the change that issued it: credentials are listed in this order.
    pub created_seq: u64,
}

/// What a credential is to those who look for some.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Condition {
    /// Can be used.
    Live,
    /// Ended by itself.
    Expired,
    /// Ended by somebody.
    Revoked,
    /// Good for one use, and used.
    Spent,
}

impl Condition {
    /// Every condition.
    pub const ALL: &'static [Self] = &[Self::Live, Self::Expired, Self::Revoked, Self::Spent];

    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Expired => "expired",
            Self::Revoked => "revoked",
            Self::Spent => "spent",
        }
    }

    /// Reads the word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|c| c.as_str() == word)
    }

    /// The condition of a credential at `now`.
    #[must_use]
    pub fn of(credential: &Credential, now: Time) -> Self {
        match credential.state {
            CredentialState::Revoked { .. } => Self::Revoked,
            CredentialState::Spent => Self::Spent,
            CredentialState::Live if credential.expires.is_some_and(|end| end <= now) => Self::Expired,
            CredentialState::Live => Self::Live,
        }
    }
}

/// Which credentials to read. The default is all of them.
#[derive(Debug, Clone, Default)]
pub struct CredentialFilter {
    /// Only those issued by a later change.
    pub after: u64,
    /// Only this identity's.
    pub identity: Option<IdentityId>,
    /// Only this kind.
    pub kind: Option<CredentialKind>,
    /// Only in this condition at this moment.
    pub condition: Option<(Condition, Time)>,
    /// At most so many; `None`: all.
    pub limit: Option<u32>,
}

#[derive(sqlx::FromRow)]
pub(crate) struct CredentialRow {
    id: String,
    identity: String,
    name: String,
    kind: String,
    environment: String,
    sources: String,
    hash: Vec<u8>,
    created_us: i64,
    expires_us: i64,
    state: String,
    revoked_us: Option<i64>,
    revision: i64,
    created_seq: i64,
    sealed: Option<Vec<u8>>,
    task: Option<String>,
}

impl CredentialRow {
    fn read(self) -> Result<StoredCredential, StoreFault> {
        let id = self.id;
        let corrupt = |why: String| StoreFault::corrupt("credential", &id, why);
        let hash: [u8; 32] = self.hash.try_into().map_err(|h: Vec<u8>| corrupt(format!("a hash of {} bytes", h.len())))?;
        let sources: Vec<IpNet> = serde_json::from_str(&self.sources).map_err(|e| corrupt(e.to_string()))?;
        let state = match (&*self.state, self.revoked_us) {
            ("live", None) => CredentialState::Live,
            ("revoked", Some(at)) => CredentialState::Revoked { at: Time::from_micros(at) },
            ("spent", None) => CredentialState::Spent,
            (word, _) => return Err(corrupt(format!("a state `{word}` that does not fit its dates"))),
        };
        let credential = Credential {
            id: CredentialId::parse(&id).ok_or_else(|| corrupt("an id of another form".into()))?,
            identity: IdentityId::parse(&self.identity).map_err(|e| corrupt(e.to_string()))?,
            name: self.name.into(),
            kind: CredentialKind::parse(&self.kind).ok_or_else(|| corrupt(format!("unknown kind `{}`", self.kind)))?,
            environment: EnvironmentName::parse(&self.environment).map_err(|e| corrupt(e.to_string()))?,
            sources: sources.into(),
            hash: Some(KeyedHash::new(hash)),
            binding: None,
            created: Time::from_micros(self.created_us),
            expires: Some(Time::from_micros(self.expires_us)),
            warn_from: None,
            task: self.task.map(|task| TaskId::parse(&task)).transpose().map_err(|e| corrupt(e.to_string()))?,
            state,
        };
        let sealed = self.sealed.map(Sealed::new);
        Ok(StoredCredential { credential, sealed, revision: unsigned(self.revision), created_seq: unsigned(self.created_seq) })
    }
}

pub(crate) fn read(rows: Vec<CredentialRow>) -> Result<Vec<StoredCredential>, StoreFault> {
    rows.into_iter().map(CredentialRow::read).collect()
}

pub(crate) async fn load(conn: &mut Conn, filter: &CredentialFilter) -> Result<Vec<StoredCredential>, StoreFault> {
    let (state, over, until) = match filter.condition {
        None => ("", i64::MIN, i64::MAX),
        Some((Condition::Live, now)) => ("live", now.as_micros(), i64::MAX),
        Some((Condition::Expired, now)) => ("live", i64::MIN, now.as_micros()),
        Some((Condition::Revoked, _)) => ("revoked", i64::MIN, i64::MAX),
        Some((Condition::Spent, _)) => ("spent", i64::MIN, i64::MAX),
    };
    let rows = query(if filter.identity.is_some() { sql::CREDENTIALS_OF_ONE } else { sql::CREDENTIALS })
        .bind(signed(filter.after))
        .bind(filter.identity.as_ref().map_or("", |i| i.as_str()))
        .bind(state)
        .bind(filter.kind.map_or("", CredentialKind::as_str))
        .bind(over)
        .bind(until)
        .bind(filter.limit.map_or(i64::MAX, i64::from));
    read(rows.all(conn).await?)
}

pub(crate) async fn load_one(conn: &mut Conn, id: &CredentialId) -> Result<StoredCredential, StoreFault> {
    let row: Option<CredentialRow> = query(sql::CREDENTIAL).bind(id.as_str()).maybe(conn).await?;
    row.ok_or_else(|| StoreFault::missing("credential", id))?.read()
}

/// What the feed tells of a credential: everything but its hash.
pub(crate) fn told(credential: &Credential) -> Value {
    let (state, revoked) = match credential.state {
        CredentialState::Live => ("live", None),
        CredentialState::Revoked { at } => ("revoked", Some(at.to_rfc3339())),
        CredentialState::Spent => ("spent", None),
    };
    let mut told = json!({
        "identity": credential.identity.as_str(),
        "name": &*credential.name,
        "kind": credential.kind.as_str(),
        "environment": credential.environment.as_str(),
        "sources": credential.sources.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "created": credential.created.to_rfc3339(),
        "expires": credential.expires.map(Time::to_rfc3339),
        "state": state,
        "revoked": revoked,
    });
    if let (Some(task), Some(members)) = (&credential.task, told.as_object_mut()) {
        members.insert("task".to_owned(), task.as_str().into());
    }
    told
}

/// A new credential, as it is on record from now on.
pub(crate) fn live(new: NewCredential, now: Time) -> Credential {
    Credential {
        id: new.id,
        identity: new.identity,
        name: new.name,
        kind: new.kind,
        environment: new.environment,
        sources: new.sources,
        hash: Some(new.hash),
        binding: None,
        created: now,
        expires: Some(new.expires),
        warn_from: None,
        task: new.task,
        state: CredentialState::Live,
    }
}

/// A credential to put on record, who had a hand in arming it, and its secret where it is kept.
pub(crate) struct Issuing {
    pub(crate) new: NewCredential,
    pub(crate) armers: Armers,
    pub(crate) sealed: Option<Sealed>,
}

/// Puts a credential on record within a change under way.
pub(crate) async fn issue(writing: &mut Writing, actor: &Actor, issuing: Issuing) -> Result<StoredCredential, StoreFault> {
    let Issuing { new, armers, sealed } = issuing;
    let max = crate::issue::issuable(&new, sealed.as_ref(), writing.now)?;
    if let Some(task) = &new.task {
        task::is_of(writing, task, &new.identity).await?;
    }
    let (count,): (i64,) = query(sql::CREDENTIALS_LIVE)
        .bind(new.identity.as_str())
        .bind(&*new.name)
        .bind(new.kind.as_str())
        .bind(writing.now.as_micros())
        .bind(new.task.as_ref().map_or("", TaskId::as_str))
        .one(writing.conn())
        .await?;
    if count >= i64::from(max) {
        let name = format!("{}/{}", new.identity, new.name);
        return Err(StoreFault::Limit { what: "identity entry", name, of: "credentials", max });
    }
    let seq = writing.allocate(1).await?;
    let sources = Value::from(new.sources.iter().map(ToString::to_string).collect::<Vec<_>>());
    let done = query(sql::CREDENTIAL_ISSUE)
        .bind(new.id.as_str())
        .bind(new.identity.as_str())
        .bind(&*new.name)
        .bind(new.kind.as_str())
        .bind(new.environment.as_str())
        .bind(sources.to_string())
        .bind(new.hash.bytes().as_slice())
        .bind(writing.now.as_micros())
        .bind(new.expires.as_micros())
        .bind(signed(seq))
        .bind(armers.text())
        .bind(new.task.as_ref().map(TaskId::as_str))
        .execute(writing.conn())
        .await?;
    if done != 1 {
        return Err(StoreFault::conflict("credential", new.id, "is on record already: make another id"));
    }
    if let Some(sealed) = &sealed {
        let bytes = sealed.checked("credential", new.id.as_str())?;
        query(sql::CREDENTIAL_SEAL).bind(new.id.as_str()).bind(bytes).execute(writing.conn()).await?;
    }
    let credential = live(new, writing.now);
    tell(writing, seq, actor, Act::Issue, None, &credential).await?;
    Ok(StoredCredential { credential, sealed, revision: seq, created_seq: seq })
}

pub(crate) async fn tell(
    writing: &mut Writing,
    seq: u64,
    actor: &Actor,
    act: Act,
    before: Option<&Credential>,
    after: &Credential,
) -> Result<(), StoreFault> {
    let told = Told {
        who: &actor.who,
        reason: &actor.reason,
        subject: Subject::Credential,
        name: after.id.as_str(),
        act,
        before: before.map(told),
        after: Some(told(after)),
    };
    writing.tell(seq, told).await
}

/// The sentence that is true of a credential that cannot be used.
pub(crate) fn unusable(stored: &StoredCredential, now: Time, kind: CredentialKind) -> StoreFault {
    let credential = &stored.credential;
    let why = match Condition::of(credential, now) {
        Condition::Expired => "has expired",
        Condition::Revoked => "was revoked",
        Condition::Spent => "was used already",
        Condition::Live => "is of another kind",
    };
    debug_assert!(Condition::of(credential, now) != Condition::Live || credential.kind != kind);
    StoreFault::conflict("credential", credential.id, why)
}

impl Store {
    /// Puts a credential on record, with whoever had a hand in arming it: the actor and all who stand behind it
    /// ([`Armers`]). An identity that was approved is in use from then on: `active`, in the same change.
    ///
    /// # Errors
    /// `Limit` when as many as [`live_max`] are live for this identity and entry; `Conflict` for an id on record, an
    /// end that is past, a kind that is not issued, more than [`crate::ARMERS_MAX`] who armed one another.
    pub async fn issue_credential(&self, actor: &Actor, new: NewCredential, now: Time) -> Result<StoredCredential, StoreFault> {
        self.issue_with(actor, new, None, now).await
    }

    /// As [`Store::issue_credential`], of one whose secret is kept: it is verified with it.
    ///
    /// # Errors
    /// As there; `Conflict` also for a blob that is empty or too large.
    pub async fn issue_sealed_credential(
        &self,
        actor: &Actor,
        new: NewCredential,
        sealed: Sealed,
        now: Time,
    ) -> Result<StoredCredential, StoreFault> {
        self.issue_with(actor, new, Some(sealed), now).await
    }

    async fn issue_with(
        &self,
        actor: &Actor,
        new: NewCredential,
        sealed: Option<Sealed>,
        now: Time,
    ) -> Result<StoredCredential, StoreFault> {
        let mut writing = Writing::begin(self, now).await?;
        let armers = arming::armed(writing.conn(), actor, &new.identity).await?;
        let stored = arming::issue_in_use(&mut writing, actor, Issuing { new, armers, sealed }).await?;
        writing.commit().await?;
        Ok(stored)
    }

    /// Ends a credential. One that was revoked before stays as it is, with its first date, and nothing is changed.
    ///
    /// # Errors
    /// `NotFound`; `Stale` when the precondition does not hold for one that is not revoked yet; `Busy` when its turn did not
    /// come within [`crate::STOP_WAITS`].
    pub async fn revoke_credential(
        &self,
        actor: &Actor,
        id: &CredentialId,
        expect: Precondition,
        now: Time,
    ) -> Result<StoredCredential, StoreFault> {
        containment::soon(Box::pin(self.revoke_credential_since(actor, id, expect, now, now))).await
    }

    /// As [`Store::revoke_credential`], of one that was ended at `since` although it could not be put on record then. It
    /// waits for its turn.
    ///
    /// # Errors
    /// `NotFound`; `Stale` as there.
    pub async fn revoke_credential_since(
        &self,
        actor: &Actor,
        id: &CredentialId,
        expect: Precondition,
        since: Time,
        now: Time,
    ) -> Result<StoredCredential, StoreFault> {
        let mut writing = Writing::begin(self, now).await?;
        let old = load_one(writing.conn(), id).await?;
        if matches!(old.credential.state, CredentialState::Revoked { .. }) {
            return Ok(old);
        }
        expect.check("credential", id.as_str(), Some(old.revision))?;
        let seq = writing.allocate(1).await?;
        query(sql::CREDENTIAL_REVOKE).bind(id.as_str()).bind(since.as_micros()).bind(signed(seq)).execute(writing.conn()).await?;
        let credential = Credential { state: CredentialState::Revoked { at: since }, ..old.credential.clone() };
        tell(&mut writing, seq, actor, Act::Revoke, Some(&old.credential), &credential).await?;
        writing.commit().await?;
        Ok(StoredCredential { credential, revision: seq, ..old })
    }

    /// Uses a sign-in up and puts the session that it is swapped for on record: both or neither.
    ///
    /// # Errors
    /// `NotFound`; `Conflict` when it was used, has ended or is no sign-in; what [`Store::issue_credential`] says of
    /// the session.
    pub async fn spend_sign_in(
        &self,
        actor: &Actor,
        id: &CredentialId,
        session: NewCredential,
        now: Time,
    ) -> Result<StoredCredential, StoreFault> {
        let mut writing = Writing::begin(self, now).await?;
        let old = load_one(writing.conn(), id).await?;
        let seq = writing.allocate(1).await?;
        let update = query(sql::CREDENTIAL_SPEND).bind(id.as_str()).bind(now.as_micros()).bind(signed(seq));
        if update.execute(writing.conn()).await? != 1 {
            return Err(unusable(&old, now, CredentialKind::SignIn));
        }
        let spent = Credential { state: CredentialState::Spent, ..old.credential.clone() };
        tell(&mut writing, seq, actor, Act::Spend, Some(&old.credential), &spent).await?;
        // Whoever armed the sign-in may be the one who uses it.
        let (armers, _) = arming::of_credential(writing.conn(), id).await?;
        let stored = issue(&mut writing, actor, Issuing { new: session, armers, sealed: None }).await?;
        writing.commit().await?;
        Ok(stored)
    }

    /// Gives a session that is still good until `expires`.
    ///
    /// # Errors
    /// `NotFound`; `Conflict` when it has ended or is no session, or when `expires` is not later than its end is now.
    pub async fn renew_session(&self, actor: &Actor, id: &CredentialId, expires: Time, now: Time) -> Result<StoredCredential, StoreFault> {
        let mut writing = Writing::begin(self, now).await?;
        let old = load_one(writing.conn(), id).await?;
        if old.credential.expires.is_some_and(|end| expires <= end) {
            return Err(StoreFault::conflict("session", id, "cannot be renewed any further: sign in again"));
        }
        let seq = writing.allocate(1).await?;
        let update = query(sql::CREDENTIAL_RENEW).bind(id.as_str()).bind(now.as_micros()).bind(expires.as_micros()).bind(signed(seq));
        if update.execute(writing.conn()).await? != 1 {
            return Err(unusable(&old, now, CredentialKind::Session));
        }
        let credential = Credential { expires: Some(expires), ..old.credential.clone() };
        tell(&mut writing, seq, actor, Act::Renew, Some(&old.credential), &credential).await?;
        writing.commit().await?;
        Ok(StoredCredential { credential, revision: seq, ..old })
    }

    /// Credentials that a filter lets through, in the order they were issued.
    ///
    /// # Errors
    /// When the database fails or holds what cannot be read.
    pub async fn credentials(&self, filter: &CredentialFilter) -> Result<Vec<StoredCredential>, StoreFault> {
        load(&mut self.reader.acquire().await?, filter).await
    }

    /// One credential.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn credential(&self, id: &CredentialId) -> Result<StoredCredential, StoreFault> {
        load_one(&mut self.reader.acquire().await?, id).await
    }
}

#[cfg(test)]
mod tests;
