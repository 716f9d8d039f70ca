//! `wardgate check`: everything that is wrong with the files, at once.

use crate::{
    cli::{CheckArgs, Output},
    config::{Config, KeySource, Raw, SignIn},
    control::{Gathered, Loaded},
    diagnostics,
    output::{Exit, GOOD, json, line, note, styled},
};
use serde_json::json;
use std::{
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};
use wardgate_model::diagnostic::{Diagnostic, Place};
use wardgate_resources::Inventory;

/// What the files hold, where they are good.
struct Counted {
    apis: usize,
    operations: usize,
    identities: usize,
    grants: usize,
}

pub(super) fn run(args: &CheckArgs) -> anyhow::Result<Exit> {
    let (found, counted) = look(args);
    let good = !found.iter().any(Diagnostic::is_error);
    if args.output.output == Output::Json {
        json(&json!({ "good": good, "diagnostics": diagnostics::to_json(&found) }))?;
    } else {
        diagnostics::show(&found);
        match counted {
            Some(counted) if good => line(&format!(
                "{} {} with {}, {}, {}; {}",
                styled(GOOD, "good:"),
                count(counted.apis, "API", "APIs"),
                count(counted.operations, "operation", "operations"),
                count(counted.identities, "identity", "identities"),
                count(counted.grants, "grant", "grants"),
                diagnostics::summary(&found)
            ))?,
            _ => note(&diagnostics::summary(&found)),
        }
    }
    Ok(if good { Exit::Done } else { Exit::Invalid })
}

/// The master key opens everything that is sealed: a file of it that others can read is worth a word.
fn open_key(config: &Config) -> Option<Diagnostic> {
    let KeySource::File(path) = &config.key else { return None };
    let mode = std::fs::metadata(path).ok()?.permissions().mode();
    let shown = path.display();
    (mode & 0o077 != 0).then(|| {
        let what = format!("the master key `{shown}` can be read by others than its owner (mode {:o})", mode & 0o777);
        let mend = format!("`chmod 600 {shown}`, and make a new key if somebody may have read it");
        Diagnostic::warning(Place::file(&config.file), "config.key_mode", what).mend(mend)
    })
}

/// Where the resources are, said by a configuration that is wrong elsewhere: what is in them is said all the same.
fn named(file: &Path, base: &Path) -> Vec<PathBuf> {
    let raw = std::fs::read(file).ok().and_then(|bytes| wardgate_resources::yaml::read::<Raw>(file, &bytes).ok());
    raw.and_then(|raw| raw.resources).unwrap_or_default().iter().map(|path| base.join(path)).collect()
}

/// Owners and the environment of people who sign in that no file declares: whoever came for them would not be let in.
fn unnamed(sign_in: &SignIn, inventory: &Inventory, file: &Path) -> Vec<Diagnostic> {
    let owners: Vec<&str> = inventory.owners.iter().map(|owner| owner.name.as_str()).collect();
    let environments: Vec<&str> = inventory.environments.iter().map(|environment| environment.name.as_str()).collect();
    let missing = |key: String, kind: &str, name: &str, known: &[&str]| {
        let what = format!("`admin.sign_in.{key}`: no file declares the {kind} `{name}`: who signs in for it is not let in");
        let mend = match wardgate_resources::nearest(name, known.iter().copied()) {
            Some(near) => format!("did you mean `{near}`? Else declare it, here or by the management API"),
            None => "declare it, here or by the management API".to_owned(),
        };
        (!known.contains(&name)).then(|| Diagnostic::warning(Place::file(file), "config.sign_in", what).mend(mend))
    };
    let everybody = sign_in.owner.iter().map(|owner| ("owner".to_owned(), owner));
    let by_group = sign_in.owners.iter().map(|(group, owner)| (format!("owners.{group}"), owner));
    let owners = everybody.chain(by_group).filter_map(|(key, owner)| missing(key, "Owner", owner.as_str(), &owners));
    let lives = missing("environment".to_owned(), "Environment", sign_in.environment.as_str(), &environments);
    owners.chain(lives).collect()
}

fn count(number: usize, one: &str, several: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { several })
}

/// Directories given stand for those that the configuration names; then the configuration need not be there.
fn look(args: &CheckArgs) -> (Vec<Diagnostic>, Option<Counted>) {
    let file = &args.config.config;
    let mut found = Vec::new();
    let configured =
        if args.directories.is_empty() || file.exists() { Config::read(file).map_err(|wrong| found.extend(wrong)).ok() } else { None };
    found.extend(configured.as_ref().and_then(open_key));
    found.extend(configured.iter().flat_map(Config::look_for_named));
    let sign_in = configured.as_ref().and_then(|config| config.sign_in.clone());
    let issuer = configured.as_ref().map(|config| config.issuer.clone());
    let configured = configured.map(|config| config.resources);
    let base = file.parent().unwrap_or(Path::new("")).to_owned();
    let paths = if args.directories.is_empty() { configured.unwrap_or_else(|| named(file, &base)) } else { args.directories.clone() };
    if paths.is_empty() {
        return (found, None);
    }
    match Loaded::of(Gathered::read(&paths, base).with_issuer(issuer.as_deref())) {
        Ok(loaded) => {
            found.extend(loaded.warnings);
            let inventory = &loaded.inventory;
            found.extend(sign_in.iter().flat_map(|sign_in| unnamed(sign_in, inventory, file)));
            let operations = inventory.apis.iter().map(|api| api.operations.len()).sum();
            let counted =
                Counted { apis: inventory.apis.len(), operations, identities: inventory.identities.len(), grants: inventory.grants.len() };
            (found, Some(counted))
        }
        Err(wrong) => {
            found.extend(wrong);
            (found, None)
        }
    }
}

#[cfg(test)]
mod tests;
