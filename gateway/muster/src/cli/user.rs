//! Names and options of `muster user`.

use super::BoxArgs;
use clap::Subcommand;
use muster_ledger::Role;
use std::path::PathBuf;

#[derive(Subcommand)]
pub(crate) enum UserCommand {
    /// Make an account and print its one-time code; with --key, ask for one that two people decide
    #[command(
        after_help = "Roles: facilities, hr, employee, it-admin, security, dpo, dpo-deputy, \
                      works-council, auditor\n\
                      Once a policy has been published, two people make an it-admin, security, \
                      dpo or dpo-deputy: ask with --key, the other approves, then `muster user \
                      code`\n\
                      Example: muster user add ho.mei --role hr --department Kitchen"
    )]
    Add {
        /// Log-in name: 1 to 64 letters, digits, dots, hyphens, underscores
        name: String,
        /// A role; may be given several times
        #[arg(long = "role", value_name = "ROLE", required = true)]
        roles: Vec<Role>,
        /// Departments that an hr sees [default: all]
        #[arg(long = "department", value_name = "NAME")]
        departments: Vec<String>,
        /// The number by which terminals know whose account it is; employees see their own punches
        #[arg(long, value_name = "NUMBER")]
        person: Option<String>,
        /// The asker's signing key, where two people decide
        #[arg(long, value_name = "FILE")]
        key: Option<PathBuf>,
        #[command(flatten)]
        at: BoxArgs,
    },
    /// All accounts: roles, departments, state
    #[command(after_help = "Example: muster user list")]
    List {
        #[command(flatten)]
        at: BoxArgs,
    },
    /// Shut an account out at once, open sessions too
    #[command(after_help = "Example: muster user disable ho.mei")]
    Disable {
        /// Name of the account or token
        name: String,
        #[command(flatten)]
        at: BoxArgs,
    },
    /// Let a disabled account in again; a privileged one takes two people (`user add` with --key)
    #[command(after_help = "Example: muster user enable lam.kit")]
    Enable {
        /// Name of the account or token
        name: String,
        #[command(flatten)]
        at: BoxArgs,
    },
    /// Print a new one-time code, where nobody has chosen a password yet
    #[command(after_help = "Example: muster user code lam.kit")]
    Code {
        /// Name of the account or token
        name: String,
        #[command(flatten)]
        at: BoxArgs,
    },
    /// Make a token by which a program reads the page's figures (`/api/v1`), and print it this once
    #[command(
        after_help = "It reads what its roles read, and changes nothing. A token of the same \
                      name is replaced.\nExample: muster user token payroll --role hr --days 90"
    )]
    Token {
        /// Name of the account or token
        name: String,
        /// A role; may be given several times
        #[arg(long = "role", value_name = "ROLE", required = true)]
        roles: Vec<Role>,
        /// Departments that an hr token sees [default: all]
        #[arg(long = "department", value_name = "NAME")]
        departments: Vec<String>,
        /// Days until it ends
        #[arg(long, default_value_t = 90, value_parser = clap::value_parser!(u16).range(1..=366))]
        days: u16,
        #[command(flatten)]
        at: BoxArgs,
    },
    /// All tokens: roles and when they end
    #[command(after_help = "Example: muster user tokens")]
    Tokens {
        #[command(flatten)]
        at: BoxArgs,
    },
    /// End a token at once
    #[command(after_help = "Example: muster user end-token siem")]
    EndToken {
        /// Name of the account or token
        name: String,
        #[command(flatten)]
        at: BoxArgs,
    },
    /// Ask to take a lost log-in away: password, second factor and recovery codes
    #[command(after_help = "Two others decide: this asks, the second approves, then `muster user \
                      code NAME` prints a one-time code.\n\
                      Example: muster user reset ho.mei --key lam.kit.key")]
    Reset {
        /// Name of the account or token
        name: String,
        /// Your signing key
        #[arg(long, value_name = "FILE")]
        key: PathBuf,
        #[command(flatten)]
        at: BoxArgs,
    },
}
