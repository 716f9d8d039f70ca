//! The feed of changes: every change is one transaction, and every transaction tells what it did.

use crate::{
    Store, StoreFault,
    arming::{Armers, Behind},
    database::{Conn, query, query_rows},
    dialect, sql,
};
use serde_json::Value;
use std::fmt;
use wardgate_model::{
    id::{CredentialId, IdentityId},
    resource::Kind,
    time::Time,
};

/// Most changes that one reading of the feed gives.
pub const CHANGES_MAX: u32 = 1_000;

/// Who acts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Who {
    /// A caller of the management API.
    Identity(IdentityId),
    /// A file in a watched directory, by its path.
    File(Box<str>),
    /// This program itself: what it ships, the first sign-in.
    Process,
}

impl fmt::Display for Who {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Identity(id) => write!(f, "{id}"),
            Self::File(path) => write!(f, "file:{path}"),
            // No identity is named so: a name has no brackets.
            Self::Process => f.write_str("<process>"),
        }
    }
}

/// Who makes a change, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor {
    /// Who.
    pub who: Who,
    /// Why, in the actor's own words; may be empty.
    pub reason: Box<str>,
    /// What stands behind it.
    pub behind: Behind,
}

impl Actor {
    /// An actor with a reason, and nothing behind it.
    pub fn new(who: Who, reason: impl Into<Box<str>>) -> Self {
        Self { who, reason: reason.into(), behind: Behind::Nothing }
    }

    /// By the credential that it showed: whoever armed that one stands behind the actor.
    #[must_use]
    pub fn by(self, credential: CredentialId) -> Self {
        Self { behind: Behind::Credential(credential), ..self }
    }

    /// With those who stand behind it, as they were kept.
    #[must_use]
    pub fn armed_by(self, armers: Armers) -> Self {
        Self { behind: Behind::Armers(armers), ..self }
    }
}

/// What a change is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Subject {
    /// A resource's spec.
    Resource(Kind),
    /// The status of an identity: its state, its claim.
    Status,
    /// A credential.
    Credential,
    /// An upstream secret.
    Secret,
    /// A key that Wardgate signs with.
    SigningKey,
    /// What happens to an owner: departed, back, attested.
    OwnerStatus,
    /// Something that is stopped.
    Containment,
    /// An act that waits for a second person.
    Approval,
    /// A caller that nobody has on record.
    Discovery,
    /// A task.
    Task,
    /// Something that is announced.
    Announcement,
    /// An identity that was made for a rehearsal.
    Rehearsal,
}

impl Subject {
    /// The word for it: the kind's own name, or one that no kind has.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Resource(kind) => kind.as_str(),
            Self::Status => "status",
            Self::Credential => "credential",
            Self::Secret => "secret",
            Self::SigningKey => "signing_key",
            Self::OwnerStatus => "owner_status",
            Self::Containment => "containment",
            Self::Approval => "approval",
            Self::Discovery => "discovery",
            Self::Task => "task",
            Self::Announcement => "announcement",
            Self::Rehearsal => "rehearsal",
        }
    }

    /// Reads the word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        match word {
            "status" => Some(Self::Status),
            "credential" => Some(Self::Credential),
            "secret" => Some(Self::Secret),
            "signing_key" => Some(Self::SigningKey),
            "owner_status" => Some(Self::OwnerStatus),
            "containment" => Some(Self::Containment),
            "approval" => Some(Self::Approval),
            "discovery" => Some(Self::Discovery),
            "task" => Some(Self::Task),
            "announcement" => Some(Self::Announcement),
            "rehearsal" => Some(Self::Rehearsal),
            kind => Kind::parse(kind).map(Self::Resource),
        }
    }
}

macro_rules! acts {
    ($($(#[$doc:meta])* $variant:ident = $word:literal,)*) => {
        /// What was done.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Act { $($(#[$doc])* $variant,)* }

        impl Act {
            /// Every act.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The word for it.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word,)* }
            }

            /// Reads the word.
            #[must_use]
            pub fn parse(word: &str) -> Option<Self> {
                match word { $($word => Some(Self::$variant),)* _ => None }
            }
        }
    };
}

acts! {
    /// It was not there before.
    Create = "create",
    /// Its spec is another.
    Update = "update",
    /// The same spec now comes from another file.
    Move = "move",
    /// It is gone.
    Remove = "remove",
    /// A credential was issued.
    Issue = "issue",
    /// A credential was ended.
    Revoke = "revoke",
    /// A single-use credential was used.
    Spend = "spend",
    /// A session was given more time.
    Renew = "renew",
    /// Sealed material was put in place, or replaced.
    Put = "put",
    /// A key is not used any more.
    Retire = "retire",
    /// An identity is in another state of its life.
    State = "state",
    /// An identity's claim is overdue, or not any more.
    Claim = "claim",
    /// It is stopped.
    Contain = "contain",
    /// It is not stopped any more.
    Release = "release",
    /// Nobody answers for what an owner owns any more.
    Depart = "depart",
    /// Somebody does again.
    Return = "return",
    /// An owner said that what it owns is as it should be.
    Attest = "attest",
    /// A credential is being replaced by another.
    Rotate = "rotate",
    /// A credential ends earlier.
    Shorten = "shorten",
    /// An act waits for a second person.
    Ask = "ask",
    /// A second person agreed.
    Approve = "approve",
    /// A second person did not.
    Deny = "deny",
    /// Nobody decided in time.
    Lapse = "lapse",
    /// An unknown caller was seen.
    Discover = "discover",
    /// It is nobody's, and stays so.
    Reject = "reject",
    /// The next version of a secret lies ready.
    Stage = "stage",
    /// The version that lay ready is the one in use.
    Promote = "promote",
    /// The version before is forgotten.
    Settle = "settle",
    /// The version before is in use again, or the one that lay ready is forgotten.
    Revert = "revert",
    /// It is announced.
    Announce = "announce",
}

/// One row of the feed. Never holds a secret, a hash or a sealed blob.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// Its number; they grow, and become visible in their own order.
    pub seq: u64,
    /// When.
    pub time: Time,
    /// Who, as [`Who`] prints it.
    pub actor: Box<str>,
    /// About what.
    pub subject: Subject,
    /// The name or id of it.
    pub name: Box<str>,
    /// What was done.
    pub act: Act,
    /// Why, in the actor's words.
    pub reason: Box<str>,
    /// What it was.
    pub before: Option<Value>,
    /// What it is.
    pub after: Option<Value>,
}

/// Which changes to read.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ChangeFilter {
    /// Only those with a higher number.
    pub since: u64,
    /// Only about this.
    pub subject: Option<Subject>,
    /// Only about what has this name.
    pub name: Option<Box<str>>,
    /// At most so many; never more than [`CHANGES_MAX`].
    pub limit: u32,
}

#[derive(sqlx::FromRow)]
pub(crate) struct ChangeRow {
    seq: i64,
    time_us: i64,
    actor: String,
    subject: String,
    name: String,
    act: String,
    reason: String,
    before: Option<String>,
    after: Option<String>,
}

impl ChangeRow {
    pub(crate) fn read(self) -> Result<Change, StoreFault> {
        let seq = self.seq;
        let corrupt = |why: String| StoreFault::corrupt("change", seq, why);
        let json = |text: Option<String>| text.map(|t| serde_json::from_str(&t)).transpose().map_err(|e| corrupt(e.to_string()));
        Ok(Change {
            seq: unsigned(self.seq),
            time: Time::from_micros(self.time_us),
            actor: self.actor.into(),
            subject: Subject::parse(&self.subject).ok_or_else(|| corrupt(format!("unknown subject `{}`", self.subject)))?,
            name: self.name.into(),
            act: Act::parse(&self.act).ok_or_else(|| corrupt(format!("unknown act `{}`", self.act)))?,
            reason: self.reason.into(),
            before: json(self.before)?,
            after: json(self.after)?,
        })
    }
}

/// A sequence number as the database keeps it. They begin at 1 and only grow, so the conversion never cuts.
pub(crate) fn unsigned(seq: i64) -> u64 {
    u64::try_from(seq).unwrap_or(0)
}

/// The other way; what is too large for the database is larger than anything in it.
pub(crate) fn signed(seq: u64) -> i64 {
    i64::try_from(seq).unwrap_or(i64::MAX)
}

/// A change under way: a transaction, and what it will tell. Dropped without [`Writing::commit`], nothing happened.
pub(crate) struct Writing {
    conn: Conn,
    pub(crate) now: Time,
    grown: tokio::sync::watch::Sender<u64>,
    last: u64,
    /// Who had a hand in arming whoever makes it.
    pub(crate) behind: Armers,
}

/// What a change tells of itself.
pub(crate) struct Told<'a> {
    pub(crate) who: &'a Who,
    pub(crate) reason: &'a str,
    pub(crate) subject: Subject,
    pub(crate) name: &'a str,
    pub(crate) act: Act,
    pub(crate) before: Option<Value>,
    pub(crate) after: Option<Value>,
}

impl Writing {
    /// Begins a change. INVARIANT (commit order): from here to commit nobody else can: SQLite locks the database, on
    /// PostgreSQL the counter's row is locked.
    pub(crate) async fn begin(store: &Store, now: Time) -> Result<Self, StoreFault> {
        store.still_there()?;
        let mut conn = store.writer.begin_writing().await?;
        if conn.is_postgres() {
            query(dialect::POSTGRES_LOCK).one::<(i64,)>(&mut conn).await?;
        }
        Ok(Self { conn, now, grown: store.grown.clone(), last: 0, behind: Armers::default() })
    }

    pub(crate) const fn conn(&mut self) -> &mut Conn {
        &mut self.conn
    }

    /// Allocates `count` numbers and gives the first.
    pub(crate) async fn allocate(&mut self, count: u32) -> Result<u64, StoreFault> {
        let (last,): (i64,) = query(sql::COUNTER_ADVANCE).bind(i64::from(count)).one(&mut self.conn).await?;
        self.last = unsigned(last);
        Ok(unsigned(last - i64::from(count) + 1))
    }

    /// Appends the row `seq` to the feed.
    pub(crate) async fn tell(&mut self, seq: u64, told: Told<'_>) -> Result<(), StoreFault> {
        self.tell_all(std::iter::once((seq, told))).await
    }

    /// Appends rows to the feed; not many more than [`crate::apply::ROWS`] at a time.
    pub(crate) async fn tell_all<'a>(&mut self, all: impl ExactSizeIterator<Item = (u64, Told<'a>)> + Send) -> Result<(), StoreFault> {
        let mut append = query_rows(sql::CHANGE_APPEND, all.len(), 9);
        for (seq, told) in all {
            append = append
                .bind(signed(seq))
                .bind(self.now.as_micros())
                .bind(told.who.to_string())
                .bind(told.subject.as_str())
                .bind(told.name)
                .bind(told.act.as_str())
                .bind(told.reason)
                .bind(told.before.map(|v| v.to_string()))
                .bind(told.after.map(|v| v.to_string()));
        }
        append.execute(&mut self.conn).await?;
        Ok(())
    }

    /// Makes it true, on disk, before it returns.
    pub(crate) async fn commit(mut self) -> Result<(), StoreFault> {
        if self.last > 0 && self.conn.is_postgres() {
            query(dialect::POSTGRES_NOTIFY).bind(self.last.to_string()).one::<(i64,)>(&mut self.conn).await?;
        }
        self.conn.commit().await?;
        self.grown.send_if_modified(|seq| {
            let grew = self.last > *seq;
            *seq = self.last.max(*seq);
            grew
        });
        Ok(())
    }
}

pub(crate) async fn last_seq(conn: &mut Conn) -> Result<u64, StoreFault> {
    let (seq,): (i64,) = query(sql::COUNTER).one(conn).await?;
    Ok(unsigned(seq))
}

impl Store {
    /// The number of the last change; 0 when there was none.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn last_seq(&self) -> Result<u64, StoreFault> {
        last_seq(&mut self.reader.acquire().await?).await
    }

    /// The next changes after `seq`, oldest first, at most `limit` (and [`CHANGES_MAX`]).
    ///
    /// # Errors
    /// When the database fails or holds what cannot be read.
    pub async fn changes_since(&self, seq: u64, limit: u32) -> Result<Vec<Change>, StoreFault> {
        self.changes(&ChangeFilter { since: seq, limit, ..ChangeFilter::default() }).await
    }

    /// Changes that a filter lets through, oldest first.
    ///
    /// # Errors
    /// When the database fails or holds what cannot be read.
    pub async fn changes(&self, filter: &ChangeFilter) -> Result<Vec<Change>, StoreFault> {
        let of_one = filter.subject.is_some() && filter.name.is_some();
        let rows: Vec<ChangeRow> = query(if of_one { sql::CHANGES_OF_ONE } else { sql::CHANGES_SINCE })
            .bind(signed(filter.since))
            .bind(filter.subject.map_or("", Subject::as_str))
            .bind(filter.name.as_deref().unwrap_or(""))
            .bind(i64::from(filter.limit.min(CHANGES_MAX)))
            .all(&mut self.reader.acquire().await?)
            .await?;
        rows.into_iter().map(ChangeRow::read).collect()
    }
}

#[cfg(test)]
mod tests;
