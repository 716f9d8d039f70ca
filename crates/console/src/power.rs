//! How far a caller's roles reach. The policies of the gate have let the request come this far; here is what a policy
//! cannot see: whose the thing is, and what would become of it.

use crate::{
    call::Console,
    declared::{Scene, Wanted},
    problem::{Code, Problem},
};
use serde_json::Value;
use wardgate_governance::{person, second::power};
use wardgate_model::{
    api::Api,
    id::OwnerName,
    inventory::{Identity, Role},
    resource::Kind,
};

/// What an act does to whom it is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Power {
    /// Ending something.
    Stop,
    /// Handing something out.
    Give,
}

fn refused<T>(detail: String) -> Result<T, Problem> {
    Err(Problem::new(Code::Reach, detail))
}

/// The owner that a caller is kept to: one whose only role is `owner`. `None`: it is kept to none.
pub(crate) fn kept_to(caller: &Identity) -> Option<&OwnerName> {
    let has = |role: Role| caller.roles.contains(&role);
    let wide = [Role::Viewer, Role::Operator, Role::Security, Role::Admin].into_iter().any(has);
    (has(Role::Owner) && !wide).then_some(&caller.owner)
}

/// Whether a caller may act upon what belongs to an identity: one whose only power is the role `owner` acts for what
/// its owner owns, and nobody hands out a role that it does not have.
pub(crate) fn within_reach(caller: &Identity, target: &Identity, power: Power) -> Result<(), Problem> {
    let has = |role: Role| caller.roles.contains(&role);
    let wide = has(Role::Admin) || has(Role::Security) || has(Role::Operator);
    if has(Role::Owner) && !wide && caller.owner != target.owner {
        return refused(format!("`{}` is of the owner `{}`, the caller acts for `{}`", target.id, target.owner, caller.owner));
    }
    let above = target.roles.iter().find(|role| !has(**role) && !has(Role::Admin));
    match (power, above) {
        (Power::Give, Some(role)) => refused(format!("`{}` has the role `{role}`, which the caller has not", target.id)),
        (Power::Give, None) | (Power::Stop, _) => Ok(()),
    }
}

/// Whether a caller has as much power as a grant on the management API gives an identity.
fn covers(caller: &Identity, name: &str, granted: Role) -> Result<(), Problem> {
    if caller.roles.contains(&granted) || caller.roles.contains(&Role::Admin) {
        return Ok(());
    }
    refused(format!("`{name}` is granted on `{}` what takes the role `{granted}`, which the caller has not", Api::ADMIN))
}

/// Whether a caller may hand out anything to an identity: as [`within_reach`], with what that one is granted on the
/// management API itself, by its name or by its owner's. Such a grant is power as a role is.
pub(crate) async fn may_give(console: &Console, caller: &Identity, target: &Identity) -> Result<(), Problem> {
    within_reach(caller, target, Power::Give)?;
    let grants = console.store.grants_naming(Api::ADMIN).await?;
    let granted = power::most(grants.iter().map(|grant| &grant.spec), target.id.as_str(), target.owner.as_str());
    granted.map_or(Ok(()), |role| covers(caller, target.id.as_str(), role))
}

/// Whether a caller may read about what an owner owns.
pub(crate) fn may_see(caller: &Identity, owner: &OwnerName) -> Result<(), Problem> {
    match kept_to(caller) {
        Some(own) if own != owner => refused(format!("this is of the owner `{owner}`, the caller acts for `{own}`")),
        _ => Ok(()),
    }
}

/// Whether a caller may make these changes, to what is on record.
///
/// `admin` may declare everything, `security` everything but roles beyond its own, `operator` identities without roles
/// beyond its own, `owner` identities that its owner owns and stays the owner of, and grants on its owner's APIs.
pub(crate) fn may_declare<'a>(caller: &Identity, wanted: impl IntoIterator<Item = &'a Wanted>, scene: &Scene) -> Result<(), Problem> {
    let has = |role: Role| caller.roles.contains(&role);
    if has(Role::Admin) {
        return Ok(());
    }
    for one in wanted {
        let (kind, id) = (one.change.id.kind(), &one.change.id);
        if kind == Kind::Identity {
            roles_within(caller, one)?;
            grants_within(caller, one, scene)?;
        }
        match kind {
            _ if has(Role::Security) => {}
            Kind::Identity if has(Role::Operator) => same_person(one)?,
            Kind::Identity if has(Role::Owner) => own_identity(caller, one)?,
            Kind::Grant if has(Role::Owner) => own_grant(caller, one, scene)?,
            _ => return refused(format!("`{id}`: to declare a {kind} takes the role `security` or `admin`")),
        }
    }
    Ok(())
}

/// What a resource says before and after, where it is there.
fn both(wanted: &Wanted) -> impl Iterator<Item = &Value> {
    wanted.before.iter().map(|before| &before.spec).chain(&wanted.change.spec)
}

/// Nobody makes, changes or removes an identity with a role that it does not have itself.
fn roles_within(caller: &Identity, wanted: &Wanted) -> Result<(), Problem> {
    let named = both(wanted).filter_map(|spec| spec.get("roles")?.as_array()).flatten().filter_map(Value::as_str);
    for word in named {
        if Role::parse(word).is_some_and(|role| !caller.roles.contains(&role)) {
            return refused(format!("`{}` has the role `{word}`, which the caller has not", wanted.change.id.name()));
        }
    }
    Ok(())
}

/// Nor one that is granted more on the management API than it may do itself.
fn grants_within(caller: &Identity, wanted: &Wanted, scene: &Scene) -> Result<(), Problem> {
    let name = wanted.change.id.name();
    let owners = both(wanted).map(|spec| spec.get("owner").and_then(Value::as_str).unwrap_or_default());
    owners.filter_map(|owner| scene.granted(name, owner)).try_for_each(|role| covers(caller, name, role))
}

/// Whether an identity stands for a person is not for everybody to say.
fn same_person(wanted: &Wanted) -> Result<(), Problem> {
    let tag = |spec: &Value| spec.get("tags").and_then(|tags| tags.get(person::TAG)).cloned();
    let before = wanted.before.as_ref().and_then(|before| tag(&before.spec));
    if wanted.change.spec.as_ref().is_some_and(|spec| tag(spec) != before) {
        let name = wanted.change.id.name();
        return refused(format!("whom `{name}` stands for (the tag `{}`) is said with the role `security` or `admin`", person::TAG));
    }
    Ok(())
}

fn own_identity(caller: &Identity, wanted: &Wanted) -> Result<(), Problem> {
    same_person(wanted)?;
    let name = wanted.change.id.name();
    for spec in both(wanted) {
        let owner = spec.get("owner").and_then(Value::as_str).unwrap_or_default();
        if owner != caller.owner.as_str() {
            return refused(format!("`{name}` is of the owner `{owner}`, the caller acts for `{}`", caller.owner));
        }
        if spec.get("roles").and_then(Value::as_array).is_some_and(|roles| !roles.is_empty()) {
            return refused(format!("`{name}` has roles in Wardgate: these are declared with the role `security` or `admin`"));
        }
    }
    if wanted.before.is_none() && wanted.known {
        return refused(format!(
            "`{name}` was on record before, and what was issued to it may be live: ask somebody with the role `operator`"
        ));
    }
    Ok(())
}

fn own_grant(caller: &Identity, wanted: &Wanted, scene: &Scene) -> Result<(), Problem> {
    for spec in both(wanted) {
        let api = spec.get("api").and_then(Value::as_str).unwrap_or_default();
        if scene.policy_owner(api).as_deref() != Some(caller.owner.as_str()) {
            return refused(format!("the API `{api}` is not of the owner `{}`, for whom the caller acts", caller.owner));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
