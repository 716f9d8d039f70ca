//! What is no JSON: parameters of path, query and header, and bodies that are forms. Each becomes a tape of texts that are meant as whatever
//! their schema takes (OpenAPI 3.1 §4.8.12).

use super::{
    conform::{Rule, check},
    json::{self, JsonLimits, Kind, Tape},
};
use std::borrow::Cow;
use wardgate_model::{
    api::PathTemplate,
    schema::{NodeId, Schemas, Types},
    shape::{Parameter, ParameterForm, ParameterPlace, RequestShape},
};

/// Fields of one form that are looked at.
pub const PAIRS_MAX: usize = 1_024;

/// The pairs of a query or of a form (WHATWG URL §5.1), their escapes resolved.
pub fn pairs(text: &[u8]) -> impl Iterator<Item = (Cow<'_, str>, Cow<'_, str>)> {
    text.split(|byte| *byte == b'&').filter(|pair| !pair.is_empty()).map(|pair| {
        let (name, value) = match pair.iter().position(|byte| *byte == b'=') {
            Some(at) => (pair.get(..at).unwrap_or_default(), pair.get(at + 1..).unwrap_or_default()),
            None => (pair, &[][..]),
        };
        (resolved(name, Plus::Blank), resolved(value, Plus::Blank))
    })
}

/// What a `+` stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Plus {
    /// Itself.
    Plus,
    /// A blank, as in forms.
    Blank,
}

/// A text with its percent-escapes resolved once; what is no UTF-8 then is replaced.
#[must_use]
pub fn resolved(text: &[u8], plus: Plus) -> Cow<'_, str> {
    let blank = plus == Plus::Blank;
    if !text.iter().any(|byte| *byte == b'%' || (blank && *byte == b'+')) {
        return String::from_utf8_lossy(text);
    }
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let mut plain = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((first, after)) = rest.split_first() {
        let escape = match after {
            [high, low, ..] if *first == b'%' => digit(*high).zip(digit(*low)),
            _ => None,
        };
        plain.push(match (escape, first) {
            (Some((high, low)), _) => high * 16 + low,
            (None, b'+') if blank => b' ',
            (None, byte) => *byte,
        });
        rest = if escape.is_some() { after.get(2..).unwrap_or_default() } else { after };
    }
    Cow::Owned(String::from_utf8(plain).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned()))
}

/// What is wrong with a parameter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wrong<'s> {
    /// Which.
    pub parameter: &'s Parameter,
    /// In what.
    pub rule: Rule,
}

/// The parts of a request that parameters stand in.
#[derive(Debug, Clone, Copy)]
pub struct Parts<'a> {
    /// The template of the path.
    pub template: &'a PathTemplate,
    /// The path.
    pub path: &'a str,
    /// The query.
    pub query: Option<&'a str>,
    /// The fields that the operation's parameters name, in the order of these.
    pub fields: &'a [Option<Box<str>>],
}

/// Shows every parameter that is not as the shape has it.
pub fn parameters<'s>(shape: &'s RequestShape, parts: &Parts<'_>, mut wrong: impl FnMut(Wrong<'s>)) {
    let pairs: Vec<(Cow<'_, str>, Cow<'_, str>)> = parts.query.map(|query| pairs(query.as_bytes()).collect()).unwrap_or_default();
    let mut fields = parts.fields.iter();
    for parameter in &shape.parameters {
        let found = match &parameter.place {
            ParameterPlace::Path => of_path(parameter, parts),
            ParameterPlace::Query => of_pairs(&parameter.name, parameter.form, &pairs),
            ParameterPlace::Header(_) => {
                fields.next().and_then(Option::as_deref).map_or(Found::Nothing, |text| single(parameter.form, text))
            }
        };
        let rule = match found {
            Found::Nothing if parameter.required => Some(Rule::Required),
            Found::Nothing => None,
            Found::Wrong(rule) => Some(rule),
            Found::Value(tape) => check(&tape, 0, &shape.schemas, parameter.schema).err().map(|miss| miss.rule),
        };
        if let Some(rule) = rule {
            wrong(Wrong { parameter, rule });
        }
    }
}

/// What stands in the place of a parameter.
enum Found {
    Nothing,
    Value(Tape<'static>),
    Wrong(Rule),
}

fn of_path(parameter: &Parameter, parts: &Parts<'_>) -> Found {
    let mut segments = parts.template.segments().iter().zip(parts.path.get(1..).unwrap_or_default().split('/'));
    let value = segments.find_map(|(segment, part)| segment.value(&parameter.name, part));
    value.map_or(Found::Nothing, |value| single(parameter.form, &resolved(value.as_bytes(), Plus::Plus)))
}

fn single(form: ParameterForm, text: &str) -> Found {
    let mut tape = Tape::empty();
    match form {
        ParameterForm::Joined(between) => {
            let list = tape.push(Kind::Array, "");
            text.split(between).map(str::trim).filter(|item| !item.is_empty()).for_each(|item| {
                tape.push(Kind::Loose, item);
            });
            tape.close(list);
        }
        ParameterForm::Json => return as_json(text),
        ParameterForm::Unread => {
            tape.push(Kind::Unread, "");
        }
        ParameterForm::Single | ParameterForm::Repeated | ParameterForm::Brackets => {
            tape.push(Kind::Loose, text);
        }
    }
    Found::Value(tape)
}

fn as_json(text: &str) -> Found {
    json::read(text.as_bytes(), &JsonLimits::default()).map_or(Found::Wrong(Rule::Json), |tape| Found::Value(tape.into_owned()))
}

fn of_pairs(name: &str, form: ParameterForm, pairs: &[(Cow<'_, str>, Cow<'_, str>)]) -> Found {
    let values = || pairs.iter().filter(|(own, _)| own == name).map(|(_, value)| &**value);
    // A list is written as `name[]` by many, whatever the document says.
    let items = || pairs.iter().filter(|(own, _)| own.strip_suffix("[]").unwrap_or(own) == name).map(|(_, value)| &**value);
    let mut tape = Tape::empty();
    match form {
        ParameterForm::Repeated => {
            if items().next().is_none() {
                return bracketed(name, pairs);
            }
            let list = tape.push(Kind::Array, "");
            items().for_each(|item| {
                tape.push(Kind::Loose, item);
            });
            tape.close(list);
            Found::Value(tape)
        }
        ParameterForm::Joined(_) | ParameterForm::Single | ParameterForm::Json => {
            let mut values = values();
            match (values.next(), values.next()) {
                (None, _) => Found::Nothing,
                (Some(value), None) => single(form, value),
                (Some(_), Some(_)) => Found::Wrong(Rule::Repeated),
            }
        }
        ParameterForm::Brackets | ParameterForm::Unread => match (values().next(), bracketed(name, pairs)) {
            (None, found) => found,
            (Some(value), Found::Nothing) => of_one(form, value, values().count()),
            // Once so and once so: nobody can say which holds.
            (Some(_), _) => Found::Wrong(Rule::Repeated),
        },
    }
}

fn of_one(form: ParameterForm, value: &str, count: usize) -> Found {
    match (form, count) {
        (ParameterForm::Unread, _) | (_, 1) => single(form, value),
        _ => Found::Wrong(Rule::Repeated),
    }
}

/// `name[member]=…`: an object of texts; what is nested deeper is said by nobody's document, so it is let be.
fn bracketed(name: &str, pairs: &[(Cow<'_, str>, Cow<'_, str>)]) -> Found {
    let mut members: Vec<(&str, Option<&str>)> = Vec::new();
    for (own, value) in pairs {
        let Some(rest) = own.strip_prefix(name).and_then(|rest| rest.strip_prefix('[')) else { continue };
        let Some((member, deeper)) = rest.split_once(']') else { continue };
        match members.iter_mut().find(|(known, _)| *known == member) {
            Some((_, known)) => *known = None,
            None => members.push((member, deeper.is_empty().then_some(&**value))),
        }
    }
    if members.is_empty() {
        return Found::Nothing;
    }
    let mut tape = Tape::empty();
    let is_list = members.iter().all(|(member, _)| member.is_empty() || member.bytes().all(|byte| byte.is_ascii_digit()));
    if is_list {
        tape.push(Kind::Unread, "");
        return Found::Value(tape);
    }
    let object = tape.push(Kind::Object, "");
    for (member, value) in members {
        tape.push(Kind::Name, member);
        match value {
            Some(value) => tape.push(Kind::Loose, value),
            None => tape.push(Kind::Unread, ""),
        };
    }
    tape.close(object);
    Found::Value(tape)
}

/// A form (`application/x-www-form-urlencoded`) as an object: a field that stands several times is a list.
///
/// # Errors
/// With more fields than are looked at.
pub fn form(body: &[u8], schemas: &Schemas, root: NodeId) -> Result<Tape<'static>, Rule> {
    let pairs: Vec<_> = pairs(body).take(PAIRS_MAX + 1).collect();
    if pairs.len() > PAIRS_MAX {
        return Err(Rule::Json);
    }
    let mut tape = Tape::empty();
    let object = tape.push(Kind::Object, "");
    let mut seen: Vec<&str> = Vec::new();
    for (name, _) in &pairs {
        let bare = name.split('[').next().unwrap_or_default();
        let bare = if bare.is_empty() { &**name } else { bare };
        if seen.contains(&bare) {
            continue;
        }
        seen.push(bare);
        tape.push(Kind::Name, bare);
        field(&mut tape, bare, &pairs, kind(schemas, root, bare));
    }
    tape.close(object);
    Ok(tape)
}

/// What a field can be.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Field {
    /// One text, or several.
    Plain,
    /// A list and nothing else.
    List,
    /// Something that is written in a way that the document does not tell.
    Unread,
}

fn kind(schemas: &Schemas, root: NodeId, name: &str) -> Field {
    const SCALARS: Types = Types::STRING.or(Types::NUMBER).or(Types::BOOLEAN).or(Types::NULL);
    let mut found = None;
    schemas.of_member(root, name, |id| {
        let (list, scalar) = (schemas.admits(id, Types::ARRAY), schemas.admits(id, SCALARS));
        let own = match (list, scalar) {
            (_, true) => Field::Plain,
            (true, false) => Field::List,
            (false, false) => Field::Unread,
        };
        found = Some(if found.is_none_or(|found| found == own) { own } else { Field::Unread });
    });
    found.unwrap_or(Field::Plain)
}

fn field(tape: &mut Tape<'static>, name: &str, pairs: &[(Cow<'_, str>, Cow<'_, str>)], kind: Field) {
    let values: Vec<&str> = pairs.iter().filter(|(own, _)| own == name).map(|(_, value)| &**value).collect();
    let nested = pairs.iter().any(|(own, _)| own.strip_prefix(name).is_some_and(|rest| rest.starts_with('[')));
    match (values.as_slice(), kind) {
        (_, Field::Unread) => {
            tape.push(Kind::Unread, "");
        }
        ([value], Field::Plain) if !nested => {
            tape.push(Kind::Loose, value);
        }
        ([_, ..], _) if !nested => {
            let list = tape.push(Kind::Array, "");
            values.iter().for_each(|value| {
                tape.push(Kind::Loose, value);
            });
            tape.close(list);
        }
        _ => {
            tape.push(Kind::Unread, "");
        }
    }
}

#[cfg(test)]
mod tests;
