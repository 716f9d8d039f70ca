use crate::{
    acts::WAITS,
    approvals::doing::Finished,
    behind::tests::sign_in,
    call::testing::{Fixture, HOUR, NOW},
};
use serde_json::json;
use wardgate_model::{
    id::{ApiName, IdentityId, OwnerName},
    inventory::Identity,
};

const MATRIX: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/testdata/second-person.txt");

const POLICY: &str = r#"@id(\"team:reads\") permit (principal, action == Action::\"read\", resource);"#;

fn request(method: &str, path: &str, body: &str) -> String {
    let body = if body.is_empty() { String::new() } else { format!("\n\n{body}") };
    format!("{method} /api/v1/{path} as CALLER{body}")
}

fn put(target: &str, spec: &str) -> String {
    request("PUT", &format!("resources/{target}"), &format!(r#"{{"spec":{spec},"reason":"ticket 7"}}"#))
}

fn cedar(text: &str) -> String {
    format!(r#"{{"cedar":"{text}"}}"#)
}

/// Acts by name. `CALLER` asks.
fn acts() -> Vec<(&'static str, String)> {
    let forbid = r#"@id(\"team:never\") forbid (principal, action, resource in Api::\"shop\");"#;
    let guardrail = r#"@id(\"guardrail:power\") forbid (principal, action, resource) when { false };"#;
    vec![
        ("contain an identity", request("POST", "containments", r#"{"kind":"identity","name":"there"}"#)),
        ("release an identity", request("DELETE", "containments/identity/held?reason=clean", "")),
        ("release an owner", request("DELETE", "containments/owner/acme", "")),
        ("suspend an identity", request("POST", "identities/there/suspend", r#"{"reason":"pause"}"#)),
        ("transfer an identity", request("POST", "identities/there/transfer", r#"{"owner":"cards"}"#)),
        ("transfer one with roles", request("POST", "identities/viewer-1/transfer", r#"{"owner":"cards"}"#)),
        ("an owner departs", request("POST", "owners/cards/depart", r#"{"grace":"1d"}"#)),
        ("an owner comes back", request("POST", "owners/risk/return", "{}")),
        ("declare a zone", put("Zone/z", "{}")),
        ("declare a policy that permits", put("Policy/team", &cedar(POLICY))),
        ("declare a policy that forbids", put("Policy/never", &cedar(forbid))),
        ("take a forbid away", request("DELETE", "resources/Policy/stop", "")),
        ("replace a guardrail", put("Policy/power", &cedar(guardrail))),
        ("give a role", put("Identity/there", r#"{"owner":"payments","roles":["viewer"]}"#)),
        ("make one stand for a person", put("Identity/there", r#"{"owner":"payments","tags":{"person":"pia@example.com"}}"#)),
        ("change who answers", put("Owner/answers", r#"{"accountable":"mallory@example.com"}"#)),
        ("waive", put("Waiver/w", r#"{"for":{"api":"shop"},"exempts":"rotation","until":"2030-01-01"}"#)),
        ("let an API observe", put("Api/shop", r#"{"policy_owner":"payments","mode":"observe"}"#)),
        ("declare an API", put("Api/new", r#"{"policy_owner":"payments","match":{"hosts":["new"]}}"#)),
        ("declare an API that observes", put("Api/new", r#"{"policy_owner":"payments","match":{"hosts":["new"]},"mode":"observe"}"#)),
        (
            "declare an API that anybody may call",
            put("Api/new", r#"{"policy_owner":"payments","match":{"hosts":["new"]},"operations":[{"match":"GET /x","anonymous":true}]}"#),
        ),
        (
            "declare an API that keeps credentials",
            put("Api/new", r#"{"policy_owner":"payments","match":{"hosts":["new"]},"upstream":{"urls":["https://x"],"identity":"keep"}}"#),
        ),
        ("make an API again that guards less", put("Api/till", r#"{"policy_owner":"payments"}"#)),
        ("lead another API where one is guarded", put("Api/new", r#"{"policy_owner":"payments","upstream":{"urls":["https://bank"]}}"#)),
        ("grant on another API", put("Grant/g", r#"{"to":{"identity":"there"},"api":"shop","operations":["read"]}"#)),
        ("grant power to one", put("Grant/g", r#"{"to":{"identity":"there"},"api":"wardgate-admin","operations":["read"]}"#)),
        ("grant power to all of an owner", put("Grant/g", r#"{"to":{"owner":"cards"},"api":"wardgate-admin","operations":["write"]}"#)),
        ("narrow a zone that a policy reads", put("Zone/lan", r#"{"networks":["10.0.0.0/9"]}"#)),
        (
            "say how one with a role proves itself",
            put("Identity/viewer-1", r#"{"owner":"payments","roles":["viewer"],"credentials":[{"name":"ci","type":"oidc"}]}"#),
        ),
        (
            "apply a zone and a permit",
            request(
                "POST",
                "apply",
                &format!(
                    r#"{{"documents":[{{"kind":"Zone","name":"y","spec":{{}}}},{{"kind":"Policy","name":"team","spec":{}}}]}}"#,
                    cedar(POLICY)
                ),
            ),
        ),
        ("roll back over a forbid", request("POST", "rollback", r#"{"to":SEQ,"reason":"undo"}"#)),
    ]
}

/// A world in which every act of the matrix makes sense.
async fn world() -> (Fixture, u64) {
    let fixture = Fixture::signed_in().await;
    let forbid = r#"{"cedar":"@id(\"team:stop\") forbid (principal, action, resource);"}"#;
    let outside = r#"{"cedar":"@id(\"team:outside\") forbid (principal, action, resource) unless { context.source.zone == \"lan\" };"}"#;
    let till = r#"{"policy_owner":"payments","match":{"hosts":["till"]},"upstream":{"urls":["https://bank"]},"operations":[{"match":"POST /pay","class":"money"}]}"#;
    let declared = format!(
        r#"{{"documents":[
            {{"kind":"Identity","name":"there","spec":{{"owner":"payments"}}}},
            {{"kind":"Identity","name":"held","spec":{{"owner":"payments"}}}},
            {{"kind":"Policy","name":"stop","spec":{forbid}}},
            {{"kind":"Zone","name":"lan","spec":{{"networks":["10.0.0.0/8"]}}}},
            {{"kind":"Policy","name":"lan","spec":{outside}}},
            {{"kind":"Api","name":"till","spec":{till}}},
            {{"kind":"Owner","name":"answers","spec":{{"accountable":"pia@example.com"}}}},
            {{"kind":"Api","name":"shop","spec":{{"policy_owner":"payments"}}}}]}}"#
    );
    let applied = fixture.ask(&format!("POST /api/v1/apply as root\n\n{declared}")).await;
    assert!(applied.starts_with("200"), "{applied}");
    assert!(fixture.ask("DELETE /api/v1/resources/Api/till as root").await.starts_with("204"));
    let seq = fixture.store.last_seq().await.unwrap();
    let viewer =
        fixture.ask("PUT /api/v1/resources/Identity/viewer-1 as root\n\n{\"spec\":{\"owner\":\"payments\",\"roles\":[\"viewer\"]}}").await;
    fixture.ask(&format!("POST /api/v1/approvals/{}/approve as rita\n\n{{}}", Fixture::member(&viewer, "id"))).await;
    let late = r#"{"cedar":"@id(\"team:late\") forbid (principal, action, resource);"}"#;
    fixture.ask(&format!("PUT /api/v1/resources/Policy/late as root\n\n{{\"spec\":{late}}}")).await;
    for contained in [r#"{"kind":"identity","name":"held"}"#, r#"{"kind":"owner","name":"acme"}"#] {
        assert!(fixture.ask(&format!("POST /api/v1/containments as op\n\n{contained}")).await.starts_with("200"));
    }
    for (name, mover) in [("there", "rita")] {
        let said = fixture.ask(&format!("POST /api/v1/identities/{name}/approve as {mover}\n\n{{\"evidence\":\"ticket 1\"}}")).await;
        assert!(said.starts_with("200"), "{said}");
        let said = fixture.ask(&format!("POST /api/v1/credentials as root\n\n{{\"identity\":\"{name}\"}}")).await;
        assert!(said.starts_with("201"), "{said}");
    }
    assert!(fixture.ask("POST /api/v1/owners/risk/depart as root\n\n{}").await.starts_with("200"));
    (fixture, seq)
}

/// What each act comes to when an administrator asks for it, and who of four may decide it.
#[tokio::test]
async fn the_matrix_of_the_second_person() {
    let mut made = String::from(
        "act: what root (admin, payments) is told · who may decide: rita (security, risk, a person), rico (security, risk), hank (admin, cards), rosa (security, payments), op (operator, payments), root itself\n\n",
    );
    for (name, ask) in acts() {
        let (fixture, seq) = world().await;
        let ask = ask.replace("CALLER", "root").replace("SEQ", &seq.to_string());
        let said = fixture.ask(&ask).await;
        if !said.starts_with("202") {
            made += &format!("{name}: {}\n", &said[..3]);
            assert!(said.starts_with("20"), "{name}: {said}");
            continue;
        }
        let (id, needs) = (Fixture::member(&said, "id"), Fixture::member(&said, "needs"));
        let body: serde_json::Value = serde_json::from_str(&said[said.find('{').unwrap()..]).unwrap();
        made += &format!(
            "{name}: 202 {needs}: {}\n",
            body["why"].as_array().unwrap().iter().map(|w| w.as_str().unwrap()).collect::<Vec<_>>().join("; ")
        );
        let seq = fixture.store.last_seq().await.unwrap();
        for decider in ["root", "op", "rosa", "rico", "hank"] {
            let answer = fixture.ask(&format!("POST /api/v1/approvals/{id}/approve as {decider}\n\n{{}}")).await;
            let approved = answer.starts_with("200");
            if approved {
                made += &format!("    {decider}: does it\n");
                break;
            }
            made += &format!("    {decider}: {answer}\n");
            assert_eq!(fixture.store.last_seq().await.unwrap(), seq, "a refusal changes nothing");
            if decider == "hank" {
                let person = fixture.ask(&format!("POST /api/v1/approvals/{id}/approve as rita\n\n{{}}")).await;
                assert!(person.starts_with("200"), "{name}: {person}");
                made += "    rita: does it\n";
            }
        }
    }
    made += &crate::behind::tests::matrix().await;
    if std::env::var_os("WARDGATE_BLESS").is_some() {
        std::fs::write(MATRIX, &made).unwrap();
    }
    assert_eq!(std::fs::read_to_string(MATRIX).unwrap(), made, "run with WARDGATE_BLESS=1, read the difference, commit it");
}

#[tokio::test]
async fn an_act_waits_is_read_and_done_once() {
    let (fixture, _) = world().await;
    let asked = fixture.ask("DELETE /api/v1/containments/identity/held?reason=clean as root").await;
    let id = Fixture::member(&asked, "id");
    assert!(asked.contains(r#""state":"waiting""#) && asked.contains(r#""reason":"clean""#), "{asked}");
    assert!(asked.contains(r#""expires":"2027-01-18T08:00:00Z""#), "72 hours: {asked}");
    assert!(fixture.ask("GET /api/v1/approvals?state=waiting as watcher").await.contains(&id));
    let held = IdentityId::literal("held");
    assert_eq!(fixture.store.status(&held).await.unwrap().state.as_str(), "quarantined", "asked for is not done");
    let done = fixture.ask(&format!("POST /api/v1/approvals/{id}/approve as rita\n\n{{\"reason\":\"saw the report\"}}")).await;
    assert!(done.contains(r#""state":"approved""#) && done.contains(r#""decider":"rita""#), "{done}");
    assert_eq!(fixture.store.status(&held).await.unwrap().state.as_str(), "requested");
    let again = fixture.ask(&format!("POST /api/v1/approvals/{id}/approve as rita\n\n{{}}")).await;
    assert_eq!(again, format!("409 console.decided: `{id}` is approved already"));
    let changes = fixture.ask("GET /api/v1/changes?kind=containment as watcher").await;
    assert!(changes.contains(&format!(r#""reason":"clean (approval {id} by rita)""#)), "{changes}");
    let read = fixture.ask(&format!("GET /api/v1/approvals/{id} as watcher")).await;
    assert!(read.contains(r#""decision_reason":"saw the report""#), "{read}");
    let other = fixture.ask("GET /api/v1/approvals/AAAAAAAAAAAA as watcher").await;
    assert_eq!(other, "404 console.not_found: there is no approval `AAAAAAAAAAAA`");
    let odd = fixture.ask("GET /api/v1/approvals/7 as watcher").await;
    assert_eq!(odd, "400 console.malformed: the id of an approval has 12 letters and digits");
}

#[tokio::test]
async fn it_is_denied_taken_back_or_lapses() {
    let (fixture, _) = world().await;
    let ask = async || Fixture::member(&fixture.ask("DELETE /api/v1/containments/identity/held as root").await, "id");
    let id = ask().await;
    let reader = fixture.ask(&format!("POST /api/v1/approvals/{id}/deny as watcher\n\n{{}}")).await;
    assert_eq!(reader, "403 console.undecidable: `watcher` has neither the role `security` nor `admin`");
    let denied = fixture.ask(&format!("POST /api/v1/approvals/{id}/deny as rico\n\n{{\"reason\":\"not yet\"}}")).await;
    assert!(denied.contains(r#""state":"denied""#), "{denied}");
    let late = fixture.ask(&format!("POST /api/v1/approvals/{id}/approve as rita\n\n{{}}")).await;
    assert_eq!(late, format!("409 console.decided: `{id}` is denied already"));
    let id = ask().await;
    let taken = fixture.ask(&format!("POST /api/v1/approvals/{id}/deny as root\n\n{{}}")).await;
    assert!(taken.contains(r#""decider":"root""#), "whoever asked may take it back: {taken}");
    let id = ask().await;
    let over = fixture.ask_at(NOW + WAITS, &format!("POST /api/v1/approvals/{id}/approve as rita\n\n{{}}")).await;
    assert_eq!(over, format!("409 console.decided: nobody decided `{id}` until 2027-01-18T08:00:00Z: it has lapsed"));
    let read = fixture.ask_at(NOW + WAITS, &format!("GET /api/v1/approvals/{id} as watcher")).await;
    assert!(read.contains(r#""state":"lapsed""#), "{read}");
}

#[tokio::test]
async fn agreeing_to_an_old_release_does_not_undo_a_new_containment() {
    let (fixture, _) = world().await;
    let ask = async || Fixture::member(&fixture.ask("DELETE /api/v1/containments/identity/held as root").await, "id");
    let other = fixture.ask("DELETE /api/v1/containments/identity/held as hank").await;
    let (first, second) = (ask().await, Fixture::member(&other, "id"));
    assert_eq!(ask().await, first, "the same, asked for again by the same one, is the one that waits");
    let approve = async |id: &str| fixture.ask(&format!("POST /api/v1/approvals/{id}/approve as rita\n\n{{}}")).await;
    assert!(approve(&first).await.starts_with("200"));
    let anew = fixture.ask("POST /api/v1/containments as op\n\n{\"kind\":\"identity\",\"name\":\"held\",\"reason\":\"again\"}").await;
    assert!(anew.starts_with("200"), "{anew}");
    let over = approve(&second).await;
    assert_eq!(over, "409 console.overtaken: it does not apply any more: identity `held` was released, and contained anew");
    let held = fixture.store.status(&IdentityId::literal("held")).await.unwrap();
    assert_eq!(held.state.as_str(), "quarantined");
    // Nor is done what somebody asked for whose owner is contained by now.
    let third = ask().await;
    assert!(fixture.ask("POST /api/v1/containments as op\n\n{\"kind\":\"owner\",\"name\":\"payments\"}").await.starts_with("200"));
    let over = approve(&third).await;
    assert!(over.ends_with("`root`, who asked for it, is of the owner `payments`, who is contained"), "{over}");
}

#[tokio::test]
async fn what_was_overtaken_is_not_done() {
    let (fixture, _) = world().await;
    let ask = async |spec: &str| {
        let said = fixture.ask(&format!("PUT /api/v1/resources/Policy/team as root\n\n{{\"spec\":{spec}}}")).await;
        Fixture::member(&said, "id")
    };
    // Two wait for the same thing: the second one was looked at before the first was done.
    let (first, second) = (ask(&cedar(POLICY)).await, ask(&cedar(&POLICY.replace("read", "write"))).await);
    assert!(fixture.ask(&format!("POST /api/v1/approvals/{first}/approve as rita\n\n{{}}")).await.starts_with("200"));
    let seq = fixture.store.last_seq().await.unwrap();
    let over = fixture.ask(&format!("POST /api/v1/approvals/{second}/approve as rita\n\n{{}}")).await;
    let why = "resource `Policy/team` was changed meanwhile: read it again, then decide";
    assert_eq!(over, format!("409 console.overtaken: it does not apply any more: {why}"));
    assert_eq!(fixture.store.last_seq().await.unwrap(), seq + 1, "only that it is denied");
    let read = fixture.ask(&format!("GET /api/v1/approvals/{second} as watcher")).await;
    assert!(read.contains(r#""state":"denied""#) && read.contains(why), "{read}");

    // Whoever asked is stopped meanwhile.
    let said = fixture.ask("PUT /api/v1/resources/Identity/adm as hank\n\n{\"spec\":{\"owner\":\"cards\",\"roles\":[\"admin\"]}}").await;
    let adm = fixture.ask(&format!("POST /api/v1/approvals/{}/approve as rita\n\n{{}}", Fixture::member(&said, "id"))).await;
    assert!(adm.starts_with("200"), "{adm}");
    fixture.ask("POST /api/v1/identities/adm/approve as root\n\n{\"evidence\":\"ticket 9\"}").await;
    fixture.ask("POST /api/v1/credentials as root\n\n{\"identity\":\"adm\"}").await;
    let caller = sign_in(&fixture, "adm < root").await;
    let said = fixture.ask(&format!("DELETE /api/v1/containments/owner/acme as {caller}")).await;
    let id = Fixture::member(&said, "id");
    fixture.ask("POST /api/v1/containments as op\n\n{\"kind\":\"identity\",\"name\":\"adm\"}").await;
    let over = fixture.ask(&format!("POST /api/v1/approvals/{id}/approve as rita\n\n{{}}")).await;
    assert_eq!(over, "409 console.overtaken: it does not apply any more: `adm`, who asked for it, is not in use any more");
}

#[tokio::test]
async fn the_same_wish_again_asks_once() {
    let (fixture, _) = world().await;
    let body = json!({ "documents": [{ "kind": "Policy", "name": "team", "spec": { "cedar": POLICY.replace("\\\"", "\"") } }] });
    let ask = async || fixture.ask_at(NOW + HOUR, &format!("POST /api/v1/apply as root\nidempotency-key: one\n\n{body}")).await;
    let first = ask().await;
    assert!(first.starts_with("202"), "{first}");
    assert_eq!(ask().await, first);
    let all = fixture.ask("GET /api/v1/approvals?state=waiting as watcher").await;
    assert_eq!(all.matches(r#""state":"waiting""#).count(), 1, "{all}");
}

#[tokio::test]
async fn nobody_takes_all_the_places() {
    let fixture = Fixture::signed_in().await;
    let ask = async |who: &str, at: u32| {
        let policy = cedar(&POLICY.replace("team:reads", &format!("team:reads-{at}")));
        fixture.ask(&format!("PUT /api/v1/resources/Policy/p-{at} as {who}\n\n{{\"spec\":{policy}}}")).await
    };
    for at in 0..50 {
        assert!(ask("root", at).await.starts_with("202"));
    }
    assert_eq!(ask("root", 50).await, "409 console.limit: 50 acts of `root` wait for a second person already");
    assert!(ask("hank", 50).await.starts_with("202"), "others have places of their own");
    let said = fixture.ask("GET /api/v1/approvals?state=waiting&limit=1 as root").await;
    let id = said.split(r#""id":""#).nth(1).unwrap().split('"').next().unwrap().to_owned();
    assert!(fixture.ask(&format!("POST /api/v1/approvals/{id}/deny as root\n\n{{}}")).await.starts_with("200"));
    assert!(ask("root", 50).await.starts_with("202"), "what was taken back makes room");
    let large = cedar(&format!("// {} \\n{POLICY}", "x".repeat(wardgate_store::ACT_BYTES_MAX)));
    let said = fixture.ask(&format!("PUT /api/v1/resources/Policy/large as hank\n\n{{\"spec\":{large}}}")).await;
    assert!(said.starts_with("409 console.conflict") && said.ends_with("262144 can be kept: ask for less at a time"), "{}", &said[..200]);
}

/// An approval that was decided by a process that ended before it did anything.
async fn begun(fixture: &Fixture) -> String {
    let said = fixture.ask("DELETE /api/v1/containments/identity/held as root").await;
    let id = Fixture::member(&said, "id");
    let (by, key) = (wardgate_store::Who::Identity(IdentityId::literal("rico")), wardgate_model::id::ApprovalId::parse(&id).unwrap());
    let by = wardgate_store::Actor::new(by, "seen");
    fixture.store.decide_approval(&by, &key, wardgate_store::Decision::Approve, NOW).await.unwrap();
    id
}

#[tokio::test]
async fn what_was_approved_and_not_done_is_found_again() {
    let held = IdentityId::literal("held");
    let (fixture, _) = world().await;
    let id = begun(&fixture).await;
    let read = fixture.ask(&format!("GET /api/v1/approvals/{id} as watcher")).await;
    assert!(read.contains(r#""outcome":"unfinished""#) && read.contains("approve it once more"), "{read}");
    let own = fixture.ask(&format!("POST /api/v1/approvals/{id}/approve as root\n\n{{}}")).await;
    assert!(own.starts_with("403 console.undecidable"), "{own}");
    let done = fixture.ask(&format!("POST /api/v1/approvals/{id}/approve as rita\n\n{{}}")).await;
    assert!(done.contains(r#""outcome":"done""#) && done.contains(r#""decider":"rico""#), "{done}");
    assert_eq!(fixture.store.status(&held).await.unwrap().state.as_str(), "requested");
    let again = fixture.ask(&format!("POST /api/v1/approvals/{id}/approve as rita\n\n{{}}")).await;
    assert_eq!(again, format!("409 console.decided: `{id}` is approved already"));

    // At the start each is done, or so already, or given up.
    let (fixture, _) = world().await;
    let id = begun(&fixture).await;
    assert_eq!(fixture.console.finish_approved(NOW).await.unwrap(), Finished { done: 1, failed: 0, left: 0 });
    assert_eq!(fixture.store.status(&held).await.unwrap().state.as_str(), "requested");
    assert!(fixture.ask(&format!("GET /api/v1/approvals/{id} as watcher")).await.contains(r#""outcome":"done""#));
    assert_eq!(fixture.console.finish_approved(NOW).await.unwrap(), Finished::default());

    let (fixture, _) = world().await;
    begun(&fixture).await;
    let by = wardgate_store::Actor::new(wardgate_store::Who::Process, "it was done, and not noted");
    fixture.store.release(&by, wardgate_model::contain::Containable::Identity, "held", NOW).await.unwrap();
    let seq = fixture.store.last_seq().await.unwrap();
    assert_eq!(fixture.console.finish_approved(NOW).await.unwrap().done, 1);
    assert_eq!(fixture.store.last_seq().await.unwrap(), seq, "it is so already");

    let (fixture, _) = world().await;
    let id = begun(&fixture).await;
    fixture.ask("POST /api/v1/containments as op\n\n{\"kind\":\"owner\",\"name\":\"payments\"}").await;
    assert_eq!(fixture.console.finish_approved(NOW).await.unwrap().failed, 1);
    let read = fixture.ask(&format!("GET /api/v1/approvals/{id} as watcher")).await;
    assert!(read.contains(r#""outcome":"failed""#) && read.contains("who is contained"), "{read}");
    assert_eq!(fixture.store.status(&held).await.unwrap().state.as_str(), "quarantined");
}

#[tokio::test]
async fn what_somebody_approved_whose_owner_is_contained_is_not_done_at_the_start() {
    let (fixture, _) = world().await;
    let id = begun(&fixture).await;
    fixture.ask("POST /api/v1/containments as op\n\n{\"kind\":\"owner\",\"name\":\"risk\"}").await;
    assert_eq!(fixture.console.finish_approved(NOW).await.unwrap().failed, 1);
    let read = fixture.ask(&format!("GET /api/v1/approvals/{id} as watcher")).await;
    assert!(read.contains("whoever approved it is of an owner that is contained"), "{read}");
    assert_eq!(fixture.store.status(&IdentityId::literal("held")).await.unwrap().state.as_str(), "quarantined");
}

#[tokio::test]
async fn an_owner_that_makes_somebody_a_person_waits() {
    let (fixture, _) = world().await;
    *fixture.played.tagged.lock().unwrap() = vec![("person".into(), "rico".into(), "rex@example.com".into())];
    let alone = fixture.ask(&put("Owner/fresh", r#"{"accountable":"new@example.com"}"#).replace("CALLER", "root")).await;
    assert!(alone.starts_with("201"), "{alone}");
    let waits = fixture.ask(&put("Owner/other", r#"{"accountable":"rex@example.com"}"#).replace("CALLER", "root")).await;
    assert!(waits.starts_with("202") && waits.contains(r#""needs":"person""#), "{waits}");
}

#[tokio::test]
async fn an_api_that_somebody_begins_to_stand_behind_waits() {
    let (fixture, _) = world().await;
    let serves = [ApiName::literal("shop"), ApiName::literal("new")].into();
    let fleet = Identity { id: IdentityId::literal("fleet"), owner: OwnerName::literal("cards"), serves, ..Identity::anonymous() };
    *fixture.played.serving.lock().unwrap() = vec![fleet.into()];
    let moved = fixture.ask(&put("Api/shop", r#"{"policy_owner":"payments","business_owner":"cards"}"#).replace("CALLER", "root")).await;
    let told = "`fleet` may act with the tokens that the API `shop` is called with: its owner `cards` answers for that then";
    assert!(moved.starts_with("202") && moved.contains(told), "{moved}");
    let declared = fixture.ask(&put("Identity/new", r#"{"owner":"payments","serves":["shop"]}"#).replace("CALLER", "root")).await;
    assert!(declared.starts_with("202") && declared.contains("`new` may act with the tokens"), "{declared}");
}

/// Another gate has changed who stands behind the API, and this one does not know yet: what it says of that decides nothing.
#[tokio::test]
async fn a_gate_that_lags_behind_does_not_say_who_stands_behind_an_api() {
    let (fixture, _) = world().await;
    let before = fixture.store.last_seq().await.unwrap();
    let other = fixture.ask(&put("Owner/fresh", r#"{"accountable":"new@example.com"}"#).replace("CALLER", "root")).await;
    assert!(other.starts_with("201"), "{other}");
    let lags = |at| *fixture.played.followed.lock().unwrap() = at;
    lags(before);
    let describe = put("Api/shop", r#"{"policy_owner":"payments","business_owner":"payments"}"#).replace("CALLER", "root");
    let stale = fixture.ask(&describe).await;
    assert!(stale.starts_with("409") || stale.starts_with("412"), "{stale}");
    let last = fixture.store.last_seq().await.unwrap();
    assert!(fixture.played.published.lock().unwrap().contains(&last), "it is to catch up");
    lags(fixture.store.last_seq().await.unwrap());
    let done = fixture.ask(&describe).await;
    assert!(done.starts_with("20"), "{done}");
}
