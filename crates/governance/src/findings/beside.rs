//! APIs and their documents: what is called that no document has, what should be gone, what nobody calls, what is called otherwise.

use super::{Code, Collected, Estate, Finding, Severity, Subject};
use crate::surface::{Line, Standing};
use std::collections::BTreeMap;
use wardgate_model::{
    api::{Api, Sensitivity},
    id::ApiName,
};

/// Operations that are named.
const NAMED_MAX: usize = 3;

/// One finding an API and way in which it is beside its document. What is deprecated and not past its sunset has its own, an operation each.
pub(super) fn beside(estate: &Estate<'_>, found: &mut Collected) {
    let mut by_api: BTreeMap<(&ApiName, Standing), Vec<&Line>> = BTreeMap::new();
    for line in estate.beside.iter().filter(|line| line.standing != Standing::Zombie || line.gone) {
        by_api.entry((&line.api, line.standing)).or_default().push(line);
    }
    for ((name, standing), lines) in by_api {
        let Some(api) = estate.apis.iter().find(|api| api.name == *name) else { continue };
        let code = match standing {
            Standing::Shadow => Code::ApiShadow,
            Standing::Zombie => Code::ApiZombie,
            Standing::Unused => Code::ApiUnused,
            Standing::Drift => Code::ApiDrift,
        };
        let first = lines.iter().filter(|line| line.sum.seen > 0).map(|line| line.sum.first).min();
        found.push(Finding {
            code,
            subject: Subject { kind: "Api", name: name.as_str().into() },
            owner: Some(api.policy_owner.clone()),
            severity: severity(code, api, &lines),
            since: lines.iter().filter_map(|line| line.since).min().or(first),
            evidence: evidence(standing, &lines),
            remedy: code.remedy(),
            owasp: code.owasp(),
            exempt: false,
        });
    }
}

/// What an upstream serves beside its document nobody has looked at: as bad as a leak of the API would be. What is refused only asks for a
/// word with its callers.
fn severity(code: Code, api: &Api, lines: &[&Line]) -> Severity {
    let served = lines.iter().any(|line| line.sum.answered > 0);
    match (code, served, api.sensitivity) {
        (Code::ApiShadow, true, Sensitivity::High | Sensitivity::Critical) => Severity::High,
        (Code::ApiShadow | Code::ApiZombie, false, _) | (Code::ApiShadow, true, Sensitivity::Low) => Severity::Low,
        _ => code.severity(),
    }
}

fn evidence(standing: Standing, lines: &[&Line]) -> String {
    let times = |count: u64| if count == 1 { "1 time".to_owned() } else { format!("{count} times") };
    let named = lines.iter().take(NAMED_MAX).map(|line| {
        let Line { operation, detail, sum, .. } = line;
        match standing {
            Standing::Shadow | Standing::Zombie => {
                format!("`{operation}` ({detail}; called {}, served {}, last at {})", times(sum.seen), times(sum.answered), sum.last)
            }
            Standing::Unused => format!("`{operation}` ({detail})"),
            Standing::Drift => format!("`{operation}`: {detail} ({}, last at {})", times(sum.seen), sum.last),
        }
    });
    let named = named.collect::<Vec<_>>().join(", ");
    match lines.len().saturating_sub(NAMED_MAX) {
        0 => named,
        more => format!("{named} and {more} more"),
    }
}
