use super::{Parts, parameters};
use crate::inspect::conform::Rule;
use wardgate_model::{
    api::PathTemplate,
    schema::{ListRule, Node, NodeId, NumberRule, ObjectRule, Properties, Property, Schemas, TextRule, Types},
    shape::{Parameter, ParameterForm, ParameterPlace, RequestShape},
};

const WHOLE: u32 = 0;
const SHORT: u32 = 1;
const WHOLES: u32 = 2;
const RANGE: u32 = 3;

fn shape() -> RequestShape {
    let node = |types| Node { types, ..Node::default() };
    let number = NumberRule { min: Some(wardgate_model::schema::Decimal::whole(1)), ..NumberRule::default() };
    let range = vec![Property::new("gt", Some(NodeId::new(WHOLE)), true)];
    let nodes = vec![
        Node { number: Some(Box::new(number)), ..node(Types::INTEGER) },
        Node { text: Some(Box::new(TextRule { max: Some(3), ..TextRule::default() })), ..node(Types::STRING) },
        Node {
            list: Some(Box::new(ListRule { rest: Some(NodeId::new(WHOLE)), max: Some(3), ..ListRule::default() })),
            ..node(Types::ARRAY)
        },
        Node {
            object: Some(Box::new(ObjectRule { members: Properties::of(range), others: Some(NodeId::new(4)), ..ObjectRule::default() })),
            ..node(Types::OBJECT.or(Types::INTEGER))
        },
        Node::nothing(),
    ];
    let parameter =
        |name: &str, place, schema, form, required| Parameter { name: name.into(), place, required, schema: NodeId::new(schema), form };
    let parameters = [
        parameter("id", ParameterPlace::Path, WHOLE, ParameterForm::Single, true),
        parameter("q", ParameterPlace::Query, SHORT, ParameterForm::Single, false),
        parameter("limit", ParameterPlace::Query, WHOLE, ParameterForm::Single, true),
        parameter("ids", ParameterPlace::Query, WHOLES, ParameterForm::Joined(','), false),
        parameter("tag", ParameterPlace::Query, WHOLES, ParameterForm::Repeated, false),
        parameter("created", ParameterPlace::Query, RANGE, ParameterForm::Brackets, false),
        parameter("filter", ParameterPlace::Query, RANGE, ParameterForm::Json, false),
        parameter("x-page", ParameterPlace::Header(http::HeaderName::from_static("x-page")), WHOLE, ParameterForm::Single, false),
    ];
    RequestShape { schemas: Schemas::new(nodes).into(), parameters: parameters.into(), body: None }
}

fn check(path: &str, query: Option<&str>, page: Option<&str>) -> Vec<(String, Rule)> {
    let shape = shape();
    let template = PathTemplate::parse("/things/{id}").unwrap();
    let fields = [page.map(Into::into)];
    let mut found = Vec::new();
    let parts = Parts { template: &template, path, query, fields: &fields };
    parameters(&shape, &parts, |wrong| found.push((wrong.parameter.name.to_string(), wrong.rule)));
    found
}

#[test]
fn every_way_to_write_a_parameter_is_read() {
    for good in [
        "limit=1",
        "limit=%31",
        "limit=1&q=abc",
        "limit=1&q=123",
        "limit=1&q=%C3%A9%C3%A9%C3%A9",
        "limit=1&ids=1,2,3",
        "limit=1&ids=",
        "limit=1&tag=1&tag=2",
        "limit=1&tag[]=1&tag[]=2",
        "limit=1&created=7",
        "limit=1&created[gt]=7",
        "limit=1&filter=%7B%22gt%22:7%7D",
        "limit=1&unknown=x&unknown=y",
    ] {
        assert_eq!(check("/things/5", Some(good), Some("2")), [], "{good}");
    }
    for (query, name, rule) in [
        ("q=a", "limit", Rule::Required),
        ("limit=", "limit", Rule::Type),
        ("limit=x", "limit", Rule::Type),
        ("limit=1.5", "limit", Rule::Type),
        ("limit=0", "limit", Rule::Range),
        ("limit=1&limit=2", "limit", Rule::Repeated),
        ("limit=1&%6cimit=2", "limit", Rule::Repeated),
        ("limit=1&q=abcd", "q", Rule::Length),
        ("limit=1&ids=1,x", "ids", Rule::Type),
        ("limit=1&ids=1,2,3,4", "ids", Rule::Items),
        ("limit=1&tag=1&tag=x", "tag", Rule::Type),
        ("limit=1&created=x", "created", Rule::Type),
        ("limit=1&created[gt]=x", "created", Rule::Type),
        ("limit=1&created[lt]=1", "created", Rule::Unknown),
        ("limit=1&created=1&created[gt]=1", "created", Rule::Repeated),
        ("limit=1&filter=%7B%22gt%22:7,%22gt%22:8%7D", "filter", Rule::Json),
    ] {
        assert_eq!(check("/things/5", Some(query), None), [(name.to_owned(), rule)], "{query}");
    }
    assert_eq!(check("/things/x", None, None), [("id".to_owned(), Rule::Type), ("limit".to_owned(), Rule::Required)]);
    assert_eq!(check("/things/%35", Some("limit=1"), Some("x")), [("x-page".to_owned(), Rule::Type)]);
}
