//! Reading what an anchor has kept: signed notes one after the other, and whether the log holds to each of them.

use crate::{
    note::{Checkpoint, NoteError, Trusted},
    tiles::{self, TilesError},
};
use std::path::Path;

/// How a line with a signature begins.
const SIGNATURE_MARK: &[u8] = "\u{2014} ".as_bytes();

/// What an anchor has kept of a log.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Anchored {
    /// Its checkpoints, in the order in which they were kept.
    pub checkpoints: Vec<Checkpoint>,
    /// Notes of other logs, or under keys that are not known here.
    pub others: u64,
    /// Pieces that are no note: half written when a machine stopped, or changed.
    pub unread: u64,
}

/// Reads the notes of an anchor's file.
#[must_use]
pub fn read(bytes: &[u8], trusted: &Trusted) -> Anchored {
    let mut anchored = Anchored::default();
    for piece in pieces(bytes) {
        match trusted.open(piece) {
            Ok(checkpoint) => anchored.checkpoints.push(checkpoint),
            Err(NoteError::NoKnownKey | NoteError::Origin { .. }) if behind_torn(piece, trusted).is_none() => anchored.others += 1,
            Err(_) => {
                anchored.unread += 1;
                anchored.checkpoints.extend(behind_torn(piece, trusted));
            }
        }
    }
    anchored
}

/// The pieces of the file, each up to the last signature below a text.
fn pieces(bytes: &[u8]) -> Vec<&[u8]> {
    let (mut pieces, mut rest) = (Vec::new(), bytes);
    let (mut at, mut is_signed) = (0, false);
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        let signs = line.starts_with(SIGNATURE_MARK);
        if is_signed && !signs {
            let (piece, behind) = rest.split_at_checked(at).unwrap_or((rest, &[]));
            pieces.push(piece);
            (rest, at) = (behind, 0);
        }
        at += line.len();
        is_signed = signs;
    }
    pieces.push(rest);
    let blank = |byte: &u8| *byte == b'\n';
    let trimmed = pieces.into_iter().map(|piece| piece.get(piece.iter().take_while(|byte| blank(byte)).count()..).unwrap_or_default());
    trimmed.filter(|piece| !piece.is_empty()).collect()
}

/// The note that follows one which was only half written: from the last line on that names the log.
fn behind_torn(piece: &[u8], trusted: &Trusted) -> Option<Checkpoint> {
    let line = [b"\n", trusted.origin.as_bytes(), b"\n"].concat();
    let at = piece.windows(line.len()).rposition(|window| window == line)?;
    trusted.open(piece.get(at + 1..)?).ok()
}

/// Holds a log against checkpoints that were kept elsewhere: it has to begin with what each of them names. Of several that it
/// does not hold to for the same reason, the plainest is told.
///
/// The log has to be read after the checkpoints were: it may go on meanwhile.
///
/// # Errors
/// When there is no log, or it cannot be read.
pub fn compare(log: &Path, trusted: &Trusted, checkpoints: &[Checkpoint]) -> Result<Vec<tiles::Finding>, TilesError> {
    let log = tiles::Log::open(log, trusted)?;
    let now = log.checkpoint();
    let mut findings = Vec::new();
    let longest = checkpoints.iter().map(|kept| kept.size).max().filter(|size| *size > now.size);
    findings.extend(longest.map(|remembered| tiles::Finding::RolledBack { size: now.size, remembered }));
    let mut within: Vec<&Checkpoint> = checkpoints.iter().filter(|kept| kept.size <= now.size).collect();
    within.sort_by_key(|kept| kept.size);
    within.dedup();
    for kept in within {
        if !begins_with(&log, kept)? {
            findings.push(tiles::Finding::Rewritten { remembered: kept.size });
            break;
        }
    }
    Ok(findings)
}

fn begins_with(log: &tiles::Log, kept: &Checkpoint) -> Result<bool, TilesError> {
    if kept.size == log.checkpoint().size {
        return Ok(kept.root == log.checkpoint().root);
    }
    // It is proven to be the root that the log had then.
    log.consistency(kept.size)?;
    Ok(log.root_at(kept.size)? == kept.root)
}
