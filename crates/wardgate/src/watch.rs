//! Files change → new snapshot. A bad change is refused whole and the old state stays.

use crate::control::{Control, ReloadFault};
use anyhow::Context as _;
use notify::{RecursiveMode, Watcher as _};
use std::{
    ffi::{OsStr, OsString},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};
use tokio::sync::mpsc;

/// How long the files have to be quiet before they are read: editors and Git write several at a time.
const QUIET: Duration = Duration::from_millis(200);
/// How long they are waited for: whoever writes there without a pause keeps nothing from being read.
const PATIENCE: Duration = Duration::from_secs(2);
/// The link by which Kubernetes puts all files of a volume in the place of others at once.
const VOLUME: &str = "..data";

/// Follows the files of a configuration until it is dropped.
#[derive(Debug)]
pub struct Watch {
    _within: notify::RecommendedWatcher,
    _beside: notify::RecommendedWatcher,
}

impl Watch {
    /// Begins to follow. Must be called within a runtime.
    ///
    /// # Errors
    /// When the operating system cannot follow them.
    pub fn start(control: Arc<Control>) -> anyhow::Result<Self> {
        // One place is enough: a full queue already says that something changed.
        let (sender, receiver) = mpsc::channel(1);
        let tell = sender.clone();
        let mut within = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
            if is_change(&event) {
                let _already_told = tell.try_send(());
            }
        })?;
        let config = control.config();
        let openapi = config.file.parent().map(|base| base.join("openapi"));
        for path in config.resources.iter().chain(openapi.iter().filter(|path| path.is_dir())) {
            watch(&mut within, path).with_context(|| format!("cannot follow `{}`", path.display()))?;
        }
        // A file that another is moved over is followed no longer: its directory says so too.
        let files: Vec<&PathBuf> = config.resources.iter().filter(|path| !path.is_dir()).collect();
        let names = files.iter().filter_map(|file| file.file_name()).chain([OsStr::new(VOLUME)]);
        let names: Vec<OsString> = names.map(OsStr::to_owned).collect();
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
        tokio::spawn(follow(control, receiver));
        Ok(Self { _within: within, _beside: beside })
    }
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

async fn follow(control: Arc<Control>, mut changed: mpsc::Receiver<()>) {
    while changed.recv().await.is_some() {
        let quiet = async { while let Ok(Some(())) = tokio::time::timeout(QUIET, changed.recv()).await {} };
        let _quiet_or_not = tokio::time::timeout(PATIENCE, quiet).await;
        report(control.reload().await);
    }
}

/// Says what came of a reload, each diagnostic on a line of its own.
fn report(result: Result<u64, ReloadFault>) {
    match result {
        Ok(seq) => tracing::info!(seq, "the files were taken"),
        Err(ReloadFault::Input(found)) => {
            for diagnostic in found.iter().filter(|diagnostic| diagnostic.is_error()) {
                tracing::error!("{diagnostic}");
            }
            tracing::error!("the files were not taken; the old state stays");
        }
        Err(fault @ ReloadFault::Store(_)) => tracing::error!(%fault, "the files were not taken"),
    }
}
