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
use content::{Found, Reading, Rule};
use wardgate_abuse::{
    inspect::{self, Media, Place, Told, Unreadable, form::Parts, hostile, json::JsonLimits},
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
pub use wardgate_abuse::inspect::beginning::{Beginning, beginning};

/// A request whose shape is good.
#[derive(Debug)]
pub struct Inspected<'f> {
    /// What is held.
    pub reserved: Reserved<'f>,
    /// What its query and body told.
    pub payload: Payload,
    /// Where it is first not as the document has it.
    pub deviation: Option<Place>,
    /// What it would be refused for, if rulings did bind.
    pub denied: Option<Box<Denial>>,
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
    let asked = &reserved.considered;
    let mut seen = Seen { payload: Payload::default(), deviation: None, denied: None, binds: asked.api.mode == Mode::Enforce };
    if asked.facts.assessed.is_some() {
        if let Some(reason) = request.content.refused {
            seen.refuse(Denial::because(reason))?;
        }
        return Ok(Looked::Whole(seen.of(reserved)));
    }
    seen.payload.hostile = of_target(request);
    let conformance = asked.api.inspect.requests;
    let shape = asked.operation.request.as_deref().filter(|shape| conformance != Conformance::Off && !shape.parameters.is_empty());
    if let Some(shape) = shape {
        let parts = Parts {
            template: &asked.operation.template,
            path: &request.path,
            query: request.query.as_deref(),
            fields: &request.content.fields,
        };
        let head = inspect::head(shape, &parts);
        if let Some(place) = head.first.as_ref().filter(|_| conformance == Conformance::Enforce) {
            seen.refuse(Denial::because(Reason::InspectRequest).told(place.clone()))?;
        }
        (seen.payload.deviations, seen.deviation) = (head.deviations, head.first);
    }
    let limit = COLLECTED_BYTES_MAX.min(snapshot.body_bytes_max());
    let Found { untaken, reading } = content::reading(asked.api, asked.operation, request, limit);
    if let Some(wrong) = untaken {
        if wrong.rule == Rule::Binds {
            seen.refuse(wrong.denial())?;
        }
        seen.deviates(|| wrong.told.into());
    }
    let Some(reading) = reading.filter(|_| asked.facts.door != Door::Described) else {
        return Ok(Looked::Whole(seen.of(reserved)));
    };
    // Where rulings do not bind, what is found is told all the same, and nobody waits for what is too large.
    let waits = if seen.binds { reading.waits } else { Rule::Watches };
    let need = || if reading.starts { Need::Start { limit } } else { Need::Body { limit } };
    match (answer, waits) {
        (Some(Answer::Body(Ok(body))), _) => {
            if body.is_empty() {
                seen = absent(&reading, seen)?;
            } else {
                if reading.guards {
                    seen = unmasked(body, &reading, seen)?;
                }
                if reading.reads && !reading.starts {
                    seen = look(body, &reading, seen, snapshot, &asked.api.name)?;
                }
            }
        }
        // Nothing of it was taken: who only watches lets it go on.
        (Some(Answer::Body(Err(Reason::CommitBusy))), Rule::Watches) => {}
        (Some(Answer::Body(Err(reason))), _) => return Err(Denial::because(*reason)),
        (_, Rule::Binds) if request.length.is_some_and(|bytes| bytes > limit) && !reading.starts => {
            return Err(Denial::because(Reason::WireBodyTooLarge));
        }
        (_, Rule::Binds) => return Ok(Looked::Waits(reserved, need())),
        (_, Rule::Watches) if request.length.is_some_and(|bytes| bytes <= limit) => return Ok(Looked::Waits(reserved, need())),
        (_, Rule::Watches) => {}
    }
    Ok(Looked::Whole(seen.of(reserved)))
}

/// What was seen so far.
struct Seen {
    payload: Payload,
    deviation: Option<Place>,
    denied: Option<Box<Denial>>,
    /// Whether rulings bind.
    binds: bool,
}

impl Seen {
    /// It is refused; where rulings do not bind, it is looked at further, and that is remembered.
    fn refuse(&mut self, denial: Box<Denial>) -> Result<(), Box<Denial>> {
        if self.binds {
            return Err(denial);
        }
        if denial.reason.room() == "inspect" {
            self.denied.get_or_insert(denial);
        }
        Ok(())
    }

    /// One place more that is not as the document has it.
    fn deviates(&mut self, place: impl FnOnce() -> Place) {
        self.payload.deviations = self.payload.deviations.saturating_add(1);
        self.deviation.get_or_insert_with(place);
    }

    fn of(self, reserved: Reserved<'_>) -> Inspected<'_> {
        Inspected { reserved, payload: self.payload, deviation: self.deviation, denied: self.denied }
    }
}

/// There is no body.
fn absent(reading: &Reading<'_>, mut seen: Seen) -> Result<Seen, Box<Denial>> {
    const MISSING: &str = "the body: it is required, and missing";
    if reading.required {
        if reading.conforms == Rule::Binds && reading.rule == Rule::Binds {
            seen.refuse(Denial::because(Reason::InspectRequest).told(MISSING.into()))?;
        }
        seen.deviates(|| MISSING.into());
    }
    Ok(seen)
}

/// Where every JSON is held to its limits, so is what only says that it is none.
fn unmasked(body: &[u8], reading: &Reading<'_>, mut seen: Seen) -> Result<Seen, Box<Denial>> {
    match inspect::disguised(body, reading.wanted.codings, &JsonLimits::default()) {
        Ok(hostile) => seen.payload.hostile = seen.payload.hostile.max(hostile),
        Err(unreadable) => {
            seen.refuse(unread(unreadable))?;
            seen.deviates(|| "the body: it cannot be read".into());
        }
    }
    Ok(seen)
}

fn look(
    body: &[u8],
    reading: &Reading<'_>,
    mut seen: Seen,
    snapshot: &Snapshot,
    api: &wardgate_model::id::ApiName,
) -> Result<Seen, Box<Denial>> {
    if matches!(reading.wanted.media, Media::Undeclared | Media::Other) {
        if reading.rule == Rule::Binds {
            seen.refuse(Denial::because(Reason::InspectMedia))?;
        }
        seen.deviates(|| "the body: its media type is none that is read here".into());
        return Ok(seen);
    }
    let told = match inspect::body(body, &reading.wanted, &JsonLimits::default()) {
        Ok(told) => told,
        Err(unreadable) => {
            if reading.rule == Rule::Binds {
                seen.refuse(unread(unreadable))?;
            }
            seen.deviates(|| "the body: it cannot be read".into());
            return Ok(seen);
        }
    };
    let Told { deviation, subject, hostile } = told;
    seen.payload.hostile = seen.payload.hostile.max(hostile);
    seen.payload.subject = subject.map(|subject| api_key::subject(snapshot.pepper(), api.as_str(), &subject));
    if let Some(place) = deviation {
        if reading.conforms == Rule::Binds && reading.rule == Rule::Binds {
            seen.refuse(Denial::because(Reason::InspectRequest).told(place.clone()))?;
        }
        seen.deviates(|| place);
    }
    Ok(seen)
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
