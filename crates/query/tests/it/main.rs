//! Asking a log, through the program as it is shipped.

mod asking;
mod bounds;
mod documents;
mod engines;
mod log;
