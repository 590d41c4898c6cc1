//! The page with made-up people and punches, to look at: `cargo run -p muster-console --example
//! preview -- [ADDRESS]`. Prints the address, a name and a one-time code. Ctrl-C ends it.
#![allow(clippy::print_stdout)]

use muster_attendance::{
    Attendance, DeviceClock, DeviceId, DeviceTime, Direction, Method, Outcome, PersonId,
};
use muster_console::{Console, ConsoleConfig, Handles, OneTimeCode, SecondFactor};
use muster_ledger::{
    Account, Clock, ClockTrust, DeviceKind, Ledger, Options, PersonProfile, Role, RootKey,
};
use std::error::Error;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

const LAW_PACK: &str = include_str!("../../residency/tests/lawpack.toml");
const ZONE: &str = "Asia/Macau";
const NAMES: [(&str, &str); 16] = [
    ("何美 Ho Mei", "Front office"),
    ("陳大文", "Kitchen"),
    ("Fernando d'Oliveira", "Front office"),
    ("黃志強", "Housekeeping"),
    ("Ana <b>Bold</b> & Co", "Kitchen"),
    ("=HYPERLINK(\"x\")", "Accounts"),
    ("\u{202e}gnirts desrever", "Accounts"),
    ("line\nbreak\tand tab", "Housekeeping"),
    ("محمد علي", "Security"),
    ("李小龍", "Security"),
    ("Chan Siu Ming", "Kitchen"),
    ("林淑芬", "Housekeeping"),
    (
        "A very long name that goes on and on, as some names do, until there is no room",
        "Gaming floor",
    ),
    ("王芳", "Gaming floor"),
    ("Joana Silva", "Gaming floor"),
    ("張偉", "Gaming floor"),
];

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let listen = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:8443".to_owned());
    let folder = tempfile::tempdir()?;
    let clock = Clock::new(|| (now_ms(), ClockTrust::Trusted));
    let (ledger, _) = Ledger::open(Options {
        data: folder.path().to_owned(),
        site: "mo-hq".to_owned(),
        time_zone: ZONE.to_owned(),
        root_key: RootKey::new([7; 32]),
        clock: clock.clone(),
        views_cache_bytes: 8 << 20,
    })?;
    let code = account(&ledger).await?;
    let terminals = terminals(&ledger).await?;
    let people = people(&ledger, terminals[0]).await?;
    morning(&ledger, &terminals, &people).await?;

    let own = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()])?;
    let config = ConsoleConfig {
        listen: listen.parse()?,
        certificate_pem: own.cert.pem(),
        key_pem: own.signing_key.serialize_pem().into(),
        allowed_hosts: Vec::new(),
        site: "mo-hq".to_owned(),
        time_zone: ZONE.to_owned(),
        second_factor: SecondFactor::Waived,
    };
    let console = Console::start(config, handles(&ledger, clock))?;
    println!("https://{}/ name: admin code: {}", console.address(), *code.shown);
    let mut seq = 100_000;
    loop {
        tokio::select! {
            _ = tokio::signal::ctrl_c() => break,
            () = tokio::time::sleep(Duration::from_secs(3)) => {}
        }
        seq += 1;
        let who = people.get(seq as usize % people.len()).copied();
        let fact = punch(terminals[seq as usize % 2], seq, who, now_ms(), None);
        ledger.committer().commit(vec![fact]).await?;
    }
    console.stop().await;
    ledger.close().await;
    Ok(())
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

fn commands() -> muster_console::Commands {
    Arc::new(|_, _| Box::pin(std::future::ready(Err("only the gateway does that".to_owned()))))
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
        copies: Arc::new(|_, _, _| {
            Box::pin(std::future::ready(Err("only the gateway does that".to_owned())))
        }),
        pair: None,
        card: Arc::new(|_| Err("only the gateway does that".to_owned())),
        report_key: "00".repeat(32),
        neighbours: Arc::new(Vec::new),
        commands: commands(),
        clock,
    }
}

async fn account(ledger: &Ledger) -> Result<OneTimeCode, Box<dyn Error>> {
    let code = OneTimeCode::generate()?;
    let account = Account {
        one_time_code: Some(code.digest.clone()),
        ..Account::new("ho.mei", vec![Role::Hr, Role::Facilities, Role::ItAdmin], now_ms())
    };

    ledger.accounts().put("preview", account, true).await?;
    Ok(code)
}

async fn terminals(ledger: &Ledger) -> Result<Vec<DeviceId>, Box<dyn Error>> {
    let devices = ledger.devices();
    let gate = devices.pair("gate-01", DeviceKind::M1, None, Some(1), None).await?;
    let hub = devices.pair("hub-kitchen", DeviceKind::C1, None, None, None).await?;
    let kitchen = devices.pair("kitchen-01", DeviceKind::M2, Some(hub), None, None).await?;
    devices.pair("roof-door", DeviceKind::M2, None, None, None).await?;
    devices.pair("old-gate", DeviceKind::M1, None, None, None).await?;
    devices.revoke("old-gate").await?;
    let bridge = devices.intern("bridge-test")?;
    Ok(vec![gate, kitchen, bridge])
}

async fn people(ledger: &Ledger, gate: DeviceId) -> Result<Vec<PersonId>, Box<dyn Error>> {
    let mut profiles = Vec::new();
    for (i, (name, department)) in NAMES.iter().enumerate() {
        profiles.push(PersonProfile {
            person: format!("{:05}", i + 17),
            name: Some((*name).to_owned()),
            department: Some((*department).to_owned()),
            ..PersonProfile::default()
        });
    }
    let directory = ledger.directory();
    directory.import(profiles).await?;
    let mut people = Vec::new();
    for i in 0..NAMES.len() + 2 {
        people.push(directory.exchange(gate, &format!("{:05}", i + 17)).await?);
    }
    Ok(people)
}

/// Punches of the last hours: most came, some went out again, some were refused.
async fn morning(
    ledger: &Ledger,
    terminals: &[DeviceId],
    people: &[PersonId],
) -> Result<(), Box<dyn Error>> {
    let mut facts = Vec::new();
    for (i, person) in people.iter().enumerate().skip(1) {
        let i = i as i64;
        let came = now_ms() - (200 - i * 7) * 60_000;
        let terminal = terminals[i as usize % terminals.len()];
        let way = (i % 3 != 0).then_some(Direction::In);
        facts.push(punch(terminal, i as u64, Some(*person), came, way));
        if i % 4 == 0 {
            let left = came + 45 * 60_000;
            facts.push(punch(terminal, 500 + i as u64, Some(*person), left, Some(Direction::Out)));
        }
        if i % 5 == 0 {
            let mut fact = punch(terminal, 1_000 + i as u64, None, came + 30_000, None);
            fact.outcome = Outcome::Denied;
            facts.push(fact);
        }
    }
    if let Some(fact) = facts.get_mut(4) {
        fact.clock = DeviceClock::Unsure;
    }
    ledger.committer().commit(facts).await?;
    Ok(())
}

fn punch(
    device: DeviceId,
    seq: u64,
    person: Option<PersonId>,
    at_ms: i64,
    direction: Option<Direction>,
) -> Attendance {
    Attendance {
        device,
        boot: 1,
        seq,
        person,
        at: DeviceTime { seconds: at_ms / 1000, offset_minutes: 480 },
        received_ms: at_ms + 300,
        method: if seq.is_multiple_of(3) { Method::Fingerprint } else { Method::Face },
        outcome: Outcome::Granted,
        direction,
        live: true,
        clock: DeviceClock::Ok,
    }
}

fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}
