//! `wardgate identity …`: the life of an identity.

use super::{
    change::{self, body},
    describe::identity as path,
    documents::{Declared, refuse},
    listing::{pages, show, text},
    reach, resource,
};
use crate::{
    cli::{ApproveArgs, ClaimArgs, DiscoveredArgs, IdentityCommand, NamedArgs, ReadArgs, RequestArgs, TransferArgs},
    client::{Asking, ClientFault, Refusal, segment},
    output::{Exit, GOOD, NAME, STOPPED, note, plain, styled},
};
use anyhow::Context as _;
use http::Method;
use serde_json::{Map, Value, json};
use wardgate_model::resource::Kind;

/// Chooses.
pub(super) async fn run(command: IdentityCommand) -> anyhow::Result<Exit> {
    match command {
        IdentityCommand::Request(args) => request(*args).await,
        IdentityCommand::Approve(args) => approve(args).await,
        IdentityCommand::Suspend(args) => step(args, "suspend").await,
        IdentityCommand::Resume(args) => step(args, "resume").await,
        IdentityCommand::Quarantine(args) => step(args, "quarantine").await,
        IdentityCommand::Retire(args) => step(args, "retire").await,
        IdentityCommand::Transfer(args) => transfer(args).await,
        IdentityCommand::Discovered(args) => discovered(args).await,
        IdentityCommand::Claim(args) => claim(args).await,
        IdentityCommand::Reject(args) => reject(args).await,
    }
}

/// A new identity: on record, but not let in before it is approved.
async fn request(args: RequestArgs) -> anyhow::Result<Exit> {
    let (name, spec) = match &args.file {
        Some(file) => {
            let declared = match Declared::read(std::slice::from_ref(file)) {
                Ok(declared) => declared,
                Err(found) => {
                    refuse(&found);
                    return Ok(Exit::Invalid);
                }
            };
            let [document] = declared.documents.as_slice() else {
                note(&format!("`{}` must hold one document", file.display()));
                return Ok(Exit::Invalid);
            };
            if document.kind != Kind::Identity {
                note(&format!("`{}` holds a document of kind {}, not Identity", file.display(), document.kind));
                return Ok(Exit::Invalid);
            }
            (document.name.clone(), document.spec.clone())
        }
        None => (args.name.clone().context("a name is missing")?, spec(&args)),
    };
    let (client, output) = reach(args.change.read).await?;
    let wanted = with(body([("reason", args.change.reason)]), "spec", spec);
    let answer = client.ask(&Asking::new(Method::PUT, resource::path(Kind::Identity, Some(&name))).body(&wanted).if_absent()).await?;
    change::done(&answer, output, |_| {
        format!("{} {}\n  = wardgate identity approve {1} --evidence …     by somebody else", styled(GOOD, "requested:"), plain(&name))
    })
}

/// What was typed, as a document says it.
fn spec(args: &RequestArgs) -> Value {
    let mut spec = Map::new();
    let typed = [
        ("type", &args.kind),
        ("owner", &args.owner),
        ("team", &args.team),
        ("environment", &args.environment),
        ("purpose", &args.purpose),
        ("business_function", &args.business_function),
        ("criticality", &args.criticality),
        ("until", &args.until),
    ];
    for (member, value) in typed {
        if let Some(value) = value {
            spec.insert(member.to_owned(), value.clone().into());
        }
    }
    if let Some(lives) = &args.api_key {
        spec.insert("credentials".to_owned(), json!([{ "name": "main", "type": "api_key", "expires_in": lives }]));
    }
    spec.into()
}

async fn approve(args: ApproveArgs) -> anyhow::Result<Exit> {
    let wanted = body([("evidence", Some(args.evidence)), ("reason", args.change.reason)]);
    led(&args.name, "approve", &wanted, args.change.read).await
}

async fn step(args: NamedArgs, step: &str) -> anyhow::Result<Exit> {
    let wanted = body([("reason", args.change.reason)]);
    led(&args.name, step, &wanted, args.change.read).await
}

async fn transfer(args: TransferArgs) -> anyhow::Result<Exit> {
    let wanted = body([("owner", Some(args.owner)), ("team", args.team), ("reason", args.change.reason)]);
    led(&args.name, "transfer", &wanted, args.change.read).await
}

/// Leads an identity a step on, and says where it is now.
async fn led(name: &str, step: &str, wanted: &Value, read: ReadArgs) -> anyhow::Result<Exit> {
    let (client, output) = reach(read).await?;
    let answer = match client.ask(&Asking::once(path(name, step)).body(wanted)).await {
        // What it can do instead is told as commands with its name.
        Err(ClientFault::Refused(refusal)) => {
            return Err(ClientFault::from(Box::new(Refusal { of: Some(name.to_owned()), ..*refusal })).into());
        }
        other => other?,
    };
    change::done(&answer, output, |led| {
        let status = led.get("status").filter(|status| status.is_object()).unwrap_or(led);
        let state = match text(status, "state") {
            none if none == "-" => String::new(),
            state => format!(" is {}", styled(if state == "active" { GOOD } else { STOPPED }, &state)),
        };
        let owner = if step == "transfer" { format!(" belongs to {}", super::listing::at(led, "/spec/owner")) } else { state };
        format!("{}{owner}", styled(NAME, &plain(name)))
    })
}

/// Where discovered callers are.
const DISCOVERIES: &str = "/api/v1/discoveries";

async fn discovered(args: DiscoveredArgs) -> anyhow::Result<Exit> {
    let (client, output) = reach(args.read).await?;
    let state = Some(args.state.as_str()).filter(|state| *state != "all");
    let items = pages(&client, DISCOVERIES, &[("state", state)]).await?;
    let columns = [
        ("ID", "/id"),
        ("BY", "/what"),
        ("TRUST", "/trust"),
        ("SUBJECT", "/subject"),
        ("APIS", "/apis"),
        ("FROM", "/sources"),
        ("CALLS", "/count"),
        ("FIRST", "/first"),
        ("LAST", "/last"),
        ("CLAIM BY", "/claim_by"),
        ("STATE", "/state"),
        ("IS", "/claimed_as"),
    ];
    show(&items, &columns, output, "nobody unknown was seen")?;
    Ok(Exit::Done)
}

async fn claim(args: ClaimArgs) -> anyhow::Result<Exit> {
    let (client, output) = reach(args.change.read).await?;
    let wanted = body([("identity", Some(args.identity.clone())), ("reason", args.change.reason)]);
    let answer = client.ask(&Asking::once(format!("{DISCOVERIES}/{}/claim", segment(&args.id))).body(&wanted)).await?;
    change::done(&answer, output, |_| format!("{} {} is {}", styled(GOOD, "claimed:"), plain(&args.id), plain(&args.identity)))
}

/// A discovered caller has an id that begins so; whatever else is rejected is an identity that was asked for.
const DISCOVERED: &str = "discovered-";

async fn reject(args: NamedArgs) -> anyhow::Result<Exit> {
    if !args.name.starts_with(DISCOVERED) {
        return step(args, "reject").await;
    }
    let (client, output) = reach(args.change.read).await?;
    let path = format!("{DISCOVERIES}/{}/reject", segment(&args.name));
    let answer = client.ask(&Asking::once(path).body(&body([("reason", args.change.reason)]))).await?;
    change::done(&answer, output, |_| format!("{} {}", styled(STOPPED, "rejected:"), plain(&args.name)))
}

fn with(mut body: Value, member: &str, value: Value) -> Value {
    if let Some(members) = body.as_object_mut() {
        members.insert(member.to_owned(), value);
    }
    body
}
