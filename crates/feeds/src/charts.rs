//! The operator's files of addresses, followed: each is read when it becomes another, all of them together are an [`Atlas`].
//!
//! INVARIANT (last good): a file that cannot be read, or is not what it has to be, changes nothing; what was read of it before holds on,
//! and its state says why.

use crate::{
    file::{self, Mark},
    mmdb,
    reputation::{self, Format, Wrong},
};
use bytes::Bytes;
use std::{
    path::{Path, PathBuf},
    sync::Arc,
};
use wardgate_model::{
    atlas::{Atlas, ByAddress, List, Listed, Networks},
    time::Time,
};

/// Networks of all lists together: laying them over each other takes memory for each.
pub const NETWORKS_MAX: usize = 4_000_000;

/// Which files.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Settings {
    /// Lists of hostile addresses.
    pub lists: Vec<ListFile>,
    /// An MMDB that says in which country addresses are.
    pub country: Option<PathBuf>,
    /// An MMDB that says in whose network they are.
    pub network: Option<PathBuf>,
}

/// A list of hostile addresses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListFile {
    /// Its name, in events.
    pub name: Box<str>,
    /// Where it is.
    pub path: PathBuf,
    /// How it is written.
    pub format: Format,
    /// What it weighs.
    pub weight: u8,
}

/// What a file is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Chart {
    /// A list of hostile addresses.
    List,
    /// Countries.
    Country,
    /// Networks.
    Network,
}

/// How a file is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileState {
    /// The name of the list, or what it is for.
    pub name: Box<str>,
    /// What it is for.
    pub chart: Chart,
    /// Where it is.
    pub path: PathBuf,
    /// Networks that hold.
    pub networks: u64,
    /// Entries of what holds that are wrong.
    pub bad: u64,
    /// The first of them.
    pub wrong: Vec<Wrong>,
    /// When what holds was read; `None`: nothing holds.
    pub read: Option<Time>,
    /// Why what is there now does not hold.
    pub failure: Option<Box<str>>,
    /// How often that was so.
    pub failures: u64,
}

#[derive(Debug)]
struct Followed {
    format: Option<Format>,
    weight: u8,
    /// What it was like when it was last looked at; outer `None`: it was not.
    mark: Option<Option<Mark>>,
    networks: Arc<Networks>,
    state: FileState,
}

/// What was made of a file.
enum Made {
    List(reputation::Taken),
    Country(ByAddress<[u8; 2]>),
    Network(ByAddress<u32>),
}

/// All files of a process.
#[derive(Debug)]
pub struct Charts {
    files: Vec<Followed>,
    atlas: Atlas,
    networks_max: usize,
}

impl Charts {
    /// None of them is read yet.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        let lists =
            settings.lists.into_iter().map(|list| Followed::new(list.name, Chart::List, list.path, Some((list.format, list.weight))));
        let country = settings.country.map(|path| Followed::new("country".into(), Chart::Country, path, None));
        let network = settings.network.map(|path| Followed::new("asn".into(), Chart::Network, path, None));
        Self { files: lists.chain(country).chain(network).collect(), atlas: Atlas::default(), networks_max: NETWORKS_MAX }
    }

    /// How each file is.
    #[must_use]
    pub fn states(&self) -> Vec<FileState> {
        self.files.iter().map(|file| file.state.clone()).collect()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    /// Looks at all files, and reads those that are others than they were. What is known then, where that has become something else.
    pub async fn look(&mut self, now: Time) -> Option<Arc<Atlas>> {
        let (mut changed, mut lists) = (false, false);
        for at in 0..self.files.len() {
            let others: usize = self.files.iter().enumerate().filter(|(other, _)| *other != at).map(|(_, file)| file.networks.len()).sum();
            let Some(file) = self.files.get_mut(at) else { break };
            let mark = file::mark(&file.state.path).await;
            if file.mark == Some(mark) {
                continue;
            }
            file.mark = Some(mark);
            match file.read(now).await {
                Ok(Made::List(taken)) if others + taken.networks.len() > self.networks_max => {
                    file.failed(&format!(
                        "`{}`: all lists together have more than {} networks",
                        shown(&file.state.path),
                        self.networks_max
                    ));
                }
                Ok(made) => {
                    changed = true;
                    lists |= matches!(made, Made::List(_));
                    file.keep(made, &mut self.atlas, now);
                }
                Err(why) => file.failed(&why),
            }
        }
        if lists {
            let list = |file: &Followed| List { name: file.state.name.clone(), weight: file.weight, networks: Arc::clone(&file.networks) };
            let lists: Vec<List> = self.files.iter().filter(|file| file.state.chart == Chart::List).map(list).collect();
            if let Ok(listed) = tokio::task::spawn_blocking(move || Listed::of(&lists)).await {
                self.atlas.listed = Arc::new(listed);
            }
        }
        changed.then(|| Arc::new(self.atlas.clone()))
    }
}

impl Followed {
    fn new(name: Box<str>, chart: Chart, path: PathBuf, list: Option<(Format, u8)>) -> Self {
        let (format, weight) = list.map_or((None, 0), |(format, weight)| (Some(format), weight));
        let state = FileState { name, chart, path, networks: 0, bad: 0, wrong: Vec::new(), read: None, failure: None, failures: 0 };
        Self { format, weight, mark: None, networks: Arc::default(), state }
    }

    async fn read(&self, now: Time) -> Result<Made, String> {
        let bytes_max = if self.state.chart == Chart::List { reputation::BYTES_MAX } else { mmdb::BYTES_MAX };
        let bytes = file::read(&self.state.path, bytes_max).await.map_err(|fault| fault.to_string())?;
        let (chart, format) = (self.state.chart, self.format.clone());
        // Long work, and on bytes that nobody vouches for: should it break down, this file is not taken.
        let made = tokio::task::spawn_blocking(move || make(chart, format, &bytes, now)).await;
        made.unwrap_or_else(|_| Err("reading it broke down".to_owned())).map_err(|why| format!("`{}`: {why}", shown(&self.state.path)))
    }

    fn keep(&mut self, made: Made, atlas: &mut Atlas, now: Time) {
        let state = &mut self.state;
        (state.failure, state.read) = (None, Some(now));
        let networks = match made {
            Made::List(taken) => {
                (state.bad, state.wrong) = (taken.bad, taken.wrong);
                let networks = taken.networks.len();
                self.networks = Arc::new(taken.networks);
                networks
            }
            Made::Country(countries) => {
                let networks = countries.len();
                atlas.countries = Arc::new(countries);
                networks
            }
            Made::Network(numbers) => {
                let networks = numbers.len();
                atlas.networks = Arc::new(numbers);
                networks
            }
        };
        state.networks = networks as u64;
        for Wrong { at, what } in &state.wrong {
            tracing::warn!(path = %shown(&state.path), at, %what, "an entry of a file of addresses is passed over");
        }
        tracing::info!(path = %shown(&state.path), networks = state.networks, bad = state.bad, "a file of addresses was taken");
    }

    fn failed(&mut self, why: &str) {
        let state = &mut self.state;
        state.failures += 1;
        if state.read.is_some() {
            tracing::error!(%why, "a file of addresses was not taken; what was read of it before holds on");
        } else {
            tracing::error!(%why, "a file of addresses was not taken; nothing is known by it");
        }
        state.failure = Some(why.into());
    }
}

fn make(chart: Chart, format: Option<Format>, bytes: &Bytes, now: Time) -> Result<Made, String> {
    match chart {
        Chart::List => {
            let taken = reputation::read(bytes, &format.unwrap_or(Format::Netset), now);
            taken.map(Made::List).map_err(|unlisted| unlisted.to_string())
        }
        Chart::Country => mmdb::countries(bytes).map(Made::Country).map_err(|unusable| unusable.to_string()),
        Chart::Network => mmdb::networks(bytes).map(Made::Network).map_err(|unusable| unusable.to_string()),
    }
}

fn shown(path: &Path) -> std::path::Display<'_> {
    path.display()
}

#[cfg(test)]
mod tests;
