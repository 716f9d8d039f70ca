//! Clients of our token service that prove themselves by what others vouch for, without anything of ours: the token of a trust source
//! is shown as what a token is asked for upon (RFC 8693 §2.1, RFC 7523 §2.1), and it is the proof.
//!
//! It counts as it would at an API, and is for us alone besides: its one audience is our issuer's URL (at grant `jwt-bearer` the token
//! endpoint too, RFC 7523 §3, rule 3). It is not used up by that: tokens that a platform puts into a workload's files are shown again and
//! again until they end, and RFC 7523 §3, rule 7 leaves it open.

use super::{Beside, Failed, Genuine, client, token};
use crate::{
    arrival::Arrival,
    credential::is_token,
    route::Routed,
    snapshot::Snapshot,
    step::{Answer, Need},
    trust::{Token, Trouble},
};
use http::header;
use wardgate_model::{
    api::{Api, Operation, OperationClass},
    facts::{Facts, Upon},
    reason::Reason,
    time::Time,
};
use wardgate_proof::{
    form::Form,
    grant::{self, JWT_BEARER, TOKEN_EXCHANGE},
};

/// Which token of a form is what its sender proves itself by, where it shows nothing else.
#[derive(Debug, Clone, Copy)]
struct Asked<'f> {
    text: &'f str,
    upon: Upon,
}

/// The token that a form asks upon. Where somebody acts for another it is the actor's.
fn asked<'f>(form: &'f Form<'_>) -> Option<Asked<'f>> {
    match form.one("grant_type")? {
        TOKEN_EXCHANGE => {
            let text = form.one("actor_token").or_else(|| form.one("subject_token"))?;
            Some(Asked { text, upon: Upon::Exchange })
        }
        JWT_BEARER => Some(Asked { text: form.one("assertion")?, upon: Upon::Assertion }),
        _ => None,
    }
}

/// Upon what a token was asked for that nothing else was shown with; `None`: something else was, or it was not asked for upon anything.
pub(crate) fn upon(arrival: &Arrival<'_>, facts: &Facts, answers: &[Answer]) -> Option<Upon> {
    let at_token_endpoint = facts.api.as_deref().is_some_and(Api::is_issuer) && facts.operation.as_deref().is_some_and(gives_tokens);
    if !at_token_endpoint || arrival.headers.contains_key(header::AUTHORIZATION) {
        return None;
    }
    let form = Form::read(client::body(answers)?).ok()?;
    if form.one("client_assertion").is_some() { None } else { asked(&form).map(|asked| asked.upon) }
}

/// Whether an operation of the token service is the one that gives tokens out: what is asked upon counts nowhere else.
fn gives_tokens(operation: &Operation) -> bool {
    operation.class == OperationClass::Login
}

/// Whether the keys are there that the tokens of a form's grant are verified with. Whether they are good is seen later.
pub(super) fn keys(form: &Form<'_>, routed: &Routed<'_>, snapshot: &Snapshot, now: Time) -> Result<(), Failed> {
    let names: &[&str] = match form.one("grant_type") {
        _ if !gives_tokens(&routed.operation) => &[],
        Some(TOKEN_EXCHANGE) => &["subject_token", "actor_token"],
        Some(JWT_BEARER) => &["assertion"],
        _ => &[],
    };
    let tokens = names.iter().filter_map(|name| form.one(name));
    for text in tokens.filter(|text| is_token(text)) {
        if let Err(Trouble::Keys { trust, kid }) = snapshot.trust().token(text, now) {
            return Err(Failed::Needs(Need::Keys { trust, kid }));
        }
    }
    Ok(())
}

/// Whether the token that a form asks upon is proof enough of its sender: one of a trust source that says of nobody else that he may act
/// with it.
pub(super) fn proves(form: &Form<'_>, routed: &Routed<'_>, snapshot: &Snapshot, now: Time) -> bool {
    let Some(Asked { text, .. }) = asked(form).filter(|_| gives_tokens(&routed.operation)) else { return false };
    let token = snapshot.trust().token(text, now);
    token.is_ok_and(|token| !token.ours && !token.claims.all().contains_key("may_act"))
}

/// The record that the token of a trust source stands for; `None`: none is shown. A token of ours proves nobody here: whoever caught one
/// could keep it alive by it. It is refused in the words for a forged one.
pub(super) fn shown(form: &Form<'_>, routed: &Routed<'_>, snapshot: &Snapshot, now: Time) -> Result<Option<Genuine>, Failed> {
    let Some(Asked { text, upon }) = asked(form).filter(|_| gives_tokens(&routed.operation)) else { return Ok(None) };
    if upon == Upon::Exchange && form.one("actor_token").is_none() && !grant::is_signed(form.one("subject_token_type").unwrap_or_default())
    {
        return Err(Reason::CredentialNotAccepted.into());
    }
    if !is_token(text) {
        return Err(Reason::ProofToken.into());
    }
    let token = match snapshot.trust().token(text, now) {
        Err(Trouble::Refused(Reason::ProofExpired)) if !snapshot.trust().remembers(text) => return Err(Failed::Overdue),
        found => found?,
    };
    if token.ours {
        return Err(Reason::CredentialNotAccepted.into());
    }
    is_for_us(&token, upon, routed, snapshot)?;
    // Whoever acts with a token that names who may has to prove itself: it is no proof of whom it is of (RFC 8693 §4.4). Of a subject's
    // the grant says so.
    if form.one("actor_token").is_some() && token.claims.all().contains_key("may_act") {
        return Err(Reason::ProofClaims.into());
    }
    // A proof of possession that is shown here says nothing of this token: it says to what the next one is bound (RFC 9449 §5).
    let beside = Beside { chain: routed.canonical.arrival.certificates.map(|chain| &**chain), held: None };
    let genuine = token::stands_for(&token, &beside, snapshot)?;
    client::named(form, genuine.credential.identity.as_str())?;
    Ok(Some(genuine))
}

/// Whether we are the one audience of a token: others to whom it may be shown could show it here.
fn is_for_us(token: &Token, upon: Upon, routed: &Routed<'_>, snapshot: &Snapshot) -> Result<(), Reason> {
    let issuer = &**snapshot.mint().issuer();
    let mut audiences = token.facts.audience.iter();
    let (Some(audience), None) = (audiences.next(), audiences.next()) else { return Err(Reason::ProofClaims) };
    let endpoint = || audience.strip_suffix(&*routed.canonical.request.path).is_some_and(|origin| is_origin(origin, issuer));
    if **audience == *issuer || upon == Upon::Assertion && endpoint() { Ok(()) } else { Err(Reason::ProofClaims) }
}

/// Whether a text is scheme, host and port of a URL.
fn is_origin(origin: &str, url: &str) -> bool {
    let rest = url.strip_prefix(origin);
    origin.contains("://")
        && !origin.ends_with('/')
        && rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        && !origin.split_once("://").is_some_and(|(_, authority)| authority.contains('/'))
}

#[cfg(test)]
mod tests {
    use super::is_origin;

    #[test]
    fn an_origin_is_the_whole_of_it() {
        for url in ["https://gate.example", "https://gate.example/eu"] {
            assert!(is_origin("https://gate.example", url), "{url}");
            for other in
                ["", "https:", "https://", "https://gate", "https://gate.example/", "https://gate.example/eu", "http://gate.example"]
            {
                assert!(!is_origin(other, url), "{other} of {url}");
            }
        }
    }
}
