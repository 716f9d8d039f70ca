//! Subjects that stand for more than whoever wrote them may have meant (OWASP NHI6:2025).

use std::fmt;
use wardgate_model::trust::Subject;

/// How a subject is loose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Looseness {
    /// It names nobody in particular: of `a:b:c` or `a/b/c` less than two parts are given. `repo:*` is everybody at a public
    /// provider.
    Anybody,
    /// It ends within a part: `repo:acme*` is also `repo:acme-evil/…`, a name that anybody may take.
    WithinPart,
}

impl fmt::Display for Looseness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Anybody => "it names nobody in particular: give at least two parts before the `*`, as in `repo:acme/*`",
            Self::WithinPart => {
                "`*` stands within a part, so that longer names match too: end the part before it with `:` or `/`, as in `repo:acme/*`"
            }
        })
    }
}

/// Whether a subject is loose. One that is given whole never is.
#[must_use]
pub fn of(subject: &Subject) -> Option<Looseness> {
    let Subject::Beginning(start) = subject else { return None };
    let separator = |c| matches!(c, ':' | '/');
    if !start.ends_with(separator) {
        return Some(if start.is_empty() { Looseness::Anybody } else { Looseness::WithinPart });
    }
    (start.split(separator).filter(|part| !part.is_empty()).count() < 2).then_some(Looseness::Anybody)
}

#[cfg(test)]
mod tests {
    use super::{Looseness, of};
    use wardgate_model::trust::Subject;

    #[test]
    fn what_stands_for_more_than_it_seems_is_named() {
        for (text, loose) in [
            ("repo:acme/ledger:ref:refs/heads/main", None),
            ("repo:acme/ledger:*", None),
            ("repo:acme/*", None),
            ("repo:acme@12/ledger@34:*", None),
            ("system:serviceaccount:payments:*", None),
            ("spiffe://acme.example/prod/*", None),
            ("spiffe://acme.example/*", None),
            ("repo:acme*", Some(Looseness::WithinPart)),
            ("repo:acme/led*", Some(Looseness::WithinPart)),
            ("*", Some(Looseness::Anybody)),
            ("repo:*", Some(Looseness::Anybody)),
            ("spiffe://*", Some(Looseness::Anybody)),
        ] {
            assert_eq!(of(&Subject::parse(text)), loose, "{text}");
        }
    }
}
