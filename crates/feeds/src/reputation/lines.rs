//! Lists with an entry a line.

use super::{Column, LINE_BYTES_MAX, Taking, Unlisted, beginning, indicators::member, range::Range, shown};
use std::borrow::Cow;

/// Has each line read that is text and not too long, without blanks around it; the others are wrong.
fn each(bytes: &[u8], taking: &mut Taking, mut line: impl FnMut(&mut Taking, u64, &str) -> Result<(), Unlisted>) -> Result<(), Unlisted> {
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    for (at, bytes) in (1..).zip(bytes.split(|byte| *byte == b'\n')) {
        if bytes.len() > LINE_BYTES_MAX {
            taking.wrong(at, format_args!("it has more than {LINE_BYTES_MAX} bytes"));
            continue;
        }
        match std::str::from_utf8(bytes) {
            Ok(text) if text.trim().is_empty() => {}
            Ok(text) => line(taking, at, text.trim())?,
            Err(_) => taking.wrong(at, format_args!("it is no text")),
        }
    }
    Ok(())
}

pub(super) fn netset(bytes: &[u8], taking: &mut Taking) -> Result<(), Unlisted> {
    each(bytes, taking, |taking, at, line| {
        let said = line.find(['#', ';']).and_then(|comment| line.get(..comment)).unwrap_or(line).trim();
        if said.is_empty() { Ok(()) } else { taking.put_text(at, said) }
    })
}

pub(super) fn jsonl(bytes: &[u8], name: &str, taking: &mut Taking) -> Result<(), Unlisted> {
    each(bytes, taking, |taking, at, line| {
        match member(line, name) {
            Ok(Some(network)) => taking.put_text(at, network.trim())?,
            // As the line at the end that tells when the list was made.
            Ok(None) => taking.other(),
            Err(error) => taking.wrong(at, format_args!("it is no JSON: {}", beginning(&error.to_string(), 100))),
        }
        Ok(())
    })
}

pub(super) fn csv(bytes: &[u8], column: &Column, taking: &mut Taking) -> Result<(), Unlisted> {
    let (name, mut which) = match column {
        Column::Name(name) => (&**name, None),
        Column::Number(number) => ("", Some(number.saturating_sub(1))),
    };
    let place = |line: &str| fields(line).position(|field| field.is_some_and(|field| field.trim().eq_ignore_ascii_case(name)));
    let mut begun = false;
    each(bytes, taking, |taking, at, line| {
        if let Some(comment) = line.strip_prefix('#') {
            // Some have their header in a comment.
            which = which.or_else(|| place(comment.trim_start_matches('#').trim()));
            return Ok(());
        }
        let first = !std::mem::replace(&mut begun, true);
        let Some(column) = which else {
            which = place(line);
            return which.map(drop).ok_or_else(|| Unlisted::Column { column: name.into() });
        };
        match fields(line).nth(column).flatten().map(|field| (Range::parse_with_port(field.trim()), field)) {
            Some((Some(range), _)) => taking.put(range)?,
            // A header, where the column has a number.
            Some((None, field)) if first && !field.contains(|letter: char| letter.is_ascii_digit()) => {}
            Some((None, field)) => taking.wrong(at, format_args!("`{}` is no address", shown(field.trim()))),
            None => taking.wrong(at, format_args!("it has no column {}", column + 1)),
        }
        Ok(())
    })?;
    if which.is_none() && begun { Err(Unlisted::Column { column: name.into() }) } else { Ok(()) }
}

/// The fields of a line (RFC 4180 §2): in quotes, two of them stand for one; `None`: what its quotes hold has no end.
fn fields(line: &str) -> impl Iterator<Item = Option<Cow<'_, str>>> {
    let mut rest = Some(line);
    std::iter::from_fn(move || {
        let line = rest.take()?;
        let Some(mut within) = line.trim_start().strip_prefix('"') else {
            let (field, after) = line.split_once(',').map_or((line, None), |(field, after)| (field, Some(after)));
            rest = after;
            return Some(Some(Cow::Borrowed(field)));
        };
        let mut field = String::new();
        loop {
            let Some((before, after)) = within.split_once('"') else { return Some(None) };
            field.push_str(before);
            match after.strip_prefix('"') {
                Some(more) => {
                    field.push('"');
                    within = more;
                }
                None => {
                    rest = after.split_once(',').map(|(_, next)| next);
                    return Some(Some(Cow::Owned(field)));
                }
            }
        }
    })
}
