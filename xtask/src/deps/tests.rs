use super::{check_lock, check_tree, parse_version};

fn breaches(tree: &str) -> String {
    let lines: Vec<String> = check_tree(tree).iter().map(ToString::to_string).collect();
    lines.join("\n")
}

#[test]
fn banned_crates_are_named() {
    for (line, breach) in [
        ("h2 v0.4.20\tMIT", ""),
        ("h2 v0.4.16\tMIT", ""),
        ("h2 v0.4.15\tMIT", "h2 0.4.15: banned below 0.4.16: RUSTSEC-2026-0258 (see `cargo tree --invert h2`)"),
        ("http v0.2.12\tMIT", "http 0.2.12: banned below 1.0.0: one generation of HTTP types (see `cargo tree --invert http`)"),
        (
            "rsa v0.9.9 (proc-macro)\tMIT (*)",
            "rsa 0.9.9: banned: RUSTSEC-2023-0071: timing of private keys, without a mend (see `cargo tree --invert rsa`)",
        ),
        ("http-body v0.1.0\tMIT", ""),
    ] {
        assert_eq!(breaches(line), breach, "{line}");
    }
}

#[test]
fn licences_are_weighed_by_crate() {
    for (line, breach) in [
        ("a v1.0.0\tMIT OR GPL-3.0", ""),
        ("a v1.0.0\tGPL-3.0", "a 1.0.0: the licence `GPL-3.0` is not on the list (xtask/src/deps.rs)"),
        ("a v1.0.0\t", "a 1.0.0: the licence `` cannot be read: it ends where a licence should stand"),
        ("a v1.0.0\tISC AND OpenSSL", "a 1.0.0: the licence `ISC AND OpenSSL` is not on the list (xtask/src/deps.rs)"),
        ("aws-lc-sys v0.47.0\tISC AND OpenSSL", ""),
        ("a v1.0.0\tApache-2.0 WITH LLVM-exception", ""),
        (
            "a v1.0.0\tApache-2.0 WITH Other-exception",
            "a 1.0.0: the licence `Apache-2.0 WITH Other-exception` is not on the list (xtask/src/deps.rs)",
        ),
        ("a\tMIT", "a: `a\tMIT` names no version"),
    ] {
        assert_eq!(breaches(line), breach, "{line}");
    }
}

#[test]
fn a_crate_that_stands_twice_is_named_once() {
    assert_eq!(breaches("ring v0.17.14\tMIT\n\nring v0.17.14\tMIT (*)\n").lines().count(), 1);
}

#[test]
fn versions_are_read() {
    for (text, version) in [
        ("v1.2.3", Some((1, 2, 3))),
        ("v1.2.3-rc.1+meta", Some((1, 2, 3))),
        ("1.2.3", None),
        ("v1.2", None),
        ("v1.2.3.4", None),
        ("v1.2.99999999999999999999", None),
    ] {
        assert_eq!(parse_version(text), version, "{text}");
    }
}

#[test]
fn sources_are_one() {
    let lock = "name = \"a\"\nsource = \"registry+https://github.com/rust-lang/crates.io-index\"\nname = \"b\"\nsource = \"git+https://host.example/b?rev=1#1\"\n";
    let lines: Vec<String> = check_lock(lock).iter().map(ToString::to_string).collect();
    assert_eq!(lines, ["Cargo.lock:4: `git+https://host.example/b?rev=1#1` is not the public registry"]);
}
