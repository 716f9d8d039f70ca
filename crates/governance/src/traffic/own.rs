//! Events of our own log, as `wardgate audit export` prints them and sealed segments hold them: an object a line.
//!
//! A file of events tells what was ruled and not by what: policies, limits and where meters stood are not in it. So it is read as the logs
//! of others are, as calls that came. Whoever was proven is the caller, by the name on record.

use super::call::{Call, Wrong};
use serde::Deserialize;
use std::borrow::Cow;
use wardgate_model::{inventory::Identity, time::Time};

#[derive(Debug, Deserialize)]
struct Event<'t> {
    time_us: Option<i64>,
    #[serde(borrow)]
    kind: Option<Cow<'t, str>>,
    #[serde(borrow)]
    identity: Option<Named<'t>>,
    #[serde(borrow)]
    credential: Option<Named<'t>>,
    #[serde(borrow)]
    source: Option<Source<'t>>,
    #[serde(borrow)]
    request: Option<Request<'t>>,
    #[serde(borrow)]
    method: Option<Cow<'t, str>>,
    #[serde(borrow)]
    path: Option<Cow<'t, str>>,
    client_status: Option<u16>,
    upstream: Option<Upstream>,
}

#[derive(Debug, Deserialize)]
struct Named<'t> {
    #[serde(borrow)]
    id: Cow<'t, str>,
}

#[derive(Debug, Deserialize)]
struct Source<'t> {
    #[serde(borrow)]
    address: Option<Cow<'t, str>>,
    #[serde(borrow)]
    user_agent: Option<Cow<'t, str>>,
}

#[derive(Debug, Deserialize)]
struct Request<'t> {
    #[serde(borrow)]
    host: Option<Cow<'t, str>>,
    #[serde(borrow)]
    query: Option<Cow<'t, str>>,
}

#[derive(Debug, Deserialize)]
struct Upstream {
    bytes_out: Option<u64>,
    records: Option<u64>,
}

/// Reads an event. `None`: it tells of no call, or of the end of one whose begin was told.
///
/// # Errors
/// Says what is missing or cannot be read.
pub fn event(line: &[u8]) -> Result<Option<Call<'_>>, Wrong> {
    let event: Event<'_> = serde_json::from_slice(line).map_err(|error| Wrong::json(&error))?;
    match event.kind.as_deref() {
        Some("request" | "opened") => {}
        Some("closed" | "change" | "finding" | "containment" | "connection") => return Ok(None),
        Some(other) => return Err(Wrong::unreadable("`kind`", other)),
        None => return Err(Wrong::Missing("`kind`")),
    }
    let time = Time::from_micros(event.time_us.ok_or(Wrong::Missing("`time_us`"))?);
    // Not understood, or broken off before: there was no call that could be judged.
    let (Some(method), Some(path)) = (event.method, event.path) else { return Ok(None) };
    let mut call = Call::new(time, method, path);
    let (source, request) = (event.source, event.request);
    if let Some(Source { address, user_agent }) = source {
        (call.source, call.agent) = (address.unwrap_or_default(), user_agent);
    }
    if let Some(Request { host, query }) = request {
        (call.host, call.query) = (host.unwrap_or_default(), query);
    }
    call.user = event.identity.map(|identity| identity.id).filter(|id| !Identity::is_built_in(id));
    call.key = event.credential.map(|credential| credential.id);
    call.status = event.client_status;
    if let Some(upstream) = event.upstream {
        (call.bytes, call.records) = (upstream.bytes_out.unwrap_or_default(), upstream.records);
    }
    Ok(Some(call))
}

#[cfg(test)]
mod tests;
