//! A listener's certificate, exchanged while the gate runs; `openssl` makes them and `curl` looks at them.

use crate::gate::{Place, until};
use std::{net::SocketAddr, process::Command};

/// Makes a certificate of its own for `localhost` in these files.
fn make(place: &Place, certificate: &str, key: &str) {
    let done = Command::new("openssl")
        .current_dir(place.path())
        .args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"])
        .args(["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-out", certificate, "-keyout", key])
        .output()
        .unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
}

/// Whether the gate shows a certificate that these roots know.
fn known(place: &Place, gate: SocketAddr, roots: &str) -> bool {
    let port = gate.port();
    let done = Command::new("curl")
        .current_dir(place.path())
        .args(["--silent", "--noproxy", "*", "--max-time", "60", "--output", "/dev/null", "--cacert", roots])
        .args(["--resolve", &format!("localhost:{port}:127.0.0.1"), &format!("https://localhost:{port}/shop/things")])
        .status()
        .unwrap();
    done.success()
}

#[test]
fn a_new_certificate_serves_at_once_and_a_bad_one_never() {
    let place = Place::shop("http://127.0.0.1:9");
    std::fs::create_dir(place.path().join("tls")).unwrap();
    make(&place, "tls/edge.pem", "tls/edge.key");
    std::fs::copy(place.path().join("tls/edge.pem"), place.path().join("first.pem")).unwrap();
    place.change(
        "wardgate.yaml",
        "public_url: 'https://gate.test' }",
        "tls: { certificate: 'file:tls/edge.pem', key: 'file:tls/edge.key' } }",
    );
    let gate = place.serve();
    assert!(known(&place, gate.public, "first.pem"));
    // No certificate, and one that is not the key's: the last good one stays, and a line says so.
    place.write("tls/edge.pem", "nothing of use");
    gate.heard("the certificate was not taken: there is no certificate in");
    assert!(known(&place, gate.public, "first.pem"));
    make(&place, "second.pem", "second.key");
    let text = |name: &str| std::fs::read_to_string(place.path().join(name)).unwrap();
    place.write("tls/edge.pem", &text("second.pem"));
    gate.heard("do not belong together");
    assert!(known(&place, gate.public, "first.pem") && !known(&place, gate.public, "second.pem"));
    // The key follows: both are taken.
    place.write("tls/edge.key", &text("second.key"));
    until("the second certificate", || known(&place, gate.public, "second.pem").then_some(()));
    assert!(!known(&place, gate.public, "first.pem"));
    gate.heard("the new certificate serves from the next connection on");
    let (status, said) = gate.end();
    assert_eq!(status, Some(0), "{said}");
}
