//! Resource documents: a YAML file; what follows a line `%%%` is the OpenAPI document that it may name.

use super::{Broken, Outcome, Target, hold};
use std::path::Path;
use wardgate_resources::{Document, Loaded, Sources, load, normalise, parse, to_yaml};

pub(super) const TARGET: Target = Target {
    name: "resources",
    corpus: concat!(env!("CARGO_MANIFEST_DIR"), "/corpus/resources"),
    property,
    words: &[
        "kind: Api\n",
        "kind: Owner\n",
        "name: x\n",
        "spec: {}\n",
        "---\n",
        "%%%\n",
        "spec:\n",
        "&a ",
        "*a",
        "<<: ",
        "!!binary ",
        "null",
        "~",
        "true",
        "0x7f",
        "1e9",
        "-1",
        "99999999999999999999",
        "30d",
        "never",
        "kind: Contract\n",
        "kind: Waiver\n",
        "kind: Rotation\n",
        "exempts: expiry",
        "1/month",
        "2027-06-30",
        "10.0.0.0/8",
        "::/0",
        "file:openapi.yaml",
        "\"GET /a/{b}\"",
        "[]",
        "{}",
        "? ",
        "- ",
        "|\n",
        ">\n",
        "openapi: 3.1.0\n",
        "paths:\n",
        "  /a/{b}:\n",
        "    get: {}\n",
        "$ref: x",
        "x-wardgate-class: bulk",
        "\u{feff}",
        "\u{85}",
        "\t",
    ],
    bytes_max: 8_192,
};

const SEPARATOR: &[u8] = b"\n%%%\n";

fn property(bytes: &[u8]) -> Result<Outcome, Broken> {
    let cut = bytes.windows(SEPARATOR.len()).position(|window| window == SEPARATOR);
    let (yaml, openapi) = match cut {
        Some(at) => (bytes.get(..=at).unwrap_or_default(), bytes.get(at + SEPARATOR.len()..).unwrap_or_default()),
        None => (bytes, &b""[..]),
    };
    let loaded = read(yaml, openapi);
    let errors = loaded.diagnostics.iter().filter(|found| found.is_error()).count();
    hold(loaded.inventory.is_some() == (errors == 0), || format!("{errors} errors, inventory: {}", loaded.inventory.is_some()))?;
    for found in &loaded.diagnostics {
        let obeyed = found.to_string().chars().any(|c| c.is_control() && !matches!(c, '\n' | '\t'));
        hold(!obeyed, || format!("a diagnostic holds a control character: {:?}", found.to_string()))?;
    }
    written(&loaded.documents)?;
    // Reading is dear, so each input is read but twice, to ask one more thing of it.
    let number = bytes.iter().fold(0_usize, |sum, byte| sum.wrapping_mul(31).wrapping_add(usize::from(*byte)));
    if loaded.inventory.is_some() {
        doubled(yaml, openapi, number)?;
    } else if number.is_multiple_of(4) {
        let told = |loaded: &Loaded| loaded.diagnostics.iter().map(ToString::to_string).collect::<Vec<_>>();
        hold(told(&loaded) == told(&read(yaml, openapi)), || "the same text has other diagnostics when it is read again".to_owned())?;
    }
    let kinds: Vec<_> = loaded.documents.iter().map(|document| document.kind.as_str()).take(2).collect();
    let codes: std::collections::BTreeSet<_> = loaded.diagnostics.iter().map(|found| found.code).collect();
    Ok(Outcome::of((kinds, codes, loaded.inventory.is_some())))
}

fn read(yaml: &[u8], openapi: &[u8]) -> Loaded {
    let sources = Sources { documents: vec![("world.yaml".into(), yaml.to_vec())], policies: Vec::new() };
    load(&sources, &|_: &Path, _: &str| Ok(openapi.to_vec()))
}

/// What was read is in its one form already and, written, is read as the same.
fn written(documents: &[Document]) -> Result<(), Broken> {
    for document in documents {
        let normal = normalise(document.spec.clone());
        hold(normal.as_ref() == Ok(&document.spec), || format!("{normal:?} is another form of {}", document.spec))?;
    }
    let text = to_yaml(documents);
    let again = parse(&Sources { documents: vec![("written.yaml".into(), text.clone().into())], policies: Vec::new() });
    let errors = again.diagnostics.iter().any(wardgate_model::diagnostic::Diagnostic::is_error);
    let same = again.documents.len() == documents.len() && documents.iter().all(|document| again.documents.contains(document));
    hold(same && !errors, || format!("{:?}\n{text}", again.diagnostics))
}

/// A text that loads does not load with a key of a document written twice. `number` chooses which.
fn doubled(yaml: &[u8], openapi: &[u8], number: usize) -> Result<(), Broken> {
    let keys = [&b"kind:"[..], b"name:", b"spec:"];
    let lines: Vec<&[u8]> = yaml.split_inclusive(|b| *b == b'\n').collect();
    let keyed = |line: &[u8]| line.ends_with(b"\n") && keys.iter().any(|key| line.starts_with(key));
    let places: Vec<usize> = lines.iter().enumerate().filter(|(_, line)| keyed(line)).map(|(at, _)| at).collect();
    let Some(at) = places.get(number % places.len().max(1)) else { return Ok(()) };
    let (before, after) = lines.split_at(*at);
    let twice = [before, after.get(..1).unwrap_or_default(), after].concat().concat();
    hold(read(&twice, openapi).inventory.is_none(), || format!("line {} twice is taken", at + 1))
}
