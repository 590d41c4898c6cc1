//! The house stays as `ARCHITECTURE.md` says: who may name whom, which folders there are, what a
//! pure room may use, and a few habits that no compiler checks.
//!
//! The edges are read from `cargo metadata`, so a renamed, optional or per-target dependency
//! counts like any other. Dev-dependencies are free: a test may look at anything.

mod evidence;
mod honest;

use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Every crate of the house: its folder, its name, and the crates of the house that it may name.
const ROOMS: &[(&str, &str, &[&str])] = &[
    ("proto", "muster-proto", &[]),
    ("firmware/terminal", "muster-terminal", &["muster-proto"]),
    ("firmware/forwarder", "muster-forwarder", &["muster-proto"]),
    ("firmware/m2", "muster-m2", &["muster-proto", "muster-forwarder", "muster-terminal"]),
    ("firmware/c1", "muster-c1", &["muster-proto", "muster-forwarder", "muster-terminal"]),
    ("gateway/attendance", "muster-attendance", &[]),
    ("gateway/residency", "muster-residency", &["muster-attendance"]),
    ("gateway/report", "muster-report", &["muster-residency"]),
    ("gateway/verify", "muster-verify", &["muster-report"]),
    ("gateway/ledger", "muster-ledger", &["muster-report", DECIDED[0], DECIDED[1]]),
    ("gateway/intake", "muster-intake", &["muster-proto", "muster-ledger", DECIDED[0], DECIDED[1]]),
    ("gateway/uplink", "muster-uplink", &["muster-ledger", DECIDED[0], DECIDED[1]]),
    (
        "gateway/console",
        "muster-console",
        &["muster-ledger", "muster-report", DECIDED[0], DECIDED[1]],
    ),
    ("gateway/muster", "muster", WIRED),
    ("tests", "muster-tests", WIRED),
];

/// Rooms that are workspaces of their own, with a lock and a target of their own, since nothing of
/// them runs on the host.
const ALONE: &[(&str, &str, &[&str])] =
    &[("firmware/m1", "muster-m1", &["muster-proto", "muster-terminal"])];

/// The only file of those rooms with unsafe code in it.
const UNSAFE: &str = "firmware/m1/src/board/lm3s6965evb/register.rs";

/// What may be shown or sent, and what decides about it.
const DECIDED: &[&str] = &["muster-residency", "muster-attendance"];

/// What the binary wires together and the tests look at: everything but themselves.
const WIRED: &[&str] = &[
    "muster-proto",
    "muster-terminal",
    "muster-forwarder",
    "muster-m2",
    "muster-c1",
    "muster-attendance",
    "muster-residency",
    "muster-report",
    "muster-ledger",
    "muster-intake",
    "muster-uplink",
    "muster-console",
];

/// Crates from elsewhere that only these of ours may name.
const CONFINED: &[(&str, &[&str])] = &[("sled", &["muster-ledger"])];

/// Pure rooms, and all that they may use from elsewhere: nothing that does IO or waits.
const PURE: &[(&str, &[&str])] = &[
    (
        "muster-proto",
        &["chacha20poly1305", "crc", "heapless", "hkdf", "sha2", "thiserror", "zeroize"],
    ),
    ("muster-attendance", &["jiff", "serde", "serde_json", "thiserror"]),
    (
        "muster-residency",
        &["base64", "jiff", "ring", "serde", "serde_json", "thiserror", "toml", "zeroize"],
    ),
    (
        "muster-report",
        &["base64", "hpke", "jiff", "ring", "serde", "serde_json", "thiserror", "zeroize"],
    ),
];

/// What a pure room's source never says: the outside world, a clock, randomness.
const IMPURE: &[&str] = &[
    "std::env",
    "std::fs",
    "std::net",
    "std::process",
    "std::thread",
    "SystemRandom",
    "SystemTime",
    "Instant::now",
    "Timestamp::now",
    "Zoned::now",
];

/// Top-level folders; hidden ones and what git ignores do not count.
const FOLDERS: &[&str] = &["deploy", "firmware", "gateway", "proto", "tests"];

/// Lines that a Rust file may have.
const MAX_LINES: usize = 500;

/// First folders of a path that only one machine has.
const MACHINE_FOLDERS: &[&str] = &["home", "root", "tmp", "work"];

/// A crate and what it names outside its tests.
#[derive(Debug)]
struct Package {
    folder: PathBuf,
    name: String,
    uses: BTreeSet<String>,
}

#[test]
fn every_edge_is_one_of_the_map() {
    assert_none(broken_edges(&every_package()));
}

#[test]
fn every_room_stands_where_the_map_says_and_no_other_does() {
    let found: BTreeMap<_, _> = every_package().into_iter().map(|p| (p.folder, p.name)).collect();
    let rooms = ROOMS.iter().chain(ALONE);
    let map: BTreeMap<_, _> =
        rooms.map(|(folder, name, _)| (root().join(folder), (*name).to_owned())).collect();
    assert_eq!(found, map);
}

/// `cargo deny` guards the same edges; a wrapper that it lets through and the map does not would
/// make one of the two a lie.
#[test]
fn deny_allows_no_edge_that_the_map_forbids() {
    let deny: toml::Table = toml::from_str(&read(&root().join("deny.toml"))).unwrap();
    let confined: BTreeSet<_> = CONFINED.iter().map(|(name, _)| *name).collect();
    let mut seen = BTreeSet::new();
    let mut wrong = Vec::new();
    for entry in deny["bans"]["deny"].as_array().unwrap() {
        let Some(wrappers) = entry.get("wrappers") else { continue };
        let guarded = entry["crate"].as_str().unwrap();
        seen.insert(guarded.to_owned());
        for wrapper in wrappers.as_array().unwrap().iter().map(|w| w.as_str().unwrap()) {
            wrong.extend(broken_edge(wrapper, guarded).map(|why| format!("deny.toml: {why}")));
        }
    }
    let must = ["muster-proto", "muster-intake", "muster-uplink", "muster-console"];
    wrong.extend(
        must.iter().chain(&confined).filter(|n| !seen.contains(**n)).map(|n| n.to_string()),
    );
    assert_none(wrong);
}

#[test]
fn pure_rooms_say_nothing_of_clocks_files_or_chance() {
    let mut wrong = Vec::new();
    for (folder, name, _) in ROOMS.iter().filter(|(_, name, _)| PURE.iter().any(|p| p.0 == *name)) {
        for file in files(&root().join(folder).join("src")) {
            let text = read(&file);
            let said = IMPURE.iter().filter(|word| text.contains(**word));
            wrong.extend(said.map(|word| format!("{name}: {} says {word}", file.display())));
        }
    }
    assert_none(wrong);
}

/// The commit path knows nothing of the views' store.
#[test]
fn only_the_views_speak_of_their_store() {
    let ledger = root().join("gateway/ledger/src");
    let outside = files(&ledger).into_iter().filter(|f| !f.starts_with(ledger.join("views")));
    assert_none(
        outside.filter(|f| read(f).contains("sled::")).map(|f| f.display().to_string()).collect(),
    );
}

#[test]
fn the_protocol_needs_no_operating_system() {
    let lib = read(&root().join("proto/src/lib.rs"));
    assert!(lib.lines().any(|line| line == "#![no_std]"), "proto is no longer no_std");
    assert!(!lib.contains("extern crate alloc"), "proto allocates");
}

#[test]
fn every_room_takes_the_lints_of_the_house() {
    let without = ROOMS.iter().filter(|(folder, ..)| {
        let manifest: toml::Table =
            toml::from_str(&read(&root().join(folder).join("Cargo.toml"))).unwrap();
        let lints = manifest.get("lints").and_then(|l| l.get("workspace"));
        lints.and_then(toml::Value::as_bool) != Some(true)
    });
    assert_none(without.map(|(folder, ..)| (*folder).to_owned()).collect());
}

#[test]
fn what_the_board_runs_is_what_the_host_tests() {
    let main = read(&root().join("Cargo.lock"));
    let locks = ALONE.iter().map(|(folder, ..)| read(&root().join(folder).join("Cargo.lock")));
    assert_none(locks.flat_map(|lock| disagreements(&lock, &main)).collect());
}

/// Those rooms cannot forbid it as a whole: somebody has to touch the registers.
#[test]
fn only_the_registers_are_unsafe() {
    let outside = ALONE.iter().flat_map(|(folder, ..)| files(&root().join(folder).join("src")));
    let code = |file: &PathBuf| {
        let text = read(file);
        let lines = text.lines().map(|line| line.split("//").next().unwrap_or_default());
        lines
            .flat_map(|line| line.split(|c: char| !c.is_alphanumeric() && c != '_'))
            .any(|word| word == "unsafe")
    };
    let wrong = outside.filter(|file| *file != root().join(UNSAFE) && code(file));
    assert_none(wrong.map(|file| file.display().to_string()).collect());
    assert!(code(&root().join(UNSAFE)), "nothing there is unsafe any more");
}

#[test]
fn the_top_folders_are_those_of_the_house() {
    let ignored = read(&root().join(".gitignore"));
    let ignored: Vec<_> = ignored.lines().filter_map(|line| line.strip_suffix('/')).collect();
    let folders: BTreeSet<_> = fs::read_dir(root())
        .unwrap()
        .map(|entry| entry.unwrap())
        .filter(|entry| entry.file_type().unwrap().is_dir())
        .map(|entry| entry.file_name().into_string().unwrap())
        .filter(|name| !name.starts_with('.') && !ignored.contains(&name.as_str()))
        .collect();
    assert_eq!(folders, FOLDERS.iter().map(|f| (*f).to_owned()).collect());
}

#[test]
fn no_rust_file_is_too_long() {
    let long = sources().into_iter().filter(|f| f.extension().is_some_and(|e| e == "rs"));
    let lines = |f: &PathBuf| read(f).lines().count();
    let long = long.map(|f| (lines(&f), f)).filter(|(lines, _)| *lines > MAX_LINES);
    assert_none(long.map(|(lines, f)| format!("{}: {lines} lines", f.display())).collect());
}

#[test]
fn no_file_has_a_path_of_one_machine() {
    let mut wrong = Vec::new();
    for file in sources() {
        // Images and the like are no text.
        let Ok(text) = fs::read_to_string(&file) else { continue };
        let lines = text.lines().enumerate().filter(|(_, line)| machine_path(line));
        wrong.extend(lines.map(|(n, line)| format!("{}:{}: {line}", file.display(), n + 1)));
    }
    assert_none(wrong);
}

#[test]
fn catalogues_of_a_room_say_the_same_things() {
    let catalogues = sources().into_iter().filter(|f| f.extension().is_some_and(|e| e == "ftl"));
    let (mut seen, mut wrong) = (0, Vec::new());
    for file in catalogues {
        let english = catalogue(&read(&english_of(&file)));
        wrong.extend(differences(&english, &catalogue(&read(&file)), &file.display().to_string()));
        seen += 1;
    }
    assert!(seen > 0, "no catalogues found");
    assert_none(wrong);
}

/// The English catalogue beside one of another language: `i18n/LANGUAGE.ftl`, or, where a room has
/// several, `i18n/LANGUAGE/TOPIC.ftl`.
fn english_of(file: &Path) -> PathBuf {
    let folder = file.parent().unwrap();
    if folder.ends_with("i18n") {
        return folder.join("en.ftl");
    }
    folder.with_file_name("en").join(file.file_name().unwrap())
}

/// Edges that the map does not have, in words.
fn broken_edges(packages: &[Package]) -> Vec<String> {
    let edges = packages.iter().flat_map(|p| p.uses.iter().map(|used| (p.name.as_str(), used)));
    edges.filter_map(|(name, used)| broken_edge(name, used)).collect()
}

/// Why `name` may not name `used`; nothing where it may.
fn broken_edge(name: &str, used: &str) -> Option<String> {
    let room = ROOMS.iter().chain(ALONE).find(|(_, room, _)| *room == name);
    let Some((.., may)) = room else { return Some(format!("{name} is not on the map")) };
    let ours = used == "muster" || used.starts_with("muster-");
    if ours && !may.contains(&used) {
        return Some(format!("{name} may not name {used}"));
    }
    if CONFINED.iter().any(|(guarded, to)| *guarded == used && !to.contains(&name)) {
        return Some(format!("{name} may not name {used}: {CONFINED:?}"));
    }
    let pure = PURE.iter().find(|(room, _)| *room == name).filter(|_| !ours);
    let impure = pure.is_some_and(|(_, uses)| !uses.contains(&used));
    impure.then(|| format!("{name} is pure and may not use {used}"))
}

/// The packages of all workspaces.
fn every_package() -> Vec<Package> {
    let alone = ALONE.iter().map(|(folder, ..)| root().join(folder));
    [root()].into_iter().chain(alone).flat_map(|root| packages(&root)).collect()
}

/// Where one lock has another version of a crate than the other, though the versions pass for the
/// same: what is tested on the host is then not what runs on the board.
fn disagreements(one: &str, other: &str) -> Vec<String> {
    let (one, other) = (locked(one), locked(other));
    let differ = one.iter().filter_map(|(line, version)| {
        let theirs = other.get(line).filter(|theirs| *theirs != version)?;
        Some(format!("{}: {version} here, {theirs} in the main lock", line.0))
    });
    differ.collect()
}

/// The versions of a lock, by crate and by what its version is compatible with.
fn locked(lock: &str) -> BTreeMap<(String, String), String> {
    let lock: toml::Table = toml::from_str(lock).unwrap();
    let packages = lock["package"].as_array().unwrap().iter();
    let text = |package: &toml::Value, key| package[key].as_str().unwrap().to_owned();
    packages
        .map(|package| {
            let version = text(package, "version");
            let mut parts = version.split('.');
            let line = match (parts.next(), parts.next()) {
                (Some("0"), Some(minor)) => format!("0.{minor}"),
                (major, _) => major.unwrap_or_default().to_owned(),
            };
            ((text(package, "name"), line), version)
        })
        .collect()
}

/// The packages of the workspace at `root`, by cargo's own reading of the manifests.
fn packages(root: &Path) -> Vec<Package> {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["metadata", "--no-deps", "--offline", "--format-version", "1"]);
    let output = cargo.current_dir(root).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "cargo metadata: {}\n{said}", output.status);
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    metadata["packages"].as_array().unwrap().iter().map(package).collect()
}

fn package(found: &Value) -> Package {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let uses = found["dependencies"].as_array().unwrap().iter();
    let uses = uses.filter(|dependency| dependency["kind"] != "dev");
    Package {
        folder: Path::new(&text(&found["manifest_path"])).parent().unwrap().to_owned(),
        name: text(&found["name"]),
        uses: uses.map(|dependency| text(&dependency["name"])).collect(),
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// Every file of the house: those at the top, and all below the top folders and `.ci`.
fn sources() -> Vec<PathBuf> {
    let top = fs::read_dir(root()).unwrap().map(|entry| entry.unwrap().path());
    // In a work tree of git's, `.git` is a file with a path.
    let mut found: Vec<_> = top.filter(|path| path.is_file() && !path.ends_with(".git")).collect();
    for folder in FOLDERS.iter().chain(&[".ci"]) {
        found.extend(files(&root().join(folder)));
    }
    found
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap()) {
        let (path, kind) = (entry.path(), entry.file_type().unwrap());
        if kind.is_dir() && entry.file_name() != "target" {
            found.extend(files(&path));
        } else if kind.is_file() {
            found.push(path);
        }
    }
    found
}

/// Whether a line names a file or folder that exists on one machine only.
fn machine_path(line: &str) -> bool {
    MACHINE_FOLDERS.iter().any(|folder| {
        let path = format!("/{folder}");
        line.match_indices(&path).any(|(at, _)| {
            let before = line[..at].chars().next_back();
            let after = line[at + path.len()..].chars().next();
            let inside = |c: char| c.is_alphanumeric() || "._-/}>~".contains(c);
            !before.is_some_and(inside) && after.is_some_and(|c| "/\"'`".contains(c))
        })
    })
}

/// A Fluent catalogue: each message and attribute with the variables it names.
fn catalogue(text: &str) -> BTreeMap<String, BTreeSet<String>> {
    let mut found: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let (mut message, mut entry) = (String::new(), String::new());
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let key = line.split_once('=').map(|(key, _)| key.trim_end());
        match key {
            Some(key) if key.starts_with(|c: char| c.is_ascii_alphabetic() || c == '-') => {
                (message, entry) = (key.to_owned(), key.to_owned());
            }
            Some(key) if key.trim_start().starts_with('.') => {
                entry = message.clone() + key.trim_start();
            }
            _ if entry.is_empty() => continue,
            _ => {}
        }
        let name = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        let variables = line.split('$').skip(1).map(|rest| rest.split(|c| !name(c)).next());
        let known = found.entry(entry.clone()).or_default();
        known.extend(variables.flatten().map(str::to_owned));
    }
    found
}

/// Where a translation lacks a message, has one too many, or names what English does not give it.
fn differences(
    english: &BTreeMap<String, BTreeSet<String>>,
    other: &BTreeMap<String, BTreeSet<String>>,
    name: &str,
) -> Vec<String> {
    let missing = english.keys().filter(|key| !other.contains_key(*key));
    let mut wrong: Vec<_> = missing.map(|key| format!("{name}: no {key}")).collect();
    for (key, variables) in other {
        match english.get(key) {
            None => wrong.push(format!("{name}: {key} is not in en.ftl")),
            Some(known) => wrong.extend(
                variables.difference(known).map(|v| format!("{name}: {key} is not given ${v}")),
            ),
        }
    }
    wrong
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Fails with a line for each.
#[track_caller]
fn assert_none(wrong: Vec<String>) {
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}
