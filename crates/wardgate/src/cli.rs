//! What can be typed. Parsing only: what it means is done in [`crate::commands`].

use clap::{Args, Parser, Subcommand, ValueEnum};
use std::path::PathBuf;
use wardgate_model::{proof::ProofKind, secret::Secret};

const AFTER: &str = "\
Examples:
  wardgate demo                                       watch the gate at work
  wardgate init gate && cd gate && wardgate serve     begin with a starter
  wardgate check                                      everything wrong with the files, at once
  wardgate explain 0197c5b2-6e0a-7c3d-9b1f-2f60d1a4c0de   why a request was answered as it was

Exit status: 0 done · 1 failed · 2 wrong usage or invalid input · 3 the answer is \"no\"
Variables:   WARDGATE_URL, WARDGATE_TOKEN (management API), NO_COLOR";

/// The gate in front of APIs that machines call.
///
/// Wardgate knows every caller as a governed identity, decides each request in its context, limits what one
/// caller can do to the others, and records what happened.
#[derive(Debug, Parser)]
#[command(name = "wardgate", version, after_help = AFTER, arg_required_else_help = true)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Take the tour: a sample API, honest and abusive clients, real sockets
    #[command(after_help = "\
Examples:
  wardgate demo                          the tour, then keep serving until Ctrl-C
  wardgate demo --once                   the tour; exit 0 only if every promise held
  wardgate demo --once --scene burst     one scene
  wardgate demo --once --output json     for machines")]
    Demo(DemoArgs),
    /// Write a commented starter into a directory
    #[command(after_help = "\
Examples:
  wardgate init            into the working directory
  wardgate init gate       into ./gate, made if it is not there

The starter passes `wardgate check` and serves as it is. A directory that already holds a wardgate.yaml is left alone.")]
    Init(InitArgs),
    /// Run the gate
    #[command(after_help = "\
Examples:
  wardgate serve                           with ./wardgate.yaml
  wardgate serve -c /etc/wardgate/wardgate.yaml

Resources, policies and OpenAPI documents in openapi/ are read again when their files change;
wardgate.yaml, certificates and the master key only at start. Ctrl-C or SIGTERM drains and ends it.")]
    Serve(ServeArgs),
    /// Say everything that is wrong with configuration, resources and policies
    #[command(after_help = "\
Examples:
  wardgate check                  ./wardgate.yaml and what it names
  wardgate check -c gate/wardgate.yaml
  wardgate check resources/ policies/     these directories instead of those that the file names

Exit status: 0 nothing wrong (warnings may be shown) · 2 something is")]
    Check(CheckArgs),
    /// Swap a sign-in credential for a session of the management API
    #[command(after_help = "\
Examples:
  wardgate sign-in                            with the credential kept in the profile, or typed in
  wardgate sign-in < credential.txt
  wardgate sign-in --offline                  make a new single-use credential; nothing may be serving

The session is kept in .wardgate/profile.json (mode 0600) and renewed while it is used.")]
    SignIn(SignInArgs),
    /// Issue, revoke and list the credentials of callers
    #[command(
        subcommand,
        after_help = "\
Examples:
  wardgate credential issue hello-client
  wardgate credential list --identity hello-client
  wardgate credential revoke 4fT0aZ19xQ2b --reason \"found in a build log\""
    )]
    Credential(CredentialCommand),
    /// Keep the secrets that upstreams are shown
    #[command(
        subcommand,
        after_help = "\
Examples:
  wardgate secret put warehouse-key < key.txt
  wardgate secret list"
    )]
    Secret(SecretCommand),
    /// Say why a request was, or would be, answered as it is
    #[command(after_help = "\
Examples:
  wardgate explain 0197c5b2-6e0a-7c3d-9b1f-2f60d1a4c0de
  wardgate explain --identity hello-client --method GET --url https://localhost:8443/hello/greetings
  wardgate explain --identity hello-client --method POST --url /hello/greetings --header 'Wardgate-Purpose: greeting' --proof x509

Exit status: 0 it is let through · 3 it is refused")]
    Explain(ExplainArgs),
    /// Read the record of what happened
    #[command(
        subcommand,
        after_help = "\
Examples:
  wardgate audit tail --follow
  wardgate audit tail --identity hello-client --response block
  wardgate audit tail --follow --output json | jq .ruling.code"
    )]
    Audit(AuditCommand),
    /// Print the schema of a kind of resource, of the configuration, of an event or of policies
    #[command(after_help = "\
Examples:
  wardgate schema Identity
  wardgate schema config
  wardgate schema event > event-v1.json
  wardgate schema cedar")]
    Schema(SchemaArgs),
    /// Show the configuration of this process
    #[command(
        subcommand,
        after_help = "\
Examples:
  wardgate config show
  wardgate config show -c gate/wardgate.yaml --output json"
    )]
    Config(ConfigCommand),
}

/// In which form data is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum Output {
    /// For people.
    #[default]
    Table,
    /// For machines: one JSON document, or one object a line where it is a stream.
    Json,
}

/// `--output`.
#[derive(Debug, Clone, Copy, Args)]
pub struct OutputArgs {
    /// Form of what is printed
    #[arg(long, short = 'o', value_enum, default_value_t, value_name = "FORM")]
    pub output: Output,
}

/// Where the management API is and by what it knows us.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Management API")]
pub struct ManagementArgs {
    /// Its address, as in `http://127.0.0.1:9080`; else what the profile says
    #[arg(long, env = "WARDGATE_URL", hide_env_values = true, value_name = "URL")]
    pub url: Option<String>,
    /// A session token; better given in the variable, since command lines can be seen by others
    #[arg(long, env = "WARDGATE_TOKEN", hide_env_values = true, value_name = "TOKEN", value_parser = token)]
    pub token: Option<Secret<String>>,
}

fn token(text: &str) -> Result<Secret<String>, std::convert::Infallible> {
    Ok(Secret::new(text.trim().to_owned()))
}

/// `-c`.
#[derive(Debug, Clone, Args)]
pub struct ConfigArgs {
    /// Configuration file
    #[arg(long = "config", short = 'c', default_value = crate::config::FILE, value_name = "FILE")]
    pub config: PathBuf,
}

/// `wardgate demo`.
#[derive(Debug, Args)]
pub struct DemoArgs {
    /// Exit after the tour instead of serving on
    #[arg(long)]
    pub once: bool,
    /// Play only this scene
    #[arg(long, value_name = "NAME", value_parser = scene)]
    pub scene: Option<String>,
    /// Form of what is printed
    #[command(flatten)]
    pub output: OutputArgs,
}

fn scene(text: &str) -> Result<String, String> {
    let names = crate::demo::scene_names();
    if names.contains(&text) { Ok(text.to_owned()) } else { Err(format!("there are these scenes: {}", names.join(", "))) }
}

/// `wardgate init`.
#[derive(Debug, Args)]
pub struct InitArgs {
    /// Where to; made if it is not there
    #[arg(default_value = ".", value_name = "DIR")]
    pub directory: PathBuf,
}

/// `wardgate serve`.
#[derive(Debug, Args)]
pub struct ServeArgs {
    /// Which configuration
    #[command(flatten)]
    pub config: ConfigArgs,
}

/// `wardgate check`.
#[derive(Debug, Args)]
pub struct CheckArgs {
    /// Which configuration
    #[command(flatten)]
    pub config: ConfigArgs,
    /// Form of what is printed
    #[command(flatten)]
    pub output: OutputArgs,
    /// Directories or files to read instead of those that the configuration names
    #[arg(value_name = "DIR")]
    pub directories: Vec<PathBuf>,
}

/// `wardgate sign-in`.
#[derive(Debug, Args)]
pub struct SignInArgs {
    /// Make a new single-use credential by opening the store itself; nothing may be serving from it
    #[arg(long)]
    pub offline: bool,
    /// Which configuration (`--offline`)
    #[command(flatten)]
    pub config: ConfigArgs,
    /// Form of what is printed
    #[command(flatten)]
    pub output: OutputArgs,
    /// Its address, as in `http://127.0.0.1:9080`; else what the profile says
    #[arg(long, env = "WARDGATE_URL", hide_env_values = true, value_name = "URL", help_heading = "Management API")]
    pub url: Option<String>,
}

/// `wardgate credential …`.
#[derive(Debug, Subcommand)]
pub enum CredentialCommand {
    /// Make a new API key for an identity; it is shown once
    #[command(after_help = "\
Examples:
  wardgate credential issue hello-client
  wardgate credential issue hello-client --name main --reason \"first key\"
  wardgate credential issue on-call --kind sign_in
  KEY=$(wardgate credential issue hello-client --output json | jq -r .key)")]
    Issue(IssueArgs),
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
    /// What to issue: an API key, or a credential for one sign-in to the management API (for an identity with a role)
    #[arg(long, value_name = "KIND", value_parser = ["api_key", "sign_in"])]
    pub kind: Option<String>,
    /// Why, for the change feed
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
    /// Form of what is printed
    #[command(flatten)]
    pub output: OutputArgs,
    /// Where to
    #[command(flatten)]
    pub management: ManagementArgs,
}

/// `wardgate credential revoke`.
#[derive(Debug, Args)]
pub struct RevokeArgs {
    /// The credential's id: the third part of the key
    #[arg(value_name = "ID")]
    pub id: String,
    /// Why, for the change feed
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
    /// Form of what is printed
    #[command(flatten)]
    pub output: OutputArgs,
    /// Where to
    #[command(flatten)]
    pub management: ManagementArgs,
}

/// `wardgate credential list`.
#[derive(Debug, Args)]
pub struct CredentialListArgs {
    /// Only of this identity
    #[arg(long, value_name = "NAME")]
    pub identity: Option<String>,
    /// Only in this state
    #[arg(long, value_name = "STATE", value_parser = ["live", "expired", "revoked", "spent"])]
    pub state: Option<String>,
    /// Form of what is printed
    #[command(flatten)]
    pub output: OutputArgs,
    /// Where to
    #[command(flatten)]
    pub management: ManagementArgs,
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
    /// List secrets: names and dates, never the values
    #[command(after_help = "\
Examples:
  wardgate secret list
  wardgate secret list --output json")]
    List(SecretListArgs),
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
    /// Why, for the change feed
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
    /// Form of what is printed
    #[command(flatten)]
    pub output: OutputArgs,
    /// Where to
    #[command(flatten)]
    pub management: ManagementArgs,
}

/// `wardgate secret list`.
#[derive(Debug, Args)]
pub struct SecretListArgs {
    /// Form of what is printed
    #[command(flatten)]
    pub output: OutputArgs,
    /// Where to
    #[command(flatten)]
    pub management: ManagementArgs,
}

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
    /// A session token; better given in the variable
    #[arg(long, env = "WARDGATE_TOKEN", hide_env_values = true, value_name = "TOKEN", value_parser = token, help_heading = "Management API")]
    pub token: Option<Secret<String>>,
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
    /// Form of what is printed
    #[command(flatten)]
    pub output: OutputArgs,
    /// Where to
    #[command(flatten)]
    pub management: ManagementArgs,
}

/// `wardgate schema`.
#[derive(Debug, Args)]
pub struct SchemaArgs {
    /// A kind of resource (`Identity`, `Api`, …), `config`, `event` or `cedar` (what policies may speak of)
    #[arg(value_name = "KIND")]
    pub kind: String,
}

/// `wardgate config …`.
#[derive(Debug, Subcommand)]
pub enum ConfigCommand {
    /// Print the effective configuration, defaults included
    #[command(after_help = "\
Examples:
  wardgate config show
  wardgate config show -c gate/wardgate.yaml --output json")]
    Show(ConfigShowArgs),
}

/// `wardgate config show`.
#[derive(Debug, Args)]
pub struct ConfigShowArgs {
    /// Which configuration
    #[command(flatten)]
    pub config: ConfigArgs,
    /// Form of what is printed
    #[command(flatten)]
    pub output: OutputArgs,
}

#[cfg(test)]
mod tests;
