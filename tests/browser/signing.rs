//! A policy's whole life on the page, by the people whom the law of the house asks for: drafted and
//! checked, tried on the records of the last month, compared, signed by two with their second
//! factor, in force; what waited leaves to a real broker, and one person stops it all.
//!
//! Who signs has had an account for a day: the box was set up two days ago by its own clock.

use crate::driver::{Driver, Page, Screen};
use crate::end;
use crate::stage::{SENT, START, Stage, account, punch_at};
use anyhow::{Context as _, Result, ensure};
use fantoccini::Locator;
use muster_tests::authenticator::Authenticator;
use muster_tests::mosquitto::{self, Mosquitto};
use muster_tests::office::{self, DESTINATION};
use muster_tests::punch::now_s;
use muster_tests::site::Site;
use muster_tests::subscriber::Subscriber;
use serde_json::json;
use std::collections::BTreeSet;
use std::net::TcpListener;
use std::path::Path;
use std::time::{Duration, Instant};

/// How long ago the box was set up.
const DAYS: u32 = 2;
const DAY_S: i64 = 86_400;
/// For what was decided anew to be sent.
const PATIENCE: Duration = Duration::from_secs(20);
/// Whom the policy in force lets go, and whom the next one does too.
const NOBODY: &str = "[\"contractor\"]";
const EVERYBODY: &str = "[\"contractor\", \"employee\"]";

/// One-time codes of those who come.
struct Codes {
    officer: String,
    administrator: String,
    newcomer: String,
}

/// A box of two days ago that holds punches of then, under a policy of today.
fn set_up(folder: &Path) -> Result<(Stage, Mosquitto, Subscriber, Codes)> {
    let plain = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
    let (broker, section) = mosquitto::region(folder, plain)?;
    let subscriber = Subscriber::start(plain)?;
    let (stage, codes) = Stage::with(
        |layout, keys| {
            layout.more.clone_from(&section);
            layout.set_behind(DAYS)?;
            office::make_keys(layout, keys)?;
            office::make_key(layout, keys, "c.new", "dpo")
        },
        |site, keys| {
            let officer = account(site, "a.dpo", &["dpo"])?;
            let administrator = account(site, "b.admin", &["it-admin"])?;
            held(site)?;
            let today = site.behind(0)?;
            let newcomer = account(&today, "c.new", &["dpo"])?;
            office::publish_changed(&today, keys, |text| text.replace("[\"employee\"]", NOBODY))?;
            Ok(Codes { officer, administrator, newcomer })
        },
    )?;
    Ok((stage, broker, subscriber, codes))
}

/// Punches of the day on which the box was set up.
fn held(site: &Site) -> Result<()> {
    office::import(site, SENT.iter().map(|number| (*number).to_owned()))?;
    let mut gateway = site.start()?;
    gateway.ready(START)?;
    for (seq, number) in (1..).zip(SENT) {
        punch_at(&gateway, seq, number, now_s() - i64::from(DAYS) * DAY_S)?;
    }
    gateway.terminate(START).map(drop)
}

#[test]
fn a_policy_lives_its_whole_life_on_the_page() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let (stage, _broker, mut region, codes) = set_up(folder.path())?;
    let driver = Driver::start()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let officer = driver.browser(Screen::Desktop, "en").await?;
        let app = stage.enter(&officer, "a.dpo", &codes.officer).await?.context("an app")?;
        let draft = drafted(&stage, &officer).await?;
        first_signs(&stage, &officer, &app).await?;
        newcomer_is_refused(&stage, &driver, &draft, &codes.newcomer).await?;
        let second = driver.browser(Screen::Phone, "en").await?;
        let app = stage.enter(&second, "b.admin", &codes.administrator).await?.context("an app")?;
        second_signs(&stage, &second, &app, &draft).await?;
        end(second).await?;
        stage.punch_of(9, SENT[0])?;
        arrived(&mut region)?;
        figures(&stage, &officer, SENT.len() + 1).await?;
        stopped(&stage, &officer).await?;
        end(officer).await
    })
}

/// Checked, compared with the one in force, and tried on what was recorded; its address.
async fn drafted(stage: &Stage, page: &Page) -> Result<String> {
    page.go(&format!("{}/governance/remedies", stage.page()?)).await?;
    let offered = page.see("#draft-text").await?.prop("value").await?.context("no text")?;
    let looser = offered.replace(NOBODY, EVERYBODY);
    ensure!(looser != offered, "the policy in force: {offered}");
    let put = "document.querySelector('#draft-text').value = arguments[0]";
    page.client.execute(put, vec![json!(looser)]).await?;
    page.click("form[action='/governance/drafts'] button.primary").await?;
    page.see("#draft-line").await?;
    let text = page.text().await?;
    for told in [
        "Two people in two roles sign it",
        "Nobody has signed it yet",
        "3 records tried: 3 would be freer, 0 held more strictly",
        "3: HOLD (I-02) would become FORWARD to hk-payroll",
        "loosens",
    ] {
        ensure!(text.contains(told), "{told} is not told: {text}");
    }
    page.look("draft-loosens").await?;
    Ok(page.client.current_url().await?.to_string())
}

/// The line that a person's own key makes of the draft that a page shows, on their own machine.
pub(crate) async fn line(stage: &Stage, page: &Page, person: &str) -> Result<String> {
    let take = "const done = arguments[arguments.length - 1];
        fetch(document.querySelector(\"a[href$='/policy.toml']\").href)
            .then((a) => a.text()).then(done, (e) => done(String(e)));";
    let text = page.client.execute_async(take, vec![]).await?;
    let file = stage.folder().join(format!("{person}.toml"));
    std::fs::write(&file, text.as_str().context("no file")?)?;
    office::sign(&stage.site, &file, &office::key(stage.folder(), person))?;
    let lines = std::fs::read_to_string(file.with_extension("toml.sig"))?;
    Ok(lines.lines().last().context("no line")?.to_owned())
}

async fn give(page: &Page, line: &str) -> Result<()> {
    page.fill("#draft-line", line).await?;
    page.submit("form[action='/governance/drafts/sign'] .primary").await
}

/// Not with a wrong code, nor under another's line, nor twice.
async fn first_signs(stage: &Stage, page: &Page, app: &Authenticator) -> Result<()> {
    let (own, other) = (line(stage, page, "a.dpo").await?, line(stage, page, "b.admin").await?);
    give(page, &own).await?;
    page.fill("#code", &app.wrong()?).await?;
    page.submit("main .primary").await?;
    let told = page.read("[role=alert]").await?;
    ensure!(told.contains("This code does not fit"), "{told}");
    page.look("draft-code-wrong").await?;
    // The line was kept: nobody types it again.
    page.fill("#code", &app.code(1)?).await?;
    page.submit("main .primary").await?;
    waits(page).await?;
    for (again, refused) in [(&own, false), (&other, true)] {
        give(page, again).await?;
        let alert = page.client.find(Locator::Css("[role=alert]")).await.is_ok();
        ensure!(alert == refused, "one person gives a second line: {}", page.text().await?);
        waits(page).await?;
    }
    page.look("draft-waits").await?;
    in_force(stage, page, 1).await
}

/// One has signed, and one is not two.
async fn waits(page: &Page) -> Result<()> {
    let text = page.text().await?;
    let one = text.contains("a.dpo (data protection officer)") && !text.contains("b.admin (");
    ensure!(one && text.contains("Two people in two roles"), "the draft waits: {text}");
    Ok(())
}

/// An account of today signs nothing, second factor or not.
async fn newcomer_is_refused(
    stage: &Stage,
    driver: &Driver,
    draft: &str,
    code: &str,
) -> Result<()> {
    let page = driver.browser(Screen::Desktop, "en").await?;
    let app = stage.enter(&page, "c.new", code).await?.context("an app")?;
    page.go(draft).await?;
    give(&page, &line(stage, &page, "c.new").await?).await?;
    page.fill("#code", &app.code(1)?).await?;
    page.submit("main .primary").await?;
    let told = page.read("[role=alert]").await?;
    ensure!(told.contains("less than a day old"), "{told}");
    waits(&page).await?;
    in_force(stage, &page, 1).await?;
    end(page).await
}

async fn second_signs(stage: &Stage, page: &Page, app: &Authenticator, draft: &str) -> Result<()> {
    page.go(draft).await?;
    waits(page).await?;
    give(page, &line(stage, page, "b.admin").await?).await?;
    page.fill("#code", &app.code(1)?).await?;
    page.submit("main .primary").await?;
    let told = page.read(".notice.good").await?;
    ensure!(told.contains("@2 is accepted"), "{told}");
    in_force(stage, page, 2).await?;
    page.look("governance-signed").await
}

/// The version that the page calls the one in force.
async fn in_force(stage: &Stage, page: &Page, version: u32) -> Result<()> {
    page.go(&format!("{}/governance", stage.page()?)).await?;
    let row = page.read("tbody tr:has(.badge.good)").await?;
    ensure!(row.contains(&format!("{}@{version}", Site::NAME)), "in force: {row}");
    Ok(())
}

/// Those that waited and the new one, each once, with what the profile lets go and nothing else.
fn arrived(region: &mut Subscriber) -> Result<()> {
    let parcels = region.parcels(SENT.len() + 1)?;
    let ids: BTreeSet<_> = parcels.iter().filter_map(|one| one["event_id"].as_str()).collect();
    ensure!(ids.len() == parcels.len(), "{parcels:?}");
    for parcel in &parcels {
        let fields: Vec<_> = parcel.as_object().context("no object")?.keys().collect();
        let allowed = ["check_time", "direction", "event_id", "site_ref", "subject_ref"];
        ensure!(fields.iter().all(|field| allowed.contains(&field.as_str())), "{parcel}");
    }
    Ok(())
}

/// What the first screen says of the destination: nothing under way, so many settled.
async fn figures(stage: &Stage, page: &Page, settled: usize) -> Result<()> {
    let row = format!(
        "const row = [...document.querySelectorAll('tbody tr')].find((row) =>
            row.cells.length === 6 && row.cells[0].textContent.includes('{DESTINATION}'));
        return row ? [2, 3, 4].map((at) => row.cells[at].textContent) : null"
    );
    let until = Instant::now() + PATIENCE;
    loop {
        page.go(&format!("{}/flows", stage.page()?)).await?;
        let told = page.client.execute(&row, vec![]).await?;
        if told == json!(["0", settled.to_string(), "0"]) {
            return page.look("flows-sent").await;
        }
        ensure!(Instant::now() < until, "the page tells {told} of {DESTINATION}");
    }
}

/// One person stops everything: the next punch is taken, and stays.
async fn stopped(stage: &Stage, page: &Page) -> Result<()> {
    page.go(&format!("{}/governance", stage.page()?)).await?;
    page.submit("form[action='/governance/stop'] button").await?;
    page.see(".notice.bad").await?;
    stage.punch_of(10, SENT[1])?;
    let until = Instant::now() + PATIENCE;
    loop {
        page.go(&format!("{}/waiting", stage.page()?)).await?;
        if page.text().await?.contains("S-LOCAL-ONLY") {
            break;
        }
        ensure!(Instant::now() < until, "it does not wait: {}", page.text().await?);
    }
    figures(stage, page, SENT.len() + 1).await
}
