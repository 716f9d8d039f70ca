//! The script for those who want to believe nothing of ours: it and we find the same.

use super::{SIZES, copy, entry, key, log_of, root_of};
use crate::tiles::Log;
use std::{fs, path::Path, process::Command};

/// Runs it, and gives how it ended and what it said.
fn run(words: &[&str]) -> (Option<i32>, String) {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scripts/verify_log.py");
    let done = Command::new("python3").arg("-B").arg(script).args(words).output().expect("python3 runs");
    let said = [done.stdout, done.stderr].concat();
    (done.status.code(), String::from_utf8_lossy(&said).into_owned())
}

fn text(path: &Path) -> &str {
    path.to_str().expect("UTF-8")
}

#[test]
fn logs_of_all_sizes_are_found_whole() {
    let vkey = key().verifier().to_string();
    let place = tempfile::tempdir().expect("a directory");
    let [remembered, proof, bytes] = ["remembered", "proof", "entry"].map(|name| place.path().join(name));
    for size in SIZES {
        // In two steps: the first checkpoint is the one to remember.
        let older = size / 3;
        let directory = log_of(&[older].into_iter().filter(|older| *older > 0).collect::<Vec<_>>());
        fs::copy(directory.path().join("checkpoint"), &remembered).expect("copied");
        let (mut writer, _) = super::open(directory.path()).expect("opens");
        super::append(&mut writer, older, size).expect("appended");
        let whole = format!("{size} entries, root {}\n", root_of(size));
        let log = text(directory.path());
        assert_eq!(run(&["log", log, &vkey, "--remembered", text(&remembered)]), (Some(0), whole));
        if size > 0 {
            let index = size - 1 - older / 2;
            let opened = Log::open(directory.path(), &key().trusted()).expect("opens");
            fs::write(&proof, opened.proof(index).expect("proven").to_string()).expect("written");
            fs::write(&bytes, entry(index)).expect("written");
            let shown = format!("entry {index} is in the log: {size} entries, root {}\n  ", root_of(size));
            let (code, said) = run(&["proof", text(&proof), &vkey, text(&bytes)]);
            assert_eq!((code, said.starts_with(&shown)), (Some(0), true), "{said}");
            fs::write(&bytes, entry(index + 1)).expect("written");
            let refused = format!("the proof does not show the entry to be number {index} of {size}\n");
            assert_eq!(run(&["proof", text(&proof), &vkey, text(&bytes)]), (Some(3), refused));
        }
    }
}

#[test]
fn what_is_wrong_is_found_too() {
    let vkey = key().verifier().to_string();
    let log = log_of(&[300]);
    let check = |file: &str, change: fn(&mut Vec<u8>), expected: &str| {
        let copy = copy(log.path());
        let path = copy.path().join(file);
        let mut bytes = fs::read(&path).expect("there");
        change(&mut bytes);
        fs::write(&path, bytes).expect("written");
        let (code, said) = run(&["log", text(copy.path()), &vkey]);
        assert_eq!(code, Some(3), "{said}");
        assert!(said.contains(expected), "{file}: {said}");
    };
    check(
        "tile/entries/000",
        |bytes| bytes[5] ^= 1,
        "the entries do not lead to the root of the checkpoint\ntile/0/000: hash 0 is not that of",
    );
    check("tile/entries/001.p/44", |bytes| bytes[1] ^= 1, "tile/entries/001.p/44 ");
    check("tile/0/001.p/44", |bytes| bytes[33] ^= 1, "tile/0/001.p/44: hash 257 is not that of");
    check("tile/1/000.p/1", |bytes| bytes[0] ^= 1, "tile/1/000.p/1: hash 0 is not that of");
    check("tile/0/000", |bytes| bytes.truncate(100), "tile/0/000 is not as long as it must be");
    check("checkpoint", |bytes| bytes[3] ^= 1, "the signature of gate.example.com/log/edge-1 is not over this text");
    check("checkpoint", |bytes| bytes.truncate(30), "the note has no signatures");
    let missing = copy(log.path());
    fs::remove_file(missing.path().join("tile/0/000")).expect("there");
    assert_eq!(run(&["log", text(missing.path()), &vkey]).0, Some(3));
    // Set back, and written anew.
    let note = log.path().join("checkpoint");
    let said = run(&["log", text(log_of(&[200]).path()), &vkey, "--remembered", text(&note)]);
    assert_eq!(said, (Some(3), "the log was set back: 200 entries now, and a remembered checkpoint names 300\n".to_owned()));
    let other = tempfile::tempdir().expect("a directory");
    let (mut writer, _) = super::open(other.path()).expect("opens");
    super::append(&mut writer, 1, 302).expect("appended");
    let said = run(&["log", text(other.path()), &vkey, "--remembered", text(&note)]);
    let rewritten = "the log was rewritten: its first 300 entries are not those of the remembered checkpoint\n";
    assert_eq!(said, (Some(3), rewritten.to_owned()));
    // Another key, and none.
    let stranger = crate::note::tests::TestKey::new("gate.example.com/log/edge-1", 9).verifier().to_string();
    assert_eq!(run(&["log", text(log.path()), &stranger]), (Some(3), "gate.example.com/log/edge-1 did not sign the note\n".to_owned()));
    assert_eq!(run(&["log", text(log.path()), "x"]), (Some(2), "the key is not `NAME+ID+BASE64`\n".to_owned()));
    assert_eq!(run(&["log"]).0, Some(2));
    assert_eq!(run(&["log", "/nowhere", &vkey]), (Some(1), "/nowhere is no directory\n".to_owned()));
}

#[test]
fn its_tree_is_the_one_of_the_definition() {
    let code = "
import sys
sys.path.insert(0, sys.argv[1])
import verify_log as v
leaves = []
for size in range(0, 140):
    root = v.tree_root(leaves)
    assert root == v.root_by_definition(leaves), size
    for index in range(0, size, 5):
        path = v.inclusion_path(leaves, index)
        assert v.inclusion_holds(leaves[index], index, size, path, root)
        assert not v.inclusion_holds(leaves[index], index, size, path + [root], root)
    leaves.append(v.leaf_hash(b'%d' % size))
print('held')
";
    let scripts = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scripts");
    let done = Command::new("python3").args(["-B", "-c", code]).arg(scripts).output().expect("python3 runs");
    assert_eq!(String::from_utf8_lossy(&[done.stdout, done.stderr].concat()), "held\n");
}
