//! What people see: pages without a script, a picture or anything that comes from elsewhere.

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header};
use serde_json::json;

/// Nothing is loaded, nothing is run, nobody frames it.
const POLICY: &str = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// An answer of a step.
pub(super) type Answer = Response<Bytes>;

/// A text as HTML has it.
fn escaped(text: &str) -> String {
    let mut html = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            '\'' => html.push_str("&#39;"),
            c if c.is_control() => html.push('\u{fffd}'),
            c => html.push(c),
        }
    }
    html
}

fn answer(status: StatusCode, media: &'static str, body: String) -> Answer {
    let mut answer = Response::new(Bytes::from(body));
    *answer.status_mut() = status;
    let headers = answer.headers_mut();
    for (name, value) in [
        (header::CONTENT_TYPE, media),
        (header::CACHE_CONTROL, "no-store"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::CONTENT_SECURITY_POLICY, POLICY),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    answer
}

/// A page: a heading, sentences, and perhaps one link.
pub(super) fn page(status: StatusCode, heading: &str, sentences: &[&str], link: Option<(&str, &str)>) -> Answer {
    let mut body = format!("<h1>{}</h1>\n", escaped(heading));
    for sentence in sentences {
        body.push_str(&format!("<p>{}</p>\n", escaped(sentence)));
    }
    if let Some((to, text)) = link {
        body.push_str(&format!("<p><a href=\"{}\">{}</a></p>\n", escaped(to), escaped(text)));
    }
    let heading = escaped(heading);
    let html = format!(
        "<!doctype html>\n<html lang=\"en\"><meta charset=\"utf-8\"><title>{heading} - Wardgate</title>\n<body>\n{body}</body></html>\n"
    );
    answer(status, "text/html; charset=utf-8", html)
}

/// Elsewhere; 303, so that nothing is sent there but a GET.
pub(super) fn elsewhere(to: &str) -> Answer {
    let mut answer = page(StatusCode::SEE_OTHER, "Signing in", &[], Some((to, "go on")));
    match HeaderValue::from_str(to) {
        Ok(value) => {
            answer.headers_mut().insert(header::LOCATION, value);
            answer
        }
        Err(_) => page(StatusCode::BAD_GATEWAY, "Not signed in", &["the address of the issuer cannot be sent"], None),
    }
}

/// With a cookie.
pub(super) fn with_cookie(mut answer: Answer, cookie: &str) -> Answer {
    if let Ok(value) = HeaderValue::from_str(cookie) {
        answer.headers_mut().append(header::SET_COOKIE, value);
    }
    answer
}

/// For a command: a document.
pub(super) fn document(status: StatusCode, body: &serde_json::Value) -> Answer {
    answer(status, "application/json", body.to_string())
}

/// For a command: a refusal (RFC 9457).
pub(super) fn problem(status: StatusCode, detail: &str, remedy: &str) -> Answer {
    let body = json!({
        "type": "urn:wardgate:reason:sign_in.refused",
        "title": "nobody is signed in",
        "status": status.as_u16(),
        "detail": detail,
        "code": "sign_in.refused",
        "remedy": remedy,
    });
    answer(status, "application/problem+json", body.to_string())
}

#[cfg(test)]
mod tests {
    use super::{elsewhere, page};
    use http::StatusCode;

    #[test]
    fn what_others_said_is_text_and_nothing_else() {
        let html = page(StatusCode::OK, "<h>", &["a & \"b\" <script>'\u{1b}"], Some(("https://a.example/?a=1&b=\"", "<go>")));
        let body = std::str::from_utf8(html.body()).unwrap();
        assert!(body.contains("<p>a &amp; &quot;b&quot; &lt;script&gt;&#39;\u{fffd}</p>"), "{body}");
        assert!(body.contains("<a href=\"https://a.example/?a=1&amp;b=&quot;\">&lt;go&gt;</a>"), "{body}");
    }

    #[test]
    fn a_line_break_leads_nowhere() {
        assert_eq!(elsewhere("https://a.example/\r\nSet-Cookie: a=b").status(), StatusCode::BAD_GATEWAY);
    }
}
