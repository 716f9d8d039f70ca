//! What can be typed. Parsing only: what it means is done in [`crate::commands`].

mod containment;
mod credentials;
mod drill;
mod governed;
mod lifecycle;
mod local;
mod manual;
mod openapi;
mod people;
mod record;
mod shared;
mod surface;
mod task;
mod token;

pub use containment::{
    ANNOUNCED, AnnounceArgs, ApprovalCommand, ApprovalListArgs, ApprovalShowArgs, CONTAINABLE, ContainArgs, DecideArgs, ReleaseArgs,
    SigningKeyArgs, SigningKeyCommand,
};
pub use credentials::{
    CredentialCommand, CredentialListArgs, IssueArgs, RevokeArgs, RotateArgs, SecretCommand, SecretPutArgs, SecretRotateArgs,
};
pub use drill::{AttackArgs, DrillCommand};
pub use governed::{
    ApplyArgs, DeclaredArgs, DeleteArgs, DescribeArgs, EditArgs, ExportArgs, Format, GetArgs, GovernedCommand, HistoryArgs, ImportArgs,
    PlanArgs, RollbackArgs,
};
pub use lifecycle::{ApproveArgs, ClaimArgs, DepartArgs, DiscoveredArgs, IdentityCommand, OwnerCommand, RequestArgs, TransferArgs};
pub use local::{
    BackupArgs, BreakGlassArgs, CheckArgs, ConfigCommand, ConfigShowArgs, DemoArgs, InitArgs, SchemaArgs, ServeArgs, SignInArgs,
};
pub use manual::manual;
pub use openapi::{DraftArgs, OpenapiCommand};
pub use people::{LoginArgs, LogoutArgs};
pub use record::{
    AccessArgs, AuditCommand, EraseArgs, ExplainArgs, FindingsArgs, ForeignArgs, LogArgs, ProveArgs, QueryArgs, QueryForm, ReplayArgs,
    TailArgs, TimelineArgs, TimelineForm, UsageArgs, VerifyArgs,
};
pub use shared::{ChangeArgs, ConfigArgs, ManagementArgs, NamedArgs, Output, OutputArgs, ReadArgs, ResourceArgs, WayArgs};
pub use surface::OperationsArgs;
pub use task::{TaskCommand, TaskListArgs, TaskShowArgs, TaskStartArgs, TaskWordArgs};
pub use token::{TokenArgs, TokenTaskArgs};

use clap::{Parser, Subcommand};
use shared::{kind, moment_text, span, span_text, subject};

const AFTER: &str = "\
Examples:
  wardgate demo                                       watch the gate at work
  wardgate init gate && cd gate && wardgate serve     begin with a starter
  wardgate check                                      everything wrong with the files, at once
  wardgate explain 0197c5b2-6e0a-7c3d-9b1f-2f60d1a4c0de   why a request was answered as it was

Exit status: 0 done · 1 failed · 2 wrong usage or invalid input · 3 the answer is \"no\",
             or nothing is changed yet: it waits for a second person
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
  wardgate sign-in --offline                  make a new single-use credential in the store itself

The session is kept in .wardgate/profile.json (mode 0600) and renewed while it is used.")]
    SignIn(SignInArgs),
    /// Sign in as a person, at the issuer that the gate trusts for it, with a browser
    #[command(after_help = "\
Examples:
  wardgate login                              prints an address, and waits until somebody has signed in there
  wardgate login --open                       opens it too
  wardgate login --url http://127.0.0.1:9080

The session is kept in .wardgate/profile.json (mode 0600). It is short and is not renewed: your groups say each time what you may.
Where the gate is elsewhere, use a tunnel to its admin listener.")]
    Login(LoginArgs),
    /// End the session that is kept here
    #[command(after_help = "\
Examples:
  wardgate logout")]
    Logout(LogoutArgs),
    /// What is declared: plan, apply, get, edit and their kin
    #[command(flatten)]
    Governed(GovernedCommand),
    /// Lead identities through their lives: request, approve, suspend, retire
    #[command(
        subcommand,
        after_help = "\
Examples:
  wardgate identity request ledger-sync --type service_account --owner payments --environment staging \\
      --purpose \"copy settled payments to the ledger\"
  wardgate identity approve ledger-sync --evidence \"ticket 4711\"
  wardgate identity suspend ledger-sync --reason \"moved\"
  wardgate identity discovered

Those on record: `wardgate get identity`, and `wardgate describe identity NAME`."
    )]
    Identity(IdentityCommand),
    /// Say that an owner has left, is back, or still answers for what it owns
    #[command(
        subcommand,
        after_help = "\
Examples:
  wardgate owner depart payments --grace 14d --reason \"the team was dissolved\"
  wardgate owner attest payments"
    )]
    Owner(OwnerCommand),
    /// Issue, rotate, revoke and list the credentials of callers
    #[command(
        subcommand,
        after_help = "\
Examples:
  wardgate credential issue hello-client
  wardgate credential list --identity hello-client
  wardgate credential rotate 4fT0aZ19xQ2b --overlap 24h
  wardgate credential revoke 4fT0aZ19xQ2b --reason \"found in a build log\""
    )]
    Credential(CredentialCommand),
    /// Get a token of the gate's own token service, as a client of it
    #[command(after_help = "\
Examples:
  wardgate token --new-key ledger-sync.pem               the private half stays here; declare the JWK that is printed
  wardgate token --issuer https://gate.example --client ledger-sync --key ledger-sync.pem
  wardgate token --issuer https://gate.example --client ledger-sync --key ledger-sync.pem \\
      --resource https://gate.example/ledger --scope \"list read\" --output json
  wardgate token --subject-token-file /var/run/secrets/tokens/gate        by what Kubernetes or CI gives
  wardgate token --exec -- ./nightly-report.sh              reads the token from the file $WARDGATE_TOKEN_FILE, whenever it calls
  wardgate token --proxy 127.0.0.1:8700 --strip X-Api-Key --resource https://gate.example/ledger
                                                            an old program calls http://127.0.0.1:8700/ledger in its place

It prints the token and nothing else: curl -H \"Authorization: Bearer $(wardgate token)\" with WARDGATE_ISSUER, WARDGATE_CLIENT
and WARDGATE_CLIENT_KEY set. `--exec` ends as its command ends. See docs/issuer.md, docs/from-static-key.md.")]
    Token(Box<TokenArgs>),
    /// Start, list and end tasks: for what, how long and how much
    #[command(
        subcommand,
        after_help = "\
Examples:
  wardgate task start --identity ledger-sync --api ledger --purpose settlement --operation read --lifetime 15m --calls 100
  wardgate task list
  wardgate task complete t-0f3a5c7e9b1d2f4a6c8e0b1d"
    )]
    Task(TaskCommand),
    /// Keep the secrets that upstreams are shown
    #[command(
        subcommand,
        after_help = "\
Examples:
  wardgate secret put warehouse-key < key.txt
  wardgate secret rotate warehouse-key --deliver command=push-warehouse-key
  wardgate secret list"
    )]
    Secret(SecretCommand),
    /// See and end the keys that tokens and assertions are signed with
    #[command(
        subcommand,
        after_help = "\
Examples:
  wardgate signing-key list
  wardgate signing-key revoke SvRTkLFiSDHCm4Dzu08V0hMtxx2s3t1qBCNEdBkWCAo --reason \"a backup was stolen\""
    )]
    SigningKey(SigningKeyCommand),
    /// Stop something everywhere, now: the next request is refused, open streams are cut
    #[command(after_help = "\
Examples:
  wardgate contain identity ledger-sync --preview         who uses it, on what, how often; nothing is changed
  wardgate contain identity ledger-sync --reason \"key found in a build log\"
  wardgate contain credential 4fT0aZ19xQ2b
  wardgate contain token 5f0c1de2a3b44c5d6e7f8091a2b3c4d5           one token, by its `jti`
  wardgate contain owner acme
  wardgate contain task t-0f3a5c7e9b1d2f4a6c8e0b1d
  wardgate contain --list

One person may do it. It outlives restarts, applies and the removal of the thing; `wardgate release` ends it.")]
    Contain(ContainArgs),
    /// Announce a change: what is new by it is not unusual for a while
    #[command(after_help = "\
Examples:
  wardgate announce identity ledger-sync --for 2h --reason \"deploy 1.4\"     new software, new addresses
  wardgate announce api ledger --for 12d --reason \"version 2\"              new operations
  wardgate announce --list

Its owner may do it, and `security` and `admin`. It allows nothing: signals of what is new weigh less until then. Changes of
specs announce themselves for 24 hours.")]
    Announce(AnnounceArgs),
    /// Let go what was contained; a second person must agree
    #[command(after_help = "\
Examples:
  wardgate release identity ledger-sync --reason \"new key in place\"
  wardgate release credential 4fT0aZ19xQ2b")]
    Release(ReleaseArgs),
    /// Decide what waits for a second person
    #[command(
        subcommand,
        after_help = "\
Examples:
  wardgate approval list
  wardgate approval show 4fT0aZ19xQ2b
  wardgate approval approve 4fT0aZ19xQ2b --reason \"checked with the owner\""
    )]
    Approval(ApprovalCommand),
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
    /// Judge recorded traffic: our own log again, ruling by ruling, or what others recorded, as it would have been ruled
    #[command(after_help = "\
Examples:
  wardgate replay                                          the log and store of ./wardgate.yaml, also while it serves
  wardgate replay --format wardgate copied/audit --store sqlite:copied/wardgate.db
  wardgate replay --output json | jq .differences
  wardgate replay --format combined access.log.1.gz access.log --html report.html
  wardgate replay --format cloudtrail trail/*.json.gz --output json | jq .identities
  wardgate replay --format json calls.jsonl --map time=ts,source=client.ip --resources resources

Of our own log, limits are compared where the order of requests is known; see docs/evidence.md. Of the logs of others, docs/replay.md
says what they tell and what not.

Exit status: 0 our own log: all come out as they were recorded; the logs of others: they were judged · 3 some do not come out so, or could
not be made again; nothing of the logs of others could be understood")]
    Replay(Box<ReplayArgs>),
    /// Rehearse an attack: contained, how quickly, at which cost to honest callers?
    #[command(
        subcommand,
        after_help = "\
Examples:
  wardgate drill attack --list
  wardgate drill attack scraping --api ledger --gate https://gate.example"
    )]
    Drill(DrillCommand),
    /// Say who can call what: now, then, or what changed between
    #[command(after_help = "\
Examples:
  wardgate access --identity ledger-sync
  wardgate access --operation \"GET /ledger/entries/{id}\"
  wardgate access --api ledger --class bulk             who can take much of it
  wardgate access --identity ledger-sync --at 2026-11-01
  wardgate access --diff 4711 now")]
    Access(AccessArgs),
    /// Say what is not as it should be: keys overdue, owners gone, exemptions over
    #[command(after_help = "\
Examples:
  wardgate findings
  wardgate findings --subject ledger-sync
  wardgate findings --probe ledger                      can its upstream be reached past the gate?
  wardgate findings --exemptions --output json")]
    Findings(FindingsArgs),
    /// Say which operations are beside the documents of their APIs: called and in none, to be gone, unused, called otherwise
    #[command(after_help = "\
Examples:
  wardgate operations --api ledger
  wardgate operations --shadow                          called, and in no document
  wardgate operations --zombie                          deprecated, past its sunset or taken out, and called still
  wardgate operations --unused --unused-for 30d --output json
  wardgate operations --drift                           called otherwise than the document has it

docs/operations.md says what is seen, and what not.")]
    Operations(OperationsArgs),
    /// Learn the document of an API from its calls
    #[command(
        subcommand,
        after_help = "\
Examples:
  wardgate openapi draft --format combined access.log > shop-api.yaml"
    )]
    Openapi(OpenapiCommand),
    /// Show what an identity or a credential was used for
    #[command(after_help = "\
Examples:
  wardgate usage --identity ledger-sync
  wardgate usage --credential 4fT0aZ19xQ2b --output json")]
    Usage(UsageArgs),
    /// Copy the store into a file; the gate may go on serving
    #[command(after_help = "\
Examples:
  wardgate backup wardgate-backup.db
  wardgate backup -c /etc/wardgate/wardgate.yaml /backups/wardgate.db

The copy holds keyed hashes and sealed secrets: without the master key, which is not in it, it opens nothing.
To restore: stop the gate, put the file in the place of the store, start the gate.")]
    Backup(BackupArgs),
    /// Sign in through the socket of this machine when every other way in is shut
    #[command(after_help = "\
Examples:
  wardgate break-glass --reason \"a policy locks everybody out\"
  wardgate break-glass -c /etc/wardgate/wardgate.yaml --reason \"the only administrator has left\"

  wardgate break-glass --end                 back to the session of the profile

Only for the user that the gate runs as, or root. It stands beside all policies for 15 minutes, one at a time,
and everybody who watches is told. The profile is not touched: when it ends, its session counts again.")]
    BreakGlass(BreakGlassArgs),
    /// Print every help page as one document
    #[command(
        hide = true,
        after_help = "\
Examples:
  wardgate manual > docs/cli.md"
    )]
    Manual,
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

#[cfg(test)]
mod tests;
