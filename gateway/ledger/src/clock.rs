//! The box's clock, as an argument.

use std::sync::Arc;

/// How far the box's own time may be trusted (`[clock] trust` and what the system says of it).
#[derive(Clone, Copy, PartialEq, Eq, Debug, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ClockTrust {
    /// Dated documents may be judged by it.
    Trusted,
    /// No dated document is valid until it is trusted again (I-07).
    Untrusted,
}

/// Where the ledger takes its time from; tests and the demo bring their own.
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> (i64, ClockTrust) + Send + Sync>);

impl Clock {
    /// `read` gives milliseconds since 1970-01-01T00:00:00Z and the trust at that moment.
    pub fn new(read: impl Fn() -> (i64, ClockTrust) + Send + Sync + 'static) -> Self {
        Self(Arc::new(read))
    }

    /// Milliseconds since 1970-01-01T00:00:00Z.
    pub fn now_ms(&self) -> i64 {
        (self.0)().0
    }

    /// How far the time may be trusted now.
    pub fn trust(&self) -> ClockTrust {
        (self.0)().1
    }
}
