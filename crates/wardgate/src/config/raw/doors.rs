//! What was typed of listeners and of the edge's bounds.

use super::{Findings, text};
use crate::config::{EdgeSettings, Listener, TlsFiles};
use serde::{Deserialize, Serialize};
use wardgate_edge::handshake::ClientCertificates;

/// One listener.
#[derive(Debug, Clone, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawListener {
    /// Its name, for messages.
    pub name: String,
    /// Address and port.
    pub address: String,
    /// What clients call it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub public_url: Option<String>,
    /// TLS; without it the listener speaks clear text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls: Option<RawTls>,
    /// Networks of the proxies before it, whose word on where a request comes from is believed (`Forwarded`, `X-Forwarded-For`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trusted_proxies: Option<Vec<String>>,
    /// Whether every connection begins with the PROXY protocol, version 2; only `trusted_proxies` may connect then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub proxy_protocol: Option<bool>,
}

/// TLS of a listener.
#[derive(Debug, Clone, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawTls {
    /// `file:PATH` of the certificate chain (PEM, leaf first).
    pub certificate: String,
    /// `file:PATH` of the private key (PEM).
    pub key: String,
    /// Whether clients are asked for a certificate: `off` (default), `request`, or `require`, which lets nobody in without one.
    pub client_certificates: Option<String>,
}

/// Bounds of the edge.
#[derive(Debug, Clone, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawEdge {
    /// Name of this gate in its events and its event log, 1 to 32 of `a` to `z`, `0` to `9` and `-`: another one for each gate whose
    /// logs are looked at together. The log in a directory keeps its name.
    pub name: Option<String>,
    /// Threads that carry doors; default: one a core.
    pub threads: Option<usize>,
    /// Client connections at a time.
    pub connections_max: Option<usize>,
    /// Client connections of one source address at a time; raise it behind a balancer that hides its clients.
    pub source_connections_max: Option<usize>,
    /// Time for a request's head.
    pub head_timeout: Option<String>,
    /// Time between two pieces of a body.
    pub body_idle: Option<String>,
    /// Time an unused connection is kept.
    pub keep_alive: Option<String>,
    /// Bytes a second that a client must send of a body, and take of an answer, on the average.
    pub rate_min: Option<String>,
    /// Largest body of a request.
    pub body_bytes_max: Option<String>,
    /// Time for running requests when the process ends.
    pub drain: Option<String>,
}

impl RawListener {
    pub(super) fn resolve(&self, at: usize, findings: &mut Findings<'_>) -> Option<Listener> {
        let key = |name: &str| format!("listeners[{at}].{name}");
        let address = findings.address(&key("address"), &self.address);
        let public_url = self.public_url.as_ref().and_then(|url| findings.url(&key("public_url"), url));
        let tls = match &self.tls {
            None => None,
            Some(tls) => {
                let clients = match text(&tls.client_certificates) {
                    "off" => ClientCertificates::Off,
                    "request" => ClientCertificates::Request,
                    "require" => ClientCertificates::Require,
                    other => {
                        let what = format!("`client_certificates`: `{other}` is none of `off`, `request`, `require`");
                        findings.wrong(&key("tls.client_certificates"), what, "`request` asks for one, `require` lets nobody in without");
                        ClientCertificates::Off
                    }
                };
                let certificate = findings.file(&key("tls.certificate"), &tls.certificate);
                let key = findings.file(&key("tls.key"), &tls.key);
                certificate.zip(key).map(|(certificate, key)| TlsFiles { certificate, key, clients })
            }
        };
        let mut trusted_proxies = Vec::new();
        for network in self.trusted_proxies.iter().flatten() {
            match wardgate_resources::wire::network(network) {
                Ok(network) => trusted_proxies.push(network),
                Err(wrong) => {
                    findings.wrong(&key("trusted_proxies"), format!("`trusted_proxies`: {wrong}"), "write networks as in `[10.0.0.0/8]`")
                }
            }
        }
        let proxy_protocol = self.proxy_protocol.unwrap_or(false);
        if proxy_protocol && trusted_proxies.is_empty() {
            let what = "`proxy_protocol` is on, and nobody is trusted to speak it".to_owned();
            findings.wrong(&key("proxy_protocol"), what, "name the balancer's network in `trusted_proxies`");
        }
        Some(Listener { name: self.name.clone(), address: address?, public_url, tls, trusted_proxies, proxy_protocol })
    }
}

impl RawEdge {
    pub(super) fn resolve(&self, findings: &mut Findings<'_>) -> Option<EdgeSettings> {
        let head_timeout = findings.duration("edge.head_timeout", text(&self.head_timeout));
        let body_idle = findings.duration("edge.body_idle", text(&self.body_idle));
        let keep_alive = findings.duration("edge.keep_alive", text(&self.keep_alive));
        let drain = findings.duration("edge.drain", text(&self.drain));
        let rate_min = findings.size("edge.rate_min", text(&self.rate_min));
        let body_bytes_max = findings.size("edge.body_bytes_max", text(&self.body_bytes_max));
        let name = text(&self.name);
        if !(1..=32).contains(&name.len()) || !name.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-')) {
            let what = format!("`{name}` is no name for `edge.name`");
            findings.wrong("edge.name", what, "write 1 to 32 of `a` to `z`, `0` to `9` and `-`, as in `edge-west`");
        }
        Some(EdgeSettings {
            name: name.into(),
            threads: self.threads.unwrap_or(1).max(1),
            connections_max: self.connections_max.unwrap_or(1).max(1),
            source_connections_max: self.source_connections_max.unwrap_or(1).max(1),
            head_timeout: head_timeout?,
            body_idle: body_idle?,
            keep_alive: keep_alive?,
            rate_min: rate_min?,
            body_bytes_max: body_bytes_max?,
            drain: drain?,
        })
    }
}
