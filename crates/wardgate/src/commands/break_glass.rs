//! `wardgate break-glass`: a way in when every other is shut. Loud, and short.

use crate::{
    cli::{BreakGlassArgs, Output},
    config::Config,
    glass,
    output::{BAD, Exit, json, line, note, plain, styled},
    profile::{Held, Profile, Session},
};
use serde_json::json;

/// Opens the door and signs the profile in.
pub(super) async fn run(args: BreakGlassArgs) -> anyhow::Result<Exit> {
    let socket = match args.socket {
        Some(path) => path,
        None => match Config::read(&args.config.config) {
            Ok(config) => config.glass(),
            Err(found) => {
                crate::diagnostics::show(&found);
                note("or name the socket with `--socket`");
                return Ok(Exit::Invalid);
            }
        },
    };
    let opened = glass::open(&socket, &args.reason).await?;
    let held = Held::beside(&args.config.config)?;
    // A sign-in credential that waits there stays for later.
    let sign_in = held.read().ok().flatten().filter(|known| known.url == opened.url).and_then(|known| known.sign_in);
    let expires = opened.expires.to_rfc3339();
    let session = Session { token: opened.token, expires: opened.expires };
    held.write(&Profile { url: opened.url.clone(), sign_in, session: Some(session) })?;
    note(&format!("{} it is logged, on record, and told to whoever watches", styled(BAD, "the glass is broken:")));
    match args.output.output {
        Output::Json => json(&json!({ "url": opened.url, "expires": expires, "profile": held.path() }))?,
        Output::Table => line(&format!("signed in at {} until {expires}, beside all policies", plain(&opened.url)))?,
    }
    Ok(Exit::Done)
}
