//! What a connection waits for, in the order in which it is dealt with.

use super::{Connection, Event, Phase};
use futures_util::StreamExt;
use std::io::{Error, ErrorKind};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

impl<S: AsyncRead + AsyncWrite + Unpin> Connection<S> {
    /// The next event. Answers come before writing, so that they go out together.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Event> {
        if let Poll::Ready(Some(batch)) = self.requests.poll_next_unpin(cx) {
            return Poll::Ready(Event::Answered(batch));
        }
        if let Poll::Ready(event) = self.poll_write(cx) {
            return Poll::Ready(event);
        }
        if let Poll::Ready(notice) = self.notice.as_mut().poll(cx) {
            return Poll::Ready(Event::Notice(notice));
        }
        if let Some(granting) = &mut self.granting
            && let Poll::Ready(chunk) = granting.as_mut().poll(cx)
        {
            return Poll::Ready(Event::Granted(chunk));
        }
        if let Some(resume) = &mut self.resume
            && resume.as_mut().poll(cx).is_ready()
        {
            return Poll::Ready(Event::Resume);
        }
        if self.tick.as_mut().poll(cx).is_ready() {
            return Poll::Ready(Event::Tick);
        }
        self.poll_read(cx)
    }

    /// Whether anything is read at the moment.
    pub(super) fn may_read(&self) -> bool {
        self.phase == Phase::Open
            && self.granting.is_none()
            && self.filled < self.chunk.bytes.len()
            && self.has_room(0)
    }

    fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<Event> {
        if !self.may_read() {
            return Poll::Pending;
        }
        let mut room = ReadBuf::new(self.chunk.bytes.get_mut(self.filled..).unwrap_or_default());
        let read = ready!(Pin::new(&mut self.stream).poll_read(cx, &mut room));
        Poll::Ready(Event::Read(read.map(|()| room.filled().len())))
    }

    fn poll_write(&mut self, cx: &mut Context<'_>) -> Poll<Event> {
        let out = &mut self.dialogue.session.out;
        if let Some(rest) = out.get(self.written..)
            && !rest.is_empty()
        {
            return match ready!(Pin::new(&mut self.stream).poll_write(cx, rest)) {
                Ok(0) => Poll::Ready(Event::Wrote(Err(Error::from(ErrorKind::WriteZero)))),
                Ok(count) => {
                    self.written += count;
                    if self.written == out.len() {
                        out.clear();
                        (self.written, self.flush) = (0, true);
                    }
                    Poll::Ready(Event::Wrote(Ok(())))
                }
                Err(error) => Poll::Ready(Event::Wrote(Err(error))),
            };
        }
        if !self.flush {
            return Poll::Pending;
        }
        let flushed = ready!(Pin::new(&mut self.stream).poll_flush(cx));
        self.flush = false;
        Poll::Ready(Event::Wrote(flushed))
    }
}
