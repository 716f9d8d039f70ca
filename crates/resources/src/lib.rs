//! Text to typed: resource documents, Cedar files, OpenAPI documents, and every diagnostic at once.
//!
//! It never opens a file, a socket or a store, never reads a clock. Callers hand in bytes and a way to read what
//! documents name with `file:`.
//!
//! # Reading order
//!
//! [`parse`] makes documents of files, [`resolve`] an [`Inventory`] of documents, [`load`] does both. Under them:
//! [`yaml`] reads text without stopping at the first fault; `raw` has what can be typed, kind by kind; [`scalar`] and
//! [`wire`] the grammars inside values; `openapi` the operations of an API; [`enforced`] what is refused because this
//! version reads but does not enforce it. [`schema`] gives the JSON Schemas for editors.
//!
//! ```
//! use wardgate_resources::{Sources, load};
//!
//! let yaml = "kind: Owner\nname: payments\nspec: { acountable: lead@example.com }\n";
//! let sources = Sources { documents: vec![("owners.yaml".into(), yaml.into())], policies: Vec::new() };
//! let loaded = load(&sources, &|_: &std::path::Path, _: &str| Err(std::io::ErrorKind::NotFound.into()));
//! assert_eq!(
//!     loaded.diagnostics.iter().map(ToString::to_string).collect::<Vec<_>>(),
//!     [
//!         "owners.yaml:3:7: error[key.missing]: Owner `payments`: `accountable`: this key is missing",
//!         "owners.yaml:3:9: error[key.unknown]: Owner `payments`: `acountable`: this key is not known\n  = did you mean `accountable`?",
//!     ]
//! );
//! ```

mod diff;
mod document;
pub mod enforced;
mod export;
mod inventory;
mod load;
mod names;
mod nearest;
mod normal;
mod openapi;
mod raw;
mod reference;
mod resolve;
pub mod scalar;
mod schema;
pub mod wire;
pub mod yaml;

pub use diff::{FieldChange, diff};
pub use document::{DIAGNOSTICS_MAX, DOCUMENTS_MAX, Document, Parsed, Sources, parse};
pub use export::to_yaml;
pub use inventory::{CredentialSpec, IdentitySpec, Inventory, Purpose};
pub use load::{Loaded, load};
pub use nearest::nearest;
pub use normal::{SPEC_BYTES_MAX, SPEC_DEPTH_MAX, SPEC_VALUES_MAX, normalise};
pub use reference::{ORDER, Reference, references};
pub use resolve::{
    Beside, BesideIdentity, Files, Naming, Nobody, RecordedIdentity, Resolved, resolve, resolve_beside, resolve_identity, resolve_recorded,
    still_named,
};
pub use schema::schema;
