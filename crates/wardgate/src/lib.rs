//! The binary `wardgate`: command line, configuration, wiring and runtime of one process, and the demo.
//!
//! It never rules: what may pass is decided in `wardgate-gate`, what is right in a file in `wardgate-resources` and
//! `wardgate-policy`. It is the one crate that reads the clock, the environment and the operator's files.
//!
//! # Reading order
//!
//! [`cli`] says what can be typed, [`commands`] what each command does, [`config`] what `wardgate.yaml` means. [`serve`]
//! wires one process: [`control`] reads files, keeps the store and publishes snapshots, [`api`] and [`probes`] answer on
//! the admin listener, [`watch`] sees files change. What requests tell is counted by [`usage`], told of by [`discovery`] and
//! acted upon by [`deliver`], which replaces upstream secrets; [`governor`] does what the clock makes due, [`bypass`] looks for
//! ways round the gate, [`posture`] puts on record what begins to worry and what does no more, [`replay`] makes the rulings of the log again, [`tasks`] are started, ended and given shares of their budgets, [`glass`] is the
//! way in when every other is shut. [`client`], [`profile`] and [`session`] are how a command talks to a running gate.
//! [`demo`] is the tour, [`drill`] a rehearsal against a gate that serves.
//!
//! ```
//! use clap::Parser as _;
//! use wardgate::cli::{Cli, Command};
//!
//! let cli = Cli::try_parse_from(["wardgate", "credential", "list", "--state", "live"])?;
//! assert!(matches!(cli.command, Command::Credential(_)));
//! # Ok::<(), clap::Error>(())
//! ```

pub mod api;
pub mod builtin;
pub mod bypass;
pub mod certificates;
pub mod cli;
pub mod client;
pub mod clock;
pub mod commands;
pub mod config;
pub mod control;
pub mod deliver;
pub mod demo;
pub mod diagnostics;
pub mod discovery;
pub mod drill;
pub mod evidence;
mod folder;
pub mod glass;
pub mod governor;
pub mod issuer;
pub mod kept;
pub mod output;
pub mod pki;
pub mod posture;
pub mod probes;
pub mod profile;
pub mod query;
pub mod replay;
pub mod risks;
pub mod run;
pub mod serve;
pub mod session;
pub mod surface;
pub mod tasks;
pub mod tls;
pub mod usage;
pub mod watch;
