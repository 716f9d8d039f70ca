//! How an upstream is spoken to: which protocol, which roots it is known by, how it is asked for its health.

use crate::inventory::words;
use http::HeaderName;
use std::{sync::Arc, time::Duration};

words! {
    /// A protocol that an HTTP connection may go over to (RFC 9110 §7.8).
    Upgrade {
        /// RFC 6455, RFC 8441.
        WebSocket = "websocket",
    }
}

words! {
    /// Which HTTP an upstream speaks.
    UpstreamProtocol {
        /// HTTP/1.1.
        Http1 = "http1",
        /// HTTP/2: by prior knowledge in clear text, by ALPN over TLS (RFC 9113 §3).
        Http2 = "http2",
    }
}

/// How an upstream is asked whether it is well.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Health {
    /// Path and query of the GET that asks; an answer from 200 to 399 is a good one.
    pub path: Box<str>,
    /// From one question to the next; also how long an answer may take.
    pub every: Duration,
}

/// Within which bounds the requests that go to an address at a time follow how quickly it answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Concurrency {
    /// So many may always go, per edge.
    pub min: u32,
    /// More never go.
    pub max: u32,
}

/// How an upstream is spoken to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UpstreamWire {
    /// Which HTTP.
    pub protocol: UpstreamProtocol,
    /// What clients may go over to. Empty: nothing.
    pub upgrade: Box<[Upgrade]>,
    /// How it is asked whether it is well; `None`: it is judged by what it does with requests.
    pub health: Option<Health>,
    /// How many requests at a time it gets, by how quickly it answers; `None`: as many as there are connections.
    pub concurrency: Option<Concurrency>,
    /// Trailers that pass besides those of gRPC, in lower case (RFC 9110 §6.5).
    pub trailers: Box<[HeaderName]>,
    /// Roots of its certificates, PEM; `None`: those that come with the gate.
    pub ca: Option<Arc<[u8]>>,
}

impl Default for UpstreamWire {
    fn default() -> Self {
        Self {
            protocol: UpstreamProtocol::Http1,
            upgrade: Box::default(),
            health: None,
            concurrency: None,
            trailers: Box::default(),
            ca: None,
        }
    }
}
