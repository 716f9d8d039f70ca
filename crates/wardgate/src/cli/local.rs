//! Commands about this process and its files.

use super::{ConfigArgs, OutputArgs};
use clap::{Args, Subcommand};
use std::path::PathBuf;

/// `wardgate demo`.
#[derive(Debug, Args)]
pub struct DemoArgs {
    /// Exit after the tour instead of serving on
    #[arg(long)]
    pub once: bool,
    /// Play only this scene
    #[arg(long, value_name = "NAME", value_parser = scene)]
    pub scene: Option<String>,
    /// Form of what is printed
    #[command(flatten)]
    pub output: OutputArgs,
}

fn scene(text: &str) -> Result<String, String> {
    let names = crate::demo::scene_names();
    if names.contains(&text) { Ok(text.to_owned()) } else { Err(format!("there are these scenes: {}", names.join(", "))) }
}

/// `wardgate init`.
#[derive(Debug, Args)]
pub struct InitArgs {
    /// Where to; made if it is not there
    #[arg(default_value = ".", value_name = "DIR")]
    pub directory: PathBuf,
}

/// `wardgate serve`.
#[derive(Debug, Args)]
pub struct ServeArgs {
    /// Which configuration
    #[command(flatten)]
    pub config: ConfigArgs,
}

/// `wardgate check`.
#[derive(Debug, Args)]
pub struct CheckArgs {
    /// Which configuration
    #[command(flatten)]
    pub config: ConfigArgs,
    /// Form of what is printed
    #[command(flatten)]
    pub output: OutputArgs,
    /// Directories or files to read instead of those that the configuration names
    #[arg(value_name = "DIR")]
    pub directories: Vec<PathBuf>,
}

/// `wardgate sign-in`.
#[derive(Debug, Args)]
pub struct SignInArgs {
    /// Make a new single-use credential by opening the store itself. Nothing may be serving from a SQLite store; gates on
    /// PostgreSQL may go on
    #[arg(long)]
    pub offline: bool,
    /// Which configuration (`--offline`)
    #[command(flatten)]
    pub config: ConfigArgs,
    /// Form of what is printed
    #[command(flatten)]
    pub output: OutputArgs,
    /// Its address, as in `http://127.0.0.1:9080`; else what the profile says
    #[arg(long, env = "WARDGATE_URL", hide_env_values = true, value_name = "URL", help_heading = "Management API")]
    pub url: Option<String>,
}

/// `wardgate schema`.
#[derive(Debug, Args)]
pub struct SchemaArgs {
    /// A kind of resource (`Identity`, `Api`, …), `config`, `event` or `cedar` (what policies may speak of)
    #[arg(value_name = "KIND")]
    pub kind: String,
}

/// `wardgate config …`.
#[derive(Debug, Subcommand)]
pub enum ConfigCommand {
    /// Print the effective configuration, defaults included
    #[command(after_help = "\
Examples:
  wardgate config show
  wardgate config show -c gate/wardgate.yaml --output json")]
    Show(ConfigShowArgs),
}

/// `wardgate config show`.
#[derive(Debug, Args)]
pub struct ConfigShowArgs {
    /// Which configuration
    #[command(flatten)]
    pub config: ConfigArgs,
    /// Form of what is printed
    #[command(flatten)]
    pub output: OutputArgs,
}

/// `wardgate backup`.
#[derive(Debug, Args)]
pub struct BackupArgs {
    /// The new file; must not be there yet
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// Which configuration
    #[command(flatten)]
    pub config: ConfigArgs,
    /// Form of what is printed
    #[command(flatten)]
    pub output: OutputArgs,
}

/// `wardgate break-glass`.
#[derive(Debug, Args)]
pub struct BreakGlassArgs {
    /// Why; whoever watches reads it
    #[arg(long, value_name = "TEXT", required_unless_present = "end")]
    pub reason: Option<String>,
    /// End the session now: what the profile says counts again
    #[arg(long, conflicts_with_all = ["reason", "socket"])]
    pub end: bool,
    /// The socket; beside the store unless told
    #[arg(long, value_name = "PATH")]
    pub socket: Option<PathBuf>,
    /// Which configuration
    #[command(flatten)]
    pub config: ConfigArgs,
    /// Form of what is printed
    #[command(flatten)]
    pub output: OutputArgs,
}
