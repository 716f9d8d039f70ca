//! What was told of already, over restarts.

use crate::kept;
use serde::{Deserialize, Serialize};
use std::{
    collections::{BTreeMap, BTreeSet},
    fs::File,
    io::{self, BufReader, ErrorKind, Read as _},
    path::{Path, PathBuf},
};
use wardgate_audit::sink::{FindingRecord, Log};
use wardgate_governance::findings::{FINDINGS_MAX, Finding, Findings};
use wardgate_model::time::Time;

/// The name of the file, in the directory of what is kept.
pub(super) const FILE: &str = "wardgate.findings";
/// Events of one look.
const EVENTS_MAX: usize = 1_000;
/// Bytes of the file that are read: three times what as many findings take whose names are as long as names may be.
const BYTES_MAX: u64 = 32 << 20;
/// The severity of what is over.
const OVER: &str = "over";

/// A finding by what it is and of what.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
struct Which {
    code: Box<str>,
    kind: Box<str>,
    name: Box<str>,
}

impl Which {
    fn of(finding: &Finding) -> Self {
        Self { code: finding.code.as_str().into(), kind: finding.subject.kind.into(), name: finding.subject.name.clone() }
    }
}

/// One line of the file.
#[derive(Debug, Serialize, Deserialize)]
struct Line {
    #[serde(flatten)]
    which: Which,
    severity: Box<str>,
    /// Whether its end is told: not of what a process counts.
    ends: bool,
}

/// How it was told.
#[derive(Debug, Clone, PartialEq, Eq)]
struct As {
    severity: Box<str>,
    ends: bool,
}

/// What was told and is not over.
#[derive(Debug)]
pub(super) struct Told {
    state: PathBuf,
    now: BTreeMap<Which, As>,
    /// Whether the file says something else.
    unkept: bool,
}

impl Told {
    /// What was told before; nothing where that cannot be read.
    pub(super) fn open(state: &Path) -> Self {
        let now = match read(&state.join(FILE)) {
            Ok(now) => now,
            Err(error) if error.kind() == ErrorKind::NotFound => BTreeMap::new(),
            Err(error) => {
                tracing::warn!(%error, file = FILE, "which findings were told of is not known: all of them are put on record again");
                BTreeMap::new()
            }
        };
        Self { state: state.to_owned(), now, unkept: false }
    }

    /// Puts on record what is different now. Gives whether that is all.
    pub(super) fn tell(&mut self, found: &Findings, log: &Log, now: Time) -> bool {
        let all = self.differ(found, |which, severity, what| {
            let Which { code, kind, name } = which.clone();
            log.record_finding(FindingRecord { time: now, code, severity: severity.into(), kind, name, what: what.into() }).is_ok()
        });
        self.unkept |= all.changed;
        all.whole
    }

    /// Brings itself to what was found; `record` says whether an event found its place. What did not is no part of it.
    fn differ(&mut self, found: &Findings, mut record: impl FnMut(&Which, &str, &str) -> bool) -> Differed {
        let mut differed = Differed { changed: false, whole: true };
        let mut room = EVENTS_MAX;
        let mut tell = |which: &Which, severity: &str, what: &str, differed: &mut Differed| {
            let told = room > 0 && record(which, severity, what);
            room = room.saturating_sub(1);
            differed.whole &= told;
            differed.changed |= told;
            told
        };
        let (mut there, mut exempt) = (BTreeSet::new(), BTreeSet::new());
        for finding in found.findings.iter().filter(|finding| !finding.code.is_told_when_seen()) {
            let which = Which::of(finding);
            if finding.exempt {
                exempt.insert(which);
                continue;
            }
            let told = As { severity: finding.severity.as_str().into(), ends: !finding.code.is_counted() };
            if self.now.get(&which) != Some(&told) && tell(&which, &told.severity, &finding.evidence, &mut differed) {
                self.now.insert(which.clone(), told);
            }
            there.insert(which);
        }
        // Of what was left off nobody knows whether it is over: no end is told then, and what is known is kept within bounds.
        if found.left_off == 0 {
            self.now.retain(|which, told| {
                if there.contains(which) {
                    return true;
                }
                let what = if exempt.contains(which) { "a waiver exempts from it" } else { "it is so no more" };
                differed.changed |= !told.ends;
                told.ends && !tell(which, OVER, what, &mut differed)
            });
        } else if self.now.len() > FINDINGS_MAX {
            self.now.retain(|which, _| there.contains(which));
            differed.changed = true;
        }
        differed
    }

    /// What is to be kept now, so that after a restart it is not told again; `None`: it is. Keep it once all that was told is on disk, not before:
    /// what is known as told and is not in the log would never be told.
    pub(super) fn unkept(&self) -> Option<Unkept> {
        self.unkept.then(|| {
            let lines =
                self.now.iter().map(|(which, told)| Line { which: which.clone(), severity: told.severity.clone(), ends: told.ends });
            Unkept { state: self.state.clone(), lines: lines.collect() }
        })
    }

    /// What [`Told::unkept`] gave is kept, or was tried in vain: it is tried again with what changes next.
    pub(super) fn is_kept(&mut self) {
        self.unkept = false;
    }
}

/// What is to be kept.
pub(super) struct Unkept {
    state: PathBuf,
    lines: Vec<Line>,
}

impl Unkept {
    /// Keeps it. Waits for the disk.
    pub(super) fn keep(&self) {
        if let Err(error) = kept::replace(&self.state, FILE, |file| io::Result::Ok(serde_json::to_writer(file, &self.lines)?)) {
            tracing::warn!(%error, file = FILE, "which findings were told of cannot be kept: after a restart they are put on record again");
        }
    }
}

/// What came of a look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Differed {
    changed: bool,
    whole: bool,
}

fn read(path: &Path) -> io::Result<BTreeMap<Which, As>> {
    let lines: Vec<Line> = serde_json::from_reader(BufReader::new(File::open(path)?.take(BYTES_MAX)))?;
    Ok(lines.into_iter().take(FINDINGS_MAX).map(|line| (line.which, As { severity: line.severity, ends: line.ends })).collect())
}

#[cfg(test)]
mod tests {
    use super::{Differed, EVENTS_MAX, FILE, Told};
    use std::fs;
    use wardgate_governance::findings::{Code, Finding, Findings, Severity, Subject};
    use wardgate_model::risk::Signal;

    fn finding(code: Code, name: &str) -> Finding {
        Finding {
            code,
            subject: Subject { kind: "Identity", name: name.into() },
            owner: None,
            severity: Severity::Low,
            since: None,
            evidence: format!("{name} worries"),
            remedy: "mend it",
            owasp: None,
            exempt: false,
        }
    }

    fn found(findings: &[Finding]) -> Findings {
        Findings { findings: findings.to_vec(), left_off: 0 }
    }

    /// What is put on record, as `code name severity: sentence`.
    fn told(told: &mut Told, findings: &[Finding]) -> Vec<String> {
        let mut events = Vec::new();
        told.differ(&found(findings), |which, severity, what| {
            events.push(format!("{} {} {severity}: {what}", which.code, which.name));
            true
        });
        events
    }

    #[test]
    fn each_begin_and_end_is_told_once_and_known_after_a_restart() {
        let place = tempfile::tempdir().unwrap();
        let mut before = Told::open(place.path());
        let (one, other) = (finding(Code::OwnerAbsent, "one"), finding(Code::OwnerAbsent, "other"));
        let begun = ["identity.owner_absent one low: one worries", "identity.owner_absent other low: other worries"];
        assert_eq!(told(&mut before, &[one.clone(), other.clone()]), begun);
        assert!(told(&mut before, &[one.clone(), other.clone()]).is_empty(), "they stand as they stood");
        let worse = Finding { severity: Severity::Critical, ..one.clone() };
        assert_eq!(told(&mut before, &[worse.clone(), other.clone()]), ["identity.owner_absent one critical: one worries"]);
        assert!(!place.path().join(FILE).exists(), "what is not in the log yet is not known as told");
        before.unkept = true;
        before.unkept().unwrap().keep();
        let mut after = Told::open(place.path());
        assert!(told(&mut after, &[worse.clone(), other.clone()]).is_empty(), "it was told before the restart");
        assert_eq!(told(&mut after, &[worse]), ["identity.owner_absent other over: it is so no more"]);
        let exempt = Finding { exempt: true, ..one };
        assert_eq!(told(&mut after, &[exempt]), ["identity.owner_absent one over: a waiver exempts from it"]);
        assert_eq!(told(&mut after, &[other]), ["identity.owner_absent other low: other worries"], "it came again");
    }

    #[test]
    fn what_a_process_counts_has_no_end_and_what_is_told_when_seen_is_not_told_again() {
        let mut before = Told::open(tempfile::tempdir().unwrap().path());
        let risk = finding(Code::Risk(Signal::Drip), "one");
        assert_eq!(told(&mut before, &[risk.clone(), finding(Code::UpstreamUnguarded, "shop")]).len(), 1);
        assert!(told(&mut before, &[]).is_empty(), "another process counts anew");
        assert_eq!(told(&mut before, &[risk]).len(), 1);
    }

    #[test]
    fn what_finds_no_place_is_told_at_the_next_look() {
        let mut before = Told::open(tempfile::tempdir().unwrap().path());
        let many: Vec<_> = (0..EVENTS_MAX + 5).map(|number| finding(Code::OwnerAbsent, &format!("i{number}"))).collect();
        assert_eq!(before.differ(&found(&many), |_, _, _| false), Differed { changed: false, whole: false });
        assert_eq!(told(&mut before, &many).len(), EVENTS_MAX);
        assert_eq!(told(&mut before, &many).len(), 5);
        assert_eq!(before.differ(&found(&many), |_, _, _| true), Differed { changed: false, whole: true });
        let cut = Findings { findings: Vec::new(), left_off: 1 };
        assert_eq!(before.differ(&cut, |_, _, _| true), Differed { changed: false, whole: true }, "nobody knows what was left off");
    }

    #[test]
    fn a_damaged_file_is_a_new_beginning() {
        let place = tempfile::tempdir().unwrap();
        fs::write(place.path().join(FILE), "[{\"code\": ").unwrap();
        assert_eq!(told(&mut Told::open(place.path()), &[finding(Code::OwnerAbsent, "one")]).len(), 1);
    }
}
