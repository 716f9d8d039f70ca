use super::grant_text;
use crate::{schema::SCHEMA, testing::grant};
use cedar_policy::{Policy, PolicySet, ValidationMode, Validator};

#[test]
fn a_grant_is_a_permit_that_validates() {
    let all = [
        "a to=ledger-sync ops=read,list",
        "b to=owner:payments ops=GET:/export",
        "c to=ledger-sync ops=read,GET:/report/{id} purpose=settlement until=2027-06-30",
    ];
    let texts: Vec<_> = all.iter().map(|text| grant_text(&grant(text))).collect();
    for text in &texts {
        let set = PolicySet::from_policies([Policy::parse(None, text).unwrap()]).unwrap();
        let result = Validator::new(SCHEMA.clone()).validate(&set, ValidationMode::Strict);
        assert!(result.validation_passed_without_warnings(), "{text}\n{result}");
    }
    insta::assert_snapshot!(texts.join("\n"), @r#"
    @id("grant:a")
    permit (principal == Identity::"ledger-sync", action in [Action::"read", Action::"list"], resource in Api::"ledger");
    @id("grant:b")
    permit (principal in Owner::"payments", action, resource in Api::"ledger")
    when { [Operation::"ledger GET /export"].contains(resource) };
    @id("grant:c")
    permit (principal == Identity::"ledger-sync", action, resource in Api::"ledger")
    when { [Action::"read"].contains(action) || [Operation::"ledger GET /report/{id}"].contains(resource) }
    when { context.time < datetime("2027-06-30T00:00:00.000Z") }
    when { if context has purpose then context.purpose == "settlement" else true };
    "#);
}
