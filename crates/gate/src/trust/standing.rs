//! What a proof was found good by, as long as that is what it was.

use std::{cmp::Ordering, sync::Arc};

/// Tells one state of a trust source from every other, of it and of all others. Clones are the same one.
// INVARIANT (of its own): as long as a clone is somewhere, its place is nobody else's. So whatever remembers one keeps it.
#[derive(Debug, Clone, Default)]
pub(super) struct Standing(Arc<()>);

impl Standing {
    fn place(&self) -> *const () {
        Arc::as_ptr(&self.0)
    }
}

impl PartialEq for Standing {
    fn eq(&self, other: &Self) -> bool {
        self.place() == other.place()
    }
}

impl Eq for Standing {}

impl PartialOrd for Standing {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Standing {
    fn cmp(&self, other: &Self) -> Ordering {
        self.place().cmp(&other.place())
    }
}
