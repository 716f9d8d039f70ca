//! `wardgate operations`: what is called of APIs beside what their documents say.

use super::{
    listing::{Columns, pages, show},
    reach,
};
use crate::{cli::OperationsArgs, output::Exit};

/// Where they are asked for.
pub(super) const PATH: &str = "/api/v1/operations";
/// Columns of an operation.
pub(super) const COLUMNS: Columns<'static> = &[
    ("STANDING", "/standing"),
    ("OPERATION", "/operation"),
    ("WHAT", "/detail"),
    ("CALLS", "/calls"),
    ("SERVED", "/served"),
    ("REFUSED", "/refused"),
    ("LAST", "/last"),
    ("BY", "/callers"),
    ("FROM", "/sources"),
];

pub(super) async fn run(args: OperationsArgs) -> anyhow::Result<Exit> {
    let (standing, seconds) = (args.standing(), args.unused_for.as_secs().to_string());
    let (client, output) = reach(args.read).await?;
    let filter = [("api", args.api.as_deref()), ("standing", standing), ("unused_for_s", Some(seconds.as_str()))];
    let found = pages(&client, PATH, &filter).await?;
    let columns: Vec<_> = [("API", "/api")].iter().chain(COLUMNS).copied().collect();
    show(&found, &columns, output, "every operation is as its document has it")?;
    Ok(Exit::Done)
}
