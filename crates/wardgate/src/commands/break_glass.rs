//! `wardgate break-glass`: a way in when every other is shut. Loud, and short.

use crate::{
    cli::{BreakGlassArgs, Output},
    config::Config,
    glass,
    output::{BAD, Exit, json, line, note, plain, styled},
    profile::{Glass, Held, Renewal, Session},
    session::{self, Ended},
};
use serde_json::json;

/// Opens the door, or closes it behind oneself.
pub(super) async fn run(args: BreakGlassArgs) -> anyhow::Result<Exit> {
    let Some(reason) = &args.reason else { return end(&args).await };
    let socket = match &args.socket {
        Some(path) => path.clone(),
        None => match Config::read(&args.config.config) {
            Ok(config) => config.glass(),
            Err(found) => {
                crate::diagnostics::show(&found);
                note("or name the socket with `--socket`");
                return Ok(Exit::Invalid);
            }
        },
    };
    let opened = glass::open(&socket, reason).await?;
    let held = Held::beside(&args.config.config)?;
    let (url, expires) = (opened.url, opened.expires.to_rfc3339());
    let session = Session { token: opened.token, expires: opened.expires, renewal: Renewal::Never };
    held.keep_glass(Glass { url: url.clone(), session })?;
    note(&format!("{} it is logged, on record, and told to whoever watches", styled(BAD, "the glass is broken:")));
    match args.output.output {
        Output::Json => json(&json!({ "url": url, "expires": expires, "session": held.glass_path() }))?,
        Output::Table => {
            line(&format!("signed in at {} until {expires}, beside all policies", plain(&url)))?;
            note("The profile is as it was and counts again then, or at once with `wardgate break-glass --end`.");
        }
    }
    Ok(Exit::Done)
}

async fn end(args: &BreakGlassArgs) -> anyhow::Result<Exit> {
    let ended = session::end_glass(&Held::beside(&args.config.config)?).await?;
    match (args.output.output, ended) {
        (Output::Json, _) => json(&json!({ "ended": ended == Ended::Now }))?,
        (Output::Table, Ended::Now) => line("the break-glass session has ended: the profile counts again")?,
        (Output::Table, Ended::WasNone) => note("no break-glass session is open here"),
    }
    Ok(Exit::Done)
}
