//! Identities on record that are not among the documents: there may be a million of them.

use crate::{document::Document, nearest::listed, reference::references};
use std::fmt::Write;
use wardgate_model::{
    diagnostic::{Diagnostic, Place},
    id::{EnvironmentName, IdentityId, OwnerName},
    inventory::IdentityKind,
    resource::Kind,
};

/// Answers for identities that are on record but not among the documents, and will be after the change that the
/// documents are part of. What the documents say of an identity comes first.
pub trait Beside {
    /// The identity of this name.
    fn identity(&self, name: &str) -> Option<BesideIdentity>;

    /// Whether the identity of this name has such an entry in its `credentials`; `None` when that is not known.
    fn has_credential(&self, identity: &str, entry: &str) -> Option<bool> {
        let _ = (identity, entry);
        None
    }

    /// Which identities name this owner or environment. It is asked only about what goes away.
    fn naming(&self, kind: Kind, name: &str) -> Naming {
        let _ = (kind, name);
        Naming::default()
    }
}

/// What grants, limits, contracts and waivers have to know of an identity that they name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BesideIdentity {
    /// Who answers for it.
    pub owner: OwnerName,
    /// Where it lives.
    pub environment: EnvironmentName,
    /// What kind of machine it is.
    pub kind: IdentityKind,
}

/// Which identities name something.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Naming {
    /// A few of them; ten are enough.
    pub first: Vec<IdentityId>,
    /// How many there are in all.
    pub count: u64,
}

/// There are no identities beside the documents.
#[derive(Debug, Clone, Copy, Default)]
pub struct Nobody;

impl Beside for Nobody {
    fn identity(&self, _: &str) -> Option<BesideIdentity> {
        None
    }
}

/// Those that a message names.
const NAMED_MAX: usize = 10;

/// Whether something may go: one error for each of the `removed` that a document or an identity beside them still names,
/// with ten of those and the number of all. `documents` are those that stay.
#[must_use]
pub fn still_named(removed: &[(Kind, &str)], documents: &[Document], beside: &dyn Beside, place: &Place) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for (kind, name) in removed {
        let mut first = Vec::new();
        let mut count = 0_u64;
        for document in documents {
            if references(document).any(|reference| reference.kind == *kind && reference.name == *name) {
                count += 1;
                if first.len() < NAMED_MAX {
                    first.push(document.subject());
                }
            }
        }
        let naming = beside.naming(*kind, name);
        let room = NAMED_MAX.saturating_sub(first.len());
        first.extend(naming.first.iter().take(room).map(|identity| format!("{} `{identity}`", Kind::Identity)));
        count = count.saturating_add(naming.count);
        if count > 0 {
            found.push(still(*kind, name, &first, count, place));
        }
    }
    found
}

fn still(kind: Kind, name: &str, first: &[String], count: u64, place: &Place) -> Diagnostic {
    let mut what = format!("the {kind} {} cannot go: {}", listed([name]), first.join(", "));
    let named = u64::try_from(first.len()).unwrap_or(u64::MAX);
    if let Some(more) = count.checked_sub(named).filter(|more| *more > 0) {
        let _ = write!(what, "{}{more} more", if first.is_empty() { "" } else { " and " });
    }
    what += if count == 1 { " names it" } else { " name it" };
    let mend = match kind {
        Kind::Owner => "give them another owner first, or retire them",
        _ => "change or remove them first, or in the same change",
    };
    Diagnostic::error(place.clone(), "resource.in_use", what).mend(mend)
}
