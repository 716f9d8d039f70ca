//! The copy of the log in the store: whoever loses the disk has what proves the segments.

use super::*;
use crate::verify::verify_sealed;
use std::collections::BTreeMap;

/// The files of the log in a directory, but for the lock: what a copy has.
fn files(log: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    let mut folders = vec![log.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.file_name().is_some_and(|name| name != "log.lock") {
                let name = path.strip_prefix(log).expect("below").to_str().expect("text").to_owned();
                files.insert(name, fs::read(&path).expect("readable"));
            }
        }
    }
    files
}

/// All that lies in the store, as a log of its own.
fn brought_down(objects: &Objects, to: &Path) {
    for name in objects.names(BUCKET).expect("listed") {
        let bytes = objects.get(BUCKET, &name).expect("there");
        let file = match name.strip_prefix("gate-1/").expect("ours") {
            name if name.starts_with("log/") => to.join(name),
            name => to.join(SEGMENTS).join(format!("{}.parquet", name.rsplit_once('-').expect("a hash").0)),
        };
        fs::create_dir_all(file.parent().expect("a folder")).expect("made");
        fs::write(file, bytes).expect("written");
    }
}

/// Whether the copy's checkpoint is the one here, which names so many entries.
fn is_copied(objects: &Objects, path: &Path, entries: u64) -> bool {
    let here = fs::read(path.join("log/checkpoint")).expect("readable");
    let sizes = anchor::read(&here, &trusted()).checkpoints.iter().map(|checkpoint| checkpoint.size).collect::<Vec<_>>();
    sizes == [entries] && objects.get(BUCKET, "gate-1/log/checkpoint").is_ok_and(|there| there == here)
}

fn sealed(path: &Path) -> Report {
    verify_sealed(path, &Asked { trusted: &trusted(), remembered: None, depth: Depth::Records }, &mut |_| {}).expect("readable")
}

#[test]
fn a_log_that_lost_its_disk_is_proven_by_what_lies_in_the_store() {
    let directory = tempfile::tempdir().expect("a directory");
    let (path, objects) = (directory.path().join("audit"), objects());
    in_store(&path, &objects);
    assert!(is_copied(&objects, &path, 3));
    let at = |path: &Path| anchor::read(&fs::read(path.join("log/checkpoint")).expect("readable"), &trusted()).checkpoints;
    let copy = directory.path().join("copy");
    brought_down(&objects, &copy);
    assert_eq!(at(&copy), at(&path));
    // It goes on, over a start and with what is erased.
    let (log, writer) = start(&path, &options(&objects.endpoint(), SOON));
    record(&log, 20, NOON);
    assert_eq!(erase(&log), 55);
    // Six segments, and an erasure of each.
    until(|| is_copied(&objects, &path, 12) && segments(&objects).len() == 6 && outstanding(&path).expect("readable") == 0);
    let _ = writer.close(PATIENCE);
    for (name, bytes) in files(&path.join("log")) {
        match objects.get(BUCKET, &format!("gate-1/log/{name}")) {
            Ok(there) => assert_eq!(there, bytes, "{name}"),
            // A tile of the checkpoint before is kept, and which one was the one before there is another matter.
            Err(_) => assert!(name.contains(".p/"), "{name}"),
        }
    }
    fs::remove_dir_all(&copy).expect("removed");
    brought_down(&objects, &copy);
    assert_eq!(at(&copy), at(&path));
    // The disk is lost.
    fs::remove_dir_all(&path).expect("removed");
    let report = sealed(&copy);
    assert_eq!((report.findings.as_slice(), report.sealed, report.in_tails), ([].as_slice(), 55, 0));
    assert_eq!(numbers(&copy), (1..=55).collect::<Vec<_>>());
    prove(&copy, &trusted(), 17, Disclosure::Commitment).expect("proven").verify(&trusted()).expect("right");
    // Who looks at it as at a whole log is told that nothing is known of a tail.
    assert!(told(&copy).contains("`tail.note` is missing"), "{}", told(&copy));
    // What is changed in it is found.
    let mut bytes = fs::read(segment(&copy, 11)).expect("readable");
    bytes[2_000] ^= 1;
    fs::write(segment(&copy, 11), bytes).expect("writable");
    let found = sealed(&copy).findings;
    assert!(!found.is_empty() && found.iter().all(|finding| finding.to_string().contains("events-000000000011.parquet")), "{found:?}");
    fs::remove_file(segment(&copy, 11)).expect("removed");
    assert!(sealed(&copy).findings[0].to_string().contains("is missing: events 11 to 20"));
}

#[test]
fn the_copy_of_a_log_is_not_set_back_with_it_and_not_given_to_another() {
    let directory = tempfile::tempdir().expect("a directory");
    let [path, before, other] = ["audit", "before", "other"].map(|name| directory.path().join(name));
    let objects = objects();
    in_store(&path, &objects);
    copied(&path, &before);
    let (log, writer) = start(&path, &options(&objects.endpoint(), SOON));
    record(&log, 20, NOON);
    until(|| is_copied(&objects, &path, 5));
    let _ = writer.close(PATIENCE);
    let kept = || objects.get(BUCKET, "gate-1/log/checkpoint").expect("there");
    let newest = kept();
    // Set back, then gone on with in another way; and another log under the same prefix.
    for path in [&before, &other] {
        let (log, writer) = start(path, &options(&objects.endpoint(), SOON));
        record(&log, 70, NOON + DAY);
        until(|| log.counters().store_failures > 0 && log.counters().uncopied > 0);
        let _ = writer.close(PATIENCE);
        assert_eq!(kept(), newest);
    }
    // What stands there of it is held against the log as an anchor is.
    let checkpoints = anchor::read(&newest, &trusted()).checkpoints;
    let found = anchor::compare(&before.join("log"), &trusted(), &checkpoints).expect("readable");
    assert!(matches!(&found[..], [crate::tiles::Finding::Rewritten { .. }]), "{found:?}");
    // Forged, cut or emptied, it is left too: nobody here can say what it was.
    for bytes in [&newest[..newest.len() / 2], b"".as_slice()] {
        objects.put(BUCKET, "gate-1/log/checkpoint", bytes).expect("put");
        let (log, writer) = start(&path, &options(&objects.endpoint(), SOON));
        until(|| log.counters().store_failures > 0);
        let _ = writer.close(PATIENCE);
        assert_eq!(kept(), bytes);
    }
    // Taken away, it is made anew.
    objects.delete(BUCKET, "gate-1/log/checkpoint").expect("deleted");
    let (_log, writer) = start(&path, &options(&objects.endpoint(), SOON));
    until(|| objects.names(BUCKET).expect("listed").iter().any(|name| name.ends_with("log/checkpoint")));
    let _ = writer.close(PATIENCE);
    assert_eq!(kept(), newest);
}
