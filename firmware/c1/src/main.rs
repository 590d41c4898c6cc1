//! The communication centre's program: reads its configuration, starts, shows its lights, and ends
//! on SIGTERM or SIGINT with what waits on disk.
#![forbid(unsafe_code)]

use anyhow::{Context as _, Result};
use muster_c1::{C1, KIND, Lights, config};
use muster_forwarder::gpio::Pin;
use muster_forwarder::program::Program;
use std::process::ExitCode;
use std::time::{Duration, Instant};
use tokio::signal::unix::{SignalKind, signal};

/// How often the lights are looked after.
const TICK: Duration = Duration::from_millis(250);

fn main() -> ExitCode {
    let program = Program {
        name: "muster-c1",
        kind: KIND,
        read: config::read,
        credentials: config::credentials,
    };
    program.start(run)
}

#[tokio::main]
async fn run(config: config::Config) -> Result<()> {
    let config::Config { data, login, credentials, ways, lights } = config;
    let pin = |config, what| Pin::output(config, what).context("a light's line cannot be had");
    let uplink = pin(lights.uplink.as_ref(), "muster-c1 uplink")?;
    let mut lights = Lights::new(uplink, pin(lights.trouble.as_ref(), "muster-c1 trouble")?);
    let centre = C1::start(&data, login, ways, Some(credentials))?;
    if let Some(address) = centre.listening() {
        tracing::info!(%address, "listening to M2s");
    }
    let (mut term, mut int) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let (start, mut tick) = (Instant::now(), tokio::time::interval(TICK));
    loop {
        tokio::select! {
            _ = term.recv() => return Ok(()),
            _ = int.recv() => return Ok(()),
            _ = tick.tick() => {
                let now_ms = start.elapsed().as_millis() as u64;
                lights.show(now_ms, centre.waiting(), centre.not_stored());
            }
        }
    }
}
