//! The communication centre's program: reads its configuration, starts, shows its lights, and ends
//! on SIGTERM or SIGINT with what waits on disk.
#![forbid(unsafe_code)]

use anyhow::{Context as _, Result, bail};
use muster_c1::{C1, Lights, config};
use muster_forwarder::gpio::Pin;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};
use tokio::signal::unix::{SignalKind, signal};

/// How often the lights are looked after.
const TICK: Duration = Duration::from_millis(250);
/// `EX_CONFIG` and `EX_UNAVAILABLE` of sysexits.
const CONFIG: u8 = 78;
const UNAVAILABLE: u8 = 69;

fn main() -> ExitCode {
    let filter = tracing_subscriber::EnvFilter::from_default_env();
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
    let config = match arguments().and_then(|path| Ok(config::read(&path)?)) {
        Ok(config) => config,
        Err(error) => return end(&error, CONFIG),
    };
    match run(config) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => end(&error, UNAVAILABLE),
    }
}

fn end(error: &anyhow::Error, code: u8) -> ExitCode {
    tracing::error!("{error:#}");
    ExitCode::from(code)
}

fn arguments() -> Result<PathBuf> {
    let mut arguments = std::env::args_os().skip(1);
    match (arguments.next(), arguments.next(), arguments.next()) {
        (Some(flag), Some(path), None) if flag == "--config" => Ok(path.into()),
        _ => bail!("call it as: muster-c1 --config FILE"),
    }
}

#[tokio::main]
async fn run(config: config::Config) -> Result<()> {
    let config::Config { data, login, ways, lights } = config;
    let pin = |config, what| Pin::output(config, what).context("a light's line cannot be had");
    let uplink = pin(lights.uplink.as_ref(), "muster-c1 uplink")?;
    let mut lights = Lights::new(uplink, pin(lights.trouble.as_ref(), "muster-c1 trouble")?);
    let centre = C1::start(&data, login, ways)?;
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
