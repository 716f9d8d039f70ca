//! What a caller can prove, and the reverse: bytes + keys + now → claims, and claims + keys + now → bytes.
//!
//! It never opens a socket, a database or a file, and never reads a clock.
//!
//! # Reading order
//!
//! [`entropy`] is where randomness comes from. [`keyring`] turns the one master key into a key for each purpose;
//! [`api_key`] is the grammar, making and comparing of the keys that Wardgate issues; [`seal`] keeps secrets at rest;
//! [`jose`] is what a signed token proves, and signs ours; [`x509`] is what a client certificate proves; [`webhook`] is what the
//! sender of a webhook proves; [`client`] is how a client of our token service proves itself, [`form`] how what it posts is read, [`grant`] what it
//! asks by and [`access_token`] what it gets; [`dpop`] is how whoever shows a token proves to have the key that it is bound to; [`signature`] is
//! what whoever signs its requests proves, and [`digest`] that their bodies are what was signed; [`assertion`]
//! says what is signed for an upstream, [`transaction`] what for all that it calls in turn; [`binding`] finds the identity that a foreign proof stands for.
//!
//! ```
//! use wardgate_model::id::EnvironmentName;
//! use wardgate_proof::{api_key::{self, ApiKey, KeyKind}, entropy::SystemEntropy, keyring::Keyring};
//!
//! let text = Keyring::generate(&SystemEntropy)?;
//! let pepper = Keyring::parse(text.danger_expose())?.pepper();
//! let environment = EnvironmentName::parse("staging")?;
//! let (id, key) = api_key::generate(KeyKind::ApiKey, &environment, &SystemEntropy)?;
//!
//! let shown = ApiKey::parse(key.danger_expose())?;
//! assert_eq!((shown.environment(), shown.id()), ("staging", id.as_str()));
//!
//! let on_record = api_key::hash(&pepper, key.danger_expose());
//! assert!(api_key::matches(&pepper, shown.text(), Some(&on_record)));
//! assert!(!api_key::matches(&pepper, shown.text(), None));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod access_token;
pub mod api_key;
pub mod assertion;
pub mod binding;
pub mod client;
pub mod digest;
pub mod dpop;
pub mod entropy;
pub mod form;
pub mod grant;
pub mod jose;
pub mod keyring;
pub mod log_key;
mod scan;
pub mod seal;
pub mod signature;
pub mod transaction;
pub mod webhook;
pub mod x509;

#[doc(inline)]
pub use jose::signer as jws;
