//! What the gate tells an upstream comes from the gate alone, and a request has one end.

use super::Scene;
use crate::demo::{
    assertion,
    caller::{Call, Protocol},
    play::{Play, Side, Step, Want},
    sample::Seen,
    stage::Stage,
};
use wardgate_model::secret::Secret;

/// An assertion that somebody made up.
const FORGED: &str = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJyb290In0.";
/// What a client may try to be believed by; two spellings of each.
const SPOOFED: [(&str, &str); 10] = [
    ("Wardgate-Assertion", FORGED),
    ("Wardgate_Assertion", FORGED),
    ("Wardgate-Request-Id", "00000000-0000-7000-8000-000000000000"),
    ("X-Forwarded-For", "203.0.113.9"),
    ("X_Forwarded_For", "203.0.113.9"),
    ("X-Forwarded-Host", "admin.example"),
    ("Forwarded", "for=203.0.113.9;host=admin.example"),
    ("X-Real-IP", "203.0.113.9"),
    ("Client-Cert", ":AAAA:"),
    ("X-Forwarded-Client-Cert", "Subject=\"CN=root\""),
];

pub(super) const SCENE: Scene = Scene {
    name: "spoofed-headers",
    promise: "the upstream believes what the gate says, and a client can neither say it, nor unsay it, nor hide a second request in the first",
    play: |stage, play| Box::pin(play_it(stage, play)),
};

async fn play_it(stage: &Stage, play: &mut Play) -> anyhow::Result<()> {
    let key = stage.key("orders-sync")?;
    let mut line = stage.gateway().open(Protocol::Http1).await?;
    let keys = line.send(Call::get("/.well-known/jwks.json")).await?.body;
    let from = stage.shop().count();
    let honest = stage.ask(play, &mut line, (Side::Honest, "orders-sync"), Call::get("/shop/orders").key(key), Want::Served).await?;

    let mut spoofed = Call::get("/shop/orders").key(key).about("as root, from elsewhere");
    for (name, value) in SPOOFED {
        spoofed = spoofed.field(name, value);
    }
    // To name our fields in `Connection` would have a careless gate take them off after it put them on.
    let unsaid = Call::get("/shop/orders")
        .key(key)
        .about("unsaying the gate")
        .field("connection", "Wardgate-Assertion, Wardgate-Request-Id, X-Forwarded-For");
    // Served, for the caller may read; but as who it is, from where it is.
    let abuse = (Side::Abuse, "orders-sync");
    let first = stage.ask(play, &mut line, abuse, spoofed, Want::Served).await?;
    let second = stage.ask(play, &mut line, abuse, unsaid, Want::Served).await?;

    let seen = stage.shop().since(from);
    let ids: Vec<Option<&str>> = [&honest, &first, &second].iter().map(|answer| answer.field("wardgate-request-id")).collect();
    let ours = seen.len() == 3 && seen.iter().zip(&ids).all(|(seen, id)| only(seen, "wardgate-request-id").as_deref() == *id);
    play.claim("each request carried the gate's request id", ours);
    let asserted =
        seen.iter().all(|seen| only(seen, "wardgate-assertion").is_some_and(|token| assertion::proves(&token, &keys, "orders-sync")));
    play.claim("each carried one assertion, signed by the gate, for orders-sync", asserted && seen.len() == 3);
    let trace = seen
        .iter()
        .any(|seen| seen.headers.iter().any(|(_, value)| contains(value.as_bytes(), "203.0.113.9") || contains(value.as_bytes(), "root")));
    play.claim(
        "nothing that the client made up arrived",
        !trace && !seen.iter().any(|seen| seen.headers.keys().any(|name| name.as_str().contains('_'))),
    );
    let from_here = seen.iter().all(|seen| only(seen, "x-forwarded-for").as_deref() == Some("127.0.0.1"));
    play.claim("X-Forwarded-For says where it came from", from_here);

    for (what, head) in smuggled(&stage.gateway().authority(), key) {
        let before = stage.reached();
        let heard = stage.gateway().raw(head.as_bytes()).await?;
        let answers = heard.matches("HTTP/1.1 ").count();
        let status = heard.get(9..12).unwrap_or("none").to_owned();
        let reached = stage.reached().saturating_sub(before);
        let held = answers == 1 && status == "400" && reached == 0 && heard.contains("wire.");
        let answer = if held { format!("{status}, closed") } else { format!("{status}, {answers} answers") };
        play.steps.push(Step { side: Side::Abuse, who: "orders-sync".to_owned(), what, answer, sent: 1, reached, held });
    }
    Ok(())
}

/// The one value of a field; `None` when there is none or more than one.
fn only(seen: &Seen, name: &str) -> Option<String> {
    let mut values = seen.headers.get_all(name).iter();
    let value = values.next()?.to_str().ok()?.to_owned();
    values.next().is_none().then_some(value)
}

fn contains(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|part| part == text.as_bytes())
}

/// Requests with two ends, so that what follows the one is a second request to whoever believes the other.
fn smuggled(authority: &str, key: &Secret<String>) -> Vec<(String, String)> {
    let hidden = format!("GET /shop/admin/keys HTTP/1.1\r\nHost: {authority}\r\n\r\n");
    let begin = format!("POST /shop/orders HTTP/1.1\r\nHost: {authority}\r\nAuthorization: Bearer {}\r\n", key.danger_expose());
    let length = hidden.len() + 5;
    let ends = [
        ("Content-Length and Transfer-Encoding", format!("Content-Length: {length}\r\nTransfer-Encoding: chunked\r\n")),
        ("two lengths", format!("Content-Length: 0\r\nContent-Length: {length}\r\n")),
        ("a length behind a space", format!("Content-Length: 0\r\nContent-Length : {length}\r\n")),
        ("a coding that is not chunked", "Transfer-Encoding: chunked, identity\r\n".to_owned()),
        ("a line that is folded", "X-A: b\r\n Transfer-Encoding: chunked\r\n".to_owned()),
    ];
    ends.into_iter().map(|(what, fields)| (format!("POST with {what}"), format!("{begin}{fields}\r\n0\r\n\r\n{hidden}"))).collect()
}
