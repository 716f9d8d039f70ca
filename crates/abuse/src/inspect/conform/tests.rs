use super::{Rule, check};
use crate::inspect::json::{JsonLimits, read};
use wardgate_model::schema::{Discriminator, ListRule, Node, NodeId, ObjectRule, Properties, Property, Schemas, TextRule, Types};

fn rule(text: &str, nodes: Vec<Node>) -> Option<(Rule, String)> {
    let schemas = Schemas::new(nodes);
    let tape = read(text.as_bytes(), &JsonLimits::default()).unwrap();
    check(&tape, 0, &schemas, NodeId::new(0)).err().map(|miss| (miss.rule, tape.pointer_of(miss.at)))
}

fn of(types: Types) -> Node {
    Node { types, ..Node::default() }
}

#[test]
fn a_circle_ends() {
    let everywhere = Node { all: [NodeId::new(0)].into(), ..Node::default() };
    assert_eq!(rule("1", vec![everywhere]).unwrap().0, Rule::Work);
    let tree = Node { list: Some(Box::new(ListRule { rest: Some(NodeId::new(0)), ..ListRule::default() })), ..of(Types::ARRAY) };
    assert_eq!(rule("[[],[[]]]", vec![tree.clone()]), None);
    assert_eq!(rule("[[],[1]]", vec![tree]), Some((Rule::Type, "/1/0".to_owned())));
}

#[test]
fn work_is_bounded_whatever_the_schema() {
    // Each level tries the next one twice.
    let mut nodes: Vec<Node> = (1..60).map(|next| Node { any: [NodeId::new(next), NodeId::new(next)].into(), ..Node::default() }).collect();
    nodes.push(of(Types::NULL));
    assert_eq!(rule("1", nodes).unwrap().0, Rule::Work);
}

#[test]
fn the_alternative_that_is_meant_says_what_is_wrong() {
    let pet = |kind: u32| {
        let members = vec![Property::new("type", None, true), Property::new("size", Some(NodeId::new(kind)), true)];
        Node { object: Some(Box::new(ObjectRule { members: Properties::of(members), ..ObjectRule::default() })), ..of(Types::OBJECT) }
    };
    let discriminator = |mapping: &[(&str, u32)]| Discriminator {
        name: "type".into(),
        mapping: mapping.iter().map(|(name, node)| ((*name).into(), NodeId::new(*node))).collect(),
    };
    let nodes = |mapping: &[(&str, u32)]| {
        let one =
            Node { one: [NodeId::new(1), NodeId::new(2)].into(), discriminator: Some(Box::new(discriminator(mapping))), ..Node::default() };
        vec![one, pet(3), pet(4), of(Types::INTEGER), of(Types::BOOLEAN)]
    };
    let told = |text: &str| rule(text, nodes(&[("cat", 1), ("dog", 2)]));
    assert_eq!(told(r#"{"type":"cat","size":3}"#), None);
    assert_eq!(told(r#"{"type":"dog","size":3}"#), None, "it is a hint: what fits another alternative fits");
    assert_eq!(told(r#"{"type":"dog","size":"x"}"#), Some((Rule::Type, "/size".to_owned())));
    assert_eq!(told(r#"{"type":"dog"}"#), Some((Rule::Required, String::new())));
    assert_eq!(told(r#"{"type":"cow"}"#), Some((Rule::Alternatives, String::new())));
}

#[test]
fn a_text_is_counted_in_characters() {
    let short = || vec![Node { text: Some(Box::new(TextRule { min: 2, max: Some(3), ..TextRule::default() })), ..Node::default() }];
    for (text, good) in [
        (r#""é""#, false),
        (r#""éé""#, true),
        (r#""😀😀😀""#, true),
        (r#""\ud83d\ude00\u0061\n""#, true),
        (r#""abcd""#, false),
        ("7", true),
    ] {
        assert_eq!(rule(text, short()).is_none(), good, "{text}");
    }
}

#[test]
fn equal_items_are_found_however_they_are_written() {
    let unique = || vec![Node { list: Some(Box::new(ListRule { unique: true, ..ListRule::default() })), ..Node::default() }];
    let many = |last: &str| format!("[{},{last}]", (0..300).map(|n| n.to_string()).collect::<Vec<_>>().join(","));
    for (text, good) in [
        ("[1,2,\"1\",true,null,[],{},[1],{\"a\":1}]".to_owned(), true),
        ("[1,2,1.0]".to_owned(), false),
        ("[\"a\",\"\\u0061\"]".to_owned(), false),
        ("[{\"a\":1,\"b\":[2]},{\"b\":[2e0],\"a\":1}]".to_owned(), false),
        ("[{\"a\":1},{\"a\":2},{\"b\":1}]".to_owned(), true),
        ("[[1,2],[2,1],[1]]".to_owned(), true),
        (many("300"), true),
        (many("250e0"), false),
        (many("\"250\""), true),
    ] {
        assert_eq!(rule(&text, unique()).is_none(), good, "{text}");
    }
}
