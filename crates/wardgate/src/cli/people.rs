//! Commands of people who sign in at an issuer.

use super::OutputArgs;
use clap::Args;

/// `wardgate login`.
#[derive(Debug, Args)]
pub struct LoginArgs {
    /// Open the page too, by what this system opens pages with
    #[arg(long)]
    pub open: bool,
    /// Form of what is printed
    #[command(flatten)]
    pub output: OutputArgs,
    /// Its address, as in `http://127.0.0.1:9080`; else what the profile says
    #[arg(long, env = "WARDGATE_URL", hide_env_values = true, value_name = "URL", help_heading = "Management API")]
    pub url: Option<String>,
}

/// `wardgate logout`.
#[derive(Debug, Args)]
pub struct LogoutArgs {
    /// Form of what is printed
    #[command(flatten)]
    pub output: OutputArgs,
}
