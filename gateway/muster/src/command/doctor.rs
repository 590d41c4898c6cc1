//! `muster doctor`: exit 0 well, 1 warnings, 2 broken.

use crate::cli::DoctorArgs;
use crate::config::Config;
use crate::control::Request;
use crate::doctor::{self, Inside, Report, State};
use crate::exit::Outcome;
use crate::sentence::here;
use crate::words::{fill, say};
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::process::ExitCode;
use std::time::Duration;

/// How long metrics may take.
const METRICS_TIME: Duration = Duration::from_secs(5);
/// Bytes of metrics at most.
const MAX_METRICS: u64 = 1 << 20;

pub(super) fn doctor(args: &DoctorArgs) -> Outcome {
    let config = Config::load(args.at.config.as_deref());
    let (report, config, metrics) = match config {
        Err(error) => (doctor::unreadable(&error), None, String::new()),
        Ok(config) => {
            // As who asks: systemd may tell nobody else.
            let unit = doctor::unit();
            let asked = super::ask(&args.at, Request::Doctor);
            let inside = asked.map_err(|failure| failure.to_string()).and_then(|answer| {
                serde_json::from_value::<Inside>(answer.result).map_err(|e| e.to_string())
            });
            let metrics = inside.as_ref().ok().and_then(Inside::metrics).map(metrics);
            crate::owner::look_as_owner(&config)?;
            let examined = doctor::examine(&config, inside, unit);
            let report = super::small_runtime(&config)?.block_on(examined);
            (report, Some(config), metrics.unwrap_or_default())
        }
    };
    if let Some(path) = &args.bundle {
        doctor::write_bundle(path, &report, config.as_ref(), &metrics)?;
        eprintln!("muster: {} holds no name, number or address", path.display());
    }
    match args.at.json {
        true => super::print_json(&report)?,
        false => super::print_lines(lines(&report))?,
    };
    Ok(ExitCode::from(report.state as u8))
}

fn lines(report: &Report) -> Vec<String> {
    let mut lines = Vec::new();
    for finding in &report.checks {
        let word = say(match finding.state {
            State::Ok => "doctor-ok",
            State::Warning => "doctor-warning",
            State::Broken => "doctor-broken",
        });
        let (name, cause) = (super::plain(&finding.name), super::plain(&here(&finding.cause)));
        let colon = if cause.is_empty() { "" } else { ": " };
        lines.push(format!("{word:<8} {name}{colon}{cause}"));
        if let Some(cure) = &finding.cure {
            lines.push(format!("         -> {}", super::plain(&here(cure))));
            lines.push(format!("            {}", finding.runbook));
        }
    }
    let count = |state| report.checks.iter().filter(|check| check.state == state).count();
    let (ok, warnings, broken) = (count(State::Ok), count(State::Warning), count(State::Broken));
    let counts = [("ok", ok), ("warnings", warnings), ("broken", broken)];
    let counts = counts.map(|(name, count)| (name, count.to_string()));
    lines.push(fill("doctor-count", &counts.each_ref().map(|(name, n)| (*name, n.as_str()))));
    lines
}

/// What the gateway's metrics say; empty where they cannot be had.
fn metrics(listen: SocketAddr) -> String {
    let read = || -> std::io::Result<String> {
        let mut stream = TcpStream::connect_timeout(&listen, METRICS_TIME)?;
        stream.set_read_timeout(Some(METRICS_TIME))?;
        write!(stream, "GET /metrics HTTP/1.1\r\nHost: {listen}\r\nConnection: close\r\n\r\n")?;
        let mut answer = String::new();
        stream.take(MAX_METRICS).read_to_string(&mut answer)?;
        Ok(answer.split_once("\r\n\r\n").map(|(_, body)| body.to_owned()).unwrap_or_default())
    };
    read().unwrap_or_default()
}
