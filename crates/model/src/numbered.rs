//! Numbers that somebody makes of a name by a key, remembered beside the name: so that a name of long standing is hashed once and not with each
//! request.
//!
//! They are no part of the name: two names are the same, and in the same order, whatever was made of them.

use std::{
    cmp::Ordering,
    fmt,
    hash::{Hash, Hasher},
    sync::OnceLock,
};

/// Two numbers, and the key by which they were made.
#[derive(Clone, Default)]
pub struct Numbered(OnceLock<([u64; 2], [u64; 2])>);

impl Numbered {
    /// The numbers by this key. Those by the first key that asks are remembered: in a process there is one.
    pub fn by(&self, key: [u64; 2], make: impl FnOnce() -> [u64; 2]) -> [u64; 2] {
        match self.0.get() {
            Some((known, numbers)) if *known == key => *numbers,
            Some(_) => make(),
            None => {
                let numbers = make();
                // Somebody else may have been quicker, by another key.
                let _set = self.0.set((key, numbers));
                numbers
            }
        }
    }
}

impl fmt::Debug for Numbered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The key is nobody's business.
        f.write_str("Numbered")
    }
}

impl PartialEq for Numbered {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Numbered {}

impl Hash for Numbered {
    fn hash<H: Hasher>(&self, _: &mut H) {}
}

impl PartialOrd for Numbered {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Numbered {
    fn cmp(&self, _: &Self) -> Ordering {
        Ordering::Equal
    }
}

#[cfg(test)]
mod tests {
    use super::Numbered;

    #[test]
    fn numbers_are_made_once_and_are_those_of_who_asks() {
        let numbered = Numbered::default();
        assert_eq!(numbered.by([1, 2], || [7, 8]), [7, 8]);
        assert_eq!(numbered.by([1, 2], || unreachable!("they are remembered")), [7, 8]);
        assert_eq!(numbered.by([1, 3], || [9, 9]), [9, 9], "by another key they are others");
        assert_eq!(numbered.by([1, 2], || unreachable!("they are still")), [7, 8]);
        assert_eq!(numbered, Numbered::default(), "they are no part of a name");
    }
}
