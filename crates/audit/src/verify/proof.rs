//! The proof that one event is in the log: a small file that anybody checks who has the log's key, and nothing else of the log.
//!
//! It holds the event's record, the path from its leaf to the root of its segment, the entry of the log with that root, and the
//! proof that the entry is under a signed checkpoint (C2SP tlog-proof). What tells of a person is in it only where it is asked
//! for: without it, the commitment stands in its place, and the proof is the same.

use super::Look;
use crate::{
    canonical::{Personal, Record, SALT_BYTES},
    columns::Value,
    directory::{LOG, SEGMENTS, next_seq},
    hot::{self, Tail},
    ledger::Ledger,
    note::{Checkpoint, Trusted},
    segment::{GROUP_HEIGHT, GROUP_ROWS, Segment, SegmentError, SegmentName, entry::Entry},
    tiles::{self, ProofFault, TilesError},
    tree::{self, HASH_BYTES, Hash},
};
use serde::{Deserialize, Serialize};
use std::{io, path::Path};

/// What a proof says that it is.
const FORM: &str = "wardgate-event-proof/1";

/// Whether the proof shows what tells of a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Disclosure {
    /// It is in the proof, with the salt that hid it.
    Personal,
    /// Only the commitment to it is.
    Commitment,
}

/// The proof that an event is in the log. Bytes are hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EventProof {
    /// `wardgate-event-proof/1`.
    pub proof: String,
    /// The number of the event.
    pub seq: u64,
    /// The record's columns that tell of no person, as they are hashed.
    pub public: String,
    /// The commitment to those that may.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commitment: Option<String>,
    /// The salt of the commitment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub salt: Option<String>,
    /// The columns that may tell of a person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub personal: Option<String>,
    /// From the leaf's sibling up to the child of the segment's root.
    pub path: Vec<String>,
    /// The entry of the log that names the segment.
    pub entry: String,
    /// That the entry is in the log.
    pub log: String,
}

/// Why there is no proof of an event.
#[derive(Debug, thiserror::Error)]
pub enum NotProven {
    /// There is none of that number.
    #[error("there is no event {seq}: the last one is {last}, and the first was 1")]
    NoEvent {
        /// The number.
        seq: u64,
        /// The last one that is written; 0: none is.
        last: u64,
    },
    /// It is in a tail.
    #[error(
        "event {0} is not sealed yet: it has a proof when its tail is, which is `audit.seal.after` after the tail's first event at the \
         latest, while the gate runs"
    )]
    NotSealed(u64),
    /// It was kept as long as was said, and is gone.
    #[error("event {seq} is gone: all events up to {through} were kept as long as `audit.retain` says")]
    Retired {
        /// The number.
        seq: u64,
        /// The last one that is gone.
        through: u64,
    },
    /// It was before others that are sealed, and no segment has it.
    #[error("event {0} is in no segment that was sealed: `wardgate audit verify` says what is missing")]
    NoSegment(u64),
    /// The tails cannot be read.
    #[error("the tails of the log cannot be read: {0}")]
    Tails(#[from] io::Error),
    /// The log of segments cannot be read.
    #[error(transparent)]
    Log(#[from] TilesError),
    /// The segment cannot be read.
    #[error(transparent)]
    Segment(#[from] SegmentError),
    /// The segment does not hold what was sealed: `verify` says where.
    #[error("the segment `{0}` does not hold what was sealed")]
    Changed(SegmentName),
}

/// Why a proof proves nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProofError {
    /// It is no proof, or one of another version.
    #[error("it is no proof of an event: {0}")]
    Form(String),
    /// Something in it is not as such a thing is.
    #[error("`{0}` is not as it has to be")]
    Part(&'static str),
    /// The record is another event's.
    #[error("the record is not that of event {0}")]
    Seq(u64),
    /// What tells of a person is not what was committed to.
    #[error("what tells of a person is not what was committed to")]
    Commitment,
    /// The record is not in the segment.
    #[error("segment: {0}")]
    Segment(tree::ProofError),
    /// The entry is not in the log.
    #[error("log: {0}")]
    Log(#[from] ProofFault),
}

/// Makes the proof of an event that is sealed.
///
/// # Errors
/// When there is none, or the log or the segment are not what they were.
pub fn prove(directory: &Path, trusted: &Trusted, seq: u64, disclosure: Disclosure) -> Result<EventProof, NotProven> {
    let log = tiles::Log::open(&directory.join(LOG), trusted)?;
    let mut ledger = Ledger::default();
    let edge = Look::edge_of(trusted);
    for index in 0..log.checkpoint().size {
        // What is wrong of the log is for `verify` to say; an entry that does not fit names no segment.
        let _ = ledger.read(index, &log.entry(index)?, edge);
    }
    let held = ledger.segments.range(..=seq).next_back().filter(|(first, known)| seq - **first < known.events);
    let Some((first_seq, known)) = held else { return Err(why_none(directory, &ledger, seq)?) };
    let name = SegmentName { first_seq: *first_seq };
    let segment = Segment::open(&directory.join(SEGMENTS).join(name.to_string()))?;
    if segment.said_root() != known.root || segment.events() != known.events {
        return Err(NotProven::Changed(name));
    }
    let changed = |_| NotProven::Changed(name);
    let at = usize::try_from(seq - *first_seq).map_err(changed)?;
    let (group, within) = (at / GROUP_ROWS, at % GROUP_ROWS);
    let mut leaves = Vec::new();
    let mut made = None;
    segment.records(group, |leaf, record| {
        if leaves.len() == within {
            made = Some(shown(seq, &record, disclosure));
        }
        leaves.push(leaf.hash);
        Ok(())
    })?;
    let changed = |_| NotProven::Changed(name);
    let [within, group] = [u64::try_from(within).map_err(changed)?, u64::try_from(group).map_err(changed)?];
    let path =
        tree::inclusion_grouped(&leaves, within, segment.group_roots(), group, GROUP_HEIGHT).map_err(|_| NotProven::Changed(name))?;
    let mut made = made.ok_or(NotProven::Changed(name))?;
    made.path = path.iter().map(|hash| hex(&hash.0)).collect();
    made.entry = String::from_utf8_lossy(&log.entry(known.index)?).into_owned();
    made.log = log.proof(known.index)?.to_string();
    Ok(made)
}

/// Why no segment has an event.
fn why_none(directory: &Path, ledger: &Ledger, seq: u64) -> Result<NotProven, NotProven> {
    if (1..=ledger.retired).contains(&seq) {
        return Ok(NotProven::Retired { seq, through: ledger.retired });
    }
    if (1..ledger.next()).contains(&seq) {
        return Ok(NotProven::NoSegment(seq));
    }
    let mut next = ledger.next().max(ledger.retired.saturating_add(1));
    if let Some(name) = hot::names(directory)?.pop() {
        let bytes = hot::read(&directory.join(name.to_string()))?;
        next = Tail::read(&bytes).map_or(next, |tail| next.max(next_seq(name, &tail)));
    }
    let is_there = (1..next).contains(&seq);
    Ok(if is_there { NotProven::NotSealed(seq) } else { NotProven::NoEvent { seq, last: next.saturating_sub(1) } })
}

fn shown(seq: u64, record: &Record<'_>, disclosure: Disclosure) -> EventProof {
    let (salt, personal) = match (record.personal, disclosure) {
        (Personal::Clear { salt, bytes }, Disclosure::Personal) => (Some(hex(&salt)), Some(hex(bytes))),
        _ => (None, None),
    };
    EventProof {
        proof: FORM.to_owned(),
        seq,
        public: hex(record.public),
        commitment: record.commitment().map(|commitment| hex(&commitment.0)),
        salt,
        personal,
        path: Vec::new(),
        entry: String::new(),
        log: String::new(),
    }
}

impl EventProof {
    /// Reads a proof. That it proves something is for [`Self::verify`] to say.
    ///
    /// # Errors
    /// When it is none.
    pub fn parse(json: &[u8]) -> Result<Self, ProofError> {
        let proof: Self = serde_json::from_slice(json).map_err(|error| ProofError::Form(error.to_string()))?;
        if proof.proof == FORM { Ok(proof) } else { Err(ProofError::Form(format!("its form is `{}`", proof.proof))) }
    }

    /// What the log's checkpoint says, when the proof shows that the event is in that log.
    ///
    /// # Errors
    /// Why it does not.
    pub fn verify(&self, trusted: &Trusted) -> Result<Checkpoint, ProofError> {
        let public = bytes(&self.public).ok_or(ProofError::Part("public"))?;
        let commitment = self.commitment.as_deref().map(|text| hash(text).ok_or(ProofError::Part("commitment"))).transpose()?;
        let record = Record { public: &public, personal: commitment.map_or(Personal::Nothing, Personal::Erased) };
        self.personal_fits(commitment)?;
        let row = record.row().map_err(|_| ProofError::Part("public"))?;
        if !matches!(row.first(), Some(Some(Value::Int(seq))) if u64::try_from(*seq) == Ok(self.seq)) {
            return Err(ProofError::Seq(self.seq));
        }
        let path: Option<Vec<Hash>> = self.path.iter().map(|text| hash(text)).collect();
        let path = path.ok_or(ProofError::Part("path"))?;
        let Ok(Entry::Segment { edge, first_seq, events, root, .. }) = Entry::parse(self.entry.as_bytes()) else {
            return Err(ProofError::Part("entry"));
        };
        let index = self.seq.checked_sub(first_seq).filter(|_| edge == Look::edge_of(trusted)).ok_or(ProofError::Part("entry"))?;
        tree::verify_inclusion(&record.leaf(), index, events, &path, &root).map_err(ProofError::Segment)?;
        Ok(tiles::Proof::parse(self.log.as_bytes())?.verify(&tree::leaf(self.entry.as_bytes()), trusted)?)
    }

    fn personal_fits(&self, commitment: Option<Hash>) -> Result<(), ProofError> {
        let (salt, personal) = match (&self.salt, &self.personal) {
            (None, None) => return Ok(()),
            (Some(salt), Some(personal)) => (bytes(salt), bytes(personal)),
            _ => return Err(ProofError::Part("salt")),
        };
        let salt: [u8; SALT_BYTES] = salt.and_then(|salt| salt.try_into().ok()).ok_or(ProofError::Part("salt"))?;
        let personal = personal.ok_or(ProofError::Part("personal"))?;
        let record = Record { public: &[], personal: Personal::Clear { salt, bytes: &personal } };
        if record.commitment() == commitment && record.row().is_ok() { Ok(()) } else { Err(ProofError::Commitment) }
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn bytes(hex: &str) -> Option<Vec<u8>> {
    let (pairs, rest) = hex.as_bytes().as_chunks::<2>();
    let digit =
        |letter: u8| char::from(letter).to_digit(16).filter(|_| !letter.is_ascii_uppercase()).and_then(|digit| u8::try_from(digit).ok());
    let byte = |[high, low]: &[u8; 2]| Some(digit(*high)? << 4 | digit(*low)?);
    rest.is_empty().then(|| pairs.iter().map(byte).collect()).flatten()
}

fn hash(text: &str) -> Option<Hash> {
    <[u8; HASH_BYTES]>::try_from(bytes(text)?).ok().map(Hash)
}
