//! `wardgate credential issue|revoke|list`.

use super::management;
use crate::{
    cli::{CredentialListArgs, IssueArgs, Output, RevokeArgs},
    client::{Client, query, segment},
    output::{BOLD, Exit, json, line, note, plain, print, styled, table},
};
use http::Method;
use serde_json::{Map, Value};

const PATH: &str = "/api/v1/credentials";

/// Issues a key and shows it this once.
pub(super) async fn issue(args: IssueArgs) -> anyhow::Result<Exit> {
    let client = management(args.management).await?;
    let mut wanted = Map::new();
    wanted.insert("identity".into(), args.identity.into());
    for (member, value) in [("name", args.name), ("kind", args.kind), ("reason", args.reason)] {
        if let Some(value) = value {
            wanted.insert(member.into(), value.into());
        }
    }
    let issued = client.call(Method::POST, PATH, Some(&Value::Object(wanted))).await?.body;
    match args.output.output {
        Output::Json => json(&issued)?,
        Output::Table => {
            note("The key is shown this once and kept nowhere: hand it over now.");
            line(&format!("{}  {}", styled(BOLD, "key        "), text(&issued, "key")))?;
            for member in ["id", "identity", "name", "environment", "expires"] {
                line(&format!("{}  {}", styled(BOLD, &format!("{member:<11}")), text(&issued, member)))?;
            }
        }
    }
    Ok(Exit::Done)
}

/// Ends a credential.
pub(super) async fn revoke(args: RevokeArgs) -> anyhow::Result<Exit> {
    let client = management(args.management).await?;
    let path = format!("{PATH}/{}{}", segment(&args.id), query(&[("reason", args.reason.as_deref())]));
    let revoked = client.call(Method::DELETE, &path, None).await?.body;
    match args.output.output {
        Output::Json => json(&revoked)?,
        Output::Table => line(&format!("revoked: {} of {}", plain(&args.id), text(&revoked, "identity")))?,
    }
    Ok(Exit::Done)
}

/// Lists credentials.
pub(super) async fn list(args: CredentialListArgs) -> anyhow::Result<Exit> {
    let client = management(args.management).await?;
    let filter = [("identity", args.identity.as_deref()), ("state", args.state.as_deref())];
    let items = pages(&client, PATH, &filter).await?;
    match args.output.output {
        Output::Json => json(&serde_json::json!({ "items": items }))?,
        Output::Table if items.is_empty() => note("no credentials"),
        Output::Table => {
            let columns = ["id", "identity", "name", "kind", "environment", "state", "created", "expires"];
            let rows: Vec<Vec<String>> = items.iter().map(|item| columns.map(|member| text(item, member)).to_vec()).collect();
            print(&table(&columns.map(|member| member.to_uppercase()).each_ref().map(String::as_str), &rows))?;
        }
    }
    Ok(Exit::Done)
}

/// Every item of a list, page by page.
pub(super) async fn pages(client: &Client, path: &str, filter: &[(&str, Option<&str>)]) -> anyhow::Result<Vec<Value>> {
    let mut items = Vec::new();
    let mut cursor: Option<String> = None;
    loop {
        let mut pairs = filter.to_vec();
        pairs.extend([("limit", Some("500")), ("cursor", cursor.as_deref())]);
        let mut page = client.get(&format!("{path}{}", query(&pairs))).await?;
        if let Some(Value::Array(more)) = page.get_mut("items").map(Value::take) {
            items.extend(more);
        }
        match page.get("next").and_then(Value::as_str) {
            // A page that points to itself would never end.
            Some(next) if Some(next) != cursor.as_deref() => cursor = Some(next.to_owned()),
            _ => return Ok(items),
        }
    }
}

/// A member as text; `-` where there is none.
pub(super) fn text(value: &Value, member: &str) -> String {
    match value.get(member) {
        None | Some(Value::Null) => "-".to_owned(),
        Some(Value::String(text)) => plain(text),
        Some(other) => other.to_string(),
    }
}
