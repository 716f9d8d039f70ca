//! What is recorded beside requests: changes of what is governed, and findings.

use wardgate_model::time::Time;

/// A management change: who did what to which thing, and why. One of kind `containment` is an event of that kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangeRecord {
    /// When.
    pub time: Time,
    /// Who: an identity, or `file:PATH`.
    pub actor: Box<str>,
    /// What was done: `issue`, `revoke`, `apply`…
    pub what: Box<str>,
    /// To what kind of thing.
    pub kind: Box<str>,
    /// To which one.
    pub name: Box<str>,
    /// Why, in the actor's words.
    pub reason: Option<Box<str>>,
    /// Of which identities that is, where it is a credential or a grant of theirs.
    pub of: Vec<Box<str>>,
}

/// Something that is not as it should be, as seen by the program itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FindingRecord {
    /// When it was seen.
    pub time: Time,
    /// What, as a code for machines: `secret.refused`, `claim.overdue`…
    pub code: Box<str>,
    /// How bad: `info`, `low`, `medium`, `high` or `critical`; or `over`: it is so no more.
    pub severity: Box<str>,
    /// Of what kind of thing.
    pub kind: Box<str>,
    /// Of which one.
    pub name: Box<str>,
    /// What was seen, as a sentence for people.
    pub what: Box<str>,
}
