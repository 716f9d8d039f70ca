//! What a gate rests on, as of one moment of the feed: the estate, which is small, and the identities, which are many.

use crate::{
    Store, StoreFault,
    apply::ROWS,
    containment::{self, StoredContainment},
    credential::{self, CredentialRow, StoredCredential},
    database::{Conn, Query, query, query_rows},
    feed, owner,
    owner::StoredOwner,
    resource::{self, ResourceRow, StoredResource},
    secret::{self, StoredSecret},
    sql,
    status::{self, StatusRow, StoredStatus},
};
use std::collections::BTreeMap;
use wardgate_model::{
    credential::{CredentialKind, CredentialState},
    id::IdentityId,
};

/// Everything but the identities and what is theirs.
#[derive(Debug)]
pub struct Estate {
    /// The last change that is in it. Follow the feed from here.
    pub seq: u64,
    /// Every resource but identities, by kind and name.
    pub resources: Vec<StoredResource>,
    /// Every sealed upstream secret.
    pub secrets: Vec<StoredSecret>,
    /// The status of every owner that something happened to.
    pub owners: Vec<StoredOwner>,
    /// Everything that is stopped.
    pub containments: Vec<StoredContainment>,
}

/// All that is on record of one identity.
#[derive(Debug, Clone)]
pub struct IdentityRecord {
    /// Which.
    pub identity: IdentityId,
    /// What is declared; `None`: it was removed, or never was declared.
    pub resource: Option<StoredResource>,
    /// What happened to it; `None`: it never was declared.
    pub status: Option<StoredStatus>,
    /// Its credentials in the order they were issued. Sessions and sign-ins that somebody ended are left out.
    pub credentials: Vec<StoredCredential>,
}

/// Records of identities, as of one moment of the feed.
#[derive(Debug, Clone)]
pub struct IdentityRecords {
    /// The last change that is in them.
    pub seq: u64,
    /// The records, by name.
    pub records: Vec<IdentityRecord>,
}

/// Puts together what three tables have of some identities.
async fn gather<'q>(conn: &mut Conn, wanted: &[IdentityId], asks: [Query<'q>; 3]) -> Result<Vec<IdentityRecord>, StoreFault> {
    let nothing = |id: &IdentityId| IdentityRecord { identity: id.clone(), resource: None, status: None, credentials: Vec::new() };
    let mut records: BTreeMap<IdentityId, IdentityRecord> = wanted.iter().map(|id| (id.clone(), nothing(id))).collect();
    let [resources, statuses, credentials] = asks;
    let resources: Vec<ResourceRow> = resources.all(conn).await?;
    for resource in resource::read(resources)? {
        if let Some(record) = records.get_mut(resource.id.name()) {
            record.resource = Some(resource);
        }
    }
    let statuses: Vec<StatusRow> = statuses.all(conn).await?;
    for status in status::read(statuses)? {
        if let Some(record) = records.get_mut(&status.identity) {
            record.status = Some(status);
        }
    }
    let credentials: Vec<CredentialRow> = credentials.all(conn).await?;
    for credential in credential::read(credentials)? {
        if let Some(record) = records.get_mut(&credential.credential.identity)
            && !is_over(&credential)
        {
            record.credentials.push(credential);
        }
    }
    for record in records.values_mut() {
        record.credentials.sort_by_key(|c| c.created_seq);
    }
    Ok(records.into_values().collect())
}

/// Whether it is of a kind that comes and goes, and gone. A key stays: it is refused for what became of it.
fn is_over(credential: &StoredCredential) -> bool {
    let credential = &credential.credential;
    let passes = matches!(credential.kind, CredentialKind::Session | CredentialKind::SignIn | CredentialKind::BreakGlass);
    passes && credential.state != CredentialState::Live
}

impl Store {
    /// Reads the estate, as of one moment.
    ///
    /// # Errors
    /// When the database fails or holds what cannot be read.
    pub async fn estate(&self) -> Result<Estate, StoreFault> {
        let mut conn = self.reader.begin_reading().await?;
        let estate = Estate {
            seq: feed::last_seq(&mut conn).await?,
            resources: resource::read(query(sql::RESOURCES_BUT_IDENTITIES).all(&mut conn).await?)?,
            secrets: secret::load(&mut conn).await?,
            owners: owner::load(&mut conn).await?,
            containments: containment::load(&mut conn).await?,
        };
        conn.commit().await?;
        Ok(estate)
    }

    /// Reads all that is on record of some identities, as of one moment: a record for each, also when there is nothing.
    ///
    /// # Errors
    /// When the database fails or holds what cannot be read.
    pub async fn identity_records(&self, names: &[IdentityId]) -> Result<IdentityRecords, StoreFault> {
        let mut conn = self.reader.begin_reading().await?;
        let seq = feed::last_seq(&mut conn).await?;
        let mut records = Vec::with_capacity(names.len());
        for names in names.chunks(ROWS) {
            let asks = [sql::IDENTITIES_NAMED, sql::STATUSES_NAMED, sql::CREDENTIALS_OF].map(|text| {
                let ask = query_rows(text, names.len(), 1);
                names.iter().fold(ask, |ask, name| ask.bind(name.as_str()))
            });
            records.extend(gather(&mut conn, names, asks).await?);
        }
        conn.commit().await?;
        records.sort_by(|a, b| a.identity.cmp(&b.identity));
        Ok(IdentityRecords { seq, records })
    }

    /// The records of identities by name, those after `after` (empty: from the first), at most `limit`: of everyone who
    /// ever was on record or was issued something. A page is of one moment, several are not: follow the feed from the
    /// number of the first.
    ///
    /// # Errors
    /// When the database fails or holds what cannot be read.
    pub async fn identities_page(&self, after: &str, limit: u32) -> Result<IdentityRecords, StoreFault> {
        let mut conn = self.reader.begin_reading().await?;
        let seq = feed::last_seq(&mut conn).await?;
        let names: Vec<(String,)> = query(sql::IDENTITIES_PAGE).bind(after).bind(i64::from(limit)).all(&mut conn).await?;
        let names = names.iter().map(|(name,)| IdentityId::parse(name).map_err(|e| StoreFault::corrupt("identity", name, e)));
        let names: Vec<IdentityId> = names.collect::<Result<_, _>>()?;
        let records = match names.last() {
            None => Vec::new(),
            Some(last) => {
                let asks = [sql::IDENTITIES_BETWEEN, sql::STATUSES_BETWEEN, sql::CREDENTIALS_BETWEEN];
                let asks = asks.map(|text| query(text).bind(after).bind(last.as_str()));
                gather(&mut conn, &names, asks).await?
            }
        };
        conn.commit().await?;
        Ok(IdentityRecords { seq, records })
    }

    /// The names of the identities that an owner's resources declare, by name: those after `after`, at most `limit`.
    ///
    /// # Errors
    /// When the database fails or holds what cannot be read.
    pub async fn identities_of(&self, owner: &str, after: &str, limit: u32) -> Result<Vec<IdentityId>, StoreFault> {
        let page = query(sql::IDENTITIES_OF_OWNER).bind(owner).bind(after).bind(i64::from(limit));
        let names: Vec<(String,)> = page.all(&mut self.reader.acquire().await?).await?;
        let names = names.iter().map(|(name,)| IdentityId::parse(name).map_err(|e| StoreFault::corrupt("identity", name, e)));
        names.collect()
    }
}

#[cfg(test)]
mod tests;
