//! Why there is no answer, and whose fault that is.

use datafusion::{arrow::error::ArrowError, error::DataFusionError};
use std::{error::Error, io, path::PathBuf};
use wardgate_audit::store::StoreError;

/// Why a question has no answer.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// Who asked: this is no question that may be asked here.
    #[error("{0}")]
    Question(String),
    /// Who asked: it takes more memory than it may.
    #[error("it takes more than the {mib} MiB of memory that it may: ask for less at a time, or allow more")]
    Memory {
        /// How much it may, in MiB.
        mib: usize,
    },
    /// Who asked: the answer is larger than it may be.
    #[error("the answer is larger than {mib} MiB: ask for fewer columns or rows")]
    Answer {
        /// How large it may be, in MiB.
        mib: usize,
    },
    /// The log: it cannot be read.
    #[error(transparent)]
    Log(#[from] LogFault),
    /// The log: what was read of it cannot be decoded.
    #[error("what was read of the log cannot be decoded ({0}); `wardgate audit verify` says what is left of the log")]
    Undecodable(String),
    /// The engine: it went wrong while it computed.
    #[error("{0}")]
    Engine(String),
    /// Who reads the answer does so no more, or it cannot be written.
    #[error("the answer cannot be written: {0}")]
    Write(#[from] io::Error),
}

impl Fault {
    /// Whether who asked has to change what is asked; else it may work another time or elsewhere.
    #[must_use]
    pub const fn is_invalid(&self) -> bool {
        matches!(self, Self::Question(_) | Self::Log(LogFault::NoLog(_)))
    }
}

/// Why a log cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum LogFault {
    /// It is not there, or may not be read.
    #[error("`{}` cannot be read: {source}", .path.display())]
    Unreadable {
        /// What.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It holds no event log.
    #[error("`{}` is no directory of an event log", .0.display())]
    NoLog(PathBuf),
    /// It was there and is gone: retired meanwhile. Asking again helps.
    #[error("`{}` was taken away meanwhile", .0.display())]
    Gone(PathBuf),
    /// It lies in a store, and cannot be read there.
    #[error("`{}`: {error}; `wardgate audit verify` says what is left of the log", .path.display())]
    Store {
        /// The segment.
        path: PathBuf,
        /// Why.
        error: StoreError,
    },
    /// A later version has something there that this one does not know.
    #[error("`{}` was written by a newer version: {what}", .path.display())]
    Newer {
        /// What.
        path: PathBuf,
        /// What is unknown of it.
        what: String,
    },
    /// It is something else, or damaged.
    #[error("`{}` {what}; `wardgate audit verify` says what is left of the log", .path.display())]
    Damaged {
        /// What.
        path: PathBuf,
        /// What is wrong.
        what: String,
    },
}

impl LogFault {
    /// The same once more: what causes it cannot be taken out of an error of the engine.
    fn again(&self) -> Self {
        match self {
            Self::Unreadable { path, source } => {
                Self::Unreadable { path: path.clone(), source: io::Error::new(source.kind(), source.to_string()) }
            }
            Self::NoLog(path) => Self::NoLog(path.clone()),
            Self::Gone(path) => Self::Gone(path.clone()),
            Self::Store { path, error } => Self::Store { path: path.clone(), error: error.clone() },
            Self::Newer { path, what } => Self::Newer { path: path.clone(), what: what.clone() },
            Self::Damaged { path, what } => Self::Damaged { path: path.clone(), what: what.clone() },
        }
    }
}

/// What the engine said while it planned: the question is wrong.
pub(crate) fn of_plan(error: &DataFusionError, mib: usize) -> Fault {
    match of_run(error, mib) {
        Fault::Engine(what) => Fault::Question(what),
        other => other,
    }
}

/// What the engine said while it computed.
pub(crate) fn of_run(error: &DataFusionError, mib: usize) -> Fault {
    if let Some(fault) = cause(error) {
        return Fault::Log(fault.again());
    }
    match error.find_root() {
        DataFusionError::ResourcesExhausted(_) => Fault::Memory { mib },
        DataFusionError::SQL(..)
        | DataFusionError::Plan(_)
        | DataFusionError::SchemaError(..)
        | DataFusionError::NotImplemented(_)
        | DataFusionError::Configuration(_) => Fault::Question(said(error)),
        DataFusionError::ParquetError(_) => Fault::Undecodable(said(error)),
        DataFusionError::ArrowError(inner, _) if matches!(**inner, ArrowError::ParquetError(_)) => Fault::Undecodable(said(error)),
        _ => Fault::Engine(said(error)),
    }
}

/// The fault of ours that is inside an error of the engine.
fn cause(error: &DataFusionError) -> Option<&LogFault> {
    let mut next: Option<&(dyn Error + 'static)> = Some(error);
    while let Some(error) = next {
        if let Some(fault) = error.downcast_ref::<LogFault>() {
            return Some(fault);
        }
        next = error.source();
    }
    None
}

/// The engine's words on one line, its own prefixes and stack traces left out.
fn said(error: &DataFusionError) -> String {
    let text = error.find_root().strip_backtrace();
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let known = [
        "Error during planning: ",
        "Schema error: ",
        "SQL error: ",
        "Execution error: ",
        "Arrow error: ",
        "This feature is not implemented: ",
    ];
    let text = known.iter().fold(&*text, |text, prefix| text.strip_prefix(prefix).unwrap_or(text));
    text.trim_end_matches('.').to_owned()
}
