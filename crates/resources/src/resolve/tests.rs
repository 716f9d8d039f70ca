use crate::{Inventory, Loaded, Sources, load};
use insta::assert_snapshot;
use std::{io, path::Path};
use wardgate_model::{api::Target, resource::Kind};

/// Files by name, as an operator has them.
fn loaded(text: &str, files: &[(&str, &str)]) -> Loaded {
    let sources = Sources { documents: vec![("r.yaml".into(), text.as_bytes().to_vec())], policies: Vec::new() };
    let files = |_: &Path, path: &str| match files.iter().find(|(name, _)| *name == path) {
        Some((_, content)) => Ok(content.as_bytes().to_vec()),
        None => Err(io::Error::from(io::ErrorKind::NotFound)),
    };
    load(&sources, &files)
}

/// Diagnostics of a text, as they are printed.
fn check(text: &str) -> String {
    let loaded = loaded(text, &[]);
    assert_eq!(loaded.inventory.is_none(), loaded.diagnostics.iter().any(|diagnostic| diagnostic.is_error()));
    loaded.diagnostics.iter().map(|diagnostic| format!("{diagnostic}\n")).collect()
}

/// Diagnostics of a text that follows a good world.
fn beside(text: &str) -> String {
    check(&format!("{WORLD}---\n{text}"))
}

fn inventory(text: &str, files: &[(&str, &str)]) -> Inventory {
    let loaded = loaded(text, files);
    let said: Vec<_> = loaded.diagnostics.iter().map(ToString::to_string).collect();
    loaded.inventory.unwrap_or_else(|| panic!("{said:#?}"))
}

/// A few documents that are right.
const WORLD: &str = "\
{kind: Owner, name: payments, spec: {accountable: lead@example.com, teams: [settlement]}}
---
{kind: Environment, name: production, spec: {production: true}}
---
{kind: Purpose, name: settlement, spec: {description: settle}}
---
{kind: Identity, name: sync, spec: {type: partner, owner: payments, environment: production, purpose: sync}}
---
kind: Api
name: ledger
spec: {policy_owner: payments, business_owner: payments, environment: production, match: {hosts: [l.example], path_prefix: /ledger}, upstream: {urls: [http://u:90]}, operations: [{match: GET /entries}]}
";

#[test]
fn the_world_is_right() {
    assert_eq!(check(WORLD), "");
}

#[test]
fn every_kind_of_the_contract_becomes_what_it_says() {
    let yaml = include_str!("../../testdata/contract.yaml");
    let openapi = include_str!("../../testdata/ledger.yaml");
    let inventory = inventory(yaml, &[("openapi/ledger.yaml", openapi)]);
    let mut text = String::new();
    for api in &inventory.apis {
        let Target::Http(urls) = &api.upstream.target else { panic!("an API of a file has an upstream") };
        text += &format!("{} {:?} {} -> {} {:?}\n", api.name, api.hosts, api.path_prefix, urls[0], api.upstream.identity);
        for operation in &api.operations {
            text += &format!("  {} = {} {:?} {}\n", operation.id, operation.class, operation.resource, operation.anonymous);
        }
    }
    for spec in &inventory.identities {
        let id = &spec.identity;
        text += &format!("{} {} {} {} {:?}\n", id.id, id.kind, id.owner, id.environment.name, id.tags);
        text += &id.ends.map_or(String::new(), |end| format!("  ends {end}\n"));
        for credential in &spec.credentials {
            text += &format!("  {} {} {:?} {:?}", credential.name, credential.kind, credential.expires_in, credential.sources);
            text += &credential.waived_until.map_or("\n".to_owned(), |end| format!(" {end}\n"));
        }
    }
    for grant in &inventory.grants {
        text += &format!("{} {:?} {:?}\n", grant.id, grant.to, grant.until.map(|until| until.to_string()));
        for operation in &grant.operations {
            text += &format!("  {operation:?}\n");
        }
    }
    for limit in &inventory.limits {
        text += &format!("{} {:?} {:?} {:?} {:?}\n", limit.name, limit.rate, limit.quota, limit.concurrency, limit.bytes);
    }
    for (place, policy) in &inventory.policies {
        text += &format!("{place} {policy:?}\n");
    }
    for ((kind, name), place) in &inventory.places {
        text += &format!("{kind} {name} at {place}\n");
    }
    assert_snapshot!(text, @r#"
ledger [Exact("ledger.example")] /ledger -> http://127.0.0.1:9000 Assertion
  ledger GET /ledger/entries = list None false
  ledger POST /ledger/entries = write None false
  ledger DELETE /ledger/entries/{id} = admin Some("id") false
  ledger GET /ledger/entries/{id} = read Some("id") false
  ledger GET /ledger/export = bulk None false
  ledger GET /ledger/status = read None true
legacy [Exact("legacy.example")]  -> http://[::1]:9001 Basic { user: "gate", secret: SecretName("legacy-password") }
acme-feed partner acme-partner production {}
  ends 2027-12-31T00:00:00Z
  main api_key Some(7776000s) []
  frozen api_key None [] 2027-03-31T00:00:00Z
ledger-sync service_account payments production {"cost-centre": "4711"}
  main api_key Some(2592000s) [10.0.0.0/8]
acme-reads Identity(IdentityId("acme-feed")) Some("2027-06-30T00:00:00Z")
  Class(List)
ledger-sync-writes Identity(IdentityId("ledger-sync")) Some("2027-06-30T00:00:00Z")
  Class(Read)
  Class(Write)
  Operation { method: GET, template: PathTemplate { text: "/ledger/export", segments: [Literal("ledger"), Literal("export")] } }
payments-read Owner(OwnerName("payments")) None
  Operation { method: GET, template: PathTemplate { text: "/ledger/entries/{id}", segments: [Literal("ledger"), Literal("entries"), Parameter("id")] } }
contract:acme Some(Rate { count: 100, period: 1s, burst: 100 }) Some(Quota { count: 1000000, window: Month }) Some(20) None
partner-contract Some(Rate { count: 100, period: 1s, burst: 200 }) Some(Quota { count: 1000000, window: Month }) Some(20) Some(Quota { count: 1073741824, window: Day })
r.yaml:90:5 "@id(\"example:analytics\")\npermit (principal, action, resource);\n"
Owner acme-partner at r.yaml:93:1
Owner finance at r.yaml:6:1
Owner payments at r.yaml:2:1
Environment production at r.yaml:10:1
Environment shared at r.yaml:14:1
Identity acme-feed at r.yaml:97:1
Identity ledger-sync at r.yaml:18:1
Api ledger at r.yaml:33:1
Api legacy at r.yaml:56:1
Grant acme-reads at r.yaml:117:1
Grant ledger-sync-writes at r.yaml:66:1
Grant payments-read at r.yaml:70:1
Limit partner-contract at r.yaml:74:1
Zone data-platform at r.yaml:78:1
Contract acme at r.yaml:109:1
Waiver acme-frozen at r.yaml:113:1
Rotation partners at r.yaml:121:1
Purpose settlement at r.yaml:82:1
Policy analytics at r.yaml:86:1
"#);
}

#[test]
fn a_typo_is_shown_with_what_was_meant() {
    assert_snapshot!(beside("kind: Identity\nname: x\nspec:\n  type: batch_jbo\n  onwer: payments\n  owner: paymnts\n  team: setlement\n  environment: production\n  purpose: 5\n"), @r#"
r.yaml:16:9: error[value.word]: Identity `x`: `type`: `batch_jbo` is not one of `service_account`, `workload`, `ci_job`, `batch_job`, `partner`, `bot`, `ai_agent`, `legacy`
  = did you mean `batch_job`?
r.yaml:17:3: error[key.unknown]: Identity `x`: `onwer`: this key is not known
  = did you mean `owner`?
r.yaml:18:10: error[reference.unknown]: Identity `x`: `owner`: there is no Owner `paymnts`
  = did you mean `payments`?
r.yaml:21:12: error[value.type]: Identity `x`: `purpose`: expected text, found the number `5`
  = put it in quotes
"#);
}

#[test]
fn what_an_identity_must_have_is_asked_for() {
    assert_snapshot!(beside("kind: Identity\nname: x\nspec:\n  type: bot\n  credentials:\n    - { name: main, type: api_key }\n    - { name: main, type: api_key, expires_in: 30, trust: ci }\n"), @r#"
r.yaml:16:3: error[key.missing]: Identity `x`: `environment`: this key is missing
r.yaml:16:3: error[key.missing]: Identity `x`: `owner`: this key is missing
r.yaml:16:3: error[key.missing]: Identity `x`: `purpose`: this key is missing
r.yaml:18:7: error[key.missing]: Identity `x`: `credentials[0].expires_in`: a credential of type `api_key` needs this key
  = say how long a key lives, as in `expires_in: 30d`, or write a Waiver that `exempts: expiry`
r.yaml:19:15: error[credential.duplicate]: Identity `x`: `credentials[1].name`: there are two credentials `main`
  = give one another name; the first stands in line 18
r.yaml:19:48: error[value.type]: Identity `x`: `credentials[1].expires_in`: expected text, found the number `30`
  = put it in quotes
r.yaml:19:59: error[key.unknown]: Identity `x`: `credentials[1].trust`: a credential of type `api_key` has no such key
  = take it out
"#);
}

#[test]
fn teams_and_roles_are_known_words() {
    assert_snapshot!(beside("kind: Identity\nname: x\nspec: { type: bot, owner: payments, team: setlement, environment: staging, purpose: p, roles: [admin, god], tags: { a: [1] } }\n"), @r#"
r.yaml:15:43: error[reference.unknown]: Identity `x`: `team`: the Owner `payments` has no team `setlement`
  = did you mean `settlement`?
r.yaml:15:67: error[reference.unknown]: Identity `x`: `environment`: there is no Environment `staging`
  = write a document `kind: Environment`, `name: staging`
r.yaml:15:103: error[value.word]: Identity `x`: `roles[1]`: `god` is not one of `viewer`, `operator`, `owner`, `security`, `admin`
r.yaml:15:120: error[value.type]: Identity `x`: `tags.a`: expected text, found a list
"#);
}

#[test]
fn one_broken_document_does_not_hide_the_next() {
    assert_snapshot!(check("kind: [\n---\nkind: Ownr\nname: a\nspec: {}\n---\nname: b\n---\nkind: Owner\nname: C\nspec: []\n---\njust text\n"), @r#"
r.yaml:1:7: error[yaml.syntax]: unclosed bracket '['
r.yaml:3:7: error[value.word]: `kind`: `Ownr` is not one of `Owner`, `Environment`, `Identity`, `TrustSource`, `Api`, `Grant`, `Limit`, `Zone`, `Contract`, `Flow`, `Waiver`, `Webhook`, `Rotation`, `Purpose`, `Policy`
  = did you mean `Owner`?
r.yaml:7:1: error[key.missing]: `kind`: this key is missing
r.yaml:7:1: error[key.missing]: `spec`: this key is missing
  = write `spec: {}` for a spec without keys
r.yaml:9:1: error[resource.name]: Owner `C`: `C` may not stand in a name: use a-z, 0-9, `.`, `_`, `:` and `-`, beginning with a letter or digit
r.yaml:11:7: error[value.type]: Owner `C`: expected a mapping with `accountable`, `deputy`, `contact`, `teams`, found a list
r.yaml:13:1: error[value.type]: expected a mapping with `kind`, `name`, `spec`, found the text `just text`
"#);
}

#[test]
fn reserved_and_repeated_names_are_refused() {
    assert_snapshot!(
        check("{kind: Owner, name: wardgate-x, spec: {accountable: a}}\n---\n{kind: Identity, name: anonymous, spec: {type: bot, owner: o, environment: e, purpose: p}}\n---\n{kind: Grant, name: 'grant:x', spec: {to: {owner: o}, api: a, operations: [read]}}\n---\n{kind: Environment, name: under_score, spec: {}}\n---\n{kind: Owner, name: o, spec: {accountable: a}}\n---\n{kind: Owner, name: o, spec: {accountable: b}}\n---\n{kind: Limit, name: 'shipped:identity', spec: {per: identity, rate: 1/s}}\n"),
        @r#"
r.yaml:1:1: error[resource.name]: Owner `wardgate-x`: the name `wardgate-x` is reserved
  = names that begin with `wardgate`, `shipped:`, `guardrail:`, `grant:` are Wardgate's own
r.yaml:3:1: error[resource.name]: Identity `anonymous`: the name `anonymous` is reserved
  = operations with `anonymous: true` are what callers without a credential may use
r.yaml:5:1: error[resource.name]: Grant `grant:x`: the name `grant:x` is reserved
  = names that begin with `wardgate`, `shipped:`, `guardrail:`, `grant:` are Wardgate's own
r.yaml:7:1: error[resource.name]: Environment `under_score`: the name `under_score` does not fit into API keys
  = an environment's name has 1 to 32 of `a-z`, `0-9` and `-`
r.yaml:11:1: error[resource.duplicate]: Owner `o`: there are two of this name
  = give one of them another name; the first stands in r.yaml:9:1
r.yaml:13:1: error[resource.name]: Limit `shipped:identity`: the name `shipped:identity` is reserved
  = names that begin with `wardgate`, `shipped:`, `guardrail:`, `grant:` are Wardgate's own
"#
    );
}

#[test]
fn what_is_not_enforced_is_refused_by_name() {
    assert_snapshot!(
        check(include_str!("../../testdata/later.yaml")),
        @r#"
r.yaml:4:7: error[key.not_enforced]: Webhook `pager`: this version reads the kind `Webhook` but does not enforce it
  = take the document out until a later version enforces it
r.yaml:35:65: error[key.not_enforced]: Api `ledger`: this version reads `upstream.identity.query` but does not enforce it
  = take the key out until a later version enforces it
r.yaml:49:51: error[key.not_enforced]: Api `mac`: this version reads `upstream.identity.hmac` but does not enforce it
  = take the key out until a later version enforces it
r.yaml:59:52: error[key.not_enforced]: Api `token`: this version reads `upstream.identity.oauth` but does not enforce it
  = take the key out until a later version enforces it
r.yaml:72:40: error[key.not_enforced]: Waiver `w-1`: this version reads `exempts: limit` but does not enforce it
  = use another value until a later version enforces it
r.yaml:76:40: error[key.not_enforced]: Waiver `w-2`: this version reads `exempts: review` but does not enforce it
  = use another value until a later version enforces it
r.yaml:80:40: error[key.not_enforced]: Waiver `w-3`: this version reads `exempts: keep` but does not enforce it
  = use another value until a later version enforces it
r.yaml:84:40: error[key.not_enforced]: Waiver `w-4`: this version reads `exempts: anonymous` but does not enforce it
  = use another value until a later version enforces it
r.yaml:88:40: error[key.not_enforced]: Waiver `w-5`: this version reads `exempts: observe` but does not enforce it
  = use another value until a later version enforces it
r.yaml:92:40: error[key.not_enforced]: Waiver `w-6`: this version reads `exempts: trusted_network` but does not enforce it
  = use another value until a later version enforces it
"#
    );
}

#[test]
fn an_api_says_what_is_wrong_with_its_match_and_upstream() {
    assert_snapshot!(
        beside("kind: Api\nname: x\nspec:\n  policy_owner: payments\n  business_owner: payments\n  environment: production\n  match: { hosts: [L.example, 'l.example:80', bücher.example, '*.example'], path_prefix: /a/../b/ }\n  upstream:\n    urls: ['http://u:0', 'ftp://u', 'http://u/path', 'http://a@u']\n    identity: { header: X_Key, basic: u }\n    connections_max: 0\n    timeouts: { connect: 2h, idle: 1w }\n  accept: []\n  api_key_header: Authorization\n"),
        @r#"
r.yaml:13:1: warning[api.no_operation]: Api `x`: this API has no operation, so every request to it is refused
  = add `openapi` or `operations`, or set `mode: observe` to see what is called
r.yaml:19:20: error[value.invalid]: Api `x`: `match.hosts[0]`: `L.example` has upper-case letters
  = write `l.example`
r.yaml:19:31: error[value.invalid]: Api `x`: `match.hosts[1]`: `l.example:80` has a port
  = write `l.example`: a host stands for all its ports
r.yaml:19:47: error[value.invalid]: Api `x`: `match.hosts[2]`: `bücher.example` has letters outside ASCII
  = write the name in its ASCII form, which begins with `xn--`
r.yaml:19:63: error[value.invalid]: Api `x`: `match.hosts[3]`: `*.example` has a wildcard
  = name each host, or write `*` for any
r.yaml:19:90: error[value.invalid]: Api `x`: `match.path_prefix`: `/a/../b/` ends with a slash
  = write `/a/../b`
r.yaml:21:12: error[value.invalid]: Api `x`: `upstream.urls[0]`: `0` in `http://u:0` is no port
  = a port is a number from 1 to 65535
r.yaml:21:26: error[value.invalid]: Api `x`: `upstream.urls[1]`: the scheme `ftp` is not spoken
  = write an address as in `http://127.0.0.1:9000`
r.yaml:21:37: error[value.invalid]: Api `x`: `upstream.urls[2]`: `http://u/path` goes on after the host with `/path`
  = write `http://u`; a path goes to `upstream.path`
r.yaml:21:54: error[value.invalid]: Api `x`: `upstream.urls[3]`: an address must not hold user information
  = use `identity: {basic: USER, secret: NAME}`
r.yaml:22:15: error[upstream.identity]: Api `x`: `upstream.identity`: a secret is shown in exactly one way
  = write it as in `{header: X-Api-Key, secret: NAME}` or `{basic: USER, secret: NAME}`
r.yaml:22:25: error[value.invalid]: Api `x`: `upstream.identity.header`: `X_Key` has an underscore, which servers take for a hyphen
  = write `X-Key`
r.yaml:23:22: error[value.invalid]: Api `x`: `upstream.connections_max`: expected 1 to 65535, found 0
r.yaml:24:26: error[value.invalid]: Api `x`: `upstream.timeouts.connect`: more than an hour
  = write `1h` or less
r.yaml:24:36: error[value.invalid]: Api `x`: `upstream.timeouts.idle`: `w` is no unit of time
  = write a duration as in `30d`, `12h`, `5m`, `10s`, `250ms` or `1h30m`
r.yaml:25:11: error[api.no_proof]: Api `x`: `accept`: the list is empty
  = name a kind of proof, or leave `accept` out for `api_key`
r.yaml:26:19: error[api.key_header]: Api `x`: `api_key_header`: `authorization` has another office
  = take it out: `Authorization: Bearer` is always read
"#
    );
}

#[test]
fn an_api_without_a_business_owner_is_told() {
    assert_snapshot!(check(&WORLD.replace("business_owner: payments, ", "")), @r#"
r.yaml:9:1: warning[api.unaccounted]: Api `ledger`: `business_owner`: nobody answers for the business behind this API
  = name the owner of the business behind it; who answers for its policy may be another
"#);
}

#[test]
fn two_apis_for_one_host_and_prefix_are_refused() {
    assert_snapshot!(
        beside("kind: Api\nname: other\nspec: {policy_owner: payments, business_owner: payments, environment: production, match: {hosts: [m.example, l.example], path_prefix: /ledger}, upstream: {urls: [http://u:90]}, mode: observe}\n"),
        @r#"
r.yaml:15:90: error[api.overlap]: Api `other`: `match`: the API `ledger` answers for the host `l.example` and the prefix `/ledger` too
  = give one another host or prefix; the first stands in r.yaml:11:90
"#
    );
}

#[test]
fn operations_that_are_one_are_refused() {
    assert_snapshot!(
        beside("kind: Api\nname: x\nspec:\n  policy_owner: payments\n  business_owner: payments\n  environment: production\n  match: { path_prefix: / }\n  upstream: { urls: [http://u] }\n  operations:\n    - { match: 'GET /a/{x}' }\n    - { match: 'GET /a/{y}' }\n    - { match: 'PUT /a/{y}', resource: path.x }\n    - { match: 'get /a' }\n    - { match: 'GET /a/../b' }\n    - { match: 'GET /a/{}' }\n    - { match: 'GET /a%2fb' }\n"),
        @r#"
r.yaml:23:16: error[operation.duplicate]: Api `x`: `operations[1]`: `GET /a/{y}` is the same operation as the one in line 22
  = keep one: names of parameters make no difference
r.yaml:24:40: error[operation.resource]: Api `x`: `operations[2].resource`: `/a/{y}` has no parameter `x`
  = one of `y`
r.yaml:25:16: error[value.invalid]: Api `x`: `operations[3].match`: the method `get` is not in upper case
  = write `GET`
r.yaml:26:16: error[value.invalid]: Api `x`: `operations[4].match`: `/a/../b` has a dot segment
r.yaml:27:16: error[value.invalid]: Api `x`: `operations[5].match`: the braces of `{}` do not make named parameters with text between them
r.yaml:28:16: error[value.invalid]: Api `x`: `operations[6].match`: `%2f` in `/a%2fb` is no escape
  = write two upper-case hexadecimal digits after `%`
"#
    );
}

#[test]
fn grants_lead_somewhere() {
    assert_snapshot!(
        beside("kind: Grant\nname: g\nspec:\n  to: { identity: synk, owner: payments }\n  api: ledger\n  operations: [read, bulk, 'GET /entry', 'GET /entries', wirte]\n  purpose: settelment\n  until: tomorrow\n---\nkind: Grant\nname: h\nspec: { to: { identity: synk }, api: leger, operations: [] }\n"),
        @r#"
r.yaml:16:7: error[grant.to]: Grant `g`: `to`: a grant is given to one identity or one owner
  = write `to: {identity: NAME}` or `to: {owner: NAME}`
r.yaml:18:22: warning[grant.no_operation]: Grant `g`: the API `ledger` has no operation of class `bulk`
  = take it out, or give an operation this class
r.yaml:18:28: error[grant.no_operation]: Grant `g`: the API `ledger` has no operation `GET /entry`
  = did you mean `GET /entries`?
r.yaml:18:58: error[value.invalid]: Grant `g`: `operations[4]`: `wirte` is no class of operations
  = did you mean `write`?; or an operation as in `GET /export`
r.yaml:19:12: error[reference.unknown]: Grant `g`: `purpose`: there is no Purpose `settelment`
  = did you mean `settlement`?
r.yaml:20:10: error[value.invalid]: Grant `g`: `until`: `tomorrow` is no date
  = write a date as in `2027-06-30`, or `2027-06-30T12:00:00Z`
r.yaml:24:25: error[reference.unknown]: Grant `h`: `to.identity`: there is no Identity `synk`
  = did you mean `sync`?
r.yaml:24:38: error[reference.unknown]: Grant `h`: `api`: there is no Api `leger`
  = did you mean `ledger`?
r.yaml:24:57: error[grant.empty]: Grant `h`: `operations`: the list is empty
  = name classes or operations, as in `[read, "GET /export"]`
"#
    );
}

#[test]
fn limits_are_finite_and_precise() {
    assert_snapshot!(
        beside("kind: Limit\nname: l\nspec: { per: identiy, rate: 0/s, quota: 10/fortnight, bytes: 1GB/day, concurrency: -1, burst: 0 }\n---\nkind: Limit\nname: m\nspec: { per: source, select: { operation: GET /entries } }\n---\nkind: Limit\nname: n\nspec: { per: source, burst: 3, concurrency: 0, select: { api: ledger, operation: GET /entrees } }\n"),
        @r#"
r.yaml:15:14: error[value.word]: Limit `l`: `per`: `identiy` is not one of `identity`, `credential`, `operation`, `api`, `owner`, `source`, `person`
  = did you mean `identity`?
r.yaml:15:29: error[value.invalid]: Limit `l`: `rate`: the count in `0/s` must be more than zero
  = write a rate as in `100/s`, `10/m` or `5/10s`
r.yaml:15:41: error[value.invalid]: Limit `l`: `quota`: `fortnight` is no calendar window
  = one of `minute`, `hour`, `day`, `month`
r.yaml:15:84: error[value.type]: Limit `l`: `concurrency`: expected a whole number from 0 to 4294967295, found the number `-1`
r.yaml:15:95: error[value.invalid]: Limit `l`: `burst`: the number must be more than zero
r.yaml:19:14: error[limit.empty]: Limit `m`: this limit limits nothing
  = add `rate`, `quota`, `concurrency` or `bytes`
r.yaml:19:43: error[limit.operation]: Limit `m`: `select.operation`: there is no `api` that it belongs to
  = add `api`: templates are relative to an API
r.yaml:23:29: error[limit.burst]: Limit `n`: `burst`: there is no `rate` that it belongs to
  = add `rate`, or take it out
r.yaml:23:45: error[value.invalid]: Limit `n`: `concurrency`: the number must be more than zero
r.yaml:23:82: error[limit.no_operation]: Limit `n`: the API `ledger` has no operation `GET /entrees`
  = did you mean `GET /entries`?
"#
    );
}

#[test]
fn zones_name_the_trust_sources_that_vouch_for_who_calls_from_there() {
    let sources = "{kind: TrustSource, name: ci, spec: {type: oidc, issuer: 'https://ci.example', audiences: [wardgate]}}\n---\n{kind: TrustSource, name: mesh, spec: {type: spiffe, trust_domain: mesh.example, bundle: 'https://mesh.example/bundle'}}\n";
    let zones = |zones: &str| beside(&format!("{sources}---\n{zones}"));
    assert_snapshot!(zones("{kind: Zone, name: runners, spec: {ci_providers: [ci], clusters: [mesh], environment: production}}\n"), @"");
    assert_snapshot!(zones("{kind: Zone, name: a, spec: {ci_providers: [mesh, c], clusters: [ci, mesh]}}\n---\n{kind: Zone, name: b, spec: {clusters: [ci]}}\n"), @r"
    r.yaml:17:45: error[zone.overlap]: Zone `a`: the trust source `mesh` stands in the zone `a` too
      = keep it in one zone, once; the first stands in r.yaml:17:70
    r.yaml:17:45: error[zone.provider]: Zone `a`: `ci_providers[0]`: the trust source `mesh` vouches for certificates, not for tokens
      = write it into `clusters`
    r.yaml:17:51: error[reference.unknown]: Zone `a`: `ci_providers[1]`: there is no TrustSource `c`
      = did you mean `ci`?
    r.yaml:19:41: error[zone.overlap]: Zone `b`: the trust source `ci` stands in the zone `a` too
      = keep it in one zone, once; the first stands in r.yaml:17:66
    ");
}

#[test]
fn zones_stand_apart() {
    assert_snapshot!(
        beside("kind: Zone\nname: a\nspec: { networks: [10.0.0.0/8, 10.1.2.3/8, 'x', '::ffff:10.0.0.0/104'], environment: prod }\n---\nkind: Zone\nname: b\nspec: { networks: [10.0.0.0/8, 192.0.2.1] }\n---\nkind: Zone\nname: c\nspec: {}\n"),
        @r#"
r.yaml:15:32: error[value.invalid]: Zone `a`: `networks[1]`: `10.1.2.3/8` has bits set behind its prefix
  = write `10.0.0.0/8`
r.yaml:15:44: error[value.invalid]: Zone `a`: `networks[2]`: `x` is no network
  = write a network as in `10.0.0.0/8`
r.yaml:15:49: error[value.invalid]: Zone `a`: `networks[3]`: `::ffff:10.0.0.0/104` is an IPv4 network written as IPv6
  = write the IPv4 network, which begins with `10.0.0.0`
r.yaml:15:86: error[reference.unknown]: Zone `a`: `environment`: there is no Environment `prod`
  = write a document `kind: Environment`, `name: prod`
r.yaml:19:20: error[zone.overlap]: Zone `b`: the network `10.0.0.0/8` stands in the zone `a` too
  = keep it in one zone; the first stands in r.yaml:15:20
r.yaml:21:1: error[zone.empty]: Zone `c`: this zone has no place
  = add `networks`, as in `[10.0.0.0/8]`
"#
    );
}

#[test]
fn an_openapi_file_that_is_not_there_is_named() {
    let api = |name: &str, openapi: &str| {
        format!(
            "kind: Api\nname: {name}\nspec:\n  policy_owner: payments\n  business_owner: payments\n  environment: production\n  match: {{ path_prefix: /{name} }}\n  upstream: {{ urls: [http://u] }}\n  openapi: {openapi}\n"
        )
    };
    let said = beside(&format!("{}---\n{}", api("x", "file:x.yaml"), api("y", "x.yaml")));
    assert_snapshot!(said, @r#"
r.yaml:21:12: error[file.not_read]: Api `x`: `openapi`: the file `x.yaml` cannot be read: entity not found
  = a relative path counts from the file that names it or, where nothing is there, from the directory of `wardgate.yaml`
r.yaml:31:12: error[value.invalid]: Api `y`: `openapi`: `x.yaml` names no file
  = did you mean `file:x.yaml`?
"#);
}

#[test]
fn who_names_an_operation_of_a_document_that_is_wrong_is_not_wrong_too() {
    let grant = "---\nkind: Grant\nname: g\nspec: { to: { identity: sync }, api: x, operations: [bulk, \"GET /a\"], purpose: settlement, until: 2030-01-01 }\n";
    let api = "---\nkind: Api\nname: x\nspec:\n  policy_owner: payments\n  business_owner: payments\n  environment: production\n  match: { path_prefix: /x }\n  upstream: { urls: [http://u] }\n  openapi: file:x.yaml\n";
    let said = |document: &str| {
        let loaded = loaded(&format!("{WORLD}{api}{grant}"), &[("x.yaml", document)]);
        loaded.diagnostics.iter().map(|diagnostic| format!("{diagnostic}\n")).collect::<String>()
    };
    assert_snapshot!(said("openapi: 3.1.0\npaths:\n  /a: { get: { x-wardgate-class: reed } }\n"), @r"
x.yaml:3:16: error[value.word]: `/paths/~1a/get/x-wardgate-class`: `reed` is no class
  = did you mean `read`?
");
    assert!(
        said("openapi: 3.1.0\npaths:\n  /a: { get: {} }\n").contains("has no operation of class `bulk`"),
        "it is, of one that is right"
    );
}

#[test]
fn documents_come_back_from_json_with_the_same_meaning() {
    let yaml = include_str!("../../testdata/contract.yaml");
    let openapi = include_str!("../../testdata/ledger.yaml");
    let first = loaded(yaml, &[("openapi/ledger.yaml", openapi)]);
    let stored: Vec<_> = first
        .documents
        .iter()
        .map(|document| {
            let text = document.spec.to_string();
            let spec = serde_json::from_str(&text).unwrap();
            crate::Document::new(document.kind, document.name.clone(), spec, document.place.clone())
        })
        .collect();
    assert_eq!(stored, first.documents);
    let files = |_: &Path, _: &str| Ok(openapi.as_bytes().to_vec());
    let again = crate::resolve(&stored, &files).inventory.unwrap();
    let first = first.inventory.unwrap();
    assert_eq!(again.apis, first.apis);
    assert_eq!(again.identities, first.identities);
    assert_eq!(again.grants, first.grants);
    assert_eq!(again.limits, first.limits);
    assert_eq!(again.owners, first.owners);
    assert_eq!(again.zones, first.zones);
    assert_eq!(again.contracts, first.contracts);
    assert_eq!(again.waivers, first.waivers);
    assert_eq!(again.rotations, first.rotations);
    for document in stored.iter().filter(|document| document.kind == Kind::Identity) {
        let alone = crate::resolve_identity(document, &again).unwrap();
        assert!(again.identities.contains(&alone), "{alone:?}");
        assert_eq!(crate::normalise(document.spec.clone()).as_ref(), Ok(&document.spec));
    }
}

#[test]
fn a_stored_document_that_is_wrong_is_named_without_a_line() {
    let place = wardgate_model::diagnostic::Place::file("store");
    let document = crate::Document::new(Kind::Owner, "payments", serde_json::json!({"acountable": "a"}), place);
    let resolved = crate::resolve(&[document], &|_: &Path, _: &str| Err(io::ErrorKind::NotFound.into()));
    assert_snapshot!(resolved.diagnostics.iter().map(|d| format!("{d}\n")).collect::<String>(), @r#"
store: error[key.missing]: Owner `payments`: `accountable`: this key is missing
store: error[key.unknown]: Owner `payments`: `acountable`: this key is not known
  = did you mean `accountable`?
"#);
}
