//! What proves an identity, and from where.

use super::{Act, BEFORE, check, documents, needs, proposed, record};

#[test]
fn how_one_with_power_proves_itself_is_not_for_one_to_say() {
    let entry = |entries: &str| {
        format!(
            "kind: Identity\nname: admin-bot\nspec: {{ type: bot, owner: payments, environment: production, purpose: runs it, roles: [viewer], credentials: [{entries}] }}"
        )
    };
    let told = "second: it changes what proves `admin-bot`, which has power in Wardgate";
    assert_eq!(check(&entry("{ name: ci, type: oidc, trust: ci, subject: mine }")), told);
    assert_eq!(check(&entry("{ name: main, type: api_key, expires_in: 30d }")), "nothing", "a key is issued");
    let sync = "kind: Identity\nname: ledger-sync\nspec: { type: workload, owner: payments, environment: production, purpose: copies, tags: { tier: gold }, credentials: [{ name: ci, type: oidc, trust: ci, subject: mine }] }";
    assert_eq!(check(sync), "nothing", "it has no power");
    let granted =
        format!("{BEFORE}---\nkind: Grant\nname: power\nspec: {{ to: {{ owner: payments }}, api: wardgate-admin, operations: [write] }}\n");
    let needs = needs(&Act::Apply { changes: proposed(sync) }, &record(&documents(&granted)));
    let told = "it changes what proves `ledger-sync`, which has power in Wardgate";
    assert_eq!(needs.map(|needs| needs.why.join("; ")).as_deref(), Some(told), "a grant is power");
}

#[test]
fn what_is_contained_is_not_let_in_under_another_entry() {
    let spec = |entries: &str| {
        format!("kind: Identity\nname: ci\nspec: {{ type: bot, owner: acme, environment: staging, purpose: x, credentials: [{entries}] }}")
    };
    let (main, other) = ("{ name: main, type: oidc, trust: t, subject: s }", "{ name: other, type: oidc, trust: t, subject: s }");
    let key = "{ name: key, type: api_key, expires_in: 30d }";
    let before = documents(&spec(main));
    let asks = |entries: &str, stopped: &[(&str, &str)]| {
        let record = record(&before).with_stopped(stopped.iter().copied());
        needs(&Act::Apply { changes: proposed(&spec(entries)) }, &record).map(|needs| needs.why.join("; "))
    };
    let told = Some("it changes what proves `ci`, of which `main` is contained".to_owned());
    for entries in [other, &format!("{main}, {other}"), ""] {
        assert_eq!(asks(entries, &[("ci", "main")]), told, "{entries}");
        assert_eq!(asks(entries, &[("else", "main")]), None, "{entries}");
    }
    assert_eq!(asks(&format!("{main}, {key}"), &[("ci", "main")]), None);
}

#[test]
fn from_where_a_credential_may_be_used_is_widened_by_two() {
    let spec = |sources: &str| {
        format!(
            "kind: Identity\nname: ci\nspec: {{ type: bot, owner: acme, environment: staging, purpose: x, credentials: [{{ name: main, type: api_key, expires_in: 30d{sources} }}] }}"
        )
    };
    let asks = |had: &str, has: &str| {
        let before = documents(&spec(had));
        needs(&Act::Apply { changes: proposed(&spec(has)) }, &record(&before)).map(|needs| needs.why.join("; "))
    };
    let told = Some("it lets `main` of `ci` be used from elsewhere".to_owned());
    let (one, two) = (", sources: [10.0.0.0/8]", ", sources: [10.0.0.0/8, 192.0.2.0/24]");
    assert_eq!((asks(one, ""), asks(one, two)), (told.clone(), told.clone()));
    assert_eq!(
        needs(&Act::Apply { changes: proposed(&spec("").replace("main", "new")) }, &record(&documents(&spec(one))))
            .map(|needs| needs.why.join("; ")),
        told,
        "what was issued stays"
    );
    assert_eq!((asks("", one), asks(two, one), asks(one, one)), (None, None, None), "narrower, or the same");
}
