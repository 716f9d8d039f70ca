//! What happened, and why.

use super::{OutputArgs, ReadArgs, WayArgs};
use clap::{Args, Subcommand};
use wardgate_model::{api::OperationClass, proof::ProofKind};

/// `wardgate explain`.
#[derive(Debug, Args)]
#[command(
    override_usage = "wardgate explain [OPTIONS] <REQUEST_ID>\n       wardgate explain [OPTIONS] --identity <NAME> --method <METHOD> --url <URL>"
)]
pub struct ExplainArgs {
    /// A recorded request
    #[arg(value_name = "REQUEST_ID", required_unless_present = "identity", conflicts_with_all = ["identity", "method", "target", "header", "proof"])]
    pub request_id: Option<String>,
    /// Who would call; `anonymous` for nobody known
    #[arg(long, value_name = "NAME", requires_all = ["method", "target"])]
    pub identity: Option<String>,
    /// By which method
    #[arg(long, value_name = "METHOD")]
    pub method: Option<String>,
    /// What: a URL, or a path for any host
    #[arg(long = "url", id = "target", value_name = "URL")]
    pub target: Option<String>,
    /// A header field of the request
    #[arg(long, value_name = "NAME: VALUE")]
    pub header: Vec<String>,
    /// How the identity would prove itself; else by its first credential
    #[arg(long, value_name = "KIND", value_parser = clap::builder::PossibleValuesParser::new(ProofKind::ALL.iter().map(|kind| kind.as_str())))]
    pub proof: Option<String>,
    /// Form of what is printed
    #[command(flatten)]
    pub output: OutputArgs,
    /// Where the management API is; else what WARDGATE_URL or the profile says
    #[arg(long, env = "WARDGATE_URL", hide_env_values = true, value_name = "URL", help_heading = "Management API")]
    pub management_url: Option<String>,
    /// By what it knows us, or the store itself
    #[command(flatten)]
    pub way: WayArgs,
}

/// `wardgate audit …`.
#[derive(Debug, Subcommand)]
pub enum AuditCommand {
    /// Print the last events, a line each; with --follow, go on as they happen
    #[command(after_help = "\
Examples:
  wardgate audit tail
  wardgate audit tail --follow --api ledger
  wardgate audit tail --code reserve.rate_exceeded --lines 50
  wardgate audit tail --api orders --response block      what `mode: observe` would have refused
  wardgate audit tail --output json | jq -c '[.identity.name, .ruling.code]'")]
    Tail(TailArgs),
}

/// `wardgate audit tail`.
#[derive(Debug, Args)]
pub struct TailArgs {
    /// Go on as events happen, until Ctrl-C
    #[arg(long, short = 'f')]
    pub follow: bool,
    /// So many of the last events
    #[arg(long, short = 'n', default_value_t = 20, value_name = "COUNT", value_parser = clap::value_parser!(u32).range(0..=500))]
    pub lines: u32,
    /// Also what only read the management API, as this command does; shown with --api and --identity too
    #[arg(long)]
    pub all: bool,
    /// Only of this identity
    #[arg(long, value_name = "NAME")]
    pub identity: Option<String>,
    /// Only on this API
    #[arg(long, value_name = "NAME")]
    pub api: Option<String>,
    /// Only with this reason, as in `proof.expired`
    #[arg(long, value_name = "CODE")]
    pub code: Option<String>,
    /// Only with this answer
    #[arg(long, value_name = "RESPONSE", value_parser = ["allow", "slow", "challenge", "block"])]
    pub response: Option<String>,
    /// Where to, and in which form
    #[command(flatten)]
    pub read: ReadArgs,
}

/// `wardgate access`.
#[derive(Debug, Args)]
pub struct AccessArgs {
    /// What this identity can call
    #[arg(long, value_name = "NAME", conflicts_with = "operation")]
    pub identity: Option<String>,
    /// Who can call this, as in `GET /ledger/entries/{id}`
    #[arg(long, value_name = "OPERATION")]
    pub operation: Option<String>,
    /// Only on this API
    #[arg(long, value_name = "NAME")]
    pub api: Option<String>,
    /// Only operations of this class
    #[arg(long, value_name = "CLASS", value_parser = clap::builder::PossibleValuesParser::new(OperationClass::ALL.iter().map(|class| class.as_str())))]
    pub class: Option<String>,
    /// Also on the management API itself, which --api wardgate-admin shows alone
    #[arg(long)]
    pub all: bool,
    /// Also what is denied
    #[arg(long)]
    pub denied: bool,
    /// As it was then: a moment as in `2026-11-01T08:00:00Z`, a day, or the number of a change
    #[arg(long, value_name = "TIME")]
    pub at: Option<String>,
    /// What was gained and lost between two such times; `now` is one
    #[arg(long, num_args = 2, value_names = ["T1", "T2"], conflicts_with = "at")]
    pub diff: Option<Vec<String>>,
    /// Where to, and in which form
    #[command(flatten)]
    pub read: ReadArgs,
}

/// `wardgate findings`.
#[derive(Debug, Args)]
pub struct FindingsArgs {
    /// Only about things with this in their names
    #[arg(long, value_name = "TEXT")]
    pub subject: Option<String>,
    /// Only with this code, as in `rotation.overdue`
    #[arg(long, value_name = "CODE")]
    pub code: Option<String>,
    /// Only what this owner should mend
    #[arg(long, value_name = "NAME")]
    pub owner: Option<String>,
    /// Only so bad
    #[arg(long, value_name = "SEVERITY", value_parser = ["low", "medium", "high", "critical"])]
    pub severity: Option<String>,
    /// Also what a waiver exempts
    #[arg(long)]
    pub exemptions: bool,
    /// First call upstreams past the gate and with nothing to show: all of them, or that of one API
    #[arg(long, value_name = "API", num_args = 0..=1, default_missing_value = "")]
    pub probe: Option<String>,
    /// Where to, and in which form
    #[command(flatten)]
    pub read: ReadArgs,
}

/// `wardgate usage`.
#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("whose").required(true).args(["identity", "credential"]))]
pub struct UsageArgs {
    /// Of this identity
    #[arg(long, value_name = "NAME")]
    pub identity: Option<String>,
    /// Of this credential
    #[arg(long, value_name = "ID")]
    pub credential: Option<String>,
    /// Only what was used within this time, as in `7d`
    #[arg(long, value_name = "TIME", value_parser = super::span)]
    pub since: Option<std::time::Duration>,
    /// Where to, and in which form
    #[command(flatten)]
    pub read: ReadArgs,
}
