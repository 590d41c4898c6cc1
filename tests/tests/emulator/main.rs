//! The hardware in the loop: the M1's real image in an emulator, on a wire to a real gateway, with
//! a fingerprint module of simulated packets. Needs qemu-system-arm and the image
//! (`firmware/build m1`), and fails where they are missing. More power failures:
//! `cargo run -p muster-tests --bin faults -- emulator 200`.

#![allow(clippy::print_stdout)]

mod board;
mod drain;
mod fingers;
mod hostile;
mod line;
mod manage;
mod power;
mod stage;
mod strangers;
mod update;
