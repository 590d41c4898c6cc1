//! How the box is run: what ends when, what waits for how long, who did what, how well it delivers.

use crate::build::{Input, per_mille};
use crate::document::{Cell, Section};
use crate::figures::AGES_DAYS;
use crate::words::Words;
use jiff::Timestamp;
use muster_residency::vocab::Connector;

/// Days before something ends from which it is told of.
const WARN_DAYS: i64 = 30;
/// Delivered within an hour of all that was permitted, per mille (R63).
const DELIVERY_GOAL: i64 = 996;
const DAY: i64 = 86_400;

/// What ends when: policy, papers, the law pack's review.
pub(super) fn calendar(w: Words, input: &Input<'_>) -> Section {
    let mut ends: Vec<(Timestamp, String, String)> = Vec::new();
    if let Some(rules) = input.rules {
        let header = &rules.policy().header;
        ends.push((header.effective_until, w.say("ends-policy"), rules.policy_id().to_owned()));
        let review = rules.law_pack().review_due.to_zoned(input.zone.clone());
        let review = review.map(|at| at.timestamp()).unwrap_or(Timestamp::MAX);
        ends.push((review, w.say("ends-review"), rules.law_pack().id.clone()));
    }
    for paper in input.figures.papers.iter().filter(|paper| !paper.withdrawn) {
        let what = format!("{} {} ({})", paper.number, paper.kind, paper.lane);
        ends.push((paper.to, w.say("ends-paper"), what));
    }
    ends.sort();
    let rows = ends.into_iter().map(|(at, kind, what)| {
        let days = (at.as_second() - input.made_at.as_second()).div_euclid(DAY);
        let left = match days {
            ..0 => Cell::Alarm(w.say("over")),
            0..=WARN_DAYS => Cell::Alarm(days.to_string()),
            _ => u64::try_from(days).unwrap_or(0).into(),
        };
        vec![input.moment(at).into(), kind.into(), what.into(), left]
    });
    Section::new(w, "calendar", &["ends", "kind", "what", "days-left"]).rows(rows)
}

/// What waits, by reason and age; and how long DingTalk still takes what waits for it.
pub(super) fn ageing(w: Words, input: &Input<'_>) -> Vec<Section> {
    let columns = ["reason", "count", "oldest", "d1", "d7", "d30", "d90", "d180", "older"];
    debug_assert_eq!(AGES_DAYS.len() + 4, columns.len());
    let rows = input.figures.waiting.iter().map(|(reason, held)| {
        let oldest = Cell::from(input.day_ms(held.oldest_ms));
        let mut row = vec![reason.as_str().into(), held.count.into(), oldest];
        row.extend(held.ages.map(Cell::from));
        row
    });
    let held = Section::new(w, "ageing", &columns).note(w.say("note-ageing")).rows(rows);
    vec![held, horizon(w, input)]
}

fn horizon(w: Words, input: &Input<'_>) -> Section {
    let limit = input.rules.map(|rules| rules.law_pack().deliver.dingtalk_max_age_days);
    let limit = i64::from(limit.unwrap_or(0));
    let dingtalk = input.destinations().iter().filter(|d| d.connector == Connector::Dingtalk);
    let rows = dingtalk.map(|destination| {
        let counted = input.counted(&destination.id);
        let oldest = counted.and_then(|counted| counted.oldest_waiting);
        let age = oldest.map(|at| (input.made_at.as_second() - at).div_euclid(DAY));
        let left = age.map(|age| limit - age);
        let left = match left {
            None => Cell::Empty,
            Some(..0) => Cell::Alarm(w.say("over")),
            Some(days @ 0..=WARN_DAYS) => Cell::Alarm(days.to_string()),
            Some(days) => u64::try_from(days).unwrap_or(0).into(),
        };
        let oldest = oldest.and_then(|at| at.checked_mul(1000)).map(|ms| input.day_ms(ms));
        vec![destination.id.as_str().into(), oldest.into(), left]
    });
    Section::new(w, "horizon", &["destination", "oldest", "days-left"])
        .note(w.say("note-horizon"))
        .rows(rows)
}

/// Who did what, how often.
pub(super) fn access(w: Words, input: &Input<'_>) -> Section {
    let rows = input
        .figures
        .access
        .iter()
        .map(|row| vec![row.actor.as_str().into(), row.act.as_str().into(), row.count.into()]);
    Section::new(w, "access", &["actor", "act", "count"]).note(w.say("note-access")).rows(rows)
}

/// Delivered of permitted, within an hour and in all; what could not be delivered apart.
pub(super) fn delivery(w: Words, input: &Input<'_>) -> Section {
    let columns = [
        "destination",
        "permitted",
        "in-time",
        "percent",
        "settled",
        "outstanding",
        "overdue",
        "expired",
        "rejected",
        "undeliverable",
        "pauses",
        "state",
    ];
    let rows = input.figures.destinations.iter().map(|one| {
        let share = per_mille(one.in_time.min(one.permitted), one.permitted);
        let state = match share {
            None => Cell::Empty,
            Some(_) if one.expired > 0 => Cell::Alarm(w.say("goal-missed")),
            Some(share) if share >= DELIVERY_GOAL => w.say("goal-met").into(),
            Some(_) => Cell::Alarm(w.say("goal-missed")),
        };
        let pauses: Vec<String> =
            one.pauses.iter().map(|(kind, count)| format!("{kind} {count}")).collect();
        vec![
            one.destination.as_str().into(),
            one.permitted.into(),
            one.in_time.into(),
            share.map_or(Cell::Empty, Cell::Tenths),
            one.settled.into(),
            one.outstanding.into(),
            one.overdue.into(),
            one.expired.into(),
            one.rejected.into(),
            (one.overdue + one.expired + one.rejected).into(),
            pauses.join(", ").into(),
            state,
        ]
    });
    Section::new(w, "delivery", &columns).note(w.say("note-delivery")).rows(rows)
}
