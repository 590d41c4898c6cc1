//! Records and sheets as programs get them: the same rows from `/api/v1` as from the command line.

use muster_attendance::{Attendance, DeviceId, DeviceTime, PersonId};
use muster_ledger::{Devices, Directory, PersonSheet, RecordRow};
use serde_json::{Value, json};
use std::collections::HashMap;

/// Makes rows, and looks each name up once.
pub struct RecordRows {
    directory: Directory,
    devices: Devices,
    names: HashMap<DeviceId, String>,
    people: HashMap<PersonId, (Option<String>, Option<String>)>,
}

impl RecordRows {
    /// Nothing is looked up yet.
    pub fn new(directory: Directory, devices: Devices) -> Self {
        Self { directory, devices, names: HashMap::new(), people: HashMap::new() }
    }

    /// The row: `id`, `device`, `boot`, `seq`, `person` (the number the terminals send), `name`,
    /// `at` (the terminal's time in the offset it gave it in), `received`, `method`, `outcome`,
    /// `direction`, `state`, `destination`, `reasons`.
    pub fn row(&mut self, row: &RecordRow) -> Value {
        let fact = &row.attendance;
        let (person, name) = match fact.person {
            Some(person) => self.person(person),
            None => (None, None),
        };
        json!({
            "id": row.id,
            "device": self.device(fact),
            "boot": fact.boot,
            "seq": fact.seq,
            "person": person,
            "name": name,
            "at": device_time(fact.at),
            "received": received(fact.received_ms),
            "method": fact.method,
            "outcome": fact.outcome,
            "direction": fact.direction,
            "state": row.state,
            "destination": row.destination,
            "reasons": row.reasons,
        })
    }

    fn device(&mut self, fact: &Attendance) -> String {
        let devices = &self.devices;
        let name = || devices.get(fact.device).map(|device| device.name).unwrap_or_default();
        self.names.entry(fact.device).or_insert_with(name).clone()
    }

    fn person(&mut self, person: PersonId) -> (Option<String>, Option<String>) {
        let profile = || self.directory.profile(person).map(|p| (Some(p.person), p.name));
        self.people.entry(person).or_insert_with(|| profile().unwrap_or_default()).clone()
    }
}

/// A person's sheet: the box's own number for them, the number the terminals send, name and
/// department, then `month` (sums), `days` by date and `adjustments`, as `muster sheet replay`
/// prints them.
pub fn sheet_row(one: &PersonSheet, [number, name, department]: [&str; 3]) -> Value {
    json!({
        "id": one.person.0.to_string(),
        "person": number,
        "name": name,
        "department": department,
        "month": one.sheet.month,
        "days": one.sheet.days,
        "adjustments": one.sheet.adjustments,
    })
}

/// The terminal's time in the offset it gave it in, as RFC 3339 with seconds.
fn device_time(at: DeviceTime) -> Option<String> {
    let offset = jiff::tz::Offset::from_seconds(i32::from(at.offset_minutes) * 60).ok()?;
    let instant = jiff::Timestamp::from_second(at.seconds).ok()?;
    Some(instant.display_with_offset(offset).to_string())
}

fn received(ms: i64) -> Option<String> {
    jiff::Timestamp::from_millisecond(ms).ok().map(|time| time.to_string())
}
