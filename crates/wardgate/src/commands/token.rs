//! `wardgate token`: a client proves itself to the gate's token service, and prints what it gets, or keeps it fresh for a command or
//! for a program that cannot change.
//!
//! A private key never leaves this process; what goes out is an assertion that is good once, at this issuer, for a minute.

mod asking;
mod exec;
mod forward;
mod fresh;
mod issuer;
mod possession;
mod signals;
mod task;

use crate::{
    cli::{Output, TokenArgs},
    output::{Exit, error, json, line, note, plain},
    pki,
};
use anyhow::Context as _;
use asking::{Asker, Asks, Token};
use exec::Place;
use fresh::Fresh;
use signals::Heard;
use std::{
    fs,
    io::Write as _,
    os::unix::{fs::OpenOptionsExt as _, process::ExitStatusExt as _},
    path::Path,
    process::ExitStatus,
    sync::Arc,
};
use task::Running;
use wardgate_proof::{jose::algorithm::Algorithm, jws::Signer};

/// Gets a token, keeps one fresh, or makes a key.
pub(super) async fn run(args: TokenArgs) -> anyhow::Result<Exit> {
    if let Some(file) = &args.new_key {
        return new_key(file, &args.algorithm);
    }
    if args.bound && args.proxy.is_none() {
        error(
            "a bound token opens nothing without the key that it is bound to, which is in no file: `--bound` needs the forwarder, `--proxy`",
        );
        return Ok(Exit::Invalid);
    }
    if let Some(why) = asking::at_odds(&args) {
        error(&why);
        return Ok(Exit::Invalid);
    }
    let asker = Arc::new(Asker::new(&args).await?);
    if args.exec {
        return Ok(exec::exit(Box::pin(command(asker, &args)).await?));
    }
    if let Some(address) = &args.proxy {
        let fresh = Fresh::begin(Arc::clone(&asker)).await?;
        return forward::run(asker, fresh, address, &args).await;
    }
    let granted = asker.ask().await?.answer;
    match args.output.output {
        Output::Json => json(&granted)?,
        Output::Table => {
            line(granted.get("access_token").and_then(serde_json::Value::as_str).context("the answer has no `access_token`")?)?
        }
    }
    Ok(Exit::Done)
}

/// Runs a command with a token: of a task of its own, where that is wanted, which ends as the command ends.
async fn command(asker: Arc<Asker>, args: &TokenArgs) -> anyhow::Result<ExitStatus> {
    // Before there is a file, a task or a command: no signal leaves one of them behind.
    let mut heard = Heard::passed_on().context("no signals can be listened for")?;
    let place = Place::new(args.token_file.as_deref())?;
    let run = async |asker: Arc<Asker>, heard: &mut Heard| {
        let task = asker.asks().task.clone();
        exec::run(Fresh::begin(asker), &place, &args.command, (args.env.as_deref(), task.as_deref()), heard).await
    };
    let Some((purpose, resource)) = args.own.purpose.as_deref().zip(args.resource.as_deref()) else {
        let ended = run(Arc::clone(&asker), &mut heard).await?;
        if let Some(token) = &ended.token {
            give_back(&asker, token, &mut heard).await;
        }
        return Ok(ended.status);
    };
    let task = tokio::select! {
        task = Running::start(&asker, purpose, resource, &args.own) => task?,
        // One that is started all the same lapses by itself.
        signal = heard.next() => return Ok(ExitStatus::from_raw(signal.as_raw())),
    };
    let asks = Asks { task: Some(task.id().to_owned()), ..asker.asks().clone() };
    let ended = {
        let (running, beating) = (run(Arc::new(asker.asking(asks)), &mut heard), task.beat());
        tokio::pin!(running, beating);
        tokio::select! {
            ended = &mut running => ended,
            // Over, by somebody else's word: what becomes of the command is its own.
            () = &mut beating => running.await,
        }
    };
    let ended = ended.map(|ended| ended.status);
    let ending = task.end(ended.as_ref().is_ok_and(ExitStatus::success));
    if !task::in_time(ending, heard.next(), task::END_MAX, task::HURRY).await {
        note(&format!("warning: nobody answers: the task `{}` lapses by itself", plain(task.id())));
    }
    ended
}

/// The command has ended, and its token with it, so far as anybody hears that.
async fn give_back(asker: &Asker, token: &Token, heard: &mut Heard) {
    let ending = async {
        if let Err(why) = asker.give_back(token).await {
            note(&format!("warning: {why:#}: the command's token ends by itself, within {} s", token.life.as_secs()));
        }
    };
    if !task::in_time(ending, heard.next(), task::END_MAX, task::HURRY).await {
        note(&format!("warning: nobody answers: the command's token ends by itself, within {} s", token.life.as_secs()));
    }
}

/// A private key for its owner alone, never over another one; its public half to be declared.
fn new_key(file: &Path, algorithm: &str) -> anyhow::Result<Exit> {
    let algorithm = Algorithm::parse(algorithm).context("no such algorithm")?;
    let pkcs8 = Signer::generate_for(algorithm)?;
    let signer = Signer::load(pkcs8.danger_expose())?;
    let pem = pki::pem(&pkcs8);
    let mut made = fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(file)
        .with_context(|| format!("cannot make the file `{}`", file.display()))?;
    made.write_all(pem.danger_expose().as_bytes())?;
    made.sync_all()?;
    line(&signer.jwk().to_string())?;
    Ok(Exit::Done)
}
