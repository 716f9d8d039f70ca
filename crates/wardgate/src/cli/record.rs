//! What happened, and why.

use super::{ConfigArgs, ManagementArgs, OutputArgs, ReadArgs, WayArgs};
use crate::config::AnchorPlace;
use clap::{Args, Subcommand, ValueEnum};
use std::{path::PathBuf, time::Duration};
use wardgate_audit::web::NoSite;
use wardgate_model::{api::OperationClass, proof::ProofKind, secret::Secret};

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
  wardgate audit tail --would --api orders               what `risk.mode: observe` would have slowed, challenged or refused
  wardgate audit tail --output json | jq -c '[.identity.name, .ruling.code]'")]
    Tail(TailArgs),
    /// Ask the log in SQL: one table, `events`
    #[command(after_help = "\
Examples:
  wardgate audit query \"SELECT code, count(*) AS n FROM events GROUP BY code ORDER BY n DESC\"
  wardgate audit query --directory copied/audit -o csv \"SELECT * FROM events WHERE api = 'ledger'\"
  wardgate audit query \"DESCRIBE events\"

It is answered by the program wardgate-query, which stands beside this one (or where
WARDGATE_QUERY says). Where the log is: the directories that are named; else, where neither
address nor token of a management API is given, the one that ./wardgate.yaml names; else that of
the gate. It only reads. docs/evidence.md has the columns and more questions.")]
    Query(QueryArgs),
    /// Print all that the log holds about one subject, in one order: requests, changes, findings, rulings, effects
    #[command(after_help = "\
Examples:
  wardgate audit timeline identity:ledger-sync
  wardgate audit timeline credential:4fT0aZ19xQ2b --from 2026-11-01 --to 2026-11-02T08:00:00Z
  wardgate audit timeline source:192.0.2.7 --trace-children --lines 200
  wardgate audit timeline task:settle-4711 --output html --file incident.html
  wardgate audit timeline ledger-sync --directory edge-1/audit --directory edge-2/audit --oldest

SUBJECT is `identity:NAME`, `credential:ID`, `token:JTI`, `task:ID`, `grant:NAME`, `trace:ID`,
`source:ADDRESS`, `owner:NAME`, `resource:VALUE`, `api:NAME`, `operation:API METHOD TEMPLATE`, `request:ID`,
`person:HASH`, or a word alone, which is looked for as each of them.
Where the log is: as for `wardgate audit query`. It only reads; no engine is needed.

Exit status: 0 also when there is nothing about it, which is said · 1 not all of the log could be read: what there is is printed · 2 it is no subject")]
    Timeline(TimelineArgs),
    /// Look the whole log over: whether anything was changed, removed or put in; exit 3 when it was, and what
    #[command(after_help = "\
Examples:
  wardgate audit verify
  wardgate audit verify --remember /mnt/elsewhere/checkpoint      also: was it set back since then?
  wardgate audit verify --anchor https://anchor.example.com/gate-1    … since any checkpoint that is there?
  wardgate audit verify --directory copied/audit --key wardgate/edge-1+0b9a6c2d+AbC…

The checkpoint in the file of --remember is replaced by the newer one when nothing is wrong. Keep it
where whoever can change the log cannot: only that shows a log that was put back to an older state.
Where no configuration is at hand, --directory and --key say all that is needed.

Exit status: 0 nothing was changed · 3 something was, and what · 1 or 2 it could not be looked at")]
    Verify(VerifyArgs),
    /// Print the proof that an event is in the log, which a script of a page can check
    #[command(after_help = "\
Examples:
  wardgate audit prove 4711 > event.json
  wardgate audit prove 0199b2c4-7d1e-7a3b-9c55-2f4e8d6a1b90 --without-personal > event.json
  python3 scripts/verify_events.py proof event.json \"$(wardgate audit key)\"

Only what is sealed has a proof: `audit.seal` says when that is.")]
    Prove(ProveArgs),
    /// Take out of the log what tells of a person; that it holds what it held can still be proven
    #[command(after_help = "\
Examples:
  wardgate audit erase person:9f2c…  --reason \"asked for on 2026-11-20\"
  wardgate audit erase source:192.0.2.7 --reason \"a private line\"

A gate that serves does it, when it is named or serves from the directory; else this command. Of every event of the subject goes what may tell of a person (docs/evidence.md says which
columns); who called by which credential and what was ruled stays. The reason stands in the log for ever: name nobody in it.")]
    Erase(EraseArgs),
    /// Print every event as JSON, a line each, the oldest first
    #[command(after_help = "\
Examples:
  wardgate audit export | gzip > events.ndjson.gz
  wardgate audit export --directory copied/audit | jq -c 'select(.ruling.response == \"block\")'")]
    Export(LogArgs),
    /// Print the public key under which the log is signed
    #[command(after_help = "\
Examples:
  wardgate audit key > edge-1.vkey      keep it with the checkpoints, away from the log")]
    Key(LogArgs),
}

/// A log where it lies.
#[derive(Debug, Args)]
pub struct LogArgs {
    /// The directory of the log; else the one that the configuration names
    #[arg(long, value_name = "DIR")]
    pub directory: Option<PathBuf>,
    /// The public key to believe, as `wardgate audit key` prints it; else the one that follows from the configuration's master key
    #[arg(long, value_name = "KEY")]
    pub key: Option<String>,
    /// Where the configuration is
    #[command(flatten)]
    pub config: ConfigArgs,
}

/// `wardgate audit verify`.
#[derive(Debug, Args)]
pub struct VerifyArgs {
    /// Which log
    #[command(flatten)]
    pub log: LogArgs,
    /// A file with the checkpoint of the last look; made when there is none
    #[arg(long, value_name = "FILE")]
    pub remember: Option<PathBuf>,
    /// A file of `audit.anchor`, a copy of one, or a URL that gives what it was sent: the log has to hold to each of its checkpoints.
    /// Again for each
    #[arg(long, value_name = "FILE|URL", value_parser = anchor)]
    pub anchor: Vec<AnchorPlace>,
    /// Compare the hashes of files, and records only where they differ
    #[arg(long)]
    pub quick: bool,
    /// Look at what is sealed alone: a copy that was brought down from the bucket of `audit.segments` has no tail, and no note on it
    #[arg(long, requires = "directory")]
    pub sealed: bool,
    /// Form of what is printed
    #[command(flatten)]
    pub output: OutputArgs,
}

/// A URL, or the name of a file.
fn anchor(text: &str) -> Result<AnchorPlace, NoSite> {
    if text.starts_with("https://") || text.starts_with("http://") {
        return text.parse().map(|site| AnchorPlace::Url { site, ca: None });
    }
    Ok(AnchorPlace::File(text.into()))
}

/// `wardgate audit erase`.
#[derive(Debug, Args)]
pub struct EraseArgs {
    /// Whose events, as in `audit timeline`: `person:HASH`, `source:ADDRESS`, `resource:VALUE`, `request:ID`…
    #[arg(value_name = "SUBJECT")]
    pub subject: String,
    /// Why
    #[arg(long, value_name = "TEXT")]
    pub reason: String,
    /// The address of a gate that is to do it; without it and --token the log is the one that the configuration names
    #[arg(long, env = "WARDGATE_URL", hide_env_values = true, value_name = "URL")]
    pub url: Option<String>,
    /// A session token; better given in the variable, since command lines can be seen by others
    #[arg(long, env = "WARDGATE_TOKEN", hide_env_values = true, value_name = "TOKEN", value_parser = super::shared::token)]
    pub token: Option<Secret<String>>,
    /// Where the configuration is
    #[command(flatten)]
    pub config: ConfigArgs,
}

/// `wardgate audit prove`.
#[derive(Debug, Args)]
pub struct ProveArgs {
    /// The number of the event (`seq`), or the id of a request
    #[arg(value_name = "EVENT")]
    pub event: String,
    /// Without what may tell of a person: a commitment stands in its place
    #[arg(long)]
    pub without_personal: bool,
    /// Which log
    #[command(flatten)]
    pub log: LogArgs,
}

/// In which form rows are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum QueryForm {
    /// For people.
    #[default]
    Table,
    /// An array of objects.
    Json,
    /// An object a line.
    Ndjson,
    /// Comma-separated values under a header.
    Csv,
}

/// `wardgate audit query`.
#[derive(Debug, Args)]
pub struct QueryArgs {
    /// One statement that reads
    #[arg(value_name = "SQL")]
    pub sql: String,
    /// The directory of a log; again for each edge
    #[arg(long, value_name = "DIR")]
    pub directory: Vec<PathBuf>,
    /// Form of what is printed
    #[arg(long, short = 'o', value_enum, default_value_t, value_name = "FORM")]
    pub output: QueryForm,
    /// So many rows at most
    #[arg(long, value_name = "COUNT", default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(1..=10_000_000))]
    pub rows: u32,
    /// How long it may take, as in `2m`; 30 s. The gate has its own bound
    #[arg(long, value_name = "TIME", value_parser = super::span)]
    pub timeout: Option<Duration>,
    /// How much memory it may take, as in `2GiB`; 512 MiB. The gate has its own bound
    #[arg(long, value_name = "SIZE", value_parser = super::shared::size)]
    pub memory: Option<u64>,
    /// Where the gate is
    #[command(flatten)]
    pub management: ManagementArgs,
}

/// In which form a timeline is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum TimelineForm {
    /// For people, in a terminal.
    #[default]
    Table,
    /// One document for machines.
    Json,
    /// One page that needs nothing else, to keep or to print.
    Html,
}

/// `wardgate audit timeline`.
#[derive(Debug, Args)]
pub struct TimelineArgs {
    /// What it is of
    #[arg(value_name = "SUBJECT")]
    pub subject: String,
    /// Only what began then or later: a moment as in `2026-11-01T08:00:00Z`, or a day
    #[arg(long, value_name = "TIME", value_parser = super::moment_text)]
    pub from: Option<String>,
    /// Only what began before then
    #[arg(long, value_name = "TIME", value_parser = super::moment_text)]
    pub to: Option<String>,
    /// So many events of the subject at most; of the gate 5,000
    #[arg(long, short = 'n', value_name = "COUNT", default_value_t = 500, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub lines: u32,
    /// The last ones, where there are more: so it is unless --oldest is given
    #[arg(long, conflicts_with = "oldest")]
    pub newest: bool,
    /// The first ones, where there are more
    #[arg(long)]
    pub oldest: bool,
    /// Also other calls of the same traces, indented below the event that they belong to
    #[arg(long)]
    pub trace_children: bool,
    /// A line for each event, also of runs of the same
    #[arg(long)]
    pub all: bool,
    /// The directory of a log; again for each edge
    #[arg(long, value_name = "DIR")]
    pub directory: Vec<PathBuf>,
    /// Form of what is printed
    #[arg(long, short = 'o', value_enum, default_value_t, value_name = "FORM")]
    pub output: TimelineForm,
    /// Write it into this file instead, which must not be there yet
    #[arg(long, value_name = "FILE")]
    pub file: Option<PathBuf>,
    /// Where the gate is
    #[command(flatten)]
    pub management: ManagementArgs,
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
    /// Only with this reason, as in `proof.expired`, or one of this room, as in `proof`; a code that callers are told in place of others is each of those
    #[arg(long, value_name = "CODE")]
    pub code: Option<String>,
    /// Only with this answer
    #[arg(long, value_name = "RESPONSE", value_parser = ["allow", "slow", "challenge", "block"])]
    pub response: Option<String>,
    /// Only where something, or this, would have been done for the risk, had that not only been watched
    #[arg(long, value_name = "RESPONSE", num_args = 0..=1, default_missing_value = "any", value_parser = ["any", "slow", "challenge", "block"])]
    pub would: Option<String>,
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

/// `wardgate replay`.
#[derive(Debug, Args)]
pub struct ReplayArgs {
    /// What was recorded: files, gzip too; directories of our own event logs; else the log that the configuration names
    #[arg(value_name = "FILE")]
    pub logs: Vec<PathBuf>,
    /// How it was recorded. Directories are event logs of our own; of files it has to be said, also of exports and sealed segments of our own
    #[arg(long, value_name = "FORMAT", value_parser = ["wardgate", "clf", "combined", "json", "cloudtrail", "har", "sshd"])]
    pub format: Option<String>,
    /// Of our own log: the store whose feed of changes counts, as in `sqlite:copy.db`; else the one that the configuration names. It is only
    /// read
    #[arg(long, value_name = "URL")]
    pub store: Option<String>,
    /// Which configuration; not read where directories and store are named, nor for the logs of others
    #[command(flatten)]
    pub config: ConfigArgs,
    /// Of others' logs
    #[command(flatten)]
    pub foreign: ForeignArgs,
    /// Form of what is printed
    #[command(flatten)]
    pub output: OutputArgs,
}

/// What is said of logs that others wrote; of our own in part.
#[derive(Debug, Args)]
#[command(next_help_heading = "Logs of others")]
pub struct ForeignArgs {
    /// Of files: resource documents to judge by; without them APIs and operations are learned from the log
    #[arg(long, value_name = "DIR")]
    pub resources: Vec<PathBuf>,
    /// Of `json`: which member says what, as in `time=ts,method=http.method`. See docs/replay.md for the usual names
    #[arg(long, value_name = "FIELD=MEMBER")]
    pub map: Vec<String>,
    /// Of `sshd`: the year of the first line, which says none; else it comes of the date of each file
    #[arg(long, value_name = "YEAR", value_parser = clap::value_parser!(u16).range(1970..=9998))]
    pub year: Option<u16>,
    /// Callers that are shown
    #[arg(long, value_name = "NUMBER", default_value_t = 20, value_parser = clap::value_parser!(u16).range(1..=1_000))]
    pub top: u16,
    /// The report as one page of HTML too, into a new file
    #[arg(long, value_name = "FILE")]
    pub html: Option<PathBuf>,
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
