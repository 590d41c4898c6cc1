//! Today: who is in, who was seen, what was refused; new without reload.

use crate::app::{App, Shared, Who};
use crate::board::{Board, Counts, Line, PARTS, Presence, RefusedPunch};
use crate::guard::{Problem, Seat, Visitor};
use crate::live::MAX_ROWS;
use crate::pages::{Badge, Link, Shell, day, html, sending};
use crate::when::{age, long_date};
use crate::words::{Words, grouped};
use askama::Template;
use axum::Extension;
use axum::extract::{Form, Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use muster_attendance::PersonId;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Rows on one page.
const PAGE: usize = 100;
/// Characters of a search that are looked at.
const MAX_SEARCH: usize = 64;
/// Rows that a search shows.
const MAX_FOUND: usize = 100;
/// Pages one can turn to.
const MAX_PAGE: usize = 1_000;

/// Which rows are shown.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) enum Show {
    #[default]
    All,
    In,
    Out,
    Waiting,
    Refused,
}

impl Show {
    const ALL: [(Self, &'static str, &'static str); 5] = [
        (Self::All, "all", "show-all"),
        (Self::In, "in", "show-in"),
        (Self::Out, "out", "show-out"),
        (Self::Waiting, "waiting", "show-waiting"),
        (Self::Refused, "refused", "show-refused"),
    ];

    fn key(self) -> &'static str {
        Self::ALL.iter().find(|(show, ..)| *show == self).map_or("all", |(_, key, _)| key)
    }

    fn shows(self, line: &Line) -> bool {
        match self {
            Self::All => line.presence != Presence::Refused,
            Self::In => line.presence.is_in(),
            Self::Out => line.presence.is_out(),
            Self::Waiting => line.waiting > 0,
            Self::Refused => false,
        }
    }
}

/// What a request for the board names.
#[derive(Deserialize, Default)]
pub(crate) struct Asked {
    show: Option<String>,
    page: Option<usize>,
    /// As `generation.revision`: the board that the page has.
    since: Option<String>,
}

impl Asked {
    pub(crate) fn show(&self) -> Show {
        let key = self.show.as_deref().unwrap_or_default();
        Show::ALL.iter().find(|(_, k, _)| *k == key).map(|(show, ..)| *show).unwrap_or_default()
    }

    /// Generation and revision; (0, 0), which no board has, where they cannot be read.
    pub(crate) fn seen(&self) -> (u64, u64) {
        let pair = self.since.as_deref().and_then(|since| since.split_once('.'));
        let pair = pair.map(|(a, b)| (a.parse().unwrap_or(0), b.parse().unwrap_or(0)));
        pair.unwrap_or_default()
    }
}

/// One person's row.
pub(crate) struct Row {
    key: String,
    href: String,
    who: Who,
    presence: Badge,
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
    refused: String,
    waiting: String,
}

/// The small chart: punches by half hour.
struct Pulse {
    bars: Vec<Bar>,
    peak: String,
    total: String,
    hours: Vec<(String, String)>,
}

struct Bar {
    x: usize,
    y: usize,
    height: usize,
    now: bool,
}

#[derive(Template)]
#[template(path = "today.html")]
struct TodayPage<'a> {
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
struct BoardPart<'a> {
    t: &'a Words,
    csrf: String,
    show: &'static str,
    tabs: Vec<Link>,
    rows: Vec<Row>,
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

/// `GET /today`.
pub(crate) async fn page(
    State(app): State<Shared>,
    Extension(visitor): Extension<Arc<Visitor>>,
    Query(asked): Query<Asked>,
) -> Result<Response, Problem> {
    let board = app.live.now().await?;
    let view = View::new(&app, &visitor, &board)?;
    let part = view.part(asked.show(), asked.page.unwrap_or(1).clamp(1, MAX_PAGE));
    if visitor.partial {
        return html(StatusCode::OK, &part);
    }
    html(StatusCode::OK, &view.page(part))
}

/// What is searched for. In a form and not in the address, since it is a name.
#[derive(Deserialize)]
pub(crate) struct Search {
    q: String,
    /// The filter that an emptied search goes back to.
    show: Option<String>,
}

/// `POST /today/search`.
pub(crate) async fn search(
    State(app): State<Shared>,
    Extension(visitor): Extension<Arc<Visitor>>,
    Form(search): Form<Search>,
) -> Result<Response, Problem> {
    let board = app.live.now().await?;
    let view = View::new(&app, &visitor, &board)?;
    let wanted: String = search.q.trim().chars().take(MAX_SEARCH).collect();
    let show = Asked { show: search.show, ..Asked::default() }.show();
    let part = if wanted.is_empty() { view.part(show, 1) } else { view.found(wanted, show) };
    if visitor.partial {
        return html(StatusCode::OK, &part);
    }
    html(StatusCode::OK, &view.page(part))
}

/// What changed on `board` since `revision`, for one who looks at `show`; `None` if too much.
pub(crate) fn update(
    app: &App,
    visitor: &Visitor,
    board: &Board,
    show: Show,
    revision: u64,
) -> Option<Update> {
    let view = View::new(app, visitor, board).ok()?;
    let changed = board.lines.iter().filter(|line| line.changed > revision);
    let changed: Vec<_> = changed.filter(|line| view.sees(line.person)).collect();
    if changed.len() > MAX_ROWS {
        return None;
    }
    let t = &visitor.t;
    let (shown, gone): (Vec<&Line>, Vec<&Line>) =
        changed.into_iter().rev().partition(|line| show.shows(line));
    let rows = shown.iter().map(|line| {
        let row = view.row(line);
        let html = RowPart { t, row: &row }.render().unwrap_or_default();
        UpdatedRow { key: row.key, html }
    });
    Some(Update {
        as_of: view.as_of(),
        since: since(board),
        figures: FiguresPart { t, figures: &view.figures() }.render().unwrap_or_default(),
        pulse: PulsePart { t, pulse: &view.pulse() }.render().unwrap_or_default(),
        rows: rows.collect(),
        gone: gone.iter().map(|line| key(line.person)).collect(),
    })
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

    fn page(&self, part: BoardPart<'a>) -> TodayPage<'a> {
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

    fn part(&self, show: Show, page: usize) -> BoardPart<'a> {
        let mut part = self.blank(show);
        if show == Show::Refused {
            let rows = self.board.refused.iter().filter(|r| r.person.is_none_or(|p| self.sees(p)));
            part.refused = rows.map(|refused| self.refused_row(refused)).collect();
        } else {
            let lines = self.board.lines.iter().filter(|line| show.shows(line));
            let mut lines = lines.filter(|line| self.sees(line.person)).skip((page - 1) * PAGE);
            part.rows = lines.by_ref().take(PAGE).map(|line| self.row(line)).collect();
            let address = |page: usize| format!("/today?show={}&page={page}", show.key());
            part.next = lines.next().map(|_| address(page + 1));
            part.previous = (page > 1).then(|| address(page - 1));
            part.mode = if page == 1 { "recent" } else { "some" };
        }
        part
    }

    fn found(&self, wanted: String, show: Show) -> BoardPart<'a> {
        let t = &self.visitor.t;
        let mut part = self.blank(show);
        part.refusals = false;
        let fold = wanted.to_lowercase();
        let fits = |row: &Row| {
            [&row.who.shown, &row.who.number, &row.who.department]
                .iter()
                .any(|text| text.to_lowercase().contains(&fold))
        };
        let lines = self.board.lines.iter().filter(|line| self.sees(line.person));
        part.rows = lines.map(|line| self.row(line)).filter(fits).take(MAX_FOUND).collect();
        part.found = t.count("search-found", part.rows.len() as u64);
        (part.empty, part.empty_next) = (t.say("search-none"), t.say("search-none-next"));
        (part.search, part.mode) = (wanted, "some");
        part
    }

    fn blank(&self, show: Show) -> BoardPart<'a> {
        let t = &self.visitor.t;
        let tab = |(other, key, label): &(Show, &str, &str)| Link {
            to: format!("/today?show={key}"),
            label: t.say(label),
            current: *other == show,
        };
        let (empty, empty_next) = match show {
            Show::All => ("empty-today", "empty-today-next"),
            Show::In => ("empty-in", "empty-in-next"),
            Show::Out => ("empty-out", "empty-out-next"),
            Show::Waiting => ("empty-waiting", "empty-waiting-next"),
            Show::Refused => ("empty-refused", "empty-refused-next"),
        };
        BoardPart {
            t,
            csrf: self.visitor.csrf.clone(),
            show: show.key(),
            tabs: Show::ALL.iter().map(tab).collect(),
            rows: Vec::new(),
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
        let (t, zone) = (&self.visitor.t, &self.app.zone);
        let waiting = if line.waiting > 1 {
            t.count("waiting-records", u64::from(line.waiting))
        } else {
            String::new()
        };
        Row {
            key: key(line.person),
            href: day::address(line.person, self.board.date),
            who: self.app.who(line.person, t),
            presence: presence(line.presence, t),
            first: line.first_ms.map(|ms| zone.clock(ms)).unwrap_or_default(),
            last: zone.clock(line.last_ms),
            last_machine: zone.machine(line.last_ms),
            box_time: line.box_time,
            terminal: self.app.device_name(line.last_device, t),
            punches: grouped(u64::from(line.punches)),
            sending: sending(line.state, t),
            waiting,
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
        let [inside, seen, refused, waiting] =
            [counts.inside, counts.seen, counts.refused, counts.waiting].map(grouped);
        Figures { inside, seen, refused, waiting }
    }

    fn as_of(&self) -> String {
        self.visitor.t.with("as-of", "time", &self.app.zone.clock_seconds(self.now_ms))
    }

    fn pulse(&self) -> Pulse {
        let now = usize::from(self.app.zone.minute_of_day(self.now_ms)) * PARTS / 1_440;
        pulse(&self.board.pulse, now)
    }
}

/// Height of the chart and width of a bar with its gap, in the drawing's own units.
const PULSE_HEIGHT: usize = 56;
const BAR_PITCH: usize = 10;

fn pulse(parts: &[u32; PARTS], now: usize) -> Pulse {
    let peak = parts.iter().copied().max().unwrap_or(0).max(1) as usize;
    let bar = |(i, count): (usize, &u32)| {
        let full = *count as usize * PULSE_HEIGHT / peak;
        let height = if *count == 0 { 1 } else { full.max(3) };
        Bar { x: i * BAR_PITCH, y: PULSE_HEIGHT - height, height, now: i == now }
    };
    let hours = parts.chunks(2).enumerate().filter(|(_, hour)| hour.iter().any(|n| *n > 0));
    let hour = |(i, hour): (usize, &[u32])| {
        let count: u64 = hour.iter().map(|n| u64::from(*n)).sum();
        (format!("{i:02}:00"), grouped(count))
    };
    Pulse {
        bars: parts.iter().enumerate().map(bar).collect(),
        peak: grouped(parts.iter().copied().max().unwrap_or(0).into()),
        total: grouped(parts.iter().map(|n| u64::from(*n)).sum()),
        hours: hours.map(hour).collect(),
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

/// How long ago, for a page that is not live.
pub(crate) fn ago(now_ms: i64, then_ms: i64, t: &Words) -> String {
    age(now_ms.saturating_sub(then_ms), t)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_board_a_page_has_is_read_back() {
        let asked = |since: &str| Asked { since: Some(since.to_owned()), ..Asked::default() };
        for (since, expect) in [
            ("12.34", (12, 34)),
            ("", (0, 0)),
            ("x.y", (0, 0)),
            ("-1.99999999999999999999", (0, 0)),
        ] {
            assert_eq!(asked(since).seen(), expect, "{since}");
        }
    }

    #[test]
    fn unknown_filters_show_all() {
        for (show, expect) in [("in", Show::In), ("refused", Show::Refused), ("x'", Show::All)] {
            let asked = Asked { show: Some(show.to_owned()), ..Asked::default() };
            assert_eq!(asked.show(), expect);
        }
    }

    #[test]
    fn the_chart_scales_to_its_peak() {
        let mut parts = [0; PARTS];
        (parts[17], parts[18]) = (40, 1);
        let pulse = pulse(&parts, 18);
        assert_eq!((pulse.bars[17].height, pulse.bars[17].y), (PULSE_HEIGHT, 0));
        assert_eq!((pulse.bars[18].height, pulse.bars[0].height), (3, 1));
        assert!(pulse.bars[18].now);
        assert_eq!(pulse.hours, [("08:00".into(), "40".into()), ("09:00".into(), "1".into())]);
    }
}
