//! Whatever a document holds is read again as it was written.

use super::hold;
use proptest::prelude::*;
use serde_json::{Map, Number, Value};

fn nasty() -> impl Strategy<Value = String> {
    prop_oneof![
        "[ -~]{0,12}",
        "[a-z0-9:#,\\[\\]{}&*!|>'\"%@`? \n\t-]{0,24}",
        "[0-9eExXo_.:+-]{1,6}",
        "(a|b| |\n|\t|\r|-|#|:|é|\u{85}|\u{2028}|\u{feff}){0,12}",
        any::<String>().prop_map(|text| text.chars().take(40).collect()),
        Just("~".to_owned()),
        Just("-\n".to_owned()),
        "[a-z ]{120,140}",
    ]
}

fn spec() -> impl Strategy<Value = Value> {
    let number = prop_oneof![
        any::<i64>().prop_map(Number::from),
        any::<u64>().prop_map(Number::from),
        any::<f64>().prop_filter_map("finite", Number::from_f64),
    ];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        number.prop_map(Value::Number),
        nasty().prop_map(Value::String),
    ];
    let value = leaf.prop_recursive(5, 40, 6, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..5).prop_map(Value::Array),
            proptest::collection::vec((nasty(), inner), 0..5).prop_map(|members| Value::Object(members.into_iter().collect::<Map<_, _>>())),
        ]
    });
    proptest::collection::vec((nasty(), value), 0..6).prop_map(|members| Value::Object(members.into_iter().collect::<Map<_, _>>()))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]
    #[test]
    fn any_spec_is_written_and_read_again(spec in spec()) {
        hold(spec);
    }
}
