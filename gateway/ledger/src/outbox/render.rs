//! The bytes of a parcel: a JSON object with the fields the decision lets go, in their order.

use super::check_time::{Dates, write_time};
use super::summary;
use crate::Devices;
use crate::journal::Content;
use crate::punch_time::effective_seconds;
use crate::quarantine::{FIELD_ABSENT, TOO_LONG};
use crate::state::labels::Labels;
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
    dates: Dates,
    text: String,
}

impl Renderer {
    pub(super) fn new(destination: &str, site: &str, pseudonyms: &[u8; 32]) -> Self {
        Self {
            site: json_text(site, MAX_REF),
            key: pseudonym::destination_key(pseudonyms, destination),
            pseudonyms: HashMap::new(),
            aliases: HashMap::new(),
            dates: Dates::default(),
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
            push_quoted(&mut text, field.as_str());
            text.push(':');
            match field {
                Field::EventId => push_quoted(&mut text, ascii(&key.text())),
                Field::SubjectRef => self.write_subject(&mut text, content.person())?,
                Field::PlatformUserId => {
                    let id = platform_user_id.ok_or(Unfit(FIELD_ABSENT))?;
                    text.push_str(&json_text(id, MAX_PLATFORM_ID));
                }
                Field::CheckTime => {
                    let at = checked(content).ok_or(Unfit(FIELD_ABSENT))?;
                    write_time(&mut text, at, precision, &mut self.dates)?;
                }
                Field::Direction => {
                    let direction = direction(content).ok_or(Unfit(FIELD_ABSENT))?;
                    push_quoted(&mut text, if direction == Direction::In { "in" } else { "out" });
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
        push_quoted(text, ascii(name));
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

/// Text that is known to be plain, in quotes.
pub(super) fn push_quoted(text: &mut String, plain: &str) {
    text.push('"');
    text.push_str(plain);
    text.push('"');
}

/// The text of bytes that are all ASCII.
fn ascii(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap_or_default()
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
