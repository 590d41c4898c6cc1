//! Tables that people bring in, the bad ones first: what is wrong is told by its line beside the
//! form, nothing of it is entered, and what was typed is still there; also where the session ended
//! while it was typed. And a table as long as the page takes: what is seen while it is read, and how
//! long that takes.

use crate::driver::{Driver, Page, Screen};
use crate::end;
use crate::stage::Stage;
use anyhow::{Context as _, Result, ensure};
use fantoccini::Locator;
use fantoccini::wd::WindowHandle;
use muster_tests::authenticator::Authenticator;
use muster_tests::office;
use serde_json::json;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// The most lines of one table.
const MOST: usize = 100_000;
/// People whose leave it is.
const PEOPLE: usize = 100;
/// For all of it; ten seconds are promised of the program as it ships on a quiet machine.
const SOON: Duration = Duration::from_secs(30);
/// A file that no form takes, bytes.
const TOO_LARGE: usize = 9 << 20;
/// Remembers what the page tells while it is on its way out.
const WATCH: &str = "const told = document.getElementById('file-lines');
    new MutationObserver(() => {
        sessionStorage.told = (sessionStorage.told || '') + told.textContent + '|';
    }).observe(told, { childList: true });";

/// HR at the table of a kind.
async fn open(stage: &Stage, page: &Page, kind: &str) -> Result<()> {
    page.go(&format!("{}/plans?kind={kind}", stage.page()?)).await
}

/// Chooses a file.
async fn choose(page: &Page, css: &str, file: &Path) -> Result<()> {
    let field = page.see(css).await?;
    Ok(field.send_keys(office::as_text(file)?).await?)
}

async fn send(page: &Page) -> Result<()> {
    page.submit("main form[enctype] button.primary").await
}

/// What is told of lines, each as `line what`; nothing where nothing is wrong.
async fn told(page: &Page) -> Result<String> {
    let rows = "return [...document.querySelectorAll('[role=alert] tbody tr')]
        .map((row) => [...row.cells].map((cell) => cell.textContent).join(' ')).join('|')";
    let told = page.client.execute(rows, vec![]).await?;
    Ok(told.as_str().unwrap_or_default().to_owned())
}

/// Tables that are wrong, and what is told of them.
const WRONG: [(&str, &str, &str); 7] = [
    (
        "shifts",
        "shift,parts\na,09:00-18:00\nb,09:00-13:00 12:00-18:00",
        "3 parts: the one from 12:00 begins before the one until 13:00 ends.",
    ),
    (
        "rosters",
        "person,from,to,cycle\n00011,1900-01-01,2000-01-01,day",
        "2 from: a date as 2026-12-24, from 1970 to 2200.",
    ),
    ("storms", "date,from,to\n2026-09-12,24:00,05:00", "2 to: it ends before it begins."),
    (
        "leave",
        "person,date\n00011,2026-12-24\n00012,2026-12-24\n00011,2026-12-24",
        "4 The same as line 2; keep one of them.",
    ),
    (
        "rosters",
        "person,from,to,cycle\n00011,2026-12-01,,day\n00011,2026-12-01,,night",
        "3 The same as line 2; keep one of them.",
    ),
    (
        "leave",
        "person,date\n99999,2026-12-24",
        "2 person: there is nobody of this number that you may change.",
    ),
    (
        "overtime",
        "person,day,minutes\n00011,2026-12-24,9",
        "– Column 2 is none of person, date, minutes; rename or remove it.",
    ),
];

#[test]
fn tables_that_are_wrong_enter_nothing_and_lose_nothing() -> Result<()> {
    let stage = Stage::build()?;
    let code = stage.account("ho.mei", &["hr"])?;
    let driver = Driver::start()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let page = driver.browser(Screen::Desktop, "en").await?;
        let app = stage.enter(&page, "ho.mei", &code).await?.context("an app")?;
        for (kind, table, expect) in WRONG {
            open(&stage, &page, kind).await?;
            page.fill("#table", table).await?;
            send(&page).await?;
            let told = told(&page).await?;
            ensure!(told == expect, "{kind}: {told}");
            let typed = page.see("#table").await?.prop("value").await?;
            ensure!(typed.as_deref() == Some(table), "{kind}: what was typed stays: {typed:?}");
        }
        page.look("plans-column").await?;
        ensure!(entered(&stage)? == 0, "nothing was entered");
        encodings(&stage, &page).await?;
        outlives_its_session(&stage, &page, &app).await?;
        end(page).await
    })
}

/// Entries of plans, as the journal counts them.
fn entered(stage: &Stage) -> Result<usize> {
    let mut count = 0;
    stage.site.lines(&["journal", "export"], |line| {
        let act: serde_json::Value = serde_json::from_str(line)?;
        count += act.to_string().matches("\"plans-entered\"").count();
        Ok(())
    })?;
    Ok(count)
}

/// The same word in both encodings of the region: what could be either is asked for, and what is
/// chosen is read.
async fn encodings(stage: &Stage, page: &Page) -> Result<()> {
    // 早班 and 晚班: bytes of the first are text in both.
    let tables: [(&str, &[u8], &str); 2] = [
        ("big5", b"shift,parts\n\xa6\xad\xaf\x5a,09:00-18:00\n", "早班"),
        ("gb18030", b"shift,parts\n\xcd\xed\xb0\xe0,14:00-22:00\n", "晚班"),
    ];
    for (encoding, bytes, word) in tables {
        let file = stage.folder().join(format!("{encoding}.csv"));
        std::fs::write(&file, bytes)?;
        open(stage, page, "shifts").await?;
        page.click("#encoding option[value='utf-8']").await?;
        choose(page, "#file", &file).await?;
        send(page).await?;
        let told = told(page).await?;
        ensure!(told.contains("not written in the encoding that was chosen"), "{word}: {told}");
        choose(page, "#file", &file).await?;
        send(page).await?;
        if page.client.find(Locator::Css("[role=alert]")).await.is_ok() {
            let told = self::told(page).await?;
            ensure!(
                told == "– The file may be GB18030 or Big5: choose which, or save it as UTF-8."
            );
            page.click(&format!("#encoding option[value='{encoding}']")).await?;
            choose(page, "#file", &file).await?;
            send(page).await?;
        }
        page.see(".notice.good").await?;
        ensure!(page.text().await?.contains(&format!("{word}: ")), "{}", page.text().await?);
    }
    Ok(())
}

/// Two forms are open when their session ends: a roster that is typed, leave from a file. Who typed
/// them logs in beside them, and both are entered.
async fn outlives_its_session(stage: &Stage, page: &Page, app: &Authenticator) -> Result<()> {
    let leave = stage.folder().join("leave.csv");
    std::fs::write(&leave, "person,date,part\n00012,2026-12-24,am\n")?;
    open(stage, page, "rosters").await?;
    page.fill("#table", "person,from,to,cycle\n00011,2026-12-01,,早班 -").await?;
    let roster = page.client.window().await?;
    let beside = window(page).await?;
    open(stage, page, "leave").await?;
    choose(page, "#file", &leave).await?;
    page.client.delete_cookie("__Host-muster").await?;
    let before = entered(stage)?;
    for (form, name) in [(&beside, "leave"), (&roster, "rosters")] {
        page.client.switch_to_window(form.clone()).await?;
        page.submit("main form[enctype] button.primary").await?;
        page.see("a[href='/login']").await.with_context(|| name.to_owned())?;
        page.look(&format!("again-log-in-{name}")).await?;
    }
    ensure!(entered(stage)? == before, "nobody entered anything");
    window(page).await?;
    stage.enter_again(page, "ho.mei", (app, 1)).await?;
    page.client.close_window().await?;
    page.client.switch_to_window(roster).await?;
    again(page, None).await?;
    page.client.switch_to_window(beside).await?;
    again(page, Some(&leave)).await?;
    page.client.close_window().await?;
    let rest = page.client.windows().await?.into_iter().next().context("no window")?;
    page.client.switch_to_window(rest).await?;
    ensure!(entered(stage)? == before + 2, "each of them once");
    Ok(())
}

/// Another window, with the focus.
async fn window(page: &Page) -> Result<WindowHandle> {
    let other = page.client.new_window(true).await?;
    page.client.switch_to_window(other.handle.clone()).await?;
    Ok(other.handle)
}

/// Sends a form that came back: once for the new session, and then it is done.
async fn again(page: &Page, file: Option<&PathBuf>) -> Result<()> {
    for _ in 0..2 {
        if let Some(file) = file {
            choose(page, "#again-file", file).await?;
        }
        page.submit("main form .primary").await?;
        if page.client.find(Locator::Css(".notice.good")).await.is_ok() {
            return Ok(());
        }
    }
    page.see(".notice.good").await.map(drop)
}

/// So many lines of leave, people by turns.
fn table(lines: usize) -> String {
    let mut table = "person,date,part,from,to\n".to_owned();
    let first = jiff::civil::date(2001, 1, 1);
    for n in 0..lines {
        let date = first.saturating_add(jiff::Span::new().days((n / PEOPLE) as i64));
        let _ = writeln!(table, "{:05},{date},full,,", 5_000 + n % PEOPLE);
    }
    table
}

/// The most memory that the box had so far, MiB.
fn peak(stage: &Stage) -> Result<u64> {
    let status = std::fs::read_to_string(format!("/proc/{}/status", stage.gateway.pid()))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).context("no VmHWM")?;
    Ok(line.trim().trim_end_matches(" kB").parse::<u64>()? >> 10)
}

#[test]
#[allow(clippy::print_stdout)]
fn a_hundred_thousand_lines_come_in_by_a_file() -> Result<()> {
    let stage = Stage::build()?;
    office::import(&stage.site, (0..PEOPLE).map(|n| format!("{:05}", 5_000 + n)))?;
    let code = stage.account("ho.mei", &["hr"])?;
    let driver = Driver::start()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let (most, long, large) =
        (stage.folder().join("most"), stage.folder().join("long"), stage.folder().join("large"));
    std::fs::write(&most, table(MOST))?;
    std::fs::write(&long, table(MOST + 1))?;
    std::fs::write(&large, "x".repeat(TOO_LARGE))?;
    runtime.block_on(async {
        let page = driver.browser(Screen::Desktop, "en").await?;
        stage.enter(&page, "ho.mei", &code).await?;
        refused(&stage, &page, &long, &large).await?;
        open(&stage, &page, "leave").await?;
        choose(&page, "#file", &most).await?;
        until_told(&page, "100,001 lines").await?;
        page.client.execute(WATCH, vec![]).await?;
        let (before, begun) = (peak(&stage)?, Instant::now());
        page.click("main form[enctype] button.primary").await?;
        let done = page.see_within(SOON, ".notice.good").await?.text().await?;
        let (took, after) = (begun.elapsed(), peak(&stage)?);
        println!(
            "{MOST} lines in {took:?}; the box had {before} MiB at most before, {after} after"
        );
        ensure!(done.contains("100,000"), "{done}");
        let seen = page.client.execute("return sessionStorage.told || ''", vec![]).await?;
        let seen = seen.as_str().unwrap_or_default();
        ensure!(seen.contains("Being read: 100,001 lines, 0 s so far"), "told meanwhile: {seen}");
        ensure!(took < SOON, "{took:?}");
        end(page).await
    })
}

/// Waits until the line below the file says it.
async fn until_told(page: &Page, text: &str) -> Result<()> {
    let until = Instant::now() + SOON;
    loop {
        let told = page.read("#file-lines").await?;
        if told == text {
            return Ok(());
        }
        ensure!(Instant::now() < until, "{told}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// One line more than the most, and a file that is too large: by the field, and by the box.
async fn refused(stage: &Stage, page: &Page, long: &Path, large: &Path) -> Result<()> {
    open(stage, page, "leave").await?;
    choose(page, "#file", long).await?;
    send(page).await?;
    let told = told(page).await?;
    ensure!(told == "– More than 100000 lines; give it in parts.", "{told}");
    choose(page, "#file", large).await?;
    until_told(page, "This file is larger than 7 MiB: bring it in as several smaller ones.")
        .await?;
    page.click("main form[enctype] button.primary").await?;
    let valid = "const field = document.querySelector('#file');
        const valid = field.checkValidity();
        field.setCustomValidity('');
        return valid";
    ensure!(page.client.execute(valid, vec![]).await? == json!(false), "it is not sent");
    // As from a browser without scripts.
    send(page).await?;
    let text = page.text().await?;
    ensure!(text.contains("This form is too large") && text.contains("8,192 KiB"), "{text}");
    ensure!(entered(stage)? == 0, "nothing was entered");
    Ok(())
}
