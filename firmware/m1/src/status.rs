//! What the display says: short and plain, and nothing about who punched.
#![forbid(unsafe_code)]

use crate::screen::{ROWS, Row};
use core::fmt::Write as _;

/// How long the last punch is shown, in milliseconds.
const SHOWN_MS: u64 = 4_000;

/// What became of the last finger or PIN.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Last {
    Accepted,
    Denied,
    Unclear,
    Full,
    NotStored,
    /// What was typed makes no sense, or PINs are not taken now.
    NoPin,
    /// Somebody has chosen a PIN.
    Chosen,
}

impl Last {
    fn words(self) -> &'static str {
        match self {
            Self::Accepted => "Accepted",
            Self::Denied => "Not known",
            Self::Unclear => "Please try again",
            Self::Full => "NOT TAKEN: full",
            Self::NotStored => "NOT TAKEN: card fault",
            Self::NoPin => "PIN not taken",
            Self::Chosen => "PIN is set",
        }
    }
}

/// How the terminal is doing.
pub(crate) struct Status<'a> {
    pub(crate) name: &'a str,
    pub(crate) box_is_up: bool,
    pub(crate) waiting: u32,
    pub(crate) module_is_ready: bool,
    /// Whether somebody is asked for a finger or a PIN.
    pub(crate) asks: bool,
    pub(crate) last: Option<(Last, u64)>,
}

impl Status<'_> {
    /// The rows to show at this time.
    pub(crate) fn rows(&self, now_ms: u64) -> [Row; ROWS] {
        let link = if self.box_is_up { "Box connected" } else { "No link to the box" };
        let module = if self.module_is_ready { "" } else { "No finger reader" };
        let last = self.last.filter(|(_, at)| now_ms.saturating_sub(*at) < SHOWN_MS);
        let last = last.map_or("", |(last, _)| last.words());
        let mut waiting = Row::new();
        // Ten digits at most, so it fits.
        let _ = match self.waiting {
            0 => waiting.push_str("All sent").map_err(|_| core::fmt::Error),
            count => write!(waiting, "{count} not sent yet"),
        };
        let asks = if self.asks { "Finger or PIN, please" } else { "" };
        [cut(self.name), cut(link), waiting, cut(module), cut(asks), cut(last)]
    }
}

/// Why the terminal does not start, in rows.
pub(crate) fn failure(why: &str) -> [Row; ROWS] {
    let mut rows = [const { Row::new() }; ROWS];
    rows[0] = cut("OUT OF SERVICE");
    let mut row = 1;
    for word in why.split(' ') {
        let fits = |text: &Row| text.is_empty() || text.len() + 1 + word.len() <= text.capacity();
        if !rows.get(row).is_some_and(fits) {
            row += 1;
        }
        let Some(text) = rows.get_mut(row) else { break };
        if !text.is_empty() {
            let _ = text.push(' ');
        }
        word.chars().for_each(|letter| {
            let _ = text.push(letter);
        });
    }
    rows
}

/// As much of a text as fits a row.
pub(crate) fn cut(text: &str) -> Row {
    let mut row = Row::new();
    for letter in text.chars() {
        if row.push(if letter.is_ascii_graphic() || letter == ' ' { letter } else { '?' }).is_err()
        {
            break;
        }
    }
    row
}
