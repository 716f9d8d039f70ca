//! Documents of indicators: a bundle of STIX 2.1, events of MISP. Either is walked through, at any depth, and nothing is kept of it but
//! what an indicator is made of: a document of many small things takes no more memory than its bytes.

use super::{Taking, Unlisted, beginning, range::Range, shown};
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use std::fmt;
use wardgate_model::time::Time;

/// The longest text of an indicator that is looked at, in bytes.
const TEXT_BYTES_MAX: usize = 4096;

/// Whose indicators.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Stix,
    Misp,
}

/// Reads a document.
pub(super) fn read(bytes: &[u8], kind: Kind, now: Time, taking: &mut Taking) -> Result<(), Unlisted> {
    let mut walk = Walk { kind, now, taking, at: 0, full: None };
    let mut document = serde_json::Deserializer::from_slice(bytes);
    let walked = Node(&mut walk).deserialize(&mut document).and_then(|()| document.end());
    if let Some(full) = walk.full {
        return Err(full);
    }
    walked.map_err(|error| Unlisted::Json { why: beginning(&error.to_string(), 100).into() })
}

/// The member of an object that is this text; `None`: it has none.
pub(super) fn member(line: &str, name: &str) -> serde_json::Result<Option<String>> {
    let mut object = serde_json::Deserializer::from_str(line);
    let found = Member(name).deserialize(&mut object)?;
    object.end().map(|()| found)
}

struct Walk<'t> {
    kind: Kind,
    now: Time,
    taking: &'t mut Taking,
    at: u64,
    /// Why nothing more is taken.
    full: Option<Unlisted>,
}

/// What an object says of itself.
#[derive(Debug, Default)]
struct Said {
    kind: Option<String>,
    pattern: Option<String>,
    pattern_type: Option<String>,
    valid_until: Option<String>,
    value: Option<String>,
    /// `revoked` of STIX, `deleted` of MISP.
    taken_back: bool,
    /// `to_ids` of MISP.
    not_meant: bool,
}

impl Walk<'_> {
    fn look(&mut self, said: &Said) -> Result<(), Unlisted> {
        match self.kind {
            Kind::Stix => self.stix(said),
            Kind::Misp => self.misp(said),
        }
    }

    /// STIX 2.1 §4.7: of an indicator its pattern (§9), where that is about addresses and nothing else.
    fn stix(&mut self, said: &Said) -> Result<(), Unlisted> {
        if said.kind.as_deref() != Some("indicator") {
            return Ok(());
        }
        self.at += 1;
        let over = said.valid_until.as_deref().and_then(Time::parse).is_some_and(|until| until <= self.now);
        let ours = said.pattern_type.as_deref().is_none_or(|of| of == "stix");
        let addresses = said.pattern.as_deref().filter(|_| ours && !over && !said.taken_back).and_then(pattern);
        let Some(addresses) = addresses else {
            self.taking.other();
            return Ok(());
        };
        addresses.iter().try_for_each(|address| self.taking.put_text(self.at, address))
    }

    fn misp(&mut self, said: &Said) -> Result<(), Unlisted> {
        let (Some(kind), Some(value)) = (&said.kind, &said.value) else { return Ok(()) };
        self.at += 1;
        let address = match kind.as_str() {
            "ip-src" | "ip-dst" => Some(&**value),
            "ip-src|port" | "ip-dst|port" => value.split('|').next(),
            _ => None,
        };
        match address.filter(|_| !said.taken_back && !said.not_meant).map(|text| (Range::parse(text.trim()), text)) {
            None => self.taking.other(),
            Some((Some(range), _)) => self.taking.put(range)?,
            Some((None, text)) => self.taking.wrong(self.at, format_args!("`{}` is no network", shown(text))),
        }
        Ok(())
    }
}

/// The addresses of a pattern: `[ipv4-addr:value = '…']`, `ISSUBSET`, `IN`, with `OR` between them. `None`: it says something else, or
/// asks for more than an address.
fn pattern(text: &str) -> Option<Vec<&str>> {
    let mut found = Vec::new();
    let mut rest = text.trim();
    loop {
        rest = rest.strip_prefix('[')?;
        loop {
            rest = comparison(rest.trim_start(), &mut found)?.trim_start();
            match rest.strip_prefix("OR ") {
                Some(more) => rest = more,
                None => break,
            }
        }
        rest = rest.strip_prefix(']')?.trim_start();
        if rest.is_empty() {
            return Some(found);
        }
        rest = rest.strip_prefix("OR")?.trim_start();
    }
}

fn comparison<'p>(text: &'p str, found: &mut Vec<&'p str>) -> Option<&'p str> {
    let text = text.strip_prefix("ipv4-addr:value").or_else(|| text.strip_prefix("ipv6-addr:value"))?.trim_start();
    if let Some(text) = text.strip_prefix('=').or_else(|| text.strip_prefix("ISSUBSET ")) {
        return literal(text, found);
    }
    let mut text = text.strip_prefix("IN")?.trim_start().strip_prefix('(')?;
    loop {
        text = literal(text, found)?.trim_start();
        match text.strip_prefix(',') {
            Some(more) => text = more,
            None => return text.strip_prefix(')'),
        }
    }
}

fn literal<'p>(text: &'p str, found: &mut Vec<&'p str>) -> Option<&'p str> {
    let (literal, rest) = text.trim_start().strip_prefix('\'')?.split_once('\'')?;
    found.push(literal);
    Some(rest)
}

/// Anything: objects are looked at, what they hold too.
struct Node<'w, 't>(&'w mut Walk<'t>);

impl<'de> DeserializeSeed<'de> for Node<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

macro_rules! nothing_in {
    ($($visit:ident: $of:ty,)*) => {
        $(fn $visit<E: Error>(self, _: $of) -> Result<Self::Value, E> {
            Ok(Self::Value::default())
        })*
    };
}

impl<'de> Visitor<'de> for Node<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("anything")
    }

    nothing_in! { visit_bool: bool, visit_i64: i64, visit_u64: u64, visit_f64: f64, visit_str: &str, }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        while items.next_element_seed(Node(&mut *self.0))?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        let mut said = Said::default();
        while let Some(name) = members.next_key_seed(Text)? {
            match name.as_deref() {
                Some("type") => said.kind = members.next_value_seed(Text)?,
                Some("pattern") => said.pattern = members.next_value_seed(Text)?,
                Some("pattern_type") => said.pattern_type = members.next_value_seed(Text)?,
                Some("valid_until") => said.valid_until = members.next_value_seed(Text)?,
                Some("value") => said.value = members.next_value_seed(Text)?,
                Some("revoked" | "deleted") => said.taken_back = members.next_value_seed(Text)?.as_deref() == Some("true"),
                Some("to_ids") => said.not_meant = members.next_value_seed(Text)?.as_deref() == Some("false"),
                _ => members.next_value_seed(Node(&mut *self.0))?,
            }
        }
        let walk = self.0;
        walk.look(&said).map_err(|full| {
            walk.full = Some(full);
            A::Error::custom("nothing more is taken")
        })
    }
}

/// A text that is not too long, and a truth as the word for it; `None`: something else, which is passed over.
struct Text;

impl<'de> DeserializeSeed<'de> for Text {
    type Value = Option<String>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Text {
    type Value = Option<String>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("anything")
    }

    nothing_in! { visit_i64: i64, visit_u64: u64, visit_f64: f64, }

    fn visit_bool<E: Error>(self, truth: bool) -> Result<Self::Value, E> {
        Ok(Some(truth.to_string()))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        Ok((text.len() <= TEXT_BYTES_MAX).then(|| text.to_owned()))
    }

    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
        while items.next_element::<IgnoredAny>()?.is_some() {}
        Ok(None)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Self::Value, A::Error> {
        while members.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(None)
    }
}

/// One member of an object.
struct Member<'n>(&'n str);

impl<'de> DeserializeSeed<'de> for Member<'_> {
    type Value = Option<String>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Member<'_> {
    type Value = Option<String>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Self::Value, A::Error> {
        let mut found = None;
        while let Some(name) = members.next_key_seed(Text)? {
            if name.as_deref() == Some(self.0) {
                found = members.next_value_seed(Text)?;
            } else {
                members.next_value::<IgnoredAny>()?;
            }
        }
        Ok(found)
    }
}
