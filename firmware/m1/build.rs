//! Hands the board's memory map to the linker.

use std::path::PathBuf;
use std::{env, fs};

const MEMORY: &str = "src/board/lm3s6965evb/memory.x";

fn main() {
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets OUT_DIR"));
    fs::copy(MEMORY, out.join("memory.x")).expect("the memory map can be copied");
    println!("cargo:rustc-link-search={}", out.display());
    println!("cargo:rustc-link-arg-bins=-Tlink.x");
    println!("cargo:rerun-if-changed={MEMORY}");
    println!("cargo:rerun-if-changed=build.rs");
}
