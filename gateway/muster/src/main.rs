//! The `muster` binary: command line, configuration, wiring, signals.
fn main() {}
