//! One fetch against hostile servers.

use crate::fixture::{BOUNDS, Names, Reply, Server, Want, answer, bytes, json, reach};
use std::{sync::Arc, time::Duration};
use wardgate_feeds::{
    fetch::{Bounds, Media, Message},
    target::Target,
};

#[tokio::test]
async fn a_request_says_no_more_than_it_must() {
    let server = Server::start(|_, _| json("{}")).await;
    let target = server.target("/keys?x=1");
    assert_eq!(Want::new().said(&target).await, "{}");
    let head = format!(
        "GET /keys?x=1 HTTP/1.1\r\nhost: {}\r\nuser-agent: wardgate\r\naccept: application/json, application/jwk-set+json\r\n\
         accept-encoding: identity\r\nconnection: close\r\n\r\n",
        server.address
    );
    assert_eq!(server.requests(), [head]);
}

#[tokio::test]
async fn freshness_comes_with_the_answer() {
    let server = Server::start(|_, _| answer("200 OK", &["cache-control: max-age=77", "age: 7"], "{}")).await;
    let came = Want::new().fetch(&server.target("/")).await.unwrap();
    assert_eq!(came.fresh_for, Some(Duration::from_secs(70)));
}

#[tokio::test]
async fn a_body_has_an_end_that_we_set() {
    let long = "no: it has more than 1000 bytes";
    let body = |count: usize| "a".repeat(count);
    let chunked = |count: usize| format!("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n{count:x}\r\n{}\r\n0\r\n\r\n", body(count));
    let closed = |count: usize| format!("HTTP/1.1 200 OK\r\n\r\n{}", body(count));
    for (reply, said) in [
        (answer("200 OK", &[], &body(1000)), body(1000)),
        (answer("200 OK", &[], &body(1001)), long.into()),
        (Reply::Whole(chunked(1000).into()), body(1000)),
        (Reply::Whole(chunked(1001).into()), long.into()),
        (Reply::Whole(closed(1000).into()), body(1000)),
        (Reply::Whole(closed(1001).into()), long.into()),
        // A length is refused before a byte of it has come.
        (Reply::Hang(b"HTTP/1.1 200 OK\r\ncontent-length: 1001\r\n\r\n".to_vec()), long.into()),
        (Reply::Hang(b"HTTP/1.1 200 OK\r\ncontent-length: 9223372036854775807\r\n\r\n".to_vec()), long.into()),
        (Reply::Endless(b"HTTP/1.1 200 OK\r\n\r\n".to_vec(), vec![b'a'; 4096]), long.into()),
        (Reply::Endless(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n".to_vec(), b"1\r\na\r\n".to_vec()), long.into()),
    ] {
        let shown = format!("{reply:?}");
        let server = Server::start(move |_, _| reply.clone()).await;
        assert_eq!(Want::new().said(&server.target("/")).await, said, "{}", &shown[..shown.len().min(80)]);
    }
}

#[tokio::test]
async fn a_head_has_an_end_too() {
    for piece in
        ["x: y\r\n", "x-padding: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n", "a"]
    {
        let server = Server::start(move |_, _| Reply::Endless(b"HTTP/1.1 200 OK\r\n".to_vec(), piece.repeat(50).into())).await;
        let said = Want::new().said(&server.target("/")).await;
        assert!(said.starts_with("no: the exchange broke: "), "{said}");
    }
}

#[tokio::test]
async fn whoever_is_slow_is_left() {
    let bounds = Bounds { whole: Duration::from_millis(300), ..BOUNDS };
    let slow = "no: the answer was not over within 300 ms";
    let every = Duration::from_millis(20);
    for reply in [
        Reply::Hang(Vec::new()),
        Reply::Hang(b"HTTP/1.1 200 OK\r\n".to_vec()),
        Reply::Hang(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n{}".to_vec()),
        Reply::Drip(Vec::new(), b"H".to_vec(), Duration::from_secs(60)),
        Reply::Drip(b"HTTP/1.1 200 OK\r\n".to_vec(), b"x: y\r\n".to_vec(), every),
        Reply::Drip(b"HTTP/1.1 200 OK\r\ncontent-length: 900\r\n\r\n".to_vec(), b" ".to_vec(), every),
        // Interim answers are none, however many come.
        Reply::Drip(Vec::new(), b"HTTP/1.1 103 Early Hints\r\n\r\n".to_vec(), every),
        Reply::Endless(Vec::new(), b"HTTP/1.1 100 Continue\r\n\r\n".to_vec()),
    ] {
        let shown = format!("{reply:?}");
        let server = Server::start(move |_, _| reply.clone()).await;
        assert_eq!(Want { bounds, ..Want::new() }.said(&server.target("/")).await, slow, "{shown}");
    }
}

#[tokio::test]
async fn only_the_wanted_answer_counts() {
    let html = "no: the body is `text/html; charset=utf-8`";
    for (reply, said) in [
        (answer("200 OK", &["content-type: application/jwk-set+json; charset=utf-8"], "{}"), "{}"),
        (answer("200 OK", &["content-type: TEXT/PLAIN"], "{}"), "{}"),
        (answer("200 OK", &[], "{}"), "{}"),
        (answer("200 OK", &["content-encoding: identity"], "{}"), "{}"),
        (answer("200 OK", &["content-type: text/html; charset=utf-8"], "{}"), html),
        (answer("200 OK", &["content-type: application/json", "content-type: text/html; charset=utf-8"], "{}"), html),
        (answer("200 OK", &["content-type: image/png"], "{}"), "no: the body is `image/png`"),
        (answer("200 OK", &["content-encoding: gzip"], "{}"), "no: the body is encoded (`gzip`), though `identity` was asked for"),
        (answer("204 No Content", &[], ""), "no: it answered 204 No Content"),
        (answer("206 Partial Content", &[], "{}"), "no: it answered 206 Partial Content"),
        (answer("304 Not Modified", &[], ""), "no: it answered 304 Not Modified"),
        (answer("401 Unauthorized", &[], "{}"), "no: it answered 401 Unauthorized"),
        (answer("503 Service Unavailable", &["retry-after: 9"], "{}"), "no: it answered 503 Service Unavailable"),
    ] {
        let shown = format!("{reply:?}");
        let server = Server::start(move |_, _| reply.clone()).await;
        assert_eq!(Want::new().said(&server.target("/")).await, said, "{shown}");
    }
    let list = Server::start(|_, _| answer("200 OK", &["content-type: application/pkix-crl"], "x")).await;
    assert_eq!(Want { media: Media::Certificates, ..Want::new() }.said(&list.target("/")).await, "x");
}

#[tokio::test]
async fn what_is_no_whole_answer_is_none() {
    for text in [
        "",
        "\0\0\0",
        "SSH-2.0-OpenSSH_9.9\r\n",
        "HTTP/0.9 200 OK\r\n\r\n{}",
        "HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n{}",
        "HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\n{}",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\n{}\r\n",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n",
    ] {
        let server = Server::start(move |_, _| Reply::Whole(text.into())).await;
        let said = Want::new().said(&server.target("/")).await;
        assert!(said.starts_with("no: the exchange broke: "), "{text:?}: {said}");
    }
}

#[tokio::test]
async fn redirects_lead_nowhere() {
    let inner = Server::start(|_, _| json("secret")).await;
    let inside = inner.url("/latest/meta-data");
    for status in ["301 Moved Permanently", "302 Found", "303 See Other", "307 Temporary Redirect", "308 Permanent Redirect"] {
        let to = format!("location: {inside}");
        let server = Server::start(move |_, _| answer(status, &[&to], "{}")).await;
        for redirects_max in [0, 3] {
            let want = Want { bounds: Bounds { redirects_max, ..BOUNDS }, ..Want::new() };
            let said = want.said(&server.target("/")).await;
            assert_eq!(said, format!("no: it sends us to `{inside}`: redirects are not followed"), "{status}");
        }
        assert_eq!(server.requests().len(), 2, "{status}");
    }
    assert_eq!(inner.connections(), 0);
}

#[tokio::test]
async fn redirects_within_an_origin_are_followed_where_that_is_said() {
    let server = Server::start(|_, request| match request.split(' ').nth(1) {
        Some("/a") => answer("302 Found", &["location: /b"], ""),
        Some("/b") => answer("307 Temporary Redirect", &["location: /c"], ""),
        Some("/loop") => answer("302 Found", &["location: /loop"], ""),
        Some("/blank") => answer("302 Found", &[], ""),
        Some("/odd") => answer("302 Found", &["location: //127.0.0.1/b"], ""),
        _ => json("there"),
    })
    .await;
    let follow = |redirects_max| Want { bounds: Bounds { redirects_max, ..BOUNDS }, ..Want::new() };
    assert_eq!(follow(2).said(&server.target("/a")).await, "there");
    assert_eq!(follow(1).said(&server.target("/a")).await, "no: it sends us to `/c`: redirects are not followed");
    assert_eq!(follow(0).said(&server.target("/a")).await, "no: it sends us to `/b`: redirects are not followed");
    assert_eq!(follow(5).said(&server.target("/loop")).await, "no: it sends us to `/loop`: redirects are not followed");
    assert_eq!(follow(5).said(&server.target("/blank")).await, "no: it sends us to `nowhere`: redirects are not followed");
    assert_eq!(follow(5).said(&server.target("/odd")).await, "no: it sends us to `//127.0.0.1/b`: redirects are not followed");
    // What was sent in a form is sent once.
    let form = Want { message: Message::Form { body: bytes("a=b"), authorization: None }, ..follow(5) };
    assert_eq!(form.said(&server.target("/a")).await, "no: it sends us to `/b`: redirects are not followed");
}

#[tokio::test]
async fn nothing_connects_to_an_address_that_the_guard_refuses() {
    let server = Server::start(|_, _| json("{}")).await;
    let port = server.address.port();
    let want = |networks: &[&str], answers: &[&str]| Want {
        names: Arc::new(Names::new(&[("issuer.example", &[answers])])),
        reach: reach(networks),
        ..Want::new()
    };
    let named = Target::parse(&format!("http://issuer.example:{port}/")).unwrap();
    let https = Target::parse(&format!("https://issuer.example:{port}/")).unwrap();
    let hint = ": name its network in `networks` if that is meant";
    for (networks, answers, target, said) in [
        (
            &[] as &[&str],
            &["127.0.0.1"] as &[&str],
            &server.target("/"),
            format!("`127.0.0.1` is at `127.0.0.1`, this machine itself{hint}"),
        ),
        (&[], &["127.0.0.1"], &named, format!("`issuer.example` is at `127.0.0.1`, this machine itself{hint}")),
        (&[], &["::ffff:127.0.0.1"], &https, format!("`issuer.example` is at `::ffff:127.0.0.1`, this machine itself{hint}")),
        (&[], &["64:ff9b::7f00:1"], &https, format!("`issuer.example` is at `64:ff9b::7f00:1`, this machine itself{hint}")),
        (&["10.0.0.0/8"], &["127.0.0.1"], &https, format!("`issuer.example` is at `127.0.0.1`, this machine itself{hint}")),
        // One address that is refused refuses them all, wherever it stands.
        (
            &["127.0.0.1/32"],
            &["127.0.0.1", "10.0.0.1"],
            &named,
            format!("`issuer.example` is at `10.0.0.1`, an address of a private network{hint}"),
        ),
        (
            &["0.0.0.0/0"],
            &["127.0.0.1", "169.254.169.254"],
            &named,
            "`issuer.example` is at `169.254.169.254`, where a cloud gives secrets to its machines".into(),
        ),
        (&["0.0.0.0/0"], &["0.0.0.0"], &named, "`issuer.example` is at `0.0.0.0`, no address of a host".into()),
        // Clear text stays on this machine, whatever is named.
        (&["10.0.0.0/8"], &["10.0.0.1"], &named, "`http://issuer.example` is not this machine: write `https://`".into()),
        (&[], &["198.41.0.4"], &named, "`http://issuer.example` is not this machine: write `https://`".into()),
        (&["127.0.0.0/8"], &[], &named, "`issuer.example` has no address: none was found".into()),
    ] {
        assert_eq!(want(networks, answers).said(target).await, format!("no: {said}"), "{networks:?} {answers:?} {target}");
    }
    let unknown = Target::parse("https://other.example/").unwrap();
    assert_eq!(want(&[], &[]).said(&unknown).await, "no: `other.example` has no address: no such name");
    assert_eq!(server.connections(), 0);
    assert_eq!(want(&["127.0.0.0/8"], &["127.0.0.1"]).said(&named).await, "{}");
}

#[tokio::test]
async fn a_name_that_moves_after_it_was_judged_moves_nobody() {
    let outer = Server::start(|_, _| json("public")).await;
    let port = outer.address.port();
    let inner = Server::at(&format!("127.0.0.2:{port}"), None, Arc::new(|_, _| json("secret"))).await;
    // The test's public network is 127.0.0.1 alone; the name moves from there to somewhere else at the second look.
    let names = Arc::new(Names::new(&[("issuer.example", &[&["127.0.0.1"], &["127.0.0.2"]])]));
    let want = Want { names: Arc::clone(&names), reach: reach(&["127.0.0.1/32"]), ..Want::new() };
    let target = Target::parse(&format!("http://issuer.example:{port}/")).unwrap();
    assert_eq!(want.said(&target).await, "public");
    assert_eq!(names.asked(), 1, "one look a fetch: what was judged is what is connected to");
    assert!(want.said(&target).await.starts_with("no: `issuer.example` is at `127.0.0.2`, this machine itself"));
    assert_eq!((names.asked(), outer.connections(), inner.connections()), (2, 1, 0));
}

#[tokio::test]
async fn a_name_is_looked_at_again_for_each_redirect() {
    let outer = Server::start(|_, _| answer("302 Found", &["location: /there"], "")).await;
    let port = outer.address.port();
    let inner = Server::at(&format!("127.0.0.2:{port}"), None, Arc::new(|_, _| json("secret"))).await;
    let names = Arc::new(Names::new(&[("issuer.example", &[&["127.0.0.1"], &["127.0.0.2"]])]));
    let bounds = Bounds { redirects_max: 3, ..BOUNDS };
    let want = Want { names, reach: reach(&["127.0.0.1/32"]), bounds, ..Want::new() };
    let said = want.said(&Target::parse(&format!("http://issuer.example:{port}/")).unwrap()).await;
    assert!(said.starts_with("no: `issuer.example` is at `127.0.0.2`, this machine itself"), "{said}");
    assert_eq!(inner.connections(), 0);
}

#[tokio::test]
async fn an_address_that_takes_no_connection_is_followed_by_the_next() {
    let server = Server::start(|_, _| json("{}")).await;
    let names = Arc::new(Names::new(&[("issuer.example", &[&["127.0.0.3", "127.0.0.1"]])]));
    let want = Want { names, ..Want::new() };
    let target = Target::parse(&format!("http://issuer.example:{}/", server.address.port())).unwrap();
    assert_eq!(want.said(&target).await, "{}");
    let nobody = Names::new(&[("issuer.example", &[&["127.0.0.3"]])]);
    let want = Want { names: Arc::new(nobody), ..want };
    assert!(want.said(&target).await.starts_with("no: `issuer.example` cannot be connected to: "));
}

#[tokio::test]
async fn a_resolver_that_does_not_answer_is_left() {
    struct Silent;
    impl wardgate_feeds::resolve::Resolve for Silent {
        fn resolve<'a>(&'a self, _name: &'a str) -> wardgate_feeds::resolve::Resolving<'a> {
            Box::pin(std::future::pending())
        }
    }
    let want = Want::new();
    let target = Target::parse("https://issuer.example/").unwrap();
    let asking = wardgate_feeds::fetch::Asking {
        target: &target,
        message: Message::Read,
        media: Media::Json,
        reach: &want.reach,
        roots: &want.roots,
        bounds: Bounds { connect: Duration::from_millis(50), ..BOUNDS },
    };
    let fault = wardgate_feeds::fetch::Fetcher::new(Arc::new(Silent)).fetch(&asking).await.unwrap_err();
    assert_eq!(fault.to_string(), "no address was found within 50 ms");
}
