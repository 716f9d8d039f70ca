use super::{Asked, Field, Fields, moment};
use crate::{
    schema::{SCHEMA, Type},
    testing::{NOON, facts, identity},
};
use cedar_policy::Request;
use wardgate_model::time::Time;

fn key(text: &str, fields: Fields) -> Vec<u8> {
    let (facts, risk) = facts(&identity("a"), text);
    Asked { facts: &facts, risk, now: NOON }.key(fields).to_vec()
}

#[test]
fn trap_wrong_typed_values_are_not_equal_so_the_context_is_typed_facts() {
    // Cedar's own validation of the request against the schema: every type is right, with and without optional members.
    for text in [
        "-",
        "- proof=jwt bound age=5 zone=lan purpose=p task=t obo=h actors=a,b scopes=s,t audience=x path=/y query=z address=::1 country=DE risk=9",
    ] {
        let (facts, risk) = facts(&identity("a"), text);
        let context = Asked { facts: &facts, risk, now: NOON }.context(Fields::ALL).expect("a context");
        let request = Request::new(Type::Identity.uid("a"), Type::Action.uid("read"), Type::Operation.uid("o"), context, Some(&SCHEMA));
        assert!(request.is_ok(), "{text}: {:?}", request.err());
    }
}

#[test]
fn trap_keys_hold_every_value_in_full() {
    let fields = Fields::one(Field::Purpose).and(Fields::one(Field::Task)).and(Fields::one(Field::Actors));
    let texts = [
        "-",
        "- purpose=ab task=c",
        "- purpose=a task=bc",
        "- purpose=abc",
        "- task=abc",
        "- actors=abc",
        "- actors=ab,c",
        "- actors=a,bc",
    ];
    for (at, one) in texts.iter().enumerate() {
        for other in &texts[at + 1..] {
            assert_ne!(key(one, fields), key(other, fields), "{one} {other}");
        }
    }
    assert_ne!(key("- country=DE", Fields::one(Field::Country)), key("- country=FR", Fields::one(Field::Country)));
    assert_ne!(key("- risk=1", Fields::one(Field::Risk)), key("- risk=2", Fields::one(Field::Risk)));
}

/// RFC 8693 §4.1, STANDARDS §1.8: policies see the outermost actor, and answers are remembered by that one alone.
#[test]
fn trap_an_inner_actor_is_neither_seen_nor_part_of_what_is_remembered() {
    let fields = Fields::one(Field::Actors);
    let context = |text: &str| {
        let (facts, risk) = facts(&identity("a"), text);
        format!("{:?}", Asked { facts: &facts, risk, now: NOON }.context(fields).expect("a context"))
    };
    for inner in ["- actors=a,b", "- actors=a,b,c", "- actors=a,c,b"] {
        assert_eq!((key(inner, fields), context(inner)), (key("- actors=a", fields), context("- actors=a")), "{inner}");
    }
    assert_ne!(context("- actors=b,a"), context("- actors=a"), "the outermost is seen");
    assert_ne!(context("-"), context("- actors=a"));
}

#[test]
fn a_path_reads_what_is_above_and_below_it() {
    assert_eq!(Fields::of_path(&["risk"]), Fields::one(Field::Risk));
    assert!(Fields::of_path(&["proof"]).has(Field::ProofAge));
    assert!(Fields::of_path(&["token", "issuer"]).has(Field::Token));
    assert!(Fields::of_path(&[]).has(Field::Query));
    assert!(!Fields::of_path(&["proof", "kind"]).has(Field::ProofBound));
}

#[test]
fn moments_are_in_the_form_of_cedar() {
    assert_eq!(moment(Time::from_micros(1_999_999)).as_deref(), Some("1970-01-01T00:00:01.999Z"));
    assert_eq!(moment(Time::from_micros(-1)).as_deref(), Some("1969-12-31T23:59:59.999Z"));
    assert_eq!(moment(Time::from_micros(i64::MAX)), None);
}
