//! What the value of a keyword of a schema has to be to say anything: one that is something else would be passed over in silence.

use super::{schema::Dialect, walk::escaped};
use serde_json::{Map, Value};

/// A schema that would never come to an end, by what leads back to it.
pub(super) const ITSELF: &str = "a schema that consists of itself, by nothing but `allOf`, `anyOf`, `oneOf`, `not` and `$ref`";

/// What a value has to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Number,
    /// A whole number that is not below zero.
    Count,
    Text,
    Truth,
    /// A number; in OpenAPI 3.0 `true` or `false`, too.
    Bound,
    List,
    Names,
    Object,
}

const FORMS: [(&str, Form); 26] = [
    ("minimum", Form::Number),
    ("maximum", Form::Number),
    ("exclusiveMinimum", Form::Bound),
    ("exclusiveMaximum", Form::Bound),
    ("multipleOf", Form::Number),
    ("minLength", Form::Count),
    ("maxLength", Form::Count),
    ("minItems", Form::Count),
    ("maxItems", Form::Count),
    ("minProperties", Form::Count),
    ("maxProperties", Form::Count),
    ("pattern", Form::Text),
    ("format", Form::Text),
    ("$ref", Form::Text),
    ("uniqueItems", Form::Truth),
    ("nullable", Form::Truth),
    ("readOnly", Form::Truth),
    ("enum", Form::List),
    ("allOf", Form::List),
    ("anyOf", Form::List),
    ("oneOf", Form::List),
    ("prefixItems", Form::List),
    ("required", Form::Names),
    ("properties", Form::Object),
    ("patternProperties", Form::Object),
    ("discriminator", Form::Object),
];

impl Form {
    fn fits(self, value: &Value, dialect: Dialect) -> bool {
        match self {
            Self::Number => super::schema::decimal(value).is_some(),
            Self::Count => value.as_u64().is_some(),
            Self::Text => value.is_string(),
            Self::Truth => value.is_boolean(),
            Self::Bound => Self::Number.fits(value, dialect) || (dialect == Dialect::Three && value.is_boolean()),
            Self::List => value.is_array(),
            Self::Names => value.as_array().is_some_and(|names| names.iter().all(Value::is_string)),
            Self::Object => value.is_object(),
        }
    }

    const fn said(self) -> &'static str {
        match self {
            Self::Number | Self::Bound => "no number",
            Self::Count => "no whole number from 0 on",
            Self::Text => "no text",
            Self::Truth => "neither `true` nor `false`",
            Self::List => "no list",
            Self::Names => "no list of names",
            Self::Object => "no object",
        }
    }
}

/// Shows the keywords of a schema whose values say nothing: what is told of each, and its pointer.
pub(super) fn mistyped(schema: &Map<String, Value>, dialect: Dialect, pointer: &str, mut show: impl FnMut(String, String)) {
    for (keyword, form) in FORMS {
        if schema.get(keyword).is_some_and(|value| !form.fits(value, dialect)) {
            show(format!("`{keyword}` is {}", form.said()), format!("{pointer}/{}", escaped(keyword)));
        }
    }
}

/// A way out of what is not checked, where there is one to tell.
pub(super) fn mend(what: &str) -> Option<&'static str> {
    (what == ITSELF).then_some("take that reference out, or put it below `properties` or `items`")
}
