use super::{FILE, Kept, Last, LastFault, STOPS_FILE, Voucher, Writing};
use std::{fs, path::Path, sync::Arc, time::Duration};
use wardgate_model::{contain::Containable, id::IdentityId, time::Time};
use wardgate_proof::keyring::Keyring;
use wardgate_store::IdentityRecord;

const NOW: Time = Time::from_seconds(1_800_000_000);

fn voucher(byte: u8) -> Arc<Voucher> {
    Arc::new(Voucher::new(&Keyring::new([byte; 32])))
}

fn write(state: &Path) {
    let nobody = |name| IdentityRecord { identity: IdentityId::literal(name), resource: None, status: None, credentials: Vec::new() };
    let identities = ["ledger", "market"].map(|name| Kept::Identity(nobody(name)));
    let stops = [Kept::Contained(Containable::Identity, "market".into()), Kept::Stopped(Containable::Credential, "AAAAAAAAAAAA".into())];
    let writing = Writing::begin(state.join(FILE), voucher(7), 12, NOW).unwrap();
    writing.lines(identities).unwrap().lines(stops).unwrap().end().unwrap();
}

#[test]
fn what_was_written_is_read() {
    let state = tempfile::tempdir().unwrap();
    assert!(Last::read(state.path(), &voucher(7)).unwrap().is_none(), "there is none yet");
    write(state.path());
    let mode = std::os::unix::fs::PermissionsExt::mode(&fs::metadata(state.path().join(FILE)).unwrap().permissions());
    assert_eq!(mode & 0o777, 0o600);
    let mut last = Last::read(state.path(), &voucher(7)).unwrap().unwrap();
    let mut names = Vec::new();
    last.each_identity(|record| names.push(record.identity.to_string())).unwrap();
    assert_eq!((last.seq, last.written, &*names.join(" ")), (12, NOW, "ledger market"));
    assert_eq!(last.contained, [(Containable::Identity, "market".into())]);
    assert_eq!(last.stopped, [(Containable::Credential, "AAAAAAAAAAAA".into())]);
}

#[test]
fn later_stops_are_in_a_file_of_their_own() {
    let state = tempfile::tempdir().unwrap();
    write(state.path());
    let later = |seq, now| {
        let stops = [Kept::Contained(Containable::Owner, "payments".into())];
        Writing::begin(state.path().join(STOPS_FILE), voucher(7), seq, now).unwrap().lines(stops).unwrap().end().unwrap();
        Last::read(state.path(), &voucher(7)).unwrap().unwrap()
    };
    let last = later(12, NOW + Duration::from_secs(1));
    assert_eq!((last.contained, last.stopped), (vec![(Containable::Owner, "payments".into())], Vec::new()));
    assert_eq!(later(11, NOW).contained, [(Containable::Identity, "market".into())], "an older one is of no use");
    // The clock was set back in between: they are later all the same.
    assert_eq!(later(12, Time::from_seconds(1_700_000_000)).contained, [(Containable::Owner, "payments".into())]);
    // A database that was restored begins again with lower numbers.
    assert_eq!(later(40, Time::from_seconds(1_700_000_000)).contained, [(Containable::Identity, "market".into())]);
    let stops = Writing::begin(state.path().join(STOPS_FILE), voucher(7), 40, NOW + Duration::from_secs(9)).unwrap();
    stops.lines([]).unwrap().end().unwrap();
    let old = Last::read(state.path(), &voucher(7)).err().expect("what was stopped in between is in neither");
    assert!(matches!(old, LastFault::Old { seq: 12, known: 40, .. }), "{old}");
    fs::write(state.path().join(STOPS_FILE), "").unwrap();
    assert!(Last::read(state.path(), &voucher(7)).is_err());
}

#[test]
fn whoever_edits_it_starts_nothing() {
    let state = tempfile::tempdir().unwrap();
    write(state.path());
    let file = state.path().join(FILE);
    let good = fs::read_to_string(&file).unwrap();
    let lines: Vec<&str> = good.lines().collect();
    let without_a_stop = [&lines[..3], &lines[4..]].concat().join("\n") + "\n";
    let cut = good[..good.len() - 10].to_owned();
    let forged = [
        good.replace("\"seq\":12", "\"seq\":13"),
        good.replace("market", "ledger"),
        without_a_stop,
        cut,
        format!("{good}\n"),
        format!("{good}{good}"),
        String::new(),
        "vouched x\n".to_owned(),
    ];
    for edited in forged {
        fs::write(&file, &edited).unwrap();
        let fault = Last::read(state.path(), &voucher(7)).err().expect("it is refused");
        assert!(matches!(fault, LastFault::Forged { .. }), "{edited}: {fault}");
    }
    fs::write(&file, &good).unwrap();
    assert!(Last::read(state.path(), &voucher(8)).is_err(), "under another master key it is another's");
    let mut last = Last::read(state.path(), &voucher(7)).unwrap().unwrap();
    fs::write(&file, good.replace("market", "ledger")).unwrap();
    assert!(last.each_identity(drop).is_err(), "changed while it is read");
}
