//! Explaining: why a request was ruled as it was, or what would become of one.

use crate::{
    answer::Answer,
    call::{Asked, Console},
    input,
    problem::{Code, Problem},
    world::DescribedRequest,
};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri};
use schemars::JsonSchema;
use serde::Deserialize;
use std::net::IpAddr;
use wardgate_model::{
    id::{IdentityId, RequestId},
    proof::ProofKind,
};

/// Most header fields in a description.
const HEADERS_MAX: usize = 100;
/// Longest address in a description, in bytes.
const URL_BYTES_MAX: usize = 8 * 1024;

/// A request that nobody made.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ExplainRequest {
    /// As whom; without it, as whoever the headers prove, or nobody.
    identity: Option<String>,
    /// The method.
    method: String,
    /// The whole address, with `http://` or `https://` and the host.
    url: String,
    /// Header fields, each as `Name: value`.
    #[serde(default)]
    headers: Vec<String>,
    /// The address it comes from.
    source: Option<String>,
    /// How `identity` would prove itself, as `context.proof.kind` has it; without it, by its first credential.
    proof: Option<String>,
}

pub(crate) async fn recorded(console: &Console, asked: &Asked<'_>) -> Result<Answer, Problem> {
    let text = asked.parameter("request_id")?;
    let id = RequestId::parse(&text).ok_or_else(|| input::malformed(format!("`{}` is no request id", input::shown(&text))))?;
    let event = console.world.event(id).await.map_err(Problem::fault)?;
    let event = event.ok_or_else(|| Problem::new(Code::NotFound, format!("there is no event of the request `{id}`, or not any more")))?;
    Ok(Answer::json(StatusCode::OK, &console.world.explain_recorded(event)))
}

pub(crate) fn described(console: &Console, asked: &Asked<'_>) -> Result<Answer, Problem> {
    let request: ExplainRequest = input::body(&asked.call.headers, &asked.call.body)?;
    let described = read(&request)?;
    Ok(Answer::json(StatusCode::OK, &console.world.explain_described(&described)?))
}

fn read(request: &ExplainRequest) -> Result<DescribedRequest, Problem> {
    let unfit = |detail: String| Problem::new(Code::Unfit, detail);
    let identity = request.identity.as_deref().map(|text| input::name("identity", text, IdentityId::parse)).transpose()?;
    let method = Method::from_bytes(request.method.as_bytes());
    let method = method.map_err(|_| unfit(format!("`{}` is no method", input::shown(&request.method))))?;
    if request.url.len() > URL_BYTES_MAX {
        return Err(unfit(format!("`url` has at most {URL_BYTES_MAX} bytes")));
    }
    let url: Uri = request.url.parse().map_err(|_| unfit(format!("`{}` is no URL", input::shown(&request.url))))?;
    if !matches!(url.scheme_str(), Some("http" | "https")) || url.host().is_none() {
        let detail = format!("`{}` is no whole URL: begin with `http://` or `https://` and the host", input::shown(&request.url));
        return Err(unfit(detail));
    }
    let source = request.source.as_deref().map(|text| {
        let address: Result<IpAddr, _> = text.parse();
        address.map_err(|_| unfit(format!("`{}` is no address", input::shown(text))))
    });
    let proof = request.proof.as_deref().map(|word| {
        let words = || ProofKind::ALL.iter().map(|kind| kind.as_str()).collect::<Vec<_>>().join("`, `");
        ProofKind::parse(word).ok_or_else(|| unfit(format!("`{}` is no kind of proof: there are `{}`", input::shown(word), words())))
    });
    let (source, proof) = (source.transpose()?, proof.transpose()?);
    if proof.is_some() && identity.is_none() {
        return Err(unfit("`proof` says how `identity` would prove itself, and there is none".to_owned()));
    }
    Ok(DescribedRequest { identity, method, url, headers: fields(&request.headers)?, source, proof })
}

/// Reads `Name: value` lines. A value may be a credential, so no message shows one.
fn fields(lines: &[String]) -> Result<HeaderMap, Problem> {
    if lines.len() > HEADERS_MAX {
        return Err(Problem::new(Code::Unfit, format!("a request has at most {HEADERS_MAX} header fields")));
    }
    let mut headers = HeaderMap::with_capacity(lines.len());
    for (at, line) in lines.iter().enumerate() {
        let unfit = |why: &str| Problem::new(Code::Unfit, format!("the header field {} {why}", at + 1));
        let (name, value) = line.split_once(':').ok_or_else(|| unfit("has no colon: write `Name: value`"))?;
        let name: HeaderName = name.parse().map_err(|_| unfit("has no valid name"))?;
        let value = HeaderValue::from_str(value.trim()).map_err(|_| unfit("has a value that is not visible ASCII"))?;
        headers.try_append(name, value).map_err(|_| unfit("is one too many"))?;
    }
    Ok(headers)
}

#[cfg(test)]
mod tests;
