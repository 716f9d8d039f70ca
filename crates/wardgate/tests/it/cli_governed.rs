//! Commands about what is governed, against a gate that serves.

use crate::{
    cli_story::Told,
    http::{ask, bearer},
    process::wardgate,
};
use serde_json::{Value, json};
use std::{fs, os::unix::fs::PermissionsExt as _};

const ACME: &str = "\
kind: Owner
name: acme
spec: { accountable: lead@acme.example.com }
---
kind: Grant
name: extra
spec: { to: { identity: caller }, api: shop, operations: [delete] }
";

#[test]
fn what_is_exported_plans_to_no_change_and_applies_to_none() {
    let told = Told::begin();
    told.place.write("mine/acme.yaml", ACME);
    told.cli(&["apply", "mine"]).with(0);
    let again = told.cli(&["apply", "mine"]).with(0);
    assert!(again.out.contains("no change"), "twice is once: {again:?}");
    told.cli(&["export", "declared"]).with(0);
    let plan = told.cli(&["plan", "declared"]).with(0);
    assert_eq!(plan.out, "plan: no change\n", "{plan:?}");
    // What is not named is not touched, but with --prune: and then only what an apply made.
    told.place.write("mine/acme.yaml", ACME.split("---").next().unwrap());
    assert!(told.cli(&["plan", "mine"]).with(0).out.contains("no change"));
    let pruned = told.cli(&["plan", "mine", "--prune", "--output", "json"]).with(0).json();
    let removed: Vec<&Value> = pruned["changes"].as_array().unwrap().iter().filter(|one| one["change"] == "remove").collect();
    assert!(removed.len() == 1 && removed[0]["name"] == "extra", "{pruned:#}");
    let applied = told.cli(&["apply", "mine", "--prune"]).with(0);
    assert!(applied.out.contains("- Grant extra") && applied.out.contains("1 removed"), "{applied:?}");
    assert!(told.cli(&["get", "grants"]).with(0).out.contains("caller-works"), "files' own stays");
}

#[test]
fn what_makes_no_sense_is_said_at_its_line_and_nothing_is_changed() {
    let told = Told::begin();
    told.place.write(
        "bad/a.yaml",
        &format!("{ACME}---\nkind: Grant\nname: lost\nspec:\n  to: {{ identity: nobody }}\n  api: shop\n  operations: [read]\n"),
    );
    for command in ["plan", "apply"] {
        let ended = told.cli(&[command, "bad"]).with(2);
        assert!(ended.err.contains("`nobody`") && ended.err.contains("at bad/a.yaml:"), "{ended:?}");
    }
    assert_ne!(told.cli(&["get", "owner", "acme"]).status, 0, "all or nothing");
    // What files own is changed in the files.
    told.place
        .write("theirs/a.yaml", "kind: Grant\nname: caller-works\nspec: { to: { identity: caller }, api: shop, operations: [read] }\n");
    let ended = told.cli(&["apply", "theirs"]);
    assert!(ended.status != 0 && ended.err.contains("resources/shop.yaml"), "{ended:?}");
    let ended = told.cli(&["delete", "grant", "caller-works"]).with(1);
    assert!(ended.err.contains("shop.yaml"), "{ended:?}");
}

#[test]
fn one_page_tells_all_about_an_identity() {
    let told = Told::begin();
    let (id, key) = told.place.issue(&told.gate, "caller");
    assert_eq!(ask(told.gate.public, "GET /shop/things", &[("Authorization", &bearer(&key))], "").said(), "200");
    told.cli(&["contain", "identity", "caller", "--reason", "an alarm"]).with(0);
    let page = told.cli(&["describe", "identity", "caller"]).with(0).out;
    for what in [
        "Identity caller",
        "quarantined",
        "an alarm",
        "shop-team",
        "keeps things in step",
        &id,
        "May call",
        "Findings",
        "Used",
        "Last changes",
    ] {
        assert!(page.contains(what), "`{what}` in {page}");
    }
    assert!(!page.contains("not shown:"), "{page}");
    let machine = told.cli(&["describe", "identity", "caller", "--output", "json"]).with(0).json();
    assert_eq!(machine["resource"]["status"]["state"], "quarantined");
    assert_eq!(machine["containments"][0]["name"], "caller");
    let owner = told.cli(&["describe", "owner", "shop-team"]).with(0).out;
    assert!(owner.contains("ada@example.com") && owner.contains("caller"), "{owner}");
    let list = told.cli(&["contain", "--list"]).with(0).out;
    assert!(list.contains("caller") && list.contains("an alarm"), "{list}");
}

#[test]
fn looking_back_and_going_back() {
    let told = Told::begin();
    told.place.write("mine/acme.yaml", ACME);
    told.cli(&["apply", "mine", "--reason", "one"]).with(0);
    let seq = told.cli(&["history", "grant", "extra", "--output", "json"]).with(0).json()["items"][0]["seq"].as_u64().unwrap();
    let last = told.cli(&["history", "owner", "acme", "--output", "json"]).with(0).json()["items"][0]["seq"].as_u64().unwrap().max(seq);
    told.cli(&["delete", "grant", "extra", "--reason", "two"]).with(0);
    let history = told.cli(&["history", "grant", "extra", "--full"]).with(0).out;
    assert!(history.contains("(one)") && history.contains("(two)") && history.contains("spec.operations"), "{history}");

    let gained = told.cli(&["access", "--identity", "caller", "--diff", &last.to_string(), "now"]).with(0).out;
    assert!(gained.starts_with("lost\n") && gained.contains("grant:extra") && !gained.contains("caller-works"), "{gained}");
    let gained = told.cli(&["access", "--all", "--diff", &last.to_string(), "now"]).with(0).out;
    assert!(!gained.contains("anonymous") && !gained.contains("people"), "what is open to everybody was open before: {gained}");
    let then = told.cli(&["access", "--identity", "caller", "--at", &last.to_string()]).with(0).out;
    let now = told.cli(&["access", "--identity", "caller"]).with(0).out;
    assert!(then.contains("grant:extra") && !now.contains("grant:extra"), "{then} {now}");

    let to = last.to_string();
    let plan = told.cli(&["rollback", "--to", &to, "--plan"]).with(0).out;
    assert!(plan.contains("+ Grant extra"), "{plan}");
    assert_ne!(told.cli(&["get", "grant", "extra"]).status, 0, "a plan changes nothing");
    let back = told.cli(&["rollback", "--to", &to, "--reason", "it was needed"]).with(0);
    assert!(back.out.contains("rolled back:"), "{back:?}");
    told.cli(&["get", "grant", "extra"]).with(0);
    told.cli(&["rollback", "--to", "999999"]).with(2);
}

#[test]
fn an_owner_departs_and_an_import_says_so() {
    let told = Told::begin();
    let csv = "name,type,owner,environment,purpose\nnightly,batch_job,shop-team,production,counts\n";
    told.place.write("clients.csv", csv);
    let shown = told.cli(&["import", "--format", "csv", "clients.csv"]).with(0).out;
    assert!(shown.contains("+ Identity nightly") && shown.contains("--apply"), "{shown}");
    assert_ne!(told.cli(&["get", "identity", "nightly"]).status, 0, "nothing is written");
    told.place.write("bad.csv", "name,type,owner,environment,purpose\nnightly,lorry,shop-team,production,counts\n");
    let wrong = told.cli(&["import", "--format", "csv", "bad.csv"]).with(2);
    assert!(wrong.err.contains("at bad.csv:2"), "{wrong:?}");
    told.cli(&["import", "--format", "csv", "clients.csv", "--write", "imported.yaml"]).with(0);
    assert!(fs::read_to_string(told.place.path().join("imported.yaml")).unwrap().contains("name: nightly"));
    told.cli(&["import", "--format", "csv", "clients.csv", "--apply"]).with(0);
    assert_eq!(told.cli(&["get", "identity", "nightly", "-o", "json"]).with(0).json()["status"]["state"], "requested");

    let users = json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:ListResponse"], "totalResults": 1, "Resources": [
        { "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": "ada@example.com", "active": false,
          "emails": [{ "value": "ada@example.com", "primary": true }] }] });
    told.place.write("users.json", &users.to_string());
    let shown = told.cli(&["import", "--format", "scim", "users.json"]).with(0).out;
    assert!(shown.contains("away:") && shown.contains("ada@example.com") && shown.contains("bo@example.com is still there"), "{shown}");
    let done = told.cli(&["import", "--format", "scim", "users.json", "--apply"]).with(0).out;
    assert!(done.contains("departed: shop-team"), "{done}");
    let owner = told.cli(&["get", "owner", "shop-team", "-o", "json"]).with(0).json();
    assert!(owner["presence"]["departed"].is_string(), "{owner:#}");
    let back = told.cli(&["owner", "return", "shop-team", "--reason", "the wrong list"]).with(3).out;
    assert!(back.contains("wardgate approval approve"), "{back}");
}

#[test]
fn a_key_is_rotated_and_the_old_one_goes_on_for_a_time() {
    let told = Told::begin();
    let (id, key) = told.place.issue(&told.gate, "caller");
    let units = told.cli(&["credential", "rotate", &id, "--overlap", "1x"]).with(2);
    assert!(units.err.contains("`12h`"), "{units:?}");
    let roles = told.cli(&["credential", "issue", "second"]).with(2);
    assert!(roles.err.contains("--kind sign_in"), "{roles:?}");
    let rotated = told.cli(&["credential", "rotate", &id, "--overlap", "1h"]).with(0);
    assert!(rotated.err.contains("goes on beside it until"), "{rotated:?}");
    let new = rotated.out.lines().find_map(|line| line.strip_prefix("key")).unwrap().trim().to_owned();
    for key in [&key, &new] {
        assert_eq!(ask(told.gate.public, "GET /shop/things", &[("Authorization", &bearer(key))], "").said(), "200");
    }
    let preview = told.cli(&["contain", "credential", &id, "--preview"]).with(0).out;
    assert!(preview.contains("nothing was changed"), "{preview}");
    assert_eq!(ask(told.gate.public, "GET /shop/things", &[("Authorization", &bearer(&key))], "").said(), "200");
    told.cli(&["findings"]).with(0);
    told.cli(&["usage", "--credential", &id, "--since", "1h"]).with(0);
    assert!(told.cli(&["identity", "discovered", "--state", "all"]).with(0).err.contains("nobody unknown"));
}

#[test]
fn a_backup_is_taken_while_serving_and_a_glass_is_broken() {
    let told = Told::begin();
    let place = told.place.path();
    let copied = wardgate(place, &["backup", "copy.db", "--output", "json"]).with(0).json();
    assert!(copied["seq"].as_u64().unwrap() > 0 && copied["bytes"].as_u64().unwrap() > 0, "{copied}");
    let twice = wardgate(place, &["backup", "copy.db"]).with(2);
    assert!(twice.err.contains("is there already"), "{twice:?}");

    let kept = place.join(".wardgate/break-glass.json");
    let profile = place.join(".wardgate/profile.json");
    fs::create_dir(place.join(".wardgate")).unwrap();
    fs::write(&profile, "{\"url\":\"http://127.0.0.1:1\"}").unwrap();
    fs::set_permissions(&profile, fs::Permissions::from_mode(0o600)).unwrap();
    let broken = wardgate(place, &["break-glass", "--reason", "a policy locks everybody out"]).with(0);
    assert!(broken.out.contains("signed in at") && !broken.out.contains("wgb_"), "{broken:?}");
    assert!(broken.err.contains("break-glass --end"), "how to get back: {broken:?}");
    let mode = fs::metadata(&kept).unwrap().permissions().mode() & 0o777;
    assert!(mode == 0o600 && fs::read_to_string(&kept).unwrap().contains("wgb_"), "signed in, for its owner alone");
    assert_eq!(fs::read_to_string(&profile).unwrap(), "{\"url\":\"http://127.0.0.1:1\"}", "the profile is as it was");
    wardgate(place, &["get", "owners"]).with(0);
    let ended = wardgate(place, &["break-glass", "--end"]).with(0);
    assert!(ended.out.contains("the profile counts again") && !kept.exists(), "{ended:?}");
    assert!(wardgate(place, &["get", "owners"]).with(1).err.contains("there is no session"));
    assert!(wardgate(place, &["break-glass", "--end"]).with(0).err.contains("no break-glass session"));
    let again = wardgate(place, &["break-glass", "--reason", "x"]);
    assert_ne!(again.status, 0, "a reason says something: {again:?}");
}

#[test]
fn an_illegal_move_names_the_legal_ones() {
    let told = Told::begin();
    told.cli(&["identity", "retire", "caller", "--reason", "replaced"]).with(0);
    let ended = told.cli(&["identity", "resume", "caller"]).with(1);
    assert!(ended.err.contains("retired"), "{ended:?}");
    let ended = told.cli(&["identity", "approve", "second", "--evidence", "x"]).with(1);
    assert!(ended.err.contains("from here it can: wardgate identity suspend second\n"), "{ended:?}");
    // Each of the moves that are named can be made.
    let request = ["--type", "bot", "--owner", "shop-team", "--environment", "production", "--purpose", "counts"];
    told.cli(&[&["identity", "request", "counter"][..], &request].concat()).with(0);
    let ended = told.cli(&["identity", "suspend", "counter"]).with(1);
    assert!(ended.err.contains("wardgate identity reject counter") && !ended.err.contains("activate"), "{ended:?}");
    told.cli(&["identity", "quarantine", "counter"]).with(0);
    told.cli(&["identity", "quarantine", "counter"]).with(0);
    let ended = told.cli(&["identity", "resume", "counter"]).with(1);
    assert!(ended.err.contains("wardgate release identity counter") && !ended.err.contains("identity release"), "{ended:?}");
    told.cli(&[&["identity", "request", "another"][..], &request].concat()).with(0);
    assert!(told.cli(&["identity", "reject", "another", "--reason", "there is one"]).with(0).out.contains("retired"));
}

#[test]
fn a_slip_of_the_pen_is_no_empty_answer() {
    let told = Told::begin();
    for (arguments, said) in [
        (&["access", "--identity", "caler"][..], "there is no identity `caler`: did you mean `caller`?"),
        (&["access", "--operation", "GET /shop/thing"], "there is no operation `GET /shop/thing`: did you mean `GET /shop/things`?"),
        (&["access", "--api", "shob"], "there is no API `shob`: did you mean `shop`?"),
        (&["access", "--identity", "caler", "--at", "now"], "did you mean `caller`?"),
        (&["access", "--identity", "caler", "--diff", "1", "now"], "did you mean `caller`?"),
        (&["usage", "--identity", "caler"], "there is no Identity `caler`: did you mean `caller`?"),
        (&["usage", "--credential", "000000000000"], "404"),
        (&["history", "identity", "caler"], "there is no Identity `caler`: did you mean `caller`?"),
        (&["history", "grant", "caller-work"], "did you mean `caller-works`?"),
        (&["history", "credential", "000000000000"], "there is no credential `000000000000`"),
        (&["get", "grant", "caller-work"], "did you mean `caller-works`?"),
        (&["describe", "api", "shob"], "did you mean `shop`?"),
        (&["contain", "identity", "caler"], "did you mean `caller`?"),
        (&["owner", "attest", "shop-tean"], "did you mean `shop-team`?"),
    ] {
        let ended = told.cli(arguments).with(1);
        assert!(ended.err.contains(said), "{arguments:?}: {ended:?}");
    }
    // What is there and has nothing to tell is told as that.
    assert!(told.cli(&["usage", "--identity", "caller"]).with(0).err.contains("no use was seen"));
    told.cli(&["history", "status", "caller"]).with(0);
    told.cli(&["access", "--identity", "anonymous"]).with(0);
}

#[test]
fn access_shows_conditions_and_leaves_the_management_api_out() {
    let told = Told::begin();
    let all = told.cli(&["access", "--all"]).with(0);
    assert!(all.out.contains("WHEN") && all.out.contains("not proof.kind == \"sign_in\""), "{all:?}");
    let few = told.cli(&["access"]).with(0);
    assert!(!few.out.contains("/api/v1/") && few.err.contains("left out: --all"), "{few:?}");
    let admin = told.cli(&["access", "--api", "wardgate-admin", "--class", "login", "-o", "json"]).with(0).json();
    let items = admin["items"].as_array().unwrap();
    assert!(!items.is_empty() && items.iter().all(|path| path["api"] == "wardgate-admin" && path["class"] == "login"), "{admin:#}");
    let json = told.cli(&["access", "--identity", "caller", "-o", "json"]).with(0).json();
    assert!(json["items"].as_array().unwrap().iter().all(|path| path["api"] == "shop"), "{json:#}");
}
