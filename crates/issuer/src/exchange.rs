//! A request of a client that the gate has let in, and what comes of it.

use crate::{
    answer::{Error, Refusal},
    api, grant,
    place::Endpoint,
    standing,
};
use bytes::Bytes;
use http::Response;
use std::time::Duration;
use wardgate_gate::Snapshot;
use wardgate_model::{
    facts::{Caller, Facts},
    time::Time,
};
use wardgate_proof::{
    entropy::Entropy,
    form::{Form, FormFault},
    grant::TOKEN_EXCHANGE,
};

/// What of tokens is for the operator to say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Terms {
    /// How long a token lives, unless who calls or what is called is too critical for that.
    pub life: Duration,
}

/// A request, as the gate has judged it.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// What was judged; its caller is proven.
    pub facts: &'a Facts,
    /// The whole body.
    pub body: &'a [u8],
}

/// What comes of a request.
#[derive(Debug)]
pub enum Outcome {
    /// This is the answer.
    Answer(Response<Bytes>),
    /// A token is ended; the answer comes when that is on record.
    End {
        /// Its `jti`.
        token: Box<str>,
        /// What is answered then.
        then: Response<Bytes>,
    },
}

impl From<Refusal> for Outcome {
    fn from(refusal: Refusal) -> Self {
        Self::Answer(refusal.response())
    }
}

/// Answers a request.
#[must_use]
pub fn answer(asked: Asked<'_>, terms: Terms, snapshot: &Snapshot, entropy: &dyn Entropy, now: Time) -> Outcome {
    let endpoint = asked.facts.operation.as_deref().and_then(api::endpoint);
    let (Some(endpoint), Some(caller)) = (endpoint, asked.facts.caller.as_ref()) else {
        return Refusal::new(Error::Server, "the request was not judged").into();
    };
    match read(asked) {
        Ok(form) => of(endpoint, &Request { caller, form, terms, snapshot, now }, asked.facts, entropy),
        Err(refusal) => refusal.into(),
    }
}

/// What a client asks for, read.
pub(crate) struct Request<'a> {
    pub(crate) caller: &'a Caller,
    pub(crate) form: Form<'a>,
    pub(crate) terms: Terms,
    pub(crate) snapshot: &'a Snapshot,
    pub(crate) now: Time,
}

fn of(endpoint: Endpoint, request: &Request<'_>, facts: &Facts, entropy: &dyn Entropy) -> Outcome {
    match endpoint {
        Endpoint::Token => plain(request).and_then(|()| grant::issue(request, facts, entropy)).map_or_else(Outcome::from, Outcome::Answer),
        Endpoint::Introspection => standing::introspect(request).map_or_else(Outcome::from, Outcome::Answer),
        Endpoint::Revocation => standing::revoke(request).unwrap_or_else(Outcome::from),
    }
}

/// Nothing is asked for by `audience` where that is no parameter (it is one of RFC 8693 §2.1 alone): whoever asks would believe to have it.
fn plain(request: &Request<'_>) -> Result<(), Refusal> {
    let form = &request.form;
    if form.one("audience").is_some() && form.one("grant_type") != Some(TOKEN_EXCHANGE) {
        return Err(Refusal::new(Error::InvalidRequest, "`audience` belongs to a token exchange: say by `resource` what the token is for"));
    }
    Ok(())
}

/// Parameters that may stand there several times (RFC 8707 §2, RFC 8693 §2.1).
const REPEATED: &[&str] = &["resource", "audience"];

/// The form. The gate has read it too, and looked at what a client proves itself by.
fn read(asked: Asked<'_>) -> Result<Form<'_>, Refusal> {
    if asked.facts.request.query.as_deref().is_some_and(|query| !query.is_empty()) {
        return Err(Refusal::new(Error::InvalidRequest, "parameters belong into the body, not into the URL"));
    }
    let form = Form::read(asked.body)
        .map_err(|fault: FormFault| Refusal::new(Error::InvalidRequest, "the form cannot be read").told(&fault.to_string()))?;
    match form.repeated(REPEATED) {
        Some(name) => {
            Err(Refusal::new(Error::InvalidRequest, "a parameter stands there twice").told(&format!("`{name}` stands there twice")))
        }
        None => Ok(form),
    }
}
