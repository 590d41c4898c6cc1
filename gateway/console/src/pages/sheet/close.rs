//! Closing a month: payroll is told what the sheets say, with what is still open named; whatever
//! changes later is an adjustment.

use super::matrix::escaped;
use super::{Month, people, seat};
use crate::app::{App, Shared};
use crate::guard::{Problem, Visitor, see_other};
use crate::words::Words;
use axum::Extension;
use axum::extract::{Form, State};
use axum::response::Response;
use muster_attendance::PersonId;
use muster_ledger::Closing;
use serde::Deserialize;
use std::sync::Arc;

/// Gaps that are named; the rest are counted.
const MAX_GAPS: usize = 50;

/// A month to close.
#[derive(Deserialize)]
pub(crate) struct Which {
    month: String,
    department: String,
}

/// `POST /sheets/close`.
pub(crate) async fn close(
    State(app): State<Shared>,
    Extension(visitor): Extension<Arc<Visitor>>,
    Form(which): Form<Which>,
) -> Result<Response, Problem> {
    let month = Month::read(&which.month).ok_or(Problem::Missing)?;
    let seat = seat(&visitor)?;
    let department = Some(which.department.clone()).filter(|name| !name.is_empty());
    // Everybody's month is closed by who sees everybody.
    let may = match &department {
        Some(department) => seat.sees(department),
        None => seat.sees_all(),
    };
    if !may || month.0 > app.zone.date(app.now_ms()) {
        return Err(Problem::Missing);
    }
    let gaps = gaps(&app, &visitor, month, department.as_deref()).await?;
    let closing = Closing {
        month: month.0,
        department,
        at_ms: 0,
        by: seat.account.clone(),
        gaps,
        terminals: app.handles.sheets.complete_until(),
    };
    app.handles.plans.close(closing).await.map_err(|_| Problem::NotSaved)?;
    let department = escaped(&which.department);
    Ok(see_other(&format!("/sheets?month={}&department={department}", month.word())))
}

/// What is open: terminals whose punches are missing, and how many days of people.
async fn gaps(
    app: &App,
    visitor: &Visitor,
    month: Month,
    department: Option<&str>,
) -> Result<Vec<String>, Problem> {
    let mut named = Vec::new();
    for device in app.handles.devices.list() {
        for gap in app.handles.plans.gaps(device.id) {
            named.push(format!(
                "{}: {} punches from {}-{} on are missing",
                device.name,
                gap.len(),
                gap.boot,
                gap.first
            ));
        }
    }
    let ids: Vec<PersonId> = people(app, seat(visitor)?, &visitor.t, department)
        .into_iter()
        .map(|shown| shown.person)
        .collect();
    let (mut days, mut of) = (0, 0);
    let sheets = app.handles.sheets.of(&ids, month.0, month.last(), |sheet| {
        days += sheet.sheet.month.open.len();
        of += usize::from(!sheet.sheet.month.open.is_empty());
    });
    sheets.await?;
    if days > 0 {
        named.push(format!("{days} days of {of} people were not final"));
    }
    named.truncate(MAX_GAPS);
    Ok(named)
}

/// A closing in words.
pub(crate) fn told(app: &App, closing: &Closing, t: &Words) -> String {
    let at = app.zone.stamp(closing.at_ms, 0, t);
    let told = t.fill("sheet-closed", &[("time", &at), ("by", &closing.by)]);
    let gaps = closing.gaps.iter().map(|gap| crate::app::visible(gap)).collect::<Vec<_>>();
    if gaps.is_empty() {
        told
    } else {
        format!("{told} {}", t.with("sheet-gaps", "gaps", &gaps.join("; ")))
    }
}
