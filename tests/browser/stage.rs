//! A box with its page, people, accounts and a morning's punches.

use crate::driver::Page;
use anyhow::{Context as _, Result};
use muster_tests::authenticator::Authenticator;
use muster_tests::binary::{Build, gateway};
use muster_tests::gateway::Gateway;
use muster_tests::link::Link;
use muster_tests::office::{self, as_text};
use muster_tests::punch::{now_s, rfc3339};
use muster_tests::region::Region;
use muster_tests::site::{Layout, Site};
use serde_json::json;
use std::path::{Path, PathBuf};
use std::time::Duration;

pub(crate) const START: Duration = Duration::from_secs(20);
pub(crate) const PASSWORD: &str = "correct horse battery staple";

pub(crate) fn account(site: &Site, name: &str, roles: &[&str]) -> Result<String> {
    let mut args = vec!["user", "add", name];
    for role in roles {
        args.extend(["--role", role]);
    }
    let said = site.muster(&args)?;
    let code = said.split("one-time code ").nth(1).and_then(|rest| rest.split(' ').next());
    Ok(code.context("no code")?.to_owned())
}

/// One punch at a second terminal.
pub(crate) fn punch_at(gateway: &Gateway, seq: u64, person: &str, at_s: i64) -> Result<()> {
    let mut link = Link::open(gateway.loopback()?, "gate-02")?;
    let text = json!({
        "v": 1, "boot": 1, "seq": seq, "person": person, "at": rfc3339(at_s),
        "method": "card", "outcome": "granted", "direction": "in", "live": true,
    });
    link.publish("muster/1/gate-02/checkin", text.to_string().as_bytes())?;
    Ok(())
}

pub(crate) struct Stage {
    pub(crate) site: Site,
    pub(crate) gateway: Gateway,
    dir: tempfile::TempDir,
}

/// Number, name, department.
const PEOPLE: [(&str, &str, &str); 6] = [
    ("00011", "何美 Ho Mei", "Kitchen"),
    ("00012", "Ana <b>Bold</b> & Co", "Kitchen"),
    ("00013", "=HYPERLINK(\"x\")", "Front office"),
    ("00014", "محمد علي", "Front office"),
    (
        "00015",
        "A very long name that goes on and on, as some names do, until there is no room",
        "Gaming floor",
    ),
    ("00016", "陳大文", "Gaming floor"),
];

/// People of whom all is known that the policy asks for.
pub(crate) const SENT: [&str; 3] = ["00021", "00022", "00023"];

/// Numbers that nobody has named.
const UNKNOWN: [&str; 4] = ["99901", "99902", "99903", "99904"];

impl Stage {
    pub(crate) fn build() -> Result<Self> {
        Ok(Self::with(|_, _| Ok(()), |_, _| Ok(()))?.0)
    }

    /// A box with a serial port, whose other end is in a test's hand.
    pub(crate) fn with_line(port: PathBuf) -> Result<Self> {
        let plugged = |layout: &mut Layout, _: &Path| {
            layout.serial = vec![port.clone()];
            Ok(())
        };
        Ok(Self::with(plugged, |_, _| Ok(()))?.0)
    }

    /// A box with a listener for terminals with certificates and a serial port.
    pub(crate) fn for_terminals(port: PathBuf) -> Result<Self> {
        let plugged = |layout: &mut Layout, _: &Path| {
            (layout.tls, layout.serial) = (true, vec![port.clone()]);
            Ok(())
        };
        Ok(Self::with(plugged, |_, _| Ok(()))?.0)
    }

    /// A box that sends the punches of [`SENT`] to `region` by a policy in force, and the one-time
    /// code of an account that was made before.
    pub(crate) fn sending(region: &Region, name: &str, roles: &[&str]) -> Result<(Self, String)> {
        Self::with(office::reaching(region), |site, keys| {
            let code = account(site, name, roles)?;
            office::publish(site, keys)?;
            office::import(site, SENT.iter().map(|number| (*number).to_owned()))?;
            Ok(code)
        })
    }

    /// A box that knows another one.
    pub(crate) fn beside(more: &str) -> Result<Self> {
        let told = |layout: &mut Layout, _: &Path| {
            more.clone_into(&mut layout.more);
            Ok(())
        };
        Ok(Self::with(told, |_, _| Ok(()))?.0)
    }

    /// The same with a policy in force, and an account's one-time code: who administers is made
    /// before.
    pub(crate) fn governed(name: &str, roles: &[&str]) -> Result<(Self, String)> {
        Self::with(office::make_keys, |site, keys| {
            let code = account(site, name, roles)?;
            office::publish(site, keys)?;
            Ok(code)
        })
    }

    /// A box that `prepare` lays out and `finish` sees set up, before people come and it starts; it
    /// starts on time, however far behind it was until then.
    pub(crate) fn with<T>(
        prepare: impl Fn(&mut Layout, &Path) -> Result<()>,
        finish: impl Fn(&Site, &Path) -> Result<T>,
    ) -> Result<(Self, T)> {
        let dir = tempfile::tempdir()?;
        let mut layout = Layout::new(gateway(Build::Real)?, &dir.path().join("box"));
        layout.log = dir.path().join("gateway.log");
        layout.page = true;
        prepare(&mut layout, dir.path())?;
        let site = Site::init(layout)?;
        let made = finish(&site, dir.path())?;
        let site = site.behind(0)?;
        let mut csv = "person,name,department\n".to_owned();
        for (number, name, department) in PEOPLE {
            csv += &format!("{number},\"{}\",{department}\n", name.replace('"', "\"\""));
        }
        let file = dir.path().join("staff.csv");
        std::fs::write(&file, csv)?;
        site.muster(&["person", "import", as_text(&file)?])?;
        let mut running = site.start()?;
        running.ready(START)?;
        Ok((Self { site, gateway: running, dir }, made))
    }

    /// Punches of today: people of the list, numbers that nobody has named, a gap.
    pub(crate) fn punch(&self, from: u64) -> Result<()> {
        let mut link = Link::open(self.gateway.loopback()?, "gate-01")?;
        let mut punch = |seq: u64, person: &str, way: &str| -> Result<()> {
            let text = json!({
                "v": 1, "boot": 1, "seq": seq, "person": person, "at": rfc3339(now_s()),
                "method": "card", "outcome": "granted", "direction": way, "live": true,
            });
            link.publish("muster/1/gate-01/checkin", text.to_string().as_bytes())?;
            Ok(())
        };
        for (n, (number, ..)) in PEOPLE.iter().enumerate() {
            punch(from + n as u64, number, if n == 1 { "out" } else { "in" })?;
        }
        for (n, number) in UNKNOWN.iter().enumerate() {
            punch(from + 9 + n as u64, number, "in")?;
        }
        Ok(())
    }

    /// One punch of now.
    pub(crate) fn punch_of(&self, seq: u64, person: &str) -> Result<()> {
        punch_at(&self.gateway, seq, person, now_s())
    }

    /// Everything of the test.
    pub(crate) fn folder(&self) -> &Path {
        self.dir.path()
    }

    /// Starts the box again where it was, so that whoever knows its address finds it.
    pub(crate) fn start_again(&mut self, console: std::net::SocketAddr) -> Result<()> {
        let file = self.site.config();
        let text = std::fs::read_to_string(&file)?;
        let fixed = format!("[console]\nlisten = \"{console}\"");
        std::fs::write(&file, text.replace("[console]\nlisten = \"127.0.0.1:0\"", &fixed))?;
        self.gateway = self.site.start()?;
        self.gateway.ready(START).map(drop)
    }

    pub(crate) fn page(&self) -> Result<String> {
        let console = self.gateway.listening().console.context("no page")?;
        Ok(format!("https://localhost:{}", console.port()))
    }

    /// Makes an account; gives its one-time code.
    pub(crate) fn account(&self, name: &str, roles: &[&str]) -> Result<String> {
        account(&self.site, name, roles)
    }

    /// First log-in: the code, a password and, where it is asked for, an authenticator app.
    pub(crate) async fn enter(
        &self,
        page: &Page,
        name: &str,
        code: &str,
    ) -> Result<Option<Authenticator>> {
        page.go(&format!("{}/login", self.page()?)).await?;
        page.look_once("login").await?;
        page.fill("#name", name).await?;
        page.fill("#password", code).await?;
        page.click("main .primary").await?;
        page.see("#again").await?;
        page.look_once("welcome").await?;
        self.choose_password(page).await
    }

    /// Logs in anew, by the password that was chosen and the app's code of `step` half minutes on.
    pub(crate) async fn enter_again(
        &self,
        page: &Page,
        name: &str,
        (app, step): (&Authenticator, u64),
    ) -> Result<()> {
        page.go(&format!("{}/login", self.page()?)).await?;
        page.fill("#name", name).await?;
        page.fill("#password", PASSWORD).await?;
        page.click("main .primary").await?;
        page.see("#code").await?;
        page.look_once("login-code").await?;
        page.fill("#code", &app.code(step)?).await?;
        page.click("main .primary").await?;
        page.see("nav.nav").await.map(drop)
    }

    /// What is asked of somebody who came with a one-time code.
    pub(crate) async fn choose_password(&self, page: &Page) -> Result<Option<Authenticator>> {
        page.fill("#again", PASSWORD).await?;
        page.fill("#password", PASSWORD).await?;
        page.click("main .primary").await?;
        // What the page before has none of: a heading would be seen on that one already.
        page.see("#code, nav.nav, .empty").await?;
        let mut app = None;
        if page.client.current_url().await?.path() == "/welcome/factor" {
            page.look_once("factor").await?;
            let found = Authenticator::from_page(&page.client.source().await?)?;
            page.fill("#code", &found.code(0)?).await?;
            page.click("main .primary").await?;
            page.see(".codes").await?;
            page.look_once("recovery").await?;
            page.click("main a.primary").await?;
            app = Some(found);
        }
        page.see("nav.nav, .empty").await?;
        Ok(app)
    }
}
