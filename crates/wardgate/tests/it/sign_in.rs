//! People sign in at a real issuer, in a browser and for a command; and everything that must not pass for it.

use crate::{
    gate::{Gate, Place, until},
    http::{Answer, Line, ask, bearer},
    process::wardgate,
};
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    io::{BufRead as _, BufReader},
    net::SocketAddr,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::{Child, ChildStdout, Command, Stdio},
};

/// `oidc-provider` with people.
struct Issuer {
    child: Child,
    address: SocketAddr,
    /// Kept open: it ends when it has something to say that nobody can read.
    _says: BufReader<ChildStdout>,
}

impl Issuer {
    fn start() -> Self {
        let target = PathBuf::from(env!("CARGO_BIN_EXE_wardgate")).parent().and_then(Path::parent).unwrap().to_owned();
        let modules = target.join("issuer/node_modules");
        assert!(modules.join("oidc-provider").is_dir(), "`{}` lacks oidc-provider: run `./check`, which brings it", modules.display());
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/peers/people.mjs");
        let mut node = Command::new("node");
        node.arg(script).arg(modules.join("of-here.js")).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = node.spawn().unwrap();
        let (mut line, mut says) = (String::new(), BufReader::new(child.stdout.take().unwrap()));
        says.read_line(&mut line).unwrap();
        Self { child, address: ([127, 0, 0, 1], line.trim().parse().unwrap()).into(), _says: says }
    }

    fn told(&self, what: &str, said: &str) {
        assert_eq!(ask(self.address, &format!("POST {what}"), &[], said).body, "done");
    }

    /// What is known of somebody.
    fn knows(&self, person: &Value) {
        self.told("/person", &person.to_string());
    }

    /// Who sits before the browser.
    fn is(&self, subject: &str) {
        self.told("/is", subject);
    }
}

impl Drop for Issuer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A browser: it goes where it is led, and keeps cookies, a jar for each origin.
struct Browser<'a> {
    gate: &'a Gate,
    jar: BTreeMap<String, BTreeMap<String, String>>,
}

impl<'a> Browser<'a> {
    fn new(gate: &'a Gate) -> Self {
        Self { gate, jar: BTreeMap::new() }
    }

    /// One request, no further.
    fn ask(&mut self, what: &str, fields: &[(&str, &str)]) -> Answer {
        let (method, url) = what.split_once(' ').unwrap();
        let (scheme, rest) = url.split_once("://").unwrap();
        let (host, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let address = if scheme == "https" { self.gate.admin } else { host.parse().unwrap() };
        let jar = self.jar.entry(format!("{scheme}://{host}")).or_default();
        let cookies: Vec<String> = jar.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let mut head = format!("{method} {} HTTP/1.1\r\nHost: {host}\r\n", if path.is_empty() { "/" } else { path });
        if !cookies.is_empty() {
            head.push_str(&format!("Cookie: {}\r\n", cookies.join("; ")));
        }
        for (name, value) in fields {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        if method == "POST" {
            head.push_str("Content-Length: 0\r\n");
        }
        let mut line = Line::open(address);
        line.send(&format!("{head}\r\n"));
        let answer = line.answer().unwrap_or_else(|| panic!("no answer to `{what}`"));
        for cookie in set_cookies(&answer) {
            let (pair, flags) = cookie.split_once(';').unwrap_or((cookie, ""));
            let (name, value) = pair.split_once('=').unwrap();
            let over = value.is_empty() || flags.contains("Max-Age=0") || flags.contains("1970");
            if over {
                jar.remove(name)
            } else {
                jar.insert(name.to_owned(), value.to_owned())
            };
        }
        answer
    }

    /// Goes where it is led until a page comes, or until it would leave for `stop`: the page, or where it would go.
    fn walk(&mut self, url: &str, stop: &str) -> Result<Answer, String> {
        let mut at = url.to_owned();
        for _ in 0..12 {
            let answer = self.ask(&format!("GET {at}"), &[]);
            let Some(to) = answer.field("location").map(str::to_owned) else { return Ok(answer) };
            let origin = at.split('/').take(3).collect::<Vec<_>>().join("/");
            at = if to.starts_with('/') { format!("{origin}{to}") } else { to };
            if !stop.is_empty() && at.starts_with(stop) {
                return Err(at);
            }
        }
        panic!("led in a circle to {at}")
    }

    /// Signs in: the page that stands at the end.
    fn sign_in(&mut self) -> Answer {
        self.walk("https://admin.test/sign-in/start", "").unwrap()
    }

    /// As far as the address that the issuer leads back to.
    fn led_back(&mut self) -> String {
        self.walk("https://admin.test/sign-in/start", "https://admin.test/sign-in/callback").unwrap_err()
    }

    /// The session that a page of ours would send.
    fn api(&mut self, what: &str, fields: &[(&str, &str)]) -> Answer {
        let (method, path) = what.split_once(' ').unwrap();
        let all: Vec<_> = [("Sec-Fetch-Site", "same-origin")].into_iter().chain(fields.iter().copied()).collect();
        self.ask(&format!("{method} https://admin.test{path}"), &all)
    }

    fn session(&self) -> String {
        self.jar["https://admin.test"]["__Host-wardgate-session"].clone()
    }
}

fn set_cookies(answer: &Answer) -> Vec<&str> {
    let fields = answer.head.lines().filter_map(|line| line.split_once(": "));
    fields.filter(|(name, _)| name.eq_ignore_ascii_case("set-cookie")).map(|(_, value)| value.trim()).collect()
}

const OWNERS: &str = "\
kind: Owner
name: guards
spec: { accountable: cy@example.com, deputy: di@example.com, contact: guards@example.com }
";

/// A gate at which people sign in: in browsers behind TLS, or for commands only.
fn place(issuer: &Issuer, more: &str) -> Place {
    let place = Place::bare();
    place.write("resources/owners.yaml", OWNERS);
    place.write("client.secret", "of-the-test\n");
    let sign_in = format!(
        "sign_in: {{ issuer: 'http://{}', {more}, scopes: [email, groups], environment: production, networks: [127.0.0.0/8], \
         roles: {{ ops: [operator], sec: [security], all: [admin] }}, owners: {{ shop: shop-team, guard: guards, ghost: ghosts }} }}",
        issuer.address
    );
    place.change("wardgate.yaml", "address: '127.0.0.1:0' }\nsecrets", &format!("address: '127.0.0.1:0', {sign_in} }}\nsecrets"));
    place
}

const BROWSERS: &str = "client_id: browsers, client_secret: file:client.secret, url: 'https://admin.test'";
const COMMANDS: &str = "client_id: commands";

fn whoami(gate: &Gate, token: &str) -> Answer {
    ask(gate.admin, "GET /api/v1/whoami", &[("Authorization", &bearer(token))], "")
}

#[test]
fn a_person_signs_in_with_a_browser_and_out_again() {
    let issuer = Issuer::start();
    issuer.knows(&json!({ "sub": "ada", "groups": ["all", "shop"], "email": "ada@example.com", "email_verified": true }));
    issuer.is("ada");
    let place = place(&issuer, BROWSERS);
    let gate = place.serve();
    let mut browser = Browser::new(&gate);
    let page = browser.ask("GET https://admin.test/sign-in", &[]);
    assert!(page.status == 200 && page.body.contains("https://admin.test/sign-in/start"), "{page:?}");
    assert!(page.field("content-security-policy").is_some_and(|policy| policy.contains("default-src 'none'")));
    assert_eq!(browser.ask("GET https://admin.test/sign-in/start", &[("Sec-Fetch-Site", "cross-site")]).status, 403);
    let signed_in = browser.sign_in();
    assert_eq!(signed_in.status, 200, "{signed_in:?}");
    let cookies = set_cookies(&signed_in);
    let cookie = cookies.iter().find(|cookie| cookie.starts_with("__Host-wardgate-session=wgs_")).unwrap();
    for flag in ["; Path=/;", "; HttpOnly", "; SameSite=Strict", "; Secure"] {
        assert!(cookie.contains(flag), "{cookie}");
    }
    let mine = browser.api("GET /api/v1/whoami", &[]).json();
    assert_eq!((&mine["roles"], &mine["owner"], &mine["proof"]), (&json!(["admin"]), &json!("shop-team"), &json!("session")));
    let name = mine["identity"].as_str().unwrap().to_owned();
    assert!(name.starts_with("wardgate-person-"), "{mine}");

    // What another site could cause is nobody's act.
    for (what, fields) in [
        ("GET https://admin.test/api/v1/whoami", &[][..]),
        ("GET https://admin.test/api/v1/whoami", &[("Sec-Fetch-Site", "cross-site")]),
        ("GET https://admin.test/api/v1/whoami", &[("Sec-Fetch-Site", "same-site")]),
        ("DELETE https://admin.test/api/v1/sessions/current", &[("Sec-Fetch-Site", "same-origin")]),
        ("DELETE https://admin.test/api/v1/sessions/current", &[("Wardgate-Csrf", "1")]),
        ("DELETE https://admin.test/api/v1/sessions/current", &[("Wardgate-Csrf", "1"), ("Origin", "https://evil.test")]),
    ] {
        assert_eq!(browser.ask(what, fields).said(), "401 credential.missing", "{what} {fields:?}");
    }
    // Nobody makes it last, and nobody else comes in by it.
    let renewed = browser.api("POST /api/v1/sessions/renew", &[("Wardgate-Csrf", "1")]);
    assert_eq!(renewed.said(), "409 console.conflict");
    let issued = place.manage(&gate, "POST /api/v1/credentials", &json!({ "identity": name, "kind": "sign_in" }));
    assert_eq!(issued.said(), "422 console.unfit", "{issued:?}");
    let spec = json!({ "type": "bot", "owner": "guards", "environment": "production", "purpose": "p", "roles": ["admin"] });
    let put = place.manage(&gate, &format!("PUT /api/v1/resources/Identity/{name}"), &json!({ "spec": spec }));
    assert_eq!(put.said(), "422 console.diagnostics", "{put:?}");

    let token = browser.session();
    assert_eq!(browser.api("DELETE /api/v1/sessions/current", &[("Wardgate-Csrf", "1")]).status, 204);
    assert_eq!(browser.api("GET /api/v1/whoami", &[]).status, 401);
    assert_eq!(whoami(&gate, &token).status, 401);
    let text = until("the events of it", || {
        let text: String = place.events().iter().map(|event| format!("{event}\n")).collect();
        (text.contains("sign-in at http://") && text.contains("sign-out")).then_some(text)
    });
    assert!(!text.contains("wgs_") && !text.contains("code="), "no secret is in the record");
    assert!(text.lines().any(|event| event.contains("GET /sign-in/callback") && event.contains("\"client_status\":200")), "{text}");
}

#[test]
fn groups_are_asked_for_at_each_sign_in() {
    let issuer = Issuer::start();
    issuer.is("bo");
    let place = place(&issuer, BROWSERS);
    let gate = place.serve();
    let sign_in = |groups: &[&str]| {
        issuer.knows(&json!({ "sub": "bo", "groups": groups }));
        let mut browser = Browser::new(&gate);
        let page = browser.sign_in();
        if page.status == 200 { Ok(browser.session()) } else { Err((page.status, page.body)) }
    };
    let roles = |token: &str| whoami(&gate, token).json()["roles"].clone();
    let first = sign_in(&["shop", "ops", "sec"]).unwrap();
    assert_eq!(roles(&first), json!(["operator", "security"]));
    let second = sign_in(&["shop", "ops"]).unwrap();
    assert_eq!((roles(&second), roles(&first)), (json!(["operator"]), json!(["operator"])), "what was lost is lost in every session");
    let (status, page) = sign_in(&["shop"]).unwrap_err();
    assert!(status == 403 && page.contains("none of your groups has a role"), "{page}");
    assert_eq!(whoami(&gate, &first).said(), "403 standing.denied", "who is nobody here has no power left");
    let (_, page) = sign_in(&["ops"]).unwrap_err();
    assert!(page.contains("none of your groups says for which Owner"), "{page}");
    let (_, page) = sign_in(&["ops", "shop", "guard"]).unwrap_err();
    assert!(page.contains("`guards` and `shop-team`"), "{page}");
    let third = sign_in(&["guard", "ops"]).unwrap();
    assert_eq!(whoami(&gate, &third).json()["owner"], "guards");
    let (_, page) = sign_in(&["ghost", "ops"]).unwrap_err();
    assert!(page.contains("the Owner `ghosts`, for which you would act, is not on record"), "{page}");
    assert_eq!(whoami(&gate, &third).said(), "403 standing.denied", "nor has it any power of before");
    let third = sign_in(&["guard", "ops"]).unwrap();
    let name = whoami(&gate, &third).json()["identity"].as_str().unwrap().to_owned();
    let contained = place.manage(&gate, "POST /api/v1/containments", &json!({ "kind": "identity", "name": name, "reason": "test" }));
    assert!(contained.status < 300, "{contained:?}");
    assert_eq!(whoami(&gate, &third).said(), "403 identity.contained");
    let (status, page) = sign_in(&["guard", "ops"]).unwrap_err();
    assert!(status == 403 && page.contains("is contained"), "{page}");
    until("the finding", || place.events().iter().any(|event| event.to_string().contains("sign_in.refused")).then_some(()));
}

#[test]
fn two_people_of_two_owners_are_a_second_person_to_one_another() {
    let issuer = Issuer::start();
    for (sub, group, address) in [("ada", "shop", "ada@example.com"), ("cy", "guard", "cy@example.com"), ("bo", "shop", "bo@example.com")] {
        issuer.knows(&json!({ "sub": sub, "groups": ["all", group], "email": address, "email_verified": true }));
    }
    // Somebody who has another identity here.
    let place = place(&issuer, BROWSERS);
    place.write(
        "resources/other.yaml",
        "kind: Owner\nname: third\nspec: { accountable: eve@example.com, deputy: fay@example.com, contact: third@example.com }\n---\n\
         kind: Identity\nname: other-ada\nspec: { type: service_account, owner: third, environment: production, purpose: decides, \
         roles: [admin], tags: { person: Ada@example.com } }\n---\n\
         kind: Identity\nname: leaky\nspec: { type: bot, owner: shop-team, environment: production, purpose: leaks }\n",
    );
    let gate = place.serve();
    let token = |who: &str| {
        issuer.is(who);
        let mut browser = Browser::new(&gate);
        assert_eq!(browser.sign_in().status, 200);
        browser.session()
    };
    let other = place.manage(&gate, "POST /api/v1/credentials", &json!({ "identity": "other-ada", "kind": "sign_in" })).json();
    let other = ask(gate.admin, "POST /api/v1/sessions", &[("Authorization", &bearer(other["key"].as_str().unwrap()))], "").json();
    let other = other["token"].as_str().unwrap().to_owned();
    let (ada, bo, cy) = (token("ada"), token("bo"), token("cy"));
    let call = |token: &str, what: &str, body: &Value| {
        let fields = [("Authorization", bearer(token)), ("Content-Type", "application/json".to_owned())];
        let body = if body.is_null() { String::new() } else { body.to_string() };
        ask(gate.admin, what, &fields.each_ref().map(|(name, value)| (*name, value.as_str())), &body)
    };
    let reason = json!({ "reason": "checked" });
    let contained = call(&ada, "POST /api/v1/containments", &json!({ "kind": "identity", "name": "leaky", "reason": "leaked" }));
    assert!(contained.status < 300, "{contained:?}");
    let released = call(&ada, "DELETE /api/v1/containments/identity/leaky?reason=mended", &Value::Null);
    assert_eq!(released.status, 202, "{released:?}");
    let id = released.json()["id"].as_str().unwrap().to_owned();
    let approve = format!("POST /api/v1/approvals/{id}/approve");
    assert_eq!(call(&ada, &approve, &reason).said(), "403 console.undecidable", "herself");
    assert_eq!(call(&bo, &approve, &reason).said(), "403 console.undecidable", "of her owner");
    let same = call(&other, &approve, &reason);
    assert_eq!(same.said(), "403 console.undecidable", "the same person by another name");
    assert!(same.body.contains("other-ada"), "{same:?}");
    assert_eq!(call(&cy, &approve, &reason).status, 200, "another person of another owner");
}

#[test]
fn what_was_not_begun_here_or_is_not_for_us_counts_for_nothing() {
    let issuer = Issuer::start();
    issuer.knows(&json!({ "sub": "ada", "groups": ["all", "shop"] }));
    issuer.is("ada");
    let place = place(&issuer, BROWSERS);
    let gate = place.serve();
    let refused = |answer: &Answer, why: &str| {
        assert!(answer.status >= 400 && answer.body.contains(why), "`{why}`: {answer:?}");
        assert!(!set_cookies(answer).iter().any(|cookie| cookie.contains("session=wgs_")), "{answer:?}");
    };
    // Of another browser: login CSRF (RFC 9700 §4.7).
    let (mut mine, mut theirs) = (Browser::new(&gate), Browser::new(&gate));
    let (back, other) = (mine.led_back(), theirs.led_back());
    assert!(back.contains("&iss=http") || back.contains("?iss=http"), "{back}");
    refused(&Browser::new(&gate).ask(&format!("GET {back}"), &[]), "has begun no such sign-in");
    refused(&mine.ask(&format!("GET {other}"), &[]), "has begun no such sign-in");
    // That ended it.
    refused(&mine.ask(&format!("GET {back}"), &[]), "has begun no such sign-in");
    // Again: the cookie of the first time is put back.
    let kept = theirs.jar.clone();
    assert_eq!(theirs.ask(&format!("GET {other}"), &[]).status, 200);
    theirs.jar = kept;
    refused(&theirs.ask(&format!("GET {other}"), &[]), "came back before");
    // The answer of another issuer (RFC 9207), one that says nothing, one with two codes, one that refuses.
    let changed = |change: &dyn Fn(&str) -> String, why: &str| {
        let mut browser = Browser::new(&gate);
        let back = browser.led_back();
        refused(&browser.ask(&format!("GET {}", change(&back)), &[]), why);
    };
    let iss = |back: &str| back.split(['?', '&']).find(|pair| pair.starts_with("iss=")).unwrap().to_owned();
    changed(&|back| back.replace(&iss(back), "iss=https%3A%2F%2Fevil.example"), "another issuer");
    changed(&|back| back.replace(&iss(back), "nothing=here"), "another issuer");
    changed(&|back| format!("{back}&code=another"), "cannot be read");
    changed(&|back| format!("{back}&error=access_denied%3Cscript%3E"), "the issuer refused: `access_denied&lt;script&gt;`");
    changed(&|back| back.replace("code=", "code=x"), "does not hold here");
    changed(&|back| back.replace("code=", "cod="), "brought no code");
    for what in ["nonce", "unsaid", "audience", "audiences", "party", "issuer", "expired", "unsigned", "key"] {
        issuer.told("/crooked", what);
        let answer = Browser::new(&gate).sign_in();
        refused(&answer, "does not hold here");
    }
    issuer.told("/crooked", "straight");
    assert_eq!(Browser::new(&gate).sign_in().status, 200);
    // Where a command would wait that is none.
    for foreign in ["https%3A%2F%2Fevil.example%2F", "http%3A%2F%2F127.0.0.1%3A80%2Fx", "http%3A%2F%2Flocalhost%3A80%2F"] {
        let query = format!("redirect_uri={foreign}&code_challenge={}&code_challenge_method=S256&state=s", "c".repeat(43));
        for path in ["/sign-in", "/sign-in/start"] {
            let answer = Browser::new(&gate).ask(&format!("GET https://admin.test{path}?{query}"), &[]);
            assert_eq!(answer.status, 400, "{answer:?}");
        }
    }
    let swap = json!({ "code": "x".repeat(43), "code_verifier": "y".repeat(43) }).to_string();
    let answer = ask(gate.admin, "POST /sign-in/session", &[("Content-Type", "application/json")], &swap);
    assert_eq!(answer.said(), "403 sign_in.refused");
    let shown = [("Authorization", bearer(place.token(&gate)))];
    let answer = ask(gate.admin, "GET /sign-in", &shown.each_ref().map(|(name, value)| (*name, value.as_str())), "");
    assert_eq!(answer.said(), "401 credential.not_accepted", "a credential is none of this: {answer:?}");
}

#[test]
fn a_command_has_somebody_sign_in() {
    let issuer = Issuer::start();
    issuer.knows(&json!({ "sub": "ada", "groups": ["all", "shop"] }));
    issuer.is("ada");
    let place = place(&issuer, COMMANDS);
    let gate = place.serve();
    let url = format!("http://{}", gate.admin);
    let mut command = Command::new(env!("CARGO_BIN_EXE_wardgate"));
    command.args(["login", "--url", &url, "--output", "json"]).current_dir(place.path()).env_remove("WARDGATE_TOKEN");
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let page = lines.by_ref().map_while(Result::ok).find(|line| line.starts_with("http://")).unwrap();
    let mut browser = Browser::new(&gate);
    let shown = browser.ask(&format!("GET {page}"), &[]);
    assert!(shown.status == 200 && shown.body.contains("only if you have started it yourself"), "{shown:?}");
    let start = shown.body.split("<a href=\"").nth(1).unwrap().split('"').next().unwrap().replace("&amp;", "&");
    let redirect = page.split("redirect_uri=").nth(1).unwrap().split('&').next().unwrap();
    let listener = redirect.replace("%3A", ":").replace("%2F", "/");
    let brought = browser.walk(&start, &listener).unwrap_err();
    assert!(!brought.contains("wgs_") && brought.contains("code=") && brought.contains("state="), "{brought}");
    // Whoever knocks without its state is sent away.
    assert_eq!(browser.ask(&format!("GET {listener}?code=another&state=another"), &[]).status, 404);
    assert_eq!(browser.ask(&format!("GET {brought}"), &[]).status, 200);
    let ended = child.wait_with_output().unwrap();
    assert!(ended.status.success(), "{ended:?}");
    let profile = place.path().join(".wardgate/profile.json");
    assert_eq!(std::fs::metadata(&profile).unwrap().permissions().mode() & 0o777, 0o600);
    let listed = wardgate(place.path(), &["get", "identity", "--output", "json"]).with(0);
    assert!(listed.out.contains("wardgate-person-") && !listed.err.contains("renewed"), "{listed:?}");
    // The code is spent.
    let code = brought.split("code=").nth(1).unwrap().split('&').next().unwrap();
    let again = json!({ "code": code, "code_verifier": "y".repeat(43) }).to_string();
    assert_eq!(ask(gate.admin, "POST /sign-in/session", &[("Content-Type", "application/json")], &again).said(), "403 sign_in.refused");
    wardgate(place.path(), &["logout"]).with(0);
    wardgate(place.path(), &["get", "identity"]).with(1);
    // Without TLS there is no session in a browser, and none is begun.
    let page = Browser::new(&gate).ask(&format!("GET {url}/sign-in"), &[]);
    assert!(page.body.contains("wardgate login") && !page.body.contains("/sign-in/start"), "{page:?}");
    assert_eq!(Browser::new(&gate).ask(&format!("GET {url}/sign-in/start"), &[]).status, 400);
}

#[test]
fn where_no_issuer_is_configured_nobody_waits() {
    let place = Place::bare();
    let gate = place.serve();
    let refused = wardgate(place.path(), &["login", "--url", &format!("http://{}", gate.admin)]).with(1);
    assert!(refused.err.contains("no `admin.sign_in`"), "{refused:?}");
}
