use super::Named;
use crate::control::Gathered;
use std::{fs, os::unix::fs::symlink, path::Path};
use wardgate_model::time::Time;

const SOURCE: &str = "kind: TrustSource\nname: mesh\nspec: { type: x509_ca, bundle: 'file:../trust/bundle.pem', revoked: ['file:trust/list.pem', 'https://ca.example/list'] }\n";
/// When files of a test are read: long after they were written.
const LATER: Time = Time::from_seconds(4_000_000_000);

fn named(place: &Path, read: Time) -> Named {
    let mut named = Named::default();
    named.follow(&[&Gathered::read(&[place.join("resources")], place.to_owned())], place, read);
    named
}

fn place() -> tempfile::TempDir {
    let place = tempfile::tempdir().unwrap();
    for (name, text) in
        [("resources/r.yaml", SOURCE), ("trust/v1/bundle.pem", "one"), ("trust/v1/list.pem", "one"), ("trust/v2/list.pem", "two")]
    {
        fs::create_dir_all(place.path().join(name).parent().unwrap()).unwrap();
        fs::write(place.path().join(name), text).unwrap();
    }
    for name in ["bundle.pem", "list.pem"] {
        symlink(format!("..data/{name}"), place.path().join("trust").join(name)).unwrap();
    }
    symlink("v1", place.path().join("trust/..data")).unwrap();
    place
}

#[test]
fn what_is_named_is_seen_to_change_wherever_it_is() {
    let place = place();
    let (path, trust) = (place.path(), place.path().join("trust"));
    let mut named = named(path, LATER);
    assert!(!named.look(), "it is as it was when it was read");
    // As Kubernetes swaps a volume: a new link is moved over the old one.
    fs::write(trust.join("v2/bundle.pem"), "one").unwrap();
    symlink("v2", trust.join("..new")).unwrap();
    fs::rename(trust.join("..new"), trust.join("..data")).unwrap();
    assert!(named.look() && !named.look());
    // Written in place, moved over, taken away, back again.
    fs::write(trust.join("v2/list.pem"), "three").unwrap();
    assert!(named.look() && !named.look());
    fs::write(trust.join("beside"), "three").unwrap();
    fs::rename(trust.join("beside"), trust.join("list.pem")).unwrap();
    assert!(named.look() && !named.look());
    fs::rename(&trust, path.join("elsewhere")).unwrap();
    assert!(named.look() && !named.look());
    fs::rename(path.join("elsewhere"), &trust).unwrap();
    assert!(named.look() && !named.look());
    // Nobody named it.
    fs::write(trust.join("v1/other.pem"), "one").unwrap();
    assert!(!named.look());
}

#[test]
fn what_was_written_while_it_was_read_is_read_again() {
    let place = place();
    assert!(named(place.path(), Time::from_seconds(0)).look());
}

#[test]
fn of_many_files_a_part_is_looked_at_each_time_and_none_is_forgotten() {
    let place = place();
    let mut named = named(place.path(), LATER);
    let files = named.files.len();
    assert!(files > 2, "two places for each that is named");
    let turn = |named: &mut Named| (0..=files).filter(|_| named.look_at(1)).count();
    assert_eq!(turn(&mut named), 0);
    fs::write(place.path().join("trust/v1/bundle.pem"), "three").unwrap();
    fs::write(place.path().join("trust/v1/list.pem"), "three").unwrap();
    assert_eq!((turn(&mut named), turn(&mut named)), (2, 0), "each once");
}
