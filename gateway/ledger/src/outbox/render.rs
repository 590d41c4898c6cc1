//! The bytes of a parcel: a JSON object with the fields the decision lets go, in their order.

use super::summary;
use crate::Devices;
use crate::journal::Content;
use crate::punch_time::effective_seconds;
use crate::quarantine::{FIELD_ABSENT, TOO_LONG};
use crate::state::labels::Labels;
use jiff::Timestamp;
use jiff::tz::Offset;
use muster_attendance::summary::SummaryKind;
use muster_attendance::{DeviceId, DeviceTime, Direction, EventId, PersonId, Summary};
use muster_residency::vocab::{Field, TimePrecision};
use muster_residency::{Decision, pseudonym};
use std::collections::HashMap;
use std::fmt::Write as _;
use zeroize::Zeroizing;

/// Bytes of a parcel at most.
pub(super) const MAX_BYTES: usize = 512;
/// Characters of `site_ref` and `device_alias`.
const MAX_REF: usize = 32;
/// Characters of `platform_user_id`.
const MAX_PLATFORM_ID: usize = 64;
/// People and devices whose texts are kept at hand.
const MAX_CACHED: usize = 16_384;

/// Why a record cannot be sent as it is: a reason code.
#[derive(Debug, PartialEq)]
pub(super) struct Unfit(pub(super) &'static str);

/// Renders parcels for one destination.
pub(super) struct Renderer {
    site: String,
    key: Zeroizing<[u8; 32]>,
    pseudonyms: HashMap<PersonId, [u8; pseudonym::PSEUDONYM_LEN]>,
    aliases: HashMap<DeviceId, String>,
    text: String,
}

impl Renderer {
    pub(super) fn new(destination: &str, site: &str, pseudonyms: &[u8; 32]) -> Self {
        Self {
            site: json_text(site, MAX_REF),
            key: pseudonym::destination_key(pseudonyms, destination),
            pseudonyms: HashMap::new(),
            aliases: HashMap::new(),
            text: String::with_capacity(MAX_BYTES),
        }
    }

    /// The destination's key of pseudonyms.
    pub(super) fn secret(&self) -> &[u8; 32] {
        &self.key
    }

    /// The bytes of one record under `decision`.
    pub(super) fn render(
        &mut self,
        decision: &Decision,
        key: EventId,
        content: &Content,
        platform_user_id: Option<&str>,
        (devices, labels): (&Devices, &Labels),
    ) -> Result<Box<[u8]>, Unfit> {
        let precision = decision.obligations().time_precision.unwrap_or(TimePrecision::Minute);
        let mut text = std::mem::take(&mut self.text);
        text.clear();
        text.push('{');
        for &field in decision.fields() {
            if text.len() > 1 {
                text.push(',');
            }
            // Writing to a string does not fail.
            let _ = write!(text, "\"{field}\":");
            match field {
                Field::EventId => write_quoted(&mut text, key),
                Field::SubjectRef => self.write_subject(&mut text, content.person())?,
                Field::PlatformUserId => {
                    let id = platform_user_id.ok_or(Unfit(FIELD_ABSENT))?;
                    text.push_str(&json_text(id, MAX_PLATFORM_ID));
                }
                Field::CheckTime => {
                    write_time(&mut text, checked(content).ok_or(Unfit(FIELD_ABSENT))?, precision)?;
                }
                Field::Direction => {
                    let direction = direction(content).ok_or(Unfit(FIELD_ABSENT))?;
                    text.push_str(if direction == Direction::In { "\"in\"" } else { "\"out\"" });
                }
                Field::SiteRef => text.push_str(&self.site),
                Field::DeviceAlias => {
                    let device = device(content).ok_or(Unfit(FIELD_ABSENT))?;
                    text.push_str(self.alias(device, devices));
                }
                field => {
                    let Content::Summary(made) = content else { return Err(Unfit(FIELD_ABSENT)) };
                    summary::write(&mut text, field, made, precision, labels)?;
                }
            }
        }
        text.push('}');
        let bytes = text.as_bytes().into();
        let fits = text.len() <= MAX_BYTES;
        self.text = text;
        if fits { Ok(bytes) } else { Err(Unfit(TOO_LONG)) }
    }

    fn write_subject(&mut self, text: &mut String, person: Option<PersonId>) -> Result<(), Unfit> {
        let person = person.ok_or(Unfit(FIELD_ABSENT))?;
        if self.pseudonyms.len() >= MAX_CACHED {
            self.pseudonyms.clear();
        }
        let key = &self.key;
        let name =
            self.pseudonyms.entry(person).or_insert_with(|| pseudonym::pseudonym(key, person));
        text.push('"');
        text.extend(name.iter().map(|&c| c as char));
        text.push('"');
        Ok(())
    }

    fn alias(&mut self, device: DeviceId, devices: &Devices) -> &str {
        if self.aliases.len() >= MAX_CACHED {
            self.aliases.clear();
        }
        self.aliases.entry(device).or_insert_with(|| {
            let name = devices.get(device).map(|d| d.name).unwrap_or_default();
            json_text(&name, MAX_REF)
        })
    }
}

fn write_quoted(text: &mut String, value: impl std::fmt::Display) {
    // Writing to a string does not fail.
    let _ = write!(text, "\"{value}\"");
}

/// When the person punched, in the offset the terminal gave or the site has.
fn checked(content: &Content) -> Option<DeviceTime> {
    match content {
        Content::Punch(punch) => Some(DeviceTime { seconds: effective_seconds(punch), ..punch.at }),
        Content::Summary(made) => made.day()?.check,
    }
}

fn direction(content: &Content) -> Option<Direction> {
    match content {
        Content::Punch(punch) => punch.direction,
        Content::Summary(made) => made.day()?.direction,
    }
}

fn device(content: &Content) -> Option<DeviceId> {
    match content {
        Content::Punch(punch) => Some(punch.device),
        Content::Summary(Summary { kind: SummaryKind::Correction { device, .. }, .. }) => *device,
        Content::Summary(_) => None,
    }
}

/// RFC 3339 at the profile's precision.
fn write_time(text: &mut String, at: DeviceTime, precision: TimePrecision) -> Result<(), Unfit> {
    let offset = i32::from(at.offset_minutes);
    let zone = Offset::from_seconds(offset * 60).map_err(|_| Unfit(FIELD_ABSENT))?;
    let at = Timestamp::from_second(at.seconds).map_err(|_| Unfit(FIELD_ABSENT))?;
    let local = zone.to_datetime(at);
    let (year, month, day) = (local.year(), local.month(), local.day());
    let (hour, minute, second) = (local.hour(), local.minute(), local.second());
    let sign = if offset < 0 { '-' } else { '+' };
    let (oh, om) = (offset.abs() / 60, offset.abs() % 60);
    // Writing to a string does not fail.
    let _ = match precision {
        TimePrecision::Second => write!(
            text,
            "\"{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}{sign}{oh:02}:{om:02}\""
        ),
        TimePrecision::Minute => write!(
            text,
            "\"{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}{sign}{oh:02}:{om:02}\""
        ),
        TimePrecision::Hour => {
            write!(text, "\"{year:04}-{month:02}-{day:02}T{hour:02}:00{sign}{oh:02}:{om:02}\"")
        }
        TimePrecision::Day => write!(text, "\"{year:04}-{month:02}-{day:02}\""),
        TimePrecision::Month => write!(text, "\"{year:04}-{month:02}\""),
    };
    Ok(())
}

/// The text's first `max` characters as a JSON string.
pub(super) fn json_text(text: &str, max: usize) -> String {
    let cut: String = text.chars().take(max).collect();
    serde_json::Value::String(cut).to_string()
}

/// Lower-case hex.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        // Writing to a string does not fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
