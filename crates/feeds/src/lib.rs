//! What we fetch from outside: keys of issuers, trust bundles, revocation lists, and what an issuer says of an opaque token.
//!
//! It rules on nothing and knows no policy. It never follows a name or an address that the guard has not judged, never
//! keeps more than its bounds, and never throws good keys away because a server is in trouble, until they are too old.
//!
//! # Reading order
//!
//! [`guard`] says which addresses may be reached; [`target`] is what is asked for, [`resolve`] and [`roots`] are whom that
//! rests on; [`fetch`] is one fetch, [`fault`] why it came to nothing, [`freshness`] how long an answer keeps.
//! [`discovery`] leads from an issuer to its keys, [`document`] reads what came, [`endpoint`] knows servers by their SPIFFE id, [`pace`] says when to fetch again. [`feed`] puts
//! them together for one document, [`feeds`] for all of a process; [`introspection`] asks about one token,
//! [`sign_in`] about one person. [`reputation`] and [`mmdb`] read what the operator's files say of addresses, [`charts`] follows them.
//!
//! ```
//! use wardgate_feeds::{guard, target::Target};
//! use wardgate_model::trust::Reach;
//!
//! assert!(Target::parse("https://ci.example/jwks.json").is_ok());
//! assert!(guard::admit("169.254.169.254".parse()?, &Reach::default()).is_err());
//! # Ok::<(), std::net::AddrParseError>(())
//! ```

mod absent;
pub mod charts;
pub mod clock;
pub mod discovery;
pub mod document;
pub mod endpoint;
pub mod fault;
pub mod feed;
pub mod feeds;
pub mod fetch;
pub mod file;
pub mod freshness;
pub mod guard;
pub mod introspection;
pub mod mmdb;
pub mod pace;
pub mod reputation;
pub mod resolve;
pub mod roots;
pub mod sign_in;
pub mod target;
pub mod workload;
