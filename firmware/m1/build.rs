//! Hands the board's memory maps to the linker: one for each program.

use std::path::PathBuf;
use std::{env, fs};

const BOARD: &str = "src/board/lm3s6965evb";

fn main() {
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets OUT_DIR"));
    for (program, map) in [("muster-m1", "memory.x"), ("muster-m1-boot", "boot.x")] {
        let (from, folder) = (PathBuf::from(BOARD).join(map), out.join(program));
        fs::create_dir_all(&folder).expect("a folder can be made");
        fs::copy(&from, folder.join("program.x")).expect("the memory map can be copied");
        println!("cargo:rustc-link-arg-bin={program}=-L{}", folder.display());
        println!("cargo:rerun-if-changed={}", from.display());
    }
    // Found before any other of that name; what it includes lies in each program's own folder.
    fs::write(out.join("memory.x"), "INCLUDE program.x\n").expect("a file can be written");
    println!("cargo:rustc-link-search={}", out.display());
    println!("cargo:rustc-link-arg-bins=-Tlink.x");
    println!("cargo:rerun-if-changed=build.rs");
}
