use crate::testing::{NOON, Town, facts, show};
use std::fmt::Write as _;

fn check(town: &Town, request: &str) -> String {
    let parts: Vec<&str> = request.splitn(5, ' ').collect();
    let identity = town.identity(parts[0]);
    let (api, operation) = town.operation(parts[1], &format!("{} {}", parts[2], parts[3]));
    let (facts, risk) = facts(&identity, &format!("- {}", parts.get(4).copied().unwrap_or_default()));
    let explained = town.set.explain(&identity, &api, &operation, &facts, risk, NOON);
    let mut text = format!("\n{}\n", show(&explained.answer));
    for one in explained.candidates {
        writeln!(text, "  {} {} {:?}", one.effect.as_str(), one.policy, one.verdict).unwrap();
        one.missing.iter().for_each(|missing| writeln!(text, "    missing: {missing}").unwrap());
    }
    text
}

#[test]
fn every_candidate_says_what_it_lacks() {
    let town = Town::new(
        r#"@id("conditional") permit (principal in Team::"analytics", action, resource in Api::"ledger")
           when { principal.quality > 50 && context.source.zone == "lan" } unless { context.risk > 10 };
           @id("breaks") permit (principal in Team::"analytics", action == Action::"write", resource) when { context.risk + 9223372036854775807 > 0 };"#,
        "a team=analytics",
        "old to=a ops=bulk until=2026-01-01\npurposeful to=a ops=list purpose=audit",
    );
    let text = ["a ledger GET /export proof=api_key risk=50", "a ledger GET /entries purpose=other", "a ledger POST /entries risk=1"]
        .map(|request| format!("{request}{}", check(&town, request)))
        .join("\n");
    insta::assert_snapshot!(text);
}
