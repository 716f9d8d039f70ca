//! What is looked at, subject by subject.

use super::{
    ATTESTED, Answering, Code, Collected, ENDING, Estate, Finding, Governed, NEVER_USED, OBSERVED, QUARANTINED, Severity, Subject, UNUSED,
    Unclaimed,
};
use crate::due::expiry_waiver;
use std::collections::{HashMap, HashSet};
use wardgate_model::{
    api::{Api, Mode, UpstreamIdentity},
    credential::{Credential, CredentialKind, CredentialState},
    govern::{Exemption, Waived, Waiver},
    grant::GrantTo,
    id::OwnerName,
    inventory::{Criticality, Identity, IdentityKind, IdentityState},
    time::Time,
};

/// Look-ups, made once for a million identities.
pub(super) struct Index<'a> {
    owners: HashMap<&'a OwnerName, Answering<'a>>,
    contracted: HashSet<&'a OwnerName>,
    waivers: Vec<&'a Waiver>,
}

impl<'a> Index<'a> {
    pub(super) fn new(estate: &Estate<'a>) -> Self {
        Self {
            owners: estate.owners.iter().map(|answering| (&answering.owner.name, *answering)).collect(),
            contracted: estate.contracts.iter().map(|contract| &contract.owner).collect(),
            waivers: estate.waivers.iter().map(|waiver| &**waiver).collect(),
        }
    }

    /// Whether somebody is there behind an owner's name. Wardgate itself is.
    fn is_there(&self, owner: &OwnerName) -> bool {
        owner.as_str() == OWN || self.owners.get(owner).is_some_and(|answering| answering.departed.is_none())
    }

    fn waives(&self, api: &Api, exemption: Exemption, now: Time) -> bool {
        let for_it = |waiver: &&&Waiver| matches!(&waiver.waived, Waived::Api(name) if *name == api.name);
        self.waivers.iter().filter(for_it).any(|waiver| waiver.exempts == exemption && waiver.until > now)
    }
}

/// The owner of Wardgate itself; it is on record nowhere.
const OWN: &str = "wardgate";

fn finding(code: Code, kind: &'static str, name: &str, owner: Option<&OwnerName>, evidence: String) -> Finding {
    Finding {
        code,
        subject: Subject { kind, name: name.into() },
        owner: owner.cloned(),
        severity: code.severity(),
        since: None,
        evidence,
        remedy: code.remedy(),
        owasp: code.owasp(),
        exempt: false,
    }
}

fn days(span: std::time::Duration) -> u64 {
    span.as_secs() / 86_400
}

/// Those of one owner.
pub(super) fn owner(answering: &Answering<'_>, now: Time) -> Collected {
    let mut found = Collected::default();
    let owner = answering.owner;
    let about = |code, evidence| finding(code, "Owner", owner.name.as_str(), Some(&owner.name), evidence);
    if let Some(departed) = answering.departed {
        let one = about(Code::OwnerDeparted, format!("it departed at {departed}"));
        found.push(Finding { since: Some(departed), ..one });
        return found;
    }
    if owner.deputy.is_none() {
        found.push(about(Code::OwnerNoDeputy, format!("`{}` answers for it alone", owner.accountable)));
    }
    let last = answering.attested.or(answering.since);
    if last.is_some_and(|last| now.since(last) > ATTESTED) {
        let said = match answering.attested {
            Some(attested) => format!("it last attested at {attested}"),
            None => "it never attested".to_owned(),
        };
        found.push(Finding { since: last.map(|last| last + ATTESTED), ..about(Code::OwnerNotAttested, said) });
    }
    found
}

pub(super) fn apis(estate: &Estate<'_>, index: &Index<'_>, now: Time, found: &mut Collected) {
    for api in estate.apis.iter().filter(|api| api.name.as_str() != Api::ADMIN) {
        let about = |code, evidence| finding(code, "Api", api.name.as_str(), Some(&api.policy_owner), evidence);
        let mut missing = Vec::new();
        if !index.is_there(&api.policy_owner) {
            missing.push(format!("the policy owner `{}` is not there", api.policy_owner));
        }
        match &api.business_owner {
            None => missing.push("it names no `business_owner`".to_owned()),
            Some(owner) if !index.is_there(owner) => missing.push(format!("the business owner `{owner}` is not there")),
            Some(_) => {}
        }
        if !missing.is_empty() {
            found.push(about(Code::PathUnaccountable, missing.join("; ")));
        }
        if api.upstream.identity == UpstreamIdentity::Keep {
            let one = about(Code::ApiKeep, "its upstream is sent the callers' own credentials".to_owned());
            found.push(Finding { exempt: index.waives(api, Exemption::Keep, now), ..one });
        }
        let since = (estate.api_since)(&api.name);
        if api.mode == Mode::Observe && since.is_none_or(|since| now.since(since) > OBSERVED) {
            let said =
                since.map_or_else(|| "it observes".to_owned(), |since| format!("it has observed for {} days", days(now.since(since))));
            found.push(Finding { since, exempt: index.waives(api, Exemption::Observe, now), ..about(Code::ApiObserveLong, said) });
        }
        let open: Vec<&str> =
            api.operations.iter().filter(|operation| operation.anonymous).map(|operation| operation.id.as_str()).collect();
        if let Some(first) = open.first() {
            let more = if open.len() > 1 { format!(" and {} more", open.len() - 1) } else { String::new() };
            let one = about(Code::ApiAnonymous, format!("`{first}`{more} can be called without a credential"));
            found.push(Finding { exempt: index.waives(api, Exemption::Anonymous, now), ..one });
        }
    }
}

/// Waivers, grants and contracts that are over or about to be.
pub(super) fn ends(estate: &Estate<'_>, index: &Index<'_>, now: Time, found: &mut Collected) {
    for waiver in &index.waivers {
        let owner = match &waiver.waived {
            Waived::Owner(owner) => Some(owner),
            Waived::Identity { .. } | Waived::Api(_) => None,
        };
        let said = |over: bool| format!("from {}: it {} at {}", waiver.exempts, if over { "ended" } else { "ends" }, waiver.until);
        let about = |code, over| finding(code, "Waiver", waiver.name.as_str(), owner, said(over));
        ending(waiver.until, now, found, || about(Code::WaiverOver, true), || about(Code::WaiverEnding, false));
    }
    for grant in estate.grants {
        let Some(until) = grant.until else { continue };
        let owner = match &grant.to {
            GrantTo::Owner(owner) => Some(owner),
            GrantTo::Identity(_) => None,
        };
        let about = |code, word| finding(code, "Grant", grant.id.as_str(), owner, format!("on `{}`: it {word} at {until}", grant.api));
        ending(until, now, found, || about(Code::GrantEnded, "ended"), || about(Code::GrantEnding, "ends"));
    }
    for contract in estate.contracts {
        let until = contract.until;
        let about = |code, word| {
            finding(
                code,
                "Contract",
                contract.name.as_str(),
                Some(&contract.owner),
                format!("with `{}`: it {word} at {until}", contract.owner),
            )
        };
        ending(until, now, found, || about(Code::ContractOver, "ended"), || about(Code::ContractEnding, "ends"));
    }
}

fn ending(until: Time, now: Time, found: &mut Collected, over: impl FnOnce() -> Finding, soon: impl FnOnce() -> Finding) {
    if until <= now {
        found.push(Finding { since: Some(until), ..over() });
    } else if until.since(now) <= ENDING {
        found.push(soon());
    }
}

pub(super) fn unclaimed(one: &Unclaimed<'_>, now: Time, found: &mut Collected) {
    let (by, late) = (one.claim_by, one.claim_by <= now);
    let said = format!("{} calls from {} to {}; to be claimed by {by}", one.count, one.first, one.last);
    let severity = if late { Severity::High } else { Severity::Medium };
    let one = finding(Code::DiscoveredUnclaimed, "discovery", one.id.as_str(), None, said);
    found.push(Finding { severity, since: late.then_some(by), ..one });
}

pub(super) fn identity(governed: &Governed<'_>, estate: &Estate<'_>, index: &Index<'_>, now: Time, found: &mut Collected) {
    let identity = governed.identity;
    let about = |code, evidence| finding(code, "Identity", identity.id.as_str(), Some(&identity.owner), evidence);
    let live = governed.credentials.iter().filter(|credential| is_live(credential, now));
    if identity.state == IdentityState::Retired {
        for credential in live {
            found.push(of_credential(Code::CredentialOrphan, credential, identity, "its identity is retired".to_owned()));
        }
        return;
    }
    if identity.owner.as_str() != OWN && !index.owners.contains_key(&identity.owner) {
        found.push(about(Code::OwnerAbsent, format!("its owner `{}` is not on record", identity.owner)));
    }
    if identity.claim_overdue {
        found.push(about(Code::ClaimOverdue, "nobody claimed it in time".to_owned()));
    }
    if let Some(ends) = identity.ends.filter(|ends| *ends <= now) {
        found.push(Finding { since: Some(ends), ..about(Code::IdentityEnded, format!("its time was over at {ends}")) });
    }
    if identity.state == IdentityState::Quarantined && now.since(governed.since) > QUARANTINED {
        let one = about(Code::QuarantinedLong, format!("for {} days", days(now.since(governed.since))));
        found.push(Finding { since: Some(governed.since), ..one });
    }
    if identity.kind == IdentityKind::Partner && !index.contracted.contains(&identity.owner) {
        found.push(about(Code::NoContract, format!("its owner `{}` has no contract", identity.owner)));
    }
    for credential in live.filter(|credential| is_lasting(credential)) {
        credential_of(credential, identity, estate, index, now, found);
    }
}

/// Whether it can be used now.
pub(crate) fn is_live(credential: &Credential, now: Time) -> bool {
    credential.state == CredentialState::Live && credential.expires.is_none_or(|end| end > now)
}

/// Whether it is there to stay: no session.
pub(crate) const fn is_lasting(credential: &Credential) -> bool {
    !matches!(credential.kind, CredentialKind::Session | CredentialKind::SignIn | CredentialKind::BreakGlass)
}

fn of_credential(code: Code, credential: &Credential, identity: &Identity, said: String) -> Finding {
    let evidence = format!("`{}` of `{}`: {said}", credential.name, identity.id);
    finding(code, "credential", credential.id.as_str(), Some(&identity.owner), evidence)
}

fn credential_of(credential: &Credential, identity: &Identity, estate: &Estate<'_>, index: &Index<'_>, now: Time, found: &mut Collected) {
    let about = |code, said| of_credential(code, credential, identity, said);
    let schedule = estate.rotations.schedule(credential, identity);
    if let Some(schedule) = schedule.filter(|schedule| schedule.rotate_by <= now) {
        let severity = match identity.criticality {
            Criticality::Low => Severity::Low,
            Criticality::Medium => Severity::Medium,
            Criticality::High | Criticality::Critical => Severity::High,
        };
        let said = format!("issued at {}, to be replaced by {} (`{}`)", credential.created, schedule.rotate_by, schedule.rule);
        found.push(Finding { severity, since: Some(schedule.rotate_by), ..about(Code::CredentialOverdue, said) });
    } else if estate.rotations.dates(credential, identity).warn_from.is_some_and(|from| from <= now)
        && let Some(expires) = credential.expires
    {
        found.push(about(Code::CredentialExpiring, format!("it ends at {expires}")));
    }
    // What others vouch for ends with what they say: each token, each certificate has its own end. A public key is no secret, and what
    // is signed with its private half has an end too.
    let is_declared = credential.binding.is_some() || credential.kind == CredentialKind::PublicKey;
    if credential.expires.is_none() && !is_declared {
        let waiver = expiry_waiver(credential, &identity.owner, &index.waivers).filter(|waiver| waiver.until > now);
        let said = waiver.map_or_else(|| "it has no end".to_owned(), |waiver| format!("it has no end, under the waiver `{}`", waiver.name));
        found.push(Finding { since: Some(credential.created), exempt: waiver.is_some(), ..about(Code::CredentialNoExpiry, said) });
    }
    let used = (estate.used)(&credential.id);
    if credential.kind == CredentialKind::ForeignKey {
        let said = used.map_or_else(|| "it was not used yet".to_owned(), |used| format!("{} calls, the last at {}", used.count, used.last));
        found.push(Finding { since: Some(credential.created), ..about(Code::CredentialForeign, said) });
    }
    // Nothing is said of times in which nobody counted.
    let Some(counted) = estate.counted_since else { return };
    match used {
        Some(used) if now.since(used.last) > UNUSED => {
            found.push(Finding { since: Some(used.last), ..about(Code::CredentialUnused, format!("last used at {}", used.last)) });
        }
        None if now.since(credential.created.max(counted)) > NEVER_USED => {
            let since = credential.created.max(counted);
            let (begun, said) = match &credential.binding {
                Some(_) => (since, format!("vouched for by others, no use since {since}")),
                None if is_declared => (since, format!("a public key, no use since {since}")),
                None => (credential.created, format!("issued at {}, no use since {since}", credential.created)),
            };
            found.push(Finding { since: Some(begun), ..about(Code::CredentialNeverUsed, said) });
        }
        Some(_) | None => {}
    }
}
