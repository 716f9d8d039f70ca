//! Resources: what was declared. Files and the API own it; what happens to a thing is its status.

use crate::{
    Store, StoreFault,
    feed::{Act, Actor, Subject, Told, Who, Writing, signed, unsigned},
    sql, status,
};
use serde_json::Value;
use sqlx::SqliteConnection;
use std::{
    collections::{BTreeMap, HashSet},
    fmt,
};
use wardgate_model::{
    id::{NameError, PolicyName},
    inventory::IdentityState,
    resource::Kind,
    time::Time,
};

/// What a resource is called: a kind, and a name within it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ResourceId {
    kind: Kind,
    name: Box<str>,
}

impl ResourceId {
    /// Checks the name.
    ///
    /// # Errors
    /// Says what is wrong with it.
    pub fn parse(kind: Kind, name: &str) -> Result<Self, NameError> {
        // Every kind of name has the same grammar; policies are one of them.
        PolicyName::parse(name).map(|name| Self { kind, name: name.as_str().into() })
    }

    /// The kind.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        self.kind
    }

    /// The name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl fmt::Display for ResourceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.kind, self.name)
    }
}

/// Where a resource comes from, and so who may change it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// A file in a watched directory.
    File(Box<str>),
    /// The management API.
    Api,
    /// This program itself.
    Shipped,
}

impl Origin {
    /// Reads what [`fmt::Display`] writes.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "api" => Some(Self::Api),
            "shipped" => Some(Self::Shipped),
            _ => text.strip_prefix("file:").map(|path| Self::File(path.into())),
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(f, "file:{path}"),
            Self::Api => f.write_str("api"),
            Self::Shipped => f.write_str("shipped"),
        }
    }
}

/// A resource on record.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredResource {
    /// What it is called.
    pub id: ResourceId,
    /// What was declared.
    pub spec: Value,
    /// Where it comes from.
    pub origin: Origin,
    /// The number of its last change: never repeats, also not when it is removed and made again.
    pub revision: u64,
    /// The number of the change that made it.
    pub created_seq: u64,
}

/// A document found in a watched directory.
#[derive(Debug, Clone, PartialEq)]
pub struct FileDocument {
    /// What it declares.
    pub id: ResourceId,
    /// What it says, normalised: equal documents are equal values.
    pub spec: Value,
    /// The file it stands in.
    pub file: Box<str>,
}

/// What taking over the watched directories did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Applied {
    /// Not there before.
    pub created: usize,
    /// With another spec.
    pub updated: usize,
    /// The same spec, from another file.
    pub moved: usize,
    /// Not in any file any more.
    pub removed: usize,
    /// As they were.
    pub unchanged: usize,
    /// The number of the last change, here or before.
    pub seq: u64,
}

/// What must be true of the thing for a change to be made (`If-Match`, `If-None-Match: *`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Precondition {
    /// Nothing.
    Any,
    /// It is not there yet.
    Absent,
    /// It is at this revision.
    Revision(u64),
}

impl Precondition {
    pub(crate) fn check(self, what: &'static str, name: &str, revision: Option<u64>) -> Result<(), StoreFault> {
        let holds = match self {
            Self::Any => true,
            Self::Absent => revision.is_none(),
            Self::Revision(wanted) => revision == Some(wanted),
        };
        if holds { Ok(()) } else { Err(StoreFault::Stale { what, name: name.to_owned() }) }
    }
}

#[derive(sqlx::FromRow)]
struct ResourceRow {
    kind: String,
    name: String,
    spec: String,
    origin: String,
    revision: i64,
    created_seq: i64,
}

impl ResourceRow {
    fn read(self) -> Result<StoredResource, StoreFault> {
        let corrupt = |why: String| StoreFault::corrupt("resource", format!("{}/{}", self.kind, self.name), why);
        let kind = Kind::parse(&self.kind).ok_or_else(|| corrupt("unknown kind".into()))?;
        Ok(StoredResource {
            id: ResourceId::parse(kind, &self.name).map_err(|e| corrupt(e.to_string()))?,
            spec: serde_json::from_str(&self.spec).map_err(|e| corrupt(e.to_string()))?,
            origin: Origin::parse(&self.origin).ok_or_else(|| corrupt(format!("unknown origin `{}`", self.origin)))?,
            revision: unsigned(self.revision),
            created_seq: unsigned(self.created_seq),
        })
    }
}

pub(crate) async fn load(conn: &mut SqliteConnection) -> Result<Vec<StoredResource>, StoreFault> {
    let rows: Vec<ResourceRow> = sqlx::query_as(sql::RESOURCES).fetch_all(conn).await?;
    rows.into_iter().map(ResourceRow::read).collect()
}

pub(crate) async fn load_one(conn: &mut SqliteConnection, id: &ResourceId) -> Result<Option<StoredResource>, StoreFault> {
    let row: Option<ResourceRow> = sqlx::query_as(sql::RESOURCE).bind(id.kind.as_str()).bind(&*id.name).fetch_optional(conn).await?;
    row.map(ResourceRow::read).transpose()
}

/// One step of bringing the record to what the files say.
enum Step<'a> {
    Create(&'a FileDocument),
    Update(&'a FileDocument, StoredResource),
    Remove(StoredResource),
}

/// What has to be done, in a stable order, and what is fine as it is.
fn plan(documents: &[FileDocument], existing: Vec<StoredResource>) -> Result<(Vec<Step<'_>>, Applied), StoreFault> {
    let from_files = existing.iter().filter(|r| matches!(r.origin, Origin::File(_))).count();
    if documents.is_empty() && from_files > 0 {
        return Err(StoreFault::EmptySources { existing: from_files });
    }
    let mut rest: BTreeMap<ResourceId, StoredResource> = existing.into_iter().map(|r| (r.id.clone(), r)).collect();
    let mut seen = HashSet::with_capacity(documents.len());
    let mut applied = Applied::default();
    let mut steps = Vec::new();
    for document in documents {
        if !seen.insert(&document.id) {
            return Err(StoreFault::conflict("resource", &document.id, format!("stands twice, the second time in `{}`", document.file)));
        }
        let Some(old) = rest.remove(&document.id) else {
            applied.created += 1;
            steps.push(Step::Create(document));
            continue;
        };
        let Origin::File(path) = &old.origin else {
            let why = format!("was made by `{}`, so `{}` cannot declare it: remove one of the two", old.origin, document.file);
            return Err(StoreFault::conflict("resource", &document.id, why));
        };
        match (old.spec == document.spec, **path == *document.file) {
            (true, true) => applied.unchanged += 1,
            (true, false) => applied.moved += 1,
            (false, _) => applied.updated += 1,
        }
        if old.spec != document.spec || **path != *document.file {
            steps.push(Step::Update(document, old));
        }
    }
    for (_, gone) in rest.into_iter().filter(|(_, r)| matches!(r.origin, Origin::File(_))) {
        applied.removed += 1;
        steps.push(Step::Remove(gone));
    }
    Ok((steps, applied))
}

impl Store {
    /// Makes the record say what the watched directories say: all of `documents`, and of what came from files nothing
    /// else. Each change is made by the file it comes from. The same documents again change nothing. The status of a
    /// thing is never touched: one that is new to the record begins `active`, one that comes back is as it was.
    ///
    /// # Errors
    /// No documents at all where there were some; a document twice, or of a name that did not come from a file.
    pub async fn apply_files(&self, documents: &[FileDocument], reason: &str, now: Time) -> Result<Applied, StoreFault> {
        let mut writing = Writing::begin(self, now).await?;
        let (steps, mut applied) = plan(documents, load(writing.conn()).await?)?;
        let count = u32::try_from(steps.len()).map_err(|_| StoreFault::conflict("list of", "documents", "is too long"))?;
        if count > 0 {
            let first = writing.allocate(count).await?;
            for (seq, step) in (first..).zip(steps) {
                apply(&mut writing, seq, step, reason).await?;
            }
        }
        applied.seq = crate::feed::last_seq(writing.conn()).await?;
        writing.commit().await?;
        Ok(applied)
    }

    /// Makes or changes a resource that does not come from a file. An identity that is new begins `requested`, one
    /// that this program ships `active`. The same spec again changes nothing.
    ///
    /// # Errors
    /// It comes from a file, or the precondition does not hold.
    pub async fn put_resource(
        &self,
        actor: &Actor,
        id: &ResourceId,
        spec: &Value,
        expect: Precondition,
        now: Time,
    ) -> Result<StoredResource, StoreFault> {
        let mut writing = Writing::begin(self, now).await?;
        let old = load_one(writing.conn(), id).await?;
        expect.check("resource", &id.to_string(), old.as_ref().map(|r| r.revision))?;
        refuse_file(old.as_ref())?;
        if let Some(old) = &old
            && old.spec == *spec
        {
            return Ok(old.clone());
        }
        let origin = if actor.who == Who::Process { Origin::Shipped } else { Origin::Api };
        let seq = writing.allocate(1).await?;
        let state = if origin == Origin::Shipped { IdentityState::Active } else { IdentityState::Requested };
        save(&mut writing, seq, id, spec, &origin, old.is_some()).await?;
        if id.kind == Kind::Identity {
            status::begin(&mut writing, seq, id.name(), state, &actor.reason).await?;
        }
        let stored = StoredResource {
            id: id.clone(),
            spec: spec.clone(),
            origin,
            revision: seq,
            created_seq: old.as_ref().map_or(seq, |r| r.created_seq),
        };
        let told = Told {
            who: &actor.who,
            reason: &actor.reason,
            subject: Subject::Resource(id.kind),
            name: id.name(),
            act: if old.is_some() { Act::Update } else { Act::Create },
            before: old.map(|r| r.spec),
            after: Some(spec.clone()),
        };
        writing.tell(seq, told).await?;
        writing.commit().await?;
        Ok(stored)
    }

    /// Removes a resource that does not come from a file. Its status stays. Gives the number of the change.
    ///
    /// # Errors
    /// It is not there, comes from a file, or the precondition does not hold.
    pub async fn remove_resource(&self, actor: &Actor, id: &ResourceId, expect: Precondition, now: Time) -> Result<u64, StoreFault> {
        let mut writing = Writing::begin(self, now).await?;
        let old = load_one(writing.conn(), id).await?.ok_or_else(|| StoreFault::missing("resource", id))?;
        expect.check("resource", &id.to_string(), Some(old.revision))?;
        refuse_file(Some(&old))?;
        let seq = writing.allocate(1).await?;
        remove(&mut writing, seq, old, &actor.who, &actor.reason).await?;
        writing.commit().await?;
        Ok(seq)
    }

    /// Every resource, by kind and name.
    ///
    /// # Errors
    /// When the database fails or holds what cannot be read.
    pub async fn resources(&self) -> Result<Vec<StoredResource>, StoreFault> {
        load(&mut *self.reader.acquire().await?).await
    }

    /// The resources of a kind by name, those after `after` (empty: from the first), at most `limit`.
    ///
    /// # Errors
    /// When the database fails or holds what cannot be read.
    pub async fn resources_of(&self, kind: Kind, after: &str, limit: u32) -> Result<Vec<StoredResource>, StoreFault> {
        let query = sqlx::query_as(sql::RESOURCES_PAGE).bind(kind.as_str()).bind(after).bind(i64::from(limit));
        let rows: Vec<ResourceRow> = query.fetch_all(&self.reader).await?;
        rows.into_iter().map(ResourceRow::read).collect()
    }

    /// One resource.
    ///
    /// # Errors
    /// When the database fails or holds what cannot be read.
    pub async fn resource(&self, id: &ResourceId) -> Result<Option<StoredResource>, StoreFault> {
        load_one(&mut *self.reader.acquire().await?, id).await
    }
}

fn refuse_file(old: Option<&StoredResource>) -> Result<(), StoreFault> {
    match old {
        Some(StoredResource { id, origin: Origin::File(path), .. }) => {
            Err(StoreFault::conflict("resource", id, format!("comes from the file `{path}`: change it there")))
        }
        _ => Ok(()),
    }
}

async fn apply(writing: &mut Writing, seq: u64, step: Step<'_>, reason: &str) -> Result<(), StoreFault> {
    let (document, old) = match step {
        Step::Remove(gone) => {
            let who = match &gone.origin {
                Origin::File(path) => Who::File(path.clone()),
                Origin::Api | Origin::Shipped => Who::Process,
            };
            return remove(writing, seq, gone, &who, reason).await;
        }
        Step::Create(document) => (document, None),
        Step::Update(document, old) => (document, Some(old)),
    };
    let origin = Origin::File(document.file.clone());
    save(writing, seq, &document.id, &document.spec, &origin, old.is_some()).await?;
    if old.is_none() && document.id.kind == Kind::Identity {
        status::begin(writing, seq, document.id.name(), IdentityState::Active, reason).await?;
    }
    let act = match &old {
        None => Act::Create,
        Some(old) if old.spec == document.spec => Act::Move,
        Some(_) => Act::Update,
    };
    let told = Told {
        who: &Who::File(document.file.clone()),
        reason,
        subject: Subject::Resource(document.id.kind),
        name: document.id.name(),
        act,
        before: old.map(|r| r.spec),
        after: Some(document.spec.clone()),
    };
    writing.tell(seq, told).await
}

async fn save(writing: &mut Writing, seq: u64, id: &ResourceId, spec: &Value, origin: &Origin, exists: bool) -> Result<(), StoreFault> {
    sqlx::query(if exists { sql::RESOURCE_UPDATE } else { sql::RESOURCE_CREATE })
        .bind(id.kind.as_str())
        .bind(&*id.name)
        .bind(spec.to_string())
        .bind(origin.to_string())
        .bind(signed(seq))
        .execute(writing.conn())
        .await?;
    Ok(())
}

async fn remove(writing: &mut Writing, seq: u64, gone: StoredResource, who: &Who, reason: &str) -> Result<(), StoreFault> {
    sqlx::query(sql::RESOURCE_REMOVE).bind(gone.id.kind.as_str()).bind(gone.id.name()).execute(writing.conn()).await?;
    let told = Told {
        who,
        reason,
        subject: Subject::Resource(gone.id.kind),
        name: gone.id.name(),
        act: Act::Remove,
        before: Some(gone.spec.clone()),
        after: None,
    };
    writing.tell(seq, told).await
}

#[cfg(test)]
mod tests;
