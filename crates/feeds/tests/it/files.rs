//! Files as feeds.

use crate::{
    feed::{Stage, for_tokens, rhythm},
    fixture::{key_set, until},
};
use std::path::{Path, PathBuf};
use wardgate_feeds::{feed::Origin, pace::Rhythm};

/// Writes a file as deployments do: whole, under another name, then moved.
fn put(path: &Path, text: &str) {
    let aside = path.with_extension("new");
    std::fs::write(&aside, text).unwrap();
    std::fs::rename(&aside, path).unwrap();
}

fn start(path: PathBuf) -> Stage {
    let stage = Stage::new();
    // On schedule it would be read once in minutes: what is seen here is the change.
    stage
        .feeds
        .keep(vec![stage.spec("ci", for_tokens(), Origin::File(path), Rhythm { look_every: rhythm().look_every, ..Rhythm::SHIPPED })])
        .unwrap();
    stage.take_all();
    stage
}

#[tokio::test]
async fn a_file_is_read_again_when_it_changes_and_its_last_good_text_stays() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("jwks.json");
    let stage = start(path.clone());
    until(|| stage.state().failure.is_some()).await;
    assert!(stage.state().failure.unwrap().why.starts_with(&format!("`{}` cannot be read: ", path.display())));

    put(&path, &key_set(&["k1"]));
    until(|| stage.state().count == 1).await;
    put(&path, &key_set(&["k1", "k2"]));
    until(|| stage.state().count == 2).await;
    put(&path, "{");
    until(|| stage.state().failure.is_some()).await;
    assert_eq!(stage.state().count, 2);
    std::fs::remove_file(&path).unwrap();
    until(|| stage.state().failure.is_some_and(|failure| failure.why.contains("cannot be read: No such"))).await;
    assert_eq!(stage.state().count, 2);
    put(&path, &key_set(&["k3"]));
    until(|| stage.state().count == 1 && stage.state().failure.is_none()).await;
}

#[tokio::test]
async fn a_file_is_a_file_and_no_longer_than_it_may_be() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("jwks.json");
    std::fs::create_dir(&path).unwrap();
    let stage = start(path.clone());
    until(|| stage.state().failure.is_some()).await;
    assert_eq!(*stage.state().failure.unwrap().why, format!("`{}` is no file", path.display()));

    std::fs::remove_dir(&path).unwrap();
    put(&path, &" ".repeat(600_000));
    until(|| stage.state().failure.is_some_and(|failure| failure.why.ends_with("has more than 524288 bytes"))).await;
    let pipe = folder.path().join("pipe");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let stage = start(pipe.clone());
    until(|| stage.state().failure.is_some()).await;
    assert_eq!(*stage.state().failure.unwrap().why, format!("`{}` is no file", pipe.display()));
}
