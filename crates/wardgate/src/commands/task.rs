//! `wardgate task …`: what an identity is at, for how long and how much.

use super::{
    change,
    listing::{pages, show, text},
    reach,
};
use crate::{
    cli::{TaskCommand, TaskEndArgs, TaskListArgs, TaskStartArgs},
    client::{Asking, segment},
    output::{Exit, GOOD, STOPPED, styled},
};
use serde_json::json;

const TASKS: &str = "/api/v1/tasks";

/// Chooses.
pub(super) async fn run(command: TaskCommand) -> anyhow::Result<Exit> {
    match command {
        TaskCommand::List(args) => list(args).await,
        TaskCommand::Start(args) => start(args).await,
        TaskCommand::Complete(args) => end(args, "complete", "completed:").await,
        TaskCommand::Fail(args) => end(args, "fail", "failed:").await,
    }
}

async fn list(args: TaskListArgs) -> anyhow::Result<Exit> {
    let (client, output) = reach(args.read).await?;
    let state = Some(args.state.as_str()).filter(|state| *state != "all");
    let items = pages(&client, TASKS, &[("identity", args.identity.as_deref()), ("state", state)]).await?;
    let columns = [
        ("ID", "/id"),
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
    let wanted = json!({
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

async fn end(args: TaskEndArgs, step: &str, said: &str) -> anyhow::Result<Exit> {
    let (client, output) = reach(args.change.read).await?;
    let wanted = change::body([("reason", args.change.reason)]);
    let answer = client.ask(&Asking::once(format!("{TASKS}/{}/{step}", segment(&args.id))).body(&wanted)).await?;
    change::done(&answer, output, |task| format!("{} {}: its tokens are refused from now on", styled(STOPPED, said), text(task, "id")))
}
