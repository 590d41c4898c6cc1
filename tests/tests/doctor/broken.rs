//! Each thing that the doctor looks at, broken for real: it is told with its cause and its cure, and
//! its link leads to a heading of the runbook. What is wrong on a site otherwise is in `bad_input` and
//! `regions`; the unit's settings are broken under a real systemd by the tests of the package.

use crate::stage::{Stage, until};
use anyhow::{Context as _, Result, ensure};
use muster_tests::mqtt;
use muster_tests::office;
use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// Something mounted, unmounted when dropped.
struct Mounted(PathBuf);

impl Mounted {
    fn new(at: &Path, args: &[&str]) -> Result<Self> {
        fs::create_dir_all(at)?;
        let status = Command::new("mount").args(args).arg(at).status()?;
        ensure!(status.success(), "cannot mount {args:?}");
        Ok(Self(at.to_owned()))
    }

    fn again(&self, options: &str) -> Result<()> {
        let status = Command::new("mount").args(["-o", options]).arg(&self.0).status()?;
        ensure!(status.success(), "cannot remount {options}");
        Ok(())
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

fn plain() -> Result<Stage> {
    Stage::new(|_, _| Ok(()))
}

/// A punch with evidence, as a terminal on loopback sends it.
fn punch(at: SocketAddr) -> Result<()> {
    let mut stream = TcpStream::connect(at)?;
    stream.write_all(&mqtt::connect("gate-1", 60))?;
    let payload = "{\"v\":1,\"boot\":1,\"seq\":1,\"person\":\"7\",\
         \"at\":\"2026-11-27T09:00:00+08:00\",\"method\":\"face\",\"outcome\":\"granted\",\
         \"evidence\":[{\"kind\":\"face-image\",\"media\":\"image/jpeg\",\"data\":\"AAAA\"}]}";
    stream.write_all(&mqtt::publish("muster/1/gate-1/checkin", 1, false, payload.as_bytes()))?;
    let _ = stream.read(&mut [0; 64])?;
    Ok(())
}

#[test]
fn the_configuration_and_its_keys() -> Result<()> {
    let stage = plain()?;
    stage.configure("[policy]", "[policies]")?;
    stage.tells("unknown field `policies`", "muster check")?;
    stage.configure("[policies]", "[policy]")?;
    fs::write(stage.site.layout().dir.join("lawpack.toml"), "no law pack")?;
    stage.tells("lawpack.toml", "put the shipped law pack back")
}

/// Nobody confirms the time; and it stands in 1970.
#[test]
fn the_clock_and_its_source() -> Result<()> {
    let stage = plain()?;
    stage.configure("trust = \"assume\"", "trust = \"rtc\"")?;
    let said = stage.site.behind(3)?.output(&["doctor", "--json"])?;
    let said = String::from_utf8(said.stdout)?;
    ensure!(said.contains("which the clock chip does not confirm"), "{said}");
    ensure!(said.contains("timedatectl set-ntp true"), "{said}");
    let said = stage.site.behind(20_000)?.output(&["doctor", "--json"])?;
    let said = String::from_utf8(said.stdout)?;
    ensure!(said.contains("the clock stands before 2026"), "{said}");
    ensure!(said.contains("let it synchronise"), "{said}");
    Ok(())
}

/// Full by its pace, out of files, read-only.
#[test]
fn the_disk_its_health_and_its_forecast() -> Result<()> {
    let stage = plain()?;
    let data = stage.site.data();
    let disk = Mounted::new(&data, &["-t", "tmpfs", "-o", "size=2g,nr_inodes=2000", "tmpfs"])?;
    stage.site.output(&["status"])?;
    fs::File::create(data.join("grown"))?.set_len(4 << 30)?;
    let ten_days = std::time::SystemTime::now() - std::time::Duration::from_secs(10 * 86_400);
    fs::File::options().write(true).open(data.join("keys/box"))?.set_modified(ten_days)?;
    stage.tells("days at the pace so far", "move to a larger one")?;
    fs::remove_file(data.join("grown"))?;
    for n in 0..1_200 {
        fs::write(data.join(format!("small-{n}")), "")?;
    }
    stage.tells("no room for more files", "remove many small files")?;
    disk.again("remount,ro")?;
    stage.tells("mounted read-only", "replace the disk")
}

/// The file system has met errors: ext4 counts them.
#[test]
fn a_disk_that_fails() -> Result<()> {
    let stage = plain()?;
    let image = stage.folder.path().join("disk.img");
    fs::File::create(&image)?.set_len(64 << 20)?;
    let made = Command::new("mkfs.ext4").args(["-q", "-F"]).arg(&image).status()?;
    ensure!(made.success(), "no file system");
    let loaded = Command::new("losetup").args(["--find", "--show"]).arg(&image).output()?;
    let device = String::from_utf8(loaded.stdout)?.trim().to_owned();
    let _disk = Mounted::new(&stage.site.data(), &["-o", "errors=continue", &device])?;
    stage.site.output(&["status"])?;
    let name = device.trim_start_matches("/dev/");
    fs::write(format!("/sys/fs/ext4/{name}/trigger_fs_error"), "by a test")?;
    let told = stage.tells("the file system has met 1 errors", "back the box up now");
    // Goes with the last mount.
    Command::new("losetup").args(["--detach", &device]).status()?;
    told
}

/// As the kernel tells it, in a mount namespace where it tells of little.
#[test]
fn little_memory() -> Result<()> {
    let stage = plain()?;
    let little = stage.folder.path().join("meminfo");
    fs::write(&little, "MemTotal:  262144 kB\nMemFree:  1024 kB\nMemAvailable:  2048 kB\n")?;
    let script = "mount --bind \"$0\" /proc/meminfo && exec \"$@\"";
    let output = Command::new("unshare")
        .args(["--mount", "sh", "-c", script])
        .arg(&little)
        .arg(&stage.site.layout().binary)
        .args(["doctor", "--json", "--config"])
        .arg(stage.site.config())
        .output()?;
    let said = String::from_utf8(output.stdout)?;
    ensure!(said.contains("2 of 256 MiB free") && said.contains("end what else runs"), "{said}");
    Ok(())
}

/// What root may open, the service may not: asked as the user that the data belong to.
#[test]
fn a_serial_port_that_only_root_may_use_and_a_file_that_is_none() -> Result<()> {
    let stage = plain()?;
    let pty =
        rustix::pty::openpt(rustix::pty::OpenptFlags::RDWR | rustix::pty::OpenptFlags::NOCTTY)?;
    rustix::pty::grantpt(&pty)?;
    rustix::pty::unlockpt(&pty)?;
    let port = rustix::pty::ptsname(&pty, Vec::new())?.into_string()?;
    fs::set_permissions(&port, std::os::unix::fs::PermissionsExt::from_mode(0o600))?;
    let text = fs::read_to_string(stage.site.config())?;
    let file = stage.folder.path().join("no-port");
    fs::write(&file, "")?;
    let section = |port: &str| format!("[[serial]]\nport = \"{port}\"\n");
    let text = text + &section(&port) + &section(office::as_text(&file)?);
    fs::write(stage.site.config(), text)?;
    fs::set_permissions(stage.folder.path(), std::os::unix::fs::PermissionsExt::from_mode(0o755))?;
    let status =
        Command::new("chown").args(["-R", "65534:65534"]).arg(stage.folder.path()).status();
    ensure!(status?.success());
    stage.tells("this user may not use it", "add the user to the group")?;
    stage.tells("this is no serial port", "plug the adapter in")?;
    let checked = stage.site.output(&["check"])?;
    ensure!(checked.status.code() == Some(78), "{checked:?}");
    let checked = String::from_utf8_lossy(&checked.stdout).into_owned();
    ensure!(checked.contains("this user may not use it"), "{checked}");
    Ok(())
}

/// One that was paired and never came, and one that was heard three days ago.
#[test]
fn silent_terminals() -> Result<()> {
    let stage = plain()?;
    let folder = stage.folder.path().join("gate-07");
    stage.site.muster(&[
        "device",
        "pair",
        "--kind",
        "m1",
        "--name",
        "gate-07",
        "--out",
        office::as_text(&folder)?,
    ])?;
    stage.tells("device gate-07: paired and never heard", "look after its power")?;
    let mut then = stage.site.behind(3)?.start()?;
    then.ready(Duration::from_secs(10))?;
    punch(then.loopback()?)?;
    until("the punch", || Ok(stage.site.json(&["status", "--json"])?["records"] == 1))?;
    then.terminate(Duration::from_secs(10))?;
    stage.tells("device gate-1: silent for 7", "it keeps its punches")
}

/// The page's own certificate from long ago, and a backup that is old.
#[test]
fn what_grows_old() -> Result<()> {
    let stage = Stage::new(|layout, _| {
        layout.page = true;
        Ok(())
    })?;
    // The one of the set-up is for a page that was not there yet.
    let keys = stage.site.data().join("keys");
    ensure!(keys.is_dir());
    let to = stage.folder.path().join("a.backup");
    stage.site.behind(3)?.muster(&["backup", "--to", office::as_text(&to)?])?;
    stage.tells("hours old, in ", "muster-backup.timer")?;
    stage.tells("the recovery sheets still lie in", "keep the three apart")
}

/// No policy; one that ends soon; a paper that does.
#[test]
fn the_policy_and_the_papers() -> Result<()> {
    let stage = plain()?;
    stage.tells("nothing leaves", "publish a policy")?;
    let stage = Stage::new(office::make_keys)?;
    let keys = stage.folder.path();
    let soon = jiff::Zoned::now().date().saturating_add(jiff::Span::new().days(9)).to_string();
    let ends = |text: String| {
        let lines = text.lines().map(|line| match line.starts_with("effective_until") {
            true => format!("effective_until = {soon}T12:00:00+08:00"),
            false => line.to_owned(),
        });
        lines.collect::<Vec<_>>().join("\n")
    };
    let policy = office::write_policy(&stage.site, 1, ends)?;
    for person in ["a.dpo", "b.admin"] {
        office::sign(&stage.site, &policy, &office::key(keys, person))?;
    }
    stage.site.muster(&["policy", "publish", office::as_text(&policy)?])?;
    stage.tells(&format!("ends on {soon}"), "publish the renewed policy")
}

/// One byte of a batch is another.
#[test]
fn the_journal() -> Result<()> {
    let stage = plain()?;
    stage.site.output(&["status"])?;
    let folder = stage.site.data().join("journal");
    let mut segments: Vec<PathBuf> =
        fs::read_dir(&folder)?.flatten().map(|entry| entry.path()).collect();
    segments.sort();
    let segment = segments.iter().find(|path| path.is_file()).context("no segment")?;
    let mut bytes = fs::read(segment)?;
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(segment, bytes)?;
    stage.tells("journal: damage: ", "ask the terminals again")?;
    // Not the key that it was written under.
    fs::write(stage.site.data().join("keys/root.key"), [7; 32])?;
    stage.tells("broken journal", "restore the last backup")
}

/// The indexes have no place to be: the gateway goes on, and says so.
#[test]
fn the_views() -> Result<()> {
    let stage = plain()?;
    let views = stage.site.data().join("views");
    fs::remove_dir_all(&views)?;
    let _none = Mounted::new(&views, &["-t", "tmpfs", "-o", "size=4k,ro", "tmpfs"])?;
    let gateway = stage.start()?;
    until("it is told", || Ok(stage.tells("views: ", "muster journal rebuild-views").is_ok()))?;
    ensure!(gateway.http("/healthz")?.0 == 200, "punches are taken");
    gateway.kill()
}

/// Evidence cannot be kept: the gateway runs and says so, in `/healthz` too.
#[test]
fn the_vault() -> Result<()> {
    let stage = plain()?;
    let gateway = stage.start()?;
    let vault = stage.site.data().join("vault");
    fs::remove_dir_all(&vault)?;
    fs::write(&vault, "not a folder")?;
    punch(gateway.loopback()?)?;
    until("the punch", || Ok(stage.site.json(&["status", "--json"])?["records"] == 1))?;
    stage.tells("the vault cannot be written", "give data/vault back")?;
    until("health tells", || {
        let (_, health) = gateway.http("/healthz")?;
        Ok(health.contains("\"vault\"") && health.contains("the vault cannot be written"))
    })?;
    gateway.kill()?;
    stage.tells("cannot be read", "give data/vault back")
}
