use super::{FILE, PENDING_MAX, Pending, TooMany};
use crate::control::voucher::Voucher;
use std::{fs, path::Path, sync::Arc};
use wardgate_console::{HereStop, Journaled, Stopping};
use wardgate_gate::denied::Subject;
use wardgate_model::{
    contain::Containable,
    id::{IdentityId, OwnerName},
    time::Time,
};
use wardgate_proof::keyring::Keyring;

fn voucher(byte: u8) -> Arc<Voucher> {
    Arc::new(Voucher::new(&Keyring::new([byte; 32])))
}

fn open(state: &Path) -> anyhow::Result<Pending> {
    Pending::open(state, voucher(7))
}

fn stop(stopping: Stopping, name: &str) -> HereStop {
    let (actor, at) = (IdentityId::literal("op"), Time::from_seconds(1_800_000_000));
    HereStop { stopping, name: name.into(), actor, reason: "leaked in a\nbuild log".into(), at }
}

#[test]
fn stops_outlive_the_process_in_their_order_until_they_are_on_record() {
    let state = tempfile::tempdir().unwrap();
    let stops = [stop(Stopping::Contain(Containable::Owner), "payments"), stop(Stopping::Revoke, "AAAAAAAAAAAA")];
    let pending = open(state.path()).unwrap();
    for one in stops.iter().chain(&stops) {
        assert_eq!(pending.add(one.clone()), Ok(Journaled::OnDisk));
    }
    assert_eq!(fs::metadata(state.path().join(FILE)).map(|found| mode(&found)).unwrap(), 0o600);
    let pending = open(state.path()).unwrap();
    assert_eq!((pending.count(), pending.first()), (2, Some(stops[0].clone())));
    assert!(pending.holds(&Subject::Owner(OwnerName::literal("payments"))) && pending.subjects().len() == 2);
    pending.done(&stops[0]);
    pending.tidy();
    let pending = open(state.path()).unwrap();
    assert_eq!((pending.count(), pending.first()), (1, Some(stops[1].clone())));
    pending.done(&stops[1]);
    pending.tidy();
    assert!(!state.path().join(FILE).exists());
}

fn mode(found: &fs::Metadata) -> u32 {
    std::os::unix::fs::PermissionsExt::mode(&found.permissions()) & 0o777
}

#[test]
fn a_line_that_nobody_vouches_for_is_no_stop_and_not_passed_over() {
    let state = tempfile::tempdir().unwrap();
    let file = state.path().join(FILE);
    open(state.path()).unwrap().add(stop(Stopping::Contain(Containable::Identity), "ledger")).unwrap();
    let good = fs::read_to_string(&file).unwrap();
    for edited in [good.replace("ledger", "market"), good.replacen(' ', "  ", 1), format!("{good}{{}} x\n"), format!("\n{good}")] {
        fs::write(&file, &edited).unwrap();
        let said = open(state.path()).unwrap_err().to_string();
        assert!(said.contains("was not written under this master key"), "{edited}: {said}");
    }
    fs::write(&file, &good).unwrap();
    assert!(Pending::open(state.path(), voucher(8)).is_err(), "nor under another key");
    // The end of a write that nobody was told of.
    fs::write(&file, format!("{good}{}", &good[..good.len() / 2])).unwrap();
    let pending = open(state.path()).unwrap();
    assert_eq!(pending.count(), 1);
    pending.add(stop(Stopping::Revoke, "AAAAAAAAAAAA")).unwrap();
    assert_eq!(open(state.path()).unwrap().count(), 2, "what was torn is gone");
}

#[test]
fn a_stop_that_cannot_be_written_counts_in_memory_and_is_written_later() {
    let state = tempfile::tempdir().unwrap();
    let below = state.path().join("not-there-yet");
    let pending = open(&below).unwrap();
    assert_eq!(pending.add(stop(Stopping::Revoke, "AAAAAAAAAAAA")), Ok(Journaled::InMemory));
    assert_eq!(pending.count(), 1);
    fs::create_dir(&below).unwrap();
    assert_eq!(pending.add(stop(Stopping::Revoke, "BBBBBBBBBBBB")), Ok(Journaled::OnDisk));
    assert_eq!(open(&below).unwrap().count(), 2);
}

#[test]
fn no_more_wait_than_may() {
    let state = tempfile::tempdir().unwrap();
    let pending = open(&state.path().join("nowhere")).unwrap();
    for n in 0..PENDING_MAX {
        pending.waiting().stops.push_back(stop(Stopping::Contain(Containable::Identity), &format!("id-{n}")));
    }
    assert_eq!(pending.add(stop(Stopping::Revoke, "AAAAAAAAAAAA")), Err(TooMany));
}
