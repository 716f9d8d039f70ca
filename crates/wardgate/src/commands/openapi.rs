//! `wardgate openapi draft`: files of calls in, a document out.

use super::{replay::opened, timeline};
use crate::{
    cli::{DraftArgs, OpenapiCommand},
    output::{Exit, error, note, number, print},
};
use std::{
    fs::File,
    io::{self, Read},
    path::PathBuf,
    sync::Arc,
};
use wardgate_governance::traffic::{
    Draft, DraftSettings, Files, Format, Mapping, Reading, TaughtBy, Undrafted, YEARS, draft, draft::FIRST,
};
use wardgate_resources::yaml;

pub(super) async fn run(command: OpenapiCommand) -> anyhow::Result<Exit> {
    let OpenapiCommand::Draft(args) = command;
    let Some(format) = Format::parse(&args.format) else {
        error(&format!("there is no format `{}`", args.format));
        return Ok(Exit::Invalid);
    };
    if let Some(other) = args.logs.iter().find(|log| !log.is_file()) {
        error(&format!("`{}` is no file", other.display()));
        return Ok(Exit::Invalid);
    }
    if !args.map.is_empty() && format != Format::Json {
        error("--map is for --format json: the other formats say themselves what is where");
        return Ok(Exit::Invalid);
    }
    let prefix = match wardgate_resources::wire::path_prefix(if args.prefix.is_empty() { "/" } else { &args.prefix }) {
        Ok(prefix) => prefix.trim_end_matches('/').to_owned(),
        Err(wrong) => {
            error(&format!("--prefix: {}", wrong.what));
            return Ok(Exit::Invalid);
        }
    };
    let mapping = match Mapping::new(args.map.iter().map(String::as_str)) {
        Ok(mapping) => Arc::new(mapping),
        Err(wrong) => {
            error(&wrong.to_string());
            return Ok(Exit::Invalid);
        }
    };
    let DraftArgs { logs, host, title, output, all, .. } = args;
    let taught_by = if all { TaughtBy::All } else { TaughtBy::Served };
    let settings = DraftSettings { reading: Reading { format, mapping, years: YEARS }, host, prefix, taught_by, title };
    let learned = tokio::task::spawn_blocking(move || learned(&logs, &settings)).await?;
    let draft = match learned {
        Ok(draft) => draft,
        Err(wrong @ Undrafted::Hosts(_)) => {
            error(&format!("{wrong}; name one with --host"));
            return Ok(Exit::Invalid);
        }
        Err(wrong @ Undrafted::Nothing { .. }) => {
            note(&wrong.to_string());
            return Ok(Exit::No);
        }
        Err(wrong) => return Err(wrong.into()),
    };
    let is_json = output.as_ref().is_some_and(|file| file.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("json")));
    let text =
        if is_json { format!("{}\n", serde_json::to_string_pretty(&draft.document)?) } else { yaml::written(&draft.document, FIRST) };
    match &output {
        Some(file) => timeline::write(file, &text)?,
        None => print(&text)?,
    }
    note(&told(&draft));
    Ok(Exit::Done)
}

fn learned(logs: &[PathBuf], settings: &DraftSettings) -> Result<Draft, Undrafted> {
    let names = logs.iter().map(|log| log.display().to_string()).collect();
    let open = |at: usize| -> io::Result<Box<dyn Read>> { opened(File::open(logs.get(at).ok_or(io::ErrorKind::NotFound)?)?) };
    draft(&Files { names, open: &open }, settings)
}

/// What went into it, and what did not.
fn told(draft: &Draft) -> String {
    let operations = u64::try_from(draft.operations).unwrap_or(u64::MAX);
    let mut text = format!("{} learned from {}", number(operations, "operation"), number(draft.calls, "call"));
    let left = [
        (draft.unserved, "not served"),
        (draft.elsewhere, "of another host or path"),
        (draft.indescribable, "that no document can describe"),
    ];
    for (count, why) in left.iter().filter(|(count, _)| *count > 0) {
        text.push_str(&format!("; left out: {} {why}", number(*count, "call")));
    }
    if draft.not_understood > 0 {
        text.push_str(&format!("; not understood: {}", number(draft.not_understood, "line")));
    }
    text
}
