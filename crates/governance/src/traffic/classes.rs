//! The class of an operation, by its method and the words of its path. A guess: a log does not say what an operation does.

use http::Method;
use wardgate_model::api::OperationClass;

/// Logins, wherever the word stands last.
const LOGIN: &[&str] =
    &["login", "signin", "logon", "authenticate", "token", "session", "sessions", "oauth2", "assumerole", "consolelogin"];
/// Everything at once.
const BULK: &[&str] = &["export", "exports", "bulk", "dump", "backup", "batch", "download"];
/// Value moves.
const MONEY: &[&str] = &[
    "payment",
    "payments",
    "transfer",
    "transfers",
    "payout",
    "payouts",
    "refund",
    "refunds",
    "charge",
    "charges",
    "withdrawal",
    "withdrawals",
];
/// Who may do what.
const ADMIN: &[&str] = &[
    "admin",
    "role",
    "roles",
    "permission",
    "permissions",
    "policy",
    "policies",
    "grant",
    "grants",
    "apikeys",
    "credentials",
    "accesskey",
];
/// Many things, as actions of remote calls begin.
const LISTS: &[&str] = &["list", "describe", "search", "query", "scan", "lookup", "filter"];
const DELETES: &[&str] = &["delete", "remove", "terminate", "destroy", "purge", "deregister", "leave", "stop"];
/// Services whose every change is one of who may do what.
const ADMIN_HOSTS: &[&str] = &["iam.amazonaws.com", "organizations.amazonaws.com", "sso.amazonaws.com", "rolesanywhere.amazonaws.com"];

/// The words of a path, in small letters: `/v1/DescribeInstances` has `v1`, `describe` and `instances`. Parameters have none.
fn words(path: &str) -> Vec<String> {
    let mut words = Vec::new();
    for segment in path.split('/').filter(|segment| !segment.is_empty() && !segment.starts_with('{')) {
        let mut word = String::new();
        let mut lower = false;
        for c in segment.chars() {
            if !c.is_ascii_alphanumeric() || (c.is_ascii_uppercase() && lower) {
                words.extend((!word.is_empty()).then(|| std::mem::take(&mut word)));
            }
            if c.is_ascii_alphanumeric() {
                word.push(c.to_ascii_lowercase());
            }
            lower = c.is_ascii_lowercase() || c.is_ascii_digit();
        }
        words.extend((!word.is_empty()).then_some(word));
    }
    words
}

/// The class of an operation. `has_members`: things are named below its path.
pub(super) fn class(method: &Method, host: &str, template: &str, has_members: bool) -> OperationClass {
    let words = words(template);
    let has = |known: &[&str]| words.iter().any(|word| known.contains(&word.as_str()));
    let last = |known: &[&str]| words.last().is_some_and(|word| known.contains(&word.as_str()));
    let first = |known: &[&str]| words.first().is_some_and(|word| known.contains(&word.as_str()));
    // Of remote calls the whole action: `AssumeRoleWithSAML`, `ConsoleLogin`, `GetSessionToken`.
    let action = words.concat();
    let remote = host.ends_with(".amazonaws.com");
    let reads = matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS);
    let ends_on_a_name = template.ends_with('}');
    match () {
        () if remote && (action.starts_with("assumerole") || action == "consolelogin" || action.ends_with("sessiontoken")) => {
            OperationClass::Login
        }
        () if !reads && !remote && !ends_on_a_name && (last(LOGIN) || action.ends_with("signin")) => OperationClass::Login,
        () if *method == Method::DELETE || (!reads && first(DELETES)) => OperationClass::Delete,
        () if !reads && (has(ADMIN) || ADMIN_HOSTS.contains(&host)) => OperationClass::Admin,
        () if !reads && has(MONEY) => OperationClass::Money,
        () if has(BULK) && !ends_on_a_name => OperationClass::Bulk,
        () if reads && remote => {
            if first(LISTS) {
                OperationClass::List
            } else {
                OperationClass::Read
            }
        }
        () if reads && !ends_on_a_name && (has_members || last(LISTS)) => OperationClass::List,
        () if reads => OperationClass::Read,
        () => OperationClass::Write,
    }
}

#[cfg(test)]
mod tests {
    use super::class;

    #[test]
    fn classes_follow_from_methods_and_words() {
        let told: Vec<String> = "GET /orders+|GET /orders/{id}|POST /orders|PUT /orders/{id}|DELETE /orders/{id}|POST /v1/login|GET /login|\
             POST /oauth/token|POST /users/{id}/sign-in|GET /orders/export|POST /payments|GET /payments+|PATCH /users/{id}/roles|GET /search|\
             GET iam.amazonaws.com/ListUsers|POST iam.amazonaws.com/CreateAccessKey|POST signin.amazonaws.com/ConsoleLogin|\
             POST sts.amazonaws.com/AssumeRole|GET ec2.amazonaws.com/DescribeInstances|POST cloudtrail.amazonaws.com/StopLogging|\
             POST cloudtrail.amazonaws.com/DeleteTrail|GET secretsmanager.amazonaws.com/GetSecretValue|\
             GET secretsmanager.amazonaws.com/BatchGetSecretValue|POST ssm.amazonaws.com/SendCommand"
            .split('|')
            .map(|line| {
                let (method, rest) = line.split_once(' ').unwrap();
                let (host, template) = rest.split_at(rest.find('/').unwrap());
                let (template, members) = template.strip_suffix('+').map_or((template, false), |template| (template, true));
                format!("{line}: {}", class(&method.parse().unwrap(), host, template, members))
            })
            .collect();
        insta::assert_snapshot!(told.join("\n"));
    }
}
