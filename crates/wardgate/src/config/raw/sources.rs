//! What was typed of the files that say something of addresses.

use super::{Findings, defaults};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use wardgate_feeds::{
    charts::{ListFile, Settings},
    reputation::{Column, Format},
};
use wardgate_model::atlas::{LISTED_MAX, LISTS_MAX};

/// Files that say something of where requests come from. Each is read again when it changes.
#[derive(Debug, Clone, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawSources {
    /// Lists of hostile addresses, at most 16: the signal `reputation`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reputation: Option<Vec<RawList>>,
    /// MMDB files.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mmdb: Option<RawMmdb>,
}

/// A list of hostile addresses.
#[derive(Debug, Clone, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawList {
    /// Its name, as events have it in `source.reputation`.
    pub name: String,
    /// The file; a relative path counts from the configuration's directory.
    pub file: String,
    /// `netset` (an address or network a line; `#` and `;` begin comments), `jsonl` (an object a line), `csv`, `stix` (a bundle of
    /// STIX 2.1) or `misp` (events of MISP). Default: `netset`.
    pub format: Option<String>,
    /// Of `csv` the column, by its name or, in quotes, its number from 1 on; of `jsonl` the member, `cidr` where none is named.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub column: Option<String>,
    /// What it weighs, 1 to 39: all lists together never weigh 40, from which on shipped guardrails act. Default: 25.
    pub weight: Option<u8>,
}

/// MMDB files, as who sells or gives away such data publishes them.
#[derive(Debug, Clone, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawMmdb {
    /// The file that says in which country an address is: `context.source.country` of policies.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub country: Option<String>,
    /// The file that says which autonomous system an address is of: `source.network` of events.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub asn: Option<String>,
}

/// The longest name of a list.
const NAME_MAX: usize = 32;

impl RawSources {
    /// The same with every default written out.
    pub(super) fn fill(&mut self) {
        for list in self.reputation.iter_mut().flatten() {
            let format = list.format.get_or_insert_with(|| defaults::LIST_FORMAT.to_owned());
            if format == "jsonl" {
                list.column.get_or_insert_with(|| defaults::LIST_MEMBER.to_owned());
            }
            list.weight.get_or_insert(defaults::LIST_WEIGHT);
        }
    }

    pub(super) fn resolve(&self, findings: &mut Findings<'_>) -> Settings {
        let raw = self.reputation.as_deref().unwrap_or_default();
        let lists: Vec<ListFile> = raw.iter().enumerate().filter_map(|(at, list)| list.resolve(at, findings)).collect();
        if raw.len() > LISTS_MAX {
            findings.wrong("sources.reputation", format!("there are {} lists", raw.len()), &format!("name at most {LISTS_MAX}"));
        }
        let mut names = BTreeSet::new();
        if let Some(twice) = lists.iter().find(|list| !names.insert(&list.name)) {
            findings.wrong("sources.reputation", format!("two lists are called `{}`", twice.name), "give each a name of its own");
        }
        let mmdb = self.mmdb.clone().unwrap_or_default();
        let path = |path: Option<String>| path.map(|path| findings.base.join(path));
        Settings { country: path(mmdb.country), network: path(mmdb.asn), lists }
    }
}

impl RawList {
    fn resolve(&self, at: usize, findings: &mut Findings<'_>) -> Option<ListFile> {
        let key = |name: &str| format!("sources.reputation[{at}].{name}");
        let named = (1..=NAME_MAX).contains(&self.name.len())
            && self.name.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.'));
        if !named {
            let said = format!("`{}` is no name for `{}`", self.name, key("name"));
            findings.wrong(&key("name"), said, &format!("write 1 to {NAME_MAX} of `a` to `z`, `0` to `9`, `-`, `_`, `.`"));
        }
        let weight = self.weight.unwrap_or(defaults::LIST_WEIGHT);
        let weighed = (1..=LISTED_MAX).contains(&weight);
        if !weighed {
            let said = format!("`{weight}` is no weight for `{}`", key("weight"));
            findings.wrong(&key("weight"), said, &format!("write 1 to {LISTED_MAX}: a list alone is not to refuse anybody"));
        }
        let format = self.format(&key, findings)?;
        (named && weighed).then(|| ListFile { name: self.name.as_str().into(), path: findings.base.join(&self.file), format, weight })
    }

    fn format(&self, key: &impl Fn(&str) -> String, findings: &mut Findings<'_>) -> Option<Format> {
        let column = self.column.as_deref();
        let format = match (self.format.as_deref().unwrap_or(defaults::LIST_FORMAT), column) {
            ("netset", None) => Format::Netset,
            ("stix", None) => Format::Stix,
            ("misp", None) => Format::Misp,
            ("jsonl", member) => Format::Jsonl(member.unwrap_or(defaults::LIST_MEMBER).into()),
            ("csv", Some(column)) => match column.parse() {
                Ok(0) => {
                    findings.wrong(&key("column"), format!("there is no column 0 for `{}`", key("column")), "the first one is 1");
                    return None;
                }
                Ok(number) => Format::Csv(Column::Number(number)),
                Err(_) => Format::Csv(Column::Name(column.into())),
            },
            ("csv", None) => {
                findings.wrong(&key("format"), format!("`{}` is missing", key("column")), "name the column, or write its number in quotes");
                return None;
            }
            ("netset" | "stix" | "misp", Some(_)) => {
                findings.wrong(
                    &key("column"),
                    format!("`{}` has no meaning here", key("column")),
                    "leave it out: it is of `csv` and `jsonl`",
                );
                return None;
            }
            (other, _) => {
                let said = format!("`{other}` is no value of `{}`", key("format"));
                findings.wrong(&key("format"), said, "write `netset`, `jsonl`, `csv`, `stix` or `misp`");
                return None;
            }
        };
        Some(format)
    }
}
