//! From text to policies that can be asked. Every diagnostic at once; with an error among them there is no set.

use crate::{
    check, fold,
    grants::{GRANTS_MAX, Grants},
    index::{Index, Scope},
    require,
    schema::SCHEMA,
    set::{Parts, PolicySet},
    shipped,
    source::{self, Names, POLICIES_MAX, PolicySource, SOURCE_BYTES_MAX},
    statement::{self, Lines, Statement},
};
use cedar_policy::{
    Policy, PolicyId, ValidationMode, Validator,
    pst::{self, Effect, Expr, Template},
};
use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};
use wardgate_model::{
    diagnostic::{Diagnostic, Place},
    grant::Grant,
    id::PolicyName,
};

/// What compiling gave.
#[derive(Debug)]
pub struct Compiled {
    /// The policies; `None` when a diagnostic is an error.
    pub policies: Option<PolicySet>,
    /// Everything that is wrong or worth knowing, by place.
    pub diagnostics: Vec<Diagnostic>,
}

/// One policy.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) name: PolicyName,
    pub(crate) effect: Effect,
    pub(crate) scope: Scope,
    /// All its clauses as one; `None` when its scope alone decides.
    pub(crate) condition: Option<Arc<Expr>>,
    pub(crate) body: Template,
    pub(crate) text: Box<str>,
    pub(crate) place: Place,
}

/// A statement that parsed, with where it stands.
pub(crate) struct Parsed<'a> {
    pub(crate) name: PolicyName,
    pub(crate) policy: Policy,
    pub(crate) statement: Statement<'a>,
    pub(crate) source: &'a PolicySource,
    pub(crate) lines: Arc<Lines>,
    pub(crate) shipped: bool,
}

impl Parsed<'_> {
    /// The place of the byte at `offset` of the statement.
    pub(crate) fn at(&self, offset: usize) -> Place {
        self.lines.place(&self.source.place, &self.source.text, self.statement.start.saturating_add(offset))
    }

    /// The place of the first `needle` in the statement, or its beginning.
    pub(crate) fn find(&self, needle: &str) -> Place {
        self.at(self.statement.text.find(needle).unwrap_or(0))
    }
}

/// Compiles operators' policies, grants and what is shipped.
///
/// Checked: size, syntax, `@id` (unique, a name; derived from the file's name with a warning where there is none), types
/// (Cedar's strict validation against [`crate::schema_text`]), that every entity named exists, that words of closed lists are
/// among them, that nothing is read that is not there yet; named are policies that no index narrows and conditions in an
/// order that cannot be folded. Grants are not parsed: they are judged natively.
#[must_use]
pub fn compile(sources: &[PolicySource], grants: &[Arc<Grant>], names: &Names<'_>) -> Compiled {
    let mut diagnostics = Vec::new();
    let shipped_source = PolicySource { place: Place::file(shipped::FILE), text: shipped::SHIPPED.into() };
    let mut parsed = Vec::new();
    let mut unnamed = HashMap::new();
    let required = require::source(names.apis);
    for source in sources.iter().chain(&required) {
        parse(source, &mut unnamed, &mut parsed, &mut diagnostics);
    }
    unique(&mut parsed, &mut diagnostics);
    replace_shipped(&shipped_source, &mut parsed, &mut diagnostics);
    if parsed.len() > POLICIES_MAX || grants.len() > GRANTS_MAX {
        let what =
            format!("there are {} policies and {} grants; at most {POLICIES_MAX} and {GRANTS_MAX} are taken", parsed.len(), grants.len());
        diagnostics.push(
            Diagnostic::error(Place::file("."), "policy.too_many", what).mend("say it by teams, owners or classes in fewer policies"),
        );
        return Compiled { policies: None, diagnostics };
    }
    validate(&parsed, &mut diagnostics);
    let grants = Grants::new(grants, &mut diagnostics);
    let mut entries = Vec::new();
    let mut index = Index::default();
    for one in &parsed {
        let Some(entry) = entry(one, &mut diagnostics) else { continue };
        check::entities(one, names, &mut diagnostics);
        check::expressions(one, &entry, &mut diagnostics);
        index.insert(&entry.scope, u32::try_from(entries.len()).unwrap_or(u32::MAX));
        entries.push(entry);
    }
    diagnostics.sort();
    diagnostics.dedup();
    let good = !diagnostics.iter().any(Diagnostic::is_error);
    let environments = check::environments_named(&entries, names);
    let policies = good.then(|| PolicySet::new(Parts { entries, index, grants, environments }));
    Compiled { policies, diagnostics }
}

fn parse<'a>(
    source: &'a PolicySource,
    unnamed: &mut HashMap<Arc<std::path::Path>, u32>,
    parsed: &mut Vec<Parsed<'a>>,
    diagnostics: &mut Vec<Diagnostic>,
) {
    if source.text.len() > SOURCE_BYTES_MAX {
        diagnostics.push(source::too_large(source.place.clone(), source.text.len()));
        return;
    }
    let lines = Arc::new(Lines::of(&source.text));
    for statement in statement::split(&source.text) {
        let at = |offset: usize| lines.place(&source.place, &source.text, statement.start.saturating_add(offset));
        if let Some((offset, what)) = statement.over {
            let place = lines.place(&source.place, &source.text, offset);
            diagnostics.push(Diagnostic::error(place, "policy.too_deep", what).mend("split it into several policies"));
            continue;
        }
        match Policy::parse(Some(PolicyId::new("policy")), statement.text) {
            Err(errors) => {
                for error in errors.iter() {
                    let offset = offset(error).unwrap_or(0);
                    let mend = help(error).unwrap_or_else(|| {
                        "a policy reads `@id(\"name\") permit (principal, action, resource) when { … };`; it has no `?slots`".to_owned()
                    });
                    diagnostics.push(Diagnostic::error(at(offset), "policy.syntax", one_line(&error.to_string())).mend(mend));
                }
            }
            Ok(policy) => {
                let Some(name) = name(&policy, source, &at, unnamed, diagnostics) else { continue };
                let policy = policy.new_id(PolicyId::new(name.as_str()));
                parsed.push(Parsed { name, policy, statement, source, lines: Arc::clone(&lines), shipped: false });
            }
        }
    }
}

fn name(
    policy: &Policy,
    source: &PolicySource,
    at: &dyn Fn(usize) -> Place,
    unnamed: &mut HashMap<Arc<std::path::Path>, u32>,
    diagnostics: &mut Vec<Diagnostic>,
) -> Option<PolicyName> {
    let Some(id) = policy.annotation("id") else {
        let count = unnamed.entry(Arc::clone(&source.place.file)).or_insert(0);
        *count += 1;
        let stem = source.place.file.file_stem().map(|stem| stem.to_string_lossy().to_lowercase()).unwrap_or_default();
        let plain: String = stem.chars().map(|c| if matches!(c, 'a'..='z' | '0'..='9' | '_' | '-') { c } else { '-' }).take(64).collect();
        let derived = format!("policy:{plain}.{count}");
        let what = format!("the policy has no `@id`; it is called `{derived}` until it gets one");
        diagnostics.push(
            Diagnostic::warning(at(0), "policy.unnamed", what)
                .mend("write `@id(\"…\")` before `permit` or `forbid`: events and `explain` name policies by it"),
        );
        return PolicyName::parse(&derived).ok();
    };
    let refuse = |what: String, mend: &str| Diagnostic::error(at(0), "policy.id", what).mend(mend);
    match PolicyName::parse(id) {
        Err(error) => {
            diagnostics.push(refuse(format!("`@id(\"{id}\")` is no name: {error}"), "for example `@id(\"analytics:read-events\")`"))
        }
        Ok(_) if id.starts_with("grant:") => {
            diagnostics.push(refuse(format!("`{id}`: names that begin with `grant:` belong to grants"), "choose another name"));
        }
        Ok(name) => return Some(name),
    }
    None
}

fn unique(parsed: &mut Vec<Parsed<'_>>, diagnostics: &mut Vec<Diagnostic>) {
    let mut first: HashMap<PolicyName, Place> = HashMap::new();
    parsed.retain(|one| {
        if let Some(there) = first.get(&one.name) {
            let what = format!("the `@id` `{}` is taken by the policy at {there}", one.name);
            diagnostics.push(Diagnostic::error(one.at(0), "policy.duplicate", what).mend("give each policy an `@id` of its own"));
            return false;
        }
        first.insert(one.name.clone(), one.at(0));
        true
    });
}

fn replace_shipped<'a>(source: &'a PolicySource, parsed: &mut Vec<Parsed<'a>>, diagnostics: &mut Vec<Diagnostic>) {
    let mut ours = Vec::new();
    parse(source, &mut HashMap::new(), &mut ours, diagnostics);
    for mut one in ours {
        match parsed.iter().find(|theirs| theirs.name == one.name) {
            None => {
                one.shipped = true;
                parsed.push(one);
            }
            Some(theirs) if one.name.as_str().starts_with(shipped::GUARDRAIL) => {
                let what = format!("this replaces the shipped guardrail `{}`", one.name);
                diagnostics.push(
                    Diagnostic::warning(theirs.at(0), "policy.guardrail_replaced", what)
                        .mend("if that is not meant, give the policy another `@id`: guardrails add up"),
                );
            }
            Some(_) => {}
        }
    }
}

/// Cedar's strict validation, each finding at its place.
fn validate(parsed: &[Parsed<'_>], diagnostics: &mut Vec<Diagnostic>) {
    let by_name: HashMap<&str, &Parsed<'_>> = parsed.iter().map(|one| (one.name.as_str(), one)).collect();
    let Ok(all) = cedar_policy::PolicySet::from_policies(parsed.iter().map(|one| one.policy.clone())) else {
        diagnostics.push(
            Diagnostic::error(Place::file("."), "policy.set", "the policies do not make one set").mend("give each an `@id` of its own"),
        );
        return;
    };
    let mut wrong = HashSet::new();
    let result = Validator::new(SCHEMA.clone()).validate(&all, ValidationMode::Strict);
    for error in result.validation_errors() {
        let Some(one) = by_name.get(AsRef::<str>::as_ref(error.policy_id())) else { continue };
        let mend = help(error).unwrap_or_else(|| "compare with the schema: `wardgate schema Policy`".to_owned());
        wrong.insert(one.name.as_str());
        let place = one.at(offset(error).unwrap_or(0));
        diagnostics.push(Diagnostic::error(place, "policy.type", plain(&error.to_string())).mend(mend));
    }
    for warning in result.validation_warnings() {
        let Some(one) = by_name.get(AsRef::<str>::as_ref(warning.policy_id())) else { continue };
        if wrong.contains(one.name.as_str()) {
            continue;
        }
        let place = one.at(offset(warning).unwrap_or(0));
        diagnostics
            .push(Diagnostic::warning(place, "policy.doubtful", plain(&warning.to_string())).mend("look at whether it says what is meant"));
    }
}

fn entry(one: &Parsed<'_>, diagnostics: &mut Vec<Diagnostic>) -> Option<Entry> {
    let Ok(pst::Policy::Static(body)) = one.policy.to_pst() else {
        let what = "this form of policy is not taken";
        diagnostics.push(
            Diagnostic::error(one.at(0), "policy.syntax", what)
                .mend("write it without `?slots` and without functions that Cedar does not document"),
        );
        return None;
    };
    let body = body.body().clone();
    Some(Entry {
        name: one.name.clone(),
        effect: body.effect,
        scope: Scope::of(&body),
        condition: fold::condition(body.clauses()),
        body,
        text: one.statement.text.into(),
        place: one.at(0),
    })
}

fn offset(found: &dyn miette::Diagnostic) -> Option<usize> {
    found.labels()?.next().map(|label| label.offset())
}

fn help(found: &dyn miette::Diagnostic) -> Option<String> {
    found.help().map(|help| plain(&help.to_string()))
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Cedar begins with "for policy `name`, "; the place says that already.
fn plain(text: &str) -> String {
    let text = one_line(text);
    text.strip_prefix("for policy `").and_then(|rest| rest.split_once("`, ")).map_or(text.clone(), |(_, what)| what.to_owned())
}

#[cfg(test)]
mod tests;
