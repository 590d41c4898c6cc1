//! The clean Debian booted, with systemd as its first process and a network of its own: what the
//! units promise is seen under a real service manager. systemd-nspawn boots it.

use crate::root::{CleanRoot, ran};
use anyhow::{Context as _, Result, bail, ensure};
use muster_tests::binary::firmware;
use serde_json::Value;
use std::fs::File;
use std::io::Write as _;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// For systemd to come up, a unit to change, a terminal to be heard.
const LIMIT: Duration = Duration::from_secs(60);
const TICK: Duration = Duration::from_millis(100);
/// A watchdog that is soon over.
const SOON: &str = "[Service]\nWatchdogSec=3\nTimeoutAbortSec=1\n";
/// The backup's timer, now instead of at night.
const NOW: &str = "[Timer]\nOnCalendar=\nOnActiveSec=1\nRandomizedDelaySec=0\nAccuracySec=100ms\n";
const INIT: &str = "muster init --yes --dir /etc/muster --site mo-hq --jurisdiction MO";

/// Where systemd finds a TPM, in the machine: an emulated one.
const TPM: &str = "SYSTEMD_TPM2_DEVICE=swtpm:host=127.0.0.1,port=2321";

/// A machine that runs until this is dropped.
struct Booted {
    root: CleanRoot,
    /// What its TPMs keep, outside of it.
    tpms: tempfile::TempDir,
    nspawn: Child,
    first: String,
}

impl Booted {
    fn boot(root: CleanRoot) -> Result<Self> {
        let log = File::create(root.folder().join("var/log/boot"))?;
        let mut command = Command::new("systemd-nspawn");
        command.args(["--quiet", "--boot", "--register=no", "--keep-unit", "--private-network"]);
        // Of PID 1, which unseals what units load.
        command.arg(format!("--setenv={TPM}"));
        command.arg("--console=pipe").arg(format!("--machine=muster-{}", std::process::id()));
        command.arg("--directory").arg(root.folder()).stdin(Stdio::null());
        let nspawn = command.stdout(log.try_clone()?).stderr(log).spawn()?;
        let children = format!("/proc/{0}/task/{0}/children", nspawn.id());
        let tpms = tempfile::tempdir()?;
        let mut booted = Self { root, tpms, nspawn, first: String::new() };
        until("systemd is up", || {
            let children = std::fs::read_to_string(&children).unwrap_or_default();
            booted.first = children.split(' ').next().unwrap_or_default().to_owned();
            let state = booted.inside("systemctl is-system-running || true").unwrap_or_default();
            Ok(["running", "degraded"].contains(&state.trim()))
        })?;
        Ok(booted)
    }

    /// A line of shell inside.
    fn inside(&self, line: &str) -> Result<String> {
        let mut command = Command::new("nsenter");
        command.args(["--target", &self.first, "--all", "--", "sh", "-c", line]);
        command.env_clear().env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin").env("HOME", "/");
        Ok(String::from_utf8(ran(&mut command)?.stdout)?)
    }

    fn json(&self, line: &str) -> Result<Value> {
        serde_json::from_str(&self.inside(line)?).with_context(|| line.to_owned())
    }

    /// A program of this machine in that one's network.
    fn beside(&self, program: &Path) -> Command {
        let mut command = Command::new("nsenter");
        command.args(["--target", &self.first, "--net", "--"]).arg(program);
        command
    }

    fn write(&self, path: &str, text: &str) -> Result<()> {
        let path = self.root.path(path);
        std::fs::create_dir_all(path.parent().context("no folder")?)?;
        Ok(std::fs::write(path, text)?)
    }

    fn show(&self, property: &str) -> Result<String> {
        let line = format!("systemctl show --value --property={property} muster");
        Ok(self.inside(&line)?.trim().to_owned())
    }

    fn install(&self, package: &Path) -> Result<()> {
        std::fs::copy(package, self.root.path("/opt/muster.deb"))?;
        self.inside("dpkg --install /opt/muster.deb").map(drop)
    }

    fn device(&self, name: &str) -> Result<Value> {
        let devices = self.json("muster device list --json --config /etc/muster/gateway.toml")?;
        let found = devices.as_array().into_iter().flatten().find(|d| d["name"] == name);
        Ok(found.cloned().unwrap_or_default())
    }
}

impl Drop for Booted {
    fn drop(&mut self) {
        // nspawn takes the machine with it, whatever it was doing.
        let _ = self.inside("systemctl poweroff --force --force");
        let _ = self.nspawn.kill();
        let _ = self.nspawn.wait();
    }
}

/// The face terminal's program in the machine's network, with a person before it.
struct Terminal {
    folder: tempfile::TempDir,
    program: PathBuf,
}

struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // It may be gone already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Terminal {
    fn new() -> Result<Self> {
        let folder = tempfile::tempdir()?;
        std::fs::create_dir(folder.path().join("captures"))?;
        let capture = "[[capture]]\nafter_ms = 50\nperson = \"00017\"\nliveness = \"live\"\n\
                       score = 9800\n";
        std::fs::write(folder.path().join("captures/captures.toml"), capture)?;
        let engine = firmware("muster-m2", "muster-m2-replay")?;
        let text = format!(
            "data = \"data\"\n[box]\ncredentials = \"credentials\"\n[engine]\n\
             program = \"{}\"\narguments = [\"--captures\", \"{}\"]\n",
            engine.display(),
            folder.path().join("captures").display()
        );
        std::fs::write(folder.path().join("m2.toml"), text)?;
        Ok(Self { folder, program: firmware("muster-m2", "muster-m2")? })
    }

    fn pair(&self, booted: &Booted, link: &str) -> Result<()> {
        let mut command = booted.beside(&self.program);
        command.arg("--config").arg(self.folder.path().join("m2.toml")).arg("--pair");
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::null()).spawn()?;
        child.stdin.take().context("no input")?.write_all(link.as_bytes())?;
        ensure!(child.wait()?.success(), "the terminal is not paired");
        Ok(())
    }

    fn start(&self, booted: &Booted) -> Result<Running> {
        let mut command = booted.beside(&self.program);
        command.arg("--config").arg(self.folder.path().join("m2.toml"));
        Ok(Running(command.stdin(Stdio::null()).stdout(Stdio::null()).spawn()?))
    }
}

fn until(what: &str, mut done: impl FnMut() -> Result<bool>) -> Result<()> {
    let begun = Instant::now();
    while !done()? {
        if begun.elapsed() > LIMIT {
            bail!("{what}: not within {LIMIT:?}");
        }
        std::thread::sleep(TICK);
    }
    Ok(())
}

/// The machine's part of the two times that the handbook prints; a person's part is counted there.
const TO_FIRST_PUNCH: Duration = Duration::from_secs(60);
const TO_RESTORED: Duration = Duration::from_secs(60);

#[test]
fn units_keep_their_promises_under_systemd_and_a_dead_box_is_replaced_in_minutes() -> Result<()> {
    let package = crate::package()?;
    let booted = Booted::boot(CleanRoot::make()?)?;
    let begun = Instant::now();
    let terminal = comes_to_its_first_punch(&booted, &package)?;
    let first_punch = begun.elapsed();
    says_fields_to_the_journal(&booted)?;
    is_started_again_when_it_hangs(&booted)?;
    tells_of_a_unit_that_was_softened(&booted)?;
    opens_with_a_key_that_its_tpm_keeps(&booted)?;
    backs_up_and_looks_at_egress_by_timer(&booted)?;
    // The disk of backups and the sheets are carried to another box.
    let carried = tempfile::tempdir()?;
    let copy = |from: &str, to: &str| {
        let copied = Command::new("cp")
            .arg("-a")
            .arg(booted.root.path(from))
            .arg(carried.path().join(to))
            .status()?;
        ensure!(copied.success(), "{from} cannot be copied");
        anyhow::Ok(())
    };
    copy("/var/backups/muster", "backups")?;
    copy("/etc/muster/recovery-sheets.txt", "sheets")?;
    drop(booted);
    let another = Booted::boot(CleanRoot::make()?)?;
    let begun = Instant::now();
    goes_on_in_its_place(&another, &package, carried.path(), &terminal)?;
    let restored = begun.elapsed();
    eprintln!("package to first punch: {first_punch:.1?} of the machine");
    eprintln!("dead box to restored, its terminal connected: {restored:.1?} of the machine");
    ensure!(first_punch < TO_FIRST_PUNCH && restored < TO_RESTORED);
    Ok(())
}

/// What the quick start says, as it says it.
fn comes_to_its_first_punch(booted: &Booted, package: &Path) -> Result<Terminal> {
    booted.install(package)?;
    ensure!(booted.show("ActiveState")? == "inactive", "it runs without a configuration");
    booted.inside("install -d -o muster -m 0700 /var/backups/muster")?;
    let said = booted.inside(&format!("{INIT} --no-start"))?;
    ensure!(said.contains("not started: --no-start"), "{said}");
    ensure!(said.contains("systemctl enable --now muster"), "{said}");
    ensure!(booted.show("ActiveState")? == "inactive", "--no-start started it");
    says_why_it_did_not_start(booted)?;
    // Type=notify: this returns once the gateway has said that punches can be receipted.
    let said = booted.inside(INIT)?;
    for told in
        ["a punch was on disk and receipted", "gateway        running", "page           https://"]
    {
        ensure!(said.contains(told), "{told:?} is not said: {said}");
    }
    ensure!(booted.show("ActiveState")? == "active" && booted.show("Type")? == "notify");
    ensure!(booted.show("UnitFileState")? == "enabled", "it would not start with the machine");
    let said = booted.inside(INIT)?;
    ensure!(said.contains("runs already; nothing changed"), "{said}");
    booted.inside("muster check --config /etc/muster/gateway.toml")?;
    let made = booted.json(
        "muster device pair --kind m2 --name gate-07 --code --json --host 127.0.0.1 \
         --config /etc/muster/gateway.toml",
    )?;
    let terminal = Terminal::new()?;
    terminal.pair(booted, made["link"].as_str().context("no link")?)?;
    let _running = terminal.start(booted)?;
    until("the first punch", || Ok(booted.device("gate-07")?["records"].as_u64() >= Some(1)))?;
    let records = booted.json("muster records --format json --config /etc/muster/gateway.toml")?;
    ensure!(records.as_array().is_some_and(|r| r.iter().any(|r| r["device"] == "gate-07")));
    Ok(terminal)
}

/// Somebody else has the port: that is said with its cure, and once it is free the service starts by
/// itself.
fn says_why_it_did_not_start(booted: &Booted) -> Result<()> {
    booted.inside(
        "systemd-run --quiet --unit=other systemd-socket-activate --listen=8883 /bin/cat",
    )?;
    // Port 8883, as the kernel writes it.
    let taken = || Ok(booted.inside("cat /proc/net/tcp /proc/net/tcp6")?.contains(":22B3 "));
    until("the port is taken", taken)?;
    let said = booted.inside(&format!("{INIT} 2>&1 || echo ended $?"))?;
    for told in
        ["[mqtt] listen: cannot listen", "the gateway did not start", "journalctl", "ended 69"]
    {
        ensure!(said.contains(told), "{told:?} is not said: {said}");
    }
    booted.inside("systemctl stop other")?;
    until("it starts by itself", || Ok(booted.show("ActiveState")? == "active"))?;
    booted.inside("systemctl disable --now --quiet muster").map(drop)
}

/// journald has each field by itself, with the ids of spans, and nobody's name or number.
fn says_fields_to_the_journal(booted: &Booted) -> Result<()> {
    let said = booted.inside("journalctl --unit muster --output json --no-pager")?;
    let lines = said.lines().map(serde_json::from_str).collect::<Result<Vec<Value>, _>>()?;
    let with = |field: &str| lines.iter().find(|line| line[field].is_string());
    let opened = with("MUSTER_RECORDS").with_context(|| format!("no field: {said}"))?;
    ensure!(opened["MESSAGE"] == "journal opened" && opened["PRIORITY"].is_string(), "{opened}");
    ensure!(opened["SYSLOG_IDENTIFIER"] == "muster", "{opened}");
    let paired = lines.iter().find(|line| line["MUSTER_DEVICE"] == "gate-07");
    paired.with_context(|| format!("no device: {said}"))?;
    // The command's span brings who asked.
    ensure!(lines.iter().any(|line| line["MUSTER_BY"] == "uid 0"), "{said}");
    ensure!(!said.contains("00017"), "a person's number is in the journal: {said}");
    Ok(())
}

/// A gateway that no longer answers is ended by systemd and started again.
fn is_started_again_when_it_hangs(booted: &Booted) -> Result<()> {
    booted.write("/etc/systemd/system/muster.service.d/soon.conf", SOON)?;
    booted.inside("systemctl daemon-reload && systemctl restart muster")?;
    std::thread::sleep(Duration::from_secs(4));
    ensure!(booted.show("NRestarts")? == "0", "it feeds its watchdog");
    booted.inside("kill -STOP $(systemctl show --value --property=MainPID muster)")?;
    until("it is started again", || {
        Ok(booted.show("NRestarts")? == "1" && booted.show("ActiveState")? == "active")
    })?;
    let said = booted.inside("journalctl --unit muster --no-pager")?;
    ensure!(said.contains("Watchdog timeout"), "{said}");
    booted
        .inside("rm /etc/systemd/system/muster.service.d/soon.conf && systemctl daemon-reload")?;
    Ok(())
}

/// What the doctor says of one check, as root asks on the box.
fn doctor(booted: &Booted, check: &str) -> Result<Value> {
    let line = "muster doctor --json --config /etc/muster/gateway.toml || true";
    let report = booted.json(line)?;
    let checks = report["checks"].as_array().cloned().unwrap_or_default();
    checks.into_iter().find(|found| found["check"] == check).context(check.to_owned())
}

/// A drop-in takes some of the unit's hardening away: the doctor tells, with the running gateway and
/// without it.
fn tells_of_a_unit_that_was_softened(booted: &Booted) -> Result<()> {
    let found = doctor(booted, "unit")?;
    ensure!(found["state"] == "ok" && found["cause"] != "no systemd here", "{found}");
    booted.write(
        "/etc/systemd/system/muster.service.d/soft.conf",
        "[Service]\nProtectHome=no\nLimitCORE=infinity\n",
    )?;
    booted.inside("systemctl daemon-reload")?;
    for line in ["true", "systemctl stop muster"] {
        booted.inside(line)?;
        let found = doctor(booted, "unit")?;
        let text = found.to_string();
        ensure!(found["state"] == "warning", "{found}");
        ensure!(text.contains("LimitCORE is not 0, ProtectHome is not yes"), "{found}");
        ensure!(text.contains("systemctl revert muster.service"), "{found}");
    }
    booted.inside("systemctl revert muster.service && systemctl start muster").map(drop)
}

/// The root key sealed to a TPM (an emulated one, which systemd reaches as `SYSTEMD_TPM2_DEVICE`
/// says): PID 1 unseals it for the unit, nothing on the disk has it, and with another TPM the service
/// does not start and says what is missing.
fn opens_with_a_key_that_its_tpm_keeps(booted: &Booted) -> Result<()> {
    let key = std::fs::read(booted.root.path("/var/lib/muster/keys/root.key"))?;
    let tpm = Tpm::start(booted, "its-own")?;
    booted.inside("install -d -m 0700 /etc/credstore.encrypted")?;
    booted.inside(&format!(
        "{TPM} systemd-creds encrypt --with-key=tpm2 --name=muster-root-key \
         /var/lib/muster/keys/root.key /etc/credstore.encrypted/muster-root-key"
    ))?;
    booted.inside("rm /var/lib/muster/keys/root.key && systemctl restart muster")?;
    let found = doctor(booted, "root-key")?;
    ensure!(found["cause"] == "a credential of systemd", "{found}");
    let left = Command::new("grep")
        .args(["--recursive", "--files-with-matches", "--binary-files=text", "--fixed-strings"])
        .arg("--regexp")
        .arg(std::ffi::OsStr::from_bytes(&key))
        .arg(booted.root.path("/var/lib/muster"))
        .arg(booted.root.path("/etc"))
        .output();
    if !key.contains(&0) && !key.contains(&b'\n') {
        ensure!(left?.stdout.is_empty(), "the key still lies on the disk");
    }
    drop(tpm);
    let other = Tpm::start(booted, "another")?;
    let refused = booted.inside("systemctl restart muster || echo refused")?;
    ensure!(refused.contains("refused"), "it starts with another TPM");
    drop(other);
    let _tpm = Tpm::start(booted, "its-own")?;
    booted.inside("systemctl reset-failed muster; systemctl restart muster")?;
    // Back to the file, as a restore leaves it.
    std::fs::write(booted.root.path("/var/lib/muster/keys/root.key"), &key)?;
    booted.inside("rm /etc/credstore.encrypted/muster-root-key")?;
    booted.inside("chown muster:muster /var/lib/muster/keys/root.key")?;
    booted.inside("chmod 0600 /var/lib/muster/keys/root.key && systemctl restart muster")?;
    Ok(())
}

/// An emulated TPM in the machine's network, gone when dropped.
struct Tpm(Child);

impl Tpm {
    fn start(booted: &Booted, state: &str) -> Result<Self> {
        let state = booted.tpms.path().join(state);
        std::fs::create_dir_all(&state)?;
        let mut command = booted.beside(Path::new("swtpm"));
        command.args(["socket", "--tpm2", "--flags", "not-need-init,startup-clear"]);
        command.arg("--tpmstate").arg(format!("dir={}", state.display()));
        command.args(["--server", "type=tcp,port=2321,bindaddr=127.0.0.1"]);
        command.args(["--ctrl", "type=tcp,port=2322,bindaddr=127.0.0.1"]);
        let tpm = Self(command.stdin(Stdio::null()).spawn().context("swtpm")?);
        // Port 2322, as the kernel writes it, listened on.
        let listens = || Ok(booted.inside("cat /proc/net/tcp")?.contains(":0912 00000000:0000 0A"));
        until("the TPM", listens)?;
        Ok(tpm)
    }
}

impl Drop for Tpm {
    fn drop(&mut self) {
        // It may be gone already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn backs_up_and_looks_at_egress_by_timer(booted: &Booted) -> Result<()> {
    booted.write("/etc/systemd/system/muster-backup.timer.d/now.conf", NOW)?;
    booted.inside("nft --file /usr/share/muster/network/terminals.nft")?;
    booted.inside("systemctl daemon-reload && systemctl restart muster")?;
    booted.inside("systemctl enable --now muster-backup.timer muster-egress.timer")?;
    let result = |unit: &str| {
        let line = format!(
            "systemctl show --value --property=Result --property=ExecMainStartTimestampMonotonic \
             --property=ActiveState {unit}"
        );
        booted.inside(&line)
    };
    for unit in ["muster-backup.service", "muster-egress.service"] {
        until(unit, || {
            let told = result(unit)?;
            ensure!(!told.contains("exit-code"), "{unit}: {told}");
            Ok(told.contains("inactive") && !told.lines().any(|line| line == "0"))
        })?;
    }
    let places = std::fs::read_dir(booted.root.path("/var/backups/muster"))?.count();
    ensure!(places > 0, "the timer wrote no backup");
    let tried = booted.json("cat /run/muster-egress/tried.json")?;
    ensure!(tried["nftables"].is_array(), "{tried}");
    Ok(())
}

/// The box died; this one has nothing but the package, the backups and the sheets.
fn goes_on_in_its_place(
    booted: &Booted,
    package: &Path,
    carried: &Path,
    terminal: &Terminal,
) -> Result<()> {
    booted.install(package)?;
    let copied =
        Command::new("cp").arg("-a").arg(carried).arg(booted.root.path("/opt/carried")).status()?;
    ensure!(copied.success(), "the disk cannot be plugged in");
    booted.inside(
        "muster restore --from /opt/carried/backups --into /etc/muster --sheet /opt/carried/sheets",
    )?;
    let before = booted.device("gate-07")?["records"].as_u64();
    ensure!(before >= Some(1), "the backup has no punch");
    booted.inside("systemctl enable --now muster")?;
    let _running = terminal.start(booted)?;
    until("the terminal goes on", || Ok(booted.device("gate-07")?["records"].as_u64() > before))
}
