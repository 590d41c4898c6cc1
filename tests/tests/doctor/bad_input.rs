//! What goes wrong on a site, each found by `check` or `doctor` with its cause and its cure.

use crate::stage::Stage;
use anyhow::{Result, ensure};
use muster_tests::authority::{Authority, Server};
use muster_tests::office;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Nobody's user id on Debian.
const NOBODY: &str = "65534";

/// Lines of `muster check`; it must end with 78.
fn check(stage: &Stage) -> Result<String> {
    let output = stage.site.output(&["check"])?;
    ensure!(output.status.code() == Some(78), "check ended with {}", output.status);
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// `check` and `doctor` both tell, with cause and cure.
fn told(stage: &Stage, cause: &str, cure: &str) -> Result<()> {
    let checked = check(stage)?;
    let checked: Vec<String> = checked.lines().map(str::to_owned).collect();
    for (by, lines) in [("check", checked), ("doctor", stage.complaints()?)] {
        let found = lines.iter().any(|line| line.contains(cause) && line.contains(cure));
        ensure!(found, "{by} does not tell {cause:?} with {cure:?}: {lines:#?}");
    }
    Ok(())
}

#[test]
fn an_occupied_port() -> Result<()> {
    let stage = Stage::new(|_, _| Ok(()))?;
    let other = std::net::TcpListener::bind("127.0.0.1:0")?;
    let taken = format!("loopback = \"{}\"", other.local_addr()?);
    stage.configure("loopback = \"127.0.0.1:0\"", &taken)?;
    told(&stage, "[mqtt] loopback", "choose another port")
}

#[test]
fn a_serial_port_that_is_not_there() -> Result<()> {
    let stage = Stage::new(|layout, _| {
        layout.serial = vec![PathBuf::from("/dev/serial/by-id/usb-gone")];
        Ok(())
    })?;
    told(&stage, "usb-gone: there is no such port", "plug the adapter in")
}

#[test]
fn no_permission() -> Result<()> {
    let stage = Stage::new(|_, _| Ok(()))?;
    let folder = stage.folder.path();
    // A pseudo-terminal that belongs to root.
    let pty =
        rustix::pty::openpt(rustix::pty::OpenptFlags::RDWR | rustix::pty::OpenptFlags::NOCTTY)?;
    rustix::pty::grantpt(&pty)?;
    rustix::pty::unlockpt(&pty)?;
    let port = rustix::pty::ptsname(&pty, Vec::new())?.into_string()?;
    std::fs::set_permissions(&port, std::fs::Permissions::from_mode(0o600))?;
    let config = folder.join("nobody.toml");
    let text = format!("[box]\nsite = \"a\"\ndata = \"data\"\n[[serial]]\nport = \"{port}\"\n");
    std::fs::write(&config, text)?;
    let binary = folder.join("muster");
    std::fs::copy(&stage.site.layout().binary, &binary)?;
    for path in [folder, &config, &binary] {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755))?;
    }
    let output = Command::new("setpriv")
        .args(["--reuid", NOBODY, "--regid", NOBODY, "--clear-groups"])
        .arg(&binary)
        .args(["check", "--config"])
        .arg(&config)
        .output()?;
    let said = String::from_utf8_lossy(&output.stdout);
    ensure!(output.status.code() == Some(78), "{output:?}");
    ensure!(said.contains("this user may not use it; add the user to the group"), "{said}");
    Ok(())
}

#[test]
fn a_wrong_time_zone_and_a_policy_of_another_site() -> Result<()> {
    let stage = Stage::new(|_, _| Ok(()))?;
    stage.configure("Asia/Hong_Kong", "Europe/Lisbon")?;
    told(&stage, "Europe/Lisbon differs from the time of HK", "use Asia/Hong_Kong")?;
    stage.configure("Europe/Lisbon", "Hong Kong")?;
    told(&stage, "there is no time zone named Hong Kong", "use a name as Asia/Macau")?;
    stage.configure("Hong Kong", "Asia/Singapore")?;
    let policy = stage.site.layout().dir.join("policy.toml");
    let text = std::fs::read_to_string(&policy)?.replace("hk-test", "sg-other");
    std::fs::write(&policy, text)?;
    told(&stage, "the policy has no site hk-test", "publish the policy of this site")
}

#[test]
fn a_full_disk() -> Result<()> {
    let stage = Stage::new(|_, _| Ok(()))?;
    let data = stage.site.data();
    let mounted = Tmpfs::mount(&data, "24m")?;
    stage.site.output(&["status"])?;
    let complaints = stage.complaints()?;
    let found = complaints
        .iter()
        .any(|line| line.starts_with("broken disk room") && line.contains("free some space"));
    ensure!(found, "{complaints:#?}");
    drop(mounted);
    Ok(())
}

#[test]
fn a_damaged_backup() -> Result<()> {
    let stage = Stage::new(|_, _| Ok(()))?;
    let backup = stage.folder.path().join("a.backup");
    stage.site.muster(&["backup", "--to", office::as_text(&backup)?])?;
    ensure!(!stage.complaints()?.iter().any(|line| line.contains("latest backup")));
    // What was written last: the journal, and the list.
    let mut bytes = std::fs::read(&backup)?;
    let near_the_end = bytes.len() - 100;
    bytes[near_the_end] ^= 1;
    std::fs::write(&backup, bytes)?;
    let complaints = stage.complaints()?;
    let found = complaints.iter().find(|line| line.contains("latest backup"));
    ensure!(found.is_some_and(|line| line.contains("is damaged")), "{complaints:#?}");
    // And the next backup mends it.
    let told = stage.site.muster(&["backup", "--to", office::as_text(&backup)?])?;
    ensure!(told.contains("set aside"), "{told}");
    ensure!(!stage.complaints()?.iter().any(|line| line.contains("latest backup")));
    Ok(())
}

#[test]
fn a_certificate_for_another_name() -> Result<()> {
    let stage = Stage::new(|layout, folder| {
        let key = rcgen::KeyPair::generate()?;
        let params = rcgen::CertificateParams::new(vec!["other.example".to_owned()])?;
        std::fs::write(folder.join("page.pem"), params.self_signed(&key)?.pem())?;
        std::fs::write(folder.join("page.key"), key.serialize_pem())?;
        layout.more = format!(
            "[console]\nlisten = \"127.0.0.1:0\"\nhosts = [\"muster.example\"]\n\
             cert = \"{0}/page.pem\"\nkey = \"{0}/page.key\"\n",
            folder.display()
        );
        Ok(())
    })?;
    told(&stage, "it is not for muster.example", "get one for these names")
}

/// The region's own certificate is for another host: found by the doctor, by asking.
#[test]
fn a_region_with_a_certificate_for_another_name() -> Result<()> {
    let authority = Authority::new()?;
    let server = Server { host: "other.example", ..Server::of(office::REGION) };
    let config = authority.issue(&server)?.tls13()?;
    let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
    let port = listener.local_addr()?.port();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            let Ok(mut session) = rustls::ServerConnection::new(config.clone()) else { return };
            let _ = session.complete_io(&mut stream);
        }
    });
    let stage = Stage::new(|layout, folder| {
        std::fs::write(folder.join("ca.pem"), authority.pem())?;
        layout.more = format!(
            "[[region]]\ndestination = \"{}\"\nconnector = \"mqtt\"\n\
             url = \"mqtts://localhost:{port}\"\nca = \"{}/ca.pem\"\n",
            office::DESTINATION,
            folder.display()
        );
        Ok(())
    })?;
    let complaints = stage.complaints()?;
    let found = complaints.iter().find(|line| line.contains("hk-payroll: certificate"));
    ensure!(found.is_some_and(|line| line.contains("the host in url")), "{complaints:#?}");
    Ok(())
}

/// A small disk in memory.
struct Tmpfs(PathBuf);

impl Tmpfs {
    fn mount(at: &Path, size: &str) -> Result<Self> {
        let status = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &format!("size={size}"), "tmpfs"])
            .arg(at)
            .status()?;
        ensure!(status.success(), "cannot mount a tmpfs");
        Ok(Self(at.to_owned()))
    }
}

impl Drop for Tmpfs {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(&self.0).status();
    }
}
