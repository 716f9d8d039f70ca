use crate::{Beside, BesideIdentity, Document, Naming, Resolved, Sources, parse, resolve_beside, still_named};
use insta::assert_snapshot;
use wardgate_model::{
    diagnostic::Place,
    id::{EnvironmentName, IdentityId, OwnerName},
    inventory::IdentityKind,
    resource::Kind,
};

const WORLD: &str = "\
{kind: Owner, name: payments, spec: {accountable: lead@example.com}}
---
{kind: Owner, name: acme, spec: {accountable: ops@acme.example}}
---
{kind: Environment, name: production, spec: {production: true}}
---
{kind: Identity, name: sync, spec: {type: partner, owner: acme, environment: production, purpose: p, credentials: [{name: main, type: api_key, expires_in: 30d}]}}
---
{kind: Identity, name: own, spec: {type: bot, owner: payments, environment: production, purpose: p, credentials: [{name: main, type: api_key}]}}
---
kind: Waiver
name: own-main
spec: { for: { identity: own, credential: main }, exempts: expiry, reason: frozen, approver: lead@example.com, until: 2027-01-01 }
---
kind: Api
name: ledger
spec: {policy_owner: payments, business_owner: payments, environment: production, match: {path_prefix: /ledger}, upstream: {urls: [http://u:90]}, operations: [{match: GET /entries}]}
---
kind: Api
name: other
spec: {policy_owner: payments, business_owner: payments, environment: production, match: {path_prefix: /other}, upstream: {urls: [http://u:90]}, operations: [{match: GET /x}]}
---
";

/// `outside` of `acme`, with the credential `main`, is on record beside the documents.
struct Outside;

impl Beside for Outside {
    fn identity(&self, name: &str) -> Option<BesideIdentity> {
        let owner = OwnerName::literal("acme");
        let environment = EnvironmentName::literal("production");
        (name == "outside").then_some(BesideIdentity { owner, environment, kind: IdentityKind::Partner })
    }

    fn has_credential(&self, _: &str, entry: &str) -> Option<bool> {
        Some(entry == "main")
    }

    fn naming(&self, kind: Kind, name: &str) -> Naming {
        match (kind, name) {
            (Kind::Owner, "acme") => Naming { first: vec![IdentityId::literal("outside")], count: 40 },
            _ => Naming::default(),
        }
    }
}

fn documents(text: &str) -> Vec<Document> {
    let text = format!("{WORLD}{text}");
    let text = text.trim_end_matches("---\n");
    let parsed = parse(&Sources { documents: vec![("r.yaml".into(), text.into())], policies: Vec::new() });
    assert_eq!(parsed.diagnostics, []);
    parsed.documents
}

fn resolved(text: &str) -> Resolved {
    let files = |_: &std::path::Path, _: &str| Err(std::io::ErrorKind::NotFound.into());
    resolve_beside(&documents(text), &files, &Outside)
}

fn check(text: &str) -> String {
    resolved(text).diagnostics.iter().map(|diagnostic| format!("{diagnostic}\n")).collect()
}

const CONTRACT: &str = "\
kind: Contract
name: acme-2027
spec: { owner: acme, contacts: [ops@acme.example], until: 2027-06-30, quota: 1000000/month, rate: 100/s, concurrency: 20, rotation: 90d, key_life_max: 90d, drill: 180d, apis: [ledger] }
---
";

#[test]
fn a_contract_bounds_what_rests_on_it() {
    let text = format!(
        "{CONTRACT}\
         {{kind: Grant, name: a, spec: {{to: {{identity: sync}}, api: ledger, operations: [list], contract: acme-2027}}}}\n---\n\
         {{kind: Grant, name: b, spec: {{to: {{identity: outside}}, api: ledger, operations: [list], until: 2030-01-01, contract: acme-2027}}}}\n---\n\
         {{kind: Grant, name: c, spec: {{to: {{owner: acme}}, api: ledger, operations: [list], until: 2026-12-24, contract: acme-2027}}}}\n"
    );
    let inventory = resolved(&text).inventory.unwrap();
    let mut text = String::new();
    for grant in &inventory.grants {
        text += &format!("{} {}\n", grant.id, grant.until.unwrap());
    }
    for limit in &inventory.limits {
        text += &format!("{limit:?}\n");
    }
    text += &format!("{:#?}", inventory.contracts);
    assert_snapshot!(text, @r#"
a 2027-06-30T00:00:00Z
b 2027-06-30T00:00:00Z
c 2026-12-24T00:00:00Z
Limit { name: LimitName("contract:acme-2027"), select: Select { kind: None, identity: None, owner: Some(OwnerName("acme")), environment: None, api: Some(ApiName("ledger")), class: None, operation: None, anonymous: None, lane: None }, per: Owner, rate: Some(Rate { count: 100, period: 1s, burst: 100 }), quota: Some(Quota { count: 1000000, window: Month }), concurrency: Some(20), bytes: None }
[
    Contract {
        name: ContractName("acme-2027"),
        owner: OwnerName("acme"),
        contacts: [
            "ops@acme.example",
        ],
        until: Time(
            1814313600000000,
        ),
        quota: Some(
            Quota {
                count: 1000000,
                window: Month,
            },
        ),
        rate: Some(
            Rate {
                count: 100,
                period: 1s,
                burst: 100,
            },
        ),
        concurrency: Some(
            20,
        ),
        rotation: Some(
            7776000s,
        ),
        key_life_max: Some(
            7776000s,
        ),
        drill: Some(
            15552000s,
        ),
        apis: [
            ApiName("ledger"),
        ],
    },
]
"#);
}

#[test]
fn a_contract_about_several_apis_limits_all_that_the_partner_calls() {
    let inventory = resolved(&CONTRACT.replace("[ledger]", "[ledger, other, ledger]")).inventory.unwrap();
    assert_eq!(inventory.contracts[0].apis.len(), 2);
    assert_eq!(inventory.limits[0].select.api, None);
    assert_eq!(inventory.limits[0].select.owner, Some(OwnerName::literal("acme")));
    let none = resolved(&CONTRACT.replace("quota: 1000000/month, rate: 100/s, concurrency: 20, ", "")).inventory.unwrap();
    assert_eq!(none.limits.len(), 0);
}

#[test]
fn apis_of_our_own_can_be_limited() {
    let ours = ["wardgate-admin", "wardgate-issuer", "wardgate-tasks"];
    let one = |api| format!("{{kind: Limit, name: of-{api}, spec: {{per: identity, rate: 1/s, select: {{api: {api}}}}}}}\n");
    let limits = ours.map(one).join("---\n");
    assert_eq!(check(&limits), "");
    let inventory = resolved(&limits).inventory.unwrap();
    assert_eq!(inventory.limits.iter().map(|limit| limit.select.api.as_ref().unwrap().as_str()).collect::<Vec<_>>(), ours);
}

#[test]
fn a_contract_says_what_is_wrong_with_it() {
    assert_snapshot!(check("{kind: Contract, name: c, spec: {owner: acne, contacts: [], apis: [leger], concurrency: 0, rate: 1/y, quota: 5, until: later, drills: 1d}}\n---\n{kind: Contract, name: d, spec: {apis: [], concurrency: 5000000000}}\n---\n{kind: Limit, name: 'contract:c', spec: {per: owner, rate: 1/s}}\n"), @r#"
r.yaml:23:41: error[reference.unknown]: Contract `c`: `owner`: there is no Owner `acne`
  = did you mean `acme`?
r.yaml:23:57: error[contract.no_contact]: Contract `c`: `contacts`: the list is empty
  = name whom to reach, as in `[ops@partner.example]`
r.yaml:23:68: error[reference.unknown]: Contract `c`: `apis`: there is no Api `leger`
  = did you mean `ledger`?
r.yaml:23:89: error[value.invalid]: Contract `c`: `concurrency`: the number must be more than zero
r.yaml:23:98: error[value.invalid]: Contract `c`: `rate`: `y` has no number before `y`
  = write a rate as in `100/s`, `10/m` or `5/10s`
r.yaml:23:110: error[value.type]: Contract `c`: `quota`: expected text, found the number `5`
  = put it in quotes
r.yaml:23:120: error[value.invalid]: Contract `c`: `until`: `later` is no date
  = write a date as in `2027-06-30`, or `2027-06-30T12:00:00Z`
r.yaml:23:127: error[key.unknown]: Contract `c`: `drills`: this key is not known
  = did you mean `drill`?
r.yaml:25:33: error[key.missing]: Contract `d`: `contacts`: this key is missing
r.yaml:25:33: error[key.missing]: Contract `d`: `owner`: this key is missing
r.yaml:25:33: error[key.missing]: Contract `d`: `until`: this key is missing
r.yaml:25:40: error[contract.no_api]: Contract `d`: `apis`: the list is empty
  = name an API, or leave `apis` out for any
r.yaml:25:57: error[value.invalid]: Contract `d`: `concurrency`: more than 4294967295
r.yaml:27:1: error[resource.name]: Limit `contract:c`: the name `contract:c` is reserved
  = a Contract with `quota`, `rate` or `concurrency` has this limit
"#);
}

#[test]
fn a_grant_names_a_contract_of_its_owner_about_its_api() {
    assert_snapshot!(check(&format!(
        "{CONTRACT}\
         {{kind: Grant, name: a, spec: {{to: {{identity: own}}, api: ledger, operations: [list], contract: acme-2027}}}}\n---\n\
         {{kind: Grant, name: b, spec: {{to: {{owner: payments}}, api: other, operations: [read], contract: acme-2027}}}}\n---\n\
         {{kind: Grant, name: c, spec: {{to: {{identity: outside}}, api: other, operations: [read], contract: acme-2028}}}}\n---\n\
         {{kind: Identity, name: long, spec: {{type: partner, owner: acme, environment: production, purpose: p, credentials: [{{name: main, type: api_key, expires_in: 91d}}]}}}}\n"
    )), @r#"
r.yaml:27:78: warning[grant.no_operation]: Grant `a`: the API `ledger` has no operation of class `list`
  = take it out, or give an operation this class
r.yaml:27:95: error[grant.contract_owner]: Grant `a`: `contract`: the Contract `acme-2027` is with `acme`, this grant is to `payments`
  = name a contract with `payments`, or take `contract` out
r.yaml:29:96: error[grant.contract_api]: Grant `b`: `contract`: the Contract `acme-2027` is not about the API `other`
  = add it to the `apis` of Contract `acme-2027`, or take `contract` out
r.yaml:29:96: error[grant.contract_owner]: Grant `b`: `contract`: the Contract `acme-2027` is with `acme`, this grant is to `payments`
  = name a contract with `payments`, or take `contract` out
r.yaml:31:98: error[reference.unknown]: Grant `c`: `contract`: there is no Contract `acme-2028`
  = did you mean `acme-2027`?
r.yaml:33:156: error[credential.life]: Identity `long`: `credentials[0].expires_in`: longer than the `key_life_max` of the Contract `acme-2027` allows
  = write 90d or less
"#);
}

#[test]
fn a_waiver_is_for_something_on_record() {
    assert_snapshot!(check(
        "kind: Waiver\nname: a\nspec: { for: { identity: synk }, exempts: rotation, reason: r, approver: nobody, until: 2027-01-01 }\n---\n\
         kind: Waiver\nname: b\nspec: { for: { identity: sync, credential: min }, exempts: expiry, reason: r, approver: a@b.example, until: 2027-01-01 }\n---\n\
         kind: Waiver\nname: c\nspec: { for: { identity: sync, credential: main }, exempts: expiry, reason: r, approver: a@b.example, until: 2027-01-01 }\n---\n\
         kind: Waiver\nname: d\nspec: { for: { identity: sync }, exempts: expiry, reason: r, approver: a@b.example, until: 2027-01-01 }\n---\n\
         kind: Waiver\nname: e\nspec: { for: { api: ledger }, exempts: rotation, reason: r, approver: a@b.example, until: 2027-01-01 }\n---\n\
         kind: Waiver\nname: f\nspec: { for: { owner: acme, credential: x }, exempts: rotations }\n---\n\
         kind: Waiver\nname: g\nspec: { for: { identity: outside, credential: second }, exempts: rotation, reason: r, approver: a@b.example, until: 2027-01-01 }\n---\n\
         kind: Waiver\nname: h\nspec: { for: { identity: outside, credential: main }, exempts: rotation, reason: r, approver: a@b.example, until: 2027-01-01 }\n"
    ), @r#"
r.yaml:25:26: error[reference.unknown]: Waiver `a`: `for.identity`: there is no Identity `synk`
  = did you mean `sync`?
r.yaml:25:74: error[value.invalid]: Waiver `a`: `approver`: `nobody` is no address
  = write an address as in `lead@example.com`
r.yaml:29:44: error[reference.unknown]: Waiver `b`: `for.credential`: the Identity `sync` has no credential `min`
  = name an entry of its `credentials`
r.yaml:33:44: warning[waiver.idle]: Waiver `c`: `for.credential`: the credential `main` of `sync` says when it ends, so that nothing is waived
  = take the waiver out, or `expires_in` there
r.yaml:37:14: error[waiver.for]: Waiver `d`: `for`: `exempts: expiry` is for one credential of one identity
  = write `for: {identity: NAME, credential: ENTRY}`
r.yaml:41:14: error[waiver.for]: Waiver `e`: `for`: `exempts: rotation` is for an identity or an owner
  = write `for: {identity: NAME}` or `for: {owner: NAME}`
r.yaml:45:7: error[key.missing]: Waiver `f`: `approver`: this key is missing
r.yaml:45:7: error[key.missing]: Waiver `f`: `reason`: this key is missing
r.yaml:45:7: error[key.missing]: Waiver `f`: `until`: this key is missing
r.yaml:45:14: error[waiver.for]: Waiver `f`: `for`: a waiver is for one identity or one of its credentials, one API, or one owner
  = write `for: {identity: NAME}`, `{identity: NAME, credential: ENTRY}`, `{api: NAME}` or `{owner: NAME}`
r.yaml:45:55: error[value.word]: Waiver `f`: `exempts`: `rotations` is not one of `expiry`, `rotation`, `limit`, `review`, `keep`, `anonymous`, `observe`, `trusted_network`
  = did you mean `rotation`?
r.yaml:49:47: error[reference.unknown]: Waiver `g`: `for.credential`: the Identity `outside` has no credential `second`
  = name an entry of its `credentials`
"#);
}

#[test]
fn a_rotation_is_read() {
    let text = "\
        {kind: Rotation, name: partners, spec: {select: {credential: api_key, type: partner, criticality: high, owner: acme, environment: production}, every: 90d, warn: 10d, enforce: 30d}}\n---\n\
        {kind: Rotation, name: rest, spec: {every: 20d, enforce: never}}\n---\n\
        {kind: Rotation, name: 'shipped:rotation', spec: {select: {credential: foreign_key}, every: 90d}}\n";
    assert_snapshot!(format!("{:#?}", resolved(text).inventory.unwrap().rotations), @r#"
[
    Rotation {
        name: RotationName("partners"),
        select: RotationSelect {
            credential: Some(
                ApiKey,
            ),
            kind: Some(
                Partner,
            ),
            criticality: Some(
                High,
            ),
            owner: Some(
                OwnerName("acme"),
            ),
            environment: Some(
                EnvironmentName("production"),
            ),
        },
        every: 7776000s,
        warn: 864000s,
        enforce: Some(
            2592000s,
        ),
    },
    Rotation {
        name: RotationName("rest"),
        select: RotationSelect {
            credential: None,
            kind: None,
            criticality: None,
            owner: None,
            environment: None,
        },
        every: 1728000s,
        warn: 864000s,
        enforce: None,
    },
    Rotation {
        name: RotationName("shipped:rotation"),
        select: RotationSelect {
            credential: Some(
                ForeignKey,
            ),
            kind: None,
            criticality: None,
            owner: None,
            environment: None,
        },
        every: 7776000s,
        warn: 1209600s,
        enforce: None,
    },
]
"#);
}

#[test]
fn a_rotation_says_what_is_wrong_with_it() {
    assert_snapshot!(check(
        "{kind: Rotation, name: a, spec: {select: {credential: session, owner: acne}, every: 10d, warn: 10d, enforce: nver}}\n---\n\
         {kind: Rotation, name: b, spec: {select: {type: bot}, every: 10d}}\n---\n\
         {kind: Rotation, name: c, spec: {select: {type: bot}, every: 20d}}\n"
    ), @r#"
r.yaml:23:55: error[value.word]: Rotation `a`: `select.credential`: `session` is not one of `api_key`, `foreign_key`
r.yaml:23:71: error[reference.unknown]: Rotation `a`: `select.owner`: there is no Owner `acne`
  = did you mean `acme`?
r.yaml:23:96: error[rotation.warn]: Rotation `a`: `warn`: users would be warned from the first day, as it is no shorter than `every`
  = write a shorter one
r.yaml:23:110: error[value.invalid]: Rotation `a`: `enforce`: `nver` has no number before `nver`
  = write a duration as in `30d`, or `never`
r.yaml:27:42: error[rotation.same]: Rotation `c`: the Rotation `b` selects the same credentials
  = keep one of them; the first stands in r.yaml:25:42
"#);
}

#[test]
fn what_is_still_named_cannot_go() {
    let documents = documents("");
    let removed = [
        (Kind::Owner, "acme"),
        (Kind::Owner, "payments"),
        (Kind::Environment, "production"),
        (Kind::Api, "ledger"),
        (Kind::Owner, "nobody"),
    ];
    let found = still_named(&removed, &documents, &Outside, &Place::file("api"));
    assert_snapshot!(found.iter().map(|diagnostic| format!("{diagnostic}\n")).collect::<String>(), @r#"
api: error[resource.in_use]: the Owner `acme` cannot go: Identity `sync`, Identity `outside` and 39 more name it
  = give them another owner first, or retire them
api: error[resource.in_use]: the Owner `payments` cannot go: Identity `own`, Api `ledger`, Api `other` name it
  = give them another owner first, or retire them
api: error[resource.in_use]: the Environment `production` cannot go: Identity `sync`, Identity `own`, Api `ledger`, Api `other` name it
  = change or remove them first, or in the same change
"#);
}

#[test]
fn what_is_missing_is_named_ten_times_and_counted() {
    let identity = |number: usize| {
        format!("{{kind: Identity, name: i{number}, spec: {{type: bot, owner: gone, environment: production, purpose: p}}}}\n---\n")
    };
    let text: String = (0..12).map(identity).collect();
    let said = check(&text);
    assert_eq!(said.matches("there is no Owner `gone`").count(), 10);
    assert_snapshot!(said.lines().filter(|line| line.contains("more")).collect::<String>(), @"r.yaml:43:54: error[reference.unknown]: 2 more documents, this one first, name the Owner `gone`, which is not there");
}
