//! What each command does. One function a command; this file only chooses.

mod access;
mod audit;
mod backup;
mod break_glass;
mod change;
mod check;
mod config;
mod containment;
mod credential;
mod describe;
mod documents;
mod drill;
mod edit;
mod erase;
mod evidence;
mod explain;
mod export;
mod history;
mod identity;
mod import;
mod init;
mod listing;
mod login;
mod openapi;
mod operations;
mod owner;
mod plan;
mod query;
pub(crate) mod replay;
mod resource;
mod schema;
mod secret;
mod serve;
mod sign_in;
mod signing_key;
mod task;
mod timeline;
mod token;

use crate::{
    cli::{
        AuditCommand, Cli, Command, ConfigCommand, CredentialCommand, GovernedCommand, ManagementArgs, Output, ReadArgs, SecretCommand,
        SigningKeyCommand, WayArgs,
    },
    client::{Client, ClientFault},
    control::ReloadFault,
    output::{BAD, Exit, note, print, styled},
    session::{self, Wanted, offline},
};
use std::{future::Future, path::Path};

/// Does what was asked for, and says how it ended.
#[must_use]
pub fn run(cli: Cli) -> Exit {
    // Only who reads a log that may be anybody's: a gate asks no store but its own.
    if matches!(cli.command, Command::Audit(_) | Command::Replay(_))
        && let Err(error) = crate::evidence::reach_as_lent()
    {
        note(&format!("{}: {}", styled(BAD, "error"), told(&error)));
        return Exit::Invalid;
    }
    let result = match cli.command {
        Command::Demo(args) => crate::demo::run(&args),
        Command::Init(args) => wait(init::run(&args)),
        Command::Serve(args) => serve::run(&args),
        Command::Check(args) => check::run(&args),
        Command::SignIn(args) => wait(sign_in::run(args)),
        Command::Login(args) => wait(login::login(args)),
        Command::Logout(args) => wait(login::logout(args)),
        Command::Governed(command) => wait(governed(command)),
        Command::Identity(command) => wait(identity::run(command)),
        Command::Owner(command) => wait(owner::run(command)),
        Command::Contain(args) => wait(containment::contain(args)),
        Command::Announce(args) => wait(containment::announce(args)),
        Command::Drill(command) => wait(drill::run(command)),
        Command::Release(args) => wait(containment::release(args)),
        Command::Approval(command) => wait(containment::approval(command)),
        Command::Credential(CredentialCommand::Rotate(args)) => wait(credential::rotate(args)),
        Command::Credential(CredentialCommand::Issue(args)) => wait(credential::issue(args)),
        Command::Credential(CredentialCommand::Revoke(args)) => wait(credential::revoke(args)),
        Command::Credential(CredentialCommand::List(args)) => wait(credential::list(args)),
        Command::Task(command) => wait(task::run(command)),
        Command::Token(args) => wait(token::run(*args)),
        Command::Secret(SecretCommand::Put(args)) => wait(secret::put(args)),
        Command::Secret(SecretCommand::Rotate(args)) => wait(secret::rotate(args)),
        Command::Secret(SecretCommand::List(args)) => wait(secret::list(args)),
        Command::SigningKey(SigningKeyCommand::List(args)) => wait(signing_key::list(args)),
        Command::SigningKey(SigningKeyCommand::Revoke(args)) => wait(signing_key::revoke(args)),
        Command::Explain(args) => wait(explain::run(args)),
        Command::Audit(AuditCommand::Tail(args)) => wait(audit::tail(args)),
        Command::Audit(AuditCommand::Query(args)) => wait(query::run(args)),
        Command::Audit(AuditCommand::Timeline(args)) => wait(timeline::run(args)),
        Command::Audit(AuditCommand::Verify(args)) => evidence::verify_log(&args),
        Command::Audit(AuditCommand::Prove(args)) => evidence::prove_event(&args),
        Command::Audit(AuditCommand::Erase(args)) => wait(erase::run(args)),
        Command::Audit(AuditCommand::Export(args)) => evidence::export(&args),
        Command::Audit(AuditCommand::Key(args)) => evidence::key(&args),
        Command::Replay(args) => wait(replay::run(*args)),
        Command::Access(args) => wait(access::access(args)),
        Command::Findings(args) => wait(access::findings(args)),
        Command::Openapi(command) => wait(openapi::run(command)),
        Command::Operations(args) => wait(operations::run(args)),
        Command::Usage(args) => wait(access::usage(args)),
        Command::Backup(args) => wait(backup::run(args)),
        Command::BreakGlass(args) => wait(break_glass::run(args)),
        Command::Manual => print(&crate::cli::manual()).map(|()| Exit::Done).map_err(Into::into),
        Command::Schema(args) => schema::run(&args),
        Command::Config(ConfigCommand::Show(args)) => config::show(&args),
    };
    result.unwrap_or_else(|error| {
        if reader_gone(&error) {
            return Exit::Done;
        }
        if let Some(ReloadFault::Input(found)) = error.downcast_ref::<ReloadFault>() {
            crate::diagnostics::show(found);
            note(&format!("nothing is done: {}", crate::diagnostics::summary(found)));
            return Exit::Invalid;
        }
        note(&format!("{}: {}", styled(BAD, "error"), told(&error)));
        ended(&error)
    })
}

/// Commands about what is declared.
async fn governed(command: GovernedCommand) -> anyhow::Result<Exit> {
    match command {
        GovernedCommand::Plan(args) => plan::plan(args).await,
        GovernedCommand::Apply(args) => plan::apply(args).await,
        GovernedCommand::Get(args) => resource::get(args).await,
        GovernedCommand::Describe(args) => describe::run(args).await,
        GovernedCommand::Edit(args) => edit::run(args).await,
        GovernedCommand::Delete(args) => resource::delete(args).await,
        GovernedCommand::Export(args) => export::run(args).await,
        GovernedCommand::Import(args) => import::run(args).await,
        GovernedCommand::History(args) => history::history(args).await,
        GovernedCommand::Rollback(args) => history::rollback(args).await,
    }
}

/// The error and what caused it. A cause that the text above it says already is not said again.
fn told(error: &anyhow::Error) -> String {
    let mut text = error.to_string();
    for cause in error.chain().skip(1).map(ToString::to_string) {
        if !text.contains(&cause) {
            text = format!("{text}: {cause}");
        }
    }
    text
}

/// What the gate refuses because of what was typed is invalid input. What takes more than it may is none: elsewhere it may be answered.
fn ended(error: &anyhow::Error) -> Exit {
    match error.chain().find_map(|cause| cause.downcast_ref::<ClientFault>()) {
        Some(ClientFault::Refused(refusal)) if refusal.code.as_deref() == Some(wardgate_console::Code::Bounds.as_str()) => Exit::Failed,
        Some(ClientFault::Refused(refusal)) if matches!(refusal.status.as_u16(), 400 | 422) => Exit::Invalid,
        Some(ClientFault::Address { .. }) => Exit::Invalid,
        _ => Exit::Failed,
    }
}

/// Whether the one that read our output (`| head`) has what it wanted.
fn reader_gone(error: &anyhow::Error) -> bool {
    error.downcast_ref::<std::io::Error>().is_some_and(|error| error.kind() == std::io::ErrorKind::BrokenPipe)
}

/// Runs what waits for an answer.
fn wait(doing: impl Future<Output = anyhow::Result<Exit>>) -> anyhow::Result<Exit> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(doing)
}

/// A client of the management API for a command run here, and the form of what it prints.
async fn reach(args: ReadArgs) -> anyhow::Result<(Client, Output)> {
    let ManagementArgs { url, way } = args.management;
    Ok((by(url, way).await?, args.output.output))
}

/// A client of the management API: of one that serves, or of the store itself.
async fn by(url: Option<String>, way: WayArgs) -> anyhow::Result<Client> {
    if way.offline {
        serve::log_to_stderr(tracing::Level::ERROR);
        return offline::open(&way.config, serve::show_first).await;
    }
    session::open(Wanted { url, token: way.token }, Path::new(".")).await
}

#[cfg(test)]
mod tests;
