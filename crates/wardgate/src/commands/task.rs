//! `wardgate task …`: what an identity is at, for how long and how much.

use super::{
    change,
    listing::{at, pages, show, text},
    reach,
};
use crate::{
    cli::{Output, TaskCommand, TaskListArgs, TaskShowArgs, TaskStartArgs, TaskWordArgs},
    client::{Asking, segment},
    output::{DIM, Exit, GOOD, NAME, STOPPED, json, print, styled},
};
use http::Method;
use serde_json::Value;

const TASKS: &str = "/api/v1/tasks";

/// Chooses.
pub(super) async fn run(command: TaskCommand) -> anyhow::Result<Exit> {
    match command {
        TaskCommand::List(args) => list(args).await,
        TaskCommand::Start(args) => start(args).await,
        TaskCommand::Show(args) => shown(args).await,
        TaskCommand::Heartbeat(args) => heartbeat(args).await,
        TaskCommand::Complete(args) => end(args, "complete", "completed:").await,
        TaskCommand::Fail(args) => end(args, "fail", "failed:").await,
    }
}

async fn list(args: TaskListArgs) -> anyhow::Result<Exit> {
    let (client, output) = reach(args.read).await?;
    let state = Some(args.state.as_str()).filter(|state| *state != "all");
    let mut items = pages(&client, TASKS, &[("identity", args.identity.as_deref()), ("state", state)]).await?;
    // Pages are in the order of ids, which are random: whoever has just started one looks at the end.
    items.sort_by_cached_key(|task| (text(task, "started"), task.get("revision").and_then(Value::as_u64)));
    let columns = [
        ("ID", "/id"),
        ("STARTED", "/started"),
        ("STATE", "/state"),
        ("IDENTITY", "/identity"),
        ("API", "/api"),
        ("PURPOSE", "/purpose"),
        ("OPERATIONS", "/operations"),
        ("CALLS", "/budget/calls"),
        ("GIVEN OUT", "/given_out/calls"),
        ("LAPSES", "/lapses"),
    ];
    show(&items, &columns, output, "there is no such task")?;
    Ok(Exit::Done)
}

async fn start(args: TaskStartArgs) -> anyhow::Result<Exit> {
    let (client, output) = reach(args.change.read).await?;
    let wanted = serde_json::json!({
        "identity": args.identity,
        "api": args.api,
        "purpose": args.purpose,
        "operations": args.operations,
        "resources": args.resources,
        "lifetime": args.lifetime,
        "lease": args.lease,
        "budget": { "calls": args.calls, "bytes": args.bytes, "records": args.records },
        "reason": args.change.reason,
    });
    let answer = client.ask(&Asking::once(TASKS).body(&wanted)).await?;
    change::done(&answer, output, |task| {
        let (id, ends) = (text(task, "id"), text(task, "lapses"));
        format!("{} {id}, until {ends}\n  = wardgate task complete {id}     ends it", styled(GOOD, "started:"))
    })
}

async fn shown(args: TaskShowArgs) -> anyhow::Result<Exit> {
    let (client, output) = reach(args.read).await?;
    let task = client.ask(&Asking::new(Method::GET, format!("{TASKS}/{}", segment(&args.id)))).await?.body;
    match output {
        Output::Json => json(&task)?,
        Output::Table => print(&readable(&task))?,
    }
    Ok(Exit::Done)
}

/// A task, a line each.
fn readable(task: &Value) -> String {
    let mut said = format!("{} {}, {}\n", styled(NAME, &text(task, "id")), text(task, "state"), text(task, "purpose"));
    let lines = [
        ("identity", "/identity"),
        ("api", "/api"),
        ("operations", "/operations"),
        ("resources", "/resources"),
        ("started", "/started"),
        ("lapses", "/lapses"),
        ("ends", "/ends"),
        ("contained", "/contained"),
        ("ended", "/ended"),
        ("by", "/actor"),
        ("reason", "/reason"),
    ];
    for (title, pointer) in lines {
        line_of(&mut said, title, &at(task, pointer));
    }
    for measure in ["calls", "bytes", "records"] {
        let (most, given) = (at(task, &format!("/budget/{measure}")), at(task, &format!("/given_out/{measure}")));
        if most != "-" {
            line_of(&mut said, measure, &format!("{given} of {most} given out to gates"));
        }
    }
    said
}

fn line_of(said: &mut String, title: &str, what: &str) {
    if !matches!(what, "-" | "") {
        said.push_str(&format!("  {} {what}\n", styled(DIM, &format!("{title:<10}"))));
    }
}

async fn heartbeat(args: TaskWordArgs) -> anyhow::Result<Exit> {
    let (client, output) = reach(args.change.read).await?;
    let wanted = change::body([("reason", args.change.reason)]);
    let answer = client.ask(&Asking::once(format!("{TASKS}/{}/heartbeat", segment(&args.id))).body(&wanted)).await?;
    change::done(&answer, output, |task| {
        format!("{} {}, until {} if nothing more is heard of it", styled(GOOD, "under way:"), text(task, "id"), text(task, "lapses"))
    })
}

async fn end(args: TaskWordArgs, step: &str, said: &str) -> anyhow::Result<Exit> {
    let (client, output) = reach(args.change.read).await?;
    let wanted = change::body([("reason", args.change.reason)]);
    let answer = client.ask(&Asking::once(format!("{TASKS}/{}/{step}", segment(&args.id))).body(&wanted)).await?;
    change::done(&answer, output, |task| format!("{} {}: its tokens are refused from now on", styled(STOPPED, said), text(task, "id")))
}
