//! Enrolment on the page, with the firmware's own code on a line: refused without notice, basis
//! and age, done with them, and the same person punches by a PIN.

use crate::driver::{Driver, Screen};
use crate::stage::Stage;
use crate::terminal::Terminal;
use anyhow::{Context as _, Result, ensure};
use fantoccini::Locator;
use muster_tests::serial::{Line, secret};
use std::path::Path;
use std::time::{Duration, Instant};

const NAME: &str = "m1-door";
const NUMBER: &str = "00011";
const FINGER: u16 = 7;
/// Between two looks at a finger of one enrolment.
const TURN: Duration = Duration::from_millis(1_500);
const PATIENCE: Duration = Duration::from_secs(60);

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
    let terminal = Terminal::start(NAME, &port, &secret(&credentials)?)?;
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
