//! How the program is linked: relocations packed (ELF's `DT_RELR`, which Debian 12's C library
//! reads), because the loader touches every one of them and an idle box would go on holding them.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    if std::env::var("CARGO_CFG_TARGET_ENV").is_ok_and(|libc| libc == "gnu") {
        println!("cargo::rustc-link-arg-bins=-Wl,-z,pack-relative-relocs");
    }
}
