//! What a change comes to: done, or waiting for a second person.

use super::listing::{at, items, text, word};
use crate::{
    cli::Output,
    client::Answer,
    output::{BAD, BOLD, DIM, Exit, GOOD, NAME, STOPPED, json, line, note, plain, print, styled},
};
use http::StatusCode;
use serde_json::{Map, Value};

/// A body of the members that are there.
pub(super) fn body<const N: usize>(members: [(&str, Option<String>); N]) -> Value {
    let there = members.into_iter().filter_map(|(name, value)| Some((name.to_owned(), Value::from(value?))));
    Value::Object(there.collect::<Map<_, _>>())
}

/// Prints the answer to a change. One that waits says so, and who can decide it; and that it is not done, by its status.
pub(super) fn done(answer: &Answer, output: Output, readable: impl FnOnce(&Value) -> String) -> anyhow::Result<Exit> {
    match output {
        Output::Json => json(&answer.body)?,
        Output::Table if answer.status == StatusCode::ACCEPTED => print(&waits(&answer.body))?,
        Output::Table => line(&readable(&answer.body))?,
    }
    if let Some(said) = answer.body.pointer("/only_here/said").and_then(Value::as_str) {
        note(&format!("{} {}", styled(BAD, "the store is away:"), plain(said)));
    }
    // Nothing is as it was asked for yet: whoever goes on after this has to know.
    Ok(if waits_for_somebody(answer) { Exit::No } else { Exit::Done })
}

/// Whether a change waits for a second person, so that nothing is as it was asked for yet.
pub(super) fn waits_for_somebody(answer: &Answer) -> bool {
    answer.status == StatusCode::ACCEPTED
}

/// An act that waits: its approval, what is needed, and the command that decides it.
pub(super) fn waits(body: &Value) -> String {
    let approval = body.get("approval").filter(|approval| approval.is_object()).unwrap_or(body);
    let id = text(approval, "id");
    let mut said = format!("{} {}; nothing is changed yet\n", styled(STOPPED, "waits for a second person:"), summary(approval));
    let needs = needs(approval);
    for (title, what) in [("approval", id.clone()), ("needs", needs), ("lapses", text(approval, "expires"))] {
        if what != "-" {
            said.push_str(&format!("  {}{what}\n", styled(DIM, &format!("{title:<10}"))));
        }
    }
    said.push_str(&format!("  {} wardgate approval approve {id}   or   wardgate approval deny {id}\n", styled(DIM, "=")));
    said
}

/// What an approval is about, in a few words.
pub(super) fn summary(approval: &Value) -> String {
    match text(approval, "summary") {
        none if none == "-" => at(approval, "/act/kind"),
        summary => summary,
    }
}

/// Who may decide.
pub(super) fn needs(approval: &Value) -> String {
    let word = match approval.get("needs") {
        Some(Value::Object(_)) => at(approval, "/needs/who"),
        _ => text(approval, "needs"),
    };
    match word.as_str() {
        "second" => "another identity, of another owner".to_owned(),
        "person" => "a person, of another owner".to_owned(),
        _ => word,
    }
}

/// Prints what a plan says: a line a change, its fields below.
pub(super) fn plan(planned: &Value) -> anyhow::Result<()> {
    for change in items(planned, "changes") {
        let word = text(change, "change");
        let (sign, style) = match word.as_str() {
            "create" => ("+", GOOD),
            "remove" => ("-", BAD),
            "unchanged" => continue,
            _ => ("~", STOPPED),
        };
        line(&format!("{} {} {}", styled(style, sign), text(change, "kind"), styled(NAME, &text(change, "name"))))?;
        for field in items(change, "fields").iter().filter(|_| word != "create" && word != "remove") {
            line(&format!("    {}  {}", text(field, "path"), from_to(field.get("before"), field.get("after"))))?;
        }
    }
    Ok(())
}

/// What a member was and what it becomes.
pub(super) fn from_to(before: Option<&Value>, after: Option<&Value>) -> String {
    let shown = |value: Option<&Value>| match value {
        None | Some(Value::Null) => styled(DIM, "-"),
        Some(value) => plain(&shortened(&value.to_string())),
    };
    format!("{} → {}", shown(before), shown(after))
}

pub(super) fn shortened(text: &str) -> String {
    const MOST: usize = 120;
    if text.chars().count() <= MOST { text.to_owned() } else { text.chars().take(MOST).chain(['…']).collect() }
}

/// `3 to create, 1 to remove, 12 unchanged`.
pub(super) fn counted(planned: &Value, words: [&str; 4]) -> String {
    let count = |word: &str| items(planned, "changes").iter().filter(|change| text(change, "change") == word).count();
    let said = ["create", "update", "remove", "unchanged"].map(count).into_iter().zip(words).filter(|(count, _)| *count > 0);
    let said: Vec<String> = said.map(|(count, word)| format!("{count} {word}")).collect();
    if said.is_empty() { "nothing".to_owned() } else { said.join(", ") }
}

/// What an answer says was done.
pub(super) fn applied(applied: &Value) -> String {
    let count = |word: &&str| applied.get(*word).and_then(Value::as_u64).filter(|count| *count > 0);
    let said: Vec<String> =
        ["created", "updated", "removed", "unchanged"].iter().filter_map(|word| Some(format!("{} {word}", count(word)?))).collect();
    if said.is_empty() { "nothing".to_owned() } else { said.join(", ") }
}

/// Words for what would be done.
pub(super) const WOULD: [&str; 4] = ["to create", "to update", "to remove", "unchanged"];

/// Whether a plan changes anything.
pub(super) fn changes(planned: &Value) -> bool {
    items(planned, "changes").iter().any(|change| text(change, "change") != "unchanged")
}

/// Says that a plan needs a second person, where it does.
pub(super) fn approval_note(planned: &Value) {
    if planned.get("approval").is_some_and(|approval| approval == true) {
        note(&format!("{} applying this waits for a second person", styled(BOLD, "approval:")));
        items(planned, "why").iter().for_each(|why| note(&format!("  - {}", word(why))));
    }
}
