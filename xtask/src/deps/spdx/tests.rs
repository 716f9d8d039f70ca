use super::{DEPTH_MAX, permits};

/// With MIT and Apache-2.0 allowed, and `WITH Fine`.
fn check(expression: &str) -> String {
    let may = |id: &str, addition: Option<&str>| ["MIT", "Apache-2.0"].contains(&id) && addition.is_none_or(|word| word == "Fine");
    match permits(expression, &may) {
        Ok(permitted) => if permitted { "yes" } else { "no" }.to_owned(),
        Err(error) => error.to_string(),
    }
}

#[test]
fn expressions_are_weighed() {
    for (expression, answer) in [
        ("MIT", "yes"),
        ("GPL-3.0", "no"),
        ("MIT OR GPL-3.0", "yes"),
        ("MIT AND GPL-3.0", "no"),
        ("GPL-3.0/MIT", "yes"),
        ("GPL-3.0 / Apache-2.0", "yes"),
        ("GPL-3.0 OR MIT AND Apache-2.0", "yes"),
        ("(GPL-3.0 OR MIT) AND Apache-2.0", "yes"),
        ("(GPL-3.0 OR MIT) AND LGPL-3.0", "no"),
        ("MIT OR (GPL-3.0 AND LGPL-3.0)", "yes"),
        ("Apache-2.0 WITH Fine", "yes"),
        ("Apache-2.0 WITH Worse", "no"),
        ("Apache-2.0 WITH Worse OR MIT", "yes"),
        ("mit", "no"),
    ] {
        assert_eq!(check(expression), answer, "{expression}");
    }
}

#[test]
fn what_is_no_expression_is_said() {
    for (expression, answer) in [
        ("", "it ends where a licence should stand"),
        ("MIT OR", "it ends where a licence should stand"),
        ("MIT WITH", "it ends where a licence should stand"),
        ("MIT MIT", "`MIT` stands in the wrong place"),
        ("OR MIT", "`OR` stands in the wrong place"),
        ("MIT)", "`)` stands in the wrong place"),
        ("(MIT", "a parenthesis is not closed"),
        ("()", "`)` stands in the wrong place"),
    ] {
        assert_eq!(check(expression), answer, "{expression}");
    }
    let nested = |depth: usize| format!("{}MIT{}", "(".repeat(depth), ")".repeat(depth));
    assert_eq!(check(&nested(usize::from(DEPTH_MAX))), "yes");
    assert_eq!(check(&nested(100_000)), "parentheses nest deeper than 16");
}
