//! Stopping, letting go, and what waits for a second person.

use super::{ChangeArgs, ReadArgs, span_text};
use clap::{Args, Subcommand};

/// What can be stopped.
pub const CONTAINABLE: [&str; 6] = ["identity", "credential", "token", "task", "owner", "issuer"];

/// `wardgate contain`.
#[derive(Debug, Args)]
#[command(override_usage = "wardgate contain [OPTIONS] <KIND> <NAME>\n       wardgate contain --list", arg_required_else_help = true)]
pub struct ContainArgs {
    /// What to stop
    #[arg(value_name = "KIND", value_parser = CONTAINABLE, required_unless_present = "list")]
    pub kind: Option<String>,
    /// Which
    #[arg(value_name = "NAME", required_unless_present = "list")]
    pub name: Option<String>,
    /// Change nothing; say who uses it, on what, how often, and who would break
    #[arg(long)]
    pub preview: bool,
    /// List what is contained now
    #[arg(long, conflicts_with_all = ["kind", "name", "preview", "reason"])]
    pub list: bool,
    /// Why, where to, and in which form
    #[command(flatten)]
    pub change: ChangeArgs,
}

/// What can be announced.
pub const ANNOUNCED: [&str; 2] = ["identity", "api"];

/// `wardgate announce`.
#[derive(Debug, Args)]
#[command(
    override_usage = "wardgate announce [OPTIONS] <KIND> <NAME> --for <DURATION>\n       wardgate announce --list",
    arg_required_else_help = true
)]
pub struct AnnounceArgs {
    /// What has changed, or is about to
    #[arg(value_name = "KIND", value_parser = ANNOUNCED, required_unless_present = "list")]
    pub kind: Option<String>,
    /// Which
    #[arg(value_name = "NAME", required_unless_present = "list")]
    pub name: Option<String>,
    /// For how long from now: a minute to 35 days
    #[arg(long = "for", value_name = "DURATION", value_parser = span_text, required_unless_present = "list")]
    pub lasting: Option<String>,
    /// List what is announced now
    #[arg(long, conflicts_with_all = ["kind", "name", "lasting", "reason"])]
    pub list: bool,
    /// Why, where to, and in which form
    #[command(flatten)]
    pub change: ChangeArgs,
}

/// `wardgate release`.
#[derive(Debug, Args)]
pub struct ReleaseArgs {
    /// What to let go
    #[arg(value_name = "KIND", value_parser = CONTAINABLE)]
    pub kind: String,
    /// Which
    #[arg(value_name = "NAME")]
    pub name: String,
    /// Why, where to, and in which form
    #[command(flatten)]
    pub change: ChangeArgs,
}

/// `wardgate signing-key …`.
#[derive(Debug, Subcommand)]
pub enum SigningKeyCommand {
    /// List the keys that tokens and assertions are signed with
    #[command(after_help = "\
Examples:
  wardgate signing-key list
  wardgate signing-key list --output json")]
    List(ReadArgs),
    /// End one now: every token that it signed is refused on every gate, and another key signs
    #[command(after_help = "\
Examples:
  wardgate signing-key revoke SvRTkLFiSDHCm4Dzu08V0hMtxx2s3t1qBCNEdBkWCAo --reason \"a backup was stolen\"

Clients get new tokens as usual. Upstreams verify assertions of the new key when they have fetched the key set again:
those that look for an unknown key do it at once. `wardgate history signing_key KID` says what became of a key.")]
    Revoke(SigningKeyArgs),
}

/// `wardgate signing-key revoke`.
#[derive(Debug, Args)]
pub struct SigningKeyArgs {
    /// Its id: the `kid` of tokens and of the key set. One that begins with `-` comes behind `--`
    #[arg(value_name = "KID")]
    pub kid: String,
    /// Why, where to, and in which form
    #[command(flatten)]
    pub change: ChangeArgs,
}

/// `wardgate approval …`.
#[derive(Debug, Subcommand)]
pub enum ApprovalCommand {
    /// List what waits for a second person
    #[command(after_help = "\
Examples:
  wardgate approval list
  wardgate approval list --state all
  wardgate approval list --output json")]
    List(ApprovalListArgs),
    /// Show one: who asks for what, and what it would change
    #[command(after_help = "\
Examples:
  wardgate approval show 4fT0aZ19xQ2b")]
    Show(ApprovalShowArgs),
    /// Approve it: it is done at once
    #[command(after_help = "\
Examples:
  wardgate approval approve 4fT0aZ19xQ2b --reason \"checked with the owner\"

Not by the one who asked, nor by somebody of the same owner.")]
    Approve(DecideArgs),
    /// Deny it
    #[command(after_help = "\
Examples:
  wardgate approval deny 4fT0aZ19xQ2b --reason \"not before the review\"")]
    Deny(DecideArgs),
}

/// `wardgate approval list`.
#[derive(Debug, Args)]
pub struct ApprovalListArgs {
    /// Only in this state
    #[arg(long, value_name = "STATE", default_value = "waiting", value_parser = ["waiting", "approved", "denied", "lapsed", "all"])]
    pub state: String,
    /// Where to, and in which form
    #[command(flatten)]
    pub read: ReadArgs,
}

/// `wardgate approval show`.
#[derive(Debug, Args)]
pub struct ApprovalShowArgs {
    /// Which
    #[arg(value_name = "ID")]
    pub id: String,
    /// Where to, and in which form
    #[command(flatten)]
    pub read: ReadArgs,
}

/// `wardgate approval approve|deny`.
#[derive(Debug, Args)]
pub struct DecideArgs {
    /// Which
    #[arg(value_name = "ID")]
    pub id: String,
    /// Why, where to, and in which form
    #[command(flatten)]
    pub change: ChangeArgs,
}
