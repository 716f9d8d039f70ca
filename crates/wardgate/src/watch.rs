//! Files change → new snapshot. A bad change is refused whole and the old state stays.
//!
//! Directories of resources are followed as the system tells of changes in them. What that does not tell is looked at: whether
//! another directory was put in the place of one, and the files that documents name, wherever they are.

mod named;

use crate::{
    clock,
    config::Config,
    control::{Control, Gathered, ReloadFault},
};
use anyhow::Context as _;
use named::{Mark, Named};
use notify::{RecursiveMode, Watcher as _};
use std::{
    ffi::{OsStr, OsString},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::{sync::mpsc, task::AbortHandle, time::timeout};
use wardgate_model::diagnostic::Diagnostic;

/// How long the files have to be quiet before they are read: editors and Git write several at a time.
const QUIET: Duration = Duration::from_millis(200);
/// How long they are waited for: whoever writes there without a pause keeps nothing from being read.
const PATIENCE: Duration = Duration::from_secs(2);
/// How often that is looked at which nobody tells.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// The link by which Kubernetes puts all files of a volume in the place of others at once.
const VOLUME: &str = "..data";

/// Follows the files of a configuration until it is dropped.
#[derive(Debug)]
pub struct Watch(AbortHandle);

impl Drop for Watch {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Watch {
    /// Begins to follow. Must be called within a runtime.
    ///
    /// # Errors
    /// When the operating system cannot follow them.
    pub fn start(control: Arc<Control>) -> anyhow::Result<Self> {
        // One place is enough: a full queue already says that something changed.
        let (sender, receiver) = mpsc::channel(1);
        let told = Told::start(control.config(), &sender)?;
        let named = Named::at_start(&control.loaded().gathered, base(control.config()));
        Ok(Self(tokio::spawn(follow(control, told, named, receiver)).abort_handle()))
    }
}

/// The directory of a configuration.
fn base(config: &Config) -> &Path {
    config.file.parent().unwrap_or(Path::new(""))
}

/// What the system tells of changes in.
struct Told {
    within: notify::RecommendedWatcher,
    _beside: notify::RecommendedWatcher,
    /// What is followed, and which one it was when it was last followed.
    paths: Vec<(PathBuf, Option<(u64, u64)>)>,
}

impl Told {
    fn start(config: &Config, sender: &mpsc::Sender<()>) -> anyhow::Result<Self> {
        let tell = sender.clone();
        let mut within = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
            if is_change(&event) {
                let _already_told = tell.try_send(());
            }
        })?;
        let mut paths = Vec::new();
        for path in &config.resources {
            paths.push((path.clone(), place(path)));
            watch(&mut within, path).with_context(|| format!("cannot follow `{}`", path.display()))?;
        }
        let openapi = base(config).join("openapi");
        let there = place(&openapi).filter(|_| openapi.is_dir());
        if there.is_some() {
            watch(&mut within, &openapi).with_context(|| format!("cannot follow `{}`", openapi.display()))?;
        }
        paths.push((openapi, there));
        Ok(Self { within, _beside: beside(config, sender)?, paths })
    }

    /// Follows what was put in the place of what was followed. Whether there was any such.
    fn look(&mut self) -> bool {
        let mut changed = false;
        for (path, before) in &mut self.paths {
            let now = place(path);
            if now == *before {
                continue;
            }
            changed = true;
            *before = now;
            // What went away is followed no longer by itself.
            let _gone_or_not = self.within.unwatch(path);
            if now.is_some()
                && let Err(error) = watch(&mut self.within, path)
            {
                tracing::error!(path = %path.display(), %error, "cannot follow what was put in this place");
                *before = None;
            }
        }
        changed
    }
}

/// A file that another is moved over is followed no longer: its directory says so too, at once.
fn beside(config: &Config, sender: &mpsc::Sender<()>) -> anyhow::Result<notify::RecommendedWatcher> {
    let files: Vec<&PathBuf> = config.resources.iter().filter(|path| !path.is_dir()).collect();
    let names = files.iter().filter_map(|file| file.file_name()).chain([OsStr::new(VOLUME)]);
    let names: Vec<OsString> = names.map(OsStr::to_owned).collect();
    let sender = sender.clone();
    let mut beside = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
        if is_change(&event) && is_of(&event, &names) {
            let _already_told = sender.try_send(());
        }
    })?;
    for file in files {
        let directory = file.parent().filter(|directory| !directory.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let followed = beside.watch(directory, RecursiveMode::NonRecursive);
        followed.with_context(|| format!("cannot follow `{}`", directory.display()))?;
    }
    Ok(beside)
}

/// Which directory or file is there, links followed.
fn place(path: &Path) -> Option<(u64, u64)> {
    Mark::of(path).map(|mark| mark.place())
}

fn is_change(event: &notify::Result<notify::Event>) -> bool {
    event.as_ref().map_or(true, |event| !event.kind.is_access())
}

/// Whether it is about a file of one of these names, as far as it says.
fn is_of(event: &notify::Result<notify::Event>, names: &[OsString]) -> bool {
    let Ok(event) = event else { return true };
    let named = |path: &PathBuf| path.file_name().is_some_and(|name| names.iter().any(|ours| ours.as_os_str() == name));
    event.paths.is_empty() || event.paths.iter().any(named)
}

fn watch(watcher: &mut notify::RecommendedWatcher, path: &Path) -> notify::Result<()> {
    watcher.watch(path, RecursiveMode::Recursive)
}

/// Asks the disk about the files that are named, on a thread that may wait for it. Whoever goes away meanwhile leaves nothing half done.
async fn ask<T: Send + 'static>(named: &Arc<Mutex<Named>>, about: impl FnOnce(&mut Named) -> T + Send + 'static) -> Option<T> {
    let named = Arc::clone(named);
    tokio::task::spawn_blocking(move || about(&mut named.lock().unwrap_or_else(PoisonError::into_inner))).await.ok()
}

async fn follow(control: Arc<Control>, mut told: Told, named: Named, mut changed: mpsc::Receiver<()>) {
    let named = Arc::new(Mutex::new(named));
    let look = async || ask(&named, Named::look).await.unwrap_or(false);
    loop {
        let mut stir = match timeout(LOOK_EVERY, changed.recv()).await {
            Ok(Some(())) => true,
            Ok(None) => return,
            Err(_) => false,
        };
        stir |= told.look() | look().await;
        if !stir {
            continue;
        }
        // Until neither says anything new.
        let quiet = async { while matches!(timeout(QUIET, changed.recv()).await, Ok(Some(()))) || told.look() | look().await {} };
        let _quiet_or_not = timeout(PATIENCE, quiet).await;
        let begun = clock::now();
        let known = control.loaded();
        let result = control.reload().await;
        let loaded = control.loaded();
        let warnings: Vec<_> = loaded.warnings.iter().filter(|warning| !known.warnings.contains(warning)).cloned().collect();
        // What was refused may be mended by what it names.
        let refused = result.is_err().then(|| Gathered::of(control.config()));
        let base = base(control.config()).to_owned();
        let following = ask(&named, move |named| {
            let gathered: Vec<&Gathered> = [&*loaded.gathered].into_iter().chain(&refused).collect();
            named.follow(&gathered, &base, begun);
        });
        if following.await.is_none() {
            tracing::error!("the files that documents name are not followed: asking about them broke down");
        }
        report(result, &warnings);
    }
}

/// Says what came of a reload, each diagnostic on a line of its own; of warnings those that are new.
fn report(result: Result<u64, ReloadFault>, warnings: &[Diagnostic]) {
    match result {
        Ok(seq) => {
            for warning in warnings {
                tracing::warn!("{warning}");
            }
            tracing::info!(seq, "the files were taken");
        }
        Err(ReloadFault::Input(found)) => {
            for diagnostic in found.iter().filter(|diagnostic| diagnostic.is_error()) {
                tracing::error!("{diagnostic}");
            }
            tracing::error!("the files were not taken; the old state stays");
        }
        Err(fault @ ReloadFault::Store(_)) => tracing::error!(%fault, "the files were not taken"),
    }
}
