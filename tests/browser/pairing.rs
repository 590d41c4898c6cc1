//! Terminals on the page, with real ones: an M2 and an M1 come in, are replaced and shut out; what
//! a box lost is asked for, and the gap closes.

use crate::driver::{Driver, Page, Screen};
use crate::end;
use crate::stage::Stage;
use crate::terminal::Terminal;
use anyhow::{Context as _, Result, bail, ensure};
use muster_terminal::provision::Identity;
use muster_tests::m2;
use muster_tests::serial::{Line, secret};
use std::path::Path;
use std::time::{Duration, Instant};

/// For a punch on its way, a connection to be cut.
const LIMIT: Duration = Duration::from_secs(20);
/// Gives the answer to a form as base64.
const FETCH_CARD: &str = "const [selector, done] = [arguments[0], arguments[arguments.length - 1]];
    const button = document.querySelector(selector);
    const form = new URLSearchParams(new FormData(button.form, button));
    fetch('/terminals/card', { method: 'POST', body: form })
        .then((answer) => answer.blob())
        .then((blob) => {
            const reader = new FileReader();
            reader.onload = () => done(reader.result.split(',')[1]);
            reader.readAsDataURL(blob);
        }, (error) => done(String(error)));";

/// Waits until `done`.
async fn until(what: &str, mut done: impl FnMut() -> Result<bool>) -> Result<()> {
    let begun = Instant::now();
    while !done()? {
        ensure!(begun.elapsed() < LIMIT, "{what}: not within {LIMIT:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    Ok(())
}

/// Open connections of terminals.
fn connections(stage: &Stage) -> Result<u64> {
    let (_, metrics) = stage.gateway.http("/metrics")?;
    let line = metrics.lines().find_map(|l| l.strip_prefix("muster_mqtt_connections "));
    Ok(line.context("no gauge")?.trim().parse::<f64>()? as u64)
}

/// Brings an M2 in by the code that the page shows, and sees it turn green on that same page.
async fn comes_in(page: &Page, config: &Path) -> Result<m2::Running> {
    page.see(".made svg.qr").await?;
    page.see("#pair-state .badge.warn").await?;
    page.client.execute("document.documentElement.dataset.same = ''", vec![]).await?;
    let link = page.read(".handout div p:last-child code").await?;
    let paired = m2::pair("muster-m2", config, &link)?;
    ensure!(paired.status.success(), "{paired:?}");
    let terminal = m2::run("muster-m2", config)?;
    // The same page: nothing was loaded anew.
    page.see("html[data-same] #pair-state .badge.good").await?;
    Ok(terminal)
}

#[test]
fn terminals_come_in_are_replaced_and_shut_out_on_the_page() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let port = folder.path().join("line");
    // The port is there before the gateway that opens it.
    let line = Line::plug(&port)?;
    let stage = Stage::for_terminals(port.clone())?;
    drop(line);
    let code = stage.account("fong", &["facilities"])?;
    let driver = Driver::start()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let page = driver.browser(Screen::Desktop, "en").await?;
        let app = stage.enter(&page, "fong", &code).await?.context("an app")?;
        let at = format!("{}/terminals/pair", stage.page()?);
        page.go(&at).await?;
        page.fill("#name", "gate-07").await?;
        page.submit("form[action='/terminals/pair'] .primary").await?;
        page.fill("#code", &app.code(1)?).await?;
        page.submit("main .primary").await?;
        let first = comes_in(&page, &m2::configure(&folder.path().join("first"), "00011")?).await?;
        page.look("pairing-green").await?;

        // It breaks: a new one takes its name, and the old one is out in the same step.
        page.go(&at).await?;
        page.submit("[action='/terminals/pair'] [name=replaces]").await?;
        until("the old one is cut off", || Ok(connections(&stage)? == 0)).await?;
        let second =
            comes_in(&page, &m2::configure(&folder.path().join("second"), "00012")?).await?;
        drop(first);

        // It is lost: one step, and its connection ends.
        page.go(&at).await?;
        until("it is connected", || Ok(connections(&stage)? == 1)).await?;
        page.submit("form[action='/terminals/revoke'] button").await?;
        page.see("main:not(:has(form[action='/terminals/revoke']))").await?;
        until("it is cut off", || Ok(connections(&stage)? == 0)).await?;
        drop(second);

        card(&stage, &page, &port).await?;
        end(page).await
    })
}

/// An M1 comes in by its card and is replaced by another card.
async fn card(stage: &Stage, page: &Page, port: &Path) -> Result<()> {
    let at = stage.page()?;
    page.fill("#card-name", "yard-01").await?;
    let first = fetched(page, "form[action='/terminals/card'] .primary").await?;
    let terminal = Terminal::start("yard-01", port, &first)?;
    terminal.punch("00013")?;
    green(page, &at).await?;
    page.go(&format!("{at}/terminals/pair")).await?;
    let second = fetched(page, "[action='/terminals/card'] [name=replaces]").await?;
    ensure!(first != second, "another card has another secret");
    terminal.punch("00014")?;
    drop(terminal);
    let terminal = Terminal::start("yard-01", port, &second)?;
    terminal.punch("00015")?;
    green(page, &at).await?;
    drop(terminal);
    let old = "const row = [...document.querySelectorAll('tbody tr')].find((r) =>
            r.querySelector('.badge.quiet') && r.textContent.includes('yard-01'));
        return row.cells[3].textContent";
    let old = page.client.execute(old, vec![]).await?;
    ensure!(old == "1", "of the one that was shut out nothing more is taken: {old}");
    Ok(())
}

/// The secret on the card that a button of the page gives.
async fn fetched(page: &Page, button: &str) -> Result<[u8; 32]> {
    let told = page.client.execute_async(FETCH_CARD, vec![button.into()]).await?;
    let told = told.as_str().context("no card")?;
    let image = base64::Engine::decode(&base64::engine::general_purpose::STANDARD, told)?;
    let block = image.first_chunk().context("no block")?;
    let identity = Identity::parse(block).context("this is no card of a terminal")?;
    ensure!(identity.name == "yard-01", "it is another's: {}", identity.name);
    Ok(*identity.secret)
}

/// Waits until the M1 that is not shut out is green with its first punch.
async fn green(page: &Page, at: &str) -> Result<()> {
    let begun = Instant::now();
    loop {
        page.go(&format!("{at}/terminals")).await?;
        let told = "const row = [...document.querySelectorAll('tbody tr')].find((r) =>
                r.textContent.includes('yard-01') && !r.querySelector('.badge.quiet'));
            return row ? [row.querySelector('.badge').className, row.cells[3].textContent] : null";
        let told = page.client.execute(told, vec![]).await?;
        if told[0] == "badge good" && told[1] == "1" {
            return Ok(());
        }
        ensure!(begun.elapsed() < LIMIT, "never green with a punch: {told}");
    }
}

#[test]
fn what_a_box_lost_is_asked_for_and_the_gap_closes_on_the_page() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let port = folder.path().join("line");
    let line = Line::plug(&port)?;
    let mut stage = Stage::with_line(port.clone())?;
    let credentials = stage.site.pair("m1", "yard-01", folder.path())?;
    drop(line);
    let console = stage.gateway.listening().console.context("no page")?;
    let terminal = Terminal::start("yard-01", &port, &secret(&credentials)?)?;
    let code = stage.account("fong", &["facilities"])?;
    let driver = Driver::start()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let page = driver.browser(Screen::Desktop, "en").await?;
        let app = stage.enter(&page, "fong", &code).await?.context("an app")?;
        terminal.punch("00011")?;
        green(&page, &stage.page()?).await?;
        // What the box has now is what it is put back to.
        stage.gateway.stop_now()?;
        let kept = folder.path().join("kept");
        copy(&stage.site.data(), &kept)?;
        stage.start_again(console)?;
        for number in ["00012", "00013"] {
            terminal.punch(number)?;
        }
        until("it has three", || records(&stage, 3)).await?;
        stage.gateway.stop_now()?;
        std::fs::remove_dir_all(stage.site.data())?;
        copy(&kept, &stage.site.data())?;
        // Terminals do not listen to a start that they have heard before: the one that was lost.
        stage.start_again(console)?;
        stage.gateway.stop_now()?;
        stage.start_again(console)?;
        terminal.punch("00014")?;
        until("the next is there", || records(&stage, 2)).await?;
        stage.enter_again(&page, "fong", (&app, 1)).await?;
        page.go(&format!("{}/terminals", stage.page()?)).await?;
        page.see(".gap .badge.warn").await?;
        page.look("terminals-gap").await?;
        ensure!(page.text().await?.contains("2 missing"), "{}", page.text().await?);

        // It asks by itself; the terminal has them still.
        stage.gateway.stop_now()?;
        stage.start_again(console)?;
        until("what was lost", || records(&stage, 4)).await?;
        let code = stage.account("fong.two", &["facilities"])?;
        stage.enter(&page, "fong.two", &code).await?;
        page.go(&format!("{}/terminals", stage.page()?)).await?;
        page.see("main:has(th[scope=row]):not(:has(.gap))").await?;
        end(page).await
    })
}

fn records(stage: &Stage, count: usize) -> Result<bool> {
    let rows = stage.site.json(&["records", "--format", "json"])?;
    let there = rows.as_array().context("no rows")?.len();
    if there > count {
        bail!("{there} records, not {count}: {rows}");
    }
    Ok(there == count)
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    let done = std::process::Command::new("cp").arg("-a").arg(from).arg(to).status()?;
    ensure!(done.success(), "cannot copy {}", from.display());
    Ok(())
}
