//! Between socket and HTTP engine: passes good bytes through unchanged, answers bad ones itself.
//!
//! INVARIANT (whole heads): the engine never sees a byte of a head that has not been read to its end and found good.
//! INVARIANT (order): a refusal is written only after the answers to every earlier request of the connection; until then
//! the engine is told nothing.
//! INVARIANT (flushed): the engine takes the end of input for the end of the connection, also of what it has yet to write.
//! It is told of the end only once it has written everything.

use super::{
    Refusal,
    framer::{Framer, Passed, Place},
};
use crate::{limits::EdgeLimits, watch::Tick};
use std::{
    cell::{Cell, RefCell},
    io::{self, IoSlice},
    pin::Pin,
    rc::Rc,
    task::{Context, Poll, Waker},
};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use wardgate_model::{reason::Reason, time::Time};

/// What guard and door know of one connection together.
pub struct Wire {
    limits: EdgeLimits,
    clock: fn() -> Time,
    author: Box<Author>,
    passed: Cell<u64>,
    done: Cell<u64>,
    broken: Cell<Option<Refusal>>,
    /// Whether both sides have agreed to go over to another protocol.
    over: Cell<bool>,
    deadline: Cell<Time>,
    waker: RefCell<Option<Waker>>,
}

/// Writes a refusal: records its event and gives the whole answer. Takes the refusal, and method and target as far as
/// they were read.
pub type Author = dyn Fn(&Refusal, &[u8], &[u8]) -> Vec<u8>;

/// "Never", as a deadline.
const NEVER: Time = Time::from_micros(i64::MAX);

impl std::fmt::Debug for Wire {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Wire").field("passed", &self.passed).field("done", &self.done).finish_non_exhaustive()
    }
}

impl Wire {
    /// The state of a new connection.
    #[must_use]
    pub fn new(limits: EdgeLimits, clock: fn() -> Time, author: Box<Author>) -> Rc<Self> {
        Rc::new(Self {
            limits,
            clock,
            author,
            passed: Cell::new(0),
            done: Cell::new(0),
            broken: Cell::new(None),
            over: Cell::new(false),
            deadline: Cell::new(NEVER),
            waker: RefCell::new(None),
        })
    }

    /// Counts an answer that has gone out whole, or was given up.
    pub fn answered(&self) {
        self.done.set(self.done.get() + 1);
        self.wake();
    }

    /// The last request has been agreed to: what follows is another protocol.
    pub fn go_over(&self) {
        self.over.set(true);
        self.wake();
    }

    /// Why the body under way broke, when it was the client's doing.
    #[must_use]
    pub fn broken(&self) -> Option<Refusal> {
        self.broken.get()
    }

    /// Requests that have been passed on and not been answered.
    #[must_use]
    pub fn in_flight(&self) -> u64 {
        self.passed.get().saturating_sub(self.done.get())
    }

    fn wake(&self) {
        if let Some(waker) = self.waker.borrow_mut().take() {
            waker.wake();
        }
    }

    fn wait(&self, cx: &Context<'_>, deadline: Time) {
        self.deadline.set(deadline);
        let mut waker = self.waker.borrow_mut();
        if !waker.as_ref().is_some_and(|old| old.will_wake(cx.waker())) {
            *waker = Some(cx.waker().clone());
        }
    }
}

impl Tick for Wire {
    fn tick(&self, now: Time) {
        if now >= self.deadline.get() {
            self.wake();
        }
    }
}

/// Why no more bytes are read.
#[derive(Debug)]
enum End {
    /// A request was refused: this is the answer, and how much of it has been written.
    Refused { answer: Vec<u8>, written: usize },
    /// A body broke: the door answers, knowing why from [`Wire::broken`].
    Body,
    /// The client closed its side, at this moment.
    Closed(Time),
    /// Nothing came in time.
    Idle,
}

/// What is read and thrown away after an early answer.
#[derive(Debug, Clone, Copy)]
struct Linger {
    until: Time,
    left: usize,
}

/// The guard of one HTTP/1 connection.
#[derive(Debug)]
pub struct Guard<S> {
    socket: S,
    wire: Rc<Wire>,
    framer: Framer,
    /// Bytes that were read and not passed on: first `good` that may be, then the beginning of a head.
    carry: Vec<u8>,
    good: usize,
    /// Since when a head is waited for, or the rest of one.
    since: Option<Time>,
    /// Whether nothing of the head had come by then.
    was_idle: bool,
    written_at: Option<Time>,
    /// Whether the engine has written all it had.
    flushed: bool,
    end: Option<End>,
    linger: Option<Linger>,
    shut: bool,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Guard<S> {
    /// Guards `socket`, from which `carry` has been read already.
    pub fn new(socket: S, wire: Rc<Wire>, carry: Vec<u8>) -> Self {
        let since = Some((wire.clock)());
        let mut guard = Self {
            socket,
            wire,
            framer: Framer::default(),
            carry,
            good: 0,
            since,
            was_idle: true,
            written_at: None,
            flushed: true,
            end: None,
            linger: None,
            shut: false,
        };
        if !guard.carry.is_empty() {
            guard.frame();
        }
        guard
    }

    /// Reads the carried bytes on from what is good of them.
    fn frame(&mut self) {
        let rest = self.carry.get(self.good..).unwrap_or_default();
        let passed = self.framer.read(rest, &self.wire.limits);
        self.good += passed.bytes;
        self.note(&passed);
        if passed.violation.is_some() {
            self.carry.truncate(self.good);
        }
    }

    /// Goes on once the request that holds back what follows has been answered.
    fn settle(&mut self) {
        if self.framer.is_held() && (self.wire.over.get() || self.wire.in_flight() == 0) {
            self.framer.settle(self.wire.over.get());
            self.since = None;
            self.frame();
        }
    }

    fn note(&mut self, passed: &Passed) {
        self.wire.passed.set(self.wire.passed.get() + passed.heads);
        if passed.heads > 0 {
            self.since = None;
        }
        match passed.violation {
            None => {}
            Some((Place::Request, refusal)) => self.refuse(&refusal),
            Some((Place::Body, refusal)) => self.break_body(refusal),
        }
    }

    fn refuse(&mut self, refusal: &Refusal) {
        let bytes = self.carry.get(self.good..).unwrap_or_default();
        let (method, target) = self.framer.request(bytes);
        let answer = (self.wire.author)(refusal, method, target);
        self.end = Some(End::Refused { answer, written: 0 });
    }

    fn break_body(&mut self, refusal: Refusal) {
        self.wire.broken.set(Some(refusal));
        self.end = Some(End::Body);
    }

    /// Gives what may be passed on. Says whether there was anything.
    fn deliver(&mut self, buf: &mut ReadBuf<'_>) -> bool {
        let count = self.good.min(buf.remaining());
        if count == 0 {
            return false;
        }
        buf.put_slice(self.carry.get(..count).unwrap_or_default());
        self.carry.drain(..count);
        self.good -= count;
        true
    }

    /// What came of a read of the socket that gave `buf[before..]`.
    fn arrived(&mut self, buf: &mut ReadBuf<'_>, before: usize) {
        if self.carry.is_empty() {
            // The common case: what came is judged where it lies, and stays there.
            let fresh = buf.filled().get(before..).unwrap_or_default();
            let passed = self.framer.read(fresh, &self.wire.limits);
            let rest = fresh.get(passed.bytes..).unwrap_or_default();
            self.carry.extend_from_slice(rest);
            buf.set_filled(before + passed.bytes);
            self.note(&passed);
            if passed.violation.is_some() {
                self.carry.clear();
            }
        } else {
            let fresh = buf.filled().get(before..).unwrap_or_default();
            self.carry.extend_from_slice(fresh);
            buf.set_filled(before);
            self.frame();
        }
    }

    fn hung_up(&mut self) {
        if self.framer.is_in_body() {
            self.break_body(Refusal::new(Reason::WireBodyIncomplete, "the connection was closed within the body", 0));
        } else if self.framer.is_tunnel() {
            self.end = Some(End::Idle);
        } else if self.framer.is_between() {
            self.end = Some(End::Closed((self.wire.clock)()));
        } else {
            self.refuse(&Refusal::new(Reason::WireMalformed, "the connection was closed within the head", 0));
        }
    }

    /// Nothing has come: until when may it take? Gives `false` when that is over.
    fn patience(&mut self, cx: &Context<'_>) -> bool {
        if self.framer.is_in_body() || self.framer.is_tunnel() {
            // The door times bodies: only it knows whether it asked for more.
            self.wire.wait(cx, NEVER);
            return true;
        }
        let limits = &self.wire.limits;
        let idle = self.framer.is_between() && self.carry.is_empty();
        if idle && self.wire.in_flight() > 0 {
            self.since = None;
            self.wire.wait(cx, NEVER);
            return true;
        }
        // The first byte of a head begins its time anew: what was idle before is not held against it.
        if idle != std::mem::replace(&mut self.was_idle, idle) {
            self.since = None;
        }
        let now = (self.wire.clock)();
        let since = *self.since.get_or_insert(now);
        let fresh = idle && self.wire.passed.get() > 0;
        let deadline = since + if fresh { limits.keep_alive } else { limits.head_timeout };
        if now < deadline {
            self.wire.wait(cx, deadline);
            return true;
        }
        if idle {
            self.end = Some(End::Idle);
        } else {
            self.refuse(&Refusal::new(Reason::WireTimeout, "the head did not arrive in time", 0));
            self.carry.truncate(self.good);
        }
        false
    }

    /// What the engine is told once no more bytes are read.
    fn ended(&self, cx: &Context<'_>) -> Poll<io::Result<()>> {
        let Some(end) = &self.end else { return Poll::Ready(Ok(())) };
        match end {
            End::Body | End::Idle => Poll::Ready(Ok(())),
            End::Refused { .. } | End::Closed(_) if self.flushed && self.wire.in_flight() == 0 => Poll::Ready(Ok(())),
            End::Refused { .. } => {
                self.wire.wait(cx, NEVER);
                Poll::Pending
            }
            End::Closed(at) => {
                let deadline = *at + self.wire.limits.half_close;
                if (self.wire.clock)() >= deadline {
                    return Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into()));
                }
                self.wire.wait(cx, deadline);
                Poll::Pending
            }
        }
    }

    /// Bounds how long a client leaves our bytes lying.
    fn writing(&mut self, cx: &Context<'_>, pending: bool) -> io::Result<()> {
        self.flushed = false;
        if !pending {
            self.written_at = None;
            if let Some(End::Closed(at)) = &mut self.end {
                // It still takes what it asked for: it has closed no more than its own side.
                *at = (self.wire.clock)();
            }
            return Ok(());
        }
        let now = (self.wire.clock)();
        let deadline = *self.written_at.get_or_insert(now) + self.wire.limits.client_idle;
        if now >= deadline {
            return Err(io::ErrorKind::TimedOut.into());
        }
        self.wire.wait(cx, deadline);
        Ok(())
    }

    /// Reads on for a moment, so that the answer is not lost to a reset (RFC 9112 §9.6).
    fn poll_linger(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let now = (self.wire.clock)();
        let limits = &self.wire.limits;
        let fresh = Linger { until: now + limits.linger, left: limits.linger_bytes_max };
        let linger = self.linger.get_or_insert(fresh);
        let mut waste = [0_u8; 2048];
        loop {
            if now >= linger.until || linger.left == 0 {
                return Poll::Ready(());
            }
            let mut buf = ReadBuf::new(&mut waste);
            match Pin::new(&mut self.socket).poll_read(cx, &mut buf) {
                Poll::Ready(Ok(())) if !buf.filled().is_empty() => linger.left = linger.left.saturating_sub(buf.filled().len()),
                Poll::Ready(_) => return Poll::Ready(()),
                Poll::Pending => {
                    let until = linger.until;
                    self.wire.wait(cx, until);
                    return Poll::Pending;
                }
            }
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for Guard<S> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let me = self.get_mut();
        loop {
            me.settle();
            if me.deliver(buf) {
                return Poll::Ready(Ok(()));
            }
            if me.end.is_some() {
                return me.ended(cx);
            }
            if me.framer.is_held() {
                me.wire.wait(cx, NEVER);
                return Poll::Pending;
            }
            let before = buf.filled().len();
            match Pin::new(&mut me.socket).poll_read(cx, buf) {
                Poll::Pending => {
                    if me.patience(cx) {
                        return Poll::Pending;
                    }
                }
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Ready(Ok(())) if buf.filled().len() == before => me.hung_up(),
                Poll::Ready(Ok(())) => {
                    me.arrived(buf, before);
                    if buf.filled().len() > before {
                        return Poll::Ready(Ok(()));
                    }
                }
            }
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Guard<S> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let me = self.get_mut();
        let written = Pin::new(&mut me.socket).poll_write(cx, bytes);
        me.writing(cx, written.is_pending())?;
        written
    }

    fn poll_write_vectored(self: Pin<&mut Self>, cx: &mut Context<'_>, pieces: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        let me = self.get_mut();
        let written = Pin::new(&mut me.socket).poll_write_vectored(cx, pieces);
        me.writing(cx, written.is_pending())?;
        written
    }

    fn is_write_vectored(&self) -> bool {
        self.socket.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let me = self.get_mut();
        std::task::ready!(Pin::new(&mut me.socket).poll_flush(cx))?;
        // The engine flushes what is below it only after it has written all of its own.
        if !std::mem::replace(&mut me.flushed, true) && me.end.is_some() {
            me.wire.wake();
        }
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let me = self.get_mut();
        while let Some(End::Refused { answer, written }) = &mut me.end
            && *written < answer.len()
        {
            let rest = answer.get(*written..).unwrap_or_default();
            match Pin::new(&mut me.socket).poll_write(cx, rest) {
                Poll::Ready(Ok(0)) => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                Poll::Ready(Ok(count)) => *written += count,
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Pending => {
                    me.writing(cx, true)?;
                    return Poll::Pending;
                }
            }
        }
        if !me.shut {
            std::task::ready!(Pin::new(&mut me.socket).poll_flush(cx))?;
            std::task::ready!(Pin::new(&mut me.socket).poll_shutdown(cx))?;
            me.shut = true;
        }
        let unread = me.framer.is_in_body() || matches!(me.end, Some(End::Refused { .. } | End::Body));
        if unread {
            std::task::ready!(me.poll_linger(cx));
        }
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests;
