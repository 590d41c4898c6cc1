//! The page in a real browser: what each of its four users opens it for, from log-in to result, in
//! English and in traditional Chinese, on a desktop and on a phone each, and the board in every
//! language. Every page on the way is checked with axe-core and kept as pictures in
//! `screenshots` in the folder that cargo has for files of tests.

mod board;
mod driver;
mod enrolment;
mod first_screen;
mod governed;
mod guests;
mod meters;
mod pairing;
mod pictures;
mod signing;
mod stage;
mod tables;
mod terminal;
mod visits;

use anyhow::{Context as _, Result, ensure};
use driver::{Driver, Page, Screen, descendants};
use fantoccini::key::Key;
use stage::Stage;
use std::time::{Duration, Instant};

/// Screens and languages in which every job is done.
pub(crate) const EVERYWHERE: [(Screen, &str); 4] = [
    (Screen::Desktop, "en"),
    (Screen::Phone, "zh-HK"),
    (Screen::Phone, "en"),
    (Screen::Desktop, "zh-HK"),
];

/// Runs a job to its end on a thread of its own runtime.
pub(crate) fn run(job: impl AsyncFnOnce(&Driver, &Stage) -> Result<()>) -> Result<()> {
    let stage = Stage::build()?;
    stage.punch(1)?;
    let driver = Driver::start()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(job(&driver, &stage))
}

pub(crate) async fn end(page: Page) -> Result<()> {
    Ok(page.client.close().await?)
}

/// HR: sees who is in, enters a shift, asks for a correction of a day; prints and takes the month.
async fn hr(driver: &Driver, stage: &Stage, place: usize) -> Result<()> {
    let (screen, language) = EVERYWHERE[place];
    let (at, name) = (stage.page()?, format!("ho.mei.{place}"));
    let code = stage.account(&name, &["hr"])?;
    let page = driver.browser(screen, language).await?;
    stage.enter(&page, &name, &code).await?;
    page.see("#rows a").await?;
    page.look("today").await?;
    ensure!(page.text().await?.contains("何美"), "the board shows who is in");

    page.go(&format!("{at}/plans?kind=shifts")).await?;
    page.look("plans").await?;
    page.fill("#table", "shift,parts\nday,09:00-18:00").await?;
    page.click("main button.primary").await?;
    page.see(".notice.good").await?;
    page.fill("#table", "shift,parts\nbad,9").await?;
    page.click("main button.primary").await?;
    page.see("[role=alert]").await?;
    page.look("plans-problem").await?;

    page.go(&format!("{at}/sheets")).await?;
    page.look("sheets").await?;
    page.click("a[href^='/sheets/day/']").await?;
    page.see("h1").await?;
    page.look("sheet-day").await?;
    page.go(&format!("{at}/sheets")).await?;
    page.click(".matrix tbody th a").await?;
    page.see(".calendar").await?;
    page.look("person-month").await?;
    page.click(".calendar .date.today").await?;
    page.see(".verdict").await?;
    page.fill("section.card > form [name=time]", "23:58").await?;
    page.fill("section.card > form [name=reason]", "忘記打卡 <i>forgot</i>").await?;
    page.submit("section.card > form .primary").await?;
    page.see(".verdict").await?;
    ensure!(page.text().await?.contains("<i>forgot</i>"), "a reason is shown as it was typed");
    page.look("day").await?;
    for (path, name) in [
        ("/corrections", "corrections"),
        ("/sheets/exceptions", "exceptions"),
        ("/access", "access-none"),
        ("/unknown", "unknown"),
        ("/onsite", "onsite"),
        ("/account", "account"),
        ("/waiting", "waiting"),
    ] {
        page.go(&format!("{at}{path}")).await?;
        page.look(name).await?;
    }
    end(page).await
}

#[test]
fn hr_in_two_languages_on_two_screens() -> Result<()> {
    run(async |driver: &Driver, stage: &Stage| {
        for place in 0..EVERYWHERE.len() {
            hr(driver, stage, place).await?;
        }
        Ok(())
    })
}

#[test]
fn a_phone_speaks_every_language() -> Result<()> {
    run(async |driver: &Driver, stage: &Stage| {
        let code = stage.account("ho.mei", &["hr"])?;
        let page = driver.browser(Screen::Phone, "pt-PT").await?;
        stage.enter(&page, "ho.mei", &code).await?;
        for (tag, sheets) in
            [("pt", "Folhas"), ("zh-Hans", "考勤表"), ("zh-Hant", "考勤表"), ("en", "Sheets")]
        {
            page.click(&format!(".languages button[value='{tag}']")).await?;
            page.see(&format!("html[lang='{tag}']")).await?;
            let text = page.text().await?;
            ensure!(text.contains(sheets), "{tag}: {text}");
            page.look(&format!("today-{tag}")).await?;
        }
        end(page).await
    })
}

#[test]
fn a_second_person_approves_with_a_second_factor() -> Result<()> {
    run(async |driver: &Driver, stage: &Stage| {
        let at = stage.page()?;
        let code = stage.account("ho.mei", &["hr"])?;
        let page = driver.browser(Screen::Desktop, "en").await?;
        let app = stage.enter(&page, "ho.mei", &code).await?.context("an app")?;
        page.go(&format!("{at}/sheets")).await?;
        page.click("form[action='/sheets/close'] button").await?;
        page.see("#code").await?;
        page.look("again").await?;
        page.fill("#code", &app.code(1)?).await?;
        page.click("main .primary").await?;
        page.see(".matrix").await?;
        ensure!(page.text().await?.contains("Closed"), "the month is closed");
        page.look("sheets-closed").await?;
        end(page).await
    })
}

/// Facilities, by the keyboard alone: looks at the terminals, says whose an unknown number is.
async fn facilities(driver: &Driver, stage: &Stage, place: usize) -> Result<()> {
    let (screen, language) = EVERYWHERE[place];
    let (at, name) = (stage.page()?, format!("fong.{place}"));
    let code = stage.account(&name, &["facilities"])?;
    let page = driver.browser(screen, language).await?;
    stage.enter(&page, &name, &code).await?;
    page.go(&format!("{at}/onsite")).await?;
    page.tab_to(".nav a[href='/terminals']").await?;
    page.press(&char::from(Key::Enter).to_string()).await?;
    page.see("th[scope=row]").await?;
    ensure!(page.text().await?.contains("gate-01"), "the terminal is listed");
    page.look("terminals").await?;
    page.go(&format!("{at}/unknown")).await?;
    let number = page.read("tbody th").await?;
    page.tab_to("input[name=person]").await?;
    page.press("00016").await?;
    page.press(&char::from(Key::Enter).to_string()).await?;
    page.see(&format!("main:not(:has([name=number][value='{number}']))")).await?;
    page.look("unknown-mapped").await?;
    for (path, name) in
        [("/health", "health"), ("/onsite", "onsite-all"), ("/terminals/pair", "pairing")]
    {
        page.go(&format!("{at}{path}")).await?;
        page.look(name).await?;
    }
    page.go(&format!("{at}/doctor")).await?;
    page.tab_to("form[action='/doctor'] button").await?;
    page.press(&char::from(Key::Enter).to_string()).await?;
    page.see("main:has(form[action='/doctor']) .checks .badge.good").await?;
    page.look("doctor").await?;
    end(page).await
}

#[test]
fn facilities_by_the_keyboard_in_two_languages_on_two_screens() -> Result<()> {
    run(async |driver: &Driver, stage: &Stage| {
        for place in 0..EVERYWHERE.len() {
            facilities(driver, stage, place).await?;
        }
        Ok(())
    })
}

/// The administrator makes an account for an auditor, who comes in and reads.
async fn admin(driver: &Driver, stage: &Stage, place: usize) -> Result<()> {
    let (screen, language) = EVERYWHERE[place];
    let (at, name) = (stage.page()?, format!("root.admin.{place}"));
    let code = stage.account(&name, &["it-admin", "dpo"])?;
    let page = driver.browser(screen, language).await?;
    let app = stage.enter(&page, &name, &code).await?.context("an app")?;
    for (path, name) in [
        ("/accounts", "accounts"),
        ("/governance", "governance"),
        ("/governance/papers", "papers"),
        ("/governance/approvals", "approvals"),
        ("/governance/packs", "packs"),
    ] {
        page.go(&format!("{at}{path}")).await?;
        page.look(name).await?;
    }
    page.go(&format!("{at}/governance/journal")).await?;
    page.submit("form[action='/governance/journal'] .primary").await?;
    page.see("main:not(:has(progress)) table code").await?;
    page.click("form[action='/governance/journal/verify'] button").await?;
    page.see("main:not(:has(progress)) .pad .badge.good").await?;
    page.look("journal").await?;
    page.go(&format!("{at}/accounts")).await?;
    let auditor = format!("wong.audit.{place}");
    page.fill("#name", &auditor).await?;
    page.click("[name=role][value=auditor]").await?;
    page.click("form[action='/accounts'] .primary").await?;
    page.fill("#code", &app.code(1)?).await?;
    page.click("main .primary").await?;
    let code = page.read(".made code").await?;
    page.look("account-made").await?;
    end(page).await?;

    let page = driver.browser(screen, language).await?;
    let none = stage.enter(&page, &auditor, &code).await?;
    ensure!(none.is_none(), "who only reads needs no second factor");
    for (path, name) in [
        ("/today", "today-auditor"),
        ("/sheets", "sheets-auditor"),
        ("/reports", "reports"),
        ("/reports/ropa", "report"),
        ("/accounts", "accounts-auditor"),
    ] {
        page.go(&format!("{at}{path}")).await?;
        page.look(name).await?;
    }
    page.go(&format!("{at}/plans")).await?;
    page.look("missing").await?;
    end(page).await
}

#[test]
fn admin_and_auditor_in_two_languages_on_two_screens() -> Result<()> {
    run(async |driver: &Driver, stage: &Stage| {
        for place in 0..EVERYWHERE.len() {
            admin(driver, stage, place).await?;
        }
        Ok(())
    })
}

#[test]
fn no_browser_is_left_behind() -> Result<()> {
    let driver = Driver::start()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let page = runtime.block_on(driver.browser(Screen::Desktop, "en"))?;
    let started = descendants(driver.process());
    ensure!(started.len() > 1, "Chromium runs");
    // As where a test fails half-way: nobody closes the page.
    drop(driver);
    drop(page);
    // What was killed takes a moment to be gone.
    let until = Instant::now() + Duration::from_secs(10);
    while started.iter().any(is_chromium) {
        ensure!(Instant::now() < until, "left behind, some of {started:?}");
        std::thread::sleep(Duration::from_millis(50));
    }
    Ok(())
}

fn is_chromium(pid: &u32) -> bool {
    let name = std::fs::read_to_string(format!("/proc/{pid}/comm"));
    let state = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    name.is_ok_and(|name| name.starts_with("chrom")) && !state.contains(") Z ")
}

#[test]
fn what_axe_is_for_is_found() -> Result<()> {
    let driver = Driver::start()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let page = driver.browser(Screen::Desktop, "en").await?;
        page.go("data:text/html,<html lang=en><title>x</title><main><h1>x</h1><img src=x></main>")
            .await?;
        let found = page.look("none").await;
        ensure!(found.is_err_and(|error| error.to_string().contains("image-alt")));
        end(page).await
    })
}

#[test]
fn the_wardens_list_outlives_the_box() -> Result<()> {
    let mut stage = Stage::build()?;
    stage.punch(1)?;
    let code = stage.account("fong", &["facilities"])?;
    let driver = Driver::start()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let page = driver.browser(Screen::Phone, "en").await?;
        stage.enter(&page, "fong", &code).await?;
        page.go(&format!("{}/onsite", stage.page()?)).await?;
        page.click(".safe").await?;
        stage.gateway.stop_now()?;
        page.see_within(Duration::from_secs(25), "#onsite-away:not([hidden])").await?;
        let text = page.text().await?;
        ensure!(text.contains("何美") && text.contains("cannot be reached"), "{text}");
        let ticked = "return document.querySelectorAll('.safe:checked').length";
        ensure!(page.client.execute(ticked, vec![]).await? == 1, "what was ticked off stays");
        page.look("onsite-away").await?;
        end(page).await
    })
}
