//! The page in a real browser: what each of its users opens it for, from log-in to result, in
//! English and in traditional Chinese, on a desktop and on a phone, and the board in every
//! language. Every page on the way is checked with axe-core and kept as pictures in
//! `screenshots` in the folder that cargo has for files of tests.

mod driver;
mod stage;

use anyhow::{Context as _, Result, ensure};
use driver::{Driver, Page, Screen};
use fantoccini::key::Key;
use stage::Stage;
use std::time::Duration;

/// Runs a job to its end on a thread of its own runtime.
fn run(job: impl AsyncFnOnce(&Driver, &Stage) -> Result<()>) -> Result<()> {
    let stage = Stage::build()?;
    stage.punch(1)?;
    let driver = Driver::start()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(job(&driver, &stage))
}

async fn end(page: Page) -> Result<()> {
    Ok(page.client.close().await?)
}

/// HR: sees who is in, enters a shift, asks for a correction of a day; prints and takes the month.
async fn hr(driver: &Driver, stage: &Stage, screen: Screen, language: &'static str) -> Result<()> {
    let at = stage.page()?;
    let code = stage.account("ho.mei", &["hr"])?;
    let page = driver.browser(screen, language).await?;
    stage.enter(&page, "ho.mei", &code).await?;
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
    page.click(".matrix tbody th a").await?;
    page.see(".calendar").await?;
    page.look("person-month").await?;
    page.click(".calendar .date.today").await?;
    page.see(".verdict").await?;
    page.fill("section.card > form [name=time]", "23:58").await?;
    page.fill("section.card > form [name=reason]", "忘記打卡 <i>forgot</i>").await?;
    page.click("section.card > form .primary").await?;
    page.see(".verdict").await?;
    ensure!(page.text().await?.contains("<i>forgot</i>"), "a reason is shown as it was typed");
    page.look("day").await?;
    for (path, name) in [
        ("/corrections", "corrections"),
        ("/sheets/exceptions", "exceptions"),
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
fn hr_in_english_on_a_desktop() -> Result<()> {
    run(async |driver: &Driver, stage: &Stage| hr(driver, stage, Screen::Desktop, "en").await)
}

#[test]
fn hr_in_chinese_on_a_phone() -> Result<()> {
    run(async |driver: &Driver, stage: &Stage| hr(driver, stage, Screen::Phone, "zh-HK").await)
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

#[test]
fn facilities_by_the_keyboard_alone() -> Result<()> {
    run(async |driver: &Driver, stage: &Stage| {
        let at = stage.page()?;
        let code = stage.account("fong", &["facilities"])?;
        let page = driver.browser(Screen::Desktop, "en").await?;
        stage.enter(&page, "fong", &code).await?;
        page.go(&format!("{at}/onsite")).await?;
        page.tab_to(".nav a[href='/terminals']").await?;
        page.press(&char::from(Key::Enter).to_string()).await?;
        page.see("th[scope=row]").await?;
        ensure!(page.text().await?.contains("gate-01"), "the terminal is listed");
        page.look("terminals").await?;
        page.go(&format!("{at}/unknown")).await?;
        page.tab_to("input[name=person]").await?;
        page.press("00016").await?;
        page.press(&char::from(Key::Enter).to_string()).await?;
        page.see(".empty").await?;
        page.look("unknown-none").await?;
        for (path, name) in [("/health", "health"), ("/onsite", "onsite-all")] {
            page.go(&format!("{at}{path}")).await?;
            page.look(name).await?;
        }
        end(page).await
    })
}

#[test]
fn the_administrator_makes_an_account_and_the_auditor_reads() -> Result<()> {
    run(async |driver: &Driver, stage: &Stage| {
        let at = stage.page()?;
        let code = stage.account("root.admin", &["it-admin"])?;
        let page = driver.browser(Screen::Desktop, "en").await?;
        let app = stage.enter(&page, "root.admin", &code).await?.context("an app")?;
        page.go(&format!("{at}/accounts")).await?;
        page.look("accounts").await?;
        page.fill("#name", "wong.audit").await?;
        page.click("[name=role][value=auditor]").await?;
        page.click("form[action='/accounts'] .primary").await?;
        page.fill("#code", &app.code(1)?).await?;
        page.click("main .primary").await?;
        let code = page.see(".made code").await?.text().await?;
        page.look("account-made").await?;
        end(page).await?;

        let page = driver.browser(Screen::Phone, "zh-HK").await?;
        let none = stage.enter(&page, "wong.audit", &code).await?;
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
    })
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
        let away = page.client.wait().at_most(Duration::from_secs(25));
        away.for_element(fantoccini::Locator::Css("#onsite-away:not([hidden])")).await?;
        let text = page.text().await?;
        ensure!(text.contains("何美") && text.contains("cannot be reached"), "{text}");
        let ticked = "return document.querySelectorAll('.safe:checked').length";
        ensure!(page.client.execute(ticked, vec![]).await? == 1, "what was ticked off stays");
        page.look("onsite-away").await?;
        end(page).await
    })
}
