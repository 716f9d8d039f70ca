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
