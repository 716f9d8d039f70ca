//! What the rooms need after the facts are known: time, more of a budget, the body.

use super::{Counted, Gathering, gather};
use crate::{body::Inbound, connection::Connection, record::Exchange, slow};
use std::rc::Rc;
use wardgate_gate::{Answer as Given, Held, Need, Step, Verdict, decide, resume, turn_away};
use wardgate_model::reason::Reason;

/// Answers what the rooms need, in bounded time, one need after another.
pub(super) async fn answered(
    exchange: &Rc<Exchange>,
    connection: &Rc<Connection>,
    body: &mut Inbound,
    mut held: Held,
    mut need: Need,
) -> Result<Verdict, Reason> {
    let (thread, mut draws) = (exchange.thread(), 0);
    loop {
        let given = match need {
            Need::Delay { until } => match slow::wait(exchange, until).await {
                true => Given::Elapsed,
                false => return Ok(turn_away(held, until, thread.now())),
            },
            // Others may have taken what was drawn; each time somebody did.
            Need::Budget { .. } if draws == DRAWS_MAX => return Err(Reason::ReserveFault),
            Need::Budget { task } => {
                draws += 1;
                let _waiting = Counted::new(&thread.drawing, thread.limits.slowed_max).ok_or(Reason::CommitBusy)?;
                Given::Budget(thread.in_process.draw(&task).await)
            }
            Need::Body { limit } => Given::Body(gather(exchange, connection, body, Gathering::Whole, limit).await),
            Need::Start { limit } => Given::Body(gather(exchange, connection, body, Gathering::Start, limit).await),
            // Whatever a proof needs is asked for before a ruling.
            Need::Keys { .. } | Need::Introspection { .. } => return Err(Reason::ForwardFault),
        };
        let (snapshot, now) = (thread.gate.snapshot(), thread.now());
        let facts = exchange.facts().ok_or(Reason::ForwardFault)?;
        if !matches!(given, Given::Elapsed) {
            exchange.judged_by(snapshot.number());
        }
        let lost = match &given {
            // Nothing of it was taken.
            Given::Body(Err(Reason::CommitBusy)) => None,
            Given::Body(Err(reason)) => Some(*reason),
            Given::Body(Ok(_)) | Given::Keys(_) | Given::Introspection { .. } | Given::Budget(_) | Given::Elapsed => None,
        };
        let step = match &given {
            Given::Budget(true) if held.is_nothing() => decide(facts, &snapshot, thread.gate.meters(), now),
            _ => resume(held, &given, facts, &snapshot, thread.gate.meters(), now),
        };
        match (step, lost) {
            // Whatever it is let in for: of a body that is lost nothing goes on.
            (Step::Done(verdict), Some(reason)) if verdict.permit.is_some() => {
                return Ok(Verdict::refused(reason));
            }
            (Step::Wait(..), Some(reason)) => return Err(reason),
            (Step::Done(verdict), _) => return Ok(verdict),
            (Step::Wait(again, more), None) => (held, need) = (again, more),
        }
    }
}

/// How often more of a budget is drawn for one request.
const DRAWS_MAX: u32 = 64;
