//! What was typed about people who sign in at an issuer.

use super::{Findings, defaults};
use crate::config::{KeySource, SignIn};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, time::Duration};
use wardgate_feeds::discovery::Issuer;
use wardgate_model::{
    id::{EnvironmentName, OwnerName},
    inventory::Role,
};

/// Longest session that can be asked for.
const SESSION_MAX: Duration = Duration::from_hours(12);

/// People who sign in to the management API at an OpenID Connect issuer.
#[derive(Debug, Clone, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawSignIn {
    /// The issuer's identifier: its discovery document says exactly this.
    pub issuer: String,
    /// `client_id` of Wardgate there. Register `URL/sign-in/callback` as its redirect URI.
    pub client_id: String,
    /// `file:PATH` or `env:NAME` of the client's secret; none for a public client.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_secret: Option<String>,
    /// What browsers call the admin listener: `https://HOST[:PORT]` of what ends TLS before it, or `http://` on this machine; default: `http://` and `admin.address`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// What is asked for beside `openid`; default: `[email]`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scopes: Option<Vec<String>>,
    /// The claim of the ID token that lists groups; default: `groups`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub groups_claim: Option<String>,
    /// By group: what its members may do in Wardgate (`viewer`, `operator`, `owner`, `security`, `admin`). Nothing else gives a role.
    pub roles: BTreeMap<String, Vec<String>>,
    /// By group: the Owner for which its members act.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub owners: Option<BTreeMap<String, String>>,
    /// The Owner for which those act whom `owners` does not name; without it they are not let in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// The Environment in which their identities live.
    pub environment: String,
    /// How long a session lasts, never longer than its ID token; default: `1h`, at most `12h`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session: Option<String>,
    /// Networks of our own in which the issuer may be reached, as in `10.0.0.0/8`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub networks: Option<Vec<String>>,
    /// `file:PATH` of the roots that the issuer's server is verified with (PEM); default: those of the system.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub roots: Option<String>,
}

impl RawSignIn {
    pub(super) fn fill(&mut self) {
        self.groups_claim.get_or_insert_with(|| defaults::GROUPS_CLAIM.to_owned());
        self.scopes.get_or_insert_with(|| vec![defaults::SCOPE.to_owned()]);
        self.session.get_or_insert_with(|| defaults::PEOPLE_SESSION.to_owned());
    }

    /// `None` where something is wrong, which is noted.
    pub(super) fn resolve(&self, findings: &mut Findings<'_>) -> Option<SignIn> {
        if let Err(fault) = Issuer::parse(&self.issuer) {
            let what = format!("`{}` is no issuer for `admin.sign_in.issuer`: {fault}", self.issuer);
            findings.wrong("admin.sign_in.issuer", what, "write its identifier as its discovery document has it, `https://…`");
        }
        if self.client_id.is_empty() {
            findings.wrong("admin.sign_in.client_id", "`admin.sign_in.client_id` is empty".to_owned(), "write the id of the client there");
        }
        let client_secret = self.client_secret.as_deref().map(|text| match text.strip_prefix("env:") {
            Some(name) if !name.is_empty() => Some(KeySource::Env(name.to_owned())),
            _ => findings.file("admin.sign_in.client_secret", text).map(KeySource::File),
        });
        let url = self.url.as_deref().map(|url| public(findings, url));
        let session = findings.duration("admin.sign_in.session", super::text(&self.session));
        if session.is_some_and(|session| session > SESSION_MAX) {
            let what = "`admin.sign_in.session` is longer than 12h".to_owned();
            findings.wrong(
                "admin.sign_in.session",
                what,
                "write 12h or less: a session ends before a group that was lost is asked for again",
            );
        }
        let (roles, owners, owner) = (self.roles(findings), self.owners(findings), self.owner(findings));
        let environment = EnvironmentName::parse(&self.environment).ok();
        if environment.is_none() {
            let what = format!("`{}` is no name of an Environment", self.environment);
            findings.wrong("admin.sign_in.environment", what, "write the name of one that is declared");
        }
        let networks = self.networks.iter().flatten().filter_map(|text| network(findings, text)).collect();
        let roots = self.roots.as_deref().map(|text| findings.file("admin.sign_in.roots", text));
        let boxed = |texts: &Option<Vec<String>>| texts.iter().flatten().map(|text| text.as_str().into()).collect();
        Some(SignIn {
            issuer: self.issuer.as_str().into(),
            client_id: self.client_id.as_str().into(),
            client_secret: lift(client_secret)?,
            url: lift(url)?,
            scopes: boxed(&self.scopes),
            groups_claim: super::text(&self.groups_claim).into(),
            roles,
            owners,
            owner,
            environment: environment?,
            session: session?,
            networks,
            roots: lift(roots)?,
        })
    }

    fn roles(&self, findings: &mut Findings<'_>) -> BTreeMap<Box<str>, Box<[Role]>> {
        if self.roles.is_empty() {
            let what = "`admin.sign_in.roles` names no group: nobody could sign in".to_owned();
            findings.wrong("admin.sign_in.roles", what, "write `GROUP: [ROLE]`, as in `wardgate-admins: [admin]`");
        }
        let mut roles = BTreeMap::new();
        for (group, words) in &self.roles {
            let key = "admin.sign_in.roles";
            let mut of_group = Vec::new();
            for word in words {
                match Role::parse(word) {
                    Some(role) => of_group.push(role),
                    None => {
                        let what = format!("`{word}` is no role for `{key}`");
                        findings.wrong(key, what, "the roles are `viewer`, `operator`, `owner`, `security` and `admin`");
                    }
                }
            }
            roles.insert(group.as_str().into(), of_group.into());
        }
        roles
    }

    fn owners(&self, findings: &mut Findings<'_>) -> BTreeMap<Box<str>, OwnerName> {
        let mut owners = BTreeMap::new();
        for (group, name) in self.owners.iter().flatten() {
            if let Some(owner) = owner(findings, "admin.sign_in.owners", name) {
                owners.insert(group.as_str().into(), owner);
            }
        }
        if owners.is_empty() && self.owner.is_none() {
            let what = "`admin.sign_in` says of nobody for which owner they act".to_owned();
            findings.wrong("admin.sign_in", what, "write `owners: { GROUP: OWNER }`, or `owner: OWNER` for everybody");
        }
        owners
    }

    fn owner(&self, findings: &mut Findings<'_>) -> Option<OwnerName> {
        self.owner.as_deref().and_then(|name| owner(findings, "admin.sign_in.owner", name))
    }
}

/// What was not said is fine; what was said and is wrong is not.
fn lift<T>(said: Option<Option<T>>) -> Option<Option<T>> {
    match said {
        None => Some(None),
        Some(None) => None,
        Some(value) => Some(value),
    }
}

fn owner(findings: &mut Findings<'_>, key: &str, name: &str) -> Option<OwnerName> {
    let parsed = OwnerName::parse(name).ok();
    if parsed.is_none() {
        findings.wrong(key, format!("`{name}` is no name of an Owner for `{key}`"), "write the name of one that is declared");
    }
    parsed
}

fn network(findings: &mut Findings<'_>, text: &str) -> Option<ipnet::IpNet> {
    let network = text.parse().ok();
    if network.is_none() {
        let key = "admin.sign_in.networks";
        findings.wrong(key, format!("`{text}` is no network for `{key}`"), "write ADDRESS/BITS, as in `10.0.0.0/8`");
    }
    network
}

/// What browsers call the admin listener: an origin, under TLS or on this machine.
fn public(findings: &mut Findings<'_>, text: &str) -> Option<String> {
    let key = "admin.sign_in.url";
    let url = findings.url(key, text)?;
    let uri: http::Uri = url.parse().ok()?;
    let host = uri.host().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
    let here = host.eq_ignore_ascii_case("localhost") || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback());
    let user = uri.authority().is_some_and(|authority| authority.as_str().contains('@'));
    if user || !matches!(uri.path(), "" | "/") || (uri.scheme_str() == Some("http") && !here) {
        let what = format!("`{text}` is no address for `{key}`");
        findings.wrong(key, what, "write `https://HOST[:PORT]` without a path, or `http://` on this machine");
        return None;
    }
    Some(url)
}
