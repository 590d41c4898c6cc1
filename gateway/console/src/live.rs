//! The board without reload: one reader of the views for all who look on, server-sent events out.
//!
//! While somebody looks on, the day is read again when a punch comes, at most a few times a second
//! and for a twentieth of the time where a second's rest allows it; what changed is numbered. Each
//! page is told the newest board whenever its connection takes bytes: a slow one skips boards in
//! between, and nothing is queued for it. With nobody looking on, nothing runs and the board is let
//! go.

use crate::app::{Handles, Shared};
use crate::board::Board;
use crate::guard::{Problem, Visitor};
use crate::pages::today;
use crate::when::Zone;
use crate::words::Language;
use axum::Extension;
use axum::body::{Body, Bytes};
use axum::extract::{Query, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use jiff::civil::Date;
use muster_attendance::{Due, PersonId};
use muster_ledger::ViewsError;
use ring::rand::{SecureRandom, SystemRandom};
use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, Weak};
use std::time::{Duration, Instant};
use tokio::sync::{Mutex, Notify, OnceCell, watch};

/// Boards looked on at a time.
pub(crate) const MAX_WATCHERS: u32 = 256;
/// Between two readings of the day, at least.
const PACE: Duration = Duration::from_millis(300);
/// Between two readings, that many times what one takes, at least,
const REST: u32 = 19;
/// but no longer than this: a punch is on the screen in two seconds, its turn included.
const MAX_REST: Duration = Duration::from_secs(1);
/// The day is read again after this long, for what changes without a punch: the state of sending,
/// midnight.
const REFRESH: Duration = Duration::from_secs(4);
/// The board is let go when nobody has looked on for this long.
const LINGER: Duration = Duration::from_secs(60);
/// A board read this long ago is new enough for a page.
const FRESH: Duration = Duration::from_millis(200);
/// A line that keeps a quiet connection open, and finds out that it is gone.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// Pages are told one after the other over this long, so that two hundred of them at once never
/// stand before a punch.
const TURNS: Duration = Duration::from_millis(600);
/// Sights of one board that are kept.
const MAX_SIGHTS: usize = 64;
/// A page that missed more than this many lines loads afresh.
pub(crate) const MAX_ROWS: usize = 200;

pub(crate) struct LiveBoard {
    handles: Handles,
    zone: Zone,
    latest: watch::Sender<Option<Arc<Board>>>,
    /// When the latest was read; held while reading, so that one read serves all who ask.
    reading: Mutex<Option<Instant>>,
    watchers: AtomicU32,
    generation: Arc<AtomicU64>,
    wake: Notify,
    rendered: std::sync::Mutex<Rendered>,
    expected: Arc<std::sync::Mutex<Expected>>,
}

/// When everybody is to come, kept while it is the same.
#[derive(Default)]
struct Expected {
    /// The day, and the revisions of plans and directory.
    of: Option<(Date, u64, u64)>,
    due: Arc<HashMap<PersonId, Due>>,
}

/// What was rendered of one board: once for all who see the same of it.
#[derive(Default)]
struct Rendered {
    /// Generation and revision.
    board: (u64, u64),
    events: HashMap<Sight, Arc<OnceCell<Option<Bytes>>>>,
}

/// What of a board somebody sees, and in which words.
#[derive(PartialEq, Eq, Hash)]
struct Sight {
    /// The revision they have.
    since: u64,
    show: today::Show,
    language: Language,
    /// `None` is everybody.
    departments: Option<Vec<String>>,
}

impl LiveBoard {
    pub(crate) fn new(handles: Handles, zone: Zone, random: &SystemRandom) -> Option<Self> {
        let mut start = [0u8; 6];
        random.fill(&mut start).ok()?;
        let start = start.iter().fold(0u64, |n, byte| n << 8 | u64::from(*byte));
        Some(Self {
            handles,
            zone,
            latest: watch::Sender::new(None),
            reading: Mutex::new(None),
            watchers: AtomicU32::new(0),
            generation: Arc::new(AtomicU64::new(start)),
            wake: Notify::new(),
            rendered: std::sync::Mutex::default(),
            expected: Arc::default(),
        })
    }

    /// The event of a board for one sight; `render` makes it where nobody had it yet, away from the
    /// threads that answer terminals, and others who see the same wait for it.
    async fn event_for(
        &self,
        board: &Board,
        sight: Sight,
        render: impl FnOnce() -> Option<Bytes> + Send + 'static,
    ) -> Option<Bytes> {
        let event = self.place_for((board.generation, board.revision), sight);
        let made = || async { tokio::task::spawn_blocking(render).await.ok().flatten() };
        event.get_or_init(made).await.clone()
    }

    /// Where the event of a board is kept for one sight.
    fn place_for(&self, of: (u64, u64), sight: Sight) -> Arc<OnceCell<Option<Bytes>>> {
        let mut rendered = self.rendered.lock().unwrap_or_else(PoisonError::into_inner);
        if rendered.board != of {
            *rendered = Rendered { board: of, events: HashMap::new() };
        }
        if let Some(event) = rendered.events.get(&sight) {
            return event.clone();
        }
        let event = Arc::default();
        if rendered.events.len() < MAX_SIGHTS {
            rendered.events.insert(sight, Arc::clone(&event));
        }
        event
    }

    /// The board as it is now.
    pub(crate) async fn now(&self) -> Result<Arc<Board>, ViewsError> {
        let mut read_at = self.reading.lock().await;
        let fresh = read_at.is_some_and(|at| at.elapsed() < FRESH);
        if let (true, Some(board)) = (fresh, self.latest.borrow().clone()) {
            return Ok(board);
        }
        let now_ms = self.handles.clock.now_ms();
        let date = self.zone.date(now_ms);
        let day = self.handles.views.day(date).await?;
        let (handles, expected) = (self.handles.clone(), self.expected.clone());
        let (zone, generation) = (self.zone.clone(), self.generation.clone());
        let before = self.latest.borrow().clone();
        // Thousands of lines are no work for a thread that answers terminals.
        let made = tokio::task::spawn_blocking(move || {
            let mut board = Board::of(&day, &zone, generation.load(Ordering::Relaxed));
            board.expect(&day, &due(&handles, &expected, date), now_ms);
            let next = || generation.fetch_add(1, Ordering::Relaxed) + 1;
            let changed = before.is_none_or(|before| board.follow(&before, next));
            (Arc::new(board), changed)
        });
        let stopped = |_| ViewsError::Broken("the board stopped on an error of its own".into());
        let (board, changed) = made.await.map_err(stopped)?;
        if changed {
            self.latest.send_replace(Some(board.clone()));
        }
        *read_at = Some(Instant::now());
        self.wake.notify_one();
        Ok(board)
    }

    /// Lets the board go; the next one cannot be compared with it.
    async fn forget(&self) {
        let mut read_at = self.reading.lock().await;
        *read_at = None;
        self.generation.fetch_add(1, Ordering::Relaxed);
        self.latest.send_replace(None);
        *self.rendered.lock().unwrap_or_else(PoisonError::into_inner) = Rendered::default();
        *self.expected.lock().unwrap_or_else(PoisonError::into_inner) = Expected::default();
    }

    fn watched(&self) -> bool {
        self.watchers.load(Ordering::Relaxed) > 0
    }
}

/// When everybody is to come on a date; computed anew where plans or people changed.
fn due(
    handles: &Handles,
    expected: &std::sync::Mutex<Expected>,
    date: Date,
) -> Arc<HashMap<PersonId, Due>> {
    let of = Some((date, handles.plans.revision(), handles.directory.revision()));
    let mut expected = expected.lock().unwrap_or_else(PoisonError::into_inner);
    if expected.of != of {
        let due = handles.sheets.due(date).unwrap_or_else(|error| {
            tracing::warn!(%error, "the board cannot say who is due");
            HashMap::new()
        });
        *expected = Expected { of, due: Arc::new(due) };
    }
    expected.due.clone()
}

/// Keeps the board new while somebody looks on; ends with the page.
pub(crate) async fn run(live: Weak<LiveBoard>) {
    while let Some(board) = live.upgrade() {
        let woken = tokio::time::timeout(LINGER, board.wake.notified()).await.is_ok();
        if !woken && !board.watched() && board.latest.borrow().is_some() {
            board.forget().await;
        }
        drop(board);
        while live.upgrade().is_some_and(|board| board.watched()) {
            follow(&live).await;
        }
    }
}

/// One reading, after the next punch or after [`REFRESH`].
async fn follow(live: &Weak<LiveBoard>) {
    let Some(board) = live.upgrade() else { return };
    let mut punches = board.handles.views.live();
    let started = Instant::now();
    if let Err(error) = board.now().await {
        tracing::debug!(%error, "the live board waits");
    }
    let rest = (started.elapsed() * REST).clamp(PACE, MAX_REST);
    tokio::time::sleep(rest).await;
    drop(board);
    // Many punches, or too many to follow, are one reason to read again.
    let _ = tokio::time::timeout(REFRESH, punches.recv()).await;
}

/// One who looks on; counted while there.
struct Watcher {
    app: Shared,
    visitor: Arc<Visitor>,
    boards: watch::Receiver<Option<Arc<Board>>>,
    show: today::Show,
    seen: (u64, u64),
    /// After how long it is told of a change.
    turn: Duration,
    ended: bool,
}

impl Drop for Watcher {
    fn drop(&mut self) {
        self.app.live.watchers.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Server-sent events: `board` with what changed, `stale` where the page has to load afresh,
/// `bye` where the session is over.
pub(crate) async fn stream(
    State(app): State<Shared>,
    Extension(visitor): Extension<Arc<Visitor>>,
    Query(asked): Query<today::Asked>,
) -> Result<Response, Problem> {
    let before = app.live.watchers.fetch_add(1, Ordering::Relaxed);
    let mut boards = app.live.latest.subscribe();
    boards.mark_changed();
    let (seen, show) = (asked.seen(), asked.show());
    let turn = TURNS * before.min(MAX_WATCHERS) / MAX_WATCHERS;
    let watcher = Watcher { app: app.clone(), visitor, boards, show, seen, turn, ended: false };
    if before >= MAX_WATCHERS {
        return Err(Problem::Busy);
    }
    app.live.wake.notify_one();
    let events = futures_util::stream::unfold(watcher, |mut watcher| async {
        let event = watcher.next().await?;
        Some((Ok::<_, Infallible>(event), watcher))
    });
    let headers = [(CONTENT_TYPE, "text/event-stream"), (CACHE_CONTROL, "no-store")];
    Ok((headers, Body::from_stream(events)).into_response())
}

impl Watcher {
    /// The next event's text; waits for it.
    async fn next(&mut self) -> Option<Bytes> {
        if self.ended {
            return None;
        }
        loop {
            let waited = tokio::time::timeout(KEEP_ALIVE, self.boards.changed()).await;
            if !self.logged_in() {
                self.ended = true;
                return Some(event("bye", "{}"));
            }
            match waited {
                Err(_) => return Some(Bytes::from_static(b": still here\n\n")),
                Ok(Err(_)) => return None,
                Ok(Ok(())) => tokio::time::sleep(self.turn).await,
            }
            let Some(board) = self.boards.borrow_and_update().clone() else { continue };
            if let Some(event) = self.told(board).await {
                return Some(event);
            }
        }
    }

    async fn told(&mut self, board: Arc<Board>) -> Option<Bytes> {
        let (generation, revision) = self.seen;
        if generation != board.generation {
            self.ended = true;
            return Some(event("stale", "{}"));
        }
        if revision == board.revision {
            return None;
        }
        self.seen = (board.generation, board.revision);
        let seat = self.visitor.seat.as_ref()?;
        let sight = Sight {
            since: revision,
            show: self.show,
            language: self.visitor.t.language,
            departments: (!seat.sees_all()).then(|| seat.departments.clone()),
        };
        let (app, visitor, show) = (self.app.clone(), self.visitor.clone(), self.show);
        let seen = board.clone();
        let render = move || {
            let update = today::update(&app, &visitor, &seen, show, revision)?;
            serde_json::to_string(&update).ok().map(|json| event("board", &json))
        };
        let told = self.app.live.event_for(&board, sight, render).await;
        self.ended = told.is_none();
        Some(told.unwrap_or_else(|| event("stale", "{}")))
    }

    /// Looking on is no request: it neither keeps a session alive nor outlives it.
    fn logged_in(&self) -> bool {
        let Some(seat) = &self.visitor.seat else { return false };
        let session = self.app.sessions.find(&seat.token, Instant::now(), false);
        session.is_some()
            && self.app.handles.accounts.find(&seat.account).is_some_and(|account| {
                !account.disabled
                    && account.roles == seat.roles
                    && account.departments == seat.departments
            })
    }
}

/// JSON has no line breaks, so one `data` line is enough.
fn event(name: &str, json: &str) -> Bytes {
    format!("event: {name}\ndata: {json}\n\n").into()
}
