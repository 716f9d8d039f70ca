//! A request with two ends hides another one from whoever believes the wrong end. Here nobody is asked to believe: it is refused
//! where it stands, behind an honest request on the same connection, and that one goes on as if nothing had been.

use super::Scene;
use crate::demo::{
    caller::{Call, Protocol},
    play::{Play, Side, Step, Want},
    stage::Stage,
};
use wardgate_model::secret::Secret;

/// What is hidden: an operation that the caller has no leave for.
const HIDDEN: &str = "/shop/admin/keys";
/// What begins a connection of HTTP/2 (RFC 9113 §3.4), with empty settings.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";

pub(super) const SCENE: Scene = Scene {
    name: "smuggling-attempt",
    promise: "a request that could be read in two ways is read by nobody: what it hides reaches no upstream, and the honest request before and after it gets its own answer",
    play: |stage, play| Box::pin(play_it(stage, play)),
};

async fn play_it(stage: &Stage, play: &mut Play) -> anyhow::Result<()> {
    let key = stage.key("orders-sync")?;
    let authority = stage.gateway().authority();
    let mut line = stage.gateway().open(Protocol::Http1).await?;
    let honest = (Side::Honest, "orders-sync");
    let from = stage.shop().count();
    let mut ids = Vec::new();
    for (what, attack) in attacks(&authority, key) {
        // Pipelined: the gate has just sent the honest request over a connection that it keeps.
        let before = stage.reached();
        let first = format!("GET /shop/orders HTTP/1.1\r\nHost: {authority}\r\nAuthorization: Bearer {}\r\n\r\n", key.danger_expose());
        let heard = stage.gateway().raw(format!("{first}{attack}").as_bytes()).await?;
        let statuses: Vec<&str> = heard.split("HTTP/1.1 ").skip(1).map(|answer| answer.get(..3).unwrap_or_default()).collect();
        let reached = stage.reached().saturating_sub(before);
        let (served, refused) = (statuses.first() == Some(&"200"), statuses.get(1..) == Some(&["400"]) && heard.contains("wire."));
        ids.extend(heard.split("wardgate-request-id: ").nth(1).and_then(|rest| rest.lines().next()).map(str::to_owned));
        let step = |side, what: String, answer: &str, reached, held| Step {
            side,
            who: "orders-sync".to_owned(),
            what,
            answer: answer.to_owned(),
            sent: 1,
            reached,
            held,
        };
        play.steps.push(step(Side::Honest, "GET /shop/orders before it".to_owned(), if served { "200" } else { "none" }, 1, served));
        let told = if refused { "400, closed".to_owned() } else { format!("{statuses:?}") };
        play.steps.push(step(Side::Abuse, what, &told, reached.saturating_sub(1), refused && reached == 1));
        let answer = stage.ask(play, &mut line, honest, Call::get("/shop/orders").key(key).about("after it"), Want::Served).await?;
        ids.extend(answer.field("wardgate-request-id").map(str::to_owned));
    }
    for (what, frames) in downgrades(&authority, key) {
        let before = stage.reached();
        let heard = stage.gateway().raw_over(Protocol::Http2, &[PREFACE, &frames].concat(), |heard| ended(heard).is_some()).await?;
        let reached = stage.reached().saturating_sub(before);
        let (answer, refused) = ended(&heard).unwrap_or(("closed", true));
        let answer = answer.to_owned();
        let held = refused && reached == 0;
        play.steps.push(Step { side: Side::Abuse, who: "orders-sync".to_owned(), what, answer, sent: 1, reached, held });
    }
    let answer = stage.ask(play, &mut line, honest, Call::get("/shop/orders").key(key).about("after all"), Want::Served).await?;
    ids.extend(answer.field("wardgate-request-id").map(str::to_owned));

    let seen = stage.shop().since(from);
    let id = |headers: &http::HeaderMap| headers.get("wardgate-request-id").and_then(|id| id.to_str().ok()).map(str::to_owned);
    let arrived: Vec<String> = seen.iter().filter_map(|seen| id(&seen.headers)).collect();
    play.claim("each honest request arrived once, in its order, and its answer was its own", arrived == ids && seen.len() == ids.len());
    play.claim("nothing that was hidden arrived", !seen.iter().any(|seen| seen.target.contains("admin")));
    Ok(())
}

/// Requests of HTTP/1.1 with two ends, a hidden one behind each.
fn attacks(authority: &str, key: &Secret<String>) -> Vec<(String, String)> {
    let bearer = key.danger_expose();
    let hidden = format!("GET {HIDDEN} HTTP/1.1\r\nHost: {authority}\r\nAuthorization: Bearer {bearer}\r\n\r\n");
    let length = hidden.len() + 5;
    let ends = [
        ("CL.TE: a length, and chunked", "1.1", format!("Content-Length: {length}\r\nTransfer-Encoding: chunked\r\n"), "0\r\n\r\n"),
        ("TE.CL: chunked, and a length", "1.1", "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n".to_owned(), "0\r\n\r\n"),
        ("TE.TE: two codings", "1.1", "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n".to_owned(), "0\r\n\r\n"),
        ("TE.TE: a coding that is nearly chunked", "1.1", "Transfer-Encoding: xchunked\r\n".to_owned(), "0\r\n\r\n"),
        ("CL.CL: two lengths", "1.1", format!("Content-Length: 5\r\nContent-Length: {length}\r\n"), "0\r\n\r\n"),
        ("a coding behind a bare line feed", "1.1", "X-A: b\nTransfer-Encoding: chunked\r\n".to_owned(), "0\r\n\r\n"),
        ("a coding in a folded line", "1.1", "X-A: b\r\n Transfer-Encoding: chunked\r\n".to_owned(), "0\r\n\r\n"),
        ("a coding before a space", "1.1", "Transfer-Encoding : chunked\r\n".to_owned(), "0\r\n\r\n"),
        ("a coding of HTTP/1.0", "1.0", "Transfer-Encoding: chunked\r\n".to_owned(), "0\r\n\r\n"),
        ("a size of a chunk with a sign", "1.1", "Transfer-Encoding: chunked\r\n".to_owned(), "+0\r\n\r\n"),
        ("a chunk that a bare line feed ends", "1.1", "Transfer-Encoding: chunked\r\n".to_owned(), "0;a\n\r\n"),
    ];
    let whole = |(what, version, fields, body): (&str, &str, String, &str)| {
        let head = format!("POST /shop/orders HTTP/{version}\r\nHost: {authority}\r\nAuthorization: Bearer {bearer}\r\n{fields}\r\n");
        (what.to_owned(), format!("{head}{body}{hidden}"))
    };
    ends.into_iter().map(whole).collect()
}

/// Requests of HTTP/2 that would have two ends, or another first line, where somebody writes them down as HTTP/1.1.
fn downgrades(authority: &str, key: &Secret<String>) -> Vec<(String, Vec<u8>)> {
    let bearer = format!("Bearer {}", key.danger_expose());
    let hidden = format!("0\r\n\r\nGET {HIDDEN} HTTP/1.1\r\nhost: {authority}\r\n\r\n");
    let begin = |path: &str| {
        let fields =
            [(":method", "POST"), (":scheme", "https"), (":authority", authority), (":path", path), ("authorization", bearer.as_str())];
        fields.iter().flat_map(|(name, value)| literal(name, value)).collect::<Vec<u8>>()
    };
    let line = format!("/shop/orders HTTP/1.1\r\nhost: {authority}\r\n\r\nGET {HIDDEN}");
    let request = |path: &str, fields: &[(&str, &str)]| {
        let block: Vec<u8> = begin(path).into_iter().chain(fields.iter().flat_map(|(name, value)| literal(name, value))).collect();
        // END_HEADERS; then the hidden request as DATA, with END_STREAM.
        [frame(1, 4, &block), frame(0, 1, hidden.as_bytes())].concat()
    };
    [
        ("H2.TE: a coding", request("/shop/orders", &[("transfer-encoding", "chunked")])),
        ("H2.CL: a length that is not that of the data", request("/shop/orders", &[("content-length", "0")])),
        ("H2: a line end in a value", request("/shop/orders", &[("x-a", "b\r\ntransfer-encoding: chunked")])),
        ("H2: a line end in a name", request("/shop/orders", &[("x-a: b\r\ntransfer-encoding", "chunked")])),
        ("H2: a line end in the path", request(&line, &[])),
        ("H2: another host than its authority", request("/shop/orders", &[("host", "admin.example")])),
    ]
    .into_iter()
    .map(|(what, frames)| (what.to_owned(), frames))
    .collect()
}

/// A field as HPACK has it that is not to be remembered (RFC 7541 §6.2.2). Names and values here are short.
fn literal(name: &str, value: &str) -> Vec<u8> {
    let text = |text: &str| {
        let mut coded = integer(text.len());
        coded.extend_from_slice(text.as_bytes());
        coded
    };
    [vec![0], text(name), text(value)].concat()
}

/// An integer with a prefix of seven bits (RFC 7541 §5.1).
fn integer(value: usize) -> Vec<u8> {
    let Some(mut rest) = value.checked_sub(127) else { return u8::try_from(value).into_iter().collect() };
    let mut coded = vec![127];
    while rest >= 128 {
        coded.extend(u8::try_from(rest % 128 + 128));
        rest /= 128;
    }
    coded.extend(u8::try_from(rest));
    coded
}

/// A frame of the first stream (RFC 9113 §4.1).
fn frame(kind: u8, flags: u8, payload: &[u8]) -> Vec<u8> {
    let [_, a, b, c] = u32::try_from(payload.len()).unwrap_or(u32::MAX).to_be_bytes();
    [&[a, b, c, kind, flags, 0, 0, 0, 1], payload].concat()
}

/// What came of the first stream, if that is known: how it was ended, and whether that is a refusal.
fn ended(mut heard: &[u8]) -> Option<(&'static str, bool)> {
    while let [a, b, c, kind, _, rest @ ..] = heard {
        let length = usize::try_from(u32::from_be_bytes([0, *a, *b, *c])).unwrap_or(usize::MAX);
        let payload = rest.get(4..)?.get(..length)?;
        match (kind, payload.first()) {
            // The first field of an answer is its status; 400 is 12 in the static table (RFC 7541 Appendix A).
            (1, Some(0x8C)) => return Some(("400", true)),
            (1, _) => return Some(("an answer", false)),
            (3, _) => return Some(("reset", true)),
            (7, _) => return Some(("closed", true)),
            _ => heard = rest.get(4 + length..)?,
        }
    }
    None
}
