use super::{Door, unix};
use std::{
    fs,
    os::unix::{
        fs::{PermissionsExt as _, symlink},
        net::UnixListener,
    },
};

async fn said(path: &std::path::Path) -> String {
    match unix(path).await {
        Ok(_) => "listens".to_owned(),
        Err(error) => format!("{error:#}").replace(&path.display().to_string(), "PATH"),
    }
}

/// A path that was mistyped costs nobody a file.
#[tokio::test]
async fn what_is_no_socket_is_left_as_it_is() {
    let place = tempfile::tempdir().unwrap();
    let at = |name: &str| place.path().join(name);
    fs::write(at("notes"), "kept").unwrap();
    fs::create_dir(at("directory")).unwrap();
    symlink(at("notes"), at("link")).unwrap();
    symlink(at("nowhere"), at("dangling")).unwrap();
    for (name, kind) in [("notes", "a file"), ("directory", "a directory"), ("link", "a symbolic link"), ("dangling", "a symbolic link")] {
        let said = said(&at(name)).await;
        assert!(said.starts_with(&format!("`PATH` is {kind}: it is left as it is")), "{name}: {said}");
    }
    assert_eq!(fs::read_to_string(at("notes")).unwrap(), "kept");
    assert!(at("directory").is_dir() && fs::read_link(at("dangling")).is_ok());
}

#[tokio::test]
async fn a_socket_that_is_left_over_is_replaced_and_one_in_use_is_not() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("socket");
    let left = UnixListener::bind(&path).unwrap();
    let used = said(&path).await;
    assert!(used.starts_with("cannot listen at `PATH`"), "{used}");
    drop(left);
    assert!(path.exists(), "it is left over");
    let door = unix(&path).await.unwrap();
    assert_eq!(fs::symlink_metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    drop(door);
    assert!(!path.exists());
}

#[tokio::test]
async fn at_the_end_only_our_own_socket_goes() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("socket");
    let door = unix(&path).await.unwrap();
    assert_eq!(door.shown("/ledger").unwrap(), format!("unix:{}", path.display()));
    fs::rename(&path, place.path().join("aside")).unwrap();
    let other = UnixListener::bind(&path).unwrap();
    drop(door);
    assert!(path.exists(), "somebody else listens there now");
    drop(other);
    let door = unix(&path).await.unwrap();
    fs::remove_file(&path).unwrap();
    fs::write(&path, "kept").unwrap();
    assert!(matches!(door, Door::Unix(..)));
    drop(door);
    assert_eq!(fs::read_to_string(&path).unwrap(), "kept");
}
