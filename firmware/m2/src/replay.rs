//! The engine that comes with this crate: it replays synthetic captures from files, and recognises
//! nobody. A vendor's engine goes in its place.
//!
//! The folder holds `captures.toml` and the files that it names:
//!
//! ```toml
//! repeat = false                      # begins again at the end
//! [[capture]]
//! after_ms = 500                      # since the one before
//! person = "00017"                    # absent for somebody unknown
//! liveness = "live"                   # live, spoof, not-judged
//! liveness_score = 9900               # parts of ten thousand; may be absent
//! score = 9731
//! image = "00017.jpg"                 # may be absent
//! media = "image/jpeg"
//! template = "00017.template"         # may be absent
//! ```

use crate::engine::wire::{MAX_FRAME, MAX_TEMPLATE};
use crate::engine::{Engine, EngineError, Frame, Liveness, Score, Shown, Sighting};
use serde::Deserialize;
use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use zeroize::Zeroizing;

/// Captures in a folder.
const MAX_CAPTURES: usize = 100_000;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Captures {
    #[serde(default)]
    repeat: bool,
    #[serde(default)]
    capture: Vec<Capture>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Capture {
    #[serde(default)]
    after_ms: u64,
    person: Option<String>,
    liveness: Life,
    liveness_score: Option<u16>,
    score: Option<u16>,
    image: Option<PathBuf>,
    #[serde(default = "jpeg")]
    media: String,
    template: Option<PathBuf>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Life {
    Live,
    Spoof,
    NotJudged,
}

fn jpeg() -> String {
    "image/jpeg".to_owned()
}

/// Replays a folder of captures.
pub struct Replay {
    folder: PathBuf,
    captures: Captures,
    at: usize,
    last: Instant,
}

impl Replay {
    /// Reads `captures.toml` in `folder`.
    pub fn open(folder: &Path) -> Result<Self, EngineError> {
        let wrong = |what: &dyn std::fmt::Display| EngineError::Captures(what.to_string());
        let text = std::fs::read_to_string(folder.join("captures.toml")).map_err(|e| wrong(&e))?;
        let captures: Captures = toml::from_str(&text).map_err(|e| wrong(&e))?;
        if captures.capture.len() > MAX_CAPTURES {
            return Err(wrong(&format!("more than {MAX_CAPTURES} of them")));
        }
        let scores = captures.capture.iter().flat_map(|c| [c.score, c.liveness_score]);
        if let Some(score) = scores.flatten().find(|s| Score::new(*s).is_none()) {
            return Err(wrong(&format!("a score of {score}; at most {} is allowed", Score::MAX)));
        }
        Ok(Self { folder: folder.to_owned(), captures, at: 0, last: Instant::now() })
    }

    fn bytes(&self, file: &Path, limit: usize) -> Result<Zeroizing<Vec<u8>>, EngineError> {
        let path = self.folder.join(file);
        let wrong = |what: String| EngineError::Captures(format!("{}: {what}", path.display()));
        let opened = File::open(&path).map_err(|e| wrong(e.to_string()))?;
        let mut bytes = Zeroizing::new(Vec::new());
        let read = opened.take(limit as u64 + 1).read_to_end(&mut bytes);
        read.map_err(|e| wrong(e.to_string()))?;
        if bytes.len() > limit {
            return Err(wrong(format!("longer than {limit} bytes")));
        }
        Ok(bytes)
    }

    fn sighting(&self, capture: &Capture) -> Result<Sighting, EngineError> {
        let frame = match &capture.image {
            None => None,
            Some(file) => {
                Some(Frame { media: capture.media.clone(), data: self.bytes(file, MAX_FRAME)? })
            }
        };
        let template = match &capture.template {
            None => Zeroizing::default(),
            Some(file) => self.bytes(file, MAX_TEMPLATE)?,
        };
        Ok(Sighting {
            person: capture.person.clone(),
            liveness: match capture.liveness {
                Life::Live => Liveness::Live,
                Life::Spoof => Liveness::Spoof,
                Life::NotJudged => Liveness::NotJudged,
            },
            liveness_score: capture.liveness_score.and_then(Score::new),
            score: capture.score.and_then(Score::new),
            frame,
            template,
        })
    }
}

impl Engine for Replay {
    fn next(&mut self, patience: Duration) -> Result<Option<Sighting>, EngineError> {
        if self.at >= self.captures.capture.len() && self.captures.repeat {
            self.at = 0;
        }
        let Some(capture) = self.captures.capture.get(self.at) else {
            std::thread::sleep(patience);
            return Ok(None);
        };
        let due = self.last + Duration::from_millis(capture.after_ms);
        let left = due.saturating_duration_since(Instant::now());
        if left > patience {
            std::thread::sleep(patience);
            return Ok(None);
        }
        std::thread::sleep(left);
        let sighting = self.sighting(capture)?;
        self.at += 1;
        self.last = Instant::now();
        Ok(Some(sighting))
    }

    fn shown(&mut self, _what: Shown) -> Result<(), EngineError> {
        Ok(())
    }
}
