//! A body that is passed on as it comes, and can be sent once more as long as little of it has come: who is asked for another proof
//! has read the first one already.

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use std::{
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll},
};

/// Largest part that is remembered to be sent once more, in bytes.
pub(super) const REMEMBERED_MAX: usize = 64 * 1024;

struct Source<B> {
    body: B,
    seen: Vec<Bytes>,
    bytes: usize,
    /// Whether `seen` is all that came.
    whole: bool,
    ended: bool,
    /// Whose it is to read: of those that were begun the last.
    turn: u64,
}

/// Why a body does not go on.
pub(super) type Broken = Box<dyn std::error::Error + Send + Sync>;

/// A body, from its beginning.
pub(super) struct Rewound<B> {
    source: Arc<Mutex<Source<B>>>,
    at: usize,
    turn: u64,
    hint: SizeHint,
}

impl<B: Body<Data = Bytes, Error: Into<Broken>> + Unpin> Rewound<B> {
    /// Of what comes.
    pub(super) fn new(body: B) -> Self {
        let hint = body.size_hint();
        let source = Source { ended: body.is_end_stream(), body, seen: Vec::new(), bytes: 0, whole: true, turn: 0 };
        Self { source: Arc::new(Mutex::new(source)), at: 0, turn: 0, hint }
    }

    /// Whether it can be sent once more.
    pub(super) fn is_whole(&self) -> bool {
        self.source.lock().unwrap_or_else(PoisonError::into_inner).whole
    }

    /// The same from its beginning; `None`: too much of it has come.
    ///
    /// INVARIANT (one reader): whoever reads it still is broken off, so that nobody has one half of it and somebody else the other.
    pub(super) fn again(&self) -> Option<Self> {
        let mut source = self.source.lock().unwrap_or_else(PoisonError::into_inner);
        if !source.whole {
            return None;
        }
        source.turn += 1;
        let turn = source.turn;
        drop(source);
        Some(Self { source: Arc::clone(&self.source), at: 0, turn, hint: self.hint })
    }

    /// Whether all of it has come, and was handed on to be sent.
    pub(super) fn is_over(&self) -> bool {
        self.source.lock().unwrap_or_else(PoisonError::into_inner).ended
    }

    /// What has not come yet, for whoever is to hear it out. Nobody else reads it from then on.
    pub(super) fn rest(&self) -> Self {
        let mut source = self.source.lock().unwrap_or_else(PoisonError::into_inner);
        source.turn += 1;
        let (turn, at) = (source.turn, source.seen.len());
        drop(source);
        Self { source: Arc::clone(&self.source), at, turn, hint: self.hint }
    }

    /// A second hold on it, for [`Rewound::again`].
    pub(super) fn same(&self) -> Self {
        Self { source: Arc::clone(&self.source), at: 0, turn: self.turn, hint: self.hint }
    }
}

impl<B: Body<Data = Bytes, Error: Into<Broken>> + Unpin> Body for Rewound<B> {
    type Data = Bytes;
    type Error = Broken;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Broken>>> {
        let this = self.get_mut();
        let mut source = this.source.lock().unwrap_or_else(PoisonError::into_inner);
        if source.turn != this.turn {
            return Poll::Ready(Some(Err("the request is sent once more".into())));
        }
        if let Some(seen) = source.seen.get(this.at) {
            this.at += 1;
            return Poll::Ready(Some(Ok(Frame::data(seen.clone()))));
        }
        if source.ended {
            return Poll::Ready(None);
        }
        let polled = Pin::new(&mut source.body).poll_frame(cx);
        match &polled {
            Poll::Pending => {}
            Poll::Ready(None) => source.ended = true,
            Poll::Ready(Some(Ok(frame))) if frame.is_data() => {
                let data = frame.data_ref().cloned().unwrap_or_default();
                source.bytes = source.bytes.saturating_add(data.len());
                source.whole &= source.bytes <= REMEMBERED_MAX;
                if source.whole {
                    source.seen.push(data);
                    this.at += 1;
                } else {
                    source.seen.clear();
                }
            }
            Poll::Ready(Some(_)) => source.whole = false,
        }
        // Of a known length: nobody asks whether more comes behind the last of it.
        source.ended |= source.body.is_end_stream();
        polled.map_err(Into::into)
    }

    fn is_end_stream(&self) -> bool {
        let source = self.source.lock().unwrap_or_else(PoisonError::into_inner);
        source.ended && source.seen.len() <= self.at
    }

    fn size_hint(&self) -> SizeHint {
        // Asked for before the first byte is: it is that of the whole.
        self.hint
    }
}

#[cfg(test)]
mod tests;
