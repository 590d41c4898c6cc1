//! Who answers for the data: sees where it goes and what waits, serves a person who asks, files a
//! paper, stops everything; and a policy's life, from the draft to its being in force.

use crate::driver::{Driver, Page, Screen};
use crate::end;
use crate::signing::line;
use crate::stage::{SENT, Stage};
use anyhow::{Context as _, Result, ensure};
use fantoccini::Locator;
use muster_tests::authenticator::Authenticator;
use muster_tests::office::{self, DESTINATION, REGION};
use muster_tests::region::{Looks, Region};
use serde_json::json;
use std::path::Path;
use std::time::{Duration, Instant};

/// For a few punches to be sent.
const PATIENCE: Duration = Duration::from_secs(20);

/// A box that sends some punches and holds others, with an officer's one-time code.
fn sending(folder: &Path) -> Result<(Stage, Region, String)> {
    let region = Region::start(REGION, folder, Looks::Closely)?;
    let (stage, code) = Stage::sending(&region, "a.dpo", &["dpo"])?;
    stage.punch(1)?;
    for (seq, number) in (1..).zip(SENT) {
        stage.punch_of(seq, number)?;
    }
    let until = Instant::now() + PATIENCE;
    while region.arrived().count < SENT.len() as u64 {
        ensure!(Instant::now() < until, "nothing arrives");
        std::thread::sleep(Duration::from_millis(100));
    }
    Ok((stage, region, code))
}

#[test]
fn the_officer_sees_where_data_goes_and_serves_a_person() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let (stage, _region, code) = sending(folder.path())?;
    let driver = Driver::start()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let page = driver.browser(Screen::Desktop, "en").await?;
        let app = stage.enter(&page, "a.dpo", &code).await?.context("an app")?;
        where_data_goes(&page).await?;
        what_waits(&stage, &page).await?;
        serves(&page, &app).await?;
        reads(&stage, &page).await?;
        files_a_paper(&stage, &page).await?;
        stops(&stage, &page).await?;
        end(page).await
    })?;
    runtime.block_on(on_a_phone(&stage, &driver))
}

/// The first screen: the picture, what was declared, and where it went.
async fn where_data_goes(page: &Page) -> Result<()> {
    ensure!(page.client.current_url().await?.path() == "/flows", "the officer's first screen");
    let drawn = format!(
        "return document.querySelector('.picture svg').textContent.includes('{DESTINATION}')"
    );
    page.see(".picture svg").await?;
    ensure!(page.client.execute(&drawn, vec![]).await? == true, "the destination is drawn");
    page.see("table .badge.bad").await?;
    let text = page.text().await?;
    for expect in [DESTINATION, "nobody declared", "What would free it"] {
        ensure!(text.contains(expect), "{expect} is not on the first screen: {text}");
    }
    page.look("flows").await
}

/// From a reason to a record, its explanation, and whose it is.
async fn what_waits(stage: &Stage, page: &Page) -> Result<()> {
    page.go(&format!("{}/waiting", stage.page()?)).await?;
    page.click("tbody th a[href^='/waiting/']").await?;
    page.see("td a[href^='/records/']").await?;
    page.look("waiting-reason").await?;
    page.click("td a[href^='/records/']").await?;
    page.see("section.prose").await?;
    ensure!(
        page.text().await?.contains("What would free it"),
        "what frees it: {}",
        page.text().await?
    );
    page.look("explained").await?;
    page.client.back().await?;
    page.click("tbody th a[href^='/people/']").await?;
    page.click("a[href$='/rights']").await?;
    page.see("#right").await.map(drop)
}

/// Notes what a person asks for, hands it over, puts a name right, restricts.
async fn serves(page: &Page, app: &Authenticator) -> Result<()> {
    page.look("rights").await?;
    page.submit("form[action='/governance/rights'] button").await?;
    page.see("table .badge.warn").await?;
    page.fill("#correct-name", "何美 Ho-Mei").await?;
    page.fill("#correct-reason", "as on the identity card").await?;
    page.submit("form[action='/governance/correct'] button").await?;
    page.fill("#code", &app.code(1)?).await?;
    page.submit("main .primary").await?;
    page.see(".notice.good").await?;
    ensure!(page.text().await?.contains("何美 Ho-Mei"), "the name is put right");
    // A file comes as an answer to the form; what it says is told by tests of the rooms.
    let take = "const done = arguments[arguments.length - 1];
        const form = new URLSearchParams(new FormData(document.querySelector(\"form[action='/governance/take']\")));
        form.set('form', 'json');
        fetch('/governance/take', { method: 'POST', body: form })
            .then((a) => a.json()).then((held) => done(held.person.name), (e) => done(String(e)));";
    let name = page.client.execute_async(take, vec![]).await?;
    ensure!(name == "何美 Ho-Mei", "what is held is handed over: {name}");
    page.click("details.fix summary").await?;
    page.fill("[name=answer]", "handed over on paper").await?;
    page.submit("form[action='/governance/rights/answer'] button").await?;
    page.see("table .badge.good").await?;
    page.submit("form[action='/governance/restrict'] button").await?;
    page.see(".notice.warn").await?;
    page.look("rights-restricted").await?;
    page.submit("form[action='/governance/erase'] button[value=false]").await?;
    ensure!(page.text().await?.contains("waits for two signers"), "one alone erases nobody");
    Ok(())
}

/// Thresholds with their forecast, and each other report.
async fn reads(stage: &Stage, page: &Page) -> Result<()> {
    let at = stage.page()?;
    page.go(&format!("{at}/reports")).await?;
    let kinds = page.client.find_all(Locator::Css("main li a")).await?;
    ensure!(kinds.len() > 10, "reports are listed");
    let mut addresses = Vec::new();
    for kind in kinds {
        addresses.extend(kind.attr("href").await?);
    }
    for address in addresses {
        page.go(&format!("{at}{address}")).await?;
        page.see("section.card h2").await.with_context(|| address.clone())?;
    }
    page.go(&format!("{at}/reports/thresholds")).await?;
    ensure!(page.text().await?.contains("10000"), "thresholds: {}", page.text().await?);
    page.look("thresholds").await
}

async fn files_a_paper(stage: &Stage, page: &Page) -> Result<()> {
    page.go(&format!("{}/governance/papers", stage.page()?)).await?;
    page.fill("#paper-type", "dpa").await?;
    page.fill("#paper-lane", "*").await?;
    let dates = "document.querySelector('#paper-from').value = '2026-11-01T00:00:00';
        document.querySelector('#paper-to').value = '2027-11-01T00:00:00';";
    page.client.execute(dates, vec![]).await?;
    page.click("main details summary").await?;
    page.fill("#paper-sha256", &"ab".repeat(32)).await?;
    page.fill("#paper-name", "agreement.pdf").await?;
    page.submit("form[action='/governance/papers'] .primary").await?;
    page.see(".notice.good").await?;
    page.go(&format!("{}/governance/approvals", stage.page()?)).await?;
    ensure!(page.text().await?.contains("file-paper"), "it waits for two");
    page.look("approvals-waiting").await
}

async fn stops(stage: &Stage, page: &Page) -> Result<()> {
    page.go(&format!("{}/governance", stage.page()?)).await?;
    page.submit("form[action='/governance/stop'] button").await?;
    page.see(".notice.bad").await?;
    page.look("governance-stopped").await?;
    page.go(&format!("{}/flows", stage.page()?)).await?;
    page.see(".head a.badge.bad").await.map(drop)
}

/// The same first screen for somebody on the way, in their language.
async fn on_a_phone(stage: &Stage, driver: &Driver) -> Result<()> {
    let code = stage.account("an.auditor", &["auditor"])?;
    let page = driver.browser(Screen::Phone, "zh-HK").await?;
    stage.enter(&page, "an.auditor", &code).await?;
    page.see(".picture svg").await?;
    ensure!(page.text().await?.contains("資料去向"), "{}", page.text().await?);
    page.look("flows").await?;
    let person = "return document.querySelector(\"a[href^='/waiting/']\").getAttribute('href')";
    let held = page.client.execute(person, vec![]).await?;
    page.go(&format!("{}{}", stage.page()?, held.as_str().context("a reason")?)).await?;
    page.look("waiting-reason").await?;
    page.click("tbody th a[href^='/people/']").await?;
    page.click("a[href$='/rights']").await?;
    page.see("table .badge").await?;
    page.look("rights").await?;
    page.go(&format!("{}/governance/packs", stage.page()?)).await?;
    page.submit("form[action='/governance/packs'] .primary").await?;
    page.see("table .badge").await?;
    page.look("packs-asked").await?;
    end(page).await
}

/// The policy is tightened on the page: checked, compared, tried, signed with the second factor,
/// and in force.
#[test]
fn the_administrator_drafts_a_tighter_policy() -> Result<()> {
    let (stage, code) = Stage::governed("b.admin", &["it-admin"])?;
    stage.punch(1)?;
    let driver = Driver::start()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let at = stage.page()?;
        let page = driver.browser(Screen::Phone, "zh-HK").await?;
        let app = stage.enter(&page, "b.admin", &code).await?.context("an app")?;
        page.go(&format!("{at}/governance/remedies")).await?;
        page.look("remedies").await?;
        let offered = page.see("#draft-text").await?.prop("value").await?.context("no text")?;
        ensure!(offered.contains("version = 2"), "the policy in force with the next number");
        let tighter =
            offered.replacen("when = { ", "when = { \"subject.department\" = [\"Kitchen\"], ", 1);
        ensure!(tighter != offered, "a permit has conditions: {offered}");
        let wrong = offered.replacen("default", "defualt", 1);
        for (text, seen) in [(&wrong, "[role=alert]"), (&tighter, ".badge.good")] {
            let put = "document.querySelector('#draft-text').value = arguments[0]";
            page.client.execute(put, vec![json!(text)]).await?;
            page.click("form[action='/governance/drafts'] button.primary").await?;
            page.see(seen).await?;
            page.look(if seen == ".badge.good" { "draft" } else { "draft-problem" }).await?;
        }
        ensure!(page.text().await?.contains("一個簽署即可生效"), "one signature");
        page.fill("#draft-line", &line(&stage, &page, "b.admin").await?).await?;
        let file = stage.folder().join("b.admin.toml");
        page.submit("form[action='/governance/drafts/sign'] .primary").await?;
        page.fill("#code", &app.code(1)?).await?;
        page.submit("main .primary").await?;
        // A new account approves nothing for a day, second factor or not: their line goes the
        // other way, with the file.
        ensure!(page.text().await?.contains("未滿一日"), "{}", page.text().await?);
        stage.site.muster(&["policy", "publish", office::as_text(&file)?])?;
        page.go(&format!("{at}/governance")).await?;
        page.look("governance-two-versions").await?;
        ensure!(page.text().await?.contains("hk-test@2"), "{}", page.text().await?);
        end(page).await
    })
}
