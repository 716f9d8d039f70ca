//! How many bytes of JSON a second are read, and held against a schema; how many of text are looked at for attacks. `cargo bench -p wardgate-abuse`.

#![expect(clippy::expect_used, reason = "a bench may stop where its own fixture is wrong")]

use std::{fmt::Write as _, hint::black_box, io::Write as _};
use wardgate_abuse::inspect::{
    conform, hostile,
    json::{self, JsonLimits},
};
use wardgate_model::schema::{
    Decimal, ListRule, Literal, Node, NodeId, NumberRule, ObjectRule, Pattern, Properties, Property, Schemas, TextRule, Types,
};

#[expect(clippy::disallowed_methods, reason = "a bench measures time; nothing is ruled by it")]
fn megabytes_a_second(bytes: usize, mut run: impl FnMut()) -> f64 {
    let rounds = (32 << 20) / bytes.max(1) + 1;
    let mut best = f64::MAX;
    for _ in 0..7 {
        let begin = std::time::Instant::now();
        (0..rounds).for_each(|_| run());
        best = best.min(begin.elapsed().as_secs_f64());
    }
    #[expect(clippy::cast_precision_loss, reason = "some ten million bytes")]
    let all = (bytes * rounds) as f64;
    all / best / 1e6
}

fn main() {
    if !std::env::args().any(|word| word == "--bench") {
        return;
    }
    let schemas = orders();
    let limits = JsonLimits::default();
    for (name, body) in [("one order", body(1)), ("400 orders", body(400))] {
        let tape = json::read(body.as_bytes(), &limits).expect("JSON");
        conform::check(&tape, 0, &schemas, NodeId::new(0)).expect("as the schema has it");
        let read = megabytes_a_second(body.len(), || {
            black_box(json::read(black_box(body.as_bytes()), &limits)).ok();
        });
        let whole = megabytes_a_second(body.len(), || {
            let tape = json::read(black_box(body.as_bytes()), &limits).expect("JSON");
            black_box(conform::check(&tape, 0, &schemas, NodeId::new(0))).ok();
        });
        let hostile = megabytes_a_second(body.len(), || {
            black_box(hostile::of_tape(black_box(&tape)));
        });
        let told = format!(
            "{name:<12} {:>7} bytes: read {read:>6.0} MB/s, read and validated {whole:>6.0} MB/s, looked at for attacks {hostile:>6.0} MB/s",
            body.len()
        );
        let _closed = writeln!(std::io::stdout(), "{told}");
    }
}

fn body(orders: usize) -> String {
    let mut body = "[".to_owned();
    for n in 0..orders {
        let _ = write!(
            body,
            "{}{{\"id\":\"{n:08}-f698-11e6-8dd4-cb9ced3df976\",\"customer\":{{\"name\":\"Ada L. of Warehouse {n}\",\"email\":\"ada{n}@example.com\",\"address\":\"12 Long Street, Some Town\"}},\"currency\":\"eur\",\"items\":[{{\"sku\":\"SKU-{n}\",\"count\":{n},\"price\":12.50}},{{\"sku\":\"SKU-X\",\"count\":2,\"price\":3}}],\"paid\":true,\"note\":null,\"created\":1780272000}}",
            if n == 0 { "" } else { "," },
        );
    }
    body + "]"
}

fn of(types: Types) -> Node {
    Node { types, ..Node::default() }
}

fn object(members: &[(&str, u32, bool)]) -> Node {
    let members = members.iter().map(|(name, node, required)| Property::new(name, Some(NodeId::new(*node)), *required)).collect();
    Node {
        object: Some(Box::new(ObjectRule { members: Properties::of(members), others: Some(NodeId::new(10)), ..ObjectRule::default() })),
        ..of(Types::OBJECT)
    }
}

fn list(node: u32) -> Node {
    Node { list: Some(Box::new(ListRule { rest: Some(NodeId::new(node)), max: Some(100_000), ..ListRule::default() })), ..of(Types::ARRAY) }
}

fn orders() -> Schemas {
    let text = |min, max, pattern: Option<&str>| {
        let pattern = pattern.map(|pattern| Pattern::parse(pattern).expect("a pattern"));
        Node { text: Some(Box::new(TextRule { min, max, pattern, format: None })), ..of(Types::STRING) }
    };
    let positive = NumberRule { min: Some(Decimal::whole(0)), ..NumberRule::default() };
    Schemas::new(vec![
        list(1),
        object(&[
            ("id", 2, true),
            ("customer", 3, true),
            ("currency", 4, true),
            ("items", 5, true),
            ("paid", 8, false),
            ("note", 9, false),
            ("created", 7, false),
        ]),
        text(36, Some(36), Some("^[0-9a-f-]+$")),
        object(&[("name", 11, true), ("email", 11, false), ("address", 11, false)]),
        Node { literals: Some(["eur", "usd", "gbp"].map(|word| Literal::Text(word.into())).into()), ..of(Types::STRING) },
        list(6),
        object(&[("sku", 11, true), ("count", 7, true), ("price", 12, true)]),
        Node { number: Some(Box::new(positive.clone())), ..of(Types::INTEGER) },
        of(Types::BOOLEAN),
        of(Types::STRING.or(Types::NULL)),
        Node::nothing(),
        text(1, Some(200), None),
        Node { number: Some(Box::new(positive)), ..of(Types::NUMBER) },
    ])
}
