//! The binary from outside: what is typed, what is printed, which exit status; over real sockets.

#[cfg(test)]
mod bound;
#[cfg(test)]
mod bundles;
#[cfg(test)]
mod bypass;
#[cfg(test)]
mod certificates;
#[cfg(test)]
mod cli_governed;
#[cfg(test)]
mod cli_offline;
#[cfg(test)]
mod cli_scripted;
#[cfg(test)]
mod cli_story;
#[cfg(test)]
mod clients;
#[cfg(test)]
mod delegation;
#[cfg(test)]
mod demo;
#[cfg(test)]
mod drill;
#[cfg(test)]
mod durable;
#[cfg(test)]
mod evidence;
#[cfg(test)]
mod exchange;
#[cfg(test)]
mod gate;
#[cfg(test)]
mod helper;
#[cfg(test)]
mod helper_holds;
#[cfg(test)]
mod helper_proofs;
#[cfg(test)]
mod http;
#[cfg(test)]
mod in_use;
#[cfg(test)]
mod inspection;
#[cfg(test)]
mod issuer;
#[cfg(test)]
mod key_change;
#[cfg(test)]
mod killed;
#[cfg(test)]
mod leaks;
#[cfg(test)]
mod management;
#[cfg(test)]
mod matrix;
#[cfg(test)]
mod matrix_beside;
#[cfg(test)]
mod mixed;
#[cfg(test)]
mod mutual;
#[cfg(test)]
mod once;
#[cfg(test)]
mod open_requests;
#[cfg(test)]
mod openapi_draft;
#[cfg(test)]
mod operations;
#[cfg(test)]
mod outside;
#[cfg(test)]
mod peers;
#[cfg(test)]
mod pkcs11;
#[cfg(test)]
mod possession;
#[cfg(test)]
mod posture;
#[cfg(test)]
mod process;
#[cfg(test)]
mod provider;
#[cfg(test)]
mod quality;
#[cfg(test)]
mod quotas;
#[cfg(test)]
mod record;
#[cfg(test)]
mod reload;
#[cfg(test)]
mod replay;
#[cfg(test)]
mod samples;
#[cfg(test)]
mod schemathesis;
#[cfg(test)]
mod serve;
#[cfg(test)]
mod sign_in;
#[cfg(test)]
mod signatures;
#[cfg(test)]
mod sources;
#[cfg(test)]
mod starter;
#[cfg(test)]
mod store_away;
#[cfg(test)]
mod svid;
#[cfg(test)]
mod task_away;
#[cfg(test)]
mod task_command;
#[cfg(test)]
mod task_hops;
#[cfg(test)]
mod task_key;
#[cfg(test)]
mod task_limits;
#[cfg(test)]
mod task_records;
#[cfg(test)]
mod task_told;
#[cfg(test)]
mod tasks;
#[cfg(test)]
mod token_leaks;
#[cfg(test)]
mod token_world;
#[cfg(test)]
mod trust;
#[cfg(test)]
mod turned_down;
mod two_gates;
#[cfg(test)]
mod upstream;
#[cfg(test)]
mod upstream_identity;
#[cfg(test)]
mod vouched;
#[cfg(test)]
mod webhooks;
