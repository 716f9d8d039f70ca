mod proofs;

use super::{Act, Asked, Needed, Undecidable, may_decide, needs};
use crate::testing::{documents, proposed, record};
use serde_json::json;
use wardgate_model::{
    contain::Containable,
    id::{IdentityId, OwnerName},
    inventory::{Identity, IdentityState, Role},
};

const BEFORE: &str = r#"
kind: Owner
name: payments
spec: { accountable: lead@example.com, deputy: deputy@example.com, teams: [settlement] }
---
kind: Owner
name: acme
spec: { accountable: boss@acme.example }
---
kind: Environment
name: production
spec: { production: true }
---
kind: Environment
name: staging
spec: {}
---
kind: Identity
name: ledger-sync
spec: { type: workload, owner: payments, environment: production, purpose: copies, tags: { tier: gold } }
---
kind: Identity
name: admin-bot
spec: { type: bot, owner: payments, environment: production, purpose: runs it, roles: [viewer] }
---
kind: Api
name: ledger
spec: { policy_owner: payments, environment: production, mode: enforce, upstream: { urls: ["http://127.0.0.1:9000"] }, operations: [{ match: "GET /entries", class: list }, { match: "GET /export", class: bulk }] }
---
kind: Zone
name: lan
spec: { networks: [10.0.0.0/8] }
---
kind: Policy
name: reads
spec: { cedar: 'forbid (principal, action, resource) when { principal.type == "bot" && principal.hasTag("tier") && context.source.zone == "lan" };' }
---
kind: Grant
name: acme-reads
spec: { to: { owner: acme }, api: ledger, operations: [read] }
---
kind: Waiver
name: old-key
spec: { for: { identity: ledger-sync }, exempts: rotation, reason: later, approver: lead@example.com, until: 2027-06-30 }
---
kind: Rotation
name: partners
spec: { select: { type: partner }, every: 60d, warn: 14d, enforce: 30d }
---
kind: Policy
name: mine
spec: { cedar: '@id("team") permit (principal in Team::"settlement", action, resource); @id("no-delete") forbid (principal, action == Action::"delete", resource);' }
---
kind: Policy
name: rails
spec: { cedar: '@id("guardrail:standing") forbid (principal, action, resource) unless { principal.state == "active" };' }
"#;

/// What the change of one document needs, and why.
fn check(change: &str) -> String {
    let before = documents(BEFORE);
    match needs(&Act::Apply { changes: proposed(change) }, &record(&before)) {
        None => "nothing".to_owned(),
        Some(needs) => format!("{}: {}", needs.needed, needs.why.join("; ")),
    }
}

#[test]
fn what_widens_power_waits() {
    let changes = [
        // Identities.
        "kind: Identity\nname: new\nspec: { type: bot, owner: payments, environment: staging, purpose: x }",
        "kind: Identity\nname: new\nspec: { type: bot, owner: payments, environment: staging, purpose: x, roles: [admin] }",
        "kind: Identity\nname: admin-bot\nspec: { type: bot, owner: payments, environment: production, purpose: runs it, roles: [viewer, operator] }",
        "kind: Identity\nname: admin-bot\nspec: { type: bot, owner: payments, environment: production, purpose: runs it, roles: [] }",
        "kind: Identity\nname: admin-bot\nspec: { type: bot, owner: acme, environment: production, purpose: runs it, roles: [viewer] }",
        "kind: Identity\nname: ledger-sync\nspec: { type: workload, owner: acme, environment: production, purpose: copies }",
        "kind: Identity\nname: ledger-sync\nspec: { type: workload, owner: payments, team: settlement, environment: production, purpose: copies }",
        "kind: Identity\nname: ledger-sync\nspec: { type: workload, owner: payments, environment: staging, purpose: copies }",
        "kind: Identity\nname: ledger-sync\nspec: { type: workload, owner: payments, environment: production, purpose: copies, tags: { person: lead@example.com } }",
        "kind: Identity\nname: ledger-sync\nspec: { gone: true }",
        // Owners.
        "kind: Owner\nname: new\nspec: { accountable: new@example.com }",
        "kind: Owner\nname: payments\nspec: { accountable: me@example.com, deputy: deputy@example.com, teams: [settlement] }",
        "kind: Owner\nname: payments\nspec: { accountable: lead@example.com, teams: [settlement] }",
        "kind: Owner\nname: payments\nspec: { accountable: lead@example.com, deputy: deputy@example.com, contact: x@example.com }",
        "kind: Owner\nname: payments\nspec: { gone: true }",
        // Environments.
        "kind: Environment\nname: new\nspec: {}",
        "kind: Environment\nname: new\nspec: { shared: true }",
        "kind: Environment\nname: staging\nspec: { shared: true }",
        "kind: Environment\nname: production\nspec: { production: false }",
        // Grants, limits, waivers, rotations.
        "kind: Grant\nname: new\nspec: { to: { identity: ledger-sync }, api: ledger, operations: [bulk] }",
        "kind: Grant\nname: new\nspec: { to: { identity: ledger-sync }, api: wardgate-admin, operations: [admin] }",
        "kind: Limit\nname: mine\nspec: { per: identity, rate: 1/s }",
        "kind: Limit\nname: default:identity\nspec: { per: identity, rate: 1000000/s }",
        "kind: Waiver\nname: new\nspec: { for: { owner: acme }, exempts: rotation, reason: x, approver: a@example.com, until: 2027-06-30 }",
        "kind: Waiver\nname: old-key\nspec: { for: { identity: ledger-sync }, exempts: rotation, reason: later, approver: lead@example.com, until: 2027-03-01 }",
        "kind: Waiver\nname: old-key\nspec: { for: { identity: ledger-sync }, exempts: rotation, reason: later, approver: lead@example.com, until: 2028-06-30 }",
        "kind: Waiver\nname: old-key\nspec: { gone: true }",
        "kind: Rotation\nname: partners\nspec: { select: { type: partner }, every: 30d, warn: 14d, enforce: 10d }",
        "kind: Rotation\nname: partners\nspec: { select: { type: partner }, every: 30d, warn: 14d, enforce: never }",
        "kind: Rotation\nname: partners\nspec: { gone: true }",
        // Proofs and APIs.
        "kind: TrustSource\nname: ci\nspec: { type: oidc, issuer: \"https://ci.example\" }",
        "kind: TrustSource\nname: ci\nspec: { gone: true }",
        "kind: Api\nname: new\nspec: { policy_owner: payments, environment: production, mode: observe }",
        "kind: Api\nname: ledger\nspec: { policy_owner: payments, environment: production, mode: observe, upstream: { urls: [\"http://127.0.0.1:9000\"] }, operations: [{ match: \"GET /entries\", class: list }, { match: \"GET /export\", class: bulk }] }",
        "kind: Api\nname: ledger\nspec: { policy_owner: payments, environment: production, upstream: { urls: [\"http://127.0.0.1:9000\"], identity: keep }, operations: [{ match: \"GET /entries\", class: list, anonymous: true }, { match: \"GET /export\", class: read }] }",
        "kind: Zone\nname: new\nspec: { networks: [10.0.0.0/8] }",
        "kind: Zone\nname: lan\nspec: { networks: [10.0.0.0/9] }",
        "kind: Zone\nname: lan\nspec: { networks: [10.0.0.0/8, 172.16.0.0/12] }",
        "kind: Zone\nname: lan\nspec: { gone: true }",
        "kind: Identity\nname: ledger-sync\nspec: { type: bot, owner: payments, environment: production, purpose: copies, tags: { tier: iron, other: x } }",
    ];
    let said: Vec<String> = changes
        .iter()
        .map(|change| {
            let (kind, rest) = change.strip_prefix("kind: ").unwrap().split_once("\nname: ").unwrap();
            let (name, spec) = rest.split_once("\nspec: ").unwrap();
            format!("{kind}/{name} {spec}\n    {}", check(change))
        })
        .collect();
    insta::assert_snapshot!(said.join("\n"), @r#"
    Identity/new { type: bot, owner: payments, environment: staging, purpose: x }
        nothing
    Identity/new { type: bot, owner: payments, environment: staging, purpose: x, roles: [admin] }
        second: it gives `new` the role `admin`
    Identity/admin-bot { type: bot, owner: payments, environment: production, purpose: runs it, roles: [viewer, operator] }
        second: it gives `admin-bot` the role `operator`
    Identity/admin-bot { type: bot, owner: payments, environment: production, purpose: runs it, roles: [] }
        nothing
    Identity/admin-bot { type: bot, owner: acme, environment: production, purpose: runs it, roles: [viewer] }
        second: it gives `admin-bot`, which has roles in Wardgate, to the owner `acme`; `admin-bot` gains what the owner `acme` is granted
    Identity/ledger-sync { type: workload, owner: acme, environment: production, purpose: copies }
        second: policies read the tag `tier` of `ledger-sync`; `ledger-sync` gains what the owner `acme` is granted
    Identity/ledger-sync { type: workload, owner: payments, team: settlement, environment: production, purpose: copies }
        second: policies read the tag `tier` of `ledger-sync`; `ledger-sync` gains what policies permit to the team `settlement`
    Identity/ledger-sync { type: workload, owner: payments, environment: staging, purpose: copies }
        second: it moves `ledger-sync` to another environment; policies read the tag `tier` of `ledger-sync`
    Identity/ledger-sync { type: workload, owner: payments, environment: production, purpose: copies, tags: { person: lead@example.com } }
        person: it makes `ledger-sync` stand for the person `lead@example.com`; policies read the tag `tier` of `ledger-sync`
    Identity/ledger-sync { gone: true }
        nothing
    Owner/new { accountable: new@example.com }
        nothing
    Owner/payments { accountable: me@example.com, deputy: deputy@example.com, teams: [settlement] }
        person: it changes who answers for the owner `payments`
    Owner/payments { accountable: lead@example.com, teams: [settlement] }
        person: it changes who answers for the owner `payments`
    Owner/payments { accountable: lead@example.com, deputy: deputy@example.com, contact: x@example.com }
        nothing
    Owner/payments { gone: true }
        person: it removes the owner `payments`
    Environment/new {}
        nothing
    Environment/new { shared: true }
        second: it makes the environment `new` stand beside all others
    Environment/staging { shared: true }
        second: it makes the environment `staging` stand beside all others
    Environment/production { production: false }
        second: it changes whether the environment `production` is production
    Grant/new { to: { identity: ledger-sync }, api: ledger, operations: [bulk] }
        nothing
    Grant/new { to: { identity: ledger-sync }, api: wardgate-admin, operations: [admin] }
        second: it grants power over Wardgate itself: Grant `new`
    Limit/mine { per: identity, rate: 1/s }
        nothing
    Limit/default:identity { per: identity, rate: 1000000/s }
        second: it changes what ships: Limit `default:identity`
    Waiver/new { for: { owner: acme }, exempts: rotation, reason: x, approver: a@example.com, until: 2027-06-30 }
        second: it exempts: Waiver `new`
    Waiver/old-key { for: { identity: ledger-sync }, exempts: rotation, reason: later, approver: lead@example.com, until: 2027-03-01 }
        nothing
    Waiver/old-key { for: { identity: ledger-sync }, exempts: rotation, reason: later, approver: lead@example.com, until: 2028-06-30 }
        second: it exempts: Waiver `old-key`
    Waiver/old-key { gone: true }
        nothing
    Rotation/partners { select: { type: partner }, every: 30d, warn: 14d, enforce: 10d }
        nothing
    Rotation/partners { select: { type: partner }, every: 30d, warn: 14d, enforce: never }
        second: it may let keys grow older: Rotation `partners`
    Rotation/partners { gone: true }
        second: it may let keys grow older: Rotation `partners`
    TrustSource/ci { type: oidc, issuer: "https://ci.example" }
        person: it changes whose proofs count: TrustSource `ci`
    TrustSource/ci { gone: true }
        nothing
    Api/new { policy_owner: payments, environment: production, mode: observe }
        second: rulings on the API `new` bind no more; the API `new` leads where the API `ledger` leads, and guards less
    Api/ledger { policy_owner: payments, environment: production, mode: observe, upstream: { urls: ["http://127.0.0.1:9000"] }, operations: [{ match: "GET /entries", class: list }, { match: "GET /export", class: bulk }] }
        second: rulings on the API `ledger` bind no more
    Api/ledger { policy_owner: payments, environment: production, upstream: { urls: ["http://127.0.0.1:9000"], identity: keep }, operations: [{ match: "GET /entries", class: list, anonymous: true }, { match: "GET /export", class: read }] }
        second: the upstream of the API `ledger` sees the credentials of its callers; `GET /entries` of the API `ledger` can be called without a credential; `GET /export` of the API `ledger` is not of the guarded class `bulk` any more
    Zone/new { networks: [10.0.0.0/8] }
        second: policies read from which zone a call comes, and the networks of the zone `new` change
    Zone/lan { networks: [10.0.0.0/9] }
        second: policies read from which zone a call comes, and the networks of the zone `lan` change
    Zone/lan { networks: [10.0.0.0/8, 172.16.0.0/12] }
        second: policies read from which zone a call comes, and the networks of the zone `lan` change
    Zone/lan { gone: true }
        second: policies read from which zone a call comes, and the networks of the zone `lan` change
    Identity/ledger-sync { type: bot, owner: payments, environment: production, purpose: copies, tags: { tier: iron, other: x } }
        second: policies read the `type` of `ledger-sync`; policies read the tag `tier` of `ledger-sync`
    "#);
}

/// What a change needs when `policy` is the only one on record.
fn under(policy: &str, change: &str) -> String {
    let others = BEFORE.split("\n---\n").filter(|one| !one.contains("kind: Policy") && !one.contains("kind: Grant"));
    let policy = format!("kind: Policy\nname: one\nspec:\n  cedar: |\n    {}", policy.replace('\n', "\n    "));
    let before = documents(&others.map(str::to_owned).chain([policy]).collect::<Vec<_>>().join("\n---\n"));
    match needs(&Act::Apply { changes: proposed(change) }, &record(&before)) {
        None => "nothing".to_owned(),
        Some(needs) => format!("{}: {}", needs.needed, needs.why.join("; ")),
    }
}

#[test]
fn what_policies_read_is_looked_for_in_what_was_parsed() {
    let sync = |more: &str| format!("kind: Identity\nname: ledger-sync\nspec: {{ environment: production, purpose: copies, {more} }}");
    let bot = sync("type: bot, owner: payments, tags: { tier: gold }");
    let read = "second: policies read the `type` of `ledger-sync`";
    for condition in [
        r#"principal.type == "bot""#,
        r#"principal["type"] == "bot""#,
        "principal . // its kind\n  type == \"bot\"",
        r#"(if context.risk > 9 then principal else principal)["\u{74}ype"] == "bot""#,
    ] {
        assert_eq!(under(&format!("forbid (principal, action, resource) unless {{ {condition} }};"), &bot), read, "{condition}");
    }
    assert_eq!(under(r#"forbid (principal, action, resource) when { context.purpose == "principal.type" };"#, &bot), "nothing");
    assert_eq!(under("forbid (principal, action, resource) when { this is none", &bot), read, "one that cannot be read may read anything");
    let iron = sync("type: workload, owner: payments, tags: { tier: iron }");
    let tier = "second: policies read the tag `tier` of `ledger-sync`";
    assert_eq!(under(r#"forbid (principal, action, resource) when { principal.hasTag("ti\u{65}r") };"#, &iron), tier);
    assert_eq!(under("forbid (principal, action, resource) when { principal.hasTag(resource.class) };", &iron), tier);
    // Leaving those whom a policy speaks of is a way out of a forbid.
    let moved = sync("type: workload, owner: acme, tags: { tier: gold }");
    let owner = "second: policies read the `owner` of `ledger-sync`";
    assert_eq!(under(r#"forbid (principal in Owner::"payments", action, resource);"#, &moved), owner);
    assert_eq!(under("permit (principal, action, resource) when { principal.owner == resource.owner };", &moved), owner);
    assert_eq!(under(r#"permit (principal in Owner::"x", action, resource);"#, &moved), "nothing");
}

#[test]
fn a_zone_that_shrinks_may_open_as_much_as_one_that_grows() {
    let told = |name: &str| format!("second: policies read from which zone a call comes, and the networks of the zone `{name}` change");
    let zone = |name: &str, networks: &str| format!("kind: Zone\nname: {name}\nspec: {{ networks: [{networks}] }}");
    for policy in [
        r#"forbid (principal, action, resource) when { context.source.zone == "lan" };"#,
        r#"permit (principal, action, resource) unless { context["source"]["zone"] == "lan" };"#,
        r#"permit (principal, action, resource) when { context.source.zone like "l*" };"#,
    ] {
        assert_eq!(under(policy, &zone("lan", "10.0.0.0/9")), told("lan"), "{policy}");
        assert_eq!(under(policy, &zone("lan", "10.0.0.0/8, 172.16.0.0/12")), told("lan"), "{policy}");
        assert_eq!(under(policy, "kind: Zone\nname: lan\nspec: { gone: true }"), told("lan"));
        assert_eq!(under(policy, &zone("new", "10.1.0.0/16")), told("new"), "it takes from another");
        assert_eq!(under(policy, &zone("lan", "10.0.0.0/8")), "nothing");
    }
    let other = r#"forbid (principal, action, resource) when { context.risk > 90 };"#;
    assert_eq!(under(other, &zone("lan", "10.0.0.0/9")), "nothing");
}

#[test]
fn where_a_secret_is_sent_is_not_for_one_to_say() {
    let api = |name: &str, url: &str, identity: &str| {
        format!(
            "kind: Api\nname: {name}\nspec: {{ policy_owner: payments, environment: production, mode: enforce, upstream: {{ urls: [\"{url}\"], identity: {identity} }}, operations: [{{ match: \"GET /entries\", class: list }}, {{ match: \"GET /export\", class: bulk }}] }}"
        )
    };
    let key = "{ header: X-Api-Key, secret: pay }";
    let told = "second: it says where the secret `pay` is sent: the upstream of the API";
    assert_eq!(check(&api("new", "https://thief.example", key)), format!("{told} `new`"));
    assert_eq!(check(&api("ledger", "http://127.0.0.1:9000", key)), format!("{told} `ledger`"));
    assert_eq!(check(&api("new", "https://fine.example", "assertion")), "nothing");
    let moved = |was: &str, is: &str| {
        let before = documents(was);
        needs(&Act::Apply { changes: proposed(is) }, &record(&before)).map(|needs| needs.why.join("; ")).unwrap_or_default()
    };
    let (here, there) = ("https://a.example", "https://thief.example");
    assert_eq!(moved(&api("x", here, key), &api("x", there, key)), "it says where the secret `pay` is sent: the upstream of the API `x`");
    assert_eq!(moved(&api("x", here, key), &api("x", here, key).replace("list", "read")), "");
    assert_eq!(
        moved(&api("x", here, "keep"), &api("x", there, "keep")),
        "another upstream of the API `x` sees the credentials of its callers"
    );
}

#[test]
fn nobody_leaves_a_contained_owner_alone() {
    let act = |owner: &str| Act::Apply {
        changes: proposed(&format!(
            "kind: Identity\nname: ledger-sync\nspec: {{ type: workload, owner: {owner}, environment: production, purpose: copies, tags: {{ tier: gold }} }}"
        )),
    };
    let before = documents(
        &BEFORE.replace("kind: Grant\nname: acme-reads", "kind: Grant\nname: others").replace("to: { owner: acme }", "to: { owner: else }"),
    );
    assert_eq!(needs(&act("acme"), &record(&before)), None);
    let found = needs(&act("acme"), &record(&before).with_contained(["payments"])).map(|needs| (needs.needed, needs.why.join("; ")));
    assert_eq!(found, Some((Needed::Person, "it lets `ledger-sync` in again: its owner `payments` is contained".to_owned())));
    assert_eq!(needs(&act("payments"), &record(&before).with_contained(["payments"])), None, "it stays where it is");
}

#[test]
fn an_identity_that_was_removed_does_not_slip_back() {
    let act = Act::Apply {
        changes: proposed("kind: Identity\nname: was\nspec: { type: bot, owner: acme, environment: production, purpose: x }"),
    };
    let before = documents(BEFORE);
    assert_eq!(needs(&act, &record(&before)), None);
    assert_eq!(needs(&act, &record(&before).with_returning(["was"])).map(|needs| needs.needed), Some(Needed::Second));
}

#[test]
fn policies_are_compared_statement_by_statement() {
    const TEAM: &str = r#"@id("team") permit (principal in Team::"settlement", action, resource);"#;
    const NO_DELETE: &str = r#"@id("no-delete") forbid (principal, action == Action::"delete", resource);"#;
    let policy = |name: &str, cedar: &str| format!("kind: Policy\nname: {name}\nspec: {{ cedar: '{cedar}' }}");
    let gone = |name: &str| format!("kind: Policy\nname: {name}\nspec: {{ gone: true }}");
    // The same in another order, elsewhere, with comments.
    assert_eq!(check(&policy("mine", &format!("{NO_DELETE} // first\n{TEAM}"))), "nothing");
    assert_eq!(check(&format!("{}\n---\n{}", gone("mine"), policy("other", &format!("{TEAM} {NO_DELETE}")))), "nothing");
    // What narrows.
    assert_eq!(check(&policy("mine", NO_DELETE)), "nothing");
    assert_eq!(check(&policy("more", r#"@id("more") forbid (principal, action, resource) when { context.risk > 50 };"#)), "nothing");
    // What widens.
    insta::assert_snapshot!(check(&policy("mine", TEAM)), @"second: it takes away a forbid: `no-delete`");
    insta::assert_snapshot!(check(&gone("mine")), @"second: it takes away a forbid: `no-delete`");
    insta::assert_snapshot!(check(&policy("more", r"permit (principal, action, resource);")), @"second: it adds a permit: `without an id`");
    insta::assert_snapshot!(check(&gone("rails")), @"person: it changes the guardrail `guardrail:standing`");
    insta::assert_snapshot!(check(&policy("x", r#"@id("guardrail:power") forbid (principal, action, resource) when { false };"#)), @"person: it changes the guardrail `guardrail:power`");
    insta::assert_snapshot!(check(&policy("x", r#"@id("shipped:admin-viewer") forbid (principal, action, resource);"#)), @"second: it changes the shipped policy `shipped:admin-viewer`");
    insta::assert_snapshot!(check(&policy("x", "what is this")), @"person: it cannot be told what the Policy `x` does");
    insta::assert_snapshot!(check("kind: Policy\nname: x\nspec: { cedar: [1] }"), @"person: it cannot be told what the Policy `x` does");
}

#[test]
fn a_rollback_needs_what_its_changes_need() {
    let before = documents(BEFORE);
    let changes = proposed(
        "kind: Waiver\nname: older\nspec: { for: { owner: acme }, exempts: rotation, reason: x, approver: a@example.com, until: 2027-06-30 }",
    );
    let act = Act::Rollback { to: 7, changes };
    assert_eq!(needs(&act, &record(&before)).map(|needs| needs.needed), Some(Needed::Second));
    assert_eq!(act.summary(), "roll back to 7: Waiver `older`");
}

#[test]
fn undoing_a_stop_waits_and_stopping_does_not() {
    let none = documents("");
    let of = |act: Act| needs(&act, &record(&none)).map(|needs| needs.needed);
    for kind in Containable::ALL {
        let person = matches!(kind, Containable::Owner | Containable::Issuer);
        let wanted = if person { Needed::Person } else { Needed::Second };
        assert_eq!(of(Act::Release { kind: *kind, name: "x".into() }), Some(wanted));
    }
    assert_eq!(of(Act::Return { owner: OwnerName::literal("acme") }), Some(Needed::Person));
    assert_eq!(of(Act::Resume { identity: IdentityId::literal("x") }), None);
    let issue = |stronger| Act::Issue { identity: IdentityId::literal("x"), entry: "main".into(), stronger };
    assert_eq!((of(issue(true)), of(issue(false))), (Some(Needed::Second), None));
}

#[test]
fn an_act_is_kept_and_read_back() {
    let acts = [
        Act::Apply { changes: proposed("kind: Owner\nname: a\nspec: { accountable: x }\n---\nkind: Owner\nname: b\nspec: { gone: true }") },
        Act::Release { kind: Containable::Identity, name: "ledger-sync".into() },
        Act::Rollback { to: 9, changes: Vec::new() },
        Act::Return { owner: OwnerName::literal("acme") },
        Act::Issue { identity: IdentityId::literal("x"), entry: "main".into(), stronger: true },
    ];
    for act in acts {
        let kept = serde_json::to_value(&act).unwrap();
        assert_eq!(serde_json::from_value::<Act>(kept).unwrap(), act);
    }
    assert!(serde_json::from_value::<Act>(json!({ "act": "release", "kind": "identity", "name": "x", "more": 1 })).is_err());
    assert!(serde_json::from_value::<Act>(json!({ "act": "unknown" })).is_err());
}

fn decider(name: &'static str, owner: &'static str, roles: &[Role]) -> Identity {
    Identity { id: IdentityId::literal(name), owner: OwnerName::literal(owner), roles: roles.into(), ..Identity::anonymous() }
}

#[test]
fn who_may_decide() {
    let (requester, owner) = (IdentityId::literal("a"), OwnerName::literal("payments"));
    let asked = |needed| Asked { requester: &requester, owner: &owner, needed };
    let say = |needed, decider: &Identity, person| {
        may_decide(&asked(needed), decider, person).map_or_else(|why| why.to_string(), |()| "may".to_owned())
    };
    let (security, admin) = (decider("b", "security", &[Role::Security]), decider("c", "it", &[Role::Admin]));
    assert_eq!(say(Needed::Second, &security, false), "may");
    assert_eq!(say(Needed::Second, &admin, false), "may");
    assert_eq!(say(Needed::Person, &admin, true), "may");
    insta::assert_snapshot!(say(Needed::Person, &admin, false), @"this wants a person: `c` has no tag `person` that is the address of an accountable person or deputy");
    insta::assert_snapshot!(say(Needed::Second, &decider("a", "security", &[Role::Admin]), true), @"`a` asked for this: another identity has to decide");
    insta::assert_snapshot!(say(Needed::Second, &decider("b", "payments", &[Role::Admin]), true), @"`b` and whoever asked belong to the owner `payments`: an identity of another owner has to decide");
    insta::assert_snapshot!(say(Needed::Second, &decider("b", "security", &[Role::Operator, Role::Owner]), true), @"`b` has neither the role `security` nor `admin`");
    let suspended = Identity { state: IdentityState::Suspended, ..security };
    assert_eq!(may_decide(&asked(Needed::Second), &suspended, true), Err(Undecidable::NotActive(IdentityId::literal("b"))));
}

#[test]
fn nobody_becomes_a_person_by_an_owner_that_is_made() {
    let before = documents(BEFORE);
    let tagged = [("gone-bot", "Gone@example.com"), ("lead-bot", "lead@example.com")];
    let asks = |spec: &str| {
        let change = proposed(&format!("kind: Owner\nname: fresh\nspec: {spec}"));
        needs(&Act::Apply { changes: change }, &record(&before).with_tagged(tagged)).map(|needs| (needs.needed, needs.why.join("; ")))
    };
    let told = "it makes `gone-bot` stand for the person `gone@example.com`, of the owner `fresh`".to_owned();
    assert_eq!(asks("{ accountable: gone@example.com }"), Some((Needed::Person, told.clone())));
    assert_eq!(asks("{ accountable: new@example.com, deputy: gone@example.com }"), Some((Needed::Person, told)));
    assert_eq!(asks("{ accountable: lead@example.com, deputy: new@example.com }"), None, "a person already");
}

#[test]
fn what_is_refused_since_its_sunset_is_not_for_one_to_serve_again() {
    let api = |after: &str, sunset: &str| {
        format!(
            "kind: Api\nname: old\nspec: {{ policy_owner: payments, environment: production, {after} match: {{ path_prefix: /old }}, upstream: {{ urls: [\"http://127.0.0.1:9009\"] }}, operations: [{{ match: \"GET /a\", class: list{sunset} }}] }}\n"
        )
    };
    let before = documents(&format!("{BEFORE}---\n{}", api("after_sunset: deny,", ", sunset: 2027-01-01")));
    let check = |after: &str, sunset: &str| {
        let needs = needs(&Act::Apply { changes: proposed(&api(after, sunset)) }, &record(&before));
        needs.map_or_else(|| "nothing".to_owned(), |needs| needs.why.join("; "))
    };
    let longer = "what the API `old` refuses from its sunset on is served longer";
    assert_eq!(check("after_sunset: deny,", ", sunset: 2026-12-01"), "nothing", "it ends sooner");
    assert_eq!(check("after_sunset: allow,", ", sunset: 2027-01-01"), longer);
    assert_eq!(check("", ", sunset: 2027-01-01"), longer);
    assert_eq!(check("after_sunset: deny,", ", sunset: '2027-01-01T00:00:01Z'"), longer);
    assert_eq!(check("after_sunset: deny,", ""), longer);
}

#[test]
fn what_is_inspected_is_not_for_one_to_let_pass() {
    let api = |inspect: &str| {
        format!(
            "kind: Api\nname: old\nspec: {{ policy_owner: payments, environment: production, {inspect} match: {{ path_prefix: /old }}, upstream: {{ urls: [\"http://127.0.0.1:9009\"] }} }}\n"
        )
    };
    let before = documents(&format!("{BEFORE}---\n{}", api("inspect: { json: true },")));
    let check = |inspect: &str| needs(&Act::Apply { changes: proposed(&api(inspect)) }, &record(&before)).map(|needs| needs.why.join("; "));
    assert_eq!(check("inspect: { json: true, requests: off },"), None);
    assert_eq!(check("").as_deref(), Some("requests to the API `old` are inspected less"));
}
