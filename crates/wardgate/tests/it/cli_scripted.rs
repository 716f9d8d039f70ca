//! What commands send and say, against a management API that answers by a script.

use crate::process::{Ended, wardgate_with};
use serde_json::{Value, json};
use std::{
    fs,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{TcpListener, TcpStream},
    os::unix::fs::PermissionsExt as _,
    path::Path,
    sync::{Arc, Mutex},
    thread,
};

/// A request that came in.
#[derive(Debug, Clone)]
struct Heard {
    /// `GET /api/v1/…`.
    what: String,
    fields: Vec<(String, String)>,
    body: Value,
}

impl Heard {
    fn field(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

/// What is answered; status 0: the connection ends without an answer.
type Script = dyn Fn(&Heard, usize) -> (u16, Value) + Send + Sync;

/// A management API of a test's own.
struct Scripted {
    url: String,
    heard: Arc<Mutex<Vec<Heard>>>,
    place: tempfile::TempDir,
}

impl Scripted {
    fn new(script: impl Fn(&Heard, usize) -> (u16, Value) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let heard = Arc::new(Mutex::new(Vec::new()));
        let (script, log): (Arc<Script>, _) = (Arc::new(script), Arc::clone(&heard));
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                answer(stream, &*script, &log);
            }
        });
        Self { url, heard, place: tempfile::tempdir().unwrap() }
    }

    fn path(&self) -> &Path {
        self.place.path()
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn run(&self, arguments: &[&str]) -> Ended {
        self.run_with(arguments, &[])
    }

    fn run_with(&self, arguments: &[&str], variables: &[(&str, &str)]) -> Ended {
        let mut known = vec![("WARDGATE_URL", self.url.as_str()), ("WARDGATE_TOKEN", "wgs_test")];
        known.extend(variables);
        wardgate_with(self.path(), arguments, &known, "")
    }

    fn heard(&self) -> Vec<Heard> {
        self.heard.lock().unwrap().clone()
    }

    fn what(&self) -> Vec<String> {
        self.heard().into_iter().map(|heard| heard.what).collect()
    }
}

fn answer(mut stream: TcpStream, script: &Script, log: &Mutex<Vec<Heard>>) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).unwrap_or(0) == 0 {
            return;
        }
        match line.trim_end() {
            "" => break,
            line => lines.push(line.to_owned()),
        }
    }
    let what = lines[0].trim_end_matches(" HTTP/1.1").to_owned();
    let fields: Vec<(String, String)> =
        lines[1..].iter().filter_map(|line| line.split_once(": ")).map(|(name, value)| (name.to_lowercase(), value.to_owned())).collect();
    let length = fields.iter().find(|(name, _)| name == "content-length").map_or(0, |(_, length)| length.parse().unwrap());
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    let body = if body.is_empty() { Value::Null } else { serde_json::from_slice(&body).unwrap() };
    let heard = Heard { what, fields, body };
    let number = {
        let mut log = log.lock().unwrap();
        log.push(heard.clone());
        log.len()
    };
    let (status, body) = script(&heard, number);
    if status > 0 {
        let (body, kind) = (body.to_string(), if status < 400 { "application/json" } else { "application/problem+json" });
        let head = format!("HTTP/1.1 {status} x\r\ncontent-type: {kind}\r\netag: \"7\"\r\ncontent-length: {}\r\n\r\n", body.len());
        drop(stream.write_all(format!("{head}{body}").as_bytes()));
    }
}

const GRANTS: &str = "\
kind: Grant
name: reads
spec: { to: { identity: ledger-sync }, api: ledger, operations: [read] }
---
kind: Grant
name: writes
spec:
  to: { identity: nobody }
  api: ledger
  operations: [write]
";

#[test]
fn what_the_gate_finds_wrong_is_shown_at_its_line() {
    let api = Scripted::new(|_, _| {
        let told = json!([
            { "level": "error", "code": "reference.unknown", "what": "Grant `writes`: `to.identity`: there is no identity `nobody`", "mend": "did you mean `somebody`?" },
            { "level": "warning", "code": "grant.wide", "what": "Grant `reads`: it covers much" },
        ]);
        (422, json!({ "code": "console.invalid", "detail": "the documents make no sense", "diagnostics": told }))
    });
    api.write("resources/grants.yaml", GRANTS);
    for command in ["plan", "apply"] {
        let ended = api.run(&[command, "resources"]).with(2);
        assert_eq!(ended.out, "");
        insta::allow_duplicates! {
            insta::assert_snapshot!(ended.err, @r"
            error[reference.unknown] Grant `writes`: `to.identity`: there is no identity `nobody`
              at resources/grants.yaml:8:9
              8 |   to: { identity: nobody }
                          ^
              mend: did you mean `somebody`?

            warning[grant.wide] Grant `reads`: it covers much
              at resources/grants.yaml:1:1
              1 | kind: Grant
                  ^

            nothing is changed: 1 error
            ");
        }
    }
    let sent = &api.heard()[0];
    assert_eq!(sent.what, "POST /api/v1/plan");
    assert_eq!(sent.body["documents"][1]["spec"]["to"], json!({ "identity": "nobody" }));
    assert_eq!(sent.field("authorization"), Some("Bearer wgs_test"));
}

#[test]
fn wrong_files_are_not_sent() {
    let api = Scripted::new(|_, _| (500, Value::Null));
    api.write("twice/a.yaml", "kind: Owner\nname: a\nspec: { accountable: a@example.com }\n");
    api.write("twice/b.yaml", "kind: Owner\nname: a\nspec: { accountable: b@example.com }\n");
    let ended = api.run(&["apply", "twice"]).with(2);
    assert!(ended.err.contains("there are two of this name") && ended.err.contains("twice/b.yaml:1:1"), "{ended:?}");
    api.write("broken/a.yaml", "kind: Owner\nname: [\n");
    api.run(&["plan", "broken"]).with(2);
    api.run(&["plan", "nowhere"]).with(2);
    fs::create_dir(api.path().join("empty")).unwrap();
    let ended = api.run(&["apply", "empty", "--prune"]).with(2);
    assert!(ended.err.contains("never taken for an order to remove everything"), "{ended:?}");
    assert_eq!(api.what(), Vec::<String>::new());
}

fn planned() -> Value {
    let grant = json!({ "to": { "identity": "ledger-sync" }, "api": "ledger", "operations": ["read"] });
    json!({
        "changes": [
            { "kind": "Grant", "name": "reads", "change": "remove", "before": grant },
            { "kind": "Grant", "name": "writes", "change": "update", "fields": [{ "path": "spec.operations", "before": ["write"], "after": ["write", "delete"] }] },
            { "kind": "Owner", "name": "payments", "change": "unchanged" },
            { "kind": "Owner", "name": "finance", "change": "create", "after": { "accountable": "fin@example.com" } },
        ],
        "diagnostics": [],
        "approval": true,
    })
}

#[test]
fn a_plan_that_breaks_callers_says_whom_and_exits_3() {
    let api = Scripted::new(|heard, _| match heard.what.split(['?', ' ']).nth(1).unwrap() {
        "/api/v1/plan" => (200, planned()),
        "/api/v1/usage" => {
            let row = |api: &str, last: &str| json!({ "identity": "ledger-sync", "api": api, "operation": format!("{api} GET /entries"), "allowed": 40, "refused": 2, "last": last });
            (200, json!({ "items": [row("ledger", "2026-11-21T00:00:00Z"), row("other", "2026-11-22T00:00:00Z")], "next": null }))
        }
        other => panic!("{other}"),
    });
    api.write("resources/grants.yaml", GRANTS);
    let ended = api.run(&["plan", "resources", "--prune"]).with(3);
    insta::assert_snapshot!(ended.out, @r#"
    - Grant reads
    ~ Grant writes
        spec.operations  ["write"] → ["write","delete"]
    + Owner finance
    breaks: ledger-sync uses what goes with Grant reads: 40 calls, the last at 2026-11-21T00:00:00Z
        ledger GET /entries
    plan: 1 to create, 1 to update, 1 to remove, 1 unchanged
    "#);
    assert!(ended.err.contains("waits for a second person"), "{ended:?}");
    assert_eq!(api.heard()[0].body["prune"], true);
    assert!(api.what()[1].starts_with("GET /api/v1/usage?identity=ledger-sync&since=20"), "{:?}", api.what());
    let machine = api.run(&["plan", "resources", "--output", "json"]).with(3).json();
    assert_eq!(machine["breaks"][0]["identity"], "ledger-sync");
    assert_eq!(machine["changes"].as_array().unwrap().len(), 4);
}

#[test]
fn what_waits_says_who_can_decide_it() {
    let api = Scripted::new(|heard, _| match heard.what.as_str() {
        "POST /api/v1/plan" => (200, planned()),
        _ => (
            202,
            json!({ "id": "4fT0aZ19xQ2b", "summary": "apply 3 changes", "requester": "ada", "needs": "second", "state": "waiting", "expires": "2026-11-25T00:00:00Z" }),
        ),
    });
    api.write("resources/grants.yaml", GRANTS);
    let ended = api.run(&["apply", "resources", "--reason", "new partner"]).with(3);
    let told = ended.out.split_once("waits").unwrap().1;
    insta::assert_snapshot!(told, @r"
     for a second person: apply 3 changes; nothing is changed yet
      approval  4fT0aZ19xQ2b
      needs     another identity, of another owner
      lapses    2026-11-25T00:00:00Z
      = wardgate approval approve 4fT0aZ19xQ2b   or   wardgate approval deny 4fT0aZ19xQ2b
    ");
    let sent = api.heard().pop().unwrap();
    assert_eq!((sent.what.as_str(), &sent.body["reason"]), ("POST /api/v1/apply", &json!("new partner")));
    assert!(sent.field("idempotency-key").is_some_and(|key| key.len() == 32), "{sent:?}");
    let machine = api.run(&["release", "identity", "ledger-sync", "--output", "json"]).with(3).json();
    assert_eq!(machine["id"], "4fT0aZ19xQ2b");
    assert_eq!(api.what().pop().unwrap(), "DELETE /api/v1/containments/identity/ledger-sync");
}

#[test]
fn an_answer_that_was_lost_is_asked_for_again_with_the_same_key() {
    let api = Scripted::new(|_, number| if number == 1 { (0, Value::Null) } else { (201, json!({ "key": "wg_x", "id": "4fT0aZ19xQ2b" })) });
    api.run(&["credential", "issue", "ledger-sync"]).with(0);
    let keys: Vec<String> = api.heard().iter().map(|heard| heard.field("idempotency-key").unwrap().to_owned()).collect();
    assert!(keys.len() == 2 && keys[0] == keys[1], "{keys:?}");
    // What has no key is not sent twice.
    let api = Scripted::new(|_, _| (0, Value::Null));
    api.run(&["delete", "grant", "reads"]).with(1);
    assert_eq!(api.what(), ["DELETE /api/v1/resources/Grant/reads"]);
}

#[test]
fn an_illegal_move_names_the_legal_ones() {
    let api = Scripted::new(|_, _| {
        (409, json!({ "code": "console.illegal", "detail": "`ledger-sync` is `retired`: it cannot resume", "legal": ["claim", "reject"] }))
    });
    let ended = api.run(&["identity", "resume", "ledger-sync"]).with(1);
    insta::assert_snapshot!(ended.err, @r"
    error: refused: `ledger-sync` is `retired`: it cannot resume (409 console.illegal)
      = from here it can: wardgate identity claim ledger-sync --as IDENTITY
                          wardgate identity reject ledger-sync
    ");
    assert_eq!(api.what(), ["POST /api/v1/identities/ledger-sync/resume"]);
}

/// An editor that does what a shell script says with the file `$1`.
fn editor(api: &Scripted, script: &str) -> String {
    api.write("editor", &format!("#!/bin/sh\n{script}\n"));
    let path = api.path().join("editor");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    path.display().to_string()
}

fn grant() -> Value {
    json!({ "kind": "Grant", "name": "reads", "spec": { "to": { "identity": "ledger-sync" }, "api": "ledger" }, "origin": "api", "revision": 7 })
}

#[test]
fn an_edit_is_mended_until_it_is_right() {
    let api = Scripted::new(|heard, _| match (heard.what.as_str(), heard.body["spec"]["api"].as_str()) {
        ("GET /api/v1/resources/Grant/reads", _) => (200, grant()),
        ("PUT /api/v1/resources/Grant/reads", Some("wrong")) => {
            let told = json!([{ "code": "reference.unknown", "what": "Grant `reads`: `api`: there is no API `wrong`", "mend": "did you mean `ledger`?" }]);
            (422, json!({ "code": "console.invalid", "detail": "it makes no sense", "diagnostics": told }))
        }
        ("PUT /api/v1/resources/Grant/reads", Some("mended")) => (200, grant()),
        other => panic!("{other:?}"),
    });
    // First wrong, then, once the editor shows why, right.
    let script = "cp \"$1\" \"$PWD/seen.$(ls seen.* 2>/dev/null | wc -l)\"
if grep -q 'did you mean' \"$1\"; then sed -i 's/wrong/mended/' \"$1\"; else sed -i 's/api: ledger/api: wrong/' \"$1\"; fi";
    let command = editor(&api, script);
    let ended = api.run_with(&["edit", "grant", "reads", "--reason", "ticket"], &[("EDITOR", &command)]).with(0);
    assert_eq!(ended.out, "changed: Grant reads\n");
    let sent = api.heard().pop().unwrap();
    assert_eq!((sent.field("if-match"), &sent.body["reason"]), (Some("\"7\""), &json!("ticket")));
    let seen = fs::read_to_string(api.path().join("seen.1")).unwrap();
    assert!(
        seen.starts_with("# [reference.unknown] Grant `reads`: `api`: there is no API `wrong` (did you mean `ledger`?)\nkind: Grant\n"),
        "{seen}"
    );
}

#[test]
fn an_edit_by_a_script_that_never_comes_right_ends() {
    let api = Scripted::new(|heard, _| match heard.what.as_str() {
        "GET /api/v1/resources/Grant/reads" => (200, grant()),
        _ => (422, json!({ "code": "console.invalid", "detail": "it makes no sense" })),
    });
    let command = editor(&api, "sed -i 's/api: ledger/api: ledgerr/' \"$1\"; echo >> \"$1\"");
    let ended = api.run_with(&["edit", "grant", "reads"], &[("EDITOR", &command)]).with(2);
    assert_eq!(ended.err.matches("not taken: it makes no sense").count(), 2, "{ended:?}");
    let kept = ended.err.split("your text is kept in `").nth(1).and_then(|rest| rest.split('`').next()).unwrap();
    assert!(fs::read_to_string(kept).unwrap().contains("api: ledgerr"), "{ended:?}");
    fs::remove_dir_all(Path::new(kept).parent().unwrap()).unwrap();
}

#[test]
fn an_edit_that_changes_nothing_sends_nothing() {
    let api = Scripted::new(|_, _| (200, grant()));
    for script in ["true", "touch \"$1\"", "echo '# only a word' >> \"$1\"", ": > \"$1\""] {
        let command = editor(&api, script);
        let ended = api.run_with(&["edit", "grant", "reads"], &[("EDITOR", &command)]).with(0);
        assert!(ended.err.contains("nothing is changed"), "{script}: {ended:?}");
    }
    let command = editor(&api, "sed -i s/reads/other/ \"$1\"; test -f again && exit 1; touch again");
    let ended = api.run_with(&["edit", "grant", "reads"], &[("EDITOR", &command)]).with(1);
    assert!(ended.err.contains("kind and name stay: Grant `reads`"), "{ended:?}");
    assert!(api.what().iter().all(|what| what.starts_with("GET ")), "{:?}", api.what());
}

#[test]
fn an_edit_that_somebody_else_overtook_keeps_its_text() {
    let api =
        Scripted::new(
            |heard, _| if heard.what.starts_with("GET") { (200, grant()) } else { (412, json!({ "detail": "it was changed meanwhile" })) },
        );
    let command = editor(&api, "sed -i 's/api: ledger/api: other/' \"$1\"");
    let ended = api.run_with(&["edit", "grant", "reads"], &[("EDITOR", &command)]).with(1);
    let kept = ended.err.split("your text is kept in `").nth(1).and_then(|rest| rest.split('`').next()).unwrap();
    assert!(fs::read_to_string(kept).unwrap().contains("api: other"), "{ended:?}");
    fs::remove_dir_all(Path::new(kept).parent().unwrap()).unwrap();
}

#[test]
fn what_files_own_is_not_edited_here() {
    let api = Scripted::new(|_, _| {
        let mut grant = grant();
        grant["origin"] = json!("file:resources/grants.yaml");
        (200, grant)
    });
    let ended = api.run_with(&["edit", "grant", "reads"], &[("EDITOR", "false")]).with(2);
    assert!(ended.err.contains("comes from `resources/grants.yaml`: change it there"), "{ended:?}");
}

#[test]
fn an_export_is_a_directory_that_plans_to_no_change() {
    let documents = || {
        json!([
            { "kind": "Owner", "name": "payments", "spec": { "accountable": "lead@example.com", "teams": ["no", "1e3"] } },
            { "kind": "Grant", "name": "reads", "spec": { "to": { "identity": "a: b" }, "api": "x", "operations": ["GET /x # y"] } },
            { "kind": "Policy", "name": "mine", "spec": { "cedar": "// first\npermit (principal, action, resource);\n" } },
        ])
    };
    let api = Scripted::new(move |heard, _| match heard.what.as_str() {
        "GET /api/v1/export?limit=500" => (200, json!({ "documents": documents(), "next": "2" })),
        "GET /api/v1/export?limit=500&cursor=2" => {
            (200, json!({ "documents": [{ "kind": "Owner", "name": "finance", "spec": { "accountable": "~" } }], "next": null }))
        }
        "POST /api/v1/plan" => {
            let sent = heard.body["documents"].as_array().unwrap();
            let known = |name: &str| sent.iter().find(|one| one["name"] == name).unwrap().clone();
            let same = documents().as_array().unwrap().iter().all(|one| known(one["name"].as_str().unwrap()) == *one);
            let change = if same && sent.len() == 4 { "unchanged" } else { "update" };
            (200, json!({ "changes": [{ "kind": "Owner", "name": "payments", "change": change }] }))
        }
        other => panic!("{other}"),
    });
    let ended = api.run(&["export", "declared"]).with(0);
    assert_eq!(ended.out, "exported: 4 documents in 3 files of `declared`\n");
    assert_eq!(api.run(&["plan", "declared"]).with(0).out, "plan: no change\n");
    let again = api.run(&["export", "declared"]).with(2);
    assert!(again.err.contains("--replace"), "{again:?}");
    api.run(&["export", "declared", "--replace"]).with(0);
    api.write("mine/notes.yaml", "kind: Owner\n");
    let foreign = api.run(&["export", "mine", "--replace"]).with(2);
    assert!(foreign.err.contains("no export wrote"), "{foreign:?}");
}

#[test]
fn lists_are_tables_for_people_and_documents_for_machines() {
    let api = Scripted::new(|heard, _| match heard.what.as_str() {
        "GET /api/v1/resources/Identity?owner=payments&state=active&limit=500" => (
            200,
            json!({ "items": [{ "kind": "Identity", "name": "ledger-sync", "spec": { "type": "service_account", "owner": "payments", "environment": "production" },
                "origin": "api", "revision": 3, "status": { "state": "active", "since": "2026-11-22T00:00:00Z" } }], "next": null }),
        ),
        "GET /api/v1/approvals?state=waiting&limit=500" => (200, json!({ "items": [], "next": null })),
        other => panic!("{other}"),
    });
    let arguments = ["get", "identities", "--owner", "payments", "--state", "active"];
    insta::assert_snapshot!(api.run(&arguments).with(0).out, @r"
    NAME         TYPE             OWNER     ENVIRONMENT  STATE   SINCE                 ORIGIN
    ledger-sync  service_account  payments  production   active  2026-11-22T00:00:00Z  api
    ");
    let machine = api.run(&[&arguments[..], &["--output", "json"]].concat()).with(0).json();
    assert_eq!(machine["items"][0]["name"], "ledger-sync");
    let none = api.run(&["approval", "list"]).with(0);
    assert_eq!((none.out.as_str(), none.err.as_str()), ("", "nothing waits\n"));
}
