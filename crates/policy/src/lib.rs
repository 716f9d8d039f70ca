//! Who may do what: the only user of Cedar. Policies as text and grants become one [`PolicySet`] that answers requests at
//! the price of a look-up.
//!
//! It never sees HTTP or tokens, never reads a clock, never waits; and nothing that cannot be evaluated ever allows.
//!
//! # Reading order
//!
//! `schema` is the world that policies speak of, `shipped` what is on from the start. `source`, `statement`, `compile` and
//! `check` go from text to policies with every diagnostic at once. `index` and `grants` find what concerns an identity and
//! an operation; `world` gives them to Cedar; `fold` keeps only what depends on the request; `program` and `context` ask
//! that of a request; `set` puts it together; `answer` is what comes out; `explain` says why, `outlook` what is left open for
//! questions over the whole estate, `outline` what a text is made of, `reads` what it
//! reads.
//!
//! ```
//! use wardgate_policy::{Names, PolicySource, compile};
//! use wardgate_model::diagnostic::Place;
//!
//! let source = PolicySource {
//!     place: Place::file("policies/mine.cedar"),
//!     text: r#"@id("mine") permit (principal in Team::"analytics", action, resource) when { principal.stat == "active" };"#.into(),
//! };
//! let names = Names { teams: ["analytics"].into(), ..Names::default() };
//! let compiled = compile(&[source], &[], &names);
//! assert!(compiled.policies.is_none());
//! assert_eq!(compiled.diagnostics[0].place.to_string(), "policies/mine.cedar:1:78");
//! ```

mod answer;
mod check;
mod compile;
mod context;
mod explain;
mod fold;
mod grants;
mod index;
mod outline;
mod outlook;
mod program;
mod reads;
mod require;
mod schema;
mod set;
mod shipped;
mod source;
mod statement;
mod world;

#[cfg(test)]
mod testing;

pub use answer::{Allowed, Answer, Decision, Denied, Residual, Standing};
pub use compile::{Compiled, compile};
pub use explain::{Candidate, Effect, Explanation, Verdict};
pub use grants::{GRANTS_MAX, grant_text};
pub use outline::{Outlined, outline};
pub use outlook::{Left, Outlook, Prospect};
pub use reads::{Reads, reads};
pub use require::REQUIRE;
pub use schema::schema_text;
pub use set::{ANSWERS_MAX, PROGRAMS_MAX, PolicySet, STANDINGS_MAX};
pub use shipped::SHIPPED;
pub use source::{Names, POLICIES_MAX, PolicySource, SOURCE_BYTES_MAX};
