//! Of all that was found, what is a cause, and what only follows from it: whoever repairs or accuses begins with the causes.

use super::Finding;

/// Parts findings into causes and what follows from them, each in the order in which they were found.
pub(super) fn fold(findings: Vec<Finding>) -> (Vec<Finding>, Vec<Finding>) {
    let causes: Vec<usize> = (0..findings.len()).filter(|at| !follows(&findings, *at)).collect();
    let (mut found, mut follows) = (Vec::new(), Vec::new());
    for (at, finding) in findings.into_iter().enumerate() {
        if causes.contains(&at) { found.push(finding) } else { follows.push(finding) }
    }
    (found, follows)
}

fn follows(findings: &[Finding], at: usize) -> bool {
    let Some(finding) = findings.get(at) else { return false };
    findings.iter().any(|cause| makes(cause, finding))
}

/// Whether the one explains the other. No two explain each other.
fn makes(cause: &Finding, other: &Finding) -> bool {
    use Finding as F;
    let within = |first: u64, last: u64, seq: u64| (first..=last).contains(&seq);
    match (cause, other) {
        // Nothing says which segments there should be, or not all.
        (
            F::NoLog(_) | F::Log(_),
            F::LogEntry { .. } | F::Extra { .. } | F::Overlap { .. } | F::Gap { .. } | F::Sequence { .. } | F::Erasure { .. } | F::LogBehind { .. },
        )
        | (F::LogEntry { .. }, F::Extra { .. } | F::Overlap { .. } | F::Gap { .. } | F::Sequence { .. } | F::Erasure { .. })
        | (F::LogBehind { .. }, F::Extra { .. } | F::Overlap { .. } | F::Gap { .. } | F::Cut { .. })
        // What an older note says of the tails was true once.
        | (F::OldNote { .. }, F::Untold { .. } | F::Behind { .. } | F::Cut { .. } | F::Signed { .. }) => true,
        (F::Cut { first, last }, F::Gap { first: at, .. } | F::Sequence { expected: at, .. })
        | (F::Gap { first, last }, F::Sequence { expected: at, .. }) => within(*first, *last, *at),
        // Of a tail that cannot be read nothing is there.
        (F::Tail { file, .. } | F::Unreadable { file, .. }, F::Cut { first, .. } | F::Gap { first, .. }) => begins(file, *first),
        (F::Dropped { file, .. } | F::Doubled { file, .. }, F::Other { file: other, .. } | F::Segment { file: other, .. }) => file == other,
        (F::Dropped { first, last, .. }, F::Cut { first: at, .. }) => within(*first, *last, *at),
        (F::Older { file }, F::Beside { file: other, .. }) => file == other,
        _ => false,
    }
}

/// Whether a file is the tail that begins with this event.
fn begins(file: &str, first: u64) -> bool {
    crate::hot::first_seq(file) == Some(first)
}
