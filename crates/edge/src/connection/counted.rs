//! An HTTP/2 socket whose frames are counted as they pass. Too many of a kind that carries nothing end the connection, with one
//! event that says why; so does whatever the engine ends it for.

use super::Connection;
use crate::wire::{
    Refusal,
    frames::{self, Budget, Frames},
};
use std::{
    io::{self, IoSlice},
    pin::Pin,
    rc::Rc,
    task::{Context, Poll},
};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// The socket, counted.
#[derive(Debug)]
pub(super) struct Counted<S> {
    socket: S,
    connection: Rc<Connection>,
    incoming: Frames,
    outgoing: Frames,
    budget: Budget,
    /// Whether it has been said why the connection ends.
    said: bool,
    /// How many bytes are still read and thrown away, so that the farewell arrives; `None` while all is well.
    linger: Option<usize>,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Counted<S> {
    /// Counts from the client's preface on.
    pub(super) fn new(socket: S, connection: Rc<Connection>) -> Self {
        let incoming = Frames::behind(super::PREFACE.len());
        Self { socket, connection, incoming, outgoing: Frames::behind(0), budget: Budget::default(), said: false, linger: None }
    }

    fn say(&mut self, refusal: &Refusal) {
        if !std::mem::replace(&mut self.said, true) {
            let _ = self.connection.refuse_on_wire(refusal, b"", b"");
        }
    }

    fn came(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> bool {
        let Self { incoming, budget, connection, .. } = self;
        let (now, limits) = (connection.thread.now(), connection.thread.limits);
        let mut over = None;
        incoming.read(bytes, |frame| {
            if let Err(refusal) = budget.came(frame, now, &limits) {
                over.get_or_insert(refusal);
            }
        });
        let Some(refusal) = over else { return false };
        self.say(&refusal);
        self.linger = Some(limits.linger_bytes_max);
        self.connection.condemn(now + limits.linger);
        // It goes out where a frame may begin and there is room for it; else the end of the connection is all that is told.
        if self.outgoing.is_between() {
            let _ = Pin::new(&mut self.socket).poll_write(cx, &frames::farewell(&refusal));
            let _ = Pin::new(&mut self.socket).poll_flush(cx);
        }
        true
    }

    fn went(&mut self, bytes: &[u8]) {
        let Self { outgoing, budget, .. } = self;
        let mut why = None;
        outgoing.read(bytes, |frame| {
            if let Some(refusal) = budget.went(frame) {
                why.get_or_insert(refusal);
            }
        });
        if let Some(refusal) = why {
            self.say(&refusal);
        }
    }

    /// Reads and throws away until enough has come or the client is gone; the engine hears no more.
    fn poll_linger(&mut self, cx: &mut Context<'_>) {
        let mut waste = [0_u8; 2048];
        while let Some(left) = self.linger.filter(|left| *left > 0) {
            let mut buf = ReadBuf::new(&mut waste);
            match Pin::new(&mut self.socket).poll_read(cx, &mut buf) {
                Poll::Pending => return,
                Poll::Ready(Ok(())) if !buf.filled().is_empty() => self.linger = Some(left.saturating_sub(buf.filled().len())),
                Poll::Ready(_) => self.linger = Some(0),
            }
        }
        self.connection.kill();
    }

    fn stalled(&self, pending: bool) {
        self.connection.stall(pending);
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for Counted<S> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let me = self.get_mut();
        if me.linger.is_none() {
            let before = buf.filled().len();
            std::task::ready!(Pin::new(&mut me.socket).poll_read(cx, buf))?;
            let fresh = buf.filled().get(before..).unwrap_or_default();
            if !me.came(cx, fresh) {
                return Poll::Ready(Ok(()));
            }
            buf.set_filled(before);
        }
        me.poll_linger(cx);
        Poll::Pending
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Counted<S> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let me = self.get_mut();
        if me.linger.is_some() {
            return Poll::Ready(Ok(bytes.len()));
        }
        let written = Pin::new(&mut me.socket).poll_write(cx, bytes);
        me.stalled(written.is_pending());
        if let Poll::Ready(Ok(count)) = &written {
            me.went(bytes.get(..*count).unwrap_or_default());
        }
        written
    }

    fn poll_write_vectored(self: Pin<&mut Self>, cx: &mut Context<'_>, pieces: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        let me = self.get_mut();
        if me.linger.is_some() {
            return Poll::Ready(Ok(pieces.iter().map(|piece| piece.len()).sum()));
        }
        let written = Pin::new(&mut me.socket).poll_write_vectored(cx, pieces);
        me.stalled(written.is_pending());
        if let Poll::Ready(Ok(count)) = &written {
            let mut left = *count;
            for piece in pieces {
                let here = left.min(piece.len());
                me.went(piece.get(..here).unwrap_or_default());
                left -= here;
            }
        }
        written
    }

    fn is_write_vectored(&self) -> bool {
        self.socket.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().socket).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().socket).poll_shutdown(cx)
    }
}
