//! Records whose numbers are not those of their places: which were taken out, put in twice, or moved.

use super::Finding;

/// What stands in a place: the number that a record says, and the id of its request.
pub(super) struct Said {
    pub(super) seq: Option<i64>,
    pub(super) request: Option<Box<str>>,
}

/// What is wrong of records one after the other, from the number on that comes first; and the number after the last.
pub(super) fn look(file: &str, first: u64, said: &[Said]) -> (Vec<Finding>, u64) {
    let file = || file.to_owned();
    let number = |at: usize| said.get(at)?.seq.and_then(|seq| u64::try_from(seq).ok());
    let (mut findings, mut next) = (Vec::new(), first);
    for (at, record) in said.iter().enumerate() {
        let Some(found) = number(at).filter(|found| *found != next) else {
            if record.seq.is_none() {
                findings.push(Finding::Seq { file: file(), expected: next, found: None });
            }
            next = next.saturating_add(1);
            continue;
        };
        let goes_on = at + 1 == said.len() || number(at + 1) == found.checked_add(1);
        let before = at.checked_sub(1).and_then(number);
        if found > next && goes_on {
            findings.push(Finding::Dropped { file: file(), first: next, last: found - 1 });
            next = found.saturating_add(1);
        } else if before == Some(found) {
            findings.push(Finding::Doubled { file: file(), seq: found, request: record.request.clone() });
        } else {
            findings.push(Finding::Seq { file: file(), expected: next, found: record.seq });
            // Where all that follows is moved by as much, it is told once.
            next = if at + 1 < said.len() && goes_on { found } else { next }.saturating_add(1);
        }
    }
    (findings, next)
}

#[cfg(test)]
mod tests {
    use super::{Said, look};

    fn told(first: u64, seqs: &[i64]) -> (String, u64) {
        let said = |seq: &i64| Said { seq: (*seq >= 0).then_some(*seq), request: Some(format!("r{seq}").into()) };
        let (findings, next) = look("f", first, &seqs.iter().map(said).collect::<Vec<_>>());
        (findings.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "), next)
    }

    #[test]
    fn what_was_done_to_records_is_told_once() {
        for (seqs, expected, next) in [
            (&[5, 6, 7][..], "", 8),
            (&[5, 7, 8, 9], "`f`: event 6 is not there", 10),
            (&[7, 8], "`f`: events 5 to 6 are not there", 9),
            (&[5, 6, 9], "`f`: events 7 to 8 are not there", 10),
            (&[5, 5, 6, 7], "`f`: event 5 (request `r5`) is there twice", 8),
            (&[5, 6, 6], "`f`: event 6 (request `r6`) is there twice", 7),
            (&[6, 5, 7], "`f`: event 6 stands where 5 belongs; `f`: event 5 stands where 6 belongs", 8),
            (&[2, 3, 4], "`f`: event 2 stands where 5 belongs", 5),
            (&[5, -1, 7], "`f`: a record without a number stands where 6 belongs", 8),
            (&[i64::MAX, 6], "`f`: event 9223372036854775807 stands where 5 belongs", 7),
        ] {
            assert_eq!(told(5, seqs), (expected.to_owned(), next), "{seqs:?}");
        }
    }
}
