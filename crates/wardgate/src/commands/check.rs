//! `wardgate check`: everything that is wrong with the files, at once.

use crate::{
    cli::{CheckArgs, Output},
    config::{Config, KeySource, Raw},
    control::Loaded,
    diagnostics,
    output::{Exit, GOOD, json, line, note, styled},
};
use serde_json::json;
use std::{
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};
use wardgate_model::diagnostic::{Diagnostic, Place};

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
    let configured = configured.map(|config| config.resources);
    let base = file.parent().unwrap_or(Path::new("")).to_owned();
    let paths = if args.directories.is_empty() { configured.unwrap_or_else(|| named(file, &base)) } else { args.directories.clone() };
    if paths.is_empty() {
        return (found, None);
    }
    match Loaded::read_from(&paths, base) {
        Ok(loaded) => {
            found.extend(loaded.warnings);
            let inventory = &loaded.inventory;
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
