use super::{Anchor, AnchorState, Anchoring, compare, read};
use crate::{
    note::{Checkpoint, tests::TestKey},
    tiles::{self, Finding},
    tree::Hash,
    web::{Site, Web},
};
use std::{
    fs,
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpListener},
    path::Path,
    sync::{Arc, mpsc},
    thread,
    time::Duration,
};

// What stands beside the tests of crates above this one, too.
#[expect(unreachable_pub, reason = "it is public where it is at home")]
#[path = "../../../testkit/src/anchor.rs"]
mod server_kept;

use server_kept::{AnchorServer, certify};

fn key() -> TestKey {
    TestKey::new("wardgate/edge-1", 7)
}

fn note(key: &TestKey, size: u64) -> String {
    let origin = key.trusted().origin;
    Checkpoint { origin, size, root: Hash([u8::try_from(size).unwrap(); 32]), extension: Vec::new() }.sign(key).expect("signed")
}

fn sizes(bytes: &[u8]) -> Vec<u64> {
    read(bytes, &key().trusted()).checkpoints.iter().map(|checkpoint| checkpoint.size).collect()
}

/// Waits for a state; a test that waits too long has failed.
fn until(so: impl Fn() -> bool) {
    for _ in 0..60_000 {
        if so() {
            return;
        }
        thread::park_timeout(Duration::from_millis(1));
    }
    panic!("it did not come to that");
}

#[test]
fn a_file_has_each_checkpoint_once_and_is_never_shortened() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("checkpoints");
    let anchor = Anchor::File(path.clone());
    for size in [1, 1, 2, 2, 3] {
        anchor.take(&note(&key(), size)).expect("taken");
    }
    let whole = fs::read(&path).expect("readable");
    assert_eq!(sizes(&whole), [1, 2, 3]);
    // Half written when the machine stopped.
    let torn = note(&key(), 4);
    fs::write(&path, [&whole[..], &torn.as_bytes()[..torn.len() / 2]].concat()).expect("writable");
    anchor.take(&note(&key(), 5)).expect("taken");
    let bytes = fs::read(&path).expect("readable");
    assert!(bytes.starts_with(&whole));
    assert_eq!(sizes(&bytes), [1, 2, 3, 5]);
    assert_eq!(read(&bytes, &key().trusted()).unread, 1);
}

#[test]
fn notes_of_others_are_passed_over_and_what_is_none_is_counted() {
    let other = TestKey::new("wardgate/edge-2", 8);
    let forged = note(&key(), 6).replace("\n6\n", "\n7\n");
    let file = [&*note(&other, 1), &note(&key(), 2), "\n\n", &forged, &note(&other, 3), &note(&key(), 4), "junk"].concat();
    let anchored = read(file.as_bytes(), &key().trusted());
    assert_eq!(anchored.checkpoints.iter().map(|checkpoint| checkpoint.size).collect::<Vec<_>>(), [2, 4]);
    assert_eq!((anchored.others, anchored.unread), (2, 2));
    assert_eq!(read(b"", &key().trusted()), super::Anchored::default());
    for cut in 0..file.len() {
        let _no_panic = read(&file.as_bytes()[..cut], &key().trusted());
    }
}

fn log_of(directory: &Path, entries: &[&str]) -> String {
    let (mut log, _) = tiles::Writer::open(directory, key().trusted(), Arc::new(key())).expect("opened");
    for entry in entries {
        log.append(&[entry.as_bytes()]).expect("appended");
    }
    log.log().note().to_owned()
}

#[test]
fn a_log_is_held_against_each_checkpoint() {
    let directory = tempfile::tempdir().expect("a directory");
    let [one, other] = ["one", "other"].map(|name| directory.path().join(name));
    let kept: Vec<String> = (1..=5).map(|_| log_of(&one, &["entry"])).collect();
    let kept = read(kept.concat().as_bytes(), &key().trusted()).checkpoints;
    assert_eq!(compare(&one, &key().trusted(), &kept).expect("readable"), []);
    // The same key, another history of the same length, and one that is shorter.
    log_of(&other, &["entry", "entry", "another", "entry", "entry"]);
    assert_eq!(compare(&other, &key().trusted(), &kept).expect("readable"), [Finding::Rewritten { remembered: 3 }]);
    let shorter = directory.path().join("shorter");
    log_of(&shorter, &["entry", "entry"]);
    assert_eq!(compare(&shorter, &key().trusted(), &kept).expect("readable"), [Finding::RolledBack { size: 2, remembered: 5 }]);
}

/// A server that answers each request with the next of some statuses, 0 being none at all; gives the bodies.
fn server(address: SocketAddr, statuses: &'static [u16]) -> (SocketAddr, mpsc::Receiver<String>) {
    let listener = TcpListener::bind(address).expect("bound");
    let address = listener.local_addr().expect("an address");
    let (sender, receiver) = mpsc::sync_channel(100);
    thread::spawn(move || {
        for status in statuses {
            let (mut stream, _) = listener.accept().expect("accepted");
            let (mut bytes, mut buffer) = (Vec::new(), [0; 4096]);
            let whole = |bytes: &[u8]| {
                let text = String::from_utf8_lossy(bytes).into_owned();
                let (head, body) = text.split_once("\r\n\r\n")?;
                let length = head.to_lowercase().split_once("content-length: ")?.1.split("\r\n").next()?.parse::<usize>().ok()?;
                (body.len() >= length).then(|| body.to_owned())
            };
            let body = loop {
                if let Some(body) = whole(&bytes) {
                    break body;
                }
                match stream.read(&mut buffer).expect("read") {
                    0 => break String::new(),
                    read => bytes.extend(&buffer[..read]),
                }
            };
            if *status > 0 {
                let _gone = write!(stream, "HTTP/1.1 {status} X\r\nlocation: /elsewhere\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
            }
            let _nobody = sender.send(body);
        }
    });
    (address, receiver)
}

#[test]
fn a_url_is_tried_again_until_it_takes_the_newest() {
    let (address, bodies) = server("127.0.0.1:0".parse().unwrap(), &[503, 302, 0, 200]);
    let site: Site = format!("http://{address}/anchor").parse().expect("a place");
    let state = AnchorState::default();
    let anchoring = Anchoring::start(&[Anchor::Url(site, Web::new(None).expect("a client"))], &state).expect("started");
    anchoring.tell(&note(&key(), 1));
    bodies.recv_timeout(Duration::from_secs(60)).expect("asked");
    until(|| state.counts().0 == 1);
    anchoring.tell(&note(&key(), 2));
    let last: Vec<String> = (0..3).map(|_| bodies.recv_timeout(Duration::from_secs(60)).expect("asked")).collect();
    assert_eq!(sizes(last[2].as_bytes()), [2]);
    until(|| state.counts() == (0, 3));
}

#[test]
fn an_anchor_that_is_away_holds_nobody_up() {
    let directory = tempfile::tempdir().expect("a directory");
    let (missing, good) = (directory.path().join("no/such/folder"), directory.path().join("checkpoints"));
    let state = AnchorState::default();
    let anchoring = Anchoring::start(&[Anchor::File(missing.clone()), Anchor::File(good.clone())], &state).expect("started");
    for size in 1..=20 {
        anchoring.tell(&note(&key(), size));
    }
    until(|| fs::read(&good).is_ok_and(|bytes| sizes(&bytes).last() == Some(&20)));
    until(|| state.counts().0 == 1);
    fs::create_dir_all(missing.parent().unwrap()).expect("made");
    drop(anchoring);
    assert_eq!(sizes(&fs::read(&missing).expect("readable")), [20], "tried once more at the end, and only the newest");
}

#[test]
fn where_evidence_may_go() {
    for good in [
        "https://anchor.example.com",
        "https://anchor.example.com:8443/a/b",
        "http://127.0.0.1:9000/x",
        "http://[::1]:1",
        "http://localhost",
    ] {
        assert_eq!(good.parse::<Site>().expect("good").to_string(), good);
    }
    for bad in [
        "",
        "ftp://a",
        "anchor.example.com",
        "http://192.0.2.7/",
        "http://localhost.example.com",
        "https://u:p@a/",
        "https://a/?k=v",
        "https://a/#f",
        "https:///x",
    ] {
        assert!(bad.parse::<Site>().is_err(), "{bad}");
    }
}

#[test]
fn a_server_under_tls_that_is_started_again_has_the_newest() {
    let directory = tempfile::tempdir().expect("a directory");
    certify(directory.path()).expect("a certificate");
    let authority = fs::read(directory.path().join("certificate.pem")).expect("readable");
    let kept = || sizes(&fs::read(directory.path().join("kept")).unwrap_or_default());

    let server = AnchorServer::start(directory.path(), 0).expect("a server");
    let port = server.port();
    let site: Site = format!("https://localhost:{port}/gate-1").parse().expect("a place");
    let (state, other) = (AnchorState::default(), AnchorState::default());
    let anchor = Anchor::Url(site.clone(), Web::new(Some(&authority)).expect("a client"));
    let anchoring = Anchoring::start(std::slice::from_ref(&anchor), &state).expect("started");
    anchoring.tell(&note(&key(), 1));
    until(|| kept() == [1] && state.counts() == (0, 0));
    // Who believes the public's authorities does not believe this one.
    let doubting = Anchoring::start(&[Anchor::Url(site, Web::new(None).expect("a client"))], &other).expect("started");
    doubting.tell(&note(&key(), 2));
    until(|| other.counts().0 == 1);
    drop(doubting);
    assert_eq!(kept(), [1]);

    drop(server);
    anchoring.tell(&note(&key(), 3));
    until(|| state.counts().0 == 1);
    anchoring.tell(&note(&key(), 4));
    let _server = AnchorServer::start(directory.path(), port).expect("a server");
    until(|| state.counts().0 == 0);
    assert_eq!(kept(), [1, 4]);
    assert!(state.counts().1 > 0);
    // What it has kept it gives, to whoever believes it.
    assert_eq!(sizes(&anchor.kept().expect("given")), [1, 4]);
    let at = |path: &str, authority: Option<&[u8]>| {
        let site = format!("https://localhost:{port}{path}").parse().expect("a place");
        Anchor::Url(site, Web::new(authority).expect("a client")).kept().expect_err("nothing").to_string()
    };
    assert!(at("/gate-1", None).contains("certificate"), "{}", at("/gate-1", None));
    assert_eq!(at("/gate-2", Some(&authority)), "it answered 404");
    assert_eq!(at("/elsewhere", Some(&authority)), "it answered 302", "no redirect is followed");
    assert_eq!(at("/endless", Some(&authority)), "the answer is longer than 67108864 bytes");
    assert!(Web::new(Some(b"no certificate")).is_err());
}
