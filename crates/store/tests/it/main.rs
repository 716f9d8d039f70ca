//! What only processes and servers of their own can show.

mod failures;
mod kill;
mod processes;
mod replay;
