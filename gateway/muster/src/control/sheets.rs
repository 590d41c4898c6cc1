//! Sheets of a month as rows of JSON: those of `/api/v1/sheets`.

use super::Refused;
use super::execute::{Facts, unavailable};
use jiff::civil::Date;
use muster_attendance::PersonId;
use muster_console::sheet_row;
use muster_ledger::{Directory, PersonProfile};
use serde_json::{Value, json};
use tokio::sync::mpsc::Sender;

/// People whose sheets are under way at a time.
const PAGE: usize = 100;

/// Everybody who has a name, of one department or all, in the order of their internal numbers.
pub(super) async fn month(
    facts: &Facts,
    first: Date,
    department: Option<&str>,
    rows: Sender<Value>,
) -> Result<Value, Refused> {
    let directory = facts.ledger.directory();
    let mut people: Vec<(PersonId, PersonProfile)> =
        directory.people().into_iter().filter_map(|one| named(&directory, one)).collect();
    let wanted = |profile: &PersonProfile| {
        department.is_none_or(|name| profile.department.as_deref() == Some(name))
    };
    people.retain(|(_, profile)| wanted(profile));
    people.sort_by_key(|(person, _)| *person);
    for some in people.chunks(PAGE) {
        let ids: Vec<PersonId> = some.iter().map(|(person, _)| *person).collect();
        let (mut told, mut next) = (Vec::with_capacity(ids.len()), some.iter());
        let sheets = facts.ledger.sheets();
        let found = sheets.of(&ids, first, first.last_of_month(), |one| {
            let Some((_, profile)) = next.find(|(person, _)| *person == one.person) else { return };
            let text = |text: &Option<String>| text.clone().unwrap_or_default();
            let (name, department) = (text(&profile.name), text(&profile.department));
            told.push(sheet_row(&one, [&profile.person, &name, &department]));
        });
        found.await.map_err(unavailable)?;
        for row in told {
            // A reader that went away wants no more.
            if rows.send(row).await.is_err() {
                return Ok(Value::Null);
            }
        }
    }
    Ok(json!({ "people": people.len() }))
}

fn named(directory: &Directory, person: PersonId) -> Option<(PersonId, PersonProfile)> {
    let profile = directory.profile(person)?;
    let name = profile.name.as_deref().unwrap_or_default();
    (!name.trim().is_empty()).then_some((person, profile))
}
