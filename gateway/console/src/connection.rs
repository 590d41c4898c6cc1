//! One connection: how many there may be, and what requests learn of it.
//!
//! The cap comes before the TLS handshake, so that a flood costs a socket and nothing more, and no
//! one address can take every place.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, Ipv4Addr};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep};

/// Connections at a time.
pub(crate) const MAX_CONNECTIONS: usize = 512;
/// Connections from one address at a time.
pub(crate) const MAX_PER_ADDRESS: usize = 256;
/// A client that takes no byte for this long is let go.
const WRITE_STALL: Duration = Duration::from_secs(30);

/// Where a connection came in.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ends {
    pub(crate) local: IpAddr,
    /// Where from.
    pub(crate) peer: IpAddr,
}

/// Counts connections by address.
#[derive(Clone, Default)]
pub(crate) struct Gate(Arc<Mutex<HashMap<IpAddr, usize>>>);

impl Gate {
    /// Lets a connection in that finds a place.
    pub(crate) fn admit(&self, stream: TcpStream) -> io::Result<(Counted, Ends)> {
        stream.set_nodelay(true)?;
        let local = stream.local_addr().map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |a| a.ip());
        let peer = stream.peer_addr()?.ip().to_canonical();
        let place = self.enter(peer).ok_or(io::ErrorKind::ConnectionRefused)?;
        Ok((Counted { stream, stall: None, _place: place }, Ends { local, peer }))
    }

    fn enter(&self, address: IpAddr) -> Option<Place> {
        let mut table = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let total: usize = table.values().sum();
        let here = table.get(&address).copied().unwrap_or_default();
        if total >= MAX_CONNECTIONS || here >= MAX_PER_ADDRESS {
            return None;
        }
        table.insert(address, here + 1);
        Some(Place { gate: self.clone(), address })
    }
}

/// A connection's place; gives it back when dropped.
struct Place {
    gate: Gate,
    address: IpAddr,
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut table = self.gate.0.lock().unwrap_or_else(PoisonError::into_inner);
        match table.get_mut(&self.address) {
            Some(count) if *count > 1 => *count -= 1,
            _ => drop(table.remove(&self.address)),
        }
    }
}

/// A stream that holds its place and gives up on a reader that takes nothing.
pub(crate) struct Counted {
    stream: TcpStream,
    stall: Option<Pin<Box<Sleep>>>,
    _place: Place,
}

impl Counted {
    fn watch<T>(
        &mut self,
        cx: &mut Context<'_>,
        progress: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if progress.is_ready() {
            self.stall = None;
            return progress;
        }
        let stall = self.stall.get_or_insert_with(|| {
            Box::pin(tokio::time::sleep_until(Instant::now() + WRITE_STALL))
        });
        match stall.as_mut().poll(cx) {
            Poll::Ready(()) => Poll::Ready(Err(io::ErrorKind::TimedOut.into())),
            Poll::Pending => Poll::Pending,
        }
    }
}

impl AsyncRead for Counted {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Counted {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let progress = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.watch(cx, progress)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_bounded_and_given_back() {
        let gate = Gate::default();
        let address = |n: u32| IpAddr::V4(Ipv4Addr::from(n));
        let first: Vec<_> = (0..MAX_PER_ADDRESS).filter_map(|_| gate.enter(address(1))).collect();
        assert_eq!(first.len(), MAX_PER_ADDRESS);
        assert!(gate.enter(address(1)).is_none());
        let others: Vec<_> = (2..9_999).filter_map(|n| gate.enter(address(n))).collect();
        assert_eq!(others.len(), MAX_CONNECTIONS - MAX_PER_ADDRESS);
        drop(first);
        assert!(gate.enter(address(1)).is_some());
        drop(others);
        assert!(gate.0.lock().is_ok_and(|table| table.is_empty()));
    }
}
