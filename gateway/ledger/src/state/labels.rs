//! Texts that records made from sheets share: shifts' names, departments, a policy's words. Each is
//! journaled once, before anything names its number, and none names a person.

use muster_attendance::summary::Label;
use serde::{Deserialize, Serialize};

/// Texts in all; a record does without one beyond.
const MAX: usize = 65_536;
/// Characters of a text that are kept; no field of a parcel has more.
const MAX_CHARS: usize = 32;

/// The table. Number `n` is at `n - 1`.
#[derive(Clone, Default, Debug, Serialize, Deserialize)]
pub(crate) struct Labels {
    texts: Vec<String>,
    /// How many of them are on disk.
    journaled: usize,
}

impl Labels {
    /// The number of a text's first 32 characters; a new one is to be journaled before anything
    /// names it. `None` where the table is full or there is no text.
    pub(crate) fn intern(&mut self, text: &str) -> Option<Label> {
        let text: String = text.chars().take(MAX_CHARS).collect();
        let at = match self.texts.iter().position(|known| *known == text) {
            Some(at) => at,
            None if text.is_empty() || self.texts.len() >= MAX => return None,
            None => {
                self.texts.push(text);
                self.texts.len() - 1
            }
        };
        u32::try_from(at + 1).ok().map(Label)
    }

    /// The text of a number.
    pub(crate) fn text(&self, label: Option<Label>) -> Option<&str> {
        let at = (label?.0 as usize).checked_sub(1)?;
        self.texts.get(at).map(String::as_str).filter(|text| !text.is_empty())
    }

    /// Takes in a journaled one; one whose act was damaged stays empty.
    pub(crate) fn put(&mut self, number: u32, text: &str) {
        let Some(at) = (number as usize).checked_sub(1).filter(|&at| at < MAX) else { return };
        if self.texts.len() <= at {
            self.texts.resize(at + 1, String::new());
        }
        text.clone_into(&mut self.texts[at]);
        self.journaled = self.journaled.max(at + 1);
    }

    /// The first `count` of [`Self::unjournaled`] are on disk.
    pub(crate) fn journaled(&mut self, count: usize) {
        self.journaled = self.texts.len().min(self.journaled + count);
    }

    /// Those that no act in the journal holds yet; asked for before each append.
    pub(crate) fn unjournaled(&self) -> impl Iterator<Item = (u32, &str)> {
        let numbered = (1..).zip(self.texts.iter().map(String::as_str));
        numbered.skip(self.journaled)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_has_one_number_and_holes_have_none() {
        let mut labels = Labels::default();
        let day = labels.intern("day");
        assert_eq!((day, labels.intern("night")), (Some(Label(1)), Some(Label(2))));
        assert_eq!(labels.intern("day"), day);
        assert_eq!(labels.intern(""), None);
        assert_eq!(labels.unjournaled().collect::<Vec<_>>(), [(1, "day"), (2, "night")]);
        labels.put(1, "day");
        assert_eq!(labels.unjournaled().collect::<Vec<_>>(), [(2, "night")]);
        labels.put(4, "late");
        assert_eq!(
            (labels.text(Some(Label(3))), labels.text(Some(Label(4)))),
            (None, Some("late"))
        );
        assert_eq!((labels.text(Some(Label(0))), labels.text(None)), (None, None));
        labels.put(u32::MAX, "x");
        assert_eq!(labels.text(Some(Label(u32::MAX))), None);
        let long = labels.intern(&"部".repeat(40));
        assert_eq!(labels.text(long), Some(&*"部".repeat(32)));
    }
}
