//! Benchmarks: `cargo run --release -p muster-tests --bin bench -- all`, or the names of some.
//! Prints a table; ratios hold within one run on one machine. Needs mosquitto,
//! and for `m1` and `m1-queue` the image and qemu-system-arm.

mod backlog;
mod bench_box;
mod boards;
mod connections;
mod disk;
mod growth;
mod idle;
mod lists;
mod load;
mod m1;
mod office;
mod peer;
mod promises;
mod receipts;
mod region;
mod table;
mod terminal;

use anyhow::{Result, bail};
use table::{Row, table};

/// Measures some figures.
type Bench = fn() -> Result<Vec<Row>>;

/// What can be measured, in the order of `all`.
const ALL: [(&str, Bench); 13] = [
    ("idle", idle::idle),
    ("latency", receipts::latency),
    ("receipts", receipts::receipts),
    ("region", region::region),
    ("backlog", backlog::backlog),
    ("disk", disk::disk),
    ("growth", growth::growth),
    ("connections", connections::connections),
    ("m1", m1::fingers),
    ("m1-queue", m1::queue),
    ("office", office::office),
    ("slo", promises::slo),
    ("held", promises::held),
];

#[allow(clippy::print_stdout, clippy::print_stderr)]
fn main() -> Result<()> {
    let names: Vec<String> = std::env::args().skip(1).collect();
    let known = |name: &String| name == "all" || ALL.iter().any(|(known, _)| known == name);
    if names.is_empty() || !names.iter().all(known) {
        bail!("usage: bench all, or some of {:?}", ALL.map(|(name, _)| name));
    }
    if cfg!(debug_assertions) {
        eprintln!("a debug build: its figures say nothing; use --release");
    }
    let mut rows = Vec::new();
    for (name, measure) in ALL {
        if names.iter().any(|asked| asked == name || asked == "all") {
            eprintln!("{name} …");
            let measured = measure()?;
            eprint!("{}", table(&measured));
            rows.extend(measured);
        }
    }
    println!("{}\n\n{}", machine(), table(&rows));
    Ok(())
}

/// What it ran on.
fn machine() -> String {
    let text = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
    let cpu = text("/proc/cpuinfo");
    let cpu = cpu.lines().find_map(|l| l.strip_prefix("model name")).unwrap_or(": unknown");
    let cores = std::thread::available_parallelism().map_or(0, |n| n.get());
    let kernel = text("/proc/sys/kernel/osrelease");
    let load = text("/proc/loadavg");
    format!(
        "{} × {}, Linux {}, {}; load before the end {}",
        cores,
        cpu.trim_start_matches([' ', '\t', ':']),
        kernel.trim(),
        peer::version(),
        load.split(' ').next().unwrap_or_default()
    )
}
