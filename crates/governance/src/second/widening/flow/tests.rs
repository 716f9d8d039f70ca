use crate::{
    second::{Act, needs},
    testing::{documents, proposed, record},
};

/// A flow that begins and finishes so, and what else is said of it.
fn flow(begin: &str, finish: &str, more: &str) -> String {
    format!("kind: Flow\nname: holds\nspec: {{ api: shop, begin: [{begin}], finish: [{finish}], {more} }}")
}

fn check(before: &str, after: &str) -> String {
    let before = documents(before);
    match needs(&Act::Apply { changes: proposed(after) }, &record(&before)) {
        None => "nothing".to_owned(),
        Some(needs) => format!("{}: {}", needs.needed, needs.why.join("; ")),
    }
}

#[test]
fn to_tell_less_of_what_is_not_finished_wants_a_second() {
    let less = "second: less is told of what is begun and not finished: Flow `holds`";
    let before = flow("POST /holds, POST /baskets", "POST /purchases", "within: 15m, unfinished: { share: 60% }");
    let same = |more: &str| flow("POST /holds, POST /baskets", "POST /purchases", more);
    assert_eq!(check("", &before), "nothing", "one that is new takes nothing away");
    assert_eq!(check(&before, "kind: Flow\nname: holds\nspec: { gone: true }"), less);
    assert_eq!(check(&before, &flow("POST /holds", "POST /purchases", "within: 15m, unfinished: { share: 60% }")), less);
    assert_eq!(check(&before, &flow("POST /holds, POST /baskets", "POST /purchases, GET /holds", "within: 15m")), less);
    assert_eq!(check(&before, &same("within: 15m, unfinished: { share: 61% }")), less);
    assert_eq!(check(&before, &same("within: 15m, unfinished: { share: 60%, at_least: 21 }")), less);
    assert_eq!(check(&before, &same("within: 1h, unfinished: { share: 60% }")), less);
    assert_eq!(check(&before, &same("within: 5m, unfinished: { share: 60% }")), less);
    assert_eq!(check(&before, &same("within: 15m")), "nothing", "half is less than 60 per cent");
    assert_eq!(check(&before, &same("within: 15m, unfinished: { share: 1%, at_least: 20 }")), "nothing");
    assert_eq!(check(&before, &flow("POST /holds, POST /baskets, PUT /x", "POST /purchases", "within: 15m")), "nothing");
}
