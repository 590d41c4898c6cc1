//! The root key sealed to a TPM, with systemd's own tools and an emulated TPM (swtpm): the box opens
//! with that TPM, and with its disk alone, or another TPM, it does not.
//!
//! What systemd does for the unit's `LoadCredentialEncrypted=` is done here by hand, as
//! `systemd-creds` does it: it decrypts into the folder that `CREDENTIALS_DIRECTORY` names.

use anyhow::{Context as _, Result, ensure};
use muster_tests::binary::{Build, gateway};
use muster_tests::site::{Layout, Site};
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

const NAME: &str = "muster-root-key";
const LIMIT: Duration = Duration::from_secs(20);

/// An emulated TPM with its own secrets, gone when dropped.
struct Tpm {
    child: Child,
    port: u16,
}

impl Tpm {
    fn start(state: &Path) -> Result<Self> {
        fs::create_dir_all(state)?;
        let (port, control) = free_ports()?;
        let child = Command::new("swtpm")
            .args(["socket", "--tpm2", "--flags", "not-need-init,startup-clear"])
            .arg("--tpmstate")
            .arg(format!("dir={}", state.display()))
            .args(["--server", &format!("type=tcp,port={port},bindaddr=127.0.0.1")])
            .args(["--ctrl", &format!("type=tcp,port={control},bindaddr=127.0.0.1")])
            .stdin(Stdio::null())
            .spawn()
            .context("swtpm")?;
        let begun = Instant::now();
        // The control port takes connections once the TPM does; that one it would serve.
        while TcpStream::connect(("127.0.0.1", control)).is_err() {
            ensure!(begun.elapsed() < LIMIT, "the TPM does not start");
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(Self { child, port })
    }

    fn creds(&self, args: &[&str], files: [&Path; 2]) -> Result<Output> {
        let mut command = Command::new("systemd-creds");
        command.arg(format!("--tpm2-device=swtpm:host=127.0.0.1,port={}", self.port));
        command.env("SYSTEMD_TPM2_DEVICE", format!("swtpm:host=127.0.0.1,port={}", self.port));
        Ok(command.args(args).arg(format!("--name={NAME}")).args(files).output()?)
    }
}

impl Drop for Tpm {
    fn drop(&mut self) {
        // It may be gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Two in a row: whoever speaks to a TPM of this kind looks for its control port behind the other.
fn free_ports() -> Result<(u16, u16)> {
    for _ in 0..100 {
        let one = TcpListener::bind("127.0.0.1:0")?;
        let port = one.local_addr()?.port();
        let next =
            port.checked_add(1).filter(|next| TcpListener::bind(("127.0.0.1", *next)).is_ok());
        if let Some(next) = next {
            return Ok((port, next));
        }
    }
    anyhow::bail!("no two free ports in a row")
}

/// The gateway with the credentials in `folder`; its first line, or what it ended with.
fn run(site: &Site, folder: &Path) -> Result<(Option<String>, String)> {
    let mut child = Command::new(&site.layout().binary)
        .arg("run")
        .arg("--config")
        .arg(site.config())
        .env("CREDENTIALS_DIRECTORY", folder)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    let out = child.stdout.take().context("no output")?;
    let line = BufReader::new(out).lines().next().transpose()?;
    // It runs on where it is ready, and has ended where it is not.
    let _ = child.kill();
    let ended = child.wait_with_output()?;
    Ok((line, String::from_utf8_lossy(&ended.stderr).into_owned()))
}

/// Every file below a folder.
fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() { found.extend(files(&path)?) } else { found.push(path) }
    }
    Ok(found)
}

#[test]
fn a_key_sealed_to_a_tpm_opens_with_that_tpm_alone() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let at = |name: &str| folder.path().join(name);
    let site = Site::init(Layout::new(gateway(Build::Real)?, &at("box")))?;
    let file = site.data().join("keys/root.key");
    let key = fs::read(&file)?;
    let sealed = at("muster-root-key");
    let tpm = Tpm::start(&at("tpm"))?;
    let done = tpm.creds(&["encrypt", "--with-key=tpm2"], [&file, &sealed])?;
    ensure!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    fs::remove_file(&file)?;
    // Nothing on the disk has it now.
    for path in files(folder.path())?.iter().filter(|path| !path.starts_with(at("tpm"))) {
        let bytes = fs::read(path)?;
        ensure!(!bytes.windows(key.len()).any(|w| w == key), "{}: the key", path.display());
    }
    drop(tpm);

    // Its own TPM, after a restart.
    let credentials = at("credentials");
    fs::create_dir(&credentials)?;
    let open = credentials.join(NAME);
    let tpm = Tpm::start(&at("tpm"))?;
    let done = tpm.creds(&["decrypt"], [&sealed, &open])?;
    ensure!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    let (line, said) = run(&site, &credentials)?;
    ensure!(line.is_some_and(|line| line.starts_with("ready")), "{said}");
    drop(tpm);
    fs::remove_file(&open)?;

    // The disk in another machine.
    let other = Tpm::start(&at("other"))?;
    let done = other.creds(&["decrypt"], [&sealed, &open])?;
    ensure!(!done.status.success() && !open.exists(), "another TPM opens it");
    let (line, said) = run(&site, &credentials)?;
    ensure!(line.is_none(), "it opens without its key");
    ensure!(said.contains("root.key is missing but there is a journal"), "{said}");
    ensure!(!file.exists(), "a new key was made over the old journal");
    Ok(())
}
