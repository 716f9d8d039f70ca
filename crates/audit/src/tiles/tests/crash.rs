//! A machine that stops between any two steps, and a disk that refuses any of them: nothing acknowledged is lost, nothing is
//! signed twice in two ways.

use super::{Quick, append, entry, findings, key, open, root_of};
use crate::{
    note::{Checkpoint, Trusted},
    tiles::{Log, TilesError, Writer, disk::Disk},
    tree::Hash,
};
use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
};

/// One step, with places named from the log's directory on.
#[derive(Debug, Clone)]
enum Step {
    MakeFolder(PathBuf),
    Write(PathBuf, Vec<u8>),
    Rename(PathBuf, PathBuf),
    SyncFolder(PathBuf),
    Remove(PathBuf),
    RemoveFolder(PathBuf),
}

impl Step {
    /// The folder whose names the step changes; none for one that only waits.
    fn changes(&self) -> Option<&Path> {
        match self {
            Self::MakeFolder(path) | Self::Write(path, _) | Self::Rename(_, path) | Self::Remove(path) | Self::RemoveFolder(path) => {
                path.parent()
            }
            Self::SyncFolder(_) => None,
        }
    }

    /// Does it below `root`. What cannot be done any more is not.
    fn apply(&self, root: &Path) {
        let _ = match self {
            Self::MakeFolder(path) => fs::create_dir(root.join(path)),
            Self::Write(path, bytes) => fs::write(root.join(path), bytes),
            Self::Rename(from, to) => fs::rename(root.join(from), root.join(to)),
            Self::SyncFolder(_) => Ok(()),
            Self::Remove(path) => fs::remove_file(root.join(path)),
            Self::RemoveFolder(path) => fs::remove_dir(root.join(path)),
        };
    }
}

/// Notes every step.
struct Recorder {
    root: PathBuf,
    steps: Arc<Mutex<Vec<Step>>>,
}

impl Recorder {
    fn note(&self, step: impl FnOnce(&dyn Fn(&Path) -> PathBuf) -> Step) {
        let within = |path: &Path| path.strip_prefix(&self.root).map_or_else(|_| path.to_owned(), Path::to_owned);
        self.steps.lock().expect("one thread").push(step(&within));
    }
}

impl Disk for Recorder {
    fn make_folder(&mut self, path: &Path) -> io::Result<()> {
        self.note(|within| Step::MakeFolder(within(path)));
        Quick.make_folder(path)
    }
    fn write(&mut self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        self.note(|within| Step::Write(within(path), bytes.to_vec()));
        Quick.write(path, bytes)
    }
    fn rename(&mut self, from: &Path, to: &Path) -> io::Result<()> {
        self.note(|within| Step::Rename(within(from), within(to)));
        Quick.rename(from, to)
    }
    fn sync_folder(&mut self, path: &Path) -> io::Result<()> {
        self.note(|within| Step::SyncFolder(within(path)));
        Quick.sync_folder(path)
    }
    fn remove(&mut self, path: &Path) -> io::Result<()> {
        self.note(|within| Step::Remove(within(path)));
        Quick.remove(path)
    }
    fn remove_folder(&mut self, path: &Path) -> io::Result<()> {
        self.note(|within| Step::RemoveFolder(within(path)));
        Quick.remove_folder(path)
    }
}

/// What a machine may have kept of the steps it did: all, only what was waited for, all but one that was not waited for.
fn kept(steps: &[Step]) -> Vec<Vec<Step>> {
    let waited = |at: usize| {
        let folder = steps[at].changes();
        folder.is_none_or(|folder| steps[at..].iter().any(|step| matches!(step, Step::SyncFolder(synced) if synced == folder)))
    };
    let open: Vec<usize> = (0..steps.len()).filter(|at| !waited(*at)).collect();
    let without =
        |left_out: &[usize]| steps.iter().enumerate().filter(|(at, _)| !left_out.contains(at)).map(|(_, step)| step.clone()).collect();
    let mut all = vec![steps.to_vec()];
    all.extend(open.iter().map(|at| without(&[*at])));
    if open.len() > 1 {
        all.push(without(&open));
    }
    all
}

/// The steps of making a log of these sizes; and after how many of them the sizes were acknowledged.
fn steps_of(sizes: &[u64]) -> (Vec<Step>, Vec<(usize, u64)>) {
    let directory = tempfile::tempdir().expect("a directory");
    let steps = Arc::new(Mutex::new(Vec::new()));
    let disk = Recorder { root: directory.path().to_owned(), steps: Arc::clone(&steps) };
    let (mut writer, _) = Writer::open_on(directory.path(), key().trusted(), Arc::new(key()), Box::new(disk)).expect("opens");
    let done = |steps: &Mutex<Vec<Step>>| steps.lock().expect("one thread").len();
    let mut acknowledged = vec![(done(&steps), 0)];
    for size in sizes {
        let from = writer.size();
        append(&mut writer, from, *size).expect("appended");
        acknowledged.push((done(&steps), *size));
    }
    drop(writer);
    let steps = steps.lock().expect("one thread").clone();
    (steps, acknowledged)
}

/// The largest size of a checkpoint that these steps wrote whole and that was not removed.
fn signed(steps: &[Step], trusted: &Trusted) -> u64 {
    let sizes = steps.iter().filter_map(|step| match step {
        Step::Write(path, bytes) if path == Path::new("checkpoint.new") => trusted.open(bytes).ok(),
        _ => None,
    });
    sizes.map(|checkpoint| checkpoint.size).max().unwrap_or(0)
}

fn check(kept: &[Step], sizes: &[u64], least: u64, exactly: Option<u64>, context: &str) {
    let directory = tempfile::tempdir().expect("a directory");
    kept.iter().for_each(|step| step.apply(directory.path()));
    let before = findings(directory.path());
    let harmless = |line: &str| line.starts_with("beyond: ") || line == "there is no checkpoint";
    assert!(before.lines().all(harmless), "{context}: {before}");
    let (mut writer, _) = open(directory.path()).unwrap_or_else(|error| panic!("{context}: {error}"));
    let size = writer.size();
    assert!(size >= least, "{context}: {size} entries of {least}");
    assert!(size == 0 || sizes.contains(&size), "{context}: {size}");
    assert!(exactly.is_none_or(|exactly| exactly == size), "{context}: {size}, signed were {exactly:?}");
    assert_eq!(writer.log().checkpoint().root, root_of(size), "{context}");
    assert_eq!(findings(directory.path()), "", "{context}");
    append(&mut writer, size, size + 1).expect("goes on");
    assert_eq!(findings(directory.path()), "", "{context}, and one more");
}

#[test]
fn a_machine_that_stops_anywhere_loses_nothing_acknowledged() {
    let sizes = [1, 2, 255, 256, 600];
    let (steps, acknowledged) = steps_of(&sizes);
    for done in 0..=steps.len() {
        let least = acknowledged.iter().rev().find(|(at, _)| *at <= done).map_or(0, |(_, size)| *size);
        for (number, kept) in kept(&steps[..done]).iter().enumerate() {
            // What was signed and is there counts: with all steps kept, the log has what was signed last.
            let exactly = (number == 0).then(|| signed(kept, &key().trusted()));
            check(kept, &sizes, least, exactly, &format!("after {done} steps, kept {number}"));
        }
        // Torn in the middle of the next file.
        if let Some(Step::Write(path, bytes)) = steps.get(done) {
            let mut kept = steps[..done].to_vec();
            kept.push(Step::Write(path.clone(), bytes[..bytes.len() / 2].to_vec()));
            check(&kept, &sizes, least, None, &format!("after {done} steps, the next torn"));
        }
    }
}

#[test]
fn a_machine_that_stops_while_a_log_is_opened_stops_nothing() {
    // Left behind: an append that was cut off before its checkpoint was signed, and one just before it was named.
    let (steps, acknowledged) = steps_of(&[3, 300]);
    let end = acknowledged[1].0;
    let named = steps.iter().rposition(|step| matches!(step, Step::Rename(..))).expect("named");
    for left in end..=named {
        let directory = tempfile::tempdir().expect("a directory");
        steps[..left].iter().for_each(|step| step.apply(directory.path()));
        let opening = Arc::new(Mutex::new(Vec::new()));
        let disk = Recorder { root: directory.path().to_owned(), steps: Arc::clone(&opening) };
        let opened = Writer::open_on(directory.path(), key().trusted(), Arc::new(key()), Box::new(disk)).expect("opens");
        assert_eq!(opened.1.taken_up, if left == named { 297 } else { 0 });
        drop(opened);
        let opening = opening.lock().expect("one thread").clone();
        for done in 0..=opening.len() {
            let exactly = if left == named { 300 } else { 3 };
            check(&[&steps[..left], &opening[..done]].concat(), &[3, 300], 3, Some(exactly), &format!("{left} steps, {done} of opening"));
        }
    }
}

/// A disk that refuses one step, having done half of it when it is a file.
struct Refusing {
    /// Steps until then.
    steps: usize,
}

impl Refusing {
    fn step(&mut self) -> io::Result<()> {
        let refused = self.steps == 0;
        self.steps = self.steps.wrapping_sub(1);
        if refused { Err(io::Error::from(io::ErrorKind::StorageFull)) } else { Ok(()) }
    }
}

impl Disk for Refusing {
    fn make_folder(&mut self, path: &Path) -> io::Result<()> {
        self.step()?;
        Quick.make_folder(path)
    }
    fn write(&mut self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        if let Err(error) = self.step() {
            Quick.write(path, &bytes[..bytes.len() / 2])?;
            return Err(error);
        }
        Quick.write(path, bytes)
    }
    fn rename(&mut self, from: &Path, to: &Path) -> io::Result<()> {
        self.step()?;
        Quick.rename(from, to)
    }
    fn sync_folder(&mut self, path: &Path) -> io::Result<()> {
        self.step()?;
        Quick.sync_folder(path)
    }
    fn remove(&mut self, path: &Path) -> io::Result<()> {
        self.step()?;
        Quick.remove(path)
    }
    fn remove_folder(&mut self, path: &Path) -> io::Result<()> {
        self.step()?;
        Quick.remove_folder(path)
    }
}

/// Appends entries one by one, as a caller does that tries again until each is in; gives how often the log was opened.
fn stubborn(directory: &Path, steps: usize, sizes: &[u64]) -> usize {
    let mut opened = 0;
    let mut disk: Option<Box<dyn Disk>> = Some(Box::new(Refusing { steps }));
    'open: loop {
        opened += 1;
        assert!(opened < 4, "refused once, opened {opened} times");
        let disk = disk.take().unwrap_or_else(|| Box::new(Quick));
        let Ok((mut writer, _)) = Writer::open_on(directory, key().trusted(), Arc::new(key()), disk) else { continue };
        for size in sizes {
            while writer.size() < *size {
                let from = writer.size();
                if let Err(TilesError::Unfinished) = append(&mut writer, from, *size) {
                    continue 'open;
                }
            }
        }
        return opened;
    }
}

#[test]
fn a_disk_that_refuses_any_step_costs_nothing_but_the_try() {
    let sizes = [1, 2, 255, 256, 258];
    let (steps, _) = steps_of(&sizes);
    for refused in 0..=steps.len() {
        let directory = tempfile::tempdir().expect("a directory");
        let opened = stubborn(directory.path(), refused, &sizes);
        assert!(opened <= 2, "step {refused}: opened {opened} times");
        assert_eq!(findings(directory.path()), "", "step {refused}");
        let (writer, _) = open(directory.path()).expect("opens");
        assert_eq!((writer.size(), writer.log().checkpoint().root), (258, root_of(258)), "step {refused}");
        assert_eq!(writer.log().entry(257).expect("there"), entry(257));
    }
}

#[test]
fn whoever_reads_meanwhile_never_sees_two_logs() {
    let (steps, _) = steps_of(&[1, 2, 3]);
    for refused in 0..=steps.len() {
        let directory = tempfile::tempdir().expect("a directory");
        let mut seen: BTreeMap<u64, Hash> = BTreeMap::new();
        let mut disk: Option<Box<dyn Disk>> = Some(Box::new(Refusing { steps: refused }));
        let mut tries = 0;
        let mut see = || {
            let Checkpoint { size, root, .. } = Log::open(directory.path(), &key().trusted()).expect("opens").checkpoint().clone();
            assert_eq!(*seen.entry(size).or_insert(root), root, "step {refused}: two logs of {size} entries");
        };
        'open: for _ in 0..4 {
            let disk = disk.take().unwrap_or_else(|| Box::new(Quick));
            let Ok((mut writer, _)) = Writer::open_on(directory.path(), key().trusted(), Arc::new(key()), disk) else { continue };
            see();
            while writer.size() < 3 {
                // Every try is of something else, as after an error it may be.
                tries += 1;
                let appended = writer.append(&[&entry(tries)]);
                see();
                if let Err(TilesError::Unfinished) = appended {
                    continue 'open;
                }
            }
            break;
        }
        assert_eq!(seen.len(), 4, "step {refused}");
        assert_eq!(findings(directory.path()), "", "step {refused}");
    }
}

#[test]
fn a_checkpoint_that_was_put_beside_is_not_taken_up_unless_signed_and_whole() {
    let large = super::log_of(&[2, 5]);
    let later = fs::read(large.path().join("checkpoint")).expect("there");
    for (bytes, opens) in [(later[..20].to_vec(), true), (b"x".to_vec(), true), (later, false)] {
        let log = super::log_of(&[2]);
        fs::write(log.path().join("checkpoint.new"), bytes).expect("written");
        let files = super::files(log.path());
        match open(log.path()) {
            Ok((writer, found)) => assert_eq!((opens, writer.size(), found.taken_up), (true, 2, 0)),
            // Signed, so it counts, and what it is over is not here: somebody took it away.
            Err(error) => assert_eq!((opens, error.to_string()), (false, "the log's `tile/entries/000.p/5` is missing".to_owned())),
        }
        assert_eq!(super::files(log.path()), files);
    }
}
