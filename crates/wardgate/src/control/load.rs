//! Files → typed values, with every diagnostic at once.

use crate::{
    builtin,
    config::Config,
    issuer,
    replay::documents::{FileRead, KeptDocuments},
};
use std::{
    cell::RefCell,
    io,
    path::{Component, Path, PathBuf},
    sync::Arc,
};
use wardgate_abuse::Limits;
use wardgate_governance::rotation::Rotations;
use wardgate_issuer::place::Place;
use wardgate_model::{
    api::Api,
    diagnostic::{Diagnostic, Place as Spot},
    id::TeamName,
    inventory::Identity,
    limit::Limit,
    resource::Kind,
};
use wardgate_policy::{Names, PolicySet, PolicySource};
use wardgate_resources::{Beside, Document, Files, Inventory, Nobody, Sources};
use wardgate_store::{FileDocument, ResourceId};

/// Largest file that is read, in bytes.
const FILE_BYTES_MAX: u64 = 32 << 20;
/// Files read at the most.
const FILES_MAX: usize = 10_000;

/// The documents that stand in files, and how to read what they name. Nothing is resolved yet.
#[derive(Debug)]
pub struct Gathered {
    /// The documents, with their places.
    pub documents: Vec<Document>,
    /// What is wrong with the files as files.
    diagnostics: Vec<Diagnostic>,
    disk: Disk,
    /// Whether people sign in at an issuer.
    sign_in: bool,
    /// Where our token service is.
    issuer: Option<Place>,
}

impl Gathered {
    /// Reads directories and files; `base` is the configuration's directory.
    #[must_use]
    pub fn read(paths: &[PathBuf], base: PathBuf) -> Self {
        let disk = Disk::new(base, paths);
        let mut diagnostics = Vec::new();
        let sources = gather(paths, &mut diagnostics);
        let parsed = wardgate_resources::parse(&sources);
        diagnostics.extend(parsed.diagnostics);
        Self { documents: parsed.documents, diagnostics, disk, sign_in: false, issuer: None }
    }

    /// With our token service where this URL says, beside which no API may be.
    #[must_use]
    pub fn with_issuer(self, url: Option<&str>) -> Self {
        Self { issuer: url.and_then(Place::parse), ..self }
    }

    /// No documents at all: what is asked about then comes from elsewhere.
    #[must_use]
    pub fn nothing(config: &Config) -> Self {
        let base = config.file.parent().unwrap_or(Path::new("")).to_owned();
        let (disk, sign_in) = (Disk::new(base, &config.resources), config.sign_in.is_some());
        Self { documents: Vec::new(), diagnostics: Vec::new(), disk, sign_in, issuer: Place::parse(&config.issuer) }
    }

    /// No documents, and instead of files what was kept of them: what is resolved with this is a past.
    #[must_use]
    pub(crate) fn past(kept: Arc<KeptDocuments>, sign_in: bool, issuer: &str) -> Self {
        let disk = Disk { kept: Some(kept), ..Disk::new(PathBuf::new(), &[]) };
        Self { documents: Vec::new(), diagnostics: Vec::new(), disk, sign_in, issuer: Place::parse(issuer) }
    }

    /// What a document names with `file:`, as it is now.
    ///
    /// # Errors
    /// When there is nothing, or it cannot be read.
    pub(crate) fn read_again(&self, read: &FileRead) -> io::Result<Vec<u8>> {
        self.disk.read(&read.from, &read.path)
    }

    /// Documents that stood in files when they were last read.
    pub(super) fn again(config: &Config, documents: Vec<Document>) -> Self {
        Self { documents, ..Self::nothing(config) }
    }

    /// The resources of a configuration.
    #[must_use]
    pub fn of(config: &Config) -> Self {
        let base = config.file.parent().unwrap_or(Path::new("")).to_owned();
        let issuer = Place::parse(&config.issuer);
        Self { sign_in: config.sign_in.is_some(), issuer, ..Self::read(&config.resources, base) }
    }

    /// The documents, as they are kept.
    #[must_use]
    pub fn kept(&self) -> Vec<FileDocument> {
        let kept = self.documents.iter().filter_map(|document| {
            let id = ResourceId::parse(document.kind, &document.name).ok()?;
            Some(FileDocument { id, spec: document.spec.clone(), file: document.place.file.display().to_string().into() })
        });
        kept.collect()
    }
}

/// What is declared, by files and otherwise: resolved, compiled, ready for a snapshot. Of the identities only those are in
/// it that files declare; the others are a matter of `control::people`.
#[derive(Debug)]
pub struct Loaded {
    /// What stands in files.
    pub gathered: Arc<Gathered>,
    /// What is declared otherwise, identities apart.
    pub declared: Vec<Document>,
    /// The typed values.
    pub inventory: Inventory,
    /// The APIs, our own among them.
    pub apis: Vec<Arc<Api>>,
    /// The compiled policies.
    pub policies: Arc<PolicySet>,
    /// The compiled limits, shipped ones among them.
    pub limits: Arc<Limits>,
    /// When credentials are to be replaced.
    pub rotations: Rotations,
    /// What is worth knowing although it was taken.
    pub warnings: Vec<Diagnostic>,
    /// What documents name with `file:`, as it was read.
    pub files: Vec<FileRead>,
}

impl Loaded {
    /// Reads the resources of a configuration that stand in files, and nothing else.
    ///
    /// # Errors
    /// With every diagnostic at once, warnings included, when at least one is an error.
    pub fn read(config: &Config) -> Result<Self, Vec<Diagnostic>> {
        Self::resolve(Arc::new(Gathered::of(config)), Vec::new(), &Nobody)
    }

    /// Resolves what stands in files alone.
    ///
    /// # Errors
    /// As [`Loaded::read`].
    pub fn of(gathered: Gathered) -> Result<Self, Vec<Diagnostic>> {
        Self::resolve(Arc::new(gathered), Vec::new(), &Nobody)
    }

    /// Resolves what stands in files together with what is declared otherwise.
    ///
    /// # Errors
    /// With every diagnostic at once, warnings included, when at least one is an error.
    pub fn resolve(gathered: Arc<Gathered>, declared: Vec<Document>, beside: &dyn Beside) -> Result<Self, Vec<Diagnostic>> {
        let documents: Vec<Document> = gathered.documents.iter().chain(&declared).cloned().collect();
        let reading = Reading { disk: &gathered.disk, seen: RefCell::default() };
        let resolved = wardgate_resources::resolve_beside(&documents, &reading, beside);
        let mut found = gathered.diagnostics.clone();
        let readable = !found.iter().any(Diagnostic::is_error);
        found.extend(resolved.diagnostics);
        let Some(inventory) = resolved.inventory.filter(|_| readable) else {
            found.extend(policies_alone(&documents));
            return Err(sorted(found));
        };
        let mut apis = inventory.apis.clone();
        apis.push(Arc::new(wardgate_console::admin_api()));
        if gathered.sign_in {
            apis.push(Arc::new(wardgate_console::sign_in_api()));
        }
        if let Some(place) = &gathered.issuer {
            apis.push(Arc::new(wardgate_issuer::api::api(place)));
            apis.push(Arc::new(wardgate_issuer::tasks::api(place)));
        }
        let on_record = |name: &str| beside.identity(name).is_some();
        let names = Names { beside: Some(&on_record), ..names(&inventory, &apis) };
        let compiled = wardgate_policy::compile(&policy_sources(&inventory), &inventory.grants, &names);
        found.extend(compiled.diagnostics);
        let policies = compiled.policies.filter(|_| !found.iter().any(Diagnostic::is_error));
        let Some(policies) = policies else { return Err(sorted(found)) };
        found.extend(super::trust::diagnostics(&inventory));
        found.extend(gathered.issuer.iter().flat_map(|place| issuer::clashes(&inventory, place)));
        if found.iter().any(Diagnostic::is_error) {
            return Err(sorted(found));
        }
        let limits = Arc::new(Limits::compile(&limits(&inventory)));
        let rotations = Rotations::compile(
            inventory.rotations.iter().map(Arc::as_ref),
            inventory.contracts.iter().map(Arc::as_ref),
            inventory.waivers.iter().map(Arc::as_ref),
        );
        let files = reading.seen.into_inner();
        Ok(Self { gathered, declared, inventory, apis, policies: Arc::new(policies), limits, rotations, warnings: sorted(found), files })
    }
}

fn sorted(mut found: Vec<Diagnostic>) -> Vec<Diagnostic> {
    found.sort();
    found.dedup();
    found
}

fn policy_sources(inventory: &Inventory) -> Vec<PolicySource> {
    inventory.policies.iter().map(|(place, text)| PolicySource { place: place.clone(), text: Arc::clone(text) }).collect()
}

/// What is wrong with policies in themselves, where the names that they may use are not known because something else is wrong.
fn policies_alone(documents: &[Document]) -> Vec<Diagnostic> {
    let policies = documents.iter().filter(|document| document.kind == Kind::Policy).filter_map(|document| {
        let text = document.spec.get("cedar")?.as_str()?;
        Some(PolicySource { place: document.place.clone(), text: text.into() })
    });
    let compiled = wardgate_policy::compile(&policies.collect::<Vec<_>>(), &[], &Names::default());
    let needs_names = ["policy.unknown_entity", "policy.other_entity"];
    compiled.diagnostics.into_iter().filter(|found| !needs_names.contains(&found.code)).collect()
}

/// The shipped limits, those replaced that a file names.
fn limits(inventory: &Inventory) -> Vec<Arc<Limit>> {
    let own = &inventory.limits;
    let shipped = Limits::shipped().into_iter().filter(|limit| !own.iter().any(|mine| mine.name == limit.name)).map(Arc::new);
    own.iter().cloned().chain(shipped).collect()
}

/// Reads every `*.yaml`, `*.yml` and `*.cedar` below the paths, in order of name.
pub(crate) fn gather(paths: &[PathBuf], found: &mut Vec<Diagnostic>) -> Sources {
    let mut sources = Sources::default();
    let mut todo: Vec<PathBuf> = paths.iter().rev().cloned().collect();
    let mut files = 0_usize;
    while let Some(path) = todo.pop() {
        let unreadable = |error: &dyn std::fmt::Display| {
            Diagnostic::error(Spot::file(&path), "file.unreadable", format!("cannot read `{}`: {error}", path.display()))
        };
        if path.is_dir() {
            match std::fs::read_dir(&path).and_then(Iterator::collect::<Result<Vec<_>, _>>) {
                Ok(mut entries) => {
                    entries.sort_by_key(|entry| std::cmp::Reverse(entry.file_name()));
                    let visible = entries.into_iter().filter(|entry| !entry.file_name().to_string_lossy().starts_with('.'));
                    todo.extend(visible.map(|entry| entry.path()));
                }
                Err(error) => found.push(unreadable(&error)),
            }
            continue;
        }
        let kind = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
        let list = match kind {
            "yaml" | "yml" => &mut sources.documents,
            "cedar" => &mut sources.policies,
            _ if paths.contains(&path) && !path.exists() => {
                found.push(unreadable(&"there is no such file or directory"));
                continue;
            }
            _ => continue,
        };
        files += 1;
        if files > FILES_MAX {
            found.push(unreadable(&format!("more than {FILES_MAX} files")));
            break;
        }
        match read(&path) {
            Ok(bytes) if kind != "cedar" && (describes_an_api(&bytes) || configures(&path, &bytes)) => {}
            Ok(bytes) => list.push((path, bytes)),
            Err(error) => found.push(unreadable(&error)),
        }
    }
    if files == 0 && !paths.is_empty() && found.is_empty() {
        let place = Spot::file(paths.first().cloned().unwrap_or_default());
        found.push(
            Diagnostic::error(place, "file.none", "there is no `*.yaml` and no `*.cedar` in the resources")
                .mend("an empty directory is never taken for an order to remove everything"),
        );
    }
    sources
}

fn read(path: &Path) -> io::Result<Vec<u8>> {
    let size = std::fs::metadata(path)?.len();
    if size > FILE_BYTES_MAX {
        return Err(io::Error::other(format!("it has {size} bytes, more than {FILE_BYTES_MAX}")));
    }
    std::fs::read(path)
}

/// `file:` references: a relative path counts from the file that names it or, where there is nothing, from the
/// configuration's directory.
///
/// INVARIANT (no look-out): what comes through the management API names files within the directories of resources, and in
/// `openapi/` beside the configuration, which is followed as they are. Whatever else there is on this machine looks to it as
/// what is not there, and no link leads out.
#[derive(Debug)]
struct Disk {
    base: PathBuf,
    /// Where what comes through the management API may look.
    within: Vec<PathBuf>,
    /// What is read instead of files.
    kept: Option<Arc<KeptDocuments>>,
}

/// The same, and what was read.
struct Reading<'d> {
    disk: &'d Disk,
    seen: RefCell<Vec<FileRead>>,
}

impl Files for Reading<'_> {
    fn read(&self, from: &Path, path: &str) -> io::Result<Vec<u8>> {
        let bytes = self.disk.read(from, path)?;
        self.seen.borrow_mut().push(FileRead::of(from, path, &bytes));
        Ok(bytes)
    }

    fn place(&self, from: &Path, path: &str) -> PathBuf {
        self.disk.place(from, path)
    }
}

/// The directory of OpenAPI documents beside the configuration.
const OPENAPI: &str = "openapi";

impl Disk {
    fn new(base: PathBuf, resources: &[PathBuf]) -> Self {
        let within = resources.iter().cloned().chain([base.join(OPENAPI)]).collect();
        Self { base, within, kept: None }
    }

    /// A file for a document that does not stand in one.
    fn read_within(&self, path: &str) -> io::Result<Vec<u8>> {
        let nothing = || io::Error::new(io::ErrorKind::NotFound, "there is no such file in the directories of resources");
        let inside = Path::new(path).components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir));
        let within: Vec<PathBuf> = self.within.iter().filter(|path| path.is_dir()).filter_map(|path| path.canonicalize().ok()).collect();
        let candidates = [&self.base].into_iter().chain(&self.within).filter(|_| inside);
        let found = candidates.filter_map(|base| base.join(path).canonicalize().ok());
        let mut allowed = found.filter(|file| file.is_file() && within.iter().any(|directory| file.starts_with(directory)));
        let file = allowed.next().ok_or_else(nothing)?;
        read(&file)
    }
}

/// What stands in the place of a file in the place of a document that was not read from one.
pub(super) const DECLARED: &str = "api:";

impl Files for Disk {
    fn read(&self, from: &Path, path: &str) -> io::Result<Vec<u8>> {
        if let Some(kept) = &self.kept {
            return kept.read(from, path);
        }
        if from.as_os_str().as_encoded_bytes().starts_with(DECLARED.as_bytes()) {
            return self.read_within(path);
        }
        let found = self.place(from, path);
        if !found.exists() {
            let (beside, base) = (beside(from, path), self.base.join(path));
            let what = match beside == base {
                true => format!("there is no `{}`", base.display()),
                false => format!("there is neither `{}` nor `{}`", beside.display(), base.display()),
            };
            return Err(io::Error::new(io::ErrorKind::NotFound, what));
        }
        read(&found)
    }

    fn place(&self, from: &Path, path: &str) -> PathBuf {
        let declared = from.as_os_str().as_encoded_bytes().starts_with(DECLARED.as_bytes());
        let beside = beside(from, path);
        if !declared && beside.exists() { beside } else { self.base.join(path) }
    }
}

fn beside(from: &Path, path: &str) -> PathBuf {
    from.parent().unwrap_or(Path::new("")).join(path)
}

/// Whether a YAML file is an OpenAPI document, which APIs name with `file:`, and no resource document.
fn describes_an_api(bytes: &[u8]) -> bool {
    let mut lines = bytes.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii);
    let first = lines.find(|line| !line.is_empty() && !line.starts_with(b"#") && *line != b"---");
    first.is_some_and(|line| line.starts_with(b"openapi:") || line.starts_with(b"swagger:"))
}

/// Whether it is the configuration of a process, in a directory that holds the resources too: it says where it listens or where resources are,
/// and nothing in it has a kind. Whatever else is in a file of that name is read as resources, so that none is passed over in silence.
fn configures(path: &Path, bytes: &[u8]) -> bool {
    let named = path.file_name().is_some_and(|name| name == crate::config::FILE);
    let says = |key: &[u8]| bytes.split(|byte| *byte == b'\n').any(|line| line.starts_with(key));
    named && (says(b"listeners:") || says(b"resources:")) && !bytes.windows(4).any(|word| word == b"kind")
}

fn names<'a>(inventory: &'a Inventory, apis: &'a [Arc<Api>]) -> Names<'a> {
    let own = [builtin::OPERATOR, Identity::ANONYMOUS, Identity::PEOPLE];
    Names {
        identities: inventory.identities.iter().map(|spec| spec.identity.id.as_str()).chain(own).collect(),
        beside: None,
        owners: inventory.owners.iter().map(|owner| owner.name.as_str()).chain([builtin::OWN]).collect(),
        teams: inventory.owners.iter().flat_map(|owner| &owner.teams).map(TeamName::as_str).collect(),
        environments: &inventory.environments,
        apis,
    }
}

#[cfg(test)]
mod tests;
