//! The live board as HR has it open all day: a punch is on the screen at once, somebody is found
//! from the keyboard, who is on site comes out of the printer, and what was typed outlives its
//! session.

use crate::driver::{Driver, Page, Screen};
use crate::end;
use crate::stage::{PASSWORD, Stage};
use anyhow::{Context as _, Result, ensure};
use fantoccini::Locator;
use muster_tests::authenticator::Authenticator;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// From a punch to the screen.
const AT_ONCE: Duration = Duration::from_secs(2);
/// Punches that are timed.
const PUNCHES: u64 = 5;
/// Notes on the page when a number is first seen among the board's rows, milliseconds since 1970.
const WATCH: &str = "const number = arguments[0];
    const lines = document.getElementById('lines');
    new MutationObserver((_, watch) => {
        if (!lines.textContent.includes(number)) return;
        watch.disconnect();
        document.body.dataset.seen = number + ' ' + Date.now();
    }).observe(lines, { childList: true, subtree: true });";

/// A shift from midnight on, on every day of the week: who was seen came late, nobody else is in yet.
#[test]
fn who_came_late_and_who_is_not_in_yet_is_there_to_see() -> Result<()> {
    let stage = Stage::build()?;
    stage.punch(1)?;
    let code = stage.account("ho.mei", &["hr"])?;
    let driver = Driver::start()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let at = stage.page()?;
        let page = driver.browser(Screen::Desktop, "en").await?;
        stage.enter(&page, "ho.mei", &code).await?;
        for (kind, table) in [
            ("shifts", "shift,parts\nall,00:00-24:00"),
            ("usual", "shift,workdays\nall,1 2 3 4 5 6 7"),
        ] {
            page.go(&format!("{at}/plans?kind={kind}")).await?;
            page.fill("#table", table).await?;
            page.submit("main button.primary").await?;
            page.see(".notice.good").await?;
        }
        for show in ["missing", "late", "all"] {
            page.go(&format!("{at}/today?show={show}")).await?;
            let text = page.text().await?;
            ensure!(text.contains("Not in yet") && text.contains("Late"), "{show}: {text}");
            page.look(&format!("today-planned-{show}")).await?;
        }
        end(page).await
    })
}

#[test]
#[allow(clippy::print_stdout)]
fn a_punch_is_on_the_screen_at_once_and_what_is_typed_finds_and_stays() -> Result<()> {
    let stage = Stage::build()?;
    stage.punch(1)?;
    let code = stage.account("ho.mei", &["hr"])?;
    let driver = Driver::start()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let slowest = runtime.block_on(async {
        let page = driver.browser(Screen::Desktop, "en").await?;
        let app = stage.enter(&page, "ho.mei", &code).await?.context("an app")?;
        let slowest = punches_are_seen(&stage, &page).await?;
        found_by_the_keyboard(&page).await?;
        printed(&stage, &page).await?;
        typed_outlives_its_session(&stage, &page, &app).await?;
        end(page).await.map(|()| slowest)
    })?;
    println!("from a punch to the screen, at most {slowest:?}");
    Ok(())
}

/// How long the slowest of them took.
async fn punches_are_seen(stage: &Stage, page: &Page) -> Result<Duration> {
    page.see("#live.on").await?;
    let mut slowest = Duration::ZERO;
    for n in 1..=PUNCHES {
        let number = format!("777{n:02}");
        page.client.execute(WATCH, vec![number.clone().into()]).await?;
        let punched = SystemTime::now();
        stage.punch_of(n, &number)?;
        let told = page.see(&format!("body[data-seen^='{number} ']")).await?;
        let told = told.attr("data-seen").await?.unwrap_or_default();
        let at_ms: u64 = told.split(' ').nth(1).context("no time")?.parse()?;
        let seen = UNIX_EPOCH + Duration::from_millis(at_ms);
        let took = seen.duration_since(punched).unwrap_or_default();
        ensure!(took < AT_ONCE, "punch {n}: {took:?}");
        slowest = slowest.max(took);
    }
    Ok(slowest)
}

/// Typed into the search, without a button pressed.
async fn found_by_the_keyboard(page: &Page) -> Result<()> {
    page.tab_to("#q").await?;
    page.press("陳大").await?;
    page.see("#rows:not(:has(#lines tr:nth-child(2))) #lines tr").await?;
    ensure!(page.read("#lines").await?.contains("陳大文"), "what is typed is found");
    page.look("today-found").await
}

/// One step, and on paper there is the list and nothing of the page around it.
async fn printed(stage: &Stage, page: &Page) -> Result<()> {
    page.go(&format!("{}/onsite", stage.page()?)).await?;
    page.client
        .execute("window.print = () => { document.body.dataset.printed = ''; }", vec![])
        .await?;
    page.click("#print").await?;
    page.see("body[data-printed]").await?;
    page.paper("onsite-paper").await?;
    let shown = "const shown = (css) => [...document.querySelectorAll(css)].some((one) =>
            one.getClientRects().length > 0);
        return [shown('#onsite tbody th'), shown('.print-only'), shown('.top'), shown('.safe'),
            shown('#print'), shown('.foot')];";
    let shown = page.client.execute(shown, vec![]).await?;
    let expect = serde_json::json!([true, true, false, true, false, false]);
    ensure!(shown == expect, "on paper: {shown}");
    page.screen().await
}

/// The session is over when the form is sent; beside it somebody logs in, and sends it again.
async fn typed_outlives_its_session(stage: &Stage, page: &Page, app: &Authenticator) -> Result<()> {
    let at = stage.page()?;
    page.go(&format!("{at}/today")).await?;
    page.click("#lines th a").await?;
    page.see(".verdict").await?;
    page.fill("section.card > form [name=time]", "23:57").await?;
    page.fill("section.card > form [name=reason]", "typed before it ended").await?;
    page.client.delete_cookie("__Host-muster").await?;
    page.submit("section.card > form .primary").await?;
    page.see("a[href='/login']").await?;
    page.look("again-log-in").await?;
    let form = page.client.window().await?;
    let other = page.client.new_window(true).await?;
    page.client.switch_to_window(other.handle).await?;
    page.go(&format!("{at}/login")).await?;
    page.fill("#name", "ho.mei").await?;
    page.fill("#password", PASSWORD).await?;
    page.click("main .primary").await?;
    page.fill("#code", &app.code(1)?).await?;
    page.click("main .primary").await?;
    page.see("nav.nav").await?;
    page.client.close_window().await?;
    page.client.switch_to_window(form).await?;
    // Once for the new session, and then it is done.
    page.submit("main .primary").await?;
    if page.client.find(Locator::Css("main form[action='/corrections'] .primary")).await.is_ok()
        && page.client.find(Locator::Css(".verdict")).await.is_err()
    {
        page.submit("main .primary").await?;
    }
    page.see(".verdict").await?;
    ensure!(page.text().await?.contains("typed before it ended"), "{}", page.text().await?);
    Ok(())
}
