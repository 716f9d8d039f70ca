//! `wardgate owner …`: who answers, and what happens when nobody does.

use super::{
    change::{self, body},
    listing::{items, text, word},
    reach,
};
use crate::{
    cli::{DepartArgs, NamedArgs, OwnerCommand},
    client::{Asking, segment},
    output::{Exit, GOOD, STOPPED, plain, styled},
};

/// Where an owner is led.
pub(super) fn path(name: &str, step: &str) -> String {
    format!("/api/v1/owners/{}/{step}", segment(name))
}

/// Chooses.
pub(super) async fn run(command: OwnerCommand) -> anyhow::Result<Exit> {
    match command {
        OwnerCommand::Depart(args) => depart(args).await,
        OwnerCommand::Return(args) => simple(args, "return", "is back:").await,
        OwnerCommand::Attest(args) => simple(args, "attest", "attested:").await,
    }
}

async fn depart(args: DepartArgs) -> anyhow::Result<Exit> {
    let (client, output) = reach(args.change.read).await?;
    let wanted = body([("grace", args.grace), ("reason", args.change.reason)]);
    let answer = client.ask(&Asking::once(path(&args.name, "depart")).body(&wanted)).await?;
    change::done(&answer, output, |departed| {
        let mut said = format!("{} {}", styled(STOPPED, "departed:"), plain(&args.name));
        if departed.get("grace_until").is_some() {
            said.push_str(&format!(", its identities are suspended from {} on", text(departed, "grace_until")));
        }
        for name in items(departed, "identities").iter().map(word) {
            said.push_str(&format!("\n  - {name}  = wardgate identity transfer {name} --to OWNER"));
        }
        if departed.get("more").is_some_and(|more| more == true) {
            said.push_str("\n  … and more");
        }
        said
    })
}

async fn simple(args: NamedArgs, step: &str, said: &str) -> anyhow::Result<Exit> {
    let (client, output) = reach(args.change.read).await?;
    let answer = client.ask(&Asking::once(path(&args.name, step)).body(&body([("reason", args.change.reason)]))).await?;
    change::done(&answer, output, |_| format!("{} {}", styled(GOOD, said), plain(&args.name)))
}
