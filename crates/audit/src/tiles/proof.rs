//! Proofs that go on their own: a file (C2SP tlog-proof) with an entry's place, its path and the checkpoint, which needs
//! nothing of the log to be verified but its key.

use crate::{
    note::{Checkpoint, NOTE_BYTES_MAX, NoteError, Trusted, decimal, read_hash, write_hash},
    tree::{Hash, PATH_HASHES_MAX, ProofError, verify_inclusion},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use std::fmt;

/// The first line.
const HEAD: &str = "c2sp.org/tlog-proof@v1";
/// Bytes of the longest proof: its checkpoint, its path, and as much again for what else it carries.
pub const PROOF_BYTES_MAX: usize = 2 * NOTE_BYTES_MAX;

/// That an entry is in a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proof {
    /// Which entry, counted from 0.
    pub index: u64,
    /// What whoever wrote the proof added. Nobody vouches for it.
    pub extra: Option<Vec<u8>>,
    /// From the entry's sibling up to the child of the root.
    pub path: Vec<Hash>,
    /// The checkpoint with its signatures.
    pub checkpoint: String,
}

/// Why a proof cannot be read, or does not prove.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProofFault {
    /// More bytes than a proof may have.
    #[error("the proof is longer than {PROOF_BYTES_MAX} bytes")]
    Long,
    /// A line that is not what must stand there.
    #[error("line {line} of the proof is not {expected}")]
    Line {
        /// The line, counted from 1.
        line: usize,
        /// What must stand there.
        expected: &'static str,
    },
    /// The checkpoint is none, or nobody believed signed it.
    #[error(transparent)]
    Note(#[from] NoteError),
    /// The path does not lead from the entry to the checkpoint's root.
    #[error(transparent)]
    Path(#[from] ProofError),
}

impl Proof {
    /// Reads what [`fmt::Display`] writes.
    ///
    /// # Errors
    /// When it is no proof. That it proves something is for [`Self::verify`] to say.
    pub fn parse(text: &[u8]) -> Result<Self, ProofFault> {
        if text.len() > PROOF_BYTES_MAX {
            return Err(ProofFault::Long);
        }
        let text = std::str::from_utf8(text).map_err(|_| NoteError::NotText)?;
        let wrong = |line, expected| ProofFault::Line { line, expected };
        let (head, checkpoint) = text.split_once("\n\n").ok_or(wrong(1, "followed by a blank line and a checkpoint"))?;
        let mut lines = head.split('\n').zip(1..).peekable();
        if lines.next().map(|(line, _)| line) != Some(HEAD) {
            return Err(wrong(1, "`c2sp.org/tlog-proof@v1`"));
        }
        let extra = match lines.next_if(|(line, _)| line.starts_with("extra ")) {
            Some((line, number)) => {
                let bytes = line.strip_prefix("extra ").and_then(|line| STANDARD.decode(line).ok());
                Some(bytes.ok_or(wrong(number, "`extra BASE64`"))?)
            }
            None => None,
        };
        let (line, number) = lines.next().unwrap_or(("", 2));
        let index = line.strip_prefix("index ").and_then(decimal).ok_or(wrong(number, "`index NUMBER`"))?;
        let mut path = Vec::new();
        for (line, number) in lines {
            if path.len() == PATH_HASHES_MAX {
                return Err(wrong(number, "the last: no path is so long"));
            }
            path.push(read_hash(line).ok_or(wrong(number, "a hash in base64"))?);
        }
        Ok(Self { index, extra, path, checkpoint: checkpoint.to_owned() })
    }

    /// What the checkpoint says, when the proof shows that `leaf` (the hash of the entry) is in that log.
    ///
    /// # Errors
    /// Why it does not.
    pub fn verify(&self, leaf: &Hash, trusted: &Trusted) -> Result<Checkpoint, ProofFault> {
        let checkpoint = trusted.open(self.checkpoint.as_bytes())?;
        verify_inclusion(leaf, self.index, checkpoint.size, &self.path, &checkpoint.root)?;
        Ok(checkpoint)
    }
}

impl fmt::Display for Proof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{HEAD}")?;
        if let Some(extra) = &self.extra {
            writeln!(f, "extra {}", STANDARD.encode(extra))?;
        }
        writeln!(f, "index {}", self.index)?;
        self.path.iter().try_for_each(|hash| writeln!(f, "{}", write_hash(hash)))?;
        write!(f, "\n{}", self.checkpoint)
    }
}
