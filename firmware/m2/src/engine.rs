//! The camera and the matcher: what they tell the terminal, and how they run beside it.
//!
//! Recognition is a vendor's engine, in a process of its own that has no network. The terminal
//! spawns it in a network namespace that holds nothing but a loopback interface that is down, and
//! takes no word from a process that is not so. The two speak over a Unix socket that the terminal
//! listens on and whose path the engine gets as `--socket PATH`; when it closes, the engine ends.
//!
//! Each message is `length u32 | kind u8 | body`, little-endian; the length counts kind and body.
//! A text is a length byte and that many bytes of UTF-8. A message longer than
//! [`wire::MAX_MESSAGE`], of an unknown kind or out of bounds ends the connection, and the terminal
//! starts the engine again.
//!
//! | kind | from | body |
//! | --- | --- | --- |
//! | 01 Ready | engine | version u8 (1), name of the engine (text, at most 64 bytes) |
//! | 02 Frame | engine | media type (text), then the picture: what the next result was made from. At most [`wire::MAX_FRAME`] bytes |
//! | 03 Result | engine | person (text, at most 48 characters; empty for nobody known), liveness u8 (1 live, 2 a spoof, 3 not judged), liveness score u16, match score u16, then the template, at most [`wire::MAX_TEMPLATE`] bytes. Scores are parts of ten thousand, FFFF for none |
//! | 81 Start | terminal | version u8 (1); comes after Ready, and results may come after it |
//! | 82 Shown | terminal | u8: 1 granted, 2 denied, 3 could not be stored. What became of a result, in the order of the results, for the engine's own screen |
//!
//! The engine that comes with this crate, `muster-m2-replay`, recognises nobody: it replays
//! captures from files, for tests and demonstrations. A vendor's engine goes in its place.

pub mod process;
pub mod serve;
pub mod wire;

use std::time::Duration;
use zeroize::Zeroizing;

/// Whether what stood before the camera was alive.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Liveness {
    /// A living person.
    Live,
    /// A picture, a mask, a screen.
    Spoof,
    /// The engine has no means to tell.
    NotJudged,
}

/// Parts of ten thousand.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Score(u16);

impl Score {
    /// The highest.
    pub const MAX: u16 = 10_000;

    /// `parts` of ten thousand; none above that.
    pub fn new(parts: u16) -> Option<Self> {
        (parts <= Self::MAX).then_some(Self(parts))
    }

    /// The parts.
    pub fn parts(self) -> u16 {
        self.0
    }
}

/// A picture. Wiped when dropped, and not shown.
pub struct Frame {
    /// Media type, as `image/jpeg`.
    pub media: String,
    /// The bytes.
    pub data: Zeroizing<Vec<u8>>,
}

/// One person, or somebody unknown, before the camera. It has no `Debug`: it holds biometrics.
pub struct Sighting {
    /// The number of who was recognised.
    pub person: Option<String>,
    /// Whether they were alive.
    pub liveness: Liveness,
    /// How sure the engine is of that.
    pub liveness_score: Option<Score>,
    /// How well the face matches.
    pub score: Option<Score>,
    /// The picture that this was seen in.
    pub frame: Option<Frame>,
    /// The template made of it; may be empty. Wiped when dropped.
    pub template: Zeroizing<Vec<u8>>,
}

/// What became of a sighting.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[allow(missing_docs)]
pub enum Shown {
    Granted,
    Denied,
    NotStored,
}

/// Why an engine gives nothing.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// It is not there, or gone.
    #[error("the engine is not there: {0}")]
    Io(#[from] std::io::Error),
    /// It said what it may not.
    #[error("the engine broke the protocol: {0}")]
    Protocol(#[from] wire::WireError),
    /// It could reach a network.
    #[error("the engine could reach a network: {0}; it is not listened to")]
    Network(String),
    /// What it replays cannot be read.
    #[error("the captures cannot be read: {0}")]
    Captures(String),
}

/// A camera with its matcher.
pub trait Engine {
    /// The next sighting, waiting for at most about `patience`; `None` if there was none.
    fn next(&mut self, patience: Duration) -> Result<Option<Sighting>, EngineError>;

    /// Tells what became of the last one.
    fn shown(&mut self, what: Shown) -> Result<(), EngineError>;
}
