//! Changing what is declared: by the watched directories, by the management API, one or a hundred thousand at a time.

use crate::{
    Store, StoreFault, arming, containment,
    database::{Query, query, query_rows, query_rows_after},
    feed::{self, Act, Actor, Subject, Told, Who, Writing, signed},
    resource::{self, Applied, FileDocument, Origin, Precondition, ResourceId, ResourceRow, StoredResource},
    sql, status,
};
use serde_json::Value;
use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::Arc,
};
use wardgate_model::{contain::Containable, inventory::IdentityState, resource::Kind, time::Time};

/// How many rows go into one statement.
pub(crate) const ROWS: usize = 100;
/// How many changes are well made at a time; with more, whoever wants to revoke something waits noticeably for the one
/// who changes much. A bulk import without a basis is best cut into pieces of this size.
pub const CHANGES_WELL_MADE: usize = 2_000;

/// A wish for one resource.
#[derive(Debug, Clone, PartialEq)]
pub struct ResourceChange {
    /// Which.
    pub id: ResourceId,
    /// What it shall say; `None`: it shall not be there.
    pub spec: Option<Value>,
    /// What must be true of it now.
    pub expect: Precondition,
}

/// One row of the feed to be, and what it does to the record.
struct Row {
    id: ResourceId,
    act: Act,
    before: Option<Value>,
    after: Option<Value>,
    origin: Origin,
    who: Arc<Who>,
}

impl Row {
    fn removing(old: StoredResource, who: Arc<Who>) -> Self {
        Self { id: old.id, act: Act::Remove, before: Some(old.spec), after: None, origin: old.origin, who }
    }

    /// The owner that an identity leaves without anybody having agreed to it: a file gives it to another, or it goes.
    fn left(&self) -> Option<&str> {
        let owner = |spec: &Option<Value>| spec.as_ref().and_then(|spec| spec.get("owner").cloned());
        let alone = matches!(self.origin, Origin::File(_)) || self.act == Act::Remove;
        let leaves = self.id.kind() == Kind::Identity && alone && owner(&self.before) != owner(&self.after);
        self.before.as_ref().filter(|_| leaves)?.get("owner")?.as_str()
    }

    /// The state that an identity begins in which was never on record.
    fn first_state(&self) -> IdentityState {
        match self.origin {
            Origin::File(_) | Origin::Shipped => IdentityState::Active,
            Origin::Api | Origin::Apply => IdentityState::Requested,
        }
    }
}

/// What has to be done, in a stable order, and what is fine as it is.
fn plan(documents: &[FileDocument], existing: Vec<StoredResource>) -> Result<(Vec<Row>, Applied), StoreFault> {
    let from_files = existing.iter().filter(|r| matches!(r.origin, Origin::File(_))).count();
    if documents.is_empty() && from_files > 0 {
        return Err(StoreFault::EmptySources { existing: from_files });
    }
    let mut rest: BTreeMap<ResourceId, StoredResource> = existing.into_iter().map(|r| (r.id.clone(), r)).collect();
    let mut seen = HashSet::with_capacity(documents.len());
    let mut applied = Applied::default();
    let mut rows = Vec::new();
    for document in documents {
        if !seen.insert(&document.id) {
            return Err(StoreFault::conflict("resource", &document.id, format!("stands twice, the second time in `{}`", document.file)));
        }
        let old = rest.remove(&document.id);
        let act = match &old {
            None => Act::Create,
            Some(StoredResource { origin: Origin::File(path), spec, .. }) => match (*spec == document.spec, **path == *document.file) {
                (true, true) => {
                    applied.unchanged += 1;
                    continue;
                }
                (true, false) => Act::Move,
                (false, _) => Act::Update,
            },
            Some(old) => {
                let why = format!("was made by `{}`, so `{}` cannot declare it: remove one of the two", old.origin, document.file);
                return Err(StoreFault::conflict("resource", &document.id, why));
            }
        };
        count(&mut applied, act);
        rows.push(Row {
            id: document.id.clone(),
            act,
            before: old.map(|r| r.spec),
            after: Some(document.spec.clone()),
            origin: Origin::File(document.file.clone()),
            who: Arc::new(Who::File(document.file.clone())),
        });
    }
    for (_, gone) in rest {
        if let Origin::File(path) = &gone.origin {
            let who = Arc::new(Who::File(path.clone()));
            count(&mut applied, Act::Remove);
            rows.push(Row::removing(gone, who));
        }
    }
    Ok((rows, applied))
}

fn count(applied: &mut Applied, act: Act) {
    match act {
        Act::Create => applied.created += 1,
        Act::Update => applied.updated += 1,
        Act::Move => applied.moved += 1,
        _ => applied.removed += 1,
    }
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
        let mut existing = resource::read(query(sql::RESOURCES_FROM_FILES).all(writing.conn()).await?)?;
        let known: HashSet<ResourceId> = existing.iter().map(|r| r.id.clone()).collect();
        let others: Vec<&ResourceId> = documents.iter().map(|d| &d.id).filter(|id| !known.contains(*id)).collect();
        existing.extend(named(&mut writing, &others).await?.into_values());
        let (rows, mut applied) = plan(documents, existing)?;
        carry_out(&mut writing, rows, reason).await?;
        applied.seq = feed::last_seq(writing.conn()).await?;
        writing.commit().await?;
        Ok(applied)
    }

    /// Makes changes to resources that do not come from files: all of them or none. An identity that is new begins
    /// `requested`, one that this program ships `active`; the status of one that comes back is as it was. A spec that
    /// is so already changes nothing.
    ///
    /// With a `basis`, nothing is done when a resource was changed after that number of the feed. With very many
    /// changes and no basis, cut them into pieces as [`crate::Pace`] says: there is one writer at a time, and a
    /// revocation would wait for all of them.
    ///
    /// # Errors
    /// One comes from a file, stands twice, is to be removed and not there; a precondition or the basis does not hold.
    pub async fn change_resources(
        &self,
        actor: &Actor,
        changes: &[ResourceChange],
        basis: Option<u64>,
        now: Time,
    ) -> Result<Applied, StoreFault> {
        let mut writing = Writing::begin(self, now).await?;
        let applied = change(&mut writing, actor, changes, basis, &made_by(actor)).await?;
        writing.commit().await?;
        Ok(applied)
    }

    /// As [`Store::change_resources`], for documents that were applied as a whole: they, and no others, are removed
    /// again when a later apply that prunes does not have them.
    ///
    /// # Errors
    /// As [`Store::change_resources`].
    pub async fn apply_resources(
        &self,
        actor: &Actor,
        changes: &[ResourceChange],
        basis: Option<u64>,
        now: Time,
    ) -> Result<Applied, StoreFault> {
        let mut writing = Writing::begin(self, now).await?;
        let applied = change(&mut writing, actor, changes, basis, &Origin::Apply).await?;
        writing.commit().await?;
        Ok(applied)
    }

    /// Makes or changes a resource that does not come from a file: [`Store::change_resources`] of one.
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
        let wish = ResourceChange { id: id.clone(), spec: Some(spec.clone()), expect };
        let mut writing = Writing::begin(self, now).await?;
        change(&mut writing, actor, std::slice::from_ref(&wish), None, &made_by(actor)).await?;
        let stored = resource::load_one(writing.conn(), id).await?.ok_or_else(|| StoreFault::missing("resource", id))?;
        writing.commit().await?;
        Ok(stored)
    }

    /// Removes a resource that does not come from a file. Its status stays. Gives the number of the change.
    ///
    /// # Errors
    /// It is not there, comes from a file, or the precondition does not hold.
    pub async fn remove_resource(&self, actor: &Actor, id: &ResourceId, expect: Precondition, now: Time) -> Result<u64, StoreFault> {
        let change = ResourceChange { id: id.clone(), spec: None, expect };
        Ok(self.change_resources(actor, std::slice::from_ref(&change), None, now).await?.seq)
    }
}

/// Where a resource comes from that somebody changes by itself.
fn made_by(actor: &Actor) -> Origin {
    if actor.who == Who::Process { Origin::Shipped } else { Origin::Api }
}

/// Makes changes within a change under way.
async fn change(
    writing: &mut Writing,
    actor: &Actor,
    changes: &[ResourceChange],
    basis: Option<u64>,
    origin: &Origin,
) -> Result<Applied, StoreFault> {
    if let Some(basis) = basis {
        let later: Option<(i64,)> = query(sql::RESOURCE_CHANGED_AFTER).bind(signed(basis)).maybe(writing.conn()).await?;
        if later.is_some() {
            return Err(StoreFault::Stale { what: "list of", name: "resources".to_owned() });
        }
    }
    writing.behind = arming::behind(writing.conn(), actor).await?;
    let ids: Vec<&ResourceId> = changes.iter().map(|c| &c.id).collect();
    let mut existing = named(writing, &ids).await?;
    let (mut applied, mut rows, mut seen) = (Applied::default(), Vec::new(), HashSet::with_capacity(changes.len()));
    let who = Arc::new(actor.who.clone());
    for change in changes {
        if !seen.insert(&change.id) {
            return Err(StoreFault::conflict("resource", &change.id, "stands twice"));
        }
        match row(change, existing.remove(&change.id), origin, &who)? {
            None => applied.unchanged += 1,
            Some(row) => {
                count(&mut applied, row.act);
                rows.push(row);
            }
        }
    }
    carry_out(writing, rows, &actor.reason).await?;
    applied.seq = feed::last_seq(writing.conn()).await?;
    Ok(applied)
}

/// What a wish comes to; `None` when it is so already.
fn row(change: &ResourceChange, old: Option<StoredResource>, origin: &Origin, who: &Arc<Who>) -> Result<Option<Row>, StoreFault> {
    if change.spec.is_none() && old.is_none() {
        return Err(StoreFault::missing("resource", &change.id));
    }
    change.expect.check("resource", &change.id.to_string(), old.as_ref().map(|r| r.revision))?;
    if let Some(StoredResource { id, origin: Origin::File(path), .. }) = &old {
        return Err(StoreFault::conflict("resource", id, format!("comes from the file `{path}`: change it there")));
    }
    let (Some(spec), who) = (&change.spec, Arc::clone(who)) else {
        return Ok(old.map(|old| Row::removing(old, Arc::clone(who))));
    };
    // Who applies as a whole takes over; who changes one thing does not.
    let origin = match (origin, &old) {
        (Origin::Api, Some(old)) => old.origin.clone(),
        _ => origin.clone(),
    };
    let act = match &old {
        None => Act::Create,
        Some(old) if old.spec != *spec => Act::Update,
        Some(old) if old.origin != origin => Act::Move,
        Some(_) => return Ok(None),
    };
    Ok(Some(Row { id: change.id.clone(), act, before: old.map(|r| r.spec), after: Some(spec.clone()), origin, who }))
}

/// Names by their kind, a statement's worth of one kind at a time: so each is found by its index.
fn by_kind<'a>(ids: impl IntoIterator<Item = &'a ResourceId>) -> Vec<(Kind, Vec<&'a str>)> {
    let mut kinds: BTreeMap<Kind, Vec<&str>> = BTreeMap::new();
    for id in ids {
        kinds.entry(id.kind()).or_default().push(id.name());
    }
    let pieces = kinds.iter().flat_map(|(kind, names)| names.chunks(ROWS).map(|names| (*kind, names.to_vec())));
    pieces.collect()
}

/// A statement about resources of one kind by their names.
fn about<'q>(text: &'static str, kind: Kind, names: &[&'q str]) -> Query<'q> {
    let query = query_rows_after(text, 1, names.len(), 1).bind(kind.as_str());
    names.iter().fold(query, |query, name| query.bind(*name))
}

/// Those of the named resources that are on record.
async fn named(writing: &mut Writing, ids: &[&ResourceId]) -> Result<HashMap<ResourceId, StoredResource>, StoreFault> {
    let mut found = HashMap::with_capacity(ids.len());
    for (kind, names) in by_kind(ids.iter().copied()) {
        let rows: Vec<ResourceRow> = about(sql::RESOURCES_NAMED, kind, &names).all(writing.conn()).await?;
        found.extend(resource::read(rows)?.into_iter().map(|r| (r.id.clone(), r)));
    }
    Ok(found)
}

/// Does what the rows say and tells of it.
async fn carry_out(writing: &mut Writing, rows: Vec<Row>, reason: &str) -> Result<(), StoreFault> {
    let total = u32::try_from(rows.len()).map_err(|_| StoreFault::conflict("list of", "documents", "is too long"))?;
    if total == 0 {
        return Ok(());
    }
    hold(writing, &rows).await?;
    let first = writing.allocate(total).await?;
    let mut rows = rows.into_iter();
    let mut seq = first;
    let mut identities = false;
    loop {
        let chunk: Vec<(u64, Row)> = (seq..).zip(rows.by_ref().take(ROWS)).collect();
        let Some((last, _)) = chunk.last() else { break };
        seq = last + 1;
        save(writing, &chunk).await?;
        remove(writing, &chunk).await?;
        let born: Vec<_> = chunk.iter().filter(|(_, row)| row.act == Act::Create && row.id.kind() == Kind::Identity).collect();
        if !born.is_empty() {
            identities = true;
            let births = born.iter().map(|(seq, row)| status::Birth {
                seq: *seq,
                name: row.id.name(),
                state: row.first_state(),
                requester: &row.who,
            });
            status::begin(writing, births, reason).await?;
        }
        let told = chunk.iter().map(|(seq, row)| {
            let told = Told {
                who: &row.who,
                reason,
                subject: Subject::Resource(row.id.kind()),
                name: row.id.name(),
                act: row.act,
                before: row.before.clone(),
                after: row.after.clone(),
            };
            (*seq, told)
        });
        writing.tell_all(told).await?;
    }
    if identities {
        // One that was contained before it was ever declared is born contained.
        query(sql::STATUS_BORN_CONTAINED).bind(signed(first)).execute(writing.conn()).await?;
    }
    Ok(())
}

/// INVARIANT (containment): no file and no removal lets anybody leave an owner that is contained. Whoever does, is
/// contained by its own name.
async fn hold(writing: &mut Writing, rows: &[Row]) -> Result<(), StoreFault> {
    let mut contained: HashMap<&str, bool> = HashMap::new();
    for (row, owner) in rows.iter().filter_map(|row| Some((row, row.left()?))) {
        if !contained.contains_key(owner) {
            let found = containment::find(writing.conn(), Containable::Owner, owner).await?;
            contained.insert(owner, found.is_some());
        }
        if contained.get(owner) == Some(&true) {
            let actor = Actor::new(Who::clone(&row.who), format!("it left the owner `{owner}`, who is contained"));
            containment::stop(writing, &actor, Containable::Identity, row.id.name()).await?;
        }
    }
    Ok(())
}

async fn save(writing: &mut Writing, chunk: &[(u64, Row)]) -> Result<(), StoreFault> {
    let count = chunk.iter().filter(|(_, row)| row.after.is_some()).count();
    if count == 0 {
        return Ok(());
    }
    let mut query = query_rows(sql::RESOURCES_SAVE, count, 7);
    for (seq, row) in chunk {
        let Some(spec) = &row.after else { continue };
        let id = &row.id;
        query = query.bind(id.kind().as_str()).bind(id.name()).bind(spec.to_string()).bind(row.origin.to_string());
        query = query.bind(spec.get("owner").and_then(Value::as_str));
        query = query.bind(signed(*seq)).bind(signed(*seq));
    }
    query.execute(writing.conn()).await.map(drop)
}

async fn remove(writing: &mut Writing, chunk: &[(u64, Row)]) -> Result<(), StoreFault> {
    let gone = chunk.iter().filter(|(_, row)| row.after.is_none()).map(|(_, row)| &row.id);
    for (kind, names) in by_kind(gone) {
        about(sql::RESOURCES_REMOVE, kind, &names).execute(writing.conn()).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
