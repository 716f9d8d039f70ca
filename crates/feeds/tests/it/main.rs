//! Feeds over real sockets on this machine, against servers that mean harm.

#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "helpers of tests fail as tests do")]

mod directories;
mod discovery;
mod endpoint;
mod feed;
mod fetch;
mod files;
mod fixture;
mod introspection;
mod keys;
mod tls;
mod workload;
