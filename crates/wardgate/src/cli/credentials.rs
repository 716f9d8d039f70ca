//! Credentials of callers, and secrets that upstreams are shown.

use super::{ChangeArgs, ReadArgs};
use clap::{Args, Subcommand};
use std::path::PathBuf;

/// `wardgate credential …`.
#[derive(Debug, Subcommand)]
pub enum CredentialCommand {
    /// Make a new API key or secret of webhooks for an identity; it is shown once
    #[command(after_help = "\
Examples:
  wardgate credential issue hello-client
  wardgate credential issue hello-client --name main --reason \"first key\"
  wardgate credential issue on-call --kind sign_in
  wardgate credential issue crm-hooks --name hook --secret-file - < secret.txt
  KEY=$(wardgate credential issue hello-client --output json | jq -r .key)")]
    Issue(IssueArgs),
    /// Give the holder of a credential a new key or secret; the old one works for a time beside it
    #[command(after_help = "\
Examples:
  wardgate credential rotate 4fT0aZ19xQ2b
  wardgate credential rotate 4fT0aZ19xQ2b --overlap 24h --reason \"cadence\"
  KEY=$(wardgate credential rotate 4fT0aZ19xQ2b --output json | jq -r .key)")]
    Rotate(RotateArgs),
    /// End a credential: the next request that shows it is refused
    #[command(after_help = "\
Examples:
  wardgate credential revoke 4fT0aZ19xQ2b
  wardgate credential revoke 4fT0aZ19xQ2b --reason \"found in a build log\"")]
    Revoke(RevokeArgs),
    /// List credentials: ids and dates, never the keys
    #[command(after_help = "\
Examples:
  wardgate credential list
  wardgate credential list --identity hello-client --state live
  wardgate credential list --output json")]
    List(CredentialListArgs),
}

/// `wardgate credential issue`.
#[derive(Debug, Args)]
pub struct IssueArgs {
    /// For which identity
    #[arg(value_name = "IDENTITY")]
    pub identity: String,
    /// For which entry of its `credentials`; needed where it has several
    #[arg(long, value_name = "ENTRY")]
    pub name: Option<String>,
    /// What to issue: an API key, a secret of signed webhooks, or a credential for one sign-in to the management API (for an
    /// identity with a role); as the entry is unless told
    #[arg(long, value_name = "KIND", value_parser = ["api_key", "hmac", "sign_in"])]
    pub kind: Option<String>,
    /// The secret that a sender of webhooks signs with already is read from here; `-` for standard input. Without it the gate
    /// makes one
    #[arg(long, value_name = "FILE")]
    pub secret_file: Option<PathBuf>,
    /// Make an API key for this open task of the identity: it is good for that alone, and ends with it
    #[arg(long, value_name = "ID", conflicts_with = "secret_file")]
    pub task: Option<String>,
    /// Why, where to, and in which form
    #[command(flatten)]
    pub change: ChangeArgs,
}

/// `wardgate credential revoke`.
#[derive(Debug, Args)]
pub struct RevokeArgs {
    /// The credential's id: the third part of the key
    #[arg(value_name = "ID")]
    pub id: String,
    /// Why, where to, and in which form
    #[command(flatten)]
    pub change: ChangeArgs,
}

/// `wardgate credential list`.
#[derive(Debug, Args)]
pub struct CredentialListArgs {
    /// Only of this identity
    #[arg(long, value_name = "NAME")]
    pub identity: Option<String>,
    /// Only in this state
    #[arg(long, value_name = "STATE", value_parser = ["live", "ended", "expired", "revoked", "spent"])]
    pub state: Option<String>,
    /// Where to, and in which form
    #[command(flatten)]
    pub read: ReadArgs,
}

/// `wardgate secret …`.
#[derive(Debug, Subcommand)]
pub enum SecretCommand {
    /// Keep a secret that an upstream is shown; the value is read from standard input or a file
    #[command(after_help = "\
Examples:
  wardgate secret put warehouse-key < key.txt
  wardgate secret put warehouse-key --file key.txt

One line end at the end of the value does not count.")]
    Put(SecretPutArgs),
    /// Bring a new secret to the upstream, then use it; the old one is dropped once the new one is seen to work
    #[command(after_help = "\
Examples:
  wardgate secret rotate warehouse-key --deliver command=push-warehouse-key
  wardgate secret rotate warehouse-key --deliver file=warehouse-key --file new-key.txt

No request fails meanwhile: where the new secret is refused, the gate goes back to the old one.")]
    Rotate(SecretRotateArgs),
    /// List secrets: names and dates, never the values
    #[command(after_help = "\
Examples:
  wardgate secret list
  wardgate secret list --output json")]
    List(ReadArgs),
}

/// `wardgate secret put`.
#[derive(Debug, Args)]
pub struct SecretPutArgs {
    /// Its name, as `upstream.identity.secret` says it
    #[arg(value_name = "NAME")]
    pub name: String,
    /// Read the value from here instead of standard input
    #[arg(long, value_name = "FILE")]
    pub file: Option<PathBuf>,
    /// Why, where to, and in which form
    #[command(flatten)]
    pub change: ChangeArgs,
}

/// `wardgate credential rotate`.
#[derive(Debug, Args)]
pub struct RotateArgs {
    /// The credential's id: the third part of the key
    #[arg(value_name = "ID")]
    pub id: String,
    /// How long the old one still works beside the new one, as in `24h`; else what the rotation rules say
    #[arg(long, value_name = "TIME", value_parser = super::span_text)]
    pub overlap: Option<String>,
    /// The new secret of a sender of webhooks is read from here; `-` for standard input. Without it the gate makes one
    #[arg(long, value_name = "FILE")]
    pub secret_file: Option<PathBuf>,
    /// Why, where to, and in which form
    #[command(flatten)]
    pub change: ChangeArgs,
}

/// `wardgate secret rotate`.
#[derive(Debug, Args)]
pub struct SecretRotateArgs {
    /// Its name, as `upstream.identity.secret` says it
    #[arg(value_name = "NAME")]
    pub name: String,
    /// How the upstream comes to know it: `file=NAME`, `kubernetes=NAMESPACE/NAME`, `vault=PATH` or `command=NAME`, as far as
    /// configured; without it, that the upstream knows it already
    #[arg(long, value_name = "HOW=WHERE", value_parser = delivery)]
    pub deliver: Option<(String, String)>,
    /// Read the new value from here; `-` for standard input. Without it the gate makes one
    #[arg(long, value_name = "FILE")]
    pub file: Option<PathBuf>,
    /// Why, where to, and in which form
    #[command(flatten)]
    pub change: ChangeArgs,
}

fn delivery(text: &str) -> Result<(String, String), String> {
    const WAYS: [&str; 4] = ["file", "kubernetes", "vault", "command"];
    match text.split_once('=') {
        Some((how, place)) if WAYS.contains(&how) && !place.is_empty() => Ok((how.to_owned(), place.to_owned())),
        _ => Err("write `file=NAME`, `kubernetes=NAMESPACE/NAME`, `vault=PATH` or `command=NAME`".to_owned()),
    }
}
