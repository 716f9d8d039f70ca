//! Rehearsals.

use super::{ReadArgs, span};
use crate::drill::{Scenario, Strength};
use clap::{Args, Subcommand, builder::PossibleValuesParser, builder::TypedValueParser as _};
use std::{net::IpAddr, path::PathBuf, time::Duration};

/// `wardgate drill …`.
#[derive(Debug, Subcommand)]
pub enum DrillCommand {
    /// Rehearse an attack on a gate that serves, with honest traffic beside it
    #[command(after_help = "\
Examples:
  wardgate drill attack --list
  wardgate drill attack scraping --api ledger --gate https://gate.example
  wardgate drill attack stuffing --api shop --gate https://gate.example --honest-login '{\"user\":\"probe\",\"password\":\"…\"}'
  wardgate drill attack privilege-climbing --api ledger --gate https://gate.example --operation \"POST /entries\"
  wardgate drill attack token-theft --api ledger --gate https://gate.example --connect 127.0.0.1:8443 --ca ca.pem --output json

It makes identities for it (`drill-…`, by the management API: role security or admin) and takes them away. Requests that are not refused reach the
upstream: only operations that read are used, and logins with made-up accounts, unless you say otherwise. See docs/drills.md.

Exit status: 0 contained, and nobody honest was harmed · 3 not so · 2 the API has not what the attack needs")]
    Attack(Box<AttackArgs>),
}

/// `wardgate drill attack`.
#[derive(Debug, Args)]
#[command(
    override_usage = "wardgate drill attack [OPTIONS] <SCENARIO> --api <NAME> --gate <URL>\n       wardgate drill attack --list",
    arg_required_else_help = true
)]
pub struct AttackArgs {
    /// Which attack
    #[arg(value_name = "SCENARIO", required_unless_present = "list", value_parser = PossibleValuesParser::new(Scenario::ALL.iter().map(|one| one.as_str())).map(|slug| Scenario::parse(&slug).unwrap_or(Scenario::Probing)))]
    pub scenario: Option<Scenario>,
    /// List the attacks
    #[arg(long, conflicts_with_all = ["scenario", "api", "gate"])]
    pub list: bool,
    /// The API that is attacked
    #[arg(long, value_name = "NAME", required_unless_present = "list")]
    pub api: Option<String>,
    /// How callers call the gate: `https://HOST[:PORT]`
    #[arg(long, value_name = "URL", required_unless_present = "list")]
    pub gate: Option<String>,
    /// Where it is reached, when that is elsewhere: `HOST:PORT`, or `http://HOST:PORT` where TLS ends in front of it
    #[arg(long, value_name = "ADDRESS")]
    pub connect: Option<String>,
    /// Roots of its certificate, PEM, in the place of the public ones
    #[arg(long, value_name = "FILE")]
    pub ca: Option<PathBuf>,
    /// Addresses of this machine to send from, the first of them home; for a gate on this machine as many as are wanted, unless said
    #[arg(long, value_name = "ADDRESS", value_delimiter = ',')]
    pub from: Vec<IpAddr>,
    /// How hard it goes about it
    #[arg(long, value_name = "WORD", default_value = "normal", value_parser = PossibleValuesParser::new(Strength::ALL.iter().map(|one| one.as_str())).map(|word| Strength::parse(&word).unwrap_or_default()))]
    pub strength: Strength,
    /// By which numbers of chance: with the same the same is sent
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    pub seed: u64,
    /// For how long at the most: 1s to 30m
    #[arg(long = "for", value_name = "DURATION", default_value = "60s", value_parser = lasting)]
    pub lasting: Duration,
    /// Requests at the most, honest ones too
    #[arg(long, value_name = "NUMBER", default_value_t = 5_000, value_parser = clap::value_parser!(u64).range(1..=100_000))]
    pub requests: u64,
    /// Whose the identities are; the owner of the API's policy unless said
    #[arg(long, value_name = "NAME")]
    pub owner: Option<String>,
    /// Where they live; where the API does unless said
    #[arg(long, value_name = "NAME")]
    pub environment: Option<String>,
    /// An operation that may be used although it changes something, or that is to be used first; several times for several
    #[arg(long = "operation", value_name = "OPERATION")]
    pub operations: Vec<String>,
    /// Use whatever changes something
    #[arg(long)]
    pub writes: bool,
    /// APIs that `lateral-movement` goes on to; those of the same environment unless said
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    pub also: Vec<String>,
    /// Rehearse although the API is one of production
    #[arg(long)]
    pub production: bool,
    // No `n` in brackets here: where clap reads that, it begins a new line.
    /// Body of attack requests that take one; `{account}` and `{password}` (logins) are put in, and the request's number for an `n` in such brackets
    #[arg(long, value_name = "TEXT")]
    pub body: Option<String>,
    /// Body of a login that succeeds: somebody honest signs in beside the attack
    #[arg(long, value_name = "TEXT")]
    pub honest_login: Option<String>,
    /// The report as one page of HTML too, into a new file
    #[arg(long, value_name = "FILE")]
    pub report: Option<PathBuf>,
    /// Where to, and in which form
    #[command(flatten)]
    pub read: ReadArgs,
}

/// Shortest and longest rehearsal.
const SHORTEST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_mins(30);

fn lasting(text: &str) -> Result<Duration, String> {
    span(text).and_then(|span| if (SHORTEST..=LONGEST).contains(&span) { Ok(span) } else { Err("it is 1s to 30m".to_owned()) })
}
