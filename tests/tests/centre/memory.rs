//! Looks for planted bytes in a process's memory and in files.

use anyhow::{Context as _, Result};
use muster_tests::random::Random;
use std::collections::HashMap;
use std::fs::{self, File};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

/// Bytes in a row that make a find.
const WINDOW: usize = 8;
/// Bytes of a process's memory that are looked at together.
const CHUNK: usize = 1 << 20;
/// Letters of a person's number: no chance repeats twelve of them.
const LETTERS: &[u8] = b"ABCDEFGHJKLMNPQRSTUVWXYZ23456789";

/// What must not be found.
pub(crate) struct Planted {
    random: Random,
    windows: HashMap<[u8; WINDOW], String>,
    /// Whether any window begins with these two bytes.
    begins: Vec<bool>,
}

impl Planted {
    pub(crate) fn new(random: Random) -> Self {
        Self { random, windows: HashMap::new(), begins: vec![false; 1 << 16] }
    }

    /// Unique bytes for a piece of evidence.
    pub(crate) fn evidence(&mut self, name: &str, length: usize) -> Vec<u8> {
        let bytes: Vec<u8> = (0..length).map(|_| self.random.next() as u8).collect();
        self.plant(name, &bytes);
        bytes
    }

    /// A person's number that is like no other text.
    pub(crate) fn person(&mut self) -> String {
        let letter = |random: &mut Random| LETTERS[random.below(LETTERS.len() as u64) as usize];
        let text: Vec<u8> = (0..12).map(|_| letter(&mut self.random)).collect();
        self.plant("a person's number", &text);
        String::from_utf8_lossy(&text).into_owned()
    }

    fn plant(&mut self, name: &str, bytes: &[u8]) {
        for window in bytes.windows(WINDOW) {
            self.begins[begin(window)] = true;
            self.windows.insert(window.try_into().unwrap(), name.to_owned());
        }
    }

    /// What is found, each once.
    pub(crate) fn find(&self, bytes: &[u8]) -> Vec<&str> {
        let windows = bytes.windows(WINDOW).filter(|w| self.begins[begin(w)]);
        let mut found: Vec<_> =
            windows.filter_map(|w| self.windows.get(w).map(String::as_str)).collect();
        found.sort_unstable();
        found.dedup();
        found
    }
}

fn begin(window: &[u8]) -> usize {
    usize::from(window[0]) << 8 | usize::from(window[1])
}

/// All readable memory of a process that is its own or of its files.
pub(crate) fn memory(pid: u32) -> Result<Vec<u8>> {
    let maps = fs::read_to_string(format!("/proc/{pid}/maps"))?;
    let memory = File::open(format!("/proc/{pid}/mem"))?;
    let mut bytes = Vec::new();
    for line in maps.lines() {
        let mut fields = line.split_whitespace();
        let (range, access) = (fields.next(), fields.next());
        // The kernel's own pages cannot be read so.
        if line.contains("[v") || !access.is_some_and(|a| a.starts_with("rw")) {
            continue;
        }
        let (from, to) = range.and_then(|r| r.split_once('-')).context("a line of maps")?;
        let (from, to) = (u64::from_str_radix(from, 16)?, u64::from_str_radix(to, 16)?);
        let mut at = from;
        while at < to {
            let mut chunk = vec![0; CHUNK.min((to - at) as usize)];
            // Pages may go while we look.
            if memory.read_exact_at(&mut chunk, at).is_ok() {
                bytes.extend_from_slice(&chunk);
            }
            at += chunk.len() as u64;
        }
    }
    Ok(bytes)
}

/// All files below a folder with what they hold.
pub(crate) fn files(folder: &Path) -> Result<Vec<(PathBuf, Vec<u8>)>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            found.extend(files(&path)?);
        } else if path.is_file() {
            found.push((path.clone(), fs::read(&path)?));
        }
    }
    Ok(found)
}

#[test]
fn what_is_planted_is_found_in_our_own_memory() {
    let mut planted = Planted::new(Random::new(11));
    let bytes = planted.evidence("a template", 64);
    assert!(planted.find(&memory(std::process::id()).unwrap()).contains(&"a template"));
    assert_eq!(planted.find(&bytes), ["a template"]);
    assert!(planted.find(&[0; 4096]).is_empty());
}
