//! Our own token service, as values: who gets which token, what a token is to whoever asks, and which keys sign.
//!
//! It never speaks HTTP over a socket, never waits, and never reads a clock: it takes a request that the gate has judged, the
//! snapshot that it was judged by, and now; and gives the answer, or what has to be done first. Who the caller is, whether it is
//! stopped and what it may do is the gate's to say, here as everywhere.
//!
//! # Reading order
//!
//! [`place`] is where the service is and what it publishes of itself; [`api`] is what the gate judges, [`resource`] what is told
//! of the APIs that tokens are for. [`exchange`] answers a request:
//! [`grant`] says who gets which token and [`mint`] makes it, [`standing`] says what becomes of one (introspection, revocation), [`answer`] is how either is told.
//! [`details`] is a token of a task, [`tasks`] where these are started and ended. [`once`] is how an assertion is known again at another
//! gate. [`revocations`] bounds what a client may end; [`keys`] plans which key signs when.
//!
//! ```
//! use wardgate_issuer::place::Place;
//!
//! let place = Place::parse("https://gate.example/eu").ok_or("no address")?;
//! assert_eq!(place.token_endpoint(), "https://gate.example/eu/oauth/token");
//! // RFC 8414 §3.1: between host and path.
//! assert!(place.is_metadata("/.well-known/oauth-authorization-server/eu"));
//! # Ok::<(), &str>(())
//! ```

pub mod against;
pub mod answer;
pub mod api;
pub mod details;
pub mod exchange;
pub mod grant;
pub mod keys;
pub mod mint;
pub mod once;
pub mod place;
pub mod resource;
pub mod revocations;
pub mod standing;
pub mod tasks;
