//! What is usual for every caller, over restarts: written beside the quotas every few minutes and at the end.
//!
//! It is no secret, but it tells who calls what and when, and whoever could change it could make what is strange usual: mode 0600, with the
//! key of its hashes inside. Without it, or when it is damaged, all callers are learned anew; nothing else depends on it.

use crate::{clock, control::Control};
use std::{
    fs::{File, OpenOptions},
    io::{self, BufWriter, ErrorKind, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::Path,
    sync::Arc,
    time::Duration,
};
use wardgate_abuse::watch::{HashKey, Unkept, Watch};
use wardgate_model::time::Time;
use wardgate_proof::entropy::{Entropy as _, SystemEntropy};

/// The name of the file, in the directory of what is kept.
pub const PROFILES: &str = "wardgate.profiles";
/// How often it is written.
pub const EVERY: Duration = Duration::from_mins(5);
/// After how long without a call an identity is forgotten.
pub const FORGOTTEN: Duration = Duration::from_hours(35 * 24);

/// What is known from before; a new beginning where there is nothing that could be read.
///
/// # Errors
/// When the operating system has no randomness.
pub fn open(state: &Path) -> anyhow::Result<Watch> {
    let path = state.join(PROFILES);
    let read = File::open(&path).map_err(Unkept::from).and_then(Watch::read);
    match read {
        Ok(watch) => {
            tracing::info!(identities = watch.count(), "what is usual for callers is known from before");
            return Ok(watch);
        }
        Err(Unkept::Io(error)) if error.kind() == ErrorKind::NotFound => {}
        Err(error) => {
            let path = path.display();
            tracing::warn!(%error, %path, "what is usual for callers cannot be taken from the file: all of them are learned anew");
        }
    }
    let mut bytes = [[0; 8]; 2];
    for half in &mut bytes {
        SystemEntropy.fill(half)?;
    }
    Ok(Watch::new(HashKey(bytes.map(u64::from_le_bytes))))
}

/// Writes what is known: a whole new file in the place of the old one.
///
/// # Errors
/// When it cannot be written; the old one stays.
pub fn keep(watch: &Watch, state: &Path) -> Result<(), Unkept> {
    replace(state, PROFILES, |file| watch.keep(file))
}

/// Puts a whole new file, which only this user may read, in the place of the old one.
///
/// # Errors
/// When it cannot be written; the old one stays.
pub fn replace<E: From<io::Error>>(state: &Path, name: &str, write: impl FnOnce(&mut BufWriter<File>) -> Result<(), E>) -> Result<(), E> {
    let beside = state.join(format!("{name}.new"));
    let _none = std::fs::remove_file(&beside);
    let mut file = BufWriter::new(OpenOptions::new().write(true).create_new(true).mode(0o600).open(&beside)?);
    write(&mut file)?;
    file.flush()?;
    file.get_ref().sync_all()?;
    std::fs::rename(&beside, state.join(name))?;
    Ok(File::open(state).and_then(|folder| folder.sync_all())?)
}

/// Forgets who has not called for long, and writes the rest, from time to time. Ends with its runtime; [`keep`] it once more at the end.
pub async fn follow(control: Arc<Control>) {
    let mut failing = false;
    loop {
        tokio::time::sleep(EVERY).await;
        let control = Arc::clone(&control);
        let kept = tokio::task::spawn_blocking(move || {
            let watch = control.gate().meters().watch();
            let before = clock::now().as_micros().saturating_sub(i64::try_from(FORGOTTEN.as_micros()).unwrap_or(i64::MAX));
            watch.forget(Time::from_micros(before));
            keep(watch, &control.config().state)
        });
        match kept.await {
            Ok(Ok(())) => failing = false,
            Ok(Err(error)) if !failing => {
                tracing::error!(%error, "what is usual for callers cannot be kept: it would be learned anew after a restart");
                failing = true;
            }
            Ok(Err(_)) => {}
            Err(error) => tracing::error!(%error, "what is usual for callers could not be kept"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{PROFILES, keep, open};
    use std::{fs, os::unix::fs::PermissionsExt as _};

    #[test]
    fn each_installation_has_a_key_of_its_own_and_keeps_it() {
        let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let bytes = |directory: &tempfile::TempDir| {
            keep(&open(directory.path()).unwrap(), directory.path()).unwrap();
            fs::read(directory.path().join(PROFILES)).unwrap()
        };
        let first = bytes(&one);
        assert_eq!(first, bytes(&one));
        assert_ne!(first, bytes(&other));
        let mode = fs::metadata(one.path().join(PROFILES)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn a_damaged_file_is_a_new_start() {
        let directory = tempfile::tempdir().unwrap();
        fs::write(directory.path().join(PROFILES), b"wgwatch2 and then nothing that was written").unwrap();
        assert_eq!(open(directory.path()).unwrap().count(), 0);
    }
}
