//! The manual: every help page in one document.

use super::Cli;
use clap::CommandFactory as _;

/// Columns of a page.
const WIDTH: usize = 110;

/// Every help page, as Markdown. `docs/cli.md` is this text.
#[must_use]
pub fn manual() -> String {
    let mut command = Cli::command().term_width(WIDTH);
    command.build();
    let mut document = "# The command line\n\nMade by `wardgate manual`: the help page of every command.\n".to_owned();
    pages(&mut command, "wardgate", &mut document);
    document
}

/// The help of a command and of everything below it.
fn pages(command: &mut clap::Command, path: &str, document: &mut String) {
    let page = command.render_long_help().to_string();
    let lines: Vec<&str> = page.trim_end().lines().map(str::trim_end).collect();
    document.push_str(&format!("\n## {path}\n\n```text\n{}\n```\n", lines.join("\n")));
    let shown = command.get_subcommands().filter(|sub| sub.get_name() != "help" && !sub.is_hide_set());
    let names: Vec<_> = shown.map(|sub| sub.get_name().to_owned()).collect();
    for name in names {
        if let Some(sub) = command.find_subcommand_mut(&name) {
            let mut sub = sub.clone().bin_name(format!("{path} {name}"));
            pages(&mut sub, &format!("{path} {name}"), document);
        }
    }
}
