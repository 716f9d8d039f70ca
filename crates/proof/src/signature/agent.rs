//! `Signature-Agent`: who a bot says that it is (Web Bot Auth, draft-meunier-webbotauth-httpsig-protocol of August 2026).
//!
//! It is the address under which the bot publishes its keys, and counts where the signature covers it and a key *of that address* made
//! the signature: a name of a key alone says nothing of whose it is.

use super::{
    Fault, Signed,
    component::{Form, Part},
    fields::{self, Unreadable},
};
use http::{HeaderMap, HeaderName};
use sfv::{BareItem, Item, ListEntry, Parser};
use std::time::Duration;

/// The `tag` of signatures of bots.
pub const TAG: &str = "web-bot-auth";
/// `Signature-Agent`.
pub const FIELD: HeaderName = HeaderName::from_static("signature-agent");
/// For how long a signature of a bot counts, whatever it says itself.
pub const LIFE_MAX: Duration = Duration::from_hours(1);
/// Longest address of an agent, in bytes.
const URL_BYTES_MAX: usize = 512;

/// Who signs, by its own word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Agent {
    /// The address.
    pub url: Box<str>,
    /// What is at the address.
    pub kind: AgentKind,
}

/// What is at the address of an agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AgentKind {
    /// It is an origin, which has a directory of keys.
    Directory,
    /// A set of keys.
    KeySet,
    /// A document of the client, which says where its keys are.
    Card,
}

/// Who a signature says that made it; `None`: it covers no such word, or one that says nothing here.
///
/// # Errors
/// When the field cannot be read in one way.
pub fn of(signed: &Signed, headers: &HeaderMap) -> Result<Option<Agent>, Fault> {
    let covered = signed.components().iter().filter_map(|component| match component.part() {
        Part::Field(name, form) if *name == FIELD => Some(form),
        _ => None,
    });
    let mut agents = Vec::new();
    for form in covered {
        let Some(text) = fields::combined(headers, &FIELD)? else { continue };
        match form {
            Form::Member(key) => match fields::once(&text).ok_or(Unreadable::Syntax(FIELD))?.get(&**key) {
                Some(ListEntry::Item(item)) => agents.extend(agent(item)),
                Some(ListEntry::InnerList(_)) | None => {}
            },
            // As drafts before had it: one string, and no Dictionary.
            Form::Plain | Form::Strict => agents.extend(Parser::new(&text).parse::<Item>().ok().as_ref().and_then(agent)),
            Form::Bytes => {}
        }
    }
    match <[Agent; 1]>::try_from(agents) {
        Ok([one]) => Ok(Some(one)),
        // Two are as none: which of them is meant is nobody's to choose.
        Err(_) => Ok(None),
    }
}

fn agent(item: &Item) -> Option<Agent> {
    let url = item.bare_item.as_string()?.as_str();
    let kind = match item.params.get("type") {
        None => AgentKind::Directory,
        Some(BareItem::Token(kind)) => match kind.as_str() {
            "directory" => AgentKind::Directory,
            "jwks_uri" => AgentKind::KeySet,
            "cimd" => AgentKind::Card,
            _ => return None,
        },
        Some(_) => return None,
    };
    let good = url.len() <= URL_BYTES_MAX && url.starts_with("https://");
    good.then(|| Agent { url: url.into(), kind })
}
