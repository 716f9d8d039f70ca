//! What is deleted in the store, and what is not.

use super::*;

#[test]
fn nothing_here_has_us_delete_what_the_log_names_or_what_is_not_ours() {
    let directory = tempfile::tempdir().expect("a directory");
    let (path, objects) = (directory.path(), objects());
    in_store(path, &objects);
    let transit = Transit::open(path).expect("a folder");
    let stub = Stub::beside(&segment(path, 1)).expect("readable").expect("a stub");
    let other = Stub::beside(&segment(path, 11)).expect("readable").expect("a stub");
    stub.write(&transit.place(1, &stub.sha256, Going::Out)).expect("written");
    let sha256 = hash_of(b"made up");
    Stub { sha256, ..other }.write(&transit.place(11, &sha256, Going::Out)).expect("written");
    // In another store: that it is not in this one says nothing.
    let moved = store("http://127.0.0.1:9").stub(1, hash_of(b"moved"), 5);
    let leaving = transit.place(1, &moved.sha256, Going::Out);
    moved.write(&leaving).expect("written");
    let before = segments(&objects);
    let (log, writer) = start(path, &options(&objects.endpoint(), SOON));
    record(&log, 10, NOON);
    until(|| is_only_there(path, 31));
    let _ = writer.close(PATIENCE);
    let after = segments(&objects);
    assert!(before.iter().all(|name| after.contains(name)), "{before:?} {after:?}");
    assert_eq!((Stub::read(&leaving).expect("readable"), told(path)), (Some(moved), String::new()));
}

#[test]
fn what_cannot_be_read_of_what_is_to_be_deleted_stays_and_holds_nothing_up() {
    let directory = tempfile::tempdir().expect("a directory");
    let (path, objects) = (directory.path(), objects());
    let transit = Transit::open(path).expect("a folder");
    let unreadable = transit.place(1, &hash_of(b"before"), Going::Out);
    fs::create_dir(&unreadable).expect("made");
    let large = transit.place(2, &hash_of(b"before"), Going::Out);
    fs::write(&large, vec![b' '; 9_000]).expect("written");
    in_store(path, &objects);
    assert!(unreadable.exists() && large.exists());
    assert_eq!((outstanding(path).expect("readable"), told(path)), (2, String::new()));
}

#[test]
fn an_object_that_cannot_be_deleted_stays_named_and_holds_nothing_up() {
    let directory = tempfile::tempdir().expect("a directory");
    let (path, objects) = (directory.path(), objects());
    let locked = without_deleting(&objects.endpoint());
    let store = store(&objects.endpoint());
    let other = store.put(&store.stub(1, hash_of(b"before"), 6), b"before").expect("put");
    let transit = Transit::open(path).expect("a folder");
    let leaving = transit.place(1, &other.sha256, Going::Out);
    Stub { endpoint: locked.clone(), ..other.clone() }.write(&leaving).expect("written");
    let (log, writer) = start(path, &options(&locked, SOON));
    record(&log, 25, NOON);
    until(|| is_only_there(path, 1) && is_only_there(path, 11) && log.counters().store_failures > 0 && log.counters().unstored == 0);
    let _ = writer.close(PATIENCE);
    assert!(leaving.exists() && segments(&objects).contains(&other.key));
    assert_eq!((outstanding(path).expect("readable"), told(path)), (1, String::new()));
    // Once it may be deleted, it is.
    let (_log, writer) = start(path, &options(&locked.replace("http://127.0.0.1", "http://localhost"), SOON));
    let _ = writer.close(PATIENCE);
    assert!(leaving.exists(), "another name of a store is another store");
    other.write(&leaving).expect("written");
    let (_log, writer) = start(path, &options(&objects.endpoint(), SOON));
    until(|| !leaving.exists());
    let _ = writer.close(PATIENCE);
    assert!(!segments(&objects).contains(&other.key));
}

/// The same server, behind one that lets nobody delete. Gives its URL.
fn without_deleting(server: &str) -> String {
    let server = server.trim_start_matches("http://").to_owned();
    let listener = TcpListener::bind("127.0.0.1:0").expect("bound");
    let endpoint = format!("http://{}", listener.local_addr().expect("an address"));
    thread::spawn(move || {
        for client in listener.incoming() {
            let Ok(client) = client else { return };
            let server = server.clone();
            thread::spawn(move || pass(client, &server));
        }
    });
    endpoint
}

/// One request and its answer, after which the connection ends.
fn pass(mut client: TcpStream, server: &str) -> io::Result<()> {
    let mut from = BufReader::new(client.try_clone()?);
    let (mut head, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        from.read_line(&mut line)?;
        let lower = line.to_ascii_lowercase();
        if let Some(said) = lower.strip_prefix("content-length:") {
            length = said.trim().parse().map_err(io::Error::other)?;
        }
        if line.trim().is_empty() {
            break;
        }
        head.push_str(&line);
    }
    if head.starts_with("DELETE") {
        let refused = "HTTP/1.1 403 Forbidden\r\ncontent-length: 40\r\nconnection: close\r\n\r\n<Error><Code>AccessDenied</Code></Error>";
        return client.write_all(refused.as_bytes());
    }
    let mut server = TcpStream::connect(server)?;
    server.write_all(format!("{head}connection: close\r\n\r\n").as_bytes())?;
    io::copy(&mut from.take(length), &mut server)?;
    io::copy(&mut server, &mut client).map(drop)
}
