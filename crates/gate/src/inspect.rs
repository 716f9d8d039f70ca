//! Room 9. Takes a [`Reserved`], gives an [`Inspected`]: the shape of the request.
//!
//! Why here: it may be dear, and what is refused before need not be looked at. Refuses: bodies that say they are larger
//! than any API here takes; the door cuts those that do not say. No rule reads a body yet, so none is asked for.

use crate::{judge::Denial, reserve::Reserved, snapshot::Snapshot};
use wardgate_abuse::watch::Payload;
use wardgate_model::reason::Reason;

/// A request whose shape is good.
#[derive(Debug)]
pub struct Inspected<'f> {
    /// What is held.
    pub reserved: Reserved<'f>,
    /// What its query and body told.
    pub payload: Payload,
}

/// Looks at the shape.
///
/// # Errors
/// When it cannot be right.
pub fn inspect<'f>(reserved: Reserved<'f>, snapshot: &Snapshot) -> Result<Inspected<'f>, Box<Denial>> {
    let length = reserved.considered.facts.request.length;
    if length.is_some_and(|bytes| bytes > snapshot.body_bytes_max()) {
        return Err(Denial::because(Reason::WireBodyTooLarge));
    }
    Ok(Inspected { reserved, payload: Payload::default() })
}
