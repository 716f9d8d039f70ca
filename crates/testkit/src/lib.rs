//! Never shipped: servers that tests and measurements stand beside, and pages made from tables.
//!
//! It never decides anything about a request, and nothing that is shipped imports it.
//!
//! [`upstream`] answers every request with the same bytes; [`plain`] is a reverse proxy that does nothing but pass
//! requests on, which is what Wardgate's cost is measured against (`bench/whole-process.sh`). [`mod@reference`] makes pages of `docs/` from tables in the code.
//! [`postgres`] is a database server that ends with the tests, [`bucket`] an object store, [`anchor`] one that
//! keeps checkpoints; [`mmdb`] writes files of countries and networks.
//! [`estate`] simulates weeks of calls, honest ones and attacks, that signals and responses are measured by.
//! [`efficacy`] has the gate judge them and says what became of whom.
//! [`world`] makes small worlds of text, judged in memory; [`fuzz`] tries every parser of untrusted bytes with what nobody would write.
//!
//! ```
//! use wardgate_testkit::upstream::Answer;
//!
//! assert_eq!(Answer::of_bytes(1024).body().len(), 1024);
//! ```

pub mod anchor;
pub mod bucket;
pub mod efficacy;
pub mod estate;
pub mod fuzz;
pub mod mmdb;
pub mod plain;
pub mod postgres;
pub mod reference;
pub mod upstream;
pub mod world;
