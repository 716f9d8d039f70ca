//! `wardgate init`, and what its page says next, word for word.

use crate::{
    gate::{Gate, until},
    process::{curl, wardgate, wardgate_fed},
};
use std::{
    fs,
    io::{Read as _, Write as _},
    net::TcpListener,
    os::unix::fs::PermissionsExt as _,
    path::Path,
};

#[test]
fn init_writes_a_starter_that_passes_check_and_changes_nothing_twice() {
    let place = tempfile::tempdir().unwrap();
    let ended = wardgate(place.path(), &["init", "gate"]).with(0);
    assert_eq!(ended.out.matches("wga_").count(), 1, "the credential is shown once: {}", ended.out);
    let gate = place.path().join("gate");
    let mode = |name: &str| fs::metadata(gate.join(name)).unwrap().permissions().mode() & 0o777;
    let private = ["wardgate.key", "tls/edge.key", ".wardgate/profile.json", "wardgate.db"].map(|name| (name, mode(name)));
    assert!(private.iter().all(|(_, mode)| *mode == 0o600), "{private:?}");

    let checked = wardgate(&gate, &["check"]).with(0);
    assert!(checked.out.contains("1 API with") && !checked.err.contains("warning"), "{checked:?}");
    assert!(wardgate(place.path(), &["check", "-c", "gate/wardgate.yaml"]).status == 0);
    assert_eq!(wardgate(&gate, &["check", "--output", "json"]).with(0).json()["good"], true);
    let whole = wardgate(&gate, &["check", "."]).with(0);
    assert_eq!(whole.out, checked.out, "the directory has the configuration in it, which is no resource");
    // What is wrong in a document is shown in the file where it is.
    let document = fs::read_to_string(gate.join("openapi/hello.yaml")).unwrap();
    fs::write(gate.join("openapi/hello.yaml"), document.replace("x-wardgate-class: list", "x-wardgate-class: lits")).unwrap();
    let wrong = wardgate(&gate, &["check"]).with(2);
    for said in ["at openapi/hello.yaml:7:7", "7 |       x-wardgate-class: lits", "did you mean `list`?", "1 error, 0 warnings"] {
        assert!(wrong.err.contains(said), "{said}: {wrong:?}");
    }
    fs::write(gate.join("openapi/hello.yaml"), document).unwrap();

    let before = fs::read(gate.join("wardgate.key")).unwrap();
    let again = wardgate(place.path(), &["init", "gate"]).with(2);
    assert!(again.err.contains("already holds a wardgate.yaml"), "{again:?}");
    fs::remove_file(gate.join("wardgate.yaml")).unwrap();
    let again = wardgate(place.path(), &["init", "gate"]).with(2);
    assert!(again.err.contains("already holds") && again.err.contains("wardgate.key"), "{again:?}");
    assert_eq!(fs::read(gate.join("wardgate.key")).unwrap(), before);
}

/// Answers every request with `hello`, as the starter's upstream.
fn upstream() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            let mut heard = Vec::new();
            let mut piece = [0; 4096];
            while !heard.windows(4).any(|end| end == b"\r\n\r\n") {
                match stream.read(&mut piece) {
                    Ok(0) | Err(_) => break,
                    Ok(count) => heard.extend_from_slice(&piece[..count]),
                }
            }
            drop(stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello"));
        }
    });
    port
}

fn change(place: &Path, name: &str, from: &str, to: &str) {
    let text = fs::read_to_string(place.join(name)).unwrap();
    assert!(text.contains(from), "`{from}` in {name}");
    fs::write(place.join(name), text.replace(from, to)).unwrap();
}

/// The starter, on ports that the system chooses.
fn starter(place: &Path) {
    wardgate(place, &["init"]).with(0);
    change(place, "wardgate.yaml", "127.0.0.1:8443", "127.0.0.1:0");
    change(place, "wardgate.yaml", "127.0.0.1:9080", "127.0.0.1:0");
    change(place, "resources/hello.yaml", "127.0.0.1:9000", &format!("127.0.0.1:{}", upstream()));
}

/// Serves, and tells the profile on which port the management API is.
fn serve(place: &Path) -> Gate {
    let gate = Gate::start(place);
    let file = place.join(".wardgate/profile.json");
    let mut profile: serde_json::Value = serde_json::from_str(&fs::read_to_string(&file).unwrap()).unwrap();
    profile["url"] = format!("http://{}", gate.admin).into();
    fs::write(file, profile.to_string()).unwrap();
    gate
}

#[test]
fn the_next_steps_work_as_printed() {
    let place = tempfile::tempdir().unwrap();
    let place = place.path();
    starter(place);
    let gate = serve(place);
    let url = format!("https://localhost:{}/hello/greetings", gate.public.port());

    let issued = wardgate(place, &["credential", "issue", "hello-client", "--output", "json"]).with(0).json();
    let (key, id) = (issued["key"].as_str().unwrap(), issued["id"].as_str().unwrap());
    assert!(key.starts_with(&format!("wg_production_{id}_")), "{issued}");
    let profile = fs::read_to_string(place.join(".wardgate/profile.json")).unwrap();
    assert!(profile.contains("wgs_") && !profile.contains("wga_"), "the sign-in credential is spent: {profile}");

    let bearer = format!("Authorization: Bearer {key}");
    assert_eq!(curl(place, &["--cacert", "tls/ca.pem", "-H", &bearer, &url]), ("200".to_owned(), "hello".to_owned()));
    let (status, body) = curl(place, &["--cacert", "tls/ca.pem", &url]);
    assert!(status == "401" && body.contains("credential.missing"), "{status} {body}");
    let (status, body) = curl(place, &["--cacert", "tls/ca.pem", "-H", &bearer, "-X", "DELETE", &format!("{url}/x")]);
    assert!(status == "403" && body.contains("standing.denied"), "{status} {body}");
    let request = serde_json::from_str::<serde_json::Value>(&body).unwrap()["request_id"].as_str().unwrap().to_owned();

    explained(place, &url, &request);
    listed(place, id, key);

    let revoked = wardgate(place, &["credential", "revoke", id, "--reason", "tried out", "--output", "json"]).with(0).json();
    assert_eq!(revoked["state"], "revoked");
    let (status, body) = curl(place, &["--cacert", "tls/ca.pem", "-H", &bearer, &url]);
    assert!(status == "401" && body.contains("proof.invalid"), "{status} {body}");
    // Whoever still shows it is told of: the one who was not told of its end, or a thief.
    let told = until("the finding", || {
        let found = wardgate(place, &["findings", "--code", "credential.used_after_end", "--output", "json"]).with(0).json();
        found["items"].as_array().and_then(|found| found.first().cloned())
    });
    assert_eq!((&told["kind"], &told["name"], &told["severity"]), (&"credential".into(), &id.into(), &"medium".into()), "{told}");
    assert_eq!(gate.end().0, Some(0));
    offline(place);
}

/// Explanations: of what was recorded, and of what is described.
fn explained(place: &Path, url: &str, request: &str) {
    let described =
        |method: &str| wardgate(place, &["explain", "--identity", "hello-client", "--method", method, "--url", url, "--output", "json"]);
    assert_eq!(described("GET").with(0).json()["ruling"]["response"], "allow");
    let refused = described("DELETE").with(3).json();
    assert_eq!((&refused["ruling"]["response"], &refused["identity"]["id"]), (&"block".into(), &"hello-client".into()));
    assert!(refused["remedy"].as_str().is_some_and(|remedy| !remedy.is_empty()), "{refused:#}");
    let unproven =
        wardgate(place, &["explain", "--identity", "hello-client", "--method", "GET", "--url", url, "--proof", "x509", "--output", "json"]);
    assert_eq!(unproven.with(0).json()["proof"]["kind"], "x509");
    let page = wardgate(place, &["explain", "--identity", "hello-client", "--method", "DELETE", "--url", "/hello/greetings/x"]).with(3);
    assert!(page.out.contains("ruling") && page.out.contains("block") && page.out.contains("remedy"), "{page:?}");

    // The record is written shortly after the answer: wait for it.
    let recorded = until("the record", || Some(wardgate(place, &["explain", request, "--output", "json"])).filter(|told| told.status == 3));
    assert_eq!(recorded.json()["request_id"], request);
    let tail = wardgate(place, &["audit", "tail", "--identity", "hello-client", "--response", "block", "--output", "json"]).with(0);
    let events: Vec<serde_json::Value> = tail.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(events.iter().any(|event| event["request_id"] == request && event["v"] == 1), "{tail:?}");
    let page = wardgate(place, &["audit", "tail"]).with(0);
    assert!(page.out.contains("hello-client") && page.out.contains("standing."), "{page:?}");
}

/// Lists show ids, never keys.
fn listed(place: &Path, id: &str, key: &str) {
    let list = wardgate(place, &["credential", "list", "--identity", "hello-client", "--state", "live"]).with(0);
    assert!(list.out.contains(id) && !list.out.contains(key), "{list:?}");
    wardgate_fed(place, &["secret", "put", "warehouse-key"], "s3cret\n").with(0);
    let secrets = wardgate(place, &["secret", "list"]).with(0);
    assert!(secrets.out.contains("warehouse-key") && !secrets.out.contains("s3cret"), "{secrets:?}");
    let unknown = wardgate(place, &["credential", "issue", "nobody"]).with(2);
    assert!(unknown.err.contains("refused:") && unknown.err.contains("request "), "{unknown:?}");
}

/// With nothing serving, a new sign-in credential can be made, and commands say that nothing answers.
fn offline(place: &Path) {
    let silent = wardgate(place, &["credential", "list"]).with(1);
    assert!(silent.err.contains("nothing answers") && silent.err.contains("wardgate serve"), "{silent:?}");
    let made = wardgate(place, &["sign-in", "--offline", "--output", "json"]).with(0).json();
    assert!(made["sign_in"].as_str().is_some_and(|credential| credential.starts_with("wga_")), "{made}");
    let gate = serve(place);
    let signed = wardgate(place, &["sign-in"]).with(0);
    assert!(signed.out.contains("signed in at"), "{signed:?}");
    wardgate(place, &["credential", "list"]).with(0);
    // While somebody serves, the store is theirs.
    let locked = wardgate(place, &["sign-in", "--offline"]);
    assert!(locked.status != 0 && !locked.out.contains("wga_"), "{locked:?}");
    assert_eq!(gate.end().0, Some(0));
}
