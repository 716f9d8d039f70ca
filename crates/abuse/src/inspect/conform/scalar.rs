//! Values that hold no others: what is asked of texts, numbers and truths.

use super::{Check, Held, Kind, Rule, Token, miss};
use std::net::{Ipv4Addr, Ipv6Addr};
use wardgate_model::{
    schema::{Decimal, Format, Literal, Node, NumberRule, TextRule, Types},
    time::Time,
};

impl<'s> Check<'_, 's> {
    pub(super) fn scalar(&mut self, at: u32, token: Token, node: &'s Node) -> Held<'s> {
        let types = match token.kind() {
            Kind::Null => Types::NULL,
            Kind::True | Kind::False => Types::BOOLEAN,
            Kind::Whole => Types::INTEGER,
            Kind::Number => self.number_types(token),
            Kind::Loose => return self.loose(at, token, node),
            _ => Types::STRING,
        };
        if !node.types.has_any(types) {
            return Err(miss(at, Rule::Type));
        }
        if let Some(literals) = &node.literals {
            self.literals(at, token, literals)?;
        }
        if types == Types::STRING
            && let Some(rule) = node.text.as_deref()
        {
            let text = self.tape.text(token);
            self.spend(at, u32::try_from(text.len() / 16).unwrap_or(u32::MAX))?;
            return fits_text(&text, rule).map_err(|rule| miss(at, rule));
        }
        if let (Kind::Whole | Kind::Number, Some(rule)) = (token.kind(), node.number.as_deref()) {
            return fits_number(self.tape.written(token), rule).map_err(|rule| miss(at, rule));
        }
        Ok(())
    }

    fn number_types(&self, token: Token) -> Types {
        match Decimal::parse(self.tape.written(token).as_bytes()) {
            Some(number) if number.is_whole() => Types::INTEGER,
            _ => Types::FRACTION,
        }
    }

    /// A text that is meant as whatever its schema takes: it is enough if one reading is good.
    fn loose(&mut self, at: u32, token: Token, node: &'s Node) -> Held<'s> {
        let text = self.tape.written(token);
        self.spend(at, 1 + u32::try_from(text.len() / 16).unwrap_or(u32::MAX))?;
        let mut wrong = None;
        let listed = node.literals.as_deref().is_none_or(|literals| literals.iter().any(|literal| is_meant(text, literal)));
        if !listed {
            return Err(miss(at, Rule::Literal));
        }
        if node.types.has_any(Types::STRING) {
            match node.text.as_deref().map_or(Ok(()), |rule| fits_text(text, rule)) {
                Ok(()) => return Ok(()),
                Err(rule) => wrong = Some(rule),
            }
        }
        let number = is_number(text).then(|| Decimal::parse(text.as_bytes()));
        let whole = number.flatten().is_some_and(Decimal::is_whole);
        if number.is_some() && node.types.has_any(if whole { Types::INTEGER } else { Types::FRACTION }) {
            match node.number.as_deref().map_or(Ok(()), |rule| fits_number(text, rule)) {
                Ok(()) => return Ok(()),
                Err(rule) => wrong = Some(rule),
            }
        }
        let truth = matches!(text, "true" | "false") && node.types.has_any(Types::BOOLEAN);
        let null = matches!(text, "" | "null") && node.types.has_any(Types::NULL);
        if truth || null { Ok(()) } else { Err(miss(at, wrong.unwrap_or(Rule::Type))) }
    }
}

/// Whether a text can be meant as a value of a schema.
pub(super) fn is_meant(text: &str, literal: &Literal) -> bool {
    match literal {
        Literal::Null => matches!(text, "" | "null"),
        Literal::Boolean(truth) => text == if *truth { "true" } else { "false" },
        Literal::Number(number) => is_number(text) && Decimal::parse(text.as_bytes()) == Some(*number),
        Literal::Text(own) => text == &**own,
        Literal::List(_) | Literal::Object(_) => false,
    }
}

/// RFC 8259 §6.
fn is_number(text: &str) -> bool {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let text = text.strip_prefix('-').unwrap_or(text);
    let (number, power) = text.split_once(['e', 'E']).map_or((text, None), |(number, power)| (number, Some(power)));
    let (whole, fraction) = number.split_once('.').map_or((number, None), |(whole, fraction)| (whole, Some(fraction)));
    digits(whole)
        && (whole == "0" || !whole.starts_with('0'))
        && fraction.is_none_or(digits)
        && power.is_none_or(|power| digits(power.strip_prefix(['+', '-']).unwrap_or(power)))
}

fn fits_text(text: &str, rule: &TextRule) -> Result<(), Rule> {
    let bytes = text.len();
    // A character has four bytes at the most: mostly there is no need to count them.
    let (min, max) = (rule.min as usize, rule.max.map_or(usize::MAX, |max| max as usize));
    if bytes < min || bytes / 4 > max {
        return Err(Rule::Length);
    }
    if bytes > max || bytes / 4 < min {
        let characters = text.chars().count();
        if characters < min || characters > max {
            return Err(Rule::Length);
        }
    }
    if rule.format.is_some_and(|format| !is_in(format, text)) {
        return Err(Rule::Format);
    }
    if rule.pattern.as_ref().is_some_and(|pattern| !pattern.fits(text)) {
        return Err(Rule::Pattern);
    }
    Ok(())
}

fn is_in(format: Format, text: &str) -> bool {
    match format {
        Format::Date => text.len() == 10 && Time::parse(text).is_some(),
        Format::DateTime => is_moment(text),
        Format::Uuid => {
            let place = |(at, byte): (usize, u8)| if matches!(at, 8 | 13 | 18 | 23) { byte == b'-' } else { byte.is_ascii_hexdigit() };
            text.len() == 36 && text.bytes().enumerate().all(place)
        }
        Format::Ipv4 => text.parse::<Ipv4Addr>().is_ok(),
        Format::Ipv6 => text.parse::<Ipv6Addr>().is_ok(),
    }
}

/// RFC 3339 §5.6, a leap second too.
fn is_moment(text: &str) -> bool {
    let bytes = text.as_bytes();
    let at = |range: std::ops::Range<usize>| text.get(range).filter(|part| part.bytes().all(|byte| byte.is_ascii_digit()));
    let within =
        |range: std::ops::Range<usize>, max: u8| at(range).and_then(|part| part.parse::<u8>().ok()).is_some_and(|part| part <= max);
    let is = |place: usize, allowed: &[u8]| bytes.get(place).is_some_and(|byte| allowed.contains(byte));
    let date = text.get(..10).is_some_and(|date| Time::parse(date).is_some());
    if !date || !is(10, b"Tt ") || !within(11..13, 23) || !is(13, b":") || !within(14..16, 59) || !is(16, b":") || !within(17..19, 60) {
        return false;
    }
    let rest = text.get(19..).unwrap_or_default();
    let zone = match rest.strip_prefix('.') {
        Some(fraction) => {
            let end = fraction.find(|c: char| !c.is_ascii_digit()).unwrap_or(fraction.len());
            if end == 0 {
                return false;
            }
            fraction.get(end..).unwrap_or_default()
        }
        None => rest,
    };
    match zone.as_bytes() {
        [b'Z' | b'z'] => true,
        [b'+' | b'-', h1, h2, b':', m1, m2] => {
            [h1, h2, m1, m2].iter().all(|digit| digit.is_ascii_digit()) && (*h1 < b'2' || (*h1 == b'2' && *h2 < b'4')) && *m1 < b'6'
        }
        _ => false,
    }
}

fn fits_number(text: &str, rule: &NumberRule) -> Result<(), Rule> {
    // With more digits than are counted here nothing is known of it but that it is a number.
    let Some(number) = Decimal::parse(text.as_bytes()) else { return Err(Rule::Range) };
    let within = rule.min.is_none_or(|min| number >= min)
        && rule.max.is_none_or(|max| number <= max)
        && rule.above.is_none_or(|above| number > above)
        && rule.below.is_none_or(|below| number < below);
    if !within {
        return Err(Rule::Range);
    }
    match rule.step.and_then(|step| number.is_multiple_of(step)) {
        Some(false) => Err(Rule::Step),
        Some(true) | None => Ok(()),
    }
}
