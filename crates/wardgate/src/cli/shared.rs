//! What many commands take: where to, in which form, why, and upon what.

use clap::{Args, ValueEnum};
use std::{convert::Infallible, path::PathBuf, time::Duration};
use wardgate_model::{resource::Kind, secret::Secret};
use wardgate_resources::scalar;

/// In which form data is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum Output {
    /// For people.
    #[default]
    Table,
    /// For machines: one JSON document, or one object a line where it is a stream.
    Json,
}

/// `--output`.
#[derive(Debug, Clone, Copy, Args)]
pub struct OutputArgs {
    /// Form of what is printed
    #[arg(long, short = 'o', value_enum, default_value_t, value_name = "FORM")]
    pub output: Output,
}

/// `-c`.
#[derive(Debug, Clone, Args)]
pub struct ConfigArgs {
    /// Configuration file
    #[arg(long = "config", short = 'c', default_value = crate::config::FILE, value_name = "FILE")]
    pub config: PathBuf,
}

/// Where the management API is and by what it knows us.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Management API")]
pub struct ManagementArgs {
    /// Its address, as in `http://127.0.0.1:9080`; else what the profile says
    #[arg(long, env = "WARDGATE_URL", hide_env_values = true, value_name = "URL")]
    pub url: Option<String>,
    /// Where it is and who is asking
    #[command(flatten)]
    pub way: WayArgs,
}

/// How one comes to the management API, its address apart.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Management API")]
pub struct WayArgs {
    /// A session token; better given in the variable, since command lines can be seen by others
    #[arg(long, env = "WARDGATE_TOKEN", hide_env_values = true, value_name = "TOKEN", value_parser = token)]
    pub token: Option<Secret<String>>,
    /// When nothing is serving: open the store itself, as `serve` does, and ask as the built-in operator
    #[arg(long)]
    pub offline: bool,
    /// Which configuration says where the store is
    #[arg(long = "config", short = 'c', default_value = crate::config::FILE, value_name = "FILE", requires = "offline")]
    pub config: PathBuf,
}

pub(super) fn token(text: &str) -> Result<Secret<String>, Infallible> {
    Ok(Secret::new(text.trim().to_owned()))
}

/// What every command takes that asks the management API.
#[derive(Debug, Clone, Args)]
pub struct ReadArgs {
    /// In which form
    #[command(flatten)]
    pub output: OutputArgs,
    /// Where to
    #[command(flatten)]
    pub management: ManagementArgs,
}

/// What every command takes that changes something.
#[derive(Debug, Clone, Args)]
pub struct ChangeArgs {
    /// Why, for the change feed
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
    /// Where to, and in which form
    #[command(flatten)]
    pub read: ReadArgs,
}

/// A change of what has a name.
#[derive(Debug, Args)]
pub struct NamedArgs {
    /// Which
    #[arg(value_name = "NAME")]
    pub name: String,
    /// Why, where to, and in which form
    #[command(flatten)]
    pub change: ChangeArgs,
}

/// One resource.
#[derive(Debug, Args)]
pub struct ResourceArgs {
    /// What: `identity`, `api`, `grant`…
    #[arg(value_name = "KIND", value_parser = kind)]
    pub kind: Kind,
    /// Which
    #[arg(value_name = "NAME")]
    pub name: String,
}

/// A kind of resource, in small or great letters, one or many.
pub(super) fn kind(text: &str) -> Result<Kind, String> {
    let word = text.to_ascii_lowercase().replace(['_', '-'], "");
    let singular = [word.strip_suffix("ies").map(|stem| format!("{stem}y")), word.strip_suffix('s').map(str::to_owned)];
    let meant = |kind: &&Kind| {
        let name = kind.as_str().to_ascii_lowercase();
        name == word || singular.iter().flatten().any(|word| *word == name)
    };
    Kind::ALL.iter().find(meant).copied().ok_or_else(|| format!("the kinds are {}", kinds()))
}

fn kinds() -> String {
    Kind::ALL.iter().map(|kind| kind.as_str()).collect::<Vec<_>>().join(", ")
}

/// What a change can be about besides resources.
const SUBJECTS: [&str; 10] =
    ["status", "owner_status", "credential", "secret", "signing_key", "containment", "approval", "discovery", "announcement", "rehearsal"];

/// What a change is about, as the feed says it.
pub(super) fn subject(text: &str) -> Result<String, String> {
    let word = text.to_ascii_lowercase().replace('-', "_");
    let other = SUBJECTS.iter().find(|subject| **subject == word).map(|subject| (*subject).to_owned());
    other
        .map_or_else(|| kind(text).map(|kind| kind.as_str().to_owned()), Ok)
        .map_err(|_| format!("write one of {}, {}", kinds(), SUBJECTS.join(", ")))
}

/// A length of time, as in `7d`.
pub(super) fn span(text: &str) -> Result<Duration, String> {
    scalar::duration(text).map_err(|wrong| told(&wrong))
}

/// A number of bytes, as in `2GiB`.
pub(super) fn size(text: &str) -> Result<u64, String> {
    scalar::size(text).map(std::num::NonZeroU64::get).map_err(|wrong| told(&wrong))
}

/// A length of time that is passed on as it was typed.
pub(super) fn span_text(text: &str) -> Result<String, String> {
    span(text).map(|_| text.to_owned())
}

/// A day or a moment that is passed on as it was typed.
pub(super) fn moment_text(text: &str) -> Result<String, String> {
    scalar::moment(text).map(|_| text.to_owned()).map_err(|wrong| told(&wrong))
}

/// What is wrong with a value, and how it is written.
fn told(wrong: &scalar::Wrong) -> String {
    let mend = wrong.mend.as_deref().map(|mend| format!(": {mend}")).unwrap_or_default();
    format!("{}{mend}", wrong.what)
}
