use super::{Place, exit, renewed};
use crate::{
    clock,
    commands::token::{asking::Token, issuer::Way},
    output::Exit,
};
use serde_json::Value;
use std::{
    fs,
    os::unix::{fs::PermissionsExt as _, process::ExitStatusExt as _},
    process::ExitStatus,
    sync::Arc,
    time::Duration,
};
use wardgate_model::secret::Secret;

fn token(text: &str) -> Token {
    let tls = Way::default().tls().unwrap();
    Token {
        text: Secret::new(text.to_owned()),
        asked: clock::instant(),
        life: Duration::from_secs(9),
        bound: false,
        answer: Value::Null,
        tls,
    }
}

#[test]
fn a_token_is_replaced_whole_for_its_owner_alone_and_taken_away() {
    let place = Place::new(None).unwrap();
    place.put(&token("first")).unwrap();
    let open = fs::File::open(&place.file).unwrap();
    place.put(&token("2nd")).unwrap();
    assert_eq!(fs::read_to_string(&place.file).unwrap(), "2nd");
    assert_eq!(std::io::read_to_string(open).unwrap(), "first", "whoever reads has one or the other");
    assert_eq!(fs::metadata(&place.file).unwrap().permissions().mode() & 0o777, 0o600);
    let directory = place.file.parent().unwrap().to_owned();
    assert_eq!(fs::metadata(&directory).unwrap().permissions().mode() & 0o777, 0o700);
    assert_eq!(fs::read_dir(&directory).unwrap().count(), 1, "nothing is left beside it");
    drop(place);
    assert!(!directory.exists());
}

#[test]
fn a_file_that_is_named_goes_and_its_directory_stays() {
    let directory = tempfile::tempdir().unwrap();
    let place = Place::new(Some(&directory.path().join("token"))).unwrap();
    place.put(&token("one")).unwrap();
    drop(place);
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0);
}

#[test]
fn the_commands_status_is_ours() {
    for (raw, code) in [(0, 0), (3 << 8, 3), (127 << 8, 127), (15, 143), (9, 137)] {
        assert_eq!(exit(ExitStatus::from_raw(raw)), Exit::Of(code));
    }
}

/// What the command has is what is given back, whatever was got since.
#[test]
fn the_token_is_the_commands_own_where_the_next_cannot_be_written() {
    let directory = tempfile::tempdir().unwrap();
    let place = Place::new(Some(&directory.path().join("token"))).unwrap();
    let (first, next, third) = (Arc::new(token("first")), Arc::new(token("next")), Arc::new(token("third")));
    place.put(&first).unwrap();
    let held = renewed(&place, Arc::clone(&first), &next);
    assert!(Arc::ptr_eq(&held, &next));
    // Nothing can be written where no directory is.
    let gone = Place::new(Some(&directory.path().join("gone").join("token"))).unwrap();
    assert!(Arc::ptr_eq(&renewed(&gone, held, &third), &next));
}
