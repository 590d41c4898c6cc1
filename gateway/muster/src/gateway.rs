//! The running gateway: opens the ledger, starts the rooms, hands each what it needs, and stops
//! them in order.

use crate::alarms;
use crate::backup::{places, stage};
use crate::config::{self, Config, Problem};
use crate::control::{self, Facts, Listening};
use crate::desk::Desk;
use crate::hands::Hands;
use crate::health;
use crate::neighbours::Neighbours;
use crate::page_certificate::{host_name, page_certificate};
use crate::pairing::Wall;
use crate::{gaps, pairing, siem, store, trust, watch as checks};
use anyhow::{Context as _, Result};
use jiff::tz::TimeZone;
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use muster_console::{Console, ConsoleConfig};
use muster_intake::{BrokerConfig, Handles, Intake, LocalOffset, Retention, SerialConfig};
use muster_ledger::{Ledger, Recovery};
use muster_uplink::{Region, Uplink};
use ring::rand::{SecureRandom, SystemRandom};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::watch;

/// Who hands in the policy's file, as acts name them.
const FILE: &str = "the policy's file";
/// How often sheets are looked at for records that the policy lets go.
const SUMMARIZE_EVERY: Duration = Duration::from_secs(5);
/// How often what is past its time is destroyed.
const RETAIN_EVERY: Duration = Duration::from_secs(3600);
/// So long after a restore terminals are asked for what they keep, at each start.
const ASK_AGAIN_MS: i64 = 14 * 24 * 3_600_000;
/// How often metrics' old samples are folded.
const UPKEEP: Duration = Duration::from_secs(5);

/// A gateway that takes punches.
pub(crate) struct Gateway {
    pub(crate) ledger: Ledger,
    pub(crate) listening: Arc<Listening>,
    config: Arc<Config>,
    /// Empty once it is stopping.
    intake: Arc<Mutex<Option<Intake>>>,
    uplinks: Vec<Uplink>,
    console: Option<Console>,
    stop: watch::Sender<bool>,
}

impl Gateway {
    /// Opens and starts everything that `config` names.
    pub(crate) async fn start(config: Config) -> Result<(Self, Recovery)> {
        let (ledger, recovery) = {
            let config = config.clone();
            tokio::task::spawn_blocking(move || store::open(&config)).await??
        };
        log_recovery(&recovery);
        let metrics = recorder()?;
        govern(&config, &ledger).await;
        let (stop, stopped) = watch::channel(false);
        let mut listening = Listening::default();
        let intake = start_intake(&config, &ledger, &mut listening).await?;
        let bound = listening.mqtt;
        ask_again_after_restore(&ledger, &intake);
        let uplinks = start_uplinks(&config, &ledger, &stopped)?;
        let terminals = Some(intake.terminals());
        tokio::spawn(gaps::follow(ledger.clone(), intake.terminals(), stopped.clone()));
        let config = Arc::new(config);
        let wall = bound.map(|bound| Wall::new(intake.pairings(), config.clone(), bound));
        let intake = Arc::new(Mutex::new(Some(intake)));
        let links = links(&intake);
        let standing = siem::Standing::default();
        let watch = checks::Watch::new(ledger.clone(), &config, links, standing.clone());
        let watch = Arc::new(watch);
        siem::start(&config, ledger.clone(), standing, stopped.clone())?;
        let hands = Hands::default();
        let neighbours = Neighbours::start(&config.neighbour, &stopped);
        let parts =
            ForPage { watch: watch.clone(), neighbours, hands: hands.clone(), wall: wall.clone() };
        let console = start_console(&config, &ledger, parts, &mut listening)?;
        alarms::start(&config, ledger.clone(), &recovery, watch.clone())?;
        let gauges = watch.clone();
        if let Some(section) = &config.metrics {
            let source: health::Source = Arc::new(move || watch.report());
            let bound = health::serve(section.listen, source, metrics.clone(), stopped.clone());
            listening.metrics = Some(bound.await.with_context(|| in_use(section.listen))?);
        }
        tokio::spawn(upkeep(metrics, gauges, ledger.clone(), stopped.clone()));
        tokio::spawn(retain(ledger.clone(), stopped.clone()));
        tokio::spawn(summarize(ledger.clone(), stopped.clone()));
        let listening = Arc::new(listening);
        let facts = Facts {
            config: config.clone(),
            ledger: ledger.clone(),
            listening: Some(listening.clone()),
            terminals,
            wall,
            actor: "gateway".to_owned(),
        };
        hands.hold(facts.clone());
        tokio::spawn(places::follow(facts.clone(), stopped.clone()));
        control::serve(&config.socket(), facts, stopped).context("cannot open control.sock")?;
        Ok((Self { ledger, listening, config, intake, uplinks, console, stop }, recovery))
    }

    /// Reads policy and law pack again (SIGHUP).
    pub(crate) async fn reload(&self) {
        govern(&self.config, &self.ledger).await;
    }

    /// Takes no more, lets what was taken reach the disk, and stops.
    pub(crate) async fn stop(self) {
        let intake = self.intake.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(intake) = intake {
            intake.stop().await;
        }
        let _ = self.stop.send(true);
        for uplink in self.uplinks {
            uplink.stopped(Duration::from_secs(1)).await;
        }
        if let Some(console) = self.console {
            console.stop().await;
        }
        self.ledger.close().await;
    }
}

fn log_recovery(recovery: &Recovery) {
    let Recovery { records, torn_bytes, damaged_count, rolled_back, took_ms, .. } = recovery;
    tracing::info!(records, torn_bytes, damaged_count, rolled_back, took_ms, "journal opened");
    if *rolled_back {
        tracing::error!("the data folder is older than this box remembers: was a copy put back?");
    }
}

/// The process's one metrics recorder; a second gateway in a process shares it.
fn recorder() -> Result<PrometheusHandle> {
    static RECORDER: std::sync::OnceLock<PrometheusHandle> = std::sync::OnceLock::new();
    if let Some(handle) = RECORDER.get() {
        return Ok(handle.clone());
    }
    let handle = PrometheusBuilder::new().install_recorder().context("metrics")?;
    crate::metrics_help::describe();
    // So that a first increase can be seen as one.
    alarms::count_from_zero();
    metrics::counter!("muster_egress_stopped_total", "finding" => "unknown").increment(0);
    Ok(RECORDER.get_or_init(|| handle).clone())
}

async fn upkeep(
    metrics: PrometheusHandle,
    watch: Arc<checks::Watch>,
    ledger: Ledger,
    mut stopped: watch::Receiver<bool>,
) {
    loop {
        metrics.run_upkeep();
        watch.gauge();
        let places = places::known(&ledger.keyring()).unwrap_or_default();
        let made_ms = places.last().map_or(0, |place| place.made_ms);
        metrics::gauge!("muster_last_backup_timestamp_seconds").set(made_ms as f64 / 1000.0);
        if tokio::time::timeout(UPKEEP, stopped.wait_for(|stop| *stop)).await.is_ok() {
            return;
        }
    }
}

/// After a restore terminals have punches that the backup did not: at each start for a while they
/// are asked for all they keep, since one may be away. What the box has is stored once.
fn ask_again_after_restore(ledger: &Ledger, intake: &Intake) {
    let restored = ledger.keyring().sealed_file(stage::RESTORED).ok().flatten();
    let at_ms = restored.and_then(|at| String::from_utf8(at).ok()?.parse::<i64>().ok());
    if at_ms.is_some_and(|at_ms| trust::now_ms() - at_ms < ASK_AGAIN_MS) {
        let terminals = intake.terminals().ask_all_again();
        tracing::info!(terminals, "restored from a backup: terminals are asked to send again");
    }
}

/// Destroys what is past its time, until the end.
async fn retain(ledger: Ledger, mut stopped: watch::Receiver<bool>) {
    loop {
        match ledger.retain().await {
            Ok(retained) => tracing::debug!(?retained, "retention"),
            Err(error) => tracing::error!(%error, "retention waits an hour"),
        }
        if tokio::time::timeout(RETAIN_EVERY, stopped.wait_for(|stop| *stop)).await.is_ok() {
            return;
        }
    }
}

/// Makes what the policy lets go of sheets, until the end.
async fn summarize(ledger: Ledger, mut stopped: watch::Receiver<bool>) {
    loop {
        match ledger.summarize().await {
            Ok(0) => {}
            Ok(made) => tracing::debug!(made, "records made from sheets"),
            Err(error) => tracing::warn!(%error, "records of sheets wait and are tried again"),
        }
        if tokio::time::timeout(SUMMARIZE_EVERY, stopped.wait_for(|stop| *stop)).await.is_ok() {
            return;
        }
    }
}

/// Hands in the configured policy; what is refused changes nothing, and the box goes on.
async fn govern(config: &Config, ledger: &Ledger) {
    let result = match store::governance(config) {
        Ok(governance) => ledger.govern(FILE, governance).await.map_err(anyhow::Error::from),
        Err(error) => Err(error),
    };
    match result {
        Ok(()) => {
            let status = ledger.status();
            tracing::info!(policy = status.policy, holds = ?status.policy_holds, "policy");
        }
        Err(error) => {
            let file = config.policy.as_ref().map(|policy| policy.file.display().to_string());
            let file = file.unwrap_or_default();
            let in_force = ledger.status().policy.unwrap_or_else(|| "none".to_owned());
            tracing::error!("{file} is refused, {in_force} stays in force: {error:#}");
        }
    }
}

async fn start_intake(
    config: &Config,
    ledger: &Ledger,
    listening: &mut Listening,
) -> Result<Intake> {
    let handles = Handles::of(ledger, trust::clock(config.clock.trust));
    let intake = Intake::start(intake_config(config, ledger), handles).await?;
    let bound = intake.addresses();
    listening.mqtt = bound.mqtt_tls;
    listening.loopback = bound.mqtt_loopback;
    listening.serial = config.serial.iter().map(|s| s.port.display().to_string()).collect();
    Ok(intake)
}

/// How the device side is, as long as it runs.
fn links(intake: &Arc<Mutex<Option<Intake>>>) -> checks::Links {
    let intake = intake.clone();
    Box::new(move || {
        let intake = intake.lock().unwrap_or_else(PoisonError::into_inner);
        intake.as_ref().map(Intake::status).unwrap_or_default()
    })
}

fn intake_config(config: &Config, ledger: &Ledger) -> muster_intake::Config {
    let mqtt = config.mqtt.as_ref();
    let listen = mqtt.and_then(|m| m.listen);
    let own = listen.map(|l| l.ip()).filter(|ip| !ip.is_unspecified()).map(|ip| ip.to_string());
    let named = mqtt.map(|m| m.names.clone()).unwrap_or_default();
    muster_intake::Config {
        site: config.site.site.clone(),
        mqtt_loopback: mqtt.and_then(|m| m.loopback),
        mqtt_tls: listen,
        names: named.into_iter().chain(own).chain(host_name()).collect(),
        serial: config.serial.iter().map(serial_port).collect(),
        broker: config.broker.clone().map(|section| broker(&config.site.site, section)),
        data: config.site.data.clone(),
        retention: Retention::by_policy(ledger.clone(), config.site.site.clone()),
        offset: local_offset(config),
        ..muster_intake::Config::default()
    }
}

/// The session at the broker goes by the site's name.
fn broker(site: &str, section: config::Broker) -> BrokerConfig {
    let config::Broker { url, ca, client_cert, client_key, trust_broker } = section;
    let client_id = format!("muster-{site}");
    BrokerConfig { url, ca, client_cert, client_key, client_id, trust_broker }
}

fn serial_port(section: &config::Serial) -> SerialConfig {
    let config::Serial { port, baud, addresses, rs485 } = section.clone();
    SerialConfig { port, baud, addresses, rs485 }
}

/// What the site's zone adds to UTC at a time, in minutes.
fn local_offset(config: &Config) -> LocalOffset {
    let zone = TimeZone::get(&store::time_zone(config)).unwrap_or(TimeZone::UTC);
    LocalOffset::new(move |ms| {
        let at = jiff::Timestamp::from_millisecond(ms).unwrap_or_default();
        i16::try_from(zone.to_offset(at).seconds() / 60).unwrap_or(0)
    })
}

fn start_uplinks(
    config: &Config,
    ledger: &Ledger,
    stopped: &watch::Receiver<bool>,
) -> Result<Vec<Uplink>> {
    let start = |region: &config::Region| {
        let made = region_of(config, region)
            .with_context(|| format!("[[region]] {}", region.destination))?;
        let outbox = outbox_of(ledger, region)?;
        anyhow::Ok(muster_uplink::start(made, outbox, stopped.clone(), random))
    };
    config.region.iter().map(start).collect()
}

/// A destination's outbox, sealing where the configuration says so.
fn outbox_of(ledger: &Ledger, region: &config::Region) -> Result<muster_ledger::Outbox> {
    let outbox = ledger.outbox(&region.destination);
    let Some(path) = &region.seal_to else { return Ok(outbox) };
    let key = muster_report::sealing::Recipient::from_pem(&store::read_bounded(path)?)
        .with_context(|| format!("[[region]] {}: {}", region.destination, path.display()))?;
    Ok(outbox.sealed_to(key))
}

/// A region as it is configured, with its files read.
pub(crate) fn region_of(config: &Config, region: &config::Region) -> Result<Region> {
    let connector = match region.connector {
        config::Connector::Mqtt => muster_uplink::Connector::Mqtt,
        config::Connector::Https => muster_uplink::Connector::Https,
        config::Connector::Dingtalk => muster_uplink::Connector::Dingtalk,
    };
    let read = |path: &std::path::PathBuf| {
        std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))
    };
    let ca = read(&region.ca)?;
    let chain = region.client_cert.as_ref().map(read).transpose()?;
    let key = region.client_key.as_ref().map(read).transpose()?.map(zeroize::Zeroizing::new);
    let identity = chain.as_deref().zip(key.as_ref().map(|k| k.as_slice()));
    let made = Region::new(&config.site.site, connector, &region.url, &ca, identity)?;
    let made = made.pinned(&region.pins)?;
    match &region.dingtalk {
        Some(section) => Ok(made.for_tenant(tenant(section)?)),
        None => Ok(made),
    }
}

/// The tenant, with its secret from its file.
fn tenant(section: &config::Dingtalk) -> Result<muster_uplink::Tenant> {
    let config::Dingtalk { corp_id, client_id, secret_file, token_url, .. } = section;
    let secret = store::read_secret(secret_file)?;
    let quota = muster_uplink::Quota {
        month: section.calls_per_month,
        second: section.calls_per_second.max(1),
    };
    Ok(muster_uplink::Tenant::new(corp_id, client_id, secret, token_url, quota)?)
}

/// Spreads retries; not secret.
fn random() -> u64 {
    let mut bytes = [0; 8];
    let _ = SystemRandom::new().fill(&mut bytes);
    u64::from_le_bytes(bytes)
}

/// What the page asks of the gateway while it runs.
struct ForPage {
    watch: Arc<checks::Watch>,
    neighbours: Neighbours,
    hands: Hands,
    wall: Option<Wall>,
}

fn start_console(
    config: &Config,
    ledger: &Ledger,
    parts: ForPage,
    listening: &mut Listening,
) -> Result<Option<Console>> {
    let Some(section) = &config.console else { return Ok(None) };
    let ForPage { watch, neighbours, hands, wall } = parts;
    let page = page_certificate(config, ledger)?;
    let allowed_hosts = section.hosts.iter().cloned().chain(host_name()).collect();
    let console = ConsoleConfig {
        listen: section.listen,
        certificate_pem: page.certificate_pem,
        key_pem: page.key_pem,
        allowed_hosts,
        site: config.site.site.clone(),
        time_zone: store::time_zone(config),
        second_factor: config.second_factor,
    };
    let status = ledger.clone();
    let handles = muster_console::Handles {
        views: ledger.views(),
        directory: ledger.directory(),
        devices: ledger.devices(),
        accounts: ledger.accounts(),
        plans: ledger.plans(),
        sheets: ledger.sheets(),
        status: Arc::new(move || status.status()),
        checks: Arc::new(move || watch.report().checks.iter().map(shown).collect()),
        reports: reports(config, ledger),
        steward: ledger.steward(),
        policy_files: policy_files(config),
        packs: packs(config, ledger),
        explain: explain(ledger),
        copies: hands.copies(),
        pair: wall.map(pairing::for_page),
        card: pairing::cards(ledger, &config.site.site),
        report_key: Desk::new(ledger.clone(), Arc::new(config.clone())).public_key()?,
        neighbours: Arc::new(move || neighbours.now()),
        commands: hands.commands(),
        clock: trust::clock(config.clock.trust),
    };
    let console = Console::start(console, handles)?;
    listening.console = Some(console.address());
    Ok(Some(console))
}

/// The policy's files for drafts on the page, as `muster policy publish` uses them.
fn policy_files(config: &Config) -> muster_console::PolicyFiles {
    let place = |config: &Config| {
        let section =
            config.policy.as_ref().map(|section| (section.file.clone(), section.law_pack.clone()));
        section.ok_or_else(|| "the configuration has no [policy]; add it first".to_owned())
    };
    let (reading, writing) = (place(config), place(config));
    let law_pack = Arc::new(move || {
        let (_, law_pack) = reading.clone()?;
        store::read_bounded(&law_pack).map_err(|error| format!("{error:#}"))
    });
    let accepted = Arc::new(move |governance: &muster_ledger::Governance| {
        let (file, _) = writing.clone()?;
        store::replace_policy(&file, governance)
    });
    muster_console::PolicyFiles { law_pack, accepted }
}

/// Audit packs for the page: archive and signature in one, to be checked apart.
fn packs(config: &Config, ledger: &Ledger) -> muster_console::Packs {
    let desk = Desk::new(ledger.clone(), Arc::new(config.clone()));
    Arc::new(move |from, to, words| {
        let days = desk.days(Some(from), Some(to));
        let made = days.and_then(|days| desk.pack(days, words)).and_then(|pack| pack.bundle());
        made.map_err(|error| format!("{error:#}"))
    })
}

/// Explanations for the page, asked on a thread that may wait.
fn explain(ledger: &Ledger) -> muster_console::Explain {
    let ledger = ledger.clone();
    Arc::new(move |id| {
        let told = tokio::runtime::Handle::current().block_on(ledger.explain(id));
        told.map_err(|error| error.to_string())
    })
}

/// Reports for the page: those that the command line prints.
fn reports(config: &Config, ledger: &Ledger) -> muster_console::Reports {
    let desk = Desk::new(ledger.clone(), Arc::new(config.clone()));
    Arc::new(move |kind, from, to, words| {
        let made = desk.days(from, to).and_then(|days| desk.document(kind, days, None, words));
        made.map_err(|error| format!("{error:#}"))
    })
}

fn shown(check: &health::Check) -> muster_console::Check {
    muster_console::Check {
        name: check.name.clone(),
        status: check.status,
        since: Some(check.since),
        cause: check.cause.clone(),
        cure: check.cure.clone(),
    }
}

/// Listeners whose port is taken.
pub(crate) fn port_problems(config: &Config) -> Vec<Problem> {
    let mqtt = config.mqtt.as_ref();
    let wanted = [
        ("[mqtt] listen", mqtt.and_then(|m| m.listen)),
        ("[mqtt] loopback", mqtt.and_then(|m| m.loopback)),
        ("[console] listen", config.console.as_ref().map(|c| c.listen)),
        ("[metrics] listen", config.metrics.as_ref().map(|m| m.listen)),
    ];
    // A gateway that runs on this folder has its ports by right.
    if std::os::unix::net::UnixStream::connect(config.socket()).is_ok() {
        return Vec::new();
    }
    let taken = |(key, address): (&str, Option<std::net::SocketAddr>)| {
        let address = address?;
        let error = std::net::TcpListener::bind(address).err()?;
        let cure = "choose another port, or end the program that has it: ss -ltnp shows which";
        Some(Problem::minor(key, format!("cannot listen on {address} ({error})"), cure))
    };
    wanted.into_iter().filter_map(taken).collect()
}

fn in_use(listen: std::net::SocketAddr) -> String {
    format!("cannot listen on {listen}; is another program there? choose another port")
}
