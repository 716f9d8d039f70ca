//! Bodies that the judge has to see: whole, or as much of them as shows what they are.

use super::{Failure, failure};
use crate::{
    body::{Inbound, Upload},
    record::Exchange,
    wire::guard::Wire,
};
use bytes::{Bytes, BytesMut};
use http_body::Body as _;
use std::{pin::Pin, rc::Rc};
use wardgate_gate::inspect::{Beginning, beginning};
use wardgate_model::reason::Reason;

/// Gathers a body of at most `max` bytes.
pub(crate) async fn collect(body: Inbound, exchange: &Rc<Exchange>, wire: Option<&Rc<Wire>>, max: usize) -> Result<Bytes, Failure> {
    if body.size_hint().lower() > max as u64 {
        return Err(failure(Reason::WireBodyTooLarge));
    }
    let mut upload = Upload::new(body, Rc::clone(exchange), wire.cloned());
    let mut whole = BytesMut::new();
    while let Some(data) = next(&mut upload, exchange).await? {
        if whole.len() + data.len() > max {
            return Err(failure(Reason::WireBodyTooLarge));
        }
        whole.extend_from_slice(&data);
    }
    Ok(whole.freeze())
}

/// Gathers a body of at most `max` bytes as long as it may be JSON. As soon as it is sure that it is none, it gives what has come of it, and a
/// body that goes on from there: nothing of it is held back, however large it is.
pub(crate) async fn start(
    body: Inbound,
    exchange: &Rc<Exchange>,
    wire: Option<&Rc<Wire>>,
    max: usize,
) -> Result<(Bytes, Inbound), Failure> {
    let mut upload = Upload::new(body, Rc::clone(exchange), wire.cloned());
    let mut come = BytesMut::new();
    while let Some(data) = next(&mut upload, exchange).await? {
        come.extend_from_slice(&data);
        let shown = beginning(&come);
        if shown == Beginning::Other {
            let first = come.freeze();
            return Ok((first.clone(), upload.begun(first)));
        }
        let more = if shown == Beginning::Json { upload.size_hint().lower() } else { 0 };
        if come.len() as u64 + more > max as u64 {
            return Err(failure(Reason::WireBodyTooLarge));
        }
    }
    let whole = come.freeze();
    Ok((whole.clone(), Inbound::Gathered(whole)))
}

/// The next bytes of a body; trailers are none.
async fn next(upload: &mut Upload, exchange: &Rc<Exchange>) -> Result<Option<Bytes>, Failure> {
    loop {
        let Some(frame) = std::future::poll_fn(|cx| Pin::new(&mut *upload).poll_frame(cx)).await else { return Ok(None) };
        let Ok(frame) = frame else {
            return Err(failure(exchange.upload_fault().unwrap_or(Reason::WireBodyIncomplete)));
        };
        if let Ok(data) = frame.into_data() {
            return Ok(Some(data));
        }
    }
}
