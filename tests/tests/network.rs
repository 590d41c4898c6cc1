//! The terminals' network as it is shipped (`deploy/network`), in namespaces: a terminal, the box
//! and a cloud host, the box between them and willing to forward. A terminal reaches the box and
//! nothing else, and what it tried shows on the box's `/healthz`. Needs root and nftables.

use anyhow::{Context as _, Result, ensure};
use muster_tests::binary::{Build, gateway};
use serde_json::Value;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};
use tempfile::TempDir;

const RULES: &str = include_str!("../../deploy/network/terminals.nft");
const UNIT: &str = include_str!("../../deploy/systemd/muster-egress.service");
/// Addresses kept for documentation: nobody's.
const BOX: &str = "192.0.2.1";
const TERMINAL: &str = "192.0.2.7";
const CLOUD: &str = "203.0.113.9";
/// A cloud's usual port, and the box's for terminals and for its page.
const HTTPS: u16 = 443;
const CHECK_IN: u16 = 8883;
const PAGE: u16 = 8443;
/// `/healthz` tells the truth within this.
const TOLD: Duration = Duration::from_secs(10);

/// Three hosts that know only each other; gone at the end.
struct Hosts {
    tag: u32,
}

impl Hosts {
    fn make() -> Result<Self> {
        let hosts = Self { tag: std::process::id() };
        for host in ["terminal", "box", "cloud"] {
            let name = hosts.name(host);
            run(Command::new("ip").args(["netns", "add", &name]))?;
            hosts.sh(host, "ip link set lo up")?;
        }
        hosts.wire("terminal", "terminals", TERMINAL, BOX)?;
        hosts.wire("cloud", "uplink", CLOUD, "203.0.113.1")?;
        hosts.sh("box", "echo 1 >/proc/sys/net/ipv4/ip_forward")?;
        Ok(hosts)
    }

    fn name(&self, host: &str) -> String {
        format!("muster-{host}-{}", self.tag)
    }

    /// A cable from the box to `host`, at the box named `port`; the box is the way to all else.
    fn wire(&self, host: &str, port: &str, there: &str, here: &str) -> Result<()> {
        let (far, near) = (self.name(host), self.name("box"));
        let ends =
            ["ip", "-n", &near, "link", "add", port, "type", "veth", "peer", "eth0", "netns"];
        run(Command::new(ends[0]).args(&ends[1..]).arg(&far))?;
        self.sh("box", &format!("ip addr add {here}/24 dev {port} && ip link set {port} up"))?;
        let up = format!("ip addr add {there}/24 dev eth0 && ip link set eth0 up");
        self.sh(host, &format!("{up} && ip route add default via {here}"))?;
        Ok(())
    }

    fn command(&self, host: &str) -> Command {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &self.name(host)]);
        command
    }

    fn sh(&self, host: &str, script: &str) -> Result<String> {
        let output = run(self.command(host).args(["bash", "-c", script]))?;
        Ok(String::from_utf8(output.stdout)?)
    }

    /// Whether a connection of `host` comes about.
    fn reaches(&self, host: &str, address: &str, port: u16) -> Result<bool> {
        let dial = format!("exec 3<>/dev/tcp/{address}/{port}");
        let mut command = self.command(host);
        command.args(["timeout", "2", "bash", "-c", &dial]).stderr(Stdio::null());
        Ok(command.status()?.success())
    }
}

impl Drop for Hosts {
    fn drop(&mut self) {
        for host in ["terminal", "box", "cloud"] {
            let _ = Command::new("ip").args(["netns", "del", &self.name(host)]).status();
        }
    }
}

/// Ends with its owner.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn run(command: &mut Command) -> Result<Output> {
    let output = command.output().with_context(|| format!("cannot run {command:?}"))?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{command:?}: {said}");
    Ok(output)
}

#[test]
fn a_terminal_that_tries_a_cloud_host_is_dropped_and_reported() -> Result<()> {
    let folder = TempDir::new()?;
    let hosts = Hosts::make()?;
    let _cloud = cloud(&hosts, folder.path())?;
    let (_gateway, metrics) = serve(&hosts, folder.path())?;
    for (address, port) in [(CLOUD, HTTPS), (BOX, CHECK_IN), (BOX, PAGE)] {
        let open = (0..50).any(|_| hosts.reaches("terminal", address, port).unwrap_or(false));
        ensure!(open, "without rules {address}:{port} should be open");
    }

    let rules = folder.path().join("terminals.nft");
    std::fs::write(&rules, RULES)?;
    run(hosts.command("box").arg("nft").arg("-f").arg(&rules))?;
    write_down(&hosts, folder.path())?;
    ensure!(egress(&hosts, &metrics)?["status"] == "ok", "nobody tried anything yet");

    ensure!(hosts.reaches("terminal", BOX, CHECK_IN)?, "check-ins must come through");
    ensure!(hosts.reaches("box", CLOUD, HTTPS)?, "the box's own way out is another matter");
    ensure!(!hosts.reaches("terminal", CLOUD, HTTPS)?, "a terminal reached a cloud host");
    ensure!(!hosts.reaches("terminal", BOX, PAGE)?, "a terminal has no business on the page");
    ensure!(!hosts.reaches("cloud", TERMINAL, HTTPS)?, "a cloud host reached a terminal");

    write_down(&hosts, folder.path())?;
    let deadline = Instant::now() + TOLD;
    loop {
        let check = egress(&hosts, &metrics)?;
        let cause = check["cause"].as_str().unwrap_or_default();
        let told = |port| cause.contains(&format!("{TERMINAL} tried {}", port));
        if told(format!("{CLOUD} tcp {HTTPS}")) && told(format!("{BOX} tcp {PAGE}")) {
            ensure!(check["cure"].as_str().is_some_and(|cure| !cure.is_empty()));
            return Ok(());
        }
        ensure!(Instant::now() < deadline, "not reported: {check}");
        sleep(Duration::from_millis(200));
    }
}

/// Something that listens where a vendor's cloud would.
fn cloud(hosts: &Hosts, folder: &Path) -> Result<Running> {
    let config = folder.join("cloud.conf");
    std::fs::write(
        &config,
        format!("listener {HTTPS} {CLOUD}\nallow_anonymous true\nuser root\n"),
    )?;
    let mut command = hosts.command("cloud");
    command.arg("mosquitto").arg("-c").arg(config).stdout(Stdio::null()).stderr(Stdio::null());
    Ok(Running(command.spawn()?))
}

/// The gateway on the box, with the section that the handbook asks for. Gives where `/healthz` is.
fn serve(hosts: &Hosts, folder: &Path) -> Result<(Running, String)> {
    let config = folder.join("gateway.toml");
    let text = format!(
        "[box]\nsite = \"mo-hq\"\n[clock]\ntrust = \"assume\"\n[mqtt]\nlisten = \"0.0.0.0:{CHECK_IN}\"\n\
         [console]\nlisten = \"0.0.0.0:{PAGE}\"\n[metrics]\nlisten = \"127.0.0.1:0\"\n\
         [network]\ntried = \"muster-egress/tried.json\"\n"
    );
    std::fs::write(&config, text)?;
    let mut command = hosts.command("box");
    command.arg(gateway(Build::Real)?).args(["run", "--config"]).arg(config);
    let mut child = command.stdout(Stdio::piped()).spawn()?;
    let lines = BufReader::new(child.stdout.take().context("no output")?).lines();
    let running = Running(child);
    let ready = lines.map_while(Result::ok).find(|line| line.starts_with("ready"));
    let ready = ready.context("the gateway did not start")?;
    let listen = ready.split_once("listen=").context("no addresses")?.1;
    let listen: Value = serde_json::from_str(listen)?;
    Ok((running, listen["metrics"].as_str().context("no metrics")?.to_owned()))
}

/// What the unit does, in its own words.
fn write_down(hosts: &Hosts, folder: &Path) -> Result<()> {
    let command = UNIT.lines().find_map(|line| line.strip_prefix("ExecStart=/bin/sh -c '"));
    let command = command.and_then(|line| line.strip_suffix('\'')).context("another ExecStart")?;
    std::fs::create_dir_all(folder.join("muster-egress"))?;
    let folder = folder.to_str().context("a name is not text")?;
    hosts.sh("box", &command.replace("%t", folder))?;
    Ok(())
}

/// The check of that name, once `/healthz` has been made anew.
fn egress(hosts: &Hosts, metrics: &str) -> Result<Value> {
    sleep(Duration::from_millis(1_100));
    let (address, port) = metrics.split_once(':').context("no port")?;
    let ask = format!(
        "exec 3<>/dev/tcp/{address}/{port}; \
         printf 'GET /healthz HTTP/1.1\\r\\nHost: {metrics}\\r\\nConnection: close\\r\\n\\r\\n' >&3; cat <&3"
    );
    let answer = hosts.sh("box", &ask)?;
    let body = answer.split_once("\r\n\r\n").context("no body")?.1;
    let report: Value = serde_json::from_str(body).with_context(|| answer.clone())?;
    let checks = report["checks"].as_array().context("no checks")?;
    Ok(checks.iter().find(|check| check["name"] == "egress").context("no check")?.clone())
}
