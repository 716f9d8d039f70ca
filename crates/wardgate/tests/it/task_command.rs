//! A command that is a task (`wardgate token --exec --purpose …`): its token is of the task, and the task ends as the command does.

use crate::{
    gate::{Gate, Place, until},
    process::{Ended, Serving, wardgate},
    tasks::{Payer, place},
    upstream::{Keeper, Play, Upstream, ok},
};
use serde_json::{Value, json};
use std::{
    process::{Child, Command, Output, Stdio},
    sync::Arc,
};

struct World {
    place: Place,
    gate: Gate,
    upstream: Upstream,
    key: String,
}

fn world() -> World {
    let upstream = Upstream::plain();
    let place = place(&upstream);
    place.change("wardgate.yaml", "secrets:", "issuer: { url: 'http://gate.test' }\nsecrets:");
    let gate = place.serve();
    let key = place.issue(&gate, "payer").1;
    place.write("payer.key", &key);
    World { place, gate, upstream, key }
}

impl World {
    fn payer(&self) -> Payer<'_> {
        Payer::known(&self.gate, "payer", &self.key)
    }

    fn arguments(&self, more: &[&str]) -> Vec<String> {
        let (connect, key) = (self.gate.public.to_string(), self.place.path().join("payer.key").to_str().unwrap().to_owned());
        let usual = ["token", "--issuer", "http://gate.test", "--connect", &connect, "--client", "payer", "--api-key-file", &key];
        let of_task = ["--resource", "http://gate.test/ledger", "--exec", "--operation", "list", "--operation", "write"];
        usual.iter().chain(&of_task).chain(more).map(|text| (*text).to_owned()).collect()
    }

    fn run(&self, more: &[&str]) -> Ended {
        let arguments = self.arguments(more);
        wardgate(self.place.path(), &arguments.iter().map(String::as_str).collect::<Vec<_>>())
    }

    /// The one task that is in this state.
    fn task(&self, state: &str) -> Option<Value> {
        let found = self.payer().tasks(&format!("GET /tasks?state={state}"), &[], "").json();
        let items = found["items"].as_array().unwrap();
        assert!(items.len() <= 1, "{found}");
        items.first().cloned()
    }
}

#[test]
fn a_command_has_a_task_that_ends_as_it_ends() {
    let world = world();
    let call = format!(
        r#"curl -s -o /dev/null -w '%{{http_code}} ' -X POST -H "Authorization: Bearer $(cat "$WARDGATE_TOKEN_FILE")" http://{}/ledger/entries"#,
        world.gate.public
    );
    let script = format!(r#"{call}; {call}; {call}; cat "$WARDGATE_TOKEN_FILE""#);
    let ran = world.run(&["--purpose", "settlement", "--calls", "2", "--", "sh", "-c", &script]).with(0);
    let (said, token) = ran.out.rsplit_once(' ').unwrap();
    assert_eq!(said, "200 200 403", "{ran:?}");
    assert_eq!(world.upstream.received().len(), 2);
    let task = world.task("completed").unwrap();
    assert_eq!(
        (&task["purpose"], &task["budget"]["calls"], &task["operations"]),
        (&json!("settlement"), &json!(2), &json!(["list", "write"]))
    );
    assert_eq!(world.payer().call("GET /ledger/entries", token), "401 proof.invalid", "the task is over, and its token with it");

    // It is told which task it is.
    let ran = world.run(&["--purpose", "settlement", "--", "sh", "-c", r#"printf "$WARDGATE_TASK"; exit 7"#]).with(7);
    assert_eq!(ran.out, world.task("failed").unwrap()["task_id"].as_str().unwrap(), "{ran:?}");
    assert!(world.task("open").is_none());
    // What is not granted is no task, and then there is no command.
    let refused = world.run(&["--purpose", "audit", "--", "sh", "-c", "echo ran"]).with(1);
    assert!(refused.err.contains("`purpose`: `audit` is not what `list` is granted for") && refused.out.is_empty(), "{refused:?}");
    let both = world.run(&["--purpose", "settlement", "--task", "t-1", "--", "true"]).with(2);
    assert!(both.err.contains("cannot be used with"), "{both:?}");
}

/// Between two heartbeats nobody says that it was stopped; at its end it is said.
#[test]
fn a_command_whose_task_was_contained_meanwhile_is_told_so() {
    let world = world();
    let script = r#"echo "$WARDGATE_TASK" > task; until [ -e stopped ]; do read -t 0.1 x < /dev/zero; done; true"#;
    let arguments = world.arguments(&["--purpose", "settlement", "--lease", "10m", "--", "bash", "-c", script]);
    let mut command = Command::new(env!("CARGO_BIN_EXE_wardgate"));
    command.current_dir(world.place.path()).args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    let child = command.spawn().unwrap();
    let task = until("the command", || std::fs::read_to_string(world.place.path().join("task")).ok().filter(|text| text.ends_with('\n')));
    let contained = world.place.run(&world.gate, &["contain", "task", task.trim()], "");
    assert_eq!(contained.status, 0, "{contained:?}");
    world.place.write("stopped", "");
    let ended = child.wait_with_output().unwrap();
    let said = String::from_utf8(ended.stderr).unwrap();
    assert!(ended.status.success() && said.contains(&format!("the task `{}` was contained by somebody at 2", task.trim())), "{said}");
}

#[test]
fn a_command_keeps_its_task_alive_and_a_signal_fails_it() {
    let world = world();
    let script = r#"trap "exit 9" TERM; echo ready; while :; do read -t 1 x < /dev/zero; done"#;
    let arguments = world.arguments(&["--purpose", "settlement", "--lease", "10s", "--", "bash", "-c", script]);
    let (serving, _) = Serving::tour(&arguments.iter().map(String::as_str).collect::<Vec<_>>(), "ready");
    let lapses = || world.task("open").unwrap()["lapses"].as_str().unwrap().to_owned();
    let first = lapses();
    until("a heartbeat", || (lapses() > first).then_some(()));
    let second = lapses();
    until("the next", || (lapses() > second).then_some(()));
    assert_eq!(serving.end(), Some(9));
    assert!(world.task("failed").is_some() && world.task("open").is_none());
}

/// A token service that gives tokens, and does not answer on tasks from some point on.
fn silent(from: &'static str) -> Upstream {
    Upstream::start(move |head| match head.split(' ').nth(1) {
        Some(path) if path.ends_with(from) => Play::Held(String::new(), String::new(), Arc::new(Keeper::default())),
        Some("/oauth/token") => Play::Answer(ok(&json!({ "access_token": "t", "expires_in": 300 }).to_string())),
        Some("/tasks") => Play::Answer(ok(&json!({ "task_id": "t-1" }).to_string())),
        _ => Play::Answer(ok(&json!({ "issuer": "http://tokens.test", "token_endpoint": "http://tokens.test/oauth/token" }).to_string())),
    })
}

/// A command with a task there, which keeps its token in this directory.
fn started(place: &Place, service: &Upstream) -> Child {
    place.write("api-key", "wg_production_key\n");
    place.write("kept/here", "");
    let usual = ["token", "--issuer", "http://tokens.test", "--client", "a", "--resource", "http://tokens.test/api", "--operation", "read"];
    let mut command = Command::new(env!("CARGO_BIN_EXE_wardgate"));
    command.args(usual).args(["--connect", &service.address.to_string(), "--exec", "--purpose", "settlement", "--api-key-file"]);
    command.arg(place.path().join("api-key")).args(["--", "true"]).env("TMPDIR", place.path().join("kept"));
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

/// Is told to end when something was asked for; what it says, and how it ends.
fn ended_while(child: Child, service: &Upstream, asked: &str) -> Output {
    let came = || service.received().iter().any(|request| request.head.starts_with(asked)).then_some(());
    until("what is not answered", came);
    assert!(Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap().success());
    child.wait_with_output().unwrap()
}

/// Whatever the token service does, whoever ends the helper is heard, and nothing is left behind.
#[test]
fn a_signal_ends_it_while_its_task_is_started_or_ended() {
    let (service, place) = (silent("/tasks"), Place::bare());
    let ended = ended_while(started(&place, &service), &service, "POST /tasks ");
    assert_eq!(ended.status.code(), Some(128 + 15), "{ended:?}");
    let left = || std::fs::read_dir(place.path().join("kept")).unwrap().map(|entry| entry.unwrap().file_name()).collect::<Vec<_>>();
    assert_eq!(left(), ["here"]);

    let service = silent("/complete");
    let ended = ended_while(started(&place, &service), &service, "POST /tasks/t-1/complete ");
    assert_eq!(ended.status.code(), Some(0), "the command's own: {ended:?}");
    let said = String::from_utf8(ended.stderr).unwrap();
    assert!(said.contains("nobody answers: the task `t-1` lapses by itself"), "{said}");
    assert_eq!(service.received().iter().filter(|request| request.head.contains("/complete ")).count(), 1, "nobody waits for another try");
    assert_eq!(left(), ["here"]);
}
