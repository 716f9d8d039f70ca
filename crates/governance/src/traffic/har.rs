//! HTTP Archive 1.2: what one client sent and got, as browsers and proxies save it.
//!
//! It says nothing of where the client was, so all of a file is one caller. Headers are read for `User-Agent` and nothing else: an archive has
//! whatever the client proved itself by, and none of it is taken in. Bodies are for whoever learns what they are like.

use super::{
    call::{Body, Call, Content, Wrong},
    clf, moment,
};
use serde::Deserialize;
use std::borrow::Cow;

/// The members that lead to the entries.
pub(super) const WAY: &[&str] = &["log", "entries"];

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Entry<'t> {
    #[serde(borrow)]
    started_date_time: Option<Cow<'t, str>>,
    #[serde(borrow)]
    request: Option<Request<'t>>,
    #[serde(borrow)]
    response: Option<Response<'t>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Request<'t> {
    #[serde(borrow)]
    method: Cow<'t, str>,
    #[serde(borrow)]
    url: Cow<'t, str>,
    #[serde(borrow, default)]
    headers: Vec<Header<'t>>,
    #[serde(borrow)]
    post_data: Option<PostData<'t>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct PostData<'t> {
    #[serde(borrow)]
    mime_type: Option<Cow<'t, str>>,
    #[serde(borrow)]
    text: Option<Cow<'t, str>>,
}

#[derive(Debug, Deserialize)]
struct Header<'t> {
    #[serde(borrow)]
    name: Cow<'t, str>,
    #[serde(borrow)]
    value: Cow<'t, str>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Response<'t> {
    status: Option<i64>,
    body_size: Option<i64>,
    #[serde(borrow)]
    content: Option<Answered<'t>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answered<'t> {
    size: Option<i64>,
    #[serde(borrow)]
    mime_type: Option<Cow<'t, str>>,
    #[serde(borrow)]
    text: Option<Cow<'t, str>>,
    #[serde(borrow)]
    encoding: Option<Cow<'t, str>>,
}

/// Reads an entry.
///
/// # Errors
/// Says what is missing or cannot be read.
pub fn entry(bytes: &[u8]) -> Result<Call<'_>, Wrong> {
    let entry: Entry<'_> = serde_json::from_slice(bytes).map_err(|error| Wrong::json(&error))?;
    let time = entry.started_date_time.ok_or(Wrong::Missing("`startedDateTime`"))?;
    let time = moment::rfc3339(&time).ok_or_else(|| Wrong::unreadable("`startedDateTime`", &time))?;
    let request = entry.request.ok_or(Wrong::Missing("`request`"))?;
    if request.method.is_empty() || request.method.len() > 32 || !request.method.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(Wrong::unreadable("`request.method`", &request.method));
    }
    if !request.url.starts_with("https://") && !request.url.starts_with("http://") {
        return Err(Wrong::unreadable("`request.url`", &request.url));
    }
    // What stands behind `#` never left the client.
    let url = match request.url.split_once('#') {
        Some((url, _)) => Cow::Owned(url.to_owned()),
        None => request.url,
    };
    let mut call = Call::new(time, request.method, "/").to(&url);
    call.agent = request.headers.into_iter().find(|header| header.name.eq_ignore_ascii_case("user-agent")).map(|header| header.value);
    let sent = request.post_data.and_then(|data| Body::of(data.mime_type, data.text));
    let mut answer = None;
    if let Some(response) = entry.response {
        // 0: the client got no answer.
        call.status = response.status.filter(|status| *status > 0).map_or(Ok(None), |status| clf::status(&status.to_string()))?;
        let sizes = [response.body_size, response.content.as_ref().and_then(|content| content.size)];
        call.bytes = sizes.into_iter().flatten().find_map(|size| u64::try_from(size).ok()).unwrap_or_default();
        // Where it is encoded it is no text.
        answer = response.content.and_then(|content| {
            let is_text = content.encoding.is_none();
            Body::of(content.mime_type, content.text.filter(|_| is_text))
        });
    }
    if sent.is_some() || answer.is_some() {
        call.content = Some(Box::new(Content { request: sent, answer }));
    }
    Ok(call)
}

#[cfg(test)]
mod tests {
    use super::entry;
    use crate::traffic::testing::told;
    use insta::assert_snapshot;
    use proptest::prelude::*;

    fn check(text: &str) -> String {
        told(entry(text.as_bytes()))
    }

    const GOOD: &str = r#"{"startedDateTime":"2026-03-01T09:00:00.123+01:00","time":4.5,"request":{"method":"GET","url":"https://shop.example/things/7?a=b#top",
        "headers":[{"name":"Authorization","value":"Bearer s"},{"name":"user-agent","value":"Mozilla\/5.0"}]},"response":{"status":200,"bodySize":-1,
        "content":{"size":512,"text":"{}"}}}"#;

    #[test]
    fn an_entry_is_a_call() {
        assert_snapshot!(check(GOOD), @"2026-03-01T08:00:00Z GET shop.example /things/7 ?a=b with Mozilla/5.0 → 200, 512 bytes");
        assert_snapshot!(check(r#"{"startedDateTime":"2026-03-01T09:00:00Z","request":{"method":"GET","url":"https://shop.example"},"response":{"status":0}}"#),
            @"2026-03-01T09:00:00Z GET shop.example / → -, 0 bytes");
    }

    #[test]
    fn what_is_wrong_with_an_entry_is_said() {
        assert_snapshot!(check("{}"), @"`startedDateTime` is missing");
        assert_snapshot!(check(r#"{"startedDateTime":"2026-03-01T09:00:00Z"}"#), @"`request` is missing");
        assert_snapshot!(check(r#"{"startedDateTime":"2026-03-01T09:00:00Z","request":{"method":"GET","url":"data:x"}}"#), @"`request.url` cannot be read: `data:x`");
        assert_snapshot!(check(r#"{"startedDateTime":"2026-03-01T09:00:00Z","request":{"method":"","url":"https://a"}}"#), @"`request.method` cannot be read: ``");
    }

    proptest! {
        #[test]
        fn nothing_breaks_it(bytes in proptest::collection::vec(any::<u8>(), 0..200), at in 0_usize..400, put in any::<u8>()) {
            let _ = entry(&bytes);
            let mut good = GOOD.as_bytes().to_vec();
            let at = at % good.len();
            good[at] = put;
            let _ = entry(&good);
        }
    }
}
