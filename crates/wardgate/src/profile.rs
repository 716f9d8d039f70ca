//! The profile: where the management API is and by what it knows us. `.wardgate/profile.json` beside wardgate.yaml,
//! searched from the working directory upwards.
//!
//! A break-glass session is kept in a file of its own beside it: it ends by itself, and the profile is then as it was.
//!
//! INVARIANT (private): the file has mode 0600 in a directory of mode 0700 from its first byte; one that others can
//! read is not used.

use anyhow::{Context as _, bail};
use serde::{Deserialize, Serialize};
use std::{
    fs::{self, DirBuilder, File, OpenOptions, Permissions},
    io::Write as _,
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
};
use wardgate_model::{secret::Secret, time::Time};

/// The directory that holds the profile.
pub const DIRECTORY: &str = ".wardgate";
/// The profile in it.
const FILE: &str = "profile.json";
/// A break-glass session beside it, in the same form.
const GLASS: &str = "break-glass.json";
/// Held while a profile is read, used and written back.
const LOCK: &str = "profile.lock";
/// Largest profile that is read, in bytes.
const BYTES_MAX: u64 = 64 << 10;

/// What a profile says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Profile {
    /// The management API.
    pub url: String,
    /// A credential good for one sign-in, not used yet.
    pub sign_in: Option<Secret<String>>,
    /// The session.
    pub session: Option<Session>,
}

/// A session of the management API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// Its token.
    pub token: Secret<String>,
    /// When it ends.
    pub expires: Time,
    /// Whether it can be renewed.
    pub renewal: Renewal,
}

/// Whether a session can be renewed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Renewal {
    /// It can, for a while.
    Possible,
    /// It ends when it ends.
    Never,
}

/// A break-glass session, and where it is good.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Glass {
    /// The management API.
    pub url: String,
    /// The session; nothing renews it.
    pub session: Session,
}

/// The file's form.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    url: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sign_in: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    session: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    expires: Option<String>,
    /// `false` of a session that nobody renews.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    renewed: Option<bool>,
}

impl Profile {
    /// Reads the form of the file.
    ///
    /// # Errors
    /// When it is no profile.
    pub fn parse(text: &str) -> anyhow::Result<Self> {
        let raw: Raw = serde_json::from_str(text)?;
        let session = match (raw.session, raw.expires) {
            (None, None) => None,
            (Some(token), Some(expires)) => {
                let end = Time::parse(&expires).with_context(|| format!("`{expires}` is no moment"))?;
                let renewal = if raw.renewed == Some(false) { Renewal::Never } else { Renewal::Possible };
                Some(Session { token: Secret::new(token), expires: end, renewal })
            }
            (Some(_), None) => bail!("a session without `expires`"),
            (None, Some(_)) => bail!("`expires` without a session"),
        };
        Ok(Self { url: raw.url, sign_in: raw.sign_in.map(Secret::new), session })
    }

    fn write_to(&self, mut file: &File) -> anyhow::Result<()> {
        let raw = Raw {
            url: self.url.clone(),
            sign_in: self.sign_in.as_ref().map(|secret| secret.danger_expose().clone()),
            session: self.session.as_ref().map(|session| session.token.danger_expose().clone()),
            expires: self.session.as_ref().map(|session| session.expires.to_rfc3339()),
            renewed: self.session.as_ref().filter(|session| session.renewal == Renewal::Never).map(|_| false),
        };
        serde_json::to_writer_pretty(file, &raw)?;
        file.write_all(b"\n")?;
        file.sync_all()?;
        Ok(())
    }
}

/// A profile's place, held for this process alone until it is dropped.
#[derive(Debug)]
pub struct Held {
    directory: PathBuf,
    _lock: File,
}

impl Held {
    /// Looks for a profile from `start` upwards.
    ///
    /// # Errors
    /// When one is there and cannot be locked.
    pub fn find(start: &Path) -> anyhow::Result<Option<Self>> {
        let start = std::path::absolute(start)?;
        let is_one = |directory: &PathBuf| [FILE, GLASS].iter().any(|file| directory.join(file).is_file());
        let found = start.ancestors().map(|above| above.join(DIRECTORY)).find(is_one);
        found.map(Self::open).transpose()
    }

    /// Takes the place beside a configuration file, and makes the directory where it is not there.
    ///
    /// # Errors
    /// When the directory cannot be made or locked.
    pub fn beside(config: &Path) -> anyhow::Result<Self> {
        let base = config.parent().unwrap_or(Path::new(""));
        let directory = std::path::absolute(base.join(DIRECTORY))?;
        match DirBuilder::new().mode(0o700).create(&directory) {
            Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => {
                return Err(error).with_context(|| format!("cannot make `{}`", directory.display()));
            }
            Ok(()) | Err(_) => {}
        }
        Self::open(directory)
    }

    /// Where the profile beside a configuration file says that the management API is. Takes nothing and makes nothing; `None` also where it cannot
    /// be read: whoever uses it says why.
    #[must_use]
    pub fn url_beside(config: &Path) -> Option<String> {
        let base = config.parent().unwrap_or(Path::new(""));
        Self::read_file(&base.join(DIRECTORY).join(FILE)).ok()?.map(|profile| profile.url)
    }

    fn open(directory: PathBuf) -> anyhow::Result<Self> {
        let path = directory.join(LOCK);
        let lock = OpenOptions::new().create(true).truncate(false).write(true).mode(0o600).open(&path);
        let lock = lock.with_context(|| format!("cannot open `{}`", path.display()))?;
        lock.lock().with_context(|| format!("cannot lock `{}`", path.display()))?;
        Ok(Self { directory, _lock: lock })
    }

    /// The profile's file.
    #[must_use]
    pub fn path(&self) -> PathBuf {
        self.directory.join(FILE)
    }

    /// The file of a break-glass session.
    #[must_use]
    pub fn glass_path(&self) -> PathBuf {
        self.directory.join(GLASS)
    }

    /// Reads the profile; `None` where there is none yet.
    ///
    /// # Errors
    /// When others can read it, or it is no profile.
    pub fn read(&self) -> anyhow::Result<Option<Profile>> {
        Self::read_file(&self.path())
    }

    /// Reads the break-glass session that is open at `now`; one that is over is forgotten.
    ///
    /// # Errors
    /// As [`Held::read`].
    pub fn glass(&self, now: Time) -> anyhow::Result<Option<Glass>> {
        let found = Self::read_file(&self.glass_path())?;
        let open = found.and_then(|Profile { url, session, .. }| session.map(|session| Glass { url, session }));
        match open {
            Some(glass) if glass.session.expires > now => Ok(Some(glass)),
            Some(_) => self.forget_glass().map(|()| None),
            None => Ok(None),
        }
    }

    /// Keeps a break-glass session beside the profile; it is used until it ends.
    ///
    /// # Errors
    /// As [`Held::write`].
    pub fn keep_glass(&self, glass: Glass) -> anyhow::Result<()> {
        self.write_file(GLASS, &Profile { url: glass.url, sign_in: None, session: Some(glass.session) })
    }

    /// Forgets the break-glass session.
    ///
    /// # Errors
    /// When the disk says no.
    pub fn forget_glass(&self) -> anyhow::Result<()> {
        let path = self.glass_path();
        match fs::remove_file(&path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(error).with_context(|| format!("cannot remove `{}`", path.display()))
            }
            Ok(()) | Err(_) => Ok(()),
        }
    }

    fn read_file(path: &Path) -> anyhow::Result<Option<Profile>> {
        let shown = path.display();
        let meta = match fs::metadata(path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            other => other.with_context(|| format!("cannot read the profile `{shown}`"))?,
        };
        if meta.permissions().mode() & 0o077 != 0 {
            bail!("the profile `{shown}` can be read by others: `chmod 600 {shown}`, and sign in anew if somebody may have read it");
        }
        if meta.len() > BYTES_MAX {
            bail!("the profile `{shown}` is larger than {BYTES_MAX} bytes");
        }
        let text = fs::read_to_string(path).with_context(|| format!("cannot read the profile `{shown}`"))?;
        Profile::parse(&text).map(Some).with_context(|| format!("`{shown}` is no profile: remove it and run `wardgate sign-in`"))
    }

    /// Writes the profile in place of the one that is there.
    ///
    /// # Errors
    /// When the disk says no; the old profile stays.
    pub fn write(&self, profile: &Profile) -> anyhow::Result<()> {
        self.write_file(FILE, profile)
    }

    fn write_file(&self, name: &str, profile: &Profile) -> anyhow::Result<()> {
        let path = self.directory.join(name);
        let fresh = self.directory.join(format!("{name}.new"));
        let replace = || -> anyhow::Result<()> {
            let file = OpenOptions::new().create(true).truncate(true).write(true).mode(0o600).open(&fresh)?;
            // An old file left over from a crash keeps its mode: set it before the first byte.
            file.set_permissions(Permissions::from_mode(0o600))?;
            profile.write_to(&file)?;
            fs::rename(&fresh, &path)?;
            Ok(())
        };
        replace().with_context(|| format!("cannot write the profile `{}`", path.display()))
    }
}

#[cfg(test)]
mod tests;
