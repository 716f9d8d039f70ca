//! What an identity may do in Wardgate itself: by its roles, and by what it is granted on the management API.

use super::Record;
use serde_json::Value;
use wardgate_model::{
    api::{Api, OperationClass},
    inventory::{Identity, Role},
    resource::Kind,
};

/// The power that a grant gives over Wardgate itself: as much as the role that has all that it names. `None`: it is on
/// another API. Whatever does more than read counts as everything: what an operation does there is not for a grant to bound.
#[must_use]
pub fn given(grant: &Value) -> Option<Role> {
    if grant.get("api").and_then(Value::as_str) != Some(Api::ADMIN) {
        return None;
    }
    let reads = |selector: &str| {
        let class = OperationClass::parse(selector);
        matches!(class, Some(OperationClass::Read | OperationClass::List)) || selector.starts_with("GET ")
    };
    let operations = grant.get("operations").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let only_reads = operations.iter().all(|one| one.as_str().is_some_and(reads));
    Some(if only_reads { Role::Viewer } else { Role::Admin })
}

/// Whether a grant is to an identity: by its name, or by its owner's.
#[must_use]
pub fn is_to(grant: &Value, identity: &str, owner: &str) -> bool {
    let to = |member: &str| grant.get("to").and_then(|to| to.get(member)).and_then(Value::as_str);
    to("identity") == Some(identity) || to("owner") == Some(owner)
}

/// The most power that any of these grants gives an identity over Wardgate itself. One that has ended counts, too: it may
/// be given more time.
#[must_use]
pub fn most<'g>(grants: impl IntoIterator<Item = &'g Value>, identity: &str, owner: &str) -> Option<Role> {
    let given = grants.into_iter().filter(|grant| is_to(grant, identity, owner)).filter_map(given);
    given.max_by_key(|role| reach(*role))
}

/// As [`most`], of what is on record.
pub(super) fn granted(before: &Record<'_>, identity: &str, owner: &str) -> Option<Role> {
    most(before.of(Kind::Grant).map(|(_, spec)| spec), identity, owner)
}

/// Whether `target` may do in Wardgate itself what `actor` may not: whoever holds a credential of `target` would gain by it.
/// Each comes with what it is granted there.
#[must_use]
pub fn is_stronger(target: (&Identity, Option<Role>), actor: (&Identity, Option<Role>)) -> bool {
    let all = |(identity, granted): (&Identity, Option<Role>)| {
        identity.roles.iter().copied().chain(granted).map(reach).fold(0_u8, |all, one| all | one)
    };
    all(target) & !all(actor) != 0
}

/// A bit for each power; admin has all.
const fn reach(role: Role) -> u8 {
    match role {
        Role::Viewer => 0b0_0001,
        Role::Operator => 0b0_0011,
        Role::Owner => 0b0_0101,
        Role::Security => 0b0_1001,
        Role::Admin => 0b1_1111,
    }
}

#[cfg(test)]
mod tests {
    use super::{given, is_stronger, most};
    use serde_json::{Value, json};
    use wardgate_model::{
        id::IdentityId,
        inventory::{Identity, Role},
    };

    fn grant(to: &str, api: &str, operations: &[&str]) -> Value {
        let (kind, name) = to.split_once('/').unwrap();
        json!({ "to": { kind: name }, "api": api, "operations": operations })
    }

    #[test]
    fn a_grant_on_the_management_api_is_power() {
        let of = |operations: &[&str]| given(&grant("identity/x", "wardgate-admin", operations));
        assert_eq!(of(&["read", "list"]), Some(Role::Viewer));
        assert_eq!(of(&["GET /api/v1/changes"]), Some(Role::Viewer));
        assert_eq!(of(&["read", "write"]), Some(Role::Admin));
        assert_eq!(of(&["POST /api/v1/credentials"]), Some(Role::Admin));
        assert_eq!(of(&["admin"]), Some(Role::Admin));
        assert_eq!(given(&grant("identity/x", "shop", &["admin"])), None);
    }

    #[test]
    fn it_reaches_whom_it_is_to() {
        let grants = [
            grant("identity/x", "wardgate-admin", &["list"]),
            grant("owner/payments", "wardgate-admin", &["write"]),
            grant("owner/cards", "shop", &["write"]),
        ];
        assert_eq!(most(&grants, "x", "cards"), Some(Role::Viewer));
        assert_eq!(most(&grants, "x", "payments"), Some(Role::Admin), "the most of all");
        assert_eq!(most(&grants, "y", "payments"), Some(Role::Admin), "every identity of the owner");
        assert_eq!(most(&grants, "y", "cards"), None);
    }

    #[test]
    fn stronger_is_what_may_do_more() {
        let with = |roles: &[Role]| Identity { id: IdentityId::literal("x"), roles: roles.into(), ..Identity::anonymous() };
        let stronger = |target: &[Role], actor: &[Role]| is_stronger((&with(target), None), (&with(actor), None));
        assert!(stronger(&[Role::Admin], &[Role::Operator]));
        assert!(stronger(&[Role::Security], &[Role::Operator]));
        assert!(stronger(&[Role::Viewer], &[]));
        assert!(!stronger(&[Role::Operator], &[Role::Admin]));
        assert!(!stronger(&[Role::Viewer], &[Role::Owner]));
        assert!(!stronger(&[], &[]));
        assert!(is_stronger((&with(&[]), Some(Role::Viewer)), (&with(&[]), None)), "a grant is power");
        assert!(is_stronger((&with(&[Role::Viewer]), Some(Role::Admin)), (&with(&[Role::Security]), None)));
        assert!(!is_stronger((&with(&[]), Some(Role::Admin)), (&with(&[]), Some(Role::Admin))));
    }
}
