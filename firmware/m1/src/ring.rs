//! Bounded rings of bytes between an interrupt and the main loop, and a serial port made of two.
#![forbid(unsafe_code)]

use core::cell::RefCell;
use core::convert::Infallible;
use critical_section::Mutex;
use embedded_io::{ErrorType, Read, ReadReady, Write};
use heapless::Deque;

/// A ring of up to `N` bytes.
pub(crate) struct Ring<const N: usize>(Mutex<RefCell<Deque<u8, N>>>);

impl<const N: usize> Ring<N> {
    /// An empty one.
    pub(crate) const fn new() -> Self {
        Self(Mutex::new(RefCell::new(Deque::new())))
    }

    fn with<T>(&self, each: impl FnOnce(&mut Deque<u8, N>) -> T) -> T {
        critical_section::with(|cs| each(&mut self.0.borrow_ref_mut(cs)))
    }

    pub(crate) fn is_full(&self) -> bool {
        self.with(|ring| ring.is_full())
    }

    fn is_empty(&self) -> bool {
        self.with(|ring| ring.is_empty())
    }

    /// Appends a byte; a full ring drops it, as a line that is not read does.
    pub(crate) fn push(&self, byte: u8) {
        self.with(|ring| {
            let _ = ring.push_back(byte);
        });
    }

    pub(crate) fn pop(&self) -> Option<u8> {
        self.with(Deque::pop_front)
    }

    /// Appends what fits; returns how much.
    fn extend(&self, bytes: &[u8]) -> usize {
        self.with(|ring| bytes.iter().take_while(|byte| ring.push_back(**byte).is_ok()).count())
    }

    fn take(&self, bytes: &mut [u8]) -> usize {
        self.with(|ring| {
            let taken = bytes.iter_mut().zip(core::iter::from_fn(|| ring.pop_front()));
            taken.map(|(to, from)| *to = from).count()
        })
    }
}

/// What a port's hardware does after its rings have changed.
pub(crate) trait Kick {
    /// There may be room again for what comes in.
    fn has_read(&self);
    /// There is something to send.
    fn has_written<const T: usize>(&self, tx: &Ring<T>);
}

/// A serial port: hardware, and a ring for each way.
pub(crate) struct Wire<K, const R: usize, const T: usize> {
    hardware: K,
    rx: &'static Ring<R>,
    tx: &'static Ring<T>,
}

impl<K: Kick, const R: usize, const T: usize> Wire<K, R, T> {
    /// The port over these rings.
    pub(crate) fn new(hardware: K, rx: &'static Ring<R>, tx: &'static Ring<T>) -> Self {
        Self { hardware, rx, tx }
    }

    /// Whether something has come that was not taken yet.
    pub(crate) fn has_more(&self) -> bool {
        !self.rx.is_empty()
    }

    /// What has come, without waiting.
    pub(crate) fn take(&mut self, bytes: &mut [u8]) -> usize {
        let taken = self.rx.take(bytes);
        if taken > 0 {
            self.hardware.has_read();
        }
        taken
    }

    /// Sends what fits into the ring, without waiting; the rest is lost.
    pub(crate) fn offer(&mut self, bytes: &[u8]) {
        self.tx.extend(bytes);
        self.hardware.has_written(self.tx);
    }
}

impl<K, const R: usize, const T: usize> ErrorType for Wire<K, R, T> {
    type Error = Infallible;
}

impl<K: Kick, const R: usize, const T: usize> ReadReady for Wire<K, R, T> {
    fn read_ready(&mut self) -> Result<bool, Infallible> {
        Ok(!self.rx.is_empty())
    }
}

impl<K: Kick, const R: usize, const T: usize> Read for Wire<K, R, T> {
    fn read(&mut self, bytes: &mut [u8]) -> Result<usize, Infallible> {
        loop {
            let taken = self.take(bytes);
            if taken > 0 || bytes.is_empty() {
                return Ok(taken);
            }
            cortex_m::asm::wfi();
        }
    }
}

impl<K: Kick, const R: usize, const T: usize> Write for Wire<K, R, T> {
    fn write(&mut self, bytes: &[u8]) -> Result<usize, Infallible> {
        loop {
            let taken = self.tx.extend(bytes);
            self.hardware.has_written(self.tx);
            if taken > 0 || bytes.is_empty() {
                return Ok(taken);
            }
            cortex_m::asm::wfi();
        }
    }

    fn flush(&mut self) -> Result<(), Infallible> {
        while !self.tx.is_empty() {
            cortex_m::asm::wfi();
        }
        Ok(())
    }
}
