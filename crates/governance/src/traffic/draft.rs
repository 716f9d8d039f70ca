//! A draft of an OpenAPI document, learned from calls that others recorded.
//!
//! Takes files of a known format, gives the document of one host: templates, methods, parameters, answers, and where the log has them what
//! bodies are like. Names and kinds are taken, never a value. It is a draft: what nobody called is not in it, and a class is a guess from words.
//!
//! `leaf` is what is known of an operation, `kinds` what texts read as, `shape` what JSON is like, `written` the document.

mod kinds;
mod leaf;
mod shape;
mod written;

use super::{
    callers,
    paths::{Paths, template},
    reader::{Format, Reader, Reading, Told},
    replay::Files,
};
use leaf::{Leaf, served};
use serde_json::Value;
use std::{
    collections::{BTreeMap, HashMap},
    io,
};
use wardgate_gate::canon;

/// Keys of the document in the order in which people read them, for whoever writes it as text.
pub const FIRST: &[&str] = &[
    "openapi",
    "info",
    "title",
    "version",
    "servers",
    "paths",
    "get",
    "head",
    "post",
    "put",
    "patch",
    "delete",
    "x-wardgate-class",
    "x-wardgate-seen",
    "name",
    "in",
    "required",
    "type",
    "schema",
    "parameters",
    "requestBody",
    "responses",
    "description",
    "content",
];
/// Hosts that are told apart when none is asked for.
const HOSTS_MAX: usize = 256;
/// Templates of calls that were not served and are remembered, for what a server answers besides.
const UNSERVED_MAX: usize = 4_096;

/// What to learn of.
#[derive(Debug, Clone)]
pub struct DraftSettings {
    /// How files are read.
    pub reading: Reading,
    /// Of which host; `None`: there is only one.
    pub host: Option<String>,
    /// Only of paths below this, which they are told without: whole segments, no slash at the end.
    pub prefix: String,
    /// Which calls teach that an operation is there.
    pub taught_by: TaughtBy,
    /// What the document calls the API.
    pub title: Option<String>,
}

/// Which calls teach that an operation is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TaughtBy {
    /// Those that were served: an answer from 200 to 399, or none that the log tells.
    Served,
    /// All of them, those of whoever tries doors too.
    All,
}

/// What was learned, and what was not.
#[derive(Debug, Clone, PartialEq)]
pub struct Draft {
    /// The document.
    pub document: Value,
    /// How many operations it has.
    pub operations: usize,
    /// Calls of these.
    pub calls: u64,
    /// Calls that nothing served.
    pub unserved: u64,
    /// Calls beside the prefix or of another host.
    pub elsewhere: u64,
    /// Calls that no document can have: a path with several meanings or too deep, a method that OpenAPI does not know.
    pub indescribable: u64,
    /// Lines that could not be understood.
    pub not_understood: u64,
}

/// Why there is no draft.
#[derive(Debug, thiserror::Error)]
pub enum Undrafted {
    /// A file cannot be opened or read on.
    #[error("cannot read `{file}`: {error}")]
    File {
        /// Which.
        file: String,
        /// Why.
        error: io::Error,
    },
    /// The log is of several APIs.
    #[error("the log tells of several hosts: say of which to learn: {0}")]
    Hosts(String),
    /// Nothing was learned.
    #[error(
        "no operation was learned: {calls} calls, {unserved} of them not served, {elsewhere} elsewhere, {not_understood} lines not understood"
    )]
    Nothing {
        /// Calls in all.
        calls: u64,
        /// Calls that nothing served.
        unserved: u64,
        /// Calls beside the prefix or of another host.
        elsewhere: u64,
        /// Lines that could not be understood.
        not_understood: u64,
    },
}

/// Learns a document.
///
/// # Errors
/// When a file cannot be read, the log is of several hosts and none is named, or nothing was learned.
pub fn draft(files: &Files<'_>, settings: &DraftSettings) -> Result<Draft, Undrafted> {
    let mut look = Look { wanted: settings.host.as_deref().map(callers::host), ..Look::default() };
    for (at, name) in files.names.iter().enumerate() {
        look.file(files, at, settings).map_err(|error| Undrafted::File { file: name.clone(), error })?;
    }
    if settings.host.is_none() && look.hosts.len() > 1 {
        let mut hosts: Vec<_> = look.hosts.into_iter().collect();
        hosts.sort_by(|(a, x), (b, y)| y.cmp(x).then_with(|| a.cmp(b)));
        let named = hosts.iter().take(5).map(|(host, calls)| {
            let host = if host.is_empty() { "none" } else { host };
            format!("`{host}` ({calls} calls)")
        });
        let more = if hosts.len() > 5 { ", …" } else { "" };
        return Err(Undrafted::Hosts(named.collect::<Vec<_>>().join(", ") + more));
    }
    look.draft(settings)
}

/// What a look at the files gives.
#[derive(Debug, Default)]
struct Look {
    /// In small letters; `None`: whatever there is.
    wanted: Option<String>,
    hosts: HashMap<String, u64>,
    paths: Paths<Leaf>,
    /// Statuses of calls that were not served, by method and template.
    answers: BTreeMap<(http::Method, String), BTreeMap<u16, u64>>,
    calls: u64,
    unserved: u64,
    elsewhere: u64,
    indescribable: u64,
    not_understood: u64,
}

impl Look {
    fn file(&mut self, files: &Files<'_>, at: usize, settings: &DraftSettings) -> io::Result<()> {
        let mut reader = Reader::new((files.open)(at)?, &settings.reading, at);
        while let Some(next) = reader.read_on()? {
            match next {
                Told::Call(call) => self.call(&call, settings),
                Told::Wrong(_) => self.not_understood += 1,
                Told::Nothing => {}
            }
        }
        Ok(())
    }

    fn call(&mut self, call: &super::call::Call<'_>, settings: &DraftSettings) {
        let times = u64::from(call.times);
        self.calls += times;
        let host = callers::host(&call.host);
        if self.wanted.as_ref().is_some_and(|wanted| *wanted != host) {
            self.elsewhere += times;
            return;
        }
        if self.hosts.contains_key(&host) || self.hosts.len() < HOSTS_MAX {
            *self.hosts.entry(host).or_default() += times;
        }
        let method = callers::method(&call.method);
        let Some(path) = canon::path(&call.path).filter(|_| written::word(&method).is_some()) else {
            self.indescribable += times;
            return;
        };
        let below = path.strip_prefix(settings.prefix.as_str()).filter(|rest| rest.is_empty() || rest.starts_with('/'));
        let Some(path) = below else {
            self.elsewhere += times;
            return;
        };
        let path = if path.is_empty() { "/" } else { path };
        if settings.taught_by == TaughtBy::Served && !served(call.status) {
            self.unserved += times;
            let key = (method, template(path));
            if let Some(status) = call.status
                && (self.answers.contains_key(&key) || self.answers.len() < UNSERVED_MAX)
            {
                *self.answers.entry(key).or_default().entry(status).or_default() += times;
            }
            return;
        }
        self.paths.take(&method, path, Leaf::of(call, path));
    }

    fn draft(self, settings: &DraftSettings) -> Result<Draft, Undrafted> {
        let host = self.wanted.as_deref().or(self.hosts.keys().next().map(String::as_str)).unwrap_or_default();
        let title = settings.title.as_deref().unwrap_or(if host.is_empty() { "recorded" } else { host });
        let about = written::About { title, host, prefix: &settings.prefix, bodies: settings.reading.format == Format::Har };
        let written = written::document(&about, &self.paths, &self.answers);
        if written.operations == 0 {
            let Self { calls, unserved, elsewhere, not_understood, .. } = self;
            return Err(Undrafted::Nothing { calls, unserved, elsewhere, not_understood });
        }
        Ok(Draft {
            document: written.document,
            operations: written.operations,
            calls: written.calls,
            unserved: self.unserved,
            elsewhere: self.elsewhere,
            indescribable: self.indescribable + self.paths.too_deep.calls + written.left_out,
            not_understood: self.not_understood,
        })
    }
}

#[cfg(test)]
mod tests;
