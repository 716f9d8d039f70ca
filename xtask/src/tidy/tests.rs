use super::{check, check_file};

fn breaches(path: &str, text: &str) -> String {
    let lines: Vec<String> = check_file(path, text.as_bytes()).iter().map(ToString::to_string).collect();
    lines.join("\n")
}

#[test]
fn files_are_one_idea() {
    let long = "// x\n".repeat(500);
    let breach = "500 lines: a file has fewer than 500, because it is one idea";
    assert_eq!(breaches("crates/gate/src/canon.rs", &long), format!("crates/gate/src/canon.rs: {breach}"));
    assert_eq!(breaches("crates/gate/src/canon.rs", &"// x\n".repeat(499)), "");
    assert_eq!(breaches("crates/gate/src/canon/tests.rs", &long), "");
    assert_eq!(breaches("crates/edge/tests/it/raw.rs", &long), "");
    assert_eq!(breaches("docs/long.md", &long), "");
}

#[test]
fn roots_hold_no_logic() {
    assert_eq!(breaches("crates/gate/src/lib.rs", "//! The heart.\n\npub mod canon;\n//! fn in_a_doctest() {}\n"), "");
    assert_eq!(
        breaches("crates/gate/src/lib.rs", "mod a;\npub(crate) const fn two() -> u8 {\n"),
        "crates/gate/src/lib.rs:1: `lib.rs` begins with `//!`: what the crate is and what it never does\n\
         crates/gate/src/lib.rs:2: `lib.rs` holds no logic: give this function a module"
    );
    assert_eq!(
        breaches("crates/wardgate/src/main.rs", &"\n".repeat(100)),
        "crates/wardgate/src/main.rs: 100 lines: `main.rs` has fewer than 100 and no logic"
    );
    assert_eq!(breaches("crates/wardgate/src/main.rs", &"\n".repeat(99)), "");
}

#[test]
fn marks_are_found_where_they_count() {
    for (path, line, breach) in [
        ("a.rs", "// TODO: later", "`TODO`: unfinished work stands in an issue, not in the code"),
        ("a.md", "FIXME", "`FIXME`: unfinished work stands in an issue, not in the code"),
        ("a.rs", "#[ignore = \"slow\"]", "`#[ignore`: a test runs or goes; what is slow is a bench"),
        ("a.rs", "std::thread::sleep(d);", "`thread::sleep`: wait for a state, not for a moment"),
        ("a.toml", "path = \"/home/me/x\"", "`/home/`: a path of one machine"),
        ("a.sh", "cd /work/here", "`/work/`: a path of one machine"),
        ("a.toml", "x = \"https://pypi.org/simple\"", "`pypi.org`: the host of a registry: whoever builds chooses theirs"),
    ] {
        assert_eq!(breaches(path, line), format!("{path}:1: {breach}"), "{line}");
    }
}

#[test]
fn marks_are_not_seen_in_other_words() {
    for (path, line) in [
        ("a.rs", "let todo = TODOS;"),
        ("a.sh", "mktemp -d wardgate.XXXXXX"),
        ("a.md", "curl https://shop.example/home/page"),
        ("a.md", "the path `/home/`"),
        ("a.rs", "include_str!(\"../work/x\")"),
        ("a.md", "#[ignore] in prose"),
        ("Cargo.lock", "source = \"sparse+https://index.crates.io/\""),
        ("crates/gate/testdata/a.json", "TODO"),
    ] {
        assert_eq!(breaches(path, line), "", "{line}");
    }
}

#[test]
fn binary_files_are_data() {
    for bytes in [&b"\x7fELF\0"[..], b"\xff\xfe"] {
        let lines: Vec<String> = check_file("docs/picture", bytes).iter().map(ToString::to_string).collect();
        assert_eq!(lines, ["docs/picture: a binary file: data for tests stands in a folder `testdata`"]);
        assert_eq!(check_file("crates/proof/testdata/key.der", bytes), []);
    }
}

#[test]
fn a_tree_is_walked_but_for_what_is_built() {
    let root = tempfile::tempdir().unwrap();
    for (path, text) in
        [("a/b/c.rs", "// FIXME"), ("target/d.rs", "// FIXME"), (".git/e", "FIXME"), ("gate/f.rs", "// FIXME"), ("a/gate/g.rs", "// FIXME")]
    {
        let path = root.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    let places: Vec<String> = check(root.path()).unwrap().into_iter().map(|breach| breach.place).collect();
    assert_eq!(places, ["a/b/c.rs:1", "a/gate/g.rs:1"]);
}
