use crate::{Loaded, Sources, load};
use insta::assert_snapshot;
use std::path::Path;

/// What is said of an API and an identity with these plans, or what they are.
fn check(api: &str, identity: &str) -> String {
    let text = format!(
        "{{kind: Owner, name: o, spec: {{accountable: lead@example.com}}}}\n---\n{{kind: Environment, name: e, spec: {{production: true}}}}\n---\n\
         {{kind: Api, name: shop, spec: {{policy_owner: o, business_owner: o, environment: e, match: {{path_prefix: /shop}}, \
         upstream: {{urls: [http://u]}}, operations: [{{match: GET /health}}, {{match: 'GET /things/{{id}}'}}], {api}}}}}\n---\n\
         {{kind: Identity, name: bot, spec: {{type: bot, owner: o, environment: e, purpose: x, {identity}}}}}\n"
    );
    let sources = Sources { documents: vec![("r.yaml".into(), text.into_bytes())], policies: Vec::new() };
    let loaded: Loaded = load(&sources, &|_: &Path, _: &str| Err(std::io::ErrorKind::NotFound.into()));
    let said: Vec<String> = loaded.diagnostics.iter().map(ToString::to_string).collect();
    let plans = loaded.inventory.iter().map(|inventory| {
        let (api, identity) = (&inventory.apis[0], &inventory.identities[0].identity);
        format!("{:?}\n{:?}", api.risk, identity.risk)
    });
    said.into_iter().chain(plans).collect::<Vec<_>>().join("\n")
}

#[test]
fn what_is_not_said_goes_by_the_sensitivity() {
    assert_snapshot!(check("sensitivity: low", ""), @r"
    Plan { slow: 60, challenge: 75, block: 90, quarantine: None, observe: false }
    None
    ");
    assert_snapshot!(check("risk: {mode: observe, block: 50, quarantine: true}", "risk: {quarantine: false}"), @r"
    Plan { slow: 45, challenge: 50, block: 50, quarantine: Some(95), observe: true }
    Some(Containment { steps: Steps { slow: None, challenge: None, block: None, quarantine: Some(None), observe: None }, tell: [], keep: [] })
    ");
}

#[test]
fn a_containment_plan_says_what_stays_alive_and_who_is_told() {
    let plan = "risk: {slow: 30, challenge: 40, block: 95, quarantine: 99, mode: enforce, tell: [deputy, owner], keep: [list, 'GET /things/{thing}']}";
    assert_snapshot!(check("", plan), @r#"
    Plan { slow: 45, challenge: 60, block: 80, quarantine: None, observe: false }
    Some(Containment { steps: Steps { slow: Some(30), challenge: Some(40), block: Some(95), quarantine: Some(Some(99)), observe: Some(false) }, tell: [Deputy, Owner], keep: [Class(List), Operation { method: GET, template: PathTemplate { text: "/things/{thing}", segments: [Literal("things"), Parameter("thing")] } }] })
    "#);
}

#[test]
fn steps_out_of_order_and_out_of_bounds_are_said_with_their_place() {
    let said = [
        check("risk: {slow: 80, block: 60}", ""),
        check("risk: {challenge: 101}", ""),
        check("risk: {quarantine: 0}", ""),
        check("risk: {block: 90, quarantine: 70}", ""),
        check("risk: {slow: often}", ""),
        check("risk: {quarantine: sometimes}", ""),
        check("", "risk: {challenge: 50, block: 40}"),
        check("", "risk: {tell: []}"),
        check("", "risk: {tell: [boss]}"),
        check("", "risk: {keep: [list, list, GET /helth]}"),
    ];
    assert_snapshot!(said.join("\n\n"), @r"
    r.yaml:5:232: error[risk.steps]: Api `shop`: `risk.block`: 60 is less than `slow`, which is 80: the milder answer would never be given
      = order them: slow, challenge, block, quarantine

    r.yaml:5:226: error[risk.steps]: Api `shop`: `risk.challenge`: a risk is 1 to 100, not 101
      = write 1 to 100; `mode: observe` is how nothing follows from a risk

    r.yaml:5:227: error[risk.steps]: Api `shop`: `risk.quarantine`: a risk is 1 to 100, not 0
      = write 1 to 100; `mode: observe` is how nothing follows from a risk

    r.yaml:5:238: error[risk.steps]: Api `shop`: `risk.quarantine`: 70 is less than `block`, which is 90: the milder answer would never be given
      = order them: slow, challenge, block, quarantine

    r.yaml:5:221: error[value.type]: Api `shop`: `risk.slow`: expected a whole number from 0 to 4294967295, found the text `often`

    r.yaml:5:227: error[value.invalid]: Api `shop`: `risk.quarantine`: `sometimes` is no threshold
      = write `true`, `false` or 1 to 100

    r.yaml:7:114: error[risk.steps]: Identity `bot`: `risk.block`: 40 is less than `challenge`, which is 50: the milder answer would never be given
      = order them: slow, challenge, block, quarantine

    r.yaml:7:98: error[risk.tell]: Identity `bot`: `risk.tell`: the list is empty, and somebody has to be told
      = name `owner`, `deputy` or `contact`, or leave it out for `owner`

    r.yaml:7:99: error[value.word]: Identity `bot`: `risk.tell[0]`: `boss` is not one of `owner`, `deputy`, `contact`

    r.yaml:7:105: error[risk.keep]: Identity `bot`: `risk.keep`: `list` stands twice
      = keep one
    r.yaml:7:111: warning[risk.keep]: Identity `bot`: `risk.keep`: no API has the operation `GET /helth`
      = write it as it stands in `operations`, without the API's `path_prefix`
    ");
}
