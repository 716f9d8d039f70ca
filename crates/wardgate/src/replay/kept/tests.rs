use super::{KeptFault, Line, Mark, MetersAt, Run, is_run, meters_file, meters_text, read_meters, read_run, run_file};
use std::{fs, path::Path};
use wardgate_abuse::{Counted, Level, MeterKey, SourceNet, Standing, Subject, SubjectName};
use wardgate_model::{
    id::LimitName,
    limit::{Per, Window},
    time::Time,
};

const NAME: &str = "00112233445566aa";

fn run() -> Line {
    Line::Run(Run { version: 1, started_us: 5, threads: 2, body_bytes_max: 9, sign_in: false, issuer: "https://gate.test".to_owned() })
}

fn mark(number: u64) -> Line {
    Line::Snapshot(Mark { number, feed: number * 10, until: number * 10, documents: (number == 1).then(Vec::new) })
}

fn written(directory: &Path, lines: &[Line], torn: &str) {
    let text: String = lines.iter().map(|line| serde_json::to_string(line).unwrap() + "\n").collect();
    fs::write(run_file(directory, NAME), text + torn).unwrap();
}

#[test]
fn a_run_reads_back_and_each_snapshot_has_its_files() {
    let directory = tempfile::tempdir().unwrap();
    written(directory.path(), &[run(), mark(1), mark(2)], "{\"snapshot\":{\"num");
    let kept = read_run(directory.path(), NAME).unwrap().unwrap();
    assert_eq!(kept.marks.iter().map(|mark| (mark.feed, mark.documents.is_some())).collect::<Vec<_>>(), [(10, true), (20, true)]);
    assert!(read_run(directory.path(), "ffffffffffffffff").unwrap().is_none());
}

#[test]
fn what_is_damaged_or_newer_is_said() {
    let directory = tempfile::tempdir().unwrap();
    let fault = |lines: &[Line], more: &str| {
        written(directory.path(), lines, more);
        read_run(directory.path(), NAME).unwrap_err()
    };
    assert!(matches!(fault(&[run()], "x\n"), KeptFault::Damaged { line: 2, .. }));
    assert!(matches!(fault(&[mark(1)], ""), KeptFault::Damaged { line: 1, .. }));
    assert!(matches!(fault(&[run(), run()], ""), KeptFault::Damaged { line: 2, .. }));
    let newer = serde_json::to_string(&run()).unwrap().replace("\"version\":1", "\"version\":2") + "\n";
    assert!(matches!(fault(&[], &newer), KeptFault::Newer(_)));
}

#[test]
fn no_name_leads_out_of_the_directory() {
    for name in ["", "..", "../../etc/passwd", "00112233445566AA", "00112233445566aa0"] {
        assert!(!is_run(name), "{name}");
        assert!(read_run(Path::new("/nowhere"), name).unwrap().is_none());
    }
}

#[test]
fn meters_read_back_as_they_stood() {
    let directory = tempfile::tempdir().unwrap();
    let text = |text: &str| SubjectName::Text(text.into());
    let window = Standing::Window { start: Time::from_seconds(60), used: 7 };
    let person = SubjectName::Person { client: "a".into(), person: "p".into() };
    let all = [
        (Counted::Flow, Per::Identity, text("a"), Standing::Rate { full_at: u64::MAX }),
        (Counted::Quota(Window::Month), Per::Person, person, window),
        (Counted::Quota(Window::Day), Per::Person, SubjectName::Session("s".into()), window),
        (Counted::Bytes(Window::Hour), Per::Source, SubjectName::Net(SourceNet::V4([1, 2, 3, 4])), window),
        (Counted::Flow, Per::Source, SubjectName::Net(SourceNet::V6([1; 8])), Standing::Rate { full_at: 0 }),
        (Counted::Flow, Per::Api, SubjectName::Overflow, Standing::Rate { full_at: 9 }),
    ];
    let levels: Vec<Level> = all
        .into_iter()
        .map(|(counted, per, name, standing)| Level {
            key: MeterKey::new(LimitName::literal("l"), counted, Subject { per, name }),
            standing,
        })
        .collect();
    let mut at = MetersAt { order: 3, time_us: 1, exact: true, meters: levels.len() };
    fs::write(meters_file(directory.path(), NAME, 3), meters_text(&levels).unwrap()).unwrap();
    assert_eq!(read_meters(directory.path(), NAME, &at).unwrap(), levels);
    // Some are gone.
    at.meters += 1;
    assert!(matches!(read_meters(directory.path(), NAME, &at), Err(KeptFault::Damaged { .. })));
}
