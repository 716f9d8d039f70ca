//! Texts that must not stand in a file, with the reason each.

use super::is_test;
use crate::breach::Breach;

/// A text that is looked for.
struct Mark {
    /// The text.
    text: &'static str,
    /// Where it counts.
    counts: Counts,
    /// Which files it is looked for in.
    files: Files,
    /// Why it must not stand there.
    why: &'static str,
}

/// Where in a line a text counts.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Counts {
    /// Anywhere.
    Anywhere,
    /// As a word of its own.
    Word,
    /// As the beginning of a path, followed by a name.
    Path,
}

/// Which files a text is looked for in.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Files {
    /// Rust sources, tests too.
    Rust,
    /// Everything but lock files.
    All,
}

const fn mark(text: &'static str, counts: Counts, files: Files, why: &'static str) -> Mark {
    Mark { text, counts, files, why }
}

const UNFINISHED: &str = "unfinished work stands in an issue, not in the code";
const MACHINE: &str = "a path of one machine";
const REGISTRY: &str = "the host of a registry: whoever builds chooses theirs";

const MARKS: &[Mark] = &[
    mark("TODO", Counts::Word, Files::All, UNFINISHED),
    mark("FIXME", Counts::Word, Files::All, UNFINISHED),
    mark("XXX", Counts::Word, Files::All, UNFINISHED),
    mark("#[ignore", Counts::Anywhere, Files::Rust, "a test runs or goes; what is slow is a bench"),
    mark("thread::sleep", Counts::Anywhere, Files::Rust, "wait for a state, not for a moment"),
    mark("/work/", Counts::Path, Files::All, MACHINE),
    mark("/root/", Counts::Path, Files::All, MACHINE),
    mark("/home/", Counts::Path, Files::All, MACHINE),
    mark("/farm/", Counts::Path, Files::All, MACHINE),
    mark("index.crates.io", Counts::Anywhere, Files::All, REGISTRY),
    mark("static.crates.io", Counts::Anywhere, Files::All, REGISTRY),
    mark("deb.debian.org", Counts::Anywhere, Files::All, REGISTRY),
    mark("pypi.org", Counts::Anywhere, Files::All, REGISTRY),
    mark("pythonhosted.org", Counts::Anywhere, Files::All, REGISTRY),
    mark("registry.npmjs.org", Counts::Anywhere, Files::All, REGISTRY),
    mark("proxy.golang.org", Counts::Anywhere, Files::All, REGISTRY),
];

/// Every mark in one text file.
pub(super) fn check(path: &str, text: &str) -> Vec<Breach> {
    if path.ends_with(".lock") {
        return Vec::new();
    }
    let rust = path.ends_with(".rs");
    let mut breaches = Vec::new();
    for (at, line) in text.lines().enumerate() {
        for mark in MARKS.iter().filter(|mark| mark.files == Files::All || rust) {
            if stands_in(line, mark) && !(mark.counts == Counts::Path && is_test(path)) {
                breaches.push(Breach::on_line(path, at + 1, format!("`{}`: {}", mark.text, mark.why)));
            }
        }
    }
    breaches
}

/// Whether a mark stands in a line in a way that counts.
fn stands_in(line: &str, mark: &Mark) -> bool {
    line.match_indices(mark.text).any(|(at, text)| {
        let before = line.get(..at).and_then(|part| part.chars().next_back());
        let after = line.get(at + text.len()..).and_then(|part| part.chars().next());
        let word = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
        match mark.counts {
            Counts::Anywhere => true,
            Counts::Word => !word(before) && !word(after),
            // `https://host/work/x`, `../work/x` and `}/work/x` are no paths of a machine.
            Counts::Path => !word(before) && !before.is_some_and(|c| matches!(c, '.' | '-' | '/' | '}' | '*' | '~')) && word(after),
        }
    })
}
