//! Enrolment on the page, with the firmware's own code on a line: refused without notice, basis
//! and age, done with them, and the same person punches by a PIN.

use crate::driver::{Driver, Screen};
use crate::stage::Stage;
use anyhow::{Context as _, Result, ensure};
use fantoccini::Locator;
use muster_proto::message::{Method, Outcome};
use muster_terminal::keypad::Key;
use muster_terminal::manage::Pressed;
use muster_terminal::sim::{Board, RamFlash};
use muster_tests::serial::{Line, secret};
use muster_tests::site::Site;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

const NAME: &str = "m1-door";
const NUMBER: &str = "00011";
const FINGER: u16 = 7;
const TICK: Duration = Duration::from_millis(2);
/// Between two looks at a finger of one enrolment.
const TURN: Duration = Duration::from_millis(1_500);
const PATIENCE: Duration = Duration::from_secs(60);

/// An M1 in a thread, and whoever stands before it.
struct Terminal {
    board: Arc<Mutex<Board>>,
    begun: Instant,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Terminal {
    fn start(port: &Path, secret: &[u8; 32]) -> Result<Self> {
        let mut board =
            Board::start(NAME, secret, 1, RamFlash::new(64), &[]).ok().context("no board")?;
        board.manage(Site::NAME, secret, [0; 32]).ok().context("no manager")?;
        let (mut line, begun) = (Line::plug(port)?, Instant::now());
        let (board, stop) = (Arc::new(Mutex::new(board)), Arc::new(AtomicBool::new(false)));
        let (theirs, stopped) = (board.clone(), stop.clone());
        let thread = std::thread::spawn(move || {
            let (mut rx, mut tx) = ([0; 512], vec![0; Board::MAX_TX]);
            while !stopped.load(Ordering::Relaxed) {
                let length = line.read(&mut rx).unwrap_or_default();
                let now_ms = begun.elapsed().as_millis() as u64;
                let mut board = theirs.lock().unwrap_or_else(PoisonError::into_inner);
                let length = board.poll(now_ms, &rx[..length], &mut tx, &[]);
                drop(board);
                line.write(&tx[..length]);
                std::thread::sleep(TICK);
            }
        });
        Ok(Self { board, begun, stop, thread: Some(thread) })
    }

    fn with<T>(&self, act: impl FnOnce(&mut Board, u64) -> T) -> T {
        let mut board = self.board.lock().unwrap_or_else(PoisonError::into_inner);
        act(&mut board, self.begun.elapsed().as_millis() as u64)
    }

    /// Whether it asks for a new PIN.
    fn is_asking(&self) -> bool {
        self.with(|board, _| board.manager.as_ref().is_some_and(|manager| manager.is_asking()))
    }

    /// Types number and PIN; a right one punches, as on the M1.
    fn types(&self, keys: &str) -> bool {
        self.with(|board, now_ms| {
            let Some(manager) = &mut board.manager else { return false };
            let mut last = Pressed::More;
            for key in keys.bytes() {
                let key = if key == b'#' { Key::Enter } else { Key::Digit(key - b'0') };
                last = manager.key(now_ms, key);
            }
            match last {
                Pressed::Chosen => true,
                Pressed::Right(user) => {
                    let (method, outcome) = (Method::Pin, Outcome::Granted);
                    let who = Some(user.number.as_str());
                    board.terminal.punch(now_ms, who, method, outcome, None, &[]).is_ok()
                }
                _ => false,
            }
        })
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

/// Puts notice, age and consent on record.
fn put_on_record(stage: &Stage, folder: &Path) -> Result<()> {
    let file = |name: &str, text: &str| -> Result<String> {
        let path = folder.join(name);
        std::fs::write(&path, text)?;
        Ok(path.to_str().context("a path")?.to_owned())
    };
    let head = "person,name,department,category,age_band,employment_law,account_class,\
                platform_user_id,basis\n";
    let people = file("age.csv", &format!("{head}{NUMBER},何美 Ho Mei,Kitchen,,adult,,,,\n"))?;
    stage.site.muster(&["person", "import", &people])?;
    let text = file("pics.txt", "what the fingerprints are for")?;
    let notice = ["--kind", "pics", "--number", "1", "--language", "en"];
    let from = ["--destination", "hk-cloud", "--from", "2026-01-01"];
    stage.site.muster(&[&["notice", "add", &text], &notice[..], &from].concat())?;
    stage.site.muster(&[&["notice", "give"], &notice[..], &[NUMBER]].concat())?;
    stage.site.muster(&["consent", "set", NUMBER, "--given", "--from", "2026-01-01"]).map(drop)
}

#[test]
fn a_finger_is_enrolled_on_the_page_only_on_record_and_a_pin_stands_beside_it() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let port = folder.path().join("line");
    // The port is there before the gateway that opens it.
    let line = Line::plug(&port)?;
    let stage = Stage::with_line(port.clone())?;
    let credentials = stage.site.pair("m1", NAME, folder.path())?;
    drop(line);
    let terminal = Terminal::start(&port, &secret(&credentials)?)?;
    let code = stage.account("fong", &["facilities"])?;
    let driver = Driver::start()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let page = driver.browser(Screen::Desktop, "en").await?;
        stage.enter(&page, "fong", &code).await?;
        let at = format!("{}/enrolment", stage.page()?);
        page.go(&at).await?;
        page.look("enrolment").await?;
        page.fill("#number", NUMBER).await?;
        page.press("\u{e007}").await?;
        page.see(".checks .badge.bad").await?;
        page.look("enrolment-refused").await?;
        let text = page.text().await?;
        ensure!(text.contains("No finger may be taken") && text.contains("missing"), "{text}");
        let finger = page.client.find(Locator::Css("[value=finger]")).await;
        ensure!(finger.is_err(), "there is no button for what is refused");

        // Beside it, a PIN: for whoever has no basis or wants no finger taken.
        page.click("[name=way][value=pin]").await?;
        page.see("td .badge.info").await?;
        let until = Instant::now() + PATIENCE;
        // Guessing would lock the keypad.
        while !(terminal.is_asking() && terminal.types(&format!("{NUMBER}#8642#"))) {
            ensure!(Instant::now() < until, "no PIN is asked for: {}", page.text().await?);
            tokio::time::sleep(Duration::from_millis(300)).await;
        }
        page.see("td .badge.good").await?;
        ensure!(terminal.types(&format!("{NUMBER}#8642#")), "the PIN punches");

        put_on_record(&stage, folder.path())?;
        page.go(&at).await?;
        page.fill("#number", NUMBER).await?;
        page.press("\u{e007}").await?;
        page.fill("#page", "12").await?;
        page.look("enrolment-on-record").await?;
        page.click("[name=way][value=finger]").await?;
        let begun = Instant::now();
        while begun.elapsed() < PATIENCE && !kept(&terminal) {
            terminal.with(|board, _| board.module.press(FINGER, 90));
            tokio::time::sleep(TURN / 3).await;
            terminal.with(|board, _| board.module.lift());
            tokio::time::sleep(TURN).await;
        }
        page.see("tr:first-child td .badge.good").await?;
        page.look("enrolment-done").await?;
        ensure!(kept(&terminal), "the module keeps the finger");
        crate::end(page).await
    })?;
    punched_by_pin(&stage)
}

fn kept(terminal: &Terminal) -> bool {
    terminal.with(|board, _| board.module.pages().any(|page| page == 12))
}

fn punched_by_pin(stage: &Stage) -> Result<()> {
    let until = Instant::now() + PATIENCE;
    loop {
        let rows = stage.site.json(&["records", "--format", "json"])?;
        let of = |row: &&serde_json::Value| row["person"] == NUMBER && row["method"] == "pin";
        if rows.as_array().is_some_and(|rows| rows.iter().any(|row| of(&row))) {
            return Ok(());
        }
        ensure!(Instant::now() < until, "no punch by PIN: {rows}");
        std::thread::sleep(Duration::from_millis(300));
    }
}
