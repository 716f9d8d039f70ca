//! By what the client's helper proves itself, where it could be several things; whom it acts for; and that it gives back what it does not
//! need any more.

use crate::{
    gate::Place,
    process::{Serving, wardgate, wardgate_with},
    tasks::{Payer, escaped, place},
    token_world::claims,
    upstream::{Play, Received, Upstream, ok},
};
use serde_json::json;
use wardgate_proof::jose::algorithm::Algorithm;

const LEDGER: &str = "http://gate.test/ledger";

#[test]
fn who_acts_for_somebody_proves_itself_and_shows_whom_it_acts_for() {
    let upstream = Upstream::plain();
    let place = place(&upstream);
    place.change("wardgate.yaml", "secrets:", "issuer: { url: 'http://gate.test' }\nsecrets:");
    let gate = place.serve();
    let (payer, clerk) = (Payer::new(&place, &gate, "payer"), Payer::new(&place, &gate, "clerk"));
    let handed = payer.asked(&format!("resource={}", escaped(LEDGER))).json()["access_token"].as_str().unwrap().to_owned();
    place.write("clerk-key", clerk.key());
    place.write("handed", &handed);
    let connect = gate.public.to_string();
    let usual = ["token", "--issuer", "http://gate.test", "--connect", &connect, "--resource", LEDGER, "--subject-token-file", "handed"];
    let ran = wardgate(place.path(), &[&usual[..], &["--client", "clerk", "--api-key-file", "clerk-key"]].concat()).with(0);
    let token = ran.out.trim();
    assert_eq!((&claims(token)["sub"], &claims(token)["act"]), (&json!("payer"), &json!({ "sub": "clerk" })));
    assert_eq!(payer.call("GET /ledger/entries", token), "200");
    // The token of somebody else proves nobody by itself.
    let alone = wardgate(place.path(), &usual).with(1);
    assert!(alone.err.contains("no token: 400 invalid_request"), "{alone:?}");
}

/// A token service that gives out `t`, and ends tokens where it says how.
fn service(ends: bool) -> Upstream {
    Upstream::start(move |head| {
        let mut metadata = json!({ "issuer": "http://tokens.test", "token_endpoint": "http://tokens.test/token" });
        if ends {
            metadata["revocation_endpoint"] = json!("http://tokens.test/revoke");
        }
        let token = || json!({ "access_token": "t", "expires_in": 300 });
        match head {
            _ if head.starts_with("GET") => Play::Answer(ok(&metadata.to_string())),
            _ if head.starts_with("POST /token ") => Play::Answer(ok(&token().to_string())),
            _ if head.contains("Basic YTp3Z19i") => Play::Answer("HTTP/1.1 503 Away\r\nContent-Length: 0\r\n\r\n".to_owned()),
            _ => Play::Answer(ok("")),
        }
    })
}

fn asked(service: &Upstream, path: &str) -> Vec<Received> {
    service.received().into_iter().filter(|request| request.head.starts_with(&format!("POST {path} "))).collect()
}

fn made(place: &Place, name: &str) {
    drop(wardgate(place.path(), &["token", "--new-key", name, "--algorithm", Algorithm::Es256.name()]).with(0));
}

#[test]
fn two_ways_to_prove_oneself_are_none() {
    let service = service(true);
    let place = Place::bare();
    made(&place, "key");
    for (name, text) in [("api-key", "wg_a"), ("handed", "eyJ.a.b")] {
        place.write(name, text);
    }
    let connect = service.address.to_string();
    let usual = ["token", "--issuer", "http://tokens.test", "--connect", &connect];
    let all = |more: &[&'static str]| [&usual[..], more].concat();
    let variable = ("WARDGATE_API_KEY", "wg_a");
    for (more, variables, said) in [
        (
            &["--client", "a", "--key", "key", "--api-key-file", "api-key"][..],
            &[][..],
            "`--key` (WARDGATE_CLIENT_KEY) and `--api-key-file`",
        ),
        (&["--client", "a", "--key", "key"], &[variable], "and the variable WARDGATE_API_KEY are two ways"),
        (&["--client", "a", "--api-key-file", "api-key"], &[variable], "are two ways to prove oneself"),
        (&["--subject-token-file", "handed", "--key", "key"], &[], "say by `--client` (WARDGATE_CLIENT) who that is"),
        (&["--subject-token-file", "handed"], &[variable], "say by `--client`"),
        (&["--subject-token-file", "handed"], &[("WARDGATE_CLIENT", "a")], "where the token itself says who asks, leave `--client` out"),
    ] {
        let refused = wardgate_with(place.path(), &all(more), variables, "").with(2);
        assert!(refused.err.contains(said), "{refused:?}");
    }
    assert!(service.received().is_empty(), "nobody was asked");
    // A key and the token of whom it acts for are one way: an exchange, and the client's own assertion with it.
    wardgate(place.path(), &all(&["--client", "a", "--key", "key", "--subject-token-file", "handed"])).with(0);
    let form = service.last().body;
    let kind = |what: &str| format!("urn%3Aietf%3Aparams%3Aoauth%3A{what}");
    for part in [
        "client_id=a".to_owned(),
        format!("client_assertion_type={}", kind("client-assertion-type%3Ajwt-bearer")),
        "client_assertion=eyJ".to_owned(),
        format!("grant_type={}", kind("grant-type%3Atoken-exchange")),
        "subject_token=eyJ.a.b".to_owned(),
        format!("subject_token_type={}", kind("token-type%3Aaccess_token")),
    ] {
        assert_eq!(form.split('&').filter(|one| one.starts_with(&part)).count(), 1, "{part}: {form}");
    }
    assert_eq!(form.matches("grant_type=").count(), 1, "{form}");
}

#[test]
fn the_token_of_a_command_is_given_back_when_that_has_ended() {
    let (service, other) = (service(true), service(false));
    let place = Place::bare();
    for (name, text) in [("api-key", "wg_a"), ("away", "wg_b"), ("handed", "eyJ.a.b")] {
        place.write(name, text);
    }
    let run = |service: &Upstream, more: &[&str]| {
        let connect = service.address.to_string();
        let usual = ["token", "--issuer", "http://tokens.test", "--connect", &connect, "--exec"];
        wardgate(place.path(), &[&usual[..], more, &["--", "sh", "-c", "exit 3"]].concat()).with(3)
    };
    assert_eq!(run(&service, &["--client", "a", "--api-key-file", "api-key"]).err, "");
    let ended = asked(&service, "/revoke");
    assert_eq!(ended.len(), 1, "once, {ended:?}");
    assert_eq!((&*ended[0].body, ended[0].field("authorization")), ("token=t&token_type_hint=access_token", Some("Basic YTp3Z19h")));
    // Nobody hears it: the command has ended as it has ended.
    let told = run(&service, &["--client", "a", "--api-key-file", "away"]).err;
    assert!(told.starts_with("warning: no end of the token: 503") && told.contains("ends by itself, within 300 s"), "{told}");
    assert_eq!((asked(&service, "/revoke").len(), told.lines().count()), (2, 1), "{told}");
    // Who proves nobody of its own has nothing to say there, nor has anybody to a service that ends none.
    assert_eq!(run(&service, &["--subject-token-file", "handed"]).err, "");
    assert_eq!(run(&other, &["--client", "a", "--api-key-file", "api-key"]).err, "");
    assert_eq!((asked(&service, "/revoke").len(), asked(&other, "/token").len()), (2, 1));
}

/// STANDARDS §1.3, by name: a mismatch is rejected by our client's code; of the issuer (RFC 8414 §3.3).
#[test]
fn an_issuer_that_calls_itself_otherwise_is_asked_nothing_more() {
    let service = Upstream::start(|_| {
        Play::Answer(ok(&json!({ "issuer": "http://other.test", "token_endpoint": "http://tokens.test/token" }).to_string()))
    });
    let place = Place::bare();
    place.write("api-key", "wg_a");
    let connect = service.address.to_string();
    let usual = ["token", "--connect", &connect, "--client", "a", "--api-key-file", "api-key", "--issuer"];
    for named in ["http://tokens.test", "http://other.test/", "http://OTHER.test"] {
        let told = wardgate(place.path(), &[&usual[..], &[named]].concat()).with(1).err;
        assert!(told.contains("the issuer there calls itself `http://other.test`: name it so, exactly"), "{told}");
    }
    assert!(service.received().iter().all(|request| request.head.starts_with("GET ")), "no key was shown to it");
    wardgate(place.path(), &[&usual[..], &["http://other.test"]].concat()).with(1);
    assert_eq!(service.last().field("authorization"), Some("Basic YTp3Z19h"), "by the name that it has it is asked");
}

/// The same of what an API says of itself (RFC 9728 §3.3): what is of another resource counts for nothing.
#[test]
fn what_an_api_says_of_another_one_is_not_believed() {
    for (resource, bound) in [("http://tokens.test/b", false), ("http://tokens.test/a/", false), ("http://tokens.test/a", true)] {
        let service = Upstream::start(move |head| {
            let issuer = json!({
                "issuer": "http://tokens.test",
                "token_endpoint": "http://tokens.test/token",
                "dpop_signing_alg_values_supported": ["ES256"],
            });
            let api = json!({ "resource": resource, "dpop_bound_access_tokens_required": true });
            let token = json!({ "access_token": "t", "expires_in": 300, "token_type": "Bearer" });
            let said = match head.split(' ').nth(1) {
                Some("/token") => token,
                Some(path) if path.contains("oauth-protected-resource") => api,
                _ => issuer,
            };
            Play::Answer(ok(&said.to_string()))
        });
        let place = Place::bare();
        place.write("api-key", "wg_a");
        let (connect, key) = (service.address.to_string(), place.path().join("api-key"));
        let all = ["token", "--issuer", "http://tokens.test", "--connect", &connect, "--client", "a", "--proxy", "127.0.0.1:0"];
        let more = ["--resource", "http://tokens.test/a", "--api-key-file", key.to_str().unwrap()];
        let (forwarder, _) = Serving::tour(&[&all[..], &more].concat(), "forwarding:");
        let asked = asked(&service, "/token");
        assert_eq!((asked.len(), asked[0].field("dpop").is_some()), (1, bound), "{resource}");
        assert_eq!(forwarder.end(), Some(0));
    }
}
