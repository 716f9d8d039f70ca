//! What operators hand in: policies as text, and the names they may refer to.

use crate::{schema::Type, statement::Lines};
use std::{collections::HashSet, sync::Arc};
use wardgate_model::{
    api::Api,
    diagnostic::{Diagnostic, Place},
    inventory::{Environment, Identity, Role},
};

/// Largest file of policies, in bytes.
pub const SOURCE_BYTES_MAX: usize = 1 << 20;
/// Most policies in one installation, grants apart.
pub const POLICIES_MAX: usize = 200_000;

/// One `.cedar` file or `Policy` resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicySource {
    /// The file. A line says where in it the text begins, for policies inside other documents.
    pub place: Place,
    /// The policies.
    pub text: Arc<str>,
}

impl PolicySource {
    /// Takes the bytes of a file.
    ///
    /// # Errors
    /// A diagnostic when it is larger than [`SOURCE_BYTES_MAX`] or not UTF-8, with the place of the first bad byte.
    pub fn from_bytes(place: Place, bytes: &[u8]) -> Result<Self, Diagnostic> {
        if bytes.len() > SOURCE_BYTES_MAX {
            return Err(too_large(place, bytes.len()));
        }
        match std::str::from_utf8(bytes) {
            Ok(text) => Ok(Self { place, text: text.into() }),
            Err(bad) => {
                let good = bytes.get(..bad.valid_up_to()).and_then(|good| std::str::from_utf8(good).ok()).unwrap_or_default();
                Err(Diagnostic::error(
                    Lines::of(good).place(&place, good, good.len()),
                    "policy.encoding",
                    "the file is not UTF-8 from here on",
                )
                .mend("save the file as UTF-8"))
            }
        }
    }
}

pub(crate) fn too_large(place: Place, bytes: usize) -> Diagnostic {
    Diagnostic::error(place, "policy.too_large", format!("a file of policies has at most {SOURCE_BYTES_MAX} bytes, this one has {bytes}"))
        .mend("split it into several files")
}

/// What policies may refer to. Cedar takes a name that does not exist for one that never matches: so a `forbid` would
/// be lost in silence. Existence is therefore checked here.
#[derive(Clone, Default)]
pub struct Names<'a> {
    /// Identities; `anonymous` and `people` are always known.
    pub identities: HashSet<&'a str>,
    /// Identities that are known beside these: there may be too many to list.
    pub beside: Option<&'a dyn Fn(&str) -> bool>,
    /// Owners; `wardgate` is always known.
    pub owners: HashSet<&'a str>,
    /// Teams of all owners.
    pub teams: HashSet<&'a str>,
    /// Environments; `shared` is always known.
    pub environments: &'a [Arc<Environment>],
    /// APIs with their operations; `wardgate-admin`, `wardgate-issuer` and `wardgate-tasks` are always known.
    pub apis: &'a [Arc<Api>],
}

impl std::fmt::Debug for Names<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Names").field("identities", &self.identities.len()).finish_non_exhaustive()
    }
}

impl Names<'_> {
    /// Every name of `of`, for checking and for suggestions.
    pub(crate) fn known(&self, of: Type, name: &str) -> bool {
        match of {
            Type::Identity => {
                let beside = || self.beside.is_some_and(|beside| beside(name));
                Identity::is_built_in(name) || self.identities.contains(name) || beside()
            }
            Type::Owner => name == "wardgate" || self.owners.contains(name),
            Type::Team => self.teams.contains(name),
            Type::Environment => name == "shared" || self.environments.iter().any(|known| known.name.as_str() == name),
            Type::Role => Role::parse(name).is_some(),
            Type::Api => matches!(name, Api::ADMIN | Api::ISSUER | Api::TASKS) || self.apis.iter().any(|api| api.name.as_str() == name),
            Type::Operation => {
                let api = name.split(' ').next().unwrap_or_default();
                self.apis
                    .iter()
                    .filter(|known| known.name.as_str() == api)
                    .any(|known| known.operations.iter().any(|operation| operation.id.as_str() == name))
            }
            // The schema knows the actions; Cedar's validator names a wrong one.
            Type::Action => true,
        }
    }

    /// The known name nearest to a wrong one, when it is near enough to be meant.
    pub(crate) fn nearest(&self, of: Type, wrong: &str) -> Option<String> {
        let names: Vec<&str> = match of {
            Type::Identity => self.identities.iter().copied().collect(),
            Type::Owner => self.owners.iter().copied().collect(),
            Type::Team => self.teams.iter().copied().collect(),
            Type::Environment => self.environments.iter().map(|known| known.name.as_str()).collect(),
            Type::Role => Role::ALL.iter().map(|role| role.as_str()).collect(),
            Type::Api => self.apis.iter().map(|api| api.name.as_str()).chain([Api::ADMIN, Api::ISSUER, Api::TASKS]).collect(),
            Type::Operation => self.apis.iter().flat_map(|api| api.operations.iter().map(|operation| operation.id.as_str())).collect(),
            Type::Action => Vec::new(),
        };
        nearest(wrong, names)
    }
}

/// The candidate at the smallest edit distance, at most a third of the length; ties by name. Long words are not compared.
pub(crate) fn nearest<'a>(wrong: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<String> {
    if wrong.len() > 128 {
        return None;
    }
    candidates
        .into_iter()
        .filter(|name| name.len().abs_diff(wrong.len()) <= 4)
        .map(|name| (distance(wrong, name), name))
        .filter(|(far, _)| *far <= (wrong.len() / 3).clamp(1, 4))
        .min()
        .map(|(_, name)| name.to_owned())
}

fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = i;
        let mut left = i + 1;
        for (y, cell) in b.iter().zip(row.iter_mut().skip(1)) {
            let up = *cell;
            let cost = usize::from(x != *y);
            left = (diagonal + cost).min(up + 1).min(left + 1);
            diagonal = up;
            *cell = left;
        }
        if let Some(first) = row.first_mut() {
            *first = i + 1;
        }
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests;
