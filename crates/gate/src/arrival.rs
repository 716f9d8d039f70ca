//! What a door hands in: one request of whatever protocol, in one shape, sizes already capped.

use http::{HeaderMap, Method, Uri, Version};
use std::{net::IpAddr, sync::Arc};
use wardgate_model::{facts::Door, id::RequestId, proof::CertificateChain, time::Time};

/// What the TLS handshake of a connection told of its client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Handshake {
    /// The fingerprint of its software.
    pub fingerprint: Arc<str>,
    /// When it began, where it was a full one: what the client has a certificate for, it signed then. `None`: it resumed an older one.
    pub full: Option<Time>,
}

/// A request as it arrived. Nothing in it is trusted yet.
#[derive(Debug, Clone, Copy)]
pub struct Arrival<'a> {
    /// The id that it was given.
    pub id: RequestId,
    /// When its head was complete.
    pub time: Time,
    /// Through which kind of door it came.
    pub door: Door,
    /// Protocol version.
    pub version: Version,
    /// `:protocol` of an extended CONNECT, whose method stands here as GET (RFC 8441 §4).
    pub protocol: Option<&'a str>,
    /// What the client's TLS handshake told of it; `None`: it came without one, or behind a proxy that had its own.
    pub handshake: Option<&'a Handshake>,
    /// The certificates that the client showed in the handshake, whose private key it has; `None`: it showed none.
    pub certificates: Option<&'a Arc<CertificateChain>>,
    /// Method.
    pub method: &'a Method,
    /// Target: origin form or absolute form (HTTP/1.1), `:path` with `:authority` (HTTP/2).
    pub uri: &'a Uri,
    /// Header fields.
    pub headers: &'a HeaderMap,
    /// Whether a body follows the head: of a declared length, in chunks, or as HTTP/2 has it, where the head does not end the stream.
    pub body: bool,
    /// The peer's address, as the socket says.
    pub peer: IpAddr,
    /// Our own name in `Via`: a request that bears it has been here before.
    pub via: &'a str,
}
