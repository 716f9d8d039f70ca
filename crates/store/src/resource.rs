//! Resources: what was declared. Files and the API own it; what happens to a thing is its status.

use crate::{
    Store, StoreFault,
    database::{Conn, query},
    feed::unsigned,
    sql,
};
use serde_json::Value;
use std::fmt;
use wardgate_model::{
    id::{NameError, PolicyName},
    resource::Kind,
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
    /// The management API, one resource at a time.
    Api,
    /// The management API's `apply`: pruned by it when it is not declared any more.
    Apply,
    /// This program itself.
    Shipped,
}

impl Origin {
    /// Reads what [`fmt::Display`] writes.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "api" => Some(Self::Api),
            "apply" => Some(Self::Apply),
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
            Self::Apply => f.write_str("apply"),
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
pub(crate) struct ResourceRow {
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

pub(crate) fn read(rows: Vec<ResourceRow>) -> Result<Vec<StoredResource>, StoreFault> {
    rows.into_iter().map(ResourceRow::read).collect()
}

pub(crate) async fn load(conn: &mut Conn) -> Result<Vec<StoredResource>, StoreFault> {
    read(query(sql::RESOURCES).all(conn).await?)
}

pub(crate) async fn load_one(conn: &mut Conn, id: &ResourceId) -> Result<Option<StoredResource>, StoreFault> {
    let row: Option<ResourceRow> = query(sql::RESOURCE).bind(id.kind.as_str()).bind(&*id.name).maybe(conn).await?;
    row.map(ResourceRow::read).transpose()
}

impl Store {
    /// Every resource, by kind and name.
    ///
    /// # Errors
    /// When the database fails or holds what cannot be read.
    pub async fn resources(&self) -> Result<Vec<StoredResource>, StoreFault> {
        load(&mut self.reader.acquire().await?).await
    }

    /// The resources of a kind by name, those after `after` (empty: from the first), at most `limit`.
    ///
    /// # Errors
    /// When the database fails or holds what cannot be read.
    pub async fn resources_of(&self, kind: Kind, after: &str, limit: u32) -> Result<Vec<StoredResource>, StoreFault> {
        let page = query(sql::RESOURCES_PAGE).bind(kind.as_str()).bind(after).bind(i64::from(limit));
        read(page.all(&mut self.reader.acquire().await?).await?)
    }

    /// The grants whose spec says the name of an API somewhere; whether they are on it, the spec tells.
    ///
    /// # Errors
    /// When the database fails or holds what cannot be read.
    pub async fn grants_naming(&self, api: &str) -> Result<Vec<StoredResource>, StoreFault> {
        let named = query(sql::GRANTS_NAMING).bind(format!("%{}%", Value::from(api)));
        read(named.all(&mut self.reader.acquire().await?).await?)
    }

    /// The last spec of each resource of a kind that is not on record any more, by name.
    ///
    /// # Errors
    /// When the database fails or holds what cannot be read.
    pub async fn removed_of(&self, kind: Kind) -> Result<Vec<(Box<str>, Value)>, StoreFault> {
        let rows: Vec<(String, Option<String>)> =
            query(sql::RESOURCES_REMOVED).bind(kind.as_str()).all(&mut self.reader.acquire().await?).await?;
        let read = |(name, spec): (String, Option<String>)| {
            let spec = serde_json::from_str(&spec.unwrap_or_default());
            Ok((name.as_str().into(), spec.map_err(|e| StoreFault::corrupt("change of", &name, e))?))
        };
        rows.into_iter().map(read).collect()
    }

    /// One resource.
    ///
    /// # Errors
    /// When the database fails or holds what cannot be read.
    pub async fn resource(&self, id: &ResourceId) -> Result<Option<StoredResource>, StoreFault> {
        load_one(&mut self.reader.acquire().await?, id).await
    }
}

#[cfg(test)]
mod tests;
