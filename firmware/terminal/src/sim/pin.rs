//! A pin that is a shared boolean.

use embedded_hal::digital::{ErrorType, InputPin, OutputPin};
use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// A pin, input or output; clones are the same pin.
#[derive(Clone, Debug)]
pub struct Pin(Arc<AtomicBool>);

impl Pin {
    /// A pin that is low.
    pub fn low() -> Self {
        Self(Arc::new(AtomicBool::new(false)))
    }

    /// A pin that is high, as a button that is not pressed.
    pub fn high() -> Self {
        Self(Arc::new(AtomicBool::new(true)))
    }

    /// Whether it is high.
    pub fn is_set(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// Makes it high or low.
    pub fn set(&self, high: bool) {
        self.0.store(high, Ordering::Relaxed);
    }
}

impl ErrorType for Pin {
    type Error = Infallible;
}

impl OutputPin for Pin {
    fn set_low(&mut self) -> Result<(), Infallible> {
        self.set(false);
        Ok(())
    }

    fn set_high(&mut self) -> Result<(), Infallible> {
        self.set(true);
        Ok(())
    }
}

impl InputPin for Pin {
    fn is_high(&mut self) -> Result<bool, Infallible> {
        Ok(self.is_set())
    }

    fn is_low(&mut self) -> Result<bool, Infallible> {
        Ok(!self.is_set())
    }
}
