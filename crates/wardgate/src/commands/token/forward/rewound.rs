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
}

/// A body, from its beginning.
pub(super) struct Rewound<B> {
    source: Arc<Mutex<Source<B>>>,
    at: usize,
    hint: SizeHint,
}

impl<B: Body<Data = Bytes> + Unpin> Rewound<B> {
    /// Of what comes.
    pub(super) fn new(body: B) -> Self {
        let hint = body.size_hint();
        let source = Source { ended: body.is_end_stream(), body, seen: Vec::new(), bytes: 0, whole: true };
        Self { source: Arc::new(Mutex::new(source)), at: 0, hint }
    }

    /// The same from its beginning; `None`: too much of it has come. Only one of them may be read at a time.
    pub(super) fn again(&self) -> Option<Self> {
        let whole = self.source.lock().unwrap_or_else(PoisonError::into_inner).whole;
        whole.then(|| self.same())
    }

    /// A second hold on it, for [`Rewound::again`].
    pub(super) fn same(&self) -> Self {
        Self { source: Arc::clone(&self.source), at: 0, hint: self.hint }
    }
}

impl<B: Body<Data = Bytes> + Unpin> Body for Rewound<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        let this = self.get_mut();
        let mut source = this.source.lock().unwrap_or_else(PoisonError::into_inner);
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
        polled
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
