//! Plans as tables: what HR keeps in a spreadsheet, read line by line. A file with any problem
//! changes nothing; every problem is named with its line and column.

use crate::encoding::{EncodingError, decode};
use crate::words::Words;
use jiff::civil::Date;
use muster_attendance::PersonId;
use muster_attendance::shift::ShiftError;
use muster_attendance::time::LocalTime;
use muster_ledger::{EntryProblem, LeavePart, PlanEntry, Plans, PlansError};
use serde_json::{Map, Value, json};
use std::collections::HashMap;

/// Problems that are told; the rest are counted.
pub(crate) const MAX_PROBLEMS: usize = 50;

/// A kind of table.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    Shifts,
    Usual,
    Holidays,
    Storms,
    Rosters,
    Employed,
    Leave,
    Overtime,
}

impl Kind {
    pub(crate) const ALL: [Self; 8] = [
        Self::Rosters,
        Self::Leave,
        Self::Overtime,
        Self::Employed,
        Self::Shifts,
        Self::Usual,
        Self::Holidays,
        Self::Storms,
    ];

    /// As addresses have it.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Shifts => "shifts",
            Self::Usual => "usual",
            Self::Holidays => "holidays",
            Self::Storms => "storms",
            Self::Rosters => "rosters",
            Self::Employed => "employed",
            Self::Leave => "leave",
            Self::Overtime => "overtime",
        }
    }

    pub(crate) fn read(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.word() == word)
    }

    /// Its columns; those after the first `must` may be left out or empty.
    pub(crate) fn columns(self) -> (&'static [&'static str], usize) {
        match self {
            Self::Shifts => (
                &[
                    "shift",
                    "parts",
                    "breaks",
                    "grace_in",
                    "grace_out",
                    "eve",
                    "holidays",
                    "pairing",
                ],
                2,
            ),
            Self::Usual => (&["shift", "workdays"], 2),
            Self::Holidays => (&["date", "site"], 1),
            Self::Storms => (&["date", "from", "to", "site"], 1),
            Self::Rosters => (&["person", "from", "to", "cycle", "site"], 4),
            Self::Employed => (&["person", "from", "to"], 1),
            Self::Leave => (&["person", "date", "part", "from", "to"], 2),
            Self::Overtime => (&["person", "date", "minutes"], 3),
        }
    }

    /// A table to begin with.
    pub(crate) fn example(self) -> &'static str {
        match self {
            Self::Shifts => "shift,parts,breaks\nday,09:00-18:00,13:00-14:00\nnight,22:00-30:00,",
            Self::Usual => "shift,workdays\nday,1 2 3 4 5",
            Self::Holidays => "date,site\n2027-01-01,",
            Self::Storms => "date,from,to,site\n2026-09-12,05:00,24:00,",
            Self::Rosters => {
                "person,from,to,cycle,site\n00017,2026-12-01,,day day night night - -,"
            }
            Self::Employed => "person,from,to\n00017,2026-12-01,",
            Self::Leave => {
                "person,date,part,from,to\n00017,2026-12-24,full,,\n00017,2026-12-28,hours,09:00,11:00"
            }
            Self::Overtime => "person,date,minutes\n00017,2026-12-02,90",
        }
    }

    /// Whether it is about people rather than the house.
    pub(crate) fn is_personal(self) -> bool {
        matches!(self, Self::Rosters | Self::Employed | Self::Leave | Self::Overtime)
    }
}

/// One thing that is wrong with a table. The values are never repeated.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct TableProblem {
    /// From 1, the header's line; 0 is the whole file.
    pub(crate) line: u64,
    pub(crate) trouble: Trouble,
}

/// What is wrong, as a message with its values.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Trouble {
    id: &'static str,
    values: Vec<(&'static str, String)>,
}

fn say(id: &'static str) -> Trouble {
    Trouble { id, values: Vec::new() }
}

/// Of one column.
fn of(id: &'static str, column: &'static str) -> Trouble {
    say(id).value("column", column)
}

impl Trouble {
    fn value(mut self, key: &'static str, value: impl ToString) -> Self {
        self.values.push((key, value.to_string()));
        self
    }

    /// In the words of a language.
    pub(crate) fn text(&self, t: &Words) -> String {
        let values: Vec<(&str, &str)> =
            self.values.iter().map(|(key, value)| (*key, value.as_str())).collect();
        t.fill(self.id, &values)
    }
}

impl From<EntryProblem> for Trouble {
    fn from(problem: EntryProblem) -> Self {
        match problem {
            EntryProblem::Name(max) => say("csv-name").value("max", max),
            EntryProblem::Large(_) | EntryProblem::Draft(_) => say("csv-shift"),
            EntryProblem::Shift(ShiftError::Empty) => say("csv-parts-none"),
            EntryProblem::Shift(ShiftError::Part(from, to)) => {
                say("csv-part-length").value("from", from).value("to", to)
            }
            EntryProblem::Shift(ShiftError::Order(until, from)) => {
                say("csv-parts-order").value("until", until).value("from", from)
            }
            EntryProblem::Shift(ShiftError::Break(from, to)) => {
                say("csv-break-length").value("from", from).value("to", to)
            }
            EntryProblem::Workdays => say("csv-workdays"),
            EntryProblem::Ends => say("csv-ends"),
            EntryProblem::Cycle(max) => say("csv-cycle").value("max", max),
            EntryProblem::Minutes(max) => say("csv-minutes-most").value("max", max),
        }
    }
}

impl From<EncodingError> for Trouble {
    fn from(error: EncodingError) -> Self {
        say(match error {
            EncodingError::Wrong => "csv-encoding-wrong",
            EncodingError::NoText => "csv-not-text",
            EncodingError::Two => "csv-encoding-two",
            EncodingError::Unknown => "csv-encoding-unknown",
        })
    }
}

impl From<PlansError> for Trouble {
    /// Of a table that was read well.
    fn from(error: PlansError) -> Self {
        match error {
            PlansError::Full(max, _) => say("csv-full").value("max", max),
            _ => say("csv-refused"),
        }
    }
}

/// What is said of lines, by their place from 0, that somebody else wrote otherwise meanwhile.
pub(crate) fn changed(places: &[usize]) -> Vec<TableProblem> {
    // The first line is the header.
    let line = |place: &usize| *place as u64 + 2;
    places
        .iter()
        .map(|place| TableProblem { line: line(place), trouble: say("csv-changed") })
        .collect()
}

/// Reads a table as entries, or says all that is wrong with it. `encoding` is `auto`, `utf-8`,
/// `gb18030` or `big5`; `find` knows whom the reader may change by the number of the terminals.
pub(crate) fn read(
    kind: Kind,
    bytes: &[u8],
    encoding: &str,
    find: &dyn Fn(&str) -> Option<PersonId>,
) -> Result<Vec<PlanEntry>, Vec<TableProblem>> {
    let whole = |trouble: Trouble| vec![TableProblem { line: 0, trouble }];
    let text = decode(bytes, encoding).map_err(|error| whole(error.into()))?;
    let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(text.as_bytes());
    let header = reader.headers().map_err(|_| whole(say("csv-no-table")))?.clone();
    let columns = places(kind, &header).map_err(whole)?;
    let (mut entries, mut problems) = (Vec::new(), Vec::new());
    let mut keys: HashMap<String, u64> = HashMap::new();
    for (n, record) in reader.records().enumerate() {
        let line = n as u64 + 2;
        if n >= Plans::MAX_IMPORT {
            return Err(whole(say("csv-too-many").value("max", Plans::MAX_IMPORT)));
        }
        let cells = record.map_err(|_| say("csv-quote"));
        let entry = cells.and_then(|cells| {
            if cells.len() > header.len() {
                return Err(say("csv-cells"));
            }
            let cell =
                |name: &str| columns.get(name).and_then(|at| cells.get(*at)).unwrap_or("").trim();
            let entry = entry(kind, &cell, find)?;
            entry.problem().map_or(Ok(entry), |problem| Err(problem.into()))
        });
        let entry = entry.and_then(|entry| match keys.insert(key(&entry), line) {
            Some(first) => Err(say("csv-same").value("line", first)),
            None => Ok(entry),
        });
        match entry {
            Ok(entry) => entries.push(entry),
            Err(trouble) => problems.push(TableProblem { line, trouble }),
        }
    }
    if problems.is_empty() { Ok(entries) } else { Err(problems) }
}

/// What two lines of one file may not share.
fn key(entry: &PlanEntry) -> String {
    match entry {
        PlanEntry::Leave { person, date, part: LeavePart::Hours(from, _) } => {
            format!("{} {date} {from}", person.0)
        }
        PlanEntry::Leave { person, date, .. } | PlanEntry::Overtime { person, date, .. } => {
            format!("{} {date}", person.0)
        }
        PlanEntry::Roster { person, from, .. } => format!("{} {from}", person.0),
        PlanEntry::Employed { person, .. } => person.0.to_string(),
        PlanEntry::Shift { name, .. } => name.clone(),
        PlanEntry::Usual { .. } => String::new(),
        PlanEntry::Holiday { date, site } => format!("{date} {site:?}"),
        PlanEntry::Storm { date, from, site, .. } => format!("{date} {from} {site:?}"),
    }
}

/// Where each column is.
fn places(kind: Kind, header: &csv::StringRecord) -> Result<HashMap<&'static str, usize>, Trouble> {
    let (known, must) = kind.columns();
    let mut places = HashMap::new();
    for (at, name) in header.iter().enumerate() {
        let name = name.trim().to_ascii_lowercase();
        let Some(known) = known.iter().find(|known| **known == name) else {
            let trouble = say("csv-column-unknown").value("place", at + 1);
            return Err(trouble.value("known", known.join(", ")));
        };
        if places.insert(*known, at).is_some() {
            return Err(say("csv-column-twice").value("column", known));
        }
    }
    match known.iter().take(must).find(|name| !places.contains_key(**name)) {
        Some(missing) => Err(say("csv-column-missing").value("column", missing)),
        None => Ok(places),
    }
}

type Cell<'a> = dyn Fn(&str) -> &'a str + 'a;

fn entry(
    kind: Kind,
    cell: &Cell<'_>,
    find: &dyn Fn(&str) -> Option<PersonId>,
) -> Result<PlanEntry, Trouble> {
    let person = || find(cell("person")).ok_or_else(|| say("csv-person"));
    Ok(match kind {
        Kind::Shifts => PlanEntry::Shift { name: cell("shift").to_owned(), shift: shift(cell)? },
        Kind::Usual => PlanEntry::Usual {
            shift: Some(cell("shift").to_owned()).filter(|name| !name.is_empty()),
            workdays: words(cell("workdays"))
                .map(|day| day.parse().map_err(|_| say("csv-workdays")))
                .collect::<Result<_, _>>()?,
        },
        Kind::Holidays => PlanEntry::Holiday { date: date(cell, "date")?, site: site(cell) },
        Kind::Storms => PlanEntry::Storm {
            date: date(cell, "date")?,
            from: time(cell, "from", LocalTime::MIDNIGHT)?,
            to: time(cell, "to", LocalTime::DAY_END)?,
            site: site(cell),
        },
        Kind::Rosters => PlanEntry::Roster {
            person: person()?,
            from: date(cell, "from")?,
            to: optional(cell, "to")?,
            cycle: words(cell("cycle"))
                .map(|word| Some(word.to_owned()).filter(|word| word != "-"))
                .collect(),
            site: site(cell),
        },
        Kind::Employed => PlanEntry::Employed {
            person: person()?,
            from: optional(cell, "from")?,
            to: optional(cell, "to")?,
        },
        Kind::Leave => {
            let part = match cell("part") {
                "" | "full" => LeavePart::Full,
                "am" => LeavePart::Am,
                "pm" => LeavePart::Pm,
                "hours" => LeavePart::Hours(
                    time(cell, "from", LocalTime::MIDNIGHT)?,
                    time(cell, "to", LocalTime::DAY_END)?,
                ),
                _ => return Err(say("csv-part")),
            };
            PlanEntry::Leave { person: person()?, date: date(cell, "date")?, part }
        }
        Kind::Overtime => PlanEntry::Overtime {
            person: person()?,
            date: date(cell, "date")?,
            minutes: cell("minutes").parse().map_err(|_| of("csv-minutes", "minutes"))?,
        },
    })
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split([' ', ';']).filter(|word| !word.is_empty())
}

fn site(cell: &Cell<'_>) -> Option<String> {
    Some(cell("site").to_owned()).filter(|site| !site.is_empty())
}

fn date(cell: &Cell<'_>, name: &'static str) -> Result<Date, Trouble> {
    optional(cell, name)?.ok_or_else(|| of("csv-date", name))
}

fn optional(cell: &Cell<'_>, name: &'static str) -> Result<Option<Date>, Trouble> {
    let text = cell(name);
    if text.is_empty() {
        return Ok(None);
    }
    let date = text.parse::<Date>().ok().filter(|date| (1970..=2200).contains(&date.year()));
    date.map(Some).ok_or_else(|| of("csv-date", name))
}

fn time(cell: &Cell<'_>, name: &'static str, absent: LocalTime) -> Result<LocalTime, Trouble> {
    match cell(name) {
        "" => Ok(absent),
        text => text.parse().map_err(|_| of("csv-time", name)),
    }
}

/// `09:00-13:00 14:00-18:00`.
fn spans(text: &str, name: &'static str) -> Result<Vec<(String, String)>, Trouble> {
    let span = |word: &str| {
        let (from, to) = word.split_once('-')?;
        Some((from.to_owned(), to.to_owned()))
    };
    let problem = || of("csv-times", name);
    words(text).map(|word| span(word).ok_or_else(problem)).collect()
}

fn shift(cell: &Cell<'_>) -> Result<Value, Trouble> {
    let mut shift = Map::new();
    let parts = spans(cell("parts"), "parts")?;
    shift.insert("parts".into(), json!(parts));
    let breaks = spans(cell("breaks"), "breaks")?;
    let breaks = breaks.iter().map(|(from, to)| json!({ "from": from, "to": to }));
    shift.insert("breaks".into(), breaks.collect());
    for name in ["grace_in", "grace_out"] {
        if !cell(name).is_empty() {
            let minutes: u32 = cell(name).parse().map_err(|_| of("csv-minutes", name))?;
            shift.insert(name.into(), minutes.into());
        }
    }
    for name in ["holidays", "pairing"] {
        if !cell(name).is_empty() {
            shift.insert(name.into(), cell(name).into());
        }
    }
    match cell("eve") {
        "" | "no" => {}
        "yes" => drop(shift.insert("eve".into(), true.into())),
        _ => return Err(of("csv-yes-no", "eve")),
    }
    Ok(Value::Object(shift))
}

#[cfg(test)]
mod tests;
