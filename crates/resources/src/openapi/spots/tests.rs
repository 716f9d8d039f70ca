use super::of;
use proptest::prelude::*;
use serde_json::Value;
use wardgate_model::diagnostic::Place;

/// Where pointers lead, as `line:column`.
fn check(text: &str, pointers: &[&str]) -> String {
    let found = of(&Place::file("x"), text, pointers.iter().copied());
    let shown = pointers.iter().map(|pointer| match found.get(pointer) {
        Some(spot) => format!("{pointer} {}:{}\n", spot.line, spot.column),
        None => format!("{pointer} nowhere\n"),
    });
    shown.collect()
}

#[test]
fn keys_and_items_of_yaml_have_their_places() {
    let text = "a:\n  b/c: [1, {d: ü, e: 2}]\n  f~g:\n    - x\n    - y: z\n";
    let pointers = ["/a", "/a/b~1c", "/a/b~1c/0", "/a/b~1c/1/e", "/a/f~0g/1/y", "/a/missing/more", "/other", ""];
    insta::assert_snapshot!(check(text, &pointers), @r"
/a 1:1
/a/b~1c 2:3
/a/b~1c/0 2:9
/a/b~1c/1/e 2:19
/a/f~0g/1/y 5:7
/a/missing/more 1:1
/other nowhere
 nowhere
");
}

#[test]
fn keys_and_items_of_json_have_their_places() {
    let text =
        "{\n  \"a\": {\n    \"b/c\": [1, {\"d\": \"ü]},{\\\"\", \"e\": 2}],\n    \"f~\\u0067\": [\"x\", {\"y\": []}]}, \"h\": null\n}\n";
    let pointers = ["/a", "/a/b~1c", "/a/b~1c/0", "/a/b~1c/1/e", "/a/f~0g/1/y", "/a/missing/more", "/h", "/other", ""];
    insta::assert_snapshot!(check(text, &pointers), @r"
/a 2:3
/a/b~1c 3:5
/a/b~1c/0 3:13
/a/b~1c/1/e 3:33
/a/f~0g/1/y 4:24
/a/missing/more 2:3
/h 4:36
/other nowhere
 nowhere
");
}

#[test]
fn the_deepest_document_that_is_read_has_places_too() {
    let mut text = String::new();
    let mut pointer = String::new();
    for depth in 0..39 {
        text += &format!("{}a:\n", " ".repeat(depth));
        pointer += "/a";
    }
    assert_eq!(check(&text, &[&pointer]), format!("{pointer} 39:39\n"));
}

/// Every pointer of a value.
fn pointers(value: &Value, here: &str, all: &mut Vec<String>) {
    let mut below = |step: &str, value: &Value| {
        let pointer = format!("{here}/{}", crate::openapi::walk::escaped(step));
        pointers(value, &pointer, all);
        all.push(pointer);
    };
    match value {
        Value::Object(members) => members.iter().for_each(|(name, value)| below(name, value)),
        Value::Array(items) => items.iter().enumerate().for_each(|(at, value)| below(&at.to_string(), value)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn any_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i32>().prop_map(Value::from),
        ".{0,6}".prop_map(Value::from)
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::btree_map(".{0,4}", inner, 0..4).prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

proptest! {
    /// Whatever stands in a text of JSON is found there, where its key or its item begins.
    #[test]
    fn every_pointer_of_json_is_found(value in any_value(), pretty in any::<bool>()) {
        let document = serde_json::json!({ "root": value });
        let text = if pretty { serde_json::to_string_pretty(&document).unwrap() } else { document.to_string() };
        let mut all = Vec::new();
        pointers(&document, "", &mut all);
        let found = of(&Place::file("x"), &text, all.iter().map(String::as_str));
        for pointer in &all {
            let spot = found[pointer.as_str()];
            let line = text.split('\n').nth(spot.line as usize - 1).unwrap();
            let rest: String = line.chars().skip(spot.column as usize - 1).collect();
            let (above, step) = pointer.rsplit_once('/').unwrap();
            if document.pointer(above).unwrap().is_object() {
                let key = serde_json::to_string(&step.replace("~1", "/").replace("~0", "~")).unwrap();
                prop_assert!(rest.starts_with(&key), "{pointer}: {rest}");
            } else {
                let first = document.pointer(pointer).unwrap().to_string().chars().next().unwrap();
                prop_assert!(rest.starts_with(first), "{pointer}: {rest}");
            }
        }
    }

    #[test]
    fn arbitrary_text_never_panics(text in "\\{[{}\\[\\],:\" \\\\a-c\n]{0,40}") {
        let _ = check(&text, &["/a", "/a/0", "/b/c"]);
    }
}
