//! A site with a real ledger and the page on a free port.

use crate::browser::Browser;
use muster_attendance::{
    Attendance, DeviceClock, DeviceId, DeviceTime, Direction, Method, Outcome, PersonId,
};
use muster_console::{
    Console, ConsoleConfig, Handles, NewDevice, PairingCode, SecondFactor, hash_password,
};
use muster_ledger::{
    Account, Clock, ClockTrust, DeviceKind, Ledger, Options, PersonProfile, Role, RootKey,
};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};
use tempfile::TempDir;

const LAW_PACK: &str = include_str!("../../../residency/tests/lawpack.toml");
pub(crate) const PASSWORD: &str = "correct horse battery";
pub(crate) const CODE: &str = "7F3K2-M9QXA-R4TPW-0ZC8N";

pub(crate) struct Site {
    pub(crate) ledger: Ledger,
    pub(crate) gate: DeviceId,
    console: Console,
    browser: Browser,
    data: TempDir,
}

impl Site {
    /// A site whose accounts need no second factor: what is tested is something else.
    pub(crate) async fn open() -> Self {
        Self::with(SecondFactor::Waived).await
    }

    /// A site whose accounts need a second factor, as every real one's do.
    pub(crate) async fn guarded() -> Self {
        Self::with(SecondFactor::Required).await
    }

    async fn with(second_factor: SecondFactor) -> Self {
        let data = tempfile::tempdir().expect("a folder");
        let clock = Clock::new(|| (now_ms(), ClockTrust::Trusted));
        let options = Options {
            data: data.path().to_owned(),
            site: "mo-hq".to_owned(),
            time_zone: "Asia/Macau".to_owned(),
            root_key: RootKey::new([7; 32]),
            clock: clock.clone(),
            views_cache_bytes: 1 << 20,
        };
        let (ledger, _) = Ledger::open(options).expect("a ledger");
        let gate = ledger.devices().pair("gate-01", DeviceKind::M1, None, None, None).await;
        let own = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]);
        let own = own.expect("a certificate");
        let config = ConsoleConfig {
            listen: "127.0.0.1:0".parse().expect("an address"),
            certificate_pem: own.cert.pem(),
            key_pem: own.signing_key.serialize_pem().into(),
            allowed_hosts: vec!["muster.example".to_owned()],
            site: "mo-hq".to_owned(),
            time_zone: "Asia/Macau".to_owned(),
            second_factor,
        };
        let console = Console::start(config, handles(&ledger, clock)).expect("the page");
        let browser = Browser::new(console.address(), own.cert.der().clone());
        Self { ledger, gate: gate.expect("a terminal"), console, browser, data }
    }

    /// The journal as `journal export` tells it.
    pub(crate) fn journal(&self) -> String {
        let (mut lines, key) = (Vec::new(), RootKey::new([7; 32]));
        muster_ledger::export_journal(self.data.path(), key, &mut lines).expect("an export");
        String::from_utf8(lines).expect("text")
    }

    /// Somebody at the address of the box, not logged in.
    pub(crate) fn browser(&self) -> Browser {
        self.browser.clone()
    }

    pub(crate) async fn close(self) {
        self.console.stop().await;
        self.ledger.close().await;
    }

    /// Makes an account with [`PASSWORD`], or with [`CODE`] for the first log-in.
    pub(crate) async fn account(
        &self,
        name: &str,
        roles: &[Role],
        departments: &[&str],
        first: bool,
    ) {
        // SHA-256 of CODE without its hyphens.
        let digest = "92e55f007b8365009e005706ffab956ec7a6eee9798903e1506312640f04b4a9";
        let account = Account {
            departments: departments.iter().map(|d| (*d).to_owned()).collect(),
            password: (!first).then(|| hash_password(PASSWORD).expect("a hash")),
            one_time_code: first.then(|| digest.to_owned()),
            // Old enough to approve.
            ..Account::new(name, roles.to_vec(), now_ms() - 2 * Account::PROBATION_MS)
        };

        self.ledger.accounts().put("test", account, true).await.expect("an account");
    }

    /// Somebody logged in with these roles.
    pub(crate) async fn member(&self, name: &str, roles: &[Role], departments: &[&str]) -> Browser {
        self.account(name, roles, departments, false).await;
        let mut browser = self.browser();
        assert_eq!(browser.log_in(name, PASSWORD).await.header("location"), "/");
        browser
    }

    pub(crate) async fn person(&self, number: &str, name: &str, department: &str) -> PersonId {
        let profile = PersonProfile {
            person: number.to_owned(),
            name: Some(name.to_owned()),
            department: Some(department.to_owned()),
            ..PersonProfile::default()
        };
        self.ledger.directory().import(vec![profile]).await.expect("an import");
        self.ledger.directory().exchange(self.gate, number).await.expect("a person")
    }

    /// Commits a punch of now.
    pub(crate) async fn punch(&self, seq: u64, person: Option<PersonId>) {
        let fact = Attendance {
            device: self.gate,
            boot: 1,
            seq,
            person,
            at: DeviceTime { seconds: now_ms() / 1000, offset_minutes: 480 },
            received_ms: now_ms(),
            method: Method::Face,
            outcome: if person.is_some() { Outcome::Granted } else { Outcome::Denied },
            direction: Some(Direction::In),
            live: true,
            clock: DeviceClock::Ok,
        };
        let verdicts = self.ledger.committer().commit(vec![fact]).await.expect("a commit");
        assert_eq!(verdicts.len(), 1);
    }
}

/// Reports as the gateway makes them, of all days.
fn reports(ledger: &Ledger) -> muster_console::Reports {
    let ledger = ledger.clone();
    Arc::new(move |kind, from, to, words| {
        let span = muster_ledger::trail::Span { from_ms: 0, to_ms: i64::MAX };
        let figures = ledger.trail().figures(span).map_err(|error| error.to_string())?;
        let rules = ledger.rules();
        let today = jiff::civil::date(2026, 12, 1);
        let input = muster_report::Input {
            site: "mo-hq",
            zone: jiff::tz::TimeZone::UTC,
            made_at: jiff::Timestamp::UNIX_EPOCH,
            from: from.unwrap_or(today),
            to: to.unwrap_or(today),
            rules: rules.as_deref(),
            figures: &figures,
            entered: muster_report::Entered::default(),
        };
        Ok(muster_report::report(kind, words, &input))
    })
}

/// Terminals that do what they are told, but for one; a doctor that finds one thing.
fn commands(ledger: &Ledger) -> muster_console::Commands {
    use muster_console::{Command, Done, Look, LookState};
    let trail = ledger.trail();
    Arc::new(move |_, command| {
        let looked = Look {
            check: "disk".to_owned(),
            name: "disk <x>".to_owned(),
            state: LookState::Broken,
            cause: "full".to_owned(),
            cure: Some("free some space".to_owned()),
            runbook: "handbook/src/runbook.md#disk".to_owned(),
        };
        let done = match command {
            Command::Doctor => Ok(Done::Looked(vec![looked])),
            Command::Finger { terminal, .. } if terminal == "dead-01" => {
                Err("dead-01 does not answer".to_owned())
            }
            Command::Acts(filter) => match trail.acts(&filter) {
                Ok((rows, all)) => Ok(Done::Acts(rows, all)),
                Err(error) => Err(error.to_string()),
            },
            Command::Verify => Ok(Done::Verified { batches: 3, records: 2, damage: None }),
            _ => Ok(Done::Nothing),
        };
        Box::pin(std::future::ready(done))
    })
}

/// A wall that gives every terminal but one a code.
fn pairing(device: NewDevice) -> Result<PairingCode, String> {
    if device.name == "taken" {
        return Err("there is a terminal named taken".to_owned());
    }
    Ok(PairingCode {
        link: "muster-pair://box:8883/#a1b2c3d4e5f6.00ff".to_owned().into(),
        code: "a1b2-c3d4-e5f6".to_owned().into(),
        address: "box:8883".to_owned(),
        fingerprint: "00:FF".to_owned(),
        expires_in: std::time::Duration::from_secs(600),
    })
}

fn explain(ledger: &Ledger) -> muster_console::Explain {
    let ledger = ledger.clone();
    Arc::new(move |id| {
        let told = tokio::runtime::Handle::current().block_on(ledger.explain(id));
        told.map_err(|error| error.to_string())
    })
}

fn handles(ledger: &Ledger, clock: Clock) -> Handles {
    let status = ledger.clone();
    Handles {
        views: ledger.views(),
        directory: ledger.directory(),
        devices: ledger.devices(),
        accounts: ledger.accounts(),
        plans: ledger.plans(),
        sheets: ledger.sheets(),
        status: Arc::new(move || status.status()),
        checks: Arc::new(Vec::new),
        reports: reports(ledger),
        steward: ledger.steward(),
        policy_files: muster_console::PolicyFiles {
            law_pack: Arc::new(|| Ok(LAW_PACK.to_owned())),
            accepted: Arc::new(|_| Ok(())),
        },
        packs: Arc::new(|from, to, _| Ok(format!("{from} {to}").into_bytes())),
        explain: explain(ledger),
        copies: Arc::new(|actor, number, form| {
            let copy = format!("{actor} {number} {form:?}").into_bytes().into();
            Box::pin(std::future::ready(Ok(copy)))
        }),
        pair: Some(Arc::new(pairing)),
        card: Arc::new(|card| {
            Ok(format!("card of {} at {}", card.name, card.address).into_bytes().into())
        }),
        report_key: "00".repeat(32),
        neighbours: Arc::new(Vec::new),
        commands: commands(ledger),
        clock,
    }
}

pub(crate) fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

/// Today on site, as addresses have it.
pub(crate) fn today() -> String {
    let now = jiff::Timestamp::from_millisecond(now_ms()).expect("a time");
    now.in_tz("Asia/Macau").expect("a zone").date().to_string()
}
