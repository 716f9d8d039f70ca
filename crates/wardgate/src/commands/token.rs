//! `wardgate token`: a client proves itself to the gate's token service, and prints what it gets, or keeps it fresh for a command or
//! for a program that cannot change.
//!
//! A private key never leaves this process; what goes out is an assertion that is good once, at this issuer, for a minute.

mod asking;
mod exec;
mod forward;
mod fresh;
mod issuer;

use crate::{
    cli::{Output, TokenArgs},
    output::{Exit, json, line},
    pki,
};
use anyhow::Context as _;
use asking::Asker;
use exec::Place;
use fresh::Fresh;
use std::{fs, io::Write as _, os::unix::fs::OpenOptionsExt as _, path::Path, sync::Arc};
use wardgate_proof::{jose::algorithm::Algorithm, jws::Signer};

/// Gets a token, keeps one fresh, or makes a key.
pub(super) async fn run(args: TokenArgs) -> anyhow::Result<Exit> {
    if let Some(file) = &args.new_key {
        return new_key(file, &args.algorithm);
    }
    let asker = Arc::new(Asker::new(&args).await?);
    if args.exec {
        let place = Place::new(args.token_file.as_deref())?;
        let fresh = Fresh::begin(asker).await?;
        return Ok(exec::exit(exec::run(&fresh, &place, &args.command, args.env.as_deref()).await?));
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
