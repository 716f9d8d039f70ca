//! The lives of identities and owners.

use super::{ChangeArgs, NamedArgs, ReadArgs};
use clap::{Args, Subcommand};
use std::path::PathBuf;
use wardgate_model::inventory::{Criticality, IdentityKind};

/// `wardgate identity …`.
#[derive(Debug, Subcommand)]
pub enum IdentityCommand {
    /// Ask for a new identity; it can do nothing before it is approved
    #[command(after_help = "\
Examples:
  wardgate identity request ledger-sync --type service_account --owner payments --environment production \\
      --purpose \"copy settled payments to the ledger\" --api-key 30d
  wardgate identity request --file identity.yaml --reason \"ticket 4711\"")]
    Request(Box<RequestArgs>),
    /// Approve an identity that was requested; not by the one who asked
    #[command(after_help = "\
Examples:
  wardgate identity approve ledger-sync --evidence \"ticket 4711, reviewed\"")]
    Approve(ApproveArgs),
    /// Suspend an identity: it is refused from the next request on
    #[command(after_help = "\
Examples:
  wardgate identity suspend ledger-sync --reason \"moved to another cluster\"")]
    Suspend(NamedArgs),
    /// Let a suspended identity go on
    #[command(after_help = "\
Examples:
  wardgate identity resume ledger-sync --reason \"the move is done\"

What is quarantined was contained: `wardgate release identity ledger-sync` lets that go.")]
    Resume(NamedArgs),
    /// Quarantine an identity: refused, its open streams cut; only `wardgate release` ends it
    #[command(after_help = "\
Examples:
  wardgate identity quarantine ledger-sync --reason \"key found in a build log\"")]
    Quarantine(NamedArgs),
    /// Retire an identity for ever, and its credentials with it
    #[command(after_help = "\
Examples:
  wardgate identity retire ledger-sync --reason \"replaced by ledger-stream\"")]
    Retire(NamedArgs),
    /// Give an identity to another owner
    #[command(after_help = "\
Examples:
  wardgate identity transfer ledger-sync --to finance --reason \"the team moved\"
  wardgate identity transfer ledger-sync --to finance --team reporting")]
    Transfer(TransferArgs),
    /// List callers that were seen and that nobody has claimed
    #[command(after_help = "\
Examples:
  wardgate identity discovered
  wardgate identity discovered --state claimed --output json")]
    Discovered(DiscoveredArgs),
    /// Claim a discovered caller: from then on it is this identity
    #[command(after_help = "\
Examples:
  wardgate identity claim discovered-3kx09qz1mb7a --as nightly-report --reason \"the old report job\"

The identity must be on record: ask for it first with `wardgate identity request`.")]
    Claim(ClaimArgs),
    /// Reject an identity that was requested, or a discovered caller: it is refused for good
    #[command(after_help = "\
Examples:
  wardgate identity reject ledger-sync --reason \"there is one already\"
  wardgate identity reject discovered-3kx09qz1mb7a --reason \"nobody knows it\"")]
    Reject(NamedArgs),
}

/// `wardgate identity request`.
#[derive(Debug, Args)]
pub struct RequestArgs {
    /// Its name
    #[arg(value_name = "NAME", required_unless_present = "file")]
    pub name: Option<String>,
    /// Read the whole document from here instead
    #[arg(long, value_name = "FILE", conflicts_with_all = ["name", "kind", "owner", "team", "environment", "purpose", "criticality", "business_function", "until", "api_key"])]
    pub file: Option<PathBuf>,
    /// What kind of machine it is
    #[arg(long = "type", id = "kind", value_name = "TYPE", required_unless_present = "file", value_parser = clap::builder::PossibleValuesParser::new(IdentityKind::ALL.iter().map(|kind| kind.as_str())))]
    pub kind: Option<String>,
    /// Who answers for it
    #[arg(long, value_name = "NAME", required_unless_present = "file")]
    pub owner: Option<String>,
    /// The team within the owner
    #[arg(long, value_name = "NAME")]
    pub team: Option<String>,
    /// Where it lives
    #[arg(long, value_name = "NAME", required_unless_present = "file")]
    pub environment: Option<String>,
    /// Why it exists
    #[arg(long, value_name = "TEXT", required_unless_present = "file")]
    pub purpose: Option<String>,
    /// The business function it serves
    #[arg(long, value_name = "NAME")]
    pub business_function: Option<String>,
    /// What its loss would mean
    #[arg(long, value_name = "LEVEL", value_parser = clap::builder::PossibleValuesParser::new(Criticality::ALL.iter().map(|level| level.as_str())))]
    pub criticality: Option<String>,
    /// When it ends by itself, as in `2027-06-30`
    #[arg(long, value_name = "DATE", value_parser = super::moment_text)]
    pub until: Option<String>,
    /// It proves itself by an API key that lives so long, as in `30d`
    #[arg(long, value_name = "TIME", value_parser = super::span_text)]
    pub api_key: Option<String>,
    /// Why, where to, and in which form
    #[command(flatten)]
    pub change: ChangeArgs,
}

/// `wardgate identity approve`.
#[derive(Debug, Args)]
pub struct ApproveArgs {
    /// Which identity
    #[arg(value_name = "NAME")]
    pub name: String,
    /// On what the approval rests: a ticket, a review
    #[arg(long, value_name = "TEXT")]
    pub evidence: String,
    /// Why, where to, and in which form
    #[command(flatten)]
    pub change: ChangeArgs,
}

/// `wardgate identity transfer`.
#[derive(Debug, Args)]
pub struct TransferArgs {
    /// Which identity
    #[arg(value_name = "NAME")]
    pub name: String,
    /// To which owner
    #[arg(long = "to", id = "new_owner", value_name = "OWNER")]
    pub owner: String,
    /// The team within the new owner
    #[arg(long, value_name = "NAME")]
    pub team: Option<String>,
    /// Why, where to, and in which form
    #[command(flatten)]
    pub change: ChangeArgs,
}

/// `wardgate identity discovered`.
#[derive(Debug, Args)]
pub struct DiscoveredArgs {
    /// Only in this state
    #[arg(long, value_name = "STATE", default_value = "open", value_parser = ["open", "claimed", "rejected", "all"])]
    pub state: String,
    /// Where to, and in which form
    #[command(flatten)]
    pub read: ReadArgs,
}

/// `wardgate identity claim`.
#[derive(Debug, Args)]
pub struct ClaimArgs {
    /// The discovered caller, as in `discovered-3kx09qz1mb7a`
    #[arg(value_name = "DISCOVERED")]
    pub id: String,
    /// The identity that it is
    #[arg(long = "as", id = "identity", value_name = "IDENTITY")]
    pub identity: String,
    /// Why, where to, and in which form
    #[command(flatten)]
    pub change: ChangeArgs,
}

/// `wardgate owner …`.
#[derive(Debug, Subcommand)]
pub enum OwnerCommand {
    /// Say that an owner has left: its identities are flagged now and suspended after a grace
    #[command(after_help = "\
Examples:
  wardgate owner depart payments --reason \"the team was dissolved\"
  wardgate owner depart acme --grace 7d

Transfer its identities within the grace, or they stop.")]
    Depart(DepartArgs),
    /// Say that an owner who left is there again
    #[command(after_help = "\
Examples:
  wardgate owner return payments --reason \"it was the wrong list\"")]
    Return(NamedArgs),
    /// Attest that an owner still answers for what it owns
    #[command(after_help = "\
Examples:
  wardgate owner attest payments --reason \"quarterly review\"")]
    Attest(NamedArgs),
}

/// `wardgate owner depart`.
#[derive(Debug, Args)]
pub struct DepartArgs {
    /// Which owner
    #[arg(value_name = "NAME")]
    pub name: String,
    /// Time until its identities are suspended, as in `14d`
    #[arg(long, value_name = "TIME", value_parser = super::span_text)]
    pub grace: Option<String>,
    /// Why, where to, and in which form
    #[command(flatten)]
    pub change: ChangeArgs,
}
