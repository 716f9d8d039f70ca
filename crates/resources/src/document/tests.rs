use super::{Parsed, Sources, parse};
use insta::assert_snapshot;
use proptest::prelude::*;

fn parsed(yaml: &[(&str, &[u8])], cedar: &[(&str, &[u8])]) -> Parsed {
    let owned = |files: &[(&str, &[u8])]| files.iter().map(|(path, bytes)| ((*path).into(), bytes.to_vec())).collect();
    parse(&Sources { documents: owned(yaml), policies: owned(cedar) })
}

fn shown(parsed: &Parsed) -> String {
    let documents = parsed.documents.iter().map(|d| format!("{} {} {} {}\n", d.place, d.kind, d.name, d.spec));
    documents.chain(parsed.diagnostics.iter().map(|diagnostic| format!("{diagnostic}\n"))).collect()
}

#[test]
fn documents_are_normalised() {
    let one = b"# first\nkind: Owner\nname: b\nspec: { z: 1, a: [x, null], gone: null }\n---\n{kind: Owner, name: a, spec: {}}\n";
    assert_snapshot!(shown(&parsed(&[("a.yaml", one)], &[("p/x.cedar", b"permit(principal, action, resource);")])), @r#"
a.yaml:2:1 Owner b {"a":["x",null],"z":1}
a.yaml:6:1 Owner a {}
p/x.cedar:1:1 Policy x {"cedar":"permit(principal, action, resource);"}
"#);
}

#[test]
fn files_that_are_none_are_told() {
    let files: &[(&str, &[u8])] = &[
        ("empty.yaml", b""),
        ("comment.yaml", b"# nothing\n"),
        ("blank.yaml", b"---\n# nothing\n---\nkind: Owner\nname: a\nspec: {}\n---\n"),
        ("binary.yaml", b"kind: Owner\nname: \xc3\x28\n"),
        ("tab.yaml", b"kind: Owner\nname: a\nspec:\n\taccountable: x\n"),
        ("twice.yaml", b"kind: Owner\nname: a\nname: b\nspec: {}\n"),
        ("keys.yaml", b"kind: Owner\nname: c\nspec: { 1: a, [x]: b }\nmetadata: {}\n"),
        ("types.yaml", b"kind: 1\nname: 2\nspec: 3\n"),
    ];
    let policies: &[(&str, &[u8])] =
        &[("empty.cedar", b" "), ("Bad Name.cedar", b"permit(principal, action, resource);"), ("bytes.cedar", b"\xff")];
    assert_snapshot!(shown(&parsed(files, policies)), @r#"
blank.yaml:4:1 Owner a {}
twice.yaml:1:1 Owner a {}
keys.yaml:1:1 Owner c {}
Bad Name.cedar: error[resource.name]: the file's name `Bad Name` makes no name of a policy: `B` may not stand in a name: use a-z, 0-9, `.`, `_`, `:` and `-`, beginning with a letter or digit
  = give the file another name
binary.yaml:2:7: error[file.not_utf8]: the byte 0xc3 is not UTF-8
  = save the file as UTF-8
blank.yaml:1:1: warning[yaml.empty]: there is no document after this `---`
  = take the line out
blank.yaml:7:1: warning[yaml.empty]: there is no document after this `---`
  = take the line out
bytes.cedar:1:1: error[file.not_utf8]: the byte 0xff is not UTF-8
  = save the file as UTF-8
comment.yaml: warning[yaml.empty]: there is no document in this file
  = write a document with `kind`, `name` and `spec`, or take the file out
empty.cedar: warning[policy.empty]: there is no policy in this file
  = write a policy, or take the file out
empty.yaml: warning[yaml.empty]: there is no document in this file
  = write a document with `kind`, `name` and `spec`, or take the file out
keys.yaml:3:9: error[yaml.key]: a key must be text, not the number `1`
  = write the key in quotes
keys.yaml:3:15: error[yaml.key]: a key must be text, not a list
  = write the key in quotes
keys.yaml:4:1: error[key.unknown]: `metadata`: this key is not known
  = one of `kind`, `name`, `spec`
tab.yaml:4:2: error[yaml.syntax]: tabs disallowed within this context (block indentation)
  = indent with spaces: YAML knows no tabs there
twice.yaml:3:1: error[yaml.duplicate_key]: the key `name` stands twice
  = keep one; the first stands in line 2
types.yaml:1:7: error[value.type]: `kind`: expected one of `Owner`, `Environment`, `Identity`, `TrustSource`, `Api`, `Grant`, `Limit`, `Zone`, `Contract`, `Flow`, `Waiver`, `Webhook`, `Rotation`, `Purpose`, `Policy`, found the number `1`
types.yaml:2:7: error[value.type]: `name`: expected text, found the number `2`
  = put it in quotes
"#);
}

#[test]
fn what_nobody_would_read_is_counted() {
    let text = "kind: Owner\nname: a\n---\n".repeat(2_000);
    let parsed = parsed(&[("many.yaml", text.as_bytes())], &[]);
    assert_eq!(parsed.diagnostics.len(), super::DIAGNOSTICS_MAX + 1);
    assert_snapshot!(parsed.diagnostics.last().unwrap(), @r#"
many.yaml:3001:1: error[diagnostics.more]: 1001 more diagnostics are not shown
  = mend these first
"#);
}

#[test]
fn documents_are_finite() {
    let text = "{kind: Owner, name: a, spec: {}}\n---\n".repeat(7);
    let sources = Sources { documents: vec![("many.yaml".into(), text.into_bytes())], policies: Vec::new() };
    let parsed = super::parse_up_to(&sources, 5);
    assert_eq!(parsed.documents.len(), 5);
    assert_snapshot!(parsed.diagnostics.iter().map(|d| format!("{d}\n")).collect::<String>(), @r#"many.yaml:10:1: error[resource.too_many]: there are more than 5 documents; this one and all that follow are not read"#);
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300), cedar in proptest::collection::vec(any::<u8>(), 0..50)) {
        let parsed = parsed(&[("a.yaml", &bytes)], &[("a.cedar", &cedar)]);
        let _ = crate::resolve(&parsed.documents, &|_: &std::path::Path, _: &str| Err(std::io::ErrorKind::NotFound.into()));
    }

    #[test]
    fn mangled_documents_never_panic(at in 0_usize..4000, byte in any::<u8>(), cut in 0_usize..4000) {
        let mut text = include_bytes!("../../testdata/contract.yaml").to_vec();
        if let Some(slot) = text.get_mut(at) {
            *slot = byte;
        }
        text.truncate(cut.max(500));
        let parsed = parsed(&[("a.yaml", &text)], &[]);
        let openapi = include_bytes!("../../testdata/ledger.yaml").to_vec();
        let resolved = crate::resolve(&parsed.documents, &move |_: &std::path::Path, _: &str| Ok(openapi.clone()));
        prop_assert_eq!(resolved.inventory.is_none(), resolved.diagnostics.iter().any(|diagnostic| diagnostic.is_error()));
    }
}
