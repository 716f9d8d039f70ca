//! What happens in a scene: each request with its answer and how many requests reached an upstream meanwhile, and each
//! further claim. A scene holds when everything in it went as promised.

use super::{caller::Answer, scenes::Scene};
use serde::Serialize;

/// The code of what the client's own forwarder turns away.
pub(super) const FORWARDER: &str = "forwarder";

/// On which side a request is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    /// What the gate is there to let through.
    Honest,
    /// What it is there to stop.
    Abuse,
}

/// What is promised of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Want {
    /// It is answered with success, by the upstream, which it reached once.
    Served,
    /// It is refused with this code, and no upstream hears of it.
    Refused(&'static str),
}

/// A request, or several of a kind.
#[derive(Debug, Clone)]
pub(super) struct Step {
    /// On which side.
    pub(super) side: Side,
    /// Who.
    pub(super) who: String,
    /// What was sent.
    pub(super) what: String,
    /// What came back.
    pub(super) answer: String,
    /// How many were sent.
    pub(super) sent: usize,
    /// How many reached an upstream.
    pub(super) reached: usize,
    /// Whether that was promised.
    pub(super) held: bool,
}

/// Something more that was promised.
#[derive(Debug, Clone)]
pub(super) struct Claim {
    /// What.
    pub(super) what: String,
    /// Whether it is so.
    pub(super) held: bool,
}

/// A scene as it went.
#[derive(Debug, Clone, Default)]
pub(super) struct Play {
    /// Requests, in order.
    pub(super) steps: Vec<Step>,
    /// Further claims.
    pub(super) claims: Vec<Claim>,
}

/// A scene as a document (CONTRACT "Commands").
#[derive(Debug, Serialize)]
pub(super) struct Told {
    name: &'static str,
    promise: &'static str,
    sent: usize,
    reached_upstream: usize,
    /// Whether the promise held.
    pub(super) held: bool,
    detail: String,
}

impl Want {
    /// Whether an answer, and how many requests reached an upstream, is what was promised. A refusal is one of ours: a
    /// problem document with a request id.
    fn met(self, answer: &Answer, reached: usize) -> bool {
        let named = answer.field("wardgate-request-id").is_some();
        match self {
            Self::Served => answer.status.is_success() && reached == 1 && named,
            // The forwarder stands before the gate: nothing of what it turns away is known there.
            Self::Refused(code) => {
                answer.status.is_client_error() && answer.code() == Some(code) && reached == 0 && (named || code == FORWARDER)
            }
        }
    }
}

/// Status and code, for people.
pub(super) fn shown(answer: &Answer) -> String {
    match answer.code() {
        Some(code) => format!("{} {code}", answer.status.as_u16()),
        None => answer.status.as_u16().to_string(),
    }
}

impl Play {
    /// Notes one request.
    pub(super) fn note(&mut self, side: Side, who: &str, what: String, answer: &Answer, reached: usize, want: Want) {
        let held = want.met(answer, reached);
        self.steps.push(Step { side, who: who.to_owned(), what, answer: shown(answer), sent: 1, reached, held });
    }

    /// Notes a further claim.
    pub(super) fn claim(&mut self, what: impl Into<String>, held: bool) {
        self.claims.push(Claim { what: what.into(), held });
    }

    /// Whether everything went as promised. A scene without abuse shows nothing, so it does not hold.
    pub(super) fn held(&self) -> bool {
        let both = [Side::Honest, Side::Abuse].iter().all(|side| self.steps.iter().any(|step| step.side == *side));
        both && self.steps.iter().all(|step| step.held) && self.claims.iter().all(|claim| claim.held)
    }

    /// Requests sent.
    pub(super) fn sent(&self) -> usize {
        self.steps.iter().map(|step| step.sent).sum()
    }

    /// Requests that reached an upstream.
    pub(super) fn reached(&self) -> usize {
        self.steps.iter().map(|step| step.reached).sum()
    }

    /// The scene as a document.
    pub(super) fn told(&self, scene: &Scene, fault: Option<String>) -> Told {
        Told {
            name: scene.name,
            promise: scene.promise,
            sent: self.sent(),
            reached_upstream: self.reached(),
            held: fault.is_none() && self.held(),
            detail: fault.unwrap_or_else(|| self.detail()),
        }
    }

    fn detail(&self) -> String {
        let broken = self.steps.iter().filter(|step| !step.held).map(|step| format!("{}: {} got {}", step.who, step.what, step.answer));
        let untrue = self.claims.iter().filter(|claim| !claim.held).map(|claim| format!("not so: {}", claim.what));
        let wrong: Vec<String> = broken.chain(untrue).collect();
        if !wrong.is_empty() {
            return wrong.join("; ");
        }
        let of = |side| self.steps.iter().filter(move |step| step.side == side);
        let served = of(Side::Honest).map(|step| step.reached).sum::<usize>();
        let abuse = of(Side::Abuse).map(|step| step.sent).sum::<usize>();
        let through = of(Side::Abuse).map(|step| step.reached).sum::<usize>();
        let more: String = self.claims.iter().map(|claim| format!("; {}", claim.what)).collect();
        format!("{served} honest requests served, {abuse} abusive ones sent of which {through} reached the upstream{more}")
    }
}

#[cfg(test)]
mod tests;
