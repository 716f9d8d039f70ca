//! `wardgate signing-key list|revoke`.

use super::{
    change,
    listing::{items, show},
    reach,
};
use crate::{
    cli::{ReadArgs, SigningKeyArgs},
    client::{query, segment},
    output::{BAD, Exit, plain, styled},
};
use http::Method;

const PATH: &str = "/api/v1/signing-keys";

/// Lists names, states and dates.
pub(super) async fn list(args: ReadArgs) -> anyhow::Result<Exit> {
    let (client, output) = reach(args).await?;
    let found = client.get(PATH).await?;
    show(items(&found, "items"), &[("KID", "/kid"), ("STATE", "/state"), ("CREATED", "/created")], output, "no signing keys")?;
    Ok(Exit::Done)
}

/// Ends one, at once.
pub(super) async fn revoke(args: SigningKeyArgs) -> anyhow::Result<Exit> {
    let (client, output) = reach(args.change.read).await?;
    let path = format!("{PATH}/{}{}", segment(&args.kid), query(&[("reason", args.change.reason.as_deref())]));
    let answer = client.call(Method::DELETE, &path, None).await?;
    let done = || format!("{} {}: nothing that it signed counts any more; another key signs", styled(BAD, "ended:"), plain(&args.kid));
    change::done(&answer, output, |_| done())
}
