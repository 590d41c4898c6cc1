//! A board as one visitor may see it, in their language.

use super::Show;
use super::pulse::Pulse;
use crate::app::{App, Who};
use crate::board::{Board, Counts, Line, Missing, PARTS, Presence, RefusedPunch};
use crate::guard::{Problem, Seat, Visitor};
use crate::live::MAX_ROWS;
use crate::pages::{Badge, Link, Shell, day, sending};
use crate::when::long_date;
use crate::words::Words;
use askama::Template;
use muster_attendance::PersonId;
use serde::Serialize;

/// Rows on one page.
const PAGE: usize = 100;
/// Rows that a search shows.
pub(crate) const MAX_FOUND: usize = 100;

/// One person's row.
pub(super) struct Row {
    key: String,
    href: String,
    who: Who,
    presence: Badge,
    /// Words where they came late.
    late: String,
    first: String,
    last: String,
    last_machine: String,
    box_time: bool,
    terminal: String,
    punches: String,
    sending: Badge,
    /// Words under the badge where more than one record waits.
    waiting: String,
}

/// Somebody who is not in yet.
struct MissingRow {
    key: String,
    href: String,
    who: Who,
    due: String,
    machine: String,
}

/// One refused punch.
struct RefusedRow {
    key: String,
    time: String,
    machine: String,
    terminal: String,
    method: String,
    who: String,
}

/// The figures on top.
struct Figures {
    inside: String,
    seen: String,
    missing: String,
    late: String,
    /// Whether the last two can be told.
    planned: bool,
    refused: String,
    waiting: String,
}

#[derive(Template)]
#[template(path = "today.html")]
pub(super) struct TodayPage<'a> {
    shell: Shell,
    t: &'a Words,
    date: String,
    as_of: String,
    figures: Figures,
    pulse: Pulse,
    board: BoardPart<'a>,
}

/// The table with its filters; what a search or a filter replaces.
#[derive(Template)]
#[template(path = "today_board.html")]
pub(super) struct BoardPart<'a> {
    t: &'a Words,
    csrf: String,
    show: &'static str,
    tabs: Vec<Link>,
    rows: Vec<Row>,
    missing: Vec<MissingRow>,
    missings: bool,
    refused: Vec<RefusedRow>,
    refusals: bool,
    search: String,
    /// `recent` takes new rows, `some` only changes of those it has.
    mode: &'static str,
    stream: String,
    empty: String,
    empty_next: String,
    found: String,
    previous: Option<String>,
    next: Option<String>,
}

#[derive(Template)]
#[template(path = "today_row.html")]
struct RowPart<'a> {
    t: &'a Words,
    row: &'a Row,
}

#[derive(Template)]
#[template(path = "today_figures.html")]
struct FiguresPart<'a> {
    t: &'a Words,
    figures: &'a Figures,
}

#[derive(Template)]
#[template(path = "today_pulse.html")]
struct PulsePart<'a> {
    t: &'a Words,
    pulse: &'a Pulse,
}

/// What a live page is told.
#[derive(Serialize)]
pub(crate) struct Update {
    as_of: String,
    since: String,
    figures: String,
    pulse: String,
    /// Newest last, so that putting each on top ends in the right order.
    rows: Vec<UpdatedRow>,
    gone: Vec<String>,
}

#[derive(Serialize)]
struct UpdatedRow {
    key: String,
    html: String,
}

/// A board as one visitor may see it.
pub(crate) struct View<'a> {
    app: &'a App,
    visitor: &'a Visitor,
    seat: &'a Seat,
    board: &'a Board,
    all: bool,
    now_ms: i64,
}

impl<'a> View<'a> {
    pub(crate) fn new(
        app: &'a App,
        visitor: &'a Visitor,
        board: &'a Board,
    ) -> Result<Self, Problem> {
        let seat = visitor.seat.as_ref().ok_or(Problem::Missing)?;
        Ok(Self { app, visitor, seat, board, all: seat.sees_all(), now_ms: app.now_ms() })
    }

    pub(crate) fn sees(&self, person: PersonId) -> bool {
        self.all || day::visible_to(self.app, self.seat, person)
    }

    pub(crate) fn counts(&self) -> Counts {
        self.board.counts(|person| self.sees(person), self.all)
    }

    pub(super) fn page(&self, part: BoardPart<'a>) -> TodayPage<'a> {
        let t = &self.visitor.t;
        TodayPage {
            shell: Shell::new(self.app, self.visitor, t.say("nav-today"), "/today"),
            t,
            date: long_date(self.board.date, t),
            as_of: self.as_of(),
            figures: self.figures(),
            pulse: self.pulse(),
            board: part,
        }
    }

    pub(super) fn part(&self, show: Show, page: usize) -> BoardPart<'a> {
        let mut part = self.blank(show);
        if show == Show::Refused {
            let rows = self.board.refused.iter().filter(|r| r.person.is_none_or(|p| self.sees(p)));
            part.refused = rows.map(|refused| self.refused_row(refused)).collect();
        } else if show == Show::Missing {
            let missing = self.board.missing.iter().filter(|missing| self.sees(missing.person));
            let mut missing = missing.skip((page - 1) * PAGE);
            part.missing = missing.by_ref().take(PAGE).map(|one| self.missing_row(one)).collect();
            part.turn(show, page, missing.next().is_some());
        } else {
            let lines = self.board.lines.iter().filter(|line| show.shows(line));
            let mut lines = lines.filter(|line| self.sees(line.person)).skip((page - 1) * PAGE);
            part.rows = lines.by_ref().take(PAGE).map(|line| self.row(line)).collect();
            part.turn(show, page, lines.next().is_some());
        }
        part
    }

    pub(super) fn found(&self, wanted: String, show: Show) -> BoardPart<'a> {
        let t = &self.visitor.t;
        let mut part = self.blank(show);
        (part.refusals, part.missings) = (false, false);
        let found = self.matching(wanted.clone()).take(MAX_FOUND);
        part.rows = found.map(|(line, who)| self.row_of(line, who)).collect();
        part.found = t.count("search-found", part.rows.len() as u64);
        (part.empty, part.empty_next) = (t.say("search-none"), t.say("search-none-next"));
        (part.search, part.mode) = (wanted, "some");
        part
    }

    /// Who of the board has a text in the name, the number or the department.
    pub(crate) fn matching(&self, wanted: String) -> impl Iterator<Item = (&'a Line, Who)> {
        let fold = wanted.to_lowercase();
        let fits = move |who: &Who| {
            let texts = [&who.shown, &who.number, &who.department];
            texts.iter().any(|text| text.to_lowercase().contains(&fold))
        };
        let lines = self.board.lines.iter().filter(|line| self.sees(line.person));
        let known = lines.map(|line| (line, self.app.who(line.person, &self.visitor.t)));
        known.filter(move |(_, who)| fits(who))
    }

    /// What changed since `revision`; `None` if too much.
    pub(super) fn update(&self, show: Show, revision: u64) -> Option<Update> {
        // A list that grew in its middle is loaded afresh.
        if show == Show::Missing && self.board.grown > revision {
            return None;
        }
        let changed = self.board.lines.iter().filter(|line| line.changed > revision);
        let changed: Vec<_> = changed.filter(|line| self.sees(line.person)).collect();
        if changed.len() > MAX_ROWS {
            return None;
        }
        let t = &self.visitor.t;
        let (shown, gone): (Vec<&Line>, Vec<&Line>) =
            changed.into_iter().rev().partition(|line| show.shows(line));
        let rows = shown.iter().map(|line| {
            let row = self.row(line);
            let html = RowPart { t, row: &row }.render().unwrap_or_default();
            UpdatedRow { key: row.key, html }
        });
        Some(Update {
            as_of: self.as_of(),
            since: since(self.board),
            figures: FiguresPart { t, figures: &self.figures() }.render().unwrap_or_default(),
            pulse: PulsePart { t, pulse: &self.pulse() }.render().unwrap_or_default(),
            rows: rows.collect(),
            gone: gone.iter().map(|line| key(line.person)).collect(),
        })
    }

    fn blank(&self, show: Show) -> BoardPart<'a> {
        let t = &self.visitor.t;
        let tab = |(other, key, label): &(Show, &str, &str)| Link {
            to: format!("/today?show={key}"),
            label: t.say(label),
            current: *other == show,
        };
        let planned = self.board.planned;
        let tabs = Show::ALL.iter().filter(|(other, ..)| planned || !other.needs_plans());
        let (empty, empty_next) = match show {
            Show::All => ("empty-today", "empty-today-next"),
            Show::In => ("empty-in", "empty-in-next"),
            Show::Missing => ("empty-missing", "empty-missing-next"),
            Show::Late => ("empty-late", "empty-late-next"),
            Show::Out => ("empty-out", "empty-out-next"),
            Show::Waiting => ("empty-waiting", "empty-waiting-next"),
            Show::Refused => ("empty-refused", "empty-refused-next"),
        };
        BoardPart {
            t,
            csrf: self.visitor.csrf.clone(),
            show: show.key(),
            tabs: tabs.map(tab).collect(),
            rows: Vec::new(),
            missing: Vec::new(),
            missings: show == Show::Missing,
            refused: Vec::new(),
            refusals: show == Show::Refused,
            search: String::new(),
            mode: "some",
            stream: format!("/today/live?show={}&since={}", show.key(), since(self.board)),
            empty: t.say(empty),
            empty_next: t.say(empty_next),
            found: String::new(),
            previous: None,
            next: None,
        }
    }

    fn row(&self, line: &Line) -> Row {
        self.row_of(line, self.app.who(line.person, &self.visitor.t))
    }

    fn row_of(&self, line: &Line, who: Who) -> Row {
        let (t, zone) = (&self.visitor.t, &self.app.zone);
        let waiting = if line.waiting > 1 {
            t.count("waiting-records", u64::from(line.waiting))
        } else {
            String::new()
        };
        Row {
            key: key(line.person),
            href: day::address(line.person, self.board.date),
            who,
            presence: presence(line.presence, t),
            late: line
                .late_ms
                .map(|due| t.with("late-due", "time", &zone.clock(due)))
                .unwrap_or_default(),
            first: line.first_ms.map(|ms| zone.clock(ms)).unwrap_or_default(),
            last: zone.clock(line.last_ms),
            last_machine: zone.machine(line.last_ms),
            box_time: line.box_time,
            terminal: self.app.device_name(line.last_device, t),
            punches: t.number(u64::from(line.punches)),
            sending: sending(line.state, t),
            waiting,
        }
    }

    fn missing_row(&self, missing: &Missing) -> MissingRow {
        MissingRow {
            key: key(missing.person),
            href: day::address(missing.person, self.board.date),
            who: self.app.who(missing.person, &self.visitor.t),
            due: self.app.zone.clock(missing.due_ms),
            machine: self.app.zone.machine(missing.due_ms),
        }
    }

    fn refused_row(&self, refused: &RefusedPunch) -> RefusedRow {
        let (t, zone) = (&self.visitor.t, &self.app.zone);
        let who = refused.person.map(|person| self.app.who(person, t).shown);
        RefusedRow {
            key: format!("r{}", refused.id),
            time: zone.clock_seconds(refused.at_ms),
            machine: zone.machine(refused.at_ms),
            terminal: self.app.device_name(refused.device, t),
            method: day::method(refused.method, t),
            who: who.unwrap_or_else(|| t.say("person-nobody")),
        }
    }

    fn figures(&self) -> Figures {
        let counts = self.counts();
        let number = |count| self.visitor.t.number(count);
        Figures {
            inside: number(counts.inside),
            seen: number(counts.seen),
            missing: number(counts.missing),
            late: number(counts.late),
            planned: self.board.planned,
            refused: number(counts.refused),
            waiting: number(counts.waiting),
        }
    }

    fn as_of(&self) -> String {
        self.visitor.t.with("as-of", "time", &self.app.zone.clock_seconds(self.now_ms))
    }

    fn pulse(&self) -> Pulse {
        let now = usize::from(self.app.zone.minute_of_day(self.now_ms)) * PARTS / 1_440;
        Pulse::of(&self.board.pulse, now, &self.visitor.t)
    }
}

impl BoardPart<'_> {
    /// Where pages before and after this one are, and whether new rows belong on it.
    fn turn(&mut self, show: Show, page: usize, more: bool) {
        let address = |page: usize| format!("/today?show={}&page={page}", show.key());
        self.next = more.then(|| address(page + 1));
        self.previous = (page > 1).then(|| address(page - 1));
        self.mode = if page == 1 { "recent" } else { "some" };
    }
}

fn key(person: PersonId) -> String {
    format!("p{}", person.0)
}

fn since(board: &Board) -> String {
    format!("{}.{}", board.generation, board.revision)
}

fn presence(presence: Presence, t: &Words) -> Badge {
    let (tone, label) = match presence {
        Presence::In => ("good", "presence-in"),
        Presence::ProbablyIn => ("good", "presence-probably-in"),
        Presence::Out => ("quiet", "presence-out"),
        Presence::ProbablyOut => ("quiet", "presence-probably-out"),
        Presence::Refused => ("bad", "presence-refused"),
    };
    Badge { tone, label: t.say(label) }
}
