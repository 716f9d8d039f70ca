//! `wardgate identity …`: the life of an identity.

use super::{
    change::{self, body},
    describe::identity as path,
    documents::{Declared, refuse},
    listing::{pages, show, text},
    management, resource,
};
use crate::{
    cli::{
        ApproveArgs, ClaimArgs, DiscoveredArgs, IdentityCommand, ManagementArgs, MoveArgs, OutputArgs, RejectArgs, RequestArgs,
        TransferArgs,
    },
    client::{Asking, segment},
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
    let client = management(args.management).await?;
    let wanted = with(body([("reason", args.reason)]), "spec", spec);
    let answer = client.ask(&Asking::new(Method::PUT, resource::path(Kind::Identity, Some(&name))).body(&wanted).if_absent()).await?;
    change::done(&answer, args.output.output, |_| {
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
    let wanted = body([("evidence", Some(args.evidence)), ("reason", args.reason)]);
    led(&args.name, "approve", &wanted, args.management, args.output).await
}

async fn step(args: MoveArgs, step: &str) -> anyhow::Result<Exit> {
    let wanted = body([("reason", args.reason)]);
    led(&args.name, step, &wanted, args.management, args.output).await
}

async fn transfer(args: TransferArgs) -> anyhow::Result<Exit> {
    let wanted = body([("owner", Some(args.owner)), ("team", args.team), ("reason", args.reason)]);
    led(&args.name, "transfer", &wanted, args.management, args.output).await
}

/// Leads an identity a step on, and says where it is now.
async fn led(name: &str, step: &str, wanted: &Value, management: ManagementArgs, output: OutputArgs) -> anyhow::Result<Exit> {
    let client = super::management(management).await?;
    let answer = client.ask(&Asking::once(path(name, step)).body(wanted)).await?;
    change::done(&answer, output.output, |led| {
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
    let client = management(args.management).await?;
    let state = Some(args.state.as_str()).filter(|state| *state != "all");
    let items = pages(&client, DISCOVERIES, &[("state", state)]).await?;
    let columns = [
        ("ID", "/id"),
        ("BY", "/what"),
        ("APIS", "/apis"),
        ("FROM", "/sources"),
        ("CALLS", "/count"),
        ("FIRST", "/first"),
        ("LAST", "/last"),
        ("CLAIM BY", "/claim_by"),
        ("STATE", "/state"),
        ("IS", "/claimed_as"),
    ];
    show(&items, &columns, args.output.output, "nobody unknown was seen")?;
    Ok(Exit::Done)
}

async fn claim(args: ClaimArgs) -> anyhow::Result<Exit> {
    let client = management(args.management).await?;
    let wanted = body([("identity", Some(args.identity.clone())), ("reason", args.reason)]);
    let answer = client.ask(&Asking::once(format!("{DISCOVERIES}/{}/claim", segment(&args.id))).body(&wanted)).await?;
    change::done(&answer, args.output.output, |_| format!("{} {} is {}", styled(GOOD, "claimed:"), plain(&args.id), plain(&args.identity)))
}

async fn reject(args: RejectArgs) -> anyhow::Result<Exit> {
    let client = management(args.management).await?;
    let wanted = body([("reason", args.reason)]);
    let answer = client.ask(&Asking::once(format!("{DISCOVERIES}/{}/reject", segment(&args.id))).body(&wanted)).await?;
    change::done(&answer, args.output.output, |_| format!("{} {}", styled(STOPPED, "rejected:"), plain(&args.id)))
}

fn with(mut body: Value, member: &str, value: Value) -> Value {
    if let Some(members) = body.as_object_mut() {
        members.insert(member.to_owned(), value);
    }
    body
}
