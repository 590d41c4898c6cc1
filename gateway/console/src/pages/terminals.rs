//! Terminals: how each is, since when, and what to do.

use crate::access::Route;
use crate::app::{App, Shared, visible};
use crate::guard::{Problem, Visitor, see_other};
use crate::jobs::Command;
use crate::pages::{Badge, Shell, html};
use crate::when::ago;
use crate::words::Words;
use askama::Template;
use axum::Extension;
use axum::extract::{Form, State};
use axum::http::StatusCode;
use axum::response::Response;
use muster_attendance::DeviceId;
use muster_ledger::{Device, DeviceKind, DeviceState, Gap, PlansError, WrongClock};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::sync::Arc;

/// Heard of within this long, a terminal is well.
const QUIET_MS: i64 = 15 * 60 * 1000;
/// Not heard of for this long, somebody should go and look.
const SILENT_MS: i64 = 24 * 60 * 60 * 1000;
/// Rows of the table; more are only counted.
const MAX_SHOWN: usize = 500;

/// How a terminal is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Light {
    /// Not heard of for a day, or never.
    Red,
    /// Quiet, or not paired.
    Amber,
    /// Heard of lately.
    Green,
    /// Revoked: nothing is taken from it.
    Off,
}

struct TerminalRow {
    name: String,
    kind: String,
    light: Badge,
    seen: String,
    seen_machine: String,
    seen_clock: String,
    records: String,
    refused: String,
    refused_any: bool,
    advice: String,
    carrier: String,
    gaps: Vec<GapRow>,
    /// Whether it can be asked again, and when it was.
    asks: bool,
    asked: String,
    clocks: Vec<ClockRow>,
}

/// What a terminal stored with a wrong clock.
struct ClockRow {
    device: u32,
    boot: u32,
    told: String,
    /// What would become of it; `None` where nothing shows how wrong the clock was.
    preview: Option<(i64, String)>,
    /// It counts already.
    done: bool,
}

/// Punches of a terminal that never came.
struct GapRow {
    device: u32,
    boot: u32,
    first: u64,
    told: String,
}

#[derive(Template)]
#[template(path = "terminals.html")]
struct TerminalsPage<'a> {
    shell: Shell,
    t: &'a Words,
    rows: Vec<TerminalRow>,
    summary: Vec<Badge>,
    more: String,
    changes: bool,
    enrols: bool,
    pairs: bool,
}

/// `GET /terminals`.
pub(crate) async fn page(
    State(app): State<Shared>,
    Extension(visitor): Extension<Arc<Visitor>>,
) -> Result<Response, Problem> {
    let (t, now_ms) = (&visitor.t, app.now_ms());
    let mut devices = heard(app.handles.devices.list());
    devices.sort_by_cached_key(|device| (light(device, now_ms), device.name.clone()));
    let rest = devices.len().saturating_sub(MAX_SHOWN) as u64;
    let page = TerminalsPage {
        shell: Shell::new(&app, &visitor, t.say("nav-terminals"), "/terminals"),
        t,
        summary: summary(&devices, now_ms, t),
        rows: devices.iter().take(MAX_SHOWN).map(|d| row(&app, t, d, now_ms)).collect(),
        more: if rest > 0 { t.count("terminals-more", rest) } else { String::new() },
        changes: visitor.admits(Route::TerminalGap),
        enrols: visitor.admits(Route::Enrolment),
        pairs: visitor.admits(Route::PairPage),
    };
    html(StatusCode::OK, &page)
}

/// A gap to accept.
#[derive(Deserialize)]
pub(crate) struct Lost {
    device: u32,
    boot: u32,
    first: u64,
}

/// `POST /terminals/gap`: what is missing is taken for lost; sheets no longer wait for it.
pub(crate) async fn accept_gap(
    State(app): State<Shared>,
    Extension(visitor): Extension<Arc<Visitor>>,
    Form(lost): Form<Lost>,
) -> Result<Response, Problem> {
    let account = visitor.seat.as_ref().map(|seat| seat.account.as_str()).unwrap_or_default();
    let plans = &app.handles.plans;
    match plans.accept_gap(account, DeviceId(lost.device), lost.boot, lost.first).await {
        Ok(()) => Ok(see_other("/terminals")),
        Err(PlansError::Unknown(_)) => Err(Problem::Missing),
        Err(_) => Err(Problem::NotSaved),
    }
}

/// A terminal to ask again.
#[derive(Deserialize)]
pub(crate) struct Again {
    terminal: String,
}

/// `POST /terminals/again`: it sends all that it keeps; what is here is stored once.
pub(crate) async fn again(
    State(app): State<Shared>,
    Extension(visitor): Extension<Arc<Visitor>>,
    Form(form): Form<Again>,
) -> Result<Response, Problem> {
    if app.handles.devices.find(&form.terminal).is_none() {
        return Err(Problem::Missing);
    }
    let actor = visitor.seat.as_ref().map(|seat| seat.account.clone()).unwrap_or_default();
    let command = Command::Again { terminal: form.terminal };
    let outcome = (app.handles.commands)(actor, command.clone());
    let clock = app.handles.clock.clone();
    // What is under way already is as good.
    let _ = app.jobs.start(command, outcome, move || clock.now_ms());
    Ok(see_other("/terminals"))
}

/// When a terminal was last asked again, and what came of it; empty where it never was.
fn asked_again(app: &App, t: &Words, device: &Device, now_ms: i64) -> String {
    let ours = Command::Again { terminal: device.name.clone() };
    let last = app.jobs.of(|command| *command == ours).into_iter().next();
    match last.map(|job| (job.started_ms, job.ended)) {
        None => String::new(),
        Some((_, Some((_, Err(why))))) => visible(&why),
        Some((at, _)) => t.with("gap-asked", "time", &app.zone.stamp(at, now_ms, t)),
    }
}

/// A start of a terminal, and by how much its clock was behind.
#[derive(Deserialize)]
pub(crate) struct Shift {
    device: u32,
    boot: u32,
    shift: i64,
}

/// `POST /terminals/redate`: one approval for all that a terminal stored in one start.
pub(crate) async fn redate(
    State(app): State<Shared>,
    Extension(visitor): Extension<Arc<Visitor>>,
    Form(wanted): Form<Shift>,
) -> Result<Response, Problem> {
    let account = visitor.seat.as_ref().map(|seat| seat.account.as_str()).unwrap_or_default();
    let device = DeviceId(wanted.device);
    match app.handles.plans.redate(account, device, wanted.boot, wanted.shift).await {
        Ok(()) => Ok(see_other("/terminals")),
        Err(PlansError::Unknown(_)) => Err(Problem::Missing),
        Err(_) => Err(Problem::NotSaved),
    }
}

/// What a terminal stored with a wrong clock, with what an approval would make of it.
fn clocks(app: &App, t: &Words, device: &Device) -> Vec<ClockRow> {
    let stamp = |seconds: i64| app.zone.machine(seconds.saturating_mul(1000)).replace('T', " ");
    let row = |(boot, clock): (u32, WrongClock)| {
        let (first, last) = clock.made.unwrap_or_default();
        let (from, to, count) = (stamp(first), stamp(last), t.number(clock.count));
        let start = boot.to_string();
        let values = [("count", &count), ("boot", &start), ("from", &from), ("to", &to)];
        let preview = clock.behind.map(|behind| {
            let (from, to) =
                (stamp(first.saturating_add(behind)), stamp(last.saturating_add(behind)));
            (behind, t.fill("clock-preview", &[("from", &from), ("to", &to)]))
        });
        ClockRow {
            device: device.id.0,
            boot,
            told: t.fill("clock-told", &values.map(|(key, value)| (key, value.as_str()))),
            preview,
            done: app.handles.plans.redating(device.id, boot).is_some(),
        }
    };
    app.handles.plans.wrong_clocks(device.id).into_iter().map(row).collect()
}

/// A terminal's gaps in words.
fn gaps(app: &App, t: &Words, device: &Device, now_ms: i64) -> Vec<GapRow> {
    let told = |gap: &Gap| {
        let since = app.zone.stamp(gap.since.saturating_mul(1000), now_ms, t);
        let (count, first) = (t.number(gap.len()), gap.first.to_string());
        let (last, boot) = (gap.last.to_string(), gap.boot.to_string());
        let values = [
            ("count", &count),
            ("first", &first),
            ("last", &last),
            ("boot", &boot),
            ("since", &since),
        ];
        t.fill("gap-told", &values.map(|(key, value)| (key, value.as_str())))
    };
    let gaps = app.handles.plans.gaps(device.id);
    let row = |gap: &Gap| GapRow {
        device: device.id.0,
        boot: gap.boot,
        first: gap.first,
        told: told(gap),
    };
    gaps.iter().map(row).collect()
}

/// The terminals, where one that others speak through was heard of when they were.
pub(crate) fn heard(mut devices: Vec<Device>) -> Vec<Device> {
    let mut through: HashMap<DeviceId, i64> = HashMap::new();
    for device in &devices {
        if let (Some(carrier), Some(seen)) = (device.carrier, device.last_seen_ms) {
            let last = through.entry(carrier).or_insert(seen);
            *last = seen.max(*last);
        }
    }
    for device in &mut devices {
        device.last_seen_ms = device.last_seen_ms.max(through.get(&device.id).copied());
    }
    devices
}

/// How a terminal is at `now_ms`.
pub(crate) fn light(device: &Device, now_ms: i64) -> Light {
    let quiet = device.last_seen_ms.map(|seen| now_ms.saturating_sub(seen));
    match (device.state, quiet) {
        (DeviceState::Revoked, _) => Light::Off,
        (_, None) | (_, Some(SILENT_MS..)) => Light::Red,
        (DeviceState::Unpaired, _) | (_, Some(QUIET_MS..)) => Light::Amber,
        _ => Light::Green,
    }
}

fn badge(light: Light, t: &Words) -> Badge {
    let (tone, label) = match light {
        Light::Red => ("bad", "light-red"),
        Light::Amber => ("warn", "light-amber"),
        Light::Green => ("good", "light-green"),
        Light::Off => ("quiet", "light-off"),
    };
    Badge { tone, label: t.say(label) }
}

fn summary(devices: &[Device], now_ms: i64, t: &Words) -> Vec<Badge> {
    let counted = [
        (Light::Red, "bad", "terminals-red"),
        (Light::Amber, "warn", "terminals-amber"),
        (Light::Green, "good", "terminals-green"),
    ];
    let badge = |(which, tone, label): (Light, &'static str, &str)| {
        let n = devices.iter().filter(|device| light(device, now_ms) == which).count() as u64;
        (n > 0).then(|| Badge { tone, label: t.count(label, n) })
    };
    counted.into_iter().filter_map(badge).collect()
}

fn row(app: &Shared, t: &Words, device: &Device, now_ms: i64) -> TerminalRow {
    let seen = device.last_seen_ms;
    let carrier = device.carrier.map(|carrier| app.device_name(carrier, t));
    TerminalRow {
        name: visible(&device.name),
        kind: t.say(kind(device.kind)),
        light: badge(light(device, now_ms), t),
        seen: seen.map_or_else(|| t.say("never-seen"), |ms| ago(now_ms, ms, t)),
        seen_machine: seen.map(|ms| app.zone.machine(ms)).unwrap_or_default(),
        seen_clock: seen.map(|ms| app.zone.stamp(ms, now_ms, t)).unwrap_or_default(),
        records: t.number(device.records),
        refused: t.number(device.refused),
        refused_any: device.refused > 0,
        advice: t.say(advice(device, now_ms)),
        gaps: gaps(app, t, device, now_ms),
        asks: device.kind == DeviceKind::M1 && device.state == DeviceState::Paired,
        asked: asked_again(app, t, device, now_ms),
        clocks: clocks(app, t, device),
        carrier: carrier.map(|name| t.with("terminal-through", "name", &name)).unwrap_or_default(),
    }
}

fn kind(kind: DeviceKind) -> &'static str {
    match kind {
        DeviceKind::M1 => "kind-m1",
        DeviceKind::M2 => "kind-m2",
        DeviceKind::C1 => "kind-c1",
        DeviceKind::Reader => "kind-reader",
        DeviceKind::Unpaired => "kind-unpaired",
    }
}

/// What to do about it.
fn advice(device: &Device, now_ms: i64) -> &'static str {
    match (light(device, now_ms), device.state) {
        (Light::Off, _) => "advice-revoked",
        (_, DeviceState::Unpaired) => "advice-unpaired",
        (Light::Red, _) if device.last_seen_ms.is_none() => "advice-never",
        (Light::Red, _) => "advice-silent",
        (Light::Amber, _) => "advice-quiet",
        (Light::Green, _) if device.refused > 0 => "advice-refused",
        (Light::Green, _) => "advice-none",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn device(state: DeviceState, last_seen_ms: Option<i64>) -> Device {
        Device {
            id: DeviceId(1),
            name: "gate".to_owned(),
            kind: DeviceKind::M1,
            state,
            carrier: None,
            address: None,
            certificate: None,
            former: None,
            certificate_ends_s: None,
            last_seen_ms,
            records: 0,
            refused: 0,
        }
    }

    #[test]
    fn lights_follow_silence() {
        use DeviceState::*;
        let now = 10 * SILENT_MS;
        for (state, seen, expect) in [
            (Paired, Some(now), Light::Green),
            (Paired, Some(now + 5), Light::Green),
            (Paired, Some(now - QUIET_MS), Light::Amber),
            (Paired, Some(now - SILENT_MS), Light::Red),
            (Paired, None, Light::Red),
            (Unpaired, Some(now), Light::Amber),
            (Revoked, Some(now), Light::Off),
        ] {
            assert_eq!(light(&device(state, seen), now), expect, "{state:?} {seen:?}");
        }
    }

    #[test]
    fn a_centre_is_heard_of_through_its_terminals() {
        let mut centre = device(DeviceState::Paired, None);
        centre.id = DeviceId(9);
        let mut carried = [Some(5), Some(7), None].map(|seen| device(DeviceState::Paired, seen));
        carried.iter_mut().for_each(|device| device.carrier = Some(DeviceId(9)));
        let [a, b, c] = carried;
        let seen = heard(vec![a, centre, b, c]).into_iter().map(|device| device.last_seen_ms);
        assert_eq!(seen.collect::<Vec<_>>(), [Some(5), Some(7), Some(7), None]);
    }

    #[test]
    fn what_is_well_needs_nothing() {
        let mut well = device(DeviceState::Paired, Some(0));
        assert_eq!(advice(&well, 0), "advice-none");
        well.refused = 3;
        assert_eq!(advice(&well, 0), "advice-refused");
        assert_eq!(advice(&device(DeviceState::Paired, None), 0), "advice-never");
    }
}
