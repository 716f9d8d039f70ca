//! `wardgate get` and `wardgate delete`.

use super::{
    change,
    documents::{of_json, yaml},
    listing::{Columns, pages, show},
    reach,
};
use crate::{
    cli::{DeleteArgs, GetArgs, Output},
    client::{query, segment},
    output::{Exit, json as document, plain, print},
};
use anyhow::Context as _;
use http::Method;
use serde_json::json;
use wardgate_model::resource::Kind;

/// Where a kind, or one of it, is read and changed.
pub(super) fn path(kind: Kind, name: Option<&str>) -> String {
    let kind = segment(kind.as_str());
    name.map_or_else(|| format!("/api/v1/resources/{kind}"), |name| format!("/api/v1/resources/{kind}/{}", segment(name)))
}

/// Lists a kind, or prints one as a document.
pub(super) async fn get(args: GetArgs) -> anyhow::Result<Exit> {
    let (client, output) = reach(args.read).await?;
    if let Some(name) = &args.name {
        let found = client.get(&path(args.kind, Some(name))).await?;
        match output {
            Output::Json => document(&found)?,
            Output::Table => print(&yaml(&[of_json(&found).context("the answer is no resource")?]))?,
        }
        return Ok(Exit::Done);
    }
    let filter = [("owner", args.owner.as_deref()), ("state", args.state.as_deref()), ("origin", args.origin.as_deref())];
    let items = pages(&client, &path(args.kind, None), &filter).await?;
    show(&items, columns(args.kind), output, "nothing of this kind is on record")?;
    Ok(Exit::Done)
}

/// Removes one.
pub(super) async fn delete(args: DeleteArgs) -> anyhow::Result<Exit> {
    let (client, output) = reach(args.change.read).await?;
    let path = format!("{}{}", path(args.resource.kind, Some(&args.resource.name)), query(&[("reason", args.change.reason.as_deref())]));
    let mut answer = client.call(Method::DELETE, &path, None).await?;
    if answer.body.is_null() {
        answer.body = json!({ "kind": args.resource.kind.as_str(), "name": args.resource.name, "removed": true });
    }
    change::done(&answer, output, |_| format!("removed: {} {}", args.resource.kind, plain(&args.resource.name)))
}

/// What is worth a column, kind by kind.
fn columns(kind: Kind) -> Columns<'static> {
    match kind {
        Kind::Owner => &[
            ("NAME", "/name"),
            ("ACCOUNTABLE", "/spec/accountable"),
            ("DEPUTY", "/spec/deputy"),
            ("TEAMS", "/spec/teams"),
            ("DEPARTED", "/presence/departed"),
            ("ORIGIN", "/origin"),
        ],
        Kind::Environment => &[("NAME", "/name"), ("PRODUCTION", "/spec/production"), ("SHARED", "/spec/shared"), ("ORIGIN", "/origin")],
        Kind::Identity => &[
            ("NAME", "/name"),
            ("TYPE", "/spec/type"),
            ("OWNER", "/spec/owner"),
            ("ENVIRONMENT", "/spec/environment"),
            ("STATE", "/status/state"),
            ("SINCE", "/status/since"),
            ("ORIGIN", "/origin"),
        ],
        Kind::Api => &[
            ("NAME", "/name"),
            ("ENVIRONMENT", "/spec/environment"),
            ("POLICY OWNER", "/spec/policy_owner"),
            ("SENSITIVITY", "/spec/sensitivity"),
            ("MODE", "/spec/mode"),
            ("ORIGIN", "/origin"),
        ],
        Kind::Grant => &[
            ("NAME", "/name"),
            ("TO", "/spec/to"),
            ("API", "/spec/api"),
            ("OPERATIONS", "/spec/operations"),
            ("UNTIL", "/spec/until"),
            ("ORIGIN", "/origin"),
        ],
        Kind::Limit => &[
            ("NAME", "/name"),
            ("SELECT", "/spec/select"),
            ("PER", "/spec/per"),
            ("RATE", "/spec/rate"),
            ("QUOTA", "/spec/quota"),
            ("ORIGIN", "/origin"),
        ],
        Kind::Contract => {
            &[("NAME", "/name"), ("OWNER", "/spec/owner"), ("UNTIL", "/spec/until"), ("APIS", "/spec/apis"), ("ORIGIN", "/origin")]
        }
        Kind::Waiver => &[
            ("NAME", "/name"),
            ("FOR", "/spec/for"),
            ("EXEMPTS", "/spec/exempts"),
            ("UNTIL", "/spec/until"),
            ("APPROVER", "/spec/approver"),
            ("ORIGIN", "/origin"),
        ],
        Kind::Rotation => {
            &[("NAME", "/name"), ("SELECT", "/spec/select"), ("EVERY", "/spec/every"), ("ENFORCE", "/spec/enforce"), ("ORIGIN", "/origin")]
        }
        Kind::Flow => &[
            ("NAME", "/name"),
            ("API", "/spec/api"),
            ("BEGIN", "/spec/begin"),
            ("FINISH", "/spec/finish"),
            ("WITHIN", "/spec/within"),
            ("ORIGIN", "/origin"),
        ],
        Kind::TrustSource | Kind::Zone | Kind::Webhook | Kind::Purpose | Kind::Policy => {
            &[("NAME", "/name"), ("ORIGIN", "/origin"), ("REVISION", "/revision")]
        }
    }
}
