//! Room 9. Takes a [`Reserved`], gives an [`Inspected`]: the shape of the request.
//!
//! Why here: it may be dear, and what is refused before need not be looked at. Refuses: bodies that say they are larger
//! than any API here takes (the door cuts those that do not say); where the API enforces its document, requests that are not as that has
//! them; where a rule reads the body, bodies that cannot be read, and those that are larger than a door collects. Nothing of such a body goes
//! on unseen. A body is asked for only where something reads it.

mod content;

use crate::{
    judge::Denial,
    reserve::Reserved,
    snapshot::Snapshot,
    step::{Answer, Need},
};
use content::{Reading, Rule};
use wardgate_abuse::{
    inspect::{self, Media, Told, Unreadable, form::Parts, hostile, json::JsonLimits},
    watch::Payload,
};
use wardgate_model::{
    api::Mode,
    facts::{Door, RequestFacts},
    reason::Reason,
    shape::Conformance,
};
use wardgate_proof::api_key;

pub use content::COLLECTED_BYTES_MAX;

/// A request whose shape is good.
#[derive(Debug)]
pub struct Inspected<'f> {
    /// What is held.
    pub reserved: Reserved<'f>,
    /// What its query and body told.
    pub payload: Payload,
}

/// How far the looking has come.
#[derive(Debug)]
pub enum Looked<'f> {
    /// To its end.
    Whole(Inspected<'f>),
    /// The body is needed.
    Waits(Reserved<'f>, Need),
}

/// Looks at the shape; with `answer`, at the body that was asked for.
///
/// # Errors
/// When it cannot be right.
pub fn inspect<'f>(reserved: Reserved<'f>, answer: Option<&Answer>, snapshot: &Snapshot) -> Result<Looked<'f>, Box<Denial>> {
    let request = &reserved.considered.facts.request;
    if request.length.is_some_and(|bytes| bytes > snapshot.body_bytes_max()) {
        return Err(Denial::because(Reason::WireBodyTooLarge));
    }
    if reserved.considered.facts.assessed.is_some() {
        return match request.content.refused {
            Some(reason) => Err(Denial::because(reason)),
            None => Ok(Looked::Whole(Inspected { reserved, payload: Payload::default() })),
        };
    }
    let mut payload = Payload { hostile: of_target(request), ..Payload::default() };
    let asked = &reserved.considered;
    let binds = asked.api.mode == Mode::Enforce;
    let conformance = asked.api.inspect.requests;
    let enforced = binds && conformance == Conformance::Enforce;
    if let Some(shape) = asked.operation.request.as_deref().filter(|_| conformance != Conformance::Off) {
        let parts = Parts {
            template: &asked.operation.template,
            path: &request.path,
            query: request.query.as_deref(),
            fields: &request.content.fields,
        };
        let head = inspect::head(shape, &parts);
        payload.deviations = head.deviations;
        if let (true, Some(place)) = (enforced, head.first) {
            return Err(Denial::because(Reason::InspectRequest).told(place));
        }
    }
    let reading = match content::reading(asked.api, asked.operation, request) {
        Ok(reading) => reading,
        Err(wrong) if wrong.rule == Rule::Binds && binds => return Err(wrong.denial()),
        Err(_) => {
            payload.deviations = payload.deviations.saturating_add(1);
            None
        }
    };
    let Some(reading) = reading.filter(|_| asked.facts.door != Door::Described) else {
        return Ok(Looked::Whole(Inspected { reserved, payload }));
    };
    let reading = Reading { rule: if binds { reading.rule } else { Rule::Watches }, ..reading };
    let limit = COLLECTED_BYTES_MAX.min(snapshot.body_bytes_max());
    match (answer, reading.rule) {
        (Some(Answer::Body(Ok(body))), _) => {
            if body.is_empty() {
                payload = absent(&reading, payload)?;
            } else {
                payload = look(body, &reading, payload, snapshot, &asked.api.name)?;
            }
        }
        // Nothing of it was taken: who only watches lets it go on.
        (Some(Answer::Body(Err(Reason::CommitBusy))), Rule::Watches) => {}
        (Some(Answer::Body(Err(reason))), _) => return Err(Denial::because(*reason)),
        (_, Rule::Binds) if request.length.is_some_and(|bytes| bytes > limit) => {
            return Err(Denial::because(Reason::WireBodyTooLarge));
        }
        (_, Rule::Binds) => return Ok(Looked::Waits(reserved, Need::Body { limit })),
        (_, Rule::Watches) if request.length.is_some_and(|bytes| bytes <= limit) => {
            return Ok(Looked::Waits(reserved, Need::Body { limit }));
        }
        (_, Rule::Watches) => {}
    }
    Ok(Looked::Whole(Inspected { reserved, payload }))
}

/// There is no body.
fn absent(reading: &Reading<'_>, mut payload: Payload) -> Result<Payload, Box<Denial>> {
    if reading.required {
        if reading.conforms == Rule::Binds && reading.rule == Rule::Binds {
            return Err(Denial::because(Reason::InspectRequest).told("the body: it is required, and missing".into()));
        }
        payload.deviations = payload.deviations.saturating_add(1);
    }
    Ok(payload)
}

fn look(
    body: &[u8],
    reading: &Reading<'_>,
    mut payload: Payload,
    snapshot: &Snapshot,
    api: &wardgate_model::id::ApiName,
) -> Result<Payload, Box<Denial>> {
    if matches!(reading.wanted.media, Media::Undeclared | Media::Other) {
        if reading.rule == Rule::Binds {
            return Err(Denial::because(Reason::InspectMedia));
        }
        payload.deviations = payload.deviations.saturating_add(1);
        return Ok(payload);
    }
    let told = match inspect::body(body, &reading.wanted, &JsonLimits::default()) {
        Ok(told) => told,
        Err(unreadable) if reading.rule == Rule::Binds => return Err(unread(unreadable)),
        Err(_) => {
            payload.deviations = payload.deviations.saturating_add(1);
            return Ok(payload);
        }
    };
    let Told { deviation, subject, hostile } = told;
    payload.hostile = payload.hostile.max(hostile);
    payload.subject = subject.map(|subject| api_key::subject(snapshot.pepper(), api.as_str(), &subject));
    if let Some(place) = deviation {
        if reading.conforms == Rule::Binds && reading.rule == Rule::Binds {
            return Err(Denial::because(Reason::InspectRequest).told(place));
        }
        payload.deviations = payload.deviations.saturating_add(1);
    }
    Ok(payload)
}

fn unread(unreadable: Unreadable) -> Box<Denial> {
    match unreadable {
        Unreadable::Flawed(place) => Denial::because(Reason::InspectBody).told(place),
        Unreadable::Coding => Denial::because(Reason::InspectCoding),
        Unreadable::TooLarge => Denial::because(Reason::WireBodyTooLarge),
    }
}

/// How much of path and query reads as an attack.
fn of_target(request: &RequestFacts) -> u8 {
    let query = request.query.as_deref().map_or(0, hostile::of_query);
    query.max(hostile::of_path(&request.path))
}
