//! Who is a person. Takes an identity and the owners, gives yes or no.
//!
//! Why: some acts want somebody who answers with a name. Wardgate has no accounts of people; an identity stands for one when
//! its tag `person` is the address of an accountable person or deputy on record.

use wardgate_model::inventory::{Identity, Owner};

/// The tag that names the person behind an identity.
pub const TAG: &str = "person";
/// The built-in identity that sets an installation up: whoever holds its credential stands before the machine.
pub const OPERATOR: &str = "wardgate-operator";

/// The addresses of the people of an owner: the accountable one first.
pub fn people(owner: &Owner) -> impl Iterator<Item = &str> {
    std::iter::once(&*owner.accountable).chain(owner.deputy.as_deref())
}

/// Whether two addresses are the same: letters in either case, no space around.
#[must_use]
pub fn same(a: &str, b: &str) -> bool {
    let (a, b) = (a.trim(), b.trim());
    !a.is_empty() && a.to_lowercase() == b.to_lowercase()
}

/// Whether the identity stands for a person: the built-in operator, or one whose tag `person` is the address of an
/// accountable person or deputy of one of `owners`.
#[must_use]
pub fn is_person<'a>(identity: &Identity, owners: impl IntoIterator<Item = &'a Owner>) -> bool {
    if identity.id.as_str() == OPERATOR {
        return true;
    }
    let Some(address) = identity.tags.get(TAG) else { return false };
    owners.into_iter().any(|owner| people(owner).any(|known| same(known, address)))
}

#[cfg(test)]
mod tests;
