//! APIs.

use super::{
    Entry, FILE_MEND, hints, items,
    known::{Grounds, Known},
    operations,
    people::{self, Open},
    risk, value,
};
use crate::{
    openapi,
    raw::{Name, Raw, RawApi, RawSecret, RawTimeouts, RawUpstream, WordOrSecret},
    yaml::{At, Faults, Spot, shortened},
};
use std::{collections::HashMap, path::Path, sync::Arc, time::Duration};
use wardgate_model::{
    api::{
        Api, AuditMode, Consumers, Doors, Exposure, HostPattern, Mode, OperationClass, Require, Sensitivity, StaleStance, SunsetStance,
        Target, Upstream, UpstreamIdentity, UpstreamTimeouts, UpstreamUrl,
    },
    credential::CredentialKind,
    diagnostic::{Diagnostic, Place},
    id::{ApiName, SecretName},
    shape::{Conformance, Inspect},
};

/// Shortest time without a word of the store after which requests can be refused.
const STALE_AFTER_MIN: Duration = Duration::from_secs(5);
/// Longest bound on an exchange with an upstream.
const TIMEOUT_MAX: Duration = Duration::from_secs(3600);
/// Connections to an upstream unless said.
pub(super) const CONNECTIONS: u32 = 256;
/// The header of transaction tokens, in lower case.
const TRANSACTION: &str = "txn-token";
/// Most connections to an upstream.
const CONNECTIONS_MAX: u32 = 65_535;

pub(super) fn api(name: &str, raw: &RawApi, file: &Path, known: &Known<'_>, faults: &mut Faults) -> Option<Api> {
    let policy_owner = known.owner(&raw.policy_owner, "policy_owner", faults);
    let business_owner = raw.business_owner.as_ref().and_then(|at| known.owner(at, "business_owner", faults));
    if raw.business_owner.is_none() {
        let mend = "name the owner of the business behind it; who answers for its policy may be another".to_owned();
        faults.warning(Spot::default(), "api.unaccounted", "`business_owner`: nobody answers for the business behind this API", mend);
    }
    let environment = known.environment(&raw.environment, "environment", faults);
    let matched = raw.matched.value.as_ref();
    let hosts = hosts(raw, faults);
    let prefix = matched.and_then(|matched| value(matched.path_prefix.as_ref())).map(|prefix| prefix.0.clone()).unwrap_or_default();
    let upstream = raw.upstream.value.as_ref().and_then(|upstream| self::upstream(upstream, file, known, faults));
    let accept = accept(raw, faults);
    let api_key_header = raw.api_key_header.as_ref().and_then(|at| {
        let header = &at.value.as_ref()?.0;
        if [http::header::AUTHORIZATION, http::header::COOKIE].contains(header) || *header == TRANSACTION {
            let mend = "take it out: `Authorization: Bearer` is always read".to_owned();
            faults.error(at.spot, "api.key_header", format_args!("`api_key_header`: `{header}` has another office"), mend);
        }
        Some(header.clone())
    });
    let inspect = inspect(raw, faults);
    let said = described(raw, file, &prefix, inspect.requests, known, faults);
    let whole = said.is_some();
    let drafts = operations::merge(said.unwrap_or_default(), raw, faults);
    hints::look(&drafts, raw, faults);
    let people = people::session(raw, faults);
    let open = Open::of(raw, &drafts, faults);
    let after_sunset = value(raw.after_sunset.as_ref()).map_or(SunsetStance::Allow, |word| word.0);
    let mode = value(raw.mode.as_ref()).map_or(Mode::Enforce, |word| word.0);
    if drafts.is_empty() && mode == Mode::Enforce && raw.openapi.is_none() {
        let mend = "add `openapi` or `operations`, or set `mode: observe` to see what is called".to_owned();
        faults.warning(Spot::default(), "api.no_operation", "this API has no operation, so every request to it is refused", mend);
    }
    let sensitivity = value(raw.sensitivity.as_ref()).map_or(Sensitivity::High, |word| word.0);
    let name = ApiName::parse(name).ok().filter(|_| whole)?;
    Some(Api {
        policy_owner: policy_owner?,
        business_owner,
        business_function: value(raw.business_function.as_ref()).map(|prose| prose.0.clone()),
        environment: environment?,
        risk: risk::plan(raw, sensitivity, faults),
        sensitivity,
        exposure: value(raw.exposure.as_ref()).map_or(Exposure::Internal, |word| word.0),
        consumers: value(raw.consumers.as_ref()).map_or(Consumers::Machine, |word| word.0),
        people,
        hosts: hosts.into_iter().map(|(host, _)| host).collect(),
        audit: value(raw.audit.as_ref()).map_or(AuditMode::Required, |word| word.0),
        mode,
        accept: accept.into(),
        api_key_header,
        upstream: upstream?,
        operations: operations::finish(drafts, &name, &prefix, &open, after_sunset),
        path_prefix: prefix,
        doors: Doors::Public,
        stale_after: stale_after(raw, faults),
        require: require(raw, faults),
        inspect,
        name,
    })
}

/// How requests are inspected: without a document nothing can be held against it.
fn inspect(raw: &RawApi, faults: &Faults) -> Inspect {
    let said = value(raw.inspect.as_ref());
    let requests = said.and_then(|inspect| inspect.requests.as_ref());
    let usual = if raw.openapi.is_some() { Conformance::Report } else { Conformance::Off };
    let chosen = value(requests).map_or(usual, |word| word.0);
    if let Some(at) = requests.filter(|_| raw.openapi.is_none() && chosen != Conformance::Off) {
        let mend = "name the document in `openapi`, or leave `requests` out".to_owned();
        faults.error(at.spot, "api.inspect", "`inspect.requests`: this API has no OpenAPI document to hold requests against", mend);
    }
    Inspect { requests: chosen, json: said.and_then(|inspect| value(inspect.json.as_ref())).copied().unwrap_or(false) }
}

/// After how long without a word of the store requests are refused. The store is asked about once a second, and may take a
/// moment to answer.
fn stale_after(raw: &RawApi, faults: &Faults) -> Option<Duration> {
    let stale = value(raw.stale.as_ref())?;
    let after = value(Some(&stale.after))?.0;
    if after < STALE_AFTER_MIN {
        let mend = format!("give it {} seconds or more", STALE_AFTER_MIN.as_secs());
        faults.error(stale.after.spot, "api.stale", "`stale.after`: too short to tell an outage from a pause", mend);
    }
    match value(stale.then.as_ref()).map_or(StaleStance::Deny, |word| word.0) {
        StaleStance::Deny => Some(after),
        StaleStance::Allow => None,
    }
}

/// What classes of operations want of a request.
fn require(raw: &RawApi, faults: &Faults) -> Box<[Require]> {
    let mut required = Vec::new();
    for (class, at) in value(raw.require.as_ref()).into_iter().flatten() {
        let Some(wanted) = &at.value else { continue };
        let Some(class) = OperationClass::parse(class) else {
            let classes: Vec<_> = OperationClass::ALL.iter().map(|class| class.as_str()).collect();
            let what = format!("`require`: `{}` is no class of operations", shortened(class));
            faults.error(at.spot, "api.require", what, format!("use some of {}", classes.join(", ")));
            continue;
        };
        let is = |member: Option<&At<bool>>| value(member).copied().unwrap_or(false);
        let max_age = value(wanted.max_token_age.as_ref()).map(|age| age.0);
        if let Some(at) = wanted.max_token_age.as_ref().filter(|_| max_age.is_some_and(|age| age.as_secs() == 0 || age.subsec_nanos() != 0))
        {
            faults.error(
                at.spot,
                "api.require",
                "`require`: `max_token_age` is counted in whole seconds, one at least",
                "write 10m".to_owned(),
            );
        }
        let (nonce, purpose, task) = (is(wanted.nonce.as_ref()), is(wanted.purpose.as_ref()), is(wanted.task.as_ref()));
        // Only who shows possession can have a nonce in what shows it.
        required.push(Require { class, bound: nonce || is(wanted.bound.as_ref()), nonce, max_age, purpose, task });
    }
    required.into()
}

/// The hosts of an API, once each.
fn hosts(raw: &RawApi, faults: &Faults) -> Vec<(HostPattern, Spot)> {
    let Some(matched) = &raw.matched.value else { return Vec::new() };
    let Some(list) = &matched.hosts else { return vec![(HostPattern::Any, raw.matched.spot)] };
    let mut hosts: Vec<(HostPattern, Spot)> = Vec::new();
    for (host, spot) in items(Some(list)) {
        if hosts.iter().any(|(other, _)| *other == host.0) {
            faults.error(spot, "api.host_twice", "`match.hosts`: this host stands twice", "keep one".to_owned());
        } else {
            hosts.push((host.0.clone(), spot));
        }
    }
    if list.value.as_ref().is_some_and(Vec::is_empty) {
        let mend = "name a host, or leave `hosts` out for any".to_owned();
        faults.error(list.spot, "api.no_host", "`match.hosts`: the list is empty", mend);
    }
    hosts
}

fn accept(raw: &RawApi, faults: &Faults) -> Vec<CredentialKind> {
    let Some(list) = &raw.accept else { return vec![CredentialKind::ApiKey] };
    let mut accept: Vec<_> = items(Some(list)).map(|(word, _)| word.0.kind()).collect();
    accept.sort_unstable();
    accept.dedup();
    if list.value.as_ref().is_some_and(Vec::is_empty) {
        let mend = "name a kind of proof, or leave `accept` out for `api_key`".to_owned();
        faults.error(list.spot, "api.no_proof", "`accept`: the list is empty", mend);
    }
    accept
}

fn upstream(raw: &RawUpstream, file: &Path, known: &Known<'_>, faults: &Faults) -> Option<Upstream> {
    let urls: Vec<_> = items(Some(&raw.urls)).map(|(url, _)| url.0.clone()).collect();
    if raw.urls.value.as_ref().is_some_and(Vec::is_empty) {
        let mend = "name an address, as in `[http://127.0.0.1:9000]`".to_owned();
        faults.error(raw.urls.spot, "upstream.no_url", "`upstream.urls`: the list is empty", mend);
    }
    let identity = match &raw.identity {
        None => Some(UpstreamIdentity::Assertion),
        Some(at) => at.value.as_ref().and_then(|identity| match identity {
            WordOrSecret::Assertion => Some(UpstreamIdentity::Assertion),
            WordOrSecret::Keep => Some(UpstreamIdentity::Keep),
            WordOrSecret::Secret(secret) => self::secret(secret, at.spot, &urls, faults),
        }),
    };
    if let Some(At { spot, value: Some(number) }) = &raw.connections_max
        && !(1..=CONNECTIONS_MAX).contains(number)
    {
        let what = format!("`upstream.connections_max`: expected 1 to {CONNECTIONS_MAX}, found {number}");
        faults.error(*spot, "value.invalid", what, None);
    }
    let timeouts = timeouts(value(raw.timeouts.as_ref()), faults);
    Some(Upstream {
        target: Target::Http(urls.into()),
        path: value(raw.path.as_ref()).map(|path| path.0.clone()),
        identity: identity?,
        timeouts,
        connections_max: value(raw.connections_max.as_ref()).copied().unwrap_or(CONNECTIONS),
        wire: super::wire::wire(raw, file, known, faults),
        transactions: transactions(raw, faults),
    })
}

/// The trust domain of transaction tokens. The header that they stand in has no other office.
fn transactions(raw: &RawUpstream, faults: &Faults) -> Option<Arc<str>> {
    let at = raw.transaction_token.as_ref()?;
    if let Some(WordOrSecret::Secret(secret)) = value(raw.identity.as_ref())
        && value(secret.header.as_ref()).is_some_and(|header| header.0 == TRANSACTION)
    {
        let mend = "show the secret in another header, or take `transaction_token` out".to_owned();
        faults.error(at.spot, "upstream.transaction_token", "`upstream.transaction_token`: `Txn-Token` holds this upstream's secret", mend);
    }
    value(at.value.as_ref().map(|token| &token.trust_domain)).map(|domain| Arc::from(&*domain.0))
}

/// One way to show a secret, and the secret.
fn secret(raw: &RawSecret, spot: Spot, urls: &[UpstreamUrl], faults: &Faults) -> Option<UpstreamIdentity> {
    let ways = [
        raw.header.is_some(),
        raw.basic.is_some(),
        raw.query.is_some(),
        raw.hmac.is_some(),
        raw.client_certificate.is_some(),
        raw.oauth.is_some(),
    ];
    if ways.into_iter().filter(|way| *way).count() != 1 {
        let mend = "write it as in `{header: X-Api-Key, secret: NAME}` or `{basic: USER, secret: NAME}`".to_owned();
        faults.error(spot, "upstream.identity", "`upstream.identity`: a secret is shown in exactly one way", mend);
        return None;
    }
    if let Some(at) = &raw.client_certificate {
        return client_certificate(at, raw.secret.as_ref(), urls, faults);
    }
    let Some(name) = &raw.secret else {
        let mend = "name the secret; `wardgate secret put NAME` keeps it".to_owned();
        faults.error(spot, "key.missing", "`upstream.identity.secret`: this key is missing", mend);
        return None;
    };
    let secret = name.value.as_ref()?.0.clone();
    match (&raw.header, &raw.basic) {
        (Some(at), _) => Some(UpstreamIdentity::Header { name: at.value.as_ref()?.0.clone(), secret }),
        (None, Some(at)) => {
            let user = at.value.as_ref()?.0.clone();
            if user.contains(':') {
                faults.error(at.spot, "upstream.user", "`upstream.identity.basic`: a user name has no colon (RFC 7617 §2)", None);
            }
            Some(UpstreamIdentity::Basic { user, secret })
        }
        // The other ways have been refused as not yet enforced.
        (None, None) => None,
    }
}

/// A certificate of ours: shown in the handshake, so every address has to have one.
fn client_certificate(
    at: &At<Name<SecretName>>,
    beside: Option<&At<Name<SecretName>>>,
    urls: &[UpstreamUrl],
    faults: &Faults,
) -> Option<UpstreamIdentity> {
    if let Some(beside) = beside {
        let mend = "write `{client_certificate: NAME}`: the secret is the chain and the key, one after the other".to_owned();
        faults.error(
            beside.spot,
            "upstream.identity",
            "`upstream.identity.secret`: a client certificate is one secret, with its key",
            mend,
        );
    }
    if urls.iter().any(|url| !url.tls) {
        let mend = "write every address as `https://…`".to_owned();
        let what = "`upstream.identity.client_certificate`: an address of this upstream is not called by TLS, and would not see it";
        faults.error(at.spot, "upstream.client_certificate", what, mend);
    }
    Some(UpstreamIdentity::ClientCertificate { secret: at.value.as_ref()?.0.clone() })
}

fn timeouts(raw: Option<&RawTimeouts>, faults: &Faults) -> UpstreamTimeouts {
    let mut timeouts = UpstreamTimeouts::default();
    let Some(raw) = raw else { return timeouts };
    for (key, member, slot) in [
        ("connect", &raw.connect, &mut timeouts.connect),
        ("response", &raw.response, &mut timeouts.response),
        ("idle", &raw.idle, &mut timeouts.idle),
    ] {
        let Some(At { spot, value: Some(duration) }) = member else { continue };
        if duration.0 > TIMEOUT_MAX {
            faults.error(
                *spot,
                "value.invalid",
                format_args!("`upstream.timeouts.{key}`: more than an hour"),
                "write `1h` or less".to_owned(),
            );
        }
        *slot = duration.0;
    }
    timeouts
}

/// What the OpenAPI document says. `None`: it is wrong, and what it has is not known; whoever names an operation of it is not wrong too.
fn described(
    raw: &RawApi,
    file: &Path,
    prefix: &str,
    conformance: Conformance,
    known: &Known<'_>,
    faults: &mut Faults,
) -> Option<Vec<operations::Draft>> {
    let Some(at) = &raw.openapi else { return Some(Vec::new()) };
    let reference = at.value.as_ref()?;
    match known.files.read(file, &reference.0) {
        Ok(bytes) => {
            let place = Place::file(known.files.place(file, &reference.0));
            let described = openapi::read(&place, &bytes, prefix, conformance);
            let good = !described.diagnostics.iter().any(Diagnostic::is_error);
            described.diagnostics.into_iter().for_each(|diagnostic| faults.push(diagnostic));
            good.then_some(described.operations)
        }
        Err(error) => {
            let what = format!("`openapi`: the file `{}` cannot be read: {error}", reference.0);
            faults.error(at.spot, "file.not_read", what, FILE_MEND.to_owned());
            None
        }
    }
}

/// Of two APIs with one host and one prefix neither would be the right one.
pub(super) fn overlaps(entries: &[Entry<'_>], known: &Known<'_>) {
    let mut seen: HashMap<(HostPattern, &str), (&str, Place)> = HashMap::new();
    for entry in entries {
        let Raw::Api(raw) = &entry.raw else { continue };
        let name = entry.document.name.as_str();
        let Some(api) = known.apis.get(name) else { continue };
        for host in &api.hosts {
            let key = (host.clone(), &*api.path_prefix);
            let place = raw.matched.place(&entry.document.place);
            let Some((other, first)) = seen.get(&key) else {
                seen.insert(key, (name, place));
                continue;
            };
            let host = match host {
                HostPattern::Any => "*",
                HostPattern::Exact(host) => host,
            };
            let prefix = if api.path_prefix.is_empty() { "/" } else { &*api.path_prefix };
            let what = format!("`match`: the API `{other}` answers for the host `{host}` and the prefix `{prefix}` too");
            entry.faults.error(
                raw.matched.spot,
                "api.overlap",
                what,
                format!("give one another host or prefix; the first stands in {first}"),
            );
        }
    }
}
