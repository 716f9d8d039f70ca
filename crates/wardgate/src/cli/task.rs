//! Tasks: for what, how long and how much.

use super::{ChangeArgs, ReadArgs};
use clap::{Args, Subcommand};

/// `wardgate task …`.
#[derive(Debug, Subcommand)]
pub enum TaskCommand {
    /// List tasks, the newest last
    #[command(after_help = "\
Examples:
  wardgate task list
  wardgate task list --identity ledger-sync --state all
  wardgate task list --output json")]
    List(TaskListArgs),
    /// Start a task of an identity
    #[command(after_help = "\
Examples:
  wardgate task start --identity ledger-sync --api ledger --purpose settlement --operation read --lifetime 15m
  wardgate task start --identity ledger-sync --api ledger --purpose settlement --operation \"POST /entries\" \\
      --resource 2027-01 --lifetime 1h --lease 60s --calls 100 --bytes 10000000

The identity gets tokens of it itself, by `authorization_details`. See docs/issuer.md, \"Tasks\".")]
    Start(TaskStartArgs),
    /// Show one: what for, how much, until when
    #[command(after_help = "\
Examples:
  wardgate task show t-0f3a5c7e9b1d2f4a6c8e0b1d
  wardgate task show t-0f3a5c7e9b1d2f4a6c8e0b1d --output json")]
    Show(TaskShowArgs),
    /// Say that a task is under way still: with a lease, it lapses so much later
    #[command(after_help = "\
Examples:
  wardgate task heartbeat t-0f3a5c7e9b1d2f4a6c8e0b1d")]
    Heartbeat(TaskWordArgs),
    /// Say that a task came to its end: its tokens are refused from now on
    #[command(after_help = "\
Examples:
  wardgate task complete t-0f3a5c7e9b1d2f4a6c8e0b1d")]
    Complete(TaskWordArgs),
    /// Say that a task did not: its tokens are refused from now on
    #[command(after_help = "\
Examples:
  wardgate task fail t-0f3a5c7e9b1d2f4a6c8e0b1d --reason \"the ledger is closed\"")]
    Fail(TaskWordArgs),
}

/// `wardgate task list`.
#[derive(Debug, Args)]
pub struct TaskListArgs {
    /// Only of this identity
    #[arg(long, value_name = "NAME")]
    pub identity: Option<String>,
    /// Only in this state; those that somebody has contained are among the open ones
    #[arg(long, value_name = "STATE", default_value = "open", value_parser = ["open", "contained", "completed", "failed", "lapsed", "all"])]
    pub state: String,
    /// Where to, and in which form
    #[command(flatten)]
    pub read: ReadArgs,
}

/// `wardgate task start`.
#[derive(Debug, Args)]
pub struct TaskStartArgs {
    /// Whose it is
    #[arg(long, value_name = "NAME")]
    pub identity: String,
    /// On which API
    #[arg(long, value_name = "NAME")]
    pub api: String,
    /// What for: a registered purpose
    #[arg(long, value_name = "NAME")]
    pub purpose: String,
    /// A class, or a method and a path; several times for several
    #[arg(long = "operation", value_name = "OPERATION", required = true)]
    pub operations: Vec<String>,
    /// Only this resource; `*` at the end stands for all that begin so; several times for several
    #[arg(long = "resource", value_name = "NAME")]
    pub resources: Vec<String>,
    /// How long at most, up to 24h
    #[arg(long, value_name = "SPAN", default_value = "15m")]
    pub lifetime: String,
    /// For how long nothing need be heard of it: 10s at least, and not longer than its life
    #[arg(long, value_name = "SPAN")]
    pub lease: Option<String>,
    /// How many calls in all
    #[arg(long, value_name = "COUNT")]
    pub calls: Option<u64>,
    /// How many bytes of bodies in all, in and out
    #[arg(long, value_name = "COUNT")]
    pub bytes: Option<u64>,
    /// How many records in answers in all, where they are counted
    #[arg(long, value_name = "COUNT")]
    pub records: Option<u64>,
    /// Why, where to, and in which form
    #[command(flatten)]
    pub change: ChangeArgs,
}

/// `wardgate task show`.
#[derive(Debug, Args)]
pub struct TaskShowArgs {
    /// Which
    #[arg(value_name = "ID")]
    pub id: String,
    /// Where to, and in which form
    #[command(flatten)]
    pub read: ReadArgs,
}

/// `wardgate task heartbeat|complete|fail`.
#[derive(Debug, Args)]
pub struct TaskWordArgs {
    /// Which
    #[arg(value_name = "ID")]
    pub id: String,
    /// Why, where to, and in which form
    #[command(flatten)]
    pub change: ChangeArgs,
}
