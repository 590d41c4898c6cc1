//! Chromium by its WebDriver, as far as these tests need it.

use anyhow::{Context as _, Result, bail, ensure};
use fantoccini::elements::Element;
use fantoccini::error::CmdError;
use fantoccini::wd::{Capabilities, WebDriverCompatibleCommand};
use fantoccini::{Client, ClientBuilder, Locator, key::Key};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

/// What checks a page for people who cannot see or point, once `npm ci` has been here.
const AXE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/browser/node_modules/axe-core/axe.min.js");
/// What axe has against colours.
const COLOUR_RULES: [&str; 2] = ["color-contrast", "link-in-text-block"];
/// The console's styles.
const STYLES: &str =
    include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../gateway/console/assets/app.css"));
/// Where a colour may stand.
const COLOURED: [&str; 9] = [
    "color",
    "accent-color",
    "background",
    "border",
    "outline",
    "box-shadow",
    "fill",
    "stroke",
    "filter",
];
/// How long a page may take to show something.
const PATIENCE: Duration = Duration::from_secs(15);

/// How long a picture of it may take.
const PICTURE_PATIENCE: Duration = Duration::from_secs(60);

/// Between two looks at it.
const LOOK_AGAIN: Duration = Duration::from_millis(40);

/// Pages that were looked at once: name, screen, language.
static LOOKED: Mutex<BTreeSet<(String, &str, &str)>> = Mutex::new(BTreeSet::new());

/// A size of screen.
#[derive(Clone, Copy)]
pub(crate) enum Screen {
    Desktop,
    Phone,
}

impl Screen {
    fn size(self) -> (u32, u32) {
        match self {
            Self::Desktop => (1280, 900),
            Self::Phone => (390, 844),
        }
    }

    fn word(self) -> &'static str {
        match self {
            Self::Desktop => "desktop",
            Self::Phone => "phone",
        }
    }
}

/// How long the driver may take to end its browsers by itself.
const ENDING: Duration = Duration::from_secs(5);

/// The driver's process; it and every browser it started end when it is dropped, also where a test
/// failed half-way.
pub(crate) struct Driver {
    child: Child,
    address: String,
}

impl Driver {
    pub(crate) fn start() -> Result<Self> {
        let mut command = Command::new("chromedriver");
        command.arg("--port=0").stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().context("chromedriver: install chromium-driver")?;
        let mut lines = BufReader::new(child.stdout.take().context("no output")?).lines();
        let port = lines.find_map(|line| {
            let line = line.ok()?;
            let (_, port) = line.split_once("successfully on port ")?;
            port.trim_end_matches('.').parse::<u16>().ok()
        });
        // What it prints later has to go somewhere.
        std::thread::spawn(move || lines.for_each(drop));
        let address = format!("http://127.0.0.1:{}", port.context("chromedriver does not start")?);
        Ok(Self { child, address })
    }

    /// The driver's process.
    pub(crate) fn process(&self) -> u32 {
        self.child.id()
    }

    /// A fresh browser.
    pub(crate) async fn browser(&self, screen: Screen, language: &'static str) -> Result<Page> {
        self.browser_with(screen, language, true, &[]).await
    }

    /// A fresh browser on a device that does not trust the box's certificate, and says so.
    pub(crate) async fn wary(&self, screen: Screen, language: &'static str) -> Result<Page> {
        self.browser_with(screen, language, false, &[]).await
    }

    /// A fresh browser on a device where the box's certificate is installed.
    pub(crate) async fn trusting(&self, screen: Screen, language: &'static str) -> Result<Page> {
        self.browser_with(screen, language, true, &["--ignore-certificate-errors"]).await
    }

    async fn browser_with(
        &self,
        screen: Screen,
        language: &'static str,
        clicks_on: bool,
        more: &[&str],
    ) -> Result<Page> {
        let (width, height) = screen.size();
        let mut options = json!({
            "args": [
                "--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars",
                format!("--window-size={width},{height}"), format!("--lang={language}"),
            ],
            "prefs": { "intl.accept_languages": language },
        });
        if let Some(args) = options["args"].as_array_mut() {
            args.extend(more.iter().map(|&one| one.into()));
        }
        if matches!(screen, Screen::Phone) {
            let metrics = json!({ "width": width, "height": height, "pixelRatio": 2.0 });
            options["mobileEmulation"] = json!({ "deviceMetrics": metrics });
        }
        let mut wanted = Capabilities::new();
        wanted.insert("acceptInsecureCerts".into(), clicks_on.into());
        wanted.insert("goog:chromeOptions".into(), options);
        let mut builder = ClientBuilder::new(hyper_connector());
        let client = builder.capabilities(wanted).connect(&self.address).await?;
        Ok(Page { client, screen, language })
    }
}

/// The program of axe, read once.
fn axe() -> Result<&'static str> {
    static PROGRAM: OnceLock<String> = OnceLock::new();
    if let Some(program) = PROGRAM.get() {
        return Ok(program);
    }
    let program =
        std::fs::read_to_string(AXE).context("axe-core: npm ci --prefix tests/browser")?;
    Ok(PROGRAM.get_or_init(|| program))
}

fn hyper_connector() -> hyper_util::client::legacy::connect::HttpConnector {
    hyper_util::client::legacy::connect::HttpConnector::new()
}

impl Drop for Driver {
    fn drop(&mut self) {
        let started = descendants(self.child.id());
        self.shut_down();
        let until = Instant::now() + ENDING;
        while Instant::now() < until && matches!(self.child.try_wait(), Ok(None)) {
            std::thread::sleep(Duration::from_millis(20));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
        for pid in started.into_iter().filter_map(|pid| Pid::from_raw(pid.try_into().ok()?)) {
            let _ = kill_process(pid, Signal::KILL);
        }
    }
}

impl Driver {
    /// Asks it to close its browsers, which then take their folders with them.
    fn shut_down(&self) {
        let Some(place) = self.address.strip_prefix("http://") else { return };
        let Ok(mut stream) = TcpStream::connect(place) else { return };
        let _ = stream.set_read_timeout(Some(ENDING));
        let head = format!("GET /shutdown HTTP/1.1\r\nHost: {place}\r\nConnection: close\r\n\r\n");
        if stream.write_all(head.as_bytes()).is_ok() {
            let _ = stream.read_to_end(&mut Vec::new());
        }
    }
}

/// Every process that `root` started, and those that they did.
pub(crate) fn descendants(root: u32) -> Vec<u32> {
    let parent = |pid: u32| -> Option<u32> {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        stat.rsplit_once(") ")?.1.split(' ').nth(1)?.parse().ok()
    };
    let all = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let all = all.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    let all: Vec<(u32, u32)> = all.filter_map(|pid| Some((pid, parent(pid)?))).collect();
    let (mut found, mut next) = (Vec::new(), vec![root]);
    while let Some(one) = next.pop() {
        let children = all.iter().filter(|(_, parent)| *parent == one).map(|(pid, _)| *pid);
        let children: Vec<u32> = children.filter(|pid| !found.contains(pid)).collect();
        found.extend(&children);
        next.extend(children);
    }
    found
}

/// One browser.
pub(crate) struct Page {
    pub(crate) client: Client,
    screen: Screen,
    language: &'static str,
}

/// A command of Chromium's own.
#[derive(Debug)]
struct Cdp(&'static str, Value);

impl WebDriverCompatibleCommand for Cdp {
    fn endpoint(
        &self,
        base: &url::Url,
        session: Option<&str>,
    ) -> std::result::Result<url::Url, url::ParseError> {
        base.join(&format!("session/{}/goog/cdp/execute", session.unwrap_or_default()))
    }

    fn method_and_body(&self, _: &url::Url) -> (http::Method, Option<String>) {
        let body = json!({ "cmd": self.0, "params": self.1 });
        (http::Method::POST, Some(body.to_string()))
    }
}

impl Page {
    pub(crate) async fn go(&self, address: &str) -> Result<()> {
        Ok(self.client.goto(address).await?)
    }

    /// Goes where the browser warns of the certificate, and past its warning.
    pub(crate) async fn go_past_the_warning(&self, address: &str) -> Result<()> {
        // Whether the warning counts as an error of the driver is its own matter.
        let _ = self.client.goto(address).await;
        self.click("#details-button").await?;
        self.click("#proceed-link").await
    }

    /// Waits for an element. An answer that a page on its way out did not get to give is no answer.
    pub(crate) async fn see(&self, css: &str) -> Result<Element> {
        self.see_within(PATIENCE, css).await
    }

    /// The same for what takes its time.
    pub(crate) async fn see_within(&self, patience: Duration, css: &str) -> Result<Element> {
        let until = Instant::now() + patience;
        loop {
            let error = match self.client.find(Locator::Css(css)).await {
                Ok(found) => return Ok(found),
                Err(error) => error,
            };
            if Instant::now() > until {
                let (at, text) = (self.client.current_url().await?, self.text().await?);
                bail!("{css} is not at {at}: {error}\n{text}")
            }
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    }

    /// Does something with an element, and once more with the one that came in its place where the
    /// page was exchanged between finding and using it.
    async fn with<T>(
        &self,
        css: &str,
        used: impl AsyncFn(Element) -> Result<T, CmdError>,
    ) -> Result<T> {
        let until = Instant::now() + PATIENCE;
        loop {
            match used(self.see(css).await?).await {
                Err(error) if error.is_stale_element_reference() && Instant::now() < until => {}
                done => return done.with_context(|| format!("{css} cannot be used")),
            }
        }
    }

    /// Types over what a field holds.
    pub(crate) async fn fill(&self, css: &str, text: &str) -> Result<()> {
        self.with(css, async |field| {
            field.clear().await?;
            field.send_keys(text).await
        })
        .await
    }

    pub(crate) async fn click(&self, css: &str) -> Result<()> {
        self.with(css, async |found| found.click().await).await
    }

    /// The text of an element.
    pub(crate) async fn read(&self, css: &str) -> Result<String> {
        self.with(css, async |found| found.text().await).await
    }

    /// Clicks what sends a form, and waits for the page that comes after, where that looks like this
    /// one.
    pub(crate) async fn submit(&self, css: &str) -> Result<()> {
        self.client.execute("document.documentElement.dataset.old = ''", vec![]).await?;
        self.click(css).await?;
        self.see("html:not([data-old]) body").await.map(drop)
    }

    /// Presses keys where the focus is.
    pub(crate) async fn press(&self, keys: &str) -> Result<()> {
        Ok(self.client.active_element().await?.send_keys(keys).await?)
    }

    /// Goes from field to field by the tabulator until the one that `css` names has the focus.
    pub(crate) async fn tab_to(&self, css: &str) -> Result<()> {
        let script = format!("return document.activeElement.matches({})", json!(css));
        for _ in 0..80 {
            self.press(&char::from(Key::Tab).to_string()).await?;
            if self.client.execute(&script, vec![]).await? == Value::Bool(true) {
                return Ok(());
            }
        }
        bail!("{css} is not reached by the keyboard")
    }

    /// All text that is seen.
    pub(crate) async fn text(&self) -> Result<String> {
        let script = "return document.body?.innerText ?? ''";
        let text = self.client.execute(script, vec![]).await?;
        Ok(text.as_str().unwrap_or_default().to_owned())
    }

    /// Checks the page, and keeps pictures of it in light and dark.
    pub(crate) async fn look(&self, name: &str) -> Result<()> {
        crate::visits::check(name, self.client.current_url().await?.path())?;
        self.client.execute(axe()?, vec![]).await?;
        for scheme in ["light", "dark"] {
            let feature = json!([{ "name": "prefers-color-scheme", "value": scheme }]);
            let media = Cdp("Emulation.setEmulatedMedia", json!({ "features": feature }));
            self.client.issue_cmd(media).await?;
            self.accessible(name, scheme).await?;
            self.picture(name, scheme).await?;
        }
        self.no_sideways(name).await
    }

    /// The same, once for each screen and language: of pages that every test goes through.
    pub(crate) async fn look_once(&self, name: &str) -> Result<()> {
        let key = (name.to_owned(), self.screen.word(), self.language);
        let first = LOOKED.lock().unwrap_or_else(PoisonError::into_inner).insert(key);
        if first { self.look(name).await } else { Ok(()) }
    }

    /// Nothing serious that axe finds.
    async fn accessible(&self, name: &str, scheme: &str) -> Result<()> {
        let script = "const done = arguments[arguments.length - 1];
            axe.run(document, arguments[0]).then(
                (found) => done(found.violations.map((v) => [v.impact, v.id, v.nodes.map((n) => n.html).slice(0, 3)])),
                (error) => done(String(error)));";
        // No page has sounds or films, and no rule that is on reads the rules of styles.
        let mut options = json!({ "resultTypes": ["violations"], "preload": false });
        // Nothing but colours is another in the dark: a test of the styles says so.
        if scheme == "dark" {
            options["runOnly"] = json!({ "type": "rule", "values": COLOUR_RULES });
        }
        let found = self.client.execute_async(script, vec![options]).await?;
        let list = found.as_array().with_context(|| format!("axe fails on {name}: {found}"))?;
        let serious = |one: &&Value| matches!(one[0].as_str(), Some("serious" | "critical"));
        let serious: Vec<&Value> = list.iter().filter(serious).collect();
        ensure!(serious.is_empty(), "{name} in {scheme}: {}", json!(serious));
        Ok(())
    }

    /// No page is wider than its screen; tables that are scroll by themselves.
    async fn no_sideways(&self, name: &str) -> Result<()> {
        // Not by `innerWidth`: a phone's grows with a page that is too wide.
        let script = "return document.documentElement.scrollWidth";
        let wide = self.client.execute(script, vec![]).await?;
        let most = i64::from(self.screen.size().0) + 1;
        ensure!(wide.as_i64().is_some_and(|wide| wide <= most), "{name} is {wide} px wide");
        Ok(())
    }

    /// What the screen shows in light, small, as WebP.
    pub(crate) async fn small_picture(&self) -> Result<String> {
        let feature = json!([{ "name": "prefers-color-scheme", "value": "light" }]);
        let media = Cdp("Emulation.setEmulatedMedia", json!({ "features": feature }));
        self.client.issue_cmd(media).await?;
        let (width, height) = self.screen.size();
        let clip = json!({ "x": 0, "y": 0, "width": width, "height": height, "scale": 0.625 });
        let wanted = json!({ "format": "webp", "quality": 60, "clip": clip });
        let shot = self.client.issue_cmd(Cdp("Page.captureScreenshot", wanted)).await?;
        Ok(shot["data"].as_str().context("no picture")?.to_owned())
    }

    /// Shows the page as a printer has it, and keeps that; until [`Page::screen`].
    pub(crate) async fn paper(&self, name: &str) -> Result<()> {
        self.client
            .issue_cmd(Cdp("Emulation.setEmulatedMedia", json!({ "media": "print" })))
            .await?;
        self.picture(name, "print").await
    }

    /// Shows the page as a screen has it.
    pub(crate) async fn screen(&self) -> Result<()> {
        self.client.issue_cmd(Cdp("Emulation.setEmulatedMedia", json!({ "media": "" }))).await?;
        Ok(())
    }

    async fn picture(&self, name: &str, scheme: &str) -> Result<()> {
        let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("screenshots");
        std::fs::create_dir_all(&folder)?;
        let shot = Cdp("Page.captureScreenshot", json!({ "captureBeyondViewport": true }));
        // A browser that stands still would hold up every test after this one.
        let shot = tokio::time::timeout(PICTURE_PATIENCE, self.client.issue_cmd(shot)).await;
        let shot = shot.with_context(|| format!("no picture of {name} in {scheme}"))??;
        let data = shot["data"].as_str().context("no picture")?;
        let bytes = base64::Engine::decode(&base64::engine::general_purpose::STANDARD, data)?;
        let file = format!("{name}-{}-{}-{scheme}.png", self.screen.word(), self.language);
        Ok(std::fs::write(folder.join(file), bytes)?)
    }
}

#[test]
fn nothing_but_colours_is_another_in_the_dark() {
    let mut blocks = STYLES.split("@media (prefers-color-scheme: dark) {\n  :root {\n").skip(1);
    let dark = blocks.next().and_then(|rest| rest.split("\n  }\n}").next()).expect("a dark scheme");
    assert!(blocks.next().is_none() && STYLES.matches("prefers-color-scheme").count() == 1);
    let other: Vec<_> = dark.lines().filter(|line| !line.starts_with("    --")).collect();
    assert!(other.is_empty(), "{other:?}");
    // What is a variable there is used where colours are.
    let declared = STYLES.split(['{', ';', '}']).filter(|one| one.contains("var(--"));
    let elsewhere: Vec<_> = declared
        .filter(|one| {
            let property = one.trim().split(':').next().unwrap_or_default();
            let mut named = dark.lines().filter_map(|line| line.trim().split(':').next());
            let coloured = COLOURED.iter().any(|kind| property.starts_with(kind));
            !coloured && named.any(|name| one.contains(&format!("var({name})")))
        })
        .collect();
    assert!(elsewhere.is_empty(), "{elsewhere:?}");
}
