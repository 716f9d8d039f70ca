use super::replace;
use std::{
    fs::{self, Permissions},
    os::unix::fs::{PermissionsExt as _, symlink},
};

#[test]
fn a_file_is_private_and_replaced_whole() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("key");
    fs::write(&path, "an older and longer one").unwrap();
    fs::set_permissions(&path, Permissions::from_mode(0o644)).unwrap();
    replace(&path, b"new").unwrap();
    assert_eq!(fs::read(&path).unwrap(), b"new");
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1, "nothing is left beside it");
}

#[test]
fn a_link_is_replaced_and_what_it_points_to_stays() {
    let directory = tempfile::tempdir().unwrap();
    let (path, elsewhere) = (directory.path().join("key"), directory.path().join("elsewhere"));
    fs::write(&elsewhere, "theirs").unwrap();
    symlink(&elsewhere, &path).unwrap();
    replace(&path, b"new").unwrap();
    assert_eq!(fs::read(&elsewhere).unwrap(), b"theirs");
    assert!(fs::symlink_metadata(&path).unwrap().is_file());
}

#[test]
fn a_directory_that_is_not_there_or_open_to_all_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let missing = replace(&directory.path().join("not-there/key"), b"new").unwrap_err().to_string();
    assert!(missing.contains("not-there"), "{missing}");
    fs::set_permissions(directory.path(), Permissions::from_mode(0o777)).unwrap();
    let open = replace(&directory.path().join("key"), b"new").unwrap_err().to_string();
    assert!(open.contains("chmod o-w"), "{open}");
    assert!(!directory.path().join("key").exists());
}
