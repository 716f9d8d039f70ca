//! Documents of APIs.

use clap::{Args, Subcommand};
use std::path::PathBuf;

/// `wardgate openapi …`.
#[derive(Debug, Subcommand)]
pub enum OpenapiCommand {
    /// Learn a draft of an API's OpenAPI document from calls that others recorded
    #[command(after_help = "\
Examples:
  wardgate openapi draft --format combined access.log.1.gz access.log -o shop-api.yaml
  wardgate openapi draft --format har session.har --prefix /v1 > shop-api.yaml
  wardgate openapi draft --format json calls.jsonl --map time=ts,path=url --host shop.example

Paths become templates, query parameters and statuses are those that were seen, bodies only where an archive has them; names and kinds are
taken, never a value. Classes are guesses from words: look it through before `openapi: file:shop-api.yaml` of the API names it.
docs/operations.md says more.

Exit status: 0 written · 3 nothing was learned")]
    Draft(DraftArgs),
}

/// `wardgate openapi draft`.
#[derive(Debug, Args)]
pub struct DraftArgs {
    /// What was recorded; packed with gzip, too
    #[arg(value_name = "FILE", required = true)]
    pub logs: Vec<PathBuf>,
    /// How it was recorded
    #[arg(long, value_name = "FORMAT", value_parser = ["clf", "combined", "json", "cloudtrail", "har"])]
    pub format: String,
    /// Only calls of this host
    #[arg(long, value_name = "HOST")]
    pub host: Option<String>,
    /// Only paths below this, as in `match.path_prefix` of the API; the document has them without it
    #[arg(long, value_name = "PATH", default_value = "", hide_default_value = true)]
    pub prefix: String,
    /// What the API is called; else its host
    #[arg(long, value_name = "TEXT")]
    pub title: Option<String>,
    /// Also what nothing has served, as whoever tries doors asks for it
    #[arg(long)]
    pub all: bool,
    /// Of `json`: which member says what, as in `time=ts,method=http.method`. See docs/replay.md for the usual names
    #[arg(long, value_name = "FIELD=MEMBER")]
    pub map: Vec<String>,
    /// Into a new file; one that ends in `.json` is JSON. Else to standard output, as YAML
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
}
