//! What only processes and servers of their own can show.
#![cfg(test)]

mod failures;
mod kill;
mod processes;
mod replay;
