//! What APIs had: every operation that this gate has seen in them, kept in the directory of state, so that one that is taken
//! out is known to have been there.

use super::plan::{covers, filled};
use http::Method;
use serde::{Deserialize, Serialize};
use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
};
use wardgate_model::{
    api::{Api, PathTemplate, Target},
    id::ApiName,
    time::Time,
};

/// Its name, in the directory of state.
pub(super) const FILE: &str = "wardgate.operations";
/// Which shape the file has.
const VERSION: u32 = 1;
/// Largest file that is read, in bytes.
const FILE_BYTES_MAX: u64 = 64 << 20;
/// APIs that are remembered; of more, those that are there.
const APIS_MAX: usize = 2_000;
/// Operations of one API that are remembered.
const OPERATIONS_MAX: usize = 5_000;
/// Retired operations of one API that are remembered: the latest.
const RETIRED_MAX: usize = 200;

/// An operation that an API had.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Retired {
    pub(super) method: Method,
    pub(super) template: PathTemplate,
}

impl Retired {
    fn parse(text: &str) -> Option<Self> {
        let (method, template) = text.split_once(' ')?;
        Some(Self { method: method.parse().ok()?, template: PathTemplate::parse(template).ok()? })
    }

    /// The id that it had.
    pub(super) fn id(&self, api: &Api) -> String {
        format!("{} {} {}", api.name, self.method, self.template)
    }
}

/// One API as it was.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Past {
    /// `METHOD TEMPLATE` of each operation when it was last looked at.
    known: BTreeSet<String>,
    /// Those that it has no longer, and since when, in microseconds.
    retired: BTreeMap<String, i64>,
    /// Those that it did not have when it was first looked at, and since when it has them.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    came: BTreeMap<String, i64>,
}

/// The file.
#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Memory {
    wardgate_operations: u32,
    apis: BTreeMap<String, Past>,
}

/// What APIs had.
#[derive(Debug)]
pub(super) struct Known {
    path: PathBuf,
    memory: Memory,
}

impl Known {
    /// As it was kept in this directory. What cannot be read is said, and is as if it had never been: nothing is retired then.
    pub(super) fn open(state: &Path) -> Self {
        let path = state.join(FILE);
        let memory = read(&path).unwrap_or_else(|error| {
            tracing::warn!(file = %path.display(), %error, "which operations APIs had cannot be read: it is remembered anew");
            None
        });
        let memory = memory.unwrap_or_else(|| Memory { wardgate_operations: VERSION, apis: BTreeMap::new() });
        Self { path, memory }
    }

    /// Looks at the APIs as they are now. Gives what to keep, where anything is different.
    pub(super) fn notice(&mut self, apis: &[Arc<Api>], now: Time) -> Option<Keeping> {
        let mut changed = false;
        for api in apis.iter().filter(|api| matches!(api.upstream.target, Target::Http(_))) {
            let name = api.name.as_str();
            if !self.memory.apis.contains_key(name) && self.memory.apis.len() >= APIS_MAX {
                self.memory.apis.retain(|name, _| apis.iter().any(|api| api.name.as_str() == name));
            }
            let past = self.memory.apis.entry(name.to_owned()).or_default();
            let before = past.clone();
            past.notice(api, apis, now);
            changed |= *past != before;
        }
        changed.then(|| Keeping { path: self.path.clone(), bytes: serde_json::to_vec(&self.memory).unwrap_or_default() })
    }

    /// What an API had and has no longer.
    pub(super) fn retired(&self, api: &ApiName) -> Vec<Retired> {
        let past = self.memory.apis.get(api.as_str());
        past.iter().flat_map(|past| past.retired.keys()).filter_map(|text| Retired::parse(text)).collect()
    }

    /// `METHOD TEMPLATE` of what an API did not have when it was first looked at, and since when it has it.
    pub(super) fn came(&self, api: &ApiName) -> HashMap<String, Time> {
        let past = self.memory.apis.get(api.as_str());
        past.iter().flat_map(|past| &past.came).map(|(text, since)| (text.clone(), Time::from_micros(*since))).collect()
    }
}

impl Past {
    fn notice(&mut self, api: &Api, apis: &[Arc<Api>], now: Time) {
        let name = |operation: &wardgate_model::api::Operation| format!("{} {}", operation.method, operation.template);
        let current: BTreeSet<String> = api.operations.iter().take(OPERATIONS_MAX).map(|operation| name(operation)).collect();
        if !self.known.is_empty() {
            for new in current.difference(&self.known) {
                self.came.insert(new.clone(), now.as_micros());
            }
        }
        self.came.retain(|text, _| current.contains(text));
        for gone in self.known.difference(&current) {
            self.retired.entry(gone.clone()).or_insert(now.as_micros());
        }
        // What another operation answers for is not gone: it only has another name, or another API.
        self.retired.retain(|text, _| {
            Retired::parse(text).is_some_and(|retired| {
                let path = filled(&retired.template);
                !apis.iter().any(|api| covers(api, &retired.method, &path))
            })
        });
        while self.retired.len() > RETIRED_MAX {
            let oldest = self.retired.iter().min_by_key(|(_, since)| **since).map(|(text, _)| text.clone());
            let Some(oldest) = oldest else { break };
            self.retired.remove(&oldest);
        }
        self.known = current;
    }
}

/// What is to be on disk.
#[derive(Debug)]
pub(super) struct Keeping {
    path: PathBuf,
    bytes: Vec<u8>,
}

impl Keeping {
    /// Writes it, all of it or nothing. It is no secret, and nothing rests on it but what is called.
    pub(super) fn write(&self) -> io::Result<()> {
        let beside = self.path.with_extension("operations-new");
        fs::write(&beside, &self.bytes)?;
        fs::rename(&beside, &self.path)
    }
}

fn read(path: &Path) -> io::Result<Option<Memory>> {
    match fs::metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
        Ok(found) if found.len() > FILE_BYTES_MAX => return Err(io::Error::other("it is larger than any that was written")),
        Ok(_) => {}
    }
    let memory: Memory = serde_json::from_slice(&fs::read(path)?)?;
    match memory.wardgate_operations {
        VERSION => Ok(Some(memory)),
        other => Err(io::Error::other(format!("it has the shape {other}, this version reads {VERSION}"))),
    }
}

#[cfg(test)]
mod tests;
