//! Commands of clients: what a machine that calls through the gate runs itself.

use super::OutputArgs;
use clap::Args;
use std::{path::PathBuf, time::Duration};
use wardgate_issuer::tasks::LEASE_MIN;
use wardgate_model::secret::Secret;

/// Where help has what makes a command a task.
const HEADING: &str = "For a command that is a task of its own";

/// The task that `wardgate token --exec` starts for its command.
#[derive(Debug, Args)]
pub struct TokenTaskArgs {
    /// Start a task for this registered purpose: it is kept alive while the command runs, completed when that ends with 0, and failed
    /// otherwise; the token is of the task
    #[arg(long, value_name = "NAME", requires_all = ["exec", "resource", "operations"], conflicts_with = "task", help_heading = HEADING)]
    pub purpose: Option<String>,
    /// A class, or a method and a path; several times for several
    #[arg(long = "operation", value_name = "OPERATION", requires = "purpose", help_heading = HEADING)]
    pub operations: Vec<String>,
    /// Only this resource of the API's; `*` at the end stands for all that begin so; several times for several
    #[arg(long = "task-resource", value_name = "NAME", requires = "purpose", help_heading = HEADING)]
    pub task_resources: Vec<String>,
    /// How long at most, up to 24h
    #[arg(long, value_name = "SPAN", default_value = "15m", requires = "purpose", value_parser = super::span_text, help_heading = HEADING)]
    pub lifetime: String,
    /// How long it outlives this program, where that is killed: so long nothing need be heard of it
    #[arg(long, value_name = "SPAN", default_value = "60s", requires = "purpose", value_parser = super::span, help_heading = HEADING)]
    pub lease: Duration,
    /// How many calls in all
    #[arg(long, value_name = "COUNT", requires = "purpose", help_heading = HEADING)]
    pub calls: Option<u64>,
    /// How many bytes of bodies in all, in and out
    #[arg(long, value_name = "COUNT", requires = "purpose", help_heading = HEADING)]
    pub bytes: Option<u64>,
    /// How many records in answers in all, where they are counted
    #[arg(long, value_name = "COUNT", requires = "purpose", help_heading = HEADING)]
    pub records: Option<u64>,
}

impl TokenTaskArgs {
    /// How long nothing need be heard of the task: as told, but not longer than it lives. `None`: it lives too short for that.
    #[must_use]
    pub fn lease_within_life(&self) -> Option<Duration> {
        let Ok(life) = super::span(&self.lifetime) else { return Some(self.lease) };
        (life >= LEASE_MIN).then(|| self.lease.min(life))
    }
}

/// `wardgate token`.
#[derive(Debug, Args)]
#[command(override_usage = "\
wardgate token [OPTIONS]
       wardgate token [OPTIONS] --exec -- COMMAND…
       wardgate token [OPTIONS] --proxy ADDRESS
       wardgate token --new-key FILE")]
pub struct TokenArgs {
    /// Who asks: the name of the identity
    #[arg(long, env = "WARDGATE_CLIENT", value_name = "IDENTITY")]
    pub client: Option<String>,
    /// Its private key: PEM, PKCS #8, of P-256 or Ed25519
    #[arg(long, env = "WARDGATE_CLIENT_KEY", value_name = "FILE", help_heading = "By what it proves itself")]
    pub key: Option<PathBuf>,
    /// A file with an API key of it, where it cannot sign
    #[arg(long, env = "WARDGATE_API_KEY_FILE", value_name = "FILE", help_heading = "By what it proves itself")]
    pub api_key_file: Option<PathBuf>,
    /// The key itself, by the variable alone: command lines can be seen by others
    #[arg(long, env = "WARDGATE_API_KEY", hide = true, hide_env_values = true, value_name = "KEY", value_parser = super::shared::token)]
    pub api_key: Option<Secret<String>>,
    /// Its certificate with the chain, PEM; the token is bound to it where the gate does that
    #[arg(
        long,
        env = "WARDGATE_CLIENT_CERTIFICATE",
        value_name = "FILE",
        requires = "certificate_key",
        help_heading = "By what it proves itself"
    )]
    pub certificate: Option<PathBuf>,
    /// The private key of the certificate, PEM
    #[arg(long, env = "WARDGATE_CLIENT_CERTIFICATE_KEY", value_name = "FILE", help_heading = "By what it proves itself")]
    pub certificate_key: Option<PathBuf>,
    /// A file with a token of an issuer that the gate trusts, as Kubernetes and CI systems give it; with `--client` and a proof of it, the
    /// token of whom it acts for; read anew each time
    #[arg(long, env = "WARDGATE_SUBJECT_TOKEN_FILE", value_name = "FILE", help_heading = "By what it proves itself")]
    pub subject_token_file: Option<PathBuf>,
    /// The gate's issuer, exactly as it calls itself
    #[arg(long, env = "WARDGATE_ISSUER", required_unless_present = "new_key", value_name = "URL")]
    pub issuer: Option<String>,
    /// The API that the token is for, by its address; the only one unless said
    #[arg(long, visible_alias = "audience", env = "WARDGATE_RESOURCE", value_name = "URL")]
    pub resource: Option<String>,
    /// Classes of operations, as in `list read`; all that is granted unless said
    #[arg(long, env = "WARDGATE_SCOPE", value_name = "CLASSES")]
    pub scope: Option<String>,
    /// The task that the token is for, by its id
    #[arg(long, env = "WARDGATE_TASK", value_name = "ID")]
    pub task: Option<String>,
    /// Roots that the gate's certificate is verified with, PEM, in the place of the public ones
    #[arg(long, env = "WARDGATE_CA", value_name = "FILE")]
    pub ca: Option<PathBuf>,
    /// Connect there, where the issuer's own name does not lead to the gate
    #[arg(long, value_name = "HOST:PORT")]
    pub connect: Option<String>,
    /// Run the command behind `--` with the token in a file, named by WARDGATE_TOKEN_FILE and replaced before the token ends; the last one is
    /// ended with the command
    #[arg(long, requires = "command", conflicts_with_all = ["proxy", "new_key"], help_heading = "For a command")]
    pub exec: bool,
    /// What to run
    #[arg(last = true, requires = "exec", value_name = "COMMAND")]
    pub command: Vec<String>,
    /// A task of its own for the command
    #[command(flatten)]
    pub own: TokenTaskArgs,
    /// Put the token there; else into a new directory that nobody else can read
    #[arg(long, requires = "exec", value_name = "FILE", help_heading = "For a command")]
    pub token_file: Option<PathBuf>,
    /// Set this variable to the first token, too: it is not renewed there, and others may see it
    #[arg(long, requires = "exec", value_name = "NAME", help_heading = "For a command")]
    pub env: Option<String>,
    /// Forward plain HTTP/1.1 from there to the API, with a fresh token on: `127.0.0.1:PORT` or `unix:PATH`
    #[arg(
        long,
        requires = "resource",
        conflicts_with = "new_key",
        value_name = "ADDRESS",
        help_heading = "For a program that cannot change"
    )]
    pub proxy: Option<String>,
    /// Bind its tokens to a key that is made at start and is in no file (DPoP); by itself where the API or the token service takes no others
    #[arg(long, help_heading = "For a program that cannot change")]
    pub bound: bool,
    /// A header of the program's that is not passed on, as `X-Api-Key`; `Authorization` never is
    #[arg(long, requires = "proxy", value_name = "HEADER", help_heading = "For a program that cannot change")]
    pub strip: Vec<String>,
    /// What the program's header has to say, so that no other program of this machine is served: the first of `--strip`, else
    /// `Authorization`
    #[arg(long, requires = "proxy", value_name = "FILE", help_heading = "For a program that cannot change")]
    pub local_secret_file: Option<PathBuf>,
    /// A name by which the program calls the forwarder, besides `localhost` and its address
    #[arg(long, requires = "proxy", value_name = "HOST", help_heading = "For a program that cannot change")]
    pub name: Vec<String>,
    /// End when nothing was asked for so long, as in `10m`
    #[arg(
        long,
        requires = "proxy",
        value_name = "TIME",
        value_parser = super::span,
        help_heading = "For a program that cannot change"
    )]
    pub idle_exit: Option<Duration>,
    /// Listen on an address that others reach, too: they all call as this client
    #[arg(long, requires = "proxy", help_heading = "For a program that cannot change")]
    pub danger_listen_anywhere: bool,
    /// Make a key pair: the private half into this new file, the public one is printed as a JWK for the identity's document
    #[arg(long, value_name = "FILE")]
    pub new_key: Option<PathBuf>,
    /// What the new key signs with: `ES256` or `EdDSA`
    #[arg(long, value_name = "ALGORITHM", default_value = "ES256", requires = "new_key", value_parser = ["ES256", "EdDSA"])]
    pub algorithm: String,
    /// Form of what is printed
    #[command(flatten)]
    pub output: OutputArgs,
}
