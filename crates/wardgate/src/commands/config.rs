//! `wardgate config show`: the effective configuration, defaults included.

use crate::{
    cli::{ConfigShowArgs, Output},
    config::{Config, Raw},
    diagnostics,
    output::{Exit, json, print},
};

pub(super) fn show(args: &ConfigShowArgs) -> anyhow::Result<Exit> {
    let file = &args.config.config;
    if let Err(found) = Config::read(file) {
        diagnostics::show(&found);
        return Ok(Exit::Invalid);
    }
    let raw = match wardgate_resources::yaml::read::<Raw>(file, &std::fs::read(file)?) {
        Ok(raw) => raw.filled(),
        Err(found) => {
            diagnostics::show(&found);
            return Ok(Exit::Invalid);
        }
    };
    if args.output.output == Output::Json {
        json(&raw)?
    } else {
        print(&serde_saphyr::to_string(&raw)?)?
    }
    Ok(Exit::Done)
}
