//! `muster init` as somebody at a terminal goes through it: a wrong answer is asked again, a taken
//! port is told, one recovery sheet is asked for back, and a punch shows that it works. A second
//! time changes nothing.

use anyhow::{Context as _, Result, ensure};
use muster_tests::binary::{Build, gateway};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use std::fs::File;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, ExitStatus};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

const LIMIT: Duration = Duration::from_secs(30);

/// A program on a terminal.
struct Terminal {
    keyboard: File,
    screen: Receiver<Vec<u8>>,
    text: String,
    /// What was answered already.
    read: usize,
    child: Child,
}

impl Terminal {
    /// `muster ARGS --dir DIR`.
    fn run(args: &[&str], dir: &Path) -> Result<Self> {
        let dir = dir.to_str().context("a folder's name is not text")?;
        Self::start(&[args, &["--dir", dir]].concat())
    }

    fn start(args: &[&str]) -> Result<Self> {
        let ours = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC)?;
        grantpt(&ours)?;
        unlockpt(&ours)?;
        let theirs = ptsname(&ours, Vec::new())?.into_string()?;
        let theirs = File::options().read(true).write(true).open(theirs)?;
        let mut command = Command::new(gateway(Build::Real)?);
        command.args(args).env("RUST_LOG", "error");
        let child = command
            .stdin(theirs.try_clone()?)
            .stdout(theirs.try_clone()?)
            .stderr(theirs)
            .spawn()?;
        let keyboard = File::from(ours);
        let mut reader = keyboard.try_clone()?;
        let (sender, screen) = channel();
        std::thread::spawn(move || {
            let mut bytes = [0; 4096];
            while let Ok(len @ 1..) = reader.read(&mut bytes) {
                if sender.send(bytes[..len].to_vec()).is_err() {
                    break;
                }
            }
        });
        Ok(Self { keyboard, screen, text: String::new(), read: 0, child })
    }

    /// Waits for a text after what was read, and goes behind it.
    fn expect(&mut self, what: &str) -> Result<()> {
        let began = Instant::now();
        loop {
            if let Some(at) = self.text[self.read..].find(what) {
                self.read += at + what.len();
                return Ok(());
            }
            let left = LIMIT.saturating_sub(began.elapsed());
            let more = self.screen.recv_timeout(left);
            let more = more.with_context(|| format!("{what:?} did not come: {}", self.text))?;
            self.text += &String::from_utf8_lossy(&more);
        }
    }

    fn answer(&mut self, question: &str, answer: &str) -> Result<()> {
        self.expect(question)?;
        Ok(writeln!(self.keyboard, "{answer}")?)
    }

    fn end(self) -> Result<String> {
        let (status, text) = self.ended()?;
        ensure!(status.success(), "{status}: {text}");
        Ok(text)
    }

    fn ended(mut self) -> Result<(ExitStatus, String)> {
        let began = Instant::now();
        loop {
            while let Ok(more) = self.screen.try_recv() {
                self.text += &String::from_utf8_lossy(&more);
            }
            if let Some(status) = self.child.try_wait()? {
                std::thread::sleep(Duration::from_millis(50));
                while let Ok(more) = self.screen.try_recv() {
                    self.text += &String::from_utf8_lossy(&more);
                }
                return Ok((status, std::mem::take(&mut self.text)));
            }
            ensure!(began.elapsed() < LIMIT, "it does not end: {}", self.text);
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // It may be gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn sheets(text: &str) -> Vec<String> {
    // The picture's lines may be as many pieces, of blocks.
    let sheet = |line: &&str| {
        let mut groups = line.split(' ');
        let word = |group: &str| group.bytes().all(|byte| byte.is_ascii_alphanumeric());
        line.split(' ').count() == 18 && groups.all(|group| !group.is_empty() && word(group))
    };
    text.lines().map(str::trim).filter(sheet).map(str::to_owned).collect()
}

#[test]
fn a_conversation_ends_with_a_box_that_takes_punches() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let dir = folder.path().join("box");
    let taken = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
    let occupied = TcpListener::bind("127.0.0.1:0")?;
    let mut terminal = Terminal::run(&["init"], &dir)?;
    terminal.answer("Name of this site", "no such name!")?;
    terminal.expect("1 to 32 letters")?;
    terminal.answer("Name of this site", "mo-pty")?;
    terminal.answer("Jurisdiction", "XX")?;
    terminal.expect("is not in the law pack")?;
    terminal.answer("Jurisdiction", "mo")?;
    terminal.answer("Time zone [Asia/Macau]", "")?;
    terminal.answer("Address for terminals", &occupied.local_addr()?.to_string())?;
    terminal.expect("is taken; choose another")?;
    terminal.answer("Address for terminals", &taken.to_string())?;
    terminal.answer("Address of the page", "127.0.0.1:0")?;
    terminal.answer("Who may sign", "a:dpo:/no/such/file")?;
    terminal.expect("cannot read /no/such/file")?;
    terminal.answer("Who may sign", "")?;
    terminal.expect("one-time code")?;
    terminal.expect("certificate SHA-256")?;
    terminal.expect("The page, for a phone")?;
    // The code is beside the picture: what a camera reads may be kept anywhere.
    terminal.expect("one-time code")?;
    terminal.expect("Print or write down all three")?;
    let shown = sheets(&terminal.text);
    ensure!(shown.len() == 3, "{} sheets are shown", shown.len());
    terminal.answer("type sheet 2", &shown[0])?;
    terminal.expect("that is another sheet")?;
    terminal.answer("type sheet 2", &shown[1].replace(' ', "").to_lowercase())?;
    terminal.expect("on paper alone")?;
    terminal.expect("a punch was on disk and receipted in")?;
    // The box is not the package's: nothing was started, and how to is said.
    terminal.expect("not started: ")?;
    terminal.expect("muster run --config")?;
    let text = terminal.end()?;
    ensure!(text.contains('\u{2588}'), "no picture of the address");
    ensure!(!dir.join("recovery-sheets.txt").exists(), "the sheets were left");
    let config = std::fs::read_to_string(dir.join("gateway.toml"))?;
    for chosen in ["site = \"mo-pty\"", "Asia/Macau", &format!("listen = \"{taken}\"")] {
        ensure!(config.contains(chosen), "{chosen} is not configured");
    }
    let policy = std::fs::read_to_string(dir.join("policy.toml"))?;
    ensure!(policy.contains("mo-pty") && !dir.join("policy.toml.sig").exists());
    // Nothing of the self-test stays.
    let left = std::fs::read_dir(dir.join("data"))?.flatten();
    ensure!(!left.into_iter().any(|e| e.file_name().to_string_lossy().starts_with(".tmp")));
    second_time(&dir, &config)?;
    new_sheets_are_asked_back(&dir)?;
    a_restore_over_data_asks_and_keeps_the_old(&dir)
}

/// Another answer than the site's name changes nothing.
fn a_restore_over_data_asks_and_keeps_the_old(dir: &Path) -> Result<()> {
    let (from, config) = (dir.join("box.backup"), dir.join("gateway.toml"));
    let from = from.to_str().context("not text")?;
    let config = config.to_str().context("not text")?;
    let aside = || -> Result<usize> {
        let names = std::fs::read_dir(dir)?.map(|entry| Ok(entry?.file_name()));
        let names = names.collect::<Result<Vec<_>>>()?;
        let is_aside = |name: &&std::ffi::OsString| name.to_string_lossy().starts_with("data.");
        Ok(names.iter().filter(is_aside).filter(|name| dir.join(name).is_dir()).count())
    };
    let before = aside()?;
    for (answer, restored) in [("another-site", false), ("mo-pty", true)] {
        let mut terminal = Terminal::start(&["restore", "--from", from, "--config", config])?;
        terminal.answer("Type the site's name", answer)?;
        let (status, text) = terminal.ended()?;
        ensure!(status.success() == restored, "{answer}: {text}");
        ensure!(text.contains("kept aside     ") == restored, "{answer}: {text}");
        ensure!(aside()? == before + usize::from(restored), "{answer}: the old is not kept aside");
    }
    Ok(())
}

fn new_sheets_are_asked_back(dir: &Path) -> Result<()> {
    let (to, config) = (dir.join("box.backup"), dir.join("gateway.toml"));
    let to = to.to_str().context("not text")?;
    let config = config.to_str().context("not text")?;
    let backup = ["backup", "--to", to, "--new-sheets", "--config", config];
    let mut terminal = Terminal::start(&backup)?;
    terminal.expect("Print or write down all three")?;
    let shown = sheets(&terminal.text);
    terminal.answer("type sheet 2", shown.get(1).context("no sheet")?)?;
    terminal.expect("on paper alone")?;
    terminal.end()?;
    ensure!(!dir.join("recovery-sheets.txt").exists(), "the sheets were left");
    Ok(())
}

fn second_time(dir: &Path, config: &str) -> Result<()> {
    let text = Terminal::run(&["init"], dir)?.end()?;
    ensure!(text.contains("made before; nothing changed"), "{text}");
    ensure!(!text.contains("Name of this site") && sheets(&text).is_empty(), "{text}");
    ensure!(std::fs::read_to_string(dir.join("gateway.toml"))? == config);
    let text = Terminal::run(&["init", "--yes"], dir)?.end()?;
    ensure!(text.contains("made before") && sheets(&text).is_empty(), "{text}");
    ensure!(!dir.join("recovery-sheets.txt").exists());
    Ok(())
}
