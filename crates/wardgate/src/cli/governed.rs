//! Everything that is declared: resources, as documents.

use super::{ChangeArgs, ReadArgs, ResourceArgs};
use clap::{Args, Subcommand, ValueEnum};
use std::path::PathBuf;
use wardgate_model::resource::Kind;

/// Commands about what is declared.
#[derive(Debug, Subcommand)]
pub enum GovernedCommand {
    /// Say what applying a directory would change, and whom it would break
    #[command(after_help = "\
Examples:
  wardgate plan resources/
  wardgate plan resources/ policies/ --prune
  wardgate plan resources/ --since 30d --output json

Nothing is changed. A caller breaks when what it lives on is taken away and it was used since `--since`.
What the gate's own files declare (`resources:` in wardgate.yaml) is theirs: no plan takes it away, not with
`--prune` either. Where a gate watches files, `wardgate contain KIND NAME --preview` says who would miss
something, before it is taken out of them.
Exit status: 0 nothing breaks · 2 the files are wrong · 3 it would break callers")]
    Plan(PlanArgs),
    /// Make the gate as a directory says; twice is once
    #[command(after_help = "\
Examples:
  wardgate apply resources/
  wardgate apply resources/ policies/ --reason \"new partner\"
  wardgate apply resources/ --prune         also remove what an earlier apply made and the files do not name any more

All of it or nothing. What a second person must agree to waits: the answer names the approval.

Exit status: 0 the gate is as the documents say · 2 they are wrong · 3 nothing is changed yet: it waits for a second person")]
    Apply(ApplyArgs),
    /// List resources of a kind, or print one as a document
    #[command(after_help = "\
Examples:
  wardgate get identities
  wardgate get identities --owner payments --state active
  wardgate get grant ledger-sync-writes > grant.yaml
  wardgate get api ledger --output json")]
    Get(GetArgs),
    /// Show all about one resource on a page
    #[command(after_help = "\
Examples:
  wardgate describe identity ledger-sync      owner, state, grants, credentials, findings, use
  wardgate describe owner payments
  wardgate describe api ledger --output json")]
    Describe(DescribeArgs),
    /// Change one resource in an editor
    #[command(after_help = "\
Examples:
  wardgate edit grant ledger-sync-writes
  EDITOR='code --wait' wardgate edit identity ledger-sync --reason \"new team\"

What is wrong with the text is written above it and the editor opens again; leave the text as it was to give up.
Nothing is overwritten that somebody else changed meanwhile. What came from files is changed in the files.")]
    Edit(EditArgs),
    /// Remove one resource
    #[command(after_help = "\
Examples:
  wardgate delete grant ledger-sync-writes
  wardgate delete owner acme --reason \"contract ended\"

What others still name is not removed: the answer says who names it. A status outlives its resource.")]
    Delete(DeleteArgs),
    /// Write everything that is declared into a directory
    #[command(after_help = "\
Examples:
  wardgate export declared/
  wardgate export declared/ --replace      over what an earlier export wrote

One file a kind, a file of its own for each Cedar policy. `wardgate plan` of the directory then says: no change.")]
    Export(ExportArgs),
    /// Take owners and identities over from another inventory
    #[command(after_help = "\
Examples:
  wardgate import --format csv clients.csv
  wardgate import --format keycloak realm.json --owner payments --environment production
  wardgate import --format scim users.json --apply --reason \"from the directory\"
  wardgate import --format codeowners .github/CODEOWNERS --write imported/owners.yaml

Without --apply and --write it only says what would change, and who is away.")]
    Import(ImportArgs),
    /// Show who changed what, when and why
    #[command(after_help = "\
Examples:
  wardgate history identity ledger-sync
  wardgate history grant ledger-sync-writes --full
  wardgate history credential 4fT0aZ19xQ2b --output json")]
    History(HistoryArgs),
    /// Go back to what was declared at an earlier change
    #[command(after_help = "\
Examples:
  wardgate rollback --to 4711 --plan
  wardgate rollback --to 4711 --reason \"the new limits stopped the nightly run\"

The change numbers are those of `wardgate history`. It is a change like any other: planned, recorded, and
what needs a second person waits for one. Revoked credentials stay revoked, retired identities retired,
and what files own stays as the files say.")]
    Rollback(RollbackArgs),
}

/// Documents in files.
#[derive(Debug, Args)]
pub struct DeclaredArgs {
    /// Directories or files of resources and policies
    #[arg(value_name = "DIR", required = true)]
    pub directories: Vec<PathBuf>,
    /// Also remove what an earlier apply made and the files do not name any more
    #[arg(long)]
    pub prune: bool,
}

/// `wardgate plan`.
#[derive(Debug, Args)]
pub struct PlanArgs {
    /// Of which documents
    #[command(flatten)]
    pub declared: DeclaredArgs,
    /// What was used within this time counts as in use
    #[arg(long, default_value = "7d", value_name = "TIME", value_parser = super::span)]
    pub since: std::time::Duration,
    /// Where to, and in which form
    #[command(flatten)]
    pub read: ReadArgs,
}

/// `wardgate apply`.
#[derive(Debug, Args)]
pub struct ApplyArgs {
    /// Of which documents
    #[command(flatten)]
    pub declared: DeclaredArgs,
    /// Why, where to, and in which form
    #[command(flatten)]
    pub change: ChangeArgs,
}

/// `wardgate get`.
#[derive(Debug, Args)]
pub struct GetArgs {
    /// What: `identity`, `api`, `grant`…
    #[arg(value_name = "KIND", value_parser = super::kind)]
    pub kind: Kind,
    /// Which; all unless told
    #[arg(value_name = "NAME", conflicts_with_all = ["owner", "state", "origin"])]
    pub name: Option<String>,
    /// Only of this owner
    #[arg(long, value_name = "NAME")]
    pub owner: Option<String>,
    /// Only in this state (identities)
    #[arg(long, value_name = "STATE")]
    pub state: Option<String>,
    /// Only what came from there: `api`, `file`, `shipped` or `file:PATH`
    #[arg(long, value_name = "ORIGIN")]
    pub origin: Option<String>,
    /// Where to, and in which form
    #[command(flatten)]
    pub read: ReadArgs,
}

/// `wardgate describe`.
#[derive(Debug, Args)]
pub struct DescribeArgs {
    /// What
    #[command(flatten)]
    pub resource: ResourceArgs,
    /// Where to, and in which form
    #[command(flatten)]
    pub read: ReadArgs,
}

/// `wardgate edit`.
#[derive(Debug, Args)]
pub struct EditArgs {
    /// What
    #[command(flatten)]
    pub resource: ResourceArgs,
    /// With which editor; words after the first are its arguments
    #[arg(long, env = "EDITOR", hide_env_values = true, default_value = "vi", value_name = "COMMAND")]
    pub editor: String,
    /// Why, where to, and in which form
    #[command(flatten)]
    pub change: ChangeArgs,
}

/// `wardgate delete`.
#[derive(Debug, Args)]
pub struct DeleteArgs {
    /// What
    #[command(flatten)]
    pub resource: ResourceArgs,
    /// Why, where to, and in which form
    #[command(flatten)]
    pub change: ChangeArgs,
}

/// `wardgate export`.
#[derive(Debug, Args)]
pub struct ExportArgs {
    /// Where to; made if it is not there
    #[arg(value_name = "DIR")]
    pub directory: PathBuf,
    /// Write over what an earlier export wrote there
    #[arg(long)]
    pub replace: bool,
    /// Where to, and in which form
    #[command(flatten)]
    pub read: ReadArgs,
}

/// In which form another inventory is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// A table with a line of names: name, type, owner, environment, purpose…
    Csv,
    /// Users as SCIM 2.0 lists them: owners, and who has left
    Scim,
    /// Owners as a repository's CODEOWNERS names them
    Codeowners,
    /// A list of service accounts, as `kubectl get serviceaccounts -A -o json` gives it
    Kubernetes,
    /// Clients, as a Keycloak realm exports them
    Keycloak,
}

impl Format {
    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Scim => "scim",
            Self::Codeowners => "codeowners",
            Self::Kubernetes => "kubernetes",
            Self::Keycloak => "keycloak",
        }
    }
}

/// `wardgate import`.
#[derive(Debug, Args)]
pub struct ImportArgs {
    /// In which form it is
    #[arg(long, value_enum, value_name = "FORM")]
    pub format: Format,
    /// The file; `-` for standard input
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// The owner of what names none
    #[arg(long, value_name = "NAME")]
    pub owner: Option<String>,
    /// The environment of what names none
    #[arg(long, value_name = "NAME")]
    pub environment: Option<String>,
    /// Do it: apply the documents, and let owners depart whose accountable person is away
    #[arg(long)]
    pub apply: bool,
    /// Write the documents into a file instead, to be read and kept
    #[arg(long, value_name = "FILE", conflicts_with = "apply")]
    pub write: Option<PathBuf>,
    /// Why, for the change feed
    #[arg(long, value_name = "TEXT", requires = "apply")]
    pub reason: Option<String>,
    /// Where to, and in which form
    #[command(flatten)]
    pub read: ReadArgs,
}

/// `wardgate history`.
#[derive(Debug, Args)]
pub struct HistoryArgs {
    /// What: `identity`, `grant`… or `credential`, `secret`, `status`, `containment`, `approval`, `discovery`
    #[arg(value_name = "KIND", value_parser = super::subject)]
    pub kind: String,
    /// Which
    #[arg(value_name = "NAME")]
    pub name: String,
    /// Also what it was and what it became, member by member
    #[arg(long)]
    pub full: bool,
    /// Where to, and in which form
    #[command(flatten)]
    pub read: ReadArgs,
}

/// `wardgate rollback`.
#[derive(Debug, Args)]
pub struct RollbackArgs {
    /// To the state after this change
    #[arg(long, value_name = "SEQ")]
    pub to: u64,
    /// Only say what would change
    #[arg(long)]
    pub plan: bool,
    /// Why, where to, and in which form
    #[command(flatten)]
    pub change: ChangeArgs,
}
