//! Files change → new snapshot. A bad change is refused whole and the old state stays.

use crate::control::{Control, ReloadFault};
use anyhow::Context as _;
use notify::{RecursiveMode, Watcher as _};
use std::{path::Path, sync::Arc, time::Duration};
use tokio::sync::mpsc;

/// How long the files have to be quiet before they are read: editors and Git write several at a time.
const QUIET: Duration = Duration::from_millis(200);

/// Follows the files of a configuration until it is dropped.
#[derive(Debug)]
pub struct Watch {
    _watcher: notify::RecommendedWatcher,
}

impl Watch {
    /// Begins to follow. Must be called within a runtime.
    ///
    /// # Errors
    /// When the operating system cannot follow them.
    pub fn start(control: Arc<Control>) -> anyhow::Result<Self> {
        // One place is enough: a full queue already says that something changed.
        let (sender, receiver) = mpsc::channel(1);
        let mut watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
            if event.map_or(true, |event| !event.kind.is_access()) {
                let _already_told = sender.try_send(());
            }
        })?;
        let config = control.config();
        let openapi = config.file.parent().map(|base| base.join("openapi"));
        for path in config.resources.iter().chain(openapi.iter().filter(|path| path.is_dir())) {
            watch(&mut watcher, path).with_context(|| format!("cannot follow `{}`", path.display()))?;
        }
        tokio::spawn(follow(control, receiver));
        Ok(Self { _watcher: watcher })
    }
}

fn watch(watcher: &mut notify::RecommendedWatcher, path: &Path) -> notify::Result<()> {
    watcher.watch(path, RecursiveMode::Recursive)
}

async fn follow(control: Arc<Control>, mut changed: mpsc::Receiver<()>) {
    while changed.recv().await.is_some() {
        while let Ok(Some(())) = tokio::time::timeout(QUIET, changed.recv()).await {}
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
