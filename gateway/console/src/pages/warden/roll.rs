//! The muster list: everybody last seen here, as one box tells it to another and as pages show it.
//!
//! Looks at today and the night before, so that a shift over midnight is not forgotten; counts
//! numbers that nobody has named, and punches that were set aside. A punch says where somebody
//! was, not where they are.

use crate::app::App;
use crate::board::{Board, Line, Presence};
use crate::guard::Problem;
use crate::when::neighbours;
use crate::words::Words;
use muster_attendance::PersonId;
use muster_ledger::RecordState;
use ring::digest::{SHA256, digest};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Seen this long ago and not since, somebody is not on site any more.
const NIGHT_MS: i64 = 16 * 60 * 60 * 1000;
/// People that one box tells another of.
pub(crate) const MAX_SEEN: usize = 50_000;

/// Where somebody was last seen.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs)]
pub enum Place {
    Inside,
    Unclear,
    Outside,
}

/// Why a place is not sure.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Doubt {
    /// Came last night and was not seen to leave.
    Night,
    /// No terminal said which way: by turns.
    Turns,
    /// Their last punch was set aside.
    SetAside,
}

/// Somebody who was seen.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Seen {
    /// The same for the same person at every box of the site; says nothing of them.
    pub key: String,
    /// The number that terminals send; empty once they are erased.
    pub number: String,
    /// As HR gave it.
    pub name: Option<String>,
    /// Theirs, or empty.
    pub department: String,
    /// Where.
    pub place: Place,
    /// Why that is not sure.
    pub doubt: Option<Doubt>,
    /// The last gate's name.
    pub gate: String,
    /// When, milliseconds since 1970.
    pub at_ms: i64,
}

/// Everybody last seen at a box.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Roll {
    /// The box's site.
    pub site: String,
    /// When it was made, milliseconds since 1970.
    pub as_of_ms: i64,
    /// Everybody, at most 50,000.
    pub seen: Vec<Seen>,
    /// Numbers that nobody has named.
    pub unnamed: u64,
    /// People whose last punch was set aside.
    pub set_aside: u64,
    /// Punches that terminals refused today.
    pub refused: u64,
}

/// Another box of the site, as this one last heard of it.
#[derive(Clone, Debug)]
pub struct Neighbour {
    /// What people call it.
    pub name: String,
    /// What it last told.
    pub roll: Option<Roll>,
    /// Why it tells nothing now.
    pub cause: Option<String>,
}

impl Roll {
    /// Makes it now.
    pub(crate) async fn gather(app: &App) -> Result<Self, Problem> {
        let now_ms = app.now_ms();
        let mut last: BTreeMap<u64, (Line, bool)> = BTreeMap::new();
        if let (Some(before), _) = neighbours(app.zone.date(now_ms)) {
            let board = Board::of(&app.handles.views.day(before).await?, &app.zone, 0);
            last.extend(board.lines.into_iter().map(|line| (line.person.0, (line, true))));
        }
        let board = app.live.now().await?;
        last.extend(board.lines.iter().map(|line| (line.person.0, (*line, false))));
        let mut roll = Self {
            site: app.site.clone(),
            as_of_ms: now_ms,
            unnamed: app.handles.directory.unmapped(10_000).len() as u64,
            refused: board.refused_count,
            ..Self::default()
        };
        for (line, before) in last.into_values() {
            roll.set_aside += u64::from(line.state == RecordState::Quarantined);
            let place = place(&line, before, now_ms).filter(|_| roll.seen.len() < MAX_SEEN);
            roll.seen.extend(place.map(|place| seen(app, &line, before, place)));
        }
        Ok(roll)
    }

    /// Takes another box's in: whoever was seen at both is where they were seen last.
    pub(crate) fn merge(&mut self, other: &Self) {
        let mut known: BTreeMap<String, usize> =
            self.seen.iter().enumerate().map(|(n, seen)| (seen.key.clone(), n)).collect();
        for seen in other.seen.iter().take(MAX_SEEN) {
            match known.get(&seen.key).and_then(|n| self.seen.get_mut(*n)) {
                Some(own) if own.at_ms >= seen.at_ms => {}
                Some(own) => *own = seen.clone(),
                None => {
                    known.insert(seen.key.clone(), self.seen.len());
                    self.seen.push(seen.clone());
                }
            }
        }
        self.unnamed = self.unnamed.saturating_add(other.unnamed);
        self.set_aside = self.set_aside.saturating_add(other.set_aside);
        self.refused = self.refused.saturating_add(other.refused);
    }
}

/// Where a line says that somebody was last seen; nowhere where only refused, or long ago.
fn place(line: &Line, before: bool, now_ms: i64) -> Option<Place> {
    if before && now_ms.saturating_sub(line.last_ms) > NIGHT_MS {
        return None;
    }
    match (line.presence, before) {
        (Presence::Refused, _) => None,
        (Presence::Out | Presence::ProbablyOut, true) => None,
        _ if line.state == RecordState::Quarantined => Some(Place::Unclear),
        (Presence::In, false) => Some(Place::Inside),
        (Presence::In | Presence::ProbablyIn, _) => Some(Place::Unclear),
        (Presence::Out, false) => Some(Place::Outside),
        (Presence::ProbablyOut, false) => Some(Place::Unclear),
    }
}

fn seen(app: &App, line: &Line, before: bool, place: Place) -> Seen {
    let profile = app.handles.directory.profile(line.person).unwrap_or_default();
    let doubt = match (before, line.presence) {
        (true, _) => Some(Doubt::Night),
        _ if line.state == RecordState::Quarantined => Some(Doubt::SetAside),
        (_, Presence::ProbablyIn | Presence::ProbablyOut) => Some(Doubt::Turns),
        _ => None,
    };
    Seen {
        key: key(&app.site, line.person, &profile.person),
        number: profile.person,
        name: profile.name.filter(|name| !name.trim().is_empty()),
        department: profile.department.unwrap_or_default(),
        place,
        doubt,
        gate: app.handles.devices.get(line.last_device).map(|d| d.name).unwrap_or_default(),
        at_ms: line.last_ms,
    }
}

/// By the number, which the boxes of a site share; of whoever has none by the box's own.
fn key(site: &str, person: PersonId, number: &str) -> String {
    let text = match number.is_empty() {
        false => format!("number {number}"),
        true => format!("person {} of {site}", person.0),
    };
    let digest = digest(&SHA256, text.as_bytes());
    let hex = digest.as_ref().iter().take(8).map(|byte| format!("{byte:02x}"));
    format!("w{}", hex.collect::<String>())
}

/// A doubt in words.
pub(crate) fn doubt(doubt: Option<Doubt>, t: &Words) -> String {
    match doubt {
        None => String::new(),
        Some(Doubt::Night) => t.say("onsite-night"),
        Some(Doubt::Turns) => t.say("onsite-by-turns"),
        Some(Doubt::SetAside) => t.say("onsite-doubt-set-aside"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use muster_attendance::DeviceId;

    fn at(presence: Presence, state: RecordState, before: bool, ago_ms: i64) -> Option<Place> {
        let line = Line {
            person: PersonId(1),
            presence,
            first_ms: None,
            last_ms: 0,
            last_device: DeviceId(1),
            box_time: false,
            punches: 1,
            waiting: 0,
            state,
            late_ms: None,
            changed: 0,
        };
        place(&line, before, ago_ms)
    }

    #[test]
    fn nobody_is_said_to_be_out_who_may_be_in() {
        use Place::*;
        let hour = 3_600_000;
        for (presence, before, ago, expect) in [
            (Presence::In, false, hour, Some(Inside)),
            (Presence::ProbablyIn, false, hour, Some(Unclear)),
            (Presence::ProbablyOut, false, hour, Some(Unclear)),
            (Presence::Out, false, hour, Some(Outside)),
            (Presence::Refused, false, hour, None),
            (Presence::In, true, 8 * hour, Some(Unclear)),
            (Presence::In, true, 17 * hour, None),
            (Presence::Out, true, 8 * hour, None),
        ] {
            assert_eq!(at(presence, RecordState::Settled, before, ago), expect, "{presence:?}");
        }
        assert_eq!(at(Presence::Out, RecordState::Quarantined, false, hour), Some(Unclear));
    }

    #[test]
    fn whoever_was_seen_at_two_boxes_is_where_they_were_seen_last() {
        let seen = |number: &str, place, at_ms| Seen {
            key: key("", PersonId(1), number),
            number: number.to_owned(),
            name: None,
            department: String::new(),
            place,
            doubt: None,
            gate: String::new(),
            at_ms,
        };
        let roll = |seen, unnamed| Roll { seen, unnamed, ..Roll::default() };
        use Place::*;
        let mut here = roll(vec![seen("1", Inside, 5), seen("2", Inside, 5)], 1);
        here.merge(&roll(
            vec![seen("1", Outside, 9), seen("2", Outside, 4), seen("3", Inside, 1)],
            2,
        ));
        let places: Vec<_> = here.seen.iter().map(|s| (s.number.as_str(), s.place)).collect();
        assert_eq!(places, [("1", Outside), ("2", Inside), ("3", Inside)]);
        assert_eq!(here.unnamed, 3);
        assert_ne!(key("a", PersonId(1), ""), key("b", PersonId(1), ""), "no number, no match");
    }
}
