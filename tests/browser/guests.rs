//! Who comes without an account: a warden's device that outlives the box, and an employee.

use crate::driver::{Driver, Page, Screen};
use crate::stage::Stage;
use crate::{end, run};
use anyhow::{Context as _, Result, ensure};
use std::time::Duration;

/// The list asks every ten seconds, and gives up after five.
const AWAY: Duration = Duration::from_secs(25);
const PIN: &str = "604182";

/// Opens a warden's device from the page of facilities, and enrols it.
async fn enrol(driver: &Driver, stage: &Stage, facilities: &Page, code: &str) -> Result<Page> {
    let at = stage.page()?;
    let app = stage.enter(facilities, "fong", code).await?.context("an app")?;
    facilities.go(&format!("{at}/wardens")).await?;
    facilities.look("wardens-none").await?;
    facilities.fill("#name", "yard-phone").await?;
    facilities.click("main button.primary").await?;
    facilities.fill("#code", &app.code(1)?).await?;
    facilities.click("main .primary").await?;
    let code = facilities.read(".made code").await?;
    facilities.look("warden-code").await?;

    let device = driver.trusting(Screen::Phone, "en").await?;
    device.go(&format!("{at}/warden/enrol")).await?;
    device.look("warden-door").await?;
    // As the picture has it: the code is filled in from behind the `#`, and gone from the address.
    device.go(&format!("{at}/warden/enrol#{code}")).await?;
    device.client.refresh().await?;
    device.fill("#warden-code", &code).await?;
    device.click("main .primary").await?;
    device.see("#warden-done").await?;
    Ok(device)
}

/// Waits until a script says yes.
async fn until(page: &Page, script: &str) -> Result<()> {
    let tries = Duration::from_secs(30).as_millis() / 200;
    for _ in 0..tries {
        if page.client.execute_async(script, vec![]).await? == true {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    anyhow::bail!("never true: {script}\n{}", page.text().await?)
}

/// As if the copy had been kept for thirteen hours.
const AGED: &str = "const done = arguments[arguments.length - 1];
    caches.open('muster-warden').then(async (cache) => {
        const copy = await cache.match('/warden');
        const headers = new Headers(copy.headers);
        headers.set('x-kept', String(Date.now() - 13 * 3600 * 1000));
        await cache.put('/warden', new Response(await copy.text(), { status: 200, headers }));
        done(true);
    }).catch((error) => done(String(error)));";

/// Whether the copy is kept, with the list and all that it loads.
const KEPT: &str = "const done = arguments[arguments.length - 1];
    caches.open('muster-warden').then((c) => c.keys()).then((k) => done(k.length >= 4));";
const NOTHING_KEPT: &str = "const done = arguments[arguments.length - 1];
    caches.keys().then((k) => done(k.length === 0 && localStorage.getItem('muster-warden') === null));";

async fn away(page: &Page, hidden: bool) -> Result<()> {
    let css = if hidden { "#onsite-away[hidden]" } else { "#onsite-away:not([hidden])" };
    // What is hidden is found all the same.
    page.see_within(AWAY, css).await.map(drop)
}

#[test]
fn a_wardens_device_works_while_the_box_is_off_and_forgets_when_it_is_ended() -> Result<()> {
    let mut stage = Stage::build()?;
    stage.punch(1)?;
    let code = stage.account("fong", &["facilities"])?;
    let console = stage.gateway.listening().console.context("no page")?;
    let driver = Driver::start()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let facilities = driver.browser(Screen::Desktop, "en").await?;
        let device = enrol(&driver, &stage, &facilities, &code).await?;
        untrusting(&driver, &stage, &facilities).await?;
        device.look("warden").await?;
        until(&device, KEPT).await?;

        stage.gateway.stop_now()?;
        let list = format!("https://localhost:{}/warden", console.port());
        device.go(&list).await?;
        away(&device, false).await?;
        let text = device.text().await?;
        for expect in ["Last seen on site", "as of", "何美", "陳大文", "cannot be reached"] {
            ensure!(text.contains(expect), "{expect} is not in the copy: {text}");
        }
        device.click(".safe").await?;
        device.go(&list).await?;
        device.see(".safe:checked").await?;
        away(&device, false).await?;
        device.look("warden-away").await?;

        stage.start_again(console)?;
        away(&device, true).await?;
        until(&device, "const done = arguments[arguments.length - 1];
            done(Object.values(JSON.parse(localStorage.getItem('muster-warden'))).every((t) => t[2]));")
        .await?;
        device.client.execute("localStorage.clear()", vec![]).await?;
        device.go(&list).await?;
        device.see(".safe:checked").await?;
        ensure!(device.text().await?.contains("yard-phone,"), "the box knows who ticked");

        until(&device, KEPT).await?;
        stage.gateway.stop_now()?;
        ensure!(device.client.execute_async(AGED, vec![]).await? == true, "the copy is old now");
        device.go(&list).await?;
        let text = device.text().await?;
        ensure!(text.contains("was too old and has been deleted"), "{text}");
        ensure!(!text.contains("何美"), "nobody is shown from a copy that is too old");
        stage.start_again(console)?;
        device.go(&list).await?;
        device.see(".safe").await?;

        ended(&stage, &facilities, &device).await?;
        end(facilities).await?;
        end(device).await
    })
}

/// A device that does not trust the box's certificate says that it keeps no copy.
async fn untrusting(driver: &Driver, stage: &Stage, facilities: &Page) -> Result<()> {
    let at = stage.page()?;
    facilities.go(&format!("{at}/wardens")).await?;
    facilities.fill("#name", "lobby-phone").await?;
    facilities.submit("main button.primary").await?;
    let code = facilities.read(".made code").await?;
    let device = driver.wary(Screen::Phone, "zh-HK").await?;
    device.go_past_the_warning(&format!("{at}/warden/enrol")).await?;
    device.fill("#warden-code", &code).await?;
    device.click("main .primary").await?;
    device.see("#warden-no-copy:not([hidden])").await?;
    device.look("warden-untrusted").await?;
    end(device).await?;
    facilities.go(&format!("{at}/wardens")).await?;
    let lobby = "form[action='/wardens/end']:has([value='lobby-phone']) button";
    facilities.submit(lobby).await?;
    facilities.see("main:not(:has([value='lobby-phone']))").await.map(drop)
}

/// Facilities ends the device, which then keeps nothing of anybody.
async fn ended(stage: &Stage, facilities: &Page, device: &Page) -> Result<()> {
    let at = stage.page()?;
    let accounts = stage.site.muster(&["user", "list"])?;
    ensure!(accounts.contains("fong"), "the account outlived the restart");
    let code = stage.account("fong.two", &["facilities"])?;
    let app = stage.enter(facilities, "fong.two", &code).await?.context("an app")?;
    facilities.go(&format!("{at}/wardens")).await?;
    facilities.look("wardens").await?;
    facilities.click("form[action='/wardens/end'] button").await?;
    facilities.fill("#code", &app.code(1)?).await?;
    facilities.click("main .primary").await?;
    facilities.see(".empty").await?;
    device.see("#warden-code").await?;
    until(device, NOTHING_KEPT).await
}

/// An employee's main job, from the code to the answer.
pub(crate) async fn employee(
    driver: &Driver,
    stage: &Stage,
    screen: Screen,
    language: &'static str,
    (hr, hr_app): (&Page, &muster_tests::authenticator::Authenticator),
    step: u64,
) -> Result<()> {
    let at = stage.page()?;
    hr.go(&format!("{at}/access")).await?;
    hr.fill("#number", "00011").await?;
    hr.click("main button.primary").await?;
    if hr.client.find(fantoccini::Locator::Css("#code")).await.is_ok() {
        hr.fill("#code", &hr_app.code(step)?).await?;
        hr.click("main .primary").await?;
    }
    let code = hr.read(".made code").await?;
    hr.look("access").await?;

    let page = driver.browser(screen, language).await?;
    page.go(&format!("{at}/own/login")).await?;
    page.look("own-login").await?;
    page.fill("#own-code", &code).await?;
    page.click("form[action='/own/code'] button").await?;
    page.see("#again").await?;
    page.look("own-pin").await?;
    page.fill("#pin", PIN).await?;
    page.fill("#again", PIN).await?;
    page.click("main .primary").await?;
    page.see(".calendar").await?;
    page.look("own-month").await?;
    page.submit(".pager a[rel=prev]").await?;
    page.see(".calendar").await?;
    page.look_once("own-month-before").await?;
    page.go(&format!("{at}/own")).await?;
    page.click(".calendar .date.today").await?;
    page.see("section.card > form").await?;
    page.fill("section.card > form [name=time]", "23:58").await?;
    page.fill("section.card > form [name=reason]", "忘記打卡 <i>forgot</i>").await?;
    page.submit("section.card > form .primary").await?;
    page.see("section.card:last-of-type td .badge").await?;
    ensure!(page.text().await?.contains("<i>forgot</i>"), "what was asked for is listed");
    page.look("own-day").await?;

    page.click("#kiosk-out button").await?;
    page.fill("#number", "00011").await?;
    page.fill("#pin", PIN).await?;
    page.click("form[action='/own/login'] .primary").await?;
    page.see(".calendar").await?;
    // As if nobody had touched it for a minute.
    let later = "const now = Date.now; Date.now = () => now() + 45000;";
    page.client.execute(later, vec![]).await?;
    page.see("#kiosk:not([hidden])").await?;
    page.look("own-kiosk").await?;
    page.client.execute(&later.replace("45000", "60000"), vec![]).await?;
    page.see("form[action='/own/login']").await?;
    page.go(&format!("{at}/own")).await?;
    page.see("form[action='/own/login']").await?;
    end(page).await
}

#[test]
fn an_employee_in_two_languages_on_two_screens() -> Result<()> {
    run(async |driver: &Driver, stage: &Stage| {
        let code = stage.account("ho.mei", &["hr"])?;
        let hr = driver.browser(Screen::Desktop, "en").await?;
        let app = stage.enter(&hr, "ho.mei", &code).await?.context("an app")?;
        for (step, (screen, language)) in crate::EVERYWHERE.into_iter().enumerate() {
            employee(driver, stage, screen, language, (&hr, &app), step as u64 + 1).await?;
        }
        end(hr).await
    })
}

/// The certificate that a box shows, as somebody fetches it to trust it.
fn certificate(address: std::net::SocketAddr) -> Result<String> {
    let asked = std::process::Command::new("openssl")
        .args(["s_client", "-connect", &address.to_string(), "-servername", "localhost"])
        .stdin(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .output()
        .context("openssl")?;
    let text = String::from_utf8_lossy(&asked.stdout).into_owned();
    let (begin, end) = ("-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----");
    let from = text.find(begin).context("no certificate")?;
    let to = text.find(end).context("no certificate")? + end.len();
    Ok(text.get(from..to).unwrap_or_default().to_owned())
}

#[test]
fn one_list_has_everybody_of_the_sites_boxes_and_says_when_one_is_silent() -> Result<()> {
    let mut east = Stage::build()?;
    east.punch(1)?;
    let folder = tempfile::tempdir()?;
    let console = east.gateway.listening().console.context("no page")?;
    std::fs::write(folder.path().join("east.pem"), certificate(console)?)?;
    let made = east.site.muster(&["user", "token", "west", "--role", "security"])?;
    let token = made.split_whitespace().find(|word| word.starts_with("muster_"));
    let file = folder.path().join("east.token");
    std::fs::write(&file, token.context("no token")?)?;
    std::fs::set_permissions(&file, std::os::unix::fs::PermissionsExt::from_mode(0o600))?;
    let at = folder.path().display();
    let west = Stage::beside(&format!(
        "[[neighbour]]\nname = \"east-wing\"\nurl = \"https://localhost:{}\"\n\
         ca = \"{at}/east.pem\"\ntoken_file = \"{at}/east.token\"\n",
        console.port()
    ))?;
    let code = west.account("fong", &["facilities"])?;
    let driver = Driver::start()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let page = driver.browser(Screen::Phone, "en").await?;
        west.enter(&page, "fong", &code).await?;
        page.go(&format!("{}/onsite", west.page()?)).await?;
        // It asks every fifteen seconds, the page every ten.
        page.see_within(Duration::from_secs(40), "#onsite .badges .badge.good").await?;
        let text = page.text().await?;
        ensure!(text.contains("east-wing") && text.contains("陳大文"), "{text}");
        page.look("onsite-boxes").await?;
        east.gateway.stop_now()?;
        page.see_within(Duration::from_secs(45), "#onsite .badges .badge.warn").await?;
        ensure!(page.text().await?.contains("陳大文"), "what was heard last stays");
        end(page).await
    })
}
