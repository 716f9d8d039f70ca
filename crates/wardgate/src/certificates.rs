//! Certificates that change while the gate runs: new files serve the next connection, bad ones change nothing.

use crate::{config::TlsFiles, folder, tls};
use anyhow::Context as _;
use arc_swap::ArcSwap;
use notify::{RecursiveMode, Watcher as _};
use rustls::ServerConfig;
use std::{collections::BTreeSet, path::Path, sync::Arc, time::Duration};
use tokio::sync::mpsc;

/// How long the files have to be quiet before they are read: a certificate and its key are two.
const QUIET: Duration = Duration::from_millis(200);

/// What one listener shows.
#[derive(Debug)]
pub struct Shown {
    /// The listener's name, for messages.
    pub listener: String,
    /// Where it comes from.
    pub files: TlsFiles,
    /// What is in force.
    pub config: Arc<ArcSwap<ServerConfig>>,
}

/// Follows the files of certificates until it is dropped.
#[derive(Debug)]
pub struct Certificates {
    _watcher: notify::RecommendedWatcher,
}

impl Certificates {
    /// Begins to follow. Must be called within a runtime. Directories are followed and not files: who renews a certificate puts
    /// another file, or another link, in the place of the old one.
    ///
    /// # Errors
    /// When the operating system cannot follow them.
    pub fn follow(shown: Vec<Shown>) -> anyhow::Result<Self> {
        let (sender, receiver) = mpsc::channel(1);
        let mut watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
            if event.map_or(true, |event| !event.kind.is_access()) {
                let _already_told = sender.try_send(());
            }
        })?;
        let files = shown.iter().flat_map(|shown| [&shown.files.certificate, &shown.files.key]);
        let directories: BTreeSet<&Path> = files.map(|file| folder::of(file)).collect();
        for directory in directories {
            watcher.watch(directory, RecursiveMode::NonRecursive).with_context(|| format!("cannot follow `{}`", directory.display()))?;
        }
        tokio::spawn(reload(shown, receiver));
        Ok(Self { _watcher: watcher })
    }
}

/// What stands in both files; nothing where one cannot be read.
fn content(files: &TlsFiles) -> Option<(Vec<u8>, Vec<u8>)> {
    Some((std::fs::read(&files.certificate).ok()?, std::fs::read(&files.key).ok()?))
}

async fn reload(shown: Vec<Shown>, mut changed: mpsc::Receiver<()>) {
    let mut known: Vec<_> = shown.iter().map(|shown| content(&shown.files)).collect();
    while changed.recv().await.is_some() {
        while let Ok(Some(())) = tokio::time::timeout(QUIET, changed.recv()).await {}
        for (shown, known) in shown.iter().zip(&mut known) {
            let now = content(&shown.files);
            if now == *known {
                continue;
            }
            let listener = &shown.listener;
            match tls::server(&shown.files) {
                Ok(config) => {
                    shown.config.store(config);
                    tracing::info!(%listener, "the new certificate serves from the next connection on");
                }
                Err(error) => {
                    tracing::error!(%listener, "the certificate was not taken: {error:#}; the last good one goes on serving");
                }
            }
            *known = now;
        }
    }
}
