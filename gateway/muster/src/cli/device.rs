//! `muster device`.

use super::{BoxArgs, Kind};
use clap::{Args, Subcommand};
use std::path::PathBuf;

#[derive(Subcommand)]
pub(crate) enum DeviceCommand {
    /// Pair a device: by a one-time code at the wall, or by its credentials, written once
    #[command(
        after_help = "Examples: muster device pair --kind m2 --name gate-07 --code\n          \
                      muster device pair --kind m1 --name gate-08 --out gate-08/"
    )]
    Pair {
        /// What it is
        #[arg(long)]
        kind: Kind,
        /// Its name: 1 to 64 characters, none of / + #
        #[arg(long)]
        name: String,
        /// The C1 that speaks for it
        #[arg(long, value_name = "C1")]
        carrier: Option<String>,
        /// Its address on a serial line (1 to 247)
        #[arg(long, value_parser = clap::value_parser!(u8).range(1..=247))]
        address: Option<u8>,
        /// Folder for the credentials
        #[arg(long, value_name = "DIR")]
        out: Option<PathBuf>,
        /// Show a code, good for ten minutes and one m2 or c1, and wait for its first punch
        #[arg(long, conflicts_with_all = ["out", "address"])]
        code: bool,
        /// The box as that device reaches it, where that is not one of mqtt.names nor the address that
        /// the box listens on
        #[arg(long, requires = "code")]
        host: Option<String>,
        #[command(flatten)]
        at: BoxArgs,
    },
    /// Make the card of an M1 on bare metal from its credentials
    #[command(after_help = "Users: CSV with page,number,duress (yes or no); page is where the \
                      module keeps the finger\n\
                      Example: muster device card --name gate-07 --credentials gate-07/ \
                      --site mo-hq --users users.csv --out gate-07.img")]
    Card(CardArgs),
    /// All devices with their state and when they were last seen
    #[command(after_help = "Example: muster device list")]
    List {
        #[command(flatten)]
        at: BoxArgs,
    },
    /// Shut a device out at once, open connections too
    #[command(after_help = "Example: muster device revoke gate-07")]
    Revoke {
        /// Name of the device
        name: String,
        #[command(flatten)]
        at: BoxArgs,
    },
    /// Give an M1 users, or change which fingers are theirs
    #[command(after_help = "FILE: CSV with page,number,duress (yes or no)\n\
                      Example: muster device users gate-07 users.csv")]
    Users {
        /// Name of the device
        name: String,
        /// The CSV file
        file: PathBuf,
        #[command(flatten)]
        at: BoxArgs,
    },
    /// Give a user of an M1 a PIN, read from standard input: 4 to 8 digits
    #[command(after_help = "Example: muster device pin gate-07 00017 < pin.txt")]
    Pin {
        /// Name of the device
        name: String,
        /// Number of the user, as the terminal sends it
        number: String,
        /// Take the PIN away
        #[arg(long)]
        clear: bool,
        #[command(flatten)]
        at: BoxArgs,
    },
    /// Have an M1 take a user's finger; only where notice, basis and age are on record
    #[command(after_help = "Example: muster device enrol gate-07 00017 --page 12")]
    Enrol {
        /// Name of the device
        name: String,
        /// Number of the user, as the terminal sends it
        number: String,
        /// Where its module keeps the finger
        #[arg(long)]
        page: u16,
        #[command(flatten)]
        at: BoxArgs,
    },
    /// Put a user's finger from one M1 of this site into another; only where notice, basis and age
    /// are on record
    #[command(after_help = "Example: muster device copy gate-07 12 yard-01 00017 --page 3")]
    Copy {
        /// The M1 that has the finger
        from: String,
        /// Where its module keeps it
        from_page: u16,
        /// The M1 that is to have it too; it knows the user (`muster device users`)
        to: String,
        /// Number of the user, as the terminal sends it
        number: String,
        /// Where its module is to keep it
        #[arg(long)]
        page: u16,
        #[command(flatten)]
        at: BoxArgs,
    },
    /// Have an M1 erase a user's fingers
    #[command(after_help = "Example: muster device erase gate-07 00017 --and-user")]
    Erase {
        /// Name of the device
        name: String,
        /// Number of the user, as the terminal sends it
        number: String,
        /// The user too, with their PIN
        #[arg(long)]
        and_user: bool,
        #[command(flatten)]
        at: BoxArgs,
    },
    /// Have an M1 set its clock by the box's
    #[command(after_help = "Example: muster device clock gate-08")]
    Clock {
        /// Name of the device
        name: String,
        #[command(flatten)]
        at: BoxArgs,
    },
    /// Have an M1 beep and blink, so that somebody finds it
    #[command(after_help = "Example: muster device identify gate-08")]
    Identify {
        /// Name of the device
        name: String,
        /// For how long
        #[arg(long, default_value_t = 10)]
        seconds: u8,
        #[command(flatten)]
        at: BoxArgs,
    },
    /// Send an M1 signed firmware, which it starts by itself
    #[command(after_help = "Example: muster device update gate-07 m1-2.mufw")]
    Update {
        /// Name of the device
        name: String,
        /// File of the signed image
        image: PathBuf,
        #[command(flatten)]
        at: BoxArgs,
    },
    /// Ask an M1 to send again what it still keeps, as after a restore; stored once
    #[command(after_help = "Example: muster device again gate-08")]
    Again {
        /// Name of the device
        name: String,
        /// From this punch on, as BOOT/NUMBER
        #[arg(long, value_parser = boot_and_number)]
        since: Option<(u32, u64)>,
        #[command(flatten)]
        at: BoxArgs,
    },
    /// What the journal has of a device: its event log, its tasks, its refusals
    #[command(after_help = "Example: muster device log gate-08")]
    Log {
        /// Name of the device
        name: String,
        #[command(flatten)]
        at: BoxArgs,
    },
}

fn boot_and_number(text: &str) -> Result<(u32, u64), String> {
    let parts =
        text.split_once('/').and_then(|(boot, seq)| Some((boot.parse().ok()?, seq.parse().ok()?)));
    parts.ok_or_else(|| "two numbers, as 3/1042".to_owned())
}

#[derive(Args)]
pub(crate) struct CardArgs {
    /// Its name, as it was paired
    #[arg(long)]
    pub(crate) name: String,
    /// The folder that `muster device pair` wrote
    #[arg(long, value_name = "DIR")]
    pub(crate) credentials: PathBuf,
    /// Its address on the serial line
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u8).range(0..=247))]
    pub(crate) address: u8,
    /// Whose fingers its module has
    #[arg(long, value_name = "FILE")]
    pub(crate) users: Option<PathBuf>,
    /// The site that it stands at, as `[box] site` has it; without one it takes no tasks
    #[arg(long)]
    pub(crate) site: Option<String>,
    /// The signed firmware that it begins with (`firmware/sign`)
    #[arg(long, value_name = "FILE", requires = "firmware_key")]
    pub(crate) firmware: Option<PathBuf>,
    /// The public Ed25519 key of its firmware, 64 hex digits
    #[arg(long, value_name = "FILE", requires = "firmware")]
    pub(crate) firmware_key: Option<PathBuf>,
    /// Size of the card in MiB: 1, 2, 4, 8 or 16; the first keeps some 2,000 punches, each more
    /// 4,000
    #[arg(long, value_name = "MIB", default_value_t = 1, value_parser = power_of_two)]
    pub(crate) mebibytes: u8,
    /// The card's image, a new file; it holds the pairing secret
    #[arg(long, value_name = "FILE")]
    pub(crate) out: PathBuf,
    /// Print one JSON document
    #[arg(long)]
    pub(crate) json: bool,
}

/// Emulated cards have sizes that are powers of two.
fn power_of_two(text: &str) -> Result<u8, String> {
    let size = text.parse().ok().filter(|size: &u8| size.is_power_of_two() && *size <= 16);
    size.ok_or_else(|| "one of 1, 2, 4, 8, 16".to_owned())
}
