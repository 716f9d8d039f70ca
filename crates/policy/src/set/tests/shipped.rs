//! What is shipped, as a table: identity × operation × answer.

use crate::testing::Town;

const IDENTITIES: &str = "prod env=production\nstag env=staging\nshared env=shared\nretired state=retired\nlost overdue\nviewer env=staging roles=viewer\noperator env=staging roles=operator\nowner env=staging roles=owner\nsecurity env=staging roles=security\nadmin env=staging roles=admin\nnobody env=staging";
const ALL: &str = r#"@id("all") permit (principal, action, resource in Api::"ledger"); @id("all-events") permit (principal, action, resource in Api::"events");"#;

#[test]
fn guardrails_hold_however_wide_a_permit_is() {
    let town = Town::new(ALL, IDENTITIES, "");
    insta::assert_snapshot!(
        town.table(
            "prod ledger GET /entries
             prod events GET /events
             stag ledger GET /entries
             stag events GET /events
             shared ledger GET /entries
             shared events GET /events
             retired ledger GET /entries
             lost ledger GET /entries
             prod ledger GET /export proof=jwt risk=39
             prod ledger GET /export proof=jwt risk=40
             prod ledger GET /export proof=x509
             prod ledger GET /export proof=api_key
             prod ledger GET /export proof=hmac
             prod ledger GET /entries proof=hmac
             anonymous ledger GET /entries
             anonymous ledger GET /status
             people ledger GET /entries
             people ledger GET /status"
        ),
        @"
    prod ledger GET /entries: allow rule.allowed all
    prod events GET /events: deny standing.denied guardrail:environments
    stag ledger GET /entries: deny standing.denied guardrail:environments
    stag events GET /events: allow rule.allowed all-events
    shared ledger GET /entries: allow rule.allowed all
    shared events GET /events: allow rule.allowed all-events
    retired ledger GET /entries: deny standing.denied guardrail:standing
    lost ledger GET /entries: deny standing.denied guardrail:unowned
    prod ledger GET /export proof=jwt risk=39: allow rule.allowed all
    prod ledger GET /export proof=jwt risk=40: deny rule.forbidden guardrail:power
    prod ledger GET /export proof=x509: allow rule.allowed all
    prod ledger GET /export proof=api_key: deny rule.forbidden guardrail:power
    prod ledger GET /export proof=hmac: deny rule.forbidden guardrail:power
    prod ledger GET /entries proof=hmac: allow rule.allowed all
    anonymous ledger GET /entries: deny standing.denied guardrail:anonymous
    anonymous ledger GET /status: allow rule.allowed all shipped:anonymous
    people ledger GET /entries: deny standing.denied guardrail:people
    people ledger GET /status: allow rule.allowed all shipped:people
    "
    );
}

#[test]
fn wardgates_own_api_is_open_by_role() {
    let town = Town::new("", IDENTITIES, "");
    let mut requests = String::new();
    for name in ["viewer", "operator", "owner", "security", "admin", "nobody", "anonymous"] {
        for operation in [
            "GET /api/v1/identities",
            "POST /api/v1/credentials",
            "DELETE /api/v1/credentials/{id}",
            "POST /api/v1/apply",
            "POST /api/v1/contain",
        ] {
            requests.push_str(&format!("{name} wardgate-admin {operation} proof=session\n"));
        }
    }
    requests.push_str("admin wardgate-admin POST /api/v1/sessions proof=sign_in\nnobody wardgate-admin POST /api/v1/sessions proof=session\nadmin wardgate-admin GET /api/v1/identities proof=sign_in\nadmin wardgate-admin POST /api/v1/contain proof=api_key\n");
    insta::assert_snapshot!(town.table(&requests));
}

#[test]
fn a_source_replaces_a_shipped_policy_by_its_id() {
    let town = Town::new(
        r#"@id("guardrail:environments") forbid (principal, action, resource in Api::"events") when { principal.environment.production };
           @id("all") permit (principal, action, resource in Api::"ledger");"#,
        IDENTITIES,
        "",
    );
    insta::assert_snapshot!(town.table("stag ledger GET /entries\nprod events GET /events"), @"
    stag ledger GET /entries: allow rule.allowed all
    prod events GET /events: deny standing.denied guardrail:environments
    ");
}

#[test]
fn the_example_of_the_contract_works() {
    let town = Town::new(
        r#"@id("example:analytics")
permit (principal in Team::"analytics", action in [Action::"read", Action::"list"], resource in Api::"events") when { context.source.zone == "data-platform" };"#,
        "a env=staging team=analytics\nb env=staging team=settlement",
        "",
    );
    insta::assert_snapshot!(
        town.table("a events GET /events zone=data-platform\na events GET /events zone=lan\na events GET /events\nb events GET /events zone=data-platform\na events DELETE /events/{id} zone=data-platform"),
        @"
    a events GET /events zone=data-platform: allow rule.allowed example:analytics
    a events GET /events zone=lan: deny rule.not_permitted
    a events GET /events: deny rule.not_permitted
    b events GET /events zone=data-platform: deny standing.no_grant
    a events DELETE /events/{id} zone=data-platform: deny standing.no_grant
    "
    );
}
