//! Who has a store open: so that one knows whom to ask, or what to stop.

use crate::config::Config;
use std::{fs, os::unix::fs::MetadataExt as _, path::Path};

/// Where Linux says who holds which lock.
const LOCKS: &str = "/proc/locks";
/// How often it is looked there: the table is read in pieces, and where locks come and go meanwhile a line may be in none of them.
const LOOKS: usize = 5;

/// What to say of a store that another process has open, by the file that it holds locked.
pub(super) fn in_use(config: &Config, locked: &Path) -> String {
    let (who, stop) = match holder(locked) {
        Some(process) => (format!("process {process}"), format!("stop it (`kill {process}`)")),
        None => ("another process".to_owned(), "stop it".to_owned()),
    };
    format!(
        "{who} has the store `{}` open: leave `--offline` out and ask it at http://{}, or {stop} first",
        config.shown_store(),
        config.admin
    )
}

/// The process that holds a lock on a file, where the system says.
fn holder(locked: &Path) -> Option<u32> {
    let inode = fs::metadata(locked).ok()?.ino();
    (0..LOOKS).find_map(|_| parse(&fs::read_to_string(LOCKS).ok()?, inode))
}

/// The holder in a table like this, `->` being one that waits:
/// `1: FLOCK  ADVISORY  WRITE 4711 08:01:131090 0 EOF`.
fn parse(table: &str, inode: u64) -> Option<u32> {
    let mut found = None;
    for line in table.lines() {
        let mut words = line.split_whitespace().skip(1);
        if words.next() != Some("FLOCK") {
            continue;
        }
        let (Some(process), Some(file)) = (words.nth(2), words.next()) else { continue };
        let same = file.rsplit_once(':').is_some_and(|(_, number)| number.parse() == Ok(inode));
        // Two file systems may have files of one number: a guess would be worse than nothing.
        match (same, found) {
            (true, None) => found = Some(process.parse().ok()?),
            (true, Some(_)) => return None,
            (false, _) => {}
        }
    }
    found.filter(|process| *process > 0)
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn the_holder_of_a_lock_is_found() {
        let table = "\
1: FLOCK  ADVISORY  WRITE 4711 08:01:131090 0 EOF
1: -> FLOCK  ADVISORY  WRITE 4712 08:01:131090 0 EOF
2: POSIX  ADVISORY  READ 4713 08:01:131091 128 128
3: FLOCK  ADVISORY  WRITE 0 08:01:7 0 EOF
4: FLOCK  ADVISORY  WRITE 5 08:01:8 0 EOF
5: FLOCK  ADVISORY  WRITE 6 08:02:8 0 EOF
nonsense
";
        let cases = [(131_090, Some(4711)), (131_091, None), (7, None), (8, None), (9, None)];
        for (inode, expected) in cases {
            assert_eq!(parse(table, inode), expected, "{inode}");
        }
    }
}
