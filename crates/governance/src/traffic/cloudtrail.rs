//! AWS CloudTrail: what was done at the control plane, one record an API call.
//!
//! A service is an API and an action an operation: `iam.amazonaws.com` `POST /CreateAccessKey`; what only reads is `GET`. Who called is
//! `userIdentity.arn`, else what it has instead of one, and the access key is what it was shown by. A record has no status: an error code says
//! that it was refused.

use super::{
    call::{Call, Wrong},
    moment,
};
use serde::Deserialize;
use std::borrow::Cow;

/// The member that an export has its records in.
pub(super) const WAY: &[&str] = &["Records"];

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Record<'t> {
    #[serde(borrow)]
    event_time: Option<Cow<'t, str>>,
    #[serde(borrow)]
    event_source: Option<Cow<'t, str>>,
    #[serde(borrow)]
    event_name: Option<Cow<'t, str>>,
    #[serde(borrow, rename = "sourceIPAddress")]
    source_ip_address: Option<Cow<'t, str>>,
    #[serde(borrow)]
    user_agent: Option<Cow<'t, str>>,
    #[serde(borrow)]
    error_code: Option<Cow<'t, str>>,
    read_only: Option<Word<'t>>,
    #[serde(borrow)]
    user_identity: Option<Identity<'t>>,
    #[serde(borrow)]
    response_elements: Option<Answer<'t>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Identity<'t> {
    #[serde(borrow)]
    arn: Option<Cow<'t, str>>,
    #[serde(borrow)]
    access_key_id: Option<Cow<'t, str>>,
    #[serde(borrow)]
    principal_id: Option<Cow<'t, str>>,
    #[serde(borrow)]
    user_name: Option<Cow<'t, str>>,
    #[serde(borrow)]
    invoked_by: Option<Cow<'t, str>>,
}

/// Of the answer only what a sign-in at the console came to.
#[derive(Debug, Deserialize)]
struct Answer<'t> {
    #[serde(borrow, rename = "ConsoleLogin")]
    console_login: Option<Cow<'t, str>>,
}

/// `true`, as a word or as itself.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Word<'t> {
    Itself(bool),
    Text(#[serde(borrow)] Cow<'t, str>),
}

/// Reads a record.
///
/// # Errors
/// Says what is missing or cannot be read.
pub fn record(bytes: &[u8]) -> Result<Call<'_>, Wrong> {
    let record: Record<'_> = serde_json::from_slice(bytes).map_err(|error| Wrong::json(&error))?;
    let time = record.event_time.ok_or(Wrong::Missing("`eventTime`"))?;
    let time = moment::rfc3339(&time).ok_or_else(|| Wrong::unreadable("`eventTime`", &time))?;
    let name = record.event_name.filter(|name| !name.is_empty()).ok_or(Wrong::Missing("`eventName`"))?;
    let service = record.event_source.filter(|service| !service.is_empty()).ok_or(Wrong::Missing("`eventSource`"))?;
    let reads = record.read_only.is_some_and(|word| match word {
        Word::Itself(reads) => reads,
        Word::Text(text) => text == "true",
    });
    let mut call = Call::new(time, if reads { "GET" } else { "POST" }, format!("/{name}"));
    call.host = service;
    call.source = record.source_ip_address.unwrap_or_default();
    call.agent = record.user_agent;
    let failed = record.response_elements.and_then(|answer| answer.console_login).is_some_and(|outcome| outcome == "Failure");
    call.status = Some(match record.error_code.as_deref() {
        None | Some("") => {
            if failed {
                401
            } else {
                200
            }
        }
        Some(code) => status(code),
    });
    let identity = record.user_identity.unwrap_or_default();
    if *name == *"ConsoleLogin" {
        call.subject = identity.user_name.clone();
    }
    let Identity { arn, access_key_id, principal_id, user_name, invoked_by } = identity;
    call.key = access_key_id.filter(|key| !key.is_empty());
    // What an AWS service does for somebody has no key of its own, and is that service's call.
    call.user = [arn, principal_id, user_name, invoked_by, call.key.clone()].into_iter().flatten().find(|text| !text.is_empty());
    Ok(call)
}

/// What an error code comes to as a status.
fn status(code: &str) -> u16 {
    let says = |words: &[&str]| words.iter().any(|word| code.contains(word));
    if says(&["AccessDenied", "Unauthorized", "NotAuthorized", "Forbidden"]) {
        403
    } else if says(&["Throttl", "RequestLimit", "TooManyRequests", "Rate"]) {
        429
    } else if says(&["NotFound", "NoSuch"]) {
        404
    } else if says(&["AuthFailure", "InvalidClientToken", "ExpiredToken", "SignatureDoesNotMatch", "Failed authentication"]) {
        401
    } else if says(&["Internal", "ServiceUnavailable"]) {
        500
    } else {
        400
    }
}

#[cfg(test)]
mod tests;
