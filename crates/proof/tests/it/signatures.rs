//! Signatures of HTTP requests (RFC 9421): the standard's own vectors, those of Web Bot Auth, and what STANDARDS §3.2 and §3.3 name.

use crate::forge::ANY;
use aws_lc_rs::hmac;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::{HeaderMap, HeaderName, HeaderValue, Uri, Version};
use proptest::prelude::*;
use serde_json::Value;
use std::time::Duration;
use wardgate_model::time::Time;
use wardgate_proof::{
    digest,
    jose::{algorithm::Algorithm, jwk::Key, signer::Signer},
    signature::{
        self, AGE_MAX, Fault, Signed, agent,
        component::{Form, Part},
        making::{Making, sign},
        message::Message,
    },
};

const VECTORS: &str = include_str!("../../testdata/signatures/rfc9421.json");
const ARCHITECTURE: [&str; 2] = [
    include_str!("../../testdata/signatures/web_bot_auth_architecture_v1.json"),
    include_str!("../../testdata/signatures/web_bot_auth_architecture_v2.json"),
];
const AGENTS: &str = include_str!("../../testdata/signatures/web_bot_auth_signature_agent_v1.json");
/// The shared secret of RFC 9421 §B.1.5.
const SHARED: &str = "uzvJfB4u3N0Jy4T7NZ75MDVcr8zSTInedJtkgcu46YW4XByzNJjxBdtjUkdJPBtbmHhIDi6pcl8jsasjlTMtDQ==";
const NOW: Time = Time::from_seconds(1_618_884_473);

/// A request as it was received.
struct Received {
    method: String,
    uri: Uri,
    headers: HeaderMap,
    origin: String,
}

impl Received {
    fn new(text: &str, origin: &str) -> Self {
        let mut lines = text.lines();
        let mut first = lines.next().expect("a line").split(' ');
        let (method, uri) = (first.next().expect("a method").to_owned(), first.next().expect("a target").parse().expect("a target"));
        let mut headers = HeaderMap::new();
        for line in lines {
            let (name, value) = line.split_once(':').expect("a field");
            headers.append(HeaderName::try_from(name).expect("a name"), HeaderValue::try_from(value.trim()).expect("a value"));
        }
        Self { method, uri, headers, origin: origin.to_owned() }
    }

    fn message(&self) -> Message<'_> {
        Message { method: &self.method, origin: &self.origin, uri: &self.uri, version: Version::HTTP_11, headers: &self.headers }
    }

    fn one(&self) -> Result<Signed, Fault> {
        let mut all = signature::read(&self.headers)?;
        assert_eq!(all.len(), 1, "{all:?}");
        Ok(all.remove(0))
    }

    fn verified(&self, key: &Key) -> Result<signature::Mark, Fault> {
        self.one()?.verify(key, &self.message())
    }

    /// With the fields of `change`, a line each, in the place of those of their names; an empty value takes one out.
    fn with(&self, change: &str) -> Self {
        let mut headers = self.headers.clone();
        for line in change.lines() {
            let (name, value) = line.split_once(':').expect("a field");
            let name = HeaderName::try_from(name).expect("a name");
            match value.trim() {
                "" => drop(headers.remove(name)),
                value => drop(headers.insert(name, HeaderValue::try_from(value).expect("a value"))),
            }
        }
        Self { headers, method: self.method.clone(), uri: self.uri.clone(), origin: self.origin.clone() }
    }
}

fn key(jwk: &Value) -> Key {
    let members = jwk.as_object().expect("a key").clone();
    let public = members.into_iter().filter(|(name, _)| matches!(&**name, "kty" | "crv" | "x" | "y" | "n" | "e" | "alg")).collect();
    Key::read(&public, ANY).expect("a key")
}

fn signer(algorithm: Algorithm) -> (Signer, Key) {
    let signer = Signer::load(Signer::generate_for(algorithm).expect("a key").danger_expose()).expect("a signer");
    let key = key(&signer.jwk());
    (signer, key)
}

const BODY: &str = r#"{"hello": "world"}"#;

fn post() -> Received {
    let digest = digest::of(BODY.as_bytes());
    Received::new(
        &format!("POST /foo?param=Value&Pet=dog HTTP/1.1\nHost: example.com\nContent-Digest: {digest}\nX-List: a\nX-List: b"),
        "https://example.com",
    )
}

const GOOD: &str = r#""@method" "@authority" "@path" "@query" "content-digest""#;

fn making(components: &str) -> Making<'_> {
    Making { label: "sig1", components, created: NOW, expires: None, nonce: Some("n-1"), key_id: "one", tag: None }
}

fn signed(signer: &Signer, request: &Received, components: &str) -> Received {
    let made = sign(signer, &request.message(), &making(components)).expect("signed");
    request.with(&format!("signature-input: {}\nsignature: {}", made.input, made.signature))
}

/// `sig9421_*`: §3.2 and appendix B.
#[test]
fn the_vectors_of_the_standard_verify() {
    let vectors: Value = serde_json::from_str(VECTORS).expect("JSON");
    let mut verified = 0;
    for case in vectors["cases"].as_array().expect("cases") {
        let section = case["section"].as_str().expect("a section");
        let received = Received::new(case["request"].as_str().expect("a request"), case["origin"].as_str().expect("an origin"));
        let one = received.one().expect("a signature");
        if let Some(base) = case["base"].as_str() {
            assert_eq!(one.base(&received.message()).expect("a base"), base, "{section}");
        }
        let name = one.parameters().key_id.as_deref().expect("a key's name");
        if name == "test-shared-secret" {
            // No shared secret verifies here: that the base is right is shown by a MAC of the test's own.
            let secret = hmac::Key::new(hmac::HMAC_SHA256, &STANDARD.decode(SHARED).expect("base64"));
            let mac = received.headers["signature"].to_str().expect("text").trim_start_matches("sig-b25=:").trim_end_matches(':');
            let base = one.base(&received.message()).expect("a base");
            assert!(hmac::verify(&secret, base.as_bytes(), &STANDARD.decode(mac).expect("base64")).is_ok());
            continue;
        }
        assert_eq!(one.verify(&key(&vectors["keys"][name]), &received.message()).is_ok(), case["verifies"] == true, "{section}");
        verified += usize::from(case["verifies"] == true);
        let body = case["body"].as_str().expect("a body");
        assert!(
            body.is_empty() || section == "B.3" || digest::fits(&received.headers, &digest::CONTENT, body.as_bytes()).expect("digests")
        );
    }
    assert_eq!(verified, 10);
}

/// `wba_*`: the vectors of the drafts.
#[test]
fn the_vectors_of_web_bot_auth_verify() {
    let (mut count, mut agents) = (0, Vec::new());
    for case in ARCHITECTURE.into_iter().flat_map(|file| serde_json::from_str::<Vec<Value>>(file).expect("cases")) {
        let text = |name: &str| case[name].as_str().expect("text");
        let uri: Uri = text("target_url").parse().expect("an address");
        let origin = format!("https://{}", uri.authority().expect("an authority"));
        let mut received = Received::new(&format!("GET {} HTTP/1.1", uri.path()), &origin);
        received = received.with(&format!("signature-input: {}\nsignature: {}", text("signature_input"), text("signature")));
        if let Some(agent) = case["signature_agent"].as_str() {
            received = received.with(&format!("signature-agent: {agent}"));
        }
        let one = received.one().expect("a signature");
        let key = key(&case["key"]);
        assert_eq!(one.label(), text("label"));
        assert!(one.verify(&key, &received.message()).is_ok(), "{case}");
        // The name of the key is its thumbprint.
        assert_eq!(one.parameters().key_id.as_deref(), Some(key.thumbprint()));
        assert_eq!((one.parameters().tag.as_deref(), one.parameters().nonce.as_deref()), (Some(agent::TAG), case["nonce"].as_str()));
        agents.extend(agent::of(&one, &received.headers).expect("a field").map(|agent| agent.url));
        count += 1;
    }
    assert_eq!((count, agents.len()), (8, 4), "every second one says who it is");
    assert!(agents.iter().all(|url| **url == *"https://signature-agent.test"));
}

#[test]
fn an_agent_is_who_is_covered() {
    let (signer, _) = signer(Algorithm::Ed25519);
    let said = |field: &str, component: &str| {
        let request = post().with(&format!("signature-agent: {field}"));
        let received = signed(&signer, &request, component);
        agent::of(&received.one().expect("one"), &received.headers).map(|agent| agent.map(|agent| (agent.url.into_string(), agent.kind)))
    };
    for case in serde_json::from_str::<Vec<Value>>(AGENTS).expect("cases") {
        let entry = &case["entries"][0];
        let (url, kind) =
            said(case["header"].as_str().expect("a field"), r#""signature-agent";key="sig1""#).expect("a field").expect("one");
        let kind = match kind {
            agent::AgentKind::Directory => "directory",
            agent::AgentKind::KeySet => "jwks_uri",
            agent::AgentKind::Card => "cimd",
        };
        assert_eq!((&*url, kind), (entry["uri"].as_str().expect("a URI"), entry["type"].as_str().expect("a type")));
    }
    let member = r#""signature-agent";key="sig1""#;
    for (field, component) in [
        (r#"sig1="https://bot.example""#, "\"@authority\""),
        (r#"sig1="https://bot.example", b="https://other.example""#, r#""signature-agent""#),
        (r#"sig1="http://bot.example""#, member),
        (r#"sig1="bot.example""#, member),
        ("sig1=bot", member),
        (r#"sig1="https://bot.example";type=later"#, member),
        (r#"sig1="https://bot.example";type="directory""#, member),
        (r#"sig1="https://bot.example", b="https://other.example""#, r#""signature-agent";key="sig1" "signature-agent";key="b""#),
        ("\"http://bot.example\"", r#""signature-agent""#),
        ("https", r#""signature-agent""#),
    ] {
        assert_eq!(said(field, component), Ok(None), "{field} {component}");
    }
    // Drafts before had one string.
    assert!(said("\"https://bot.example\"", r#""signature-agent""#).expect("a field").is_some());
    // A key that stands there twice has no value to sign.
    let twice = post().with(r#"signature-agent: sig1="https://a.example", sig1="https://b.example""#);
    assert!(sign(&signer, &twice.message(), &making(member)).is_err());
}

/// STANDARDS §3.2, TEST and BOTCHED by name.
#[test]
fn what_was_signed_is_what_counts() {
    for algorithm in [Algorithm::Ed25519, Algorithm::Es256] {
        let (signer, key) = signer(algorithm);
        let good = signed(&signer, &post(), GOOD);
        let mark = good.verified(&key).expect("good");
        assert_eq!(good.verified(&key), Ok(mark), "the same call has the same mark");
        let mut other = good.with("x-more: not covered");
        assert_eq!(other.verified(&key), Ok(mark));
        other = good.with("content-digest: sha-256=:AAAA:");
        assert_eq!(other.verified(&key), Err(Fault::Signature));
        for uri in ["/foo?param=Value&Pet=cat", "/foo", "/foo?", "/Foo?param=Value&Pet=dog", "/foo?param=Value&Pet=do%67"] {
            let changed = Received { uri: uri.parse().expect("a target"), ..good.with("") };
            assert_eq!(changed.verified(&key), Err(Fault::Signature), "{uri}");
        }
        let changed = Received { method: "PUT".to_owned(), ..good.with("") };
        assert_eq!(changed.verified(&key), Err(Fault::Signature));
        let changed = Received { origin: "https://other.example".to_owned(), ..good.with("") };
        assert_eq!(changed.verified(&key), Err(Fault::Signature), "signed for somebody else");
        let (_, stranger) = self::signer(algorithm);
        assert_eq!(good.verified(&stranger), Err(Fault::Signature));
        let (_, other_kind) = self::signer(if algorithm == Algorithm::Es256 { Algorithm::Ed25519 } else { Algorithm::Es256 });
        assert_eq!(good.verified(&other_kind), Err(Fault::Algorithm));
        // Whatever is said of the signature is signed too.
        let input = good.headers["signature-input"].to_str().expect("text").to_owned();
        for (from, to) in
            [("n-1", "n-2"), ("1618884473", "1618884474"), (";keyid=\"one\"", ""), (" \"@query\"", ""), ("\"one\"", "\"two\"")]
        {
            let changed = good.with(&format!("signature-input: {}", input.replacen(from, to, 1)));
            assert_eq!(changed.verified(&key), Err(Fault::Signature), "{from} {to}");
        }
        // `alg` is the key's, or it is nothing: also where it is a MAC under the public key.
        let named = format!("alg=\"{}\"", signature::name(algorithm).expect("a name"));
        assert!(input.contains(&named), "{input}");
        let changed = good.with(&format!("signature-input: {}", input.replacen(&named, "alg=\"hmac-sha256\"", 1)));
        assert_eq!(changed.verified(&key), Err(Fault::Algorithm));
    }
}

#[test]
fn a_signature_of_ecdsa_is_not_der() {
    let (signer, key) = signer(Algorithm::Es256);
    let good = signed(&signer, &post(), GOOD);
    let text = good.headers["signature"].to_str().expect("text");
    let raw = STANDARD.decode(text.trim_start_matches("sig1=:").trim_end_matches(':')).expect("base64");
    assert_eq!(raw.len(), 64);
    let integer = |half: &[u8]| {
        let first = half.iter().position(|byte| *byte != 0).expect("not zero");
        let mut bytes = half[first..].to_vec();
        if bytes[0] >= 0x80 {
            bytes.insert(0, 0);
        }
        [vec![2, u8::try_from(bytes.len()).expect("short")], bytes].concat()
    };
    let both = [integer(&raw[..32]), integer(&raw[32..])].concat();
    let der = [vec![0x30, u8::try_from(both.len()).expect("short")], both].concat();
    let changed = good.with(&format!("signature: sig1=:{}:", STANDARD.encode(&der)));
    assert_eq!(changed.verified(&key), Err(Fault::Signature));
    // Whoever catches it can write it anew, and the mark stays: by that it is known again.
    let mark = good.verified(&key).expect("good");
    assert_eq!(signed(&signer, &post(), GOOD).verified(&key), Ok(mark));
}

#[test]
fn labels_belong_together_and_stand_once() {
    let (signer, key) = signer(Algorithm::Ed25519);
    let good = signed(&signer, &post(), GOOD);
    let (input, text) = (good.headers["signature-input"].to_str().expect("text"), good.headers["signature"].to_str().expect("text"));
    let refused = |change: &str| good.with(change).one().expect_err("refused").to_string();
    let labels = "`Signature` and `Signature-Input` do not name the same signatures";
    assert_eq!(refused(&format!("signature: {}", text.replacen("sig1", "sig2", 1))), labels);
    assert_eq!(refused("signature:"), labels);
    assert_eq!(refused("signature-input:"), labels);
    assert_eq!(refused(&format!("signature: {text}, sig2={}", &text["sig1=".len()..])), labels);
    assert_eq!(refused(&format!("signature-input: {input}, {input}")), "`signature-input` has a key twice");
    assert_eq!(refused(&format!("signature: {text}, {text}")), "`signature` has a key twice");
    assert_eq!(refused("signature-input: sig1=\"@method\""), "the signature `sig1` is no list of components, or no bytes");
    assert_eq!(refused("signature: sig1=(\"a\")"), "the signature `sig1` is no list of components, or no bytes");
    assert_eq!(refused("signature: sig1=\"a\""), "the signature `sig1` is no list of components, or no bytes");
    // Its name is not signed: under another one, in both, it is the same.
    let renamed = format!("signature-input: {}\nsignature: {}", input.replacen("sig1", "b", 1), text.replacen("sig1", "b", 1));
    assert!(good.with(&renamed).verified(&key).is_ok());
    let five: Vec<String> = (0..5).map(|at| format!("s{at}=()")).collect();
    let bytes: Vec<String> = (0..5).map(|at| format!("s{at}=:AA==:")).collect();
    let change = format!("signature-input: {}\nsignature: {}", five.join(", "), bytes.join(", "));
    assert_eq!(refused(&change), "there are more than 4 signatures");
    assert!(signature::read(&post().headers).expect("none").is_empty());
}

#[test]
fn components_are_of_this_request_and_stand_once() {
    let (signer, key) = signer(Algorithm::Ed25519);
    let request = post().with("priority: u=1,  i\ncookie: a=1");
    let base = |components: &str| {
        let text = signed(&signer, &request, components);
        assert!(text.verified(&key).is_ok(), "{components}");
        let base = text.one().expect("one").base(&text.message()).expect("a base");
        base.split_once("\n\"@signature-params\"").expect("parameters").0.to_owned()
    };
    for (components, expected) in [
        (r#""@target-uri""#, r#""@target-uri": https://example.com/foo?param=Value&Pet=dog"#),
        (r#""@scheme" "@request-target""#, "\"@scheme\": https\n\"@request-target\": /foo?param=Value&Pet=dog"),
        (r#""@query-param";name="Pet""#, r#""@query-param";name="Pet": dog"#),
        (r#""x-list""#, r#""x-list": a, b"#),
        (r#""x-list";bs"#, r#""x-list";bs: :YQ==:, :Yg==:"#),
        (r#""priority""#, r#""priority": u=1,  i"#),
        (r#""priority";sf"#, r#""priority";sf: u=1, i"#),
        (r#""priority";key="i""#, r#""priority";key="i": ?1"#),
        (r#""cookie";key="a""#, r#""cookie";key="a": 1"#),
    ] {
        assert_eq!(base(components), expected);
    }
    for components in [
        r#""@status""#,
        r#""@signature-params""#,
        r#""@nothing""#,
        r#""@method";req"#,
        r#""x-list";req"#,
        r#""x-list";tr"#,
        r#""x-list";x"#,
        r#""x-list";sf"#,
        r#""x-list";bs;sf"#,
        r#""x-list";bs;key="a""#,
        r#""x-list";key="c""#,
        r#""x-list";name="c""#,
        r#""priority";key="x""#,
        r#""priority";key=u"#,
        r#""priority";sf=?0"#,
        r#""@path";sf"#,
        r#""@method";name="a""#,
        r#""@query-param""#,
        r#""@query-param";name="pet""#,
        r#""@query-param";name=Pet"#,
        r#""X-List""#,
        r#""x list""#,
        r#""date""#,
        "1",
        "method",
        r#""@method" "@method""#,
        r#""x-list" "x-list""#,
        r#""priority";key="u" "priority";sf;key="u""#,
    ] {
        assert!(sign(&signer, &request.message(), &making(components)).is_err(), "{components}");
    }
    let many: Vec<String> = (0..33).map(|at| format!("\"x-{at}\"")).collect();
    assert!(sign(&signer, &request.message(), &making(&many.join(" "))).is_err_and(|why| why.to_string().starts_with("more than 32")));
    // Not ASCII: only as bytes.
    let mut odd = post();
    odd.headers.insert("x-odd", HeaderValue::from_bytes(b"\xe9").expect("a value"));
    assert!(sign(&signer, &odd.message(), &making(r#""x-odd""#)).is_err());
    assert!(sign(&signer, &odd.message(), &making(r#""x-odd";bs"#)).is_ok());
}

/// The absolute form is what HTTP/1 has in its first line, and HTTP/2 has not.
#[test]
fn the_target_is_as_it_was_sent() {
    let headers = HeaderMap::new();
    for (uri, version, target, query) in [
        ("/foo?a=1", Version::HTTP_11, "/foo?a=1", Some("a=1")),
        ("https://Example.com/foo?a=1", Version::HTTP_11, "https://Example.com/foo?a=1", Some("a=1")),
        ("https://Example.com/foo?a=1", Version::HTTP_2, "/foo?a=1", Some("a=1")),
        ("https://example.com", Version::HTTP_2, "/", None),
        ("/foo%2dbar?", Version::HTTP_11, "/foo%2dbar?", Some("")),
    ] {
        let uri: Uri = uri.parse().expect("a target");
        let message = Message { method: "GET", origin: "https://example.com:8443", uri: &uri, version, headers: &headers };
        assert_eq!((&*message.target(), message.query()), (target, query), "{uri}");
        assert_eq!((message.scheme(), message.authority()), ("https", "example.com:8443"));
    }
}

#[test]
fn covering_more_covers_what_is_in_it() {
    let (signer, _) = signer(Algorithm::Ed25519);
    let covers = |components: &str, part: &Part| signed(&signer, &post(), components).one().expect("one").covers(part);
    let digest = Part::field(digest::CONTENT);
    for (components, part, expected) in [
        ("", Part::Method, false),
        (r#""@method""#, Part::Method, true),
        (r#""@target-uri""#, Part::Authority, true),
        (r#""@target-uri""#, Part::Path, true),
        (r#""@target-uri""#, Part::Query, true),
        (r#""@target-uri""#, Part::Method, false),
        (r#""@request-target""#, Part::Path, true),
        (r#""@request-target""#, Part::Query, true),
        (r#""@request-target""#, Part::Authority, false),
        (r#""@path""#, Part::Query, false),
        (r#""@query-param";name="Pet""#, Part::Query, false),
        (r#""host""#, Part::Authority, false),
        (r#""content-digest""#, digest.clone(), true),
        (r#""content-digest";sf"#, digest.clone(), true),
        (r#""content-digest";bs"#, digest.clone(), true),
        (r#""content-digest";key="sha-256""#, digest.clone(), false),
        (r#""content-digest";key="sha-256""#, Part::Field(digest::CONTENT, Form::Member("sha-256".into())), true),
    ] {
        assert_eq!(covers(components, &part), expected, "{components} {part:?}");
    }
}

/// −60 s and +5 s, each with the skew of 30 s; `expires` can only shorten that.
#[test]
fn a_signature_counts_for_a_short_while() {
    let (signer, _) = signer(Algorithm::Ed25519);
    let made = |expires: Option<i64>| {
        let request = post();
        let expires = expires.map(|seconds| Time::from_seconds(NOW.as_seconds() + seconds));
        let made = sign(&signer, &request.message(), &Making { expires, ..making(GOOD) }).expect("signed");
        request.with(&format!("signature-input: {}\nsignature: {}", made.input, made.signature)).one().expect("one")
    };
    let at =
        |one: &Signed, seconds: i64, micros: i64| one.made(AGE_MAX, Time::from_micros((NOW.as_seconds() + seconds) * 1_000_000 + micros));
    let one = made(None);
    let end = Time::from_micros((NOW.as_seconds() + 90) * 1_000_000 + 1);
    assert_eq!(at(&one, 0, 0), Ok((NOW, end)));
    assert!(at(&one, 90, 0).is_ok() && at(&one, -35, 0).is_ok());
    assert_eq!((at(&one, 90, 1), at(&one, -35, -1)), (Err(Fault::Old), Err(Fault::Early)));
    let short = made(Some(10));
    assert_eq!(at(&short, 0, 0), Ok((NOW, Time::from_micros((NOW.as_seconds() + 40) * 1_000_000 + 1))));
    assert!(at(&short, 40, 0).is_ok());
    assert_eq!(at(&short, 40, 1), Err(Fault::Expired));
    let long = made(Some(1_000_000));
    assert_eq!((at(&long, 0, 0), at(&long, 91, 0)), (Ok((NOW, end)), Err(Fault::Old)), "`expires` lengthens nothing");
    assert_eq!(at(&made(Some(-1)), 0, 0), Err(Fault::Expired), "over before it was made");
    assert_eq!(long.made(Duration::from_hours(1), NOW + Duration::from_hours(1)).map(|(made, _)| made), Ok(NOW));
    // Without `created` nobody knows.
    let bare = post().with("signature-input: sig1=(\"@method\");keyid=\"a\"\nsignature: sig1=:AA==:");
    assert_eq!(bare.one().expect("one").made(AGE_MAX, NOW), Err(Fault::Missing("created")));
    for parameter in
        ["created=1.5", "created=-1", "created=999999999999999", "created=\"1\"", "nonce=1", "keyid=a", "alg=ed25519", "tag=:AA==:"]
    {
        let name = parameter.split('=').next().expect("a name");
        let change = format!("signature-input: sig1=();{parameter}\nsignature: sig1=:AA==:");
        assert_eq!(post().with(&change).one().expect_err("ill-formed").to_string(), format!("the parameter `{name}` is ill-formed"));
    }
    let long = format!("signature-input: sig1=();nonce=\"{}\"\nsignature: sig1=:AA==:", "x".repeat(257));
    assert_eq!(post().with(&long).one().expect_err("long"), Fault::Parameter("nonce"));
}

proptest! {
    /// Whatever stands in the fields is read or refused, and what is read can be asked for its base.
    #[test]
    fn no_bytes_make_it_panic(input in "[ -~\t]{0,200}", text in "[ -~\t]{0,80}", agent in "[ -~]{0,80}") {
        let mut headers = HeaderMap::new();
        for (name, value) in [("signature-input", &input), ("signature", &text), ("signature-agent", &agent), ("content-digest", &agent)] {
            headers.insert(name, HeaderValue::from_str(value).expect("visible"));
        }
        let _ = digest::fits(&headers, &digest::CONTENT, text.as_bytes());
        let received = Received { headers, ..post() };
        for one in signature::read(&received.headers).unwrap_or_default() {
            let _ = (one.base(&received.message()), one.made(AGE_MAX, NOW), agent::of(&one, &received.headers));
        }
    }
}
