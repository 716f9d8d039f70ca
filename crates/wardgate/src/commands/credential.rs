//! `wardgate credential issue|rotate|revoke|list`.

use super::{
    change::{self, body},
    listing::{Columns, at, pages, show, text},
    reach, secret,
};
use crate::{
    cli::{CredentialListArgs, IssueArgs, Output, RevokeArgs, RotateArgs},
    client::{Answer, Asking, query, segment},
    output::{BOLD, Exit, json, line, note, plain, print, styled},
};
use http::{Method, StatusCode};
use serde_json::Value;

const PATH: &str = "/api/v1/credentials";
const COLUMNS: Columns<'static> = &[
    ("ID", "/id"),
    ("IDENTITY", "/identity"),
    ("NAME", "/name"),
    ("KIND", "/kind"),
    ("ENVIRONMENT", "/environment"),
    ("STATE", "/state"),
    ("CREATED", "/created"),
    ("EXPIRES", "/expires"),
    ("TASK", "/task"),
    ("TRUST", "/vouched/trust"),
    ("SUBJECT", "/vouched/subject"),
];

/// Issues a key and shows it this once.
pub(super) async fn issue(args: IssueArgs) -> anyhow::Result<Exit> {
    let given = match secret::maybe_given(args.secret_file.as_deref())? {
        Ok(given) => given,
        Err(unfit) => return Ok(unfit),
    };
    let (client, output) = reach(args.change.read).await?;
    let wanted = body([
        ("identity", Some(args.identity)),
        ("name", args.name),
        ("kind", args.kind),
        ("secret", given),
        ("task", args.task),
        ("reason", args.change.reason),
    ]);
    let issued = client.ask(&Asking::once(PATH).body(&wanted)).await?;
    handed(&issued, output, |_| Ok(()))
}

/// A new key, or an approval where one is needed.
fn handed(answer: &Answer, output: Output, more: impl FnOnce(&Value) -> anyhow::Result<()>) -> anyhow::Result<Exit> {
    match output {
        Output::Json => json(&answer.body)?,
        Output::Table if answer.status == StatusCode::ACCEPTED => print(&change::waits(&answer.body))?,
        Output::Table => {
            shown_once(&answer.body)?;
            more(&answer.body)?;
        }
    }
    Ok(if answer.status == StatusCode::ACCEPTED { Exit::No } else { Exit::Done })
}

/// Shows a key this once.
fn shown_once(issued: &Value) -> anyhow::Result<()> {
    let kind = text(issued, "kind");
    match issued.get("key") {
        None => note("The secret that was given is kept sealed."),
        Some(_) if kind == "hmac" => note("The secret is shown this once and kept sealed: hand it over now."),
        Some(_) => note("The key is shown this once and kept nowhere: hand it over now."),
    }
    if issued.get("key").is_some() {
        line(&format!("{}  {}", styled(BOLD, "key        "), text(issued, "key")))?;
    }
    for member in ["id", "identity", "name", "environment", "expires"] {
        line(&format!("{}  {}", styled(BOLD, &format!("{member:<11}")), text(issued, member)))?;
    }
    Ok(())
}

/// Gives the holder a new key; the old one works for a time beside it.
pub(super) async fn rotate(args: RotateArgs) -> anyhow::Result<Exit> {
    let given = match secret::maybe_given(args.secret_file.as_deref())? {
        Ok(given) => given,
        Err(unfit) => return Ok(unfit),
    };
    let (client, output) = reach(args.change.read).await?;
    let wanted = body([("overlap", args.overlap), ("secret", given), ("reason", args.change.reason)]);
    let rotated = client.ask(&Asking::once(format!("{PATH}/{}/rotate", segment(&args.id))).body(&wanted)).await?;
    handed(&rotated, output, |rotated| {
        note(&format!("The old one, {}, goes on beside it until {}.", plain(&args.id), at(rotated, "/replaces/expires")));
        Ok(())
    })
}

/// Ends a credential.
pub(super) async fn revoke(args: RevokeArgs) -> anyhow::Result<Exit> {
    let (client, output) = reach(args.change.read).await?;
    let path = format!("{PATH}/{}{}", segment(&args.id), query(&[("reason", args.change.reason.as_deref())]));
    let answer = client.call(Method::DELETE, &path, None).await?;
    change::done(&answer, output, |revoked| format!("revoked: {} of {}", plain(&args.id), text(revoked, "identity")))
}

/// Lists credentials.
pub(super) async fn list(args: CredentialListArgs) -> anyhow::Result<Exit> {
    let (client, output) = reach(args.read).await?;
    let filter = [("identity", args.identity.as_deref()), ("state", args.state.as_deref())];
    let items = pages(&client, PATH, &filter).await?;
    show(&items, COLUMNS, output, "no credentials")?;
    Ok(Exit::Done)
}
