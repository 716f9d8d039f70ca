//! How an upstream is spoken to.

use super::{api::CONNECTIONS, items, known::Known, value};
use crate::{
    raw::{RawConcurrency, RawHealth, RawUpstream},
    yaml::{At, Faults},
};
use http::HeaderName;
use std::{path::Path, time::Duration};
use wardgate_model::wire::{Concurrency, Health, UpstreamProtocol, UpstreamWire};

/// From one question to the next unless said.
const EVERY: Duration = Duration::from_secs(10);
/// Requests at a time that may always go where the number follows how quickly an address answers, unless said.
const CONCURRENCY_MIN: u32 = 8;
/// Shortest time between two questions, and longest.
const EVERY_BOUNDS: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(3600));
/// Fields that are never passed on behind a body.
const NO_TRAILERS: [&str; 25] = [
    "authorization",
    "cache-control",
    "connection",
    "content-encoding",
    "content-length",
    "content-range",
    "content-type",
    "cookie",
    "expect",
    "forwarded",
    "host",
    "http2-settings",
    "keep-alive",
    "max-forwards",
    "proxy-connection",
    "range",
    "set-cookie",
    "te",
    "trailer",
    "transfer-encoding",
    "txn-token",
    "upgrade",
    "via",
    "x-real-ip",
    "x-rewrite-url",
];
/// What the names of others begin with.
const NO_TRAILERS_BEGIN: [&str; 9] =
    ["wardgate-", "x-wardgate-", "x-forwarded", "client-cert", "x-client-cert", "x-ssl-", "x-envoy-", "x-original-", "proxy-auth"];
/// Largest file of roots, in bytes.
const CA_BYTES_MAX: usize = 256 * 1024;

pub(super) fn wire(raw: &RawUpstream, file: &Path, known: &Known<'_>, faults: &Faults) -> UpstreamWire {
    let mut upgrade: Vec<_> = items(raw.upgrade.as_ref()).map(|(word, _)| word.0).collect();
    upgrade.dedup();
    let protocol = value(raw.protocol.as_ref()).map_or(UpstreamProtocol::Http1, |word| word.0);
    if let Some(At { spot, .. }) = &raw.upgrade
        && protocol == UpstreamProtocol::Http2
        && !upgrade.is_empty()
    {
        let mend = "an upstream takes WebSocket by HTTP/1.1: leave `protocol` out, or declare an API of its own for it".to_owned();
        faults.error(*spot, "upstream.upgrade", "`upstream.upgrade`: this upstream is spoken to by HTTP/2, where nothing goes over", mend);
    }
    let mut urls = Vec::new();
    for (url, spot) in items(Some(&raw.urls)) {
        if urls.contains(&&url.0) {
            faults.error(spot, "upstream.url_twice", "`upstream.urls`: this address stands twice", "keep one".to_owned());
        }
        urls.push(&url.0);
    }
    let tls = items(Some(&raw.urls)).any(|(url, _)| url.0.tls);
    if let Some(At { spot, .. }) = &raw.ca
        && !tls
    {
        let mend = "write the addresses as `https://…`, or take `ca` out".to_owned();
        faults.error(*spot, "upstream.ca", "`upstream.ca`: no address of this upstream is called by TLS", mend);
    }
    let health = raw.health.as_ref().and_then(|at| health(at.value.as_ref()?, faults));
    UpstreamWire {
        protocol,
        upgrade: upgrade.into(),
        health,
        concurrency: raw.concurrency.as_ref().and_then(|at| concurrency(at.value.as_ref()?, raw, faults)),
        trailers: trailers(raw, protocol, faults),
        ca: ca(raw, file, known, faults),
    }
}

/// Within which bounds, where it is to follow at all.
fn concurrency(raw: &RawConcurrency, upstream: &RawUpstream, faults: &Faults) -> Option<Concurrency> {
    let connections = value(upstream.connections_max.as_ref()).copied().unwrap_or(CONNECTIONS);
    let max = value(raw.max.as_ref()).copied().unwrap_or(connections);
    let min = value(raw.min.as_ref()).copied().unwrap_or(CONCURRENCY_MIN.min(max));
    for (at, name, low, high) in [(&raw.max, "max", 1, connections), (&raw.min, "min", 1, max)] {
        if let Some(At { spot, value: Some(number) }) = at
            && !(low..=high).contains(number)
        {
            let what = format!("`upstream.concurrency.{name}`: expected {low} to {high}, found {number}");
            let mend = "`min` is at most `max`, and `max` at most `connections_max`".to_owned();
            faults.error(*spot, "value.invalid", what, mend);
        }
    }
    raw.adaptive.value.filter(|adaptive| *adaptive).map(|_| Concurrency { min, max })
}

/// Trailers pass where both sides speak HTTP/2; never one that says how a message is read or whom to believe (RFC 9110 §6.5.1).
fn trailers(raw: &RawUpstream, protocol: UpstreamProtocol, faults: &Faults) -> Box<[HeaderName]> {
    let mut trailers: Vec<HeaderName> = Vec::new();
    for (name, spot) in items(raw.trailers.as_ref()) {
        let text = name.0.as_str();
        let mend = if NO_TRAILERS.contains(&text) || NO_TRAILERS_BEGIN.iter().any(|begin| text.starts_with(begin)) {
            "it says how a message is read, or whom to believe: leave it out"
        } else if trailers.contains(&name.0) {
            "keep one"
        } else {
            trailers.push(name.0.clone());
            continue;
        };
        faults.error(spot, "upstream.trailers", format_args!("`upstream.trailers`: `{text}` cannot be passed on"), mend.to_owned());
    }
    if let Some(At { spot, .. }) = &raw.trailers
        && protocol == UpstreamProtocol::Http1
    {
        let mend = "write `protocol: http2`, or take `trailers` out".to_owned();
        faults.error(
            *spot,
            "upstream.trailers",
            "`upstream.trailers`: no trailer is passed on by HTTP/1.1, which this upstream is spoken to by",
            mend,
        );
    }
    trailers.into()
}

fn health(raw: &RawHealth, faults: &Faults) -> Option<Health> {
    let At { spot, value: Some(path) } = &raw.path else { return None };
    let path = &path.0;
    if !path.starts_with('/') || !path.bytes().all(|byte| byte.is_ascii_graphic()) || path.contains('#') {
        let mend = "write a path as in `/healthz`".to_owned();
        faults.error(*spot, "value.invalid", format_args!("`upstream.health.path`: `{path}` is no path"), mend);
        return None;
    }
    let mut every = EVERY;
    if let Some(At { spot, value: Some(said) }) = &raw.every {
        every = said.0;
        if every < EVERY_BOUNDS.0 || every > EVERY_BOUNDS.1 {
            let mend = "write `1s` to `1h`".to_owned();
            faults.error(*spot, "value.invalid", "`upstream.health.every`: not between a second and an hour", mend);
        }
    }
    Some(Health { path: path.clone(), every })
}

/// The roots. What stands in the file is read when connections are made, but that there is a certificate is seen here.
fn ca(raw: &RawUpstream, file: &Path, known: &Known<'_>, faults: &Faults) -> Option<std::sync::Arc<[u8]>> {
    let At { spot, value: Some(reference) } = raw.ca.as_ref()? else { return None };
    match known.files.read(file, &reference.0) {
        Ok(pem)
            if pem.len() <= CA_BYTES_MAX && std::str::from_utf8(&pem).is_ok_and(|text| text.contains("-----BEGIN CERTIFICATE-----")) =>
        {
            Some(pem.into())
        }
        Ok(_) => {
            let mend = "name a PEM file of the certificates that sign the upstream's, at most 256 KiB".to_owned();
            faults.error(
                *spot,
                "file.not_understood",
                format_args!("`upstream.ca`: there is no certificate in the file `{}`", reference.0),
                mend,
            );
            None
        }
        Err(error) => {
            let what = format!("`upstream.ca`: the file `{}` cannot be read: {error}", reference.0);
            faults.error(*spot, "file.not_read", what, super::FILE_MEND.to_owned());
            None
        }
    }
}

#[cfg(test)]
mod tests;
