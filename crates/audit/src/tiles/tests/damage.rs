//! Whatever is changed in a log's directory is found, and named.

use super::{copy, entry, files, findings, key, log_of, open, root_of};
use crate::{
    note::{Checkpoint, Signer as _, tests::TestKey},
    tiles::{FileFault, Finding, Log, TilesError, Writer, verify},
};
use std::{fs, path::Path, sync::Arc};

fn checkpoint(directory: &Path) -> Checkpoint {
    Log::open(directory, &key().trusted()).expect("opens").checkpoint().clone()
}

/// Changes a file of a copy of the log, and says what is found.
fn changed(log: &Path, file: &str, change: impl FnOnce(&mut Vec<u8>)) -> String {
    let copy = copy(log);
    let path = copy.path().join(file);
    let mut bytes = fs::read(&path).expect("there");
    change(&mut bytes);
    fs::write(&path, bytes).expect("written");
    findings(copy.path())
}

/// Flips every `step`th byte of every file, and calls `found` with file, place and findings.
fn flipped(log: &Path, step: usize, mut found: impl FnMut(&str, usize, &str)) {
    for file in files(log) {
        let path = log.join(&file);
        let bytes = fs::read(&path).expect("there");
        for at in (0..bytes.len()).step_by(if bytes.len() > 1000 { step } else { 1 }) {
            let mut other = bytes.clone();
            other[at] ^= 1 << (at % 8);
            fs::write(&path, other).expect("written");
            found(&file, at, &findings(log));
        }
        fs::write(&path, bytes).expect("written");
    }
    assert_eq!(findings(log), "");
}

#[test]
fn every_flipped_byte_is_found_and_named() {
    // With the tiles of the checkpoint before; and with tiles of tiles.
    for (sizes, step) in [(&[6, 7][..], 1), (&[257, 258], 397)] {
        let log = log_of(sizes);
        flipped(log.path(), step, |file, at, findings| {
            let context = format!("{file}, byte {at}: {findings}");
            assert!(findings.contains(&format!("`{file}`")), "{context}");
            assert!(findings.lines().all(|line| line.contains(file)), "{context}");
            if let Some(tile) = file.strip_prefix("tile/").filter(|tile| !tile.starts_with("entries")) {
                let first = if tile.contains("/001") { 256 } else { 0 };
                assert_eq!(findings, format!("`{file}`: hash {} is not what the tree has there\n", first + at / 32));
            }
        });
    }
}

#[test]
fn entries_are_named_that_were_changed_swapped_dropped_or_doubled() {
    let log = log_of(&[300]);
    let file = "tile/entries/001.p/44";
    let lengths: Vec<usize> = (256..300).map(|number| 2 + entry(number).len()).collect();
    let begin = |number: usize| lengths[..number].iter().sum::<usize>();
    let one = |number: usize| begin(number)..begin(number + 1);
    assert_eq!(changed(log.path(), file, |bytes| bytes[begin(3) + 5] ^= 1), format!("`{file}`: entry 259 is not what was logged\n"));
    let swapped = changed(log.path(), file, |bytes| {
        let other = bytes[one(7)].to_vec();
        bytes.copy_within(one(6), begin(7));
        bytes[one(6)].copy_from_slice(&other);
    });
    assert_eq!(swapped, format!("`{file}`: entries 262 to 263 are not what was logged\n"));
    let dropped = changed(log.path(), file, |bytes| drop(bytes.drain(one(40))));
    assert_eq!(dropped, format!("`{file}` is not as long as it must be\n`{file}`: entries 296 to 298 are not what was logged\n"));
    let doubled = changed(log.path(), file, |bytes| {
        let twice = bytes[one(42)].to_vec();
        bytes.splice(begin(42)..begin(42), twice);
    });
    assert_eq!(doubled, format!("`{file}` is not as long as it must be\n`{file}`: entry 299 is not what was logged\n"));
    // A swap of whole entries in the tile too: the tree knows better.
    let both = copy(log.path());
    for (file, width) in [(file, 13), ("tile/0/001.p/44", 32)] {
        assert_eq!(one(0).len(), 14);
        let path = both.path().join(file);
        let mut bytes = fs::read(&path).expect("there");
        let width = if width == 13 { one(0).len() } else { width };
        let (first, second) = bytes.split_at_mut(width);
        first.swap_with_slice(&mut second[..width]);
        fs::write(&path, bytes).expect("written");
    }
    assert_eq!(
        findings(both.path()),
        "neither entries nor tiles lead to the root of the checkpoint: it is of another state, or all was rewritten\n"
    );
}

#[test]
fn damage_in_both_places_is_told_apart_where_the_tree_allows() {
    let log = log_of(&[600]);
    let flip = |file: &str, at: usize| {
        let path = log.path().join(file);
        let mut bytes = fs::read(&path).expect("there");
        bytes[at] ^= 1;
        fs::write(&path, bytes).expect("written");
    };
    flip("tile/entries/000", 5);
    flip("tile/0/001", 33);
    assert_eq!(
        findings(log.path()),
        "`tile/entries/000`: entry 0 is not what was logged\n`tile/0/001`: hash 257 is not what the tree has there\n"
    );
    // The tile above is damaged too: nothing says any more which of the two is right.
    flip("tile/1/000.p/2", 0);
    flip("tile/1/000.p/2", 32);
    assert_eq!(
        findings(log.path()),
        "`tile/entries/000`: entry 0 is not what the tile beside it says, and neither leads to the root\n\
         `tile/entries/001`: entry 257 is not what the tile beside it says, and neither leads to the root\n\
         neither entries nor tiles lead to the root of the checkpoint: it is of another state, or all was rewritten\n"
    );
}

#[test]
fn files_that_are_missing_cut_or_too_many_are_named() {
    let log = log_of(&[256, 600]);
    for file in files(log.path()).iter().filter(|file| !file.ends_with("/1")) {
        let copy = copy(log.path());
        let path = copy.path().join(file);
        fs::remove_file(&path).expect("there");
        let expected = if file == "checkpoint" { "there is no checkpoint\n".to_owned() } else { format!("`{file}` is missing\n") };
        assert_eq!(findings(copy.path()), expected);
        // Cut, or with something behind it.
        for change in [
            |bytes: &mut Vec<u8>| bytes.truncate(bytes.len() - 1),
            |bytes: &mut Vec<u8>| bytes.push(0),
            |bytes: &mut Vec<u8>| bytes.clear(),
        ] {
            let found = changed(log.path(), file, change);
            assert!(!found.is_empty() && found.lines().all(|line| line.contains(file.as_str())), "{file}: {found}");
        }
    }
    for file in ["tile/0/002.p/89", "tile/entries/002", "checkpoint.new", "tile/0/2", "tile/0/002.p/x", "notes.txt"] {
        let copy = copy(log.path());
        fs::write(copy.path().join(file), b"x").expect("written");
        let beyond = ["tile/0/002.p/89", "tile/entries/002", "checkpoint.new"].contains(&file);
        assert_eq!(findings(copy.path()), if beyond { format!("beyond: {file}\n") } else { format!("`{file}` is no file of a log\n") });
    }
    // A link is followed nowhere, and a folder is no file.
    let copy = copy(log.path());
    std::os::unix::fs::symlink(log.path(), copy.path().join("tile/elsewhere")).expect("linked");
    assert_eq!(findings(copy.path()), "`tile/elsewhere` is no file of a log\n");
    fs::remove_file(copy.path().join("tile/elsewhere")).expect("there");
    fs::remove_file(copy.path().join("tile/0/000")).expect("there");
    fs::create_dir(copy.path().join("tile/0/000")).expect("made");
    assert_eq!(findings(copy.path()), "`tile/0/000` is missing\n");
    // A pipe is not waited for.
    fs::remove_dir(copy.path().join("tile/0/000")).expect("there");
    let made = std::process::Command::new("mkfifo").arg(copy.path().join("tile/0/000")).status().expect("mkfifo runs");
    assert!(made.success());
    assert_eq!(findings(copy.path()), "`tile/0/000` is not as long as it must be\n");
}

#[test]
fn a_checkpoint_set_back_is_found_and_not_opened() {
    let log = log_of(&[3]);
    let old = fs::read(log.path().join("checkpoint")).expect("there");
    let remembered = {
        let (mut writer, _) = open(log.path()).expect("opens");
        for number in 3..6 {
            assert_eq!(writer.append(&[&entry(number)]).expect("appended"), number);
        }
        writer.log().checkpoint().clone()
    };
    // Only the checkpoint: the tiles go beyond it, and those it needs are gone.
    let back = copy(log.path());
    fs::write(back.path().join("checkpoint"), &old).expect("written");
    let found = findings(back.path());
    assert_eq!(
        found,
        "`tile/entries/000.p/3` is missing\n`tile/0/000.p/3` is missing\n\
         the checkpoint names 3 entries and lacks tiles, while `tile/0/000.p/5` goes on: an older checkpoint was put back\n\
         neither entries nor tiles lead to the root of the checkpoint: it is of another state, or all was rewritten\n\
         beyond: tile/0/000.p/5\nbeyond: tile/0/000.p/6\nbeyond: tile/entries/000.p/5\nbeyond: tile/entries/000.p/6\n"
    );
    let refused = open(back.path()).expect_err("refused");
    assert!(matches!(&refused, TilesError::Broken { fault: FileFault::Missing, .. }), "{refused}");
    assert_eq!(files(back.path()), files(log.path()), "nothing is changed");
    // All of it: only who remembers can tell.
    let whole = log_of(&[3]);
    assert_eq!(findings(whole.path()), "");
    let report = verify(whole.path(), &key().trusted(), Some(&remembered)).expect("readable");
    assert_eq!(report.findings, [Finding::RolledBack { size: 3, remembered: 6 }]);
}

#[test]
fn a_log_written_anew_is_found_by_who_remembers() {
    let log = log_of(&[5, 9]);
    let then = checkpoint(log_of(&[5]).path());
    let found =
        |directory: &Path, remembered: &Checkpoint| verify(directory, &key().trusted(), Some(remembered)).expect("readable").findings;
    assert_eq!(found(log.path(), &then), []);
    assert_eq!(found(log.path(), &checkpoint(log.path())), []);
    let other = tempfile::tempdir().expect("a directory");
    let (mut writer, _) = open(other.path()).expect("opens");
    for number in 0..9 {
        writer.append(&[&entry(if number == 2 { 77 } else { number })]).expect("appended");
    }
    assert_eq!(findings(other.path()), "", "it is whole in itself");
    assert_eq!(found(other.path(), &then), [Finding::Rewritten { remembered: 5 }]);
    assert_eq!(found(other.path(), &checkpoint(log.path())), [Finding::Rewritten { remembered: 9 }]);
    // The right checkpoint over other entries.
    fs::copy(log.path().join("checkpoint"), other.path().join("checkpoint")).expect("copied");
    assert_eq!(found(other.path(), &checkpoint(log.path())), [Finding::Root]);
}

#[test]
fn a_forged_checkpoint_is_found() {
    let log = log_of(&[5]);
    let path = log.path().join("checkpoint");
    let right = checkpoint(log.path());
    let forger = TestKey::new(key().name(), 9);
    fs::write(&path, right.sign(&forger).expect("signed")).expect("written");
    assert_eq!(findings(log.path()), "`checkpoint`: the note is signed by none of the known keys\n");
    let elsewhere = Checkpoint { origin: "gate.example.com/log/edge-2".into(), ..right.clone() };
    fs::write(&path, elsewhere.sign(&key()).expect("signed")).expect("written");
    assert_eq!(
        findings(log.path()),
        "`checkpoint`: the checkpoint is of the log `gate.example.com/log/edge-2`, not of `gate.example.com/log/edge-1`\n"
    );
    // Signed by the key, and of a size that no directory holds: said, and not gone through.
    let huge = Checkpoint { size: u64::MAX, ..right };
    fs::write(&path, huge.sign(&key()).expect("signed")).expect("written");
    let report = verify(log.path(), &key().trusted(), None).expect("readable");
    assert_eq!(report.findings.last(), Some(&Finding::More));
    assert!(open(log.path()).is_err());
}

#[test]
fn what_is_read_from_a_damaged_log_is_refused() {
    let log = log_of(&[300]);
    // An entry; and the hash of the leaf beside the one that is asked for.
    for (file, index) in [("tile/entries/001.p/44", 256), ("tile/0/001.p/44", 257)] {
        let copy = copy(log.path());
        let path = copy.path().join(file);
        let mut bytes = fs::read(&path).expect("there");
        bytes[5] ^= 1;
        fs::write(&path, bytes).expect("written");
        let log = Log::open(copy.path(), &key().trusted()).expect("opens");
        let refused = log.entry(index).expect_err("refused").to_string();
        assert!(refused.contains("does not lead to the root of the checkpoint"), "{file}: {refused}");
        assert!(log.proof(index).is_err(), "{file}");
        let refused = Writer::open(copy.path(), key().trusted(), Arc::new(key())).expect_err("refused").to_string();
        assert!(refused.contains("does not lead to the root of the checkpoint"), "{file}: {refused}");
    }
    assert_eq!(checkpoint(log.path()).root, root_of(300));
}
