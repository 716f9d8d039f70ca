use super::{Media, Unreadable, Wanted, body, json::JsonLimits};
use wardgate_model::schema::{Node, NodeId, NumberRule, ObjectRule, Properties, Property, Schemas, Types};

fn wanted<'s>(schemas: Option<&'s Schemas>, subject: Option<&'s str>) -> Wanted<'s> {
    Wanted { media: Media::Json, codings: None, schema: schemas.map(|schemas| (schemas, NodeId::new(0))), subject }
}

fn order() -> Schemas {
    let count =
        Node { types: Types::INTEGER, number: Some(Box::new(NumberRule { min: Some(one()), ..NumberRule::default() })), ..Node::default() };
    let members = vec![Property::new("count", Some(NodeId::new(1)), true), Property::new("note", None, false)];
    let order = Node {
        types: Types::OBJECT,
        object: Some(Box::new(ObjectRule { members: Properties::of(members), ..ObjectRule::default() })),
        ..Node::default()
    };
    Schemas::new(vec![order, count])
}

fn one() -> wardgate_model::schema::Decimal {
    wardgate_model::schema::Decimal::whole(1)
}

#[test]
fn a_sender_is_told_where_and_never_what() {
    let schemas = order();
    let said = |text: &str| match body(text.as_bytes(), &wanted(Some(&schemas), None), &JsonLimits::default()) {
        Ok(told) => told.deviation.map_or("as described".to_owned(), Into::into),
        Err(Unreadable::Flawed(place)) => place.into(),
        Err(other) => format!("{other:?}"),
    };
    assert_eq!(said(r#"{"count":3,"other":[1]}"#), "as described");
    assert_eq!(said(r#"{"count":"secret"}"#), "the body at `/count`: it is of another type");
    assert_eq!(said(r#"{"count":0}"#), "the body at `/count`: it is out of range");
    assert_eq!(said(r#"{"note":"secret"}"#), "the body: `count` is required, and missing");
    assert_eq!(said("[]"), "the body: it is of another type");
    assert_eq!(said(r#"{"count":1,"count":2}"#), "the body, at byte 12: a name stands twice in one object");
    assert_eq!(said(r#"{"count":}"#), "the body, at byte 9: it is no JSON");
}

#[test]
fn whom_a_login_is_for_is_found_in_json_and_in_forms() {
    let of = |media, text: &str, pointer| {
        let wanted = Wanted { media, ..wanted(None, Some(pointer)) };
        body(text.as_bytes(), &wanted, &JsonLimits::default()).unwrap().subject
    };
    assert_eq!(of(Media::Json, r#"{"user":{"name":"ad\u0061"},"id":7}"#, "/user/name").as_deref(), Some("ada"));
    assert_eq!(of(Media::Json, r#"{"id":7}"#, "/id").as_deref(), Some("7"));
    assert_eq!(of(Media::Json, r#"{"id":[7]}"#, "/id"), None);
    assert_eq!(of(Media::Form, "username=ada+l%40x&password=p", "/username").as_deref(), Some("ada l@x"));
    assert_eq!(of(Media::Form, "username=ada&username=bo", "/username"), None, "which of them?");
}

#[test]
fn a_media_type_says_how_a_body_is_read() {
    for (declared, media) in [
        (None, Media::Undeclared),
        (Some(""), Media::Undeclared),
        (Some("application/json"), Media::Json),
        (Some("Application/JSON ; charset=utf-8"), Media::Json),
        (Some("application/merge-patch+json"), Media::Json),
        (Some("application/x-www-form-urlencoded"), Media::Form),
        (Some("text/plain"), Media::Other),
        (Some("application/jsonx"), Media::Other),
    ] {
        assert_eq!(Media::of(declared), media, "{declared:?}");
    }
}
