use super::{
    Found, Log, Proof, ProofFault, TilesError, Writer,
    disk::{Disk, Local},
    verify,
};
use crate::{
    note::{NoteError, tests::TestKey},
    tree::{self, Hash, ProofError, verify_consistency},
};
use proptest::prelude::*;
use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
};

mod crash;
mod damage;
mod independent;

/// Where logs are apt to be wrong: around nothing, one, powers of two, tiles, and two tiles of tiles.
const SIZES: [u64; 9] = [0, 1, 2, 7, 8, 255, 256, 257, 70_000];

fn key() -> TestKey {
    TestKey::new("gate.example.com/log/edge-1", 7)
}

fn entry(number: u64) -> Vec<u8> {
    format!("segment {number}\n").into_bytes()
}

/// The disk, without waiting for it: what lasts is for the crash tests to say.
struct Quick;

impl Disk for Quick {
    fn make_folder(&mut self, path: &Path) -> io::Result<()> {
        Local.make_folder(path)
    }
    fn write(&mut self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        fs::write(path, bytes)
    }
    fn rename(&mut self, from: &Path, to: &Path) -> io::Result<()> {
        Local.rename(from, to)
    }
    fn sync_folder(&mut self, path: &Path) -> io::Result<()> {
        assert!(path.is_dir(), "{} is a folder", path.display());
        Ok(())
    }
    fn remove(&mut self, path: &Path) -> io::Result<()> {
        Local.remove(path)
    }
    fn remove_folder(&mut self, path: &Path) -> io::Result<()> {
        Local.remove_folder(path)
    }
}

fn open(directory: &Path) -> Result<(Writer, Found), TilesError> {
    Writer::open_on(directory, key().trusted(), Arc::new(key()), Box::new(Quick))
}

fn append(writer: &mut Writer, from: u64, to: u64) -> Result<u64, TilesError> {
    let entries: Vec<Vec<u8>> = (from..to).map(entry).collect();
    writer.append(&entries.iter().map(Vec::as_slice).collect::<Vec<_>>())
}

/// A log that was appended to until it had each of these sizes.
fn log_of(sizes: &[u64]) -> tempfile::TempDir {
    let directory = tempfile::tempdir().expect("a directory");
    let (mut writer, found) = open(directory.path()).expect("opens");
    assert_eq!(found, Found::default());
    for size in sizes {
        let at = writer.size();
        assert_eq!(append(&mut writer, at, *size).expect("appended"), at);
        assert_eq!(writer.size(), *size);
    }
    directory
}

/// What is wrong of a log, a finding a line.
fn findings(directory: &Path) -> String {
    let report = verify(directory, &key().trusted(), None).expect("readable");
    let beyond = report.beyond.iter().map(|file| format!("beyond: {file}\n"));
    report.findings.iter().map(|finding| format!("{finding}\n")).chain(beyond).collect()
}

/// Files of a log, named from its directory on.
fn files(directory: &Path) -> Vec<String> {
    let mut files = super::disk::files(directory).expect("listable");
    files.push("checkpoint".to_owned());
    files
}

fn root_of(size: u64) -> Hash {
    tree::root((0..size).map(|number| tree::leaf(&entry(number))))
}

#[test]
fn a_log_has_the_files_of_the_standard() {
    assert_eq!(files(log_of(&[]).path()), ["checkpoint"]);
    assert_eq!(
        files(log_of(&[1, 2]).path()),
        ["tile/0/000.p/1", "tile/0/000.p/2", "tile/entries/000.p/1", "tile/entries/000.p/2", "checkpoint"]
    );
    // Those of the checkpoint and of the one before; none where the tile is full.
    let three = log_of(&[1, 2, 3]);
    assert_eq!(files(three.path()), ["tile/0/000.p/2", "tile/0/000.p/3", "tile/entries/000.p/2", "tile/entries/000.p/3", "checkpoint"]);
    let full = ["tile/0/000", "tile/0/001.p/1", "tile/1/000.p/1", "tile/entries/000", "tile/entries/001.p/1", "checkpoint"];
    assert_eq!(files(log_of(&[3, 257]).path()).len(), full.len() + 2);
    assert_eq!(files(log_of(&[3, 256, 257]).path()), full);
    // Opened again, those of the checkpoint only.
    assert_eq!(open(three.path()).expect("opens").1, Found::default());
    assert_eq!(files(three.path()), ["tile/0/000.p/3", "tile/entries/000.p/3", "checkpoint"]);
    assert_eq!(fs::read(three.path().join("tile/entries/000.p/3")).expect("there"), b"\0\x0asegment 0\n\0\x0asegment 1\n\0\x0asegment 2\n");
    let checkpoint = fs::read_to_string(three.path().join("checkpoint")).expect("there");
    assert!(checkpoint.starts_with("gate.example.com/log/edge-1\n3\n"), "{checkpoint}");
}

#[test]
fn what_was_appended_is_read_and_proven_whatever_the_steps() {
    for sizes in
        [vec![], vec![1], vec![2], vec![1, 7, 8], vec![255, 256, 257], vec![300, 1000], (1..=12).collect(), vec![250, 513, 514, 800]]
    {
        let directory = log_of(&sizes);
        let size = sizes.last().copied().unwrap_or(0);
        let log = Log::open(directory.path(), &key().trusted()).expect("opens");
        assert_eq!((log.checkpoint().size, log.checkpoint().root), (size, root_of(size)));
        assert_eq!(findings(directory.path()), "", "{sizes:?}");
        for number in [0, 1, 6, 254, 255, 256, 511, 512, 513, size / 2, size.saturating_sub(1)].into_iter().filter(|number| *number < size)
        {
            assert_eq!(log.entry(number).expect("there"), entry(number));
            let proof = log.proof(number).expect("proven");
            assert_eq!(proof.verify(&tree::leaf(&entry(number)), &key().trusted()).as_ref(), Ok(log.checkpoint()));
            let path = log.consistency(number).expect("consistent");
            verify_consistency(number, size, &path, &root_of(number), &log.checkpoint().root).expect("consistent");
        }
        assert!(matches!(log.entry(size), Err(TilesError::Proof(ProofError::NoLeaf { .. }))));
        assert!(matches!(log.consistency(size + 1), Err(TilesError::Proof(ProofError::Shrunk { .. }))));
        // It goes on from there.
        drop(log);
        let (mut writer, found) = open(directory.path()).expect("opens");
        assert_eq!(found, Found::default());
        append(&mut writer, size, size + 2).expect("appended");
        assert_eq!(writer.log().checkpoint().root, root_of(size + 2));
        assert_eq!(findings(directory.path()), "");
    }
}

#[test]
fn entries_of_any_length_are_kept() {
    let directory = tempfile::tempdir().expect("a directory");
    let (mut writer, _) = Writer::open(&directory.path().join("log"), key().trusted(), Arc::new(key())).expect("opens");
    let long = vec![7; super::ENTRY_BYTES_MAX];
    assert_eq!(writer.append(&[b"", &long]).expect("appended"), 0);
    assert!(matches!(writer.append(&[b"x", &[0; 65_536]]), Err(TilesError::Long { bytes: 65_536 })));
    assert_eq!(writer.append(&[]).expect("nothing"), 2);
    assert_eq!(writer.append(&[b"after"]).expect("appended"), 2);
    assert_eq!(writer.log().entry(0).expect("there"), b"");
    assert_eq!(writer.log().entry(1).expect("there"), long);
    assert_eq!(findings(&directory.path().join("log")), "");
}

#[test]
fn one_writes_and_only_with_a_key_of_the_log() {
    let directory = log_of(&[2]);
    let (writer, _) = open(directory.path()).expect("opens");
    assert!(matches!(open(directory.path()), Err(TilesError::Locked(_))));
    drop(writer);
    let other = TestKey::new("gate.example.com/log/edge-1", 8);
    let by = |trusted, signer| Writer::open_on(directory.path(), trusted, Arc::new(signer), Box::new(Quick)).map(|_| ());
    assert!(matches!(by(key().trusted(), TestKey::new("gate.example.com/log/edge-1", 8)), Err(TilesError::NotTrusted(_))));
    // A checkpoint that nobody trusted signed.
    let refused = by(other.trusted(), TestKey::new("gate.example.com/log/edge-1", 8));
    assert!(matches!(refused, Err(TilesError::Checkpoint { source: NoteError::NoKnownKey, .. })));
    // A new key takes over where the old one is still known.
    let mut both = other.trusted();
    both.keys.extend(key().trusted().keys);
    let (mut writer, _) = Writer::open_on(directory.path(), both.clone(), Arc::new(other), Box::new(Quick)).expect("opens");
    append(&mut writer, 2, 3).expect("appended");
    assert!(Log::open(directory.path(), &key().trusted()).is_err());
    assert_eq!(verify(directory.path(), &both, None).expect("readable").findings, []);
}

#[test]
fn a_proof_goes_on_its_own() {
    let directory = log_of(&[300]);
    let log = Log::open(directory.path(), &key().trusted()).expect("opens");
    let (leaf, trusted) = (tree::leaf(&entry(258)), key().trusted());
    let mut proof = log.proof(258).expect("proven");
    for extra in [None, Some(b"any bytes \x00".to_vec()), Some(Vec::new())] {
        proof.extra = extra;
        let text = proof.to_string();
        assert_eq!(Proof::parse(text.as_bytes()), Ok(proof.clone()), "{text}");
        proof.verify(&leaf, &trusted).expect("proven");
    }
    // Not of another entry, another place, another log.
    assert_eq!(proof.verify(&tree::leaf(&entry(257)), &trusted), Err(ProofFault::Path(ProofError::Root)));
    assert!(Proof { index: 257, ..proof.clone() }.verify(&leaf, &trusted).is_err());
    assert!(matches!(proof.verify(&leaf, &TestKey::new("gate.example.com/log/edge-1", 8).trusted()), Err(ProofFault::Note(_))));
    let text = proof.to_string();
    for bit in 0..text.len() * 8 {
        let mut flipped = text.clone().into_bytes();
        flipped[bit / 8] ^= 1 << (bit % 8);
        let proven = Proof::parse(&flipped).and_then(|proof| proof.verify(&leaf, &trusted));
        assert!(proven.is_err(), "bit {bit}: {}", String::from_utf8_lossy(&flipped));
    }
}

#[test]
fn proofs_are_read_strictly() {
    let refused = |text: &str| Proof::parse(text.as_bytes()).expect_err("refused").to_string();
    let head = "c2sp.org/tlog-proof@v1";
    let hash = "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=";
    assert_eq!(refused(""), "line 1 of the proof is not followed by a blank line and a checkpoint");
    assert_eq!(refused("c2sp.org/tlog-proof@v2\nindex 0\n\no\n"), "line 1 of the proof is not `c2sp.org/tlog-proof@v1`");
    assert_eq!(refused(&format!("{head}\n\no\n")), "line 2 of the proof is not `index NUMBER`");
    assert_eq!(refused(&format!("{head}\nextra ?\nindex 0\n\no\n")), "line 2 of the proof is not `extra BASE64`");
    assert_eq!(refused(&format!("{head}\nextra AQ==\nextra AQ==\nindex 0\n\no\n")), "line 3 of the proof is not `index NUMBER`");
    assert_eq!(refused(&format!("{head}\nindex 01\n\no\n")), "line 2 of the proof is not `index NUMBER`");
    assert_eq!(refused(&format!("{head}\nindex 1\n{hash}\nAQ==\n\no\n")), "line 4 of the proof is not a hash in base64");
    assert_eq!(
        refused(&format!("{head}\nindex 1\n{}\no\n", format!("{hash}\n").repeat(65))),
        "line 67 of the proof is not the last: no path is so long"
    );
    assert_eq!(Proof::parse(&vec![b'x'; super::proof::PROOF_BYTES_MAX + 1]), Err(ProofFault::Long));
    assert_eq!(Proof::parse(b"\xff"), Err(ProofFault::Note(NoteError::NotText)));
}

/// The files of a directory elsewhere.
fn copy(from: &Path) -> tempfile::TempDir {
    let to = tempfile::tempdir().expect("a directory");
    for file in files(from) {
        let path: PathBuf = to.path().join(&file);
        fs::create_dir_all(path.parent().expect("a folder")).expect("made");
        fs::copy(from.join(&file), path).expect("copied");
    }
    to
}

proptest! {
    #[test]
    fn any_bytes_end_in_an_answer(
        bytes in prop::collection::vec(any::<u8>(), 0..700), width in 0_u16..=256, name in "tile/(entries|[0-9]{1,2})(/x?[0-9]{3}){1,7}(.p/[0-9]{1,3})?",
    ) {
        prop_assert!(Proof::parse(&bytes).is_err());
        let lines = format!("c2sp.org/tlog-proof@v1\nindex 5\n\n{}", String::from_utf8_lossy(&bytes));
        let read = Proof::parse(lines.as_bytes()).expect("whatever its checkpoint is");
        prop_assert_eq!(read.to_string(), lines);
        prop_assert!(read.verify(&Hash::EMPTY, &key().trusted()).is_err());
        let (entries, whole) = super::entries(&bytes, width);
        prop_assert!(entries.len() <= usize::from(width));
        let again: Vec<u8> = entries.iter().flat_map(|entry| [&u16::try_from(entry.len()).expect("short").to_be_bytes(), *entry].concat()).collect();
        prop_assert!(bytes.starts_with(&again) && (!whole || again == bytes));
        prop_assert_eq!(super::hashes(&bytes, width).is_some(), bytes.len() == usize::from(width) * 32);
        let parsed = super::name::TileName::parse(&name);
        prop_assert!(parsed.is_none_or(|parsed| parsed.to_string() == name));
    }
}
