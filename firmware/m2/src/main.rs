//! The face terminal's program: reads its configuration, runs the engine without a network, and
//! makes a punch of whom it sees. Ends on SIGTERM or SIGINT with what waits on disk.
#![forbid(unsafe_code)]

use anyhow::{Context as _, Result};
use muster_forwarder::gpio::{Pin, PinConfig};
use muster_forwarder::program::Program;
use muster_m2::config::{self, DoorConfig};
use muster_m2::door::Door;
use muster_m2::engine::process::Process;
use muster_m2::engine::{Engine as _, EngineError, Shown, Sighting};
use muster_m2::front::{Policy, Punch};
use muster_m2::{Direction, KIND, M2};
use muster_terminal::panel::Panel;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant, SystemTime};
use tokio::signal::unix::{SignalKind, signal};

/// How long a sighting is waited for before pins and signals are looked at.
const PATIENCE: Duration = Duration::from_millis(20);
/// Pause before an engine that went is started again.
const ENGINE_PAUSE: Duration = Duration::from_secs(2);
/// 2026-01-01T00:00:00Z: no clock that is right shows less.
const EARLIEST: Duration = Duration::from_secs(1_767_225_600);

type Pins = Door<Pin, Panel<Pin, Pin, Pin, Pin, Pin>>;

fn main() -> ExitCode {
    let program = Program {
        name: "muster-m2",
        kind: KIND,
        read: config::read,
        credentials: config::credentials,
    };
    program.start(run)
}

fn run(config: config::Config) -> Result<()> {
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    let runtime = runtime.worker_threads(1).enable_all().build()?;
    let _inside = runtime.enter();
    let ended = Arc::new(AtomicBool::new(false));
    for kind in [SignalKind::terminate(), SignalKind::interrupt()] {
        let (mut came, ended) = (signal(kind)?, ended.clone());
        runtime.spawn(async move {
            came.recv().await;
            ended.store(true, Ordering::Relaxed);
        });
    }
    let door = pins(&config.door).context("a pin's line cannot be had")?;
    let clock_is_unsure = clock_is_unsure(&config.data);
    let direct = config.login.certificate_name.is_none();
    let mut m2 = M2::start_as(&config.data, config.login, config.form)?;
    if direct {
        m2.keep_certificate(config.credentials);
    }
    let start = Instant::now();
    let mut front =
        Front { m2, door, start, policy: config.policy, zone: config.time_zone, clock_is_unsure };
    while !ended.load(Ordering::Relaxed) {
        let served = Process::start(&config.engine).and_then(|mut engine| {
            tracing::info!(engine = engine.name(), "the engine runs, without a network");
            front.serve(&mut engine, &ended)
        });
        if let Err(error) = served {
            tracing::error!(%error, "the engine is started again");
            std::thread::sleep(ENGINE_PAUSE);
        }
    }
    Ok(())
}

fn pins(config: &DoorConfig) -> Result<Pins> {
    let out = |pin: &Option<PinConfig>, what| Pin::output(pin.as_ref(), what);
    let button = |pin: &Option<PinConfig>, what| Pin::input(pin.as_ref(), what);
    let panel = Panel::new(
        out(&config.beeper, "muster-m2 beeper")?,
        out(&config.green, "muster-m2 green")?,
        out(&config.red, "muster-m2 red")?,
        button(&config.button_in, "muster-m2 in")?,
        button(&config.button_out, "muster-m2 out")?,
    );
    Ok(Door::new(out(&config.relay, "muster-m2 relay")?, panel, config.open_ms))
}

/// A clock behind the last start, or before there was such a program, was set wrong or lost power.
fn clock_is_unsure(data: &Path) -> bool {
    let last_start = std::fs::metadata(data.join("boot")).and_then(|m| m.modified());
    let least = SystemTime::UNIX_EPOCH + EARLIEST;
    SystemTime::now() < last_start.map_or(least, |at| at.max(least))
}

struct Front {
    m2: M2,
    door: Pins,
    start: Instant,
    policy: Policy,
    zone: jiff::tz::TimeZone,
    clock_is_unsure: bool,
}

impl Front {
    /// Makes punches of what the engine sees until it goes or the program ends.
    fn serve(&mut self, engine: &mut Process, ended: &AtomicBool) -> Result<(), EngineError> {
        while !ended.load(Ordering::Relaxed) {
            self.door.poll(self.now_ms());
            let Some(sighting) = engine.next(PATIENCE)? else { continue };
            let shown = self.punch(&sighting);
            engine.shown(shown)?;
        }
        Ok(())
    }

    fn now_ms(&self) -> u64 {
        self.start.elapsed().as_millis() as u64
    }

    fn punch(&mut self, sighting: &Sighting) -> Shown {
        use muster_proto::message::Direction as Pressed;
        let pressed = self.door.panel.take_direction(self.now_ms());
        let direction = pressed.map(|direction| match direction {
            Pressed::In => Direction::In,
            Pressed::Out => Direction::Out,
        });
        let now = jiff::Timestamp::now();
        let offset = self.zone.to_offset(now);
        let at = now.display_with_offset(offset).to_string();
        let punch = Punch::of(self.policy, sighting);
        let stored = punch.capture(&at, self.clock_is_unsure, direction, |c| self.m2.punch(c));
        if let Err(error) = &stored {
            tracing::error!(%error, "a punch is refused");
        }
        let (signal, shown) = punch.shown(stored.is_ok());
        self.door.show(self.now_ms(), signal);
        shown
    }
}
