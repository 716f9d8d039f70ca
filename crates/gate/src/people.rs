//! The people's lane: whose session a request bears on an API that serves people beside machines, and what of it goes on.
//!
//! A session is the upstream's. The gate neither issues nor believes it: it opens what is declared open to people, has a keyed hash
//! for limits and for the record, and goes on as it came. So a made-up one is worth what the upstream makes of it. A request that
//! shows a machine's proof is a machine's, whether the proof is good or not: no session stands in for it, and none goes along.

use crate::escapes::{self, Plus};
use http::{HeaderMap, HeaderName, header};
use std::borrow::Cow;
use wardgate_model::{
    api::{Api, PeopleSession, UpstreamIdentity},
    facts::{Facts, Lane},
    reason::Reason,
};
use wardgate_proof::api_key::{self, Pepper};

/// The session that a request bears, if any: the name for it that is recorded and counted under.
///
/// # Errors
/// When it bears more than one, or something that could be read as one by some and not by others: then what is counted here would
/// not be what the upstream takes.
pub fn session(headers: &HeaderMap, api: &Api, pepper: &Pepper) -> Result<Option<Box<str>>, Reason> {
    let Some(people) = &api.people else { return Ok(None) };
    let mut found: Option<&[u8]> = None;
    let mut add = |value| if found.replace(value).is_some() { Err(Reason::CredentialConflict) } else { Ok(()) };
    if let Some(cookie) = &people.cookie {
        headers.get_all(header::COOKIE).iter().try_for_each(|field| cookies(field.as_bytes(), cookie.as_bytes(), &mut add))?;
    }
    if let Some(name) = &people.header {
        headers.get_all(name).iter().try_for_each(|value| add(value.as_bytes()))?;
    }
    // Browsers keep the name of a session that has ended.
    let Some(value) = found.map(|value| value.trim_ascii()).filter(|value| !value.is_empty()) else { return Ok(None) };
    let value = plain(value)?;
    // A trust source has no such name: whoever makes up a session is not taken for a person whom a token names.
    Ok(Some(api_key::pseudonym(pepper, &format!("people of {}", api.name), &String::from_utf8_lossy(&value))))
}

/// Shows every value of the cookie `name` in one `Cookie` field (RFC 6265 §4.2.1).
fn cookies<'h>(field: &'h [u8], name: &[u8], add: &mut impl FnMut(&'h [u8]) -> Result<(), Reason>) -> Result<(), Reason> {
    let split = |pair: &'h [u8]| match pair.iter().position(|byte| *byte == b'=') {
        Some(at) => (pair.get(..at).unwrap_or_default(), pair.get(at + 1..).unwrap_or_default()),
        None => (pair, &[][..]),
    };
    for pair in field.split(|byte| *byte == b';') {
        let (own, value) = split(pair.trim_ascii());
        let exact = own == name;
        if exact {
            add(value)?;
        }
        // Some servers end a cookie at a comma, too.
        if pair.split(|byte| *byte == b',').skip(usize::from(exact)).any(|piece| is_alike(split(piece).0, name)) {
            return Err(Reason::CredentialMalformed);
        }
    }
    Ok(())
}

/// Whether servers there are read `own` as `name`: without its quotes and blanks, its escapes resolved, in capitals, `.` and blank
/// as `_`, what follows `[` left off.
fn is_alike(own: &[u8], name: &[u8]) -> bool {
    let own = escapes::resolved(own, Plus::Blank);
    let bare = own.split(|byte| *byte == b'[').next().unwrap_or_default();
    let edge = |byte: &u8| byte.is_ascii_whitespace() || byte.is_ascii_control() || *byte == b'"';
    let begin = bare.iter().position(|byte| !edge(byte)).unwrap_or(bare.len());
    let end = bare.iter().rposition(|byte| !edge(byte)).map_or(begin, |last| last + 1);
    let bare = bare.get(begin..end).unwrap_or_default();
    let fold = |byte: u8| if matches!(byte, b'.' | b' ') { b'_' } else { byte.to_ascii_lowercase() };
    bare.len() == name.len() && bare.iter().zip(name).all(|(a, b)| fold(*a) == fold(*b))
}

/// A value as servers there are read it: so that the same session written otherwise is no other person.
///
/// # Errors
/// When it holds escapes of a kind that only some resolve.
fn plain(value: &[u8]) -> Result<Cow<'_, [u8]>, Reason> {
    if !value.iter().all(u8::is_ascii_graphic) || value.contains(&b'\\') {
        return Err(Reason::CredentialMalformed);
    }
    let bare = value.strip_prefix(b"\"").and_then(|rest| rest.strip_suffix(b"\"")).unwrap_or(value);
    Ok(escapes::resolved(bare, Plus::Blank))
}

/// Takes off what of a request's fields must not go on together on an API that serves people and machines.
///
/// A machine's request loses the session: an upstream that takes both would do for a machine what only that person may. It loses all
/// cookies, as no two servers agree on which is which. A person's request loses what the upstream knows its machines by.
/// Where the upstream checks its own callers' credentials (`keep`), all goes on.
pub fn take_off(headers: &mut HeaderMap, facts: &Facts) {
    let Some((api, people)) = facts.api.as_deref().and_then(|api| Some((api, api.people.as_ref()?))) else { return };
    if api.upstream.identity == UpstreamIdentity::Keep {
        return;
    }
    let shows_proof = || {
        let key = api.api_key_header.as_ref();
        headers.contains_key(header::AUTHORIZATION) || key.is_some_and(|key| headers.contains_key(key))
    };
    let machine = match facts.lane() {
        Some(lane) => lane == Lane::Machine,
        // Under `mode: observe` requests go on although nobody is proven.
        None => shows_proof(),
    };
    let doomed: Vec<HeaderName> = headers.keys().filter(|name| is_doomed(name, api, people, machine)).cloned().collect();
    for name in doomed {
        headers.remove(name);
    }
}

fn is_doomed(name: &HeaderName, api: &Api, people: &PeopleSession, machine: bool) -> bool {
    let session = people.header.as_ref();
    let poses = session.is_some_and(|session| name != session && reads_as(name, session));
    if machine {
        return poses || session == Some(name) || (people.cookie.is_some() && reads_as(name, &header::COOKIE));
    }
    match &api.upstream.identity {
        UpstreamIdentity::Header { name: secret, .. } => poses || reads_as(name, secret),
        _ => poses,
    }
}

/// Whether upstreams that read `_` as `-` take one name for the other.
fn reads_as(name: &HeaderName, other: &HeaderName) -> bool {
    let plain = |byte: u8| if byte == b'_' { b'-' } else { byte };
    let (name, other) = (name.as_str(), other.as_str());
    name.len() == other.len() && name.bytes().zip(other.bytes()).all(|(a, b)| plain(a) == plain(b))
}

#[cfg(test)]
mod tests;
