//! Options of `muster backup`, `restore`, `doctor` and `resend`.

use super::BoxArgs;
use clap::Args;
use std::path::PathBuf;

#[derive(Args)]
pub(crate) struct BackupArgs {
    /// The backup: a file, grown by what is new, or a folder that is there, as a mounted disk
    #[arg(long, value_name = "FILE")]
    pub(crate) to: PathBuf,
    /// Make new recovery sheets, after old ones were lost: those open nothing that is written from
    /// now on. Shows the new ones and asks one back
    #[arg(long)]
    pub(crate) new_sheets: bool,
    #[command(flatten)]
    pub(crate) at: BoxArgs,
}

#[derive(Args)]
pub(crate) struct RestoreArgs {
    /// The backup, or the folder that it is alone in
    #[arg(long, value_name = "FILE")]
    pub(crate) from: PathBuf,
    /// Restore the whole box below this folder [default: where the configuration is]
    #[arg(long, value_name = "DIR", conflicts_with = "config")]
    pub(crate) into: Option<PathBuf>,
    /// A file with the text of a recovery sheet; give two. Without them they are asked for
    #[arg(long, value_name = "FILE")]
    pub(crate) sheet: Vec<PathBuf>,
    /// A newer backup of this box: whom it has erased is erased here too
    #[arg(long, value_name = "FILE")]
    pub(crate) erased_in: Vec<PathBuf>,
    /// Set the data that is there aside without asking
    #[arg(long)]
    pub(crate) yes: bool,
    /// Only try it: restore into a folder of its own, compare every digest, and remove it
    #[arg(long)]
    pub(crate) drill: bool,
    #[command(flatten)]
    pub(crate) at: BoxArgs,
}

#[derive(Args)]
pub(crate) struct DoctorArgs {
    /// Write a support bundle, a tar archive that holds nothing personal
    #[arg(long, value_name = "FILE")]
    pub(crate) bundle: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) at: BoxArgs,
}

#[derive(Args)]
pub(crate) struct ResendArgs {
    /// The destination, as the policy names it
    #[arg(long, value_name = "D")]
    pub(crate) destination: String,
    /// What was settled since then: 2026-12-01 or 2026-12-01T09:00:00+08:00
    #[arg(long, value_name = "TIME")]
    pub(crate) since: String,
    #[command(flatten)]
    pub(crate) at: BoxArgs,
}
