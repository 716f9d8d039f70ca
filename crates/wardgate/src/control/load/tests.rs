use super::{DECLARED, Disk};
use std::{fs, io, os::unix::fs::symlink, path::Path};
use wardgate_resources::Files as _;

#[test]
fn what_comes_by_the_api_sees_the_directories_of_resources_and_nothing_else() {
    let directory = tempfile::tempdir().unwrap();
    let base = directory.path();
    for below in ["resources/deep", "openapi", "state"] {
        fs::create_dir_all(base.join(below)).unwrap();
    }
    for (file, text) in [
        ("resources/deep/a.yaml", "a"),
        ("openapi/b.yaml", "b"),
        ("state/secret.yaml", "s"),
        ("wardgate.yaml", "w"),
        ("world.yaml", "one file of resources"),
    ] {
        fs::write(base.join(file), text).unwrap();
    }
    symlink(base.join("state/secret.yaml"), base.join("resources/link.yaml")).unwrap();
    symlink(base.join("state"), base.join("openapi/linked")).unwrap();
    symlink(base.join("openapi/b.yaml"), base.join("resources/within.yaml")).unwrap();
    let disk = Disk::new(base.to_owned(), &[base.join("resources"), base.join("world.yaml")]);
    let from = format!("{DECLARED}Api/shop");
    let read = |path: &str| match disk.read(Path::new(&from), path) {
        Ok(bytes) => String::from_utf8(bytes).unwrap(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => error.to_string(),
        Err(error) => panic!("{path}: {error}"),
    };
    for (path, text) in
        [("resources/deep/a.yaml", "a"), ("deep/a.yaml", "a"), ("./openapi/b.yaml", "b"), ("b.yaml", "b"), ("resources/within.yaml", "b")]
    {
        assert_eq!(read(path), text, "{path}");
    }
    let absolute = base.join("openapi/b.yaml").display().to_string();
    for path in [
        "wardgate.yaml",
        "world.yaml",
        "state/secret.yaml",
        "state/nothing.yaml",
        "resources/../state/secret.yaml",
        "link.yaml",
        "resources/link.yaml",
        "openapi/linked/secret.yaml",
        "resources",
        "/etc/hostname",
        "",
        absolute.as_str(),
    ] {
        assert_eq!(read(path), "there is no such file in the directories of resources", "{path}");
    }
    let file = base.join("resources/deep/a.yaml");
    assert_eq!(disk.read(&file, "../../wardgate.yaml").unwrap(), b"w", "who may write files there may read there");
}

#[test]
fn a_file_that_is_named_is_told_of_where_it_is() {
    let directory = tempfile::tempdir().unwrap();
    let base = directory.path();
    for below in ["resources", "openapi"] {
        fs::create_dir_all(base.join(below)).unwrap();
    }
    fs::write(base.join("openapi/a.yaml"), "a").unwrap();
    fs::write(base.join("resources/b.yaml"), "b").unwrap();
    let disk = Disk::new(base.to_owned(), &[base.join("resources")]);
    let from = base.join("resources/api.yaml");
    let place = |path: &str| disk.place(&from, path).strip_prefix(base).unwrap().display().to_string();
    assert_eq!(place("b.yaml"), "resources/b.yaml", "beside the file that names it");
    assert_eq!(place("openapi/a.yaml"), "openapi/a.yaml", "in the directory of the configuration");
    let error = disk.read(&from, "openapi/c.yaml").unwrap_err().to_string().replace(&base.display().to_string(), "BASE");
    assert_eq!(error, "there is neither `BASE/resources/openapi/c.yaml` nor `BASE/openapi/c.yaml`");
}

#[test]
fn the_configuration_is_no_resource_where_it_stands_among_them() {
    let directory = tempfile::tempdir().unwrap();
    let base = directory.path();
    fs::write(base.join("owners.yaml"), "{kind: Owner, name: a, spec: {accountable: a@example.com}}").unwrap();
    fs::write(base.join("wardgate.yaml"), "# a process\nlisteners: []\n").unwrap();
    let gathered = |found: &mut Vec<_>| super::gather(&[base.to_owned()], found).documents.len();
    let mut found = Vec::new();
    assert_eq!((gathered(&mut found), &*found), (1, &[][..]));
    fs::write(base.join("wardgate.yaml"), "kind: Owner\nname: b\nspec: {accountable: b@example.com}\n").unwrap();
    assert_eq!(gathered(&mut found), 2, "a document under that name is one");
    for quoted in ["\"kind\": Owner\nname: b\n", "  kind: Owner\n  name: b\n", "\u{FEFF}kind: Owner\n", "name: b\n"] {
        fs::write(base.join("wardgate.yaml"), quoted).unwrap();
        assert_eq!(gathered(&mut found), 2, "{quoted:?} is read, and told of where it is wrong");
    }
}
