//! `muster run`: start, say ready, wait for a signal, drain.

use crate::cli::BoxArgs;
use crate::config;
use crate::exit::{self, Failure, OrExit as _, Outcome};
use crate::gateway::Gateway;
use anyhow::anyhow;
use muster_ledger::Committer;
use std::process::ExitCode;
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::MissedTickBehavior;

pub(super) fn run(at: &BoxArgs) -> Outcome {
    crate::log::start();
    let config = super::load(at)?;
    let problems = config::with_lines(&config, config::check(&config));
    let fatal: Vec<String> = problems.iter().filter(|p| p.fatal).map(super::check::told).collect();
    if !fatal.is_empty() {
        return Err(Failure::new(exit::CONFIG, anyhow!("{}", fatal.join("\n"))));
    }
    crate::owner::go_on_as_owner(&config)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(serve(config, at.json))?;
    runtime.shutdown_timeout(std::time::Duration::from_secs(1));
    Ok(ExitCode::SUCCESS)
}

async fn serve(config: config::Config, json: bool) -> Result<(), Failure> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut hangup = signal(SignalKind::hangup())?;
    let (gateway, recovery) = Gateway::start(config).await.or_exit(exit::UNAVAILABLE)?;
    ready(&gateway, recovery.records, json);
    let watchdog = tokio::spawn(watchdog(gateway.ledger.committer()));
    loop {
        tokio::select! {
            _ = hangup.recv() => gateway.reload().await,
            _ = terminate.recv() => break,
            _ = interrupt.recv() => break,
        }
    }
    watchdog.abort();
    let _ = sd_notify::notify(&[sd_notify::NotifyState::Stopping]);
    gateway.stop().await;
    Ok(())
}

/// Tells systemd that punches can still be answered, three times in the time that the unit gives.
async fn watchdog(committer: Committer) {
    let Some(limit) = sd_notify::watchdog_enabled() else { return };
    let mut tick = tokio::time::interval(limit / 3);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tick.tick().await;
        if committer.alive().await {
            let _ = sd_notify::notify(&[sd_notify::NotifyState::Watchdog]);
        }
    }
}

/// The one line that says punches can be receipted now. Nobody has to listen to it.
fn ready(gateway: &Gateway, records: u64, json: bool) {
    let listening = &*gateway.listening;
    let line = if json {
        serde_json::json!({ "ready": true, "records": records, "listen": listening }).to_string()
    } else {
        let listening = serde_json::to_string(listening).unwrap_or_default();
        format!("ready records={records} listen={listening}")
    };
    let _ = super::print_lines([line]);
    let _ = sd_notify::notify(&[sd_notify::NotifyState::Ready]);
}
