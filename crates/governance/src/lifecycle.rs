//! The life of an identity. Takes where it is and what is asked, gives where it then is, or which moves are legal.
//!
//! Why one table: files, API, command line, the clock and containment all move identities, and none may go round another.
//! INVARIANT (for good): nothing leads out of `retired`.
//! INVARIANT (approved): `active` is reached from `approved`, or again from a stop of something that was active; only a
//! file, which counts as approved, begins there. One that is made for a rehearsal needs no second identity (ADR 026).

use crate::words::words;
use wardgate_model::{
    id::IdentityId,
    inventory::IdentityState::{self, Active, Approved, Discovered, Quarantined, Requested, Retired, Suspended},
};

words! {
    /// What can be asked of an identity's life.
    Move {
        /// An owner answers for what was discovered: it must be approved like any other.
        Claim = "claim",
        /// Nobody wants what was discovered or requested.
        Reject = "reject",
        /// A second identity agrees, with evidence.
        Approve = "approve",
        /// Its first credential was issued or registered. Nobody asks for it by itself.
        Activate = "activate",
        /// Stopped for a while, by its owner or the clock.
        Suspend = "suspend",
        /// In use again.
        Resume = "resume",
        /// Contained: one person's act.
        Quarantine = "quarantine",
        /// Let out of containment, to where it was: a second person's act.
        Release = "release",
        /// Ended for good.
        Retire = "retire",
    }
}

words! {
    /// How an identity comes on record.
    Born {
        /// Declared by a file in a watched directory, which counts as approved.
        File = "file",
        /// Asked for through API or command line.
        Request = "request",
        /// Seen in traffic.
        Traffic = "traffic",
        /// Shipped with this program.
        Shipped = "shipped",
    }
}

impl Born {
    /// The state it begins in.
    #[must_use]
    pub const fn state(self) -> IdentityState {
        match self {
            Self::File | Self::Shipped => Active,
            Self::Request => Requested,
            Self::Traffic => Discovered,
        }
    }
}

/// Where an identity is in its life, and where a containment took it from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Life {
    /// Where it is.
    pub state: IdentityState,
    /// Where a release leads; only of quarantined ones. Without it they must be approved anew.
    pub resumes_to: Option<IdentityState>,
}

/// A move that is not possible here.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("an identity that is `{state}` cannot be asked to `{asked}`: {}", legal_text(legal))]
pub struct Illegal {
    /// Where it is.
    pub state: IdentityState,
    /// What was asked.
    pub asked: Move,
    /// What could be asked; empty for retired ones.
    pub legal: Vec<Move>,
}

fn legal_text(legal: &[Move]) -> String {
    if legal.is_empty() {
        return "that is for good, make a new one".to_owned();
    }
    let words: Vec<String> = legal.iter().map(|one| format!("`{one}`")).collect();
    format!("possible are {}", words.join(", "))
}

/// Where a move leads.
enum To {
    State(IdentityState),
    /// Where the containment took it from.
    Back,
    /// Stays, and remembers what it remembered.
    Same,
}

/// The table: every state and what can be asked there. What is not in it is illegal.
const fn row(state: IdentityState) -> &'static [(Move, To)] {
    match state {
        Discovered => {
            &[(Move::Claim, To::State(Requested)), (Move::Reject, To::State(Retired)), (Move::Quarantine, To::State(Quarantined))]
        }
        Requested => &[
            (Move::Approve, To::State(Approved)),
            (Move::Reject, To::State(Retired)),
            (Move::Quarantine, To::State(Quarantined)),
            (Move::Retire, To::State(Retired)),
        ],
        Approved => &[(Move::Activate, To::State(Active)), (Move::Quarantine, To::State(Quarantined)), (Move::Retire, To::State(Retired))],
        Active => &[(Move::Suspend, To::State(Suspended)), (Move::Quarantine, To::State(Quarantined)), (Move::Retire, To::State(Retired))],
        // Only active ones are suspended, so this leads nowhere that was not reached by approval before.
        Suspended => &[(Move::Resume, To::State(Active)), (Move::Quarantine, To::State(Quarantined)), (Move::Retire, To::State(Retired))],
        // Containing what is contained changes nothing: whoever does it need not look first.
        Quarantined => &[(Move::Quarantine, To::Same), (Move::Release, To::Back), (Move::Retire, To::State(Retired))],
        Retired => &[],
    }
}

/// What can be asked in this state.
#[must_use]
pub fn legal(state: IdentityState) -> Vec<Move> {
    row(state).iter().map(|(asked, _)| *asked).collect()
}

/// The states from which a move is legal: what a compare-and-set names.
#[must_use]
pub fn origins(asked: Move) -> Vec<IdentityState> {
    IdentityState::ALL.iter().copied().filter(|state| row(*state).iter().any(|(known, _)| *known == asked)).collect()
}

/// The state after a move, for an identity that no containment has taken from elsewhere: a release leads to `requested`.
///
/// # Errors
/// When the move is illegal here.
pub fn step(state: IdentityState, asked: Move) -> Result<IdentityState, Illegal> {
    Life { state, resumes_to: None }.step(asked).map(|life| life.state)
}

impl Life {
    /// How a life begins.
    #[must_use]
    pub const fn begin(born: Born) -> Self {
        Self { state: born.state(), resumes_to: None }
    }

    /// Makes a move.
    ///
    /// # Errors
    /// When it is illegal here; says which are legal.
    pub fn step(self, asked: Move) -> Result<Self, Illegal> {
        let Some((_, to)) = row(self.state).iter().find(|(known, _)| *known == asked) else {
            return Err(Illegal { state: self.state, asked, legal: legal(self.state) });
        };
        Ok(match to {
            To::Same => self,
            To::State(Quarantined) => Self { state: Quarantined, resumes_to: Some(self.state) },
            To::State(state) => Self { state: *state, resumes_to: None },
            To::Back => Self { state: back(self.resumes_to), resumes_to: None },
        })
    }
}

/// Where a release leads. Never out of what is for good, never to a containment; what is not known must be approved anew.
const fn back(from: Option<IdentityState>) -> IdentityState {
    match from {
        Some(Discovered) => Discovered,
        Some(Approved) => Approved,
        Some(Active) => Active,
        Some(Suspended) => Suspended,
        Some(Requested | Quarantined | Retired) | None => Requested,
    }
}

/// Shortest evidence of an approval, in characters.
pub const EVIDENCE_MIN: usize = 3;
/// Longest evidence, in bytes.
pub const EVIDENCE_BYTES_MAX: usize = 4096;

/// Why an approval does not count.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unapproved {
    /// Whoever asked for it approves it.
    #[error("`{0}` asked for it and cannot approve it: another identity has to")]
    OwnRequest(IdentityId),
    /// Without a ticket, a document, a reason.
    #[error("an approval needs `evidence`: where was it agreed?")]
    NoEvidence,
    /// More than anybody reads.
    #[error("`evidence` has at most {EVIDENCE_BYTES_MAX} bytes")]
    LongEvidence,
}

/// Whether an approval counts: another identity than the one that asked, with evidence. What no identity asked for (the
/// clock, the traffic) anybody with the role may approve.
///
/// # Errors
/// Says why not.
pub fn may_approve(requester: Option<&str>, approver: &IdentityId, evidence: &str) -> Result<(), Unapproved> {
    if requester == Some(approver.as_str()) {
        return Err(Unapproved::OwnRequest(approver.clone()));
    }
    if evidence.trim().chars().count() < EVIDENCE_MIN {
        return Err(Unapproved::NoEvidence);
    }
    if evidence.len() > EVIDENCE_BYTES_MAX { Err(Unapproved::LongEvidence) } else { Ok(()) }
}

#[cfg(test)]
mod tests;
