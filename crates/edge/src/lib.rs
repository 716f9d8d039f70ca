//! The doors of Wardgate: a reverse proxy that only translates between the wire and the judge.
//!
//! It never rules, never reads a database, never knows what a policy says. Nothing is forwarded without a
//! [`wardgate_gate::Permit`], and every request leaves an event, whatever becomes of it.
//!
//! # Reading order
//!
//! [`server`] opens listeners and threads, [`handshake`] is their TLS, [`connection`] finds the protocol, [`cookie`] the session of a browser, [`wire`] guards HTTP/1 below the engine.
//! [`door`] is a request's way on one screen; [`forward`] with [`hygiene`], [`upstream`] and [`body`] goes to the upstream,
//! [`tunnel`] is for what goes over to WebSocket, [`respond`] says no, [`record`] keeps the event, [`records`] counts what an answer gives. [`thread`] and [`watch`] are what they run on, [`metrics`] counts,
//! [`preamble`] and [`proxies`] say from where a client really calls, [`limits`] bounds, [`sources`] counts who has how many connections, [`census`] who has which requests open, [`review`] has these judged again, [`inside`] is what this process answers itself.
//!
//! ```
//! use wardgate_edge::{limits::EdgeLimits, wire::framer::{Framer, Place}};
//! use wardgate_model::reason::Reason;
//!
//! // Two lengths, two meanings: refused before the HTTP engine sees a byte.
//! let smuggled = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n";
//! let passed = Framer::default().read(smuggled, &EdgeLimits::default());
//! assert_eq!(passed.bytes, 0);
//! let (place, refusal) = passed.violation.expect("refused");
//! assert_eq!((place, refusal.reason), (Place::Request, Reason::WireFraming));
//! ```

pub mod body;
pub mod census;
mod challenge;
pub mod connection;
pub mod cookie;
pub mod door;
pub mod forward;
pub mod handshake;
pub mod hygiene;
pub mod inside;
pub mod limits;
pub mod metrics;
pub mod pause;
pub mod preamble;
pub mod proxies;
pub mod record;
pub mod records;
pub mod respond;
pub mod review;
pub mod server;
mod slow;
pub mod sources;
pub mod thread;
pub mod tunnel;
pub mod upstream;
mod wait;
pub mod watch;
pub mod wire;

#[cfg(test)]
#[path = "../tests/it/fixture.rs"]
mod fixture;

pub use census::{Census, Common, Counted, OpenRequests};
pub use handshake::ClientCertificates;
pub use inside::{Answering, Asking, Drawing, Fetching, InProcess, InProcessCall, Probes, TrustKeys};
pub use limits::EdgeLimits;
pub use metrics::EdgeMetrics;
pub use proxies::Proxies;
pub use server::{ALPN, Edge, EdgeConfig, EdgeHandle, EdgeParts, Listener, StartFault};
