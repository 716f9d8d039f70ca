//! The doors over real sockets.

#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "helpers of tests fail as tests do")]

mod challenges;
mod client_certificates;
mod containment;
mod durable;
mod edge;
mod fingerprints;
mod fixture;
mod forwarding;
mod frames;
mod http2;
mod hygiene;
mod inspected;
mod lifecycle;
mod on_file;
mod pauses;
mod protocols;
mod raw;
mod records;
mod review;
mod several;
mod shedding;
mod signed;
mod slow;
mod socket;
mod sources;
mod upstream;
mod upstream_certificate;
mod waits;
mod websocket;
mod wire;
