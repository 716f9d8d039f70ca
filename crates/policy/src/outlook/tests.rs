use crate::testing::{NOON, Town, facts, show};
use crate::{Decision, Effect, Prospect};
use std::fmt::Write as _;

fn town() -> Town {
    Town::new(
        r#"@id("zone") permit (principal in Team::"analytics", action, resource in Api::"ledger")
           when { principal.quality > 50 && context.source.zone == "lan" };
           @id("never") forbid (principal in Team::"analytics", action == Action::"delete", resource);"#,
        "a team=analytics\nb\nc state=suspended",
        "old to=b ops=read,list until=2026-01-01\nlater to=b ops=read until=2030-01-01\npurposeful to=b ops=write purpose=audit\nsure to=a ops=list",
    )
}

fn check(town: &Town, asked: &str) -> String {
    let parts: Vec<&str> = asked.splitn(4, ' ').collect();
    let identity = town.identity(parts[0]);
    let (api, operation) = town.operation(parts[1], &format!("{} {}", parts[2], parts[3]));
    let outlook = town.set.outlook(&identity, &api, &operation, NOON);
    let said = match &outlook.prospect {
        Prospect::Denied(denied) => format!("denied {}", denied.reason.row().code),
        Prospect::Allowed(_) => "allowed".to_owned(),
        Prospect::Depends => "depends".to_owned(),
    };
    let mut text = format!("{asked}: {said}\n");
    for one in outlook.left {
        let condition = one.condition.as_deref().unwrap_or("always");
        let until = one.until.map(|until| format!(", until {until}")).unwrap_or_default();
        writeln!(text, "  {} {}: {condition}{until}", one.effect.as_str(), one.policy).unwrap();
    }
    text
}

#[test]
fn what_is_left_is_said_with_its_conditions() {
    let town = town();
    let asked = [
        "a ledger GET /entries",
        "a ledger GET /export",
        "b ledger GET /entries/{id}",
        "b ledger POST /entries",
        "b ledger GET /entries",
        "c ledger GET /entries",
    ];
    insta::assert_snapshot!(asked.map(|asked| check(&town, asked)).concat());
}

#[test]
fn a_certain_outlook_is_what_every_request_gets() {
    let town = town();
    for (name, at) in [
        ("a", "GET /entries"),
        ("a", "GET /export"),
        ("a", "POST /entries"),
        ("b", "GET /entries/{id}"),
        ("b", "GET /entries"),
        ("b", "POST /entries"),
        ("c", "GET /entries"),
    ] {
        let identity = town.identity(name);
        let (api, operation) = town.operation("ledger", at);
        let outlook = town.set.outlook(&identity, &api, &operation, NOON);
        let mut answers = Vec::new();
        for proof in
            ["proof=api_key", "proof=jwt", "proof=jwt risk=90", "proof=jwt zone=lan", "proof=jwt purpose=other", "proof=jwt purpose=audit"]
        {
            let (facts, risk) = facts(&identity, &format!("- {proof}"));
            let answer = town.set.rule(&town.set.standing(&identity, &api, &operation), &facts, risk, NOON);
            answers.push((answer.decision, show(&answer)));
        }
        match outlook.prospect {
            Prospect::Denied(_) => assert!(answers.iter().all(|(decision, _)| *decision == Decision::Deny), "{name} {at} {answers:?}"),
            Prospect::Allowed(_) => assert!(answers.iter().all(|(decision, _)| *decision == Decision::Allow), "{name} {at} {answers:?}"),
            Prospect::Depends => {
                let open = outlook.left.iter().any(|one| one.condition.is_some() || one.effect == Effect::Forbid);
                assert!(open, "{name} {at} {answers:?}");
            }
        }
    }
}
