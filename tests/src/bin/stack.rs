//! Prints how much stack an image can need at most: `cargo run -p muster-tests --bin stack IMAGE`.

use anyhow::{Context as _, Result};
use muster_tests::stack::bound;

#[allow(clippy::print_stdout)]
fn main() -> Result<()> {
    let image = std::env::args_os().nth(1).context("usage: stack IMAGE, an ELF file")?;
    println!("{:?}", bound(image.as_ref())?);
    Ok(())
}
