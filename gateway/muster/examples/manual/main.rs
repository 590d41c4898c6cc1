//! Writes the man pages and shell completions of `muster`, from the same command line that the
//! program parses, so that they cannot disagree: `manual FOLDER` makes `FOLDER/man/*.1` and
//! `FOLDER/completions/{bash/muster,_muster,muster.fish}`. `deploy/package/build` packs them.
#![forbid(unsafe_code)]
#![allow(dead_code)]

mod cli;

use clap::CommandFactory as _;
use clap_complete::Shell;
use std::path::PathBuf;
use std::{env, fs, io};

fn main() -> io::Result<()> {
    let Some(folder) = env::args_os().nth(1).map(PathBuf::from) else {
        return Err(io::Error::other("name the folder to write to"));
    };
    let man = folder.join("man");
    fs::create_dir_all(&man)?;
    clap_mangen::generate_to(cli::Cli::command(), &man)?;
    let completions = folder.join("completions");
    fs::create_dir_all(&completions)?;
    for shell in [Shell::Bash, Shell::Zsh, Shell::Fish] {
        clap_complete::generate_to(shell, &mut cli::Cli::command(), "muster", &completions)?;
    }
    // bash finds it by the program's own name.
    let bash = completions.join("bash");
    fs::create_dir_all(&bash)?;
    fs::rename(completions.join("muster.bash"), bash.join("muster"))
}
