//! `wardgate sign-in`: a single-use credential becomes a session.

use crate::{
    cli::{Output, SignInArgs},
    client::Address,
    config::Config,
    control,
    output::{Exit, json, line, note, plain},
    profile::{Held, Profile},
    session,
};
use std::{
    io::{IsTerminal as _, Read as _},
    path::Path,
};
use wardgate_model::secret::Secret;

/// Longest credential that is read, in bytes.
const CREDENTIAL_BYTES_MAX: u64 = 4096;

/// Signs in, or makes the credential to sign in with.
pub(super) async fn run(args: SignInArgs) -> anyhow::Result<Exit> {
    if args.offline { offline(&args).await } else { online(&args).await }
}

/// Makes a new credential by opening the store itself, under its lock.
async fn offline(args: &SignInArgs) -> anyhow::Result<Exit> {
    let config = match Config::read(&args.config.config) {
        Ok(config) => config,
        Err(diagnostics) => {
            crate::diagnostics::show(&diagnostics);
            return Ok(Exit::Invalid);
        }
    };
    let minted = control::mint_sign_in(&config).await;
    let credential = minted.map_err(|error| session::offline::held(&config, error))?;
    let held = Held::beside(&args.config.config)?;
    held.write(&Profile { url: format!("http://{}", config.admin), sign_in: Some(credential.clone()), session: None })?;
    match args.output.output {
        Output::Json => json(&serde_json::json!({ "sign_in": credential.danger_expose(), "profile": held.path() }))?,
        Output::Table => {
            note("Good for one sign-in; the profile has it, and the next command that needs a session swaps it.");
            line(credential.danger_expose())?;
        }
    }
    Ok(Exit::Done)
}

async fn online(args: &SignInArgs) -> anyhow::Result<Exit> {
    let held = match Held::find(Path::new("."))? {
        Some(held) => held,
        None => Held::beside(&args.config.config)?,
    };
    let known = held.read()?;
    let url = match (&args.url, &known) {
        (Some(url), _) => url.clone(),
        (None, Some(profile)) => profile.url.clone(),
        (None, None) => match Config::read(&args.config.config) {
            Ok(config) => format!("http://{}", config.admin),
            Err(_) => session::URL.to_owned(),
        },
    };
    let address = Address::parse(&url)?;
    let kept = known.filter(|profile| profile.url == url).and_then(|profile| profile.sign_in);
    let Some(credential) = kept.map_or_else(typed, |credential| Ok(Some(credential)))? else {
        note("that is no sign-in credential: it begins with `wga_`; `wardgate sign-in --offline` makes one when nothing is serving");
        return Ok(Exit::Invalid);
    };
    let session = session::swap(&address, credential).await?;
    let expires = session.expires.to_rfc3339();
    held.write(&Profile { url: url.clone(), sign_in: None, session: Some(session) })?;
    held.forget_glass()?;
    match args.output.output {
        Output::Json => json(&serde_json::json!({ "url": url, "expires": expires, "profile": held.path() }))?,
        Output::Table => line(&format!("signed in at {} until {expires}", plain(&url)))?,
    }
    Ok(Exit::Done)
}

/// Reads a credential from standard input.
fn typed() -> anyhow::Result<Option<Secret<String>>> {
    if std::io::stdin().is_terminal() {
        note("paste the sign-in credential (wga_…), then Ctrl-D:");
    }
    let mut text = String::new();
    std::io::stdin().lock().take(CREDENTIAL_BYTES_MAX).read_to_string(&mut text)?;
    let credential = Secret::new(text.trim().to_owned());
    Ok(credential.danger_expose().starts_with("wga_").then_some(credential))
}
