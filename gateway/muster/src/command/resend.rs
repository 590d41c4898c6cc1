//! `muster resend`: what a region settled and lost goes again.

use super::moment::moment;
use crate::cli::ResendArgs;
use crate::control::Request;
use crate::exit::{self, OrExit as _, Outcome};

pub(super) fn resend(args: &ResendArgs) -> Outcome {
    let config = super::load(&args.at)?;
    let since = moment(&config, &args.since).or_exit(exit::USAGE)?;
    let destination = args.destination.clone();
    let resent = super::ask(&args.at, Request::Resend { destination, since })?.result;
    let line = format!("{} records are queued again for {}", resent["records"], args.destination);
    super::tell(args.at.json, &resent, [super::plain(&line)])
}
