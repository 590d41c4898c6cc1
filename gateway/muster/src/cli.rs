//! The command line: names and options only; what they do is in `command`.

mod backup;
mod device;
mod legal;
mod person;
pub(crate) mod report;
mod user;

pub(crate) use backup::*;
pub(crate) use device::*;
pub(crate) use legal::*;
pub(crate) use person::*;
pub(crate) use user::*;

use clap::{Args, Parser, Subcommand, ValueEnum};
use std::path::PathBuf;

/// On-prem gateway for attendance hardware: keeps biometrics on site, forwards only what a signed
/// residency policy names.
#[derive(Parser)]
#[command(name = "muster", version, about, max_term_width = 100)]
pub(crate) struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Which box a command speaks to.
#[derive(Args, Clone)]
pub(crate) struct BoxArgs {
    /// Configuration of the box [default: ./gateway.toml, then /etc/muster/gateway.toml]
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Print one JSON document
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Run the whole product with nothing installed: terminals, regions, policy and page
    #[command(after_help = "Example: muster demo --for 30 --json")]
    Demo(DemoArgs),
    /// Run the gateway
    #[command(after_help = "Example: muster run --config /etc/muster/gateway.toml")]
    Run(BoxArgs),
    /// Read configuration, policy, keys and ports; print every problem with its cure
    #[command(after_help = "Example: muster check --config gateway.toml")]
    Check(BoxArgs),
    /// Set up a box: keys, device CA, first administrator, configuration; then start it
    #[command(
        after_help = "Example: muster init --yes --dir /etc/muster --site mo-hq --jurisdiction MO \
                      --time-zone Asia/Macau --signer ho.mei:dpo:ho.mei.key.pub"
    )]
    Init(InitArgs),
    /// Pair, list and revoke terminals
    Device {
        #[command(subcommand)]
        command: DeviceCommand,
    },
    /// Import, show and map people
    Person {
        #[command(subcommand)]
        command: PersonCommand,
    },
    /// Check, sign, publish and explain residency policies
    Policy {
        #[command(subcommand)]
        command: PolicyCommand,
    },
    /// Legal evidence on file: contracts, filings, assessments
    Papers {
        #[command(subcommand)]
        command: PapersCommand,
    },
    /// People's consents
    Consent {
        #[command(subcommand)]
        command: ConsentCommand,
    },
    /// Notices to the people concerned, by version
    Notice {
        #[command(subcommand)]
        command: NoticeCommand,
    },
    /// Exports counted against the law's thresholds
    Counters {
        #[command(subcommand)]
        command: CountersCommand,
    },
    /// The emergency stop: nothing leaves
    LocalOnly(LocalOnlyArgs),
    /// Approve a request of another person, or let a record go
    Approve(ApproveArgs),
    /// Requests that need two people
    #[command(after_help = "Example: muster requests")]
    Requests(BoxArgs),
    /// Accounts of the page: who may log in
    User {
        #[command(subcommand)]
        command: UserCommand,
    },
    /// Who may sign policies and approve requests
    Signers {
        #[command(subcommand)]
        command: SignersCommand,
    },
    /// Attendance sheets
    Sheet {
        #[command(subcommand)]
        command: SheetCommand,
    },
    /// Verify, export and re-index the journal
    Journal {
        #[command(subcommand)]
        command: JournalCommand,
    },
    /// Attendance records, as the page shows them
    #[command(
        after_help = "Example: muster records --from 2026-12-01 --to 2026-12-31 --format csv\n\
                      Example: muster records --format xlsx > records.xlsx"
    )]
    Records(RecordsArgs),
    /// What an auditor asks for: documents, signed files
    #[command(after_help = "Example: muster report flows --format svg --out flows.svg\n\
                      Example: muster report audit-pack --from 2026-11-01 --to 2026-11-30 \
                      --out audit-2026-11.tar")]
    Report(report::ReportArgs),
    /// Write an encrypted backup, or add what is new to one; reads it back
    #[command(after_help = "Example: muster backup --to /var/backups/muster")]
    Backup(BackupArgs),
    /// Put a backup in place of a box, or try it with --drill
    #[command(after_help = "Example: muster restore --from /mnt/disk/muster-mo-hq.backup\n\
                      Example: muster restore --from muster-mo-hq.backup --drill")]
    Restore(RestoreArgs),
    /// Queue again what a region settled and then lost; its ids stay the same
    #[command(after_help = "Example: muster resend --destination hk-payroll --since 2026-12-01")]
    Resend(ResendArgs),
    /// Look at everything, with cause and cure: exit 0 well, 1 warnings, 2 broken
    #[command(after_help = "Example: muster doctor\n\
                      Example: muster doctor --bundle support.tar")]
    Doctor(DoctorArgs),
    /// What the box is doing now
    #[command(after_help = "Example: muster status --json")]
    Status(BoxArgs),
}

#[derive(Args)]
pub(crate) struct DemoArgs {
    /// Stop by itself after this many seconds and print a summary
    #[arg(long = "for", value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=86_400))]
    pub(crate) seconds: Option<u64>,
    /// Print the summary as one JSON document
    #[arg(long)]
    pub(crate) json: bool,
    /// Run the M1's bare-metal image in QEMU in place of the simulated M1
    #[arg(long)]
    pub(crate) qemu: bool,
    /// The image [default: firmware/m1/target/thumbv7m-none-eabi/release/muster-m1]
    #[arg(long, value_name = "FILE", requires = "qemu")]
    pub(crate) image: Option<PathBuf>,
}

#[derive(Args)]
pub(crate) struct InitArgs {
    /// Ask nothing; take the options and defaults
    #[arg(long)]
    pub(crate) yes: bool,
    /// Where everything goes
    #[arg(long, value_name = "DIR", default_value = ".")]
    pub(crate) dir: PathBuf,
    /// Name of this site, as policies write it
    #[arg(long, value_name = "NAME")]
    pub(crate) site: Option<String>,
    /// Jurisdiction of this site, as MO, HK, SG, CN, MY, JP, EU
    #[arg(long, value_name = "CODE")]
    pub(crate) jurisdiction: Option<String>,
    /// Time zone of this site, as Asia/Macau
    #[arg(long, value_name = "ZONE")]
    pub(crate) time_zone: Option<String>,
    /// Who may sign policies; may be given several times
    #[arg(long, value_name = "PERSON:ROLE:PUBLIC_KEY_FILE")]
    pub(crate) signer: Vec<String>,
    /// Leave the service as it is; without this the package's service is started
    #[arg(long)]
    pub(crate) no_start: bool,
    /// Print one JSON document, and ask nothing
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum Kind {
    M1,
    M2,
    C1,
    Reader,
}

#[derive(Subcommand)]
pub(crate) enum PolicyCommand {
    /// Every problem of a policy, with its line and cure
    #[command(after_help = "Example: muster policy check policy.toml")]
    Check {
        /// The policy file
        policy: PathBuf,
        /// Law pack [default: the box's]
        #[arg(long, value_name = "FILE")]
        law_pack: Option<PathBuf>,
        #[command(flatten)]
        at: BoxArgs,
    },
    /// What changes from the policy in force: tightens, loosens or neutral
    #[command(after_help = "Example: muster policy diff policy-8.toml")]
    Diff {
        /// The policy file
        policy: PathBuf,
        /// Compare with this policy instead of the one in force
        #[arg(long, value_name = "FILE")]
        from: Option<PathBuf>,
        /// Law pack [default: the box's]
        #[arg(long, value_name = "FILE")]
        law_pack: Option<PathBuf>,
        #[command(flatten)]
        at: BoxArgs,
    },
    /// Make a signer's key
    #[command(
        after_help = "Example: muster policy key --person ho.mei --role dpo --out ho.mei.key"
    )]
    Key {
        /// Whose key it is
        #[arg(long)]
        person: String,
        /// Their role, as dpo
        #[arg(long)]
        role: String,
        /// The private half; the public half goes to FILE.pub
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
        /// Print one JSON document
        #[arg(long)]
        json: bool,
    },
    /// Sign a policy; the signature is added to POLICY.sig
    #[command(after_help = "Example: muster policy sign policy.toml --key ho.mei.key")]
    Sign {
        /// The policy file
        policy: PathBuf,
        /// The signer's private key
        #[arg(long, value_name = "FILE")]
        key: PathBuf,
        /// Law pack [default: the box's]
        #[arg(long, value_name = "FILE")]
        law_pack: Option<PathBuf>,
        #[command(flatten)]
        at: BoxArgs,
    },
    /// Try a policy on the records of the last thirty days; nothing is sent
    #[command(after_help = "Example: muster policy shadow policy-8.toml")]
    Shadow {
        /// The policy file
        policy: PathBuf,
        /// Law pack [default: the box's]
        #[arg(long, value_name = "FILE")]
        law_pack: Option<PathBuf>,
        #[command(flatten)]
        at: BoxArgs,
    },
    /// Every version that was accepted, and whose word it is in force by
    #[command(after_help = "Example: muster policy history")]
    History {
        #[command(flatten)]
        at: BoxArgs,
    },
    /// Write an accepted version out again under the next number, to be signed and published
    #[command(after_help = "Example: muster policy rollback 6 --out policy-8.toml
                      Its dates are as they were, and are checked like any other's")]
    Rollback {
        /// Number of the version
        version: u32,
        /// File to write
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
        #[command(flatten)]
        at: BoxArgs,
    },
    /// Put a signed policy in force
    #[command(after_help = "Example: muster policy publish policy.toml")]
    Publish {
        /// The policy file
        policy: PathBuf,
        #[command(flatten)]
        at: BoxArgs,
    },
    /// Why a record went or waits, in words
    #[command(after_help = "Example: muster policy explain 01M8FYSNEW000G000000000001")]
    Explain {
        /// Id of the record, as `muster records` gives it
        record: String,
        #[command(flatten)]
        at: BoxArgs,
    },
    /// Evaluate vectors from their inputs alone
    #[command(
        after_help = "Example: muster policy replay vectors.json --policies policies --law-pack lawpack.toml"
    )]
    Replay {
        /// The file of vectors
        vectors: PathBuf,
        /// Folder of the policies
        #[arg(long, value_name = "DIR")]
        policies: PathBuf,
        /// Law pack [default: the box's]
        #[arg(long, value_name = "FILE")]
        law_pack: PathBuf,
        /// Print one JSON document
        #[arg(long)]
        json: bool,
    },
}

#[derive(Subcommand)]
pub(crate) enum SheetCommand {
    /// Everybody's sheet of a month, as the page shows it
    #[command(after_help = "Example: muster sheet month 2026-12\n\
                      Example: muster sheet month 2026-12 --department Kitchen --json")]
    Month {
        /// As 2026-12
        #[arg(value_parser = month)]
        month: jiff::civil::Date,
        /// Of this department alone
        #[arg(long, value_name = "NAME")]
        department: Option<String>,
        #[command(flatten)]
        at: BoxArgs,
    },
    /// Evaluate attendance vectors from their inputs alone
    #[command(after_help = "Example: muster sheet replay vectors.json")]
    Replay {
        /// The file of vectors
        vectors: PathBuf,
        /// Print one JSON document
        #[arg(long)]
        json: bool,
    },
}

/// The first day of a month written as `2026-12`.
fn month(text: &str) -> Result<jiff::civil::Date, String> {
    let first = format!("{text}-01").parse().ok().filter(|_| text.len() == 7);
    first.ok_or_else(|| "a month is written as 2026-12".to_owned())
}

#[derive(Subcommand)]
pub(crate) enum JournalCommand {
    /// Check the chain, segment by segment: exit 0 whole, 1 damaged, 2 cannot read
    #[command(after_help = "Example: muster journal verify")]
    Verify {
        #[command(flatten)]
        at: BoxArgs,
    },
    /// Decide every record again as at its receipt, at changes of facts and at its sending, and
    /// compare: exit 0 all the same, 1 if not
    #[command(after_help = "Example: muster journal replay")]
    Replay {
        #[command(flatten)]
        at: BoxArgs,
    },
    /// One JSON object per record, with its place in the chain
    #[command(after_help = "Example: muster journal export > journal.jsonl")]
    Export {
        #[command(flatten)]
        at: BoxArgs,
    },
    /// Set the views aside and build them again
    #[command(after_help = "Example: muster journal rebuild-views")]
    RebuildViews {
        #[command(flatten)]
        at: BoxArgs,
    },
}

#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum Format {
    Csv,
    Json,
    Xlsx,
}

#[derive(Args)]
pub(crate) struct RecordsArgs {
    /// First day, in the site's time zone
    #[arg(long, value_name = "DATE")]
    pub(crate) from: Option<jiff::civil::Date>,
    /// Last day
    #[arg(long, value_name = "DATE")]
    pub(crate) to: Option<jiff::civil::Date>,
    /// Form of the answer [default: json]
    #[arg(long, conflicts_with = "json")]
    pub(crate) format: Option<Format>,
    #[command(flatten)]
    pub(crate) at: BoxArgs,
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    /// Whoever asks for help gets an example, and a word on everything that can be given; whoever
    /// reads answers by a program can have each as JSON.
    fn explains(command: &clap::Command, path: &str) {
        let path = format!("{path} {}", command.get_name());
        if command.has_subcommands() {
            return command.get_subcommands().for_each(|below| explains(below, &path));
        }
        let after = command.get_after_help().map(ToString::to_string).unwrap_or_default();
        let shows = after.contains("Example: muster") || after.contains("Examples: muster");
        assert!(shows, "{path}: {after}");
        assert!(command.get_about().is_some(), "{path} has no word on it");
        assert!(command.get_arguments().any(|arg| arg.get_id() == "json"), "{path}: no --json");
        for arg in command.get_arguments().filter(|arg| arg.get_id() != "help") {
            assert!(arg.get_help().is_some(), "{path}: nothing on {}", arg.get_id());
        }
    }

    #[test]
    fn every_command_explains_itself_with_an_example() {
        explains(&Cli::command(), "");
    }
}
