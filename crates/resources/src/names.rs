//! Which names a resource may have.

use crate::{nearest::listed, scalar::Wrong};
use wardgate_model::{
    id::{NAME_BYTES_MAX, NameError},
    inventory::Identity,
    resource::Kind,
};

/// What only Wardgate's own things begin with.
const RESERVED: [&str; 4] = ["wardgate", "shipped:", "guardrail:", "grant:"];
/// What shipped rotations begin with.
const SHIPPED_ROTATION: &str = "shipped:rotation";
/// What the limits of contracts begin with; a name of [`NAME_BYTES_MAX`] bytes must hold them.
pub(crate) const CONTRACT_LIMIT: &str = "contract:";
/// Longest name of an environment: it stands in every API key (CONTRACT "HTTP, towards clients").
const ENVIRONMENT_BYTES_MAX: usize = 32;

/// Checks a resource's name: the grammar of its kind, and that it is not reserved.
///
/// A policy's document may have a shipped policy's name, which its `@id` replaces; so may a rotation's. Shipped limits begin with `default:`,
/// which is not reserved, so that a limit of the same name replaces one.
pub(crate) fn check(kind: Kind, name: &str) -> Result<(), Wrong> {
    grammar(name).map_err(|error| Wrong::new(error.to_string()))?;
    let replaces = match kind {
        Kind::Policy => name.starts_with("shipped:") || name.starts_with("guardrail:"),
        Kind::Rotation => name.starts_with(SHIPPED_ROTATION),
        _ => false,
    };
    let reserved = RESERVED.iter().any(|prefix| name.starts_with(prefix)) && !replaces;
    if reserved || (kind == Kind::Identity && Identity::is_built_in(name)) {
        let mend = match kind {
            Kind::Identity if name == Identity::PEOPLE => {
                "an API with `consumers: mixed` says by `people` what is open to people's sessions".to_owned()
            }
            Kind::Identity if name == Identity::ANONYMOUS => {
                "operations with `anonymous: true` are what callers without a credential may use".to_owned()
            }
            _ => format!("names that begin with {} are Wardgate's own", listed(RESERVED)),
        };
        return Err(Wrong::new(format!("the name `{name}` is reserved")).mend(mend));
    }
    if kind == Kind::Limit && name.starts_with(CONTRACT_LIMIT) {
        let mend = "a Contract with `quota`, `rate` or `concurrency` has this limit".to_owned();
        return Err(Wrong::new(format!("the name `{name}` is reserved")).mend(mend));
    }
    if kind == Kind::Contract && name.len() > NAME_BYTES_MAX - CONTRACT_LIMIT.len() {
        let what = format!("the name `{name}` is too long for the name of its limit, `{CONTRACT_LIMIT}{name}`");
        return Err(Wrong::new(what).mend(format!("use {} bytes or less", NAME_BYTES_MAX - CONTRACT_LIMIT.len())));
    }
    let short = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    if kind == Kind::Environment && (name.len() > ENVIRONMENT_BYTES_MAX || !name.bytes().all(short)) {
        let what = format!("the name `{name}` does not fit into API keys");
        return Err(Wrong::new(what).mend("an environment's name has 1 to 32 of `a-z`, `0-9` and `-`"));
    }
    Ok(())
}

/// The grammar is the model's; every typed name has the same.
fn grammar(name: &str) -> Result<(), NameError> {
    wardgate_model::id::PolicyName::parse(name).map(|_| ())
}

#[cfg(test)]
mod tests;
