//! Sheets: the rules of `muster_attendance` over what the box knows. Punches come from the views,
//! plans and corrections from [`Plans`]; nothing is kept, every sheet is computed when it is asked
//! for, as it is now or as it was when its month was closed. Of months that retention reduced, it
//! shows hours and nothing else.

use crate::legal::reduced::Reduced;
use crate::punch_time::is_usable;
use crate::{
    Clock, Closing, Device, DeviceState, Devices, Directory, Plans, Redating, Views, ViewsError,
};
use jiff::ToSpan as _;
use jiff::civil::Date;
use muster_attendance::input::{Closed, Input, Punch, Range, RangeError, Rules, Terminal};
use muster_attendance::sheet::{Sheet, evaluate};
use muster_attendance::time::{Instant, Site, Zone};
use muster_attendance::{Attendance, Code, Day, DeviceClock, DeviceId, Due, EventId, PersonId};
use serde_json::{Map, Value};
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;
use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::task::{JoinError, JoinHandle};

/// Days before and after the range whose punches may belong to it: windows reach that far.
const REACH: i64 = 2;
/// People whose punches are read in one go, the next while the sheets of those before are computed.
const MAX_AT_HAND: usize = 32;
/// Such parts that are computed at a time, while one more is handed over.
const MAX_COMPUTED: usize = 2;
/// Seconds before a terminal was last heard up to which its punches are here.
const MARGIN: i64 = 60;
/// What is kept of a closed day; marks and single punches may change without payroll.
const KEPT: [&str; 13] = [
    "state",
    "first_in",
    "last_out",
    "planned_minutes",
    "worked_minutes",
    "break_minutes",
    "gap_minutes",
    "late_minutes",
    "early_minutes",
    "extra_minutes",
    "overtime_minutes",
    "leave_minutes",
    "storm_minutes",
];

/// Why there is no sheet.
#[derive(Debug, thiserror::Error)]
pub enum SheetsError {
    /// The dates make no range.
    #[error(transparent)]
    Range(#[from] RangeError),
    /// The punches cannot be read now.
    #[error(transparent)]
    Views(#[from] ViewsError),
}

/// A person's sheet, with the punches it is computed from.
#[derive(Clone, Debug)]
#[allow(missing_docs)]
pub struct PersonSheet {
    pub person: PersonId,
    pub sheet: Sheet,
    /// What was recorded, as it was read.
    pub punches: Vec<(EventId, Attendance)>,
    /// The closing that the adjustments are since.
    pub closing: Option<Closing>,
}

impl PersonSheet {
    /// A recorded punch by its id on the sheet.
    pub fn punch(&self, id: &str) -> Option<&Attendance> {
        let id: EventId = id.parse().ok()?;
        self.punches.iter().find(|(known, _)| *known == id).map(|(_, punch)| punch)
    }
}

/// Computes sheets. Cheap to clone.
#[derive(Clone)]
pub struct Sheets {
    views: Views,
    plans: Plans,
    devices: Devices,
    directory: Directory,
    clock: Clock,
    site: String,
    zone: Zone,
}

/// What one computation shares: the rules as they were known at a moment.
struct Scene {
    rules: Arc<Rules>,
    now: Instant,
    as_of_ms: i64,
    names: Arc<HashMap<DeviceId, String>>,
}

/// What the sheets of one range are computed with.
struct Desk {
    range: Range,
    scene: Scene,
    /// The closings of its month, oldest first, each with what was known then.
    then: Vec<(Closing, Scene)>,
    reduced: Reduced,
}

impl Sheets {
    pub(crate) fn new(
        views: Views,
        (plans, devices, directory): (Plans, Devices, Directory),
        clock: Clock,
        site: String,
        zone: &str,
    ) -> Self {
        let zone = Zone::named(zone).unwrap_or(Zone::UTC);
        Self { views, plans, devices, directory, clock, site, zone }
    }

    /// Sheets of `people` from `first` to `last`, in the order of their numbers, which is the one
    /// in which their punches lie, each once; each is handed over as it is computed, so that
    /// thousands need no memory. People who are erased are left out.
    pub async fn of(
        &self,
        people: &[PersonId],
        first: Date,
        last: Date,
        mut each: impl FnMut(PersonSheet),
    ) -> Result<(), SheetsError> {
        let desk = Arc::new(self.desk(Range::new(first, last)?));
        let from = first.checked_sub(REACH.days()).unwrap_or(first);
        let to = last.checked_add(REACH.days()).unwrap_or(last);
        let elsewhere: Arc<[_]> = self.redated(from, to).into();
        let mut people = people.to_vec();
        people.sort_unstable();
        people.dedup();
        let ahead = |some: &[PersonId]| {
            let (sheets, some, elsewhere) = (self.clone(), some.to_vec(), elsewhere.clone());
            tokio::spawn(async move { sheets.read(&some, (from, to), &elsewhere).await })
        };
        let mut under_way: VecDeque<JoinHandle<Vec<PersonSheet>>> = VecDeque::new();
        let mut parts = people.chunks(MAX_AT_HAND);
        let mut reading = parts.next().map(ahead);
        while let Some(read) = reading {
            let read = read.await.map_err(stopped)??;
            reading = parts.next().map(ahead);
            if under_way.len() >= MAX_COMPUTED {
                hand_over(under_way.pop_front(), &mut each).await?;
            }
            let (sheets, desk) = (self.clone(), desk.clone());
            let work =
                move || read.into_iter().filter_map(|one| sheets.sheet(&desk, one)).collect();
            under_way.push_back(tokio::task::spawn_blocking(work));
        }
        while let Some(computed) = under_way.pop_front() {
            hand_over(Some(computed), &mut each).await?;
        }
        Ok(())
    }

    /// When everybody is to come on a date, by plans and corrections alone: no punch is read, so it
    /// costs little. Whoever has no shift then, is on leave, or has a coming by a correction is not
    /// there.
    ///
    /// # Errors
    /// Where `date` is none that sheets are computed for.
    pub fn due(&self, date: Date) -> Result<HashMap<PersonId, Due>, SheetsError> {
        let range = Range::new(date, date)?;
        let scene = self.scene(self.clock.now_ms(), BTreeMap::new());
        let due = |person: PersonId| {
            let sheet = evaluate(&self.input(&scene, person, range, &[]), scene.now);
            // Where no punch is read, those of a day are what corrections added.
            let added =
                |day: &&Day| day.punches.iter().any(|punch| punch.why != Some(Code::Voided));
            let day = sheet.days.get(&date).filter(|day| !added(day))?;
            Some((person, day.due?))
        };
        Ok(self.directory.people().into_iter().filter_map(due).collect())
    }

    /// What the sheets of a range are computed with, as it is known now.
    fn desk(&self, range: Range) -> Desk {
        let now_ms = self.clock.now_ms();
        let then = self.closings(range).into_iter().map(|closing| {
            let terminals = closing.terminals.iter();
            let terminals = terminals.map(|(name, c)| (name.clone(), self.terminal(*c)));
            let scene = self.scene(closing.at_ms, terminals.collect());
            (closing, scene)
        });
        Desk {
            range,
            scene: self.scene(now_ms, self.terminals(now_ms)),
            then: then.collect(),
            reduced: self.views.reduced(),
        }
    }

    /// The punches of some people.
    async fn read(
        &self,
        people: &[PersonId],
        (from, to): (Date, Date),
        elsewhere: &[(Redating, Date, Date)],
    ) -> Result<Vec<Punches>, SheetsError> {
        let mut read = self.views.punches(people, from, to).await?;
        for (redating, first, last) in elsewhere {
            let more = self.views.punches(people, *first, *last).await?;
            join(&mut read, more, redating);
        }
        Ok(read)
    }

    /// Re-datings by which punches belong to the days `from` to `to` that came on other days, with
    /// those days.
    fn redated(&self, from: Date, to: Date) -> Vec<(Redating, Date, Date)> {
        let day = |ms: i64| {
            let at = jiff::Timestamp::from_millisecond(ms).unwrap_or_default();
            at.to_zoned(jiff::tz::TimeZone::UTC).date()
        };
        let concerns = |redating: Redating| {
            let (first, last) = redating.clock.made?;
            let made =
                |at: i64| day(at.saturating_add(redating.shift_seconds).saturating_mul(1000));
            // A day of slack for the site's zone.
            let reaches =
                made(first) <= to.tomorrow().ok()? && made(last) >= from.yesterday().ok()?;
            let (first, last) = redating.clock.received_ms;
            let (first, last) = (day(first).yesterday().ok()?, day(last).tomorrow().ok()?);
            reaches.then_some((redating, first, last))
        };
        self.plans.redatings().into_iter().filter_map(concerns).collect()
    }

    /// One person's sheet; `None` where nothing is known of them.
    pub async fn person(
        &self,
        person: PersonId,
        first: Date,
        last: Date,
    ) -> Result<Option<PersonSheet>, SheetsError> {
        let mut found = None;
        self.of(&[person], first, last, |sheet| found = Some(sheet)).await?;
        Ok(found)
    }

    /// A person's minutes worked on each date of the months that are reduced to hours, those
    /// without any left out.
    pub async fn reduced_hours(&self, person: PersonId) -> Result<Vec<(Date, i64)>, SheetsError> {
        let mut hours = Vec::new();
        for first in self.views.reduced().months() {
            let sheet = self.person(person, first, first.last_of_month()).await?;
            let days = sheet.into_iter().flat_map(|sheet| sheet.sheet.days);
            let worked = days.map(|(date, day)| {
                let minutes = day.minutes;
                (date, minutes.worked + minutes.extra + minutes.overtime)
            });
            hours.extend(worked.filter(|(_, minutes)| *minutes > 0));
        }
        Ok(hours)
    }

    /// Up to when the punches of each terminal are all here, by name, seconds since 1970.
    pub fn complete_until(&self) -> BTreeMap<String, Option<i64>> {
        let now_ms = self.clock.now_ms();
        let listed = self.devices.list().into_iter().filter(counts);
        listed.map(|device| (device.name.clone(), self.until(&device, now_ms))).collect()
    }

    /// A person's sheet; `None` if they are erased.
    fn sheet(&self, desk: &Desk, (person, punches): Punches) -> Option<PersonSheet> {
        let Desk { range, scene, then, reduced } = desk;
        let (range, department) = (*range, self.directory.profile(person)?.department);
        let mut input = self.input(scene, person, range, &punches);
        let concerns =
            |closing: &Closing| closing.department.is_none() || closing.department == department;
        let closed = then.iter().rev().find(|(closing, _)| concerns(closing));
        if let Some((closing, scene)) = closed {
            let sheet = evaluate(&self.input(scene, person, range, &punches), scene.now);
            let days = sheet.days.iter().map(|(date, day)| (*date, kept(day)));
            input.closed =
                Some(Closed { at: Instant::from_millis(closing.at_ms), days: days.collect() });
        }
        let sheet = evaluate(&input, scene.now);
        let closing = closed.map(|(closing, _)| closing.clone());
        Some(show(PersonSheet { person, sheet, punches, closing }, reduced))
    }

    fn input(
        &self,
        scene: &Scene,
        person: PersonId,
        range: Range,
        punches: &[(EventId, Attendance)],
    ) -> Input {
        let mut input = Input::new(scene.rules.clone(), range);
        input.site = Some(self.site.clone());
        self.plans.fill(person, scene.as_of_ms, &mut input);
        let known = punches.iter().filter(|(_, punch)| punch.received_ms <= scene.as_of_ms);
        input.punches = known.map(|(id, punch)| self.punch(scene, *id, punch)).collect();
        input
    }

    fn punch(&self, scene: &Scene, id: EventId, punch: &Attendance) -> Punch {
        let usable = is_usable(punch);
        let redated = (!usable && !punch.live)
            .then(|| self.plans.redating(punch.device, punch.boot))
            .flatten()
            .filter(|redating| redating.at_ms <= scene.as_of_ms)
            .map(|redating| punch.at.seconds.saturating_add(redating.shift_seconds));
        Punch {
            id: id.to_string(),
            at: Instant::from_seconds(punch.at.seconds),
            terminal: scene.names.get(&punch.device).cloned(),
            direction: punch.direction,
            outcome: punch.outcome,
            clock: if usable { DeviceClock::Ok } else { DeviceClock::Unsure },
            live: punch.live,
            received_at: Some(Instant::from_millis(punch.received_ms)),
            redated_at: redated.map(Instant::from_seconds),
        }
    }

    fn scene(&self, as_of_ms: i64, terminals: BTreeMap<String, Terminal>) -> Scene {
        let mut rules = self.plans.rules(as_of_ms);
        rules.sites.insert(self.site.clone(), Site::fixed(self.zone.clone()));
        rules.terminals = terminals;
        let names = self.devices.list().into_iter().map(|device| (device.id, device.name));
        Scene {
            rules: Arc::new(rules),
            now: Instant::from_millis(as_of_ms),
            as_of_ms,
            names: Arc::new(names.collect()),
        }
    }

    fn terminals(&self, now_ms: i64) -> BTreeMap<String, Terminal> {
        let listed = self.devices.list().into_iter().filter(counts);
        listed
            .map(|device| (device.name.clone(), self.terminal(self.until(&device, now_ms))))
            .collect()
    }

    fn terminal(&self, complete: Option<i64>) -> Terminal {
        let complete_until = complete.map(Instant::from_seconds);
        Terminal { site: Some(self.site.clone()), complete_until }
    }

    fn until(&self, device: &Device, now_ms: i64) -> Option<i64> {
        let heard = self.devices.heard_until(device.id, now_ms)?.div_euclid(1000) - MARGIN;
        self.plans.complete_until(device.id, heard)
    }

    /// Closings of the month that holds all of `range`, oldest first.
    fn closings(&self, range: Range) -> Vec<Closing> {
        let month = range.first().first_of_month();
        if range.last().first_of_month() != month {
            return Vec::new();
        }
        let closings = self.plans.closings().into_iter();
        closings.filter(|closing| closing.month == month).collect()
    }
}

/// The sheet with nothing but hours where that is all there is to see.
fn show(mut sheet: PersonSheet, reduced: &Reduced) -> PersonSheet {
    sheet.sheet.reduce(|date| reduced.has_day(date));
    sheet.punches.retain(|(_, punch)| !reduced.hides(punch.received_ms));
    sheet
}

/// A person with their punches.
type Punches = (PersonId, Vec<(EventId, Attendance)>);

/// Adds the punches of a re-dated start that are not there yet.
fn join(read: &mut [Punches], more: Vec<Punches>, redating: &Redating) {
    for ((_, there), (_, more)) in read.iter_mut().zip(more) {
        let of = |punch: &Attendance| {
            (punch.device, punch.boot) == (redating.device, redating.boot) && !is_usable(punch)
        };
        let fresh = more
            .into_iter()
            .filter(|(id, punch)| of(punch) && !there.iter().any(|(known, _)| known == id));
        let fresh: Vec<_> = fresh.collect();
        there.extend(fresh);
    }
}

/// Whether days wait for this terminal: it has sent punches and is not shut out.
fn counts(device: &Device) -> bool {
    device.records > 0 && device.state != DeviceState::Revoked
}

/// Waits for sheets that are being computed, and gives each on.
async fn hand_over(
    computed: Option<JoinHandle<Vec<PersonSheet>>>,
    each: &mut impl FnMut(PersonSheet),
) -> Result<(), SheetsError> {
    let Some(computed) = computed else { return Ok(()) };
    let computed = computed.await.map_err(stopped)?;
    // Writing thousands of rows is no work for a thread that answers terminals.
    match Handle::current().runtime_flavor() {
        RuntimeFlavor::MultiThread => {
            tokio::task::block_in_place(|| computed.into_iter().for_each(each));
        }
        _ => computed.into_iter().for_each(each),
    }
    Ok(())
}

fn stopped(_: JoinError) -> ViewsError {
    ViewsError::Broken("a sheet stopped on an error of its own".into())
}

fn kept(day: &muster_attendance::Day) -> Map<String, Value> {
    let Ok(Value::Object(day)) = serde_json::to_value(day) else { return Map::new() };
    day.into_iter().filter(|(key, _)| KEPT.contains(&key.as_str())).collect()
}
