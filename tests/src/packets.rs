//! Packets that leave for a port, counted by the kernel: what a capture on the wire would show.

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;
use std::io::Write as _;
use std::process::{Command, Stdio};

/// Counts from its making on; gone when it is dropped. Needs root and nftables.
#[derive(Debug)]
pub struct Packets {
    table: String,
}

impl Packets {
    /// Counts what is sent to `port`, whoever sends it.
    pub fn to(port: u16) -> Result<Self> {
        let table = format!("muster_test_{}_{port}", std::process::id());
        let rules = format!(
            "table inet {table} {{\n counter sent {{ }}\n chain leaving {{\n type filter hook output \
             priority 0\n tcp dport {port} counter name sent\n }}\n}}\n"
        );
        let mut nft = Command::new("nft").args(["-f", "-"]).stdin(Stdio::piped()).spawn()?;
        nft.stdin.take().context("no input")?.write_all(rules.as_bytes())?;
        ensure!(nft.wait()?.success(), "nft takes no rules");
        Ok(Self { table })
    }

    /// Packets and bytes so far, those of the protocols below included.
    pub fn count(&self) -> Result<(u64, u64)> {
        let list = ["-j", "list", "counters", "table", "inet", &self.table];
        let output = Command::new("nft").args(list).output()?;
        let told: Value = serde_json::from_slice(&output.stdout)?;
        let rows = told["nftables"].as_array().context("no counters")?;
        let counter = rows.iter().find_map(|row| row.get("counter")).context("no counter")?;
        let number = |key: &str| counter[key].as_u64().context("no number");
        Ok((number("packets")?, number("bytes")?))
    }
}

impl Drop for Packets {
    fn drop(&mut self) {
        let _ = Command::new("nft").args(["delete", "table", "inet", &self.table]).status();
    }
}
