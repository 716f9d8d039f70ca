//! Canonicalisation: a first line `METHOD TARGET`, then header fields, a line each.

use super::{Broken, Outcome, Target, hold};
use crate::world::{DAWN, ShippedLimits, TestWorld, world};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Uri, Version};
use std::{
    net::{IpAddr, Ipv4Addr},
    sync::LazyLock,
};
use wardgate_gate::{Arrival, Step, canon, decide, establish};
use wardgate_model::{
    facts::{Door, Facts},
    id::RequestId,
};

pub(super) const TARGET: Target = Target {
    name: "canon",
    corpus: concat!(env!("CARGO_MANIFEST_DIR"), "/corpus/canon"),
    property,
    words: &[
        "%2e",
        "%2E",
        "%2f",
        "%5c",
        "%25",
        "%3b",
        "%00",
        "%41",
        "%c3%a9",
        "%ff",
        "..",
        "/../",
        "/./",
        "//",
        "..;/",
        ";a=b",
        "?",
        "#",
        "@",
        "[::1]:80",
        ":65536",
        "http://",
        "HTTPS://A@b/",
        "host: a.example\n",
        "host: b\n",
        "via: 1.1 wardgate-test\n",
        "upgrade: websocket\n",
        "content-length: 1\n",
        "wardgate-purpose: x\n",
        "traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\n",
        "GET ",
        "CONNECT ",
        "HEAD ",
    ],
    bytes_max: 2_048,
};

const YAML: &str = "
kind: Owner
name: o
spec: { accountable: a@example.com }
---
kind: Environment
name: e
spec: { production: true }
---
kind: Api
name: any
spec:
  policy_owner: o
  environment: e
  sensitivity: low
  exposure: internal
  match: { hosts: [\"*\"] }
  upstream: { urls: [http://127.0.0.1:9000], identity: assertion }
  accept: [api_key]
  operations: [{ match: \"GET /a\", class: read }, { match: \"GET /a/{b}\", class: read, resource: path.b }, { match: \"POST /a/{b}.{c}\", class: write }]
";

static WORLD: LazyLock<Result<TestWorld, String>> = LazyLock::new(|| world(YAML, "", ShippedLimits::Off));

fn property(bytes: &[u8]) -> Result<Outcome, Broken> {
    let text = String::from_utf8_lossy(bytes);
    let (first, fields) = text.split_once('\n').unwrap_or((&text, ""));
    let (method, target) = first.split_once(' ').unwrap_or(("GET", first));
    let paths = paths(target)?;
    let hosts = hosts(target)?;
    let Some(request) = Request::read(method, target, fields) else { return Ok(Outcome::of((paths, hosts))) };
    let facts = request.judge()?;
    let reason = facts.stopped.map(|stopped| stopped.reason);
    if reason.is_none_or(|reason| !matches!(reason.room(), "canon" | "wire")) {
        let path: &str = &facts.request.path;
        hold(canon::path(request.uri.path()).as_deref() == Some(path), || {
            format!("the facts say `{path}`, which is not the canonical path")
        })?;
        let again = request.plain(&facts).ok_or_else(|| Broken(format!("`{path}` cannot be asked for again")))?.judge()?;
        let same = again.request.path == facts.request.path
            && again.request.host == facts.request.host
            && again.operation == facts.operation
            && again.resource == facts.resource;
        hold(same, || format!("asked for by its canonical path `{path}` it is another request: `{}`", again.request.path))?;
    }
    Ok(Outcome::of((paths, hosts, reason.map(|reason| reason.code()), facts.operation.is_some(), facts.trace.is_some())))
}

/// Of canonical paths; says whether there was one, and whether it was another text.
fn paths(raw: &str) -> Result<(bool, bool), Broken> {
    let Some(path) = canon::path(raw) else { return Ok((false, false)) };
    hold(canon::path(&path).as_deref() == Some(&*path), || format!("`{path}` is canonical, but not of itself"))?;
    hold(path.starts_with('/') && path.bytes().all(|b| matches!(b, 0x21..=0x7E) && b != b'\\'), || format!("`{path}` is not plain"))?;
    let decoded = decode(&path);
    let slashes = |bytes: &[u8]| bytes.iter().filter(|b| **b == b'/').count();
    hold(slashes(&decoded) == slashes(path.as_bytes()), || format!("`{path}` hides a slash"))?;
    hold(std::str::from_utf8(&decoded).is_ok(), || format!("`{path}` is not UTF-8"))?;
    hold(!decoded.iter().any(|b| *b < 0x20 || matches!(b, b'\\' | 0x7F)), || format!("`{path}` hides a control character"))?;
    let mut parts = decoded.split(|b| *b == b'/').skip(1).peekable();
    while let Some(part) = parts.next() {
        let name = part.split(|b| *b == b';').next().unwrap_or_default();
        hold(!matches!(name, b"." | b".."), || format!("`{path}` has a dot segment"))?;
        hold(!part.is_empty() || parts.peek().is_none(), || format!("`{path}` has an empty segment"))?;
    }
    Ok((true, *path != *raw))
}

/// Of host names.
fn hosts(raw: &str) -> Result<bool, Broken> {
    let Some(host) = canon::host_name(raw) else { return Ok(false) };
    let again = if host.contains(':') { canon::host_name(&format!("[{host}]:443")) } else { canon::host_name(&format!("{host}:443")) };
    hold(again.as_deref() == Some(&*host), || format!("the host `{host}` is read again as {again:?}"))?;
    hold(!host.bytes().any(|b| b.is_ascii_uppercase() || b"/@%\\?# ".contains(&b)), || format!("`{host}` is no plain host"))?;
    Ok(true)
}

/// All escapes resolved, once.
fn decode(path: &str) -> Vec<u8> {
    let mut bytes = path.bytes();
    let mut decoded = Vec::with_capacity(path.len());
    while let Some(byte) = bytes.next() {
        let digit = |byte: Option<u8>| byte.and_then(|byte| char::from(byte).to_digit(16)).unwrap_or(0);
        if byte == b'%' {
            let (high, low) = (digit(bytes.next()), digit(bytes.next()));
            decoded.push(u8::try_from(high * 16 + low).unwrap_or(0));
        } else {
            decoded.push(byte);
        }
    }
    decoded
}

struct Request {
    method: Method,
    uri: Uri,
    headers: HeaderMap,
}

impl Request {
    fn read(method: &str, target: &str, fields: &str) -> Option<Self> {
        let mut headers = HeaderMap::new();
        for line in fields.lines() {
            let Some((name, value)) = line.split_once(':') else { continue };
            if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value.trim())) {
                headers.append(name, value);
            }
        }
        Some(Self { method: method.parse().ok()?, uri: target.parse().ok()?, headers })
    }

    /// Through the whole judge, which knows no key: nothing may be permitted.
    fn judge(&self) -> Result<Facts, Broken> {
        let world = WORLD.as_ref().map_err(|error| Broken(error.clone()))?;
        let arrival = Arrival {
            id: RequestId::new(DAWN, 1),
            time: DAWN,
            door: Door::Public,
            version: Version::HTTP_11,
            protocol: None,
            certificates: None,
            handshake: None,
            method: &self.method,
            uri: &self.uri,
            headers: &self.headers,
            body: true,
            peer: IpAddr::V4(Ipv4Addr::LOCALHOST),
            via: "wardgate-test",
        };
        let Step::Done(facts) = establish(&arrival, &world.snapshot, &world.meters, DAWN) else {
            return Err(Broken("the judge waits for something".to_owned()));
        };
        match decide(&facts, &world.snapshot, &world.meters, DAWN) {
            Step::Done(verdict) if verdict.permit.is_none() && !verdict.ruling.forwards() => Ok(facts),
            Step::Done(_) | Step::Wait(..) => Err(Broken("a request without a key was permitted".to_owned())),
        }
    }

    /// The same request by its canonical host and path.
    fn plain(&self, facts: &Facts) -> Option<Self> {
        let query = facts.request.query.as_ref().map(|query| format!("?{query}")).unwrap_or_default();
        let host = if facts.request.host.contains(':') { format!("[{}]", facts.request.host) } else { facts.request.host.to_string() };
        let mut headers = self.headers.clone();
        headers.insert(http::header::HOST, HeaderValue::try_from(host).ok()?);
        Some(Self { method: self.method.clone(), uri: format!("{}{query}", facts.request.path).parse().ok()?, headers })
    }
}
