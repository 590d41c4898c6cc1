//! `muster demo`: the main job on real parts, with nothing installed.
//!
//! Terminals run the firmware's own code, one of them the bare-metal image itself with `--qemu`, the gateway is the one that `muster run` starts, and the
//! regions count for themselves. One region goes down for a while and comes back; one person is
//! unmapped, and one department's records stay on the box. Everything is in a temporary folder
//! that goes when the demo ends.

mod emulated;
mod leak;
mod pty;
mod region;
mod stage;
mod summary;
mod terminals;

use crate::cli::DemoArgs;
use crate::command::first_administrator;
use crate::exit::Outcome;
use crate::gateway::Gateway;
use anyhow::{Context as _, Result};
use leak::Canaries;
use pty::Pty;
use region::{Region, RegionAuthority, Speaks};
use std::io::Write;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;
use summary::Summary;
use terminals::Terminals;
use tokio::time::Instant;

/// Somebody stands at a terminal this often.
const STEP: Duration = Duration::from_millis(80);
/// How long what was punched may take to arrive after the last punch.
const SETTLE: Duration = Duration::from_secs(40);
/// How often the live view is drawn.
const VIEW: Duration = Duration::from_secs(1);

pub(crate) fn demo(args: &DemoArgs) -> Outcome {
    if std::env::var_os("RUST_LOG").is_some() {
        crate::log::start();
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let summary = runtime.block_on(run(args))?;
    runtime.shutdown_timeout(Duration::from_secs(1));
    if args.json {
        println_json(&summary)?;
    } else {
        summary.print();
    }
    Ok(match summary.is_clean() {
        true => ExitCode::SUCCESS,
        false => ExitCode::from(crate::exit::SOFTWARE),
    })
}

#[allow(clippy::print_stdout)]
fn println_json(summary: &Summary) -> Result<()> {
    println!("{}", serde_json::to_string(summary)?);
    Ok(())
}

/// The demo's running parts.
struct Demo {
    gateway: Gateway,
    terminals: Terminals,
    cloud: Region,
    payroll: Region,
    quiet: bool,
}

async fn run(args: &DemoArgs) -> Result<Summary> {
    let folder = tempfile::tempdir().context("no temporary folder")?;
    let image = args.qemu.then(|| emulated::find(args.image.as_deref())).transpose()?;
    let demo = Demo::start(folder.path(), image.as_deref(), args.json).await?;
    let length = args.seconds.map(Duration::from_secs);
    demo.play(length).await?;
    demo.settle().await;
    let summary = demo.summary();
    let Demo { gateway, terminals, .. } = demo;
    drop(terminals);
    gateway.stop().await;
    Ok(summary)
}

impl Demo {
    async fn start(folder: &Path, image: Option<&Path>, quiet: bool) -> Result<Self> {
        let canaries = Arc::new(Canaries::default());
        let authority = RegionAuthority::new()?;
        let start = |region, speaks| Region::start(&authority, region, speaks, canaries.clone());
        let cloud = start("cn-hongkong", Speaks::Mqtt).await?;
        let payroll = start("onprem-hk", Speaks::Https).await?;
        let line = Pty::open().context("no pseudo-terminal")?;
        let config = stage::write(folder, &line.path, &authority, &cloud, &payroll)?;
        let (gateway, _) = Gateway::start(config.clone()).await?;
        // Before the policy: first set-up is over with it.
        let code = first_administrator(&gateway.ledger).await?;
        stage::sign(&config, &gateway).await?;
        stage::import(&gateway).await?;
        let terminals = Terminals::start(folder, line, &gateway, canaries, image).await?;
        let demo = Self { gateway, terminals, cloud, payroll, quiet };
        demo.greet(code.as_deref())?;
        Ok(demo)
    }

    /// Where to look, and how to get in. With `--json` standard output is the summary's alone.
    fn greet(&self, code: Option<&str>) -> Result<()> {
        let page = self.gateway.listening.console.map(|address| format!("https://{address}/"));
        let text = format!(
            "page   {}\nlogin  admin, one-time code {}\n       (no second factor in the demo alone)\n       \
             (the certificate is this demo's own; your browser will ask)\n",
            page.unwrap_or_default(),
            code.unwrap_or_default()
        );
        let (mut out, mut error) = (std::io::stdout(), std::io::stderr());
        let to: &mut dyn Write = if self.quiet { &mut error } else { &mut out };
        to.write_all(text.as_bytes())?;
        Ok(to.flush()?)
    }

    /// People punch; the payroll region is away in the second quarter.
    async fn play(&self, length: Option<Duration>) -> Result<()> {
        let start = Instant::now();
        let quarter = length.map_or(Duration::from_secs(15), |l| l.mul_f64(0.8) / 4);
        let mut interrupted = std::pin::pin!(tokio::signal::ctrl_c());
        let mut tick = tokio::time::interval(STEP);
        let mut drawn = start;
        for step in 0u64.. {
            tokio::select! {
                _ = tick.tick() => {}
                _ = &mut interrupted => return Ok(()),
            }
            let played = start.elapsed();
            if length.is_some_and(|length| played >= length.mul_f64(0.8)) {
                return Ok(());
            }
            let away = played >= quarter && played < quarter * 2;
            self.payroll.set_up(!away);
            self.terminals.step(step)?;
            if drawn.elapsed() >= VIEW && !self.quiet {
                drawn = Instant::now();
                self.draw();
            }
        }
        Ok(())
    }

    /// Waits until every punch is receipted and everything permitted has arrived.
    async fn settle(&self) {
        self.payroll.set_up(true);
        let deadline = Instant::now() + SETTLE;
        while Instant::now() < deadline {
            let summary = self.summary();
            if summary.is_settled() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    fn summary(&self) -> Summary {
        let tally = self.terminals.tally();
        let status = self.gateway.ledger.status();
        let (cloud, payroll) = (self.cloud.arrived(), self.payroll.arrived());
        let forwarded = [
            ("hk-cloud".to_owned(), cloud.ids.len() as u64),
            ("hk-payroll".to_owned(), payroll.ids.len() as u64),
        ];
        let leaked = cloud.biometric_bytes + payroll.biometric_bytes;
        Summary::new(tally, forwarded.into(), status.held, leaked)
    }

    fn draw(&self) {
        let summary = self.summary();
        let region = |region: &Region| if region.is_up() { "up" } else { "away" };
        eprintln!(
            "{} | cloud {} | payroll {} | waiting at the C1 {}",
            summary.line(),
            region(&self.cloud),
            region(&self.payroll),
            self.terminals.waiting_at_c1(),
        );
    }
}
